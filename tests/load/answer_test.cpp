#include "apps/load/answer.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "apps/load/requests.hpp"
#include "booking/text_length.hpp"

namespace janji::load {
namespace {

TEST(answer, of_a_party_is_understood) {
  const auto c = read_confirmation(
      R"({"status":"confirmed","round":"R","centre":"UM","date":"2021-06-07","window":{"opens":"09:00","closes":"20:30"},"repeated":true,
    "bookings":[{"position":1,"reference":"A","manage_token":"t1"},{"position":2,"reference":"B","manage_token":"t2"}]})");
  EXPECT_TRUE(c.readable);
  EXPECT_TRUE(c.repeated);
  EXPECT_EQ(c.place, "UM/2021-06-07/09:00");
  EXPECT_EQ(c.references, (std::vector<std::string>{"A", "B"}));
  EXPECT_EQ(c.tokens, (std::vector<std::string>{"t1", "t2"}));
}

TEST(answer, without_a_reference_is_no_promise) {
  EXPECT_FALSE(read_confirmation("{}").readable);
  EXPECT_FALSE(read_confirmation(R"({"bookings":[]})").readable);
  EXPECT_FALSE(read_confirmation("<html>").readable);
}

TEST(answer, that_refuses_names_its_code) {
  EXPECT_EQ(problem_code(R"({"type":"x","code":"already_booked","detail":""})"), "already_booked");
  EXPECT_EQ(problem_code("<html>502</html>"), "");
  EXPECT_EQ(problem_code(R"({"code":"a \" quote"})"), "");
}

TEST(answer, is_parsed_in_pieces) {
  const std::string text = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 2\r\nContent-Length: 5\r\n\r\nhello";
  std::string body;
  answer_parser parser(body, true);
  boost::beast::error_code ec;
  std::string held;
  for (const char c : text) {
    held += c;
    held.erase(0, parser.put(boost::asio::const_buffer(held.data(), held.size()), ec));
    ASSERT_TRUE(!ec || ec == boost::beast::http::error::need_more) << ec.message();
  }
  EXPECT_TRUE(parser.is_done());
  EXPECT_EQ(parser.status(), 503);
  EXPECT_EQ(parser.retry_after_s(), 2);
  EXPECT_EQ(body, "hello");
}

TEST(request, of_a_booking_says_its_length_and_repeats_to_the_byte) {
  run_options o;
  o.notes_bytes = 200;
  const auto people = crowd::make(1, known_populations()).value();
  const slot_list slots{"R", {{"UM", "2021-06-07", "09:00", 10, 10}}};
  request_writer writer(o, people, slots);
  job j;
  j.citizen = 12;
  j.people = 2;
  std::string one;
  std::string two;
  writer.write(j, "127.0.0.1:1", one);
  ++j.attempt;
  writer.write(j, "127.0.0.1:1", two);
  EXPECT_EQ(one, two) << "a retry must be the same request under the same key";
  const auto end = one.find("\r\n\r\n") + 4;
  EXPECT_NE(one.find("Content-Length: " + std::to_string(one.size() - end) + "\r\n"), std::string::npos);
  EXPECT_NE(one.find(people.at(13).number()), std::string::npos);
  EXPECT_NE(one.find("Idempotency-Key: " + key_of(1, 12, 0)), std::string::npos);
}

// Notes of 500 bytes are what they were in records of before; more goes into wide characters, and then into other fields.
TEST(request, of_a_large_record_keeps_within_the_limits_of_people_s_text) {
  const auto people = crowd::make(1, known_populations()).value();
  const slot_list slots{"R", {{"UM", "2021-06-07", "09:00", 10, 10}}};
  job j;
  j.citizen = crowd::citizens_max - 1;
  std::size_t plain = 0;
  for (const std::size_t bytes : {0U, 200U, 500U, 501U, 1'999U, 2'000U, 2'001U, 2'800U, 3'000U, 3'500U}) {
    run_options o;
    o.notes_bytes = bytes;
    request_writer writer(o, people, slots);
    std::string text;
    writer.write(j, "127.0.0.1:1", text);
    const auto body = text.substr(text.find("\r\n\r\n") + 4);
    const auto parsed = boost::json::parse(body).at("people").at(0);
    const auto field = [&](const char* name) {
      const auto* v = parsed.as_object().if_contains(name);
      return v == nullptr ? std::string{} : std::string(v->as_string());
    };
    const auto size = field("notes").size() + field("email").size() + field("name").size();
    plain = bytes == 0 ? size : plain;
    EXPECT_EQ(size, plain + bytes);
    EXPECT_LE(text_length(field("notes")), janji::limits::notes_characters_max) << bytes;
    if (bytes <= 500) {
      EXPECT_EQ(field("notes").size(), bytes);
      EXPECT_EQ(text_length(field("notes")), bytes);
    }
    EXPECT_LE(text_length(field("email")), janji::limits::text_characters_max);
    EXPECT_LE(text_length(field("name")), janji::limits::name_characters_max);
  }
}

}  // namespace
}  // namespace janji::load
