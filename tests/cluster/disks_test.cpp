// Disks that hang: whoever waits for its own neither leads nor is counted.
#include "tests/cluster/replicas.hpp"

namespace janji::replication {
namespace {

struct disks_test : testing_by_hand::cluster_test {
  const int patience = static_cast<int>(machine_options{}.suspect_ticks);
  [[nodiscard]] machine::role role(int n) { return at(n).m->current_role(); }
};

TEST_F(disks_test, a_leader_whose_disk_hangs_leaves_the_shard_to_the_others) {
  serve();
  hung = {0};
  const auto b = book(0);
  ticks_all(patience - 1);
  EXPECT_EQ(role(0), machine::role::serving) << "it may only be slow";
  ticks_all(1);
  EXPECT_EQ(role(0), machine::role::stopped);
  ASSERT_EQ(heard<stepped_down>(0).size(), 1U);
  EXPECT_EQ(heard<stepped_down>(0)[0].unknown, std::vector{b});
  ticks_all(4 * patience);
  EXPECT_EQ(record.record.in_sync.size(), 2U) << "the others go on without it";
  EXPECT_NE(record.record.leader, who(0));
  const int leader = record.record.leader == who(1) ? 1 : 2;
  ASSERT_EQ(role(leader), machine::role::serving);
  EXPECT_TRUE(confirmed(leader, book(leader)) || (run(), confirmed(leader, batches)));
  hung.clear();
  ticks_all(4);
  EXPECT_EQ(role(0), machine::role::stopped) << "what its disk gives back late makes it no leader";
}

TEST_F(disks_test, a_leader_whose_node_waits_for_another_shard_s_write_leaves_too) {
  serve();
  step(0, tick{0, machine_options{}.suspect_ticks});
  EXPECT_EQ(role(0), machine::role::stopped) << "one disk serves all shards";
  for (int i = 0; i < 4 * patience; ++i)
    step(0, tick{0, machine_options{}.suspect_ticks});
  EXPECT_FALSE(swapping) << "and it does not stand while the disk hangs";
}

TEST_F(disks_test, where_all_disks_hang_the_leader_stays) {
  serve();
  hung = {0, 1, 2};
  const auto b = book(0);
  ticks_all(3 * patience);
  EXPECT_EQ(record.record.epoch, epoch_t{2}) << "nobody would do better";
  hung.clear();
  ticks_all(2);
  EXPECT_TRUE(confirmed(0, b));
}

TEST_F(disks_test, a_follower_whose_disk_hangs_is_not_counted) {
  serve();
  for (int i = 0; i < 2 * patience; ++i) {
    step(2, tick{0, machine_options{}.suspect_ticks});
    for (const int n : {0, 1})
      ticks(n, 1);
  }
  EXPECT_EQ(record.record.in_sync, (std::vector{who(0), who(1)})) << "another shard's write on its disk has not come back";
  const auto b = book(0);
  run();
  EXPECT_TRUE(confirmed(0, b));
}

TEST_F(disks_test, a_replica_that_is_named_leader_does_not_lead_while_its_disk_hangs) {
  serve();
  step(1, tick{0, machine_options{}.suspect_ticks});
  record.record.leader = who(1);
  record.record.epoch = epoch_t{record.record.epoch.value + 1};
  ++record.revision;
  see(1);
  EXPECT_FALSE(at(1).m->leading());
  step(1, tick{});
  EXPECT_TRUE(at(1).m->leading()) << "it came back";
}

TEST_F(disks_test, a_replacement_whose_learner_hangs_is_given_up) {
  record.record.in_sync = {who(0), who(1)};
  record.record.learners = {who(2)};
  start(0);
  start(1);
  start(2);
  run();
  ASSERT_EQ(role(0), machine::role::serving);
  crash(1);
  crash(2);
  ticks(0, patience * 2);
  step(0, order{1, order::verb::replace, who(1), who(2)});
  ASSERT_TRUE(heard<order_answered>(0).back().accepted) << heard<order_answered>(0).back().why;
  ticks(0, 2);
  step(0, order{2, order::verb::replace, who(1), who(2)});
  EXPECT_TRUE(heard<order_answered>(0).back().accepted) << "the operator may name another: " << heard<order_answered>(0).back().why;
}

}  // namespace
}  // namespace janji::replication
