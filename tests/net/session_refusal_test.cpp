// Bytes that are no request of ours, or might be two requests for somebody else: refused, and nothing behind them is read.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "net/session.hpp"
#include "tests/net/loopback.hpp"

namespace janji::net {
namespace {

using test::get;
using test::post;
using test::server;

// The status of the only answer to these bytes; the connection must end after it, and the handler must have seen nothing.
unsigned refused(server& s, std::string_view bytes) {
  const auto before = s.seen().size();
  auto c = s.connect();
  c.send(bytes);
  const auto a = c.answer();
  EXPECT_EQ(a.field("connection"), "close") << bytes.substr(0, 200);
  EXPECT_EQ(a.field("content-type"), "application/problem+json");
  EXPECT_TRUE(c.at_end()) << bytes.substr(0, 200);
  EXPECT_EQ(s.seen().size(), before) << bytes.substr(0, 200);
  return a.status;
}

// With a request behind it that must not come true.
unsigned smuggled(server& s, std::string_view head, std::string_view body = "") {
  return refused(s, fmt::format("{}\r\n{}{}", head, body, get("/smuggled")));
}
unsigned smuggled_headers(server& s, std::string_view headers, std::string_view body = "") {
  return smuggled(s, fmt::format("POST /echo HTTP/1.1\r\nHost: x\r\n{}", headers), body);
}

// ---- what stands twice, what is written otherwise

TEST(session_headers, one_that_may_stand_once_and_stands_twice_is_400) {
  server s;
  for (const std::string_view name :
       {"Authorization", "Content-Type", "Content-Encoding", "Idempotency-Key", "X-Request-Id", "Origin", "Expect"}) {
    EXPECT_EQ(smuggled_headers(s, fmt::format("{0}: a\r\n{0}: a\r\n", name)), 400U) << name;
    EXPECT_EQ(smuggled_headers(s, fmt::format("{0}:\r\n{0}: a\r\n", name)), 400U) << name << ", the first of them empty";
  }
  EXPECT_EQ(s.connect().ask(get("/echo", "Cookie: a=1\r\nCookie: b=2\r\nAccept-Encoding: a\r\nAccept-Encoding: b\r\n")).status, 200U);
}

TEST(session_headers, a_page_elsewhere_may_read_what_is_too_large) {
  server s;
  const auto origin_of = [&](std::string_view bytes) {
    auto c = s.connect();
    c.send(bytes);
    return c.answer().field("x-origin");
  };
  EXPECT_EQ(origin_of(get("/echo", fmt::format("Origin: https://page\r\nX: {}\r\n", std::string(9000, 'x')))), "https://page");
  EXPECT_EQ(origin_of("POST /echo HTTP/1.1\r\nHost: x\r\noRiGiN:  https://page \r\nContent-Length: 32769\r\n\r\n"), "https://page");
  EXPECT_EQ(origin_of(get("/echo", fmt::format("X: {}\r\nOrigin: https://page\r\n", std::string(9000, 'x')))), "")
      << "it is not read so far";
}

TEST(session_headers, a_path_is_decoded_once_and_has_no_slash_at_its_end) {
  server s;
  EXPECT_EQ(s.connect().ask(get("/%65cho%3D/")).body, "GET /echo=? ");
  EXPECT_EQ(s.connect().ask(get("/")).body, "GET /? ");
  for (const std::string_view target : {"/%", "/a%2Fb", "/%00", "/echo?a=%"})
    EXPECT_EQ(refused(s, get(target)), 400U) << target;
}

TEST(session_headers, a_few_empty_lines_before_a_request_are_none) {
  server s;
  auto c = s.connect();
  EXPECT_EQ(c.ask("\r\n" + get("/echo")).status, 200U);
  EXPECT_EQ(c.ask(test::post("/echo", "x") + "\r\n").status, 200U) << "as some programs end a body";
  EXPECT_EQ(c.ask("\r\n\r\n" + get("/echo")).status, 200U);
  c.send("\r");
  c.send("\n");
  EXPECT_EQ(c.ask(get("/echo")).status, 200U);
  EXPECT_EQ(refused(s, "\r\n\r\n\r\n\r\n\r\n" + get("/echo")), 400U);
  EXPECT_EQ(refused(s, "\n" + get("/echo")), 400U);
}

// ---- too large

TEST(session_limits, a_header_that_is_too_large_is_431) {
  server s;
  EXPECT_EQ(refused(s, get("/echo", fmt::format("X: {}\r\n", std::string(9000, 'x')))), 431U);
  std::string many;
  for (int i = 0; i < 2000; ++i)
    many += "X: y\r\n";
  EXPECT_EQ(refused(s, get("/echo", many)), 431U);
  EXPECT_EQ(refused(s, get("/echo").substr(0, 25) + std::string(100'000, 'x')), 431U) << "without an end";
}

TEST(session_limits, a_header_that_comes_after_its_first_line_is_431_too) {
  server s;
  auto c = s.connect();
  c.send("GET /echo HTTP/1.1\r\n");
  ASSERT_TRUE(s.wait_for_connections(1));
  c.send("X: " + std::string(9000, 'x'));
  EXPECT_EQ(c.answer().status, 431U);
}

TEST(session_limits, a_header_up_to_the_limit_is_read) {
  server s;
  const auto rest = get("/echo", "X: \r\n").size();
  EXPECT_EQ(s.connect().ask(get("/echo", fmt::format("X: {}\r\n", std::string(8 * 1024 - rest, 'x')))).status, 200U);
}

TEST(session_limits, a_target_that_is_too_long_is_414) {
  server s;
  EXPECT_EQ(s.connect().ask(get("/" + std::string(4095, 'x'))).status, 200U);
  EXPECT_EQ(refused(s, get("/" + std::string(4096, 'x'))), 414U);
  EXPECT_EQ(refused(s, get("/" + std::string(100'000, 'x'))), 414U);
}

TEST(session_limits, who_sends_too_much_is_told_the_limit) {
  server s;
  const auto limit_told = [&](std::string_view bytes) {
    auto c = s.connect();
    c.send(bytes);
    const auto a = c.answer();
    const auto at = a.body.find("\"arguments\":");
    return fmt::format("{} {}", a.status, at == std::string::npos ? "" : a.body.substr(at, a.body.find('}', at) - at + 1));
  };
  EXPECT_EQ(limit_told(get("/echo", fmt::format("X: {}\r\n", std::string(9000, 'x')))), R"(431 "arguments":{"limit":8192})");
  EXPECT_EQ(limit_told(get("/" + std::string(5000, 'x'))), R"(414 "arguments":{"limit":4096})");
  EXPECT_EQ(limit_told("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 32769\r\n\r\n"), R"(413 "arguments":{"limit":32768})");
  EXPECT_EQ(limit_told("POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 101\r\n\r\n"), R"(413 "arguments":{"limit":100})");
}

TEST(session_limits, a_body_that_is_too_large_is_413_before_it_is_sent) {
  server s;
  EXPECT_EQ(refused(s, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 32769\r\n\r\n"), 413U);
  EXPECT_EQ(refused(s, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 18446744073709551615\r\n\r\n"), 413U);
  const std::string most(32 * 1024, 'x');
  EXPECT_EQ(s.connect().ask(post("/echo", most)).body, "POST /echo? " + most);
}

TEST(session_limits, chunks_that_are_too_large_together_are_413) {
  server s;
  const std::string chunk = "2000\r\n" + std::string(0x2000, 'x') + "\r\n";
  std::string all = "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 5; ++i)
    all += chunk;
  EXPECT_EQ(refused(s, all), 413U);
  EXPECT_EQ(refused(s, "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n8001\r\n"), 413U);
}

TEST(session_limits, a_chunks_own_header_without_an_end_is_refused) {
  server s;
  EXPECT_EQ(refused(s, "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;" + std::string(100'000, 'x')), 431U);
  EXPECT_EQ(refused(s, "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: " + std::string(100'000, 'x')), 431U);
}

TEST(session_limits, a_refused_sender_who_goes_on_sending_still_gets_the_answer) {
  server s;
  auto c = s.connect();
  c.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n" + std::string(200'000, 'x'));
  EXPECT_EQ(c.answer().status, 413U);
  EXPECT_TRUE(c.at_end());
}

// ---- too slow

TEST(session_limits, slow_senders_are_408_and_idle_ones_are_closed) {
  server s({.header_timeout_s = 1, .body_timeout_s = 1, .idle_timeout_s = 1});
  auto idle = s.connect();
  auto kept = s.connect();
  auto header = s.connect();
  auto body = s.connect();
  auto chunk = s.connect();
  auto second = s.connect();
  auto waiting = s.connect();
  EXPECT_EQ(kept.ask(get("/echo")).status, 200U);
  header.send("GET /echo HTTP/1.1\r\nHost");
  body.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhell");
  chunk.send("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel");
  second.send(get("/echo") + "GET /ec");
  waiting.send(get("/later"));
  EXPECT_EQ(second.answer().status, 200U);
  EXPECT_TRUE(idle.at_end());
  EXPECT_TRUE(kept.at_end());
  for (auto* c : {&header, &body, &chunk, &second}) {
    const auto a = c->answer();
    EXPECT_EQ(a.status, 408U);
    EXPECT_EQ(a.field("connection"), "close");
    EXPECT_TRUE(c->at_end());
  }
  EXPECT_FALSE(waiting.readable()) << "who waits for an answer is not idle";
  s.release();
  EXPECT_EQ(waiting.answer().status, 200U);
}

TEST(session_limits, who_takes_nothing_of_an_answer_is_closed) {
  server s({.write_timeout_s = 1});
  auto c = s.connect(32 * 1024);
  c.send(get("/large?bytes=20000000"));
  ASSERT_TRUE(s.wait_for_connections(1));
  EXPECT_TRUE(s.wait_for_connections(0));
}

// ---- RFC 9112, 11.2: request smuggling, and what else two readers may read differently

TEST(session_smuggling, two_lengths_are_refused_also_when_they_agree) {
  server s;
  EXPECT_EQ(smuggled_headers(s, "Content-Length: 5\r\nContent-Length: 6\r\n", "hello"), 400U);
  EXPECT_EQ(smuggled_headers(s, "Content-Length: 5\r\nContent-Length: 5\r\n", "hello"), 400U);
  EXPECT_EQ(smuggled_headers(s, "Content-Length: 5, 5\r\n", "hello"), 400U);
  EXPECT_EQ(smuggled_headers(s, "Content-Length: 5,6\r\n", "hello"), 400U);
}

TEST(session_smuggling, a_length_together_with_chunks_is_refused) {
  server s;
  EXPECT_EQ(smuggled_headers(s, "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400U);
  EXPECT_EQ(smuggled_headers(s, "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"), 400U);
}

TEST(session_smuggling, a_length_that_is_no_number_is_refused) {
  server s;
  for (const auto* length : {"+5", "-5", "0x5", "5.0", "5 5", "five", "", "5;", "18446744073709551616", "184467440737095516160"})
    EXPECT_EQ(smuggled_headers(s, fmt::format("Content-Length: {}\r\n", length), "hello"), 400U) << length;
}

TEST(session_smuggling, every_transfer_encoding_but_chunked_is_refused) {
  server s;
  for (const auto* coding :
       {"gzip, chunked", "chunked, gzip", "chunked, chunked", "identity", "chunked;q=1", "xchunked", "\"chunked\"", "chunke", ""})
    EXPECT_EQ(smuggled_headers(s, fmt::format("Transfer-Encoding: {}\r\n", coding), "0\r\n\r\n"), 400U) << coding;
  EXPECT_EQ(smuggled_headers(s, "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400U);
  EXPECT_EQ(smuggled_headers(s, "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "0\r\n\r\n"), 400U);
  EXPECT_EQ(smuggled_headers(s,
                             "Transfer-Encoding: \x0b"
                             "chunked\r\n",
                             "0\r\n\r\n"),
            400U);
}

TEST(session_smuggling, chunks_in_http_1_0_are_refused) {
  server s;
  EXPECT_EQ(smuggled(s, "POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400U);
}

TEST(session_smuggling, white_space_before_the_colon_is_refused) {
  server s;
  EXPECT_EQ(smuggled_headers(s, "Content-Length : 5\r\n", "hello"), 400U);
  EXPECT_EQ(smuggled_headers(s, "Transfer-Encoding : chunked\r\n", "0\r\n\r\n"), 400U);
  EXPECT_EQ(smuggled_headers(s, "Transfer-Encoding\t: chunked\r\n", "0\r\n\r\n"), 400U);
}

TEST(session_smuggling, folded_lines_are_refused) {
  server s;
  EXPECT_EQ(smuggled_headers(s, "X: y\r\n Content-Length: 5\r\n", "hello"), 400U);
  EXPECT_EQ(smuggled_headers(s, "Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n"), 400U);
  EXPECT_EQ(smuggled_headers(s, "X: y\r\n\tz\r\n"), 400U);
  EXPECT_EQ(smuggled(s, "GET /echo HTTP/1.1\r\n Host: x\r\nHost: x\r\n"), 400U);
  auto c = s.connect();
  c.send("GET /echo HTTP/1.1\r\n");
  ASSERT_TRUE(s.wait_for_connections(1));
  EXPECT_EQ(c.ask(" X: y\r\nHost: x\r\n\r\n").status, 400U) << "also when the first line came alone";
}

TEST(session_smuggling, lines_end_in_cr_lf_and_in_nothing_else) {
  server s;
  EXPECT_EQ(refused(s, "GET /echo HTTP/1.1\nHost: x\n\n" + get("/smuggled")), 400U);
  EXPECT_EQ(smuggled_headers(s, "X: y\nContent-Length: 5\r\n", "hello"), 400U);
  EXPECT_EQ(smuggled_headers(s, "X: y\rContent-Length: 5\r\n", "hello"), 400U);
}

TEST(session_smuggling, control_characters_in_a_header_are_refused) {
  server s;
  EXPECT_EQ(smuggled_headers(s, std::string_view("X: a\0b\r\n", 8)), 400U);
  EXPECT_EQ(smuggled_headers(s, "X: a\x7f\r\n"), 400U);
  EXPECT_EQ(smuggled_headers(s, "X\x01: a\r\n"), 400U);
  EXPECT_EQ(smuggled_headers(s, ": a\r\n"), 400U);
  EXPECT_EQ(smuggled_headers(s, "no colon\r\n"), 400U);
}

TEST(session_smuggling, bad_chunks_are_refused) {
  server s;
  for (const auto* body : {"zz\r\n", "\r\n", "-1\r\nx\r\n0\r\n\r\n", "0x5\r\nhello\r\n0\r\n\r\n", "5\r\nhelloX\r\n0\r\n\r\n",
                           "5\r\nhello0\r\n\r\n", "ffffffffffffffff1\r\nx", "10000000000000000\r\n\r\n0\r\n\r\n", "5\nhello\n0\n\n",
                           "5 5\r\nhello\r\n0\r\n\r\n", "5\r\nhello\r\n0\r\nbad trailer\r\n\r\n", "+5\r\nhello\r\n0\r\n\r\n"}) {
    const auto status = smuggled_headers(s, "Transfer-Encoding: chunked\r\n", body);
    EXPECT_TRUE(status == 400U || (status == 413U && body[0] == 'f')) << body << status;
  }
}

// RFC 9112, 7.1.2: what comes behind the last chunk must not change what was said before it.
TEST(session_smuggling, a_trailer_changes_nothing) {
  server s;
  auto c = s.connect();
  EXPECT_EQ(c.ask("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX: y\r\nAuthorization: Bearer "
                  "x\r\n\r\n" +
                  get("/echo?n=2"))
                .body,
            "POST /echo? hi");
  EXPECT_EQ(c.answer().body, "GET /echo?n=2 ");
}

TEST(session_smuggling, a_length_in_a_trailer_is_refused_or_ignored) {
  server s;
  auto c = s.connect();
  c.send("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nContent-Length: 40\r\n\r\n" +
         get("/echo?n=2"));
  const auto a = c.answer();
  if (a.status == 200) {
    EXPECT_EQ(c.answer().body, "GET /echo?n=2 ");
  } else {
    EXPECT_EQ(a.status, 400U);
    EXPECT_TRUE(c.at_end());
    EXPECT_TRUE(s.seen().empty());
  }
}

TEST(session_smuggling, there_is_exactly_one_host) {
  server s;
  EXPECT_EQ(smuggled(s, "GET /echo HTTP/1.1\r\n"), 400U);
  EXPECT_EQ(smuggled(s, "GET /echo HTTP/1.1\r\nHost: x\r\nHost: y\r\n"), 400U);
  EXPECT_EQ(s.connect().ask("GET /echo HTTP/1.0\r\n\r\n").status, 200U);
}

TEST(session_smuggling, first_lines_that_are_none_are_refused) {
  server s;
  for (const auto* line :
       {"GET /echo HTTP/2.0", "GET /echo HTTP/1.2", "GET /echo HTTP/0.9", "GET /echo HTTP/11", "GET /echo", "GET  /echo HTTP/1.1",
        "GET /echo HTTP/1.1 ", " GET /echo HTTP/1.1", "GET /e cho HTTP/1.1", "GET /echo http/1.1", "/echo HTTP/1.1", "GET echo HTTP/1.1",
        "CONNECT x:443 HTTP/1.1", "GET * HTTP/1.1", "G@T /echo HTTP/1.1", "GET /\x01 HTTP/1.1"})
    EXPECT_EQ(smuggled(s, fmt::format("{}\r\nHost: x\r\n", line)), 400U) << line;
}

TEST(session_smuggling, other_protocols_are_refused) {
  server s;
  EXPECT_EQ(refused(s, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 400U);
  EXPECT_EQ(refused(s, std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11) + std::string(300, '\r')), 400U);
  EXPECT_EQ(refused(s, "EHLO example.org\r\nMAIL FROM:<a@b>\r\n\r\n"), 400U);
}

TEST(session_smuggling, good_requests_before_a_bad_one_are_answered_first) {
  server s;
  auto c = s.connect();
  c.send(get("/later") + "GET /echo HTTP/9.9\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(s.wait_for_kept(1));
  EXPECT_EQ(s.connect().ask(get("/echo")).status, 200U);
  EXPECT_FALSE(c.readable());
  s.release();
  EXPECT_EQ(c.answer().status, 200U);
  EXPECT_EQ(c.answer().status, 400U);
  EXPECT_TRUE(c.at_end());
}

// ---- what a refusal knows of the request

TEST(session_refusal, a_page_elsewhere_may_read_why_its_request_was_refused) {
  server s;
  constexpr std::string_view origin = "Origin: https://page.example\r\n";
  for (const auto& bytes :
       {get("/" + std::string(4096, 'x'), origin), get("relative", origin), get("/", fmt::format("{}Host: y\r\n", origin)),
        get("/", fmt::format("Transfer-Encoding: gzip, chunked\r\n{}", origin))})
    EXPECT_EQ(s.connect().ask(bytes).field("x-origin"), "https://page.example") << bytes.substr(0, 60);
}

// The request before it is gone by then, and so is its memory.
TEST(session_refusal, bytes_that_are_no_request_have_no_origin_of_the_one_before) {
  server s;
  auto c = s.connect();
  EXPECT_EQ(c.ask(get("/echo", fmt::format("Origin: https://{}.example\r\n", std::string(500, 'o')))).status, 200U);
  const auto a = c.ask("\x01\r\n\r\n");
  EXPECT_EQ(a.status, 400U);
  EXPECT_EQ(a.field("x-origin"), "");
}

TEST(session_refusal, a_refused_head_has_no_body) {
  server s;
  const auto long_line = std::string(40'000, 'x');
  for (const auto& [bytes, status] : {std::pair{std::string("HEAD relative HTTP/1.1\r\nHost: x\r\n\r\n"), 400U},
                                      {std::string("HEAD /echo HTTP/9.9\r\nHost: x\r\n\r\n"), 400U},
                                      {std::string("HEAD /echo HTTP/1.1\r\nHost: x\nX: y\r\n\r\n"), 400U},
                                      {"HEAD /" + long_line, 414U},
                                      {"HEAD /echo HTTP/1.1\r\nX: " + long_line, 431U}}) {
    auto c = s.connect();
    c.send(bytes);
    EXPECT_EQ(c.answer(true).status, status) << bytes.substr(0, 60);
    EXPECT_TRUE(c.at_end()) << bytes.substr(0, 60);
  }
}

TEST(session_refusal, says_which_header_stands_twice) {
  server s;
  for (const std::string_view name : {"Host", "Origin", "Idempotency-Key", "Content-Type", "Authorization"}) {
    const auto said = s.connect().ask(get("/echo", fmt::format("{0}: a\r\n{0}: a\r\n", name))).body;
    EXPECT_TRUE(said.contains(fmt::format(R"("detail":"{} stands twice)", name)) && said.contains(R"("reason":"repeated_header")")) << said;
  }
}

}  // namespace
}  // namespace janji::net
