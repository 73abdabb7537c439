// What an operator sees of a cluster, and may order. One node's view of it, as its watch has it.
//
// Threads: any; what changes something blocks on the configuration store, for seconds where that is away.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "cluster/membership.hpp"

namespace janji::cluster {

inline constexpr std::int64_t clocks_apart_max_ms = 2'000;  // two nodes' clocks; beyond it a person should know
// Of one node's since its start; beyond it a person should know too.
[[nodiscard]] constexpr bool is_clock_set(std::int64_t by_ms) { return by_ms > clocks_apart_max_ms || by_ms < -clocks_apart_max_ms; }
inline constexpr std::uint64_t disk_hangs_ms = 500;  // replicas give up their leaderships then; a person should know

struct node_view {
  node_fact fact;
  std::optional<node_registration> registered;  // none: it is not there now
  std::uint32_t leads = 0;                      // shards
  std::uint32_t holds = 0;                      // in sync
  std::uint32_t learns = 0;
  std::uint32_t wanted = 0;  // shards that are to lie on it
};

struct shard_view {
  shard_id shard;
  versioned_record record;  // revision 0: it was never begun
  std::vector<std::uint64_t> wanted;
  bool pinned = false;
};

struct cluster_view {
  std::string name;
  std::uint64_t self = 0;
  std::vector<node_view> nodes;
  std::vector<shard_view> shards;
  bool moves_paused = false;
  std::uint32_t feature_level = 0;
  std::string store_away;  // not empty: why the configuration store cannot be reached
};

class operations {
public:
  using said = std::expected<std::string, std::string>;  // the error begins with its kind, as operators' other orders'
  virtual ~operations() = default;
  [[nodiscard]] virtual cluster_view view() const = 0;
  // Refused at once, with the reason, where it could not succeed. `dry_run`: says what would be done.
  virtual said change_node(std::uint64_t node, node_state to, bool dry_run) = 0;
  virtual said pause_moves(bool paused, bool dry_run) = 0;
  // The shard is to lie on these nodes whatever the placement would choose; none: the placement chooses again.
  virtual said pin(shard_id shard, std::vector<std::uint64_t> nodes, bool dry_run) = 0;
  // To the newest that this node knows. There is no way back.
  virtual said raise_feature_level(bool dry_run) = 0;
  // Writes a small value and reads it back: what is full or has no leader may still show what it holds.
  virtual said probe_store() = 0;
  // The last resort: see promoted_alone (cluster/moves.hpp).
  virtual said promote_alone(shard_id shard, std::uint64_t node, bool dry_run) = 0;
};

// Replicas that are not yet where they are to be.
[[nodiscard]] inline std::size_t moves_left(const cluster_view& v) {
  std::size_t left = 0;
  for (const auto& s : v.shards)
    for (const auto node : s.wanted) {
      bool there = false;
      for (const auto& m : s.record.record.in_sync)
        there = there || m.node == node;
      left += there ? 0 : 1;
    }
  return left;
}

}  // namespace janji::cluster
