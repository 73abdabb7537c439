// The code that opens a booking beside its reference, for people who write it down: thirteen of the 32 plain signs of Crockford's alphabet,
// the first the token's generation, the rest 60 bits of a MAC over reference and generation. Nothing is stored; a front checks it alone.
// Pure; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "booking/types.hpp"
#include "web/sealed_box.hpp"

namespace janji::web {

inline constexpr std::uint8_t code_generations = 32;

// "4T8B-92QX-7K3M-5"; "" of a generation that the first sign has no room for.
[[nodiscard]] std::string booking_code(const secret_key& key, reference ref, std::uint8_t token_generation);
// The generation that it was made for; in the same time whatever is wrong. Case, blanks and dashes do not matter; O is 0, I and L are 1.
[[nodiscard]] std::optional<std::uint8_t> check_booking_code(const secret_key& key, reference ref, std::string_view code);
// A reference, as reference_from_text() reads it, or its first twelve signs without the one that checks them.
[[nodiscard]] std::optional<reference> typed_reference(std::string_view text);

}  // namespace janji::web
