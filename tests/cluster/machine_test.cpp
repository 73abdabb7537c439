#include "cluster/replication/machine.hpp"

#include <gtest/gtest.h>

#include "booking/assert.hpp"

namespace janji::replication {
namespace {

struct asserted {};

// Drives one replica by hand: what it wants on disk or in the record is answered when the test says so.
struct replica_test : testing::Test {
  void SetUp() override {
    set_assertion_handler([](const char*, std::source_location) { throw asserted{}; });
  }
  void TearDown() override { set_assertion_handler(nullptr); }
  member me{1, 10};
  machine m{me, 1};
  std::vector<output> out;

  void step(input&& in) {
    out.clear();
    m.step(std::move(in), out);
  }
  template <class T>
  T only() {
    EXPECT_EQ(out.size(), 1U);
    return std::get<T>(out.at(0));
  }
  void start(std::uint64_t promised = 0, position tail = {}, versioned_record record = {}) {
    step(started{epoch_t{promised}, tail, std::move(record)});
  }
  // From a fresh disk to serving.
  void serve() {
    start();
    auto swap = only<swap_record>();
    step(swap_answered{swap_result::won, {1, swap.record}});
    step(persisted{only<persist>().number});
    step(persisted{only<persist>().number});
  }
};

TEST_F(replica_test, a_fresh_disk_makes_the_record_promises_and_writes_its_epoch_start_before_it_serves) {
  start();
  const auto swap = only<swap_record>();
  EXPECT_EQ(swap.expected_revision, 0U);
  EXPECT_EQ(swap.record.epoch, epoch_t{1});
  EXPECT_EQ(swap.record.in_sync, std::vector{me});
  EXPECT_FALSE(m.can_append());
  step(swap_answered{swap_result::won, {1, swap.record}});
  const auto promise = only<persist>();
  EXPECT_EQ(promise.promise, epoch_t{1});
  EXPECT_TRUE(promise.entries.empty());
  step(persisted{promise.number});
  const auto start_entry = only<persist>();
  ASSERT_EQ(start_entry.entries.size(), 1U);
  EXPECT_TRUE(start_entry.entries[0].payload.empty());
  EXPECT_FALSE(m.can_append()) << "nothing is admitted before the epoch-start record is on disk";
  step(persisted{start_entry.number});
  ASSERT_EQ(out.size(), 2U);
  EXPECT_EQ(std::get<serving>(out[0]).epoch, epoch_t{1});
  EXPECT_EQ(std::get<committed>(out[1]).at, (position{epoch_t{1}, sequence_t{1}}));
  EXPECT_TRUE(m.can_append());
}

TEST_F(replica_test, a_batch_is_committed_when_it_is_synced_and_not_before) {
  serve();
  step(append{7, "events"});
  const auto p = only<persist>();
  EXPECT_EQ(p.entries[0].at, (position{epoch_t{1}, sequence_t{2}}));
  EXPECT_FALSE(m.can_append()) << "one batch in flight";
  EXPECT_EQ(m.commit(), sequence_t{1});
  step(persisted{p.number});
  EXPECT_EQ(only<committed>().batch, 7U);
  EXPECT_EQ(m.commit(), sequence_t{2});
}

TEST_F(replica_test, a_replica_that_is_alone_needs_nobody_to_know_that_it_leads) {
  serve();
  const auto before = m.followed();
  step(tick{0});
  EXPECT_EQ(m.followed(), before + 1);
}

TEST_F(replica_test, a_second_batch_in_flight_is_never_taken) {
  serve();
  step(append{7, "a"});
  EXPECT_THROW(step(append{8, "b"}), asserted);
}

TEST_F(replica_test, a_word_of_an_unknown_write_is_ignored) {
  serve();
  step(append{7, "a"});
  step(persisted{999});
  EXPECT_TRUE(out.empty());
  EXPECT_EQ(m.commit(), sequence_t{1});
}

TEST_F(replica_test, a_restarted_leader_takes_a_new_epoch_above_its_promise) {
  shard_record r{epoch_t{4}, me, {me}, {}, 1, 1};
  start(6, {epoch_t{4}, sequence_t{20}}, {3, r});
  const auto swap = only<swap_record>();
  EXPECT_EQ(swap.expected_revision, 3U);
  EXPECT_EQ(swap.record.epoch, epoch_t{7});
  auto mine = swap.record;
  EXPECT_EQ(mine.tenure, (tenure_id{epoch_t{7}, 1}));
  mine.epoch = r.epoch;
  mine.tenure = r.tenure;
  EXPECT_EQ(std::exchange(mine.leader_boot, boot_t{}), boot_t{1}) << "and its own start of that disk";
  EXPECT_EQ(mine, r) << "the swap names the leader and its tenure, and changes nothing else";
  step(swap_answered{swap_result::won, {4, swap.record}});
  step(persisted{only<persist>().number});
  EXPECT_EQ(only<persist>().entries[0].at, (position{epoch_t{7}, sequence_t{21}}));
}

TEST_F(replica_test, a_disk_outside_the_in_sync_set_never_leads) {
  start(1, {}, {3, {epoch_t{4}, {2, 20}, {{2, 20}}, {}, 1, 1}});
  EXPECT_NE(only<stepped_down>().why.find("in-sync"), std::string::npos);
  EXPECT_EQ(m.current_role(), machine::role::stopped);
}

TEST_F(replica_test, a_wiped_disk_of_the_same_node_is_somebody_else) {
  start(0, {}, {3, {epoch_t{4}, {1, 9}, {{1, 9}}, {}, 1, 1}});
  EXPECT_FALSE(std::holds_alternative<swap_record>(out.at(0)));
}

TEST_F(replica_test, bounds_the_lives_it_remembers_of_strangers) {
  serve();
  for (std::uint64_t disk = 1; disk <= 10'000; ++disk) {
    step(received{{epoch_t{1}, {2, disk}, boot_t{5}, me, {}}, heartbeat{}});
    ASSERT_LE(m.lives_known(), limits::lives_max);
  }
  step(received{{epoch_t{1}, {2, 10'000}, boot_t{4}, me, {}}, heartbeat{}});
  EXPECT_TRUE(out.empty()) << "of a former life of the one heard last";
}

TEST_F(replica_test, an_unknown_swap_is_tried_again_and_never_taken_as_won) {
  start();
  step(swap_answered{swap_result::unknown, {}});
  EXPECT_TRUE(std::holds_alternative<swap_record>(out.at(0)));
  EXPECT_EQ(m.current_role(), machine::role::taking_over);
}

TEST_F(replica_test, a_swap_lost_to_ones_own_earlier_try_is_made_above_it) {
  start();
  auto swap = only<swap_record>();
  step(swap_answered{swap_result::unknown, {}});
  step(swap_answered{swap_result::lost, {1, swap.record}});
  const auto next = only<swap_record>();
  EXPECT_EQ(next.expected_revision, 1U);
  EXPECT_EQ(next.record.epoch, epoch_t{2});
}

TEST_F(replica_test, a_swap_lost_to_another_leader_stops_it) {
  start();
  step(swap_answered{swap_result::lost, {1, {epoch_t{5}, {2, 20}, {{2, 20}}, {}, 1, 1}}});
  EXPECT_FALSE(only<stepped_down>().why.empty());
  step(swap_answered{swap_result::won, {}});
  EXPECT_TRUE(out.empty());
}

TEST_F(replica_test, a_higher_epoch_deposes_and_what_is_in_flight_is_unknown) {
  serve();
  step(append{7, "a"});
  const auto p = only<persist>();
  step(record_seen{{2, {epoch_t{9}, {2, 20}, {{2, 20}}, {}, 1, 1}}});
  EXPECT_EQ(only<stepped_down>().unknown, std::vector<std::uint64_t>{7});
  step(persisted{p.number});
  EXPECT_TRUE(out.empty()) << "a deposed leader commits nothing";
}

TEST_F(replica_test, an_older_record_changes_nothing) {
  serve();
  step(record_seen{{1, {epoch_t{1}, me, {me}, {}, 1, 1}}});
  EXPECT_TRUE(out.empty());
  EXPECT_TRUE(m.can_append());
}

TEST_F(replica_test, nothing_is_committed_below_the_floor) {
  start(1, {epoch_t{1}, sequence_t{3}}, {3, {epoch_t{1}, me, {me}, {}, 2, 3}});
  step(swap_answered{swap_result::won, {4, only<swap_record>().record}});
  step(persisted{only<persist>().number});
  step(persisted{only<persist>().number});
  EXPECT_TRUE(out.empty());
  EXPECT_FALSE(m.can_append());
}

TEST_F(replica_test, a_strict_read_is_confirmed_only_while_serving) {
  step(strict_read{1});
  EXPECT_FALSE(only<strict_read_done>().confirmed);
  serve();
  step(strict_read{2});
  EXPECT_TRUE(only<strict_read_done>().confirmed);
}

TEST_F(replica_test, a_machine_that_was_deposed_while_promising_does_not_lead) {
  start();
  step(swap_answered{swap_result::won, {1, only<swap_record>().record}});
  const auto promise = only<persist>();
  step(record_seen{{2, {epoch_t{9}, {2, 20}, {{2, 20}}, {}, 1, 1}}});
  step(persisted{promise.number});
  EXPECT_TRUE(out.empty());
}

}  // namespace
}  // namespace janji::replication
