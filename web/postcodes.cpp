#include "web/postcodes.hpp"

#include <algorithm>
#include <map>

#include "booking/states.hpp"
#include "web/embedded.hpp"
#include "booking/text_parts.hpp"

namespace janji::web {

namespace {

constexpr std::size_t postcode_digits = 5;
constexpr std::size_t area_digits = 2;

const std::map<std::string, std::uint8_t, std::less<>>& areas() {
  static const auto all = [] {
    std::map<std::string, std::uint8_t, std::less<>> out;
    auto rows = embedded("postcodes.csv");
    (void)next_part(rows, '\n');  // the header
    while (!rows.empty()) {
      auto row = next_part(rows, '\n');
      const auto digits = next_part(row, ',');
      if (const auto state = state_number(row); digits.size() == area_digits && state != 0)
        out.emplace(digits, state);
    }
    return out;
  }();
  return all;
}

}  // namespace

std::optional<postcode_area> area_of_postcode(std::string_view typed) {
  typed = trimmed(typed);
  if (typed.size() != postcode_digits || !std::ranges::all_of(typed, [](char c) { return c >= '0' && c <= '9'; }))
    return std::nullopt;
  const auto it = areas().find(typed.substr(0, area_digits));
  return it == areas().end() ? std::nullopt : std::optional(postcode_area{it->first, it->second});
}

}  // namespace janji::web
