#include "net/listener.hpp"

#include <gtest/gtest.h>

#include "tests/net/loopback.hpp"

namespace janji::net {
namespace {

using test::get;
using test::server;

TEST(listener, where_something_is_under_way_at_all_who_comes_is_told_503_and_closed) {
  server s({.connections_max = 2});
  auto first = s.connect();
  first.send(get("/later"));
  {
    auto second = s.connect();
    second.send(get("/later"));
    ASSERT_TRUE(s.wait_for_kept(2));
    auto third = s.connect();
    const auto a = third.answer();
    EXPECT_EQ(a.status, 503U);
    EXPECT_EQ(a.field("retry-after"), "1");
    EXPECT_EQ(a.field("connection"), "close");
    EXPECT_TRUE(third.at_end());
  }
  s.release();
  EXPECT_EQ(first.answer().status, 200U);
  EXPECT_EQ(s.connect().ask(get("/echo")).status, 200U) << "there is room again";
  EXPECT_EQ(first.ask(get("/echo")).status, 200U);
}

TEST(listener, a_flood_beyond_the_limit_is_closed_and_does_not_grow) {
  const http_limits limits{.connections_max = 1, .turned_away_max = 30};
  server s(limits);
  auto first = s.connect();
  first.send(get("/later"));
  ASSERT_TRUE(s.wait_for_kept(1));
  std::vector<test::client> flood;
  for (std::size_t i = 0; i < limits.turned_away_max + 20; ++i)
    flood.push_back(s.connect());
  std::size_t told = 0;
  for (auto& c : flood)
    told += c.answer().status == 503 ? 1 : 0;
  EXPECT_EQ(told, limits.turned_away_max) << "the others are closed without a word";
  s.release();
  EXPECT_EQ(first.answer().status, 200U);
}

// ---- who gives way

TEST(listener, who_says_nothing_gives_way_to_who_comes) {
  server s({.connections_max = 3});
  auto silent = s.connect();
  ASSERT_TRUE(s.wait_for_connections(1));
  auto half = s.connect();
  half.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf");
  ASSERT_TRUE(s.wait_for_connections(2));
  auto busy = s.connect();
  busy.send(get("/later"));
  ASSERT_TRUE(s.wait_for_kept(1));
  EXPECT_EQ(s.connect().ask(get("/echo")).status, 200U);
  EXPECT_TRUE(silent.at_end()) << "it has waited longest";
  auto one = s.connect();
  EXPECT_EQ(one.ask(get("/echo")).status, 200U);
  EXPECT_EQ(s.connect().ask(get("/echo")).status, 200U);
  EXPECT_TRUE(half.at_end()) << "half a request is waited for too";
  s.release();
  EXPECT_EQ(busy.answer().status, 200U) << "what is under way is not given up";
}

TEST(listener, who_asks_again_and_again_is_not_the_one_who_has_waited_longest) {
  server s({.connections_max = 2});
  auto regular = s.connect();
  EXPECT_EQ(regular.ask(get("/echo")).status, 200U);
  auto silent = s.connect();
  ASSERT_TRUE(s.wait_for_connections(2));
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(regular.ask(get("/echo")).status, 200U);
    auto next = s.connect();
    EXPECT_TRUE(silent.at_end()) << i;
    silent = std::move(next);
  }
}

// Sockets of both ends are this process's: those of the clients are made before there are no others.
TEST(listener, without_descriptors_who_comes_is_told_so_and_others_are_served) {
  server s({.connections_max = 100});
  auto busy = s.connect();
  busy.send(get("/later"));
  ASSERT_TRUE(s.wait_for_kept(1));
  std::vector<test::client> later;
  for (int i = 0; i < 5; ++i)
    later.emplace_back(test::not_connected);
  const test::no_more_descriptors none;
  for (auto& c : later) {
    ASSERT_TRUE(c.connect_to(s.port()));
    const auto a = c.answer();
    EXPECT_EQ(a.status, 503U);
    EXPECT_EQ(a.field("connection"), "close");
  }
  s.release();
  EXPECT_EQ(busy.answer().status, 200U);
}

TEST(listener, without_descriptors_who_has_waited_longest_gives_way) {
  server s({.connections_max = 100});
  auto silent = s.connect();
  EXPECT_EQ(silent.ask(get("/echo")).status, 200U);
  test::client later(test::not_connected);
  const test::no_more_descriptors none;
  ASSERT_TRUE(later.connect_to(s.port()));
  EXPECT_EQ(later.ask(get("/echo")).status, 200U);
  EXPECT_TRUE(silent.at_end());
}

// ---- what is held

std::string large(std::size_t bytes) { return get("/large?bytes=" + std::to_string(bytes)); }

TEST(listener, of_slow_readers_whoever_has_taken_longest_gives_way_when_too_much_is_held) {
  constexpr std::size_t bytes = std::size_t{4} << 20;
  server s({.held_bytes_max = 3 * bytes});
  std::vector<test::client> slow;
  for (int i = 0; i < 5; ++i) {
    slow.push_back(s.connect(4'096));
    slow.back().send(large(bytes));
    ASSERT_TRUE(s.wait_for_seen(static_cast<std::size_t>(i) + 1));
  }
  std::size_t whole = 0;
  for (auto& c : slow)
    whole += c.answer().body.size() == bytes ? 1 : 0;
  EXPECT_EQ(whole, 3U);
  EXPECT_EQ(slow.back().ask(large(bytes)).body.size(), bytes);
}

TEST(listener, who_reads_what_others_read_too_gives_way_to_no_bytes) {
  constexpr std::size_t bytes = std::size_t{4} << 20;
  server s({.held_bytes_max = 2 * bytes});
  auto honest = s.connect(4'096);
  honest.send(get("/same"));  // a page that another holds as well
  ASSERT_TRUE(s.wait_for_seen(1));
  auto another = s.connect(4'096);
  another.send(get("/same"));
  ASSERT_TRUE(s.wait_for_seen(2));
  std::vector<test::client> hostile;
  for (std::size_t i = 0; i < 6; ++i) {
    hostile.push_back(s.connect(4'096));
    hostile.back().send(large(bytes));
    ASSERT_TRUE(s.wait_for_seen(i + 3));
  }
  EXPECT_EQ(honest.answer().body.size(), test::scripted_handler::same_bytes);
  EXPECT_EQ(another.answer().body.size(), test::scripted_handler::same_bytes);
}

TEST(listener, readers_who_take_nothing_give_way_to_who_comes) {
  constexpr std::size_t bytes = std::size_t{4} << 20;
  server s({.connections_max = 3});
  std::vector<test::client> slow;
  for (std::size_t i = 0; i < 3; ++i) {
    slow.push_back(s.connect(4'096));
    slow.back().send(large(bytes));
    ASSERT_TRUE(s.wait_for_seen(i + 1));
  }
  EXPECT_EQ(s.connect().ask(get("/echo")).status, 200U);
  EXPECT_NE(slow[0].answer().body.size(), bytes);
  EXPECT_EQ(slow[2].answer().body.size(), bytes);
}

TEST(listener, an_empty_line_between_requests_is_as_if_nothing_had_come) {
  server s({.header_timeout_s = 1, .idle_timeout_s = 60});
  auto c = s.connect();
  EXPECT_EQ(c.ask(test::post("/echo", "x") + "\r\n").status, 200U);
  auto late = s.connect();
  EXPECT_EQ(late.ask("GET /half").status, 408U) << "which takes as long";
  EXPECT_FALSE(c.readable()) << "no request is under way that could be late";
  EXPECT_EQ(c.ask(get("/echo")).status, 200U);
  s.stop_accepting();
  EXPECT_TRUE(c.at_end());
}

TEST(listener, behind_an_answer_that_takes_its_time_no_more_than_one_large_one_is_held) {
  constexpr std::size_t bytes = std::size_t{1} << 20;
  server s;
  auto c = s.connect();
  c.send(get("/later") + large(bytes) + large(bytes) + large(bytes));
  ASSERT_TRUE(s.wait_for_seen(2));
  c.pause(50);
  EXPECT_EQ(s.seen().size(), 2U);
  s.release();
  EXPECT_EQ(c.answer().status, 200U);
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(c.answer().body.size(), bytes);
}

TEST(listener, a_body_is_refused_before_it_is_sent_to_who_may_not_send_it) {
  server s({.body_bytes_max = std::size_t{96} << 20});
  auto c = s.connect();
  c.send("POST /forbidden HTTP/1.1\r\nHost: x\r\nContent-Length: 90000000\r\n\r\n");
  EXPECT_EQ(c.answer().status, 401U);
  EXPECT_TRUE(c.at_end());
  auto small = s.connect();
  small.send("POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 2000\r\n\r\n");
  EXPECT_EQ(small.answer().status, 413U) << "a limit of that path's own";
  auto chunked = s.connect();
  chunked.send("POST /small HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n" + std::string(2'000, 'x') + "\r\n0\r\n\r\n");
  EXPECT_EQ(chunked.answer().status, 413U);
  EXPECT_EQ(s.connect().ask(test::post("/small", "few")).status, 200U);
}

TEST(listener, where_callers_do_not_give_way_one_body_too_many_is_told_503) {
  server s({.body_bytes_max = 200'000, .held_bytes_max = 250'000, .callers_give_way = false});
  auto first = s.connect();
  EXPECT_EQ(first.ask("POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 100000\r\n\r\n").status, 100U);
  EXPECT_EQ(s.connect().ask(test::post("/echo", std::string(160'000, 'x'))).status, 503U);
  const auto whole = first.ask(std::string(100'000, 'y'));
  EXPECT_EQ(whole.body.size(), 100'000U + std::string("POST /echo? ").size()) << whole.body.substr(0, 300);
}

// ---- stopping

TEST(listener, a_stop_closes_idle_connections_and_takes_no_new_ones) {
  server s;
  auto idle = s.connect();
  EXPECT_EQ(idle.ask(get("/echo")).status, 200U);
  s.stop_accepting();
  EXPECT_TRUE(idle.at_end());
  EXPECT_FALSE(s.connect().connected());
}

TEST(listener, a_stop_answers_what_is_under_way) {
  server s;
  auto c = s.connect();
  c.send(get("/later"));
  ASSERT_TRUE(s.wait_for_kept(1));
  s.stop_accepting();
  s.release();
  const auto a = c.answer();
  EXPECT_EQ(a.status, 200U);
  EXPECT_EQ(a.field("connection"), "close");
  EXPECT_TRUE(c.at_end());
}

// RFC 9112, 9.6: who reads "close" reads no further.
TEST(listener, a_stop_says_close_on_the_last_answer_and_not_before) {
  server s;
  auto c = s.connect();
  c.send(get("/later?n=1") + get("/later?n=2"));
  ASSERT_TRUE(s.wait_for_kept(2));
  s.stop_accepting();
  s.release();
  EXPECT_EQ(c.answer().field("connection"), "");
  const auto last = c.answer();
  EXPECT_EQ(last.body, "GET /later?n=2 ");
  EXPECT_EQ(last.field("connection"), "close");
  EXPECT_TRUE(c.at_end());
}

TEST(listener, a_stop_lets_half_a_request_come_to_its_end) {
  server s;
  auto c = s.connect();
  auto before = s.connect();
  c.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhel");
  EXPECT_EQ(before.ask(get("/echo")).status, 200U);
  s.stop_accepting();
  EXPECT_TRUE(before.at_end());
  const auto a = c.ask("lo");
  EXPECT_EQ(a.body, "POST /echo? hello");
  EXPECT_EQ(a.field("connection"), "close");
  EXPECT_TRUE(c.at_end());
}

TEST(listener, a_stop_sends_a_large_answer_whole) {
  server s;
  auto c = s.connect(32 * 1024);
  c.send(get("/large?bytes=8000000"));
  c.read_some(100);
  s.stop_accepting();
  EXPECT_EQ(c.answer().body.size(), 8'000'000U);
  EXPECT_TRUE(c.at_end());
}

TEST(listener, going_away_with_connections_open_is_safe) {
  std::optional<server> s(std::in_place);
  auto idle = s->connect();
  auto waiting = s->connect();
  waiting.send(get("/later"));
  ASSERT_TRUE(s->wait_for_kept(1));
  s.reset();
  EXPECT_TRUE(waiting.at_end());
}

// ---- opening

std::string open(const std::string& address, std::uint16_t port) {
  boost::asio::io_context io;
  test::scripted_handler h;
  const auto l = listener::open(io, address, port, {}, h);
  return l ? "open" : l.error();
}

TEST(listener, a_port_that_is_taken_is_named) {
  const server s;
  EXPECT_EQ(open("127.0.0.1", s.port()), "cannot listen on 127.0.0.1 port " + std::to_string(s.port()) + ": Address already in use");
}

TEST(listener, an_address_that_is_none_is_named) {
  EXPECT_EQ(open("example.org", 0), "\"example.org\" is not an address to listen on");
  EXPECT_EQ(open("", 0), "\"\" is not an address to listen on");
}

TEST(listener, ipv6_is_an_address_too) {
  const auto r = open("::1", 0);
  EXPECT_TRUE(r == "open" || r.starts_with("cannot listen on ::1")) << r;
}

}  // namespace
}  // namespace janji::net
