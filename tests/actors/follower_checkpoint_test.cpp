// A shard's checkpoint made from its log alone holds what its owners would have given.
#include "actors/follower_checkpoint.hpp"

#include <gtest/gtest.h>

#include "actors/archive.hpp"
#include "actors/catalogue.hpp"
#include "booking/citizen_registry.hpp"
#include "booking/slot_group.hpp"
#include "tests/temporary_directory.hpp"

namespace janji::actors {
namespace {

constexpr shard_id shard{0};

class follower_checkpoint_test : public testing::Test {
protected:
  follower_checkpoint_test() : shared_(one_shard()) {
    store::store_options o;
    o.path = directory_.path() + "/store";
    o.ballast_bytes = 0;
    store_ = std::move(store::node_store::open(o).value());
    round_definition d;
    d.id = round_id{1};
    d.code = "R";
    d.time_zone = "Asia/Kuala_Lumpur";
    d.centres = {{"A", "centre A", "Selangor", "Petaling", 3, 101}};
    d.groups.push_back({group_, 0, std::chrono::year{2027} / 1 / 1, {{540, 600, 100}}});
    imported_ = {schema::owner::of_rounds(), round_event{round_imported{d, "op", unix_ms{1}}}};
    catalogue_builder builder(1);
    builder.apply(std::get<round_event>(imported_.event));
    shared_.catalogue.set(builder.build());
  }
  static node_options one_shard() {
    node_options o;
    o.shard_count = 1;
    return o;
  }
  void append(const std::vector<schema::owned_event>& batch) {
    store::shard_write w{shard, {}, {}, {}};
    w.append.push_back({epoch_t{1}, sequence_t{++last_}, schema::encode_batch(batch)});
    ASSERT_TRUE(store_->write(std::vector{w}));
  }
  // A claim and its booking in one entry, the claim's confirmation in the next.
  void book(std::uint32_t n) {
    const auto ref = reference::make(shard, n);
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
    auto rows = follower_checkpoint(shared_, *store_, shard, sequence_t{after}, sequence_t{up_to});
    ASSERT_TRUE(rows) << rows.error().why;
    ASSERT_TRUE(store_->put_snapshots(*rows));
  }
  slot_group group_from_store() {
    const auto row = store_->get_snapshot(shard, schema::owner::of(group_)).value().value();
    return std::move(slot_group::restore(row.bytes, group_, shard, 1, incarnation_t{9}).value());
  }
  citizen_registry registry_from_store() {
    const auto row = store_->get_snapshot(shard, schema::owner::of_registry()).value().value();
    return std::move(citizen_registry::restore(row.bytes, shard, incarnation_t{9}).value());
  }
  std::uint64_t marker() { return store_->get_snapshot(shard, schema::owner::of_checkpoint()).value().value().applied.value; }

  test::temporary_directory directory_;
  std::unique_ptr<store::node_store> store_;
  node_context shared_;
  group_id group_{1};
  schema::owned_event imported_;
  std::uint64_t last_ = 0;
};

// In steps as in one go, and as the owners themselves would have it.
TEST_F(follower_checkpoint_test, what_comes_in_steps_is_what_the_whole_log_gives) {
  append({imported_});
  for (std::uint32_t n = 1; n <= 20; ++n)
    book(n);
  checkpoint(0, 7);
  EXPECT_EQ(group_from_store().counts(window_index{0}).booked, 3U);
  checkpoint(7, 30);
  checkpoint(30, last_);
  EXPECT_EQ(marker(), last_);
  slot_group whole(group_, shard, 1, {{540, 600, 100}}, incarnation_t{9});
  citizen_registry claims(shard, incarnation_t{9});
  const auto events = read_events(*store_, shard, sequence_t{0});
  for (const auto& [who, e] : events.value()) {
    if (const auto* g = std::get_if<group_event>(&e.event))
      whole.apply(*g, e.sequence, e.first_record);
    else if (const auto* r = std::get_if<registry_event>(&e.event))
      claims.apply(*r, e.sequence);
  }
  EXPECT_EQ(group_from_store().snapshot(), whole.snapshot());
  EXPECT_EQ(group_from_store().applied(), whole.applied());
  EXPECT_EQ(registry_from_store().snapshot(), claims.snapshot());
  const auto rounds = store_->get_snapshot(shard, schema::owner::of_rounds()).value().value();
  EXPECT_EQ(rounds.applied, sequence_t{1});
  EXPECT_EQ(schema::decode_batch(rounds.bytes)->size(), 1U);
}

// The same events twice, as after a start that lost the marker: an owner counts none of them again.
TEST_F(follower_checkpoint_test, what_a_snapshot_holds_is_not_counted_again) {
  append({imported_});
  for (std::uint32_t n = 1; n <= 5; ++n)
    book(n);
  checkpoint(0, last_);
  const auto once = group_from_store().snapshot();
  checkpoint(0, last_);
  EXPECT_EQ(group_from_store().snapshot(), once);
  EXPECT_EQ(schema::decode_batch(store_->get_snapshot(shard, schema::owner::of_rounds()).value().value().bytes)->size(), 1U);
}

// Orders given at one moment stand in one entry: all but the first of each entry were missing in the snapshot, a pause among them.
TEST_F(follower_checkpoint_test, of_an_entry_with_several_orders_each_is_kept) {
  const auto state = [](round_state to) {
    return schema::owned_event{schema::owner::of_rounds(), round_event{round_state_changed{round_id{1}, to, "why", "op", unix_ms{2}}}};
  };
  append({imported_, state(round_state::open), state(round_state::paused)});
  append({state(round_state::open), state(round_state::closed)});
  checkpoint(0, 1);
  checkpoint(1, last_);
  checkpoint(1, last_);
  const auto row = store_->get_snapshot(shard, schema::owner::of_rounds()).value().value();
  const auto kept = schema::decode_batch(row.bytes);
  ASSERT_EQ(kept->size(), 5U);
  EXPECT_EQ(std::get<round_state_changed>(std::get<round_event>(kept->back().event)).state, round_state::closed);
  EXPECT_EQ(row.applied, sequence_t{2});
}

TEST_F(follower_checkpoint_test, a_round_in_parts_is_one_event_once_it_has_ended) {
  round_imported whole = std::get<round_imported>(std::get<round_event>(imported_.event));
  std::vector<schema::owned_event> events;
  round_cutter cutter(whole);
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
  EXPECT_EQ(schema::decode_batch(store_->get_snapshot(shard, schema::owner::of_rounds()).value().value().bytes)->size(), 2U);
  checkpoint(3, last_);
  const auto kept = schema::decode_batch(store_->get_snapshot(shard, schema::owner::of_rounds()).value().value().bytes);
  ASSERT_EQ(kept->size(), 1U);
  EXPECT_EQ(std::get<round_imported>(std::get<round_event>(kept->front().event)).definition, whole.definition);
}

TEST_F(follower_checkpoint_test, what_is_not_on_disk_or_not_known_is_an_error) {
  append({imported_});
  book(1);
  const auto beyond = follower_checkpoint(shared_, *store_, shard, sequence_t{0}, sequence_t{last_ + 1});
  ASSERT_FALSE(beyond);
  EXPECT_EQ(beyond.error().why, "its log ends at 3, before 4");
  EXPECT_FALSE(beyond.error().for_now);
  shared_.catalogue.set(std::make_shared<const round_catalogue>());
  const auto unknown = follower_checkpoint(shared_, *store_, shard, sequence_t{0}, sequence_t{last_});
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().why, "slot group 1 is not known here yet");
  EXPECT_TRUE(unknown.error().for_now);
}

}  // namespace
}  // namespace janji::actors
