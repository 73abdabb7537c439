// The operators' API over a real node and store.
#include <fmt/format.h>

#include <filesystem>
#include <fstream>

#include "tests/net/api_server.hpp"

namespace janji::net {
namespace {

using test::api_answer;
using test::api_server;

constexpr std::string_view one_day = "A,2021-06-07,09:00,17:00,2\n";

std::string booking(std::string_view round, std::string_view number) {
  return fmt::format(
      R"({{"round":"{}","centre":"A","date":"2021-06-07","people":[{{"identity":{{"type":"mykad","number":"{}"}},"name":"N"}}]}})", round,
      number);
}
api_answer book(api_server& s, std::string_view round, std::string_view number) {
  return s.ask("POST", "/api/v1/bookings", "", booking(round, number));
}

class admin_api_test : public testing::Test {
protected:
  static void SetUpTestSuite() { server_ = std::make_unique<api_server>(); }
  static void TearDownTestSuite() { server_.reset(); }
  static api_server& server() { return *server_; }
  static std::string verb(std::string_view round, std::string_view what, std::string_view body = "") {
    return server().admin("POST", fmt::format("/admin/v1/rounds/{}/{}", round, what), body).outcome();
  }

private:
  static inline std::unique_ptr<api_server> server_;
};

TEST_F(admin_api_test, without_the_token_only_probes_are_answered) {
  for (const auto* target : {"/admin/v1/status", "/admin/v1/rounds", "/admin/v1/show/shard/0", "/nowhere"})
    for (const auto* headers :
         {"", "Authorization: Bearer x\r\n", "Authorization: Bearer an admin token for testt\r\n", "Authorization: Basic x\r\n"}) {
      const auto a = server().admin_without_token("GET", target, headers);
      EXPECT_EQ(a.outcome(), "401 unauthorised") << target;
      EXPECT_EQ(a.field("www-authenticate"), "Bearer");
    }
  EXPECT_EQ(server().admin_without_token("POST", "/admin/v1/disk/release").outcome(), "401 unauthorised");
  for (const auto* path : {"/admin/v1/rounds", "/admin/v1/claims/release", "/livez"}) {
    test::client c(server().admin_port());
    EXPECT_EQ(c.ask(fmt::format("POST {} HTTP/1.1\r\nHost: x\r\nContent-Length: 90000000\r\n\r\n", path)).status, 401U)
        << "not a byte of it is waited for";
    EXPECT_TRUE(c.at_end());
  }
  EXPECT_EQ(server().admin_without_token("GET", "/livez").status, 200U);
  EXPECT_EQ(server().admin_without_token("GET", "/readyz?verbose").body,
            "ready\nshards serving: 4 of 4\nnumbers: ok\nkeys: ok\nerased keys: ok\nstorage: ok\nwrites: ok\n");
}

TEST_F(admin_api_test, a_node_that_lacks_keys_is_not_ready_at_any_of_its_doors) {
  const auto status = [] { return server().admin("GET", "/admin/v1/status"); };
  EXPECT_EQ(status().at("/ready"), "true");
  EXPECT_EQ(status().at("/verdict"), "healthy");
  server().citizens().wait_for("the keys of the round main are not here yet");
  EXPECT_EQ(status().at("/ready"), "false");
  EXPECT_EQ(status().at("/verdict"), "degraded");
  EXPECT_EQ(status().at("/keys_wrong"), "the keys of the round main are not here yet");
  EXPECT_EQ(server().admin_without_token("GET", "/readyz").status, 503U);
  EXPECT_EQ(server().ask("GET", "/readyz").status, 503U);
  server().citizens().wait_for("");
  EXPECT_EQ(status().at("/ready"), "true");
  EXPECT_EQ(status().at("/keys_wrong"), "");
}

TEST_F(admin_api_test, whoever_has_its_ports_file_finds_out_that_it_is_this_node) {
  const auto question = new_proof_question();
  const auto a = server().admin_without_token("GET", std::string(proof_path) + question);
  EXPECT_EQ(a.status, 200U);
  EXPECT_EQ(a.body, proof_of(server().proof_key(), question) + "\n");
  for (const auto* wrong : {"0", "0123456789ABCDEF0123456789abcdef", "0123456789abcdef0123456789abcdef0"})
    EXPECT_EQ(server().admin_without_token("GET", std::string(proof_path) + wrong).outcome(), "400 malformed_request") << wrong;
}

TEST_F(admin_api_test, an_import_with_one_bad_line_imports_nothing_and_names_the_line) {
  const auto a = server().admin("POST", "/admin/v1/rounds",
                                api_server::import_body("bad", "A,2021-06-07,09:00,17:00,2\nA,2021-06-31,09:00,17:00,2\n"));
  EXPECT_EQ(a.outcome(), "422 invalid");
  EXPECT_EQ(a.at("/fields/0/file"), "slots.csv");
  EXPECT_EQ(a.at("/fields/0/line"), "3");
  EXPECT_EQ(a.at("/fields/0/column"), "date");
  EXPECT_EQ(a.at("/fields/1"), "");
  EXPECT_EQ(server().admin("GET", "/admin/v1/rounds").body.find("\"bad\""), std::string::npos);
}

TEST_F(admin_api_test, an_import_tells_wrong_settings_and_wrong_json) {
  EXPECT_EQ(server().admin("POST", "/admin/v1/rounds", "{").outcome(), "400 malformed_json");
  EXPECT_EQ(server().admin("POST", "/admin/v1/rounds", "{}").outcome(), "422 invalid");
  const auto a = server().admin("POST", "/admin/v1/rounds", api_server::import_body("r", one_day, R"("age_min":"18","opens_at":"noon")"));
  EXPECT_EQ(a.outcome(), "422 invalid");
  EXPECT_NE(a.body.find("round.opens_at"), std::string::npos);
  EXPECT_NE(a.body.find("round.age_min"), std::string::npos);
  const auto slip = server().admin("POST", "/admin/v1/rounds", api_server::import_body("r", one_day, R"("min_age":18)"));
  EXPECT_EQ(slip.outcome(), "422 invalid");
  EXPECT_EQ(slip.at("/fields/0/column"), "round.min_age") << "everybody would be let in";
  EXPECT_EQ(slip.at("/fields/0/code"), "unknown_field");
}

TEST_F(admin_api_test, everything_that_is_wrong_with_an_import_is_told_at_once_with_what_to_write) {
  const auto a =
      server().admin("POST", "/admin/v1/rounds",
                     api_server::import_body("r 1", "A,3/4/2021,09:00,17:00,2\nZ,2021-06-07,9h,17:00,1.000\n", R"("agemin":18)"));
  EXPECT_EQ(a.outcome(), "422 invalid");
  std::string all;
  const auto said = a.parsed();
  for (const auto& f : said.at("fields").as_array())
    all += fmt::format("{}:{}:{} {}\n", f.at("file").as_string().c_str(), f.at("line").as_int64(), f.at("position").as_int64(),
                       f.at("code").as_string().c_str());
  EXPECT_EQ(all,
            "round:0:0 unknown_field\nround:0:0 bad_code\nslots.csv:2:3 ambiguous_date\nslots.csv:3:1 unknown_centre\n"
            "slots.csv:3:14 bad_time\nslots.csv:3:23 bad_capacity\n");
  EXPECT_NE(a.at("/fields/0/detail").find("is age_min meant?"), std::string::npos) << a.body;
  EXPECT_EQ(a.at("/fields/1/column"), "round.code");
  EXPECT_EQ(a.at("/fields/2/detail"), "\"3/4/2021\" can be read as 3 April 2021 or 4 March 2021; write 2021-04-03 or 2021-03-04.");
}

TEST_F(admin_api_test, an_import_says_what_it_comes_to_and_how_values_were_read) {
  auto& s = server();
  const std::string rows = "A,3/6/2021,9:00 AM,17:00,2\nA,26/6/2021,09:00,17:00,3\n";
  const auto dry = s.admin("POST", "/admin/v1/rounds?dry_run=true", api_server::import_body("read", rows));
  ASSERT_EQ(dry.outcome(), "200") << dry.body;
  EXPECT_EQ(dry.at("/from"), "2021-06-03");
  EXPECT_EQ(dry.at("/to"), "2021-06-26");
  EXPECT_NE(dry.body.find("day/month/year"), std::string::npos) << dry.body;
  const auto done = s.admin("POST", "/admin/v1/rounds", api_server::import_body("read", rows));
  ASSERT_EQ(done.outcome(), "200") << done.body;
  EXPECT_EQ(done.at("/result"), "read");
  EXPECT_EQ(done.at("/read_as"), dry.at("/read_as")) << "the same, done or not";
  EXPECT_EQ(verb("read", "close"), "200");
  EXPECT_EQ(s.admin("POST", "/admin/v1/rounds?dry_run=true", api_server::import_body("plain", one_day)).at("/read_as"), "");
}

TEST_F(admin_api_test, texts_of_operators_obey_one_rule) {
  auto& s = server();
  s.import("text", one_day);
  s.open("text");
  for (const auto& [text, code] : {std::pair{R"(a\u0085)", "control_character"},
                                   {R"(a\u2028b)", "line_separator"},
                                   {R"(\u202ea)", "direction_control"},
                                   {R"(a\ufffe)", "no_character"},
                                   {R"(\ufffd)", "lost_character"}}) {
    for (const auto& [verb, target, more] :
         {std::tuple{"POST", "/admin/v1/rounds/text/pause", ""},
          {"PATCH", "/admin/v1/rounds/text/groups/A/2021-06-07", R"("capacity":1,)"},
          {"POST", "/admin/v1/claims/release", R"("round":"text","identity":{"type":"mykad","number":"900101-14-0001"},)"}}) {
      const auto a = s.admin(verb, target, fmt::format(R"({{{}"reason":"{}"}})", more, text));
      EXPECT_EQ(a.outcome(), "422 invalid") << target << text;
      EXPECT_EQ(a.at("/fields/0/code"), code) << target << text;
    }
    auto body = api_server::import_body("named", one_day);
    body.replace(body.find("A round"), std::string_view("A round").size(), text);
    const auto named = s.admin("POST", "/admin/v1/rounds", body);
    EXPECT_EQ(named.outcome(), "422 invalid") << text;
    EXPECT_EQ(named.at("/fields/0/column"), "round.name") << text;
    EXPECT_EQ(named.at("/fields/0/code"), code) << text;
  }
  EXPECT_EQ(verb("text", "pause", R"({"reason":"\u3164 \u200b"})"), "422 invalid") << "citizens would be shown nothing";
  EXPECT_EQ(verb("text", "pause", R"({"reason":" a storm\nof  Jose\u0301 "})"), "200");
  EXPECT_NE(s.admin("GET", "/admin/v1/rounds").body.find("a storm of  Jos\u00e9\""), std::string::npos)
      << s.admin("GET", "/admin/v1/rounds").body;
}

TEST_F(admin_api_test, a_dry_run_changes_nothing) {
  const auto a = server().admin("POST", "/admin/v1/rounds?dry_run=true", api_server::import_body("dry", one_day));
  EXPECT_EQ(a.outcome(), "200");
  EXPECT_EQ(a.at("/places"), "2");
  EXPECT_EQ(verb("dry", "open"), "422 unknown_round");
}

TEST_F(admin_api_test, an_order_with_a_dry_run_is_not_carried_out_however_it_is_written) {
  auto& s = server();
  s.import("only", one_day);
  s.open("only");
  const auto import = [&](std::string_view query) {
    return s.admin("POST", fmt::format("/admin/v1/rounds?{}", query), api_server::import_body("dry", one_day)).outcome();
  };
  EXPECT_EQ(import("dry_run=true&first_day=tomorrow"), "200");
  for (const auto* query : {"dry_run", "dry_run=", "dry_run=1", "dry_run=TRUE", "first_day=tomorrow&dry_run=yes"})
    EXPECT_EQ(import(query), "422 invalid") << query;
  for (const auto* query : {"dryrun=true", "dry-run=true", "DRY_RUN=true", "dry_run=false&dry_run=true", "dry_run=true&dry_run=true",
                            "x=1&dry_run=true", "dry_run=true&y", "dry%5Frun=false&dry_run=true", "=true", "dry_run%3Dtrue"})
    EXPECT_EQ(import(query), "400 malformed_request") << query;
  EXPECT_EQ(verb("dry", "open"), "422 unknown_round") << "nothing was imported";
  EXPECT_EQ(verb("only", "close?dry_run=1"), "422 invalid");
  EXPECT_EQ(s.admin("POST", "/admin/v1/keys/rotate?dry_run=1").outcome(), "422 invalid");
  EXPECT_EQ(book(s, "only", "900101-14-0001").outcome(), "201") << "it was not closed";
}

// Judged as the order would be, and nothing is done: neither what would be refused is said to be done, nor the other way round.
TEST_F(admin_api_test, a_dry_run_of_an_order_about_a_round_says_what_the_order_would) {
  auto& s = server();
  const auto dry = [&](std::string_view what, std::string_view body = "") {
    return verb("tried", fmt::format("{}?dry_run=true", what), body);
  };
  EXPECT_EQ(dry("open"), "422 unknown_round");
  s.import("tried", one_day);
  EXPECT_EQ(s.admin("POST", "/admin/v1/rounds?dry_run=true", api_server::import_body("tried", one_day)).outcome(), "409 wrong_state")
      << "twice";
  EXPECT_EQ(dry("warm"), "200");
  EXPECT_EQ(dry("pause", R"({"reason":"a storm"})"), "409 wrong_state") << "it is not open";
  EXPECT_EQ(dry("open"), "200");
  EXPECT_EQ(book(s, "tried", "900101-14-0001").outcome(), "409 not_open") << "it was not opened";
  s.open("tried");
  EXPECT_NE(s.admin("POST", "/admin/v1/rounds/tried/open?dry_run=true").at("/result").find("already"), std::string::npos);
  EXPECT_EQ(dry("pause"), "422 invalid") << "without a reason";
  EXPECT_EQ(dry("pause", R"({"reason":"a storm"})"), "200");
  EXPECT_EQ(dry("erase", R"({"confirm":"tried"})"), "409 wrong_state") << "it is open";
  EXPECT_EQ(dry("close"), "200");
  EXPECT_EQ(book(s, "tried", "900101-14-0001").outcome(), "201") << "it was neither paused nor closed";
  ASSERT_EQ(verb("tried", "close"), "200");
  EXPECT_EQ(dry("erase", R"({"confirm":"no"})"), "422 invalid");
  EXPECT_EQ(dry("erase", R"({"confirm":"tried"})"), "200");
  EXPECT_EQ(book(s, "tried", "900101-14-0001").outcome(), "409 already_booked") << "its keys are there, by which the citizen is known";
  const auto trail = s.admin("GET", "/admin/v1/trail").parsed();
  std::vector<std::string> done;
  for (const auto& entry : trail.as_array())
    if (entry.at("detail").as_string().starts_with("tried"))
      done.emplace_back(entry.at("what").as_string());
  EXPECT_EQ(done, (std::vector<std::string>{"round closed", "round open", "round import"})) << "what was tried is not there";
}

TEST_F(admin_api_test, a_dry_run_of_a_capacity_or_a_release_is_judged_by_who_would_carry_it_out) {
  auto& s = server();
  s.import("asked", "A,2021-06-07,09:00,17:00,1\n");
  s.open("asked");
  ASSERT_EQ(book(s, "asked", "900101-14-0001").outcome(), "201");
  const auto capacity = [&](std::string_view group, int places) {
    return s.admin("PATCH", fmt::format("/admin/v1/rounds/asked/groups/{}?dry_run=true", group),
                   fmt::format(R"({{"capacity":{}}})", places));
  };
  EXPECT_EQ(capacity("Z/2021-06-07", 2).outcome(), "422 unknown_centre");
  EXPECT_EQ(capacity("A/2021-06-08", 2).outcome(), "422 date_outside_round");
  EXPECT_TRUE(api_server::eventually([&] { return capacity("A/2021-06-07", 0).at("/booked") == "1"; }));
  const auto would = capacity("A/2021-06-07", 0);
  EXPECT_EQ(would.outcome(), "200") << would.body;
  EXPECT_EQ(would.at("/from") + " " + would.at("/to") + " " + would.at("/over_by_order"), "1 0 1");
  EXPECT_EQ(capacity("A/2021-06-07", 5).outcome(), "200");
  EXPECT_EQ(book(s, "asked", "900101-14-0002").outcome(), "409 full") << "there are no more places than before";
  const auto release = [&](std::string_view number, std::string_view query) {
    return s.admin("POST", fmt::format("/admin/v1/claims/release{}", query),
                   fmt::format(R"({{"round":"asked","identity":{{"type":"mykad","number":"{}"}},"reason":"seen"}})", number));
  };
  EXPECT_EQ(release("900101-14-0009", "?dry_run=true").outcome(), "404 not_found");
  EXPECT_EQ(release("900101-14-0001", "?dry_run=true").at("/result"), "would release it");
  EXPECT_EQ(s.admin("GET", "/admin/v1/rounds/asked/figures").at("/booked"), "1");
  EXPECT_EQ(book(s, "asked", "900101-14-0003").outcome(), "409 full") << "nobody's place was given up";
  EXPECT_EQ(release("900101-14-0001", "").outcome(), "200") << "the order itself is none the worse for it";
  EXPECT_NE(release("900101-14-0001", "?dry_run=true").at("/result").find("already"), std::string::npos);
}

TEST_F(admin_api_test, a_dry_run_of_the_ballasts_release_keeps_it) {
  api_server s;
  const auto before = s.admin("GET", "/admin/v1/disk").at("/ballast_bytes");
  EXPECT_EQ(s.admin("POST", "/admin/v1/disk/release?dry_run=true").at("/bytes"), before);
  EXPECT_EQ(s.admin("GET", "/admin/v1/disk").at("/ballast_bytes"), before);
  ASSERT_EQ(s.admin("POST", "/admin/v1/disk/release").outcome(), "200");
  EXPECT_EQ(s.admin("POST", "/admin/v1/disk/release?dry_run=true").outcome(), "409 wrong_state") << "there is none to release";
}

TEST_F(admin_api_test, readiness_is_told_line_by_line_wherever_verbose_stands) {
  for (const auto* query : {"verbose", "verbose=1", "x=1&verbose"}) {
    EXPECT_NE(server().admin_without_token("GET", fmt::format("/readyz?{}", query)).body.find("storage: ok"), std::string::npos) << query;
    EXPECT_NE(server().ask("GET", fmt::format("/readyz?{}", query)).body.find("storage: ok"), std::string::npos) << query;
  }
}

TEST_F(admin_api_test, a_preflight_asks_every_shard_and_says_so) {
  api_server s;
  s.import("flight", one_day);
  const auto a = s.admin("GET", "/admin/v1/rounds/flight/preflight");
  EXPECT_EQ(a.at("/go"), "true") << a.body;
  EXPECT_EQ(a.at("/checks/1/check"), "shards answer") << a.body;
  EXPECT_EQ(a.at("/checks/1/detail"), "all, asked from this node");
  EXPECT_NE(a.at("/checks/3/detail").find(" MB free, about 0 MB needed"), std::string::npos) << a.body;
  EXPECT_EQ(a.at("/checks/4/check"), "disk at worst");
  EXPECT_EQ(a.at("/checks/4/warning"), "false");
  EXPECT_NE(a.at("/checks/4/detail").find("if each of 2 citizens makes 10 changes"), std::string::npos) << a.body;
}

TEST_F(admin_api_test, a_preflight_says_when_all_changes_of_all_citizens_are_more_than_a_disk_holds) {
  api_server s;
  s.import("crowd", one_day, R"("citizens":4000000000,"changes_max":1000)");
  const auto a = s.admin("GET", "/admin/v1/rounds/crowd/preflight");
  EXPECT_EQ(a.at("/go"), "true") << "bookings stop before the disk is full: " << a.body;
  EXPECT_EQ(a.at("/checks/4/warning"), "true") << a.body;
  EXPECT_NE(a.at("/checks/4/detail").find("if each of 4000000000 citizens makes 1000 changes (changes_max); before"), std::string::npos)
      << a.body;
}

TEST_F(admin_api_test, a_preflight_knows_the_bytes_of_bookings_with_the_longest_notes) {
  api_server s;
  s.import("large", "A,2021-06-07,09:00,17:00,400\n");
  s.open("large");
  const auto size = [&s] {
    std::uint64_t bytes = 0;
    for (const auto& f : std::filesystem::recursive_directory_iterator(s.directory() + "/store"))
      if (f.is_regular_file() && !f.path().filename().string().starts_with("LOG"))
        bytes += f.file_size();
    return bytes;
  };
  const auto before = size();
  constexpr int parties = 25;
  const auto of_four_bytes = [](int characters) {
    std::string out;
    for (int i = 0; i < characters; ++i)
      out += "\xf0\xa0\xae\xb7";  // U+20BB7, as in names
    return out;
  };
  for (int n = 0; n < parties; ++n) {
    std::string people;
    for (int p = 0; p < 4; ++p)
      people += fmt::format(R"({}{{"identity":{{"type":"mykad","number":"900101-14-{:04}"}},"name":"{}","email":"{}","notes":"{}"}})",
                            p == 0 ? "" : ",", n * 4 + p, of_four_bytes(200), of_four_bytes(200), of_four_bytes(500));
    const auto a = s.ask("POST", "/api/v1/bookings", "", fmt::format(R"({{"centre":"A","date":"2021-06-07","people":[{}]}})", people));
    ASSERT_EQ(a.outcome(), "201") << a.body;
    for (int p = 0; p < 4; ++p)
      ASSERT_EQ(s.ask("DELETE", "/api/v1/bookings/" + a.at(fmt::format("/bookings/{}/reference", p)),
                      fmt::format("Authorization: Bearer {}\r\n", a.at(fmt::format("/bookings/{}/manage_token", p))))
                    .outcome(),
                "200");
  }
  round_definition round;
  round.rules = {.changes_max = 1, .citizens = 4 * parties};
  const auto told = bytes_of(round, largest_sealed_record()).worst;
  const auto taken = size() - before;
  EXPECT_LE(taken, told);
  EXPECT_GE(2 * taken, told / 2) << "it is not far from it: the rest is what a full table and its log hold together";
}

TEST_F(admin_api_test, a_round_says_how_often_a_citizen_may_book_and_move) {
  const auto import = [&](std::string_view more) {
    return server().admin("POST", "/admin/v1/rounds?dry_run=true", api_server::import_body("often", one_day, more));
  };
  EXPECT_EQ(import(R"("changes_max":1)").outcome(), "200");
  EXPECT_EQ(import(R"("changes_max":1000,"citizens":4294967295)").outcome(), "200");
  for (const auto* wrong : {R"("changes_max":0)", R"("changes_max":1001)", R"("changes_max":"many")", R"("changes_max":2.5)",
                            R"("citizens":0)", R"("citizens":4294967296)"})
    EXPECT_EQ(import(wrong).outcome(), "422 invalid") << wrong;
  EXPECT_EQ(import(R"("changes_max":0)").at("/fields/0/column"), "round.changes_max");
}

TEST_F(admin_api_test, a_round_goes_its_way_from_import_to_erasure) {
  auto& s = server();
  s.import("way", one_day);
  EXPECT_EQ(s.admin("POST", "/admin/v1/rounds", api_server::import_body("way", one_day)).outcome(), "409 wrong_state") << "twice";
  EXPECT_EQ(book(s, "way", "900101-14-0001").outcome(), "409 not_open");
  EXPECT_EQ(s.admin("GET", "/admin/v1/rounds/way/preflight").at("/places"), "2");
  EXPECT_EQ(verb("way", "pause", R"({"reason":"too early"})"), "409 wrong_state");
  EXPECT_EQ(verb("way", "warm"), "200");
  EXPECT_NE(s.ask("GET", "/api/v1/rounds").body.find("imported"), std::string::npos);
  EXPECT_EQ(verb("way", "open"), "200");
  EXPECT_EQ(s.ask("GET", "/api/v1/rounds").body.find("imported"), std::string::npos) << "the opening is seen at once";
  EXPECT_EQ(book(s, "way", "900101-14-0001").outcome(), "201");
  EXPECT_EQ(verb("way", "pause"), "422 invalid") << "citizens are shown the reason";
  EXPECT_EQ(verb("way", "pause", R"({"reason":"a storm"})"), "200");
  const auto paused = book(s, "way", "900101-14-0002");
  EXPECT_EQ(paused.outcome(), "409 paused");
  EXPECT_EQ(paused.at("/detail"), "a storm");
  EXPECT_EQ(verb("way", "resume"), "200");
  EXPECT_EQ(book(s, "way", "900101-14-0002").outcome(), "201");
  EXPECT_EQ(verb("way", "erase", R"({"confirm":"way"})"), "409 wrong_state") << "it is open";
  EXPECT_EQ(verb("way", "close"), "200");
  EXPECT_EQ(book(s, "way", "900101-14-0003").outcome(), "409 closed");
  EXPECT_EQ(verb("way", "open"), "409 wrong_state");
  EXPECT_EQ(verb("way", "warm"), "409 wrong_state") << "for what?";
  EXPECT_EQ(verb("way", "erase", R"({"confirm":"yes"})"), "422 invalid");
  EXPECT_EQ(verb("way", "erase", R"({"confirm":"way"})"), "200");
  EXPECT_EQ(verb("way", "warm"), "409 wrong_state");
  EXPECT_EQ(verb("way", "warm?dry_run=true"), "409 wrong_state");
  EXPECT_EQ(verb("way", "nonsense"), "404 no_such_endpoint");
}

TEST_F(admin_api_test, a_pause_stops_new_moves_and_tells_earlier_ones_again) {
  auto& s = server();
  s.import("hold", "A,2021-06-07,09:00,12:00,1\nB,2021-06-07,09:00,17:00,1\nC,2021-06-07,09:00,17:00,1\n");
  s.open("hold");
  const auto booked = book(s, "hold", "900101-14-0001");
  ASSERT_EQ(booked.outcome(), "201") << booked.body;
  const auto move = [&](std::string_view key, std::string_view centre) {
    return s.ask("PATCH", "/api/v1/bookings/" + booked.at("/bookings/0/reference"),
                 fmt::format("Authorization: Bearer {}\r\nContent-Type: application/json\r\nIdempotency-Key: {}\r\n",
                             booked.at("/bookings/0/manage_token"), key),
                 fmt::format(R"({{"centre":"{}","date":"2021-06-07"}})", centre));
  };
  ASSERT_EQ(move("0123456789012345678901", "B").outcome(), "200");
  ASSERT_EQ(verb("hold", "pause", R"({"reason":"a storm"})"), "200");
  const auto again = move("0123456789012345678901", "B");
  EXPECT_EQ(again.outcome(), "200") << again.body;
  EXPECT_EQ(again.at("/centre"), "B");
  const auto other = move("0123456789012345678902", "C");
  EXPECT_EQ(other.outcome(), "409 paused");
  EXPECT_EQ(other.at("/detail"), "a storm");
  ASSERT_EQ(verb("hold", "resume"), "200");
  EXPECT_EQ(move("0123456789012345678902", "C").at("/centre"), "C");
  ASSERT_EQ(s.admin("PATCH", "/admin/v1/rounds/hold/groups/A/2021-06-07", R"({"capacity":0,"reason":"flood"})").outcome(), "200");
  EXPECT_EQ(move("0123456789012345678903", "A").outcome(), "409 window_closed");
}

TEST_F(admin_api_test, an_opening_ahead_tells_citizens_when) {
  auto& s = server();
  s.import("ahead", one_day, R"("opens_at":"2098-01-01T12:00:00+08:00")");
  s.open("ahead");
  const auto a = book(s, "ahead", "900101-14-0001");
  EXPECT_EQ(a.outcome(), "409 not_open");
  EXPECT_EQ(a.at("/opens_at"), "2098-01-01T12:00:00+08:00");
  EXPECT_EQ(a.at("/retry_after_ms"), "3600000");
}

TEST_F(admin_api_test, a_capacity_is_changed_at_once) {
  auto& s = server();
  s.import("cap", "A,2021-06-07,09:00,12:00,1\nA,2021-06-07,13:00,17:00,0\nB,2021-06-07,09:00,17:00,1\n");
  s.open("cap");
  const auto change = [&](std::string_view group, std::string_view body) {
    return s.admin("PATCH", fmt::format("/admin/v1/rounds/cap/groups/{}", group), body).outcome();
  };
  ASSERT_EQ(book(s, "cap", "900101-14-0001").outcome(), "201");
  EXPECT_EQ(book(s, "cap", "900101-14-0002").outcome(), "409 full");
  EXPECT_EQ(change("A/2021-06-07", R"({"window":"13:00","capacity":1,"reason":"more staff"})"), "200");
  EXPECT_EQ(book(s, "cap", "900101-14-0002").outcome(), "201");
  EXPECT_EQ(change("A/2021-06-07", R"({"capacity":1})"), "422 invalid") << "which of the two windows";
  EXPECT_EQ(change("A/2021-06-07", R"({"window":"10:00","capacity":1})"), "422 unknown_window");
  EXPECT_EQ(change("B/2021-06-07", R"({"window":"nine","capacity":5})"), "422 unknown_window") << "not the only one instead";
  EXPECT_EQ(change("B/2021-06-07", R"({"window":9,"capacity":5})"), "422 invalid");
  EXPECT_EQ(change("B/2021-06-07", R"({"capacity":-1})"), "422 invalid");
  EXPECT_EQ(change("B/2021-06-07", R"({"capacity":1000001})"), "422 invalid");
  EXPECT_EQ(change("Z/2021-06-07", R"({"capacity":1})"), "422 unknown_centre");
  EXPECT_EQ(change("B/2021-06-08", R"({"capacity":1})"), "422 date_outside_round");
  EXPECT_EQ(change("B/today", R"({"capacity":1})"), "422 date_outside_round");
  EXPECT_EQ(change("B", R"({"capacity":1})"), "404 no_such_endpoint");
}

TEST_F(admin_api_test, staff_release_a_disputed_claim) {
  auto& s = server();
  s.import("claim", one_day);
  s.open("claim");
  ASSERT_EQ(book(s, "claim", "900101-14-0001").outcome(), "201");
  const auto release = [&](std::string_view body) { return s.admin("POST", "/admin/v1/claims/release", body).outcome(); };
  EXPECT_EQ(release(R"({"round":"claim","identity":{"type":"mykad","number":"900101-14-0001"}})"), "422 invalid") << "without a reason";
  EXPECT_EQ(release(R"({"round":"r9","identity":{"type":"mykad","number":"900101-14-0001"},"reason":"x"})"), "422 unknown_round");
  EXPECT_EQ(release(R"({"round":"claim","identity":{"type":"mykad","number":"1"},"reason":"x"})"), "422 identity_impossible");
  EXPECT_EQ(release(R"({"round":"claim","identity":{"type":"mykad","number":"900101-14-0009"},"reason":"x"})"), "404 not_found");
  EXPECT_EQ(release(R"({"round":"claim","identity":{"type":"mykad","number":"900101 14 0001"},"reason":"seen the card"})"), "200");
  EXPECT_EQ(book(s, "claim", "900101-14-0001").outcome(), "201");
}

TEST_F(admin_api_test, a_claim_is_released_by_any_document_of_the_person_and_a_wrong_one_is_told) {
  auto& s = server();
  s.import("papers", one_day);
  s.open("papers");
  const auto release = [&](std::string_view identity) {
    return s.admin("POST", "/admin/v1/claims/release",
                   fmt::format(R"({{"round":"papers","identity":{},"reason":"seen the card"}})", identity));
  };
  ASSERT_EQ(book(s, "papers", "900101-14-0001").outcome(), "201");
  EXPECT_EQ(release(R"({"type":"passport","number":"A12345678","country":"MYS"})").outcome(), "404 not_found");
  EXPECT_EQ(release(R"({"type":"passport","number":"A12345678","country":"MYS","mykad":"900101-14-0001"})").outcome(), "200");
  const auto wrong = release(R"({"type":"visa","number":"900101-14-0001"})");
  EXPECT_EQ(wrong.outcome(), "422 identity_impossible");
  EXPECT_EQ(wrong.at("/fields/0/field"), "identity.type");
  EXPECT_EQ(wrong.at("/fields/0/reason"), "unknown_kind");
}

// An order that is older than what a citizen has booked is refused as `changed`: one that is given afterwards is not older.
TEST_F(admin_api_test, an_order_given_after_a_booking_is_not_taken_for_one_of_before_it) {
  auto& s = server();
  s.import("soon", one_day);
  s.open("soon");
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(book(s, "soon", "900101-14-0001").outcome(), "201");
    ASSERT_EQ(s.admin("GET", "/admin/v1/status").status, 200) << "a connection knows what was heard before it came: the next one, this";
    ASSERT_EQ(s.admin("POST", "/admin/v1/claims/release",
                      R"({"round":"soon","identity":{"type":"mykad","number":"900101-14-0001"},"reason":"seen the card"})")
                  .outcome(),
              "200")
        << i;
  }
}

// A reason is in the log for ever: one that no node could read or send would stop the shard that holds it.
TEST_F(admin_api_test, a_text_too_long_for_a_log_is_refused_by_name) {
  auto& s = server();
  s.import("words", one_day);
  s.open("words");
  const auto refused = [&](std::string_view verb, std::string_view target, std::string_view more, std::size_t characters) {
    const auto a = s.admin(verb, target, fmt::format(R"({{{}"reason":"{}"}})", more, std::string(characters, 'x')));
    if (characters > 60'000) {  // no order is so large
      EXPECT_EQ(a.outcome(), "413 body_too_large") << target << " " << characters;
      return;
    }
    EXPECT_EQ(a.outcome(), "422 invalid") << target << " " << characters << " " << a.body.substr(0, 200);
    EXPECT_EQ(a.at("/fields/0/field"), "reason") << target;
    EXPECT_EQ(a.at("/fields/0/code"), "too_long") << target;
    EXPECT_EQ(a.at("/fields/0/arguments/length"), std::to_string(characters)) << target;
    EXPECT_EQ(a.at("/arguments/limit"), "500") << target;
  };
  constexpr std::string_view person = R"("round":"words","identity":{"type":"mykad","number":"900101-14-0001"},)";
  for (const std::size_t characters : {std::size_t{501}, std::size_t{60'000}, std::size_t{70} << 20U}) {
    for (const auto* verb : {"pause", "close", "erase"})
      refused("POST", fmt::format("/admin/v1/rounds/words/{}", verb), verb == std::string_view("erase") ? R"("confirm":"words",)" : "",
              characters);
    refused("PATCH", "/admin/v1/rounds/words/groups/A/2021-06-07", R"("capacity":3,)", characters);
    refused("POST", "/admin/v1/claims/release", person, characters);
  }
  EXPECT_EQ(s.admin("POST", "/admin/v1/keys/rotate", fmt::format(R"({{"new_master_key_file":"{}"}})", std::string(3'000, '/'))).outcome(),
            "422 invalid");
  EXPECT_EQ(s.admin("POST", "/admin/v1/rounds/words/pause", R"({"reason":7})").outcome(), "422 invalid");
  std::string longest;
  for (int i = 0; i < 500; ++i)
    longest += "\U0001F4C5";
  EXPECT_EQ(verb("words", "pause", fmt::format(R"({{"reason":"{}"}})", longest)), "200") << "500 characters, whatever their bytes";
  EXPECT_EQ(verb("words", "resume"), "200");
  EXPECT_EQ(book(s, "words", "900101-14-0001").outcome(), "201");
}

TEST_F(admin_api_test, what_is_stored_can_be_shown_without_names_and_numbers) {
  auto& s = server();
  s.import("show", one_day);
  s.open("show");
  const auto booked =
      s.ask("POST", "/api/v1/bookings", "",
            R"({"round":"show","centre":"A","date":"2021-06-07","people":[{"identity":{"type":"mykad","number":"900101-14-7777"},
                                "name":"MARKEDNAME","phone":"MARKEDPHONE"}]})");
  ASSERT_EQ(booked.outcome(), "201");
  const auto reference = booked.at("/bookings/0/reference");
  const auto show = [&](std::string_view what) { return s.admin("GET", fmt::format("/admin/v1/show/{}", what)); };
  const auto by_booking = show("booking/" + reference);
  EXPECT_NE(by_booking.body.find("\"event\":\"booked\""), std::string::npos) << by_booking.body;
  EXPECT_NE(show("claim/" + reference).body.find("\"event\":\"claimed\""), std::string::npos);
  EXPECT_EQ(show("group/show/A/2021-06-07").at("/live"), "1");
  EXPECT_EQ(show("shard/3").at("/shard"), "3");
  for (const auto* what :
       {"booking/nonsense", "booking/0000-0000-0000-0", "claim/0000-0000-0000-0", "group/show/A", "group/show/A/2021-06-08",
        "group/r9/A/2021-06-07", "shard/4", "shard/", "shard/x", "shard/-1", "shard/1x", "shard/4294967296", "everything"})
    EXPECT_EQ(show(what).outcome(), "404 not_found") << what;
  EXPECT_EQ(show("").outcome(), "404 no_such_endpoint");
  for (const auto& what : {"booking/" + reference, "claim/" + reference, std::string("group/show/A/2021-06-07")})
    for (const auto* marked : {"MARKEDNAME", "MARKEDPHONE", "900101147777"})
      EXPECT_EQ(show(what).body.find(marked), std::string::npos) << what;
}

TEST_F(admin_api_test, status_audit_figures_disk_and_the_receipt_key_are_told) {
  auto& s = server();
  s.import("told", one_day);
  s.open("told");
  EXPECT_TRUE(api_server::eventually([&] { return s.admin("GET", "/admin/v1/status").at("/verdict") == "healthy"; }));
  const auto status = s.admin("GET", "/admin/v1/status");
  EXPECT_EQ(status.at("/shards_serving"), "4");
  const auto audit = s.admin("GET", "/admin/v1/audit");
  EXPECT_EQ(audit.at("/clean"), "true") << audit.body;
  EXPECT_TRUE(api_server::eventually([&] { return s.admin("GET", "/admin/v1/rounds/told/figures").at("/places") == "2"; }));
  EXPECT_EQ(s.admin("GET", "/admin/v1/rounds//figures").outcome(), "404 no_such_endpoint");
  EXPECT_EQ(s.admin("GET", "/admin/v1/rounds/told/nonsense").outcome(), "404 no_such_endpoint");
  EXPECT_EQ(s.admin("GET", "/admin/v1/receipt-key").at("/public_key").size(), 64U);
  EXPECT_EQ(s.admin("GET", "/admin/v1/disk").at("/low"), "false");
  EXPECT_EQ(s.admin("POST", "/admin/v1/disk/release").outcome(), "200");
  EXPECT_EQ(s.admin("GET", "/admin/v1/disk").at("/ballast_bytes"), "0");
}

TEST_F(admin_api_test, the_master_key_is_changed_for_one_that_can_be_read) {
  auto& s = server();
  const auto rotate = [&](const std::string& file) {
    return s.admin("POST", "/admin/v1/keys/rotate", fmt::format(R"({{"new_master_key_file":"{}"}})", file)).outcome();
  };
  EXPECT_EQ(rotate(""), "409 wrong_state");
  EXPECT_EQ(rotate(s.directory() + "/missing"), "409 wrong_state");
  const auto file = s.directory() + "/next.key";
  std::ofstream(file) << std::string(64, 'a') << "\n";
  std::filesystem::permissions(file, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  EXPECT_EQ(s.admin("POST", "/admin/v1/keys/rotate?dry_run=true", fmt::format(R"({{"new_master_key_file":"{}"}})", file)).outcome(), "200");
  const auto before = s.admin("GET", "/admin/v1/keys").at("/master");
  EXPECT_EQ(rotate(file), "200");
  EXPECT_NE(s.admin("GET", "/admin/v1/keys").at("/master"), before);
  EXPECT_EQ(rotate(file), "409 wrong_state") << "it is the one in use";
  EXPECT_EQ(s.admin("POST", "/admin/v1/keys/rotate", "{}").outcome(), "409 wrong_state") << "no other one is there";
  EXPECT_EQ(s.admin("POST", "/admin/v1/keys/rotate", R"({"new_master_key_file":7})").outcome(), "422 invalid");
  EXPECT_EQ(s.admin("POST", "/admin/v1/keys/rotate", "[").outcome(), "400 malformed_json");
  EXPECT_EQ(s.admin("POST", "/admin/v1/keys/finish").outcome(), "409 wrong_state") << "the next start would lack it";
  EXPECT_EQ(s.admin("GET", "/admin/v1/keys/finish").outcome(), "405 method_not_allowed");
  EXPECT_TRUE(api_server::eventually([&] { return s.admin("GET", "/admin/v1/trail").body.contains("keys rotate"); }));
}

}  // namespace
}  // namespace janji::net
