// The same request many times: sent again by a front, by a browser, by a citizen elsewhere; early, late, out of order. What was
// told refused must not come true unless it is asked again.
#include <gtest/gtest.h>

#include "booking/refusal_table.hpp"
#include "tests/booking/machines.hpp"

namespace janji {
namespace testing {
namespace {

// A slot group and a registry of one shard, whose leader counts its refusals.
class copies : public ::testing::Test {
protected:
  copies() {
    group_.machine.use(refusals_);
    registry_.machine.use(refusals_);
  }
  book_command booking(std::uint64_t request, std::uint8_t who, std::uint64_t key, const stamp& s, std::uint32_t body = 1) {
    book_command c;
    c.request = request_id{request};
    c.body = body_hash{body};
    c.window = window_index{0};
    c.deadline = unix_ms{group_.now.value + 1000};
    c.stamp = s;
    c.people.push_back({citizen(who), ref(request * 10), key_hash{key * 10}, {1, 2}, "sealed"});
    return c;
  }
  void booked(std::uint64_t request, std::uint8_t who, std::uint64_t key) {
    group_.give(booking(request, who, key, refusals_->now()));
    group_.claim(request * 10);
    group_.commit();
    ASSERT_EQ(group_.outcome_of(request), outcome::confirmed);
  }
  cancel_command cancel(std::uint64_t request, std::uint64_t r, const stamp& s) {
    return {request_id{request}, ref(r), std::nullopt, 0, key_hash{request}, "", "", unix_ms{registry_.now.value + 1000}, s};
  }
  move_command move(std::uint64_t request, std::uint64_t r, group_id to, const stamp& s) {
    return {request_id{request}, ref(r), 0, to, {}, key_hash{request}, body_hash{8}, unix_ms{registry_.now.value + 1000}, false, s};
  }
  std::shared_ptr<refusal_table> refusals_ = std::make_shared<refusal_table>(first_tenure, 1234);
  group_under_test group_;
  registry_under_test registry_;
};

TEST_F(copies, a_copy_that_came_before_its_refusal_is_not_booked_when_a_place_comes_free) {
  booked(1, 1, 5);
  const auto early = refusals_->now();
  group_.give(booking(2, 2, 6, early));
  group_.strict_round();
  ASSERT_EQ(group_.outcome_of(2), outcome::full);
  group_.give(cancel_place{home, ref(10), {}});
  group_.commit();
  group_.give(booking(3, 2, 6, early));
  EXPECT_EQ(group_.outcome_of(3), outcome::interrupted);
  EXPECT_EQ(group_.machine.held(window_index{0}), 0U);
}

TEST_F(copies, asked_again_after_the_refusal_it_is_decided_anew) {
  booked(1, 1, 5);
  group_.give(booking(2, 2, 6, refusals_->now()));
  group_.strict_round();
  ASSERT_EQ(group_.outcome_of(2), outcome::full);
  const auto told = group_.answered(2)->stamp;
  group_.give(cancel_place{home, ref(10), {}});
  group_.commit();
  group_.give(booking(3, 2, 6, told));
  group_.claim(30);
  group_.commit();
  EXPECT_EQ(group_.outcome_of(3), outcome::confirmed);
  EXPECT_EQ(group_.answered(3)->stamp, told) << "the answer says how new its request was";
}

TEST_F(copies, what_was_asked_of_a_former_leader_gets_no_place) {
  group_.give(booking(2, 2, 6, {{epoch_t{3}, 9}, 1000}));
  EXPECT_EQ(group_.outcome_of(2), outcome::interrupted);
  group_.give(booking(3, 2, 6, {}));
  EXPECT_EQ(group_.outcome_of(3), outcome::interrupted) << "a front that has heard nobody";
}

TEST_F(copies, an_old_copy_is_still_told_what_is_known) {
  booked(1, 1, 5);
  group_.give(booking(2, 1, 5, {}));
  group_.strict_round();
  EXPECT_EQ(group_.outcome_of(2), outcome::confirmed) << "its booking";
  group_.give(booking(3, 3, 7, {}));
  group_.strict_round();
  EXPECT_EQ(group_.outcome_of(3), outcome::full) << "or that all is taken";
}

TEST_F(copies, a_copy_shares_the_place_that_another_has_got_while_its_refusal_waited) {
  booked(1, 1, 5);
  group_.give(booking(2, 2, 6, refusals_->now()));
  ASSERT_TRUE(group_.strict_wanted);
  group_.give(cancel_place{home, ref(10), {}});
  group_.commit();
  group_.give(booking(3, 2, 6, refusals_->now()));
  group_.strict_round();
  EXPECT_FALSE(group_.answered(2)) << "it waits with the other";
  group_.claim(30);
  group_.commit();
  EXPECT_EQ(group_.outcome_of(2), outcome::confirmed);
  EXPECT_EQ(group_.outcome_of(3), outcome::confirmed);
}

TEST_F(copies, the_registrys_no_is_not_passed_on_to_who_has_a_place_meanwhile) {
  group_.give(booking(2, 2, 6, refusals_->now()));
  group_.claim(20, claim_verdict::already_booked);
  group_.give(booking(3, 2, 6, refusals_->now()));
  group_.strict_round();
  EXPECT_FALSE(group_.answered(2));
  group_.claim(30);
  group_.commit();
  EXPECT_EQ(group_.outcome_of(2), outcome::confirmed);
}

TEST_F(copies, a_key_that_waits_for_room_is_known) {
  group_.give(booking(1, 1, 5, refusals_->now()));
  group_.give(booking(2, 2, 6, refusals_->now()));
  group_.give(booking(3, 2, 6, refusals_->now(), 9));
  ASSERT_TRUE(group_.strict_wanted);
  group_.strict_round();
  EXPECT_EQ(group_.outcome_of(3), outcome::key_reused) << "another body under a key that waits";
  group_.give(booking(4, 2, 7, refusals_->now()));
  EXPECT_EQ(group_.outcome_of(4), outcome::in_progress) << "another key of a citizen who waits";
  group_.give(booking(5, 2, 6, refusals_->now()));
  EXPECT_FALSE(group_.answered(5)) << "the same again waits with it";
}

// What is refused under its key meanwhile is another body.
TEST_F(copies, who_waits_for_room_keeps_its_turn_when_another_body_comes_under_its_key) {
  group_.give(booking(1, 1, 5, refusals_->now()));
  group_.give(booking(2, 2, 6, refusals_->now()));
  group_.give(booking(3, 2, 6, refusals_->now(), 9));
  group_.strict_round();
  ASSERT_EQ(group_.outcome_of(3), outcome::key_reused);
  group_.claim(10, claim_verdict::in_progress);
  group_.claim(20);
  group_.commit();
  EXPECT_EQ(group_.outcome_of(2), outcome::confirmed);
}

// A front that hears it by nothing else hears it by this, and does not say the same for ever.
TEST_F(copies, what_is_interrupted_says_what_is_counted_by_now) {
  registry_.confirmed(1, 10, 5);
  const auto early = refusals_->now();
  refusals_->number(citizen(1));
  registry_.give(cancel(1, 10, early));
  ASSERT_EQ(registry_.outcome_of(1), outcome::interrupted);
  registry_.give(cancel(2, 10, registry_.answered(1)->stamp));
  registry_.commit();
  EXPECT_EQ(registry_.machine.find(ref(10))->state, claim_state::cancelling);
  refusals_->number(key_hash{80});
  group_.give(booking(4, 4, 8, early));
  ASSERT_EQ(group_.outcome_of(4), outcome::interrupted);
  group_.give(booking(5, 4, 8, group_.answered(4)->stamp));
  EXPECT_EQ(group_.machine.held(window_index{0}), 1U);
}

TEST_F(copies, who_waits_and_who_joined_get_the_one_place) {
  group_.give(booking(1, 1, 5, refusals_->now()));
  group_.give(booking(2, 2, 6, refusals_->now()));
  group_.give(booking(3, 2, 6, refusals_->now()));
  group_.claim(10, claim_verdict::in_progress);
  group_.claim(20);
  group_.commit();
  EXPECT_EQ(group_.outcome_of(2), outcome::confirmed);
  EXPECT_EQ(group_.outcome_of(3), outcome::confirmed);
  EXPECT_EQ(group_.live(), 1U);
}

TEST_F(copies, while_a_tenure_is_handed_over_nothing_is_refused_nor_admitted) {
  booked(1, 1, 5);
  const auto before = refusals_->now();
  refusals_->stop();
  group_.give(booking(2, 2, 6, before));
  group_.strict_round();
  EXPECT_FALSE(group_.answered(2)) << "left to the next leader";
  group_.give(cancel_place{home, ref(10), {}});
  group_.commit();
  group_.give(booking(3, 3, 7, before));
  EXPECT_FALSE(group_.answered(3));
  EXPECT_EQ(group_.machine.held(window_index{0}), 0U);
  EXPECT_EQ(refusals_->now(), before) << "the next leader's table has all that was told";
  refusals_->go_on();
  group_.give(booking(3, 3, 7, before));
  group_.claim(30);
  group_.commit();
  EXPECT_EQ(group_.outcome_of(3), outcome::confirmed);
}

TEST_F(copies, a_party_too_large_for_what_is_left_hears_how_much_is_left) {
  group_under_test g({{540, 600, 2}, {600, 660, 3}});
  g.machine.use(refusals_);
  const auto party = [&](std::uint64_t request, std::optional<window_index> window) {
    auto c = booking(request, static_cast<std::uint8_t>(request), request, refusals_->now());
    c.window = window;
    for (std::uint8_t i = 1; i < 4; ++i)
      c.people.push_back({citizen(static_cast<std::uint8_t>(100 + i)), ref(request * 10 + i), key_hash{request * 10 + i}, {}, "sealed"});
    return c;
  };
  g.give(party(1, window_index{0}));
  g.strict_round();
  EXPECT_EQ(g.outcome_of(1), outcome::not_enough_together);
  EXPECT_EQ(g.answered(1)->free, 2U);
  g.give(party(2, std::nullopt));
  g.strict_round();
  EXPECT_EQ(g.answered(2)->free, 3U) << "of the window with most";
}

TEST_F(copies, the_claims_of_a_hold_that_fell_are_released_at_once) {
  group_under_test g({{540, 600, 4}});
  g.machine.use(refusals_);
  auto c = booking(1, 1, 5, refusals_->now());
  c.people.push_back({citizen(2), ref(11), key_hash{51}, {}, "sealed"});
  g.give(std::move(c));
  g.claim(10);
  g.now.value += 1000;
  g.give(tick{});
  EXPECT_EQ(g.outcome_of(1), outcome::unknown);
  g.commit();
  EXPECT_EQ(all<to_registry>(g.said).size(), 1U) << "the registry that has granted it hears that it is declined";
  g.claim(11);
  g.commit();
  EXPECT_EQ(all<to_registry>(g.said).size(), 1U) << "and the other one when it grants it after all";
}

// Of all who asked with that key, the last: its registry was told of that one's deadline.
TEST_F(copies, the_claims_of_a_hold_that_many_have_joined_are_released_as_late_as_they_can_be_granted) {
  group_under_test g({{540, 600, 4}});
  g.machine.use(refusals_);
  const auto asked = g.now.value;
  const auto ask_at = [&](std::uint64_t request, std::int64_t after_ms) {
    g.now.value = asked + after_ms;
    g.give(tick{});
    auto c = booking(request, 1, 5, refusals_->now());
    c.deadline = unix_ms{g.now.value + 1'000};
    c.people.push_back({citizen(2), ref(request * 10 + 1), key_hash{51}, {}, "sealed"});
    g.give(std::move(c));
  };
  ask_at(1, 0);
  ask_at(2, 900);
  ask_at(3, 1'800);
  g.now.value = asked + 2'800;
  g.give(tick{});
  EXPECT_EQ(g.outcome_of(3), outcome::unknown) << "and the hold falls";
  g.now.value = asked + 6'500;
  g.give(tick{});
  g.claim(11);
  ASSERT_FALSE(g.sent.empty()) << "a claim that is granted late is declined";
  g.commit();
  EXPECT_EQ(all<to_registry>(g.said).size(), 1U);
}

// Its claim request had been sent twice: the second was granted after the first was refused, and taken for the claim of a hold in another
// window. The registry then named another window than the booked one.
TEST_F(copies, a_copy_is_not_held_again_under_the_reference_of_a_hold_that_was_refused) {
  group_under_test g({{540, 600, 1}, {600, 660, 1}});
  g.machine.use(refusals_);
  auto first = booking(1, 1, 5, refusals_->now());
  first.window = std::nullopt;
  auto copy = first;
  copy.request = request_id{2};
  g.give(std::move(first));
  ASSERT_EQ(g.machine.held(window_index{0}), 1U);
  g.claim(10, claim_verdict::in_progress);
  ASSERT_EQ(g.outcome_of(1), outcome::in_progress);
  g.give(change_capacity{request_id{9}, window_index{0}, 0, "op", "", unix_ms{g.now.value + 1000}, refusals_->now()});
  g.commit();
  g.give(std::move(copy));
  EXPECT_EQ(g.outcome_of(2), outcome::busy) << "the next try has a new reference";
  EXPECT_EQ(g.machine.held(window_index{1}), 0U);
  EXPECT_TRUE(g.machine.idle());
}

// ------------------------------------------------------------------ changes

TEST_F(copies, a_cancel_that_came_before_the_end_of_a_newer_change_does_not_act_after_it) {
  registry_.confirmed(1, 10, 5);
  const auto early = refusals_->now();
  registry_.give(move(1, 10, group_id{8}, early));
  registry_.commit();
  registry_.reply(place_reply_kind::moved_in, group_id{8}, 10, 1);
  registry_.commit();
  registry_.reply(place_reply_kind::released, here, 10, 0);
  registry_.commit();
  ASSERT_EQ(registry_.outcome_of(1), outcome::moved);
  registry_.give(cancel(2, 10, early));
  EXPECT_EQ(registry_.outcome_of(2), outcome::interrupted);
  registry_.give(cancel(3, 10, registry_.answered(1) ? registry_.answered(1)->stamp : refusals_->now()));
  EXPECT_FALSE(registry_.answered(3));
  EXPECT_EQ(registry_.sent.size(), 1U) << "asked afterwards it is begun";
}

TEST_F(copies, a_move_that_was_refused_is_not_made_by_an_older_copy) {
  registry_.confirmed(1, 10, 5);
  const auto early = refusals_->now();
  registry_.give(move(1, 10, group_id{8}, early));
  registry_.commit();
  registry_.reply(place_reply_kind::move_declined, group_id{8}, 10, 1);
  registry_.commit();
  ASSERT_EQ(registry_.outcome_of(1), outcome::full);
  auto again = move(2, 10, group_id{9}, early);
  registry_.give(std::move(again));
  EXPECT_EQ(registry_.outcome_of(2), outcome::interrupted);
}

TEST_F(copies, the_end_of_a_change_is_told_by_the_next_leader_when_this_one_hands_over) {
  registry_.confirmed(1, 10, 5);
  registry_.give(cancel(1, 10, refusals_->now()));
  registry_.commit();
  refusals_->stop();
  registry_.reply(place_reply_kind::cancelled, here, 10, 0);
  registry_.commit();
  EXPECT_FALSE(registry_.answered(1));
  refusals_->go_on();
  registry_.give(cancel(2, 10, {}));
  registry_.strict_round();
  EXPECT_EQ(registry_.outcome_of(2), outcome::cancelled) << "whoever asks finds it";
}

// ------------------------------------------------------------------ a cancel that joins a move

class joined_cancels : public copies {
protected:
  void SetUp() override {
    registry_.confirmed(1, 10, 5);
    registry_.give(move(1, 10, elsewhere, refusals_->now()));
    registry_.commit();
  }
  void join() {
    registry_.give(cancel(2, 10, refusals_->now()));
    ASSERT_EQ(registry_.sent.size(), 1U) << "it does not wait for the move";
    registry_.commit();
  }
  const group_id elsewhere{8};
};

TEST_F(joined_cancels, free_the_old_place_while_the_new_group_is_away) {
  join();
  EXPECT_TRUE(registry_.told<release_place>(here));
  EXPECT_TRUE(registry_.told<drop_place>(elsewhere));
  registry_.reply(place_reply_kind::released, here, 10, 0);
  registry_.commit();
  EXPECT_FALSE(registry_.answered(2)) << "the new place may still be booked";
  registry_.now.value += 1000;
  registry_.give(tick{});
  EXPECT_EQ(registry_.outcome_of(2), outcome::in_progress);
  registry_.give(cancel(3, 10, {}));
  registry_.reply(place_reply_kind::dropped, elsewhere, 10, 1);
  registry_.commit();
  EXPECT_EQ(registry_.outcome_of(3), outcome::cancelled);
}

// The old place may be somebody else's by now.
TEST_F(joined_cancels, are_not_shown_as_a_booking_that_stands) {
  join();
  registry_.reply(place_reply_kind::released, here, 10, 0);
  registry_.commit();
  registry_.give(lookup_command{request_id{3}, ref(10), 0, unix_ms{registry_.now.value + 500}});
  EXPECT_FALSE(registry_.answered(3));
  registry_.now.value += 500;
  registry_.give(tick{});
  EXPECT_EQ(registry_.outcome_of(3), outcome::in_progress);
  registry_.give(lookup_command{request_id{4}, ref(10), 0, unix_ms{registry_.now.value + 500}});
  registry_.reply(place_reply_kind::dropped, elsewhere, 10, 1);
  registry_.commit();
  registry_.strict_round();
  ASSERT_EQ(registry_.outcome_of(4), outcome::found);
  EXPECT_EQ(registry_.answered(4)->places.at(0).status, place_status::cancelled);
}

TEST_F(copies, a_booking_that_is_being_cancelled_is_shown_when_it_is_known_what_became_of_it) {
  registry_.confirmed(1, 10, 5);
  registry_.give(cancel(1, 10, refusals_->now()));
  registry_.commit();
  registry_.give(lookup_command{request_id{2}, ref(10), 0, unix_ms{registry_.now.value + 500}});
  EXPECT_FALSE(registry_.answered(2));
  registry_.reply(place_reply_kind::cancelled, here, 10, 0);
  registry_.commit();
  registry_.strict_round();
  ASSERT_EQ(registry_.outcome_of(2), outcome::found);
  EXPECT_EQ(registry_.answered(2)->places.at(0).status, place_status::cancelled);
}

TEST_F(joined_cancels, end_the_move_for_whoever_asked_for_it) {
  join();
  registry_.reply(place_reply_kind::dropped, elsewhere, 10, 1);
  registry_.commit();
  registry_.reply(place_reply_kind::released, here, 10, 0);
  registry_.commit();
  EXPECT_EQ(registry_.outcome_of(1), outcome::cancelled);
  EXPECT_EQ(registry_.outcome_of(2), outcome::cancelled);
  EXPECT_EQ(registry_.machine.find(ref(10))->state, claim_state::cancelled);
}

TEST_F(joined_cancels, take_back_a_place_that_the_move_has_booked) {
  registry_.reply(place_reply_kind::moved_in, elsewhere, 10, 1);
  registry_.commit();
  join();
  registry_.reply(place_reply_kind::moved_in, elsewhere, 10, 1);
  EXPECT_TRUE(registry_.sent.empty()) << "late";
  registry_.reply(place_reply_kind::released, here, 10, 0);
  registry_.commit();
  registry_.reply(place_reply_kind::dropped, elsewhere, 10, 1);
  registry_.commit();
  EXPECT_EQ(registry_.outcome_of(2), outcome::cancelled);
}

TEST_F(joined_cancels, are_found_by_the_next_incarnation) {
  join();
  registry_.reply(place_reply_kind::released, here, 10, 0);
  registry_.commit();
  auto next = citizen_registry::restore(registry_.machine.snapshot(), home, incarnation_t{2});
  ASSERT_TRUE(next) << next.error();
  EXPECT_EQ(next->unsettled(), 1U);
  registry_under_test again;
  again.machine = std::move(*next);
  again.sequence = registry_.sequence;
  again.give(tick{});
  EXPECT_FALSE(again.told<release_place>(here)) << "that one is known to have ended";
  EXPECT_TRUE(again.told<drop_place>(elsewhere));
  again.reply(place_reply_kind::dropped, elsewhere, 10, 1);
  again.commit();
  EXPECT_EQ(again.machine.find(ref(10))->state, claim_state::cancelled);
}

TEST_F(joined_cancels, are_not_admitted_when_older_than_a_change_that_has_ended) {
  registry_.reply(place_reply_kind::move_declined, elsewhere, 10, 1);
  registry_.commit();
  registry_.give(move(4, 10, group_id{9}, refusals_->now()));
  registry_.commit();
  registry_.give(cancel(5, 10, {first_tenure, 0}));
  EXPECT_EQ(registry_.outcome_of(5), outcome::interrupted);
}

TEST_F(copies, a_place_that_a_move_tried_is_dropped_whether_it_is_booked_or_not) {
  const auto in = [&](std::uint64_t r) {
    return move_in{home, citizen(static_cast<std::uint8_t>(r)), ref(r), generation_t{1}, key_hash{r}, {}, window_index{0}, {}, {}, {}};
  };
  group_.give(in(7));
  group_.commit();
  ASSERT_EQ(group_.live(), 1U);
  group_.give(drop_place{home, ref(7), generation_t{1}});
  group_.commit();
  EXPECT_EQ(group_.live(), 0U);
  EXPECT_EQ(std::get<place_reply>(all<to_registry>(group_.said).at(0).message).kind, place_reply_kind::dropped);
  group_.give(drop_place{home, ref(8), generation_t{1}});
  group_.commit();
  EXPECT_EQ(std::get<place_reply>(all<to_registry>(group_.said).at(0).message).kind, place_reply_kind::dropped);
  group_.give(in(8));
  EXPECT_EQ(group_.live(), 0U) << "what comes late is declined";
  EXPECT_TRUE(group_.sent.empty());
}

// ------------------------------------------------------------------ the table

TEST(refusal_table, a_leader_that_gets_it_whole_goes_on_as_the_one_before) {
  refusal_table before(first_tenure, 99);
  for (std::uint64_t k = 0; k < 1000; ++k)
    before.number(key_hash{k});
  refusal_table after(before.copy());
  EXPECT_EQ(after.now(), before.now());
  EXPECT_EQ(after.admit({first_tenure, 999}, key_hash{999}), refusal_table::verdict::interrupted);
  EXPECT_EQ(after.admit({first_tenure, 1000}, key_hash{999}), refusal_table::verdict::admitted);
}

TEST(refusal_table, admits_everything_while_there_are_nodes_that_stamp_nothing) {
  refusal_table t(first_tenure, 99);
  t.number(key_hash{1});
  t.enforce(false);
  EXPECT_EQ(t.admit({}, key_hash{1}), refusal_table::verdict::admitted);
  t.enforce(true);
  EXPECT_EQ(t.admit({}, key_hash{1}), refusal_table::verdict::interrupted);
}

TEST(refusal_table, few_keys_share_a_bucket) {
  refusal_table t(first_tenure, 4711);
  t.number(key_hash{42});
  int hit = 0;
  for (std::uint64_t k = 1000; k < 17'384; ++k)
    hit += t.admit({first_tenure, 0}, key_hash{k * 0x9e3779b97f4a7c15ULL}) == refusal_table::verdict::interrupted ? 1 : 0;
  EXPECT_LT(hit, 12);
}

}  // namespace
}  // namespace testing
}  // namespace janji
