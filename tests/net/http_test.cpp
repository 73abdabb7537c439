#include "net/http.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

namespace janji::net {
namespace {

// ---- query_value

TEST(query_value, finds_a_parameter_wherever_it_stands) {
  EXPECT_EQ(query_value("state=Johor&from=2021-06-07", "state"), "Johor");
  EXPECT_EQ(query_value("state=Johor&from=2021-06-07", "from"), "2021-06-07");
  EXPECT_EQ(query_value("&&state=Johor&", "state"), "Johor");
}

TEST(query_value, is_empty_for_a_parameter_that_is_not_there) {
  EXPECT_EQ(query_value("", "state"), "");
  EXPECT_EQ(query_value("states=Johor&tate=Kedah", "state"), "");
  EXPECT_EQ(query_value("state", "state"), "");
  EXPECT_EQ(query_value("state=", "state"), "");
}

TEST(query_value, takes_the_first_of_several) { EXPECT_EQ(query_value("a=1&a=2", "a"), "1"); }

TEST(query_value, keeps_equal_signs_of_the_value) { EXPECT_EQ(query_value("a=b=c", "a"), "b=c"); }

TEST(query_value, decodes_percent_escapes_and_plus) {
  EXPECT_EQ(query_value("state=Negeri+Sembilan", "state"), "Negeri Sembilan");
  EXPECT_EQ(query_value("state=Negeri%20Sembilan", "state"), "Negeri Sembilan");
  EXPECT_EQ(query_value("a=%c3%A9", "a"), "\xc3\xa9");
  EXPECT_EQ(query_value("a=%26%3D%2b", "a"), "&=+");
  EXPECT_EQ(query_value("a=%00b", "a"), std::string("\0b", 2));
}

TEST(query_value, leaves_what_is_no_escape_as_it_is) {
  EXPECT_EQ(query_value("a=%", "a"), "%");
  EXPECT_EQ(query_value("a=%4", "a"), "%4");
  EXPECT_EQ(query_value("a=%zz%4g", "a"), "%zz%4g");
}

TEST(query_value, of_a_name_with_escapes_is_found) { EXPECT_EQ(query_value("dry%5Frun=true", "dry_run"), "true"); }

TEST(query_parameter, without_a_value_is_there_all_the_same) {
  EXPECT_EQ(query_parameter("x=1&verbose", "verbose"), "");
  EXPECT_EQ(query_parameter("verbose=&x", "verbose"), "");
  EXPECT_EQ(query_parameter("verbosely", "verbose"), std::nullopt);
  EXPECT_EQ(query_parameter("", "verbose"), std::nullopt);
}

// ---- bearer_token

TEST(bearer_token, is_what_follows_the_scheme_whatever_its_case) {
  EXPECT_EQ(bearer_token("Bearer abc.def"), "abc.def");
  EXPECT_EQ(bearer_token("bEARER abc"), "abc");
  EXPECT_EQ(bearer_token("Bearer   abc\t "), "abc");
}

TEST(bearer_token, is_empty_without_one) {
  for (const auto* text : {"", "Bearer", "Bearer ", "Bearer   ", "Basic abc", "Bearerabc", " Bearer abc", "Bear"})
    EXPECT_EQ(bearer_token(text), "") << text;
}

// ---- decoded_path, escapes_are_whole

TEST(decoded_path, escapes_are_read_once) {
  EXPECT_EQ(decoded_path("/api/v1/bookings/1BDA-V19T-5Q36-%3D"), "/api/v1/bookings/1BDA-V19T-5Q36-=");
  EXPECT_EQ(decoded_path("/a%24b%7e"), "/a$b~");
  EXPECT_EQ(decoded_path("/%2541"), "/%41");
  EXPECT_EQ(decoded_path("/a+b"), "/a+b");
}

TEST(decoded_path, what_is_no_escape_or_would_be_another_path_is_none) {
  for (const auto* path : {"/%", "/%2", "/%zz", "/%2g", "/a%2Fb", "/%2f", "/%00", "/%0a", "/%7F", "/100%"})
    EXPECT_EQ(decoded_path(path), std::nullopt) << path;
}

TEST(escapes_are_whole, every_percent_sign_begins_an_escape) {
  for (const auto* good : {"", "state=Johor", "state=Pulau%20Pinang", "a=%25"})
    EXPECT_TRUE(escapes_are_whole(good)) << good;
  for (const auto* bad : {"state=100%", "a=%4", "a=%G1", "%"})
    EXPECT_FALSE(escapes_are_whole(bad)) << bad;
}

// ---- accepts_gzip

TEST(accepts_gzip, when_it_is_listed) {
  for (const auto* text : {"gzip", "GZIP", "br, gzip", "deflate,gzip;q=0.5", "gzip ; q=1.0", "gzip;q=0.001", "br;q=1.0, *"})
    EXPECT_TRUE(accepts_gzip(text)) << text;
}

TEST(accepts_gzip, not_when_it_is_missing_or_excluded) {
  for (const auto* text : {"", "identity", "gzip;q=0", "gzip;q=0.000", "br, gzip; q=0", "*;q=0", "gzipped", ",,;"})
    EXPECT_FALSE(accepts_gzip(text)) << text;
}

// RFC 9110, 12.5.3: the asterisk stands for codings that are not named.
TEST(accepts_gzip, a_coding_that_is_named_counts_before_the_asterisk) {
  EXPECT_FALSE(accepts_gzip("*, gzip;q=0"));
  EXPECT_TRUE(accepts_gzip("*;q=0, gzip"));
}

// ---- matches_etag

TEST(matches_etag, compares_weakly_with_every_tag_of_the_list) {
  EXPECT_TRUE(matches_etag("\"a\"", "\"a\""));
  EXPECT_TRUE(matches_etag("\"x\", \"a\"", "\"a\""));
  EXPECT_TRUE(matches_etag("W/\"a\"", "\"a\""));
  EXPECT_TRUE(matches_etag("\"a\"", "W/\"a\""));
  EXPECT_TRUE(matches_etag("*", "\"a\""));
}

TEST(matches_etag, not_what_differs) {
  for (const auto* text : {"", "a", "\"A\"", "\"b\"", "\"a", "w/\"a\"", ","})
    EXPECT_FALSE(matches_etag(text, "\"a\"")) << text;
}

// ---- response

TEST(response, a_header_becomes_a_line) {
  response r;
  r.add("Allow", "GET");
  r.add("Age", "");
  EXPECT_EQ(r.fields, "Allow: GET\r\nAge: \r\n");
}

TEST(response, a_value_that_would_begin_a_line_of_its_own_is_left_out) {
  response r;
  for (const std::string_view bad : {"a\r\nSet-Cookie: x", "a\nb", "\r", "a\x7f", "a\x1f", "\x01"})
    r.add("X-Request-Id", bad);
  r.add("X-Request-Id", std::string_view("a\0b", 3));
  EXPECT_EQ(r.fields, "");
}

TEST(response, bytes_beyond_ascii_may_stand_in_a_header) {
  response r;
  r.add("Name", "caf\xc3\xa9");
  EXPECT_EQ(r.fields, "Name: caf\xc3\xa9\r\n");
}

TEST(response, shared_bytes_are_sent_instead_of_the_body) {
  response r;
  r.body = "own";
  EXPECT_EQ(r.payload(), "own");
  const auto page = std::make_shared<const std::string>("shared");
  r.shared = page;
  r.view = *page;
  EXPECT_EQ(r.payload(), "shared");
}

// ---- responder

struct taker final : answer_taker {
  std::vector<std::uint64_t> answered;
  int abandoned = 0;
  void answer(std::uint64_t slot, response&& /*r*/) override { answered.push_back(slot); }
  void abandon() override { ++abandoned; }
};

TEST(responder, answers_once) {
  const auto to = std::make_shared<taker>();
  {
    responder respond(to, 7);
    respond({});
    respond({});
    EXPECT_FALSE(respond);
  }
  EXPECT_EQ(to->answered, std::vector<std::uint64_t>{7});
  EXPECT_EQ(to->abandoned, 0);
}

TEST(responder, closes_the_connection_when_it_is_dropped) {
  const auto to = std::make_shared<taker>();
  {
    const responder respond(to, 0);
  }
  EXPECT_EQ(to->abandoned, 1);
}

TEST(responder, moving_it_takes_the_duty_along) {
  const auto to = std::make_shared<taker>();
  {
    responder first(to, 3);
    responder second(std::move(first));
    responder third;
    third = std::move(second);
    third({});
  }
  EXPECT_EQ(to->answered, std::vector<std::uint64_t>{3});
  EXPECT_EQ(to->abandoned, 0);
}

TEST(method, every_one_has_a_name) {
  EXPECT_EQ(name_of(method::del), "DELETE");
  EXPECT_EQ(name_of(method::head), "HEAD");
  EXPECT_EQ(name_of(method::other), "other");
}

}  // namespace
}  // namespace janji::net
