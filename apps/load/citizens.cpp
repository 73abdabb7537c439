#include "apps/load/citizens.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <numeric>
#include <sstream>

namespace janji::load {

namespace {

using namespace std::chrono;

// Places of birth as the National Registration Department numbers them.
struct places {
  std::array<std::uint8_t, 5> codes;
  std::size_t count;
};
constexpr std::array<places, 17> places_of_state{{{{}, 0},
                                                  {{1, 21, 22, 23, 24}, 5},
                                                  {{2, 25, 26, 27}, 4},
                                                  {{3, 28, 29}, 3},
                                                  {{4, 30}, 2},
                                                  {{5, 31, 59}, 3},
                                                  {{6, 32, 33}, 3},
                                                  {{7, 34, 35}, 3},
                                                  {{8, 36, 37, 38, 39}, 5},
                                                  {{9, 40}, 2},
                                                  {{10, 41, 42, 43, 44}, 5},
                                                  {{11, 45, 46}, 3},
                                                  {{12, 47, 48, 49}, 4},
                                                  {{13, 50, 51, 52, 53}, 5},
                                                  {{14, 54, 55, 56, 57}, 5},
                                                  {{15, 58}, 2},
                                                  {{16}, 1}}};

// Births of adults of a round in the summer of 2021. The two digits of a year decide its century by what day it is, so only
// years that no later reader can take for a child's: 1940 to 2002.
constexpr sys_days first_senior{1940y / January / 1};
constexpr sys_days first_adult{1961y / June / 1};
constexpr sys_days end_adult{2003y / January / 1};
constexpr std::uint64_t serials = 10'000;
constexpr std::uint64_t senior_space = static_cast<std::uint64_t>((first_adult - first_senior).count()) * serials;
constexpr std::uint64_t adult_space = static_cast<std::uint64_t>((end_adult - first_adult).count()) * serials;
static_assert(senior_space > crowd::citizens_max && adult_space > crowd::citizens_max);

// index -> a place of its own among Space: an affine map whose factor shares no divisor with it.
template <std::uint64_t Space>
std::uint64_t scatter(std::uint64_t seed, std::uint64_t index) {
  constexpr auto factor = [] {
    std::uint64_t f = Space / 1'000 * 618 | 1;
    while (std::gcd(f, Space) != 1)
      f += 2;
    return f;
  }();
  return (index * factor + mix(seed, 0x5CA77E2) % Space) % Space;
}

void put_two(char* at, unsigned value) {
  at[0] = static_cast<char>('0' + value / 10 % 10);
  at[1] = static_cast<char>('0' + value % 10);
}

}  // namespace

std::expected<crowd, std::string> crowd::make(std::uint64_t seed, std::vector<state_population> populations) {
  crowd c;
  c.seed_ = seed;
  std::uint64_t sum = 0;
  for (const auto& p : populations) {
    if (p.code == 0 || p.code >= places_of_state.size())
      return std::unexpected("the population table names a state numbered " + std::to_string(p.code) + ", there are 1 to 16");
    if (p.seniors > p.adults)
      return std::unexpected("the population table has more people of 60 than of 18 in " + p.name);
    sum += p.adults;
    c.cumulative_.push_back(sum);
  }
  if (sum == 0)
    return std::unexpected("the population table has no adults");
  c.populations_ = std::move(populations);
  return c;
}

const state_population& crowd::draw(std::uint64_t random) const {
  const auto at = std::ranges::upper_bound(cumulative_, random % cumulative_.back());
  return populations_[static_cast<std::size_t>(at - cumulative_.begin())];
}

citizen crowd::at(std::uint64_t index) const {
  citizen c;
  c.index = index;
  const auto& home = draw(mix(seed_, index, 1));
  c.state = home.code;
  c.senior = mix(seed_, index, 2) % home.adults < home.seniors;
  const auto place = c.senior ? scatter<senior_space>(seed_, index) : scatter<adult_space>(seed_, index);
  const auto day = (c.senior ? first_senior : first_adult) + days{static_cast<int>(place / serials)};
  const year_month_day birth{day};
  const auto serial = static_cast<unsigned>(place % serials);
  const auto& codes = places_of_state[home.code];
  auto* out = c.mykad.data();
  put_two(out, static_cast<unsigned>(static_cast<int>(birth.year()) % 100));
  put_two(out + 2, static_cast<unsigned>(birth.month()));
  put_two(out + 4, static_cast<unsigned>(birth.day()));
  out[6] = '-';
  put_two(out + 7, codes.codes[mix(seed_, index, 3) % codes.count]);
  out[9] = '-';
  put_two(out + 10, serial / 100);
  put_two(out + 12, serial % 100);
  return c;
}

std::string_view crowd::state_name(std::uint8_t code) const {
  const auto it = std::ranges::find(populations_, code, &state_population::code);
  return it == populations_.end() ? std::string_view{} : std::string_view(it->name);
}

std::expected<std::vector<state_population>, std::string> read_populations(const std::string& csv_text) {
  std::vector<state_population> out;
  std::istringstream in(csv_text);
  std::string line;
  for (unsigned row = 1; std::getline(in, line); ++row) {
    if (!line.empty() && line.back() == '\r')
      line.pop_back();
    if (row == 1) {
      if (line != "state,idxs,pop,pop_18,pop_60")
        return std::unexpected("the population table must begin with state,idxs,pop,pop_18,pop_60");
      continue;
    }
    if (line.empty())
      continue;
    std::istringstream fields(line);
    std::string name;
    std::getline(fields, name, ',');
    std::array<std::uint64_t, 4> numbers{};
    for (auto& n : numbers) {
      std::string text;
      std::getline(fields, text, ',');
      const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
      if (ec != std::errc{} || end != text.data() + text.size())
        return std::unexpected("line " + std::to_string(row) + " of the population table: '" + text + "' is not a number");
    }
    if (numbers[0] != 0)
      out.push_back({name, static_cast<std::uint8_t>(std::min<std::uint64_t>(numbers[0], 255)), numbers[2], numbers[3]});
  }
  return out;
}

std::vector<state_population> known_populations() {
  return {{"Johor", 1, 2711900, 428700},          {"Kedah", 2, 1540600, 272500},
          {"Kelantan", 3, 1236200, 194100},       {"Melaka", 4, 677400, 118500},
          {"Negeri Sembilan", 5, 814400, 145000}, {"Pahang", 6, 1175800, 190200},
          {"Pulau Pinang", 7, 1367200, 239200},   {"Perak", 8, 1862700, 397300},
          {"Perlis", 9, 181200, 35100},           {"Selangor", 10, 4747900, 575800},
          {"Terengganu", 11, 808400, 115200},     {"Sabah", 12, 2758400, 238900},
          {"Sarawak", 13, 2042700, 332800},       {"W.P. Kuala Lumpur", 14, 1348600, 205800},
          {"W.P. Labuan", 15, 68500, 7900},       {"W.P. Putrajaya", 16, 67700, 5000}};
}

std::string key_of(std::uint64_t seed, std::uint64_t index, std::uint64_t purpose) {
  constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const std::array<std::uint64_t, 2> bits{mix(seed ^ 0x6B6579, index, purpose), mix(mix(seed, purpose), index, 0x6B6579)};
  std::string out(22, 'A');
  for (std::size_t i = 0; i < 11; ++i) {
    out[i] = letters[(bits[0] >> (i * 6)) & 63];
    out[i + 11] = letters[(bits[1] >> (i * 6)) & 63];
  }
  return out;
}

}  // namespace janji::load
