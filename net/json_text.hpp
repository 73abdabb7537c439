// JSON written by hand, where building a document first would cost more than what it is about.
#pragma once

#include <charconv>
#include <concepts>
#include <string>
#include <string_view>

namespace janji::net {

// As a JSON string, with its quotes. `text` is UTF-8.
void append_json(std::string& out, std::string_view text);

template <std::integral T>
void append_number(std::string& out, T value) {
  char digits[24];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

}  // namespace janji::net
