// What everybody may read, and what every answer has: caching, compression, CORS, request ids, probes.
#include <fmt/format.h>
#include <zlib.h>

#include "tests/net/api_server.hpp"

namespace janji::net {
namespace {

using test::api_answer;
using test::api_server;

class read_api_test : public testing::Test {
protected:
  static void SetUpTestSuite() {
    server_ = std::make_unique<api_server>();
    std::string rows;
    for (int day = 1; day <= 30; ++day)
      rows += fmt::format("A,2021-06-{:02},09:00,12:00,2\nB,2021-06-{:02},09:00,17:00,10\n", day, day);
    server_->import("r1", rows + "C,2021-06-07,09:00,17:00,5\n");
    server_->open("r1");
  }
  static void TearDownTestSuite() { server_.reset(); }
  static api_server& server() { return *server_; }
  static api_answer get(std::string_view target, std::string_view headers = "") { return server().ask("GET", target, headers); }
  static void book(std::string_view number, std::string_view centre, std::string_view date) {
    const auto a = server().ask("POST", "/api/v1/bookings", "",
                                fmt::format(R"({{"centre":"{}","date":"{}","people":[{{"identity":{{"type":"mykad","number":"{}"}},
                                    "name":"Aminah","state":"Sabah"}}]}})",
                                            centre, date, number));
    ASSERT_EQ(a.outcome(), "201") << a.body;
  }
  static constexpr std::string_view johor = "/api/v1/availability?state=Johor";

private:
  static inline std::unique_ptr<api_server> server_;
};

