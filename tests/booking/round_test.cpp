#include "booking/round.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <set>
#include <string>

namespace janji {
namespace {

using namespace std::chrono_literals;
using enum round_state;

constexpr unix_ms opens{1'000'000};
constexpr unix_ms closes{2'000'000};

round_definition good_round() {
  round_definition r;
  r.code = "2021-3";
  r.name = "Opt-in round";
  r.time_zone = "Asia/Kuala_Lumpur";
  r.opens_at = opens;
  r.closes_at = closes;
  r.centres = {{"WTCKL", "World Trade Centre", "W.P. Kuala Lumpur", "Kuala Lumpur", 3.1, 101.6},
               {"UM", "Universiti Malaya", "Selangor", "", 3.1, 101.6}};
  r.groups = {{{}, 0, 2021y / 6 / 7, {{540, 720, 10}, {720, 1020, 0}}},
              {{}, 0, 2021y / 6 / 8, {{540, 1020, 10}}},
              {{}, 1, 2021y / 6 / 7, {{0, 1439, 1'000'000}}}};
  return r;
}

admission_verdict asked(round_state state, std::int64_t at) { return admission(good_round(), {state, {}, {}}, unix_ms{at}); }

TEST(round, an_open_round_admits_from_its_opening_until_its_closing) {
  EXPECT_EQ(asked(open, opens.value - 1), admission_verdict::not_open);
  EXPECT_EQ(asked(open, opens.value), admission_verdict::admitted);
  EXPECT_EQ(asked(open, closes.value - 1), admission_verdict::admitted);
  EXPECT_EQ(asked(open, closes.value), admission_verdict::closed);
}

TEST(round, a_round_that_no_operator_has_opened_admits_nobody_whatever_the_time) {
  for (const auto at : {opens.value - 1, opens.value, closes.value}) {
    EXPECT_EQ(asked(imported, at), admission_verdict::not_open);
    EXPECT_EQ(asked(paused, at), admission_verdict::paused);
    EXPECT_EQ(asked(closed, at), admission_verdict::closed);
    EXPECT_EQ(asked(erased, at), admission_verdict::closed);
  }
}

TEST(round, the_days_of_the_appointments_do_not_matter_for_admission) {
  auto r = good_round();
  r.opens_at = unix_ms{4'000'000'000'000};  // 2096
  r.closes_at = unix_ms{4'000'000'001'000};
  EXPECT_EQ(admission(r, {open, {}, {}}, r.opens_at), admission_verdict::admitted);
}

TEST(round, every_state_has_a_name_of_its_own) {
  std::set<std::string_view> names;
  for (const auto s : {imported, open, paused, closed, erased})
    names.insert(name_of(s));
  EXPECT_EQ(names.size(), 5U);
  EXPECT_EQ(name_of(static_cast<round_state>(5)), "");
}

TEST(round, a_good_round_has_no_faults) { EXPECT_EQ(round_faults(good_round()), std::vector<round_fault>{}); }

struct spoiled {
  const char* where;
  const char* code;
  std::function<void(round_definition&)> spoil;
};

TEST(round, every_fault_is_named_and_nothing_else) {
  const spoiled cases[] = {
      {"code", "bad_code", [](auto& r) { r.code = "2021.3"; }},
      {"code", "bad_code", [](auto& r) { r.code.assign(33, 'x'); }},
      {"code", "bad_code", [](auto& r) { r.code.clear(); }},
      {"name", "bad_name", [](auto& r) { r.name.clear(); }},
      {"name", "bad_name", [](auto& r) { r.name = "two\nlines"; }},
      {"time_zone", "bad_time_zone", [](auto& r) { r.time_zone = "Europe/Paris"; }},
      {"closes_at", "closes_before_opens", [](auto& r) { r.closes_at = r.opens_at; }},
      {"age_min", "bad_rule", [](auto& r) { r.rules.age_min = 121; }},
      {"party_max", "bad_rule", [](auto& r) { r.rules.party_max = 0; }},
      {"party_max", "bad_rule", [](auto& r) { r.rules.party_max = 5; }},
      {"changes_max", "bad_rule", [](auto& r) { r.rules.changes_max = 0; }},
      {"changes_max", "bad_rule", [](auto& r) { r.rules.changes_max = 1'001; }},
      {"centres[0].code", "bad_code", [](auto& r) { r.centres[0].code = "a/b"; }},
      {"centres[0].code", "bad_code", [](auto& r) { r.centres[0].code.assign(17, 'x'); }},
      {"centres[1].code", "centre_twice", [](auto& r) { r.centres[1].code = "WTCKL"; }},
      {"centres[1].name", "bad_name", [](auto& r) { r.centres[1].name.assign(201, 'x'); }},
      {"centres[1].district", "bad_name", [](auto& r) { r.centres[1].district = "\x7f"; }},
      {"centres[0].state", "unknown_state", [](auto& r) { r.centres[0].state = "Atlantis"; }},
      {"centres[0].latitude", "bad_latitude", [](auto& r) { r.centres[0].latitude = std::numeric_limits<double>::quiet_NaN(); }},
      {"centres[0].latitude", "bad_latitude", [](auto& r) { r.centres[0].latitude = -90.1; }},
      {"centres[0].longitude", "bad_longitude", [](auto& r) { r.centres[0].longitude = std::numeric_limits<double>::infinity(); }},
      {"groups", "bad_group_count", [](auto& r) { r.groups.clear(); }},
      {"groups[2].centre", "unknown_centre", [](auto& r) { r.groups[2].centre = 2; }},
      {"groups[1].date", "bad_date", [](auto& r) { r.groups[1].date = 2021y / 6 / 31; }},
      {"groups[1]", "not_sorted", [](auto& r) { r.groups[1].date = r.groups[0].date; }},
      {"groups[2]", "not_sorted", [](auto& r) { r.groups[2].centre = 0; }},
      {"groups[1].windows", "bad_window_count", [](auto& r) { r.groups[1].windows.clear(); }},
      {"groups[1].windows", "bad_window_count",
       [](auto& r) {
         for (std::uint16_t i = 1; i <= 64; ++i)
           r.groups[1].windows.push_back({static_cast<std::uint16_t>(1020 + i), static_cast<std::uint16_t>(1021 + i), 1});
       }},
      {"groups[0].windows[1]", "windows_overlap", [](auto& r) { r.groups[0].windows[1].opens_minute = 719; }},
      {"groups[1].windows[0]", "closes_before_opens", [](auto& r) { r.groups[1].windows[0].closes_minute = 540; }},
      {"groups[2].windows[0]", "closes_before_opens", [](auto& r) { r.groups[2].windows[0].closes_minute = 1440; }},
      {"groups[0].windows[0]", "bad_capacity", [](auto& r) { r.groups[0].windows[0].capacity = 1'000'001; }},
  };
  for (const auto& c : cases) {
    auto r = good_round();
    c.spoil(r);
    const auto found = round_faults(r);
    ASSERT_EQ(found.size(), 1U) << c.where << " " << c.code;
    EXPECT_EQ(found[0].where, c.where);
    EXPECT_EQ(found[0].code, c.code);
    EXPECT_FALSE(found[0].detail.empty());
  }
}

TEST(round, a_round_without_centres_is_no_round) {
  auto r = good_round();
  r.centres.clear();
  EXPECT_EQ(round_faults(r).front().code, "bad_centre_count");
}

TEST(round, faults_without_end_are_cut_at_a_hundred) {
  auto r = good_round();
  r.centres.resize(5000);
  r.groups.resize(5000);
  EXPECT_EQ(round_faults(r).size(), 100U);
}

TEST(round, too_many_windows_of_one_day_are_cut_too) {
  auto r = good_round();
  r.groups[0].windows.assign(100'000, window_definition{10, 5, 2'000'000});
  EXPECT_EQ(round_faults(r).size(), 100U);
}

TEST(round, the_limits_on_how_many_hold) {
  auto r = good_round();
  const auto centre = r.centres[0];
  r.centres.clear();
  for (int i = 0; i <= 10'000; ++i) {
    r.centres.push_back(centre);
    r.centres.back().code = "C" + std::to_string(i);
  }
  const auto found = round_faults(r);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].code, "bad_centre_count");
}

}  // namespace
}  // namespace janji
