// What the state of a round lets a slot group and a registry do: judged when a place is held and again when it is appended, told only
// after a strict round, and counted as any refusal.
#include "booking/admission.hpp"

#include <gtest/gtest.h>

#include "booking/refusal_table.hpp"
#include "tests/booking/machines.hpp"

namespace janji {
namespace testing {
namespace {

constexpr round_id round_one{1};
constexpr unix_ms opening{1'622'000'000'000};
constexpr unix_ms closing{1'622'100'000'000};

// Not yet heard of here, a round is not "not open", and what was attended is not "not over".
TEST(admission_gate, of_a_round_that_is_not_known_here_nothing_is_known) {
  bool heard = false;
  admission_gate gate([] { return unix_ms{opening.value + 1}; }, [&](group_id) { return heard ? std::optional(round_one) : std::nullopt; },
                      [&](group_id, window_index) { return heard ? std::optional(window_end{closing, closing}) : std::nullopt; });
  gate.know();
  gate.judge_past(true);
  gate.set(std::make_shared<const admission_state>(admission_state{sequence_t{1}, {{round_one, round_state::open, opening, closing}}}));
  EXPECT_EQ(gate.judge(group_id{8}), admission_verdict::unknown);
  EXPECT_FALSE(gate.knows_end(group_id{8}, window_index{0}));
  heard = true;
  EXPECT_EQ(gate.judge(group_id{8}), admission_verdict::admitted);
  EXPECT_TRUE(gate.knows_end(group_id{8}, window_index{0}));
  gate.judge_past(false);
  heard = false;
  EXPECT_TRUE(gate.knows_end(group_id{8}, window_index{0})) << "where nobody judges so, nothing is to be known";
}

class admission_test : public ::testing::Test {
protected:
  explicit admission_test(planted_faults faults = {}) : group_({{540, 600, 1}}, faults), registry_(faults) {
    group_.machine.use(refusals_);
    group_.machine.judge_by(gate_, round_one);
    registry_.machine.use(refusals_);
    registry_.machine.judge_by(gate_);
  }
  void set(round_state state) {
    gate_->set(std::make_shared<const admission_state>(admission_state{sequence_t{++position_}, {{round_one, state, opening, closing}}}));
  }
  void opened() {
    gate_->know();
    set(round_state::open);
  }
  void book(std::uint64_t request, std::uint8_t who, std::uint64_t key) {
    book_command c;
    c.request = request_id{request};
    c.body = body_hash{1};
    c.window = window_index{0};
    c.deadline = unix_ms{group_.now.value + 1000};
    c.stamp = refusals_->now();
    c.people.push_back({citizen(who), ref(request * 10), key_hash{key * 10}, {1, 2}, "sealed"});
    group_.give(std::move(c));
  }
  void confirmed_claim(std::uint8_t who, std::uint64_t r) {
    registry_.ask(who, r, r);
    registry_.commit();
    registry_.give(confirm_claims{{ref(r)}});
    registry_.give(tick{});
    registry_.commit();
  }
  void move(std::uint64_t request, std::uint64_t r) {
    registry_.give(move_command{request_id{request},
                                ref(r),
                                0,
                                group_id{8},
                                {},
                                key_hash{request * 7},
                                body_hash{8},
                                unix_ms{registry_.now.value + 1000},
                                false,
                                refusals_->now()});
  }
  // The shard does not write it: an order stands before it in the log.
  template <class Driven>
  void not_admitted(Driven& d) {
    const auto token = d.sent.front().token;
    d.sent.pop_front();
    d.give(appended{token, {}, 0, true});
  }

