// What a run is asked to do.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "apps/load/slots.hpp"

namespace janji::load {

enum class run_mode : std::uint8_t { book, browse, mixed, fill };

// Bounds of a run, so that a wrong number on the command line is not an attack.
namespace limits {
inline constexpr unsigned connections_max = 10'000;
inline constexpr unsigned threads_max = 8;
inline constexpr double rate_max = 1e6;
inline constexpr double duration_s_max = 24 * 3600;
inline constexpr std::uint64_t requests_max = 1'000'000'000;
inline constexpr std::size_t follow_ups_max = 100'000;  // retries, cancels and moves waiting for a connection
inline constexpr std::size_t notes_bytes_max = 3'500;   // of what the limits of a person's text permit
inline constexpr std::size_t answer_bytes_max = std::size_t{64} << 20;
}  // namespace limits

struct target {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;
  std::string ports_file;  // when set, the port is read from it at each connection
};

struct run_options {
  run_mode mode = run_mode::book;
  std::string mode_name = "book";
  std::vector<target> targets;
  unsigned connections = 64;
  unsigned threads = 1;
  double rate = 0;         // requests a second over all threads; 0: closed loop
  double duration_s = 10;  // 0: until `requests`
  double warmup_s = 0;
  std::uint64_t requests = 0;  // 0: until `duration_s`
  std::uint64_t seed = 1;
  std::uint64_t first_citizen = 0;
  spread where;
  double hot_factor = 10;
  unsigned people = 1;  // the largest party
  double party_share = 0;
  double retry_share = 0;
  double cancel_share = 0;
  double move_share = 0;
  double second_share = 0;
  double browse_share = 0.9;
  double impatient_share = 0;
  unsigned impatient_ms = 100;
  double fill_extra = 0.05;
  std::size_t notes_bytes = 0;
  bool name_window = true;
  bool null_target = false;  // its answers are counted, not read
  bool tolerate_restarts = false;
  unsigned retry_unknowns = 0;
  unsigned timeout_ms = 5'000;
  double drain_s = 5;
  std::string round;
  std::string record_file;
  bool quiet = false;
};

}  // namespace janji::load
