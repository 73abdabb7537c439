// Two or three nodes' links over real sockets.
#include "net/links/links.hpp"

#include <gtest/gtest.h>

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <thread>

#include "tests/net/links/link_end.hpp"
#include "tests/net/links/relay.hpp"

namespace janji::net {
namespace {

// Somebody who is no node.
class raw_connection {
public:
  explicit raw_connection(std::uint16_t port) {
    const timeval most{20, 0};
    socket_.connect({boost::asio::ip::address_v4::loopback(), port});
    ::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
  }
  void send(std::string_view bytes) {
    boost::system::error_code ignored;
    boost::asio::write(socket_, boost::asio::buffer(bytes), ignored);
  }
  // Waits for it.
  bool is_closed() {
    std::array<char, 4096> bytes{};
    ssize_t n = 0;
    while ((n = ::recv(socket_.native_handle(), bytes.data(), bytes.size(), 0)) > 0) {
    }
    return n == 0 || errno == ECONNRESET;
  }

private:
  boost::asio::io_context io_{1};
  boost::asio::ip::tcp::socket socket_{io_};
};

TEST_F(links_test, messages_arrive_in_order_both_ways) {
  join();
  ASSERT_TRUE(a.is_up() && b.is_up());
  EXPECT_EQ(a.up_.at(0), (peer{2, replication::boot_t{1}}));
  constexpr int n = 5000;
  for (int i = 0; i < n; ++i) {
    ASSERT_TRUE(a.links_->send(2, message("a" + std::to_string(i))));
    ASSERT_TRUE(b.links_->send(1, message("b" + std::to_string(i))));
  }
  ASSERT_TRUE(a.has(n) && b.has(n));
  for (int i = 0; i < n; ++i) {
    ASSERT_EQ(b.received_[i].payload, "a" + std::to_string(i));
    ASSERT_EQ(a.received_[i].payload, "b" + std::to_string(i));
  }
  EXPECT_EQ(b.received_[0].shard, shard_id{3});
  EXPECT_EQ(b.received_[0].kind, 7);
  EXPECT_EQ(b.from_[0], (peer{1, replication::boot_t{1}}));
  EXPECT_LT(a.links_->counters().sent_bytes, n * 200U);
}

TEST_F(links_test, large_and_empty_messages_arrive_and_too_large_ones_are_refused_at_once) {
  link_options patient;  // the reader has nothing to say meanwhile
  patient.silence_ms = 60'000;
  join(patient, patient);
  ASSERT_TRUE(a.is_up());
  const std::string large(cluster::peer_payload_bytes_max, 'x');
  EXPECT_TRUE(a.links_->send(2, message(large)));
  EXPECT_TRUE(a.links_->send(2, message("")));
  EXPECT_FALSE(a.links_->send(2, message(large + "x")));
  ASSERT_TRUE(b.has(2));
  EXPECT_EQ(b.received_[0].payload, large);
  EXPECT_EQ(b.received_[1].payload, "");
}

TEST_F(links_test, nobody_there_is_said_at_once) {
  join();
  EXPECT_FALSE(a.links_->send(3, message("x")));
  ASSERT_TRUE(a.is_up());
  EXPECT_FALSE(a.links_->send(3, message("x")));
  EXPECT_EQ(a.links_->counters().dropped_no_link, 2U);
}

TEST_F(links_test, a_slow_reader_fills_its_window_and_no_more) {
  link_options small;
  small.window_bytes_max = 1 << 20;
  small.silence_ms = 60'000;
  join(small, small);
  ASSERT_TRUE(a.is_up() && b.is_up());
  b.block(true);
  std::size_t taken = 0;
  while (a.links_->send(2, message(std::string(10'000, 'x'))))
    ASSERT_LT(++taken, 1000U);
  EXPECT_GT(taken, 90U);
  EXPECT_GE(a.links_->counters().dropped_window, 1U);
  b.block(false);
  ASSERT_TRUE(b.has(taken)) << "what was taken arrives";
  ASSERT_TRUE(eventually([&] { return a.links_->send(2, message("again")); })) << "credits come back";
  EXPECT_TRUE(b.has(taken + 1));
}

TEST_F(links_test, what_is_past_its_deadline_is_dropped) {
  join();
  ASSERT_TRUE(a.is_up());
  EXPECT_TRUE(a.links_->send(2, message("late", 7, std::chrono::steady_clock::now() - 1ms)));
  EXPECT_TRUE(a.links_->send(2, message("in time", 7, std::chrono::steady_clock::now() + 1h)));
  ASSERT_TRUE(b.has(1));
  EXPECT_EQ(b.received_[0].payload, "in time");
  EXPECT_EQ(a.links_->counters().dropped_deadline, 1U);
}

TEST_F(links_test, a_node_that_comes_back_has_a_new_life) {
  join();
  ASSERT_TRUE(a.is_up() && b.is_up());
  b.links_.reset();
  ASSERT_TRUE(a.is_broken());
  EXPECT_EQ(a.broken_.at(0), (peer{2, replication::boot_t{1}}));
  EXPECT_FALSE(a.links_->send(2, message("to nobody")));
  link_options second;
  second.node = 2;
  second.boot = replication::boot_t{2};
  b.open(second);
  b.links_->set_peers({{1, a.address()}});
  a.links_->set_peers({{2, b.address()}});
  ASSERT_TRUE(a.is_up(2));
  EXPECT_EQ(a.up_.at(1), (peer{2, replication::boot_t{2}}));
  EXPECT_TRUE(a.links_->send(2, message("hello")));
  ASSERT_TRUE(b.has(1));
  EXPECT_EQ(b.received_[0].payload, "hello") << "nothing of before";
}

TEST_F(links_test, the_wrong_ones_are_refused_with_the_reason) {
  link_options other;
  other.cluster = "another";
  join(other);
  EXPECT_TRUE(b.said("it belongs to the cluster 'another', not 'test'"));
  EXPECT_TRUE(a.said("refused: it belongs to the cluster 'another', not 'test'"));
  EXPECT_GE(b.links_->counters().refused, 1U);
  end c;
  link_options same;
  same.node = 1;
  c.open(same);
  c.links_->set_peers({{5, b.address()}});
  EXPECT_TRUE(c.said("it wants node '5', this is node 2"));
  c.links_->set_peers({{2, a.address()}});
  EXPECT_TRUE(c.said("cluster '")) << "node 2 is not at node 1's address";
  end d;
  link_options unknown;
  unknown.node = 0;
  d.open(unknown);
  d.links_->set_peers({{2, b.address()}});
  EXPECT_TRUE(d.said("node 0 is no member of this cluster"));
  EXPECT_EQ(b.up_.size(), 0U);
}

TEST_F(links_test, strangers_and_junk_end_their_own_connection_only) {
  join();
  ASSERT_TRUE(a.is_up());
  const auto port = b.links_->port();
  for (const std::string& junk : {std::string("\0\1\2\3", 4), std::string("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), std::string(100'000, 'A'),
                                  std::string("POST /janji/links HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n")}) {
    boost::asio::io_context io;
    boost::asio::ip::tcp::socket stranger(io);
    stranger.connect({boost::asio::ip::address_v4::loopback(), port});
    boost::system::error_code ec;
    boost::asio::write(stranger, boost::asio::buffer(junk), ec);
    stranger.shutdown(boost::asio::socket_base::shutdown_send, ec);
    std::string answer;
    boost::asio::read(stranger, boost::asio::dynamic_buffer(answer), ec);
    EXPECT_TRUE(ec == boost::asio::error::eof || ec == boost::asio::error::connection_reset) << ec.message();
  }
  EXPECT_TRUE(a.links_->send(2, message("still here")));
  EXPECT_TRUE(b.has(1));
  EXPECT_EQ(a.broken_.size(), 0U);
}

TEST_F(links_test, those_who_never_say_who_they_are_keep_nobody_out) {
  link_options few;
  few.strangers_max = 4;
  few.node = 2;
  b.open(few);
  std::vector<std::unique_ptr<raw_connection>> silent;
  for (int i = 0; i < 12; ++i)
    silent.push_back(std::make_unique<raw_connection>(b.links_->port()));
  for (int i = 0; i < 8; ++i)
    EXPECT_TRUE(silent[static_cast<std::size_t>(i)]->is_closed()) << i << ": for the next, the oldest is closed";
  const auto timed_out = [](const std::string& line) { return line.contains("timeout"); };
  EXPECT_TRUE(b.until([&](end& e) { return std::ranges::none_of(e.log_, timed_out); }, 0ms)) << "and not when its time was over";
  link_options of_a;
  of_a.node = 1;
  a.open(of_a);
  b.links_->set_peers({{1, a.address()}});
  a.links_->set_peers({{2, b.address()}});
  EXPECT_TRUE(a.is_up() && b.is_up());
}

TEST_F(links_test, of_many_refusals_some_are_said_and_all_are_counted) {
  link_options of_b;
  of_b.node = 2;
  b.open(of_b);
  constexpr std::size_t n = 200;
  for (std::size_t i = 0; i < n; ++i) {
    raw_connection junk(b.links_->port());
    junk.send("no link at all\r\n\r\n");
    (void)junk.is_closed();
  }
  EXPECT_TRUE(eventually([&] { return b.links_->counters().refused >= n; }));
  std::size_t said = 0;
  (void)b.until([&](end& e) {
    said = static_cast<std::size_t>(std::ranges::count_if(e.log_, [](const auto& line) { return line.starts_with("a link was refused"); }));
    return true;
  });
  EXPECT_GE(said, 1U);
  EXPECT_LT(said, n / 2) << "no log of its own for each";
}

TEST_F(links_test, a_link_on_which_nothing_comes_any_more_is_found_broken) {
  link_options quick;
  quick.silence_ms = 300;
  quick.node = 1;
  a.open(quick);
  quick.node = 2;
  b.open(quick);
  test::relay between(b.links_->port());
  b.links_->set_peers({{1, a.address()}});
  a.links_->set_peers({{2, "127.0.0.1:" + std::to_string(between.port())}});
  ASSERT_TRUE(a.is_up() && b.is_up());
  between.cut_to_client = true;
  EXPECT_TRUE(a.is_broken()) << "only one direction is cut";
  between.cut_to_client = false;
  EXPECT_TRUE(a.is_up(2));
}

TEST_F(links_test, an_idle_link_stays) {
  link_options quick;
  quick.silence_ms = 1'000;
  join(quick, quick);
  ASSERT_TRUE(a.is_up());
  EXPECT_FALSE(a.until([&](end& e) { return !e.broken_.empty(); }, 3000ms)) << "pings answer for it";
}

TEST_F(links_test, who_is_no_longer_named_loses_its_link) {
  join();
  ASSERT_TRUE(a.is_up() && b.is_up());
  b.links_->set_peers({});
  EXPECT_TRUE(a.is_broken());
  EXPECT_TRUE(b.is_broken());
  EXPECT_TRUE(a.said("node 1 is no member of this cluster"));
  b.links_->set_peers({{1, a.address()}});
  EXPECT_TRUE(a.is_up(2));
}

// A process that was frozen goes on beside the start that took its place.
TEST_F(links_test, a_start_that_another_came_after_loses_its_link_and_gets_none) {
  join();
  ASSERT_TRUE(a.is_up() && b.is_up());
  b.links_->set_boots({{1, replication::boot_t{2}}});
  EXPECT_TRUE(a.is_broken());
  EXPECT_TRUE(b.is_broken());
  EXPECT_TRUE(a.said("node 1 was started again since boot 1"));
  EXPECT_EQ(b.up_.size(), 1U);
  b.links_->set_boots({{1, replication::boot_t{1}}});
  EXPECT_TRUE(a.is_up(2)) << "what is registered counts";
}

// It had been frozen, and heard of the new start before it heard that the connection of the old one was gone.
TEST_F(links_test, who_dials_dials_again_when_it_hears_of_another_start) {
  join();
  ASSERT_TRUE(a.is_up() && b.is_up());
  a.links_->set_boots({{2, replication::boot_t{2}}});
  EXPECT_TRUE(a.is_broken());
  a.links_->set_boots({{2, replication::boot_t{1}}});
  EXPECT_TRUE(a.is_up(2));
}

TEST_F(links_test, many_threads_may_send) {
  join();
  ASSERT_TRUE(a.is_up());
  constexpr int threads = 4;
  constexpr int each = 2000;
  {
    std::vector<std::jthread> all;
    for (int t = 0; t < threads; ++t)
      all.emplace_back([&, t] {
        for (int i = 0; i < each; ++i)
          EXPECT_TRUE(a.links_->send(2, message(std::to_string(i), static_cast<std::uint16_t>(t + 1))));
      });
  }
  ASSERT_TRUE(b.has(threads * each));
  std::array<int, threads + 1> next{};
  for (const auto& m : b.received_)
    EXPECT_EQ(m.payload, std::to_string(next[m.kind]++)) << "each thread's in order";
}

TEST_F(links_test, a_port_that_is_taken_is_an_error) {
  link_options o;
  o.node = 1;
  a.open(o);
  o.node = 2;
  o.port = a.links_->port();
  const auto made = links::open(o, b);
  ASSERT_FALSE(made.has_value());
  EXPECT_NE(made.error().find("links cannot listen at 127.0.0.1:"), std::string::npos) << made.error();
}

TEST_F(tls_links_test, members_of_one_authority_are_linked) {
  join(with("one"), with("two"));
  ASSERT_TRUE(a.is_up() && b.is_up());
  EXPECT_TRUE(a.links_->send(2, message("sealed")));
  EXPECT_TRUE(b.has(1));
}

TEST_F(tls_links_test, strangers_stale_certificates_and_none_are_refused) {
  b.open([&] {
    auto o = with("two");
    o.node = 2;
    return o;
  }());
  b.links_->set_peers({{1, "127.0.0.1:1"}});
  const auto refused = [&](link_options o) {
    end e;
    o.node = 1;
    e.open(o);
    e.links_->set_peers({{2, b.address()}});
    const bool said = e.said("no link to node 2");
    return said && e.up_.empty();
  };
  EXPECT_TRUE(refused(with("stranger")));
  EXPECT_TRUE(refused(with("one", "other"))) << "it would not know us";
  EXPECT_TRUE(refused(with("stale")));
  EXPECT_TRUE(refused({})) << "in the clear";
  EXPECT_TRUE(b.up_.empty());
}

TEST_F(tls_links_test, production_takes_no_links_in_the_clear_and_no_development_authority) {
  const auto refusal = [&](link_options o) {
    o.cluster = "test";
    o.node = 1;
    o.production = true;
    end e;
    const auto made = links::open(o, e);
    return made ? std::string() : made.error();
  };
  EXPECT_NE(refusal({}).find("needs certificates"), std::string::npos);
  EXPECT_NE(refusal(with("dev", "development")).find("made for development"), std::string::npos);
  EXPECT_EQ(refusal(with("one")), "");
}

TEST_F(tls_links_test, a_name_is_listened_at_as_an_address_is) {
  auto o = with("one");
  o.address = "localhost";
  join(o, with("two"));
  EXPECT_TRUE(a.is_up() && b.is_up());
}

TEST_F(tls_links_test, certificates_are_renewed_without_a_restart) {
  join(with("stale"), with("two"));
  ASSERT_TRUE(a.said("no link to node 2"));
  std::filesystem::copy_file(c.certificate("one"), c.certificate("stale"), std::filesystem::copy_options::overwrite_existing);
  EXPECT_FALSE(a.links_->reload().has_value()) << "a certificate without its key";
  std::filesystem::copy_file(c.key("one"), c.key("stale"), std::filesystem::copy_options::overwrite_existing);
  EXPECT_TRUE(a.links_->reload().has_value());
  EXPECT_TRUE(a.is_up());
}

}  // namespace
}  // namespace janji::net
