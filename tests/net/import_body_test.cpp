#include "net/import_body.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>

namespace janji::net {
namespace {

constexpr std::string_view whole =
    R"( {"round":{"code":"r1","age_min":18,"more":{"x":[1]},"none":null},"centres":{"file":"c.csv","text":"code,name\nA,\"H\u00e4ll\"\n"},)"
    R"("slot_groups":{"text":"centre,date\r\nA,2021","file":"s.csv","other":[{"text":"no"}]},"unknown":[[{"text":"no"}]]} )";

// What was read in pieces of that many bytes: one line, or the refusal.
std::string as_read(std::string_view body, std::size_t piece_bytes = 1'000) {
  import_body b;
  for (std::size_t at = 0; at < body.size(); at += piece_bytes)
    b.take(body.substr(at, piece_bytes));
  const auto parts = std::move(b).finish();
  if (!parts)
    return fmt::format("{}: {}", name_of(parts.error().code), detail_of(parts.error()));
  return fmt::format("{} | {}: {} | {}: {}", boost::json::serialize(parts->round), parts->centres.name, parts->centres.text,
                     parts->slot_groups.name, parts->slot_groups.text);
}

TEST(import_body, is_read_the_same_however_it_is_cut) {
  const auto expected = as_read(whole, whole.size());
  EXPECT_EQ(
      expected,
      "{\"code\":\"r1\",\"age_min\":18,\"more\":{},\"none\":null} | c.csv: code,name\nA,\"H\u00e4ll\"\n | s.csv: centre,date\r\nA,2021");
  for (std::size_t n = 1; n < whole.size(); ++n)
    ASSERT_EQ(as_read(whole, n), expected) << n;
}

TEST(import_body, parts_that_are_missing_or_of_another_kind_are_empty) {
  for (const auto* body :
       {"{}", R"({"round":5,"centres":[],"slot_groups":"x"})", R"({"round":[1,"x"],"centres":["text"],"slot_groups":{}})",
        R"({"centres":{"file":1,"text":2}})", R"({"centres":{"text":{"text":"x"},"file":["y"]}})"})
    EXPECT_EQ(as_read(body), "{} | :  | : ") << body;
}

TEST(import_body, what_is_no_json_object_is_refused) {
  for (const std::string_view body : {"", " ", "5", "[]", "null", "\"x\"", "{", "{\"round\":", "{\"a\":1}x", "{\"a\":1}{}",
                                      "{\"a\":\"\xff\"}", "{'a':1}", "{\"centres\":{\"text\":\"a"})
    for (const std::size_t piece : {1, 1'000})
      EXPECT_TRUE(as_read(body, piece).starts_with("malformed_json: ")) << body << " gives " << as_read(body, piece);
  EXPECT_EQ(as_read("[]"), "malformed_json: The request must be a JSON object.");
  EXPECT_TRUE(as_read(fmt::format(R"({{"a":{}1{}}})", std::string(20, '['), std::string(20, ']'))).starts_with("malformed_json"));
}

TEST(import_body, a_part_or_a_member_that_stands_twice_is_refused) {
  for (const auto* body : {R"({"round":{},"round":{}})", R"({"centres":{"text":"a","text":"b"}})", R"({"round":{"code":"a","code":"b"}})"})
    EXPECT_EQ(as_read(body), "malformed_json: A field stands twice.") << body;
  EXPECT_EQ(as_read(R"({"centres":{"text":"a"},"slot_groups":{"text":"b"}})"), "{} | : a | : b");
}

TEST(import_body, keeps_the_files_within_their_limit_and_little_besides) {
  import_body b;
  b.take(R"({"round":{"code":"r"},"slot_groups":{"text":")");
  const std::string piece(1 << 20, 'x');
  for (std::size_t n = 0; n < 70; ++n)
    b.take(piece);
  EXPECT_LT(b.held_bytes(), janji::limits::import_file_bytes_max + 1'000);
  b.take("\"}}");
  const auto parts = std::move(b).finish();
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->slot_groups.text.size(), janji::limits::import_file_bytes_max + 1) << "the import says that it is too large";

  for (const auto* where : {R"({"round":{"code":")", R"({"unknown":")", R"({"centres":{"file":")", R"({"round":{")"}) {
    import_body words;
    words.take(where);
    for (int n = 0; n < 10; ++n)
      words.take(piece);
    EXPECT_LT(words.held_bytes(), 3U << 20U) << where;
    EXPECT_EQ(std::move(words).finish().error().code, problem_code::body_too_large) << where;
  }
}

TEST(import_body, drops_what_it_has_when_the_rest_cannot_be_read) {
  import_body b;
  b.take(R"({"slot_groups":{"text":")" + std::string(1 << 20, 'x'));
  EXPECT_GE(b.held_bytes(), 1U << 20U);
  b.take("\"}]");
  EXPECT_LT(b.held_bytes(), 1'000U);
  b.take(std::string(1 << 20, 'x'));
  EXPECT_LT(b.held_bytes(), 1'000U);
  EXPECT_EQ(std::move(b).finish().error().code, problem_code::malformed_json);
}

}  // namespace
}  // namespace janji::net
