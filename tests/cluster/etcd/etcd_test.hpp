// For tests of the configuration store against a real etcd of their own: records, a follower that remembers, the server.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "cluster/etcd/etcd_config_store.hpp"
#include "tests/cluster/etcd/etcd_server.hpp"

namespace janji::cluster::etcd {

using namespace std::chrono_literals;
using test::etcd_server;

inline shard_record record(std::uint64_t epoch, std::uint64_t leader = 1) { return {epoch_t{epoch}, {leader, 2}, {{leader, 2}}, {}, 1, 1}; }
inline node_registration node(std::uint64_t n, std::uint64_t disk = 7, std::uint64_t boot = 1) {
  return {n, disk, replication::boot_t{boot}, "127.0.0.1:1", "127.0.0.1:2", "0"};
}

// Remembers what it was told; the tests wait for it to be so.
class follower final : public config_events {
public:
  void picture(cluster_picture&& now) override {
    const std::lock_guard lock(mutex_);
    ++pictures_;
    shards_.clear();
    nodes_.clear();
    for (auto& s : now.shards)
      shards_[s.shard.value] = s.record.record.epoch.value;
    for (auto& n : now.nodes)
      nodes_[n.node] = n;
    values_ = std::move(now.values);
    changed_.notify_all();
  }
  void record_changed(shard_change&& c) override {
    change([&] {
      // A watch goes forward only.
      EXPECT_GE(c.record.record.epoch.value, shards_[c.shard.value]);
      shards_[c.shard.value] = c.record.record.epoch.value;
      ++changes_;
    });
  }
  void node_announced(node_registration&& n) override {
    change([&] { nodes_[n.node] = n; });
  }
  void node_gone(std::uint64_t n) override {
    change([&] { nodes_.erase(n); });
  }
  void value_changed(const std::string& name, std::optional<std::string> value) override {
    change([&] {
      if (value)
        values_[name] = *value;
      else
        values_.erase(name);
    });
  }
  void store_away(const std::string& why) override {
    change([&] {
      away_ = true;
      why_ = why;
    });
  }
  void store_back() override {
    change([&] { away_ = false; });
  }

  template <class Good>
  bool until(Good&& good) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 30s, [&] { return good(*this); });
  }
  bool epoch_is(std::uint16_t shard, std::uint64_t epoch) {
    return until([&](follower& f) { return f.shards_[shard] == epoch; });
  }
  bool has(std::uint64_t n, bool wanted = true) {
    return until([&](follower& f) { return f.nodes_.contains(n) == wanted; });
  }

  int pictures_ = 0, changes_ = 0;
  bool away_ = false;
  std::string why_;
  std::map<std::uint16_t, std::uint64_t> shards_;
  std::map<std::uint64_t, node_registration> nodes_;
  std::map<std::string, std::string> values_;

private:
  template <class Do>
  void change(Do&& what) {
    const std::lock_guard lock(mutex_);
    what();
    changed_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
};

struct etcd_config_store_test : testing::Test {
  void SetUp() override {
    if (!etcd_server::there())
      GTEST_SKIP() << "no etcd on this machine";
    server = std::make_unique<etcd_server>();
    ASSERT_TRUE(server->answers(server->reach()));
  }
  std::unique_ptr<etcd_config_store> open(options o) {
    return std::move(*etcd_config_store::open(std::move(o), [this](const std::string& line) {
      const std::lock_guard lock(said_mutex);
      said.push_back(line);
    }));
  }
  std::unique_ptr<etcd_config_store> open() { return open(server->reach()); }
  // Straight to etcd, as an operator with etcdctl.
  boost::json::object etcdctl(std::string_view path, const boost::json::object& body) {
    connection c({*parse_endpoint(server->url())}, nullptr);
    auto answer = c.post(path, body, {}, connection::again::yes, steady::now() + 10s);
    EXPECT_TRUE(answer.has_value()) << answer.error().text;
    return answer ? *answer : boost::json::object{};
  }
  std::mutex said_mutex;
  std::vector<std::string> said;
  std::unique_ptr<etcd_server> server;
};

}  // namespace janji::cluster::etcd
