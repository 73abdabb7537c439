// Disks that forget, learners, orders, strict reads.
#include "tests/cluster/replicas.hpp"

namespace janji::replication {
namespace {

using testing_by_hand::cluster_test;

// ------------------------------------------------------------------ disks that forget

TEST_F(cluster_test, a_member_that_forgot_is_refilled_and_counts_for_nothing_until_then) {
  serve();
  const auto b = book(0);
  run();
  ASSERT_TRUE(confirmed(0, b));
  crash(1);
  at(1).log.pop_back();
  start(1, sequence_t{2});
  EXPECT_EQ(heard<alarm>(1).size(), 1U);
  ticks_all(12);
  EXPECT_EQ(tail(1), tail(0));
  EXPECT_EQ(heard<alarm>(0).size(), 1U);
}

// What is put back has forgotten its promises too. A leader that was frozen since must find nobody who follows it.
TEST_F(cluster_test, a_disk_that_was_put_back_follows_nobody_below_the_record_that_it_starts_with) {
  serve();
  const auto b = book(0);
  run();
  ASSERT_TRUE(confirmed(0, b));
  const auto copy = at(1).log;
  const auto promised = at(1).promised;
  const auto old = record.record;
  book(0);
  const auto late = net;  // of a leader that is frozen from here on
  net.clear();
  crash(0);
  ticks(1, 60);
  run();
  ASSERT_GT(record.record.epoch, old.epoch);
  crash(1);
  at(1).log = copy;
  at(1).promised = promised;
  start(1);
  net.clear();
  for (const auto& m : late)
    if (m.head.to == who(1)) {
      auto again = m;
      again.head.to_boot = at(1).boot;
      send_again(1, again);
    }
  EXPECT_FALSE(at(1).busy && !at(1).busy->entries.empty()) << "it takes what an older leader sends";
  EXPECT_EQ(to<acknowledgement>(0), nullptr);
  ASSERT_NE(to<refusal>(0), nullptr);
  EXPECT_GE(to<refusal>(0)->promised, record.record.epoch);
}

// The record was not to be read at the start: nothing is known of what was promised.
TEST_F(cluster_test, a_start_that_has_seen_no_record_follows_nobody) {
  serve();
  run();
  crash(1);
  at(1).boot = boot_t{at(1).boot.value + 1};
  at(1).m = std::make_unique<machine>(who(1), machine_options{.min_in_sync = 2, .boot = at(1).boot, .faults = faults});
  at(1).up = true;
  auto shape = log_shape::starting_at(at(1).base);
  for (const auto& e : at(1).log)
    shape.append(e.at);
  step(1, started{at(1).promised, tail(1), {}, shape, {}, {}});
  net.clear();
  step(1, received{{record.record.epoch, who(0), at(0).boot, who(1), boot_t{}}, promise_request{record}});
  EXPECT_TRUE(net.empty());
  see(1);
  step(1, received{{record.record.epoch, who(0), at(0).boot, who(1), boot_t{}}, promise_request{record}});
  EXPECT_NE(to<promise>(0), nullptr);
}

// Two disks that were put back within one boot agree with each other, and nobody else is there to know better.
TEST_F(cluster_test, disks_that_were_put_back_do_not_serve_what_they_lack_though_they_agree) {
  record.record.epoch = epoch_t{2};
  fill(0, {pos(1, 1), pos(1, 2)}, 2);
  fill(1, {pos(1, 1), pos(1, 2)}, 2);
  fill(2, {pos(1, 1), pos(1, 2), pos(1, 3)}, 2);
  outside = pos(1, 3);
  start(0);
  start(1);
  run();
  ticks_all(200);
  EXPECT_EQ(at(0).m->missing(), outside);
  EXPECT_NE(at(0).m->current_role(), machine::role::serving);
  EXPECT_EQ(record.record.in_sync.size(), 3U) << "the one that holds it is not dropped";
  EXPECT_EQ(heard<alarm>(0).size(), 1U);
  start(2);
  ticks_all(60);
  EXPECT_EQ(at(0).m->current_role(), machine::role::serving) << "as soon as the disk that holds it is there";
  EXPECT_EQ(at(0).log.at(2).at, pos(1, 3));
  EXPECT_EQ(at(0).m->missing(), std::nullopt);
}

TEST_F(cluster_test, without_a_look_outside_two_disks_that_were_put_back_outvote_the_third) {
  faults.ignore_outside = true;
  record.record.epoch = epoch_t{2};
  fill(0, {pos(1, 1), pos(1, 2)}, 2);
  fill(1, {pos(1, 1), pos(1, 2)}, 2);
  outside = pos(1, 3);
  start(0);
  start(1);
  run();
  ticks_all(200);
  EXPECT_EQ(at(0).m->current_role(), machine::role::serving);
}

TEST_F(cluster_test, what_an_operator_has_given_up_is_not_waited_for) {
  fill(0, {pos(1, 1), pos(1, 2)}, 2);
  outside = pos(1, 3);
  record = {7, {epoch_t{3}, who(0), {who(0)}, {who(1)}, 2, 3, {}, 0, {}, epoch_t{3}}};
  start(0);
  start(1);
  run();
  ticks_all(60);
  EXPECT_EQ(at(0).m->current_role(), machine::role::serving);
  outside = pos(record.record.epoch.value, 90);
  crash(0);
  start(0);
  ticks_all(200);
  EXPECT_NE(at(0).m->current_role(), machine::role::serving) << "what was committed since is another matter";
}

TEST_F(cluster_test, a_leader_that_cannot_look_outside_waits_and_asks_again) {
  answers_outside = false;
  for (int n = 0; n < 3; ++n)
    start(n);
  run();
  ticks_all(100);
  EXPECT_EQ(at(0).m->current_role(), machine::role::promising);
  EXPECT_EQ(at(0).m->missing(), std::nullopt) << "nothing is known to be";
  answers_outside = true;
  ticks_all(60);
  EXPECT_EQ(at(0).m->current_role(), machine::role::serving);
}

// A frozen original and the copy that took its place are the same member to the record.
TEST_F(cluster_test, an_epoch_that_another_start_of_the_same_disk_took_is_not_led) {
  serve();
  auto& r = record.record;
  record = {record.revision + 1, r};
  r.epoch = epoch_t{r.epoch.value + 1};
  r.leader = who(1);
  r.leader_boot = boot_t{at(1).boot.value + 1};
  net.clear();
  see(1);
  run();
  EXPECT_FALSE(at(1).m->leading());
  ++record.revision;
  r.epoch = epoch_t{r.epoch.value + 1};
  r.leader_boot = at(1).boot;
  see(1);
  run();
  EXPECT_TRUE(at(1).m->leading()) << "handed over to this start";
}

TEST_F(cluster_test, a_wiped_disk_is_somebody_else_and_cannot_stand) {
  serve();
  crash(1);
  at(1).disk = 5;
  at(1).log.clear();
  at(1).promised = {};
  crash(0);
  start(1);
  for (int i = 0; i < 200; ++i)
    step(1, tick{0});
  EXPECT_FALSE(swapping);
}

// ------------------------------------------------------------------ membership

TEST_F(cluster_test, a_wiped_disk_that_counts_its_lives_from_the_beginning_is_heard) {
  serve();
  crash(2);
  start(2);
  ticks_all(30);
  ASSERT_GT(at(2).boot, boot_t{1});
  crash(2);
  ticks(0, 60);
  ASSERT_EQ(record.record.in_sync.size(), 2U);
  at(2).disk = 7;
  at(2).log.clear();
  at(2).promised = {};
  at(2).boot = {};
  start(2);
  step(0, order{1, order::verb::add_learner, who(2), {}});
  run();
  ticks_all(30);
  EXPECT_EQ(record.record.in_sync.back(), who(2));
}

TEST_F(cluster_test, a_learner_that_lacks_compacted_entries_gets_a_snapshot) {
  start(3);
  serve();
  for (int i = 0; i < 5; ++i) {
    book(0);
    run();
  }
  step(0, compacted{sequence_t{4}});
  at(0).base = pos(2, 4);
  std::erase_if(at(0).log, [](const entry& e) { return e.at.sequence <= sequence_t{4}; });
  step(0, order{1, order::verb::add_learner, who(3), {}});
  run();
  ticks_all(30);
  EXPECT_EQ(record.record.in_sync.back(), who(3));
  EXPECT_GE(at(3).base.sequence, sequence_t{4});
  EXPECT_EQ(tail(3), tail(0));
}

TEST_F(cluster_test, leadership_is_handed_over_after_what_is_in_flight_is_committed) {
  serve();
  const auto b = book(0);
  sync(0);
  step(0, order{1, order::verb::hand_over, who(1), {}});
  EXPECT_FALSE(at(0).m->can_append());
  run();
  ticks(0, 1);
  EXPECT_TRUE(confirmed(0, b));
  EXPECT_EQ(record.record.leader, who(0)) << "the heir has not said that it has the refusals";
  ticks(0, static_cast<int>(machine_options{}.pass_ticks));
  EXPECT_EQ(record.record.leader, who(1)) << "nor does it, and is not waited for";
  see(1);
  run();
  EXPECT_EQ(at(1).m->current_role(), machine::role::serving);
  EXPECT_EQ(at(0).m->current_role(), machine::role::stopped);
  EXPECT_EQ(at(1).m->tenure().epoch, at(1).m->epoch()) << "a tenure of its own";
  EXPECT_EQ(at(1).m->goes_on_with(), 0U);
}

TEST_F(cluster_test, a_tenure_is_handed_over_with_its_refusals_under_a_number) {
  serve();
  const auto tenure = at(0).m->tenure();
  step(0, order{1, order::verb::hand_over, who(1), {}});
  ticks(0, 1);
  const auto passed = heard<pass_table>(0);
  ASSERT_EQ(passed.size(), 1U);
  EXPECT_EQ(passed[0].to, who(1));
  step(1, table_received{passed[0].number, tenure});
  step(0, table_acknowledged{passed[0].number + 1});
  EXPECT_FALSE(swapping) << "of another number";
  step(0, table_acknowledged{passed[0].number});
  run();
  EXPECT_EQ(record.record.hand_over, passed[0].number);
  EXPECT_EQ(record.record.tenure, tenure);
  see(1);
  run();
  ASSERT_EQ(at(1).m->current_role(), machine::role::serving);
  EXPECT_EQ(at(1).m->tenure(), tenure);
  EXPECT_EQ(at(1).m->goes_on_with(), passed[0].number);
}

TEST_F(cluster_test, an_heir_without_the_refusals_begins_a_tenure_of_its_own) {
  serve();
  const auto tenure = at(0).m->tenure();
  step(0, order{1, order::verb::hand_over, who(1), {}});
  ticks(0, 1);
  const auto number = heard<pass_table>(0).at(0).number;
  step(1, table_received{number - 1, tenure});
  step(0, table_acknowledged{number});
  run();
  see(1);
  run();
  ASSERT_EQ(at(1).m->current_role(), machine::role::serving);
  EXPECT_EQ(at(1).m->tenure().epoch, at(1).m->epoch());
  EXPECT_GT(at(1).m->tenure(), tenure);
}

TEST_F(cluster_test, own_changes_of_the_record_do_not_end_a_tenure) {
  serve();
  const auto tenure = at(0).m->tenure();
  step(0, order{1, order::verb::remove, who(2), {}});
  run();
  ticks(0, 4);
  ASSERT_EQ(at(0).m->current_role(), machine::role::serving);
  EXPECT_GT(at(0).m->epoch(), tenure.epoch);
  EXPECT_EQ(at(0).m->tenure(), tenure);
  EXPECT_EQ(record.record.tenure, tenure);
}

TEST_F(cluster_test, orders_that_cannot_succeed_are_refused_with_the_reason) {
  const auto why = [&](order::verb v, member m, member by = {}) {
    at(0).said.clear();
    step(0, order{7, v, m, by});
    return heard<order_answered>(0).at(0).why;
  };
  start(0);
  EXPECT_NE(why(order::verb::remove, who(1)), "") << "it does not lead yet";
  start(1);
  start(2);
  run();
  EXPECT_NE(why(order::verb::add_learner, who(1)), "");
  EXPECT_NE(why(order::verb::remove, who(0)), "");
  EXPECT_NE(why(order::verb::remove, who(3)), "");
  EXPECT_NE(why(order::verb::hand_over, who(3)), "");
  EXPECT_NE(why(order::verb::replace, who(3), who(2)), "");
  EXPECT_NE(why(order::verb::replace, who(1), who(3)), "") << "the set is above the floor";
  EXPECT_EQ(why(order::verb::remove, who(2)), "");
  EXPECT_NE(why(order::verb::add_learner, who(3)), "") << "a swap is under way";
  run();
  EXPECT_EQ(record.record.in_sync.size(), 2U);
  EXPECT_NE(why(order::verb::remove, who(1)), "") << "the floor";
  EXPECT_NE(why(order::verb::replace, who(1), who(3)), "") << "it is heard";
  book(0);
  EXPECT_NE(why(order::verb::add_learner, who(3)), "") << "a write is on its way";
}

// Of three one died a moment ago and another is about to stop: with that one gone from the set nobody would be left who serves.
TEST_F(cluster_test, nobody_is_removed_while_too_few_of_the_others_are_heard) {
  serve();
  crash(1);
  ticks(0, 10);
  step(0, order{1, order::verb::remove, who(2), {}});
  EXPECT_FALSE(heard<order_answered>(0).back().accepted);
  EXPECT_NE(heard<order_answered>(0).back().why, "");
  start(1);
  ticks_all(4);
  step(0, order{2, order::verb::remove, who(2), {}});
  EXPECT_TRUE(heard<order_answered>(0).back().accepted) << heard<order_answered>(0).back().why;
}

// Under load a write is always on its way.
TEST_F(cluster_test, the_lead_is_given_away_though_a_write_is_on_its_way) {
  serve();
  const auto b = book(0);
  step(0, order{1, order::verb::hand_over, who(1), {}});
  EXPECT_TRUE(heard<order_answered>(0).back().accepted) << heard<order_answered>(0).back().why;
  EXPECT_FALSE(at(0).m->can_append());
  ticks_all(30);
  EXPECT_TRUE(confirmed(0, b));
  EXPECT_EQ(record.record.leader, who(1));
}

TEST_F(cluster_test, a_member_that_is_dead_for_good_at_the_floor_is_replaced_on_an_order) {
  serve();
  step(0, order{1, order::verb::remove, who(2), {}});
  run();
  book(0);
  run();
  crash(1);
  start(3);
  step(0, order{2, order::verb::add_learner, who(3), {}});
  run();
  EXPECT_EQ(at(0).m->current_role(), machine::role::promising) << "nothing leads out of here without an order";
  for (int i = 0; i < 60; ++i) {
    ticks(0, 1);
    ticks(3, 1);
  }
  EXPECT_EQ(at(0).m->current_role(), machine::role::promising);
  step(0, order{3, order::verb::replace, who(1), who(3)});
  for (int i = 0; i < 30; ++i) {
    ticks(0, 1);
    ticks(3, 1);
  }
  EXPECT_EQ(record.record.in_sync, (std::vector{who(0), who(3)}));
  EXPECT_EQ(at(0).m->current_role(), machine::role::serving);
  EXPECT_EQ(tail(3), tail(0));
}

// Two of three in-sync disks are lost at once: nobody could drop them, and the third holds everything.
TEST_F(cluster_test, an_order_leads_out_where_two_of_three_disks_were_lost_at_once) {
  serve();
  const auto b = book(0);
  run();
  ASSERT_TRUE(confirmed(0, b));
  const auto lost = who(0);
  for (const int n : {0, 1}) {
    crash(n);
    at(n).disk = 7;
    at(n).log.clear();
    at(n).promised = {};
    start(n);
    step(2, link_broken{static_cast<std::uint64_t>(n)});
  }
  ticks_all(200);
  ASSERT_EQ(at(2).m->current_role(), machine::role::promising) << "nothing leads out of here without an order";
  ASSERT_EQ(record.record.in_sync.size(), 3U);
  const auto why = [&](order::verb v, member m, member by = {}) {
    step(2, order{7, v, m, by});
    return heard<order_answered>(2).back().why;
  };
  EXPECT_EQ(why(order::verb::add_learner, who(0)), "");
  run();
  ticks_all(60);
  EXPECT_NE(why(order::verb::replace, lost, who(1)), "") << "it does not learn";
  EXPECT_EQ(why(order::verb::replace, lost, who(0)), "");
  ticks_all(60);
  EXPECT_EQ(record.record.in_sync, (std::vector{who(0), who(2)})) << "the other that is lost is dropped without an order";
  ASSERT_EQ(at(2).m->current_role(), machine::role::serving);
  EXPECT_EQ(tail(0), tail(2));
  EXPECT_TRUE(std::ranges::any_of(at(0).log, [&](const entry& e) { return e.payload == "b" + std::to_string(b); })) << "nothing is lost";
  const auto next = book(2);
  run();
  EXPECT_TRUE(confirmed(2, next));
}

TEST_F(cluster_test, nobody_is_replaced_before_it_is_known_what_stands_outside) {
  record.record.in_sync = {who(0), who(1)};
  record.record.learners = {who(2)};
  answers_outside = false;
  start(0);
  start(2);
  for (int i = 0; i < 200; ++i)
    for (const int n : {0, 2})
      ticks(n, 1);
  outside = pos(1, 9);
  step(0, order{1, order::verb::replace, who(1), who(2)});
  EXPECT_NE(heard<order_answered>(0).back().why, "") << "the one that is away may hold more";
  answers_outside = true;
  for (int i = 0; i < 60; ++i)
    for (const int n : {0, 2})
      ticks(n, 1);
  step(0, order{2, order::verb::replace, who(1), who(2)});
  EXPECT_NE(heard<order_answered>(0).back().why, "") << "and it does";
}

// ------------------------------------------------------------------ strict reads

TEST_F(cluster_test, a_strict_read_waits_for_a_round_that_began_after_it) {
  serve();
  net.clear();
  step(0, strict_read{1});
  step(0, strict_read{2});
  EXPECT_TRUE(heard<strict_read_done>(0).empty());
  run();
  const auto done = heard<strict_read_done>(0);
  ASSERT_EQ(done.size(), 2U);
  EXPECT_TRUE(done[0].confirmed && done[1].confirmed);
}

TEST_F(cluster_test, a_deposed_leader_denies_nothing) {
  serve();
  at(0).up = false;
  ticks(1, 100);
  ASSERT_EQ(at(1).m->current_role(), machine::role::serving);
  at(0).up = true;
  step(0, strict_read{1});
  run();
  ASSERT_EQ(heard<strict_read_done>(0).size(), 1U);
  EXPECT_FALSE(heard<strict_read_done>(0)[0].confirmed);
}

// ------------------------------------------------------------------ the shape of a log

TEST(log_shape_test, two_logs_part_where_their_positions_do) {
  const auto shape = [](std::initializer_list<std::uint64_t> epochs) {
    log_shape s;
    for (const auto e : epochs)
      s.append({epoch_t{e}, sequence_t{s.tail.sequence.value + 1}});
    return s;
  };
  EXPECT_EQ(agreement(shape({1, 1, 2}), shape({1, 1, 3, 3})), sequence_t{2});
  EXPECT_EQ(agreement(shape({1, 1, 2, 2}), shape({1, 1, 2})), sequence_t{3});
  EXPECT_EQ(agreement(shape({}), shape({1})), sequence_t{0});
  EXPECT_EQ(agreement(shape({2}), shape({1})), sequence_t{0});
  auto compacted_log = shape({1, 1, 2, 2, 3});
  compacted_log.compact(sequence_t{3});
  EXPECT_EQ(agreement(compacted_log, shape({1, 1})), std::nullopt) << "only a snapshot helps";
  EXPECT_EQ(agreement(compacted_log, shape({1, 1, 2, 2, 4})), sequence_t{4});
  EXPECT_EQ(agreement(compacted_log, shape({1, 1, 1, 1})), std::nullopt);
  EXPECT_TRUE(compacted_log.holds({epoch_t{1}, sequence_t{2}}));
  EXPECT_FALSE(compacted_log.holds({epoch_t{1}, sequence_t{3}}));
  EXPECT_EQ(compacted_log.epoch_at(sequence_t{2}), std::nullopt);
  compacted_log.cut(sequence_t{4});
  EXPECT_EQ(compacted_log.tail, (position{epoch_t{2}, sequence_t{4}}));
}

}  // namespace
}  // namespace janji::replication
