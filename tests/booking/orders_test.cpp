// Operators' orders that come late or twice: what changed after one was given is not undone by it, whatever the clocks say.
#include <gtest/gtest.h>

#include <utility>

#include "booking/refusal_table.hpp"
#include "tests/booking/machines.hpp"

namespace janji::testing {
namespace {

const unix_ms later{start.value + 1'000};
const stamp asked{nobodys_tenure, 0};

class orders : public ::testing::Test {
protected:
  orders() {
    group_.machine.use(refusals_);
    registry_.machine.use(refusals_);
  }
  void capacity(std::uint64_t request, std::uint32_t places, const stamp& s, std::uint8_t window = 0) {
    group_.give(change_capacity{request_id{request}, window_index{window}, places, "op", "why", later, s});
  }
  [[nodiscard]] std::uint32_t places(std::uint8_t window = 0) const { return group_.machine.counts(window_index{window}).capacity; }
  // Of the booking of citizen 1, whichever it is.
  void release(std::uint64_t request, const stamp& s) {
    registry_.give(cancel_command{request_id{request}, {}, citizen(1), 0, key_hash{request}, "op", "seen the card", later, s});
  }
  void cancel(std::uint64_t request, std::uint64_t r) {
    registry_.give(cancel_command{request_id{request}, ref(r), std::nullopt, 0, key_hash{request}, "", "", later, refusals_->now()});
    registry_.commit();
    registry_.reply(place_reply_kind::cancelled, here, r, 0);
    registry_.commit();
  }
  [[nodiscard]] claim_state state_of(std::uint64_t r) const { return registry_.machine.find(ref(r))->state; }

  std::shared_ptr<refusal_table> refusals_ = std::make_shared<refusal_table>(first_tenure, 1234);
  group_under_test group_{{{540, 600, 5}, {600, 660, 5}}};
  registry_under_test registry_;
};

TEST_F(orders, a_capacity_given_before_a_newer_one_was_carried_out_does_not_undo_it) {
  const auto early = refusals_->now();
  capacity(1, 9, early);
  group_.commit();
  ASSERT_EQ(group_.outcome_of(1), outcome::found);
  capacity(2, 3, early);
  EXPECT_EQ(group_.outcome_of(2), outcome::interrupted);
  EXPECT_EQ(places(), 9U);
  EXPECT_TRUE(group_.sent.empty());
  capacity(3, 4, early, 1);
  group_.commit();
  EXPECT_EQ(group_.outcome_of(3), outcome::found) << "another window";
}

TEST_F(orders, whoever_heard_what_was_done_may_order_the_next) {
  capacity(1, 9, refusals_->now());
  group_.commit();
  const auto told = group_.answered(1)->stamp;
  EXPECT_EQ(told, refusals_->now());
  capacity(2, 3, told);
  group_.commit();
  EXPECT_EQ(group_.outcome_of(2), outcome::found);
  EXPECT_EQ(places(), 3U);
}

TEST_F(orders, a_copy_of_what_is_on_its_way_to_the_log_is_not_refused_and_not_done_twice) {
  const auto early = refusals_->now();
  capacity(1, 9, early);
  capacity(2, 9, early);
  EXPECT_EQ(group_.outcome_of(2), outcome::in_progress);
  group_.commit();
  EXPECT_EQ(group_.outcome_of(1), outcome::found);
  capacity(3, 9, early);
  EXPECT_EQ(group_.outcome_of(3), outcome::interrupted);
}

// Sent again because its leader seemed to be lost: it is one order, with one answer.
TEST_F(orders, a_copy_of_the_very_order_that_is_on_its_way_waits_for_its_end) {
  const auto early = refusals_->now();
  capacity(1, 9, early);
  capacity(1, 9, early);
  EXPECT_FALSE(group_.answered(1)) << "not 'another change is under way'";
  EXPECT_EQ(group_.sent.size(), 1U);
  group_.commit();
  EXPECT_EQ(group_.outcome_of(1), outcome::found);
}

TEST_F(orders, an_heir_of_the_tenure_knows_of_a_capacity_that_was_on_its_way_when_it_was_handed_over) {
  const auto early = refusals_->now();
  capacity(1, 9, early);
  refusals_->stop();
  const auto passed_on = std::make_shared<refusal_table>(refusals_->copy());
  group_.commit();
  EXPECT_EQ(places(), 9U);
  group_.machine.use(passed_on);
  capacity(2, 3, early);
  EXPECT_EQ(group_.outcome_of(2), outcome::interrupted);
}

TEST_F(orders, while_a_tenure_is_handed_over_an_operator_is_told_to_ask_again) {
  registry_.confirmed(1, 10, 5);
  refusals_->stop();
  capacity(1, 9, refusals_->now());
  EXPECT_EQ(group_.outcome_of(1), outcome::busy);
  release(2, refusals_->now());
  EXPECT_EQ(registry_.outcome_of(2), outcome::busy);
  EXPECT_TRUE(group_.sent.empty() && registry_.sent.empty());
}

TEST_F(orders, what_was_given_to_a_former_leader_is_not_carried_out) {
  registry_.confirmed(1, 10, 5);
  const stamp former{{epoch_t{3}, 9}, 1000};
  capacity(1, 9, former);
  EXPECT_EQ(group_.outcome_of(1), outcome::interrupted);
  release(2, former);
  EXPECT_EQ(registry_.outcome_of(2), outcome::interrupted);
}

TEST_F(orders, a_release_takes_no_booking_that_was_made_after_the_one_it_was_given_for_had_ended) {
  registry_.confirmed(1, 10, 5);
  const auto early = refusals_->now();
  cancel(1, 10);
  ASSERT_EQ(state_of(10), claim_state::cancelled);
  registry_.confirmed(1, 20, 6);
  release(2, early);
  EXPECT_EQ(registry_.outcome_of(2), outcome::interrupted);
  EXPECT_EQ(state_of(20), claim_state::confirmed);
  EXPECT_TRUE(registry_.sent.empty());
  release(3, refusals_->now());
  registry_.commit();
  EXPECT_EQ(state_of(20), claim_state::cancelling) << "given for this one";
}

TEST_F(orders, a_release_that_comes_twice_is_carried_out_once) {
  registry_.confirmed(1, 10, 5);
  const auto early = refusals_->now();
  release(1, early);
  registry_.commit();
  registry_.reply(place_reply_kind::cancelled, here, 10, 0);
  registry_.commit();
  ASSERT_EQ(registry_.outcome_of(1), outcome::cancelled);
  registry_.confirmed(1, 20, 6);
  release(2, early);
  EXPECT_EQ(registry_.outcome_of(2), outcome::interrupted);
  EXPECT_EQ(state_of(20), claim_state::confirmed);
}

// The end came while the tenure was handed over, when nothing is numbered any more.
TEST_F(orders, an_heir_of_the_tenure_knows_of_a_cancellation_that_was_under_way_when_it_was_handed_over) {
  registry_.confirmed(1, 10, 5);
  const auto early = refusals_->now();
  release(1, early);
  registry_.commit();
  refusals_->stop();
  const auto passed_on = std::make_shared<refusal_table>(refusals_->copy());
  registry_.reply(place_reply_kind::cancelled, here, 10, 0);
  registry_.commit();
  registry_.machine.use(passed_on);
  registry_.confirmed(1, 20, 6);
  release(2, early);
  EXPECT_EQ(registry_.outcome_of(2), outcome::interrupted);
  EXPECT_EQ(state_of(20), claim_state::confirmed);
}

// What was not in the log when the tenure went is asked again of the heir: by its own number it would be older than itself.
TEST_F(orders, a_change_of_ones_own_that_did_not_get_into_the_log_before_a_hand_over_is_begun_by_the_heir) {
  registry_.confirmed(1, 10, 5);
  const auto came = refusals_->now();
  const auto change = [&](registry_under_test& at, std::uint64_t request) {
    at.give(cancel_command{request_id{request}, ref(10), std::nullopt, 0, key_hash{7}, "", "", later, came});
  };
  change(registry_, 1);
  ASSERT_EQ(registry_.sent.size(), 1U);
  refusals_->stop();
  registry_under_test heir;
  heir.confirmed(1, 10, 5);
  heir.machine.use(std::make_shared<refusal_table>(refusals_->copy()));
  change(heir, 2);
  EXPECT_FALSE(heir.answered(2)) << "interrupted";
  EXPECT_EQ(heir.sent.size(), 1U);
}

TEST_F(orders, a_claim_that_was_made_while_a_hand_over_was_tried_is_counted_when_it_is_called_off) {
  const auto early = refusals_->now();
  refusals_->stop();
  registry_.confirmed(1, 20, 6);
  refusals_->go_on();
  release(1, early);
  EXPECT_EQ(registry_.outcome_of(1), outcome::interrupted);
  EXPECT_EQ(state_of(20), claim_state::confirmed);
  EXPECT_TRUE(registry_.sent.empty());
}

TEST_F(orders, a_release_that_found_nothing_takes_nothing_later) {
  const auto early = refusals_->now();
  release(1, early);
  registry_.strict_round();
  ASSERT_EQ(registry_.outcome_of(1), outcome::not_found);
  registry_.confirmed(1, 10, 5);
  release(2, early);
  EXPECT_EQ(registry_.outcome_of(2), outcome::interrupted);
  EXPECT_EQ(state_of(10), claim_state::confirmed);
}

// Frozen on its way, or for somebody whose first claim came to nothing meanwhile.
TEST_F(orders, a_release_takes_no_booking_that_was_claimed_after_it_was_given) {
  const auto early = refusals_->now();
  registry_.confirmed(1, 10, 5);
  release(1, early);
  EXPECT_EQ(registry_.outcome_of(1), outcome::interrupted);
  EXPECT_EQ(state_of(10), claim_state::confirmed);
  EXPECT_TRUE(registry_.sent.empty());
  release(2, registry_.answered(1)->stamp);
  registry_.commit();
  EXPECT_EQ(state_of(10), claim_state::cancelling) << "given for this one";
}

TEST_F(orders, a_claim_of_somebody_else_interrupts_no_release) {
  registry_.confirmed(1, 10, 5);
  const auto early = refusals_->now();
  registry_.confirmed(2, 20, 6);
  release(1, early);
  registry_.commit();
  EXPECT_EQ(state_of(10), claim_state::cancelling);
}

TEST_F(orders, an_heir_of_the_tenure_takes_every_claim_for_as_new_as_its_part_of_it) {
  const auto early = refusals_->now();
  registry_.confirmed(1, 10, 5);
  registry_.machine.use(std::make_shared<refusal_table>(refusals_->copy()));
  release(1, early);
  EXPECT_EQ(registry_.outcome_of(1), outcome::interrupted);
  release(2, refusals_->now());
  registry_.commit();
  EXPECT_EQ(state_of(10), claim_state::cancelling);
}

// ------------------------------------------------------------------ orders that are only asked about

// A leader that has not heard yet that the cluster's level was raised takes what bears no stamp for its own, as of earlier versions.
TEST_F(orders, what_is_only_asked_about_is_not_carried_out_whether_the_leader_judges_or_not) {
  registry_.confirmed(1, 10, 5);
  for (const bool judges : {true, false}) {
    refusals_->enforce(judges);
    capacity(1, 9, asked);
    EXPECT_EQ(group_.outcome_of(1), outcome::interrupted) << judges;
    release(2, asked);
    EXPECT_EQ(registry_.outcome_of(2), outcome::interrupted) << judges;
    EXPECT_TRUE(group_.sent.empty() && registry_.sent.empty()) << judges;
  }
}

// Nor what was given where its leader had not been heard of.
TEST_F(orders, what_can_not_be_carried_out_makes_nobodys_request_older) {
  registry_.confirmed(1, 10, 5);
  registry_.confirmed(2, 20, 6);
  cancel(2, 20);
  const auto before = refusals_->copy();
  std::uint64_t request = 0;
  for (const auto& s : {asked, stamp{}}) {
    capacity(++request, 9, s);
    EXPECT_EQ(group_.outcome_of(request), outcome::interrupted);
    const std::pair<std::uint8_t, outcome> found[] = {{1, outcome::interrupted}, {2, outcome::cancelled}, {9, outcome::not_found}};
    for (const auto& [who, what] : found) {
      registry_.give(cancel_command{request_id{++request}, {}, citizen(who), 0, key_hash{request}, "op", "seen the card", later, s});
      if (!registry_.answered(request))
        registry_.strict_round();
      EXPECT_EQ(registry_.outcome_of(request), what) << int{who};
    }
  }
  EXPECT_EQ(refusals_->copy(), before);
}

}  // namespace
}  // namespace janji::testing
