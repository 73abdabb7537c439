// The parts of the simulated cluster; see replication_sim.hpp. Lives in one thread.
#pragma once

#include <fmt/format.h>

#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <random>
#include <set>
#include <utility>

#include "cluster/replication/machine.hpp"
#include "tests/sim/replication_checks.hpp"
#include "tests/sim/replication_sim.hpp"

namespace janji::sim {

using replication::boot_t;
using replication::machine;

inline constexpr micros ms = 1000;
inline constexpr std::uint8_t sim_min_in_sync = 2;
inline constexpr std::uint8_t sim_replicas_wanted = 3;

class world {
public:
  explicit world(const sim_options& options);
  sim_result run();

private:
  // ---- state
  struct replica {
    std::unique_ptr<machine> m;
    disk_log disk;
    std::optional<replication::persist> busy;
    micros busy_since = 0;
    std::uint64_t known = 0;  // committed entries found on this disk so far
    bool intact = true;       // false: the disk forgot, and was not refilled since
    epoch_t forgot_at;
    sequence_t applied;
    std::uint64_t state = 0;
    sequence_t mark;  // applied, and on disk
    std::map<std::uint64_t, boot_t> heard;
    bool recheck = false;
  };
  struct node {
    bool up = false;
    bool dead = false;  // for good
    std::uint64_t boot = 0;
    int wipes = 0;
    micros paused_until = 0, slow_until = 0, full_until = 0, hung_until = 0;
    micros slower_by = 0;        // every write
    std::vector<micros> writes;  // how long the last few took
    micros wrote_at = 0;
    std::multiset<micros> reads;  // when those began that are under way
    micros tick_every = 10 * ms;
    std::vector<replica> shards;
  };
  struct etcd_shard {
    std::vector<versioned_record> history;
    position outside;  // the furthest that leaders have written down as committed
    [[nodiscard]] const versioned_record& now() const { return history.back(); }
  };
  struct event {
    micros at = 0;
    std::uint64_t order = 0;
    std::function<void()> what;
    friend bool operator<(const event& a, const event& b) { return a.at != b.at ? a.at > b.at : a.order > b.order; }
  };
  struct asked_read {
    std::uint64_t acknowledged = 0;  // when it was asked
  };
  struct batch_fate {
    micros at = 0;
    bool told = false;
  };

  // ---- time and chance (replication_sim.cpp)
  std::int64_t below(std::int64_t n) { return n <= 0 ? 0 : static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(n)); }
  bool chance(int percent) { return below(100) < percent; }
  bool per_mille(int n) { return below(1000) < n; }
  void after(micros d, std::function<void()> what) { events_.push({now_ + d, ++order_, std::move(what)}); }
  void at_node(micros d, int n, std::function<void()> what);
  void run_at_node(int n, std::uint64_t boot, const std::function<void()>& what);
  void run_until(micros t);
  template <class... Args>
  void say(fmt::format_string<Args...> f, Args&&... args) {
    if (options_.trace)
      fmt::print("{:9.3f} {}\n", static_cast<double>(now_) / 1000.0, fmt::format(f, std::forward<Args>(args)...));
  }
  [[nodiscard]] member member_of(int n) const {
    return {static_cast<std::uint64_t>(n), static_cast<std::uint64_t>(n * 1000 + nodes_[static_cast<std::size_t>(n)].wipes)};
  }
  [[nodiscard]] node& node_of(int n) { return nodes_[static_cast<std::size_t>(n)]; }
  [[nodiscard]] replica& at(int n, int s) { return nodes_[static_cast<std::size_t>(n)].shards[static_cast<std::size_t>(s)]; }
  [[nodiscard]] truth& truth_of(int s) { return truths_[static_cast<std::size_t>(s)]; }
  [[nodiscard]] etcd_shard& etcd_of(int s) { return etcd_[static_cast<std::size_t>(s)]; }
  [[nodiscard]] replica* replica_of(const member& m, int s);
  [[nodiscard]] bool awake(int n) { return node_of(n).up && node_of(n).paused_until <= now_; }
  [[nodiscard]] int shards() const { return plan_.sky.shards; }
  [[nodiscard]] int nodes() const { return plan_.sky.nodes; }

