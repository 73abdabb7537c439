// What a text may hold that people and operators type and others read on screens, in lists and in logs: one rule for each of
// the two, for every way in. Valid UTF-8; no control characters; nothing that turns the direction of what stands behind it, is
// no character, cannot be seen or buries the lines above; spaces around it do not count, and the form is Unicode's NFC, so that
// one name typed on two keyboards is the same bytes. What is in real names stays: letters and marks of every script, joiners
// (Jawi, Tamil and Sinhala need them), apostrophes of every kind, @, /, dots, dashes; so do letters that this library does not
// know yet. Sources: Unicode 15.0, UAX #15 (NFC), UTS #39 5.4 (marks). Pure; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "booking/text_length.hpp"

namespace janji {

struct text_fault {
  std::string_view code;     // stable, for programs: not_utf8, control_character, ...
  std::string_view words;    // a sentence about "this text", and what to do
  std::size_t position = 0;  // of the character, from 1
  char32_t character = 0;    // of not_utf8 the byte
  friend bool operator==(const text_fault&, const text_fault&) = default;
};
// The sentence with its place: "... (character 5, U+0085)".
[[nodiscard]] std::string words_of(const text_fault& fault);

enum class text_lines : std::uint8_t { one, many };

// Of people: names, telephones, addresses; with many lines: notes, which may hold "\n" and tabs ("\r\n" and "\r" become "\n").
// What is nothing but blanks is "".
[[nodiscard]] std::expected<std::string, text_fault> people_text(std::string_view typed, text_lines lines = text_lines::one);
// Of operators: names of rounds and centres, districts, reasons. Always one line: line breaks and tabs in it are a space. A
// character that was lost on the way here (U+FFFD) is a fault.
[[nodiscard]] std::expected<std::string, text_fault> operator_text(std::string_view typed);

struct decoded_character {
  char32_t code = 0;      // of what is no UTF-8 the byte
  std::size_t bytes = 0;  // 0: no UTF-8 (RFC 3629)
};
// At the front of `text`, which is not empty.
[[nodiscard]] decoded_character decode_at(std::string_view text);
// Bytes of the character at the front of `text`, which is not empty; 0 when it is not UTF-8 (RFC 3629).
[[nodiscard]] std::size_t character_bytes(std::string_view text);
[[nodiscard]] bool is_utf8(std::string_view text);
// Without the blanks around it, also those that only Unicode knows. Bytes that are no UTF-8 are no blanks.
[[nodiscard]] std::string_view without_blanks_around(std::string_view text);
namespace limits {
// Marks and joiners on one letter: Burmese stacks five, UTS #39 would have four.
inline constexpr std::size_t marks_on_a_letter_max = 8;
inline constexpr std::size_t shown_text_characters_max = 60;
inline constexpr std::size_t shown_path_characters_max = 255;
}  // namespace limits

// As much of a text as a message repeats, in characters that harm neither a terminal nor JSON; whatever bytes it has.
[[nodiscard]] std::string shown_text(std::string_view text, std::size_t characters_max = limits::shown_text_characters_max);

}  // namespace janji
