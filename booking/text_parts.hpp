// Parts of header lines, lists and addresses. Pure functions over views; any thread.
#pragma once

#include <algorithm>
#include <string_view>

#include "booking/ascii_case.hpp"

namespace janji {

// Takes what stands before the next separator off the front.
[[nodiscard]] inline std::string_view next_part(std::string_view& list, char separator) {
  const auto end = std::min(list.find(separator), list.size());
  const auto part = list.substr(0, end);
  list.remove_prefix(std::min(end + 1, list.size()));
  return part;
}

// Without the spaces and tabs around it.
[[nodiscard]] inline std::string_view trimmed(std::string_view text) {
  const auto from = text.find_first_not_of(" \t");
  return from == std::string_view::npos ? std::string_view{} : text.substr(from, text.find_last_not_of(" \t") - from + 1);
}

// Whether they are the same but for the case of ASCII's letters.
[[nodiscard]] inline bool same_word(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lower_letter, lower_letter);
}

// -1: it is none.
[[nodiscard]] constexpr int hex_digit(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

}  // namespace janji
