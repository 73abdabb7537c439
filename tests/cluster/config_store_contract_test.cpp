// What every configuration store keeps: the same tests for the node's own and for etcd.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "cluster/local_config_store.hpp"
#include "tests/cluster/etcd/etcd_server.hpp"
#include "tests/temporary_directory.hpp"

namespace janji::cluster {
namespace {

struct local_one {
  janji::test::temporary_directory directory;
  std::unique_ptr<store::node_store> disk;
  std::unique_ptr<config_store> open() {
    if (!disk) {
      store::store_options options;
      options.path = directory.path() + "/store";
      disk = std::move(*store::node_store::open(options));
    }
    return std::make_unique<local_config_store>(*disk);
  }
};

struct etcd_one {
  std::unique_ptr<etcd::test::etcd_server> server;
  std::unique_ptr<config_store> open() {
    if (!server) {
      server = std::make_unique<etcd::test::etcd_server>();
      EXPECT_TRUE(server->answers(server->reach()));
    }
    return std::move(*etcd::etcd_config_store::open(server->reach()));
  }
};

template <class One>
struct config_store_contract : testing::Test {
  void SetUp() override {
    if (std::is_same_v<One, etcd_one> && !etcd::test::etcd_server::there())
      GTEST_SKIP() << "no etcd on this machine";
  }
  One one;
};
using stores = testing::Types<local_one, etcd_one>;
struct names {
  template <class One>
  static std::string GetName(int) {
    return std::is_same_v<One, local_one> ? "local" : "etcd";
  }
};
TYPED_TEST_SUITE(config_store_contract, stores, names);

shard_record record(std::uint64_t epoch, std::uint64_t leader = 1) {
  return {epoch_t{epoch}, {leader, 0xFFFF'FFFF'FFFF'FFF2}, {{1, 0xFFFF'FFFF'FFFF'FFF2}, {2, 3}}, {{3, 4}}, 2, 3};
}

TYPED_TEST(config_store_contract, a_swap_wins_once_and_the_loser_is_told_what_is_there) {
  const auto s = this->one.open();
  EXPECT_EQ(s->read(shard_id{5})->revision, 0U);
  const auto won = s->swap(shard_id{5}, 0, record(1));
  ASSERT_EQ(won.result, swap_result::won);
  EXPECT_EQ(won.record.record, record(1));
  EXPECT_EQ(*s->read(shard_id{5}), won.record);
  const auto lost = s->swap(shard_id{5}, 0, record(2));
  EXPECT_EQ(lost.result, swap_result::lost);
  EXPECT_EQ(lost.record, won.record);
  const auto next = s->swap(shard_id{5}, won.record.revision, record(2));
  EXPECT_EQ(next.result, swap_result::won);
  EXPECT_GT(next.record.revision, won.record.revision);
  EXPECT_EQ(s->swap(shard_id{5}, won.record.revision, record(3)).result, swap_result::lost) << "a revision of the past";
  EXPECT_EQ(s->swap(shard_id{7}, 12345, record(1)).result, swap_result::lost) << "of a record that is not there";
  EXPECT_EQ(s->read(shard_id{6})->revision, 0U) << "shards do not touch each other";
}

TYPED_TEST(config_store_contract, another_user_of_the_store_sees_what_was_swapped) {
  const auto mine = this->one.open();
  const auto theirs = this->one.open();
  const auto won = mine->swap(shard_id{63}, 0, record(1));
  ASSERT_EQ(won.result, swap_result::won);
  EXPECT_EQ(*theirs->read(shard_id{63}), won.record);
  EXPECT_EQ(theirs->swap(shard_id{63}, won.record.revision, record(2, 2)).result, swap_result::won);
  EXPECT_EQ(mine->swap(shard_id{63}, won.record.revision, record(2, 1)).record.record.leader.node, 2U);
}

TYPED_TEST(config_store_contract, of_many_at_once_each_revision_has_one_winner) {
  constexpr int rivals = 4;
  constexpr int rounds = 25;
  std::vector<std::unique_ptr<config_store>> all;
  for (int i = 0; i < rivals; ++i)
    all.push_back(this->one.open());
  std::atomic<int> won{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < rivals; ++i)
      threads.emplace_back([&, i] {
        std::uint64_t revision = 0;
        for (std::uint64_t epoch = 1; epoch <= rounds;) {
          const auto said = all[i]->swap(shard_id{1}, revision, record(epoch, i + 1));
          ASSERT_NE(said.result, swap_result::unknown);
          won += said.result == swap_result::won ? 1 : 0;
          revision = said.record.revision;
          epoch = said.record.record.epoch.value + 1;
        }
      });
  }
  EXPECT_EQ(won, rounds) << "as many winners as epochs";
  EXPECT_EQ(all[0]->read(shard_id{1})->record.epoch, epoch_t{rounds});
}

}  // namespace
}  // namespace janji::cluster
