// Sealed records as a leader reads them out of its store, for an operator.
#include "actors/sealed_records.hpp"

#include <gtest/gtest.h>

#include "actors/follower_checkpoint.hpp"
#include "tests/actors/one_log_test.hpp"

namespace janji::actors {
namespace {

class stored_records_test : public one_log_test {
protected:
  stored_records_test() : one_log_test({{540, 600, 100}, {600, 660, 100}}) {}
  static reference ref_of(std::uint64_t n) { return reference::make(shard_, n); }
  static schema::owned_event booking(std::uint64_t n, std::string sealed, std::optional<record_locator> record = {},
                                     std::uint8_t window = 0) {
    booked b;
    b.window = window_index{window};
    b.moved_in = record.has_value();
    b.people.push_back({});
    b.people[0].citizen.bytes[0] = static_cast<std::uint8_t>(n);
    b.people[0].ref = ref_of(n);
    b.people[0].key = key_hash{n};
    b.people[0].sealed = std::move(sealed);
    b.people[0].record = record;
    return {schema::owner::of(group_), group_event{b}};
  }
  schema::sealed_places read(const schema::records_ask& ask, std::uint64_t up_to) {
    const auto said = sealed_records(shared_, *store_, {shard_, sequence_t{up_to}, ask, {}});
    EXPECT_TRUE(said.good) << said.text;
    return schema::decode_sealed_places(said.log).value_or(schema::sealed_places{});
  }
  static std::vector<std::string> words(const schema::sealed_places& told) {
    std::vector<std::string> out;
    for (const auto& p : told.places)
      out.push_back(std::to_string(p.ref.value) + ": " + p.sealed + p.fault.substr(0, p.fault.find(':')));
    return out;
  }
  using lines = std::vector<std::string>;
};

TEST_F(stored_records_test, are_those_of_the_last_snapshot_and_of_the_log_behind_it_as_far_as_it_is_committed) {
  append({booking(2, "two"), booking(1, "one", {}, 1)});
  append({booking(3, "three")});
  auto rows = follower_checkpoint(shared_, *store_, shard_, sequence_t{0}, sequence_t{last_});
  ASSERT_TRUE(rows) << rows.error().why;
  ASSERT_TRUE(store_->put_snapshots(*rows));
  append({booking(4, "four")});
  append({{schema::owner::of(group_), group_event{place_cancelled{ref_of(3), {}, unix_ms{9}}}}});
  append({booking(5, "not committed")});
  EXPECT_EQ(words(read({group_}, last_ - 1)), (lines{"1: one", "2: two", "4: four"}));
  EXPECT_EQ(words(read({.group = group_, .cancelled = true}, last_ - 1)), (lines{"1: one", "2: two", "3: three", "4: four"}));
  EXPECT_EQ(words(read({group_}, last_ - 2)), (lines{"1: one", "2: two", "3: three", "4: four"}));
  EXPECT_EQ(words(read({.group = group_, .only = ref_of(2)}, last_ - 1)), lines{"2: two"});
  EXPECT_EQ(words(read({.group = group_, .after = ref_of(2)}, last_ - 1)), lines{"4: four"});
  EXPECT_EQ(words(read({.group = group_, .window = window_index{1}}, last_ - 1)), lines{"1: one"});
  EXPECT_FALSE(sealed_records(shared_, *store_, {shard_, sequence_t{last_}, {group_id{9}}, {}}).good) << "a slot group that is not known";
}

// Of a booking that was cancelled while it was moved the registry knows the old place alone.
TEST_F(stored_records_test, one_that_was_given_up_is_told_of_by_its_reference) {
  append({booking(1, "one"), booking(2, "two")});
  append({{schema::owner::of(group_), group_event{place_released{ref_of(1), {}, unix_ms{9}}}}});
  EXPECT_EQ(words(read({.group = group_, .cancelled = true}, last_)), lines{"2: two"}) << "of a day it is not: it may be elsewhere";
  const auto told = read({.group = group_, .only = ref_of(1), .cancelled = true}, last_);
  EXPECT_EQ(words(told), lines{"1: one"});
  ASSERT_EQ(told.places.size(), 1U);
  EXPECT_EQ(told.places[0].status, place_status::cancelled);
}

TEST_F(stored_records_test, one_that_cannot_be_read_is_a_fault_and_one_that_lies_elsewhere_is_named) {
  append({booking(1, "one")});
  append({booking(2, "", record_locator{shard_id{7}, sequence_t{4711}, 3})});
  append({booking(3, "", record_locator{shard_, sequence_t{1}, 5})});
  append({booking(4, "", record_locator{shard_, sequence_t{99}, 0})});
  append({booking(5, "", record_locator{shard_, sequence_t{1}, 0})});
  const auto told = read({group_}, last_);
  EXPECT_EQ(words(told),
            (lines{"1: one", "2: ", "3: the log entry that should hold it", "4: it is said to lie where nothing is committed", "5: one"}));
  EXPECT_EQ(told.places[1].record, (record_locator{shard_id{7}, sequence_t{4711}, 3}));
  schema::records_ask at;
  at.at = {{{}, sequence_t{1}, 0}, {{}, sequence_t{0}, 0}, {{}, sequence_t{99}, 0}, {{}, sequence_t{1}, 1}};
  EXPECT_EQ(words(read(at, last_)), (lines{"0: one", "0: it is said to lie where nothing is committed",
                                           "0: it is said to lie where nothing is committed", "0: the log entry that should hold it"}));
}

// Where bookings came fast an entry is large: an answer reads so much and no more, and goes on from there.
TEST_F(stored_records_test, an_answer_reads_no_more_of_the_log_than_is_bounded_and_comes_to_an_end) {
  booked full;
  for (std::uint8_t n = 0; n < limits::party_people_max; ++n) {
    full.people.push_back({});
    full.people.back().ref = ref_of(1'000U + n);
    full.people.back().sealed.assign(limits::sealed_record_bytes_max, 'x');
  }
  const std::vector<schema::owned_event> filling(1'100, {schema::owner::of(group_id{2}), group_event{full}});
  for (std::uint64_t n = 1; n <= 2; ++n) {
    auto batch = filling;
    batch.push_back(booking(n, "large"));
    append(batch);
  }
  append({booking(3, "small")});
  schema::records_ask ask{group_};
  std::vector<std::size_t> parts;
  for (int asked = 0; asked < 5; ++asked) {
    const auto told = read(ask, last_);
    parts.push_back(told.places.size());
    if (!told.more)
      break;
    ask.after = told.places.back().ref;
  }
  EXPECT_EQ(parts, (std::vector<std::size_t>{1, 1, 1}));
}

}  // namespace
}  // namespace janji::actors
