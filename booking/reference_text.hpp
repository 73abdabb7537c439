// A reference as people write and read it out: twelve characters of Crockford's base 32 in groups of four, and a check
// character (value modulo 37, Crockford), which catches every wrong character and every swap of two neighbours. ISO 7064's
// MOD 37,36 would need I, L, O and U as check characters, which are read as 1, 1, 0 and V here.
// Source: Douglas Crockford, "Base 32". Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "booking/types.hpp"

namespace janji {

[[nodiscard]] std::string to_text(reference ref);  // 7K3M-92QX-4T8B-E; of a value of at most 60 bits
// Case, spaces and dashes do not matter; O is 0, I and L are 1. None when the check character does not fit.
[[nodiscard]] std::optional<reference> reference_from_text(std::string_view text);

}  // namespace janji
