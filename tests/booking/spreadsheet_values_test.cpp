#include "booking/spreadsheet_values.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

namespace janji {
namespace {

// Every day that it can be, "?" when it is none; with "*" where the year had two digits.
std::string day(std::string_view text) {
  const auto read = read_day(text);
  if (!read)
    return "?";
  std::set<std::string> days;
  for (const auto& d : read->by)
    if (d)
      days.insert(format_date(*d));
  return fmt::format("{}{}", fmt::join(days, " "), read->short_year ? "*" : "");
}
std::string why_no_day(std::string_view text) {
  const auto read = read_day(text);
  return read ? "a day" : read.error();
}
std::string minute(std::string_view text) {
  const auto read = read_time(text);
  return read ? format_minute(read->minute) + (read->may_be_afternoon ? "?" : "") : read.error();
}
std::string whole(std::string_view text) {
  const auto read = read_whole(text);
  return read ? std::to_string(read->value) : read.error();
}
std::string degrees(std::string_view text) {
  const auto read = read_degrees(text);
  return read ? fmt::format("{}", read->value) : "?";
}

TEST(spreadsheet_day, what_can_be_one_day_only_is_that_day) {
  for (const auto* text : {"2021-05-26", "2021-5-26", "2021/05/26", "2021.5.26", "26/05/2021", "26/5/2021", "5/26/2021", "26-05-2021",
                           "26.5.2021", "26-May-2021", "26 May 2021", "26 Mei 2021", "May 26, 2021", "26/05/2021 00:00",
                           "26/05/2021 0:00:00", "2021-05-26T00:00:00", "5/26/2021 12:00:00 AM", "26\u00a0May\u00a02021"})
    EXPECT_EQ(day(text), "2021-05-26") << text;
  EXPECT_EQ(day("4/4/2021"), "2021-04-04") << "the same in both orders";
  EXPECT_EQ(day("3 Mac 2021"), "2021-03-03");
  EXPECT_EQ(day("3-Ogos-2021"), "2021-08-03");
  EXPECT_EQ(day("3 Dis 2021"), "2021-12-03");
  EXPECT_EQ(day("3 Sept 2021"), "2021-09-03");
}

TEST(spreadsheet_day, what_can_be_several_days_is_all_of_them) {
  EXPECT_EQ(day("3/4/2021"), "2021-03-04 2021-04-03");
  EXPECT_EQ(day("03.04.2021"), "2021-03-04 2021-04-03");
  EXPECT_EQ(day("3/4/21"), "2021-03-04 2021-04-03*");
  EXPECT_EQ(day("03/04/21"), "2003-04-21 2021-03-04 2021-04-03*");
  EXPECT_EQ(day("26-May-21"), "2021-05-26 2026-05-21*");
  EXPECT_EQ(day("26/5/21"), "2021-05-26 2026-05-21*");
}

TEST(spreadsheet_day, what_is_no_day_is_none) {
  for (const auto* text : {"",
                           "x",
                           "2021",
                           "2021-02-29",
                           "29/2/2021",
                           "31/4/2021",
                           "13/13/2021",
                           "2021/26/05",
                           "0/4/2021",
                           "3/4",
                           "3-May",
                           "May-21",
                           "3/4-2021",
                           "3//4/2021",
                           "3/4/2021/",
                           "3/4/021",
                           "3/4/20211",
                           "2021-05-26 09:00",
                           "26/05/2021x",
                           "26 Mey 2021",
                           "Wed",
                           "-3/4/2021",
                           "3 / 4 / 2021",
                           "20210526",
                           "44342",
                           "\xff"})
    EXPECT_EQ(day(text), "?") << text;
  EXPECT_EQ(day(std::string(100'000, '1')), "?");
}

TEST(spreadsheet_day, a_refusal_says_what_it_may_have_been) {
  EXPECT_EQ(why_no_day("44342"), "is a spreadsheet's number of a day, perhaps of 2021-05-26: give the column the format yyyy-mm-dd.");
  EXPECT_EQ(why_no_day("20210526"), "is not how a date is written here; write 2021-05-26.");
  EXPECT_EQ(why_no_day("31/4/2021"), "is not a date that exists; write it as YYYY-MM-DD, such as 2021-06-07.");
  EXPECT_EQ(why_no_day("26/05/2021 09:00"), "is not a date alone; write it as YYYY-MM-DD, such as 2021-06-07.");
}

TEST(spreadsheet_time, is_read_where_it_is_certain) {
  for (const auto* text : {"09:00", "9:00", "9.00", "09.00", "9:00:00", "9:00 AM", "9:00am", "9 am", "9.00 a.m.", "9:00:00 AM", "09:00 PG",
                           "9:00\u202f"
                           "AM"})
    EXPECT_EQ(minute(text), "09:00") << text;
  for (const auto* text : {"17:30", "17.30", "5:30 PM", "5.30pm", "05:30 p.m.", "5:30 PTG", "5:30 petang"})
    EXPECT_EQ(minute(text), "17:30") << text;
  EXPECT_EQ(minute("12:00 AM"), "00:00");
  EXPECT_EQ(minute("12:00 PM"), "12:00");
  EXPECT_EQ(minute("12:30 am"), "00:30");
  EXPECT_EQ(minute("2:00"), "02:00?") << "it may be the afternoon";
  EXPECT_EQ(minute("02:00"), "02:00");
  EXPECT_EQ(minute("0:30"), "00:30");
}

TEST(spreadsheet_time, what_is_no_time_says_what_to_write) {
  for (const auto* text :
       {"", "9", "25:00", "9:60", "9:0", "nine", "9h", "09:00 XM", "13:00 PM", "0:30 AM", "9:00 AM PM", "-9:00", "9::00", "\xff"})
    EXPECT_NE(minute(text).find("write it as HH:MM"), std::string::npos) << text;
  EXPECT_EQ(minute("24:00"), "is the next day; the last time of a day is 23:59.");
  EXPECT_EQ(minute("9.5"), "may be minutes or parts of an hour; write it as HH:MM, such as 09:30.");
  EXPECT_EQ(minute("0.375"), "is a spreadsheet's part of a day, perhaps 09:00: give the column the format hh:mm.");
  EXPECT_EQ(minute("0900"), "is not how a time is written here; write 09:00.");
  EXPECT_EQ(minute("1430"), "is not how a time is written here; write 14:30.");
  EXPECT_EQ(minute("9:00:30"), "has seconds; write it as HH:MM, such as 09:00.");
}

TEST(spreadsheet_whole, marks_between_thousands_are_read_where_they_can_be_nothing_else) {
  for (const auto* text : {"1000000", "1,000,000", "1.000.000", "1 000 000", "1'000'000", "1000000.00", "1000000,0",
                           "1\u00a0000\u202f"
                           "000"})
    EXPECT_EQ(whole(text), "1000000") << text;
  EXPECT_EQ(whole("50.0"), "50");
  EXPECT_EQ(whole("1 000"), "1000");
  EXPECT_EQ(whole("1.000"), "can be read as 1000 or as 1; write digits alone.");
  EXPECT_EQ(whole("1,000"), "can be read as 1000 or as 1; write digits alone.");
  EXPECT_EQ(whole("1.250"), "can be read as 1250 or as 1 and a part; write digits alone.");
  for (const auto* text : {"", "-1", "+1", "1e3", "1.5", "10,00,000", "1,000.00", "0,500", "many", "1.", ".5", "1 00", "0x10"})
    EXPECT_EQ(whole(text), "is not a whole number; write digits alone, such as 1000.") << text;
  EXPECT_EQ(whole("99999999999999999999999"), "18446744073709551615");
}

TEST(spreadsheet_degrees, a_comma_is_a_point) {
  EXPECT_EQ(degrees("3.139"), "3.139");
  EXPECT_EQ(degrees("3,139"), "3.139");
  EXPECT_EQ(degrees("101,6869"), "101.6869");
  EXPECT_EQ(degrees("+3"), "3");
  EXPECT_EQ(degrees("\u2212"
                    "3,5"),
            "-3.5");
  for (const auto* text : {"", "x", "1,2,3", "1.000,5", "nan", "inf", "1e2", "3.1N", "- 3", "--3", "+-3"})
    EXPECT_EQ(degrees(text), "?") << text;
}

}  // namespace
}  // namespace janji
