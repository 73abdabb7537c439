#include "booking/slot_group.hpp"

#include "booking/assert.hpp"
#include "tests/booking/machines.hpp"

namespace janji::testing {
namespace {

using group = group_under_test;

TEST(slot_group, says_yes_only_after_the_booking_is_committed) {
  group g;
  g.book(1, {1}, 5);
  EXPECT_TRUE(all<append_group>(g.said).empty()) << "nothing is written before the claim stands";
  ASSERT_EQ(all<to_registry>(g.said).size(), 1U);
  EXPECT_EQ(g.machine.held(window_index{0}), 1U);
  g.claim(10);
  EXPECT_FALSE(g.answered(1)) << "the append is not on disk yet";
  g.commit();
  ASSERT_EQ(g.outcome_of(1), outcome::confirmed);
  EXPECT_EQ(g.answered(1)->places.at(0).ref, ref(10));
  ASSERT_EQ(all<window_changed>(g.said).size(), 1U);
  EXPECT_EQ(all<window_changed>(g.said)[0].booked, 1U);
  const auto told = all<to_registry>(g.said);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(std::get<confirm_claims>(told[0].message).refs, std::vector{ref(10)});
  EXPECT_TRUE(g.machine.idle());
}

// The group may begin anew between the two: what was claimed before states its moment for ever.
TEST(slot_group, a_booking_states_the_moment_of_its_claim) {
  group g;
  const unix_ms before{g.now.value - 5'000};
  g.book(1, {1}, 5);
  g.give(claim_result{incarnation_t{1}, ref(10), claim_verdict::granted, before});
  g.commit();
  ASSERT_EQ(g.outcome_of(1), outcome::confirmed);
  EXPECT_EQ(g.answered(1)->places.at(0).at, before);
}

TEST(slot_group, full_is_said_only_after_a_strict_round) {
  group g;
  g.booked(1, 1, 5);
  g.book(2, {2}, 6);
  EXPECT_FALSE(g.answered(2));
  EXPECT_TRUE(g.strict_wanted);
  g.strict_round();
  EXPECT_EQ(g.outcome_of(2), outcome::full);
  EXPECT_TRUE(g.machine.idle());
}

TEST(slot_group, a_denial_that_comes_during_a_round_waits_for_the_next_one) {
  group g;
  g.booked(1, 1, 5);
  g.book(2, {2}, 6);
  g.book(3, {3}, 7);
  g.strict_round();
  EXPECT_EQ(g.outcome_of(2), outcome::full);
  EXPECT_FALSE(g.answered(3)) << "that round may have begun before the third citizen asked";
  EXPECT_EQ(all<need_strict_round>(g.said).size(), 1U);
  g.strict_round();
  EXPECT_EQ(g.outcome_of(3), outcome::full);
  g.strict_round();
  EXPECT_TRUE(g.said.empty()) << "a round nobody asked for says nothing";
}

TEST(slot_group, a_place_that_comes_back_before_the_round_is_given_instead_of_a_denial) {
  group g;
  g.booked(1, 1, 5);
  g.book(2, {2}, 6);
  g.give(cancel_place{home, ref(10), {}});
  g.commit();
  g.strict_round();
  g.claim(20);
  g.commit();
  EXPECT_EQ(g.outcome_of(2), outcome::confirmed);
}

TEST(slot_group, a_retry_with_the_same_key_has_the_same_answer_also_when_full) {
  group g;
  g.booked(1, 1, 5);
  g.book(2, {1}, 5);
  g.strict_round();
  const auto a = g.answered(2);
  ASSERT_TRUE(a);
  EXPECT_EQ(a->what, outcome::confirmed);
  EXPECT_TRUE(a->repeated);
  EXPECT_EQ(a->places.at(0).ref, ref(10));
  g.give(cancel_place{home, ref(10), {}});
  g.commit();
  g.book(3, {1}, 5);
  g.strict_round();
  EXPECT_EQ(g.answered(3)->places.at(0).status, place_status::cancelled);
}

TEST(slot_group, retries_join_the_booking_in_progress) {
  group g;
  g.book(1, {1}, 5);
  g.book(2, {1}, 5);
  EXPECT_TRUE(all<to_registry>(g.said).empty()) << "one claim is enough";
  g.claim(10);
  g.book(3, {1}, 5);
  g.commit();
  for (const std::uint64_t r : {1, 2, 3})
    EXPECT_EQ(g.outcome_of(r), outcome::confirmed);
  EXPECT_FALSE(g.answered(1)->repeated);
  EXPECT_TRUE(g.answered(3)->repeated);
  EXPECT_EQ(g.live(), 1U);
}

TEST(slot_group, a_key_with_another_body_or_citizen_is_refused) {
  group g({{540, 600, 5}});
  g.booked(1, 1, 5);
  g.book(2, {1}, 5, 0, 99);
  g.strict_round();
  EXPECT_EQ(g.outcome_of(2), outcome::key_reused);
  g.book(3, {2}, 5);
  g.strict_round();
  EXPECT_EQ(g.outcome_of(3), outcome::key_reused);
  g.book(4, {3}, 8);
  g.book(5, {3}, 8, 0, 99);
  g.strict_round();
  EXPECT_EQ(g.outcome_of(5), outcome::key_reused) << "while the first is still held";
}

TEST(slot_group, another_key_of_a_booked_citizen_is_already_booked_and_of_a_held_one_in_progress) {
  group g({{540, 600, 5}});
  g.booked(1, 1, 5);
  g.book(2, {1}, 6);
  EXPECT_FALSE(g.answered(2));
  g.strict_round();
  EXPECT_EQ(g.outcome_of(2), outcome::already_booked);
  EXPECT_EQ(g.answered(2)->position, 1);
  g.book(3, {2}, 7);
  g.book(4, {2}, 8);
  EXPECT_EQ(g.outcome_of(4), outcome::in_progress);
}

TEST(slot_group, held_places_make_wait_and_never_full) {
  group g;
  g.book(1, {1}, 5);
  g.book(2, {2}, 6, 0, 1, 300);
  EXPECT_FALSE(g.answered(2));
  EXPECT_FALSE(g.strict_wanted);
  g.now.value += 300;
  g.give(tick{});
  EXPECT_EQ(g.outcome_of(2), outcome::contended);
}

TEST(slot_group, who_waits_gets_the_place_that_a_dropped_hold_gives_back) {
  group g;
  g.book(1, {1}, 5);
  g.book(2, {2}, 6);
  g.claim(10, claim_verdict::already_booked);
  g.strict_round();
  EXPECT_EQ(g.outcome_of(1), outcome::already_booked);
  g.claim(20);
  g.commit();
  EXPECT_EQ(g.outcome_of(2), outcome::confirmed);
}

TEST(slot_group, who_waits_is_told_full_once_the_held_place_is_booked) {
  group g;
  g.book(1, {1}, 5);
  g.book(2, {2}, 6);
  g.claim(10);
  g.commit();
  g.strict_round();
  EXPECT_EQ(g.outcome_of(2), outcome::full);
}

TEST(slot_group, without_a_window_the_first_with_room_is_taken) {
  group g({{540, 600, 1}, {600, 660, 1}});
  g.booked(1, 1, 5, 0);
  g.book(2, {2}, 6, std::nullopt);
  g.claim(20);
  g.commit();
  EXPECT_EQ(g.answered(2)->places.at(0).window, window_index{1});
  g.book(3, {3}, 7, std::nullopt);
  g.strict_round();
  EXPECT_EQ(g.outcome_of(3), outcome::full);
  g.book(4, {4}, 8, 9);
  EXPECT_EQ(g.outcome_of(4), outcome::window_unknown);
}

TEST(slot_group, a_party_is_booked_in_one_event_or_not_at_all) {
  group g({{540, 600, 2}});
  g.book(1, {1, 2}, 5);
  EXPECT_EQ(g.machine.held(window_index{0}), 2U);
  g.claim(10);
  EXPECT_TRUE(g.sent.empty());
  g.claim(11);
  ASSERT_EQ(g.sent.size(), 1U);
  g.commit();
  ASSERT_EQ(g.answered(1)->places.size(), 2U);
  EXPECT_EQ(g.answered(1)->places[1].ref, ref(11));
  g.give(cancel_place{home, ref(11), {}});
  g.commit();
  g.book(2, {1, 2}, 5);
  g.strict_round();
  EXPECT_EQ(g.answered(2)->places.at(0).status, place_status::confirmed);
  EXPECT_EQ(g.answered(2)->places.at(1).status, place_status::cancelled) << "each can cancel alone";
}

TEST(slot_group, a_party_of_whom_one_is_refused_gives_everything_back) {
  group g({{540, 600, 2}});
  g.book(1, {1, 2}, 5);
  g.claim(10);
  g.claim(11, claim_verdict::already_booked);
  EXPECT_FALSE(g.answered(1)) << "said only by who is shown to lead still";
  g.strict_round();
  EXPECT_EQ(g.outcome_of(1), outcome::already_booked);
  EXPECT_EQ(g.answered(1)->position, 2);
  EXPECT_EQ(g.machine.held(window_index{0}), 0U);
  ASSERT_EQ(g.sent.size(), 1U);
  EXPECT_EQ(std::get<declined>(g.sent[0].event).refs.size(), 1U);
  g.commit();
  const auto told = all<to_registry>(g.said);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(std::get<settle_answer>(told[0].message).status, settle_status::declined);
}

TEST(slot_group, every_verdict_of_a_registry_has_its_answer) {
  const std::pair<claim_verdict, outcome> cases[] = {{claim_verdict::already_booked, outcome::already_booked},
                                                     {claim_verdict::in_progress, outcome::in_progress},
                                                     {claim_verdict::key_reused, outcome::key_reused},
                                                     {claim_verdict::changes_spent, outcome::changes_spent},
                                                     {claim_verdict::reference_taken, outcome::busy}};
  for (const auto& [verdict, said] : cases) {
    group g;
    g.book(1, {1}, 5);
    g.claim(10, verdict);
    EXPECT_EQ(g.strict_wanted, said != outcome::in_progress && said != outcome::busy);
    if (g.strict_wanted)
      g.strict_round();
    EXPECT_EQ(g.outcome_of(1), said);
    EXPECT_TRUE(g.machine.idle());
  }
}

TEST(slot_group, an_answer_for_another_life_or_an_unknown_hold_is_ignored) {
  group g;
  g.book(1, {1}, 5);
  EXPECT_TRUE(g.claim(10, claim_verdict::granted, 2).empty());
  EXPECT_TRUE(g.claim(999).empty());
  EXPECT_TRUE(g.sent.empty());
}

TEST(slot_group, after_the_deadline_nothing_comes_true_later) {
  group g;
  g.book(1, {1}, 5, 0, 1, 200);
  EXPECT_EQ(g.machine.next_deadline().value, g.now.value + 200);
  g.now.value += 200;
  g.claim(10);
  EXPECT_EQ(g.outcome_of(1), outcome::unknown);
  ASSERT_EQ(g.sent.size(), 1U) << "its claim is released at once";
  EXPECT_TRUE(std::holds_alternative<declined>(g.sent[0].event));
  g.commit();
  EXPECT_EQ(g.live(), 0U);
  EXPECT_TRUE(g.machine.idle());
  g.book(2, {2}, 6, 0, 1, 0);
  EXPECT_EQ(g.outcome_of(2), outcome::unknown) << "found past its deadline";
}

TEST(slot_group, an_append_already_sent_may_still_commit_after_unknown) {
  group g;
  g.book(1, {1}, 5, 0, 1, 200);
  g.claim(10);
  g.now.value += 500;
  g.give(tick{});
  EXPECT_EQ(g.outcome_of(1), outcome::unknown);
  g.commit();
  EXPECT_EQ(g.live(), 1U);
  g.book(2, {1}, 5);
  g.strict_round();
  EXPECT_EQ(g.outcome_of(2), outcome::confirmed) << "and the key finds it";
}

TEST(slot_group, a_claim_that_has_no_answer_is_asked_for_again) {
  group g;
  g.book(1, {1}, 5);
  g.now.value += 100;
  g.book(3, {1}, 5, 0);  // joins
  EXPECT_TRUE(all<to_registry>(g.said).empty());
  g.now.value += 99;
  EXPECT_TRUE(all<to_registry>(g.give(tick{})).empty());
  g.now.value += 1;
  const auto again = all<to_registry>(g.give(tick{}));
  ASSERT_EQ(again.size(), 1U);
  g.now.value += 399;
  EXPECT_TRUE(all<to_registry>(g.give(tick{})).empty()) << "later each time";
  g.now.value += 1;
  EXPECT_EQ(all<to_registry>(g.give(tick{})).size(), 1U);
  EXPECT_EQ(std::get<claim_request>(again[0].message).ref, ref(10));
  EXPECT_GT(std::get<claim_request>(again[0].message).deadline, g.now) << "as long as anybody waits";
  g.claim(10);
  g.commit();
  EXPECT_EQ(g.outcome_of(3), outcome::confirmed);
}

TEST(slot_group, a_command_that_comes_twice_is_not_booked_under_a_spent_reference) {
  group g({{540, 600, 5}});
  g.book(1, {1}, 5);
  g.claim(10, claim_verdict::in_progress);
  g.give(settle_ask{home, ref(10), {}});
  g.commit();
  g.book(1, {1}, 5);
  EXPECT_EQ(g.outcome_of(1), outcome::busy);
}

TEST(slot_group, an_unknown_reference_is_declined_and_the_decline_committed_before_it_is_said) {
  group g;
  g.give(settle_ask{home, ref(77), {}});
  EXPECT_TRUE(all<to_registry>(g.said).empty());
  g.commit();
  EXPECT_EQ(std::get<settle_answer>(all<to_registry>(g.said).at(0).message).status, settle_status::declined);
  g.give(settle_ask{home, ref(77), {}});
  EXPECT_TRUE(g.sent.empty()) << "known by now";
  EXPECT_EQ(std::get<settle_answer>(all<to_registry>(g.said).at(0).message).status, settle_status::declined);
}

TEST(slot_group, settling_tells_what_became_of_a_reference) {
  group g({{540, 600, 3}});
  const auto status = [&](std::uint64_t r, bool strict) {
    g.give(settle_ask{home, ref(r), {}});
    if (strict)
      g.strict_round();
    const auto told = all<to_registry>(g.said);
    return told.empty() ? settle_status::declined : std::get<settle_answer>(told[0].message).status;
  };
  g.book(1, {1}, 5);
  EXPECT_EQ(status(10, false), settle_status::in_progress);
  g.claim(10);
  EXPECT_EQ(status(10, false), settle_status::in_progress);
  g.commit();
  EXPECT_EQ(status(10, true), settle_status::booked);
  g.give(cancel_place{home, ref(10), {}});
  g.commit();
  EXPECT_EQ(status(10, true), settle_status::cancelled);
  g.booked(2, 2, 6);
  g.give(release_place{home, ref(20), {}});
  g.commit();
  EXPECT_EQ(status(20, true), settle_status::moved);
}

TEST(slot_group, a_cancelled_place_comes_back_at_once_and_cancelling_again_changes_nothing) {
  group g;
  g.booked(1, 1, 5);
  g.give(cancel_place{home, ref(10), {}});
  g.give(cancel_place{home, ref(10), {}});
  EXPECT_EQ(g.sent.size(), 1U);
  g.commit();
  EXPECT_EQ(std::get<place_reply>(all<to_registry>(g.said).at(0).message).kind, place_reply_kind::cancelled);
  EXPECT_EQ(g.live(), 0U);
  EXPECT_EQ(g.machine.counts(window_index{0}).cancelled, 1U);
  g.give(cancel_place{home, ref(10), {}});
  g.strict_round();
  EXPECT_EQ(std::get<place_reply>(all<to_registry>(g.said).at(0).message).kind, place_reply_kind::cancelled);
  g.give(cancel_place{home, ref(404), {}});
  EXPECT_TRUE(g.said.empty());
  g.booked(2, 2, 6);
}

TEST(slot_group, a_lowered_capacity_shuts_the_window_and_lists_what_is_over) {
  group g({{540, 600, 2}});
  g.booked(1, 1, 5);
  g.booked(2, 2, 6);
  g.give(change_capacity{request_id{9}, window_index{0}, 1, "op", "vaccine late"});
  g.commit();
  EXPECT_EQ(g.outcome_of(9), outcome::found);
  EXPECT_EQ(g.machine.counts(window_index{0}).over_by_order, 1U);
  g.give(cancel_place{home, ref(10), {}});
  g.commit();
  EXPECT_EQ(g.machine.counts(window_index{0}).over_by_order, 0U);
  g.book(3, {3}, 7);
  g.strict_round();
  EXPECT_EQ(g.outcome_of(3), outcome::full);
  g.give(change_capacity{request_id{10}, window_index{7}, 1, "op", ""});
  EXPECT_EQ(g.outcome_of(10), outcome::window_unknown);
}

// Whoever gave it was told long ago that nobody knows, and may have given another since.
TEST(slot_group, a_capacity_that_comes_too_late_is_not_taken) {
  group g({{540, 600, 2}});
  g.give(change_capacity{request_id{9}, window_index{0}, 1, "op", "", g.now});
  EXPECT_EQ(g.outcome_of(9), outcome::unknown);
  EXPECT_EQ(g.machine.counts(window_index{0}).capacity, 2U);
}

TEST(slot_group, where_nothing_new_is_admitted_the_old_answer_is_still_told) {
  group g({{540, 600, 2}});
  g.booked(1, 1, 5);
  const auto ask = [&g](std::uint64_t request, std::uint8_t who, std::uint64_t key) {
    book_command c;
    c.request = request_id{request};
    c.body = body_hash{1};
    c.window = window_index{0};
    c.deadline = unix_ms{g.now.value + 1000};
    c.people.push_back({citizen(who), ref(request * 10), key_hash{key * 10}, {1, 2}, "sealed"});
    c.repeat_only = true;
    g.give(std::move(c));
    g.strict_round();
    return g.outcome_of(request);
  };
  EXPECT_EQ(ask(2, 1, 5), outcome::confirmed);
  EXPECT_TRUE(g.answered(2)->repeated);
  EXPECT_EQ(ask(3, 2, 6), outcome::not_found);
  EXPECT_EQ(ask(4, 1, 7), outcome::not_found) << "nothing is said of whose booking there is";
  EXPECT_EQ(g.live(), 1U);
}

TEST(slot_group, a_window_without_any_place_is_closed_not_full) {
  group g({{540, 600, 1}, {600, 660, 1}});
  g.booked(1, 1, 5, 1);
  g.give(change_capacity{request_id{9}, window_index{0}, 0, "op", "hall flooded"});
  g.commit();
  g.book(2, {2}, 6, 0);
  g.strict_round();
  EXPECT_EQ(g.outcome_of(2), outcome::window_closed);
  g.book(3, {3}, 7, std::nullopt);
  g.strict_round();
  EXPECT_EQ(g.outcome_of(3), outcome::full) << "the other window may have a place again";
  const auto declined = [&](std::uint64_t reference, std::uint8_t window) {
    move_in m{home, citizen(static_cast<std::uint8_t>(reference)), ref(reference), generation_t{1}, key_hash{reference}, {}, {}, {}, {},
              {}};
    m.window = window_index{window};
    g.give(std::move(m));
    g.commit();
    const auto said = std::get<place_reply>(all<to_registry>(g.said).at(0).message);
    EXPECT_EQ(said.kind, place_reply_kind::move_declined);
    return said.window_closed;
  };
  EXPECT_TRUE(declined(40, 0)) << "the same of a move";
  EXPECT_FALSE(declined(50, 1));
}

TEST(slot_group, a_capacity_lowered_while_the_claim_was_asked_for_stops_the_booking) {
  for (const bool committed : {true, false}) {
    group g;
    g.book(1, {1}, 5);
    g.give(change_capacity{request_id{9}, window_index{0}, 0, "op", ""});
    if (committed)
      g.commit();
    g.claim(10);
    EXPECT_EQ(g.outcome_of(1), outcome::contended) << "committed: " << committed;
    while (!g.sent.empty())
      g.commit();
    EXPECT_EQ(g.live(), 0U);
  }
}

namespace {
// Of as many citizens as there are requests.
book_command one_of_many(const group& g, std::uint64_t request) {
  book_command c;
  c.request = request_id{request};
  c.window = window_index{0};
  c.deadline = unix_ms{g.now.value + 1000};
  citizen_hash who;
  std::memcpy(who.bytes.data(), &request, sizeof request);
  c.people.push_back({who, ref(request * 10), key_hash{request * 10}, {1, 2}, "sealed"});
  return c;
}
}  // namespace

TEST(slot_group, bounds_are_answered_busy) {
  group g;
  g.book(1, {1}, 5);
  const std::uint64_t request = 100;
  for (std::size_t i = 0; i < limits::group_waiters_max; ++i)
    EXPECT_TRUE(g.give(one_of_many(g, request + i)).empty());
  g.give(one_of_many(g, 9'000));
  EXPECT_EQ(g.outcome_of(9'000), outcome::busy) << "waiters";
  group full;
  full.booked(1, 1, 5);
  for (std::size_t i = 0; i < limits::group_waiters_max; ++i)
    full.book(request + i, {2}, request + i);
  full.book(9'001, {2}, 9'001);
  EXPECT_EQ(full.outcome_of(9'001), outcome::busy) << "denials";
  group joined;
  joined.book(1, {1}, 5);
  for (std::size_t i = 1; i < limits::group_waiters_max; ++i)
    joined.book(request + i, {1}, 5);
  joined.book(9'002, {1}, 5);
  EXPECT_EQ(joined.outcome_of(9'002), outcome::busy) << "requests of one hold";
}

TEST(slot_group, more_bookings_than_places_end_the_process) {
  group g;
  g.booked(1, 1, 5);
  booked second{window_index{0}, body_hash{1}, false, start, {{citizen(2), ref(20), {}, key_hash{6}, {}, "", std::nullopt}}};
  EXPECT_DEATH(g.machine.apply(second, sequence_t{2}, 0), "I1");
}

// Small and exhaustive: every order of claims, commits, expiry and a lowered capacity for three citizens and two places.
TEST(slot_group, never_oversells_whatever_the_order) {
  std::size_t runs = 0;
  for (std::uint32_t plan = 0; plan < 4 * 4 * 4 * 4 * 4 * 4; ++plan) {
    group g({{540, 600, 2}});
    for (std::uint64_t r = 1; r <= 3; ++r)
      g.book(r, {static_cast<std::uint8_t>(r)}, r, 0, 1, 400);
    auto p = plan;
    for (int i = 0; i < 6; ++i, p /= 4) {
      if (p % 4 == 3)
        g.sent.empty() ? g.give(tick{}) : g.commit();
      else
        g.claim((p % 4 + 1) * 10);
    }
    while (!g.sent.empty())
      g.commit();
    EXPECT_LE(g.live(), 2U) << "plan " << plan;
    EXPECT_TRUE(g.machine.counters_agree());
    g.now.value += 400;
    g.give(tick{});
    while (!g.sent.empty())
      g.commit();
    if (g.strict_wanted)
      g.strict_round();
    EXPECT_TRUE(g.machine.idle()) << "plan " << plan;
    ++runs;
  }
  EXPECT_EQ(runs, 4096U);
}

}  // namespace
}  // namespace janji::testing
