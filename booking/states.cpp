#include "booking/states.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "booking/ascii_case.hpp"

namespace janji {

namespace {

constexpr std::array<std::string_view, state_count> names{
    "",       "Johor",    "Kedah",      "Kelantan", "Melaka",  "Negeri Sembilan",   "Pahang",      "Pulau Pinang",  "Perak",
    "Perlis", "Selangor", "Terengganu", "Sabah",    "Sarawak", "W.P. Kuala Lumpur", "W.P. Labuan", "W.P. Putrajaya"};

// Other names, as plain() leaves them, without what stands in front of a federal territory.
struct other_name {
  std::string_view plain;
  std::uint8_t number;
};
constexpr std::array other_names{other_name{"johore", 1},    other_name{"johordarultazim", 1}, other_name{"malacca", 4},
                                 other_name{"nsembilan", 5}, other_name{"negrisembilan", 5},   other_name{"penang", 7},
                                 other_name{"ppinang", 7},   other_name{"trengganu", 11},      other_name{"kualalumpur", 14},
                                 other_name{"kl", 14},       other_name{"labuan", 15},         other_name{"putrajaya", 16}};
constexpr std::array<std::string_view, 4> before_territory{"wilayahpersekutuan", "federalterritoryof", "federalterritory", "wp"};
constexpr std::size_t name_bytes_max = 64;

std::string plain(std::string_view name) {
  std::string out;
  for (const char c : name)
    if (c != ' ' && c != '.' && c != '-' && c != '\'' && c != '\t')
      out.push_back(lower_letter(c));
  return out;
}

// National Registration Department: 1 to 16 are the states themselves, 21 to 59 further codes of theirs.
constexpr std::array<std::uint8_t, 39> further_codes{1,  1,  1,  1,  2,  2,  2,  3,  3,  4,  5,  6,  6,  7,  7,  8,  8,  8,  8, 9,
                                                     10, 10, 10, 10, 11, 11, 12, 12, 12, 13, 13, 13, 13, 14, 14, 14, 14, 15, 5};

}  // namespace

std::string_view state_name(std::uint8_t number) { return number < names.size() ? names[number] : std::string_view{}; }

std::uint8_t state_number(std::string_view name) {
  if (name.size() > name_bytes_max)
    return 0;
  if (const auto exact = std::ranges::find(names, name); exact != names.end())
    return static_cast<std::uint8_t>(exact - names.begin());  // "" is number 0
  const auto wanted = plain(name);
  for (std::uint8_t i = 1; i < names.size(); ++i)
    if (plain(names[i]) == wanted)
      return i;
  std::string_view rest = wanted;
  std::uint8_t first = 1;
  for (const auto prefix : before_territory)
    if (rest.starts_with(prefix)) {
      rest.remove_prefix(prefix.size());
      first = 14;  // a state is no federal territory
      break;
    }
  const auto found = std::ranges::find(other_names, rest, &other_name::plain);
  return found != other_names.end() && found->number >= first ? found->number : std::uint8_t{0};
}

std::uint8_t state_of_birth_place(int code) {
  if (code >= 1 && code <= 16)
    return static_cast<std::uint8_t>(code);
  const auto at = static_cast<std::size_t>(code) - 21;
  return code >= 21 && at < further_codes.size() ? further_codes[at] : std::uint8_t{0};
}

}  // namespace janji
