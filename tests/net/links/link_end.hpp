// For tests of links over real sockets: a node's end of them, which remembers what it was told, and certificates.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "net/links/links.hpp"
#include "tests/certificates.hpp"

namespace janji::net {

using namespace std::chrono_literals;
using cluster::peer;
using cluster::peer_message;

inline peer_message message(std::string payload, std::uint16_t kind = 7, std::chrono::steady_clock::time_point until = {}) {
  return {shard_id{3}, kind, until, std::move(payload)};
}

// One node: what its links told it, in order.
class end final : public cluster::peer_events {
public:
  void link_up(const peer& with) override {
    note([&] { up_.push_back(with); });
  }
  void link_broken(const peer& with) override {
    note([&] { broken_.push_back(with); });
  }
  void received(const peer& from, peer_message&& m) override {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !blocked_; });
    from_.push_back(from);
    received_.push_back(std::move(m));
    changed_.notify_all();
  }
  void block(bool yes) {
    note([&] { blocked_ = yes; });
  }
  template <class Good>
  bool until(Good&& good, std::chrono::milliseconds patience = 20s) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, [&] { return good(*this); });
  }
  bool is_up(std::size_t times = 1) {
    return until([&](end& e) { return e.up_.size() >= times; });
  }
  bool is_broken(std::size_t times = 1) {
    return until([&](end& e) { return e.broken_.size() >= times; });
  }
  bool has(std::size_t messages) {
    return until([&](end& e) { return e.received_.size() >= messages; });
  }
  bool said(std::string_view words) {
    return until([&](end& e) {
      return std::ranges::any_of(e.log_, [&](const std::string& line) { return line.find(words) != std::string::npos; });
    });
  }

  void open(link_options o) {
    if (o.cluster.empty())
      o.cluster = "test";
    if (o.boot.value == 0)
      o.boot = replication::boot_t{1};
    o.log = [this](const std::string& line) { note([&] { log_.push_back(line); }); };
    auto made = links::open(std::move(o), *this);
    ASSERT_TRUE(made.has_value()) << made.error();
    links_ = std::move(*made);
  }
  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(links_->port()); }

  std::vector<peer> up_, broken_, from_;
  std::vector<peer_message> received_;
  std::vector<std::string> log_;
  std::unique_ptr<links> links_;

private:
  template <class Do>
  void note(Do&& what) {
    const std::lock_guard lock(mutex_);
    what();
    changed_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  bool blocked_ = false;
};

inline bool eventually(const std::function<bool()>& good) {
  const auto until = std::chrono::steady_clock::now() + 20s;
  while (!good())
    if (std::chrono::steady_clock::now() > until)
      return false;
  return true;
}

struct links_test : testing::Test {
  end a, b;
  void TearDown() override {
    a.block(false);
    b.block(false);
    a.links_.reset();
    b.links_.reset();
  }
  void join(link_options of_a = {}, link_options of_b = {}) {
    of_a.node = 1;
    of_b.node = 2;
    a.open(of_a);
    b.open(of_b);
    b.links_->set_peers({{1, a.address()}});
    a.links_->set_peers({{2, b.address()}});
  }
};

struct tls_links_test : links_test {
  janji::test::certificates c;
  void SetUp() override {
    c.make_authority("ours");
    c.make_authority("other");
    c.issue_for(1, "one", "ours");
    c.issue_for(2, "two", "ours");
    c.issue_for(1, "stranger", "other");
    c.issue_for(1, "stale", "ours", "-days -1");
    c.make_authority("development", "/O=Janji development/CN=development");
    c.issue_for(1, "dev", "development");
  }
  link_options with(const std::string& name, const std::string& authority = "ours") const {
    link_options o;
    o.certificate_file = c.certificate(name);
    o.key_file = c.key(name);
    o.ca_file = c.certificate(authority);
    return o;
  }
};

}  // namespace janji::net
