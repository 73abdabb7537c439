// What a run measured. One a thread, merged at the end; confirmations and refusals are never added together.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "apps/load/histogram.hpp"

namespace janji::load {

enum class answer_class : std::uint8_t { confirmed, confirmed_hot, repeated, cancelled, moved, read, full, full_hot, refused, unknown };
inline constexpr std::size_t answer_class_count = 10;
inline constexpr std::array<std::string_view, answer_class_count> answer_class_names{
    "confirmed", "confirmed_hot", "repeated", "cancelled", "moved", "read", "full", "full_hot", "refused", "unknown"};

struct run_stats {
  std::array<histogram, answer_class_count> latency_us;
  // Of those, what was answered while the load was on (not while it drained): what rates are made of.
  std::array<std::uint64_t, answer_class_count> while_on{};
  std::map<std::string, std::uint64_t> codes;  // "409 full" -> how many
  std::uint64_t people_confirmed = 0;
  std::uint64_t requests = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;
  std::uint64_t connects = 0;
  std::uint64_t connections_lost = 0;
  std::uint64_t retries_of_unknowns = 0;
  std::uint64_t unresolved = 0;    // still unknown at the end
  std::uint64_t windows_left = 0;  // of fill: not known to be full
  std::uint64_t follow_ups_dropped = 0;
  double measured_s = 0;
  double client_cpu_s = 0;
  std::string fatal;  // why the run ended early

  [[nodiscard]] std::uint64_t count(answer_class c) const { return latency_us[static_cast<std::size_t>(c)].count(); }
  [[nodiscard]] double rate(answer_class c) const {
    return measured_s <= 0 ? 0 : static_cast<double>(while_on[static_cast<std::size_t>(c)]) / measured_s;
  }
  void merge(const run_stats& other);
};

}  // namespace janji::load
