#include "schema/codec.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "booking/booking_end.hpp"
#include "schema/envelope.hpp"
#include "tests/schema/samples.hpp"

namespace janji::schema {

namespace {

owned_event booking_of(std::initializer_list<std::string> sealed, bool moved_in = false) {
  booked b{window_index{1}, body_hash{2}, moved_in, unix_ms{3}, {}};
  for (const auto& s : sealed) {
    booked_person p;
    p.ref = reference{b.people.size() + 1};
    p.sealed = s;
    if (moved_in)
      p.record = record_locator{shard_id{1}, sequence_t{2}, 3};
    b.people.push_back(p);
  }
  return {owner::of(group_id{5}), group_event{b}};
}

TEST(envelope, what_was_put_together_comes_apart_again) {
  const std::string large(100'000, 'x');
  std::string bytes;
  append_envelope(bytes, {1, 2, 3, 4, shard_id{63}, unix_ms{-5}, 6, "payload"});
  append_envelope(bytes, {~0ULL, 0, 0, 0, {}, {}, 0xFFFF, large});
  append_envelope(bytes, {});
  std::vector<std::string> payloads;
  ASSERT_TRUE(for_each_envelope(bytes, [&](const envelope& e) {
    payloads.emplace_back(e.payload);
    if (payloads.size() == 1) {
      EXPECT_EQ(std::tuple(e.source_node, e.source_boot, e.destination_node, e.destination_boot), std::tuple(1U, 2U, 3U, 4U));
      EXPECT_EQ(std::tuple(e.shard, e.deadline.value, e.kind), std::tuple(shard_id{63}, -5, 6));
    }
  }));
  EXPECT_EQ(payloads, (std::vector<std::string>{"payload", large, ""}));
  const auto junk = [](std::string_view b) { return for_each_envelope(b, [](const envelope&) {}).has_value(); };
  EXPECT_FALSE(junk(std::string_view(bytes).substr(0, bytes.size() - 8)));
  EXPECT_FALSE(junk(std::string_view(bytes).substr(0, bytes.size() - 3)));
  EXPECT_FALSE(junk(std::string(64, '\xff')));
  EXPECT_TRUE(junk("")) << "nothing is nothing";
}

}  // namespace

// What shards count before they put events into an entry that must be read and sent again.
TEST(codec, no_batch_is_larger_than_the_bounds_of_its_events) {
  const auto check = [](const std::vector<owned_event>& events) {
    std::size_t bound = 0;
    for (const auto& e : events)
      bound += bytes_bound(e.event);
    EXPECT_LE(encode_batch(events).size(), bound) << events.size() << " of kind " << events.front().event.index();
  };
  check(samples::events_v1());
  const std::string sealed(limits::sealed_record_bytes_max, 's');
  check(std::vector<owned_event>(100, booking_of({sealed, sealed, sealed, sealed})));
  check(std::vector<owned_event>(4'096, booking_of({"s"})));
  const std::string text(70'000, 't');
  check({{owner::of(group_id{1}), group_event{capacity_changed{window_index{0}, 1, text, text, unix_ms{1}}}},
         {owner::of_registry(), registry_event{cancel_intended{reference{1}, key_hash{1}, text, text, unix_ms{1}}}},
         {owner::of_registry(), registry_event{cancel_joined{reference{1}, key_hash{1}, text, text, unix_ms{1}}}},
         {owner::of_registry(), registry_event{changes_forgiven{{}, text, text, unix_ms{1}}}},
         {owner::of_rounds(), round_event{round_state_changed{round_id{1}, round_state::paused, text, text, unix_ms{1}}}},
         {owner::of_rounds(), round_event{operator_noted{text, text, text, unix_ms{1}}}}});
  declined all{{}, unix_ms{1}};
  all.refs.assign(limits::group_appends_max, {reference{1}, generation_t{1}});
  check({{owner::of(group_id{1}), group_event{all}}});
  check({{owner::of_registry(), registry_event{claims_confirmed{std::vector<reference>(10'000, reference{1})}}}});
  round_imported round;
  round.definition.centres.assign(300, {"A", "centre A", "Selangor", "Petaling", 3, 101});
  for (const std::size_t windows : {1, 7, 64}) {
    round.definition.groups.assign(20'000, {group_id{1}, 0, std::chrono::year{2027} / 1 / 1, {}});
    for (auto& g : round.definition.groups)
      g.windows.assign(windows, {540, 600, 10});
    check({{owner::of_rounds(), round_event{round}},
           {owner::of_rounds(), round_event{round_part{unix_ms{1}, 3, round.definition.centres, round.definition.groups}}}});
  }
}

TEST(codec, every_event_comes_back_as_it_went) {
  for (const auto& event : samples::events_v1()) {
    const auto back = decode_batch(encode_batch(std::span(&event, 1)));
    ASSERT_TRUE(back) << back.error().text;
    ASSERT_EQ(back->size(), 1U);
    EXPECT_TRUE(samples::same(back->front(), event)) << event.event.index();
  }
}

TEST(codec, what_counts_changes_comes_back_as_it_went) {
  citizen_hash who;
  who.bytes.fill(7);
  round_imported round;
  round.definition.code = "R";
  round.definition.rules.changes_max = 3;
  round.definition.rules.citizens = 4'000'000'000;
  const std::vector<owned_event> events{{owner::of_registry(), registry_event{claimed{who, reference{1}, key_hash{2}, body_hash{3},
                                                                                      group_id{4}, window_index{5}, unix_ms{6}, true}}},
                                        {owner::of_registry(), registry_event{changes_forgiven{who, "aisyah", "card seen", unix_ms{7}}}},
                                        {owner::of_rounds(), round_event{round}}};
  const auto back = decode_batch(encode_batch(events));
  ASSERT_TRUE(back) << back.error().text;
  for (std::size_t i = 0; i < events.size(); ++i)
    EXPECT_TRUE(samples::same((*back)[i], events[i])) << i;
}

TEST(codec, a_round_in_parts_comes_back_as_it_went) {
  using namespace std::chrono;
  round_imported end;
  end.definition.id = round_id{3};
  end.definition.code = "R";
  end.by = "op";
  end.at = unix_ms{7};
  end.parts = 2;
  const std::vector<owned_event> events{
      {owner::of_rounds(), round_event{round_part{unix_ms{7}, 0, {{"A", "centre A", "Selangor", "Petaling", 3, 101}}, {}}}},
      {owner::of_rounds(), round_event{round_part{unix_ms{7}, 1, {}, {{group_id{8}, 9'999, 2027y / 1 / 2d, {{540, 600, 10}}}}}}},
      {owner::of_rounds(), round_event{end}}};
  const auto back = decode_batch(encode_batch(events));
  ASSERT_TRUE(back) << back.error().text;
  ASSERT_EQ(back->size(), events.size());
  for (std::size_t i = 0; i < events.size(); ++i)
    EXPECT_TRUE(samples::same((*back)[i], events[i])) << i;
  end.definition.centres.push_back({"A", "centre A", "Selangor", "Petaling", 3, 101});
  const owned_event both{owner::of_rounds(), round_event{end}};
  EXPECT_FALSE(decode_batch(encode_batch(std::span(&both, 1)))) << "its centres stand in parts, or in it";
}

// Each at its opening; all that long before it; one moment for all; each its own; and what an earlier version imported, which says nothing.
TEST(codec, until_when_windows_can_be_booked_comes_back_as_it_went) {
  using namespace std::chrono;
  constexpr std::int64_t hour_ms = 3'600'000;
  const auto opens = [](const group_definition& g, const window_definition& w) { return opening_of(g.date, w, 0min).value; };
  std::size_t usual_bytes = 0;
  for (int how = 0; how < 6; ++how) {
    round_imported r;
    auto& d = r.definition;
    d.centres = {{"A", "centre A", "Selangor", "Petaling", 3, 101}};
    for (unsigned day = 1; day <= 20; ++day)
      d.groups.push_back({group_id{day}, 0, 2027y / 1 / std::chrono::day{day}, {{540, 600, 10}, {600, 700, 10}}});
    std::int64_t n = 0;
    for (auto& g : d.groups)
      for (auto& w : g.windows)
        w.book_until = unix_ms{how == 0   ? 0
                               : how == 1 ? opens(g, w) - 8 * hour_ms
                               : how == 2 ? opens(g, w) - 32 * hour_ms
                               : how == 3 ? never_over.value
                               : how == 4 ? opens(g, w) + 60'000 * (w.closes_minute - w.opens_minute)
                                          : ++n % 3 * 1'000};
    const owned_event whole{owner::of_rounds(), round_event{r}};
    const owned_event part{owner::of_rounds(), round_event{round_part{unix_ms{7}, 0, d.centres, d.groups}}};
    for (const auto& event : {whole, part}) {
      const auto bytes = encode_batch(std::span(&event, 1));
      EXPECT_LE(bytes.size(), bytes_bound(event.event)) << how;
      const auto back = decode_batch(bytes);
      ASSERT_TRUE(back) << back.error().text;
      EXPECT_TRUE(samples::same(back->front(), event)) << how;
      if (how == 0) {
        usual_bytes = std::max(usual_bytes, bytes.size());
      } else if (how <= 3) {
        EXPECT_LE(bytes.size(), usual_bytes + 16) << "no number for each window: there is no room for them in the largest round";
      }
    }
  }
}

TEST(codec, the_order_that_changed_a_round_comes_back_and_an_earlier_versions_says_none) {
  for (const auto order : {round_order::unsaid, round_order::open, round_order::resume, round_order::erase}) {
    const owned_event event{owner::of_rounds(),
                            round_event{round_state_changed{round_id{1}, round_state::open, "", "op", unix_ms{1}, order}}};
    const auto back = decode_batch(encode_batch(std::span(&event, 1)));
    ASSERT_TRUE(back) << back.error().text;
    EXPECT_EQ(std::get<round_state_changed>(std::get<round_event>(back->front().event)).order, order);
  }
}

TEST(codec, a_batch_keeps_its_order) {
  const auto events = samples::events_v1();
  const auto back = decode_batch(encode_batch(events));
  ASSERT_TRUE(back) << back.error().text;
  ASSERT_EQ(back->size(), events.size());
  for (std::size_t i = 0; i < events.size(); ++i)
    EXPECT_TRUE(samples::same((*back)[i], events[i])) << i;
}

TEST(codec, a_batch_larger_than_the_scratch_segment_is_whole) {
  std::vector<owned_event> events;
  for (int i = 0; i < 500; ++i)
    events.push_back(booking_of({std::string(4096, static_cast<char>('a' + i % 26))}));
  const auto bytes = encode_batch(events);
  const auto back = decode_batch(bytes);
  ASSERT_TRUE(back) << back.error().text;
  ASSERT_EQ(back->size(), events.size());
  EXPECT_TRUE(samples::same(back->back(), events.back()));
  EXPECT_EQ(bytes, encode_batch(events)) << "equal events have equal bytes, whatever the scratch held before";
}

TEST(codec, bytes_off_a_word_s_boundary_are_read_as_well) {
  const auto events = samples::events_v1();
  const auto bytes = encode_batch(events);
  for (std::size_t shift = 1; shift < 8; ++shift) {
    const auto back = decode_batch(std::string_view(std::string(shift, '-') + bytes).substr(0)).has_value();
    EXPECT_FALSE(back);
    const std::string shifted = std::string(shift, '-') + bytes;
    const auto read = decode_batch(std::string_view(shifted).substr(shift));
    ASSERT_TRUE(read) << read.error().text;
    EXPECT_EQ(read->size(), events.size());
  }
}

TEST(codec, visiting_stops_when_told) {
  int seen = 0;
  const auto visited = for_each_event(encode_batch(samples::events_v1()), [&](owned_event&&) { return ++seen < 3; });
  EXPECT_TRUE(visited);
  EXPECT_EQ(seen, 3);
}

// ---- sealed records

TEST(codec, sealed_records_are_numbered_through_the_entry) {
  const std::vector<owned_event> events{booking_of({"one", "two"}),
                                        booking_of({""}, true),
                                        {owner::of_registry(), registry_event{claim_released{reference{9}}}},
                                        booking_of({"three"})};
  EXPECT_EQ(count_records(events[0].event), 2);
  EXPECT_EQ(count_records(events[1].event), 0);
  EXPECT_EQ(count_records(events[2].event), 0);
  const auto bytes = encode_batch(events);
  EXPECT_EQ(sealed_record(bytes, 0).value(), "one");
  EXPECT_EQ(sealed_record(bytes, 1).value(), "two");
  EXPECT_EQ(sealed_record(bytes, 2).value(), "three");
  EXPECT_FALSE(sealed_record(bytes, 3));
}

TEST(codec, counting_agrees_with_finding_for_all_samples) {
  const auto events = samples::events_v1();
  std::uint16_t count = 0;
  for (const auto& e : events)
    count = static_cast<std::uint16_t>(count + count_records(e.event));
  const auto bytes = encode_batch(events);
  for (std::uint16_t i = 0; i < count; ++i)
    EXPECT_TRUE(sealed_record(bytes, i)) << i;
  EXPECT_FALSE(sealed_record(bytes, count));
}

// ---- bytes that nobody of ours wrote

TEST(codec, cut_bytes_are_refused) {
  const auto good = encode_batch(samples::events_v1());
  std::size_t read = 0;
  for (std::size_t size = 0; size < good.size(); ++size)
    read += decode_batch(std::string_view(good).substr(0, size)) ? 1 : 0;
  EXPECT_EQ(read, 0U);
}

TEST(codec, what_is_read_from_flipped_bytes_is_within_the_limits) {
  const auto good = encode_batch(samples::events_v1());
  std::mt19937_64 random(42);
  std::size_t refused = 0;
  for (int n = 0; n < 50'000; ++n) {
    auto bad = good;
    for (auto flips = 1 + random() % 4; flips > 0; --flips)
      bad[random() % bad.size()] ^= static_cast<char>(1U << random() % 8);
    const auto read = decode_batch(bad);
    (void)sealed_record(bad, static_cast<std::uint16_t>(random() % 4));
    if (!read) {
      ++refused;
      continue;
    }
    // Whatever is let through can be written again: encode_batch() asserts the limits of people, facts and records.
    EXPECT_LE(read->size(), bad.size() / 24);
    (void)encode_batch(*read);
  }
  EXPECT_GT(refused, 1000U);
}

TEST(codec, noise_is_refused) {
  std::mt19937_64 random(43);
  for (int n = 0; n < 20'000; ++n) {
    std::string noise(random() % 64 * 8, '\0');
    for (auto& c : noise)
      c = static_cast<char>(random());
    if (noise.size() >= 8 && random() % 2 == 0) {  // a plausible segment table
      const std::uint32_t table[] = {0, static_cast<std::uint32_t>(noise.size() / 8 - 1)};
      std::memcpy(noise.data(), table, sizeof table);
    }
    (void)decode_batch(noise);
  }
}

// A list of empty structs says "a billion events" in sixteen bytes.
TEST(codec, a_list_that_claims_more_than_its_bytes_is_refused) {
  const std::uint64_t words[] = {
      (std::uint64_t{3} << 32),              // one segment of three words
      (std::uint64_t{1} << 48),              // root: no data, one pointer
      1 | (std::uint64_t{7} << 32),          // list, composite, no content words
      (std::uint64_t{(1U << 29) - 1} << 2),  // tag: that many structs of size zero
  };
  std::string bytes(sizeof words, '\0');
  std::memcpy(bytes.data(), words, sizeof words);
  EXPECT_FALSE(decode_batch(bytes));
}

// The same long text named by many events: cheap to send, dear to hold.
TEST(codec, one_text_named_many_times_is_refused) {
  std::vector<owned_event> events;
  for (int i = 0; i < 64; ++i)
    events.push_back({owner::of_rounds(), round_event{operator_noted{"", i == 63 ? std::string(1 << 16, 'x') : "y", "", {}}}});
  auto bytes = encode_batch(events);
  ASSERT_TRUE(decode_batch(bytes));
  // Events are 2 data words and 1 pointer from word 3 on; let all name the last one's note.
  std::uint64_t segments = 0;
  std::memcpy(&segments, bytes.data(), 8);
  if ((segments & 0xffffffff) != 0)
    GTEST_SKIP() << "this message has more than one segment";
  const auto word = [&](std::size_t n) {
    std::uint64_t w = 0;
    std::memcpy(&w, bytes.data() + 8 * n, 8);
    return w;
  };
  const auto pointer_of = [](std::size_t event) { return 4 + event * 3 + 2; };
  const auto last = word(pointer_of(63));
  const auto target = static_cast<std::int64_t>(pointer_of(63)) + 1 + (static_cast<std::int32_t>(last & 0xffffffff) >> 2);
  for (std::size_t i = 0; i < 63; ++i) {
    const auto offset = static_cast<std::uint32_t>((target - static_cast<std::int64_t>(pointer_of(i)) - 1) << 2);
    const auto pointer = (last & 0xffffffff00000000ULL) | offset;
    std::memcpy(bytes.data() + 8 * pointer_of(i), &pointer, 8);
  }
  EXPECT_FALSE(decode_batch(bytes));
}

TEST(codec, facts_beyond_the_table_are_refused) {
  auto event = booking_of({"sealed"});
  std::get<booked>(std::get<group_event>(event.event)).people[0].facts = {16, 4};
  auto bytes = encode_batch(std::span(&event, 1));
  const std::string marked{'\x10', '\x04'};
  const auto place = bytes.find(marked);
  ASSERT_NE(place, std::string::npos);
  bytes[place] = 17;
  EXPECT_FALSE(decode_batch(bytes));
  bytes[place] = 16;
  bytes[place + 1] = 5;
  EXPECT_FALSE(decode_batch(bytes));
}

TEST(codec, texts_come_back_whole_with_zeros_in_them) {
  using namespace std::string_literals;
  const owned_event noted{owner::of_rounds(), round_event{operator_noted{"a\0b"s, "\0"s, "o\0p"s, unix_ms{1}}}};
  const auto back = decode_batch(encode_batch(std::span(&noted, 1)));
  ASSERT_TRUE(back.has_value());
  const auto& read = std::get<operator_noted>(std::get<round_event>(back->at(0).event));
  EXPECT_EQ(read.what, "a\0b"s);
  EXPECT_EQ(read.detail, "\0"s);
  EXPECT_EQ(read.by, "o\0p"s);
}

}  // namespace janji::schema
