#include "apps/descriptors.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

namespace janji::apps {
namespace {

std::size_t sum_of(const descriptor_budget& b) { return b.store + b.links + b.operators + b.citizens + b.turned_away; }

TEST(descriptors, no_part_takes_what_another_needs_whatever_is_allowed) {
  for (const bool in_cluster : {false, true})
    for (std::size_t allowed = 0; allowed < 70'000; allowed += allowed < 2'000 ? 1 : 97) {
      const auto b = divide_descriptors(allowed, {.citizens = 20'000, .in_cluster = in_cluster});
      if (!b) {
        EXPECT_LT(allowed, 256U) << b.error();
        continue;
      }
      EXPECT_LE(sum_of(*b) + 90, allowed) << "some are the node's own";
      EXPECT_GE(b->store, 64U);
      EXPECT_GE(b->operators, 8U);
      EXPECT_GE(b->links, in_cluster ? 24U : 0U);
      EXPECT_GE(b->citizens, 16U);
      EXPECT_LE(b->citizens, 20'000U);
    }
}

TEST(descriptors, where_enough_are_allowed_all_citizens_that_are_wished_for_are_served) {
  const auto b = divide_descriptors(1'048'576, {.citizens = 20'000, .in_cluster = true});
  ASSERT_TRUE(b.has_value());
  EXPECT_EQ(b->citizens, 20'000U);
  EXPECT_EQ(b->turned_away, 256U);
  EXPECT_EQ(b->store, 1'024U);
}

TEST(descriptors, of_a_thousand_and_twenty_four_most_are_for_citizens) {
  const auto b = divide_descriptors(1'024, {.citizens = 20'000});
  ASSERT_TRUE(b.has_value());
  EXPECT_GT(b->citizens, 450U);
  EXPECT_LT(b->citizens, 700U);
}

TEST(descriptors, too_few_are_refused_with_what_is_needed) {
  const auto b = divide_descriptors(40, {.citizens = 100});
  ASSERT_FALSE(b.has_value());
  EXPECT_TRUE(b.error().starts_with("40 files and connections may be open at once, and a node needs 188: raise the limit")) << b.error();
}

TEST(descriptors, one_that_serves_nobody_has_none_for_citizens) {
  const auto b = divide_descriptors(1'024, {.in_cluster = true});
  ASSERT_TRUE(b.has_value());
  EXPECT_EQ(b->citizens + b->turned_away, 0U);
}

TEST(descriptors, the_limit_is_raised_as_far_as_it_is_of_use_and_never_lowered) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit low{64, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
  const auto raised = raise_descriptor_limit({.citizens = 100});
  EXPECT_EQ(raised, std::min<rlim_t>(before.rlim_max, 96 + 1'024 + 256 + 64 + 256 + 100));
  EXPECT_EQ(raise_descriptor_limit({}), raised);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
}

}  // namespace
}  // namespace janji::apps
