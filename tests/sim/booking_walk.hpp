// A random walk over the real slot groups and citizen registries under virtual time, with messages lost, doubled and late
// and leaders deposed without knowing it. Checks what citizens are told against what was committed (I1, I3 to I6). The same
// seed gives the same walk. One at a time in a process: it installs the assertion handler.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "booking/faults.hpp"

namespace janji::sim {

struct walk_result {
  std::optional<std::string> violation;
  std::uint64_t booked = 0;
  std::uint64_t cancelled = 0;
  std::uint64_t moved = 0;
  std::uint64_t refused = 0;
  std::uint64_t unknown = 0;
  std::uint64_t restarts = 0;
};

walk_result walk(std::uint64_t seed, int steps, const planted_faults& faults, bool trace);

}  // namespace janji::sim
