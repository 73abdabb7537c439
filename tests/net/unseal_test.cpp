// What operators open of what citizens wrote, over a real node and a real store.
#include <fmt/format.h>
#include <rocksdb/env.h>

#include <set>

#include "cluster/placement.hpp"
#include "tests/actors/hanging_disk.hpp"
#include "tests/net/api_server.hpp"

namespace janji::net {
namespace {

using test::api_answer;
using test::api_server;

constexpr std::string_view two_centres =
    "A,2097-06-07,09:00,12:00,300\nA,2097-06-07,13:00,17:00,300\nB,2097-06-07,09:00,17:00,300\nC,2097-06-08,09:00,17:00,300\n";

// A server for each test: each may order thirty in a row.
class unseal_test : public testing::Test {
protected:
  struct held {
    std::string reference;
    std::string token;
  };
  explicit unseal_test(rocksdb::Env* env = nullptr) : server_(20'000, false, nullptr, nullptr, env) {
    server_.import("r", two_centres);
    server_.open("r");
  }
  std::string person(std::string_view more = "") {
    ++people_;
    return fmt::format(R"({{"identity":{{"type":"mykad","number":"900101-14-{:04}"}},"name":"Aminah binti {}"{}}})", people_, people_,
                       more);
  }
  std::vector<held> book(std::string_view place, std::string_view people) {
    const auto a = server_.ask("POST", "/api/v1/bookings", "", fmt::format(R"({{"round":"r",{},"people":[{}]}})", place, people));
    EXPECT_EQ(a.outcome(), "201") << a.body;
    std::vector<held> out;
    for (int i = 0; !a.at(fmt::format("/bookings/{}/reference", i)).empty(); ++i)
      out.push_back({a.at(fmt::format("/bookings/{}/reference", i)), a.at(fmt::format("/bookings/{}/manage_token", i))});
    return out;
  }
  held book_at_a(std::string_view window = "09:00") {
    return book(fmt::format(R"("centre":"A","date":"2097-06-07","window":"{}")", window), person()).at(0);
  }
  api_answer manage(std::string_view verb, const held& h, std::string_view body = "") {
    return server_.ask(verb, "/api/v1/bookings/" + h.reference,
                       fmt::format("Authorization: Bearer {}\r\nContent-Type: application/json\r\n", h.token), body);
  }
  void move(const held& h, std::string_view place) { ASSERT_EQ(manage("PATCH", h, fmt::format("{{{}}}", place)).outcome(), "200"); }
  api_answer unseal(std::string_view body, std::string_view query = "") {
    return server_.admin("POST", fmt::format("/admin/v1/unseal{}", query), body);
  }
  api_answer one(std::string_view reference, std::string_view more = "") {
    return unseal(fmt::format(R"({{"reason":"the clinic rang","reference":"{}"{}}})", reference, more));
  }
  api_answer day(std::string_view more = "", std::string_view centre = "A", std::string_view date = "2097-06-07") {
    return unseal(fmt::format(R"({{"reason":"the day's list","round":"r","centre":"{}","date":"{}"{}}})", centre, date, more));
  }
  static std::size_t records(const api_answer& a) {
    EXPECT_EQ(a.outcome(), "200") << a.body;
    return a.outcome() == "200" ? a.parsed().at("records").as_array().size() : 0;
  }
  // What the trail says of openings, the last first: "by: what: why".
  std::vector<std::string> trail() {
    std::vector<std::string> out;
    const auto told = server_.admin("GET", "/admin/v1/trail").parsed();
    for (const auto& e : told.as_array()) {
      const auto text = [&](const char* name) { return std::string(e.at(name).as_string()); };
      if (text("what").starts_with("unseal"))
        out.push_back(text("by") + ": " + text("what") + ": " + text("detail"));
    }
    return out;
  }

  api_server server_;
  int people_ = 0;
};

TEST_F(unseal_test, one_booking_is_opened_and_the_trail_says_who_why_and_what) {
  const auto h = book(R"("centre":"A","date":"2097-06-07","window":"13:00")",
                      person(R"(,"phone":"+60 12-345 6789","email":"a@b.example","state":"Johor","notes":"a wheelchair,\nsecond door")"))
                     .at(0);
  const auto a = one(h.reference);
  ASSERT_EQ(a.outcome(), "200") << a.body;
  EXPECT_EQ(a.field("cache-control"), "no-store");
  for (const auto& [at, text] : {std::pair{"reference", h.reference.c_str()},
                                 {"status", "confirmed"},
                                 {"round", "r"},
                                 {"centre", "A"},
                                 {"date", "2097-06-07"},
                                 {"window", "13:00"},
                                 {"identity/type", "mykad"},
                                 {"name", "Aminah binti 1"},
                                 {"phone", "+60 12-345 6789"},
                                 {"email", "a@b.example"},
                                 {"birth_date", "1990-01-01"},
                                 {"state", "Johor"},
                                 {"notes", "a wheelchair,\nsecond door"},
                                 {"fault", ""}})
    EXPECT_EQ(a.at(fmt::format("/records/0/{}", at)), text) << a.body;
  EXPECT_NE(a.at("/records/0/identity/number").find("0001"), std::string::npos) << a.body;
  EXPECT_EQ(a.at("/next"), "");
  EXPECT_EQ(trail(), (std::vector<std::string>{"admin token: unseal 1 record: booking " + h.reference + ": the clinic rang"}));
  EXPECT_EQ(records(one(h.reference)), 1U);
  EXPECT_EQ(trail().size(), 2U) << "asked again it stands there again";
  const auto said = server_.admin("GET", "/admin/v1/trail").body;
  EXPECT_EQ(said.find("Aminah"), std::string::npos) << "nothing of what was opened";
}

TEST_F(unseal_test, nothing_is_opened_without_a_reason_or_for_a_slip) {
  const auto h = book_at_a();
  const auto refused = [&](std::string_view body) {
    const auto a = unseal(body);
    EXPECT_EQ(a.body.find("Aminah"), std::string::npos) << body;
    return a.outcome() + " " + a.at("/fields/0/field");
  };
  const auto with = [&](std::string_view reason) { return fmt::format(R"({{"reference":"{}","reason":{}}})", h.reference, reason); };
  EXPECT_EQ(refused(fmt::format(R"({{"reference":"{}"}})", h.reference)), "422 invalid reason");
  for (const auto* blank : {R"("")", R"("  ")", R"("\t ")", "7"})
    EXPECT_EQ(refused(with(blank)), "422 invalid reason") << blank;
  EXPECT_EQ(refused(with('"' + std::string(501, 'x') + '"')), "422 invalid reason");
  EXPECT_EQ(refused("{"), "400 malformed_json ");
  EXPECT_EQ(refused(R"({"reason":"x"})"), "422 invalid round");
  EXPECT_EQ(refused(R"({"reason":"x","round":"r","centre":"A"})"), "422 invalid date");
  EXPECT_EQ(refused(R"({"reason":"x","reference":"0000-0000-0000-1"})"), "422 invalid reference");
  EXPECT_EQ(refused(R"({"reason":"x","reference":"0000-0000-0000-0"})"), "404 not_found ");
  EXPECT_EQ(refused(fmt::format(R"({{"reason":"x","reference":"{}","round":"r"}})", h.reference)), "422 invalid round");
  EXPECT_EQ(refused(fmt::format(R"({{"reason":"x","reference":"{}","canceled":true}})", h.reference)), "422 invalid canceled");
  EXPECT_EQ(refused(fmt::format(R"({{"reason":"x","reference":"{}","cancelled":"yes"}})", h.reference)), "422 invalid cancelled");
  EXPECT_EQ(refused(R"({"reason":"x","round":"none","centre":"A","date":"2097-06-07"})"), "422 unknown_round ");
  EXPECT_EQ(refused(R"({"reason":"x","round":"r","centre":"Z","date":"2097-06-07"})"), "422 unknown_centre ");
  EXPECT_EQ(refused(R"({"reason":"x","round":"r","centre":"A","date":"2097-06-09"})"), "422 date_outside_round ");
  EXPECT_EQ(refused(R"({"reason":"x","round":"r","centre":"A","date":"7 June"})"), "422 invalid date");
  EXPECT_EQ(refused(R"({"reason":"x","round":"r","centre":"A","date":"2097-06-07","window":"9"})"), "422 invalid window");
  EXPECT_EQ(refused(R"({"reason":"x","round":"r","centre":"A","date":"2097-06-07","window":"10:00"})"), "422 unknown_window ");
  EXPECT_EQ(refused(R"({"reason":"x","round":"r","centre":"A","date":"2097-06-07","after":"7"})"), "422 invalid after");
  EXPECT_EQ(server_.admin("GET", "/admin/v1/unseal").outcome(), "405 method_not_allowed");
  EXPECT_EQ(server_.admin_without_token("POST", "/admin/v1/unseal").outcome(), "401 unauthorised");
  EXPECT_EQ(server_.ask("POST", "/admin/v1/unseal", "Authorization: Bearer " + std::string(api_server::token) + "\r\n", "{}").status, 404U)
      << "not on the citizens' port";
  EXPECT_TRUE(trail().empty());
}

TEST_F(unseal_test, a_booking_is_opened_wherever_it_was_moved_to) {
  const auto far = book_at_a();
  const auto back = book_at_a();
  const auto within = book_at_a();
  move(far, R"("centre":"B","date":"2097-06-07")");
  move(far, R"("centre":"C","date":"2097-06-08")");
  move(back, R"("centre":"C","date":"2097-06-08")");
  move(back, R"("centre":"A","date":"2097-06-07","window":"09:00")");
  move(within, R"("centre":"A","date":"2097-06-07","window":"13:00")");
  const auto at = [&](const held& h) {
    const auto a = one(h.reference);
    return fmt::format("{} {} {}", a.at("/records/0/centre"), a.at("/records/0/window"), a.at("/records/0/name"));
  };
  EXPECT_EQ(at(far), "C 09:00 Aminah binti 1");
  EXPECT_EQ(at(back), "A 09:00 Aminah binti 2");
  EXPECT_EQ(at(within), "A 13:00 Aminah binti 3");
  EXPECT_TRUE(api_server::eventually([&] { return server_.admin("GET", "/admin/v1/show/group/r/B/2097-06-07").at("/live") == "0"; }));
  EXPECT_EQ(records(day("", "B")), 0U) << "it has gone from there";
  EXPECT_EQ(records(day("", "C", "2097-06-08")), 1U);
  EXPECT_EQ(records(day()), 2U);
}

TEST_F(unseal_test, a_day_has_its_parties_and_windows_and_cancelled_ones_only_when_asked) {
  const auto cancelled = book_at_a();
  book(R"("centre":"A","date":"2097-06-07","window":"13:00")", person() + "," + person() + "," + person());
  book_at_a();
  ASSERT_EQ(manage("DELETE", cancelled).outcome(), "200");
  EXPECT_EQ(records(day()), 4U);
  EXPECT_EQ(records(day(R"(,"window":"13:00")")), 3U);
  EXPECT_EQ(records(day(R"(,"cancelled":true)")), 5U);
  EXPECT_EQ(one(cancelled.reference).outcome(), "409 cancelled");
  const auto a = one(cancelled.reference, R"(,"cancelled":true)");
  EXPECT_EQ(a.at("/records/0/status"), "cancelled");
  EXPECT_EQ(a.at("/records/0/name"), "Aminah binti 1");
  EXPECT_EQ(trail().size(), 4U) << "what was refused is not there";
  EXPECT_EQ(trail()[2], "admin token: unseal 3 records: round r, centre A on 2097-06-07 at 13:00: the day's list");
}

TEST_F(unseal_test, a_day_of_many_comes_in_parts_without_loss_and_each_part_is_noted) {
  std::set<std::string> booked;
  for (int i = 0; i < 61; ++i)
    for (const auto& h :
         book(R"("centre":"A","date":"2097-06-07","window":"13:00")", person() + "," + person() + "," + person() + "," + person()))
      booked.insert(h.reference);
  const auto dry = unseal(R"({"reason":"x","round":"r","centre":"A","date":"2097-06-07"})", "?dry_run=true");
  EXPECT_EQ(dry.at("/result"), "would open");
  EXPECT_EQ(dry.at("/records"), "200");
  EXPECT_TRUE(trail().empty()) << "a dry run opens nothing";
  std::set<std::string> opened;
  const auto take = [&](const api_answer& a) {
    for (std::size_t i = 0, n = records(a); i < n; ++i)
      EXPECT_TRUE(opened.insert(a.at(fmt::format("/records/{}/reference", i))).second);
    return a.at("/next");
  };
  const auto next = take(day());
  ASSERT_FALSE(next.empty());
  EXPECT_EQ(opened.size(), 200U);
  EXPECT_EQ(take(day(fmt::format(R"(,"after":"{}")", next))), "");
  EXPECT_EQ(opened, booked);
  EXPECT_EQ(trail().size(), 2U);
}

TEST_F(unseal_test, of_an_erased_round_nothing_is_opened_and_nobody_is_told_an_empty_name) {
  const auto h = book_at_a();
  ASSERT_EQ(server_.admin("POST", "/admin/v1/rounds/r/close").outcome(), "200");
  EXPECT_EQ(records(one(h.reference)), 1U) << "closed is not erased";
  ASSERT_EQ(server_.admin("POST", "/admin/v1/rounds/r/erase", R"({"confirm":"r"})").outcome(), "200");
  EXPECT_EQ(one(h.reference).outcome(), "410 erased");
  EXPECT_EQ(day().outcome(), "410 erased");
  EXPECT_EQ(trail().size(), 1U);
}

// As a damaged disk, or somebody who writes into the log, would leave it.
TEST_F(unseal_test, a_record_that_does_not_open_is_a_fault_of_its_own_and_the_others_of_the_day_come) {
  book_at_a();
  const auto catalogue = server_.node().catalogue();
  const auto* group = catalogue->find("r")->find_group("A", std::chrono::year{2097} / 6 / 7);
  ASSERT_NE(group, nullptr);
  citizen_hash citizen;
  citizen.bytes.fill(7);
  const auto ref = reference::make(cluster::shard_of_citizen(citizen, 4), 4711);
  book_command c{request_id{1U << 30U},
                 {},
                 window_index{0},
                 unix_ms{server_.node().now().value + 5'000},
                 {{citizen, ref, key_hash{5}, {}, std::string(200, 'x')}}};
  c.stamp = stamp_in(server_.node().heard(true).get(), catalogue->groups.at(group->id.value).shard);
  std::vector<actors::citizen_command> turn;
  turn.emplace_back(actors::routed_booking{group->id, std::move(c)});
  server_.node().submit(std::move(turn));
  ASSERT_TRUE(api_server::eventually([&] { return server_.admin("GET", "/admin/v1/show/group/r/A/2097-06-07").at("/live") == "2"; }));
  const auto a = day();
  ASSERT_EQ(records(a), 2U);
  const int damaged = a.at("/records/0/fault").empty() ? 1 : 0;
  EXPECT_NE(a.at(fmt::format("/records/{}/fault", damaged)).find("do not open"), std::string::npos) << a.body;
  EXPECT_EQ(a.at(fmt::format("/records/{}/name", damaged)), "");
  EXPECT_EQ(a.at(fmt::format("/records/{}/name", 1 - damaged)), "Aminah binti 1");
}

TEST_F(unseal_test, more_than_thirty_in_a_row_are_refused_and_nothing_of_them_is_opened) {
  const auto h = book_at_a();
  int opened = 0;
  api_answer last;
  while ((last = one(h.reference)).status == 200 && opened < 60)
    ++opened;
  EXPECT_GE(opened, 30);
  EXPECT_EQ(last.outcome(), "429 too_many_requests");
  EXPECT_EQ(last.body.find("Aminah"), std::string::npos);
  EXPECT_EQ(trail().size(), static_cast<std::size_t>(opened));
}

struct hanging_env {
  std::shared_ptr<janji::test::hanging_disk> disk = std::make_shared<janji::test::hanging_disk>();
  std::unique_ptr<rocksdb::Env> env = rocksdb::NewCompositeEnv(std::make_shared<janji::test::hanging_files>(disk));
};
class unseal_hanging_test : public hanging_env, public unseal_test {
protected:
  unseal_hanging_test() : unseal_test(env.get()) {}
  ~unseal_hanging_test() override { disk->hang(false); }
};

TEST_F(unseal_hanging_test, nothing_is_opened_before_the_trail_has_it_on_disk) {
  const auto h = book_at_a();
  disk->hang(true);
  test::client c(server_.admin_port());
  const auto body = fmt::format(R"({{"reason":"the clinic rang","reference":"{}"}})", h.reference);
  c.send(test::post("/admin/v1/unseal", body, "Authorization: Bearer " + std::string(api_server::token) + "\r\n"));
  ASSERT_TRUE(api_server::eventually([&] {
    return server_.admin("GET", "/admin/v1/status").parsed().at("disk_waits_ms").to_number<int>() > 100;
  })) << "the trail's entry is on its way to the disk";
  EXPECT_FALSE(c.readable());
  EXPECT_TRUE(trail().empty());
  disk->hang(false);
  const auto a = c.answer();
  EXPECT_EQ(a.status, 200U);
  EXPECT_NE(a.body.find("Aminah binti 1"), std::string::npos);
  EXPECT_EQ(trail().size(), 1U);
}

}  // namespace
}  // namespace janji::net
