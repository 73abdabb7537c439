// What is said at the end of a run.
#pragma once

#include <string>

#include "apps/load/options.hpp"
#include "apps/load/stats.hpp"

namespace janji::load {

// What the servers' own audit said; empty when it was not asked.
struct server_audit {
  bool asked = false;
  bool clean = false;
  std::string words;          // why it could not be asked, or what it found
  std::uint64_t shown = 0;    // bookings looked up one by one
  std::uint64_t missing = 0;  // of those, not stored
};

[[nodiscard]] std::string as_table(const run_options& o, const run_stats& s, const server_audit& a);
[[nodiscard]] std::string as_json(const run_options& o, const run_stats& s, const server_audit& a);

}  // namespace janji::load
