// Letters of ASCII in one case; whatever else there is stays as it is. Pure; any thread.
#pragma once

#include <algorithm>
#include <string>

namespace janji {

[[nodiscard]] constexpr char lower_letter(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
[[nodiscard]] inline std::string in_lower_case(std::string text) {
  std::ranges::transform(text, text.begin(), lower_letter);
  return text;
}

[[nodiscard]] constexpr char upper_letter(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }
[[nodiscard]] inline std::string in_capitals(std::string text) {
  std::ranges::transform(text, text.begin(), upper_letter);
  return text;
}

}  // namespace janji
