// What a citizen's browser, a slow telephone and a hasty script see of one connection.
#include "net/session.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>

#include "tests/net/loopback.hpp"

namespace janji::net {
namespace {

using test::client;
using test::get;
using test::post;
using test::server;

constexpr int small_window = 32 * 1024;

// ---- requests one after another

TEST(session, a_connection_is_kept_for_the_next_request) {
  server s;
  auto c = s.connect();
  for (int i = 0; i < 3; ++i) {
    const auto a = c.ask(get("/echo?n=" + std::to_string(i)));
    EXPECT_EQ(a.status, 200U);
    EXPECT_EQ(a.version, "HTTP/1.1");
    EXPECT_EQ(a.body, "GET /echo?n=" + std::to_string(i) + " ");
    EXPECT_EQ(a.fields.count("connection"), 0U);
  }
}

TEST(session, every_answer_has_a_date_a_type_and_says_whether_it_may_be_kept) {
  server s;
  const auto a = s.connect().ask(get("/echo"));
  EXPECT_TRUE(a.field("date").ends_with(" GMT")) << a.field("date");
  EXPECT_EQ(a.field("content-type"), "text/plain");
  EXPECT_EQ(a.field("cache-control"), "no-store");
}

TEST(session, who_asks_to_close_is_answered_and_closed) {
  server s;
  auto c = s.connect();
  const auto a = c.ask(get("/echo", "Connection: close\r\n") + get("/after"));
  EXPECT_EQ(a.status, 200U);
  EXPECT_EQ(a.field("connection"), "close");
  EXPECT_TRUE(c.at_end());
  EXPECT_EQ(s.seen().size(), 1U) << "nothing after the last request is read";
}

TEST(session, http_1_0_is_closed_unless_it_asks_to_be_kept) {
  server s;
  auto c = s.connect();
  auto a = c.ask("GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(a.status, 200U);
  EXPECT_EQ(a.field("connection"), "keep-alive");
  a = c.ask("GET /echo HTTP/1.0\r\n\r\n");
  EXPECT_EQ(a.field("connection"), "close");
  EXPECT_TRUE(c.at_end());
}

TEST(session, head_has_the_headers_of_get_and_no_body) {
  server s;
  auto c = s.connect();
  c.send("HEAD /large?bytes=100000 HTTP/1.1\r\nHost: x\r\n\r\n");
  const auto a = c.answer(true);
  EXPECT_EQ(a.status, 200U);
  EXPECT_EQ(a.field("content-length"), "100000");
  EXPECT_EQ(c.ask(get("/echo")).body, "GET /echo? ") << "the next answer begins where the head ended";
}

TEST(session, a_list_in_several_lines_is_one_list) {
  server s;
  auto c = s.connect();
  EXPECT_EQ(c.ask(get("/lists",
                      "If-None-Match: \"a\"\r\nAccept-Encoding: gzip\r\nIf-None-Match: \"b\", \"c\"\r\nAccept-Language: ta\r\n"
                      "Accept-Encoding:\r\nAccept-Encoding: br\r\nIf-None-Match: \"d\"\r\nAccept-Language: en\r\n"))
                .body,
            R"("a", "b", "c", "d" | gzip, br | ta, en)");
  EXPECT_EQ(c.ask(get("/lists", "Accept-Encoding:\r\nAccept-Encoding: gzip\r\n")).body, " | gzip | ") << "nothing of the one before";
}

TEST(session, a_body_is_read_with_a_length_or_in_chunks) {
  server s;
  auto c = s.connect();
  EXPECT_EQ(c.ask(post("/echo", "hello")).body, "POST /echo? hello");
  EXPECT_EQ(c.ask(post("/echo", "")).body, "POST /echo? ");
  EXPECT_EQ(c.ask("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "3\r\nhel\r\n2;name=\"v\"\r\nlo\r\n0\r\nTrailer: x\r\n\r\n")
                .body,
            "POST /echo? hello");
  EXPECT_EQ(c.ask(get("/echo")).status, 200U);
}

TEST(session, a_request_may_come_byte_by_byte) {
  server s;
  auto c = s.connect();
  for (const char byte : post("/echo", "hi"))
    c.send({&byte, 1});
  EXPECT_EQ(c.answer().body, "POST /echo? hi");
}

TEST(session, targets_are_read_in_origin_and_absolute_form) {
  server s;
  auto c = s.connect();
  EXPECT_EQ(c.ask(get("http://example.org/echo?a=1")).body, "GET /echo?a=1 ");
  EXPECT_EQ(c.ask(get("http://example.org")).body, "GET /? ");
  EXPECT_EQ(c.ask(get("/echo?u=http://y/z")).body, "GET /echo?u=http://y/z ");
  EXPECT_EQ(c.ask("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n").body, "OPTIONS *? ");
}

TEST(session, a_method_that_nobody_knows_is_the_handlers_to_refuse) {
  server s;
  EXPECT_EQ(s.connect().ask("BREW /echo HTTP/1.1\r\nHost: x\r\n\r\n").body, "other /echo? ");
}

TEST(session, a_request_that_is_never_answered_ends_its_connection) {
  server s;
  auto c = s.connect();
  c.send(get("/drop"));
  EXPECT_TRUE(c.at_end());
}

// ---- pipelining

TEST(session, pipelined_requests_are_answered_in_their_order) {
  server s;
  auto c = s.connect();
  std::string all;
  for (int i = 0; i < 300; ++i)
    all += get("/echo?n=" + std::to_string(i));
  c.send(all);
  for (int i = 0; i < 300; ++i)
    ASSERT_EQ(c.answer().body, "GET /echo?n=" + std::to_string(i) + " ");
}

TEST(session, a_later_answer_waits_for_the_one_before) {
  server s;
  auto c = s.connect();
  c.send(get("/later?n=1") + get("/echo?n=2") + get("/later?n=3"));
  ASSERT_TRUE(s.wait_for_kept(2));
  s.release(1);
  EXPECT_EQ(s.connect().ask(get("/echo")).status, 200U) << "the loop has gone round";
  EXPECT_FALSE(c.readable());
  s.release();
  for (const auto* body : {"GET /later?n=1 ", "GET /echo?n=2 ", "GET /later?n=3 "})
    EXPECT_EQ(c.answer().body, body);
}

TEST(session, no_more_requests_of_one_connection_are_under_way_than_the_bound) {
  server s;
  auto c = s.connect();
  std::string all;
  for (int i = 0; i < 40; ++i)
    all += get("/later?n=" + std::to_string(i));
  c.send(all);
  ASSERT_TRUE(s.wait_for_kept(limits::pipeline_max));
  EXPECT_EQ(s.connect().ask(get("/echo")).status, 200U) << "others are served meanwhile";
  EXPECT_EQ(s.kept(), limits::pipeline_max);
  for (const std::size_t next : {limits::pipeline_max, std::size_t{8}, std::size_t{0}}) {
    s.release();
    ASSERT_TRUE(s.wait_for_kept(next));
  }
  for (int i = 0; i < 40; ++i)
    ASSERT_EQ(c.answer().body, "GET /later?n=" + std::to_string(i) + " ");
}

TEST(session, however_the_bytes_are_cut_the_answers_are_the_same) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  server s;
  for (int round = 0; round < 40; ++round) {
    auto c = s.connect();
    std::string all;
    std::vector<std::string> wanted;
    for (int i = 0; i < 12; ++i) {
      const std::string body(random() % 3000, static_cast<char>('a' + random() % 26));
      const auto n = std::to_string(i);
      if (random() % 2 == 0)
        all += post("/echo?n=" + n, body);
      else
        all += "POST /echo?n=" + n + " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" +
               (body.empty() ? "" : fmt::format("{:x}\r\n{}\r\n", body.size(), body)) + "0\r\n\r\n";
      wanted.push_back("POST /echo?n=" + n + " " + body);
    }
    for (std::string_view rest = all; !rest.empty();) {
      const auto size = std::min<std::size_t>(rest.size(), 1 + random() % (random() % 4 == 0 ? 5000 : 50));
      c.send(rest.substr(0, size));
      rest.remove_prefix(size);
    }
    for (const auto& body : wanted)
      ASSERT_EQ(c.answer().body, body);
  }
}

// ---- 100-continue

constexpr std::string_view expecting = "Expect: 100-continue\r\n";

TEST(session, who_waits_for_a_go_ahead_gets_it) {
  server s;
  auto c = s.connect();
  const auto whole = post("/echo", "hello", expecting);
  EXPECT_EQ(c.ask(whole.substr(0, whole.size() - 5)).status, 100U);
  EXPECT_EQ(c.ask("hello").body, "POST /echo? hello");
}

TEST(session, who_does_not_wait_for_the_go_ahead_is_served_too) {
  server s;
  auto c = s.connect();
  EXPECT_EQ(c.ask(post("/echo", "hello", expecting)).body, "POST /echo? hello");
  EXPECT_EQ(c.ask(get("/echo")).body, "GET /echo? ");
}

TEST(session, a_body_that_is_too_large_gets_no_go_ahead) {
  server s;
  auto c = s.connect();
  EXPECT_EQ(c.ask("POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 40000\r\n\r\n").status, 413U);
  EXPECT_TRUE(c.at_end());
}

// RFC 9110, 10.1.1: it would be taken for the answer.
TEST(session, http_1_0_gets_no_go_ahead) {
  server s;
  auto c = s.connect();
  c.send("POST /echo HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  EXPECT_EQ(s.connect().ask(get("/echo")).status, 200U);
  EXPECT_EQ(c.ask("hello").status, 200U);
}

TEST(session, the_go_ahead_comes_also_behind_an_answer_that_took_its_time) {
  server s;
  auto c = s.connect();
  const auto whole = post("/echo", "hello", expecting);
  c.send(get("/later") + whole.substr(0, whole.size() - 5));
  ASSERT_TRUE(s.wait_for_kept(1));
  s.release();
  EXPECT_EQ(c.answer().body, "GET /later? ");
  EXPECT_EQ(c.answer().status, 100U);
  EXPECT_EQ(c.ask("hello").body, "POST /echo? hello");
}

TEST(session, the_go_ahead_comes_also_behind_a_large_answer) {
  server s;
  auto c = s.connect(small_window);
  const auto whole = post("/echo", "hello", expecting);
  c.send(get("/large?bytes=4000000") + whole.substr(0, whole.size() - 5));
  EXPECT_EQ(c.answer().body.size(), 4'000'000U);
  EXPECT_EQ(c.answer().status, 100U);
  EXPECT_EQ(c.ask("hello").body, "POST /echo? hello");
}

// ---- large answers

// The pace is what is tested: some 400 kB a second, never more than a moment without taking something.
TEST(session, a_reader_who_is_slow_but_steady_is_not_taken_for_one_who_reads_nothing) {
  server s({.write_timeout_s = 1});
  auto c = s.connect(small_window);
  c.send(get("/large?bytes=12000000"));
  for (int i = 0; i < 80; ++i) {
    ASSERT_NE(c.read_some(20'000), 0U) << "cut after " << i << " pieces";
    c.pause(50);
  }
  EXPECT_TRUE(c.answer().body == test::scripted_handler::large(12'000'000));
}

TEST(session, several_megabytes_reach_a_slow_reader_whole) {
  server s;
  auto c = s.connect(small_window);
  c.send(get("/large?bytes=8000000") + get("/large?bytes=100000") + get("/echo"));
  for (int i = 0; i < 200; ++i)
    c.read_some(1000);
  EXPECT_EQ(s.connect().ask(get("/echo")).status, 200U) << "the slow reader keeps nobody waiting";
  EXPECT_TRUE(c.answer().body == test::scripted_handler::large(8'000'000));
  EXPECT_TRUE(c.answer().body == test::scripted_handler::large(100'000));
  EXPECT_EQ(c.answer().body, "GET /echo? ");
}

TEST(session, answers_behind_a_large_one_follow_it_without_another_request) {
  server s;
  auto c = s.connect();
  c.send(get("/large?bytes=10000") + get("/large?bytes=20000") + get("/echo"));
  EXPECT_EQ(c.answer().body.size(), 10'000U);
  EXPECT_EQ(c.answer().body.size(), 20'000U);
  EXPECT_EQ(c.answer().body, "GET /echo? ");
}

TEST(session, many_small_answers_wait_for_a_reader_who_takes_none) {
  server s;
  auto c = s.connect(small_window);
  std::string all;
  for (int i = 0; i < 2000; ++i)
    all += get("/large?bytes=5000");
  std::thread sender([&] { c.send(all); });
  int good = 0;
  for (int i = 0; i < 2000; ++i)
    good += c.answer().body.size() == 5000 ? 1 : 0;
  sender.join();
  EXPECT_EQ(good, 2000);
}

// ---- ends

TEST(session, a_half_closed_connection_is_answered_and_then_closed) {
  server s;
  auto c = s.connect();
  c.send(get("/later?n=1") + get("/later?n=2"));
  c.shut_sending();
  ASSERT_TRUE(s.wait_for_kept(2));
  s.release();
  EXPECT_EQ(c.answer().body, "GET /later?n=1 ");
  EXPECT_EQ(c.answer().body, "GET /later?n=2 ");
  EXPECT_TRUE(c.at_end());
}

TEST(session, more_requests_than_the_bound_before_a_half_close_are_all_answered) {
  server s;
  auto c = s.connect();
  std::string all;
  for (int i = 0; i < 40; ++i)
    all += get("/echo?n=" + std::to_string(i));
  c.send(all);
  c.shut_sending();
  for (int i = 0; i < 40; ++i)
    ASSERT_EQ(c.answer().body, "GET /echo?n=" + std::to_string(i) + " ");
  EXPECT_TRUE(c.at_end());
}

TEST(session, half_a_request_and_an_end_leave_nothing_behind) {
  server s;
  for (const auto* bytes : {"", "GET /ec", "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhal"}) {
    auto c = s.connect();
    c.send(bytes);
    c.shut_sending();
    EXPECT_TRUE(c.at_end()) << bytes;
  }
  EXPECT_TRUE(s.wait_for_connections(0));
  EXPECT_TRUE(s.seen().empty());
}

TEST(session, a_reset_in_mid_request_leaves_nothing_behind) {
  server s;
  for (const auto* bytes : {"", "GET /ec", "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhal"}) {
    auto c = s.connect();
    c.send(bytes);
    ASSERT_TRUE(s.wait_for_connections(1));
    c.reset();
    EXPECT_TRUE(s.wait_for_connections(0)) << bytes;
  }
  EXPECT_EQ(s.connect().ask(get("/echo")).status, 200U);
}

TEST(session, an_answer_for_somebody_who_has_gone_is_dropped) {
  server s;
  auto c = s.connect();
  c.send(get("/later"));
  ASSERT_TRUE(s.wait_for_kept(1));
  c.reset();
  EXPECT_EQ(s.connect().ask(get("/echo")).status, 200U);
  s.release();
  EXPECT_TRUE(s.wait_for_connections(0));
}

}  // namespace
}  // namespace janji::net