std::string gunzip(const std::string& bytes) {
  z_stream z{};
  EXPECT_EQ(inflateInit2(&z, 15 + 16), Z_OK);
  std::string out(1 << 20, '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  z.avail_in = static_cast<uInt>(bytes.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(inflate(&z, Z_FINISH), Z_STREAM_END);
  out.resize(z.total_out);
  inflateEnd(&z);
  return out;
}

TEST_F(read_api_test, availability_tells_every_day_of_a_state_in_order) {
  const auto a = server().ask_until(johor, [](const api_answer& one) { return one.status == 200 && one.at("/status") == "open"; });
  ASSERT_EQ(a.outcome(), "200");
  EXPECT_EQ(a.at("/round"), "r1");
  EXPECT_EQ(a.at("/state"), "Johor");
  EXPECT_EQ(a.at("/centres/0/code"), "A");
  EXPECT_EQ(a.at("/centres/1/days/29/date"), "2021-06-30");
  EXPECT_EQ(a.at("/centres/1/days/29/windows/0/free"), "10");
  EXPECT_EQ(a.at("/centres/2"), "") << "C is in another state";
  EXPECT_EQ(a.field("cache-control"), "public, max-age=1");
  EXPECT_FALSE(a.field("age").empty());
}

TEST_F(read_api_test, a_booking_is_seen_in_availability_under_another_etag) {
  const auto before = get(johor).field("etag");
  book("900101-14-0001", "A", "2021-06-02");
  const auto a = server().ask_until(johor, [](const api_answer& one) { return one.at("/centres/0/days/1/windows/0/free") == "1"; });
  EXPECT_EQ(a.at("/centres/0/days/1/windows/0/free"), "1");
  EXPECT_NE(a.field("etag"), before);
}

TEST_F(read_api_test, what_has_not_changed_is_304_without_a_body) {
  const auto etag = get(johor).field("etag");
  ASSERT_FALSE(etag.empty());
  for (const auto& tags : {etag, etag.substr(etag.find('"')), "\"x\", " + etag, std::string("*")}) {
    const auto a = get(johor, fmt::format("If-None-Match: {}\r\n", tags));
    EXPECT_EQ(a.status, 304U) << tags;
    EXPECT_EQ(a.body, "");
    EXPECT_EQ(a.field("etag"), etag);
    EXPECT_EQ(a.fields.count("content-length"), 0U);
  }
  EXPECT_EQ(get(johor, "If-None-Match: \"x\"\r\n").status, 200U);
}

TEST_F(read_api_test, who_takes_gzip_gets_the_same_in_fewer_bytes) {
  for (const std::string_view target :
       {johor, std::string_view("/api/v1/figures"), std::string_view("/api/v1/availability?state=Johor&from=2021-06-01")}) {
    // Whoever asks first may get it as it is: nobody waits for the compression.
    api_answer small;
    api_server::eventually([&] { return (small = get(target, "Accept-Encoding: gzip\r\n")).field("content-encoding") == "gzip"; });
    ASSERT_EQ(small.field("content-encoding"), "gzip") << target;
    EXPECT_EQ(small.field("vary").substr(0, 15), "Accept-Encoding");
    EXPECT_LT(small.body.size(), gunzip(small.body).size() / 2);
    // Of one moment: what is made anew meanwhile says when.
    EXPECT_TRUE(api_server::eventually([&] {
      const auto packed = get(target, "Accept-Encoding: gzip\r\n");
      const auto plain = get(target, "Accept-Encoding: gzip;q=0\r\n");
      EXPECT_EQ(plain.field("content-encoding"), "") << target;
      return packed.field("content-encoding") == "gzip" && gunzip(packed.body) == plain.body;
    })) << target;
  }
}

TEST_F(read_api_test, head_is_get_without_the_body) {
  const auto whole = get(johor);
  const auto a = server().ask("HEAD", johor);
  EXPECT_EQ(a.status, 200U);
  EXPECT_EQ(a.body, "");
  EXPECT_FALSE(a.field("etag").empty());
  EXPECT_EQ(a.field("content-length"), std::to_string(whole.body.size()));
  EXPECT_EQ(whole.status, 200U);
}

TEST_F(read_api_test, a_range_of_days_can_be_asked_for) {
  const auto a = get("/api/v1/availability?state=johor&from=2021-06-29&to=2021-07-10");
  EXPECT_EQ(a.at("/centres/1/days/0/date"), "2021-06-29");
  EXPECT_EQ(a.at("/centres/1/days/1/date"), "2021-06-30");
  EXPECT_EQ(a.at("/centres/1/days/2"), "");
  EXPECT_EQ(get("/api/v1/availability?state=Johor&from=2021-07-01").at("/centres/0/days"), "[]");
  EXPECT_EQ(get("/api/v1/availability?state=Johor&from=yesterday").outcome(), "400 malformed_request");
}

TEST_F(read_api_test, what_is_asked_of_nowhere_is_told) {
  EXPECT_EQ(get("/api/v1/availability").outcome(), "422 unknown_state");
  EXPECT_EQ(get("/api/v1/availability?state=Atlantis").outcome(), "422 unknown_state");
  EXPECT_EQ(get("/api/v1/availability?state=Johor&round=r9").outcome(), "422 unknown_round");
  EXPECT_EQ(get("/api/v1/centres?state=Atlantis").outcome(), "422 unknown_state");
  EXPECT_EQ(get("/api/v1/centres?round=r9").outcome(), "422 unknown_round");
  EXPECT_EQ(get("/api/v1/figures?round=r9").outcome(), "422 unknown_round");
  EXPECT_EQ(get("/api/v2/rounds").outcome(), "404 no_such_endpoint");
  EXPECT_EQ(get("/api/v1/bookingsx").outcome(), "404 no_such_endpoint");
  EXPECT_EQ(get("/api/v1/bookings/").outcome(), "405 method_not_allowed") << "a slash at the end is none";
  EXPECT_EQ(get("/api/v1/rounds/").status, 200U);
  EXPECT_EQ(get("/").outcome(), "404 no_such_endpoint");
}

TEST_F(read_api_test, rounds_states_and_centres_are_listed) {
  const auto rounds = get("/api/v1/rounds");
  EXPECT_EQ(rounds.at("/rounds/0/code"), "r1");
  EXPECT_EQ(rounds.at("/rounds/0/slots"), "365");
  EXPECT_EQ(rounds.at("/rounds/0/from"), "2021-06-01");
  EXPECT_EQ(rounds.at("/rounds/0/to"), "2021-06-30");
  EXPECT_EQ(rounds.at("/rounds/0/rules/age_min"), "18");
  const auto states = get("/api/v1/states");
  EXPECT_EQ(states.at("/states/0"), R"({"code":1,"name":"Johor"})");
  EXPECT_EQ(states.at("/states/16"), "");
  EXPECT_NE(states.at("/states/15"), "");
  EXPECT_EQ(get("/api/v1/centres?state=Kedah").at("/centres/0/code"), "C");
  EXPECT_EQ(get("/api/v1/centres?round=r1").at("/centres/2/district"), "Baling");
}

TEST_F(read_api_test, figures_count_bookings_and_refusals) {
  book("600101-14-5002", "B", "2021-06-03");
  EXPECT_EQ(server().ask("POST", "/api/v1/bookings", "", "{}").outcome(), "422 invalid");
  const auto a = server().ask_until("/api/v1/figures", [](const api_answer& one) {
    return one.at("/by_age_band/4/booked") == "1" && !one.at("/refusals/invalid").empty();
  });
  EXPECT_EQ(a.at("/round"), "r1");
  EXPECT_EQ(a.at("/places"), "365");
  EXPECT_EQ(a.at("/by_age_band/4"), R"({"band":"60 and over","booked":1})") << a.body;
  EXPECT_NE(a.at("/refusals/invalid"), "");
  const auto booked = std::stoi(a.at("/booked"));
  EXPECT_EQ(std::stoi(a.at("/free")), 365 - booked);
  int in_sabah = 0;
  const auto whole = a.parsed();
  for (const auto& s : whole.at("by_state").as_array())
    if (s.at("state").as_string() == "Sabah")
      in_sabah = s.at("booked").to_number<int>();
  EXPECT_EQ(in_sabah, booked) << "by where people live";
}

// ---- methods

TEST_F(read_api_test, a_method_that_an_address_does_not_know_is_405_with_those_it_knows) {
  auto a = server().ask("POST", "/api/v1/rounds");
  EXPECT_EQ(a.outcome(), "405 method_not_allowed");
  EXPECT_EQ(a.field("allow"), "GET, HEAD, OPTIONS");
  a = server().ask("GET", "/api/v1/bookings");
  EXPECT_EQ(a.outcome(), "405 method_not_allowed");
  EXPECT_EQ(a.field("allow"), "POST, OPTIONS");
  a = server().ask("PUT", "/api/v1/bookings/0000-0000-0000-0");
  EXPECT_EQ(a.outcome(), "405 method_not_allowed");
  EXPECT_EQ(a.field("allow"), "GET, HEAD, DELETE, PATCH, OPTIONS");
}

// ---- CORS

TEST_F(read_api_test, a_known_page_elsewhere_may_read_answers_and_refusals) {
  const auto origin = fmt::format("Origin: {}\r\n", api_server::page);
  for (const auto& a : {get(johor, origin), get("/api/v1/rounds", origin), get("/nowhere", origin), get("/api/v1/figures?round=r9", origin),
                        server().ask("POST", "/api/v1/bookings", origin, "{"), server().ask("PUT", "/api/v1/bookings", origin),
                        server().ask("GET", "relative", origin), get(johor, origin + "If-None-Match: *\r\n")})
    EXPECT_EQ(a.field("access-control-allow-origin"), api_server::page) << a.status << a.body.substr(0, 100);
}

TEST_F(read_api_test, any_other_page_may_not) {
  for (const auto* origin : {"https://evil.example", "https://page.example.evil", "http://page.example", "null"}) {
    const auto a = get("/api/v1/rounds", fmt::format("Origin: {}\r\n", origin));
    EXPECT_EQ(a.status, 200U);
    EXPECT_EQ(a.field("access-control-allow-origin"), "") << origin;
  }
}

TEST_F(read_api_test, a_page_may_ask_beforehand_what_it_may_send) {
  const auto a =
      server().ask("OPTIONS", "/api/v1/bookings", fmt::format("Origin: {}\r\nAccess-Control-Request-Method: POST\r\n", api_server::page));
  EXPECT_EQ(a.status, 204U);
  EXPECT_EQ(a.field("access-control-allow-origin"), api_server::page);
  for (const auto* header : {"Authorization", "Content-Type", "Idempotency-Key"})
    EXPECT_NE(a.field("access-control-allow-headers").find(header), std::string::npos) << header;
  struct asked {
    std::string_view path;
    std::string_view allowed;
  };
  for (const auto& [path, allowed] :
       {asked{"/api/v1/bookings", "POST, OPTIONS"}, asked{"/api/v1/rounds", "GET, HEAD, OPTIONS"}, asked{"/livez", "GET, HEAD, OPTIONS"},
        asked{"/api/v1/bookings/0000-0000-0000-0", "GET, HEAD, DELETE, PATCH, OPTIONS"}}) {
    const auto told = server().ask("OPTIONS", path, fmt::format("Origin: {}\r\n", api_server::page));
    EXPECT_EQ(told.status, 204U) << path;
    EXPECT_EQ(told.field("access-control-allow-methods"), allowed) << path;
    EXPECT_EQ(told.field("allow"), allowed) << path;
    for (const std::string_view verb : {"GET", "POST", "PUT", "DELETE", "PATCH"})
      EXPECT_EQ(server().ask(verb, path).status == 405U, !allowed.contains(verb))
          << verb << " " << path << ": what is promised is not denied";
  }
  EXPECT_EQ(server().ask("OPTIONS", "/api/v1/nothing").outcome(), "404 no_such_endpoint");
  EXPECT_EQ(server().ask("OPTIONS", "/api/v1/bookings", "Origin: https://evil.example\r\n").field("access-control-allow-methods"), "");
}

// ---- request ids

TEST_F(read_api_test, a_good_request_id_comes_back_and_a_bad_one_is_replaced) {
  const auto told = [&](std::string_view id) { return get("/nowhere", fmt::format("X-Request-Id: {}\r\n", id)); };
  EXPECT_EQ(told("abc-1.2_3").field("x-request-id"), "abc-1.2_3");
  EXPECT_EQ(told("abc-1.2_3").at("/request_id"), "abc-1.2_3");
  for (const auto& bad : {std::string("a b"), std::string("\"><script>"), std::string(65, 'x'), std::string("caf\xc3\xa9")}) {
    const auto a = told(bad);
    EXPECT_NE(a.field("x-request-id"), bad);
    EXPECT_EQ(a.field("x-request-id").size(), 13U);
    EXPECT_EQ(a.at("/request_id"), a.field("x-request-id"));
  }
}

// ---- probes, refusals of the whole node

// *There is no such round* is said by who knows the rounds.
TEST(unready_front, a_front_that_has_not_heard_of_the_rounds_says_that_it_is_not_ready) {
  api_server s(100, true);
  for (const auto* path :
       {"/availability?state=Johor", "/availability?state=Johor&round=r1", "/figures", "/figures?round=r1", "/centres?round=r1"})
    EXPECT_EQ(s.ask("GET", "/api/v1" + std::string(path)).outcome(), "503 not_ready") << path;
  EXPECT_EQ(s.ask("GET", "/api/v1/rounds").at("/as_of"), "null");
  EXPECT_EQ(s.ask("POST", "/api/v1/bookings").outcome(), "503 not_ready");
  EXPECT_EQ(s.admin("POST", "/admin/v1/rounds/r1/close").outcome(), "503 not_ready");
  EXPECT_EQ(s.admin("GET", "/admin/v1/rounds/r1/figures").outcome(), "503 not_ready");
  EXPECT_TRUE(s.admin_without_token("GET", "/readyz?verbose").body.contains("the rounds are not known yet"));
}

TEST_F(read_api_test, probes_say_alive_and_ready) {
  EXPECT_EQ(get("/livez").body, "alive\n");
  EXPECT_EQ(get("/readyz").body, "ready\n");
  EXPECT_EQ(get("/readyz?verbose").body, "ready\nnode: ok\nkeys: ok\nadmission: ok\nstorage: ok\n");
}

TEST(stopping_api, a_node_that_stops_says_so_and_stays_alive) {
  api_server s;
  s.import("r1", "A,2021-06-07,09:00,17:00,10\n");
  s.open("r1");
  s.citizens().stop_admitting();
  const auto a = s.ask("POST", "/api/v1/bookings", "", "{}");
  EXPECT_EQ(a.outcome(), "503 stopping");
  EXPECT_EQ(a.field("retry-after"), "2");
  EXPECT_EQ(s.ask("GET", "/api/v1/bookings/0000-0000-0000-0").outcome(), "503 stopping");
  EXPECT_EQ(s.ask("GET", "/readyz").status, 503U);
  EXPECT_EQ(s.ask("GET", "/livez").status, 200U);
}

TEST(busy_api, beyond_the_bound_of_commands_under_way_the_answer_is_busy) {
  api_server s(0);
  const auto a = s.ask("POST", "/api/v1/bookings", "", "{}");
  EXPECT_EQ(a.outcome(), "503 busy");
  EXPECT_EQ(a.field("retry-after"), "1");
  EXPECT_EQ(s.ask("GET", "/api/v1/states").status, 200U) << "reads go on";
}

}  // namespace
}  // namespace janji::net
