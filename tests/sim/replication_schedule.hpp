// What befalls a simulated cluster, and when: drawn from the seed before the run, so that single items can be left out and
// the rest happens as before. Pure values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace janji::sim {

// Virtual time in microseconds.
using micros = std::int64_t;

enum class mishap : std::uint8_t {
  crash,           // node a ends; what was not synced is lost or a prefix kept; it starts again after the duration
  wipe,            // as crash, and it comes back with an empty disk
  forget,          // as crash, and its disk has lost some of what was synced
  pause,           // node a does nothing for the duration, then goes on as if nothing had been
  cut,             // nothing comes from a to b
  isolate,         // nothing comes to a or from it
  clog,            // what goes from a to b arrives when the duration is over
  slow_disk,       // node a
  full_disk,       // node a admits nothing
  etcd_away,       // every swap fails with unknown, no watch, no read
  etcd_forgetful,  // swaps take effect or not, answers are lost
  watch_lag,
  stale_reads,  // what is read from etcd at a start or again may be old
  lease_lapse,  // the registration of node a is gone for the duration
  compact,      // node a compacts its logs
  hand_over,    // orders to whoever leads; a names the member
  remove,
  add_learner,
  hung_disk,  // node a: nothing that is asked of its disk comes back for so long
};
inline constexpr int mishap_count = 19;

struct schedule_item {
  micros at = 0;
  mishap what = mishap::crash;
  int a = 0;
  int b = 0;
  micros lasts = 0;
};

// How the links and the clocks are, all the time.
struct weather {
  int nodes = 3;
  int shards = 1;
  int loss_per_mille = 0;
  int duplicate_per_mille = 0;
  micros delay_max = 2000;
  int late_per_mille = 0;  // of messages, by up to 300 ms
  int drift_percent = 0;
  int heartbeat_ticks = 2;
  int silent_ticks = 24;
  int suspect_ticks = 20;
  micros client_every = 8000;
  micros etcd_delay_max = 4000;   // one way
  micros reread_every = 100'000;  // of the record
  micros placement_every = 200'000;
  int dead_at_end = -1;  // a node that stays down when the faults stop
};

struct schedule {
  weather sky;
  std::vector<schedule_item> items;
  micros until = 0;
};

[[nodiscard]] schedule draw_schedule(std::uint64_t seed);
[[nodiscard]] std::string describe(const schedule_item& item);

}  // namespace janji::sim
