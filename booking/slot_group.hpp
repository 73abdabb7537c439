// One centre-day: owns the counters of its windows, the places held in memory and the bookings' short records.
// Guarantees (docs/guarantees.md): I1 for its windows, I4 for keys it has seen, I5 and I6 in what it answers.
// Pure: step() reads nothing but its arguments and the object; no clock, no I/O. Not thread-safe: it lives in one actor.
//
// Committed state (restored from snapshot and log by apply(), part of state_hash()) and what is under way (holds,
// appends sent, waiters, denials that wait for a strict round) are kept apart; a new incarnation starts with none of the
// latter. An `appended` for an unknown token is ignored.
//
// The flow, step by step: docs/architecture.md.
#pragma once

#include <cstddef>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "booking/admission.hpp"
#include "booking/faults.hpp"
#include "booking/messages.hpp"
#include "booking/refusal_table.hpp"

namespace janji {

struct window_definition {
  std::uint16_t opens_minute = 0;  // minutes of the centre's local day
  std::uint16_t closes_minute = 0;
  std::uint32_t capacity = 0;
  unix_ms book_until{};  // 0: not said, by an earlier version: its opening
  friend bool operator==(const window_definition&, const window_definition&) = default;
};

struct window_counts {
  std::uint32_t capacity = 0;
  std::uint32_t booked = 0;  // live
  std::uint32_t cancelled = 0;
  std::uint32_t moved_out = 0;
  std::uint32_t over_by_order = 0;  // booked beyond a capacity that an operator lowered
  friend bool operator==(const window_counts&, const window_counts&) = default;
};

// A booking as committed in this group. Kept small: a national round has millions.
struct group_entry {
  std::uint64_t citizen = 0;  // citizen_hash::low()
  reference ref;
  key_hash key;
  body_hash body;
  std::uint32_t at_s = 0;          // seconds since 1970
  std::uint32_t sequence_low = 0;  // of the log entry that brought it here
  std::uint16_t sequence_high = 0;
  std::uint16_t record = 0;  // index of its sealed record in that entry
  generation_t generation;
  window_index window;
  place_status status = place_status::confirmed;
  std::uint8_t facts = 0;  // state in the low five bits, age band above
  std::uint8_t party = 0;  // place in its party in the low four bits, size of the party above
  bool moved_in = false;

  [[nodiscard]] sequence_t sequence() const { return sequence_t{std::uint64_t{sequence_high} << 32 | sequence_low}; }
  [[nodiscard]] std::size_t party_size() const { return party >> 4; }
  [[nodiscard]] std::size_t party_place() const { return party & 15; }
  [[nodiscard]] bool live() const { return status == place_status::confirmed; }
};
static_assert(sizeof(group_entry) <= 56);

class slot_group {
public:
  slot_group(group_id id, shard_id shard, std::uint16_t shard_count, std::vector<window_definition> windows, incarnation_t incarnation,
             planted_faults faults = {});
  ~slot_group();
  slot_group(slot_group&&) noexcept;
  slot_group& operator=(slot_group&&) noexcept;

  // The shard's refusals, before the first step; shared with its other owners.
  void use(std::shared_ptr<refusal_table> refusals);
  // What the shard admits, the group's round, and by window until when it can be booked; also before the first step. Without it whatever
  // comes is admitted, and without ends nothing is over.
  void judge_by(std::shared_ptr<const admission_gate> gate, round_id round, std::vector<unix_ms> ends = {});

  // Handles one input at `now`; appends what must happen to `out`.
  void step(unix_ms now, group_input&& in, std::vector<group_output>& out);

  // Applies a committed event during recovery or on a follower: state only, no output.
  void apply(const group_event& event, log_sequence sequence, std::uint16_t first_record);

  // Nothing held, sent, waiting or to be denied: the actor may be passivated.
  [[nodiscard]] bool idle() const;
  // The next moment at which a tick can matter; max() when none.
  [[nodiscard]] unix_ms next_deadline() const;

  [[nodiscard]] group_id id() const;
  [[nodiscard]] incarnation_t incarnation() const;
  [[nodiscard]] std::size_t window_count() const;
  [[nodiscard]] window_counts counts(window_index w) const;
  [[nodiscard]] std::uint32_t held(window_index w) const;
  // booked[state][age band], live bookings.
  [[nodiscard]] std::span<const std::uint32_t> booked_by_facts() const;
  [[nodiscard]] std::span<const group_entry> entries() const;
  // Where the sealed record of one of these lies.
  [[nodiscard]] record_locator record_of(const group_entry& entry) const;
  [[nodiscard]] log_sequence applied() const;

  // Committed state as bytes, and back. The form carries a version and a checksum; a damaged one is an error.
  [[nodiscard]] std::string snapshot() const;
  static std::expected<slot_group, std::string> restore(std::string_view bytes, group_id id, shard_id shard, std::uint16_t shard_count,
                                                        incarnation_t incarnation, planted_faults faults = {});
  // Equal for replicas whose committed state is equal.
  [[nodiscard]] std::uint64_t state_hash() const;
  // Recounts from the entries; false when the running counters disagree.
  [[nodiscard]] bool counters_agree() const;

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace janji
