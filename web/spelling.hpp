// A reference or a code as it is read out: sign by sign, with words for the signs that have no letter's name. Pure.
#pragma once

#include <string>
#include <string_view>

#include "web/words.hpp"

namespace janji::web {

[[nodiscard]] std::string spelt(const words& w, language l, std::string_view code);

}  // namespace janji::web
