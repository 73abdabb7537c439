// The simulated disks, links and configuration store under the machines, and the observer's checks.
#include <algorithm>
#include <array>
#include <utility>

#include "tests/sim/replication_world.hpp"

namespace janji::sim {

namespace r = replication;

namespace {
constexpr micros swap_timeout = 60 * ms;
constexpr micros look_again = 50 * ms;  // whether a disk hangs still

using sim::text;
std::string text(const r::member& m) { return fmt::format("n{}/{}", m.node, m.disk % 1000); }
std::string text(const r::shard_record& x) {
  std::string s = fmt::format("{{e{} leader {} in sync", x.epoch.value, text(x.leader));
  for (const auto& m : x.in_sync)
    s += " " + text(m);
  s += x.learners.empty() ? "" : " learners";
  for (const auto& m : x.learners)
    s += " " + text(m);
  return s + "}";
}
const char* name(const r::message& m) {
  constexpr std::array names{"promise?", "pull?", "append", "install", "heartbeat", "promise", "pulled", "ack", "refusal", "heard"};
  return names[m.index()];
}
std::string text(const r::message& m) {
  if (const auto* a = std::get_if<r::append_request>(&m))
    return fmt::format("append after {} {} entries{} commit {}{}", text(a->previous), a->entries.size(),
                       a->entries.empty() ? "" : " to " + text(a->entries.back().at), a->commit.value, a->may_cut ? " may cut" : "");
  if (const auto* a = std::get_if<r::acknowledgement>(&m))
    return "ack " + text(a->at);
  if (const auto* a = std::get_if<r::promise>(&m))
    return fmt::format("promise tail {} commit {}", text(a->log.tail), a->commit.value);
  if (const auto* a = std::get_if<r::refusal>(&m))
    return fmt::format("refusal promised {} tail {}{}", a->promised.value, text(a->log.tail), a->blocked ? " blocked" : "");
  return name(m);
}
}  // namespace

// ------------------------------------------------------------------ the machine

void world::feed(int n, int s, r::input&& in) {
  auto& x = at(n, s);
  const auto commit_before = x.m->commit();
  const auto role_before = x.m->current_role();
  std::vector<r::output> out;
  x.m->step(std::move(in), out);
  if (x.m->commit() < commit_before)
    throw violation{"commit: it went back"};
  if (x.m->current_role() != role_before)
    say("n{} s{} role {} epoch {} tail {}", n, s, static_cast<int>(x.m->current_role()), x.m->epoch().value, text(x.m->tail()));
  for (auto& o : out)
    carry_out(n, s, std::move(o));
}

void world::carry_out(int n, int s, r::output&& o) {
  if (auto* p = std::get_if<r::persist>(&o)) {
    write(n, s, std::move(*p));
  } else if (auto* m = std::get_if<r::send>(&o)) {
    transmit(n, s, std::move(*m));
  } else if (auto* w = std::get_if<r::swap_record>(&o)) {
    swap(n, s, *w);
  } else if (auto* c = std::get_if<r::committed>(&o)) {
    commit(n, s, *c);
  } else if (auto* u = std::get_if<r::apply_up_to>(&o)) {
    apply(n, s, u->at.sequence);
  } else if (auto* e = std::get_if<r::read_entries>(&o)) {
    read(n, s, *e);
  } else if (auto* h = std::get_if<r::read_snapshot>(&o)) {
    snapshot(n, s, *h);
  } else if (auto* d = std::get_if<r::strict_read_done>(&o)) {
    read_done(n, s, *d);
  } else if (auto* v = std::get_if<r::serving>(&o)) {
    say("n{} s{} serves epoch {}", n, s, v->epoch.value);
    if (at(n, s).m->record().record.in_sync.size() < sim_min_in_sync)
      throw violation{"floor: it serves with fewer in sync than min_in_sync"};
  } else if (auto* down = std::get_if<r::stepped_down>(&o)) {
    say("n{} s{} stepped down: {}", n, s, down->why);
    for (const auto b : down->unknown)
      told(b, false);
  } else if (auto* a = std::get_if<r::alarm>(&o)) {
    say("n{} s{} alarm about {}: {}", n, s, text(a->who), a->why);
    ++result_.alarms;
  } else if (auto* asked = std::get_if<r::ask_outside>(&o)) {
    tell_outside(n, s, asked->epoch);
  } else if (auto* q = std::get_if<r::order_answered>(&o)) {
    say("n{} s{} order {}", n, s, q->accepted ? "accepted" : q->why);
  }
}

// ------------------------------------------------------------------ disks

void world::write(int n, int s, r::persist&& p) {
  auto& x = at(n, s);
  if (x.busy)
    throw violation{"plug-in: a second write while one is on its way"};
  x.busy = std::move(p);
  x.busy_since = now_;
  const micros d = (now_ < node_of(n).slow_until ? 10 * ms + below(120 * ms) : 100 + below(3 * ms)) + node_of(n).slower_by;
  after(d, [this, n, s, boot = node_of(n).boot] { finish_write(n, s, boot); });
}

void world::finish_write(int n, int s, std::uint64_t boot) {
  if (!node_of(n).up || node_of(n).boot != boot)
    return;
  if (const auto until = node_of(n).hung_until; until > now_)
    return after(std::min(until - now_, look_again) + below(3 * ms), [this, n, s, boot] { finish_write(n, s, boot); });
  // The disk goes on while the process is paused; its word is heard later.
  auto& y = at(n, s);
  const auto done = *std::exchange(y.busy, std::nullopt);
  auto& writes = node_of(n).writes;
  writes.push_back(now_ - y.busy_since);
  if (writes.size() > 9)
    writes.erase(writes.begin());
  node_of(n).wrote_at = now_;
  apply_write(n, s, done, SIZE_MAX);
  y.mark = y.applied;
  check_refilled(n, s);
  run_at_node(n, boot, [this, n, s, number = done.number] { feed(n, s, r::persisted{number}); });
}

// How long the oldest operation of all its shards has been under way.
std::uint32_t world::disk_busy(int n) {
  auto oldest = now_;
  for (const auto& x : node_of(n).shards)
    if (x.busy)
      oldest = std::min(oldest, x.busy_since);
  if (const auto& reads = node_of(n).reads; !reads.empty())
    oldest = std::min(oldest, *reads.begin());
  return static_cast<std::uint32_t>((now_ - oldest) / node_of(n).tick_every);
}

// The median of the last few writes; 0: none was lately.
std::uint32_t world::disk_us(int n) {
  const auto& x = node_of(n);
  if (x.writes.empty() || now_ - x.wrote_at > 4'000 * ms)
    return 0;
  std::vector<micros> sorted(x.writes.begin(), x.writes.end());
  std::ranges::sort(sorted);
  return static_cast<std::uint32_t>(sorted[sorted.size() / 2]);
}

// A disk that hangs gives nothing back either.
void world::from_disk(int n, micros takes, const std::function<void()>& what) {
  node_of(n).reads.insert(now_);
  after(takes, [this, n, boot = node_of(n).boot, since = now_, what] { read_done_at(n, boot, since, what); });
}

void world::read_done_at(int n, std::uint64_t boot, micros since, const std::function<void()>& what) {
  auto& x = node_of(n);
  if (x.boot != boot)
    return;
  if (x.hung_until > now_)
    return after(std::min(x.hung_until - now_, look_again), [this, n, boot, since, what] { read_done_at(n, boot, since, what); });
  x.reads.erase(x.reads.find(since));
  run_at_node(n, boot, what);
}

// The first `steps` of what a write consists of: all of it when it is synced, a prefix when the power goes.
void world::apply_write(int n, int s, const r::persist& p, std::size_t steps) {
  auto& x = at(n, s);
  auto& d = x.disk;
  const auto step = [&] { return steps == SIZE_MAX || steps-- > 0; };
  if (p.promise) {
    if (!step())
      return;
    if (*p.promise < d.promised)
      throw violation{"epochs: a promise went back"};
    d.promised = *p.promise;
  }
  if (p.install) {
    if (!step())
      return;
    const auto& at_ = p.install->at;
    d.base = at_;
    d.base_state = std::stoull(p.install->bytes);
    d.entries.clear();
    x.known = 0;
    x.applied = at_.sequence;
    x.state = d.base_state;
    x.mark = x.applied;
    truth_of(s).applied(at_, x.state);
    ++result_.snapshots;
  }
  if (p.cut_after) {
    if (!step())
      return;
    d.cut(*p.cut_after);
    x.known = std::min(x.known, p.cut_after->value);
  }
  for (const auto& e : p.entries) {
    if (!step())
      return;
    truth_of(s).seen_on_disk(d.tail(), e);
    d.entries.push_back(e);
  }
  check_present(s);
}

void world::read(int n, int s, const r::read_entries& q) {
  from_disk(n, 100 + below(2 * ms), [this, n, s, q] {
    r::entries_read a{q.number, {}};
    const auto count = std::min<std::int64_t>(static_cast<std::int64_t>(q.count_max), 1 + below(12));
    for (std::int64_t i = 0; i < count; ++i) {
      const auto* e = at(n, s).disk.find(sequence_t{q.first.value + static_cast<std::uint64_t>(i)});
      if (e == nullptr)
        break;
      a.entries.push_back(*e);
    }
    // What is on disk but not yet told to the machine is not part of its log.
    while (!a.entries.empty() && a.entries.back().at.sequence > at(n, s).m->tail().sequence)
      a.entries.pop_back();
    feed(n, s, std::move(a));
  });
}

void world::snapshot(int n, int s, const r::read_snapshot& q) {
  from_disk(n, 500 + below(5 * ms), [this, n, s, q] {
    const auto& x = at(n, s);
    feed(n, s, r::snapshot_read{q.number, {truth_of(s).position_at(x.applied), std::to_string(x.state)}});
  });
}

// ------------------------------------------------------------------ links

void world::transmit(int n, int s, r::send&& m) {
  const int to = static_cast<int>(m.head.to.node);
  check_said(n, s, m);
  const auto& sky = plan_.sky;
  const bool noisy = !options_.calm && !faults_over_;
  if (now_ < cut_until_[{n, to}] || (noisy && per_mille(sky.loss_per_mille))) {
    say("n{} s{} -> n{} lost {}", n, s, to, text(m.what));
    return;
  }
  const int copies = noisy && per_mille(sky.duplicate_per_mille) ? 2 : 1;
  for (int i = 0; i < copies; ++i) {
    micros d = 50 + below(sky.delay_max);
    if (noisy && (per_mille(sky.late_per_mille) || (i == 1 && chance(50))))
      d += below(300 * ms);
    if (const auto clogged = clog_until_[{n, to}]; now_ < clogged)
      d += clogged - now_;
    after(d, [this, to, s, got = r::received{m.head, m.what}] {
      if (now_ < cut_until_[{static_cast<int>(got.head.from.node), to}] || !node_of(to).up)
        return;
      run_at_node(to, node_of(to).boot, [this, to, s, got] { deliver(to, s, got); });
    });
  }
}

void world::deliver(int to, int s, const r::received& m) {
  say("n{} s{} <- n{} e{} {}", to, s, m.head.from.node, m.head.epoch.value, text(m.what));
  auto& life = at(to, s).heard[m.head.from.node];
  if (m.head.to_boot == boot_t{} || m.head.to_boot.value == node_of(to).boot)
    life = std::max(life, m.head.from_boot);
  feed(to, s, r::received{m});
}

// ------------------------------------------------------------------ the configuration store

r::swap_answered world::swap_now(int s, const r::swap_record& w) {
  auto& e = etcd_of(s);
  const auto holds = [&](const member& m) { return registered_.contains(m.node) && registered_[m.node] == m.disk; };
  if (e.now().revision != w.expected_revision)
    return {r::swap_result::lost, e.now()};
  if (w.registered && !holds(*w.registered))
    return {r::swap_result::unregistered, e.now()};
  versioned_record next{e.now().revision + 1, w.record};
  if (options_.faults.register_any_disk)  // as a record that knew nodes and not disks would have it
    for (auto& m : next.record.in_sync)
      if (std::ranges::find(e.now().record.in_sync, m) == e.now().record.in_sync.end() && registered_.contains(m.node))
        m.disk = registered_[m.node];
  truth_of(s).swapped(e.now(), next);
  e.history.push_back(next);
  ++result_.epochs;
  say("etcd s{} {}", s, text(next.record));
  watch(s);
  check_present(s);
  return {r::swap_result::won, next};
}

void world::swap(int n, int s, const r::swap_record& w) {
  say("n{} s{} swaps to {}", n, s, text(w.record));
  const micros there = 200 + below(plan_.sky.etcd_delay_max);
  const bool away = now_ < etcd_away_until_;
  const bool forgetful = now_ < etcd_forgets_until_;
  const auto unknown = [this, n, s](micros d) {
    at_node(d, n, [this, n, s] {
      say("n{} s{} swap unknown", n, s);
      feed(n, s, r::swap_answered{});
    });
  };
  if (away && chance(50))  // nobody could be reached: the one who asks knows that nothing was done
    return at_node(swap_timeout, n, [this, n, s] {
      say("n{} s{} swap not made", n, s);
      feed(n, s, r::swap_answered{r::swap_result::not_done, {}});
    });
  if (away || (forgetful && chance(20)))
    return unknown(swap_timeout);
  if (forgetful && chance(40)) {  // takes effect before or after its outcome is given up
    after(there + below(4) * swap_timeout, [this, s, w] { (void)swap_now(s, w); });
    return unknown(swap_timeout);
  }
  const auto boot = node_of(n).boot;
  const micros back = 200 + below(plan_.sky.etcd_delay_max);
  after(there, [this, n, s, w, boot, back] {
    auto a = swap_now(s, w);
    after(back, [this, n, s, w, boot, a] {
      run_at_node(n, boot, [this, n, s, w, a] {
        const bool unregistered = a.result == r::swap_result::unregistered;
        say("n{} s{} swap {}", n, s, a.result == r::swap_result::won ? "won" : unregistered ? "not made: unregistered" : "lost");
        const bool led = at(n, s).m->leading();
        feed(n, s, r::swap_answered{a});
        if (unregistered)
          check_led_on(n, s, w, led);
      });
    });
  });
}

// Whoever leads sees a registration as it sees a record: late.
void world::announce(int n) {
  const auto who = member_of(n);
  registered_[who.node] = who.disk;
  for (int other = 0; other < nodes(); ++other)
    if (now_ >= etcd_away_until_ && node_of(other).up)
      at_node(300 + below(now_ < watch_lags_until_ ? 800 * ms : 15 * ms), other, [this, other, who] {
        for (int s = 0; s < shards(); ++s) {
          turned_away_.erase({s, who});
          feed(other, s, r::registration_seen{who});
        }
      });
}

void world::watch(int s) {
  for (int n = 0; n < nodes(); ++n) {
    const micros d = 300 + below(now_ < watch_lags_until_ ? 800 * ms : 15 * ms);
    if (now_ < etcd_away_until_ || !node_of(n).up)
      continue;
    at_node(d, n, [this, n, s, seen = etcd_of(s).now()] { feed(n, s, r::record_seen{seen}); });
  }
}

// Now and then each leader writes down how far it has committed.
void world::write_outside(int n) {
  for (int s = 0; s < shards(); ++s) {
    const auto& m = *at(n, s).m;
    if (m.current_role() != machine::role::serving || now_ < etcd_away_until_)
      continue;
    const auto at_ = m.log().position_at(m.commit());
    after(below(plan_.sky.etcd_delay_max), [this, s, at_] { etcd_of(s).outside = std::max(etcd_of(s).outside, at_); });
  }
}

void world::tell_outside(int n, int s, epoch_t asked) {
  if (now_ < etcd_away_until_)
    return;
  at_node(below(plan_.sky.etcd_delay_max), n, [this, n, s, asked] {
    at_node(below(plan_.sky.etcd_delay_max), n, [this, n, s, asked, at_ = etcd_of(s).outside] { feed(n, s, r::outside_told{asked, at_}); });
  });
}

versioned_record world::look(int s) {
  const auto& h = etcd_of(s).history;
  if (now_ < stale_until_ && chance(60))
    return h[h.size() - 1 - static_cast<std::size_t>(below(std::min<std::int64_t>(static_cast<std::int64_t>(h.size()), 4)))];
  return h.back();
}

// ------------------------------------------------------------------ commits and reads

void world::commit(int n, int s, const r::committed& c) {
  auto& x = at(n, s);
  say("n{} s{} commits {} batch {}", n, s, text(c.at), c.batch);
  truth_of(s).committed(static_cast<std::uint64_t>(n), c.epoch, x.disk, c.at, x.known);
  check_counted(n, s, c);
  check_present(s);
  apply(n, s, c.at.sequence);
  if (c.batch != 0) {
    ++result_.acknowledged;
    latencies_.push_back(now_ - batches_[c.batch].at);
    confirmed_[s] = std::max(confirmed_[s], batches_[c.batch].at);
    if (faults_over_ && batches_[c.batch].at > plan_.until)
      served_.insert(s);
    told(c.batch, true);
  }
}

void world::apply(int n, int s, sequence_t up_to) {
  auto& x = at(n, s);
  while (x.applied < up_to) {
    const auto* e = x.disk.find(sequence_t{x.applied.value + 1});
    if (e == nullptr)
      throw violation{"commit: a replica is told to apply what is not on its disk"};
    x.state = state_after(x.state, *e);
    x.applied = e->at.sequence;
    truth_of(s).applied(e->at, x.state);
  }
}

void world::told(std::uint64_t batch, bool known) {
  auto& fate = batches_[batch];
  if (std::exchange(fate.told, true))
    throw violation{"outcome: a batch was answered twice"};
  if (!known)
    ++result_.unknown;
}

void world::read_done(int n, int s, const r::strict_read_done& d) {
  const auto asked = reads_.extract(d.number);
  if (asked.empty() || !d.confirmed)
    return;
  ++result_.strict_reads;
  if (at(n, s).m->commit().value < asked.mapped().acknowledged)
    throw violation{fmt::format("stale read: n{} answers from {} and {} entries were acknowledged before it was asked", n,
                                at(n, s).m->commit().value, asked.mapped().acknowledged)};
}

// ------------------------------------------------------------------ checks

world::replica* world::replica_of(const member& m, int s) {
  const int n = static_cast<int>(m.node);
  return member_of(n) == m ? &at(n, s) : nullptr;
}

// Acknowledged implies present, at every moment, on every intact disk that the record names.
void world::check_present(int s) {
  for (const auto& m : etcd_of(s).now().record.in_sync)
    if (auto* x = replica_of(m, s); x != nullptr && x->intact && !truth_of(s).holds_all(x->disk, x->known))
      throw violation{fmt::format("durable: an acknowledged entry is not on the in-sync disk {}", text(m))};
}

// Whoever was counted holds it, or its disk forgot in a life that the leader has not heard of yet.
void world::check_counted(int n, int s, const r::committed& c) {
  const auto& history = etcd_of(s).history;
  const auto led = std::ranges::find(history, c.epoch, [](const versioned_record& v) { return v.record.epoch; });
  if (led == history.end() || led->record.in_sync.size() < sim_min_in_sync)
    throw violation{"floor: an answer while the set is below min_in_sync"};
  for (const auto& m : led->record.in_sync) {
    auto* x = replica_of(m, s);
    if (x == nullptr || truth_of(s).holds_all(x->disk, x->known) || x->known >= c.at.sequence.value)
      continue;
    const auto& there = node_of(static_cast<int>(m.node));
    const bool heard = there.up && at(n, s).heard[m.node].value >= there.boot;
    if (x->intact || heard)
      throw violation{fmt::format("counted: {} is committed and {} does not hold it", text(c.at), text(m))};
  }
}

// A registration that is missing deposes nobody while the record is as it was, and is not asked for again at once.
void world::check_led_on(int n, int s, const r::swap_record& w, bool led) {
  ++result_.unregistered;
  const bool as_it_was = etcd_of(s).now().revision == w.expected_revision;
  const bool leads = at(n, s).m->leading() || at(n, s).busy;  // what waited for a write is heard after it
  if (led && as_it_was && !leads)
    throw violation{fmt::format("deposed: n{} leads no more because {} is not registered", n, text(*w.registered))};
  if (!as_it_was || std::ranges::find(w.record.learners, *w.registered) != w.record.learners.end())
    return;  // another may try in the next epoch, and whoever orders it may order it again
  const auto rest = plan_.sky.silent_ticks * node_of(n).tick_every / 2;
  auto& [revision, last] = turned_away_[{s, *w.registered}];
  const bool again = std::exchange(revision, w.expected_revision) == w.expected_revision;
  if (now_ - std::exchange(last, now_) < rest && again)
    throw violation{fmt::format("hammered: {} is tried again at once although it is not registered", text(*w.registered))};
}

// Nothing is said before it is on disk, nor of what the leader that it is said to does not hold.
void world::check_said(int n, int s, const r::send& m) {
  const auto& disk = at(n, s).disk;
  const auto* ack = std::get_if<r::acknowledgement>(&m.what);
  if (std::holds_alternative<r::promise>(m.what) && disk.promised < m.head.epoch)
    throw violation{"said: a promise that is not on disk"};
  if (ack == nullptr)
    return;
  if (disk.promised > m.head.epoch)
    throw violation{fmt::format("said: an acknowledgement in epoch {} after {} was promised", m.head.epoch.value, disk.promised.value)};
  const auto* e = disk.find(ack->at.sequence);
  if (ack->at.sequence > disk.base.sequence && (e == nullptr || e->at != ack->at))
    throw violation{fmt::format("said: {} is acknowledged and not on disk", text(ack->at))};
  const auto* leader = node_of(static_cast<int>(m.head.to.node)).up ? at(static_cast<int>(m.head.to.node), s).m.get() : nullptr;
  if (leader == nullptr || leader->current_role() <= machine::role::taking_over || leader->promised() != m.head.epoch)
    return;
  if (ack->at.sequence <= leader->tail().sequence && !leader->log().holds(ack->at))
    throw violation{fmt::format("said: {} is acknowledged and its leader does not hold it", text(ack->at))};
}

// A disk that forgot is as good as another once a later epoch has reconciled it: until then a leader that was deposed without
// knowing it may count what the disk acknowledged and forgot.
void world::check_refilled(int n, int s) {
  auto& x = at(n, s);
  if (!x.intact && x.disk.tail().epoch > x.forgot_at && truth_of(s).holds_all(x.disk, x.known)) {
    x.intact = true;
    say("n{} s{} is refilled", n, s);
  }
}

}  // namespace janji::sim