  std::uint64_t position_ = 0;
  unix_ms clock_ = opening;
  std::shared_ptr<refusal_table> refusals_ = std::make_shared<refusal_table>(tenure_id{epoch_t{4}, 77}, 1234);
  std::shared_ptr<admission_gate> gate_ = std::make_shared<admission_gate>([this] { return clock_; }, [](group_id) { return round_one; });
  group_under_test group_;
  registry_under_test registry_;
};

TEST_F(admission_test, what_is_not_admitted_is_refused_after_a_strict_round_and_counted) {
  opened();
  const std::pair<round_state, outcome> states[] = {
      {round_state::imported, outcome::not_open}, {round_state::paused, outcome::paused}, {round_state::closed, outcome::closed}};
  std::uint64_t request = 0;
  for (const auto& [state, said] : states) {
    set(state);
    ++request;
    book(request, 1, request);
    EXPECT_FALSE(group_.answered(request)) << "said before the leader is shown to lead";
    group_.strict_round();
    EXPECT_EQ(group_.outcome_of(request), said);
    EXPECT_EQ(group_.answered(request)->stamp.count, request);
  }
  EXPECT_EQ(group_.machine.held(window_index{0}), 0U);
}

TEST_F(admission_test, a_round_is_judged_as_it_is_when_the_strict_round_is_back) {
  opened();
  set(round_state::paused);
  book(1, 1, 5);
  set(round_state::open);
  group_.strict_round();
  EXPECT_FALSE(group_.answered(1)) << "it has a place now";
  EXPECT_EQ(group_.machine.held(window_index{0}), 1U);
}

TEST_F(admission_test, a_held_place_is_not_appended_after_an_order_that_forbids_it) {
  opened();
  book(1, 1, 5);
  ASSERT_EQ(group_.machine.held(window_index{0}), 1U);
  set(round_state::closed);
  group_.claim(10);
  ASSERT_EQ(group_.sent.size(), 1U);
  EXPECT_TRUE(std::holds_alternative<declined>(group_.sent.front().event)) << "its claim is released";
  EXPECT_EQ(group_.machine.held(window_index{0}), 0U);
  group_.strict_round();
  EXPECT_EQ(group_.outcome_of(1), outcome::closed);
}

TEST_F(admission_test, an_append_that_stands_behind_an_order_is_taken_back_in_its_turn) {
  opened();
  book(1, 1, 5);
  group_.claim(10);
  ASSERT_TRUE(std::holds_alternative<booked>(group_.sent.front().event));
  set(round_state::paused);
  not_admitted(group_);
  EXPECT_EQ(group_.live(), 0U);
  EXPECT_EQ(group_.machine.held(window_index{0}), 0U);
  EXPECT_TRUE(std::holds_alternative<declined>(group_.sent.front().event));
  group_.strict_round();
  EXPECT_EQ(group_.outcome_of(1), outcome::paused);
}

TEST_F(admission_test, what_was_taken_back_is_not_booked_without_its_record_when_the_round_is_open_again) {
  opened();
  book(1, 1, 5);
  group_.claim(10);
  set(round_state::paused);
  not_admitted(group_);
  set(round_state::open);
  group_.strict_round();
  EXPECT_EQ(group_.outcome_of(1), outcome::busy) << "neither yes nor no: it is asked again";
  EXPECT_EQ(group_.machine.held(window_index{0}), 0U);
}

TEST_F(admission_test, until_the_state_is_known_bookings_wait_and_nobody_is_refused) {
  book(1, 1, 5);
  EXPECT_FALSE(group_.answered(1));
  EXPECT_FALSE(group_.strict_wanted);
  EXPECT_EQ(group_.machine.held(window_index{0}), 0U);
  opened();
  group_.give(tick{});
  EXPECT_EQ(group_.machine.held(window_index{0}), 1U);
  group_.claim(10);
  group_.commit();
  EXPECT_EQ(group_.outcome_of(1), outcome::confirmed);
}

TEST_F(admission_test, whoever_waits_in_vain_for_the_state_is_told_that_it_is_not_known) {
  book(1, 1, 5);
  group_.now = unix_ms{group_.now.value + 1000};
  group_.give(tick{});
  EXPECT_EQ(group_.outcome_of(1), outcome::busy);
}

TEST_F(admission_test, a_booking_made_before_is_told_again_in_any_state) {
  opened();
  book(1, 1, 5);
  group_.claim(10);
  group_.commit();
  ASSERT_EQ(group_.outcome_of(1), outcome::confirmed);
  set(round_state::closed);
  book(2, 1, 5);
  group_.strict_round();
  EXPECT_EQ(group_.outcome_of(2), outcome::confirmed);
}

TEST_F(admission_test, opening_and_closing_are_judged_by_the_leaders_clock) {
  opened();
  clock_ = unix_ms{opening.value - 1};
  book(1, 1, 5);
  group_.strict_round();
  EXPECT_EQ(group_.outcome_of(1), outcome::not_open);
  clock_ = opening;
  book(2, 1, 6);
  EXPECT_EQ(group_.machine.held(window_index{0}), 1U);
  clock_ = closing;
  group_.claim(20);
  group_.strict_round();
  EXPECT_EQ(group_.outcome_of(2), outcome::closed);
}

TEST_F(admission_test, a_move_is_judged_at_its_intent_and_what_was_intended_is_finished) {
  opened();
  confirmed_claim(1, 10);
  set(round_state::paused);
  move(2, 10);
  registry_.strict_round();
  EXPECT_EQ(registry_.outcome_of(2), outcome::paused);
  EXPECT_TRUE(registry_.sent.empty());
  set(round_state::open);
  move(3, 10);
  ASSERT_EQ(registry_.sent.size(), 1U);
  registry_.commit();
  set(round_state::closed);
  group_.give(move_in{home, citizen(9), ref(77), generation_t{1}, key_hash{1}, body_hash{1}, window_index{0}, {1, 2}, std::nullopt, start});
  ASSERT_EQ(group_.sent.size(), 1U);
  EXPECT_TRUE(std::holds_alternative<booked>(group_.sent.front().event)) << "a move that was intended before is finished";
}

TEST_F(admission_test, an_intent_that_stands_behind_an_order_is_taken_back) {
  opened();
  confirmed_claim(1, 10);
  move(2, 10);
  set(round_state::closed);
  not_admitted(registry_);
  registry_.strict_round();
  EXPECT_EQ(registry_.outcome_of(2), outcome::closed);
  EXPECT_EQ(registry_.machine.find(ref(10))->state, claim_state::confirmed);
}

TEST_F(admission_test, an_intent_taken_back_after_its_deadline_is_not_answered_twice) {
  opened();
  confirmed_claim(1, 10);
  move(2, 10);
  registry_.now = unix_ms{registry_.now.value + 1000};
  registry_.give(tick{});
  ASSERT_EQ(registry_.outcome_of(2), outcome::unknown);
  set(round_state::closed);
  not_admitted(registry_);
  EXPECT_FALSE(registry_.answered(2));
  EXPECT_FALSE(registry_.strict_wanted);
}

TEST_F(admission_test, a_move_waits_until_the_state_is_known) {
  confirmed_claim(1, 10);
  move(2, 10);
  EXPECT_FALSE(registry_.answered(2));
  EXPECT_TRUE(registry_.sent.empty());
  opened();
  registry_.give(tick{});
  ASSERT_EQ(registry_.sent.size(), 1U);
  EXPECT_TRUE(std::holds_alternative<move_intended>(registry_.sent.front().event));
}

TEST_F(admission_test, cancels_are_possible_in_any_state) {
  opened();
  confirmed_claim(1, 10);
  set(round_state::closed);
  registry_.give(
      cancel_command{request_id{2}, ref(10), std::nullopt, 0, key_hash{2}, "", "", unix_ms{registry_.now.value + 1000}, refusals_->now()});
  ASSERT_EQ(registry_.sent.size(), 1U);
  EXPECT_TRUE(std::holds_alternative<cancel_intended>(registry_.sent.front().event));
}

TEST_F(admission_test, where_fronts_still_judge_only_what_was_left_to_the_leader_waits) {
  gate_->enforce(false);
  book(1, 1, 5);
  EXPECT_EQ(group_.machine.held(window_index{0}), 1U);
  EXPECT_EQ(gate_->judge(round_one, true), admission_verdict::unknown);
}

}  // namespace
}  // namespace testing
}  // namespace janji
