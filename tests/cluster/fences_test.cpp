// Who is followed and believed, and swaps whose outcome is not known.
#include "tests/cluster/replicas.hpp"

namespace janji::replication {
namespace {

using testing_by_hand::cluster_test;

// ------------------------------------------------------------------ fences

TEST_F(cluster_test, an_older_leader_is_refused_for_ever_and_told_why) {
  serve();
  book(0);
  const auto old = net;
  sync(0);
  net.clear();
  at(0).up = false;  // cut off, and it goes on
  ticks(1, 100);
  ASSERT_EQ(record.record.leader, who(1));
  net.clear();
  const auto before = tail(2);
  for (const auto& m : old)
    if (m.head.to.node == 2)
      send_again(2, m);
  ASSERT_NE(to<refusal>(0), nullptr);
  EXPECT_EQ(to<refusal>(0)->promised, record.record.epoch);
  EXPECT_EQ(tail(2), before);
  at(0).up = true;
  run();
  EXPECT_EQ(heard<stepped_down>(0).back().unknown, std::vector<std::uint64_t>{1});
}

TEST_F(cluster_test, a_promise_is_on_disk_before_it_is_given) {
  start(1);
  step(1,
       received{{epoch_t{5}, who(0), boot_t{1}, who(1), boot_t{}}, promise_request{{2, {epoch_t{5}, who(0), {who(0), who(1)}, {}, 2, 3}}}});
  EXPECT_TRUE(net.empty());
  sync(1);
  EXPECT_EQ(at(1).promised, epoch_t{5});
  ASSERT_EQ(net.size(), 1U);
  step(1,
       received{{epoch_t{4}, who(0), boot_t{1}, who(1), boot_t{}}, promise_request{{1, {epoch_t{4}, who(0), {who(0), who(1)}, {}, 2, 3}}}});
  EXPECT_EQ(std::get<refusal>(net[1].what).promised, epoch_t{5});
}

TEST_F(cluster_test, who_is_not_listed_and_who_does_not_lead_are_not_followed) {
  start(3);
  step(3, received{{epoch_t{1}, who(0), boot_t{1}, who(3), boot_t{}}, promise_request{record}});
  EXPECT_FALSE(at(3).busy) << "node 3 is not in the record";
  start(1);
  step(1, received{{epoch_t{1}, who(2), boot_t{1}, who(1), boot_t{}}, promise_request{record}});
  EXPECT_FALSE(at(1).busy) << "node 2 does not lead";
}

TEST_F(cluster_test, messages_to_a_wiped_disk_and_of_a_former_life_are_dropped) {
  serve();
  const header to_old{epoch_t{2}, who(0), boot_t{1}, who(1), boot_t{1}};
  crash(1);
  start(1);
  net.clear();
  send_again(1, {to_old, heartbeat{}});
  ASSERT_NE(to<refusal>(0), nullptr) << "so that the leader hears of the new life";
  net.clear();
  send_again(1, {{epoch_t{2}, who(0), boot_t{1}, {1, 77}, boot_t{2}}, heartbeat{}});
  EXPECT_TRUE(net.empty());
  send_again(0, {{epoch_t{2}, who(1), boot_t{2}, who(0), boot_t{1}}, heartbeat_answer{}});
  const auto b = book(0);
  sync(0);
  net.clear();
  send_again(0, {{epoch_t{2}, who(1), boot_t{1}, who(0), boot_t{1}}, acknowledgement{pos(2, 2)}});
  send_again(0, {{epoch_t{2}, who(2), boot_t{1}, who(0), boot_t{1}}, acknowledgement{pos(2, 2)}});
  EXPECT_FALSE(confirmed(0, b)) << "node 1 acknowledged it in a life that is over";
}

TEST_F(cluster_test, a_heartbeat_is_not_an_acknowledgement_and_a_refusal_neither) {
  serve();
  const auto b = book(0);
  sync(0);
  net.clear();
  for (int n = 1; n < 3; ++n) {
    send_again(0, {{epoch_t{2}, who(n), boot_t{1}, who(0), boot_t{1}}, heartbeat_answer{1}});
    send_again(0, {{epoch_t{2}, who(n), boot_t{1}, who(0), boot_t{1}}, refusal{epoch_t{2}, at(0).m->log(), {}, false}});
  }
  EXPECT_FALSE(confirmed(0, b));
}

TEST_F(cluster_test, an_acknowledgement_is_of_what_was_checked_and_not_of_the_tail) {
  fill(1, {pos(1, 1), pos(2, 2), pos(2, 3), pos(2, 4)}, 3);
  record = {3, {epoch_t{3}, who(0), {who(0), who(1)}, {}, 2, 3}};
  start(1);
  net.clear();
  send_again(1, {{epoch_t{3}, who(0), boot_t{1}, who(1), boot_t{1}}, append_request{pos(1, 1), {{pos(2, 2), "e"}}, {}, true}});
  ASSERT_EQ(net.size(), 1U);
  EXPECT_EQ(std::get<acknowledgement>(net[0].what).at, pos(2, 2));
}

// The simulator does not see this one: an append that attaches also cuts what contradicts it, so the tail is checked by then.
TEST_F(cluster_test, a_follower_that_acknowledges_its_tail_says_too_much) {
  faults.acknowledge_my_tail = true;
  fill(1, {pos(1, 1), pos(2, 2), pos(2, 3)}, 3);
  record = {3, {epoch_t{3}, who(0), {who(0), who(1)}, {}, 2, 3}};
  start(1);
  send_again(1, {{epoch_t{3}, who(0), boot_t{1}, who(1), boot_t{1}}, append_request{pos(1, 1), {{pos(2, 2), "e"}}, {}, true}});
  EXPECT_EQ(std::get<acknowledgement>(net.at(0).what).at, pos(2, 3));
}

TEST_F(cluster_test, what_contradicts_the_leader_is_refused_unless_it_was_just_compared) {
  fill(1, {pos(1, 1), pos(2, 2)}, 3);
  record = {3, {epoch_t{3}, who(0), {who(0), who(1)}, {}, 2, 3}};
  start(1);
  const header h{epoch_t{3}, who(0), boot_t{1}, who(1), boot_t{1}};
  send_again(1, {h, append_request{pos(1, 1), {{pos(3, 2), "f"}}, {}, false}});
  EXPECT_FALSE(at(1).busy);
  send_again(1, {h, append_request{pos(1, 1), {{pos(3, 2), "f"}}, {}, true}});
  EXPECT_TRUE(at(1).busy);
  sync(1);
  EXPECT_EQ(tail(1), pos(3, 2));
}

TEST_F(cluster_test, what_is_known_to_be_committed_is_never_cut_and_raises_an_alarm) {
  fill(1, {pos(1, 1), pos(2, 2)}, 3);
  record = {3, {epoch_t{3}, who(0), {who(0), who(1)}, {}, 2, 3}};
  start(1, sequence_t{2});
  const header h{epoch_t{3}, who(0), boot_t{1}, who(1), boot_t{1}};
  send_again(1, {h, append_request{pos(1, 1), {{pos(3, 2), "f"}}, {}, true}});
  EXPECT_EQ(heard<alarm>(1).size(), 1U);
  EXPECT_TRUE(to<refusal>(0)->blocked);
  send_again(1, {h, install_request{{pos(3, 2), "state"}}});
  EXPECT_EQ(heard<alarm>(1).size(), 2U);
  EXPECT_EQ(tail(1), pos(2, 2));
}

TEST_F(cluster_test, entries_with_gaps_are_not_taken) {
  fill(1, {pos(1, 1)}, 3);
  record = {3, {epoch_t{3}, who(0), {who(0), who(1)}, {}, 2, 3}};
  start(1);
  const header h{epoch_t{3}, who(0), boot_t{1}, who(1), boot_t{1}};
  send_again(1, {h, append_request{pos(1, 1), {{pos(3, 3), "f"}}, {}, true}});
  send_again(1, {h, append_request{pos(1, 2), {{pos(3, 3), "f"}}, {}, true}});
  EXPECT_FALSE(at(1).busy);
}

// ------------------------------------------------------------------ swaps of unknown outcome

TEST_F(cluster_test, a_leader_whose_swap_has_an_unknown_outcome_stops_until_it_is_known) {
  serve();
  step(0, order{1, order::verb::add_learner, who(3), {}});
  const auto old = record;
  swap(swap_result::unknown, true);
  EXPECT_EQ(at(0).m->current_role(), machine::role::stopped);
  step(0, record_seen{old});
  EXPECT_EQ(at(0).m->current_role(), machine::role::stopped) << "a read of the old record settles nothing";
  see(0);
  run();
  EXPECT_EQ(at(0).m->current_role(), machine::role::serving) << "the higher epoch names it";
}

// Ticks of the leader until a swap is on its way.
struct swap_test : cluster_test {
  void until_swapping(int ticks_max) {
    for (int i = 0; i < ticks_max && !swapping; ++i) {
      step(0, tick{0});
      for (int k = 0; k < 20 && !swapping; ++k) {
        for (int n = 0; n < 4; ++n)
          sync(n);
        for (auto& m : std::exchange(net, {}))
          send_again(static_cast<int>(m.head.to.node), m);
      }
    }
  }
  void learn() {
    start(3);
    serve();
    step(0, order{1, order::verb::add_learner, who(3), {}});
    run();
    until_swapping(40);
  }
};

TEST_F(swap_test, a_learner_whose_registration_has_lapsed_deposes_nobody) {
  learn();
  ASSERT_TRUE(swapping);
  const auto epoch = at(0).m->epoch();
  const auto b = book(0);
  swap(swap_result::unregistered, false);
  EXPECT_EQ(at(0).m->current_role(), machine::role::serving);
  until_swapping(static_cast<int>(machine_options{}.silent_ticks) - 1);
  EXPECT_FALSE(swapping) << "it is not tried again at each tick";
  EXPECT_TRUE(at(0).m->waits_for_registration(who(3)));
  EXPECT_TRUE(confirmed(0, b)) << "the learner that was not added does not count";
  EXPECT_EQ(at(0).m->epoch(), epoch);
  until_swapping(10);
  ASSERT_TRUE(swapping) << "a registration that came back unseen is found";
  swap(swap_result::unregistered, false);
  step(0, registration_seen{who(3)});
  until_swapping(2);
  ASSERT_TRUE(swapping) << "it is there again";
  swap();
  run();
  EXPECT_EQ(record.record.in_sync.size(), 4U);
  EXPECT_EQ(at(0).m->current_role(), machine::role::serving);
}

TEST_F(swap_test, a_registration_that_is_missing_holds_up_no_other_change) {
  learn();
  ASSERT_TRUE(swapping);
  swap(swap_result::unregistered, false);
  step(0, order{2, order::verb::hand_over, who(1), {}});
  ASSERT_TRUE(heard<order_answered>(0).back().accepted);
  until_swapping(30);
  run();
  EXPECT_EQ(record.record.leader, who(1));
}

TEST_F(swap_test, a_learner_counts_from_before_its_swap_is_sent) {
  learn();
  ASSERT_TRUE(swapping);
  EXPECT_EQ(swapping->second.registered, who(3)) << "only the disk that caught up gets in";
  EXPECT_EQ(swapping->second.record.in_sync.size(), 4U);
  const auto b = book(0);
  sync(0);
  for (auto& m : std::exchange(net, {}))
    if (m.head.to.node != 3)
      send_again(static_cast<int>(m.head.to.node), m);
  sync(1);
  sync(2);
  for (auto& m : std::exchange(net, {}))
    if (m.head.to.node == 0)
      send_again(0, m);
  EXPECT_FALSE(confirmed(0, b)) << "the learner has not acknowledged";
  run();
  ticks_all(20);
  EXPECT_TRUE(confirmed(0, b));
  EXPECT_EQ(record.record.in_sync.size(), 4U);
}

TEST_F(cluster_test, what_was_in_flight_when_an_own_swap_is_won_is_confirmed_in_the_new_epoch) {
  serve();
  step(0, order{1, order::verb::add_learner, who(3), {}});
  const auto b = book(0);
  sync(0);
  net.clear();
  swap();
  run();
  EXPECT_TRUE(confirmed(0, b));
  EXPECT_EQ(heard<committed>(0).back().epoch, at(0).m->epoch());
}

TEST_F(cluster_test, a_take_over_of_unknown_outcome_is_tried_again_later_and_a_lost_one_follows_the_winner) {
  serve();
  crash(0);
  for (int i = 0; i < 100 && !swapping; ++i)
    step(1, tick{0});
  swap(swap_result::unknown, false);
  EXPECT_EQ(at(1).m->current_role(), machine::role::stopped);
  for (int i = 0; i < 100 && !swapping; ++i)
    step(1, tick{0});
  ASSERT_TRUE(swapping);
  record.record.epoch = epoch_t{8};
  record.record.leader = who(2);
  ++record.revision;
  EXPECT_EQ(swap(), swap_result::lost);
  EXPECT_EQ(at(1).m->epoch(), epoch_t{8});
  EXPECT_EQ(at(1).m->current_role(), machine::role::stopped);
}

TEST_F(cluster_test, a_swap_won_under_a_promise_that_is_higher_by_now_does_not_lead) {
  serve();
  crash(0);
  for (int i = 0; i < 100 && !swapping; ++i)
    step(1, tick{0});
  auto later = record;
  later.record.epoch = epoch_t{9};
  later.record.leader = who(2);
  step(1, received{{epoch_t{9}, who(2), boot_t{1}, who(1), boot_t{1}}, promise_request{later}});
  sync(1);
  swap();
  EXPECT_EQ(at(1).m->current_role(), machine::role::stopped);
}

}  // namespace
}  // namespace janji::replication
