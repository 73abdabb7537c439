#include "booking/citizen_registry.hpp"

#include "booking/assert.hpp"
#include "tests/booking/machines.hpp"

namespace janji::testing {
namespace {

using registry = registry_under_test;
constexpr group_id there{8};

TEST(citizen_registry, a_claim_is_granted_only_after_it_is_committed) {
  registry r;
  r.ask(1, 10, 5);
  EXPECT_FALSE(r.verdict(10));
  r.commit();
  EXPECT_EQ(r.verdict(10), claim_verdict::granted);
  r.ask(1, 10, 5);
  EXPECT_EQ(r.verdict(10), claim_verdict::granted) << "the request came twice";
  EXPECT_TRUE(r.sent.empty());
}

TEST(citizen_registry, a_citizen_with_a_booking_is_refused_after_a_strict_round) {
  registry r;
  r.confirmed(1, 10, 5);
  r.ask(1, 20, 6, there);
  EXPECT_FALSE(r.verdict(20));
  r.strict_round();
  EXPECT_EQ(r.verdict(20), claim_verdict::already_booked);
}

TEST(citizen_registry, a_claim_that_is_asked_for_again_tells_the_moment_that_it_states) {
  registry r;
  const auto ask_at = [&](std::int64_t ms) {
    r.give(claim_request{here, incarnation_t{5}, citizen(1), ref(10), key_hash{5}, body_hash{1}, window_index{0},
                         unix_ms{r.now.value + 1000}, unix_ms{ms}});
  };
  ask_at(7'000);
  r.commit();
  ASSERT_TRUE(r.told<claim_result>(here));
  EXPECT_EQ(r.told<claim_result>(here)->at, unix_ms{7'000});
  ask_at(9'000);
  ASSERT_TRUE(r.told<claim_result>(here));
  EXPECT_EQ(r.told<claim_result>(here)->at, unix_ms{7'000});
}

TEST(citizen_registry, a_denial_that_comes_during_a_round_waits_for_the_next_one) {
  registry r;
  r.look_up(1, 404);
  r.look_up(2, 405);
  r.strict_round();
  EXPECT_EQ(r.outcome_of(1), outcome::not_found);
  EXPECT_FALSE(r.answered(2));
  EXPECT_TRUE(r.strict_wanted);
  r.strict_round();
  EXPECT_EQ(r.outcome_of(2), outcome::not_found);
  EXPECT_TRUE(r.strict_round().empty());
}

TEST(citizen_registry, an_older_unconfirmed_claim_is_settled_before_a_new_one_is_decided) {
  registry r;
  r.ask(1, 10, 5);
  r.commit();
  r.ask(1, 20, 6, there);
  ASSERT_TRUE(r.told<settle_ask>(here));
  EXPECT_FALSE(r.verdict(20));
  r.give(settle_answer{there, ref(10), {}, settle_status::declined});
  EXPECT_TRUE(r.sent.empty()) << "not the group that the claim names";
  r.give(settle_answer{here, ref(10), generation_t{1}, settle_status::declined});
  EXPECT_TRUE(r.sent.empty()) << "not its generation";
  r.give(settle_answer{here, ref(10), {}, settle_status::in_progress});
  EXPECT_TRUE(r.sent.empty());
  r.give(settle_answer{here, ref(10), {}, settle_status::declined});
  r.commit();
  EXPECT_EQ(r.machine.find(ref(10)), nullptr);
  r.commit();
  EXPECT_EQ(r.verdict(20), claim_verdict::granted);
}

TEST(citizen_registry, a_claim_found_booked_makes_the_new_one_already_booked) {
  registry r;
  r.ask(1, 10, 5);
  r.commit();
  r.ask(1, 20, 6, there);
  r.give(settle_answer{here, ref(10), {}, settle_status::booked});
  r.commit();
  r.strict_round();
  EXPECT_EQ(r.verdict(20), claim_verdict::already_booked);
  EXPECT_EQ(r.machine.unsettled(), 0U);
}

TEST(citizen_registry, a_claim_that_waits_past_its_deadline_is_dropped) {
  registry r;
  r.ask(1, 10, 5);
  r.commit();
  r.ask(1, 20, 6, there, 1, 200);
  r.now.value += 200;
  r.give(settle_answer{here, ref(10), {}, settle_status::declined});
  r.commit();
  EXPECT_TRUE(r.sent.empty()) << "its citizen was told unknown";
  r.ask(1, 30, 7, there, 1, 0);
  EXPECT_TRUE(r.said.empty());
}

TEST(citizen_registry, a_reference_is_used_by_one_claim) {
  registry r;
  r.ask(1, 10, 5);
  r.ask(2, 10, 6);
  EXPECT_EQ(r.verdict(10), claim_verdict::reference_taken) << "while the first is on its way";
  r.commit();
  r.ask(2, 10, 6);
  EXPECT_EQ(r.verdict(10), claim_verdict::reference_taken);
  r.ask(1, 10, 5, there);
  EXPECT_EQ(r.verdict(10), claim_verdict::reference_taken) << "also by the same citizen at another group";
}

TEST(citizen_registry, a_key_of_an_earlier_booking_means_that_booking_for_the_whole_campaign) {
  registry r;
  r.confirmed(1, 10, 5);
  r.ask(1, 20, 5, there, 76);
  r.strict_round();
  EXPECT_EQ(r.verdict(20), claim_verdict::key_reused) << "at another group, which is another body";
  r.ask(1, 21, 5);
  EXPECT_EQ(r.verdict(21), claim_verdict::in_progress) << "the same request: its group has the answer, this registry has not";
  r.cancel(1, 10);
  r.commit();
  r.reply(place_reply_kind::cancelled, here, 10, 0);
  r.commit();
  r.ask(1, 30, 5, here, 77);
  r.strict_round();
  EXPECT_EQ(r.verdict(30), claim_verdict::key_reused) << "with another body, after a cancellation";
  r.ask(1, 40, 6, there);
  r.commit();
  EXPECT_EQ(r.verdict(40), claim_verdict::granted);
  EXPECT_EQ(r.machine.find_citizen(citizen(1))->ref, ref(40));
  r.give(settle_answer{there, ref(40), {}, settle_status::declined});
  r.commit();
  EXPECT_EQ(r.machine.find_citizen(citizen(1))->ref, ref(10)) << "the cancelled one is remembered";
  r.ask(1, 50, 5, there, 76);
  r.strict_round();
  EXPECT_EQ(r.verdict(50), claim_verdict::key_reused);
}

TEST(citizen_registry, a_key_that_never_booked_is_free) {
  registry r;
  r.ask(1, 10, 5);
  r.commit();
  r.give(settle_answer{here, ref(10), {}, settle_status::declined});
  r.commit();
  r.ask(1, 20, 5, there, 77);
  r.commit();
  EXPECT_EQ(r.verdict(20), claim_verdict::granted);
  EXPECT_EQ(r.machine.size(), 1U);
}

TEST(citizen_registry, cancelled_is_said_after_intent_group_and_end_are_committed) {
  registry r;
  r.confirmed(1, 10, 5);
  r.cancel(1, 10);
  EXPECT_FALSE(r.told<cancel_place>(here));
  r.commit();
  ASSERT_TRUE(r.told<cancel_place>(here));
  r.reply(place_reply_kind::cancelled, there, 10, 0);
  r.reply(place_reply_kind::cancelled, here, 10, 1);
  r.reply(place_reply_kind::released, here, 10, 0);
  EXPECT_TRUE(r.sent.empty()) << "replies about something else";
  r.reply(place_reply_kind::cancelled, here, 10, 0);
  EXPECT_FALSE(r.answered(1));
  r.commit();
  EXPECT_EQ(r.outcome_of(1), outcome::cancelled);
  r.cancel(2, 10);
  r.strict_round();
  EXPECT_EQ(r.outcome_of(2), outcome::cancelled);
  EXPECT_TRUE(r.answered(2)->repeated);
  r.look_up(3, 10);
  r.strict_round();
  EXPECT_EQ(r.answered(3)->places.at(0).status, place_status::cancelled);
}

TEST(citizen_registry, a_second_cancel_joins_the_first) {
  registry r;
  r.confirmed(1, 10, 5);
  r.cancel(1, 10);
  r.commit();
  r.cancel(2, 10, 901);
  EXPECT_TRUE(r.told<cancel_place>(here)) << "driven on";
  r.reply(place_reply_kind::cancelled, here, 10, 0);
  r.commit();
  EXPECT_EQ(r.outcome_of(1), outcome::cancelled);
  EXPECT_EQ(r.outcome_of(2), outcome::cancelled);
}

// Of a leader that was replaced and does not know it, it may be long cancelled.
TEST(citizen_registry, what_is_booked_is_told_once_this_leader_is_shown_to_lead) {
  registry r;
  r.confirmed(1, 10, 5);
  r.look_up(1, 10);
  EXPECT_FALSE(r.answered(1));
  EXPECT_TRUE(r.strict_wanted);
  r.strict_round();
  EXPECT_EQ(r.outcome_of(1), outcome::found);
}

TEST(citizen_registry, a_wrong_token_finds_nothing) {
  registry r;
  r.confirmed(1, 10, 5);
  r.cancel(1, 10, 900, 4);
  r.look_up(2, 10, 4);
  r.strict_round();
  r.strict_round();
  EXPECT_EQ(r.outcome_of(2), outcome::not_found);
  r.look_up(3, 10);
  r.strict_round();
  EXPECT_EQ(r.outcome_of(3), outcome::found);
  r.give(move_command{request_id{4}, ref(404), 0, there, {}, key_hash{1}, {}, unix_ms{r.now.value + 100}});
  r.strict_round();
  EXPECT_EQ(r.outcome_of(4), outcome::not_found);
}

TEST(citizen_registry, staff_cancel_by_citizen_and_leave_their_name) {
  registry r;
  r.confirmed(1, 10, 5);
  r.give(cancel_command{request_id{1}, {}, citizen(1), 9, key_hash{3}, "aminah", "disputed", unix_ms{r.now.value + 100}});
  ASSERT_EQ(r.sent.size(), 1U);
  EXPECT_EQ(std::get<cancel_intended>(r.sent[0].event).by, "aminah");
  r.give(cancel_command{request_id{2}, {}, citizen(9), 9, key_hash{3}, "aminah", "disputed", unix_ms{r.now.value + 100}});
  r.strict_round();
  EXPECT_EQ(r.outcome_of(2), outcome::not_found);
}

TEST(citizen_registry, a_cancel_of_an_unconfirmed_claim_settles_it_first) {
  registry r;
  r.ask(1, 10, 5);
  r.commit();
  r.cancel(1, 10);
  EXPECT_TRUE(r.told<settle_ask>(here));
  r.give(settle_answer{here, ref(10), {}, settle_status::booked});
  r.commit();
  ASSERT_EQ(r.sent.size(), 1U);
  EXPECT_TRUE(std::holds_alternative<cancel_intended>(r.sent[0].event));
  registry late;
  late.ask(1, 10, 5);
  late.commit();
  late.cancel(1, 10);
  late.now.value += 1000;
  late.give(tick{});
  EXPECT_EQ(late.outcome_of(1), outcome::in_progress);
  EXPECT_EQ(late.machine.next_deadline().value, std::numeric_limits<std::int64_t>::max());
}

TEST(citizen_registry, a_look_up_of_an_unconfirmed_claim_settles_it_first) {
  registry r;
  r.ask(1, 10, 5);
  r.commit();
  r.look_up(1, 10);
  EXPECT_FALSE(r.answered(1));
  EXPECT_TRUE(r.told<settle_ask>(here));
  r.give(settle_answer{here, ref(10), {}, settle_status::booked});
  r.commit();
  r.strict_round();
  EXPECT_EQ(r.outcome_of(1), outcome::found);
  r.ask(2, 20, 6);
  r.commit();
  r.look_up(2, 20);
  r.now.value += 1000;
  r.give(tick{});
  EXPECT_EQ(r.outcome_of(2), outcome::in_progress);
}

TEST(citizen_registry, unknown_is_said_at_the_deadline_and_the_cancel_goes_on) {
  registry r;
  r.confirmed(1, 10, 5);
  r.cancel(1, 10);
  r.commit();
  r.now.value += 1000;
  r.give(tick{});
  EXPECT_EQ(r.outcome_of(1), outcome::unknown);
  EXPECT_TRUE(r.told<cancel_place>(here)) << "a lost message is sent again";
  r.cancel(2, 10, 900);
  r.reply(place_reply_kind::cancelled, here, 10, 0);
  r.commit();
  EXPECT_EQ(r.outcome_of(2), outcome::cancelled);
}

TEST(citizen_registry, a_move_gives_up_the_old_place_after_the_new_one_is_booked) {
  registry r;
  r.confirmed(1, 10, 5);
  r.move(1, 10, there, 2);
  r.commit();
  const auto offer = r.told<offer_move>(here);
  ASSERT_TRUE(offer);
  EXPECT_EQ(offer->next, generation_t{1});
  EXPECT_EQ(offer->to, there);
  r.reply(place_reply_kind::moved_in, there, 10, 0);
  EXPECT_TRUE(r.sent.empty()) << "an older try";
  r.reply(place_reply_kind::moved_in, there, 10, 1);
  EXPECT_FALSE(r.told<release_place>(here));
  r.commit();
  EXPECT_TRUE(r.told<release_place>(here));
  EXPECT_FALSE(r.answered(1)) << "the old place's group still answers a repeated booking with it";
  r.look_up(8, 10);
  r.strict_round();
  EXPECT_EQ(r.answered(8)->places.at(0).group, there);
  r.move(2, 10, there, 2);
  r.strict_round();
  EXPECT_FALSE(r.answered(2)) << "joins while the old place is being released";
  r.reply(place_reply_kind::released, here, 10, 0);
  r.commit();
  for (const auto request : {1U, 2U}) {
    EXPECT_EQ(r.outcome_of(request), outcome::moved);
    EXPECT_EQ(r.answered(request)->places.at(0).group, there);
    EXPECT_EQ(r.answered(request)->places.at(0).window, window_index{2});
  }
  EXPECT_EQ(r.machine.find(ref(10))->group, there);
  EXPECT_EQ(r.machine.find(ref(10))->generation, generation_t{1});
  r.move(3, 10, there, 2);
  r.strict_round();
  EXPECT_EQ(r.outcome_of(3), outcome::moved) << "asked again with the same key";
  r.move(4, 10, there, 1);
  r.strict_round();
  EXPECT_EQ(r.outcome_of(4), outcome::key_reused);
  r.move(5, 10, there, 2, 801);
  r.strict_round();
  EXPECT_EQ(r.outcome_of(5), outcome::same_place);
  r.cancel(6, 10, 800);
  r.strict_round();
  EXPECT_EQ(r.outcome_of(6), outcome::key_reused) << "a move's key does not cancel";
  r.move(7, 10, here, 0, 5);
  r.strict_round();
  EXPECT_EQ(r.outcome_of(7), outcome::key_reused) << "the booking's own key";
}

TEST(citizen_registry, a_declined_move_changes_nothing_and_may_be_asked_again) {
  registry r;
  r.confirmed(1, 10, 5);
  r.move(1, 10, there);
  r.commit();
  r.move(2, 10, there);
  r.strict_round();
  EXPECT_FALSE(r.answered(2)) << "joins";
  r.reply(place_reply_kind::move_declined, there, 10, 1);
  r.commit();
  EXPECT_EQ(r.outcome_of(1), outcome::full);
  EXPECT_EQ(r.outcome_of(2), outcome::full);
  EXPECT_EQ(r.machine.find(ref(10))->group, here);
  EXPECT_EQ(r.machine.find(ref(10))->state, claim_state::confirmed);
  r.move(3, 10, there);
  r.commit();
  EXPECT_EQ(r.told<offer_move>(here)->next, generation_t{2}) << "a declined generation is not tried again";
}

TEST(citizen_registry, a_move_into_a_closed_window_is_told_so) {
  registry r;
  r.confirmed(1, 10, 5);
  r.move(1, 10, there);
  r.commit();
  r.give(place_reply{place_reply_kind::move_declined, there, ref(10), generation_t{1}, true});
  r.commit();
  EXPECT_EQ(r.outcome_of(1), outcome::window_closed);
  EXPECT_TRUE(r.answered(1)->places.empty());
}

TEST(citizen_registry, where_nothing_new_is_admitted_a_move_that_was_made_is_told_again) {
  registry r;
  r.confirmed(1, 10, 5);
  const auto repeat = [&](std::uint64_t request, std::uint64_t key) {
    r.give(move_command{request_id{request}, ref(10), 0, here, window_index{1}, key_hash{key}, body_hash{8}, unix_ms{r.now.value + 1000},
                        true});
    r.strict_round();
  };
  repeat(1, 800);
  EXPECT_EQ(r.outcome_of(1), outcome::not_found);
  EXPECT_TRUE(r.sent.empty()) << "no move was begun";
  r.move(2, 10, here, 1);
  r.commit();
  r.reply(place_reply_kind::moved_within, here, 10, 1);
  r.commit();
  repeat(3, 800);
  EXPECT_EQ(r.outcome_of(3), outcome::moved);
}

TEST(citizen_registry, a_move_within_the_group_is_one_step) {
  registry r;
  r.confirmed(1, 10, 5);
  r.move(1, 10, here, 1);
  r.commit();
  ASSERT_TRUE(r.told<move_within>(here));
  r.reply(place_reply_kind::moved_within, here, 10, 1);
  r.commit();
  EXPECT_EQ(r.outcome_of(1), outcome::moved);
  EXPECT_EQ(r.machine.find(ref(10))->window, window_index{1});
}

TEST(citizen_registry, one_change_at_a_time_for_one_citizen) {
  registry r;
  r.confirmed(1, 10, 5);
  r.move(1, 10, there);
  r.cancel(2, 10);
  r.commit();
  EXPECT_FALSE(r.answered(2));
  r.ask(1, 20, 6, there);
  EXPECT_EQ(r.verdict(20), claim_verdict::in_progress);
  r.reply(place_reply_kind::moved_in, there, 10, 1);
  r.commit();
  r.reply(place_reply_kind::released, here, 10, 0);
  r.commit();
  r.commit();
  EXPECT_TRUE(r.told<cancel_place>(there)) << "the cancel goes to the new place";
  r.reply(place_reply_kind::cancelled, there, 10, 1);
  r.commit();
  EXPECT_EQ(r.outcome_of(2), outcome::cancelled);
  r.move(3, 10, here, 0, 802);
  r.strict_round();
  EXPECT_EQ(r.outcome_of(3), outcome::cancelled) << "nothing left to move";
}

TEST(citizen_registry, confirmations_go_many_in_one_record) {
  registry r;
  for (std::uint8_t c = 1; c <= 5; ++c) {
    r.ask(c, c * 10U, c);
    r.commit();
  }
  for (std::uint8_t c = 1; c <= 5; ++c)
    r.give(confirm_claims{{ref(c * 10U)}});
  EXPECT_TRUE(r.sent.empty()) << "they wait for company";
  r.give(tick{});
  ASSERT_EQ(r.sent.size(), 1U);
  EXPECT_EQ(std::get<claims_confirmed>(r.sent[0].event).refs.size(), 5U);
  r.commit();
  EXPECT_EQ(r.machine.unsettled(), 0U);
  r.give(confirm_claims{{ref(10), ref(404)}});
  r.give(tick{});
  EXPECT_TRUE(r.sent.empty()) << "confirmed already, or unknown";
}

TEST(citizen_registry, a_confirmation_that_somebody_waits_for_goes_at_once) {
  registry r;
  r.ask(1, 10, 5);
  r.commit();
  r.ask(1, 20, 6, there);
  r.give(confirm_claims{{ref(10)}});
  ASSERT_EQ(r.sent.size(), 1U);
  r.commit();
  r.strict_round();
  EXPECT_EQ(r.verdict(20), claim_verdict::already_booked);
}

TEST(citizen_registry, the_sweep_asks_about_claims_that_stay_unsettled) {
  registry r;
  for (std::uint8_t c = 1; c <= 200; ++c) {
    r.ask(c, c * 10U, c);
    r.commit();
  }
  for (std::uint16_t c = 0; c < 200; ++c) {
    auto many = citizen(0);
    many.bytes[1] = static_cast<std::uint8_t>(c);
    r.give(claim_request{here, incarnation_t{5}, many, ref(90'000 + c), key_hash{90'000U + c}, {}, {}, unix_ms{r.now.value + 100}});
    r.commit();
  }
  r.give(tick{});
  EXPECT_TRUE(r.said.empty()) << "a young claim has its request under way";
  r.now.value += 10'000;
  r.give(tick{});
  EXPECT_EQ(all<to_group>(r.said).size(), limits::registry_sweep_max) << "so many in one tick";
  r.give(tick{});
  EXPECT_EQ(all<to_group>(r.said).size(), 400 - limits::registry_sweep_max) << "the others in the next";
  r.give(tick{});
  EXPECT_TRUE(r.said.empty()) << "and none again before its time";
}

TEST(citizen_registry, bounds_are_answered) {
  registry r;
  r.ask(1, 10, 5);
  r.commit();
  for (std::uint64_t i = 0; i < limits::claim_waiters_max; ++i)
    r.ask(1, 100 + i, 100 + i, there);
  r.ask(1, 500, 500, there);
  EXPECT_EQ(r.verdict(500), claim_verdict::in_progress) << "waiters of one claim";
  registry d;
  for (std::uint64_t i = 1; i <= limits::group_waiters_max; ++i)
    d.look_up(i, 404);
  d.look_up(5000, 404);
  EXPECT_EQ(d.outcome_of(5000), outcome::busy) << "denials";
  registry c;
  c.confirmed(1, 10, 5);
  c.cancel(1, 10);
  c.commit();
  for (std::uint64_t i = 2; i <= limits::claim_waiters_max; ++i)
    c.cancel(i, 10);
  c.cancel(99, 10);
  EXPECT_EQ(c.outcome_of(99), outcome::busy) << "requests of one change";
  c.cancel(98, 10);
  c.now.value += 1000;
  c.cancel(97, 10);
  EXPECT_EQ(all<answer>(c.said).size(), limits::claim_waiters_max);
}

TEST(citizen_registry, a_command_found_past_its_deadline_is_unknown) {
  registry r;
  r.confirmed(1, 10, 5);
  r.give(cancel_command{request_id{1}, ref(10), std::nullopt, 0, key_hash{3}, "", "", r.now});
  EXPECT_EQ(r.outcome_of(1), outcome::unknown);
  r.give(move_command{request_id{2}, ref(10), 0, there, {}, key_hash{1}, {}, r.now});
  EXPECT_EQ(r.outcome_of(2), outcome::unknown);
}

// What a successor finds in the log it drives on.
TEST(citizen_registry, a_successor_finds_the_intent_and_drives_on) {
  const auto life = [](std::vector<registry_event> log) {
    registry r;
    for (const auto& e : log)
      r.machine.apply(e, sequence_t{++r.sequence});
    EXPECT_EQ(r.machine.unsettled(), 1U);
    EXPECT_FALSE(r.machine.idle());
    r.give(tick{});
    return r;
  };
  const claimed c{citizen(1), ref(10), key_hash{5}, {}, here, {}, start};
  const claims_confirmed yes{{ref(10)}};
  const move_intended m{ref(10), there, {}, key_hash{8}, {}, start};
  EXPECT_TRUE(life({c}).told<settle_ask>(here));
  EXPECT_TRUE(life({c, yes, cancel_intended{ref(10), key_hash{9}, "", "", start}}).told<cancel_place>(here));
  EXPECT_TRUE(life({c, yes, m}).told<offer_move>(here));
  EXPECT_TRUE(life({c, yes, m, move_booked{ref(10)}}).told<release_place>(here));
}

TEST(citizen_registry, events_that_contradict_the_claims_end_the_process) {
  registry r;
  r.confirmed(1, 10, 5);
  EXPECT_DEATH(r.machine.apply(claimed{citizen(1), ref(20), key_hash{6}, {}, here, {}, start}, sequence_t{9}), "I3");
  EXPECT_DEATH(r.machine.apply(claimed{citizen(2), ref(10), key_hash{6}, {}, here, {}, start}, sequence_t{9}), "one claim");
  EXPECT_DEATH(r.machine.apply(claim_released{ref(10)}, sequence_t{9}), "unconfirmed");
  EXPECT_DEATH(r.machine.apply(move_done{ref(10), start}, sequence_t{9}), "begun");
}

}  // namespace
}  // namespace janji::testing
