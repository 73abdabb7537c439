// What a browser sends with a form: names and values of application/x-www-form-urlencoded, and its cookies. Strict and bounded: whatever is
// not one of a form's own fields, each once and in UTF-8, is an error that names the field. Pure; any thread.
#pragma once

#include <expected>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace janji::web {

namespace limits {
inline constexpr std::size_t form_bytes_max = 64 * 1024;
inline constexpr std::size_t form_fields_max = 128;
inline constexpr std::size_t cookies_read_max = 64;
}  // namespace limits

enum class form_fault : std::uint8_t { not_a_form, too_many_fields, bad_escape, not_utf8, twice, unknown };

struct form_error {
  form_fault what;
  std::string field;  // "" where none can be named
};

class form {
public:
  static std::expected<form, form_error> read(std::string_view body);
  // A field that may stand several times (checkboxes) is read by all(); read() lets only these stand twice.
  [[nodiscard]] std::string_view get(std::string_view name) const;  // "" when absent
  [[nodiscard]] bool has(std::string_view name) const;
  [[nodiscard]] std::vector<std::string_view> all(std::string_view name) const;
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& fields() const { return fields_; }

private:
  std::vector<std::pair<std::string, std::string>> fields_;
};
inline constexpr std::string_view repeatable_field = "who";

// Of a field's name what is told of it: a stranger's may be long.
[[nodiscard]] std::string told(std::string_view name);
// Whether a body of that type is a form's. Parameters do not matter; none said is believed.
[[nodiscard]] bool is_form(std::string_view content_type);
// The value of a cookie (RFC 6265); none when it is not there. Of several with one name the first, which is the one of the nearest path.
[[nodiscard]] std::optional<std::string_view> cookie(std::string_view header, std::string_view name);

struct cookie_line {
  std::string_view name;
  std::string_view value;
  std::string_view path = "/";
  long max_age_s = 0;  // negative: for as long as the browser runs; 0: it is taken away
  bool http_only = true;
  bool secure = false;
};
[[nodiscard]] std::string to_text(const cookie_line& c);  // for Set-Cookie

}  // namespace janji::web
