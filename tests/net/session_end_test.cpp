// Ends that somebody tries to put off, and what is left when a listener goes.
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "net/listener.hpp"
#include "tests/net/loopback.hpp"

namespace janji::net::test {
namespace {

// Sends a byte now and then; false: it could go on like that.
bool is_closed_though_talking(server& s, client& c, std::size_t others) {
  for (int i = 0; i < 10 * patience_s; ++i) {
    if (s.wait_for_connections(others, std::chrono::milliseconds(100)))
      return true;
    c.send("x");
  }
  return false;
}

TEST(session_end, who_is_told_the_end_does_not_put_it_off_by_sending_on) {
  server s;
  auto c = s.connect();
  c.send("\x01\r\n\r\n");
  ASSERT_EQ(c.answer().status, 400U);
  EXPECT_TRUE(is_closed_though_talking(s, c, 0));
}

TEST(session_end, nor_does_who_is_turned_away) {
  server s({.connections_max = 1, .turned_away_max = 1});
  auto busy = s.connect();
  busy.send(get("/later"));
  ASSERT_TRUE(s.wait_for_kept(1));
  auto c = s.connect();
  ASSERT_EQ(c.answer().status, 503U);
  EXPECT_TRUE(is_closed_though_talking(s, c, 1));
  EXPECT_EQ(s.connect().answer().status, 503U) << "the next is told so too";
}

// So many answers that some wait here, few enough that more requests are read.
TEST(session_end, who_takes_nothing_is_closed_however_much_it_says) {
  server s({.header_timeout_s = 1, .write_timeout_s = 1});
  std::vector<client> many;
  for (int answers = 60; answers < 400; answers += 20) {
    auto& c = many.emplace_back(s.connect(4096));
    for (int i = 0; i < answers; ++i)
      c.send(get("/large?bytes=1000"));
    c.send("GET / HTTP/1.1\r\nX: ");
  }
  bool gone = false;
  for (int i = 0; i < 10 * patience_s && !gone; ++i) {
    for (auto& c : many)
      c.send("x");
    gone = s.wait_for_connections(0, std::chrono::milliseconds(100));
  }
  EXPECT_TRUE(gone);
}

std::size_t open_descriptors() { return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {})); }

// Hears, and keeps one request.
class keeping final : public handler {
public:
  void handle(const request&, responder&& respond) override { kept = std::make_unique<responder>(std::move(respond)); }
  response refusal(const problem& p, const request&) override { return to_response(p); }
  arrival hear() override {
    ++times_asked;
    return {std::make_shared<const std::vector<stamp>>(1), unix_ms{1}, {}};
  }
  void release() { (*std::exchange(kept, nullptr))({.body = "yes"}); }
  std::unique_ptr<responder> kept;
  std::uint64_t times_asked = 0;
};

// A loop that this thread runs, and a request under way.
struct stopped_loop {
  explicit stopped_loop(const http_limits& limits = {})
      : io(std::in_place, 1), at(std::move(*listener::open(*io, "127.0.0.1", 0, limits, handles))), asks(at->port()) {
    asks.send(get("/"));
    while (handles.kept == nullptr)
      io->run_one();
  }
  keeping handles;
  std::optional<boost::asio::io_context> io;
  std::unique_ptr<listener> at;
  client asks;
};

TEST(listener_end, nothing_is_left_of_one_whose_loop_was_stopped_with_an_answer_ready) {
  const auto before = open_descriptors();
  {
    stopped_loop loop;
    loop.handles.release();
    loop.io->stop();
    loop.at.reset();
    loop.io.reset();
  }
  EXPECT_EQ(open_descriptors(), before);
}

TEST(listener_end, an_answer_of_the_last_turn_is_sent) {
  stopped_loop loop;
  boost::asio::post(*loop.io, [&] {
    std::thread([&] { stop_after_answers(*loop.io); }).join();
    loop.handles.release();
  });
  loop.io->run();
  loop.at.reset();
  EXPECT_EQ(loop.asks.answer().body, "yes");
}

TEST(listener_end, its_handler_is_asked_nothing_any_more) {
  using std::chrono::milliseconds;
  stopped_loop loop({.look_every = milliseconds(10)});
  boost::asio::steady_timer goes(*loop.io, milliseconds(1));
  boost::asio::steady_timer ends(*loop.io, milliseconds(200));
  std::uint64_t asked = 0;
  goes.async_wait([&](auto) {
    boost::asio::post(*loop.io, [&] {  // behind the look that is due by now
      loop.handles.release();
      loop.at.reset();
      asked = loop.handles.times_asked;
    });
    ::poll(nullptr, 0, 30);
  });
  ends.async_wait([&](auto) { loop.io->stop(); });
  loop.io->run();
  EXPECT_EQ(loop.handles.times_asked, asked);
}

}  // namespace
}  // namespace janji::net::test
