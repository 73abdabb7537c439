#include "net/timer_wheel.hpp"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <memory>
#include <random>
#include <vector>

namespace janji::net {
namespace {

// Told at which second; `wheel` goes on until `until_s`.
std::vector<std::uint32_t> told_until(timer_wheel& wheel, const timed& t, std::uint32_t until_s) {
  std::vector<std::uint32_t> told;
  while (wheel.now_s() < until_s)
    wheel.advance([&](timed& one) {
      if (&one == &t)
        told.push_back(wheel.now_s());
    });
  return told;
}

// The second in which it is set is partly over: one more, so that nobody has less time than was said.
TEST(timer_wheel, tells_after_the_time_and_at_most_a_second_later) {
  for (const std::uint32_t after : {1U, 2U, 15U, 62U, 63U, 64U, 65U, 200U, 3600U}) {
    timer_wheel wheel;
    timed t;
    wheel.set(t, after);
    EXPECT_EQ(told_until(wheel, t, after + 100), std::vector<std::uint32_t>{after + 1});
  }
}

TEST(timer_wheel, no_time_at_all_ends_at_the_next_second) {
  timer_wheel wheel;
  timed t;
  wheel.set(t, 0);
  EXPECT_EQ(told_until(wheel, t, 3), std::vector<std::uint32_t>{1});
}

TEST(timer_wheel, putting_off_counts_from_the_moment_it_is_done) {
  timer_wheel wheel;
  timed t;
  wheel.set(t, 2);
  EXPECT_TRUE(told_until(wheel, t, 2).empty());
  wheel.set(t, 5);
  EXPECT_EQ(told_until(wheel, t, 30), std::vector<std::uint32_t>{8});
}

TEST(timer_wheel, a_nearer_time_replaces_a_farther_one) {
  timer_wheel wheel;
  timed t;
  wheel.set(t, 3600);
  wheel.set(t, 2);
  EXPECT_EQ(told_until(wheel, t, 100), std::vector<std::uint32_t>{3});
}

TEST(timer_wheel, one_who_is_told_may_stand_in_the_list_again) {
  timer_wheel wheel;
  timed t;
  wheel.set(t, 1);
  std::vector<std::uint32_t> told;
  while (wheel.now_s() < 10)
    wheel.advance([&](timed& one) {
      told.push_back(wheel.now_s());
      wheel.set(one, 2);
    });
  EXPECT_EQ(told, (std::vector<std::uint32_t>{2, 5, 8}));
}

TEST(timer_wheel, one_who_goes_is_not_told) {
  timer_wheel wheel;
  {
    timed t;
    wheel.set(t, 1);
  }
  wheel.advance([](timed&) { FAIL(); });
  wheel.advance([](timed&) { FAIL(); });
}

TEST(timer_wheel, one_who_is_told_may_go) {
  timer_wheel wheel;
  std::vector<std::unique_ptr<timed>> all;
  for (int i = 0; i < 3; ++i) {
    all.push_back(std::make_unique<timed>());
    wheel.set(*all.back(), 1);
  }
  const auto drop = [&](timed& t) { std::erase_if(all, [&](const auto& p) { return p.get() == &t; }); };
  wheel.advance(drop);
  wheel.advance(drop);
  EXPECT_TRUE(all.empty());
}

TEST(timer_wheel, all_are_visited_and_may_go) {
  timer_wheel wheel;
  std::vector<std::unique_ptr<timed>> all;
  for (std::uint32_t i = 0; i < 200; ++i) {
    all.push_back(std::make_unique<timed>());
    wheel.set(*all.back(), i);
  }
  wheel.for_each([&](timed& t) { std::erase_if(all, [&](const auto& p) { return p.get() == &t; }); });
  EXPECT_TRUE(all.empty());
}

// Against a list of due times, kept plainly.
TEST(timer_wheel, random_settings_are_told_exactly_when_due) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  timer_wheel wheel;
  std::array<timed, 50> all;
  std::map<const timed*, std::uint32_t> due;
  for (int second = 0; second < 2000; ++second) {
    for (int i = 0; i < 10; ++i) {
      auto& t = all[random() % all.size()];
      const auto after = static_cast<std::uint32_t>(random() % 150);
      wheel.set(t, after);
      due[&t] = wheel.now_s() + after + 1;
    }
    wheel.advance([&](timed& t) {
      ASSERT_EQ(due.at(&t), wheel.now_s());
      due.erase(&t);
    });
    for (const auto& [t, when] : due)
      ASSERT_GT(when, wheel.now_s()) << "somebody was forgotten";
  }
}

}  // namespace
}  // namespace janji::net
