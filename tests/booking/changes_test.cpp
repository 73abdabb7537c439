// How often a citizen may book and move in a round: counted in the registry's committed state, whatever key, front or party they come by.
#include <memory>

#include "tests/booking/machines.hpp"

namespace janji::testing {
namespace {

constexpr group_id elsewhere{8};
constexpr std::uint32_t three = 3;

std::shared_ptr<admission_gate> gate_with(std::optional<std::uint32_t> changes_max) {
  auto gate = std::make_shared<admission_gate>();
  gate->limit_changes([changes_max](group_id) { return changes_max; });
  return gate;
}

class changes_test : public ::testing::Test {
protected:
  changes_test() { limit(three); }
  void limit(std::optional<std::uint32_t> changes_max) { r_.machine.judge_by(gate_with(changes_max)); }
  // A booking that is cancelled again; its reference is `r`.
  void book_and_cancel(std::uint8_t who, std::uint64_t r) {
    r_.confirmed(who, r, r);
    r_.cancel(r, r, 10'000 + r);
    r_.commit();
    r_.reply(place_reply_kind::cancelled, here, r, 0);
    r_.commit();
    ASSERT_EQ(r_.outcome_of(r), outcome::cancelled);
  }
  // A claim whose group declines it.
  void claim_for_nothing(std::uint8_t who, std::uint64_t r) {
    r_.ask(who, r, r);
    r_.commit();
    r_.give(settle_answer{here, ref(r), {}, settle_status::declined});
    r_.commit();
    ASSERT_EQ(r_.machine.find(ref(r)), nullptr);
  }
  void refused_move(std::uint64_t r, std::uint16_t generation) {
    r_.move(r * 100 + generation, r, elsewhere, 0, 20'000 + r * 100 + generation);
    r_.commit();
    r_.reply(place_reply_kind::move_declined, elsewhere, r, generation);
    r_.commit();
    ASSERT_EQ(r_.outcome_of(r * 100 + generation), outcome::full);
  }
  [[nodiscard]] bool may_book(std::uint8_t who, std::uint64_t r) {
    r_.ask(who, r, r);
    if (r_.strict_wanted)
      r_.strict_round();
    if (r_.verdict(r) == claim_verdict::changes_spent)
      return false;
    r_.commit();
    return r_.verdict(r) == claim_verdict::granted;
  }
  void staff_release(std::uint64_t request, std::uint8_t who) {
    r_.give(
        cancel_command{request_id{request}, {}, citizen(who), 0, key_hash{request}, "aisyah", "card seen", unix_ms{r_.now.value + 1000}});
  }
  void restart() {
    auto back = citizen_registry::restore(r_.machine.snapshot(), home, incarnation_t{2});
    ASSERT_TRUE(back) << back.error();
    EXPECT_EQ(back->state_hash(), r_.machine.state_hash());
    r_.machine = std::move(*back);
    limit(three);
  }
  registry_under_test r_;
};

TEST_F(changes_test, that_are_used_up_are_refused_after_a_strict_round) {
  for (std::uint64_t n = 1; n <= three; ++n)
    book_and_cancel(1, n);
  r_.ask(1, 50, 50);
  EXPECT_FALSE(r_.verdict(50));
  EXPECT_TRUE(r_.sent.empty()) << "nothing is written";
  r_.strict_round();
  EXPECT_EQ(r_.verdict(50), claim_verdict::changes_spent);
  r_.ask(1, 51, 51, elsewhere);
  r_.strict_round();
  EXPECT_EQ(r_.verdict(51), claim_verdict::changes_spent) << "another key at another group";
  EXPECT_TRUE(may_book(2, 60)) << "of one person only";
}

TEST_F(changes_test, that_came_to_nothing_count_too) {
  claim_for_nothing(1, 10);
  r_.confirmed(1, 11, 11);
  refused_move(11, 1);
  r_.move(5, 11, elsewhere, 0, 5);
  r_.strict_round();
  EXPECT_EQ(r_.outcome_of(5), outcome::changes_spent);
  EXPECT_TRUE(r_.sent.empty());
}

TEST_F(changes_test, leave_a_standing_booking_to_be_looked_up_and_cancelled) {
  claim_for_nothing(1, 10);
  claim_for_nothing(1, 11);
  r_.confirmed(1, 12, 12);
  r_.look_up(1, 12);
  r_.strict_round();
  EXPECT_EQ(r_.outcome_of(1), outcome::found);
  r_.cancel(2, 12);
  r_.commit();
  r_.reply(place_reply_kind::cancelled, here, 12, 0);
  r_.commit();
  EXPECT_EQ(r_.outcome_of(2), outcome::cancelled);
  EXPECT_FALSE(may_book(1, 13));
}

TEST_F(changes_test, leave_a_repeated_request_its_first_answer) {
  r_.confirmed(1, 10, 10);
  refused_move(10, 1);
  r_.move(7, 10, elsewhere, 0, 77);
  r_.commit();
  r_.reply(place_reply_kind::moved_in, elsewhere, 10, 2);
  r_.commit();
  r_.reply(place_reply_kind::released, here, 10, 0);
  r_.commit();
  ASSERT_EQ(r_.outcome_of(7), outcome::moved);
  r_.move(8, 10, elsewhere, 0, 77);
  r_.strict_round();
  EXPECT_EQ(r_.outcome_of(8), outcome::moved) << "the move's own key";
  r_.ask(1, 20, 10);
  EXPECT_EQ(r_.verdict(20), claim_verdict::in_progress) << "the booking's own key: its group has the answer";
  r_.ask(1, 21, 21);
  r_.strict_round();
  EXPECT_EQ(r_.verdict(21), claim_verdict::already_booked) << "what is booked is said first";
}

TEST_F(changes_test, are_remembered_over_restarts) {
  claim_for_nothing(1, 10);
  restart();
  book_and_cancel(1, 11);
  restart();
  claim_for_nothing(1, 12);
  restart();
  EXPECT_FALSE(may_book(1, 13));
  EXPECT_TRUE(may_book(2, 14));
}

TEST_F(changes_test, are_the_same_to_whoever_only_applies_the_log) {
  std::vector<registry_event> log;
  citizen_registry follower(home, incarnation_t{9});
  const auto note = [&] {
    for (const auto& a : r_.sent)
      log.push_back(a.event);
  };
  r_.ask(1, 10, 10);
  note();
  r_.commit();
  r_.give(settle_answer{here, ref(10), {}, settle_status::declined});
  note();
  r_.commit();
  for (std::size_t i = 0; i < log.size(); ++i)
    follower.apply(log[i], sequence_t{i + 1});
  EXPECT_EQ(follower.state_hash(), r_.machine.state_hash());
}

TEST_F(changes_test, are_forgiven_by_staff_who_release_the_booking) {
  claim_for_nothing(1, 10);
  claim_for_nothing(1, 11);
  r_.confirmed(1, 12, 12);
  staff_release(1, 1);
  r_.commit();
  r_.commit();
  r_.reply(place_reply_kind::cancelled, here, 12, 0);
  r_.commit();
  EXPECT_EQ(r_.outcome_of(1), outcome::cancelled);
  restart();
  for (std::uint64_t n = 0; n < three; ++n)
    claim_for_nothing(1, 20 + n);
  EXPECT_FALSE(may_book(1, 30)) << "and are counted again from then on";
}

TEST_F(changes_test, are_forgiven_where_nothing_is_booked_any_more) {
  for (std::uint64_t n = 1; n <= three; ++n)
    book_and_cancel(1, n);
  staff_release(1, 1);
  r_.strict_round();
  EXPECT_FALSE(r_.answered(1)) << "not before it is committed";
  r_.commit();
  EXPECT_EQ(r_.outcome_of(1), outcome::cancelled);
  staff_release(2, 1);
  r_.strict_round();
  EXPECT_EQ(r_.outcome_of(2), outcome::cancelled) << "said twice is done once";
  EXPECT_TRUE(r_.sent.empty());
  EXPECT_TRUE(may_book(1, 20));

  for (std::uint64_t n = 0; n < three; ++n)
    claim_for_nothing(2, 30 + n);
  staff_release(3, 2);
  r_.strict_round();
  r_.commit();
  EXPECT_EQ(r_.outcome_of(3), outcome::cancelled) << "nor ever was";
  EXPECT_TRUE(may_book(2, 40));
  staff_release(4, 5);
  r_.strict_round();
  EXPECT_EQ(r_.outcome_of(4), outcome::not_found) << "of somebody who never came";
}

TEST_F(changes_test, are_not_told_by_who_does_not_know_the_round) {
  limit(std::nullopt);
  r_.ask(1, 10, 10);
  EXPECT_EQ(r_.verdict(10), claim_verdict::in_progress);
  limit(three);
  r_.confirmed(1, 11, 11);
  limit(std::nullopt);
  r_.move(2, 11, elsewhere);
  EXPECT_EQ(r_.outcome_of(2), outcome::busy);
  EXPECT_TRUE(r_.sent.empty());
}

// Nodes of an earlier version read no other snapshot.
TEST_F(changes_test, are_not_counted_until_all_nodes_know_of_it) {
  limit(admission_gate::uncounted);
  for (std::uint64_t n = 1; n <= 2 * three; ++n)
    claim_for_nothing(1, n);
  book_and_cancel(1, 10);
  EXPECT_EQ(r_.machine.snapshot()[0], 1);
  staff_release(1, 1);
  r_.strict_round();
  EXPECT_TRUE(r_.sent.empty());
  limit(three);
  claim_for_nothing(1, 11);
  EXPECT_EQ(r_.machine.snapshot()[0], 2);
  claim_for_nothing(1, 12);
  EXPECT_FALSE(may_book(1, 13)) << "the booking of before, and what came to nothing since";
}

// What was granted stands in the registry's log and is counted there; of what was not the group's log says nothing.
TEST(changes_of_a_party, that_are_refused_leave_nothing_in_the_groups_log) {
  group_under_test g({{540, 600, 4}});
  g.book(1, {1, 2}, 5);
  g.claim(10, claim_verdict::changes_spent);
  g.claim(11, claim_verdict::already_booked);
  EXPECT_TRUE(g.sent.empty());
  g.strict_round();
  EXPECT_EQ(g.outcome_of(1), outcome::changes_spent);
  EXPECT_TRUE(g.sent.empty());
  EXPECT_EQ(g.machine.held(window_index{0}), 0U);
}

TEST(changes_of_a_party, that_are_granted_late_are_declined_then) {
  group_under_test g({{540, 600, 4}});
  g.book(1, {1, 2, 3}, 5);
  g.claim(12);
  g.claim(10, claim_verdict::already_booked);
  ASSERT_EQ(g.sent.size(), 1U);
  EXPECT_EQ(std::get<declined>(g.sent[0].event).refs, (std::vector<std::pair<reference, generation_t>>{{ref(12), generation_t{}}}));
  g.commit();
  g.claim(11);
  ASSERT_EQ(g.sent.size(), 1U);
  EXPECT_EQ(std::get<declined>(g.sent[0].event).refs, (std::vector<std::pair<reference, generation_t>>{{ref(11), generation_t{}}}));
  g.claim(11);
  EXPECT_EQ(g.sent.size(), 1U) << "once";
  g.commit();
  const auto told = all<to_registry>(g.said);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(std::get<settle_answer>(told[0].message).ref, ref(11));
  g.claim(11);
  EXPECT_TRUE(g.sent.empty());
}

TEST(changes_of_a_party, that_nobody_answers_leave_nothing_in_the_groups_log) {
  group_under_test g({{540, 600, 4}});
  g.book(1, {1}, 5, 0, 1, 200);
  g.now.value += 200;
  g.give(tick{});
  EXPECT_EQ(g.outcome_of(1), outcome::unknown);
  EXPECT_TRUE(g.sent.empty());
  g.now.value += 4'999;
  g.claim(10);
  ASSERT_EQ(g.sent.size(), 1U) << "the claim that was made after all is released at once";
}

}  // namespace
}  // namespace janji::testing
