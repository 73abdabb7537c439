// A random walk over the real actors of three nodes: as actor_walk, and besides, links that lose, delay and mix up, cuts
// between nodes, nodes that die and come back, and a store of records whose answers are lost and whose watch is late. The
// same seed gives the same walk. Afterwards faults stop, and it is checked that every shard serves again (I9), that every
// key once confirmed has the same references still (I2, I4), that no window is over and nobody holds two places (I1, I3, by
// the audit of every node's own store), and that all replicas of a shard hold the same log.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "booking/faults.hpp"
#include "tests/actors/simulated_node.hpp"

namespace janji::sim {

struct cluster_walk_result {
  std::optional<std::string> violation;
  std::uint64_t hash = 0;  // of everything that happened
  std::uint64_t steps = 0;
  std::uint64_t asked = 0;
  std::uint64_t confirmed = 0;
  std::uint64_t refused = 0;
  std::uint64_t unknown = 0;
  std::uint64_t later = 0;
  std::uint64_t power_cuts = 0;
  std::uint64_t epochs = 0;
  std::uint64_t lost_messages = 0;
  cluster_walk_result& operator+=(const cluster_walk_result& other);
};

inline constexpr std::size_t cluster_nodes = 3;
using cluster_disks = std::array<memory_store, cluster_nodes>;

struct cluster_faults {
  planted_faults booking;
  replication::planted_faults replication;
};
cluster_walk_result walk_cluster(cluster_disks& disks, std::uint64_t seed, int steps, const cluster_faults& faults, bool trace);

}  // namespace janji::sim
