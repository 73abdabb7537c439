#include "booking/text_rules.hpp"

#include <fmt/format.h>
#include <utf8proc.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <optional>

#include "booking/assert.hpp"

namespace janji {

decoded_character decode_at(std::string_view text) {
  if (const auto byte = static_cast<unsigned char>(text.front()); byte < 0x80)
    return {byte, 1};
  utf8proc_int32_t code = 0;
  const auto n =
      utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()), static_cast<utf8proc_ssize_t>(text.size()), &code);
  if (n <= 0)
    return {static_cast<unsigned char>(text.front()), 0};
  return {static_cast<char32_t>(code), static_cast<std::size_t>(n)};
}

namespace {

utf8proc_category_t category_of(char32_t c) { return utf8proc_category(static_cast<utf8proc_int32_t>(c)); }

bool between(char32_t c, char32_t first, char32_t last) { return c >= first && c <= last; }

// Nothing is seen of it, and no word changes without it: they come along from web pages and word processors.
bool is_invisible_filling(char32_t c) {
  return c == 0xad || c == 0x180e || c == 0x200b || between(c, 0x2060, 0x2064) || c == 0xfeff;  // the last are of formulas
}

// Nothing is seen of it where it stands alone.
bool is_unseen(char32_t c) {
  if (c == 0x115f || c == 0x1160 || c == 0x3164 || c == 0xffa0 || c == 0x2800 || between(c, 0xe0000, 0xe0fff))
    return true;  // fillers of Hangul, the empty Braille pattern, ignorable whether assigned or not
  switch (category_of(c)) {
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME: return true;
    default: return false;
  }
}

// No reader sees somebody's name in it where there is nothing else: a note without its head, what stands for a picture or for a character
// that was lost, what each font draws as it likes, what is never a sign. A letter may be newer than this library.
bool says_nothing(char32_t c) {
  if (is_unseen(c) || c == 0x1d159 || c == 0xfffc || c == 0xfffd)
    return true;
  constexpr char32_t of_a_plane = 0xffff;
  const bool never_a_sign = (c & of_a_plane) >= 0xfffe || between(c, 0xfdd0, 0xfdef);
  constexpr char32_t planes_of_scripts_end = 0x40000;
  const auto category = category_of(c);
  return never_a_sign || category == UTF8PROC_CATEGORY_CO || (category == UTF8PROC_CATEGORY_CN && c >= planes_of_scripts_end);
}

// Marks, joiners and the like, which are drawn on, or glued to, what stands before them.
bool is_attached(char32_t c) {
  switch (category_of(c)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_CF: return true;
    default: return false;
  }
}

struct text_rule {
  bool lines = false;          // "\n" and tabs stand as they are
  bool breaks_spaced = false;  // they become a space
  bool losses = true;          // U+FFFD may stand in it
};

std::optional<text_fault> fault_of(char32_t c, const text_rule& rule) {
  const auto fault = [&](std::string_view code, std::string_view words) { return text_fault{code, words, 0, c}; };
  if (category_of(c) == UTF8PROC_CATEGORY_CC && !(rule.lines && (c == '\n' || c == '\t')))
    return fault("control_character", "This text has a character that cannot be shown; delete it.");
  if (c == 0x2028 || c == 0x2029)
    return fault("line_separator", "This text has a line separator of word processors; delete it.");
  if (between(c, 0x202a, 0x202e) || between(c, 0x2066, 0x2069))
    return fault("direction_control", "This text has a character that turns the direction of writing; delete it.");
  if ((c & 0xfffe) == 0xfffe || between(c, 0xfdd0, 0xfdef))
    return fault("no_character", "This text has a code that is no character; delete it.");
  if (between(c, 0x206a, 0x206f) || between(c, 0xfff9, 0xfffb) || between(c, 0xe0000, 0xe007f))
    return fault("hidden_character", "This text has a character that nobody sees; delete it.");
  if (c == 0xfffd && !rule.losses)
    return fault("lost_character", "A character of this text was lost when it was converted; type it again.");
  return std::nullopt;
}

// What may be cut off at both ends. Marks and joiners belong to the letter in front of them.
bool is_blank(char32_t c) {
  const auto category = category_of(c);
  const bool mark = category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_MC || category == UTF8PROC_CATEGORY_ME;
  return c == '\r' || (is_unseen(c) && !mark && c != 0x200c && c != 0x200d && !fault_of(c, {.lines = true}));
}

std::string_view cut_blanks(std::string_view text) {
  std::size_t begin = text.size();
  std::size_t end = 0;
  bool on_letter = false;  // since the last letter nothing but what belongs to it
  for (std::size_t i = 0; i < text.size();) {
    const auto c = decode_at(text.substr(i));
    const bool blank = c.bytes != 0 && is_blank(c.code);
    if (!blank)
      begin = std::min(begin, i);
    i += std::max<std::size_t>(c.bytes, 1);
    on_letter = !blank && (on_letter || c.bytes == 0 || !is_unseen(c.code) || fault_of(c.code, {.lines = true}));
    if (on_letter)
      end = i;
  }
  return end <= begin ? std::string_view{} : text.substr(begin, end - begin);
}

bool has_something_to_see(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto c = decode_at(text.substr(i));
    if (!says_nothing(c.code))
      return true;
    i += c.bytes;
  }
  return false;
}

