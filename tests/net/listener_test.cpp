#include "net/listener.hpp"

#include <gtest/gtest.h>

#include "tests/net/loopback.hpp"

namespace janji::net {
namespace {

using test::get;
using test::server;

TEST(listener, connections_beyond_the_limit_are_told_503_and_closed) {
  server s({.connections_max = 2});
  auto first = s.connect();
  EXPECT_EQ(first.ask(get("/echo")).status, 200U);
  {
    auto second = s.connect();
    EXPECT_EQ(second.ask(get("/echo")).status, 200U);
    auto third = s.connect();
    const auto a = third.answer();
    EXPECT_EQ(a.status, 503U);
    EXPECT_EQ(a.field("retry-after"), "1");
    EXPECT_EQ(a.field("connection"), "close");
    EXPECT_TRUE(third.at_end());
  }
  ASSERT_TRUE(s.wait_for_connections(1));
  EXPECT_EQ(s.connect().ask(get("/echo")).status, 200U) << "there is room again";
  EXPECT_EQ(first.ask(get("/echo")).status, 200U);
}

TEST(listener, a_flood_beyond_the_limit_is_closed_and_does_not_grow) {
  server s({.connections_max = 1});
  auto first = s.connect();
  EXPECT_EQ(first.ask(get("/echo")).status, 200U);
  std::vector<test::client> flood;
  for (std::size_t i = 0; i < limits::turned_away_max + 20; ++i)
    flood.push_back(s.connect());
  std::size_t told = 0;
  for (auto& c : flood)
    told += c.answer().status == 503 ? 1 : 0;
  EXPECT_EQ(told, limits::turned_away_max) << "the others are closed without a word";
  EXPECT_EQ(first.ask(get("/echo")).status, 200U);
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
