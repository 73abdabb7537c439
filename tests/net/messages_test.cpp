#include "net/messages.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "net/problem.hpp"

namespace janji::net {
namespace {

// ---- sentences with something in them

std::string formatted(std::string_view text, const std::vector<argument>& arguments, std::string_view language = "en") {
  return format_message(language, text, arguments).value_or("(not said)");
}

TEST(message, an_argument_stands_where_its_name_is) {
  EXPECT_EQ(formatted("{a} and {b}, {a}", {{"a", "x"}, {"b", 7}}), "x and 7, x");
  EXPECT_EQ(formatted("plain # words", {}), "plain # words");
}

TEST(message, large_numbers_are_in_groups_of_three) {
  EXPECT_EQ(formatted("{n}", {{"n", 999}}), "999");
  EXPECT_EQ(formatted("{n}", {{"n", 32'768}}), "32,768");
  EXPECT_EQ(formatted("{n}", {{"n", 1'000'000}}), "1,000,000");
  EXPECT_EQ(formatted("{n}", {{"n", -100}}), "-100");
  EXPECT_EQ(formatted("{n}", {{"n", -1'000}}), "-1,000");
}

TEST(message, a_plural_goes_by_the_rules_of_its_language) {
  constexpr std::string_view places = "{n, plural, =0 {none} one {# place} other {# places}} left";
  EXPECT_EQ(formatted(places, {{"n", 0}}), "none left");
  EXPECT_EQ(formatted(places, {{"n", 1}}), "1 place left");
  EXPECT_EQ(formatted(places, {{"n", 2'000}}), "2,000 places left");
  EXPECT_EQ(formatted(places, {{"n", 1}}, "ta"), "1 place left");
  EXPECT_EQ(formatted("{n, plural, other {# tempat}}", {{"n", 1}}, "ms"), "1 tempat");
  EXPECT_EQ(formatted("{n, plural, other {#个}}", {{"n", 1}}, "zh-Hans"), "1个");
  EXPECT_EQ(formatted("{n, plural, one{a{x}#}other{b{x}#} }", {{"n", 1}, {"x", "-"}}), "a-1");
}

TEST(message, what_is_typed_is_never_read_as_a_placeholder) {
  EXPECT_EQ(formatted("Centre: {centre}", {{"centre", "{x}'s # {n, plural, other {y}}"}}), "Centre: {x}'s # {n, plural, other {y}}");
}

TEST(message, a_sentence_that_lacks_an_argument_is_not_said) {
  EXPECT_FALSE(format_message("en", "{a}", {}));
  EXPECT_FALSE(format_message("en", "{n, plural, other {#}}", std::vector<argument>{{"n", "not a number"}}));
}

TEST(message, what_the_icu_would_read_otherwise_is_an_error) {
  for (const auto* text : {"{", "}", "a } b", "{}", "{ }", "{a", "{a,}", "{a, select, x {y} other {z}}", "{a, number}", "{n, plural}",
                           "{n, plural,}", "{n, plural, one {x}}", "{n, plural, one x other {y}}", "{n, plural, other {a}", "it's {a}",
                           "{n, plural, other {it's}}", "{n, plural, other {{m, plural, other {x}}}}", "{A}", "{a b}"})
    EXPECT_FALSE(placeholders_of(text)) << text;
}

// ---- the files

using names = std::set<std::string, std::less<>>;

names words_in(std::string_view text) {
  names out;
  std::istringstream in{std::string(text)};
  for (std::string word; in >> word;)
    out.insert(word);
  return out;
}
names placeholders_in(std::string_view text) {
  names out;
  const auto found = placeholders_of(text);
  EXPECT_TRUE(found) << text << ": " << (found ? "" : found.error());
  if (found)
    for (const auto& p : *found)
      out.emplace(p.name);
  return out;
}
std::map<std::string_view, std::map<std::string_view, std::string_view>> by_language() {
  std::map<std::string_view, std::map<std::string_view, std::string_view>> out;
  for (const auto& m : all_messages())
    out[m.language][m.key] = m.text;
  return out;
}

TEST(message_file, every_code_and_every_reason_has_its_sentence_and_no_sentence_is_left_over) {
  auto left = by_language()["en"];
  for (const auto& row : problem_rows) {
    EXPECT_EQ(left.erase(fmt::format("problem.{}.title", row.name)), 1U) << row.name << " has no title";
    left.erase(fmt::format("problem.{}.detail", row.name));
  }
  for (const auto& row : reason_rows)
    EXPECT_EQ(left.erase(fmt::format("reason.{}", row.name)), 1U) << row.name << " has no sentence";
  for (const auto& [key, text] : left)
    if (key.starts_with("problem.") || key.starts_with("reason.")) {
      ADD_FAILURE() << key << " is of no code and no reason";
    }
}

// cause_of() and problem_of() compile only with the arguments of the table: so what a sentence uses is given.
TEST(message_file, a_sentence_uses_the_arguments_that_come_with_it_all_of_them_and_no_others) {
  for (const auto& [language, texts] : by_language()) {
    for (const auto& row : problem_rows) {
      const auto detail = texts.find(fmt::format("problem.{}.detail", row.name));
      EXPECT_EQ(detail == texts.end() ? names{} : placeholders_in(detail->second), words_in(row.arguments)) << language << " " << row.name;
      if (const auto title = texts.find(fmt::format("problem.{}.title", row.name)); title != texts.end()) {
        EXPECT_EQ(placeholders_in(title->second), names{}) << "a title is the same every time: " << row.name;
      }
    }
    for (const auto& row : reason_rows)
      if (const auto it = texts.find(fmt::format("reason.{}", row.name)); it != texts.end()) {
        EXPECT_EQ(placeholders_in(it->second), words_in(row.arguments)) << language << " " << row.name;
      }
  }
}

// A category that a language lacks is never chosen there, and the sentence in it is never read.
TEST(message_file, plurals_have_the_categories_of_their_language_and_nothing_besides) {
  for (const auto& m : all_messages()) {
    const auto found = placeholders_of(m.text);
    ASSERT_TRUE(found) << m.language << " " << m.key << ": " << found.error();
    for (const auto& p : *found)
      if (!p.categories.empty()) {
        std::set<std::string_view> wanted{plural_category(m.language, 1), plural_category(m.language, 2)};
        for (const auto c : p.categories)
          EXPECT_TRUE(c.starts_with('=') || wanted.erase(c) == 1) << m.language << " " << m.key << ": " << c;
        EXPECT_TRUE(wanted.empty()) << m.language << " " << m.key << " lacks " << *wanted.begin();
      }
    EXPECT_EQ(m.text.find("#{"), std::string_view::npos) << m.key << " says a number twice";
  }
}

TEST(message_file, every_language_has_the_same_sentences) {
  const auto all = by_language();
  ASSERT_TRUE(all.contains("en"));
  for (const auto& [language, texts] : all) {
    for (const auto& [key, text] : all.at("en"))
      EXPECT_TRUE(texts.contains(key)) << language << " lacks " << key;
    for (const auto& [key, text] : texts)
      EXPECT_TRUE(all.at("en").contains(key)) << language << " has " << key << ", which English has not";
  }
}

TEST(message_file, every_sentence_ends_and_has_no_brace_left_when_it_is_said) {
  for (const auto& m : all_messages()) {
    std::vector<argument> arguments;
    const auto found = placeholders_of(m.text);
    ASSERT_TRUE(found) << m.key;
    for (const std::int64_t n : {0, 1, 2, 5, 1'000}) {
      arguments.clear();
      for (const auto& p : *found)
        arguments.push_back({p.name, n});
      const auto said = formatted(m.text, arguments, m.language);
      EXPECT_EQ(said.find_first_of("{}#"), std::string::npos) << m.key << ": " << said;
    }
    EXPECT_TRUE(m.text.ends_with('.') || m.text.ends_with('}') || m.language != "en") << m.key << ": " << m.text;
  }
}

// After a hand-over nobody knows; a front that refuses before it knows nothing of an earlier try.
TEST(message_file, no_503_says_that_nothing_was_booked) {
  static const std::regex a_no("nothing (was|is)|no booking|not (been )?booked|not (been )?made|was not|were not", std::regex::icase);
  for (const auto& row : problem_rows) {
    if (row.status != 429 && row.status != 503 && row.status != 504)
      continue;
    const auto title = std::string(find_message("en", fmt::format("problem.{}.title", row.name)).value_or(""));
    const auto detail = std::string(find_message("en", fmt::format("problem.{}.detail", row.name)).value_or(""));
    EXPECT_FALSE(std::regex_search(title + " " + detail, a_no)) << row.name << ": " << title << " " << detail;
    EXPECT_NE((title + detail).find("Idempotency-Key"), std::string::npos) << row.name << " must say how to ask again";
  }
}

// ---- no sentence in the code

bool is_source(const std::filesystem::path& p) { return p.extension() == ".cpp" || p.extension() == ".hpp"; }

TEST(message_file, no_sentence_for_those_who_ask_is_left_in_the_code) {
  static const std::regex sentence(R"re("[A-Z][a-z]*'?[a-z]* [^"\\]*[a-z] [^"\\]*[.!?]")re");
  std::vector<std::filesystem::path> files{"booking/identity.cpp", "booking/identity.hpp"};
  for (const auto& f : std::filesystem::directory_iterator("net"))
    if (is_source(f.path()))
      files.push_back(f.path());
  ASSERT_GT(files.size(), 30U) << "run from the project's folder";
  for (const auto& path : files) {
    std::ifstream in(path);
    int n = 0;
    for (std::string line; std::getline(in, line);) {
      ++n;
      if (!line.starts_with("//")) {
        EXPECT_FALSE(std::regex_search(line, sentence)) << path << ":" << n << ": it belongs into configs/messages: " << line;
      }
    }
  }
}

// Where the table has arguments a plain {.code = ...} would leave them out.
TEST(message_file, no_refusal_with_arguments_is_made_without_them) {
  for (const auto& f : std::filesystem::directory_iterator("net")) {
    if (!is_source(f.path()))
      continue;
    std::ifstream in(f.path());
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    for (const auto& row : problem_rows)
      if (!row.arguments.empty()) {
        EXPECT_EQ(text.find(fmt::format(".code = problem_code::{}", row.name)), std::string::npos) << f.path() << ": " << row.name;
      }
    for (const auto& row : reason_rows)
      if (!row.arguments.empty()) {
        EXPECT_EQ(text.find(fmt::format(".why = reason_code::{}", row.name)), std::string::npos) << f.path() << ": " << row.name;
      }
  }
}

}  // namespace
}  // namespace janji::net
