// What is over: a window can be booked, moved into and waited for until its end by the leader's clock, and what was attended there stays.
#include <gtest/gtest.h>

#include "booking/refusal_table.hpp"
#include "tests/booking/machines.hpp"

namespace janji {
namespace testing {
namespace {

constexpr round_id round_one{1};
constexpr unix_ms nine{start.value + 10'000};  // when the first window can no longer be booked
constexpr unix_ms ten{start.value + 20'000};
constexpr group_id there{8};

class past : public ::testing::Test {
protected:
  explicit past(planted_faults faults = {}) : group_({{540, 600, 1}, {600, 660, 1}}, faults), registry_(faults) {
    group_.machine.use(refusals_);
    group_.machine.judge_by(gate_, round_one, {nine, ten});
    registry_.machine.use(refusals_);
    registry_.machine.judge_by(gate_);
    gate_->know();
    gate_->set(std::make_shared<const admission_state>(
        admission_state{sequence_t{1}, {{round_one, round_state::open, start, unix_ms{start.value + 1'000'000}}}}));
  }
  void at(unix_ms moment) { group_.now = registry_.now = clock_ = moment; }
  void book(std::uint64_t request, std::uint8_t who, std::uint64_t key, std::optional<std::uint8_t> window = 0,
            std::int64_t for_ms = 1000) {
    book_command c;
    c.request = request_id{request};
    c.body = body_hash{1};
    if (window)
      c.window = window_index{*window};
    c.deadline = unix_ms{group_.now.value + for_ms};
    c.stamp = refusals_->now();
    c.people.push_back({citizen(who), ref(request * 10), key_hash{key * 10}, {1, 2}, "sealed"});
    group_.give(std::move(c));
  }
  void booked(std::uint64_t request, std::uint8_t who, std::uint64_t key, std::uint8_t window = 0) {
    book(request, who, key, window);
    group_.claim(request * 10);
    group_.commit();
    ASSERT_EQ(group_.outcome_of(request), outcome::confirmed);
  }
  void move_in_here(std::uint64_t r, std::uint8_t window) {
    group_.give(
        move_in{home, citizen(9), ref(r), generation_t{1}, key_hash{1}, body_hash{1}, window_index{window}, {1, 2}, std::nullopt, start});
  }
  std::optional<place_reply> replied() const {
    for (const auto& o : all<to_registry>(group_.said))
      if (const auto* r = std::get_if<place_reply>(&o.message))
        return *r;
    return std::nullopt;
  }
  void holds(std::uint8_t who, std::uint64_t r) { registry_.confirmed(who, r, r, here); }
  void cancel(std::uint64_t request, std::uint64_t r, std::string by = {}) {
    registry_.give(cancel_command{request_id{request}, ref(r), std::nullopt, 0, key_hash{request * 3}, std::move(by), "",
                                  unix_ms{registry_.now.value + 1000}, refusals_->now()});
  }
  void move(std::uint64_t request, std::uint64_t r, group_id to, std::uint8_t window) {
    registry_.give(move_command{request_id{request}, ref(r), 0, to, window_index{window}, key_hash{request * 7}, body_hash{8},
                                unix_ms{registry_.now.value + 1000}, false, refusals_->now()});
  }
  // Windows of both groups; what is attended is so from the same moment.
  static std::optional<window_end> end_of(group_id, window_index w) {
    if (w.value > 1)
      return std::nullopt;
    const auto end = w.value == 0 ? nine : ten;
    return window_end{end, end};
  }

  unix_ms clock_ = start;
  std::shared_ptr<refusal_table> refusals_ = std::make_shared<refusal_table>(tenure_id{epoch_t{4}, 77}, 1234);
  std::shared_ptr<admission_gate> gate_ =
      std::make_shared<admission_gate>([this] { return clock_; }, [](group_id) { return round_one; }, end_of);
  group_under_test group_;
  registry_under_test registry_;
};

class past_unjudged : public past {
protected:
  past_unjudged() : past({.book_the_past = true}) {}
};

// ------------------------------------------------------------------ booking

TEST_F(past, a_window_is_booked_until_its_end_and_not_from_then_on) {
  at(unix_ms{nine.value - 1});
  booked(1, 1, 5);
  at(nine);
  book(2, 2, 6);
  EXPECT_FALSE(group_.answered(2)) << "said before the leader is shown to lead";
  group_.strict_round();
  EXPECT_EQ(group_.outcome_of(2), outcome::window_over);
  EXPECT_EQ(group_.answered(2)->stamp.count, 1U) << "numbered as any refusal";
}

TEST_F(past_unjudged, would_be_booked_otherwise) {
  at(nine);
  booked(1, 1, 5);
}

TEST_F(past, the_other_windows_of_the_day_go_on) {
  at(nine);
  booked(1, 1, 5, 1);
  at(ten);
  book(2, 2, 6, std::nullopt);
  group_.strict_round();
  EXPECT_EQ(group_.outcome_of(2), outcome::window_over);
}

TEST_F(past, who_names_no_window_gets_one_that_is_not_over) {
  at(nine);
  book(1, 1, 5, std::nullopt);
  group_.claim(10);
  group_.commit();
  ASSERT_EQ(group_.outcome_of(1), outcome::confirmed);
  EXPECT_EQ(group_.answered(1)->places.at(0).window, window_index{1});
  book(2, 2, 6, std::nullopt);
  group_.strict_round();
  EXPECT_EQ(group_.outcome_of(2), outcome::full) << "the free place is one of the past";
}

TEST_F(past, a_full_window_that_is_over_is_called_over) {
  booked(1, 1, 5);
  at(nine);
  book(2, 2, 6);
  group_.strict_round();
  EXPECT_EQ(group_.outcome_of(2), outcome::window_over);
}

TEST_F(past, a_booking_made_before_is_told_again_and_its_citizen_has_one) {
  booked(1, 1, 5);
  at(ten);
  book(2, 1, 5);
  group_.strict_round();
  EXPECT_EQ(group_.outcome_of(2), outcome::confirmed);
  EXPECT_TRUE(group_.answered(2)->repeated);
  book(3, 1, 6);
  group_.strict_round();
  EXPECT_EQ(group_.outcome_of(3), outcome::already_booked);
}

TEST_F(past, the_state_of_the_round_comes_first) {
  at(nine);
  gate_->set(std::make_shared<const admission_state>(
      admission_state{sequence_t{2}, {{round_one, round_state::paused, start, unix_ms{start.value + 1'000'000}}}}));
  book(1, 1, 5);
  group_.strict_round();
  EXPECT_EQ(group_.outcome_of(1), outcome::paused);
}

// The claim is granted in another shard, by another leader's clock, after the end: the place is given back there too.
TEST_F(past, a_place_held_before_the_end_is_not_appended_after_it) {
  at(unix_ms{nine.value - 1});
  book(1, 1, 5);
  ASSERT_EQ(group_.machine.held(window_index{0}), 1U);
  at(nine);
  group_.claim(10);
  ASSERT_EQ(group_.sent.size(), 1U);
  EXPECT_TRUE(std::holds_alternative<declined>(group_.sent.front().event));
  EXPECT_EQ(group_.machine.held(window_index{0}), 0U);
  group_.commit();
  const auto told = all<to_registry>(group_.said);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(std::get<settle_answer>(told[0].message).status, settle_status::declined) << "its claim is released";
  group_.strict_round();
  EXPECT_EQ(group_.outcome_of(1), outcome::window_over);
}

TEST_F(past, what_was_appended_before_the_end_is_booked_whenever_it_is_committed) {
  at(unix_ms{nine.value - 1});
  book(1, 1, 5, 0, 60'000);
  group_.claim(10);
  at(ten);
  group_.commit();
  EXPECT_EQ(group_.outcome_of(1), outcome::confirmed);
}

TEST_F(past, who_named_no_window_and_was_held_in_one_that_ended_asks_again_for_another) {
  at(unix_ms{nine.value - 1});
  book(1, 1, 5, std::nullopt);
  at(nine);
  group_.claim(10);
  group_.strict_round();
  EXPECT_EQ(group_.outcome_of(1), outcome::busy) << "neither yes nor no";
  group_.commit();
  book(2, 1, 5, std::nullopt);
  group_.claim(20);
  group_.commit();
  EXPECT_EQ(group_.outcome_of(2), outcome::confirmed);
}

TEST_F(past, who_waits_for_a_held_place_hears_at_the_end_that_it_is_over) {
  at(unix_ms{nine.value - 500});
  book(1, 1, 5, 0, 9'000);
  book(2, 2, 6, 0, 9'000);
  EXPECT_FALSE(group_.answered(2));
  EXPECT_EQ(group_.machine.next_deadline().value <= nine.value, true) << "it is woken then";
  at(nine);
  group_.give(tick{});
  group_.strict_round();
  EXPECT_EQ(group_.outcome_of(2), outcome::window_over);
}

TEST_F(past, a_clock_that_is_set_back_gives_the_window_back) {
  at(nine);
  book(1, 1, 5);
  at(unix_ms{nine.value - 5'000});
  group_.strict_round();
  EXPECT_FALSE(group_.answered(1)) << "decided again, by the clock as it is";
  EXPECT_EQ(group_.machine.held(window_index{0}), 1U);
}

TEST_F(past, a_window_without_an_end_is_never_over) {
  group_.machine.judge_by(gate_, round_one, {never_over, ten});
  at(unix_ms{ten.value + 900'000});
  booked(1, 1, 5);
}

TEST_F(past, other_ends_count_at_once) {
  booked(1, 1, 5);
  group_.machine.judge_by(gate_, round_one, {nine, group_.now});
  book(2, 2, 6, 1);
  group_.strict_round();
  EXPECT_EQ(group_.outcome_of(2), outcome::window_over);
}

TEST_F(past, nothing_is_over_while_not_all_nodes_know_of_it) {
  gate_->judge_past(false);
  at(nine);
  booked(1, 1, 5);
  gate_->judge_past(true);
  book(2, 2, 6);
  group_.strict_round();
  EXPECT_EQ(group_.outcome_of(2), outcome::window_over);
}

TEST_F(past, a_capacity_is_changed_and_a_place_given_back_by_the_registry_after_the_end) {
  booked(1, 1, 5);
  at(ten);
  group_.give(change_capacity{request_id{7}, window_index{0}, 5, "op", "why", unix_ms{group_.now.value + 1000}, refusals_->now()});
  group_.commit();
  EXPECT_EQ(group_.outcome_of(7), outcome::found);
  group_.give(cancel_place{home, ref(10), {}});
  group_.commit();
  EXPECT_EQ(group_.live(), 0U);
}

// ------------------------------------------------------------------ moves, as the new group sees them

TEST_F(past, a_move_that_arrives_after_the_end_is_declined_for_it) {
  at(nine);
  move_in_here(77, 0);
  ASSERT_EQ(group_.sent.size(), 1U);
  EXPECT_TRUE(std::holds_alternative<declined>(group_.sent.front().event));
  group_.commit();
  ASSERT_TRUE(replied());
  EXPECT_EQ(replied()->kind, place_reply_kind::move_declined);
  EXPECT_TRUE(replied()->window_over);
}

TEST_F(past, a_move_that_was_made_before_the_end_is_said_to_be_made) {
  move_in_here(77, 0);
  group_.commit();
  at(nine);
  move_in_here(77, 0);
  group_.strict_round();
  ASSERT_TRUE(replied());
  EXPECT_EQ(replied()->kind, place_reply_kind::moved_in);
}

TEST_F(past, a_move_that_waits_for_a_held_place_is_declined_at_the_end) {
  at(unix_ms{nine.value - 500});
  book(1, 1, 5, 0, 9'000);
  move_in_here(77, 0);
  EXPECT_TRUE(group_.sent.empty());
  at(nine);
  group_.give(tick{});
  ASSERT_EQ(group_.sent.size(), 1U);
  EXPECT_TRUE(std::holds_alternative<declined>(group_.sent.front().event));
}

TEST_F(past, a_move_within_the_day_goes_only_into_what_is_not_over) {
  booked(1, 1, 5, 1);
  at(nine);
  group_.give(move_within{home, ref(10), {}, generation_t{1}, window_index{0}});
  group_.commit();
  ASSERT_TRUE(replied());
  EXPECT_EQ(replied()->kind, place_reply_kind::move_declined);
  EXPECT_TRUE(replied()->window_over);
}

// ------------------------------------------------------------------ what a citizen holds

TEST_F(past, a_visit_is_cancelled_until_it_begins_and_not_from_then_on) {
  holds(1, 10);
  at(nine);
  cancel(2, 10);
  EXPECT_FALSE(registry_.answered(2));
  registry_.strict_round();
  EXPECT_EQ(registry_.outcome_of(2), outcome::window_over);
  EXPECT_EQ(registry_.answered(2)->places.size(), 1U) << "what is over is what is booked";
  EXPECT_TRUE(registry_.sent.empty());
  at(unix_ms{nine.value - 1});
  cancel(3, 10);
  ASSERT_EQ(registry_.sent.size(), 1U);
  EXPECT_TRUE(std::holds_alternative<cancel_intended>(registry_.sent.front().event));
}

TEST_F(past, a_cancellation_that_was_made_is_told_again) {
  holds(1, 10);
  cancel(2, 10);
  registry_.commit();
  registry_.reply(place_reply_kind::cancelled, here, 10, 0);
  registry_.commit();
  ASSERT_EQ(registry_.outcome_of(2), outcome::cancelled);
  at(ten);
  cancel(3, 10);
  registry_.strict_round();
  EXPECT_EQ(registry_.outcome_of(3), outcome::cancelled);
}

TEST_F(past, a_cancellation_that_had_begun_is_finished) {
  holds(1, 10);
  at(unix_ms{nine.value - 500});
  cancel(2, 10);
  registry_.commit();
  at(nine);
  registry_.reply(place_reply_kind::cancelled, here, 10, 0);
  registry_.commit();
  EXPECT_EQ(registry_.outcome_of(2), outcome::cancelled);
}

TEST_F(past, staff_cancel_what_is_over) {
  holds(1, 10);
  at(ten);
  registry_.give(cancel_command{
      request_id{2}, {}, citizen(1), 0, key_hash{2}, "op", "mistaken identity", unix_ms{registry_.now.value + 1000}, refusals_->now()});
  ASSERT_EQ(registry_.sent.size(), 1U);
  EXPECT_TRUE(std::holds_alternative<cancel_intended>(registry_.sent.front().event));
}

TEST_F(past, a_visit_that_has_begun_is_not_moved) {
  holds(1, 10);
  at(nine);
  move(2, 10, there, 1);
  registry_.strict_round();
  EXPECT_EQ(registry_.outcome_of(2), outcome::window_over);
  EXPECT_EQ(registry_.answered(2)->places.size(), 1U);
  EXPECT_TRUE(registry_.sent.empty());
}

TEST_F(past, nothing_is_moved_into_what_is_over) {
  registry_.ask(1, 10, 10, here);
  registry_.commit();
  registry_.give(confirm_claims{{ref(10)}});
  registry_.give(tick{});
  registry_.commit();
  gate_->judge_past(true);
  at(unix_ms{nine.value - 1});
  move(2, 10, there, 0);
  ASSERT_EQ(registry_.sent.size(), 1U);
  registry_.commit();
  registry_.give(place_reply{place_reply_kind::move_declined, there, ref(10), generation_t{1}, false, true});
  registry_.commit();
  EXPECT_EQ(registry_.outcome_of(2), outcome::window_over) << "it ended on the way";
  EXPECT_TRUE(registry_.answered(2)->places.empty());
  EXPECT_EQ(registry_.machine.find(ref(10))->state, claim_state::confirmed);
}

TEST_F(past, a_move_that_was_made_is_told_again) {
  holds(1, 10);
  move(2, 10, there, 0);
  registry_.commit();
  registry_.reply(place_reply_kind::moved_in, there, 10, 1);
  registry_.commit();
  registry_.reply(place_reply_kind::released, here, 10, 0);
  registry_.commit();
  ASSERT_EQ(registry_.outcome_of(2), outcome::moved);
  at(ten);
  registry_.give(move_command{request_id{3}, ref(10), 0, there, window_index{0}, key_hash{14}, body_hash{8},
                              unix_ms{registry_.now.value + 1000}, false, refusals_->now()});
  registry_.strict_round();
  EXPECT_EQ(registry_.outcome_of(3), outcome::moved);
}

// While the new group cannot be reached nobody knows where the citizen is to be: nothing is said, and the old visit is not cancelled.
TEST_F(past, a_cancel_of_a_move_from_what_has_begun_meanwhile_waits_for_its_end) {
  holds(1, 10);
  move(2, 10, there, 1);
  registry_.commit();
  at(nine);
  cancel(3, 10);
  EXPECT_TRUE(registry_.sent.empty());
  EXPECT_FALSE(registry_.answered(3));
  registry_.reply(place_reply_kind::moved_in, there, 10, 1);
  registry_.commit();
  ASSERT_EQ(registry_.sent.size(), 1U) << "it is at ten now, which can be cancelled";
  EXPECT_TRUE(std::holds_alternative<cancel_joined>(registry_.sent.front().event));
}

TEST_F(past, a_cancel_does_not_join_a_move_into_what_has_begun) {
  holds(1, 10);
  move(2, 10, there, 1);
  registry_.commit();
  registry_.reply(place_reply_kind::moved_in, there, 10, 1);
  registry_.commit();
  at(ten);
  cancel(3, 10);
  registry_.strict_round();
  EXPECT_EQ(registry_.outcome_of(3), outcome::window_over);
}

TEST_F(past, changes_are_possible_after_the_end_of_booking_until_the_visit_begins) {
  gate_ = std::make_shared<admission_gate>([this] { return clock_; }, [](group_id) { return round_one; },
                                           [](group_id, window_index) { return std::optional(window_end{nine, ten}); });
  gate_->know();
  gate_->set(std::make_shared<const admission_state>(
      admission_state{sequence_t{1}, {{round_one, round_state::open, start, unix_ms{start.value + 1'000'000}}}}));
  registry_.machine.judge_by(gate_);
  holds(1, 10);
  at(nine);
  cancel(2, 10);
  EXPECT_EQ(registry_.sent.size(), 1U);
}

}  // namespace
}  // namespace testing
}  // namespace janji
