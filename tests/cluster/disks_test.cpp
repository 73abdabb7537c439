// Disks that hang: whoever waits for its own neither leads nor is counted. Disks that are slow beside others.
#include <array>

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

// ------------------------------------------------------------------ slow disks

struct slow_disks_test : disks_test {
  bool records_away = false;
  std::array<std::uint32_t, 4> us{2'000, 3'000, 2'500, 2'000};
  void time(int ticks_count) {
    for (int i = 0; i < ticks_count; ++i)
      for (int n = 0; n < 4; ++n)
        if (at(n).up && at(n).m) {
          step(n, tick{0, 0, us[static_cast<std::size_t>(n)], records_away});
          run();
        }
  }
  const int long_enough = static_cast<int>(machine_options{}.slow_member_ticks + 2 * machine_options{}.heartbeat_ticks);
  const int wait = static_cast<int>(limits::slow_wait_ticks);
  [[nodiscard]] bool in_sync(int n) { return std::ranges::find(record.record.in_sync, who(n)) != record.record.in_sync.end(); }
};

TEST_F(slow_disks_test, a_slow_member_learns_until_it_is_fast_again_and_waits_longer_each_time) {
  serve();
  us[1] = 200'000;
  time(long_enough);
  EXPECT_FALSE(in_sync(1));
  EXPECT_EQ(record.record.learners, std::vector{who(1)}) << "it is sent everything";
  const auto epoch = record.record.epoch;
  time(4 * wait);
  EXPECT_EQ(record.record.epoch, epoch) << "nothing comes and goes";
  us[1] = 3'000;
  time(2 * static_cast<int>(machine_options{}.heartbeat_ticks));
  EXPECT_TRUE(in_sync(1));
  us[1] = 200'000;
  time(long_enough);
  EXPECT_FALSE(in_sync(1));
  us[1] = 3'000;
  time(wait);
  EXPECT_FALSE(in_sync(1)) << "it was slow before";
  time(wait);
  EXPECT_TRUE(in_sync(1));
}

TEST_F(slow_disks_test, a_slow_leader_names_the_fastest_that_is_in_sync) {
  serve();
  time(static_cast<int>(machine_options{}.heartbeat_ticks) + 1);
  us[0] = 200'000;
  time(static_cast<int>(machine_options{}.slow_leader_ticks) - 1);
  EXPECT_FALSE(at(0).m->faster_leader());
  time(1);
  EXPECT_EQ(at(0).m->faster_leader(), who(2));
}

// A swap into a store that is away has no known outcome, and would cost the shard its leader until it is back.
TEST_F(slow_disks_test, while_the_store_of_records_is_away_nobody_is_demoted_taken_in_or_given_the_lead) {
  serve();
  us[1] = 200'000;
  time(long_enough);
  ASSERT_EQ(record.record.learners, std::vector{who(1)});
  records_away = true;
  us[1] = 3'000;
  us[2] = 200'000;
  time(2 * long_enough);
  EXPECT_EQ(record.record.learners, std::vector{who(1)});
  EXPECT_TRUE(in_sync(2));
  us = {200'000, 3'000, 2'500, 2'000};
  time(2 * long_enough);
  EXPECT_FALSE(at(0).m->faster_leader());
  records_away = false;
  time(1);
  EXPECT_TRUE(in_sync(1));
}

TEST_F(slow_disks_test, disks_that_are_slow_alike_change_nothing) {
  serve();
  const auto epoch = record.record.epoch;
  for (const auto& alike : {std::array{200'000U, 230'000U, 900'000U, 0U}, {12'000U, 30'000U, 59'000U, 0U}, {900U, 1'000U, 49'000U, 0U}}) {
    us = alike;
    time(4 * long_enough);
    EXPECT_EQ(record.record.epoch, epoch) << us[0];
    EXPECT_FALSE(at(0).m->faster_leader());
  }
}

// Every batch would wait for it: a citizen sees 60 ms beside 2.
TEST_F(slow_disks_test, a_disk_is_slow_at_some_fifty_milliseconds_where_the_others_take_two) {
  serve();
  us = {1'500, 60'000, 2'000, 0};
  time(long_enough);
  EXPECT_FALSE(in_sync(1));
  EXPECT_EQ(record.record.learners, std::vector{who(1)});
}

TEST_F(slow_disks_test, a_late_write_now_and_then_costs_no_membership) {
  serve();
  for (int i = 0; i < 20; ++i) {
    us[1] = 400'000;
    time(static_cast<int>(machine_options{}.slow_member_ticks) / 2);
    us[1] = 20'000;
    time(static_cast<int>(machine_options{}.heartbeat_ticks));
  }
  EXPECT_TRUE(in_sync(1));
}

TEST_F(slow_disks_test, with_one_good_disk_left_a_slow_one_stays) {
  serve();
  crash(2);
  time(4 * patience);
  ASSERT_EQ(record.record.in_sync.size(), 2U);
  us[1] = 200'000;
  time(4 * long_enough);
  EXPECT_TRUE(in_sync(1));
}

TEST_F(slow_disks_test, a_slow_learner_is_taken_in_where_the_shard_stands_still_without_it) {
  serve();
  us[1] = 200'000;
  time(long_enough);
  ASSERT_EQ(record.record.learners, std::vector{who(1)});
  crash(2);
  time(4 * patience);
  EXPECT_EQ(record.record.in_sync, (std::vector{who(0), who(1)}));
  const auto b = book(0);
  run();
  EXPECT_TRUE(confirmed(0, b));
}

// Restarting again and again is as bad.
TEST_F(slow_disks_test, a_member_that_goes_silent_again_and_again_is_waited_for) {
  start(3);
  serve();
  const auto learn = [&] {
    step(0, order{9, order::verb::add_learner, who(2), {}});
    run();
    time(8);
  };
  const auto die = [&] {
    at(2).up = false;
    time(4 * patience);
    at(2).up = true;
    start(2);
    ASSERT_FALSE(in_sync(2));
  };
  die();
  learn();
  ASSERT_TRUE(in_sync(2)) << "the first time is forgiven";
  die();
  learn();
  EXPECT_TRUE(in_sync(2)) << "it has waited while it was away";
  for (int i = 0; i < 4; ++i) {
    die();
    learn();
  }
  EXPECT_FALSE(in_sync(2));
  time(static_cast<int>(limits::silent_wait_ticks_max));
  EXPECT_TRUE(in_sync(2));
}

}  // namespace
}  // namespace janji::replication
