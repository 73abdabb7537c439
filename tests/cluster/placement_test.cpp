#include "cluster/placement.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "cluster/local_config_store.hpp"
#include "cluster/record_text.hpp"
#include "tests/temporary_directory.hpp"

namespace janji::cluster {
namespace {

TEST(placement, values_are_pinned_because_changing_them_moves_every_citizen) {
  EXPECT_EQ(shard_of_key("2021-3/WTCKL/2021-06-07", 64).value, 5);
  citizen_hash c;
  c.bytes.fill(7);
  EXPECT_EQ(shard_of_citizen(c, 64).value, 60);
}

TEST(placement, every_shard_gets_a_share) {
  std::set<std::uint16_t> seen;
  for (int i = 0; i < 2000; ++i)
    seen.insert(shard_of_key("key" + std::to_string(i), 64).value);
  EXPECT_EQ(seen.size(), 64U);
}

std::vector<placeable_node> equal_nodes(std::size_t count, std::size_t zones = 1) {
  std::vector<placeable_node> out;
  for (std::size_t i = 0; i < count; ++i)
    out.push_back({i + 1, 100, std::string(1, static_cast<char>('a' + i % zones))});
  return out;
}

using placed = std::vector<std::vector<std::uint64_t>>;

std::map<std::uint64_t, int> loads(const placed& where, bool leaders_only = false) {
  std::map<std::uint64_t, int> out;
  for (const auto& list : where)
    for (const auto node : leaders_only ? std::vector{list.front()} : list)
      ++out[node];
  return out;
}

// Replicas that are on another node than before.
std::pair<int, int> moved(const placed& before, const placed& after, std::uint64_t newcomer) {
  int to_newcomer = 0;
  int elsewhere = 0;
  for (std::size_t s = 0; s < before.size(); ++s)
    for (const auto node : after[s])
      if (std::ranges::find(before[s], node) == before[s].end())
        ++(node == newcomer ? to_newcomer : elsewhere);
  return {to_newcomer, elsewhere};
}

TEST(placement, a_node_that_comes_takes_its_share_and_hardly_any_other_shard_moves) {
  constexpr std::uint16_t shards = 1000;
  for (std::size_t n = 3; n < 9; ++n) {
    const auto before = place_shards(shards, 3, equal_nodes(n));
    const auto after = place_shards(shards, 3, equal_nodes(n + 1));
    const auto [to_newcomer, elsewhere] = moved(before, after, n + 1);
    const auto share = 3.0 * shards / static_cast<double>(n + 1);
    EXPECT_NEAR(to_newcomer, share, 0.2 * share) << n;
    EXPECT_LE(elsewhere, 0.01 * 3 * shards) << n;
  }
}

TEST(placement, a_node_that_goes_moves_only_what_it_held) {
  constexpr std::uint16_t shards = 1000;
  auto nodes = equal_nodes(5);
  const auto before = place_shards(shards, 3, nodes);
  nodes.erase(nodes.begin() + 2);
  const auto after = place_shards(shards, 3, nodes);
  int touched = 0;
  for (std::size_t s = 0; s < shards; ++s) {
    const bool held_it = std::ranges::find(before[s], 3U) != before[s].end();
    touched += !held_it && std::set(before[s].begin(), before[s].end()) != std::set(after[s].begin(), after[s].end()) ? 1 : 0;
  }
  EXPECT_LE(touched, 10);
}

TEST(placement, no_node_gets_more_than_a_fifth_over_its_share_and_weights_count) {
  for (const std::uint16_t shards : {16, 64, 1000})
    for (std::size_t n = 3; n < 12; ++n) {
      const auto where = place_shards(shards, 3, equal_nodes(n));
      for (const auto& [node, load] : loads(where))
        EXPECT_LE(load, static_cast<int>(std::ceil(1.2 * 3 * shards / static_cast<double>(n)))) << node << " of " << n;
      for (const auto& [node, leads] : loads(where, true))
        EXPECT_LE(leads, 1 + static_cast<int>(std::ceil(1.2 * shards / static_cast<double>(n)))) << node << " of " << n;
    }
  auto nodes = equal_nodes(6);
  nodes[0].weight = 200;
  const auto load = loads(place_shards(1000, 3, nodes));
  EXPECT_GT(load.at(1), 1.35 * load.at(2)) << "twice the weight; less than twice the load, for no shard lies twice on one node";
}

TEST(placement, replicas_lie_in_different_zones_as_far_as_there_are_enough) {
  for (const std::size_t n : {3U, 5U, 6U, 9U}) {
    const auto nodes = equal_nodes(n, 3);
    for (const auto& list : place_shards(64, 3, nodes)) {
      std::set<std::string> zones;
      for (const auto node : list)
        zones.insert(nodes[node - 1].zone);
      EXPECT_EQ(zones.size(), 3U) << n;
    }
  }
  for (const auto& list : place_shards(64, 3, equal_nodes(4, 2)))
    EXPECT_EQ(std::set(list.begin(), list.end()).size(), 3U) << "two zones still hold three replicas, on three nodes";
}

TEST(placement, fewer_nodes_than_replicas_hold_what_they_can) {
  EXPECT_EQ(place_shards(4, 3, {}), placed(4));
  for (const auto& list : place_shards(4, 3, equal_nodes(2)))
    EXPECT_EQ(list.size(), 2U);
}

struct contract : testing::Test {
  test::temporary_directory dir;
  std::unique_ptr<store::node_store> disk;
  void SetUp() override {
    store::store_options options;
    options.path = dir.path() + "/store";
    disk = std::move(*store::node_store::open(options));
  }
};

TEST_F(contract, a_record_that_cannot_be_read_is_an_error) {
  EXPECT_FALSE(record_from_text("{").has_value());
  EXPECT_FALSE(record_from_text("{\"epoch\":1}").has_value());
  ASSERT_TRUE(disk->swap("shard/7", 0, "nonsense").has_value());
  local_config_store records(*disk);
  EXPECT_FALSE(records.read(shard_id{7}).has_value());
}

}  // namespace
}  // namespace janji::cluster
