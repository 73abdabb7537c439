#include "apps/round_files.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <string>

namespace janji::apps {
namespace {

namespace json = boost::json;

const std::string good_settings = "code = \"r1\"\nname = \"A round\"\nopens_at = 2021-05-26T12:00:00+08:00\nage_min = 18\n";
const std::string good_centres = "code,name,state,district,latitude,longitude\nA,Hall,Johor,,1,2\n";
const std::string good_slots = "centre,date,opens,closes,capacity\nA,2021-06-07,09:00,17:00,10\n";

round_files files(const std::string& settings, const std::string& centres = good_centres, const std::string& slots = good_slots) {
  return {{"round.toml", settings}, {"centres.csv", centres}, {"slots.csv", slots}};
}
// What is told, one a line, when a node finds nothing or these.
std::string told(const round_files& f, std::string_view fields = "[]") {
  std::string out;
  for (const auto& fault : f.all_faults(json::parse({fields.data(), fields.size()}).as_array()))
    out += fault.line() + "\n";
  return out;
}
std::string text_of(const round_files& f, std::string_view pointer) {
  boost::system::error_code ec;
  const json::value body(f.body());
  const auto* v = body.find_pointer({pointer.data(), pointer.size()}, ec);
  return v == nullptr ? "none" : v->is_string() ? std::string(v->get_string()) : json::serialize(*v);
}

TEST(round_files, settings_are_sent_as_they_are_and_a_moment_as_text) {
  const auto f = files(good_settings + "closes_at = \"x\"\nparty_max = 1.5\nage_max = true\nmore = [1]\n");
  EXPECT_TRUE(f.are_good());
  EXPECT_EQ(text_of(f, "/round/code"), "r1");
  EXPECT_EQ(text_of(f, "/round/opens_at"), "2021-05-26T12:00:00+08:00");
  EXPECT_EQ(text_of(f, "/round/age_min"), "18");
  EXPECT_EQ(text_of(f, "/round/closes_at"), "x");
  EXPECT_EQ(text_of(f, "/round/party_max"), "1.5E0") << "the node says that it is none";
  EXPECT_EQ(text_of(f, "/round/age_max"), "true");
  EXPECT_EQ(text_of(f, "/slot_groups/file"), "slots.csv");
  EXPECT_EQ(text_of(f, "/slot_groups/text"), good_slots);
}

TEST(round_files, utf_16_goes_out_as_utf_8) {
  std::string utf16 = "\xff\xfe";
  for (const char c : good_slots) {
    utf16 += c;
    utf16 += '\0';
  }
  const auto f = files(good_settings, "\xef\xbb\xbf" + good_centres, utf16);
  EXPECT_TRUE(f.are_good());
  EXPECT_EQ(text_of(f, "/centres/text"), good_centres);
  EXPECT_EQ(text_of(f, "/slot_groups/text"), good_slots);
}

TEST(round_files, what_a_node_finds_is_told_by_file_line_and_position) {
  const auto f = files(good_settings);
  EXPECT_EQ(told(f, R"([{"file":"slots.csv","line":2,"position":3,"column":"date","code":"bad_date","detail":"No date."},
                        {"file":"round","line":0,"position":0,"column":"round.age_min","code":"bad_number","detail":"No number."},
                        {"file":"round","line":0,"position":0,"column":"round.time_zone","code":"bad_time_zone","detail":"No zone."},
                        {"file":"centres.csv","line":0,"position":0,"column":"","code":"more_errors","detail":"More."},
                        {"file":"centres.csv","line":9,"column":"code","code":"bad_code","detail":"No code."}])"),
            "round.toml: time_zone: No zone.\nround.toml:4:1: age_min: No number.\ncentres.csv:9: code: No code.\ncentres.csv: More.\n"
            "slots.csv:2:3: date: No date.\n");
}

TEST(round_files, latin_1_is_told_here_and_the_rest_of_the_file_is_still_looked_at) {
  const auto f = files(good_settings, "code,name,state,district,latitude,longitude\nA,Caf\xe9,Johor,,1,2\nB,\x80\x81,Nowhere,,1,2\n");
  EXPECT_FALSE(f.are_good());
  EXPECT_EQ(text_of(f, "/centres/text"), "code,name,state,district,latitude,longitude\nA,Caf\u00e9,Johor,,1,2\nB,\u20ac?,Nowhere,,1,2\n");
  const auto all =
      told(f, R"([{"file":"centres.csv","line":3,"position":6,"column":"state","code":"unknown_state","detail":"No state."}])");
  EXPECT_EQ(all.find("centres.csv:2:6: The byte E9 here is not UTF-8"), 0U) << all;
  EXPECT_NE(all.find("\ncentres.csv:3:6: state: No state.\n"), std::string::npos) << all;
}

TEST(round_files, a_workbook_is_told_here_and_not_what_follows_from_it) {
  const auto f = files(good_settings, good_centres, std::string("PK\x03\x04\0\0", 6));
  EXPECT_EQ(told(f, R"([{"file":"slots.csv","line":1,"column":"","code":"no_header","detail":"No header."}])"),
            "slots.csv:1:1: This is a workbook or an archive, not a file of text: save the sheet as \"CSV UTF-8\".\n");
}

TEST(round_files, toml_that_is_none_is_told_with_what_is_wrong_in_the_others) {
  const auto f = files("code = \"r1\"\nname = A round\n");
  EXPECT_FALSE(f.are_good());
  const auto all = told(f, R"([{"file":"round","line":0,"column":"round.code","code":"bad_code","detail":"No code."},
                               {"file":"slots.csv","line":2,"position":3,"column":"date","code":"bad_date","detail":"No date."}])");
  EXPECT_EQ(all.find("round.toml:2:"), 0U) << all;
  EXPECT_EQ(all.find("No code"), std::string::npos) << all;
  EXPECT_NE(all.find("slots.csv:2:3: date: No date.\n"), std::string::npos) << all;
}

TEST(round_files, any_bytes_can_be_sent) {
  const std::string any("\xff\0\x1b\xe2\x82\"\n\xc3\xa9\xfe", 10);
  const round_files f({"r\xff.toml", any}, {"c\n.csv", any + "\xe9"}, {"s.csv", any});
  EXPECT_FALSE(f.are_good());
  boost::system::error_code ec;
  (void)json::parse(json::serialize(f.body()), ec);
  EXPECT_FALSE(ec) << ec.message();
}

}  // namespace
}  // namespace janji::apps
