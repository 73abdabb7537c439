// What a request is stamped with: what its front had heard when it had certainly not come yet, however late it is read.
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <future>
#include <utility>
#include <vector>

#include "net/listener.hpp"
#include "tests/net/loopback.hpp"

namespace janji::net::test {
namespace {

// Hears a count that the test sets, and answers with the count that the request was stamped with; /later: when it is released.
class hearing_handler final : public handler {
public:
  void handle(const request& r, responder&& respond) override {
    response out;
    out.content_type = "text/plain";
    out.body = std::to_string(r.arrived.of(shard_id{0}).count);
    if (const auto then = std::exchange(while_handled, nullptr))
      then();
    if (r.path == "/later")
      kept_ = std::make_unique<std::pair<responder, response>>(std::move(respond), std::move(out));
    else
      respond(std::move(out));
  }
  response refusal(const problem& p, const request&) override { return to_response(p); }
  arrival hear() override {
    ++times_asked;
    return {std::make_shared<const std::vector<stamp>>(1, stamp{{epoch_t{1}, 1}, count}), unix_ms{1}, {}};  // all in one millisecond
  }
  void release() {
    const auto kept = std::move(kept_);
    kept->first(std::move(kept->second));
  }
  void forget() { kept_.reset(); }
  [[nodiscard]] bool keeps() const { return kept_ != nullptr; }
  std::atomic<std::uint64_t> count{5};
  std::atomic<std::uint64_t> times_asked{0};
  std::function<void()> while_handled;  // once; on the listener's thread

private:
  std::unique_ptr<std::pair<responder, response>> kept_;
};

class arrivals : public ::testing::Test {
protected:
  arrivals() {
    loop_.run([&] { listener_ = std::move(*listener::open(loop_.io(), "127.0.0.1", 0, http_limits{}, handler_)); });
  }
  ~arrivals() override {
    loop_.run([this] {
      handler_.forget();
      listener_.reset();
    });
    loop_.stop();
  }
  [[nodiscard]] client connect() const { return client(listener_->port()); }
  static std::string ask(client& c, std::string_view target = "/") {
    c.send(get(target));
    return c.answer().body;
  }
  // While the front does nothing `meanwhile` happens.
  template <class Meanwhile>
  void frozen(Meanwhile meanwhile) {
    std::promise<void> thawed;
    std::promise<void> stands;
    auto begun = stands.get_future();
    boost::asio::post(loop_.io(), [stands = std::move(stands), until = thawed.get_future()]() mutable {
      stands.set_value();
      until.wait();
    });
    begun.wait();
    meanwhile();
    thawed.set_value();
  }
  // Two whole looks at all connections, begun after this was called.
  void look_twice() {
    const auto before = handler_.times_asked.load();
    ASSERT_TRUE(loop_.wait_until([&] { return handler_.times_asked >= before + 3; }));
  }
  hearing_handler handler_;
  loop loop_;
  std::unique_ptr<listener> listener_;
};

TEST_F(arrivals, a_request_that_came_while_its_front_was_frozen_is_as_old_as_it_is) {
  auto c = connect();
  ASSERT_EQ(ask(c), "5");
  frozen([&] {
    c.send(get("/"));
    handler_.count = 9;
  });
  EXPECT_EQ(c.answer().body, "5");
  look_twice();
  EXPECT_EQ(ask(c), "9") << "what comes afterwards is not";
}

TEST_F(arrivals, so_is_one_over_a_connection_that_waited_to_be_accepted) {
  std::vector<client> waiting;
  frozen([&] {
    for (int i = 0; i < 3; ++i) {
      waiting.push_back(connect());
      waiting.back().send(get("/"));
    }
    handler_.count = 9;
  });
  for (auto& c : waiting)
    EXPECT_EQ(c.answer().body, "5");
}

TEST_F(arrivals, a_connection_that_was_idle_for_long_brings_what_is_new) {
  auto c = connect();
  ASSERT_EQ(ask(c), "5");
  handler_.count = 9;
  look_twice();
  EXPECT_EQ(ask(c), "9");
}

TEST_F(arrivals, what_stood_unread_during_a_look_stays_old) {
  auto quiet = connect();
  auto c = connect();
  ASSERT_EQ(ask(quiet), "5");
  c.send(get("/later"));
  ASSERT_TRUE(loop_.wait_until([&] { return handler_.keeps(); }));
  frozen([&] {
    quiet.send(get("/"));
    handler_.count = 9;
  });
  EXPECT_EQ(quiet.answer().body, "5");
  loop_.run([&] { handler_.release(); });
  EXPECT_EQ(c.answer().body, "5") << "it was taken up before";
}

TEST_F(arrivals, who_reads_an_answer_and_asks_again_at_once_asks_after_it) {
  auto c = connect();
  c.send(get("/later"));
  ASSERT_TRUE(loop_.wait_until([&] { return handler_.keeps(); }));
  handler_.count = 9;
  loop_.run([&] { handler_.release(); });
  ASSERT_EQ(c.answer().body, "5");
  EXPECT_EQ(ask(c), "9");
  auto anew = connect();
  EXPECT_EQ(ask(anew), "9") << "and over a new connection";
}

// Every look finds something to be read of one who asks as fast as he is answered.
TEST_F(arrivals, who_is_always_under_way_grows_no_older_than_a_turn) {
  auto c = connect();
  EXPECT_EQ(ask(c), "5");
  handler_.while_handled = [&] { c.send(get("/")); };
  frozen([&] {
    c.send(get("/"));
    handler_.count = 6;
  });
  EXPECT_EQ(c.answer().body, "5");
  EXPECT_EQ(c.answer().body, "6");
}

TEST_F(arrivals, requests_sent_in_one_are_of_one_moment) {
  auto c = connect();
  ASSERT_EQ(ask(c), "5");
  frozen([&] {
    c.send(get("/") + get("/") + get("/"));
    handler_.count = 9;
  });
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(c.answer().body, "5");
}

TEST_F(arrivals, those_that_wait_behind_the_bound_grow_no_younger) {
  constexpr auto many = limits::pipeline_max + 4;
  auto c = connect();
  ASSERT_EQ(ask(c), "5");
  std::string all = get("/later");
  for (std::size_t i = 1; i < many; ++i)
    all += get("/");
  c.send(all);
  ASSERT_TRUE(loop_.wait_until([&] { return handler_.keeps(); }));
  handler_.count = 9;
  look_twice();
  loop_.run([&] { handler_.release(); });
  for (std::size_t i = 0; i < many; ++i)
    EXPECT_EQ(c.answer().body, "5") << i;
  EXPECT_EQ(ask(c), "9");
}

TEST_F(arrivals, an_end_that_came_with_the_request_is_an_end) {
  auto c = connect();
  ASSERT_EQ(ask(c), "5");
  frozen([&] {
    c.send(get("/"));
    c.shut_sending();
  });
  EXPECT_EQ(c.answer().body, "5");
  EXPECT_TRUE(c.at_end());
  auto half = connect();
  ASSERT_EQ(ask(half), "5");
  frozen([&] {
    half.send("GET / HT");
    half.shut_sending();
  });
  EXPECT_TRUE(half.at_end()) << "and is not told after a while that it is late";
}

// A read stops before what was sent as urgent, however much stands behind it.
TEST_F(arrivals, who_sends_what_is_urgent_is_closed_and_nothing_behind_it_is_taken_for_new) {
  auto c = connect();
  ASSERT_EQ(ask(c), "5");
  frozen([&] {
    c.send("\r\n");
    c.send_urgent();
    c.send(get("/"));
  });
  look_twice();
  handler_.count = 9;
  look_twice();
  EXPECT_TRUE(c.at_end());
  auto half = connect();
  frozen([&] {
    half.send("GET / HTTP/1.1\r\nHost: x\r\n");
    half.send_urgent();
    half.send("\r\n");
  });
  EXPECT_TRUE(half.at_end());
  auto other = connect();
  EXPECT_EQ(ask(other), "9");
}

TEST_F(arrivals, who_comes_after_descriptors_were_there_again_is_as_new_as_it_is) {
  auto busy = connect();
  busy.send(get("/later"));
  ASSERT_TRUE(loop_.wait_until([&] { return handler_.keeps(); }));
  client turned_away(not_connected);
  client later(not_connected);
  {
    const no_more_descriptors none;
    ASSERT_TRUE(turned_away.connect_to(listener_->port()));
    ASSERT_EQ(turned_away.answer().status, 503U);
  }
  for (int i = 0; i < 3; ++i)  // the pause of accepting is over then
    look_twice();
  handler_.count = 9;
  look_twice();
  ASSERT_TRUE(later.connect_to(listener_->port()));
  EXPECT_EQ(ask(later), "9");
}

TEST_F(arrivals, so_is_who_comes_after_as_many_as_are_accepted_at_once) {
  std::vector<client> many;
  frozen([&] {
    for (int i = 0; i < 64; ++i)
      many.push_back(connect());
  });
  ASSERT_TRUE(loop_.wait_until([&] { return listener_->connections() == many.size(); }));
  handler_.count = 9;
  look_twice();
  EXPECT_EQ(ask(many.front()), "9");
  auto later = connect();
  EXPECT_EQ(ask(later), "9");
}

TEST_F(arrivals, nor_does_whoever_has_gone_with_a_request_as_large_as_a_read) {
  auto c = connect();
  ASSERT_EQ(ask(c), "5");
  constexpr std::size_t one_read = 4096;
  const auto head = post("/later", std::string(4000, 'x')).size() - 4000;
  const auto whole = post("/later", std::string(one_read - head, 'x'));
  ASSERT_EQ(whole.size(), one_read);
  frozen([&] {
    c.send(whole);
    c.reset();
  });
  auto other = connect();
  EXPECT_EQ(ask(other), "5");
  EXPECT_FALSE(loop_.run([&] { return handler_.keeps(); }));
}

TEST_F(arrivals, whoever_has_gone_changes_nothing) {
  auto c = connect();
  ASSERT_EQ(ask(c), "5");
  frozen([&] {
    c.send(post("/later", "x"));
    c.reset();
  });
  auto other = connect();
  EXPECT_EQ(ask(other), "5");
  EXPECT_FALSE(handler_.keeps()) << "it may have asked again elsewhere";
}

}  // namespace
}  // namespace janji::net::test
