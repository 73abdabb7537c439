#include "net/http.hpp"

#include <algorithm>
#include <utility>

namespace janji::net {

namespace {

// `plus`: what a "+" stands for.
std::string decoded(std::string_view text, char plus) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0;
    if (escape) {
      out.push_back(static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2])));
      i += 2;
    } else {
      out.push_back(text[i] == '+' ? plus : text[i]);
    }
  }
  return out;
}

}  // namespace

std::string_view name_of(method m) {
  switch (m) {
    case method::get: return "GET";
    case method::head: return "HEAD";
    case method::post: return "POST";
    case method::put: return "PUT";
    case method::patch: return "PATCH";
    case method::del: return "DELETE";
    case method::options: return "OPTIONS";
    case method::other: return "other";
  }
  return "other";
}

void response::add(std::string_view name, std::string_view value) {
  if (std::ranges::any_of(value, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }))
    return;
  fields.append(name).append(": ").append(value).append("\r\n");
}

std::optional<std::string> decoded_path(std::string_view path) {
  if (!escapes_are_whole(path))
    return std::nullopt;
  auto out = decoded(path, '+');
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
  const bool another = std::ranges::count(out, '/') != std::ranges::count(path, '/');
  return another || std::ranges::any_of(out, is_control) ? std::nullopt : std::optional(std::move(out));
}

bool escapes_are_whole(std::string_view text) {
  for (auto at = text.find('%'); at != std::string_view::npos; at = text.find('%', at + 3))
    if (at + 2 >= text.size() || hex_digit(text[at + 1]) < 0 || hex_digit(text[at + 2]) < 0)
      return false;
  return true;
}

std::string query_text(std::string_view part) { return decoded(part, ' '); }

std::optional<std::string> query_parameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const auto part = next_part(query, '&');
    const auto equals = std::min(part.find('='), part.size());
    if (query_text(part.substr(0, equals)) == name)
      return query_text(part.substr(std::min(equals + 1, part.size())));
  }
  return std::nullopt;
}

std::string query_value(std::string_view query, std::string_view name) { return query_parameter(query, name).value_or(""); }

std::string_view bearer_token(std::string_view authorization) {
  constexpr std::string_view scheme = "bearer ";
  if (authorization.size() <= scheme.size() || !same_word(authorization.substr(0, scheme.size()), scheme))
    return {};
  return trimmed(authorization.substr(scheme.size()));
}

bool accepts_gzip(std::string_view accept_encoding) {
  bool others = false;  // what "*" says, should gzip not be named
  while (!accept_encoding.empty()) {
    auto coding = next_part(accept_encoding, ',');
    const auto name = trimmed(next_part(coding, ';'));
    const auto quality = trimmed(coding);
    const bool accepted = quality.empty() || quality.find_first_of("123456789") != std::string_view::npos;
    if (same_word(name, "gzip"))
      return accepted;
    if (name == "*")
      others = accepted;
  }
  return others;
}

bool matches_etag(std::string_view if_none_match, std::string_view etag) {
  const auto strong = [](std::string_view t) { return t.starts_with("W/") ? t.substr(2) : t; };
  while (!if_none_match.empty()) {
    const auto one = trimmed(next_part(if_none_match, ','));
    if (one == "*" || strong(one) == strong(etag))
      return true;
  }
  return false;
}

}  // namespace janji::net
