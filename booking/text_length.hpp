// How long people's text may be, counted as people count: in characters, which are Unicode's code points here. Pure; any thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "booking/types.hpp"

namespace janji {

// Characters of UTF-8. What is counted is what people_text and operator_text (booking/text_rules.hpp) give.
[[nodiscard]] inline std::size_t text_length(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

namespace limits {
inline constexpr std::size_t character_bytes_max = 4;  // in UTF-8
inline constexpr std::size_t name_characters_max = 200;
inline constexpr std::size_t notes_characters_max = 500;
inline constexpr std::size_t phone_characters_max = 32;
inline constexpr std::size_t identity_characters_max = 64;  // of each of its parts, as typed
inline constexpr std::size_t text_characters_max = 200;     // of any other text of a person's or of a place
// What all limits of a person's text permit at once, in the widest characters. It must be able to come in, to be sealed and to be sent.
inline constexpr std::size_t person_bytes_max =
    character_bytes_max * (name_characters_max + notes_characters_max + phone_characters_max + 2 * text_characters_max +  // e-mail, state
                           4 * identity_characters_max);      // type, number, country, MyKad number
inline constexpr std::size_t person_framing_bytes_max = 512;  // members' names and a date; in a record, pointers, padding and the seal
inline constexpr std::size_t party_bytes_max = party_people_max * (person_bytes_max + person_framing_bytes_max);
static_assert(person_bytes_max + person_framing_bytes_max <= sealed_record_bytes_max);
}  // namespace limits

}  // namespace janji
