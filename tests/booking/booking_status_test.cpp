#include "booking/booking_status.hpp"

#include <gtest/gtest.h>

namespace janji {
namespace {

using enum booking_status;
constexpr unix_ms opens{1'000}, closes{9'000}, ends{5'000};

status_at is(round_state state, std::int64_t now, unix_ms until = ends) {
  return status_of({round_id{1}, state, opens, closes}, until, unix_ms{now});
}

TEST(booking_status, an_open_round_goes_through_all_its_statuses_by_itself) {
  EXPECT_EQ(is(round_state::open, 999), (status_at{not_open, opens}));
  EXPECT_EQ(is(round_state::open, 1'000), (status_at{open, ends}));
  EXPECT_EQ(is(round_state::open, 4'999), (status_at{open, ends}));
  EXPECT_EQ(is(round_state::open, 5'000), (status_at{over, closes}));
  EXPECT_EQ(is(round_state::open, 9'000), (status_at{closed, std::nullopt}));
}

TEST(booking_status, what_needs_an_order_changes_at_no_moment) {
  for (const auto now : {0, 1'000, 5'000, 9'000}) {
    EXPECT_EQ(is(round_state::imported, now), (status_at{not_open, std::nullopt}));
    EXPECT_EQ(is(round_state::paused, now), (status_at{paused, std::nullopt}));
    EXPECT_EQ(is(round_state::closed, now), (status_at{closed, std::nullopt}));
    EXPECT_EQ(is(round_state::erased, now), (status_at{closed, std::nullopt}));
  }
}

TEST(booking_status, without_an_end_it_is_open_until_the_round_closes) {
  EXPECT_EQ(is(round_state::open, 8'999, never_over), (status_at{open, closes}));
  EXPECT_EQ(is(round_state::open, 9'000, never_over), (status_at{closed, std::nullopt}));
}

// Whatever is shown, a booking gets: as the leader judges.
TEST(booking_status, says_open_exactly_when_a_booking_is_admitted_and_changes_no_sooner_than_it_says) {
  for (const auto state : {round_state::imported, round_state::open, round_state::paused, round_state::closed, round_state::erased})
    for (const auto until : {unix_ms{500}, ends, closes, unix_ms{20'000}, never_over})
      for (std::int64_t now = 0; now < 12'000; now += 250) {
        const auto s = is(state, now, until);
        const bool admitted = admission(round_admission{round_id{1}, state, opens, closes}, unix_ms{now}) == admission_verdict::admitted;
        EXPECT_EQ(s.status == open, admitted && now < until.value);
        if (!s.changes_at)
          continue;
        EXPECT_GT(s.changes_at->value, now);
        EXPECT_EQ(is(state, s.changes_at->value - 1, until).status, s.status);
        EXPECT_NE(is(state, s.changes_at->value, until).status, s.status);
      }
}

}  // namespace
}  // namespace janji
