// What an order of operators may say, over a real node and store.
#include <fmt/format.h>

#include "net/route_table.hpp"
#include "tests/net/api_server.hpp"

namespace janji::net {
namespace {

using test::api_server;

constexpr std::string_view few_places = "A,2021-06-07,09:00,17:00,2\n";

// A pattern with its names filled in, as of the round `strict`.
std::string strict_address(std::string_view pattern) {
  std::string out;
  for (const auto& [name, filling] :
       {std::pair<std::string_view, std::string_view>{"{code}", "strict"}, {"{centre}/{date}", "A/2021-06-07"}, {"{n}", "2"}})
    if (const auto at = pattern.find(name); at != std::string_view::npos)
      return out.append(pattern.substr(0, at)).append(filling).append(pattern.substr(at + name.size()));
  return std::string(pattern);
}

// Whatever the order: a query and a body of which something would be left out are refused before anything is looked at.
TEST(admin_rules, no_order_is_carried_out_of_which_something_is_not_known) {
  api_server s;
  s.import("strict", few_places);
  s.open("strict");
  for (const auto& row : admin_routes) {
    const auto target = strict_address(row.pattern);
    const auto verb = name_of(row.verb);
    if (row.who == audience::anybody || target.contains('{'))
      continue;
    for (const auto* query : {"?dryrun=true", "?dry-run=true", "?DRY_RUN=true", "?dry_run=false&dry_run=true", "?dry_run=true&verbos"})
      EXPECT_EQ(s.admin(verb, target + query).outcome(), "400 malformed_request") << verb << " " << target << query;
    if (row.verb == method::get)
      continue;
    EXPECT_EQ(s.admin(verb, target, R"({"reason":"a","reason":"b"})").outcome(), "400 malformed_json") << target;
    EXPECT_EQ(s.admin(verb, target, R"(["dry_run"])").outcome(), "400 malformed_json") << target;
    const auto other = s.admin(verb, target, R"({"dry_run":true,"confirm":"strict","capacity":1,"reason":"r"})");
    EXPECT_EQ(other.outcome(), "422 invalid") << target;
    EXPECT_NE(other.body.find("dry_run"), std::string::npos) << other.body;
    for (const auto* header :
         {"Content-Encoding: gzip\r\n", "Content-Type: application/x-www-form-urlencoded\r\n", "Content-Type: text/plain\r\n"})
      EXPECT_EQ(s.admin(verb, target, R"({"confirm":"strict","capacity":1,"reason":"r"})", header).outcome(), "415 unsupported_media_type")
          << target << " " << header;
  }
  constexpr std::string_view one =
      R"({"round":"strict","centre":"A","date":"2021-06-07","people":[{"identity":{"type":"mykad","number":"900101-14-0001"},"name":"N"}]})";
  EXPECT_EQ(s.ask("POST", "/api/v1/bookings", "", one).outcome(), "201") << "nothing of it was done";
}

TEST(admin_rules, a_member_that_is_misspelt_or_of_another_kind_is_told_by_name) {
  api_server s;
  s.import("kinds", few_places);
  s.open("kinds");
  const auto places = [&](std::string_view body) { return s.admin("PATCH", "/admin/v1/rounds/kinds/groups/A/2021-06-07", body); };
  const auto slip = places(R"({"capacity":5,"windw":"23:00","reason":1})");
  EXPECT_EQ(slip.outcome(), "422 invalid");
  EXPECT_EQ(slip.at("/fields/0/field"), "windw");
  EXPECT_EQ(slip.at("/fields/0/code"), "unknown_field");
  EXPECT_EQ(slip.at("/fields/1/field"), "reason");
  EXPECT_EQ(slip.at("/fields/1/code"), "not_text");
  EXPECT_EQ(slip.at("/detail"),
            "windw: There is no such field here. There are: capacity, reason, window. reason: This field must be text. Nothing was done.");
  for (const auto* body : {R"({"capacity":5,"reasn":"r"})", R"({"capacity":"5"})", R"({"capacity":5.5})", R"({"capacity":5,"window":null})",
                           R"({"capacity":5,"":1})"})
    EXPECT_EQ(places(body).outcome(), "422 invalid") << body;
  EXPECT_EQ(places(R"({"capacity":5,"capacity":6})").outcome(), "400 malformed_json");
  const auto release = [&](std::string_view more) {
    return s.admin("POST", "/admin/v1/claims/release",
                   fmt::format(R"({{"round":"kinds","identity":{{"type":"army","number":"T1234567"{}}},"reason":"r"}})", more));
  };
  EXPECT_EQ(release(R"(,"mykad":900101140001)").at("/fields/0/field"), "identity.mykad");
  EXPECT_EQ(release(R"(,"mykd":"900101-14-0001")").at("/fields/0/field"), "identity.mykd");
  EXPECT_EQ(release(R"(,"mykad":"1","mykad":"2")").outcome(), "400 malformed_json");
  EXPECT_EQ(release("").outcome(), "404 not_found") << "which is read";
  EXPECT_EQ(places(R"({"capacity":5,"window":" 09\uff1a00\u00a0"})").outcome(), "200") << "as it was pasted";
}

TEST(admin_rules, an_import_of_which_something_is_not_known_imports_nothing) {
  api_server s;
  const auto refused = [&](std::string_view from, std::string_view to) {
    auto body = api_server::import_body("other", few_places);
    body.replace(body.find(from), from.size(), to);
    const auto a = s.admin("POST", "/admin/v1/rounds", body);
    EXPECT_EQ(a.outcome(), "422 invalid") << body;
    return a.at("/fields/0/column");
  };
  EXPECT_EQ(refused(R"({"round")", R"({"dry_run":true,"round")"), "dry_run");
  EXPECT_EQ(refused(R"("centres":{)", R"("centres":{"fil":"x",)"), "centres.fil");
  EXPECT_EQ(refused(R"("file":"slots.csv")", R"("file":7)"), "slot_groups.file");
  EXPECT_EQ(s.admin("POST", "/admin/v1/rounds/other/open").outcome(), "422 unknown_round");
}

}  // namespace
}  // namespace janji::net
