// Files as spreadsheets save them: separators, encodings, dates and numbers in the ways that people write them.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

#include "booking/civil_time.hpp"
#include "booking/round_import.hpp"
#include "booking/text_rules.hpp"
#include "tests/booking/round_imports.hpp"

namespace janji {
using namespace round_imports;
namespace {

std::string utf16(std::string_view ascii, bool big_endian, bool with_mark) {
  std::string out(with_mark ? (big_endian ? "\xfe\xff" : "\xff\xfe") : "");
  for (const char c : ascii) {
    if (big_endian)
      out.push_back('\0');
    out.push_back(c);
    if (!big_endian)
      out.push_back('\0');
  }
  return out;
}
round_definition of_2021() {
  auto s = settings();
  s.opens_at = *parse_moment("2021-05-26T12:00:00+08:00");
  s.closes_at = *parse_moment("2021-12-31T12:00:00+08:00");
  return s;
}
// "date opens-closes capacity" of every window, one a line, or what is wrong.
std::string windows(const result& r) {
  if (!r)
    return told(r);
  std::string out;
  for (const auto& g : r->groups)
    for (const auto& w : g.windows)
      out += fmt::format("{} {}-{} {}\n", format_date(g.date), format_minute(w.opens_minute), format_minute(w.closes_minute), w.capacity);
  return out;
}
std::string windows_of(const std::string& file) { return windows(import(two_centres, file, of_2021())); }
std::string windows_of_rows(const std::string& rows) { return windows_of(group_header + rows); }
constexpr auto one_day = "2021-06-07 09:00-17:00 10\n";

TEST(round_import, any_separator_is_known_by_the_first_line_or_named_before_it) {
  for (const auto* file : {"centre;date;opens;closes;capacity\nA;2021-06-07;09:00;17:00;10\n",
                           "centre\tdate\topens\tcloses\tcapacity\nA\t2021-06-07\t09:00\t17:00\t10\n",
                           "centre|date|opens|closes|capacity\nA|2021-06-07|09:00|17:00|10\n",
                           "sep=;\r\ncentre;date;opens;closes;capacity\r\nA;2021-06-07;09:00;17:00;10\r\n",
                           "\xef\xbb\xbf\"sep=;\"\n\"centre\";date;opens;closes;capacity\nA;2021-06-07;09:00;17:00;10\n",
                           "sep=\t\ncentre\tdate\topens\tcloses\tcapacity\nA\t2021-06-07\t09:00\t17:00\t10\n",
                           "SEP=,\ncentre,date,opens,closes,capacity\nA,2021-06-07,09:00,17:00,10\n"})
    EXPECT_EQ(windows_of(file), one_day) << file;
}

TEST(round_import, lines_may_end_in_carriage_returns_alone) {
  EXPECT_EQ(windows_of("centre,date,opens,closes,capacity\rA,2021-06-07,09:00,17:00,10\r"), one_day);
  EXPECT_EQ(windows_of("centre,date,opens,closes,capacity\rA,2021-06-07,09:00,17:00,10\rA,x,09:00,17:00,10"),
            "slots.csv:3:3 date bad_date\n");
}

TEST(round_import, blank_rows_empty_columns_and_blanks_around_values_are_left_out) {
  EXPECT_EQ(windows_of("\n , ,\n\"\",\n Centre ,DATE,Opens , closes,Capacity,,\n\n,,,,,,\n  ,\t, , ,\u00a0,,\n A , 2021-06-07 "
                       ",09:00\u00a0,\"17:00 \",10,,\n"),
            one_day);
  EXPECT_EQ(windows_of("centre,date,opens,closes,capacity,\nA,2021-06-07,09:00,17:00,10,x\n"), "slots.csv:2:29  column_unknown\n");
  const auto made = import("code,name,state,district,latitude,longitude,Capacity per day\nA,Hall,Johor,,1,2\n",
                           group_header + "A,2021-06-07,09:00,17:00,10\n");
  EXPECT_EQ(told(made), "imported") << "a spreadsheet may leave out what is empty at the end of a row";
}

TEST(round_import, utf_16_is_known_with_a_mark_and_without) {
  const auto file = group_header + "A,2021-06-07,09:00,17:00,10\r\n";
  for (const bool big : {false, true})
    for (const bool mark : {false, true})
      EXPECT_EQ(windows_of(utf16(file, big, mark)), one_day) << big << mark;
  EXPECT_EQ(windows_of(utf16(group_header + "A,x,09:00,17:00,10\n", false, true)), "slots.csv:2:3 date bad_date\n");
}

TEST(round_import, utf_16_that_is_cut_off_is_named_where_it_ends) {
  EXPECT_EQ(windows_of(utf16(group_header + "A,2021-06-07", false, true) + "x"),
            "slots.csv:2:0  wrong_number_of_fields\nslots.csv:2:13  not_utf16\n");
  EXPECT_EQ(windows_of(utf16(group_header, true, true) + std::string("\xd8\x00\x00x", 4)), "slots.csv:2:1  not_utf16\n");
}

TEST(round_import, a_workbook_is_no_csv) {
  const auto made = import(two_centres, std::string("PK\x03\x04\x14\x00\x06\x00\x08", 9) + std::string(1000, '\x80'));
  ASSERT_EQ(told(made), "slots.csv:1:1  a_workbook\n");
  EXPECT_NE(made.error()[0].detail.find("CSV UTF-8"), std::string::npos);
}

TEST(round_import, the_rest_of_a_column_tells_which_is_the_day) {
  EXPECT_EQ(windows_of_rows("A,3/6/2021,9:00,17:00,1\nA,26/6/2021,9:00,17:00,2\n"), "2021-06-03 09:00-17:00 1\n2021-06-26 09:00-17:00 2\n");
  EXPECT_EQ(windows_of_rows("A,3/6/2021,9:00,17:00,1\nA,6/26/2021,9:00,17:00,2\n"), "2021-03-06 09:00-17:00 1\n2021-06-26 09:00-17:00 2\n");
  EXPECT_EQ(windows_of_rows("A,3/6/21,9:00,17:00,1\nA,26/6/21,9:00,17:00,2\n"), "2021-06-03 09:00-17:00 1\n2021-06-26 09:00-17:00 2\n");
  EXPECT_EQ(windows_of_rows("A,7-Jun-21,9:00,17:00,1\n"), "2021-06-07 09:00-17:00 1\n");
}

TEST(round_import, a_date_that_nothing_decides_is_refused_with_what_to_write) {
  const auto made = import(two_centres, group_header + "A,3/4/21,9:00,17:00,1\n", of_2021());
  ASSERT_EQ(told(made), "slots.csv:2:3 date ambiguous_date\n");
  EXPECT_EQ(made.error()[0].detail, "\"3/4/21\" can be read as 3 April 2021 or 4 March 2021; write 2021-04-03 or 2021-03-04.");
  EXPECT_EQ(windows_of_rows("A,3/6/2021,9:00,17:00,1\nA,4/6/2021,9:00,17:00,2\nA,5/5/2021,9:00,17:00,2\n"),
            "slots.csv:2:3 date ambiguous_date\nslots.csv:3:3 date ambiguous_date\n");
  EXPECT_EQ(windows_of_rows("A,7/6/19,9:00,17:00,1\n"), "slots.csv:2:3 date ambiguous_date\n") << "no year of the round";
}

TEST(round_import, dates_of_two_orders_in_one_file_are_refused_where_they_can_be_either) {
  const auto made =
      import(two_centres, group_header + "A,26/6/2021,9:00,17:00,1\nA,6/27/2021,9:00,17:00,2\nA,3/6/2021,9:00,17:00,2\n", of_2021());
  ASSERT_EQ(told(made), "slots.csv:4:3 date ambiguous_date\n");
  EXPECT_EQ(made.error()[0].detail,
            "\"3/6/2021\" can be read as 3 June 2021 or 6 March 2021 (line 3 cannot be day/month/year, line 2 cannot be "
            "month/day/year); write 2021-06-03 or 2021-03-06.");
}

TEST(round_import, how_uncertain_looking_values_were_read_is_told) {
  std::vector<import_reading> readings;
  const auto made =
      import_round(of_2021(), {"centres.csv", "code;name;state;district;latitude;longitude\nA;Hall;Johor;;1,5;103,7\n"},
                   {"slots.csv", utf16(group_header + "A,3/6/2021,9:00 AM,17:00,1 000\n,,,,\nA,26/6/2021,9:00 AM,17:00,2\n", false, true)},
                   {}, &readings);
  ASSERT_TRUE(made) << told(made);
  std::string all;
  for (const auto& r : readings)
    all += fmt::format("{}:{} {}: {}\n", r.file, r.line, r.column, r.detail);
  EXPECT_EQ(
      all,
      "centres.csv:0 : Its columns are parted by semicolons.\n"
      "centres.csv:2 latitude: Degrees such as \"1,5\" are read as 1.5.\n"
      "slots.csv:2 opens: Times such as \"9:00 AM\" are read as 09:00.\n"
      "slots.csv:2 capacity: Numbers such as \"1 000\" are read as 1000.\n"
      "slots.csv:4 date: Dates such as \"26/6/2021\" are read as 2021-06-26.\n"
      "slots.csv:0 : The file is UTF-16LE.\n"
      "slots.csv:0 : Rows with nothing in them are left out: 1.\n"
      "slots.csv:2 date: Dates that could be read in several ways are read as day/month/year, since line 4 can be read in no other order: "
      "\"3/6/2021\" is 3 June 2021.\n");
}

TEST(round_import, each_way_in_which_times_are_written_is_told) {
  std::vector<import_reading> readings;
  const auto made = import_round(
      of_2021(), {"centres.csv", centre_header + "A,Hall,Johor,,1.5,103.7\n"},
      {"slots.csv", group_header + "A,2021-06-07,9:00,12:00,1\nA,2021-06-08,2:00,17:00,1\nA,2021-06-09,9.00,2.30 PTG,1\n"}, {}, &readings);
  ASSERT_TRUE(made) << told(made);
  std::string all;
  for (const auto& r : readings)
    all += fmt::format("{} {}: {}\n", r.line, r.column, r.detail);
  EXPECT_EQ(all,
            "2 opens: Times such as \"9:00\" are read as 09:00.\n"
            "3 opens: Times such as \"2:00\" are read as 02:00.\n"
            "4 opens: Times such as \"9.00\" are read as 09:00.\n"
            "4 closes: Times such as \"2.30 PTG\" are read as 14:30.\n");
}

TEST(round_import, a_time_that_may_be_of_the_afternoon_is_refused_unless_the_file_counts_to_24) {
  EXPECT_EQ(windows_of_rows("A,2021-06-07,9:00,12:00,1\nA,2021-06-07,2:00,5:00,1\n"),
            "slots.csv:3:14 opens ambiguous_time\nslots.csv:3:19 closes ambiguous_time\n");
  EXPECT_EQ(windows_of_rows("A,2021-06-07,9:00,5:00,1\n"), "slots.csv:2:19 closes ambiguous_time\n");
  EXPECT_EQ(windows_of_rows("A,2021-06-07,7:00,17:00,1\n"), "2021-06-07 07:00-17:00 1\n");
  EXPECT_EQ(windows_of_rows("A,2021-06-07,02:00,05:00,1\n"), "2021-06-07 02:00-05:00 1\n");
}

TEST(round_import, numbers_are_read_where_they_can_be_nothing_else) {
  EXPECT_EQ(windows_of("centre;date;opens;closes;capacity\nA;2021-06-07;09:00;17:00;1.000\n"), "slots.csv:2:26 capacity bad_capacity\n");
  EXPECT_EQ(windows_of_rows("A,2021-06-07,09:00,17:00,\"1,000\"\n"), "slots.csv:2:26 capacity bad_capacity\n");
  EXPECT_EQ(windows_of_rows("A,2021-06-07,09:00,17:00,10.0\n"), one_day);
}

TEST(round_import, what_stands_twice_is_named_with_both_lines) {
  const auto twice = import_centres("A,Hall A,Johor,x,1,2\nB,b,Johor,x,1,2\nA,Hall,Johor,x,1,2\n");
  ASSERT_EQ(told(twice), "centres.csv:4:1 code centre_twice\n");
  EXPECT_NE(twice.error()[0].detail.find("line 2"), std::string::npos) << twice.error()[0].detail;
}

TEST(round_import, a_centre_written_in_another_case_is_suggested) {
  const auto made = import_groups("a,2021-06-07,09:00,17:00,1\n");
  ASSERT_EQ(told(made), "slots.csv:2:1 centre unknown_centre\n");
  EXPECT_EQ(made.error()[0].detail, "\"a\" is not in the list of centres; A is.");
}

TEST(round_import, what_cannot_be_shown_is_not_repeated_as_it_is) {
  const auto made = import_groups("A\x1b[2J,2021-06-07,09:00,17:00,1\n\xff,2021-06-07,09:00,17:00,1\n");
  for (const auto& e : made.error())
    EXPECT_TRUE(is_utf8(e.detail) && e.detail.find('\x1b') == std::string::npos) << e.detail;
}

TEST(round_import, settings_that_were_refused_before_are_not_blamed_again) {
  auto s = settings();
  s.opens_at = unix_ms{9};
  s.code = "";
  const auto made =
      import_round(s, {"centres.csv", two_centres}, {"slots.csv", group_header + "A,2021-06-07,09:00,17:00,1\n"}, {"opens_at", "code"});
  EXPECT_EQ(told(made), "imported") << "whoever told them refuses";
}

// However the bytes come.
TEST(round_import, pieces_of_any_size_read_like_the_whole) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  const std::string files[] = {
      "sep=;\r\ncentre;date;opens;closes;capacity\r\nA;\"2021-06-07\";09:00;17:00;10\r\n\r\nB;3/6/2021;9:00 AM;x\xe2\x82\xac;\"1\r\n\"\r\n",
      utf16(group_header + "A,2021-06-07,09:00,17:00,10\r\nZ,,,,\r\n", true, true),
      group_header + "A,\"2021-06-07,09:00\nA,2021-06-08,\"09\"\"00,17:00\r\r\nB,\xff,1\xe2\x82,x"};
  for (const auto& file : files) {
    const auto whole = windows_of(file);
    for (int turn = 0; turn < 200; ++turn) {
      round_importer importer("centres.csv", "slots.csv");
      std::string_view rest = file;
      while (!rest.empty()) {
        const auto size = std::min<std::size_t>(1 + random() % (turn % 2 == 0 ? 3 : 40), rest.size());
        importer.slot_groups(rest.substr(0, size));
        rest.remove_prefix(size);
      }
      importer.centres(two_centres);
      ASSERT_EQ(windows(importer.finish(of_2021())), whole);
    }
  }
}

}  // namespace
}  // namespace janji
