// The round's rules about who comes together, and how old they are.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/net/booking_bodies.hpp"
#include "tests/net/catalogue_samples.hpp"

namespace janji::net {
namespace {

using namespace test;

std::string refusal(const booking_form& form, const round_rules& rules) {
  auto definition = test::sample_round();
  definition.rules = rules;
  const auto round = test::entry_of(std::move(definition));
  const auto p = check_people(round, form);
  return p ? fmt::format("{} {}", name_of(p->code), p->position) : "good";
}
TEST(check_people, ages_are_those_of_the_day_of_the_appointment) {
  const round_rules rules{.age_min = 18, .age_max = 60, .party_max = 4};
  EXPECT_EQ(refusal(form_of({"030607-14-0000"}), rules), "good") << "eighteen on the day";
  EXPECT_EQ(refusal(form_of({"030608-14-0000"}), rules), "under_age 1");
  EXPECT_EQ(refusal(form_of({"600608-14-5000"}), rules), "good") << "sixty until the day after";
  EXPECT_EQ(refusal(form_of({"600607-14-5000"}), rules), "over_age 1");
  EXPECT_EQ(refusal(form_of({"900101-14-0001", "900101-14-0002", "100101-14-0003"}), rules), "under_age 3");
}

TEST(check_people, the_rounds_own_limit_of_a_party_counts) {
  const auto two = form_of({"900101-14-0001", "900101-14-0002"});
  EXPECT_EQ(refusal(two, {.party_max = 2}), "good");
  EXPECT_EQ(refusal(two, {.party_max = 1}), "party_too_large 0");
}

TEST(check_people, one_person_with_two_documents_is_one_person) {
  constexpr std::string_view by_passport =
      R"({"identity":{"type":"passport","number":"A12345678","country":"MYS","mykad":"900101-14-5678"},"name":"Aminah"})";
  constexpr std::string_view by_police = R"({"identity":{"type":"police","number":"RF/123456","mykad":"900101145678"},"name":"Aminah"})";
  for (const auto& people :
       {fmt::format("{},{}", adult, by_passport), fmt::format("{},{}", by_passport, adult), fmt::format("{},{}", by_police, by_passport)}) {
    const auto form = read_booking(with_people(people), today);
    ASSERT_TRUE(form) << told(form);
    EXPECT_EQ(refusal(*form, {}), "same_citizen_twice 2") << people;
  }
}

TEST(check_people, who_is_refused_by_a_rule_is_told_by_how_much) {
  auto definition = test::sample_round();
  definition.rules = {.age_min = 18, .age_max = 60, .party_max = 2};
  const auto round = test::entry_of(std::move(definition));
  EXPECT_EQ(check_people(round, form_of({"030608-14-0000"}))->arguments, (std::vector<argument>{{"age", 17}, {"limit", 18}}));
  EXPECT_EQ(check_people(round, form_of({"600607-14-5000"}))->arguments, (std::vector<argument>{{"age", 61}, {"limit", 60}}));
  EXPECT_EQ(check_people(round, form_of({"900101-14-0001", "900101-14-0002", "900101-14-0003"}))->arguments,
            (std::vector<argument>{{"people", 3}, {"limit", 2}}));
  EXPECT_EQ(check_people(round, form_of({"900101-14-0001", "900101 140001"}))->arguments,
            (std::vector<argument>{{"first", 1}, {"second", 2}}));
}

TEST(check_people, everybodys_faults_can_be_told_at_once_beside_fields_that_are_wrong) {
  auto definition = test::sample_round();
  definition.rules = {.age_min = 18, .age_max = 60, .party_max = 4};
  const auto round = test::entry_of(std::move(definition));
  std::string people;
  for (const auto number : {"030608-14-0000", "999999-99-9999", "600607-14-5000", "030608 14 0000"})
    people += fmt::format(R"({}{{"identity":{{"type":"mykad","number":"{}"}},"name":"N"}})", people.empty() ? "" : ",", number);
  const auto read = read_fields(with_people(people), today);
  ASSERT_TRUE(read);
  std::string all;
  for (const auto& p : problems_of_people(round, read->form))
    all += fmt::format("{} {}\n", name_of(p.code), p.position);
  EXPECT_EQ(all, "under_age 1\nover_age 3\nsame_citizen_twice 4\nunder_age 4\n");
  ASSERT_EQ(read->wrong.size(), 1U);
  EXPECT_EQ(read->wrong.front().field, "people[1].identity.number");
}

TEST(check_people, one_person_written_in_two_ways_is_one_person) {
  EXPECT_EQ(refusal(form_of({"900101-14-0001", "900101-14-0002", "900101 140001"}), {}), "same_citizen_twice 3");
}

}  // namespace
}  // namespace janji::net
