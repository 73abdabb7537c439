// Who is there: nodes announce themselves under a lease, and whoever follows is told of nodes and of shards' records.
// A lease is a hint that a node may be gone, never a lock.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/config_store.hpp"

namespace janji::cluster {

struct node_registration {
  std::uint64_t node = 0;
  std::uint64_t disk = 0;
  replication::boot_t boot;
  std::string links;        // host:port for other nodes
  std::string fronts;       // host:port for citizens, for people to read
  std::string version;      // of the program
  std::uint32_t level = 0;  // the greatest feature level that it knows
  unix_ms since;            // when it registered, by its own clock, for people to read
  friend bool operator==(const node_registration&, const node_registration&) = default;
};

// What is known of a node whether it runs or not: it says so when it joins, and operators change its state.
inline constexpr std::uint32_t node_weight_max = 10'000;
enum class node_state : std::uint8_t { active, draining, removed };
struct node_fact {
  std::uint64_t node = 0;
  node_state state = node_state::active;
  std::uint32_t weight = 100;  // its share of the shards, in proportion to the others'
  std::string zone;            // replicas lie in different ones as far as there are enough
  bool stores = true;          // false: a front, which holds no shards
  friend bool operator==(const node_fact&, const node_fact&) = default;
};

// Where every shard is to lie, and who is there to hold it. The records say where it is.
struct placement_picture {
  std::vector<std::vector<std::uint64_t>> wanted;  // by shard: nodes, the one that is to lead first
  std::vector<node_registration> members;          // that are registered now
  bool moves_paused = false;                       // by operators: only what is missing is made good
  bool store_away = false;                         // nothing is begun: its outcome would not be known, and cost a leader its place
  std::vector<std::uint64_t> nodes = {};           // that belong to the cluster, there or not; empty: not known
};

struct shard_change {
  shard_id shard;
  versioned_record record;  // revision 0: it is gone, which no node ever does
};

// Everything as it stood at one moment: what is not in it is not there.
struct cluster_picture {
  std::vector<shard_change> shards;
  std::vector<node_registration> nodes;
  std::map<std::string, std::string> values;  // small values by name, but for keys
};

// Called from the store's own thread, one call at a time; must not block. A picture comes first, and again after anything
// may have been missed.
class config_events {
public:
  virtual ~config_events() = default;
  virtual void picture(cluster_picture&& now) = 0;
  virtual void record_changed(shard_change&& change) = 0;
  virtual void node_announced(node_registration&& node) = 0;
  virtual void node_gone(std::uint64_t node) = 0;
  // None: it is gone.
  virtual void value_changed(const std::string& name, std::optional<std::string> value) = 0;
  // The store cannot be reached, or can be again: what runs goes on, nothing can change meanwhile.
  virtual void store_away(const std::string& why) = 0;
  virtual void store_back() = 0;
};

}  // namespace janji::cluster
