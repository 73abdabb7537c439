#include "booking/round_import.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <toml++/toml.h>

#include <algorithm>
#include <fstream>
#include <random>
#include <sstream>
#include <string>

#include "booking/civil_time.hpp"
#include "tests/booking/round_imports.hpp"

namespace janji {
using namespace round_imports;
namespace {

using namespace std::chrono_literals;

std::string whole_file(const char* name) {
  std::ifstream file(name);
  EXPECT_TRUE(file) << name << ": run from the project's folder";
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(round_import, the_demo_is_the_round_of_may_2021) {
  const auto toml = toml::parse(whole_file("configs/demo/round.toml"));
  auto s = settings();
  s.code = toml["code"].value_or(std::string{});
  s.name = toml["name"].value_or(std::string{});
  s.time_zone = toml["time_zone"].value_or(std::string{});
  s.opens_at = parse_moment(toml["opens_at"].value_or(std::string{})).value();
  s.closes_at = parse_moment(toml["closes_at"].value_or(std::string{})).value();
  s.rules.age_min = toml["age_min"].value_or(std::uint8_t{0});
  const auto made = import(whole_file("configs/demo/centres.csv"), whole_file("configs/demo/slot-groups.csv"), s);
  ASSERT_TRUE(made) << told(made);
  std::uint64_t places = 0;
  for (const auto& g : made->groups)
    for (const auto& w : g.windows)
      places += w.capacity;
  EXPECT_EQ(made->centres.size(), 8U);
  EXPECT_EQ(made->groups.size(), 408U);
  EXPECT_EQ(places, 956'609U);
  EXPECT_EQ(made->code, "2021-3");
  EXPECT_EQ(made->rules.age_min, 18);
  EXPECT_EQ(format_utc(made->opens_at), "2021-05-26T04:00:00.000Z");
  EXPECT_GT(made->closes_at, *parse_moment("2099-01-01T00:00:00Z"));
}

TEST(round_import, several_windows_of_a_day_come_in_time_order_whatever_the_rows_order) {
  const auto made =
      import_groups("B,2021-06-08,09:00,12:00,5\nA,2021-06-08,14:00,17:00,3\nA,2021-06-07,09:00,17:00,1\nA,2021-06-08,09:00,14:00,2\n");
  ASSERT_TRUE(made) << told(made);
  auto expected = settings();
  expected.groups = {{{}, 0, 2021y / 6 / 7, {{540, 1020, 1}}},
                     {{}, 0, 2021y / 6 / 8, {{540, 840, 2}, {840, 1020, 3}}},
                     {{}, 1, 2021y / 6 / 8, {{540, 720, 5}}}};
  say_ends(expected);
  EXPECT_EQ(made->groups, expected.groups);
}

TEST(round_import, the_centres_are_as_listed_with_the_states_own_names) {
  const auto made = import_centres("A,\"Hall \"\"A\"\", big\",penang,\" Barat, Daya\",5.3,-100.25\n");
  ASSERT_TRUE(made) << told(made);
  EXPECT_EQ(made->centres, (std::vector<centre>{{"A", "Hall \"A\", big", "Pulau Pinang", "Barat, Daya", 5.3, -100.25}}));
}

TEST(round_import, names_are_counted_in_characters) {
  const auto named = [](int characters, std::string_view character) {
    std::string name;
    for (int i = 0; i < characters; ++i)
      name += character;
    return import_centres("A," + name + ",Johor," + name + ",1,2\n");
  };
  for (const auto* character : {"x", "\u00e9", "\u0bae", "\u4e2d"})
    EXPECT_TRUE(named(200, character)) << told(named(200, character));
  const auto long_one = named(201, "\u0bae");
  ASSERT_FALSE(long_one);
  EXPECT_EQ(long_one.error()[0].detail, "The name has 201 characters, and 200 are the most.");
  EXPECT_EQ(long_one.error()[1].detail, "The district has 201 characters, and 200 are the most.");
  EXPECT_TRUE(named(150, "\U0001f4c5")) << "of four bytes";
  EXPECT_EQ(named(151, "\U0001f4c5").error()[0].detail,
            "The name takes 604 bytes, and 600 are the most: few characters take more than three.");
}

TEST(round_import, what_stood_in_the_settings_before_does_not_stay) {
  auto s = settings();
  s.centres.resize(3);
  s.groups.resize(3);
  const auto made = import(two_centres, group_header + "A,2021-06-07,09:00,17:00,10\n", s);
  ASSERT_TRUE(made) << told(made);
  EXPECT_EQ(made->groups.size(), 1U);
}

TEST(round_import, a_byte_order_mark_crlf_empty_lines_and_columns_in_another_order_are_read) {
  const auto made = import("\xef\xbb\xbflongitude,latitude,district,state,name,code\r\n\r\n103.7,1.5,Kluang,Johor,Hall A,A\r\n",
                           "\xef\xbb\xbf\"capacity\",closes,opens,date,centre\r\n10,17:00,09:00,2021-06-07,A");
  ASSERT_TRUE(made) << told(made);
  EXPECT_EQ(made->centres[0].latitude, 1.5);
  EXPECT_EQ(made->groups[0].windows[0], (window_definition{540, 1020, 10, *parse_moment("2021-06-07T09:00:00+08:00")}));
}

TEST(round_import, a_wrapped_cell_is_one_line_of_text) {
  const auto made = import_centres("A,\"Hall\nA\",Johor,\"North\r\nSouth\",1,2\n");
  ASSERT_TRUE(made) << told(made);
  EXPECT_EQ(made->centres[0].name, "Hall A");
  EXPECT_EQ(made->centres[0].district, "North South");
}

TEST(round_import, one_bad_line_in_ten_thousand_is_named_and_nothing_is_imported) {
  std::string rows;
  std::chrono::sys_days day = std::chrono::sys_days{civil_date{2021y / 6 / 7}};
  for (int i = 0; i < 10'000; ++i)
    rows += fmt::format("A,{},09:00,17:00,{}\n", format_date(civil_date{day + std::chrono::days{i}}), i == 7'000 ? "many" : "10");
  EXPECT_EQ(told(import_groups(rows)), "slots.csv:7002:26 capacity bad_capacity\n");
}

TEST(round_import, every_error_of_a_row_is_told_with_its_field) {
  EXPECT_EQ(told(import_groups("C,2021-02-29,9:0,25:00,-1\n")),
            "slots.csv:2:1 centre unknown_centre\nslots.csv:2:3 date bad_date\nslots.csv:2:14 opens bad_time\nslots.csv:2:18 closes "
            "bad_time\nslots.csv:2:24 capacity bad_capacity\n");
}

TEST(round_import, every_error_of_a_centre_is_told_with_its_field) {
  EXPECT_EQ(told(import_centres("A,Hall A,Johor,x,1,2\na/b,,Atlantis," + std::string(201, 'd') + ",nan,181\nA,Hall,Johor,x,,2x\n")),
            "centres.csv:3:1 code bad_code\ncentres.csv:3:5 name bad_name\ncentres.csv:3:6 state unknown_state\ncentres.csv:3:15 district "
            "bad_name\n"
            "centres.csv:3:217 latitude bad_latitude\ncentres.csv:3:221 longitude bad_longitude\n"
            "centres.csv:4:1 code centre_twice\ncentres.csv:4:16 latitude bad_latitude\ncentres.csv:4:17 longitude bad_longitude\n");
}

TEST(round_import, lines_and_positions_are_right_after_quotes_line_breaks_and_wide_letters) {
  EXPECT_EQ(told(import_centres(
                "A,\"Dewan\nBesar "
                "\"\"A\"\"\",Nowhere,x,1,2\n\"B\n\",\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\",Nowhere,x,1,2\n\nC,c,Nowhere,x,1,2\r\n")),
            "centres.csv:3:14 state unknown_state\ncentres.csv:5:9 state unknown_state\ncentres.csv:7:5 "
            "state unknown_state\n");
}

TEST(round_import, a_day_closes_after_it_opens) {
  EXPECT_EQ(told(import_groups("A,2021-06-07,17:00,09:00,1\nB,2021-06-07,09:00,09:00,1\n")),
            "slots.csv:2:20 closes closes_before_opens\nslots.csv:3:20 closes closes_before_opens\n");
}

TEST(round_import, a_window_that_stands_twice_or_overlaps_another_is_an_error_that_names_both_lines) {
  const auto made = import_groups(
      "A,2021-06-07,12:00,17:00,1\nA,2021-06-07,09:00,12:01,1\nB,2021-06-07,09:00,12:00,1\nA,2021-06-08,09:00,12:00,1\nB,2021-06-07,09:00,"
      "12:00,2\n");
  EXPECT_EQ(told(made), "slots.csv:2:14 opens windows_overlap\nslots.csv:6:14 opens window_twice\n");
  EXPECT_NE(made.error()[0].detail.find("line 3"), std::string::npos);
  EXPECT_NE(made.error()[1].detail.find("line 4"), std::string::npos);
}

TEST(round_import, windows_that_touch_do_not_overlap) {
  EXPECT_TRUE(import_groups("A,2021-06-07,09:00,12:00,1\nA,2021-06-07,12:00,17:00,1\n"));
}

TEST(round_import, a_day_has_at_most_64_windows) {
  std::string rows;
  for (std::uint16_t i = 0; i < 65; ++i)
    rows += fmt::format("A,2021-06-07,{},{},1\n", format_minute(i), format_minute(static_cast<std::uint16_t>(i + 1)));
  EXPECT_EQ(told(import_groups(rows)), "slots.csv:66:14 opens too_many_windows\n");
}

TEST(round_import, a_row_too_short_or_too_long_is_named) {
  EXPECT_EQ(told(import_groups("A,2021-06-07,09:00,17:00\nA,2021-06-08,09:00,17:00,1,2\n")),
            "slots.csv:2:0  wrong_number_of_fields\nslots.csv:3:0  wrong_number_of_fields\n");
  EXPECT_EQ(told(import_groups("A,2021-06-07,09:00,17:00,1,,\n")), "imported") << "separators with nothing behind them";
}

TEST(round_import, columns_missing_unknown_or_twice_are_errors_and_the_other_columns_are_still_read) {
  const auto made = import(two_centres, "centre,date,date,opens,closes,places\nZ,2021-06-07,x,09:00,x,x\n");
  EXPECT_EQ(told(made),
            "slots.csv:1:0 capacity column_missing\nslots.csv:1:13 date column_twice\nslots.csv:1:31 places column_unknown\n"
            "slots.csv:2:1 centre unknown_centre\nslots.csv:2:22 closes bad_time\n");
  const auto misspelt = import(two_centres, "centre,date,open,closes,capacity\n");
  ASSERT_EQ(told(misspelt), "slots.csv:1:0 opens column_missing\nslots.csv:1:13 open column_unknown\n");
  EXPECT_EQ(misspelt.error()[1].detail, "The column open is not known; is opens meant?");
}

TEST(round_import, when_the_centres_cannot_be_read_the_groups_are_not_blamed_for_it) {
  EXPECT_EQ(told(import("code;name\n", group_header + "A,2021-06-07,09:00,17:00,many\n")).find("unknown_centre"), std::string::npos);
  EXPECT_NE(told(import("code;name\n", group_header + "A,2021-06-07,09:00,17:00,many\n")).find("slots.csv:2:26 capacity bad_capacity"),
            std::string::npos);
}

TEST(round_import, a_centre_whose_row_cannot_be_read_is_not_said_to_be_missing) {
  EXPECT_EQ(told(import(centre_header + "A,Hall A,Johor\nB,Hall B,Johor,,3,101\n", group_header + "A,2021-06-07,09:00,17:00,1\n")),
            "centres.csv:2:0  wrong_number_of_fields\n");
}

TEST(round_import, files_without_rows_are_errors) {
  EXPECT_EQ(told(import("", "\n\n")), "centres.csv:1:0  no_header\nslots.csv:1:0  no_header\n");
  EXPECT_EQ(told(import(two_centres, group_header)), "slots.csv:0:0  empty\n");
  EXPECT_EQ(told(import(centre_header, group_header + "A,2021-06-07,09:00,17:00,1\n")),
            "centres.csv:0:0  empty\nslots.csv:2:1 centre unknown_centre\n");
}

TEST(round_import, a_quote_in_the_wrong_place_is_named_and_the_rest_still_read) {
  EXPECT_EQ(told(import_groups("A,2021-06-07,09:00,17:00,1\nA,2021-06-08,0\"9:00,17:00,1\nA,2021-06-09,09:00,17:00,x\n")),
            "slots.csv:3:15  malformed_csv\nslots.csv:4:26 capacity bad_capacity\n");
  EXPECT_EQ(told(import_groups("\"A\" x,2021-06-08,09:00,17:00,1\n")), "slots.csv:2:5  malformed_csv\n");
  EXPECT_EQ(told(import_groups("\"A\xc3\xa9\n\xc3\xa9\"x,2021-06-08,09:00,17:00,1\n")), "slots.csv:3:3  malformed_csv\n");
}

TEST(round_import, a_quote_that_is_never_closed_is_named_where_it_opens_and_the_rest_still_read) {
  EXPECT_EQ(told(import_groups("A,2021-06-07,09:00,17:00,1\nA,\"2021-06-08,09:00,17:00,1\nA,2021-06-09,09:00,17:00,x\n")),
            "slots.csv:3:3  malformed_csv\nslots.csv:4:26 capacity bad_capacity\n");
  std::string rows = "A,\"2021-06-07,09:00,17:00,1\n";
  for (int i = 0; i < 10'000; ++i)
    rows += "A,2021-06-08,09:00,17:00,x\n";
  EXPECT_TRUE(told(import_groups(rows))
                  .starts_with("slots.csv:2:3  malformed_csv\nslots.csv:3:26 capacity bad_capacity\nslots.csv:4:14 opens window_twice\n"));
}

TEST(round_import, what_is_not_utf_8_is_named_once_and_the_rest_still_read) {
  for (const std::string bad :
       {"\x80", "\xc3", "\xc0\xaf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff"})
    EXPECT_EQ(told(import_centres("A,Hall " + bad + ",Johor,x,1,2\nB,Hall,Nowhere,x,1,2\nC," + bad + ",Johor,x,91,2\n")),
              "centres.csv:2:8  not_utf8\ncentres.csv:3:8 state unknown_state\ncentres.csv:4:" + std::to_string(12 + bad.size()) +
                  " latitude bad_latitude\n");
}

TEST(round_import, latin_1_is_recognised_and_it_is_said_how_to_save_it) {
  const auto made = import_centres("A,Caf\xe9,Johor,x,1,2\nB,Caf\xe9,Johor,x,1,2\n");
  ASSERT_EQ(told(made), "centres.csv:2:6  not_utf8\n");
  EXPECT_EQ(made.error()[0].detail,
            "The byte E9 here is not UTF-8 (\"\u00e9\" in Windows-1252). Save the file as \"CSV UTF-8\" (Excel: Save As; LibreOffice: "
            "Character set "
            "Unicode (UTF-8)). So it is in 2 of its lines.");
}

TEST(round_import, control_characters_in_a_name_are_refused) {
  EXPECT_EQ(told(import_centres(std::string("A,Ha\0ll,Johor,x,1,2\n", 20))), "centres.csv:2:3 name control_character\n");
  EXPECT_EQ(told(import_centres("A,Ha\x1bll,Johor,x,1,2\n")), "centres.csv:2:3 name control_character\n");
  EXPECT_EQ(told(import_centres("A,Ha\u0085ll,Johor,\u2028x,1,2\n")),
            "centres.csv:2:3 name control_character\ncentres.csv:2:15 district line_separator\n");
  EXPECT_EQ(told(import_centres("A,\u3164,Johor,x,1,2\n")), "centres.csv:2:3 name bad_name\n") << "nothing but what nobody sees";
}

TEST(round_import, the_settings_are_checked_too_and_told_with_the_rest) {
  auto s = settings();
  s.code = "a b";
  s.time_zone = "Mars/Olympus";
  EXPECT_EQ(told(import(two_centres, group_header + "A,2021-06-07,09:00,17:00,x\n", s)),
            "round:0:0 code bad_code\nround:0:0 time_zone bad_time_zone\nslots.csv:2:26 capacity bad_capacity\n");
}

TEST(round_import, errors_without_end_are_cut_at_a_hundred_of_each_file_and_counted) {
  std::string centres;
  std::string rows;
  for (int i = 0; i < 9'000; ++i)
    centres += fmt::format("C{},Hall,Nowhere,x,1,2\n", i);
  for (int i = 0; i < 300'000; ++i)
    rows += "Z,x,x,x,x\n";
  const auto made = import(centre_header + centres, group_header + rows);
  ASSERT_FALSE(made);
  ASSERT_EQ(made.error().size(), 2 * (limits::import_errors_max + 1));
  EXPECT_EQ(made.error()[99].line, 101U);
  EXPECT_EQ(made.error()[100].detail, "There are 8900 more errors in this file.");
  EXPECT_EQ(made.error()[101].line, 2U);
  EXPECT_EQ(made.error()[200].line, 21U) << "the first of the file, in its order";
  EXPECT_EQ(made.error()[201].code, "more_errors");
  EXPECT_EQ(made.error()[201].detail, "There are at least 1209900 more errors in this file.")
      << "of 10,000 bad rows their centre is looked up";
}

TEST(round_import, codes_without_end_are_not_all_remembered) {
  std::string rows;
  for (int i = 0; i < 50'000; ++i)
    rows += fmt::format("Z{},2021-06-07,09:00,17:00,1\n", i);
  const auto made = import_groups(rows);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().size(), limits::import_errors_max + 1);
  EXPECT_EQ(made.error().back().detail, "There are at least 19900 more errors in this file.");
}

TEST(round_import, a_hundred_errors_and_no_more_are_told_without_more) {
  std::string rows;
  for (int i = 0; i < 20; ++i)
    rows += "Z,x,x,x,x\n";
  EXPECT_EQ(import_groups(rows).error().size(), limits::import_errors_max);
}

TEST(round_import, a_message_repeats_a_long_field_in_part) {
  std::string name;
  for (int i = 0; i < 100'000; ++i)
    name += "\xe2\x82\xac";
  const auto made = import_groups("A," + name + ",09:00,17:00,1\n");
  ASSERT_EQ(told(made), "slots.csv:2:3 date bad_date\n");
  EXPECT_LT(made.error()[0].detail.size(), 300U);
}

TEST(round_import, a_file_that_is_too_large_is_not_read) {
  std::string large = group_header;
  large.resize(limits::import_file_bytes_max + 1, '\n');
  EXPECT_EQ(told(import(two_centres, large)), "slots.csv:0:0  file_too_large\n");
}

TEST(round_import, too_many_centres_are_refused) {
  std::string rows;
  for (int i = 0; i < 10'001; ++i)
    rows += fmt::format("C{},Hall,Johor,x,1,2\n", i);
  EXPECT_EQ(told(import(centre_header + rows, group_header + "C1,2021-06-07,09:00,17:00,1\n")),
            "centres.csv:10002:1 code too_many_centres\n");
}

TEST(round_import, too_many_centre_days_are_refused) {
  std::string rows;
  const std::chrono::sys_days day = std::chrono::sys_days{civil_date{2021y / 6 / 7}};
  for (int i = 0; i <= 100'000; ++i) {
    const auto date = format_date(civil_date{day + std::chrono::days{i}});
    rows += fmt::format("A,{},09:00,17:00,1\nB,{},09:00,17:00,1\n", date, date);
  }
  EXPECT_EQ(told(import_groups(rows)), "slots.csv:0:0  too_many_groups\n");
}

TEST(round_import, a_line_of_commas_takes_no_more_than_its_bytes) {
  EXPECT_EQ(told(import_groups(std::string(1'000'000, ',') + "\n")), "slots.csv:2:0  too_many_fields\n");
}

TEST(round_import, any_good_table_is_imported_whole) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  for (int turn = 0; turn < 100; ++turn) {
    auto whole = settings();
    auto& expected = whole.groups;
    std::vector<std::string> rows;
    for (std::uint16_t c = 0; c < 2; ++c)
      for (int d = 0; d < 5; ++d) {
        if (random() % 3 == 0)
          continue;
        group_definition g{{}, c, civil_date{std::chrono::sys_days{2021y / 6 / 7} + std::chrono::days{d}}, {}};
        std::uint16_t at = 0;
        do {
          at = static_cast<std::uint16_t>(at + random() % 100);
          const auto end = static_cast<std::uint16_t>(at + 1 + random() % 200);
          g.windows.push_back({at, end, static_cast<std::uint32_t>(random() % 1'000'001)});
          rows.push_back(fmt::format(fmt::runtime(random() % 2 == 0 ? "{},{},{},{},{}" : "\"{}\",\"{}\",  {} ,\"{}\",{}"),
                                     c == 0 ? "A" : "B", format_date(g.date), format_minute(at), format_minute(end),
                                     g.windows.back().capacity));
          at = end;
        } while (at < 1000);
        expected.push_back(g);
      }
    if (expected.empty())
      continue;
    std::ranges::shuffle(rows, random);
    const auto made = import_groups(fmt::format("{}{}", fmt::join(rows, random() % 2 == 0 ? "\n" : "\r\n"), random() % 2 == 0 ? "\n" : ""));
    ASSERT_TRUE(made) << told(made);
    say_ends(whole);
    ASSERT_EQ(made->groups, expected);
  }
}

const std::string with_ends = "book_until,centre,date,opens,closes,capacity\n";

TEST(round_import, a_window_says_until_when_it_can_be_booked_and_else_the_round_does) {
  const auto made = import_round(
      settings(), {"centres.csv", two_centres},
      {"slots.csv", with_ends + "90m,A,2021-06-07,09:00,12:00,1\n,A,2021-06-07,12:00,13:00,1\nclosing,B,2021-06-08,00:00,00:30,1\n"}, {},
      nullptr, {booking_end::at::before, 1'440});
  ASSERT_TRUE(made) << told(made);
  EXPECT_EQ(format_utc(made->groups[0].windows[0].book_until), "2021-06-06T23:30:00.000Z");
  EXPECT_EQ(format_utc(made->groups[0].windows[1].book_until), "2021-06-06T04:00:00.000Z");
  EXPECT_EQ(format_utc(made->groups[1].windows[0].book_until), "2021-06-07T16:30:00.000Z");
}

TEST(round_import, a_round_without_ends_says_so_for_all_its_windows) {
  const auto made = import_round(settings(), {"centres.csv", two_centres}, {"slots.csv", group_header + "A,2021-06-07,09:00,12:00,1\n"}, {},
                                 nullptr, {booking_end::at::none, 0});
  ASSERT_TRUE(made) << told(made);
  EXPECT_EQ(made->groups[0].windows[0].book_until, never_over);
}

TEST(round_import, an_end_that_cannot_be_read_is_named_by_its_line) {
  const auto made = import_round(settings(), {"centres.csv", two_centres},
                                 {"slots.csv", with_ends + "none,A,2021-06-07,09:00,12:00,1\n1 day,A,2021-06-08,09:00,12:00,1\n"});
  EXPECT_EQ(told(made), "slots.csv:2:1 book_until bad_book_until\nslots.csv:3:1 book_until bad_book_until\n");
}

TEST(round_import, any_damage_is_an_error_or_a_round_that_obeys_the_rules) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  const auto groups = group_header + "A,2021-06-07,09:00,12:00,10\nA,2021-06-07,12:00,17:00,10\r\n\"B\",2021-06-08,09:00,17:00,10\n";
  for (int i = 0; i < 20'000; ++i) {
    std::string files[] = {two_centres, groups};
    for (auto n = 1 + random() % 3; n > 0; --n) {
      auto& text = files[random() % 2];
      const auto at = random() % text.size();
      const auto c = "\",\r\n09\0\xff:-AB "[random() % 14];
      switch (random() % 3) {
        case 0: text[at] = c; break;
        case 1: text.insert(at, 1, c); break;
        default: text.erase(at, 1);
      }
    }
    const auto made = import(files[0], files[1]);
    ASSERT_TRUE(made ? round_faults(*made).empty() : !made.error().empty());
  }
}

}  // namespace
}  // namespace janji
