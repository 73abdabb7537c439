#include "apps/nearest.hpp"

#include <gtest/gtest.h>

#include <array>

namespace janji::apps {
namespace {

TEST(nearest_test, a_slip_is_a_letter_too_few_too_many_another_or_a_swap) {
  EXPECT_EQ(slips_between("status", "status"), 0U);
  EXPECT_EQ(slips_between("statsu", "status"), 1U);
  EXPECT_EQ(slips_between("stats", "status"), 1U);
  EXPECT_EQ(slips_between("stattus", "status"), 1U);
  EXPECT_EQ(slips_between("", "abc"), 3U);
}

TEST(nearest_test, what_may_be_meant_is_suggested_and_nothing_else) {
  const std::array<std::string, 5> verbs{"status", "round", "rebalance", "receipt", "export"};
  EXPECT_EQ(nearest("statsu", verbs), "status");
  EXPECT_EQ(nearest("rond", verbs), "round");
  EXPECT_EQ(nearest("exprot", verbs), "export");
  EXPECT_EQ(nearest("rebal", verbs), "rebalance") << "what begins so";
  EXPECT_EQ(nearest("dance", verbs), std::nullopt);
  EXPECT_EQ(nearest("", verbs), std::nullopt);
  EXPECT_EQ(nearest(std::string(100'000, 's'), verbs), std::nullopt);
}

}  // namespace
}  // namespace janji::apps