std::string composed(std::string_view text) {
  utf8proc_uint8_t* made = nullptr;
  const auto size = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()), static_cast<utf8proc_ssize_t>(text.size()), &made,
                                 static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> kept(made, &std::free);
  assert_always(size >= 0, "what is UTF-8 can be composed");
  return {reinterpret_cast<const char*>(made), static_cast<std::size_t>(size)};
}

std::optional<text_fault> flood_of_marks(std::string_view text) {
  std::size_t attached = 0;
  for (std::size_t position = 1; !text.empty(); ++position) {
    const auto c = decode_at(text);
    attached = is_attached(c.code) ? attached + 1 : 0;
    if (attached > limits::marks_on_a_letter_max)
      return text_fault{"too_many_marks", "This text has too many marks on one letter; delete some.", position, c.code};
    text.remove_prefix(c.bytes);
  }
  return std::nullopt;
}

// Nearly all texts: nothing to look up, nothing to change.
bool is_plain(std::string_view text) {
  return text.empty() ||
         (text.front() != ' ' && text.back() != ' ' && std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; }));
}

std::expected<std::string, text_fault> text_by(std::string_view typed, const text_rule& rule) {
  if (is_plain(typed))
    return std::string(typed);
  std::string out;
  out.reserve(typed.size());
  std::size_t position = 0;
  std::size_t attached = 0;
  if (!is_utf8(typed)) {
    for (std::size_t bytes = 0; (bytes = character_bytes(typed)) != 0; ++position)
      typed.remove_prefix(bytes);
    return std::unexpected(text_fault{"not_utf8", "This text is not UTF-8.", position + 1, static_cast<unsigned char>(typed.front())});
  }
  auto rest = cut_blanks(typed);
  if (!rest.empty())
    position = text_length(typed.substr(0, static_cast<std::size_t>(rest.data() - typed.data())));
  while (!rest.empty()) {
    auto [c, bytes] = decode_at(rest);
    const auto written = rest.substr(0, bytes);
    rest.remove_prefix(bytes);
    ++position;
    if (is_invisible_filling(c))
      continue;
    if (c == '\r' && (rule.lines || rule.breaks_spaced)) {
      if (!rest.empty() && rest.front() == '\n')
        continue;
      c = '\n';
    }
    if (rule.breaks_spaced && (c == '\n' || c == '\t'))
      c = ' ';
    auto wrong = fault_of(c, rule);
    attached = is_attached(c) ? attached + 1 : 0;
    if (!wrong && attached > limits::marks_on_a_letter_max)
      wrong = text_fault{"too_many_marks", "This text has too many marks on one letter; delete some.", 0, c};
    if (wrong) {
      wrong->position = position;
      return std::unexpected(*wrong);
    }
    if (c < 0x80)
      out.push_back(static_cast<char>(c));
    else
      out.append(written);
  }
  out = composed(out);
  if (const auto wrong = flood_of_marks(out))  // some marks are two in the usual form
    return std::unexpected(*wrong);
  const auto kept = cut_blanks(out);
  return has_something_to_see(kept) ? std::string(kept) : std::string{};
}

}  // namespace

std::string words_of(const text_fault& fault) {
  if (fault.code == "not_utf8")
    return fmt::format("{} (character {}, byte {:02X})", fault.words, fault.position, static_cast<unsigned>(fault.character));
  return fmt::format("{} (character {}, U+{:04X})", fault.words, fault.position, static_cast<unsigned>(fault.character));
}

std::expected<std::string, text_fault> people_text(std::string_view typed, text_lines lines) {
  return text_by(typed, {.lines = lines == text_lines::many});
}

std::expected<std::string, text_fault> operator_text(std::string_view typed) {
  return text_by(typed, {.breaks_spaced = true, .losses = false});
}

std::size_t character_bytes(std::string_view text) { return decode_at(text).bytes; }

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const auto bytes = character_bytes(text);
    if (bytes == 0)
      return false;
    text.remove_prefix(bytes);
  }
  return true;
}

std::string_view without_blanks_around(std::string_view text) { return is_plain(text) ? text : cut_blanks(text); }

std::string shown_text(std::string_view text, std::size_t characters_max) {
  std::string out;
  std::size_t characters = 0;
  while (!text.empty()) {
    if (characters++ == characters_max)
      return out + "...";
    const auto c = decode_at(text);
    if (c.bytes == 0)
      out += fmt::format("\\x{:02X}", static_cast<unsigned>(c.code));
    else if (fault_of(c.code, {}) || is_invisible_filling(c.code))
      out += fmt::format("\\u{:04X}", static_cast<unsigned>(c.code));
    else
      out.append(text.substr(0, c.bytes));
    text.remove_prefix(std::max<std::size_t>(c.bytes, 1));
  }
  return out;
}

}  // namespace janji
