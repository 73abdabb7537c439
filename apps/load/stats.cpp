#include "apps/load/stats.hpp"

#include <algorithm>

namespace janji::load {

void run_stats::merge(const run_stats& other) {
  for (std::size_t i = 0; i < answer_class_count; ++i) {
    latency_us[i].merge(other.latency_us[i]);
    while_on[i] += other.while_on[i];
  }
  for (const auto& [code, n] : other.codes)
    codes[code] += n;
  people_confirmed += other.people_confirmed;
  requests += other.requests;
  bytes_sent += other.bytes_sent;
  bytes_received += other.bytes_received;
  connects += other.connects;
  connections_lost += other.connections_lost;
  retries_of_unknowns += other.retries_of_unknowns;
  unresolved += other.unresolved;
  windows_left += other.windows_left;
  follow_ups_dropped += other.follow_ups_dropped;
  measured_s = std::max(measured_s, other.measured_s);
  client_cpu_s += other.client_cpu_s;
  if (fatal.empty())
    fatal = other.fatal;
}

}  // namespace janji::load
