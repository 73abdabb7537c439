// The operators' API of a cluster, over a cluster that does nothing but remember what it was asked.
#include <fmt/format.h>

#include <chrono>
#include <condition_variable>
#include <future>
#include <mutex>

#include "tests/net/api_server.hpp"

namespace janji::net {
namespace {

using test::api_server;

struct remembered_orders final : cluster::operations {
  [[nodiscard]] cluster::cluster_view view() const override { return {}; }
  said change_node(std::uint64_t node, cluster::node_state, bool dry_run) override {
    return ordered(fmt::format("node {}", node), dry_run);
  }
  said pause_moves(bool, bool dry_run) override { return ordered("moves", dry_run); }
  said pin(shard_id shard, std::vector<std::uint64_t>, bool dry_run) override {
    return ordered(fmt::format("shard {}", shard.value), dry_run);
  }
  said raise_feature_level(bool dry_run) override { return ordered("level", dry_run); }
  said probe_store() override {
    std::unique_lock lock(mutex);
    ++probes;
    changed.notify_all();
    changed.wait(lock, [this] { return !held; });
    return "written";
  }
  said promote_alone(shard_id, std::uint64_t, bool dry_run) override { return ordered("promote", dry_run); }

  said ordered(const std::string& what, bool dry_run) {
    const std::lock_guard lock(mutex);
    if (!dry_run)
      carried_out.push_back(what);
    return "said";
  }
  void hold(bool so) {
    const std::lock_guard lock(mutex);
    held = so;
    changed.notify_all();
  }
  void wait_for_a_probe() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [this] { return probes != 0; });
  }
  std::mutex mutex;
  std::condition_variable changed;
  bool held = false;
  int probes = 0;
  std::vector<std::string> carried_out;
};

class cluster_api_test : public testing::Test {
protected:
  remembered_orders orders_;
  api_server server_{20'000, false, &orders_};
};

// A drain that was carried out because of one character more in its query.
TEST_F(cluster_api_test, an_order_with_a_dry_run_is_not_carried_out_however_it_is_written) {
  for (const auto* order : {"nodes/3/drain", "nodes/3/remove", "moves/pause", "level/raise", "shards/2/place", "shards/2/unsafe-promote"}) {
    const auto give = [&](std::string_view query) {
      return server_.admin("POST", fmt::format("/admin/v1/cluster/{}{}", order, query)).outcome();
    };
    for (const auto* query : {"?dry_run=true", "?dry_run=true&", "?&dry_run=true", "?dry_run=%74rue"})
      EXPECT_EQ(give(query), "200") << order << query;
    for (const auto* query : {"?dry_run", "?dry_run=", "?dry_run=1", "?dry_run=TRUE"})
      EXPECT_EQ(give(query), "422 invalid") << order << query;
    for (const auto* query : {"?dryrun=true", "?dry-run=true", "?Dry_run=true", "?dry_run=true&x", "?dry_run=false&dry_run=true"})
      EXPECT_EQ(give(query), "400 malformed_request") << order << query;
    for (const auto* body : {R"({"dry_run":true})", R"({"nodes":["1"]})", R"({"nodes":1})", R"({"node":"3"})", R"({"node":2.5})"})
      EXPECT_EQ(server_.admin("POST", fmt::format("/admin/v1/cluster/{}", order), body).outcome(), "422 invalid") << order << body;
    EXPECT_EQ(orders_.carried_out, std::vector<std::string>{}) << order;
    EXPECT_EQ(give("?dry_run=false"), "200") << order;
    EXPECT_EQ(orders_.carried_out.size(), 1U) << order;
    orders_.carried_out.clear();
  }
}

// The second was told "busy", and `check` left out what it could not ask.
TEST_F(cluster_api_test, who_asks_for_a_probe_while_one_is_under_way_is_told_what_it_finds) {
  const auto probe = [this] { return server_.admin("GET", "/admin/v1/cluster/probe"); };
  orders_.hold(true);
  auto first = std::async(std::launch::async, probe);
  orders_.wait_for_a_probe();
  auto second = std::async(std::launch::async, probe);
  const bool refused = second.wait_for(std::chrono::milliseconds(500)) == std::future_status::ready;
  orders_.hold(false);
  EXPECT_FALSE(refused);
  for (auto* asked : {&first, &second}) {
    const auto a = asked->get();
    EXPECT_EQ(a.outcome(), "200") << a.body;
    EXPECT_EQ(a.at("/shards_silent"), "[]");
    EXPECT_EQ(a.at("/store_wrong"), "");
  }
  EXPECT_EQ(probe().outcome(), "200") << "and the next one is tried again";
}

}  // namespace
}  // namespace janji::net
