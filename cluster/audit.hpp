// Proves the promises from the log alone: reads every event that was ever committed and counts again, with none of the
// code that took the bookings. What it finds wrong is listed; what it counts is what operators and load tests compare.
//
// A store is read as of one moment. The shards of a running cluster are read one after the other: there, what is wrong
// between two shards (a claim without its booking) may be that one was read later, and is a breach only when it stays so
// after all have been read again; see cluster_audit.hpp. What is wrong within one log is a breach at once.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "booking/round.hpp"
#include "booking/round_parts.hpp"
#include "store/node_store.hpp"

namespace janji::cluster {

// One booking as the log has it.
struct audited_booking {
  round_id round;
  group_id group;
  window_index window;
  reference ref;
  generation_t generation;
  citizen_hash citizen;
  key_hash key;
  body_hash body;
  citizen_facts facts;
  bool live = true;
  bool moved_away = false;
  unix_ms at;
  record_locator record;
  janji::stamp stamp;  // of the request that was given the place; none of an earlier version's, or of what was moved in
};

struct audit_report {
  std::uint64_t events = 0;
  std::uint64_t bookings = 0;  // ever
  std::uint64_t live = 0;
  std::uint64_t cancelled = 0;
  std::uint64_t moves = 0;
  std::uint64_t claims = 0;
  std::uint64_t unsettled = 0;  // claims pending, cancelling or moving: allowed, to be settled
  std::uint64_t over_by_order = 0;
  std::uint64_t breach_count = 0;
  std::vector<std::string> breaches;  // the first hundred, in words
  [[nodiscard]] bool clean() const { return breach_count == 0; }
};

class audit {
public:
  explicit audit(std::uint16_t shard_count) : shard_count_(shard_count) {}

  // Reads everything; an error when the store itself cannot be read. `progress` is told the share done, 0 to 1.
  std::expected<audit_report, std::string> run(const store::node_store& store, const std::function<void(double)>& progress = {});

  // The same in parts: the entries of each shard in order, shard 0 with the rounds first; then judge(), as often as wanted.
  std::expected<void, std::string> take(shard_id shard, const store::log_entry& entry);
  // `across`: what does not fit between shards, in words.
  struct judgement {
    audit_report report;
    std::set<std::string> across;
  };
  [[nodiscard]] judgement judge() const;
  // What is wrong between shards, added to the rest.
  static void add(audit_report& report, const std::set<std::string>& across);

  // After run(), or take(): every booking, for the export.
  void for_each(const std::function<void(const audited_booking&)>& visit) const;
  [[nodiscard]] const std::map<std::uint16_t, round_definition>& rounds() const { return rounds_; }

private:
  enum class claim_phase : std::uint8_t { pending, confirmed, cancelling, moving, releasing, cancelled, released, joined };
  // A move whose places may both be live.
  static bool under_way(claim_phase p) { return p == claim_phase::moving || p == claim_phase::releasing || p == claim_phase::joined; }
  struct claim_record {
    citizen_hash citizen;
    key_hash key;
    group_id group;
    generation_t generation;
    generation_t tried;
    group_id to;
    claim_phase phase = claim_phase::pending;
    std::uint8_t ended = 0;  // of joined: places that are known not to be live
  };
  struct window_record {
    std::uint32_t capacity = 0;
    std::uint32_t live = 0;
    bool named = false;    // by an import
    bool changed = false;  // its capacity, by an order
  };
  using claims = std::unordered_map<std::uint64_t, claim_record>;  // by reference
  void take(shard_id shard, sequence_t sequence, const schema::owned_event& e, std::uint16_t& record);
  void take_group(group_id group, const group_event& e, shard_id shard, sequence_t sequence, std::uint16_t& record);
  void take_registry(const registry_event& e);
  void take_round(const round_event& taken);
  void give_up(group_id group, reference ref, generation_t generation, bool moved);
  void check_room(group_id group, window_index window, const window_record& w);
  void check_bookings(judgement& j) const;
  void check_citizens(judgement& j, const std::unordered_map<citizen_hash, std::vector<std::uint32_t>>& live) const;
  void check_claims(judgement& j) const;
  void breach(std::string what);
  window_record& window(group_id group, window_index w);
  static std::string place(group_id group, reference ref);

  std::uint16_t shard_count_;
  audit_report report_;
  std::map<std::uint16_t, round_definition> rounds_;
  round_joiner round_parts_;
  std::unordered_map<std::uint32_t, std::pair<std::uint16_t, std::uint32_t>> groups_;  // group -> round, index
  std::unordered_map<std::uint64_t, window_record> windows_;                           // group << 8 | window
  std::vector<audited_booking> bookings_;
  std::unordered_map<std::uint64_t, std::vector<std::uint32_t>> by_ref_;
  std::unordered_map<std::uint64_t, std::vector<std::uint64_t>> declined_;  // ref -> group << 16 | generation
  claims claims_;
};

}  // namespace janji::cluster
