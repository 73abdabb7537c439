// Parts of header lines and of lists in them. Pure.
#pragma once

#include <algorithm>
#include <string_view>

namespace janji::web {

// Takes what stands before the next separator off the front.
inline std::string_view next_part(std::string_view& list, char separator) {
  const auto end = std::min(list.find(separator), list.size());
  const auto part = list.substr(0, end);
  list.remove_prefix(std::min(end + 1, list.size()));
  return part;
}

inline std::string_view without_blanks(std::string_view text) {
  const auto from = text.find_first_not_of(" \t");
  return from == std::string_view::npos ? std::string_view{} : text.substr(from, text.find_last_not_of(" \t") - from + 1);
}

// Their case does not matter.
inline bool same_letters(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

}  // namespace janji::web
