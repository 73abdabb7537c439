// The node's configuration: one typed registry from which validation, --help and the documentation are made. Sources, the
// later wins: defaults, the TOML file, the environment (JANJI_<SECTION>_<NAME>), flags. An unknown key is an error with
// its file, line and column; secrets are never printed.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace janji::apps {

using setting_value = std::variant<std::int64_t, double, std::string, bool>;

struct setting {
  std::string_view name;  // section.name, as in the file
  std::string_view doc;
  std::string_view unit;
  setting_value standard;
  double least = 0;  // of a number; of a text, its bytes
  double greatest = 0;
  bool secret = false;
  std::string_view choices = {};  // of a text, separated by ", "; "": any
};

// Every setting there is.
std::span<const setting> registry();

class settings {
public:
  settings();
  // Errors are a sentence each, on a line of its own, naming file, line and column, variable or flag: all that are in a file, or in the
  // environment, at once. What is right is set all the same.
  std::expected<void, std::string> read_file(const std::string& path);
  std::expected<void, std::string> read_text(std::string_view text, const std::string& path);
  std::expected<void, std::string> read_environment();
  std::expected<void, std::string> set(std::string_view name, std::string_view text, std::string_view where);

  [[nodiscard]] std::int64_t number(std::string_view name) const;
  [[nodiscard]] double real(std::string_view name) const;
  [[nodiscard]] bool flag(std::string_view name) const;
  [[nodiscard]] const std::string& text(std::string_view name) const;
  // All of them as TOML; secrets hidden.
  [[nodiscard]] std::string show() const;

private:
  std::map<std::string_view, setting_value> values_;
};

// docs/configuration.md
std::string registry_as_markdown();

}  // namespace janji::apps
