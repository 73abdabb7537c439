#include "net/problem.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "net/json_text.hpp"
#include "net/session_words.hpp"
#include "web/codes.hpp"

namespace janji::net {
namespace {

namespace json = boost::json;

json::object object_of(const response& r) {
  boost::system::error_code ec;
  auto v = json::parse(r.body, ec);
  EXPECT_FALSE(ec) << r.body;
  return v.is_object() ? v.get_object() : json::object{};
}
std::string text(const json::object& o, std::string_view name) {
  const auto* v = o.if_contains(json::string_view(name.data(), name.size()));
  return v != nullptr && v->is_string() ? std::string(v->get_string()) : "(none)";
}

TEST(problem, every_code_is_told_as_rfc_9457_has_it) {
  for (const auto& row : problem_rows) {
    const auto r = to_response({.code = row.code}, "abc");
    const auto o = object_of(r);
    EXPECT_EQ(r.status, row.status);
    EXPECT_EQ(r.content_type, "application/problem+json");
    EXPECT_TRUE(r.no_store);
    EXPECT_EQ(text(o, "code"), row.name);
    EXPECT_EQ(text(o, "type"), "https://janji.invalid/problems/" + std::string(row.name));
    EXPECT_EQ(text(o, "title"), title_of(row.code));
    EXPECT_EQ(o.at("status").to_number<unsigned>(), row.status);
    EXPECT_EQ(text(o, "request_id"), "abc");
  }
}

TEST(problem, every_status_is_sent_as_itself) {
  for (const auto& row : problem_rows)
    EXPECT_TRUE(status_line(row.status).starts_with("HTTP/1.1 " + std::to_string(row.status) + " ")) << row.name;
}

TEST(problem, every_code_has_a_name_of_its_own_and_words) {
  std::set<std::string_view> names;
  for (const auto& row : problem_rows) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_TRUE(std::ranges::all_of(row.name, [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; })) << row.name;
    EXPECT_TRUE(title_of(row.code).ends_with('.')) << row.name;
    EXPECT_EQ(row_of(row.code).name, row.name);
  }
  EXPECT_EQ(names.size(), problem_code_count);
}

TEST(problem, who_shall_ask_again_is_told_when) {
  for (const auto& row : problem_rows) {
    const auto r = to_response({.code = row.code});
    const auto o = object_of(r);
    if (row.status == 503 || row.status == 504 || row.status == 429) {
      EXPECT_NE(row.retry_after_ms, 0U) << row.name;
    }
    EXPECT_EQ(o.contains("retry_after_ms"), row.retry_after_ms != 0) << row.name;
    const auto line = "Retry-After: " + std::to_string((row.retry_after_ms + 999) / 1000) + "\r\n";
    EXPECT_EQ(r.fields.find("Retry-After") != std::string::npos, row.retry_after_ms != 0) << row.name;
    if (row.retry_after_ms != 0) {
      EXPECT_NE(r.fields.find(line), std::string::npos) << row.name;
    }
  }
}

TEST(problem, retry_after_is_rounded_up_to_whole_seconds) {
  const auto r = to_response({.code = problem_code::busy, .retry_after_ms = 1001});
  EXPECT_NE(r.fields.find("Retry-After: 2\r\n"), std::string::npos);
  EXPECT_EQ(object_of(r).at("retry_after_ms").to_number<int>(), 1001);
}

TEST(problem, who_needs_a_token_is_told_which_scheme) {
  EXPECT_NE(to_response({.code = problem_code::unauthorised}).fields.find("WWW-Authenticate: Bearer\r\n"), std::string::npos);
}

TEST(problem, whatever_stands_in_the_details_it_stays_json) {
  problem p{.code = problem_code::invalid, .detail = "a \"quoted\" \\ \n\x01 end", .position = 3, .opens_at = "2021"};
  p.fields = {{"people[0].\"x\"\n", cause_of<reason_code::unknown_setting, "known">("\t\"")}, {"b", cause_of<reason_code::missing>()}};
  p.alternatives = R"([{"centre":"A"}])";
  const auto o = object_of(to_response(p));
  EXPECT_EQ(text(o, "detail"), p.detail);
  EXPECT_EQ(o.at("position").to_number<int>(), 3);
  EXPECT_EQ(text(o, "opens_at"), "2021");
  ASSERT_EQ(o.at("fields").as_array().size(), 2U);
  EXPECT_EQ(text(o.at("fields").at(0).as_object(), "field"), p.fields[0].field);
  EXPECT_EQ(text(o.at("fields").at(0).as_object(), "code"), "unknown_field");
  EXPECT_EQ(text(o.at("fields").at(0).as_object(), "reason"), "unknown_setting");
  EXPECT_EQ(text(o.at("fields").at(0).at("arguments").as_object(), "known"), "\t\"");
  EXPECT_TRUE(text(o.at("fields").at(0).as_object(), "detail").ends_with(": \t\""));
  EXPECT_EQ(text(o.at("alternatives").at(0).as_object(), "centre"), "A");
}

TEST(problem, what_a_page_needs_for_words_of_its_own_comes_as_arguments) {
  auto p = problem_of<problem_code::under_age, "age", "limit">(17, 18);
  p.position = 2;
  const auto o = object_of(to_response(p));
  EXPECT_EQ(json::serialize(o.at("arguments")), R"({"age":17,"limit":18})");
  EXPECT_EQ(text(o, "detail"), "The least age on the day is 18. This person’s is 17.");
  EXPECT_FALSE(o.contains("reason"));
  const auto key = object_of(
      to_response(because(problem_code::bad_idempotency_key, cause_of<reason_code::key_length, "length", "least", "most">(1, 22, 128))));
  EXPECT_EQ(text(key, "code"), "bad_idempotency_key");
  EXPECT_EQ(text(key, "reason"), "key_length");
  EXPECT_EQ(text(key, "detail"), "It has 1 character; 22 to 128 are needed.");
}

TEST(problem, a_sentence_without_its_arguments_is_not_said) {
  EXPECT_FALSE(object_of(to_response({.code = problem_code::under_age})).contains("detail"));
}

TEST(problem, what_is_not_known_is_left_out) {
  const auto o = object_of(to_response({.code = problem_code::full}));
  for (const auto* name : {"request_id", "retry_after_ms", "position", "opens_at", "fields", "alternatives", "reason", "arguments"})
    EXPECT_FALSE(o.contains(name)) << name;
}

TEST(problem, every_refusal_of_the_machines_has_a_code_and_nothing_else_has) {
  const std::set<outcome> good{outcome::confirmed, outcome::cancelled, outcome::moved, outcome::found};
  std::set<problem_code> codes;
  for (int i = 0; i <= static_cast<int>(outcome::unknown); ++i) {
    const auto o = static_cast<outcome>(i);
    const auto code = code_of(o);
    EXPECT_EQ(code.has_value(), !good.contains(o)) << i;
    if (code) {
      EXPECT_TRUE(codes.insert(*code).second) << "two outcomes are told as " << name_of(*code);
    }
  }
}

// Unknown is said as unknown, never as a refusal.
TEST(problem, unknown_is_504_and_contended_503) {
  EXPECT_EQ(row_of(*code_of(outcome::unknown)).status, 504U);
  EXPECT_EQ(row_of(*code_of(outcome::contended)).status, 503U);
  EXPECT_EQ(row_of(*code_of(outcome::in_progress)).status, 503U);
  EXPECT_EQ(row_of(*code_of(outcome::full)).status, 409U);
}

TEST(json_text, every_byte_below_a_space_is_escaped) {
  for (int c = 0; c < 128; ++c) {
    const std::string plain(1, static_cast<char>(c));
    std::string out;
    append_json(out, plain);
    boost::system::error_code ec;
    const auto v = json::parse(out, ec);
    ASSERT_FALSE(ec) << c;
    EXPECT_EQ(v.as_string(), plain) << c;
  }
}

// What nobody knows is never said to be a no, and nobody is told to ask again under a key where that does not help.
TEST(problem, what_may_have_come_true_is_never_said_to_be_a_no) {
  for (const auto& row : problem_rows) {
    const bool nobody_knows = row.status == 429 || row.status == 503 || row.status == 504;
    for (const auto e : {row.book, row.move, row.cancel})
      EXPECT_EQ(e == effect::unknown, nobody_knows && e != effect::none) << row.name;
    if (nobody_knows) {
      EXPECT_EQ(row.book, effect::unknown) << row.name;
    }
  }
}

TEST(problem, no_outcome_of_the_machines_is_without_a_meaning) {
  for (int i = 0; i <= static_cast<int>(outcome::unknown); ++i)
    if (const auto code = code_of(static_cast<outcome>(i))) {
      const auto& row = row_of(*code);
      EXPECT_TRUE(row.book != effect::none || row.move != effect::none || row.cancel != effect::none) << row.name;
    }
}

// booking/text_rules.hpp and the table know each other by names alone.
TEST(problem, every_fault_of_a_text_is_a_reason_with_its_place) {
  for (const std::string_view code : {"not_utf8", "control_character", "line_separator", "direction_control", "no_character",
                                      "hidden_character", "lost_character", "too_many_marks"}) {
    const auto c = cause_of_text({code, "", 5, 0x85});
    EXPECT_EQ(name_of(c.why), code);
    EXPECT_EQ(row_of(c.why).field_code, code);
    EXPECT_EQ(c.arguments, (std::vector<argument>{{"position", 5}, {"character", "U+0085"}}));
    EXPECT_TRUE((field_error{"x", c}.detail().ends_with("(character 5: U+0085)."))) << code;
  }
}

// Each code that a booking, a move or a cancellation may end with is a row of the pages, and what nobody knows is no no there either.
TEST(problem, the_pages_know_every_code_and_mean_the_same_by_it) {
  for (const auto& row : problem_rows) {
    const bool of_the_address = row.code == problem_code::no_such_endpoint || row.code == problem_code::method_not_allowed;
    if (of_the_address || (row.book == effect::none && row.move == effect::none && row.cancel == effect::none))
      continue;
    const auto& shown = web::row_of(row.name);
    EXPECT_EQ(shown.code, row.name);
    if (row.book == effect::unknown) {
      EXPECT_EQ(shown.book, web::screen::unknown) << row.name;
    }
    if (row.book == effect::no || row.book == effect::exists) {
      EXPECT_NE(shown.book, web::screen::unknown) << row.name;
    }
  }
}

// ---- docs/api.md

// Of a line of the table of problems: "| 404 | `not_found` | no such booking |"; without a status it is that of the line
// before.
void add_codes(const std::string& line, unsigned& status, std::multimap<std::string, unsigned>& codes) {
  const auto second = line.find('|', 1);
  const auto third = line.find('|', second + 1);
  if (const auto digit = line.find_first_of("0123456789"); digit < second)
    status = static_cast<unsigned>(std::stoul(line.substr(digit)));
  for (auto at = line.find('`', second); at < third; at = line.find('`', at)) {
    const auto end = line.find('`', at + 1);
    codes.emplace(line.substr(at + 1, end - at - 1), status);
    at = end + 1;
  }
}

TEST(api_document, lists_every_code_under_its_status_and_no_other) {
  std::ifstream file("docs/api.md");
  ASSERT_TRUE(file) << "docs/api.md: run from the project's folder";
  std::multimap<std::string, unsigned> codes;
  unsigned status = 0;
  std::string line;
  while (std::getline(file, line) && !line.starts_with("| status | code |")) {
  }
  while (std::getline(file, line) && line.starts_with('|'))
    if (!line.starts_with("|-"))
      add_codes(line, status, codes);
  EXPECT_FALSE(codes.empty()) << "there is no table of statuses and codes";
  for (const auto& row : problem_rows) {
    const std::string name(row.name);
    ASSERT_EQ(codes.count(name), 1U) << name << " must stand once in the table of docs/api.md";
    EXPECT_EQ(codes.find(name)->second, row.status) << name;
    codes.erase(name);
  }
  for (const auto& [name, listed] : codes)
    ADD_FAILURE() << "docs/api.md lists " << name << ", which no answer has";
}

}  // namespace
}  // namespace janji::net
