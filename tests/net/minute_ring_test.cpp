#include "net/minute_ring.hpp"

#include <gtest/gtest.h>

namespace janji::net {
namespace {

unix_ms at(std::int64_t minute, std::int64_t second = 1) { return unix_ms{(1'000'000 + minute) * minute_ring::minute_ms + second * 1'000}; }

TEST(minute_ring, tells_what_each_minute_added) {
  minute_ring ring;
  ring.look(at(0), 100);
  ring.look(at(0, 30), 150);
  ring.look(at(1), 160);
  ring.look(at(2), 160);
  const auto last = ring.last(at(2, 10), 60);
  ASSERT_EQ(last.size(), 2U);
  EXPECT_EQ(last[0].booked, 60U);
  EXPECT_EQ(last[1].booked, 0U);
}

TEST(minute_ring, what_was_not_seen_is_a_gap_and_no_zero) {
  minute_ring ring;
  ring.look(at(0), 100);
  ring.look(at(3), 400);
  ring.look(at(4), std::nullopt);
  ring.look(at(5), 500);
  ring.look(at(6), 20);  // of another round
  const auto last = ring.last(at(6, 10), 60);
  ASSERT_EQ(last.size(), 6U);
  for (const auto& m : last)
    EXPECT_FALSE(m.booked) << m.at.value;
}

TEST(minute_ring, a_minute_that_became_known_late_counts_from_then) {
  minute_ring ring;
  ring.look(at(0), std::nullopt);
  ring.look(at(0, 20), 7);
  ring.look(at(1), 9);
  EXPECT_EQ(ring.last(at(1), 60).front().booked, 2U);
}

TEST(minute_ring, spans_of_ten_minutes_are_told_by_their_ends) {
  minute_ring ring;
  for (const int minute : {3, 10, 11, 20, 29, 40})  // at() is aligned to tens
    ring.look(at(minute), 100U * static_cast<unsigned>(minute));
  const auto last = ring.last(at(41), 18, 10);
  ASSERT_EQ(last.size(), 3U);
  EXPECT_EQ(last[0].at.value, at(10, 0).value);
  EXPECT_EQ(last[0].booked, 1'000U);
  EXPECT_FALSE(last[1].booked) << "its end was not seen";
  EXPECT_FALSE(last[2].booked) << "its beginning was not seen";
}

TEST(minute_ring, knows_nothing_before_the_first_minute_is_over_and_no_more_than_a_day) {
  minute_ring ring;
  EXPECT_TRUE(ring.last(at(0), 60).empty());
  ring.look(at(0), 1);
  EXPECT_TRUE(ring.last(at(0), 60).empty());
  for (int i = 1; i < 3'000; ++i)
    ring.look(at(i), 1U + static_cast<unsigned>(i));
  EXPECT_EQ(ring.last(at(3'000), 60).size(), 60U);
  EXPECT_LE(ring.last(at(3'000), 100'000).size(), minute_ring::minutes_max + 1);
}

}  // namespace
}  // namespace janji::net
