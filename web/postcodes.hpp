// Which state a postcode is mostly in, by its first two digits: configs/demo/postcodes.csv, which stands in the program. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace janji::web {

struct postcode_area {
  std::string digits;
  std::uint8_t state = 0;
};
// Of five digits, with blanks around them or not; none of anything else, and of digits that no state has.
[[nodiscard]] std::optional<postcode_area> area_of_postcode(std::string_view typed);

}  // namespace janji::web
