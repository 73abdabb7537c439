// Drives the load: connections over one Asio thread, each with one request under way. Closed loop: a connection that is free
// takes the next request. Open loop: requests have a time, and their latency counts from it, whether or not a connection was
// free (no coordinated omission).
#pragma once

#include <atomic>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>

#include "apps/load/citizens.hpp"
#include "apps/load/options.hpp"
#include "apps/load/record.hpp"
#include "apps/load/stats.hpp"

namespace janji::load {

// Shared by the threads of a run.
struct run_state {
  const run_options* options = nullptr;
  const crowd* people = nullptr;
  const slot_list* slots = nullptr;
  recorder* record = nullptr;  // may be null
  std::atomic<std::uint64_t> next_citizen{0};
  std::atomic<std::uint64_t> next_request{0};
  std::atomic<std::uint64_t> arrivals{0};
  std::atomic<bool> stop{false};  // a signal, or a thread that cannot go on
  // For the progress line.
  std::array<std::atomic<std::uint64_t>, answer_class_count> answered{};
  std::atomic<std::uint64_t> in_flight{0};
};

// Runs one thread's share to its end. `thread` of options->threads; connections and rate are divided among them.
run_stats run_engine(run_state& state, unsigned thread);

}  // namespace janji::load
