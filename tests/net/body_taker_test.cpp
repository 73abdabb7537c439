// Bodies that are taken while they come: never whole in memory, counted, and gone when their connection goes.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/net/loopback.hpp"

namespace janji::net {
namespace {

using test::get;
using test::server;

constexpr std::size_t mb = std::size_t{1} << 20;
constexpr http_limits large_bodies{.body_bytes_max = 4 * mb};

std::string head(std::string_view path, std::size_t bytes, std::string_view more = "") {
  return fmt::format("POST {} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n{}\r\n", path, bytes, more);
}

TEST(body_taker, gets_a_body_in_pieces_while_it_comes) {
  server s(large_bodies);
  auto c = s.connect();
  c.send(head("/taken", 3 * mb));
  ASSERT_TRUE(s.wait_for_takers(1)) << "before its end";
  c.send(std::string(3 * mb - 1, 'x') + "y");
  EXPECT_EQ(c.answer().body, fmt::format("{} to y", 3 * mb));
  EXPECT_TRUE(s.wait_for_takers(0));
  EXPECT_EQ(c.ask(test::post("/echo", "next")).body, "POST /echo? next") << "the next request is one of its own";
}

TEST(body_taker, gets_chunks_without_their_frames) {
  server s(large_bodies);
  auto c = s.connect();
  c.send("POST /taken HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int n = 0; n < 100; ++n)
    c.send(fmt::format("2710\r\n{}\r\n", std::string(10'000, 'x')));
  c.send("1\r\nz\r\n0\r\n\r\n" + get("/echo"));
  EXPECT_EQ(c.answer().body, "1000001 to z");
  EXPECT_EQ(c.answer().body, "GET /echo? ");
}

TEST(body_taker, goes_when_its_sender_breaks_off) {
  server s(large_bodies);
  for (const bool in_order : {true, false}) {
    auto c = s.connect();
    c.send(head("/taken", 2 * mb) + std::string(mb, 'x'));
    ASSERT_TRUE(s.wait_for_takers(1));
    if (in_order)
      c.shut_sending();
    else
      c.reset();
    EXPECT_TRUE(s.wait_for_takers(0)) << in_order;
  }
  EXPECT_TRUE(s.seen().empty()) << "what has no end is no request";
}

TEST(body_taker, goes_when_the_body_is_refused) {
  server s(large_bodies);
  auto c = s.connect();
  EXPECT_EQ(c.ask(head("/taken", 4 * mb + 1)).status, 413U);
  auto chunked = s.connect();
  chunked.send("POST /taken HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int n = 0; n < 4; ++n)
    chunked.send(fmt::format("100000\r\n{}\r\n", std::string(mb, 'x')));
  chunked.send("100000\r\nx");
  EXPECT_EQ(chunked.answer().status, 413U);
  EXPECT_TRUE(s.wait_for_takers(0));
  EXPECT_TRUE(s.seen().empty());
}

TEST(body_taker, goes_when_the_body_comes_too_slowly) {
  server s({.body_bytes_max = 4 * mb, .body_timeout_s = 1});
  auto c = s.connect();
  c.send(head("/taken", mb) + "x");
  EXPECT_EQ(c.answer().status, 408U);
  EXPECT_TRUE(s.wait_for_takers(0));
}

// Or a few connections would hold as much as they like.
TEST(body_taker, that_keeps_more_than_there_is_room_for_is_refused) {
  server s({.body_bytes_max = 4 * mb, .held_bytes_max = mb, .held_by_address_max = mb, .callers_give_way = false});
  auto c = s.connect();
  c.send(head("/kept", 3 * mb) + std::string(mb + mb / 8, 'x'));
  EXPECT_EQ(c.answer().status, 503U);
  EXPECT_TRUE(s.wait_for_takers(0));
  auto free = s.connect();
  free.send(head("/taken", 3 * mb) + std::string(3 * mb, 'x'));
  EXPECT_EQ(free.answer().body, fmt::format("{} to x", 3 * mb)) << "what is not kept takes no room";
}

}  // namespace
}  // namespace janji::net
