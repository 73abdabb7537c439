#include "booking/typed_signs.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace janji {

namespace {

// Beside those of ASCII: blanks, dashes, and what text of right and left takes along when it is copied, in UTF-8.
constexpr auto nothing = std::to_array<std::string_view>({
    "\xc2\xa0",     "\xc2\xad",     "\xd8\x9c",     "\xe1\xa0\x8e",                  // no-break, soft hyphen, Arabic, Mongolian
    "\xe2\x80\x82", "\xe2\x80\x83", "\xe2\x80\x87", "\xe2\x80\x89", "\xe2\x80\x8a",  // blanks
    "\xe2\x80\x8b", "\xe2\x80\x8c", "\xe2\x80\x8d", "\xe2\x80\x8e", "\xe2\x80\x8f",  // without width
    "\xe2\x80\x90", "\xe2\x80\x91", "\xe2\x80\x92", "\xe2\x80\x93", "\xe2\x80\x94", "\xe2\x80\x95",  // dashes
    "\xe2\x80\xaa", "\xe2\x80\xab", "\xe2\x80\xac", "\xe2\x80\xad",                                  // embeddings
    "\xe2\x80\xaf", "\xe2\x81\xa0",                                                                  // joiners
    "\xe2\x81\xa6", "\xe2\x81\xa7", "\xe2\x81\xa8", "\xe2\x81\xa9",                                  // isolates
    "\xe2\x88\x92", "\xef\xbb\xbf", "\xe3\x80\x80", "\xef\xbc\x8d", "\xef\xbc\x8e",  // minus, mark, blank, dash and stop of full width
});

std::size_t nothing_at(std::string_view s) {
  constexpr std::string_view of_ascii = " -\t\r\n";
  if (static_cast<unsigned char>(s.front()) < 0x80)
    return of_ascii.contains(s.front()) ? 1 : 0;
  const auto* const one = std::ranges::find_if(nothing, [&](std::string_view n) { return s.starts_with(n); });
  return one == nothing.end() ? 0 : one->size();
}

// Takes a character off the front, or a byte of one.
char narrow_at(std::string_view& s) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(s[i]); };
  if (s.size() >= 3 && byte(0) == 0xEF && (byte(1) == 0xBC || byte(1) == 0xBD)) {  // U+FF00 to U+FF7F
    const int code = (byte(1) - 0xBC) * 64 + byte(2) - 0x80;                       // from U+FF00 on, as ASCII from 0x20 on
    if (code >= 1 && code <= 0x5E) {
      s.remove_prefix(3);
      return static_cast<char>(code + 0x20);
    }
  }
  const char c = s.front();
  s.remove_prefix(1);
  return c;
}

}  // namespace

std::string typed_signs(std::string_view typed, std::string_view ignored) {
  std::string out;
  while (!typed.empty()) {
    if (const auto skip = nothing_at(typed); skip != 0) {
      typed.remove_prefix(skip);
      continue;
    }
    const char c = narrow_at(typed);
    if (!ignored.contains(c))
      out.push_back(c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c);
  }
  return out;
}

}  // namespace janji
