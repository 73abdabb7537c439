#include "booking/civil_time.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <time.h>

#include <filesystem>
#include <random>

namespace janji {
namespace {

using namespace std::chrono_literals;

TEST(civil_time, every_day_of_two_centuries_reads_back) {
  for (std::chrono::sys_days day = std::chrono::sys_days{civil_date{1900y / 1 / 1}}; day < std::chrono::sys_days{civil_date{2100y / 1 / 1}};
       day += std::chrono::days{1}) {
    const civil_date date{day};
    ASSERT_EQ(parse_date(format_date(date)), date) << format_date(date);
    ASSERT_EQ(day_number_of(date), day.time_since_epoch().count());
  }
}

TEST(civil_time, a_date_that_does_not_exist_or_is_written_otherwise_is_refused) {
  for (const auto* text : {"2021-02-29", "2021-13-01", "2021-00-10", "2021-04-31", "2021-6-07", "20210607", "2021/06/07", " 2021-06-07",
                           "2021-06-07 ", "2021-06-0a", "-021-06-07", "+021-06-07", ""})
    EXPECT_FALSE(parse_date(text)) << text;
  EXPECT_TRUE(parse_date("2020-02-29"));
}

TEST(civil_time, every_minute_of_the_day_reads_back) {
  for (std::uint16_t m = 0; m < 24 * 60; ++m)
    ASSERT_EQ(parse_minute(format_minute(m)), m);
}

TEST(civil_time, a_time_that_does_not_exist_or_is_written_otherwise_is_refused) {
  for (const auto* text : {"24:00", "23:60", "9:00", "09.00", "09:0", "09:00:00", "ab:cd", "-1:00", "9:000", ""})
    EXPECT_FALSE(parse_minute(text)) << text;
}

TEST(civil_time, the_same_moment_in_several_spellings) {
  const auto noon = parse_moment("2021-05-26T12:00:00+08:00");
  ASSERT_TRUE(noon);
  EXPECT_EQ(format_utc(*noon), "2021-05-26T04:00:00.000Z");
  for (const auto* text : {"2021-05-26T04:00:00Z", "2021-05-26t04:00:00z", "2021-05-26T04:00:00.000Z", "2021-05-25T23:30:00-04:30",
                           "2021-05-26T04:00:00-00:00"})
    EXPECT_EQ(parse_moment(text), noon) << text;
}

TEST(civil_time, fractions_of_a_second_beyond_the_millisecond_are_cut) {
  EXPECT_EQ(parse_moment("1970-01-01T00:00:00.1Z"), unix_ms{100});
  EXPECT_EQ(parse_moment("1970-01-01T00:00:00.0019999999999999999999Z"), unix_ms{1});
}

TEST(civil_time, a_moment_without_its_offset_or_otherwise_wrong_is_refused) {
  for (const auto* text :
       {"2021-05-26T12:00:00", "2021-05-26 12:00:00Z", "2021-05-26T12:00Z", "2021-05-26T12:00:60Z", "2021-05-26T24:00:00Z",
        "2021-05-26T12:00:00.Z", "2021-05-26T12:00:00+0800", "2021-05-26T12:00:00+08:60", "2021-05-26T12:00:00 +08:00",
        "2021-02-30T12:00:00Z", "2021-05-26T12:00:00ZZ", "2021-05-26T12:00.00Z", "2021-05-26T12:00:0xZ", "2021-05-26", ""})
    EXPECT_FALSE(parse_moment(text)) << text;
}

TEST(civil_time, any_moment_reads_back_from_utc_and_from_local_time) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  for (int i = 0; i < 20'000; ++i) {
    const unix_ms moment{std::uniform_int_distribution<std::int64_t>(-2'000'000'000'000, 4'000'000'000'000)(random)};
    ASSERT_EQ(parse_moment(format_utc(moment)), moment);
    const std::chrono::minutes offset{std::uniform_int_distribution<int>(-14 * 60, 14 * 60)(random)};
    const unix_ms whole{(moment.value / 1000) * 1000};
    ASSERT_EQ(parse_moment(format_local(whole, offset)), whole) << format_local(whole, offset);
    const auto day = date_at(moment, offset);
    ASSERT_LE(start_of_day(day, offset), moment);
    ASSERT_EQ(date_at(start_of_day(day, offset), offset), day);
    ASSERT_LT(moment.value - start_of_day(day, offset).value, 86'400'000);
  }
}

TEST(civil_time, the_day_in_kuala_lumpur_begins_eight_hours_before_that_of_utc) {
  const auto offset = zone_offset("Asia/Kuala_Lumpur");
  ASSERT_TRUE(offset);
  const auto evening = *parse_moment("2021-06-06T16:00:00Z");
  EXPECT_EQ(format_date(date_at(evening, *offset)), "2021-06-07");
  EXPECT_EQ(format_local(evening, *offset), "2021-06-07T00:00:00+08:00");
}

TEST(civil_time, a_zone_with_summer_time_or_none_at_all_is_not_known) {
  for (const auto* name : {"Europe/Berlin", "America/New_York", "Asia/Kuala_lumpur", "Malaysia", "+08:00", "", "zzz"})
    EXPECT_FALSE(zone_offset(name)) << name;
}

// The table against this machine's own zone files, every ten days from 2021 to 2037.
TEST(civil_time, the_table_of_zones_agrees_with_the_time_zone_database) {
  const char* before = getenv("TZ");
  const std::string kept = before == nullptr ? "" : before;
  int compared = 0;
  for (const auto* area : {"Asia", "Africa", "Australia", "Pacific", "Etc", "Europe", "America"}) {
    const std::filesystem::path folder = std::filesystem::path("/usr/share/zoneinfo") / area;
    if (!std::filesystem::exists(folder))
      continue;
    for (const auto& file : std::filesystem::directory_iterator(folder)) {
      const auto name = std::string(area) + "/" + file.path().filename().string();
      const auto offset = zone_offset(name);
      if (!offset)
        continue;
      ++compared;
      setenv("TZ", (":" + name).c_str(), 1);
      tzset();
      for (time_t t = 1'609'459'200; t < 2'145'916'800; t += 10 * 86'400) {
        tm local{};
        localtime_r(&t, &local);
        ASSERT_EQ(local.tm_gmtoff, std::chrono::seconds{*offset}.count()) << name << " at " << t;
      }
    }
  }
  if (before == nullptr)
    unsetenv("TZ");
  else
    setenv("TZ", kept.c_str(), 1);
  tzset();
  if (compared == 0)
    GTEST_SKIP() << "this machine has no time zone database";
}

TEST(civil_time, an_age_changes_on_the_birthday) {
  EXPECT_EQ(age_on(2003y / 6 / 7, 2021y / 6 / 6), 17);
  EXPECT_EQ(age_on(2003y / 6 / 7, 2021y / 6 / 7), 18);
}

TEST(civil_time, born_on_29_february_the_birthday_of_other_years_is_1_march) {
  EXPECT_EQ(age_on(2004y / 2 / 29, 2022y / 2 / 28), 17);
  EXPECT_EQ(age_on(2004y / 2 / 29, 2022y / 3 / 1), 18);
  EXPECT_EQ(age_on(2004y / 2 / 29, 2024y / 2 / 29), 20);
}

}  // namespace
}  // namespace janji
