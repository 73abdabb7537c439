// The committed state of one shard's citizen registry. Changes only by apply(). Pure, not thread-safe.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "booking/citizen_registry.hpp"
#include "booking/entry_index.hpp"

namespace janji {

// A cancel or move that was asked for, with its key: asked again it has the same answer.
struct claim_change {
  std::uint32_t claim = 0;
  key_hash key;
  body_hash body;
  group_id to;              // of a move
  generation_t generation;  // that the move tries
  window_index window;
  bool is_move = false;
  bool done = false;
  bool refused = false;
  bool old_ended = false;  // of a move that a cancel has joined: its old place is not live any more
  bool new_ended = false;  // nor the one it tried
};

class registry_state {
public:
  registry_state();
  registry_state(const registry_state&) = delete;
  registry_state& operator=(const registry_state&) = delete;

  // Applies one event; gives the number of the claim it is about (the last, of several).
  std::optional<std::uint32_t> apply(const registry_event& event, sequence_t sequence);

  [[nodiscard]] std::optional<std::uint32_t> by_ref(reference ref) const { return by_ref_.find(ref.value); }
  [[nodiscard]] std::optional<std::uint32_t> by_citizen(const citizen_hash& c) const { return by_citizen_.find(c); }
  [[nodiscard]] const claim& at(std::uint32_t n) const { return claims_[n]; }
  [[nodiscard]] std::optional<std::uint32_t> older(std::uint32_t n) const;
  [[nodiscard]] const claim_change* change_under_way(std::uint32_t n) const;
  [[nodiscard]] const claim_change* change_by_key(std::uint32_t n, key_hash key) const;
  // Bookings and moves that the citizen began since staff last let them begin anew. What came to nothing is counted from the first event
  // on that says so.
  [[nodiscard]] std::uint32_t changes_made(const citizen_hash& citizen) const;
  [[nodiscard]] const std::vector<claim>& claims() const { return claims_; }
  [[nodiscard]] std::size_t live_size() const { return claims_.size() - free_.size(); }
  [[nodiscard]] sequence_t applied() const { return applied_; }

  [[nodiscard]] std::string snapshot() const;
  static std::expected<std::unique_ptr<registry_state>, std::string> restore(std::string_view bytes);
  [[nodiscard]] std::uint64_t hash() const;

private:
  struct ref_key {
    std::uint64_t operator()(const claim& c) const { return c.ref.value; }
  };
  struct citizen_key {
    citizen_hash operator()(const claim& c) const { return c.citizen; }
  };
  [[nodiscard]] bool consistent(const boost::unordered_flat_map<std::uint32_t, bool>& superseded) const;
  [[nodiscard]] bool restore_counts(const std::vector<citizen_hash>& citizens, const std::vector<std::int32_t>& numbers);
  [[nodiscard]] std::int32_t changes_standing(const citizen_hash& citizen) const;
  void count_besides(const citizen_hash& citizen, std::int32_t more);
  void forgive(const citizen_hash& citizen);
  std::uint32_t add(const claimed& e);
  void release(std::uint32_t n);
  std::uint32_t end_place(const joined_place_ended& e);
  std::uint32_t must_find(reference ref) const;
  claim_change* pending_change(std::uint32_t n);

  std::vector<claim> claims_;
  entry_index<claim, ref_key> by_ref_;
  entry_index<claim, citizen_key> by_citizen_;
  boost::unordered_flat_map<std::uint32_t, std::uint32_t> older_;  // a citizen's claim before this one (cancelled)
  std::vector<std::uint32_t> free_;                                // released claims, to be used again
  std::vector<claim_change> changes_;                              // few: in the order of their intents
  boost::unordered_flat_map<std::uint32_t, std::vector<std::uint32_t>> changes_of_;
  bool counting_ = false;  // earlier versions cannot read what follows
  // Beside what stands above: claims that were released, less what was forgiven. Of few citizens.
  boost::unordered_flat_map<citizen_hash, std::int32_t, std::hash<citizen_hash>> besides_;
  sequence_t applied_;
};

}  // namespace janji
