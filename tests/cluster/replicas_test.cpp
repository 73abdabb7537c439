// The common way, take-over and reconciliation.
#include "tests/cluster/replicas.hpp"

namespace janji::replication {
namespace {

using testing_by_hand::cluster_test;

// ------------------------------------------------------------------ the common way

TEST_F(cluster_test, three_fresh_replicas_serve_after_their_epoch_start_is_on_all_disks) {
  for (int n = 0; n < 3; ++n)
    start(n);
  run();
  EXPECT_EQ(at(0).m->current_role(), machine::role::serving);
  for (int n = 0; n < 3; ++n)
    EXPECT_EQ(tail(n), pos(2, 1));
  EXPECT_EQ(record.record.leader, who(0));
}

TEST_F(cluster_test, a_booking_is_confirmed_when_every_in_sync_disk_has_it_and_not_before) {
  serve();
  const auto b = book(0);
  sync(0);
  net.clear();  // nobody else has it
  EXPECT_FALSE(confirmed(0, b));
  at(0).said.clear();
  ticks_all(10);
  EXPECT_TRUE(confirmed(0, b)) << "it is sent again";
  EXPECT_EQ(tail(1), tail(0));
  EXPECT_EQ(tail(2), tail(0));
}

TEST_F(cluster_test, followers_learn_of_commits_and_apply_them_in_order) {
  serve();
  book(0);
  run();
  ticks_all(static_cast<int>(machine_options{}.heartbeat_ticks));
  EXPECT_EQ(at(1).m->commit(), sequence_t{2});
  EXPECT_EQ(heard<apply_up_to>(1).back().at, pos(2, 2));
}

TEST_F(cluster_test, an_acknowledgement_is_given_only_after_the_sync) {
  serve();
  book(0);
  const auto m = *std::ranges::find_if(net, [](const send& x) { return x.head.to.node == 1; });
  net.clear();
  send_again(1, m);
  EXPECT_TRUE(net.empty());
  sync(1);
  ASSERT_EQ(net.size(), 1U);
  EXPECT_EQ(std::get<acknowledgement>(net[0].what).at, pos(2, 2));
}

TEST_F(cluster_test, messages_wait_while_a_write_is_on_its_way_to_disk) {
  serve();
  book(0);
  const auto m = *std::ranges::find_if(net, [](const send& x) { return x.head.to.node == 1; });
  net.clear();
  send_again(1, m);
  send_again(1, m);
  EXPECT_TRUE(net.empty());
  sync(1);
  EXPECT_EQ(net.size(), 2U) << "the repeated one is acknowledged again";
}

TEST_F(cluster_test, a_repeated_append_is_acknowledged_again) {
  serve();
  const auto b = book(0);
  const auto sent = net;
  sync(0);
  for (const auto& m : sent)
    send_again(static_cast<int>(m.head.to.node), m);
  sync(1);
  sync(2);
  net.clear();  // both acknowledgements are lost
  for (const auto& m : sent)
    send_again(static_cast<int>(m.head.to.node), m);
  run();
  EXPECT_TRUE(confirmed(0, b));
}

// Found by the simulator, seed 1007983: the entry was never sent again, and the shard confirmed nothing until its leader changed.
TEST_F(cluster_test, a_late_acknowledgement_is_not_taken_for_the_answer_to_an_order) {
  serve();
  book(0);
  run();
  const header from_1{epoch_t{2}, who(1), boot_t{1}, who(0), boot_t{1}};
  const send late{from_1, acknowledgement{pos(2, 2)}};
  const auto deliver = [this](bool without_acknowledgements_of_1) {
    for (auto& m : std::exchange(net, {}))
      if (!without_acknowledgements_of_1 || m.head.from.node != 1 || !std::holds_alternative<acknowledgement>(m.what))
        send_again(static_cast<int>(m.head.to.node), m);
    for (int n = 0; n < 3; ++n)
      sync(n);
  };
  const auto b = book(0);
  send_again(0, {from_1, refusal{epoch_t{1}, {}, {}, false}});  // of the time before its promise
  for (int i = 0; i < 10; ++i)
    deliver(true);
  ASSERT_EQ(tail(1), pos(2, 3));
  ASSERT_FALSE(confirmed(0, b));
  send_again(0, late);
  ticks_all(50);
  EXPECT_TRUE(confirmed(0, b));
}

// ------------------------------------------------------------------ take-over and reconciliation

TEST_F(cluster_test, when_the_leader_is_silent_another_takes_over_and_the_booking_is_still_there) {
  serve();
  const auto b = book(0);
  run();
  ASSERT_TRUE(confirmed(0, b));
  crash(0);
  ticks(1, 100);
  EXPECT_EQ(record.record.leader, who(1));
  EXPECT_EQ(at(1).m->current_role(), machine::role::serving);
  EXPECT_EQ(record.record.in_sync, (std::vector{who(1), who(2)})) << "the dead one was dropped by a swap of its own";
  EXPECT_EQ(at(1).log[1].payload, "b1");
}

TEST_F(cluster_test, the_take_over_swap_names_the_leader_and_changes_nothing_else) {
  serve();
  crash(0);
  step(1, link_broken{0});
  for (int i = 0; i < 60 && !swapping; ++i)
    step(1, tick{0});
  ASSERT_TRUE(swapping);
  auto only_leader = record.record;
  only_leader.leader = who(1);
  only_leader.epoch = swapping->second.record.epoch;
  only_leader.tenure = swapping->second.record.tenure;
  EXPECT_EQ(swapping->second.record, only_leader);
  EXPECT_EQ(swapping->second.record.tenure.epoch, swapping->second.record.epoch) << "a tenure of its own begins";
  EXPECT_EQ(swapping->second.record.hand_over, 0U);
}

TEST_F(cluster_test, a_silent_member_is_dropped_during_reconciliation_too) {
  start(0);
  start(1);
  at(2).up = false;
  run();
  EXPECT_EQ(at(0).m->current_role(), machine::role::promising);
  for (int i = 0; i < 60; ++i) {
    ticks(0, 1);
    ticks(1, 1);
  }
  EXPECT_EQ(record.record.in_sync, (std::vector{who(0), who(1)}));
  EXPECT_EQ(at(0).m->current_role(), machine::role::serving);
}

// The third may be a disk that is lost: with it, the one that was dropped would leave a set that only an operator can mend.
TEST_F(cluster_test, nobody_is_dropped_because_of_one_that_was_not_heard_yet) {
  start(0);
  step(0, link_broken{1});
  run();
  ASSERT_EQ(at(0).m->current_role(), machine::role::promising);
  ticks(0, 100);
  EXPECT_EQ(record.record.in_sync.size(), 3U) << "neither was heard";
  start(1);
  ticks_all(60);
  EXPECT_EQ(record.record.in_sync, (std::vector{who(0), who(1)}));
  EXPECT_EQ(at(0).m->current_role(), machine::role::serving);
}

// Two die one after the other, and the links say so: whichever was dropped on the word of the other, which is dying itself, the set would
// be left with one that may never come back.
TEST_F(cluster_test, nobody_is_dropped_because_of_one_that_is_dying_too) {
  serve();
  crash(1);
  step(0, link_broken{1});
  ticks(0, 1);
  crash(2);
  step(0, link_broken{2});
  ticks(0, 100);
  EXPECT_EQ(record.record.in_sync.size(), 3U);
  start(1);
  ticks_all(60);
  EXPECT_EQ(record.record.in_sync, (std::vector{who(0), who(1)}));
  EXPECT_EQ(at(0).m->current_role(), machine::role::serving);
}

// A follower hears its leader alone: a link of last week that broke is no reason to drop a member at once when that leader hands over.
TEST_F(cluster_test, a_doubt_ends_where_the_leader_goes_on_with_the_member) {
  serve();
  step(1, link_broken{2});
  ticks_all(60);
  step(0, order{1, order::verb::hand_over, who(1), {}});
  ticks(0, 1);
  ASSERT_EQ(heard<pass_table>(0).size(), 1U);
  at(2).up = false;  // late, no more
  step(0, table_acknowledged{heard<pass_table>(0)[0].number});
  run();
  see(1);
  run();
  ASSERT_EQ(record.record.leader, who(1));
  ticks_all(8);
  EXPECT_EQ(record.record.in_sync.size(), 3U);
  at(2).up = true;
  ticks_all(8);
  EXPECT_EQ(record.record.in_sync.size(), 3U);
  EXPECT_EQ(at(1).m->current_role(), machine::role::serving);
}

TEST_F(cluster_test, a_leader_whose_swap_could_not_be_made_goes_on_leading) {
  serve();
  step(0, link_broken{2});
  for (int i = 0; i < 60 && !swapping; ++i) {
    step(0, tick{0});
    for (auto& m : std::exchange(net, {}))
      if (m.head.to == who(1))
        step(1, received{m.head, m.what});
  }
  ASSERT_TRUE(swapping);
  swap(swap_result::not_done, false);
  EXPECT_EQ(at(0).m->current_role(), machine::role::serving);
  EXPECT_EQ(record.record.in_sync.size(), 3U);
  const auto b = book(0);
  step(0, tick{0});
  EXPECT_FALSE(swapping) << "it is not tried again at once";
  run();
  EXPECT_TRUE(confirmed(0, b)) << "by all three: the silent one is back";
}

TEST_F(cluster_test, a_leader_that_hears_nobody_changes_nothing) {
  serve();
  crash(1);
  crash(2);
  ticks(0, 100);
  EXPECT_EQ(record.record.in_sync.size(), 3U) << "fewer alive than the floor: no change of the record";
}

// What it leads is only as new as this: numbers that people see say so.
TEST_F(cluster_test, a_leader_knows_when_so_many_followed_it_that_nobody_else_could_serve) {
  serve();
  const auto grows = [&](int ticks) {
    const auto before = at(0).m->followed();
    ticks_all(ticks);
    EXPECT_EQ(at(0).m->current_role(), machine::role::serving);
    return at(0).m->followed() > before;
  };
  EXPECT_TRUE(grows(8));
  crash(2);
  EXPECT_TRUE(grows(8)) << "the third alone is too few";
  crash(1);
  EXPECT_FALSE(grows(8)) << "the two that it does not hear could go on without it";
}

TEST_F(cluster_test, half_of_four_is_not_enough_to_know_that_nobody_else_serves) {
  record.record.in_sync.push_back(who(3));
  start(3);
  serve();
  crash(2);
  ticks_all(5);
  const auto before = at(0).m->followed();
  ticks_all(5);
  EXPECT_GT(at(0).m->followed(), before) << "one is left";
  crash(3);
  const auto alone = at(0).m->followed();
  ticks_all(5);
  EXPECT_EQ(at(0).m->followed(), alone) << "two are left, and two are enough to serve";
}

TEST_F(cluster_test, the_best_log_is_adopted_before_anybody_is_cut) {
  fill(0, {pos(1, 1)}, 2);
  fill(1, {pos(1, 1), pos(2, 2), pos(2, 3)}, 2);
  fill(2, {pos(1, 1), pos(1, 2), pos(1, 3), pos(1, 4)}, 2);
  for (int n = 0; n < 3; ++n)
    start(n);
  run();
  EXPECT_EQ(at(0).m->current_role(), machine::role::serving);
  for (int n = 0; n < 3; ++n) {
    ASSERT_EQ(at(n).log.size(), 4U) << n;
    EXPECT_EQ(at(n).log[1].at, pos(2, 2));
    EXPECT_EQ(at(n).log[2].at, pos(2, 3));
    EXPECT_EQ(at(n).log[3].at.epoch, at(0).m->epoch());
  }
}

TEST_F(cluster_test, a_follower_is_cut_by_position_and_never_to_its_own_commit_mark) {
  fill(0, {pos(1, 1), pos(1, 2), pos(1, 3)}, 1);
  fill(1, {pos(1, 1), pos(1, 2), pos(1, 3)}, 1);
  fill(2, {pos(1, 1), pos(1, 2), pos(1, 3)}, 1);
  for (int n = 0; n < 3; ++n)
    start(n, sequence_t{1});
  swap();
  sync(0);
  for (auto& m : std::exchange(net, {}))
    send_again(static_cast<int>(m.head.to.node), m);
  sync(1);
  ASSERT_NE(to<promise>(0), nullptr);
  EXPECT_EQ(to<promise>(0)->log.tail, pos(1, 3));
}

TEST_F(cluster_test, a_late_duplicate_of_the_reconcile_order_cuts_nothing) {
  for (int n = 0; n < 3; ++n)
    start(n);
  std::optional<send> order_sent;
  for (int i = 0; i < 100 && at(0).m->current_role() != machine::role::serving; ++i) {
    if (swapping)
      swap();
    for (int n = 0; n < 3; ++n)
      sync(n);
    for (auto& m : std::exchange(net, {})) {
      if (const auto* a = std::get_if<append_request>(&m.what); a != nullptr && a->may_cut && m.head.to.node == 1)
        order_sent = m;
      send_again(static_cast<int>(m.head.to.node), m);
    }
  }
  ASSERT_TRUE(order_sent);
  book(0);
  run();
  ASSERT_EQ(tail(1), pos(2, 2));
  send_again(1, *order_sent);
  run();
  EXPECT_EQ(tail(1), pos(2, 2));
}

TEST_F(cluster_test, a_restarted_leader_takes_a_new_epoch) {
  serve();
  book(0);  // sent, not synced
  const auto sent = net;
  crash(0);
  for (const auto& m : std::exchange(net, {}))
    send_again(static_cast<int>(m.head.to.node), m);
  sync(1);
  net.clear();
  start(0);
  ASSERT_TRUE(swapping) << "it does not go on in the epoch that it led";
  run();
  EXPECT_EQ(at(0).log[1].at, pos(2, 2)) << "what it had sent and forgotten was adopted from the other";
  EXPECT_EQ(at(0).log[2].at, pos(3, 3));
}

TEST_F(cluster_test, a_leader_whose_log_lacks_what_a_member_knows_to_be_committed_refuses_to_serve) {
  fill(0, {pos(1, 1)}, 1);
  fill(1, {pos(1, 1)}, 1);
  fill(2, {pos(1, 1)}, 1);
  start(0);
  start(1, sequence_t{1});
  start(2);
  swap();
  sync(0);
  for (auto& m : std::exchange(net, {}))
    send_again(static_cast<int>(m.head.to.node), m);
  sync(1);
  sync(2);
  for (auto& m : std::exchange(net, {})) {
    if (auto* p = std::get_if<promise>(&m.what))
      p->commit = sequence_t{9};
    send_again(0, m);
  }
  ASSERT_FALSE(heard<stepped_down>(0).empty());
  EXPECT_NE(heard<stepped_down>(0).back().why.find("forgot"), std::string::npos);
}

TEST_F(cluster_test, a_leader_whose_disk_forgot_what_the_others_have_compacted_adopts_their_snapshot) {
  fill(0, {pos(1, 1)}, 1);
  at(1).base = at(2).base = pos(1, 4);
  fill(1, {pos(1, 5)}, 1);
  fill(2, {pos(1, 5)}, 1);
  for (int n = 0; n < 3; ++n)
    start(n);
  run();
  EXPECT_EQ(at(0).m->current_role(), machine::role::serving);
  EXPECT_EQ(at(0).base, pos(1, 4));
  EXPECT_EQ(tail(0), pos(2, 6));
}

TEST_F(cluster_test, a_best_log_that_lacks_what_is_committed_here_is_not_adopted) {
  fill(0, {pos(1, 1), pos(1, 2)}, 2);
  fill(1, {pos(1, 1), pos(2, 2)}, 2);
  fill(2, {pos(1, 1), pos(2, 2)}, 2);
  start(0, sequence_t{2});
  start(1);
  start(2);
  run();
  EXPECT_EQ(heard<alarm>(0).size(), 1U);
  EXPECT_EQ(at(0).m->current_role(), machine::role::stopped);
}

TEST_F(cluster_test, a_member_that_no_longer_holds_the_log_that_it_reported_is_asked_again) {
  fill(0, {pos(1, 1)}, 1);
  fill(1, {pos(1, 1), pos(1, 2)}, 1);
  fill(2, {pos(1, 1)}, 1);
  for (int n = 0; n < 3; ++n)
    start(n);
  for (int i = 0; i < 50 && to<pull_request>(1) == nullptr; ++i) {
    if (swapping)
      swap();
    for (auto& m : std::exchange(net, {}))
      send_again(static_cast<int>(m.head.to.node), m);
    for (int n = 0; n < 3; ++n)
      sync(n);
  }
  ASSERT_NE(to<pull_request>(1), nullptr);
  const auto asked = *std::ranges::find_if(net, [](const send& m) { return std::holds_alternative<pull_request>(m.what); });
  net.clear();
  send_again(0, {{asked.head.epoch, who(1), boot_t{1}, who(0), boot_t{1}}, pulled{pos(1, 1), {}, std::nullopt}});
  EXPECT_EQ(at(0).m->current_role(), machine::role::promising);
  EXPECT_NE(to<promise_request>(1), nullptr);
  run();
  EXPECT_EQ(tail(0), pos(2, 3));
}

// All in-sync disks but one learner's are gone: an operator has it trusted alone.
TEST_F(cluster_test, a_disk_that_an_operator_promoted_serves_when_a_second_holds_all_that_it_holds) {
  serve();
  book(0);
  run();
  crash(0);
  crash(1);
  const auto epoch = epoch_t{record.record.epoch.value + 1};
  record = {record.revision + 1, {epoch, who(2), {who(2)}, {}, 2, 3}};
  see(2);
  ticks(2, 50);
  EXPECT_EQ(at(2).m->current_role(), machine::role::reconciling) << "one disk is below the floor";
  EXPECT_EQ(record.record.epoch, epoch);
  start(3);
  step(2, order{1, order::verb::add_learner, who(3), {}});
  run();
  see(3);
  ticks_all(40);
  EXPECT_EQ(record.record.in_sync, (std::vector{who(2), who(3)}));
  EXPECT_EQ(at(2).m->current_role(), machine::role::serving);
  EXPECT_EQ(at(3).log[1].payload, "b1");
  EXPECT_EQ(tail(2), tail(3));
}

TEST_F(cluster_test, a_lost_disk_that_is_found_again_after_a_promotion_is_not_let_in_with_what_it_holds) {
  serve();
  at(2).up = false;
  book(0);  // not on the disk that will be promoted
  for (int i = 0; i < 60; ++i) {
    ticks(0, 1);
    ticks(1, 1);
  }
  ASSERT_TRUE(confirmed(0, 1));
  crash(0);
  crash(1);
  at(2).up = true;
  record = {record.revision + 1, {epoch_t{record.record.epoch.value + 1}, who(2), {who(2)}, {who(3)}, 2, 3}};
  start(3);
  see(2);
  see(3);
  ticks_all(40);
  ASSERT_EQ(at(2).m->current_role(), machine::role::serving);
  start(0, sequence_t{2});
  step(2, order{1, order::verb::add_learner, who(0), {}});
  run();
  see(0);
  see(3);
  ticks_all(60);
  EXPECT_EQ(record.record.in_sync, (std::vector{who(2), who(3)})) << "what it knows to be committed the others never had";
  EXPECT_EQ(at(2).m->current_role(), machine::role::serving);
  const auto b = book(2);
  run();
  EXPECT_TRUE(confirmed(2, b));
  crash(0);  // wiped
  at(0) = node{.boot = at(0).boot, .disk = 7};
  start(0);
  ticks_all(60);
  step(2, order{2, order::verb::remove, {0, 0}, {}});
  run();
  step(2, order{3, order::verb::add_learner, who(0), {}});
  run();
  see(0);
  see(3);
  ticks_all(60);
  EXPECT_EQ(record.record.in_sync, (std::vector{who(2), who(3), who(0)}));
  EXPECT_EQ(tail(0), tail(2));
}

TEST_F(cluster_test, an_unfit_store_never_leads) {
  serve();
  crash(0);
  at(1).m = std::make_unique<machine>(who(1), machine_options{.min_in_sync = 2, .boot = boot_t{9}});
  step(1, started{at(1).promised, {}, record, {}, {}, "its counters disagree"});
  for (int i = 0; i < 200; ++i)
    step(1, tick{0});
  EXPECT_FALSE(swapping);
}

}  // namespace
}  // namespace janji::replication
