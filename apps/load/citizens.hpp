// A synthetic crowd: citizen number i of seed s is always the same person, and no two numbers of a seed share an identity
// number. States are drawn by their adult population. Pure; safe from any thread.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace janji::load {

struct citizen {
  std::uint64_t index = 0;
  std::uint8_t state = 0;        // 1..16 as in the population table
  bool senior = false;           // 60 and over
  std::array<char, 14> mykad{};  // 900101-14-5678
  [[nodiscard]] std::string_view number() const { return {mykad.data(), mykad.size()}; }
};

struct state_population {
  std::string name;
  std::uint8_t code = 0;
  std::uint64_t adults = 0;
  std::uint64_t seniors = 0;
};

class crowd {
public:
  static constexpr std::uint64_t citizens_max = 50'000'000;

  // `populations`: one entry a state. Errors are one sentence.
  static std::expected<crowd, std::string> make(std::uint64_t seed, std::vector<state_population> populations);

  // index < citizens_max.
  [[nodiscard]] citizen at(std::uint64_t index) const;
  [[nodiscard]] std::string_view state_name(std::uint8_t code) const;
  // A state drawn by its adults with a random number.
  [[nodiscard]] const state_population& draw(std::uint64_t random) const;
  [[nodiscard]] const std::vector<state_population>& populations() const { return populations_; }
  [[nodiscard]] std::uint64_t seed() const { return seed_; }

private:
  crowd() = default;
  std::uint64_t seed_ = 0;
  std::vector<state_population> populations_;
  std::vector<std::uint64_t> cumulative_;
};

// configs/demo/population-by-state.csv: state,idxs,pop,pop_18,pop_60; the line of the whole country (number 0) is left out.
std::expected<std::vector<state_population>, std::string> read_populations(const std::string& csv_text);
// The same, from the census figures compiled in: so that the generator needs no file.
std::vector<state_population> known_populations();

// The idempotency key of a citizen's purpose: 22 characters, 128 bits, the same for the same (seed, index, purpose).
[[nodiscard]] std::string key_of(std::uint64_t seed, std::uint64_t index, std::uint64_t purpose);

// SplitMix64 (Steele, Lea, Flood 2014): the generator's only source of chance.
[[nodiscard]] constexpr std::uint64_t mix(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15ULL;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31);
}
[[nodiscard]] constexpr std::uint64_t mix(std::uint64_t a, std::uint64_t b, std::uint64_t c = 0) { return mix(mix(mix(a) ^ b) ^ c); }

}  // namespace janji::load
