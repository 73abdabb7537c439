#include "net/request_rules.hpp"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

namespace janji::net {
namespace {

std::string query_said(std::string_view query, std::string_view known) {
  const auto p = refuse_query(query, known);
  return p ? detail_of(*p) : "good";
}

TEST(request_rules, a_query_has_names_that_are_known_each_once) {
  for (const auto* query : {"", "dry_run=true", "first_day=2021-06-07&dry_run=false", "&dry_run", "dry_run=&&", "dry%5frun=true"})
    EXPECT_EQ(query_said(query, "dry_run first_day"), "good") << query;
  EXPECT_EQ(query_said("dryrun=true", "dry_run first_day"),
            "There is no dryrun in the query here. Nothing was done. There are: dry_run, first_day");
  EXPECT_EQ(query_said("DRY_RUN=true", ""), "There is no DRY_RUN in the query here. Nothing was done. There are: none");
  EXPECT_EQ(query_said("dry_run=false&dry%5Frun=true", "dry_run"), "dry_run stands twice in the query. Nothing was done.");
  for (const auto* query :
       {"=true", "dry_run+=true", "+dry_run=true", "dry_run%00=true", "dry_run;x=1", "dry_run first_day=x", "dry_ru", "dry_run_"})
    EXPECT_NE(query_said(query, "dry_run first_day"), "good") << query;
}

TEST(request_rules, where_a_query_may_be_anything_nothing_is_refused) { EXPECT_EQ(query_said("a&a&b=1", anything), "good"); }

TEST(request_rules, members_have_the_kinds_of_the_table) {
  constexpr std::string_view known = "t:text f:flag n:number l:numbers o:object";
  const auto wrong = [&](std::string_view body) {
    std::string out;
    for (const auto& w : wrong_members(boost::json::parse({body.data(), body.size()}).as_object(), known, "p."))
      out.append(out.empty() ? "" : " ").append(w.field).append(":").append(name_of(w.because.why));
    return out;
  };
  EXPECT_EQ(wrong(R"({"t":"","f":false,"n":-1,"l":[1,2],"o":{"x":1}})"), "");
  EXPECT_EQ(wrong(R"({"l":[],"n":18446744073709551615})"), "");
  EXPECT_EQ(wrong(R"({"t":1,"f":"true","n":"1","l":1,"o":[]})"),
            "p.t:not_text p.f:not_a_flag p.n:not_a_number p.l:not_a_list p.o:not_an_object");
  EXPECT_EQ(wrong(R"({"t":null,"n":1.5,"l":[1,"2"],"o":null})"), "p.t:not_text p.n:not_a_number p.l:not_a_number p.o:not_an_object");
  EXPECT_EQ(wrong(R"({"T":"","":1,"t:text":"x"})"), "p.T:unknown_member p.:unknown_member p.t:text:unknown_member");
  std::string many = "{\"x\":1";
  for (int i = 0; i < 1'000; ++i)
    many += ",\"x" + std::to_string(i) + "\":1";
  EXPECT_EQ(wrong_members(boost::json::parse(many + "}").as_object(), known).size(), 32U);
}

TEST(request_rules, a_member_that_stands_twice_is_seen_however_deep_it_is) {
  const auto twice = [](std::string_view text) { return has_member_twice(boost::json::parse({text.data(), text.size()}), text); };
  for (const auto* text : {"{}", R"({"a":1,"b":{"a":2}})", R"({"a":":","b":"\":"})", R"([{"a":1},{"a":1}])"})
    EXPECT_FALSE(twice(text)) << text;
  for (const auto* text : {R"({"a":1,"a":1})", R"({"b":{"a":2,"a":3}})", R"({"a":1,"\u0061":2})", R"({"l":[{"a":1,"a":2}]})"})
    EXPECT_TRUE(twice(text)) << text;
}

TEST(request_rules, a_body_is_json_as_it_stands) {
  const auto refused = [](std::string_view type, std::string_view coding) {
    request r;
    r.content_type = type;
    r.content_encoding = coding;
    return refuse_media(r).has_value();
  };
  for (const auto* type : {"", "application/json", "Application/JSON ; charset=utf-8"})
    EXPECT_FALSE(refused(type, "")) << type;
  EXPECT_FALSE(refused("", "Identity"));
  for (const auto* type : {"text/plain", "application/x-www-form-urlencoded", "application/jsonx", "application/json-patch+json", ";"})
    EXPECT_TRUE(refused(type, "")) << type;
  for (const auto* coding : {"gzip", "br", "identity, gzip"})
    EXPECT_TRUE(refused("application/json", coding)) << coding;
}

}  // namespace
}  // namespace janji::net
