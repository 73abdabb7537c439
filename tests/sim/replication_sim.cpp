#include "tests/sim/replication_sim.hpp"

#include <algorithm>
#include <utility>

#include "booking/assert.hpp"
#include "tests/sim/replication_world.hpp"

namespace janji::sim {

namespace r = replication;

world::world(const sim_options& options) : options_(options), plan_(draw_schedule(options.seed)), random_(options.seed) {
  result_.schedule_items = plan_.items.size();
  nodes_.resize(static_cast<std::size_t>(nodes()));
  truths_.resize(static_cast<std::size_t>(shards()));
  etcd_.resize(static_cast<std::size_t>(shards()));
  for (auto& n : nodes_)
    n.shards.resize(static_cast<std::size_t>(shards()));
}

// ------------------------------------------------------------------ time

void world::run_at_node(int n, std::uint64_t boot, const std::function<void()>& what) {
  auto& x = node_of(n);
  if (!x.up || x.boot != boot)
    return;
  if (x.paused_until > now_)
    return after(x.paused_until - now_, [this, n, boot, what] { run_at_node(n, boot, what); });
  what();
}

void world::at_node(micros d, int n, std::function<void()> what) {
  after(d, [this, n, boot = node_of(n).boot, what = std::move(what)] { run_at_node(n, boot, what); });
}

void world::run_until(micros t) {
  while (!events_.empty() && events_.top().at <= t) {
    auto what = std::move(const_cast<event&>(events_.top()).what);
    now_ = events_.top().at;
    events_.pop();
    what();
  }
  now_ = t;
}

sim_result world::run() {
  try {
    begin();
    run_until(plan_.until);
    settle();
  } catch (const violation& v) {
    result_.violation = v.what;
    result_.at = now_;
    say("violation: {}", v.what);
  }
  return result_;
}

void world::begin() {
  const auto& sky = plan_.sky;
  placement_ = chance(70);
  for (int n = 0; n < nodes(); ++n) {
    registered_[member_of(n).node] = member_of(n).disk;
    node_of(n).tick_every = 10 * ms * (100 - sky.drift_percent + below(2 * sky.drift_percent + 1)) / 100;
  }
  for (int s = 0; s < shards(); ++s) {
    r::shard_record first{epoch_t{1}, member_of(s % 3), {}, {}, sim_min_in_sync, sim_replicas_wanted};
    for (int n = 0; n < sim_replicas_wanted; ++n)
      first.in_sync.push_back(member_of(n));
    etcd_of(s).history.push_back({1, first});
    after(below(sky.client_every), [this, s] { client_of(s); });
    after(below(sky.client_every), [this, s] { reader_of(s); });
    after(below(300 * ms), [this, s] { placement_of(s); });
  }
  for (int n = 0; n < nodes(); ++n) {
    start(n);
    after(below(10 * ms), [this, n] { tick_of(n); });
    after(below(150 * ms), [this, n] { reread(n); });
  }
  for (std::size_t i = 0; i < plan_.items.size(); ++i)
    if (i >= options_.left_out.size() || !options_.left_out[i])
      after(plan_.items[i].at, [this, i] { happen(plan_.items[i]); });
}

// ------------------------------------------------------------------ lives

void world::start(int n) {
  auto& x = node_of(n);
  if (x.up || x.dead)
    return;
  x.up = true;
  ++x.boot;
  x.paused_until = 0;
  x.reads.clear();
  x.writes.clear();
  ++result_.restarts;
  say("n{} starts, life {}", n, x.boot);
  announce(n);
  for (int s = 0; s < shards(); ++s) {
    auto& rep = at(n, s);
    rep.busy.reset();
    rep.heard.clear();
    r::machine_options o{.min_in_sync = sim_min_in_sync, .own_record = false, .boot = boot_t{x.boot}};
    o.heartbeat_ticks = static_cast<std::uint32_t>(plan_.sky.heartbeat_ticks);
    o.silent_ticks = static_cast<std::uint32_t>(plan_.sky.silent_ticks);
    o.suspect_ticks = o.backoff_ticks = static_cast<std::uint32_t>(plan_.sky.suspect_ticks);
    o.faults = options_.faults;
    rep.m = std::make_unique<machine>(member_of(n), o);
    // State is remade from the base and the log, up to where it was known to be committed.
    const sequence_t known{rep.mark.value +
                           static_cast<std::uint64_t>(below(static_cast<std::int64_t>(rep.applied.value - rep.mark.value) + 1))};
    rep.applied = rep.disk.base.sequence;
    rep.state = rep.disk.base_state;
    rep.mark = rep.applied;
    r::started in{rep.disk.promised, rep.disk.tail(), {}, rep.disk.shape(), std::max(known, rep.applied), {}};
    if (now_ >= etcd_away_until_)
      in.record = look(s);
    apply(n, s, std::min(in.commit, rep.disk.tail().sequence));
    feed(n, s, std::move(in));
  }
}

void world::crash(int n) {
  auto& x = node_of(n);
  if (!x.up)
    return;
  say("n{} crashes", n);
  x.up = false;
  for (int s = 0; s < shards(); ++s) {
    auto& rep = at(n, s);
    if (const auto lost = std::exchange(rep.busy, std::nullopt))
      apply_write(n, s, *lost, static_cast<std::size_t>(below(static_cast<std::int64_t>(lost->entries.size()) + 3)));
    rep.m.reset();
  }
  for (int other = 0; other < nodes(); ++other)
    if (other != n && node_of(other).up && now_ >= cut_until_[{n, other}] && chance(60))
      at_node(ms, other, [this, other, n] {
        for (int s = 0; s < shards(); ++s)
          feed(other, s, r::link_broken{static_cast<std::uint64_t>(n)});
      });
}

void world::wipe(int n) {
  say("n{} has an empty disk", n);
  ++node_of(n).wipes;
  for (auto& rep : node_of(n).shards)
    rep = replica{};
}

// Only where another intact disk is in sync: two disks that forget are more than any replica can make good. A learner may be counted
// already, by a leader whose swap is on its way.
void world::forget(int n) {
  for (int s = 0; s < shards(); ++s) {
    auto& rep = at(n, s);
    bool others = false;
    bool all_intact = true;
    for (const auto& m : etcd_of(s).now().record.in_sync)
      if (const auto* y = replica_of(m, s); y != &rep) {
        others = others || y != nullptr;
        all_intact = all_intact && (y == nullptr || y->intact);
      }
    for (const auto& m : etcd_of(s).now().record.learners)
      if (const auto* y = replica_of(m, s); y != nullptr && y != &rep)
        all_intact = all_intact && y->intact;
    if (!others || !all_intact || rep.disk.entries.empty() || !rep.intact)
      continue;
    const auto gone = std::min<std::size_t>(1 + static_cast<std::size_t>(below(4)), rep.disk.entries.size());
    rep.disk.entries.resize(rep.disk.entries.size() - gone);
    rep.known = std::min(rep.known, rep.disk.tail().sequence.value);
    rep.intact = false;
    rep.forgot_at = std::max(rep.disk.promised, etcd_of(s).now().record.epoch);
    say("n{} s{} forgets {} entries", n, s, gone);
  }
}

// ------------------------------------------------------------------ mishaps

void world::cut(int from, int to, micros until, bool clog) {
  if (from != to)
    (clog ? clog_until_ : cut_until_)[{from, to}] = until;
}

void world::befall(int n, mishap what, micros lasts) {
  if (!node_of(n).up)
    return;
  crash(n);
  if (what == mishap::wipe)
    wipe(n);
  if (what == mishap::forget)
    forget(n);
  after(lasts, [this, n] { start(n); });
}

void world::happen(const schedule_item& item) {
  const auto until = now_ + item.lasts;
  say("mishap {}", describe(item));
  if (const auto& learners = etcd_of(0).now().record.learners; item.what == mishap::wipe && !learners.empty() && item.b % 2 == 0)
    return befall(static_cast<int>(learners.front().node), item.what, item.lasts / 8);
  auto& x = node_of(item.a);
  switch (item.what) {
    case mishap::crash:
    case mishap::wipe:
    case mishap::forget: return befall(item.a, item.what, item.lasts);
    case mishap::pause: x.paused_until = std::max(x.paused_until, until); return;
    case mishap::cut: return cut(item.a, item.b, until, false);
    case mishap::isolate:
      for (int n = 0; n < nodes(); ++n) {
        cut(item.a, n, until, false);
        cut(n, item.a, until, false);
      }
      return;
    case mishap::clog: return cut(item.a, item.b, until, true);
    case mishap::slow_disk: x.slow_until = until; return;
    case mishap::hung_disk: x.hung_until = std::max(x.hung_until, until); return;
    case mishap::full_disk: x.full_until = until; return;
    case mishap::etcd_away: etcd_away_until_ = until; return;
    case mishap::etcd_forgetful: etcd_forgets_until_ = until; return;
    case mishap::watch_lag: watch_lags_until_ = until; return;
    case mishap::stale_reads: stale_until_ = until; return;
    case mishap::lease_lapse: return lapse(item);
    case mishap::compact: return compact(item.a);
    case mishap::hand_over:
    case mishap::remove:
    case mishap::add_learner: {
      using verb = r::order::verb;
      const auto what = item.what == mishap::hand_over ? verb::hand_over : item.what == mishap::remove ? verb::remove : verb::add_learner;
      return order(static_cast<int>(below(shards())), what, member_of(item.a));
    }
  }
}

// One time of two a learner's, and mostly one that is about to be added.
void world::lapse(const schedule_item& item) {
  const auto& learners = etcd_of(0).now().record.learners;
  const int n = !learners.empty() && item.b % 2 == 0 ? static_cast<int>(learners.front().node) : item.a;
  registered_.erase(member_of(n).node);
  after(item.lasts, [this, n] {
    if (node_of(n).up)
      announce(n);
  });
}

void world::order(int s, r::order::verb what, member who, member by) {
  for (int n = 0; n < nodes(); ++n)
    if (awake(n) && at(n, s).m->current_role() > machine::role::taking_over) {
      feed(n, s, r::order{++next_order_, what, who, by});
      return;
    }
}

void world::compact(int n) {
  if (!awake(n))
    return;
  for (int s = 0; s < shards(); ++s) {
    auto& x = at(n, s);
    const auto back = static_cast<std::uint64_t>(below(12));
    if (x.applied.value <= back || x.applied.value - back <= x.disk.base.sequence.value)
      continue;
    const sequence_t up_to{x.applied.value - back};
    const auto gone = static_cast<std::ptrdiff_t>(up_to.value - x.disk.base.sequence.value);
    x.disk.base = x.disk.find(up_to)->at;
    x.disk.base_state = truth_of(s).state_at(up_to);
    x.disk.entries.erase(x.disk.entries.begin(), x.disk.entries.begin() + gone);
    x.mark = std::max(x.mark, up_to);
    say("n{} s{} compacts up to {}", n, s, up_to.value);
    feed(n, s, r::compacted{up_to});
  }
}

// ------------------------------------------------------------------ what goes on

void world::tick_of(int n) {
  after(node_of(n).tick_every, [this, n] { tick_of(n); });
  if (awake(n))
    for (int s = 0; s < shards(); ++s) {
      feed(n, s, r::tick{random_(), disk_busy(n), disk_us(n)});
      leave_to_faster(n, s);
    }
  if (awake(n) && per_mille(20))
    write_outside(n);
}

// As the shard's actor does it, but that none waits for its turn.
void world::leave_to_faster(int n, int s) {
  if (const auto to = at(n, s).m->faster_leader(); to && !at(n, s).m->handing_over())
    feed(n, s, r::order{++next_order_, r::order::verb::hand_over, *to, {}});
}

// Every so often the record is read again, as a watch does that lost its connection.
void world::reread(int n) {
  after(plan_.sky.reread_every / 2 + below(plan_.sky.reread_every), [this, n] { reread(n); });
  if (awake(n) && now_ >= etcd_away_until_)
    for (int s = 0; s < shards(); ++s)
      at_node(below(5 * ms), n, [this, n, s, seen = look(s)] { feed(n, s, r::record_seen{seen}); });
}

void world::client_of(int s) {
  after(1 + below(2 * plan_.sky.client_every), [this, s] { client_of(s); });
  const int n = static_cast<int>(below(nodes()));
  if (!awake(n))
    return;
  auto& m = *at(n, s).m;
  if (m.can_append() && node_of(n).full_until <= now_) {
    const auto batch = ++next_batch_;
    batches_[batch] = {now_, false};
    feed(n, s, r::append{batch, fmt::format("v{}", batch)});
  }
}

void world::reader_of(int s) {
  after(1 + below(2 * plan_.sky.client_every), [this, s] { reader_of(s); });
  // Whoever believes to lead is asked, also one who was deposed without knowing it.
  for (int n = 0; n < nodes(); ++n)
    if (awake(n) && at(n, s).m->current_role() == machine::role::serving) {
      const auto number = ++next_read_;
      reads_[number] = {truth_of(s).count()};
      feed(n, s, r::strict_read{number});
    }
}

// Keeps as many replicas as are wanted, as the placement would.
void world::placement_of(int s) {
  after(plan_.sky.placement_every / 2 + below(plan_.sky.placement_every), [this, s] { placement_of(s); });
  if (faults_over_)
    operator_of(s);
  if (!placement_ && !faults_over_)
    return;
  const auto& record = etcd_of(s).now().record;
  for (const auto& m : record.learners)
    if (registered_.contains(m.node) ? registered_[m.node] != m.disk : chance(20))  // it may only have lapsed
      return order(s, r::order::verb::remove, m);
  const auto lost = std::ranges::count_if(
      record.in_sync, [this](const member& m) { return registered_.contains(m.node) && registered_[m.node] != m.disk; });
  if (record.in_sync.size() - static_cast<std::size_t>(lost) + record.learners.size() >= record.replicas_wanted)
    return;
  std::vector<member> spare;
  for (const auto& [node, disk] : registered_)
    if (const member m{node, disk}; std::ranges::find(record.in_sync, m) == record.in_sync.end() &&
                                    std::ranges::find(record.learners, m) == record.learners.end() && node_of(static_cast<int>(node)).up)
      spare.push_back(m);
  if (!spare.empty())
    order(s, r::order::verb::add_learner, spare[static_cast<std::size_t>(below(static_cast<std::int64_t>(spare.size())))]);
}

// Rule 21, when the faults are over: a set of which too few are left, all intact, and whose dead ones will not come back.
void world::operator_of(int s) {
  const auto& record = etcd_of(s).now().record;
  const auto left = std::ranges::count_if(
      record.in_sync, [&](const member& m) { return replica_of(m, s) != nullptr && node_of(static_cast<int>(m.node)).up; });
  if (left >= record.min_in_sync || served_.contains(s))
    return;
  for (const auto& m : record.in_sync)
    if (const auto* rep = replica_of(m, s); rep != nullptr && node_of(static_cast<int>(m.node)).up && !rep->intact)
      return;  // it would be trusted alone
  for (const auto& m : record.in_sync) {
    const auto* rep = replica_of(m, s);
    if (rep != nullptr && node_of(static_cast<int>(m.node)).up)
      continue;
    for (const auto& by : record.learners)
      if (node_of(static_cast<int>(by.node)).up && replica_of(by, s) != nullptr)
        return order(s, r::order::verb::replace, m, by);
    for (const auto& [node, disk] : registered_)
      if (const member by{node, disk}; std::ranges::find(record.in_sync, by) == record.in_sync.end() && node_of(static_cast<int>(node)).up)
        return order(s, r::order::verb::add_learner, by);
  }
}

// ------------------------------------------------------------------ entry points

void throw_assertions() {
  set_assertion_handler([](const char* what, std::source_location) { throw violation{std::string("assertion: ") + what}; });
}

sim_result simulate(const sim_options& options) { return std::make_unique<world>(options)->run(); }

namespace {
// "lost: ..." and "lost: ..." are the same failure.
std::string kind_of(const std::string& what) { return what.substr(0, what.find(':')); }
}  // namespace

sim_options shrink(const sim_options& failing) {
  auto best = failing;
  best.trace = false;
  const auto first = simulate(best);
  if (!first.violation)
    return failing;
  const auto kind = kind_of(*first.violation);
  const auto fails = [&](const sim_options& o) {
    const auto got = simulate(o);
    return got.violation && kind_of(*got.violation) == kind;
  };
  best.left_out.resize(first.schedule_items, false);
  if (auto calm = best; !calm.calm) {
    calm.calm = true;
    if (fails(calm))
      best = calm;
  }
  for (auto size = std::max<std::size_t>(first.schedule_items / 2, 1);;) {
    bool smaller = false;
    for (std::size_t from = 0; from < first.schedule_items; from += size) {
      auto next = best;
      std::fill(next.left_out.begin() + static_cast<std::ptrdiff_t>(from),
                next.left_out.begin() + static_cast<std::ptrdiff_t>(std::min(from + size, first.schedule_items)), true);
      if (next.left_out != best.left_out && fails(next)) {
        best = std::move(next);
        smaller = true;
      }
    }
    if (size == 1 && !smaller)
      return best;
    size = std::max<std::size_t>(size / 2, 1);
  }
}

}  // namespace janji::sim
