// The committed state of one slot group: entries, counters, declined references. Changes only by apply(), so a follower
// that applies the same events has the same state. Pure, not thread-safe.
#pragma once

#include <boost/unordered/unordered_flat_set.hpp>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "booking/entry_index.hpp"
#include "booking/faults.hpp"
#include "booking/slot_group.hpp"

namespace janji {

using place_key = std::pair<reference, generation_t>;

class group_state {
public:
  explicit group_state(std::vector<window_definition> windows);
  group_state(const group_state&) = delete;
  group_state& operator=(const group_state&) = delete;

  // Applies one event; returns the windows whose numbers changed as a bit set. I1 is asserted here.
  std::uint64_t apply(const group_event& event, sequence_t sequence, std::uint16_t first_record, const planted_faults& faults);

  [[nodiscard]] std::size_t window_count() const { return definitions_.size(); }
  [[nodiscard]] const window_definition& definition(window_index w) const { return definitions_[w.value]; }
  [[nodiscard]] const window_counts& counts(window_index w) const { return counts_[w.value]; }
  [[nodiscard]] const std::vector<std::uint32_t>& facts() const { return facts_; }
  [[nodiscard]] const std::vector<group_entry>& entries() const { return entries_; }
  [[nodiscard]] sequence_t applied() const { return applied_; }

  // The latest entry of a citizen, the first of a key, and a booking's entry under its present generation.
  [[nodiscard]] const group_entry* by_citizen(std::uint64_t citizen) const { return at(by_citizen_.find(citizen)); }
  [[nodiscard]] const group_entry* by_key(key_hash key) const { return at(by_key_.find(key.value)); }
  [[nodiscard]] const group_entry* by_place(reference ref, generation_t generation) const {
    return at(by_place_.find(place_id(ref, generation)));
  }
  [[nodiscard]] bool is_declined(reference ref, generation_t generation) const { return declined_.contains(place_id(ref, generation)); }
  // The entries of the party that `entry` belongs to, in order; just it when alone.
  [[nodiscard]] std::pair<const group_entry*, const group_entry*> party_of(const group_entry& entry) const;
  [[nodiscard]] std::optional<record_locator> foreign_record(const group_entry& entry) const;

  [[nodiscard]] std::string snapshot() const;
  static std::expected<std::unique_ptr<group_state>, std::string> restore(std::string_view bytes);
  [[nodiscard]] std::uint64_t hash() const;
  [[nodiscard]] bool counters_agree() const;

  // One number for (reference, generation): a reference uses 60 bits, and generations beyond 15 are mixed in.
  [[nodiscard]] static std::uint64_t place_id(reference ref, generation_t generation) {
    return ref.value ^ (std::uint64_t{generation.value} * 0x9e3779b97f4a7c15ULL);
  }

private:
  struct citizen_key {
    std::uint64_t operator()(const group_entry& e) const { return e.citizen; }
  };
  struct key_key {
    std::uint64_t operator()(const group_entry& e) const { return e.key.value; }
  };
  struct place_key_of {
    std::uint64_t operator()(const group_entry& e) const { return place_id(e.ref, e.generation); }
  };
  [[nodiscard]] const group_entry* at(std::optional<std::uint32_t> n) const { return n ? &entries_[*n] : nullptr; }
  std::uint64_t add(const booked& event, sequence_t sequence, std::uint16_t first_record);
  std::uint64_t give_up(reference ref, generation_t generation, place_status why, const planted_faults& faults);
  std::uint64_t move(const moved_within& event);
  std::uint64_t set_capacity(const capacity_changed& event);
  void check_room(window_index w);
  void count_facts(const group_entry& e, int by);

  std::vector<window_definition> definitions_;  // as imported; counts_ has the present capacity
  std::vector<window_counts> counts_;
  std::vector<group_entry> entries_;
  std::vector<std::uint32_t> facts_;
  entry_index<group_entry, citizen_key> by_citizen_;
  entry_index<group_entry, key_key> by_key_;
  entry_index<group_entry, place_key_of> by_place_;
  boost::unordered_flat_set<std::uint64_t> declined_;
  std::vector<std::pair<std::uint32_t, record_locator>> foreign_records_;  // of entries that were moved in
  sequence_t applied_;
};

}  // namespace janji
