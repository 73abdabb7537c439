// What follows when the faults of a schedule stop: every shard serves again, and then disks that are slow, alike, or hang.
#include <algorithm>
#include <utility>

#include "tests/sim/replication_world.hpp"

namespace janji::sim {

namespace {
constexpr micros settle_within = 20'000 * ms;  // the bound of "every shard confirms again"
constexpr micros gather_within = 3'000 * ms;   // what is given to dropped members to come back before a disk hangs
constexpr micros hangs_for = 8'000 * ms;
constexpr micros goes_on_within = 6'000 * ms;
constexpr int tells_slow_from_hung = 20;  // ticks of patience below which a slow disk is a hung one
constexpr micros slower_by = 80 * ms;
constexpr micros slow_known_within = 8'000 * ms;
constexpr micros slow_all_known = 2'000 * ms;
constexpr micros slow_for = 6'000 * ms;
constexpr micros taken_in_within = 8'000 * ms;
constexpr micros late_effects = 700 * ms;  // swaps that were given up may still take effect for so long
}  // namespace

void world::heal() {
  say("the faults stop");
  faults_over_ = true;
  cut_until_.clear();
  clog_until_.clear();
  etcd_away_until_ = etcd_forgets_until_ = watch_lags_until_ = stale_until_ = 0;
  for (int n = 0; n < nodes(); ++n) {
    auto& x = node_of(n);
    x.paused_until = x.slow_until = x.full_until = x.hung_until = 0;
    if (n == plan_.sky.dead_at_end) {
      crash(n);
      x.dead = true;
      registered_.erase(member_of(n).node);
    } else {
      start(n);
      announce(n);
    }
  }
}

// Two intact in-sync disks are up; or one, with a healthy replica outside.
bool world::must_serve(int s) {
  const auto& record = etcd_of(s).now().record;
  std::size_t intact = 0;
  std::size_t forgot = 0;
  int spare = 0;
  for (int n = 0; n < nodes(); ++n) {
    if (!node_of(n).up)
      continue;
    const bool in_set = std::ranges::find(record.in_sync, member_of(n)) != record.in_sync.end();
    spare += in_set ? 0 : 1;
    intact += in_set && at(n, s).intact ? 1 : 0;
    forgot += in_set && !at(n, s).intact ? 1 : 0;
  }
  return intact >= sim_min_in_sync || (intact == 1 && forgot == 0 && spare > 0);
}

void world::settle() {
  heal();
  run_until(now_ + late_effects);
  std::set<int> owed;
  for (int s = 0; s < shards(); ++s)
    must_serve(s) ? (void)owed.insert(s) : (void)++result_.unservable;
  const auto by = now_ + settle_within;
  while (now_ < by && !std::ranges::includes(served_, owed))
    run_until(now_ + 50 * ms);
  for (const auto s : owed)
    if (!served_.contains(s))
      throw violation{fmt::format("liveness: shard {} does not confirm again", s)};
  result_.served += owed.size();
  if (std::ssize(owed) != shards())
    return;
  gather();
  if (!all_in_sync())
    return;
  switch (below(6)) {
    case 0:
    case 1: return hang_one_disk();
    case 2:
    case 3: return slow_one_disk();
    case 4: return slow_all_disks();
    default: return;
  }
}

bool world::all_in_sync() {
  for (int s = 0; s < shards(); ++s)
    for (int n = 0; n < nodes(); ++n) {
      const auto& set = etcd_of(s).now().record.in_sync;
      if (set.size() < sim_replicas_wanted ||
          std::ranges::any_of(set, [this](const member& m) { return !node_of(static_cast<int>(m.node)).up; }))
        return false;
    }
  return true;
}

void world::gather() {
  const auto by = now_ + gather_within;
  while (now_ < by && !all_in_sync())
    run_until(now_ + 50 * ms);
}

// One disk that is slow costs its leaderships and its memberships, and no more than that: nothing comes and goes. When it is slow
// no longer it is taken in again.
void world::slow_one_disk() {
  if (plan_.sky.suspect_ticks < tells_slow_from_hung || plan_.sky.silent_ticks < tells_slow_from_hung || plan_.sky.etcd_delay_max > 4000)
    return;
  const int n = chance(70) ? static_cast<int>(etcd_of(0).now().record.leader.node) : static_cast<int>(below(nodes()));
  say("the disk of n{} is slow", n);
  placement_ = true;
  node_of(n).slower_by = slower_by;
  const auto epochs = result_.epochs;
  run_until(now_ + slow_known_within);
  for (int s = 0; s < shards(); ++s) {
    const auto& record = etcd_of(s).now().record;
    if (static_cast<int>(record.leader.node) == n || std::ranges::find(record.in_sync, member_of(n)) != record.in_sync.end())
      throw violation{fmt::format("slow: the disk of n{} still leads shard {}, or counts there", n, s)};
  }
  latencies_.clear();
  run_until(now_ + slow_for);
  if (latencies_.empty())
    throw violation{"slow: nothing is confirmed beside a slow disk"};
  std::ranges::sort(latencies_);
  if (latencies_[latencies_.size() / 2] >= slower_by)
    throw violation{fmt::format("slow: batches wait for the slow disk of n{}", n)};
  if (result_.epochs - epochs > static_cast<std::uint64_t>(6 * shards()))
    throw violation{fmt::format("flaps: {} epochs while the disk of n{} is slow", result_.epochs - epochs, n)};
  say("the disk of n{} is fast again", n);
  node_of(n).slower_by = 0;
  const auto by = now_ + taken_in_within;
  while (now_ < by && !all_in_sync())
    run_until(now_ + 50 * ms);
  if (!all_in_sync())
    throw violation{fmt::format("slow: n{} is not taken in again although its disk is fast", n)};
  ++result_.slow;
}

// Nobody is better than another: nothing changes.
void world::slow_all_disks() {
  if (plan_.sky.suspect_ticks < tells_slow_from_hung || plan_.sky.silent_ticks < tells_slow_from_hung)
    return;
  say("all disks are slow");
  for (int n = 0; n < nodes(); ++n)
    node_of(n).slower_by = slower_by + below(5 * ms);
  placement_ = true;
  run_until(now_ + slow_all_known);  // one disk with more to do is known before another, and may lose a leadership
  std::vector<std::size_t> records;
  for (const auto& shard : etcd_)
    records.push_back(shard.history.size());
  const auto begun = now_;
  run_until(now_ + slow_for);
  for (int s = 0; s < shards(); ++s)
    if (confirmed_[s] <= begun)
      throw violation{"slow: nothing is confirmed where all disks are slow"};
  // A learner that is gone may be taken out meanwhile, and one that was on its way in has more to catch up with.
  const auto changed = [&](const etcd_shard& shard, std::size_t from) {
    for (auto i = from; i < shard.history.size(); ++i) {
      const auto& before = shard.history[i - 1].record;
      const auto& after = shard.history[i].record;
      const bool lost =
          std::ranges::any_of(before.in_sync, [&](const auto& m) { return std::ranges::find(after.in_sync, m) == after.in_sync.end(); });
      if (lost || after.leader != before.leader)
        return true;
    }
    return false;
  };
  bool flapped = false;
  for (std::size_t s = 0; s < etcd_.size(); ++s)
    flapped = flapped || changed(etcd_[s], records[s]);
  if (flapped || !all_in_sync())
    throw violation{"flaps: leaderships or memberships change where all disks are slow alike"};
  ++result_.slow;
}

// Mostly a leader's. Two good disks are left, and go on before it comes back.
void world::hang_one_disk() {
  const int n = chance(70) ? static_cast<int>(etcd_of(0).now().record.leader.node) : static_cast<int>(below(nodes()));
  const auto begun = now_;
  say("the disk of n{} hangs", n);
  node_of(n).hung_until = begun + hangs_for;
  const auto goes_on = [&] {
    for (int s = 0; s < shards(); ++s)
      if (confirmed_[s] <= begun)
        return false;
    return true;
  };
  while (now_ < begun + goes_on_within && !goes_on())
    run_until(now_ + 50 * ms);
  if (!goes_on())
    throw violation{fmt::format("hung: a shard does not confirm while the disk of n{} hangs", n)};
  ++result_.hung;
}

}  // namespace janji::sim
