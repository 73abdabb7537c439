// A shard's checkpoint made from its log alone holds what its owners would have given.
#include "actors/follower_checkpoint.hpp"

#include <gtest/gtest.h>

#include "actors/archive.hpp"
#include "booking/citizen_registry.hpp"
#include "booking/slot_group.hpp"
#include "tests/actors/one_log_test.hpp"

namespace janji::actors {
namespace {

class follower_checkpoint_test : public one_log_test {
protected:
  follower_checkpoint_test() : one_log_test({{540, 600, 100}}) {}
  [[nodiscard]] schema::owned_event imported() const { return {schema::owner::of_rounds(), round_event{imported_}}; }
  // A claim and its booking in one entry, the claim's confirmation in the next.
  void book(std::uint32_t n) {
    const auto ref = reference::make(shard_, n);
    citizen_hash who;
    who.bytes[0] = static_cast<std::uint8_t>(n);
    booked b;
    b.people.push_back({});
    b.people[0].citizen = who;
    b.people[0].ref = ref;
    b.people[0].key = key_hash{n};
    b.people[0].sealed = "sealed";
    append(
        {{schema::owner::of_registry(), registry_event{claimed{who, ref, key_hash{n}, body_hash{1}, group_, window_index{0}, unix_ms{5}}}},
         {schema::owner::of(group_), group_event{b}}});
    append({{schema::owner::of_registry(), registry_event{claims_confirmed{{ref}}}}});
  }
  void checkpoint(std::uint64_t after, std::uint64_t up_to) {
    auto rows = follower_checkpoint(shared_, *store_, shard_, sequence_t{after}, sequence_t{up_to});
    ASSERT_TRUE(rows) << rows.error().why;
    ASSERT_TRUE(store_->put_snapshots(*rows));
  }
  slot_group group_from_store() {
    const auto row = store_->get_snapshot(shard_, schema::owner::of(group_)).value().value();
    return std::move(slot_group::restore(row.bytes, group_, shard_, 1, incarnation_t{9}).value());
  }
  citizen_registry registry_from_store() {
    const auto row = store_->get_snapshot(shard_, schema::owner::of_registry()).value().value();
    return std::move(citizen_registry::restore(row.bytes, shard_, incarnation_t{9}).value());
  }
  std::uint64_t marker() { return store_->get_snapshot(shard_, schema::owner::of_checkpoint()).value().value().applied.value; }
};

// In steps as in one go, and as the owners themselves would have it.
TEST_F(follower_checkpoint_test, what_comes_in_steps_is_what_the_whole_log_gives) {
  append({imported()});
  for (std::uint32_t n = 1; n <= 20; ++n)
    book(n);
  checkpoint(0, 7);
  EXPECT_EQ(group_from_store().counts(window_index{0}).booked, 3U);
  checkpoint(7, 30);
  checkpoint(30, last_);
  EXPECT_EQ(marker(), last_);
  slot_group whole(group_, shard_, 1, {{540, 600, 100}}, incarnation_t{9});
  citizen_registry claims(shard_, incarnation_t{9});
  const auto events = read_events(*store_, shard_, sequence_t{0});
  for (const auto& [who, e] : events.value()) {
    if (const auto* g = std::get_if<group_event>(&e.event))
      whole.apply(*g, e.sequence, e.first_record);
    else if (const auto* r = std::get_if<registry_event>(&e.event))
      claims.apply(*r, e.sequence);
  }
  EXPECT_EQ(group_from_store().snapshot(), whole.snapshot());
  EXPECT_EQ(group_from_store().applied(), whole.applied());
  EXPECT_EQ(registry_from_store().snapshot(), claims.snapshot());
  const auto rounds = store_->get_snapshot(shard_, schema::owner::of_rounds()).value().value();
  EXPECT_EQ(rounds.applied, sequence_t{1});
  EXPECT_EQ(schema::decode_batch(rounds.bytes)->size(), 1U);
}

// The same events twice, as after a start that lost the marker: an owner counts none of them again.
TEST_F(follower_checkpoint_test, what_a_snapshot_holds_is_not_counted_again) {
  append({imported()});
  for (std::uint32_t n = 1; n <= 5; ++n)
    book(n);
  checkpoint(0, last_);
  const auto once = group_from_store().snapshot();
  checkpoint(0, last_);
  EXPECT_EQ(group_from_store().snapshot(), once);
  EXPECT_EQ(schema::decode_batch(store_->get_snapshot(shard_, schema::owner::of_rounds()).value().value().bytes)->size(), 1U);
}

// Orders given at one moment stand in one entry: all but the first of each entry were missing in the snapshot, a pause among them.
TEST_F(follower_checkpoint_test, of_an_entry_with_several_orders_each_is_kept) {
  const auto state = [](round_state to) {
    return schema::owned_event{schema::owner::of_rounds(), round_event{round_state_changed{round_id{1}, to, "why", "op", unix_ms{2}}}};
  };
  append({imported(), state(round_state::open), state(round_state::paused)});
  append({state(round_state::open), state(round_state::closed)});
  checkpoint(0, 1);
  checkpoint(1, last_);
  checkpoint(1, last_);
  const auto row = store_->get_snapshot(shard_, schema::owner::of_rounds()).value().value();
  const auto kept = schema::decode_batch(row.bytes);
  ASSERT_EQ(kept->size(), 5U);
  EXPECT_EQ(std::get<round_state_changed>(std::get<round_event>(kept->back().event)).state, round_state::closed);
  EXPECT_EQ(row.applied, sequence_t{2});
}

TEST_F(follower_checkpoint_test, a_round_in_parts_is_one_event_once_it_has_ended) {
  std::vector<schema::owned_event> events;
  round_cutter cutter(imported_);
  while (!cutter.ended())
    events.push_back({schema::owner::of_rounds(), cutter.next()});
  ASSERT_EQ(events.size(), 3U);
  append({events[0]});  // of an import that did not end
  append({events[0]});
  append({events[1]});
  checkpoint(0, 2);
  checkpoint(2, 3);
  append({events[2]});
  book(1);
  EXPECT_EQ(schema::decode_batch(store_->get_snapshot(shard_, schema::owner::of_rounds()).value().value().bytes)->size(), 2U);
  checkpoint(3, last_);
  const auto kept = schema::decode_batch(store_->get_snapshot(shard_, schema::owner::of_rounds()).value().value().bytes);
  ASSERT_EQ(kept->size(), 1U);
  EXPECT_EQ(std::get<round_imported>(std::get<round_event>(kept->front().event)).definition, imported_.definition);
}

TEST_F(follower_checkpoint_test, what_is_not_on_disk_or_not_known_is_an_error) {
  append({imported()});
  book(1);
  const auto beyond = follower_checkpoint(shared_, *store_, shard_, sequence_t{0}, sequence_t{last_ + 1});
  ASSERT_FALSE(beyond);
  EXPECT_EQ(beyond.error().why, "its log ends at 3, before 4");
  EXPECT_FALSE(beyond.error().for_now);
  shared_.catalogue.set(std::make_shared<const round_catalogue>());
  const auto unknown = follower_checkpoint(shared_, *store_, shard_, sequence_t{0}, sequence_t{last_});
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().why, "slot group 1 is not known here yet");
  EXPECT_TRUE(unknown.error().for_now);
}

}  // namespace
}  // namespace janji::actors
