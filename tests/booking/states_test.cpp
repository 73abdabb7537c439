#include "booking/states.hpp"

#include <gtest/gtest.h>

#include <cctype>
#include <fstream>
#include <sstream>
#include <string>

namespace janji {
namespace {

TEST(states, numbers_and_names_are_those_of_the_population_table) {
  std::ifstream file("configs/demo/population-by-state.csv");
  ASSERT_TRUE(file) << "run from the project's folder";
  std::string line;
  std::getline(file, line);
  std::getline(file, line);  // the whole country
  int found = 0;
  while (std::getline(file, line)) {
    std::istringstream fields(line);
    std::string name;
    std::string number;
    std::getline(fields, name, ',');
    std::getline(fields, number, ',');
    EXPECT_EQ(state_name(static_cast<std::uint8_t>(std::stoi(number))), name);
    ++found;
  }
  EXPECT_EQ(found, state_count - 1);
}

TEST(states, every_name_is_found_however_it_is_written) {
  for (std::uint8_t n = 1; n < state_count; ++n) {
    std::string shouted = "  ";
    for (const char c : state_name(n))
      shouted += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    EXPECT_EQ(state_number(state_name(n)), n);
    EXPECT_EQ(state_number(shouted + " "), n);
  }
}

TEST(states, other_names_that_people_use_are_known) {
  const std::pair<const char*, int> cases[] = {{"Penang", 7},
                                               {"Malacca", 4},
                                               {"P. Pinang", 7},
                                               {"N. Sembilan", 5},
                                               {"KL", 14},
                                               {"Kuala Lumpur", 14},
                                               {"labuan", 15},
                                               {"Putrajaya", 16},
                                               {"Wilayah Persekutuan Kuala Lumpur", 14},
                                               {"Johor Darul Ta'zim", 1},
                                               {"Federal Territory of Labuan", 15},
                                               {"WP Putrajaya", 16},
                                               {"Johore", 1},
                                               {"Federal Territory Putrajaya", 16}};
  for (const auto& [name, number] : cases)
    EXPECT_EQ(state_number(name), number) << name;
}

TEST(states, what_is_no_state_has_no_number) {
  for (const auto* name : {"", " ", "Malaysia", "Singapore", "W.P.", "Wilayah Persekutuan", "WP Penang", "Johor Bahru"})
    EXPECT_EQ(state_number(name), 0) << name;
  EXPECT_EQ(state_number(std::string(100'000, 'k')), 0);
}

TEST(states, a_number_beyond_the_table_has_no_name) {
  EXPECT_EQ(state_name(0), "");
  EXPECT_EQ(state_name(state_count), "");
  EXPECT_EQ(state_name(255), "");
}

TEST(states, a_birth_place_code_tells_its_state) {
  const std::pair<int, int> cases[] = {{0, 0},   {1, 1},   {16, 16}, {17, 0},  {20, 0},  {21, 1},  {24, 1},  {25, 2},
                                       {28, 3},  {30, 4},  {31, 5},  {33, 6},  {34, 7},  {36, 8},  {39, 8},  {40, 9},
                                       {41, 10}, {44, 10}, {45, 11}, {46, 11}, {47, 12}, {49, 12}, {50, 13}, {53, 13},
                                       {54, 14}, {57, 14}, {58, 15}, {59, 5},  {60, 0},  {99, 0},  {100, 0}, {-1, 0}};
  for (const auto& [code, state] : cases)
    EXPECT_EQ(state_of_birth_place(code), state) << code;
}

}  // namespace
}  // namespace janji
