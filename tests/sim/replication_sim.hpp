// A simulated cluster: the real replication machines on simulated links, disks, clocks and a simulated configuration
// store, under a schedule of mishaps drawn from the seed, with a client that appends and reads strictly. Checks the list
// at the end of replication.md. The same seed and options give the same run. Install the throwing assertion handler with
// throw_assertions() first; runs of several threads do not share anything else.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cluster/replication/faults.hpp"
#include "tests/sim/replication_schedule.hpp"

namespace janji::sim {

struct sim_options {
  std::uint64_t seed = 1;
  replication::planted_faults faults;
  bool trace = false;
  std::vector<bool> left_out;  // items of the schedule that do not happen
  bool calm = false;           // links lose, double and delay nothing out of turn
};

struct sim_result {
  std::optional<std::string> violation;
  micros at = 0;
  std::size_t schedule_items = 0;
  std::uint64_t acknowledged = 0;
  std::uint64_t unknown = 0;
  std::uint64_t strict_reads = 0;
  std::uint64_t epochs = 0;
  std::uint64_t restarts = 0;
  std::uint64_t snapshots = 0;
  std::uint64_t alarms = 0;
  std::uint64_t hung = 0;          // runs in which one disk hung in the end, and the others went on
  std::uint64_t slow = 0;          // likewise with one slow disk, or with all
  std::uint64_t unregistered = 0;  // swaps that failed on a registration alone
  std::uint64_t served = 0;        // shards that had to confirm again after the faults, and did
  std::uint64_t unservable = 0;    // too few disks were left
};

void throw_assertions();
[[nodiscard]] sim_result simulate(const sim_options& options);
// Leaves out what the violation does not need. Returns the smallest failing options that were found.
[[nodiscard]] sim_options shrink(const sim_options& failing);

}  // namespace janji::sim
