// The sentences that people read, by language and key. They stand in configs/messages, one file a language, and are built in
// (cmake/JanjiMessages.cmake). Pure; any thread.
//
// A sentence is written as ICU's MessageFormat has it, of which this reads a part, strictly, so that ICU can read the same files:
//   {name}                                      an argument; numbers in groups of three
//   {name, plural, =0 {...} one {...} other {...}}   by a number; # is that number
// An apostrophe, which would quote there, is an error: ’ is written.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace janji::net {

struct message {
  std::string_view language;
  std::string_view key;
  std::string_view text;
};

// What stands for a placeholder of that name.
struct argument {
  std::string_view name;  // a constant
  std::variant<std::int64_t, std::string> value;
  friend bool operator==(const argument&, const argument&) = default;
};

// All of them, by language and then by key.
[[nodiscard]] std::span<const message> all_messages();
[[nodiscard]] std::optional<std::string_view> find_message(std::string_view language, std::string_view key);

// None: the text cannot be read, or an argument of it is not there.
[[nodiscard]] std::optional<std::string> format_message(std::string_view language, std::string_view text,
                                                        std::span<const argument> arguments);

// The category that a language gives to a number ("one", "other"), as CLDR has it.
[[nodiscard]] std::string_view plural_category(std::string_view language, std::int64_t n);

// A placeholder of a text: its name, and the categories that it tells apart.
struct placeholder {
  std::string_view name;
  std::vector<std::string_view> categories;
};
// All of a text, in their order, those inside of others too; an error says what is wrong with it.
[[nodiscard]] std::expected<std::vector<placeholder>, std::string> placeholders_of(std::string_view text);

}  // namespace janji::net
