// What is over and what is not open yet, as citizens and operators see it over a real node.
#include <fmt/format.h>

#include "booking/civil_time.hpp"
#include "net/front.hpp"
#include "tests/net/api_server.hpp"

namespace janji::net {
namespace {

using test::api_answer;
using test::api_server;

constexpr auto malaysia = std::chrono::minutes{480};

// Of a day so many days from today, where the rounds are.
std::string day(int from_today) {
  return format_date(civil_date{std::chrono::sys_days{date_at(wall_clock(), malaysia)} + std::chrono::days{from_today}});
}
std::string rows(int days_from, int days_to) {
  std::string out;
  for (int d = days_from; d <= days_to; ++d)
    out += fmt::format("A,{0},00:00,12:00,5\nA,{0},12:00,23:59,5\nB,{0},00:00,23:59,5\n", day(d));
  return out;
}
constexpr std::string_view ends = R"("age_min":18,"book_until":"opening")";

class past_api_test : public testing::Test {
protected:
  static void SetUpTestSuite() { server_ = std::make_unique<api_server>(); }
  static void TearDownTestSuite() { server_.reset(); }
  static api_server& server() { return *server_; }
  static api_answer book(std::string_view round, std::string_view centre, std::string_view date, std::string_view window = "",
                         std::string_view number = "900101-14-0001", std::string_view key = "") {
    return server().ask(
        "POST", "/api/v1/bookings", key.empty() ? "" : fmt::format("Idempotency-Key: {}\r\n", key),
        fmt::format(R"({{"round":"{}","centre":"{}","date":"{}"{},"people":[{{"identity":{{"type":"mykad","number":"{}"}},"name":"N"}}]}})",
                    round, centre, date, window.empty() ? "" : fmt::format(R"(,"window":"{}")", window), number));
  }
  static std::string verb(std::string_view round, std::string_view what, std::string_view body = "") {
    return server().admin("POST", fmt::format("/admin/v1/rounds/{}/{}", round, what), body).outcome();
  }
  // Of the list of rounds.
  static api_answer shown(std::string_view round) {
    auto all = server().ask("GET", "/api/v1/rounds");
    const auto parsed = all.parsed();
    for (const auto& r : parsed.at("rounds").as_array())
      if (r.at("code").as_string() == test::json::string_view(round.data(), round.size()))
        all.body = test::json::serialize(r);
    return all;
  }

private:
  static inline std::unique_ptr<api_server> server_;
};

TEST_F(past_api_test, yesterday_is_neither_booked_nor_moved_into_nor_offered) {
  auto& s = server();
  s.import("days", rows(-2, 2), ends);
  s.open("days");
  const auto late = book("days", "A", day(-1), "12:00");
  EXPECT_EQ(late.outcome(), "409 window_over") << late.body;
  EXPECT_EQ(late.at("/alternatives/0/centre"), "A") << late.body;
  for (const auto* which : {"0", "1", "2"})
    EXPECT_GE(late.at(fmt::format("/alternatives/{}/date", which)), day(0)) << late.body;
  EXPECT_EQ(book("days", "B", day(0)).outcome(), "409 window_over") << "it opened at midnight";
  const auto good = book("days", "A", day(1), "00:00", "900101-14-0002");
  ASSERT_EQ(good.outcome(), "201") << good.body;
  const auto move = [&](std::string_view date) {
    return s.ask("PATCH", "/api/v1/bookings/" + good.at("/bookings/0/reference"),
                 fmt::format("Authorization: Bearer {}\r\nContent-Type: application/json\r\n", good.at("/bookings/0/manage_token")),
                 fmt::format(R"({{"centre":"B","date":"{}"}})", date));
  };
  const auto back = move(day(-1));
  EXPECT_EQ(back.outcome(), "409 window_over") << back.body;
  EXPECT_NE(back.at("/alternatives/0/date"), "") << "its own visit is ahead, and others are free";
  EXPECT_EQ(move(day(2)).outcome(), "200");
}

TEST_F(past_api_test, availability_and_figures_call_nothing_free_that_is_over) {
  auto& s = server();
  s.import("free", rows(-1, 1), ends);
  s.open("free");
  // Half of a day that both were asked in: at noon today's last window is over too.
  const auto half = [] { return (std::chrono::milliseconds{wall_clock().value} + malaysia) / std::chrono::hours{12}; };
  api_answer a;
  api_answer figures;
  decltype(half()) asked_in = 0;
  do {
    asked_in = half();
    a = s.ask_until("/api/v1/availability?state=Johor&round=free", [](const api_answer& one) { return one.at("/status") == "open"; });
    figures = s.ask_until("/api/v1/figures?round=free", [](const api_answer& one) { return one.at("/free") != "null"; });
  } while (half() != asked_in);
  const bool morning = asked_in % 2 == 0;
  EXPECT_EQ(a.at("/centres/0/days/0/status"), "over") << a.body;
  EXPECT_EQ(a.at("/centres/0/days/0/windows/1/free"), "0");
  EXPECT_EQ(a.at("/centres/0/days/0/windows/1/capacity"), "5");
  EXPECT_EQ(a.at("/centres/0/days/1/status"), morning ? "open" : "over") << a.body;
  EXPECT_EQ(a.at("/centres/0/days/1/windows/0/status"), morning ? "over" : "") << "said where it is not its day's";
  EXPECT_EQ(a.at("/centres/0/days/1/windows/0/free"), "0");
  EXPECT_EQ(a.at("/centres/0/days/1/windows/1/free"), morning ? "5" : "0");
  EXPECT_EQ(a.at("/centres/0/days/2/status"), "open");
  EXPECT_EQ(a.at("/centres/0/days/2/windows/0/free"), "5");
  EXPECT_EQ(a.at("/centres/0/days/2/changes_at"), format_utc(*parse_moment(day(1) + "T12:00:00+08:00"))) << "the last of its windows";
  EXPECT_EQ(figures.at("/places"), "45");
  EXPECT_EQ(figures.at("/free"), morning ? "20" : "15") << figures.body;
  EXPECT_EQ(
      s.ask("GET", fmt::format("/api/v1/availability?state=Johor&round=free&from={0}&to={0}", day(-1))).at("/centres/0/days/0/status"),
      "over");
}

TEST_F(past_api_test, a_round_all_of_whose_days_are_past_is_over_and_its_preflight_says_no) {
  auto& s = server();
  s.import("gone", rows(-3, -2), ends);
  EXPECT_EQ(shown("gone").at("/status"), "not_open");
  EXPECT_EQ(shown("gone").at("/changes_at"), "null") << "it waits for an order";
  const auto flight = s.admin("GET", "/admin/v1/rounds/gone/preflight");
  EXPECT_EQ(flight.at("/go"), "false") << flight.body;
  s.open("gone");
  EXPECT_EQ(shown("gone").at("/status"), "over");
  EXPECT_EQ(shown("gone").at("/state"), "open");
  EXPECT_EQ(shown("gone").at("/changes_at"), "2099-12-30T16:00:00.000Z") << "then it closes";
  EXPECT_EQ(verb("gone", "pause", R"({"reason":"rain"})"), "200");
  EXPECT_EQ(shown("gone").at("/status"), "paused");
  EXPECT_EQ(verb("gone", "close"), "200");
  EXPECT_EQ(shown("gone").at("/status"), "closed");
}

TEST_F(past_api_test, a_round_without_ends_is_booked_in_the_past_and_preflight_warns) {
  auto& s = server();
  s.import("none", rows(-3, -3));
  s.open("none");
  EXPECT_EQ(book("none", "B", day(-3)).outcome(), "201");
  EXPECT_EQ(shown("none").at("/status"), "open");
  const auto flight = s.admin("GET", "/admin/v1/rounds/none/preflight");
  EXPECT_EQ(flight.at("/go"), "true") << flight.body;
  EXPECT_EQ(flight.at("/checks/8/warning"), "true") << flight.body;
  EXPECT_TRUE(flight.at("/checks/8/detail").contains("book_until")) << flight.body;
}

TEST_F(past_api_test, an_end_that_is_none_is_refused_with_what_it_may_be) {
  for (const auto* end : {"\"never\"", "\"\"", "0", "\"24\"", "true"}) {
    const auto a =
        server().admin("POST", "/admin/v1/rounds", api_server::import_body("bad", rows(1, 1), fmt::format("\"book_until\":{}", end)));
    EXPECT_EQ(a.outcome(), "422 invalid") << end;
    EXPECT_EQ(a.at("/fields/0/column"), "round.book_until") << end;
    EXPECT_TRUE(a.at("/fields/0/detail").contains("24h")) << a.body;
  }
}

TEST_F(past_api_test, booking_may_end_before_the_visit_begins) {
  auto& s = server();
  s.import("before", rows(1, 3), R"("age_min":18,"book_until":"2d")");
  s.open("before");
  EXPECT_EQ(book("before", "A", day(1), "12:00").outcome(), "409 window_over");
  EXPECT_EQ(book("before", "A", day(3), "12:00").outcome(), "201");
}

TEST_F(past_api_test, a_demonstration_is_moved_so_that_it_begins_tomorrow) {
  auto& s = server();
  const auto body = api_server::import_body("demo", "A,2021-06-07,09:00,17:00,2\nA,2021-06-09,09:00,17:00,2\n", ends);
  const auto tried = s.admin("POST", "/admin/v1/rounds?dry_run=true&first_day=tomorrow", body);
  EXPECT_EQ(tried.at("/from"), day(1)) << tried.body;
  EXPECT_EQ(tried.at("/to"), day(3));
  for (const auto* wrong : {"today", "", "2021-6-7", "1900-01-01", "9999-12-31"})
    EXPECT_EQ(s.admin("POST", fmt::format("/admin/v1/rounds?first_day={}", wrong), body).outcome(), "422 invalid") << wrong;
  EXPECT_EQ(verb("demo", "open"), "422 unknown_round") << "nothing was imported";
  ASSERT_EQ(s.admin("POST", "/admin/v1/rounds?first_day=tomorrow", body).outcome(), "200");
  s.open("demo");
  EXPECT_EQ(shown("demo").at("/from"), day(1));
  EXPECT_EQ(book("demo", "A", day(1)).outcome(), "201");
}

// What is kept of before the opening is not given out after it, by the node or by a cache that obeys it.
TEST_F(past_api_test, nobody_is_told_not_open_after_the_moment_that_was_named) {
  auto& s = server();
  const unix_ms opens{wall_clock().value + 4'000};
  s.import("soon", rows(1, 1), fmt::format(R"("age_min":18,"book_until":"opening","opens_at":"{}")", format_utc(opens)));
  s.open("soon");
  constexpr std::string_view page = "/api/v1/availability?state=Johor&round=soon";
  const auto waiting = s.ask_until(page, [](const api_answer& one) { return one.status == 200; });
  EXPECT_EQ(waiting.at("/status"), "not_open") << waiting.body;
  EXPECT_EQ(waiting.at("/changes_at"), format_utc(opens));
  EXPECT_EQ(waiting.at("/centres/0/days/0/status"), "not_open");
  EXPECT_EQ(shown("soon").at("/status"), "not_open");
  const auto etag = waiting.field("etag");
  std::size_t asked = 0;
  for (bool opened = false; !opened; ++asked) {
    const auto begun = wall_clock();
    const auto a = s.ask("GET", page, fmt::format("If-None-Match: {}\r\n", etag));
    const auto got = wall_clock();
    const auto list = shown("soon");
    opened = begun >= opens;
    if (got.value + 1'000 < opens.value) {
      EXPECT_EQ(a.field("cache-control"), "public, max-age=1");
    }
    if (got < opens) {
      EXPECT_EQ(a.status, 304U);
    }
    if (begun.value + 1'000 > opens.value && got < opens) {
      EXPECT_EQ(a.field("cache-control"), "public, max-age=0, must-revalidate");
    }
    if (opened) {
      EXPECT_EQ(a.outcome(), "200") << "another tag";
      EXPECT_EQ(a.at("/status"), "open");
      EXPECT_EQ(a.at("/centres/0/days/0/status"), "open");
      EXPECT_EQ(list.at("/status"), "open") << list.body;
    }
  }
  EXPECT_GT(asked, 2U);
  EXPECT_EQ(book("soon", "B", day(1)).outcome(), "201");
}

TEST_F(past_api_test, only_what_was_paused_is_resumed_and_a_pauses_reason_is_mended) {
  auto& s = server();
  s.import("states", rows(1, 1), ends);
  EXPECT_EQ(verb("states", "resume"), "409 wrong_state") << "it was never opened";
  EXPECT_EQ(book("states", "B", day(1)).outcome(), "409 not_open");
  s.open("states");
  EXPECT_EQ(verb("states", "resume"), "200") << "it is open: nothing is to be done";
  EXPECT_EQ(verb("states", "pause", R"({"reason":"rian"})"), "200");
  EXPECT_EQ(verb("states", "pause", R"({"reason":"rain"})"), "200");
  const auto paused = book("states", "B", day(1));
  EXPECT_EQ(paused.outcome(), "409 paused");
  EXPECT_EQ(paused.at("/detail"), "rain");
  EXPECT_EQ(shown("states").at("/reason"), "rain");
  EXPECT_EQ(verb("states", "resume"), "200");
  EXPECT_TRUE(s.admin("GET", "/admin/v1/trail").at("/0/what") == "round resumed") << s.admin("GET", "/admin/v1/trail").body;
  EXPECT_EQ(verb("states", "close", R"({"reason":"no doses"})"), "200");
  EXPECT_EQ(verb("states", "close", R"({"reason":"other"})"), "409 wrong_state");
  EXPECT_EQ(verb("states", "close"), "200");
  EXPECT_EQ(verb("states", "resume"), "409 wrong_state");
  EXPECT_EQ(verb("states", "pause", R"({"reason":"x"})"), "409 wrong_state");
}

}  // namespace
}  // namespace janji::net
