#include "booking/booking_end.hpp"

#include <gtest/gtest.h>

#include "booking/civil_time.hpp"

namespace janji {
namespace {

using namespace std::chrono_literals;
using at = booking_end::at;
constexpr auto malaysia = std::chrono::minutes{480};

TEST(booking_end, is_read_as_operators_write_it) {
  EXPECT_EQ(parse_booking_end("opening"), (booking_end{at::opening, 0}));
  EXPECT_EQ(parse_booking_end("closing"), (booking_end{at::closing, 0}));
  EXPECT_EQ(parse_booking_end("none"), (booking_end{at::none, 0}));
  EXPECT_EQ(parse_booking_end("90m"), (booking_end{at::before, 90}));
  EXPECT_EQ(parse_booking_end("24h"), (booking_end{at::before, 1'440}));
  EXPECT_EQ(parse_booking_end("2d"), (booking_end{at::before, 2'880}));
  EXPECT_EQ(parse_booking_end("366d"), (booking_end{at::before, 366 * 1'440}));
  for (const char* text :
       {"", "None", "never", "h", "24", "24 h", "-1h", "+1h", "1w", "367d", "99999999999999999999m", "24hh", "1.5h", "no\0ne"})
    EXPECT_FALSE(parse_booking_end(text)) << text;
}

TEST(booking_end, is_an_instant_of_the_rounds_own_zone) {
  const window_definition w{540, 1020, 1};
  const auto text = [&](const booking_end& e) { return format_utc(instant_of(e, 2027y / 1 / 1, w, malaysia)); };
  EXPECT_EQ(text({}), "2027-01-01T01:00:00.000Z");
  EXPECT_EQ(text({at::closing, 0}), "2027-01-01T09:00:00.000Z");
  EXPECT_EQ(text({at::before, 120}), "2026-12-31T23:00:00.000Z");
  EXPECT_EQ(instant_of({at::none, 0}, 2027y / 1 / 1, w, malaysia), never_over);
}

TEST(booking_end, of_a_window_around_midnight_lies_on_the_day_before_in_utc) {
  EXPECT_EQ(format_utc(instant_of({}, 2027y / 1 / 1, {0, 30, 1}, malaysia)), "2026-12-31T16:00:00.000Z");
  EXPECT_EQ(format_utc(instant_of({at::closing, 0}, 2027y / 1 / 1, {1'410, 1'439, 1}, malaysia)), "2027-01-01T15:59:00.000Z");
  EXPECT_EQ(format_utc(instant_of({}, 2027y / 3 / 1, {0, 30, 1}, 0min)), "2027-03-01T00:00:00.000Z");
}

round_definition two_days() {
  round_definition r;
  r.time_zone = "Asia/Kuala_Lumpur";
  r.opens_at = *parse_moment("2021-05-26T12:00:00+08:00");
  r.closes_at = *parse_moment("2021-06-30T12:00:00+08:00");
  r.groups = {{{}, 0, 2021y / 6 / 7, {{540, 720, 10}, {720, 1020, 0}}}, {{}, 0, 2021y / 6 / 8, {{540, 1020, 10}}}};
  return r;
}

TEST(booking_end, of_what_an_earlier_version_imported_is_the_opening) {
  auto r = two_days();
  r.groups[1].windows[0].book_until = never_over;
  say_ends(r);
  EXPECT_EQ(format_utc(r.groups[0].windows[1].book_until), "2021-06-07T04:00:00.000Z");
  EXPECT_EQ(r.groups[1].windows[0].book_until, never_over) << "what is said stays";
  EXPECT_FALSE(says_ends_as_usual(r));
  r.groups[1].windows[0].book_until = {};
  EXPECT_TRUE(says_ends_as_usual(r));
}

TEST(booking_end, a_round_is_moved_whole_so_that_it_begins_on_a_day) {
  auto r = two_days();
  say_ends(r);
  r.groups[0].windows[1].book_until = never_over;
  ASSERT_TRUE(date_from(r, 2028y / 2 / 29));
  EXPECT_EQ(format_date(r.groups[0].date), "2028-02-29");
  EXPECT_EQ(format_date(r.groups[1].date), "2028-03-01");
  EXPECT_EQ(format_local(r.opens_at, malaysia), "2028-02-17T12:00:00+08:00");
  EXPECT_EQ(format_local(r.closes_at, malaysia), "2028-03-23T12:00:00+08:00");
  EXPECT_EQ(format_local(r.groups[1].windows[0].book_until, malaysia), "2028-03-01T09:00:00+08:00");
  EXPECT_EQ(r.groups[0].windows[1].book_until, never_over);
  EXPECT_TRUE(date_from(r, 2021y / 6 / 7)) << "and back";
  EXPECT_EQ(r.opens_at, two_days().opens_at);
}

TEST(booking_end, a_round_is_not_moved_to_days_that_there_are_not) {
  for (const auto day : {1969y / 12 / 31, 9999y / 12 / 31, 1970y / 1 / 1}) {
    auto r = two_days();
    const auto before = r;
    EXPECT_FALSE(date_from(r, day)) << format_date(day);
    EXPECT_EQ(r, before);
  }
}

}  // namespace
}  // namespace janji
