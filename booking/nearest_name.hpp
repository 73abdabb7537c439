// The known name that a misspelt one was meant to be. Pure; any thread.
#pragma once

#include <span>
#include <string_view>

namespace janji {

// By letters left out, added, changed or swapped (Damerau's distance), whatever their case, and by the same words in another order
// (min_age); "" when none is near.
[[nodiscard]] std::string_view nearest_name(std::string_view given, std::span<const std::string_view> known);

}  // namespace janji
