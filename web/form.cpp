#include "web/form.hpp"

#include <algorithm>

#include "booking/text_parts.hpp"
#include "booking/text_rules.hpp"

namespace janji::web {

namespace {

std::optional<std::string> decoded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      if (i + 2 >= text.size() || hex_digit(text[i + 1]) < 0 || hex_digit(text[i + 2]) < 0)
        return std::nullopt;
      out += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
    }
  }
  return out;
}

}  // namespace

std::string told(std::string_view name) {
  constexpr std::size_t told_bytes_max = 64;
  return std::string(cut(name, told_bytes_max));
}

bool is_form(std::string_view content_type) {
  if (content_type.empty())
    return true;
  constexpr std::string_view wanted = "application/x-www-form-urlencoded";
  return same_word(trimmed(content_type.substr(0, content_type.find(';'))), wanted);
}

std::expected<form, form_error> form::read(std::string_view body) {
  if (body.size() > limits::form_bytes_max)
    return std::unexpected(form_error{form_fault::not_a_form, {}});
  form out;
  while (!body.empty()) {
    const auto part = next_part(body, '&');
    if (part.empty())
      continue;
    if (out.fields_.size() == limits::form_fields_max)
      return std::unexpected(form_error{form_fault::too_many_fields, {}});
    const auto equals = std::min(part.find('='), part.size());
    auto name = decoded(part.substr(0, equals));
    auto value = decoded(part.substr(std::min(equals + 1, part.size())));
    if (!name || !value)
      return std::unexpected(form_error{form_fault::bad_escape, name && is_utf8(*name) ? told(*name) : std::string{}});
    if (!is_utf8(*name) || !is_utf8(*value))
      return std::unexpected(form_error{form_fault::not_utf8, is_utf8(*name) ? told(*name) : std::string{}});
    if (*name != repeatable_field && out.has(*name))
      return std::unexpected(form_error{form_fault::twice, told(*name)});
    out.fields_.emplace_back(std::move(*name), std::move(*value));
  }
  return out;
}

std::string_view form::get(std::string_view name) const {
  for (const auto& [n, value] : fields_)
    if (n == name)
      return value;
  return {};
}

bool form::has(std::string_view name) const {
  return std::ranges::any_of(fields_, [&](const auto& f) { return f.first == name; });
}

std::vector<std::string_view> form::all(std::string_view name) const {
  std::vector<std::string_view> out;
  for (const auto& [n, value] : fields_)
    if (n == name)
      out.push_back(value);
  return out;
}

std::optional<std::string_view> cookie(std::string_view header, std::string_view name) {
  for (std::size_t i = 0; i < limits::cookies_read_max && !header.empty(); ++i) {
    const auto one = trimmed(next_part(header, ';'));
    const auto equals = one.find('=');
    if (equals != std::string_view::npos && one.substr(0, equals) == name)
      return one.substr(equals + 1);
  }
  return std::nullopt;
}

std::string to_text(const cookie_line& c) {
  std::string out;
  out.append(c.name).append("=").append(c.value).append("; Path=").append(c.path).append("; SameSite=Lax");
  if (c.max_age_s >= 0)
    out.append("; Max-Age=").append(std::to_string(c.max_age_s));
  if (c.http_only)
    out += "; HttpOnly";
  if (c.secure)
    out += "; Secure";
  return out;
}

}  // namespace janji::web
