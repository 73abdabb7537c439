// One slot group and one registry driven by hand, and what they said: a test reads like the citizen's story.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "booking/citizen_registry.hpp"
#include "booking/slot_group.hpp"

namespace janji::testing {

inline constexpr shard_id home{3};
inline constexpr group_id here{7};
inline constexpr unix_ms start{1'622'000'000'000};
inline constexpr tenure_id first_tenure{epoch_t{4}, 77};

inline citizen_hash citizen(std::uint8_t n) {
  citizen_hash c;
  c.bytes.fill(n);
  return c;
}
inline reference ref(std::uint64_t n) { return reference::make(home, n); }

template <class Wanted, class Outputs>
std::vector<Wanted> all(const Outputs& outputs) {
  std::vector<Wanted> found;
  for (const auto& o : outputs)
    if (const auto* w = std::get_if<Wanted>(&o))
      found.push_back(*w);
  return found;
}

// Feeds a machine and collects what it wants; commits its appends when told to.
template <class Machine, class Input, class Output, class Append>
struct driven {
  Machine machine;
  unix_ms now = start;
  std::vector<Output> said;  // of the last step
  std::deque<Append> sent;
  std::uint64_t sequence = 0;
  bool strict_wanted = false;

  explicit driven(Machine&& m) : machine(std::move(m)) {}
  std::vector<Output>& give(Input&& in) {
    said.clear();
    machine.step(now, std::move(in), said);
    for (const auto& o : said) {
      if (const auto* a = std::get_if<Append>(&o))
        sent.push_back(*a);
      strict_wanted |= std::holds_alternative<need_strict_round>(o);
    }
    return said;
  }
  std::vector<Output>& commit() {
    EXPECT_FALSE(sent.empty());
    const auto token = sent.front().token;
    sent.pop_front();
    return give(appended{token, sequence_t{++sequence}, 0});
  }
  std::vector<Output>& strict_round() {
    strict_wanted = false;
    return give(strict_round_done{});
  }
  std::optional<answer> answered(std::uint64_t request) const {
    for (const auto& a : all<answer>(said))
      if (a.request.value == request)
        return a;
    return std::nullopt;
  }
  outcome outcome_of(std::uint64_t request) const {
    const auto a = answered(request);
    EXPECT_TRUE(a) << "request " << request << " was not answered";
    return a ? a->what : outcome::busy;
  }
};

struct group_under_test : driven<slot_group, group_input, group_output, append_group> {
  explicit group_under_test(std::vector<window_definition> windows = {{540, 600, 1}}, planted_faults faults = {})
      : driven(slot_group(here, home, 64, std::move(windows), incarnation_t{1}, faults)) {}
  std::vector<group_output>& book(std::uint64_t request, std::vector<std::uint8_t> who, std::uint64_t key,
                                  std::optional<std::uint8_t> window = 0, std::uint32_t body = 1, std::int64_t for_ms = 1000) {
    book_command c;
    c.request = request_id{request};
    c.body = body_hash{body};
    if (window)
      c.window = window_index{*window};
    c.deadline = unix_ms{now.value + for_ms};
    for (std::size_t i = 0; i < who.size(); ++i)
      c.people.push_back({citizen(who[i]), ref(request * 10 + i), key_hash{key * 10 + i}, {1, 2}, "sealed"});
    return give(std::move(c));
  }
  std::vector<group_output>& claim(std::uint64_t reference_number, claim_verdict v = claim_verdict::granted,
                                   std::uint64_t incarnation = 1) {
    return give(claim_result{incarnation_t{incarnation}, ref(reference_number), v});
  }
  // The whole way to a yes for one citizen; the reference is request * 10.
  void booked(std::uint64_t request, std::uint8_t who, std::uint64_t key, std::uint8_t window = 0) {
    book(request, {who}, key, window);
    claim(request * 10);
    commit();
    ASSERT_EQ(outcome_of(request), outcome::confirmed);
  }
  std::uint32_t live(std::uint8_t w = 0) const { return machine.counts(window_index{w}).booked; }
};

struct registry_under_test : driven<citizen_registry, registry_input, registry_output, append_registry> {
  explicit registry_under_test(planted_faults faults = {}) : driven(citizen_registry(home, incarnation_t{1}, faults)) {}
  std::vector<registry_output>& ask(std::uint8_t who, std::uint64_t r, std::uint64_t key, group_id group = here, std::uint32_t body = 1,
                                    std::int64_t for_ms = 1000) {
    return give(claim_request{group, incarnation_t{5}, citizen(who), ref(r), key_hash{key}, body_hash{body}, window_index{0},
                              unix_ms{now.value + for_ms}});
  }
  std::optional<claim_verdict> verdict(std::uint64_t r) const {
    for (const auto& o : all<to_group>(said))
      if (const auto* c = std::get_if<claim_result>(&o.message); c != nullptr && c->ref == ref(r))
        return c->verdict;
    return std::nullopt;
  }
  template <class Message>
  std::optional<Message> told(group_id group) const {
    for (const auto& o : all<to_group>(said))
      if (const auto* m = std::get_if<Message>(&o.message); m != nullptr && o.group == group)
        return *m;
    return std::nullopt;
  }
  void confirmed(std::uint8_t who, std::uint64_t r, std::uint64_t key, group_id group = here) {
    ask(who, r, key, group);
    commit();
    ASSERT_EQ(verdict(r), claim_verdict::granted);
    give(confirm_claims{{ref(r)}});
    give(tick{});
    commit();
    ASSERT_EQ(machine.find(ref(r))->state, claim_state::confirmed);
  }
  std::vector<registry_output>& cancel(std::uint64_t request, std::uint64_t r, std::uint64_t key = 900, std::uint8_t token = 0) {
    return give(cancel_command{request_id{request}, ref(r), std::nullopt, token, key_hash{key}, "", "", unix_ms{now.value + 1000}});
  }
  std::vector<registry_output>& move(std::uint64_t request, std::uint64_t r, group_id to, std::uint8_t window = 0, std::uint64_t key = 800,
                                     std::uint32_t body = 8) {
    return give(
        move_command{request_id{request}, ref(r), 0, to, window_index{window}, key_hash{key}, body_hash{body}, unix_ms{now.value + 1000}});
  }
  std::vector<registry_output>& look_up(std::uint64_t request, std::uint64_t r, std::uint8_t token = 0) {
    return give(lookup_command{request_id{request}, ref(r), token, unix_ms{now.value + 1000}});
  }
  std::vector<registry_output>& reply(place_reply_kind kind, group_id group, std::uint64_t r, std::uint16_t generation) {
    return give(place_reply{kind, group, ref(r), generation_t{generation}});
  }
};

}  // namespace janji::testing
