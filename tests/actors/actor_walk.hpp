// A random walk over a node's real actors: which mailbox runs next, when a write is synced and acknowledged, how time goes,
// what citizens and operators ask, which actor dies and when the power goes are all drawn from the seed. Afterwards
// everything settles and I1 to I6 are checked on what is committed and on what citizens were told; then the node starts
// again from its disk, every key is asked again, every free place is booked, and the audit counts the log.
// The same seed gives the same walk. One at a time in a process: it installs the assertion handler.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "booking/faults.hpp"
#include "tests/actors/simulated_node.hpp"

namespace janji::sim {

struct actor_walk_result {
  std::optional<std::string> violation;
  std::uint64_t hash = 0;  // of everything that happened
  std::uint64_t steps = 0;
  std::uint64_t asked = 0;
  std::uint64_t confirmed = 0;
  std::uint64_t refused = 0;
  std::uint64_t unknown = 0;
  std::uint64_t later = 0;
  std::uint64_t moved = 0;
  std::uint64_t cancelled = 0;
  std::uint64_t declined = 0;
  std::uint64_t kills = 0;
  std::uint64_t power_cuts = 0;
  actor_walk_result& operator+=(const actor_walk_result& other);
};

actor_walk_result walk_actors(memory_store& disk, std::uint64_t seed, int steps, const planted_faults& faults, bool trace);

}  // namespace janji::sim
