// Snapshots: the same state comes back, an event already in one is not counted again, and damaged bytes are an error.
#include <xxhash.h>

#include <cstring>
#include <random>

#include "tests/booking/machines.hpp"

namespace janji::testing {
namespace {

group_under_test busy_group() {
  group_under_test g({{540, 600, 6}, {600, 660, 3}});
  for (std::uint64_t i = 1; i <= 4; ++i)
    g.booked(i, static_cast<std::uint8_t>(i), i);
  g.book(5, {11, 12}, 50);
  g.claim(50);
  g.claim(51);
  g.commit();
  g.give(cancel_place{home, ref(10), {}});
  g.commit();
  g.give(release_place{home, ref(20), {}});
  g.commit();
  g.give(
      move_in{home, citizen(9), ref(900), generation_t{1}, key_hash{99}, {}, window_index{1}, {}, record_locator{home, sequence_t{4}, 1}});
  g.commit();
  g.give(move_within{home, ref(30), {}, generation_t{1}, window_index{1}});
  g.commit();
  g.give(settle_ask{home, ref(777), {}});
  g.commit();
  g.give(change_capacity{request_id{1}, window_index{0}, 2, "op", ""});
  g.commit();
  return g;
}

registry_under_test busy_registry() {
  registry_under_test r;
  for (std::uint8_t c = 1; c <= 5; ++c)
    r.confirmed(c, c * 10U, c);
  r.cancel(1, 10);
  r.commit();
  r.reply(place_reply_kind::cancelled, here, 10, 0);
  r.commit();
  r.ask(1, 11, 11);
  r.commit();
  r.move(2, 20, group_id{8});
  r.commit();
  r.move(3, 30, group_id{8});
  r.commit();
  r.reply(place_reply_kind::moved_in, group_id{8}, 30, 1);
  r.commit();
  r.cancel(4, 40);
  r.commit();
  r.ask(7, 70, 70);
  r.commit();
  r.give(settle_answer{here, ref(70), {}, settle_status::declined});
  r.commit();
  return r;
}

auto restore_group(std::string_view bytes, planted_faults faults = {}) {
  return slot_group::restore(bytes, here, home, 64, incarnation_t{2}, faults);
}
auto restore_registry(std::string_view bytes, planted_faults faults = {}) {
  return citizen_registry::restore(bytes, home, incarnation_t{2}, faults);
}

void sign(std::string& bytes) {
  if (bytes.size() < sizeof(std::uint64_t))
    return;
  const auto sum = XXH3_64bits(bytes.data(), bytes.size() - sizeof(std::uint64_t));
  std::memcpy(bytes.data() + bytes.size() - sizeof sum, &sum, sizeof sum);
}

TEST(snapshot, a_group_comes_back_as_it_was) {
  const auto g = busy_group();
  const auto back = restore_group(g.machine.snapshot());
  ASSERT_TRUE(back) << back.error();
  EXPECT_EQ(back->state_hash(), g.machine.state_hash());
  EXPECT_EQ(back->snapshot(), g.machine.snapshot());
  EXPECT_EQ(back->applied(), g.machine.applied());
  EXPECT_EQ(back->entries().size(), g.machine.entries().size());
  EXPECT_EQ(back->counts(window_index{0}), g.machine.counts(window_index{0}));
  EXPECT_EQ(back->incarnation(), incarnation_t{2});
  EXPECT_EQ(back->id(), here);
  EXPECT_TRUE(back->counters_agree());
  EXPECT_TRUE(back->idle());
  EXPECT_TRUE(std::ranges::equal(back->booked_by_facts(), g.machine.booked_by_facts()));
}

TEST(snapshot, a_registry_comes_back_as_it_was) {
  const auto r = busy_registry();
  const auto back = restore_registry(r.machine.snapshot());
  ASSERT_TRUE(back) << back.error();
  EXPECT_EQ(back->state_hash(), r.machine.state_hash());
  EXPECT_EQ(back->applied(), r.machine.applied());
  EXPECT_EQ(back->size(), r.machine.size());
  EXPECT_EQ(back->unsettled(), 4U) << "pending, moving, releasing and cancelling are driven on";
  EXPECT_EQ(back->find_citizen(citizen(1))->ref, ref(11));
  std::size_t seen = 0;
  back->for_each([&](const claim&) { ++seen; });
  EXPECT_EQ(seen, back->size());
}

TEST(snapshot, an_event_that_is_in_it_is_not_counted_again) {
  group_under_test g({{540, 600, 5}});
  g.booked(1, 1, 5);
  const auto bytes = g.machine.snapshot();
  const booked again{window_index{0}, body_hash{1}, false, start, {{citizen(1), ref(10), {}, key_hash{50}, {}, "", std::nullopt}}};
  auto back = restore_group(bytes);
  back->apply(again, g.machine.applied(), 0);
  EXPECT_EQ(back->counts(window_index{0}).booked, 1U);
  auto broken = restore_group(bytes, {.count_twice_on_replay = true});
  broken->apply(again, g.machine.applied(), 0);
  EXPECT_EQ(broken->counts(window_index{0}).booked, 2U) << "the planted fault is one";
  registry_under_test r;
  r.confirmed(1, 10, 5);
  auto registry = restore_registry(r.machine.snapshot());
  registry->apply(claimed{citizen(1), ref(10), key_hash{5}, {}, here, {}, start}, sequence_t{1});
  EXPECT_EQ(registry->size(), 1U);
}

TEST(snapshot, of_another_version_or_length_is_an_error) {
  for (auto bytes : {busy_group().machine.snapshot(), busy_registry().machine.snapshot()}) {
    auto other = bytes;
    other[0] = 9;
    sign(other);
    EXPECT_FALSE(restore_group(other));
    EXPECT_FALSE(restore_registry(other));
    for (std::size_t n = 0; n < bytes.size(); ++n) {
      auto cut = bytes.substr(0, n);
      EXPECT_FALSE(restore_group(cut));
      EXPECT_FALSE(restore_registry(cut));
      sign(cut);
      EXPECT_FALSE(restore_group(cut)) << n;
      EXPECT_FALSE(restore_registry(cut)) << n;
    }
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
    EXPECT_FALSE(restore_group(bytes)) << "the checksum sees one bit";
    EXPECT_FALSE(restore_registry(bytes));
  }
}

// Hostile bytes under a right checksum: an error or a state that can be read, never a crash. Prints its seed.
TEST(snapshot, hostile_bytes_never_crash) {
  const std::uint64_t seed = 20'210'526;
  std::mt19937_64 random(seed);
  const auto group_bytes = busy_group().machine.snapshot();
  const auto registry_bytes = busy_registry().machine.snapshot();
  for (int i = 0; i < 20'000; ++i) {
    SCOPED_TRACE("seed " + std::to_string(seed) + " round " + std::to_string(i));
    auto bytes = i % 2 == 0 ? group_bytes : registry_bytes;
    for (auto changes = 1 + random() % 6; changes > 0; --changes)
      bytes[random() % bytes.size()] = static_cast<char>(random() % 3 == 0 ? 0xff : random());
    sign(bytes);
    if (auto g = restore_group(bytes)) {
      (void)g->counters_agree();
      (void)g->state_hash();
      (void)restore_group(g->snapshot());
      std::vector<group_output> out;
      book_command c{request_id{1}, body_hash{1}, std::nullopt, unix_ms{start.value + 10}, {{citizen(11), ref(55), key_hash{500}, {}, ""}}};
      g->step(start, std::move(c), out);
      g->step(start, offer_move{home, citizen(9), ref(900), generation_t{1}, generation_t{2}, group_id{8}, {}}, out);
      g->step(start, strict_round_done{}, out);
    }
    if (auto r = restore_registry(bytes)) {
      (void)r->state_hash();
      std::vector<registry_output> out;
      r->step(start, tick{}, out);
      for (std::uint8_t who = 1; who <= 7; ++who)
        r->step(start, claim_request{here, {}, citizen(who), ref(5'000U + who), key_hash{who}, {}, {}, unix_ms{start.value + 10}}, out);
      r->step(start, strict_round_done{}, out);
    }
  }
}

}  // namespace
}  // namespace janji::testing
