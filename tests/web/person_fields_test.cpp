#include "booking/text_parts.hpp"
#include "web/person_fields.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace janji::web {
namespace {

TEST(person_fields, an_error_of_the_api_leads_to_its_input) {
  EXPECT_EQ(input_of("people[0].identity.number"), "p1-number");
  EXPECT_EQ(input_of("people[3].birth_date"), "p4-birth");
  EXPECT_EQ(input_of("people[1].identity"), "p2-number");
  EXPECT_EQ(input_of("people[2]"), "p3-number");
  for (const auto* none :
       {"people[4].name", "people[x].name", "people[0]name", "people[0].shoe_size", "centre", "", "people[99999999999999999999].name"})
    EXPECT_FALSE(input_of(none)) << none;
}

TEST(person_fields, what_a_form_sends_is_what_the_api_is_given) {
  const auto sent = form::read("p1-kind=mykad&p1-number=900101-14-5678&p1-name=Muthu+A%2FL+Raman&p1-notes=a%22b&p2-name=O&p2-number=+1");
  ASSERT_TRUE(sent);
  const auto people = people_in(*sent, 2);
  const auto body = boost::json::parse(booking_body(people, "r", "WTCKL", "2021-06-07", "09:00"));
  const auto& first = body.at("people").at(0);
  EXPECT_EQ(first.at("identity").at("number").as_string(), "900101-14-5678");
  EXPECT_EQ(first.at("name").as_string(), "Muthu A/L Raman");
  EXPECT_EQ(first.at("notes").as_string(), "a\"b");
  EXPECT_FALSE(first.as_object().contains("phone"));
  EXPECT_EQ(body.at("people").at(1).at("identity").at("number").as_string(), " 1");  // as typed: the API judges
  EXPECT_EQ(body.at("window").as_string(), "09:00");
}

TEST(person_fields, a_date_typed_without_dashes_is_the_same_date) {
  person_fields p;
  for (const auto& [typed, wanted] :
       {std::pair{"19580327", "1958-03-27"}, {"1958-03-27", "1958-03-27"}, {"1958032", "1958032"}, {"1958032x", "1958032x"}}) {
    p.get(person_field::birth) = typed;
    const auto body = boost::json::parse(booking_body({p}, "r", "WTCKL", "2021-06-07", "09:00"));
    EXPECT_EQ(body.at("people").at(0).at("birth_date").as_string(), wanted);
  }
}

TEST(person_fields, hidden_fields_carry_every_value_back_unchanged) {
  person_fields p;
  p.get(person_field::name) = "<b>'\"&";
  p.get(person_field::notes) = "line\nline";
  std::string body;
  for (const auto& [name, value] : hidden_fields({p}))
    body += name + "=" + percent_encoded(value) + "&";
  const auto back = people_in(*form::read(body), 1);
  EXPECT_EQ(back.front(), p);
}

}  // namespace
}  // namespace janji::web
