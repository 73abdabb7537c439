// The thirteen states and three federal territories of Malaysia, numbered 1 to 16 as in the population table that ships
// with the demo. Constant tables; any thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "booking/types.hpp"

namespace janji {

// "" for a number that no state has.
[[nodiscard]] std::string_view state_name(std::uint8_t number);
// 0 when it is none. Letters' case, spaces, dots and dashes do not matter; the usual other names are known too: Penang,
// Malacca, KL, "Wilayah Persekutuan Labuan", "Federal Territory of Putrajaya".
[[nodiscard]] std::uint8_t state_number(std::string_view name);
// The state that a MyKad's place-of-birth code (0 to 99) stands for; 0 when it stands for none.
[[nodiscard]] std::uint8_t state_of_birth_place(int code);

}  // namespace janji
