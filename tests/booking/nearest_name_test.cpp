#include "booking/nearest_name.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace janji {
namespace {

constexpr std::array<std::string_view, 5> names{"centre", "opens_at", "age_min", "party_max", "capacity_per_day"};

TEST(nearest_name, a_slip_of_the_hand_is_recognised) {
  EXPECT_EQ(nearest_name("center", names), "centre");
  EXPECT_EQ(nearest_name("centres", names), "centre");
  EXPECT_EQ(nearest_name("open_at", names), "opens_at");
  EXPECT_EQ(nearest_name("AGE_MIN", names), "age_min");
  EXPECT_EQ(nearest_name("part_ymax", names), "party_max");
}

TEST(nearest_name, the_same_words_in_another_order_are_the_same) { EXPECT_EQ(nearest_name("min_age", names), "age_min"); }

TEST(nearest_name, what_is_like_none_is_none) {
  const std::string long_one(100'000, 'c');
  for (const std::string_view given :
       {std::string_view(), std::string_view("x"), std::string_view("colour"), std::string_view("wheelchairs"), std::string_view(long_one)})
    EXPECT_EQ(nearest_name(given, names), "") << given.substr(0, 20);
}

}  // namespace
}  // namespace janji
