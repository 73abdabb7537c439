#include "booking/typed_signs.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "booking/ascii_case.hpp"
#include "booking/text_rules.hpp"

namespace janji {

namespace {

struct range {
  char32_t first, last;
  [[nodiscard]] constexpr bool has(char32_t c) const { return c >= first && c <= last; }
};

constexpr std::array blanks{range{'\t', '\n'},     range{'\r', '\r'},     range{' ', ' '},
                            range{0xa0, 0xa0},     range{0x1680, 0x1680}, range{0x2000, 0x200a},
                            range{0x202f, 0x202f}, range{0x205f, 0x205f}, range{0x3000, 0x3000}};
constexpr std::array dashes{range{'-', '-'},       range{0x2010, 0x2015}, range{0x2043, 0x2043}, range{0x2212, 0x2212},
                            range{0x2e3a, 0x2e3b}, range{0xfe58, 0xfe58}, range{0xfe63, 0xfe63}, range{0xff0d, 0xff0d}};
// Nobody sees them: they come along when text is copied.
constexpr std::array unseen{range{0xad, 0xad},     range{0x61c, 0x61c},   range{0x180e, 0x180e}, range{0x200b, 0x200f},
                            range{0x202a, 0x202d}, range{0x2060, 0x2064}, range{0x2066, 0x2069}, range{0xfeff, 0xfeff}};
// Around a number, or between its parts, in text that was made to be read.
constexpr std::array quotes{range{'"', '"'},       range{'\'', '\''},     range{0xab, 0xab},     range{0xbb, 0xbb},
                            range{0x2018, 0x201f}, range{0x2039, 0x203a}, range{0xff02, 0xff02}, range{0xff07, 0xff07}};
constexpr std::array dots{range{0xb7, 0xb7},     range{0x2027, 0x2027}, range{0x2219, 0x2219},
                          range{0x22c5, 0x22c5}, range{0x30fb, 0x30fb}, range{0xff0e, 0xff0e}};

template <std::size_t N>
bool is_in(const std::array<range, N>& list, char32_t c) {
  return std::ranges::any_of(list, [c](const range& r) { return r.has(c); });
}

bool is_usual(char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }

// Of what is no UTF-8 one byte, which is no sign of ours.
decoded_character front_of(std::string_view s) {
  const auto c = decode_at(s);
  return c.bytes == 0 ? decoded_character{0xFFFD, 1} : c;
}

// Takes a character off the front, or a byte of one, and adds it; of full width as the usual one.
void take(std::string_view& from, const decoded_character& c, std::string& to, std::string_view ignored) {
  if (c.code >= 0xFF01 && c.code <= 0xFF5E) {
    const auto usual = static_cast<char>(c.code - 0xFF00 + 0x20);
    if (!ignored.contains(usual))
      to.push_back(usual);
  } else if (c.code >= 0x80 || !ignored.contains(from.front())) {
    to.append(from.substr(0, c.bytes));
  }
  from.remove_prefix(c.bytes);
}

}  // namespace

std::string typed_signs(std::string_view typed, std::string_view ignored) {
  std::string out;
  while (!typed.empty()) {
    const auto c = front_of(typed);
    if (is_usual(typed.front()))
      take(typed, c, out, ignored);
    else if (is_in(blanks, c.code) || is_in(dashes, c.code) || is_in(unseen, c.code) || is_in(quotes, c.code) || is_in(dots, c.code))
      typed.remove_prefix(c.bytes);
    else
      take(typed, c, out, ignored);
  }
  return in_capitals(std::move(out));
}

std::string typed_word(std::string_view typed) {
  if (std::ranges::all_of(typed, [](char c) { return is_usual(c) || c == '-' || c == ':'; }))
    return std::string(typed);
  std::string out;
  std::size_t last = 0;  // behind the last sign that is no blank
  while (!typed.empty()) {
    const auto c = front_of(typed);
    const bool blank = is_in(blanks, c.code);
    if (is_in(unseen, c.code) || (blank && out.empty())) {
      typed.remove_prefix(c.bytes);
      continue;
    }
    if (is_in(dashes, c.code)) {
      out.push_back('-');
      typed.remove_prefix(c.bytes);
    } else {
      take(typed, c, out, {});
    }
    if (!blank)
      last = out.size();
  }
  out.resize(last);
  return out;
}

}  // namespace janji
