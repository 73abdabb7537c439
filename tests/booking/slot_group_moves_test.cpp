// Moves as the group sees them that a citizen goes to, leaves, or stays in.
#include "booking/slot_group.hpp"
#include "tests/booking/machines.hpp"

namespace janji::testing {
namespace {

using group = group_under_test;

TEST(slot_group_moves, a_move_takes_a_place_or_is_declined_after_commit) {
  group from, to;
  from.booked(1, 1, 5);
  from.give(offer_move{home, citizen(1), ref(10), {}, generation_t{1}, group_id{8}, window_index{0}});
  auto offered = std::get<move_in>(all<to_group>(from.said).at(0).message);
  EXPECT_EQ(offered.key, key_hash{50});
  ASSERT_TRUE(offered.record);
  EXPECT_EQ(offered.record->sequence, sequence_t{1});
  to.give(move_in{offered});
  to.give(move_in{offered});
  ASSERT_EQ(to.sent.size(), 1U);
  to.commit();
  EXPECT_EQ(std::get<place_reply>(all<to_registry>(to.said).at(0).message).kind, place_reply_kind::moved_in);
  to.give(move_in{offered});
  to.strict_round();
  EXPECT_EQ(std::get<place_reply>(all<to_registry>(to.said).at(0).message).kind, place_reply_kind::moved_in) << "said again";
  to.give(offer_move{home, citizen(1), ref(10), generation_t{1}, generation_t{2}, here, window_index{0}});
  EXPECT_EQ(std::get<move_in>(all<to_group>(to.said).at(0).message).record, offered.record) << "the record stays where it was sealed";
  auto other = offered;
  other.citizen = citizen(2);
  other.ref = ref(20);
  to.give(move_in{other});
  to.commit();
  EXPECT_EQ(std::get<place_reply>(all<to_registry>(to.said).at(0).message).kind, place_reply_kind::move_declined);
  to.give(move_in{other});
  EXPECT_EQ(std::get<place_reply>(all<to_registry>(to.said).at(0).message).kind, place_reply_kind::move_declined);
  from.give(release_place{home, ref(10), {}});
  from.commit();
  EXPECT_EQ(from.live(), 0U);
  from.book(3, {1}, 5);
  from.strict_round();
  EXPECT_EQ(from.answered(3)->places.at(0).status, place_status::moved) << "the original key still answers";
  from.give(release_place{home, ref(10), {}});
  from.strict_round();
  EXPECT_EQ(std::get<place_reply>(all<to_registry>(from.said).at(0).message).kind, place_reply_kind::released);
  EXPECT_TRUE(from.give(offer_move{home, citizen(1), ref(10), {}, generation_t{1}, group_id{8}, window_index{0}}).empty());
}

TEST(slot_group_moves, a_move_waits_while_only_held_places_are_in_its_way) {
  group g;
  g.book(1, {1}, 5);
  g.give(move_in{home, citizen(2), ref(20), generation_t{1}, key_hash{6}, body_hash{1}, window_index{0}, {}, std::nullopt});
  EXPECT_TRUE(g.sent.empty());
  g.claim(10, claim_verdict::in_progress);
  ASSERT_EQ(g.sent.size(), 1U);
  g.commit();
  EXPECT_EQ(std::get<place_reply>(all<to_registry>(g.said).at(0).message).kind, place_reply_kind::moved_in);
}

TEST(slot_group_moves, a_party_member_who_moved_away_and_back_is_shown_where_she_is) {
  group g({{540, 600, 3}});
  g.book(1, {1, 2}, 5);
  g.claim(10);
  g.claim(11);
  g.commit();
  g.give(release_place{home, ref(10), {}});
  g.commit();
  g.give(move_in{home, citizen(1), ref(10), generation_t{2}, key_hash{50}, body_hash{1}, window_index{0}, {}, record_locator{}});
  g.commit();
  g.book(2, {1, 2}, 5);
  g.strict_round();
  ASSERT_EQ(g.outcome_of(2), outcome::confirmed);
  ASSERT_EQ(g.answered(2)->places.size(), 2U);
  EXPECT_EQ(g.answered(2)->places[0].status, place_status::confirmed);
  EXPECT_EQ(g.answered(2)->places[0].generation, generation_t{2});
}

TEST(slot_group_moves, a_receipt_states_the_same_moment_after_moving_away_and_back) {
  group g({{540, 600, 1}});
  g.booked(1, 1, 5);
  g.now = unix_ms{g.now.value + 60'000};
  const group_id there{8};
  g.give(offer_move{home, citizen(1), ref(10), {}, generation_t{1}, there, window_index{0}});
  const auto offered = std::get<move_in>(all<to_group>(g.said).at(0).message);
  EXPECT_EQ(offered.at, start);
  g.give(release_place{home, ref(10), {}});
  g.commit();
  g.give(move_in{home, citizen(1), ref(10), generation_t{2}, key_hash{5}, body_hash{1}, window_index{0}, {}, record_locator{}, offered.at});
  g.commit();
  g.book(2, {1}, 5);
  g.strict_round();
  ASSERT_EQ(g.outcome_of(2), outcome::confirmed);
  EXPECT_EQ(g.answered(2)->places.at(0).at, start);
}

TEST(slot_group_moves, a_move_within_the_group_is_one_event) {
  group g({{540, 600, 1}, {600, 660, 1}});
  g.booked(1, 1, 5, 0);
  const move_within m{home, ref(10), {}, generation_t{1}, window_index{1}};
  g.give(move_within{m});
  g.give(move_within{m});
  ASSERT_EQ(g.sent.size(), 1U);
  g.commit();
  EXPECT_EQ(std::get<place_reply>(all<to_registry>(g.said).at(0).message).kind, place_reply_kind::moved_within);
  EXPECT_EQ(g.live(0), 0U);
  EXPECT_EQ(g.live(1), 1U);
  g.give(move_within{m});
  g.strict_round();
  EXPECT_EQ(std::get<place_reply>(all<to_registry>(g.said).at(0).message).kind, place_reply_kind::moved_within);
  g.booked(2, 2, 6, 0);
  g.give(move_within{home, ref(20), {}, generation_t{1}, window_index{1}});
  g.commit();
  EXPECT_EQ(std::get<place_reply>(all<to_registry>(g.said).at(0).message).kind, place_reply_kind::move_declined);
  g.give(move_within{home, ref(20), {}, generation_t{1}, window_index{9}});
  EXPECT_EQ(std::get<place_reply>(all<to_registry>(g.said).at(0).message).kind, place_reply_kind::move_declined);
  EXPECT_TRUE(g.machine.counters_agree());
}

}  // namespace
}  // namespace janji::testing
