#include "booking/round_parts.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace janji {
namespace {

using namespace std::chrono_literals;

round_imported round_of(std::size_t centres, std::size_t groups, std::size_t windows = 1) {
  round_imported r;
  auto& d = r.definition;
  d.id = round_id{3};
  d.code = "R";
  d.time_zone = "Asia/Kuala_Lumpur";
  for (std::size_t i = 0; i < centres; ++i)
    d.centres.push_back({"C" + std::to_string(i), "centre", "Selangor", "Petaling", 3, 101});
  for (std::size_t i = 0; i < groups; ++i)
    d.groups.push_back({group_id{static_cast<std::uint32_t>(i + 1)}, static_cast<std::uint16_t>(i % centres),
                        std::chrono::sys_days{2027y / 1 / 1} + std::chrono::days(i / centres),
                        std::vector<window_definition>(windows, {540, 600, 10})});
  r.by = "op";
  r.at = unix_ms{77};
  return r;
}

std::vector<round_event> parts_of(const round_imported& whole) {
  round_cutter c(whole);
  std::vector<round_event> out;
  while (!c.ended())
    out.push_back(c.next());
  return out;
}

// The last event, or why there is none.
std::expected<std::optional<round_event>, std::string> take_all(round_joiner& j, const std::vector<round_event>& events) {
  std::expected<std::optional<round_event>, std::string> last;
  for (const auto& e : events)
    if (last = j.take(e); !last)
      return last;
  return last;
}

void check_whole(const round_event& event, const round_imported& whole) {
  const auto& back = std::get<round_imported>(event);
  EXPECT_EQ(back.definition, whole.definition);
  EXPECT_EQ(back.by, whole.by);
  EXPECT_EQ(back.at, whole.at);
  EXPECT_EQ(back.parts, 0U);
}

TEST(round_parts, what_is_cut_is_joined_again_whatever_its_size) {
  for (const auto& [centres, groups, windows] :
       std::vector<std::tuple<std::size_t, std::size_t, std::size_t>>{{1, 1, 1},
                                                                      {1, 0, 1},
                                                                      {1'000, 1'000, 1},
                                                                      {1'001, 30'000, 2},
                                                                      {limits::round_centres_max, limits::round_groups_max, 1},
                                                                      {3, 4'000, 64}}) {
    const auto whole = round_of(centres, groups, windows);
    const auto parts = parts_of(whole);
    round_joiner j;
    const auto last = take_all(j, parts);
    ASSERT_TRUE(last && *last) << centres;
    check_whole(**last, whole);
    EXPECT_TRUE(j.pending().empty());
    for (const auto& e : parts)
      if (const auto* p = std::get_if<round_part>(&e)) {
        EXPECT_LE(p->centres.size(), limits::part_centres_max);
        std::size_t weight = 0;
        for (const auto& g : p->groups)
          weight += g.windows.size() + 5;
        EXPECT_LE(weight, limits::part_windows_max);
      }
  }
}

TEST(round_parts, a_round_goes_in_parts_that_one_part_does_not_hold) {
  EXPECT_FALSE(goes_in_parts(round_of(100, 10'000).definition));
  EXPECT_TRUE(goes_in_parts(round_of(100, 11'000).definition));
  EXPECT_TRUE(goes_in_parts(round_of(100, 1'000, 61).definition));
  EXPECT_TRUE(goes_in_parts(round_of(limits::part_centres_max + 1, 1).definition));
}

TEST(round_parts, an_import_that_did_not_end_has_no_effect_on_the_next) {
  auto first = round_of(1'500, 20'000);
  auto second = round_of(1'200, 25'000);
  second.at = unix_ms{88};
  for (const std::size_t left : {1U, 2U, 3U}) {
    round_joiner j;
    auto events = parts_of(first);
    events.resize(left);
    ASSERT_TRUE(take_all(j, events));
    EXPECT_EQ(j.pending().size(), left);
    const auto other = j.take(operator_noted{"disk release", "", "op", {}});
    ASSERT_TRUE(other && *other) << "what comes between is taken as it is";
    const auto last = take_all(j, parts_of(second));
    ASSERT_TRUE(last && *last);
    check_whole(**last, second);
  }
}

TEST(round_parts, an_import_goes_on_behind_a_snapshot) {
  const auto whole = round_of(1'500, 30'000);
  const auto events = parts_of(whole);
  ASSERT_GT(events.size(), 4U);
  round_joiner before;
  ASSERT_TRUE(take_all(before, {events.begin(), events.begin() + 3}));
  round_joiner after;
  ASSERT_TRUE(take_all(after, before.pending()));
  const auto last = take_all(after, {events.begin() + 3, events.end()});
  ASSERT_TRUE(last && *last);
  check_whole(**last, whole);
}

TEST(round_parts, what_does_not_go_together_is_an_error) {
  const auto events = parts_of(round_of(1'500, 20'000));
  const auto wrong = [&](std::vector<round_event> all) {
    round_joiner j;
    return !take_all(j, all);
  };
  EXPECT_FALSE(wrong(events));
  EXPECT_TRUE(wrong({events.begin() + 1, events.end()})) << "the first part is missing";
  EXPECT_TRUE(wrong({events[0], events[2]}));
  EXPECT_TRUE(wrong({events[0], events.back()}));
  EXPECT_TRUE(wrong({events.back()}));
  EXPECT_TRUE(wrong({events[0], events[1], events[1]}));
  auto other = std::get<round_part>(events[1]);
  other.at = unix_ms{78};
  EXPECT_TRUE(wrong({events[0], other})) << "of another import";
  auto end = std::get<round_imported>(events.back());
  end.at = unix_ms{78};
  auto all = events;
  all.back() = end;
  EXPECT_TRUE(wrong(all));
  auto stray = std::get<round_part>(events[2]);
  stray.groups.front().centre = 1'500;
  all = events;
  all[2] = stray;
  EXPECT_TRUE(wrong(all)) << "a centre that is not there";
}

TEST(round_parts, parts_hold_no_more_than_a_round) {
  round_joiner j;
  const auto half = round_of(1, limits::round_groups_max / 2 + 1).definition.groups;
  ASSERT_TRUE(j.take(round_part{unix_ms{1}, 0, {}, half}));
  EXPECT_FALSE(j.take(round_part{unix_ms{1}, 1, {}, half}));
  const auto again = j.take(round_part{unix_ms{1}, 0, {}, half});
  EXPECT_TRUE(again && !*again);
}

TEST(round_parts, who_cuts_can_begin_anew_at_any_time) {
  const auto whole = round_of(1'500, 20'000);
  for (const std::size_t given : {0U, 1U, 3U, 5U}) {
    round_cutter c(whole);
    for (std::size_t i = 0; i < given && !c.ended(); ++i)
      (void)c.next();
    check_whole(std::move(c).whole(), whole);
  }
}

}  // namespace
}  // namespace janji
