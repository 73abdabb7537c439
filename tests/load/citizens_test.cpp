#include "apps/load/citizens.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <fstream>
#include <sstream>
#include <unordered_set>

#include "booking/identity.hpp"
#include "booking/states.hpp"

namespace janji::load {
namespace {

using namespace std::chrono;

crowd some_crowd(std::uint64_t seed) { return crowd::make(seed, known_populations()).value(); }

TEST(citizens, a_number_is_always_the_same_person) {
  const auto one = some_crowd(5);
  const auto two = some_crowd(5);
  for (std::uint64_t i = 0; i < 1000; ++i) {
    EXPECT_EQ(one.at(i).number(), two.at(i).number());
    EXPECT_EQ(one.at(i).state, two.at(i).state);
  }
  EXPECT_NE(one.at(0).number(), some_crowd(6).at(0).number());
}

TEST(citizens, no_two_share_an_identity_number) {
  const auto people = some_crowd(1);
  std::unordered_set<std::string> seen;
  for (std::uint64_t i = 0; i < 1'200'000; ++i)
    ASSERT_TRUE(seen.emplace(people.at(i).number()).second) << i << " " << people.at(i).number();
}

TEST(citizens, the_last_numbers_do_not_repeat_the_first) {
  const auto people = some_crowd(1);
  std::unordered_set<std::string> seen;
  for (std::uint64_t i = 0; i < 200'000; ++i) {
    ASSERT_TRUE(seen.emplace(people.at(i).number()).second);
    ASSERT_TRUE(seen.emplace(people.at(crowd::citizens_max - 1 - i).number()).second);
  }
}

TEST(citizens, the_server_takes_every_one_of_them_for_a_possible_adult) {
  const auto people = some_crowd(3);
  const year_month_day booked{2021y / June / 7};
  for (const year_month_day today : {year_month_day{2021y / May / 26}, year_month_day{2026y / November / 24}})
    for (std::uint64_t i = 0; i < 50'000; ++i) {
      const auto c = people.at(i);
      const auto who = read_identity({.kind = "mykad", .number = c.number()}, today);
      ASSERT_TRUE(who) << c.number() << ": " << code_of(who.error().error);
      const auto age = age_on(who->birth.value(), booked);
      ASSERT_GE(age, 18) << c.number();
      ASSERT_LE(age, 120);
      ASSERT_EQ(age >= 60, c.senior) << c.number();
    }
}

TEST(citizens, live_where_the_population_lives) {
  const auto people = some_crowd(9);
  constexpr int drawn = 400'000;
  std::array<int, 17> lives{};
  std::array<int, 17> seniors{};
  for (int i = 0; i < drawn; ++i) {
    const auto c = people.at(static_cast<std::uint64_t>(i));
    ++lives[c.state];
    seniors[c.state] += c.senior ? 1 : 0;
  }
  double adults = 0;
  for (const auto& p : people.populations())
    adults += static_cast<double>(p.adults);
  for (const auto& p : people.populations()) {
    const double expected = static_cast<double>(p.adults) / adults * drawn;
    EXPECT_NEAR(lives[p.code], expected, 5 * std::sqrt(expected)) << p.name;
    const double old = expected * static_cast<double>(p.seniors) / static_cast<double>(p.adults);
    EXPECT_NEAR(seniors[p.code], old, 5 * std::sqrt(old)) << p.name;
  }
}

TEST(citizens, the_compiled_table_is_the_file_that_ships) {
  std::ifstream in("configs/demo/population-by-state.csv");
  std::stringstream text;
  text << in.rdbuf();
  const auto file = read_populations(text.str());
  ASSERT_TRUE(file) << file.error();
  const auto known = known_populations();
  ASSERT_EQ(file->size(), known.size());
  for (std::size_t i = 0; i < known.size(); ++i) {
    EXPECT_EQ((*file)[i].name, known[i].name);
    EXPECT_EQ((*file)[i].code, known[i].code);
    EXPECT_EQ((*file)[i].adults, known[i].adults);
    EXPECT_EQ((*file)[i].seniors, known[i].seniors);
    EXPECT_EQ(state_name(known[i].code), known[i].name) << "the server must know the state by this name";
  }
}

TEST(citizens, a_broken_table_is_refused_in_words) {
  EXPECT_FALSE(read_populations("name,number\n"));
  EXPECT_FALSE(read_populations("state,idxs,pop,pop_18,pop_60\nJohor,one,1,1,1\n"));
  EXPECT_FALSE(crowd::make(1, {}));
  EXPECT_FALSE(crowd::make(1, {{"Atlantis", 99, 5, 1}}));
}

TEST(citizens, keys_are_of_the_length_and_letters_the_server_takes_and_unique) {
  std::unordered_set<std::string> seen;
  for (std::uint64_t i = 0; i < 100'000; ++i)
    for (const std::uint64_t purpose : {std::uint64_t{0}, std::uint64_t{1} << 32}) {
      const auto key = key_of(1, i, purpose);
      ASSERT_EQ(key.size(), 22U);
      ASSERT_EQ(key.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), std::string::npos);
      ASSERT_TRUE(seen.insert(key).second);
    }
  EXPECT_EQ(key_of(1, 2, 3), key_of(1, 2, 3));
  EXPECT_NE(key_of(1, 2, 3), key_of(2, 2, 3));
}

}  // namespace
}  // namespace janji::load
