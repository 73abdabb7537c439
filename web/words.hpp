// Everything the pages say, in every language: messages by ICU's MessageFormat, dates and hours by its formats, never by hand.
//
// Owns the messages, parsed once. Threads: one object for each thread; ICU's formats are not to be shared.
#pragma once

#include <cstdint>
#include <expected>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "booking/civil_time.hpp"
#include "web/language.hpp"

namespace janji::web {

struct argument {
  std::string_view name;
  std::variant<std::int64_t, std::string_view> value;
};

class words {
public:
  // An error names the file, the key and what is wrong: a key that another language lacks, a pattern that is none.
  static std::expected<std::unique_ptr<words>, std::string> load();
  ~words();

  // A message without arguments. A key that there is not is a fault of the program's.
  [[nodiscard]] const std::string& say(language l, std::string_view key) const;
  // Values that are written from right to left are isolated: what stands beside them keeps its place.
  [[nodiscard]] std::string say(language l, std::string_view key, std::initializer_list<argument> arguments) const;
  [[nodiscard]] bool has(std::string_view key) const;
  [[nodiscard]] std::vector<std::string> keys() const;
  // As it stands in the file.
  [[nodiscard]] const std::string& pattern(language l, std::string_view key) const;

  [[nodiscard]] std::string date(language l, civil_date day) const;        // Monday, 7 June 2021
  [[nodiscard]] std::string short_date(language l, civil_date day) const;  // Mon, 7 Jun
  [[nodiscard]] std::string month(language l, civil_date day) const;       // June 2021
  struct weekday_name {
    std::string full;
    std::string narrow;
  };
  [[nodiscard]] const std::vector<weekday_name>& weekdays(language l) const;      // from Monday on
  [[nodiscard]] std::string hour(language l, std::uint16_t minute_of_day) const;  // 9:00, 20:30
  [[nodiscard]] std::string hours(language l, std::uint16_t from, std::uint16_t to) const;
  // A moment by the clock of a zone: 12:34:56.
  [[nodiscard]] std::string clock(language l, unix_ms at, std::chrono::minutes offset) const;
  // When something begins, as one says it: "today, 12:00 noon".
  [[nodiscard]] std::string when(language l, unix_ms at, unix_ms now, std::chrono::minutes offset) const;
  [[nodiscard]] std::string number(language l, std::int64_t n) const;  // 956,609

private:
  struct message;
  struct of_language;
  struct tables;
  words();
  static std::expected<void, std::string> read_messages(language l, of_language& out);
  static void make_formats(language l, of_language& out);

  std::unique_ptr<tables> tables_;
};

}  // namespace janji::web