  // ---- the plug-ins (replication_plugins.cpp)
  void feed(int n, int s, replication::input&& in);
  void carry_out(int n, int s, replication::output&& o);
  void write(int n, int s, replication::persist&& p);
  void finish_write(int n, int s, std::uint64_t boot);
  void from_disk(int n, micros takes, const std::function<void()>& what);
  void read_done_at(int n, std::uint64_t boot, micros since, const std::function<void()>& what);
  [[nodiscard]] std::uint32_t disk_busy(int n);
  [[nodiscard]] std::uint32_t disk_us(int n);
  void apply_write(int n, int s, const replication::persist& p, std::size_t steps);
  void transmit(int n, int s, replication::send&& m);
  void deliver(int to, int s, const replication::received& m);
  void read(int n, int s, const replication::read_entries& r);
  void snapshot(int n, int s, const replication::read_snapshot& r);
  void swap(int n, int s, const replication::swap_record& w);
  replication::swap_answered swap_now(int s, const replication::swap_record& w);
  void watch(int s);
  void write_outside(int n);
  void tell_outside(int n, int s, epoch_t asked);
  void announce(int n);
  void check_led_on(int n, int s, const replication::swap_record& w, bool led);
  [[nodiscard]] versioned_record look(int s);
  void commit(int n, int s, const replication::committed& c);
  void apply(int n, int s, sequence_t up_to);
  void told(std::uint64_t batch, bool known);
  void read_done(int n, int s, const replication::strict_read_done& d);

  // ---- checks (replication_plugins.cpp)
  void check_present(int s);
  void check_counted(int n, int s, const replication::committed& c);
  void check_refilled(int n, int s);
  void check_said(int n, int s, const replication::send& m);

  // ---- what happens (replication_sim.cpp)
  void begin();
  void start(int n);
  void crash(int n);
  void wipe(int n);
  void forget(int n);
  void befall(int n, mishap what, micros lasts);
  void happen(const schedule_item& item);
  void cut(int from, int to, micros until, bool clog);
  void order(int s, replication::order::verb what, member who, member by = {});
  void lapse(const schedule_item& item);
  void compact(int n);
  void tick_of(int n);
  void client_of(int s);
  void reader_of(int s);
  void placement_of(int s);
  void operator_of(int s);
  void reread(int n);
  void heal();
  [[nodiscard]] bool must_serve(int s);
  void settle();
  [[nodiscard]] bool all_in_sync();
  void gather();
  void hang_one_disk();
  void slow_one_disk();
  void slow_all_disks();
  void leave_to_faster(int n, int s);

  sim_options options_;
  schedule plan_;
  std::mt19937_64 random_;
  sim_result result_;
  micros now_ = 0;
  std::uint64_t order_ = 0;
  std::priority_queue<event> events_;
  std::vector<node> nodes_;
  std::vector<truth> truths_;
  std::vector<etcd_shard> etcd_;
  std::map<std::uint64_t, std::uint64_t> registered_;  // node -> disk
  std::map<std::pair<int, int>, micros> cut_until_, clog_until_;
  micros etcd_away_until_ = 0, etcd_forgets_until_ = 0, watch_lags_until_ = 0, stale_until_ = 0;
  bool faults_over_ = false;
  bool placement_ = true;
  std::uint64_t next_batch_ = 0, next_read_ = 0, next_order_ = 0;
  std::map<std::uint64_t, batch_fate> batches_;
  std::map<std::uint64_t, asked_read> reads_;
  std::set<int> served_;
  std::vector<micros> latencies_;
  std::map<int, micros> confirmed_;  // shard -> when the newest batch that was confirmed was asked for
  // Shard and learner -> the revision at which a swap last failed on the registration alone, and when.
  std::map<std::pair<int, member>, std::pair<std::uint64_t, micros>> turned_away_;
};

}  // namespace janji::sim
