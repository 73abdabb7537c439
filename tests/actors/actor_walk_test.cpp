// The walk itself: the same seed is the same walk, step by step, whatever ran before it in the process.
#include <gtest/gtest.h>

#include <set>

#include "tests/actors/actor_walk.hpp"

namespace janji::sim {
namespace {

constexpr int steps = 600;

TEST(actor_walk, a_seed_gives_the_same_walk_again) {
  std::set<std::uint64_t> different;
  memory_store one;
  memory_store other;
  walk_actors(other, 1000, steps, {}, false);
  constexpr std::uint64_t seeds = 40;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    const auto first = walk_actors(one, seed, steps, {}, false);
    const auto again = walk_actors(other, seed, steps, {}, false);
    ASSERT_EQ(first.hash, again.hash) << "seed " << seed;
    ASSERT_EQ(first.violation, again.violation) << "seed " << seed;
    different.insert(first.hash);
  }
  EXPECT_EQ(different.size(), seeds);
}

TEST(actor_walk, a_violation_comes_again_with_its_seed) {
  memory_store disk;
  planted_faults faults;
  faults.book_declined = true;
  for (std::uint64_t seed = 1; seed < 2000; ++seed)
    if (const auto found = walk_actors(disk, seed, steps, faults, false); found.violation) {
      const auto again = walk_actors(disk, seed, steps, faults, false);
      EXPECT_EQ(again.violation, found.violation);
      EXPECT_EQ(again.hash, found.hash);
      return;
    }
  FAIL() << "the planted fault was never seen";
}

}  // namespace
}  // namespace janji::sim
