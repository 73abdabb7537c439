#include "tests/actors/actor_walk.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <random>

#include "booking/assert.hpp"
#include "cluster/audit.hpp"
#include "tests/actors/citizens.hpp"
#include "tests/actors/ledger.hpp"
#include "tests/actors/seeded_walk.hpp"

namespace janji::sim {

namespace {

constexpr std::uint64_t operator_bit = std::uint64_t{1} << 62;
constexpr std::int64_t settle_ms_max = 60'000;
constexpr std::int64_t settle_step_ms = 250;
constexpr std::int64_t calm_deadline_ms = 10'000;

class world final : public seeded_walk<actor_walk_result> {
public:
  world(memory_store& disk, std::uint64_t seed, const planted_faults& faults, bool trace);
  ~world() override { trace_ = false; }
  actor_walk_result run(int steps);

private:
  [[nodiscard]] std::int64_t clock_ms() const override { return node_.now().value % 100'000'000; }
  static actors::node_options options(std::mt19937_64& random);
  void import();
  void heard(std::vector<answer>&& answers);
  void tick();
  void rested() {
    ledger_.all_seen();
    citizens_.all_at_rest();
  }

  // ---- what may happen
  void step();
  void run_one();
  void sync();
  void acknowledge();
  void ask();
  void order();
  void kill_one();
  void power_cut();

  // ---- afterwards
  bool come_to_rest();
  void settle();
  void finish();
  void ask_again();
  void fill_up();
  void check_recovery();
  void check_committed();
  void check_read_model();
  void restart();
  void flush();
  void open_again();

  actors::node_options options_;
  simulated_node node_;
  ledger ledger_;
  citizens citizens_;
  std::int64_t deadline_ms_;
  bool kills_, cuts_;
  std::vector<group_id> groups_;
  std::uint64_t orders_ = 0, orders_told_ = 0;
  bool orders_may_be_lost_ = false;
  round_state state_told_ = round_state::imported;
  int state_orders_ = 0;       // under way
  bool state_unsure_ = false;  // one was under way when the power went
};

actors::node_options world::options(std::mt19937_64& random) {
  const auto one_of = [&](auto... v) {
    const std::uint32_t all[] = {static_cast<std::uint32_t>(v)...};
    return all[random() % sizeof...(v)];
  };
  actors::node_options o;
  o.shard_count = static_cast<std::uint16_t>(one_of(1, 2, 3));
  o.passivate_after_ms = one_of(0, 60, 200, 700);
  o.sweep_every_ms = one_of(50, 200, 1000);
  o.publish_every_ms = 3'000;
  o.snapshot_every_events = one_of(2, 5, 12, 40);
  return o;
}

world::world(memory_store& disk, std::uint64_t seed, const planted_faults& faults, bool trace)
    : seeded_walk(seed, trace),
      options_(options(random_)),
      node_(disk.wipe(options_.shard_count), options_, faults),
      citizens_(random_, ledger_, options_.shard_count, 3 + below(3)),
      deadline_ms_(100 + 200 * below(6)),
      kills_(chance(60)),
      cuts_(chance(50)) {
  ledger_.breach = citizens_.breach = [this](std::string what) { fail(std::move(what)); };
  ledger_.mix = [this](std::uint64_t v) { mix(v); };
  ledger_.wanted = [this](const booked& b) { return citizens_.wanted(b); };
  citizens_.told_free = [this](reference ref) { ledger_.told_free(ref); };
  if (trace_)
    ledger_.say = citizens_.say = [this](const std::string& text) { say(text); };
  node_.on_answers = [this](std::vector<answer>&& a) { heard(std::move(a)); };
  node_.on_fatal = [this](const std::string& why) { fail("fatal: " + why); };
  node_.on_synced = [this](const store::shard_write& w) { ledger_.on_disk(w); };
}

void world::import() {
  node_.start();
  node_.settle();
  round_definition d;
  d.rules.changes_max = limits::changes_max_most;  // its citizens never rest
  d.code = "R" + std::to_string(below(1000));
  d.name = "a round";
  d.time_zone = "Asia/Kuala_Lumpur";
  d.closes_at = unix_ms{4'000'000'000'000};
  d.centres = {{"A", "centre A", "Selangor", "Petaling", 3, 101}, {"B", "centre B", "Johor", "Muar", 2, 102}};
  for (int g = 0; g < 3; ++g) {
    group_definition group;
    group.centre = static_cast<std::uint16_t>(g / 2);
    group.date = std::chrono::year{2027} / 1 / (1 + g);
    for (int w = 0, n = 1 + below(2); w < n; ++w)
      group.windows.push_back({static_cast<std::uint16_t>(540 + 60 * w), static_cast<std::uint16_t>(600 + 60 * w),
                               1U + static_cast<unsigned>(below(3)), never_over});
    d.groups.push_back(std::move(group));
  }
  node_.order(actors::import_order{std::move(d), "op", [this](const auto& done) {
                                     if (!done)
                                       fail("the round cannot be imported: " + done.error());
                                   }});
  node_.settle();
  bool opened = false;
  node_.order(actors::state_order{round_id{1}, round_state::open, {}, "op", [&opened](const auto& done) { opened = done == "open"; }});
  node_.settle();
  if (!opened)
    fail("the round cannot be opened in every shard");
  const auto catalogue = node_.context().catalogue.get();
  for (const auto& [group, place] : catalogue->groups)
    groups_.push_back(group_id{group});
  citizens_.know(groups_);
}

void world::heard(std::vector<answer>&& answers) {
  for (const auto& a : answers) {
    mix(a.request.value * 32 + static_cast<std::uint64_t>(a.what));
    if ((a.request.value & operator_bit) == 0)
      citizens_.heard(a);
    else if (++orders_told_; a.what != outcome::found && a.what != outcome::interrupted && a.what != outcome::in_progress)
      fail("an operator's order was refused");
  }
}

void world::tick() {
  ++result_.steps;
  ledger_.at(result_.steps);
  citizens_.at(result_.steps, node_.now());
}

// ------------------------------------------------------------------ what may happen

void world::run_one() {
  const auto n = static_cast<std::size_t>(below(node_.jobs()));
  mix(n * 64 + node_.jobs());
  const auto name = node_.run(n);
  if (trace_)
    say(fmt::format("  {} runs", name));
}
void world::sync() {
  const auto n = 1 + static_cast<std::size_t>(below(node_.unsynced()));
  mix(n);
  node_.sync(n);
}
void world::acknowledge() { node_.acknowledge(); }

void world::ask() {
  std::vector<actors::citizen_command> turn;
  for (int n = 1 + below(3); n > 0; --n)
    turn.push_back(citizens_.act(deadline_ms_));
  node_.submit(std::move(turn));
}

void world::order() {
  if (chance(70)) {
    const auto group = groups_[static_cast<std::size_t>(below(groups_.size()))];
    const window_index window{static_cast<std::uint8_t>(below(ledger_.windows(group)))};
    const auto capacity = static_cast<std::uint32_t>(below(4));
    say(fmt::format("order: group {} window {} gets capacity {}", group.value, window.value, capacity));
    node_.order(group, change_capacity{request_id{operator_bit | ++orders_}, window, capacity, "op", ""});
    return;
  }
  const auto to = chance(50) ? round_state::open : round_state::paused;
  const auto round = node_.context().catalogue.get()->rounds.front()->definition.id;
  ++state_orders_;
  node_.order(actors::state_order{round, to, "", "op", [this, to](const auto& done) {
                                    --state_orders_;
                                    if (!done)
                                      return;
                                    state_told_ = to;
                                    // Unless the next one has been committed meanwhile: it is told of after this.
                                    if (state_orders_ == 0 && node_.context().catalogue.get()->rounds.front()->status.state != to)
                                      fail("an operator was told of a change that nobody sees");
                                  }});
}

void world::kill_one() {
  const auto all = node_.owners();
  if (all.empty())
    return;
  const auto& handle = all[static_cast<std::size_t>(below(all.size()))];
  const bool at_once = chance(50);
  say("an actor is killed");
  ++result_.kills;
  node_.kill(handle, at_once);
  if (chance(20))
    check_recovery();
  orders_may_be_lost_ = true;
}

void world::power_cut() {
  const auto reached = static_cast<std::size_t>(below(node_.unsynced() + 1));
  const auto kept = chance(50) ? node_.snapshots_written() : static_cast<std::size_t>(below(node_.snapshots_written() + 1));
  say(fmt::format("the power goes: {} of {} writes reached the disk, {} of {} snapshots", reached, node_.unsynced(), kept,
                  node_.snapshots_written()));
  ++result_.power_cuts;
  citizens_.some_may_be_lost();
  orders_may_be_lost_ = true;
  state_unsure_ = state_unsure_ || state_orders_ != 0;
  state_orders_ = 0;
  check_recovery();
  node_.power_cut(reached, kept);
  mix(reached * 64 + kept);
}

void world::step() {
  tick();
  if (node_.at_rest())
    rested();
  const int w = below(1000);
  mix(static_cast<std::uint64_t>(w));
  if (w < 640) {
    if (node_.jobs() != 0)
      run_one();
    else
      node_.advance(below(40));
  } else if (w < 740) {
    if (node_.unsynced() != 0)
      sync();
  } else if (w < 840) {
    if (node_.unheard() != 0)
      acknowledge();
  } else if (w < 900) {
    node_.advance(below(25));
  } else if (w < 985) {
    ask();
  } else if (w < 990) {
    order();
  } else if (w < 996) {
    if (kills_)
      kill_one();
  } else if (w < 998) {
    if (cuts_)
      power_cut();
  }
}

// ------------------------------------------------------------------ afterwards

bool world::come_to_rest() {
  for (int i = 0; !node_.at_rest() && !failed(); ++i) {
    tick();
    if (i > 100'000) {
      fail("the actors never come to rest");
      return false;
    }
    const int what = below(8);
    if (node_.unsynced() != 0 && (what == 0 || node_.jobs() == 0))
      sync();
    else if (node_.unheard() != 0 && (what == 1 || node_.jobs() == 0))
      acknowledge();
    else if (node_.jobs() != 0)
      run_one();
  }
  rested();
  return !failed();
}

// Without further faults everything comes to an end by itself: sweepers settle claims, deadlines pass.
void world::settle() {
  const auto until = node_.now().value + settle_ms_max;
  const auto at_least = node_.now().value + deadline_ms_ + settle_step_ms;
  while (come_to_rest()) {
    if (node_.now().value > at_least && ledger_.unsettled() == 0)
      return;
    if (node_.now().value > until)
      return fail(fmt::format("{} claims never settle", ledger_.unsettled()));
    node_.advance(settle_step_ms);
  }
}

void world::check_recovery() {
  if (const auto fault = node_.recovery_fault(); !fault.empty())
    fail(fault);
}

void world::check_committed() {
  ledger_.check_at_rest();
  check_recovery();
  cluster::audit audit(options_.shard_count);
  const auto report = audit.run(node_.disk());
  if (!report)
    return fail("audit: " + report.error());
  if (!report->clean())
    return fail("audit: " + report->breaches.front());
  const auto live = std::ranges::count_if(ledger_.places(), [](const auto& p) { return p.second.live(); });
  if (report->live != static_cast<std::uint64_t>(live) || report->unsettled != 0)
    fail(fmt::format("audit: {} live bookings and {} unsettled claims, there are {} and none", report->live, report->unsettled, live));
}

// What a citizen asks when all is quiet has an answer that is neither unknown nor later.
void world::ask_again() {
  for (std::size_t n = 0, all = citizens_.bookings(); n < all && !failed(); ++n) {
    const bool sure = citizens_.was_confirmed(n) && !citizens_.was_reused(n);
    std::vector<actors::citizen_command> turn;
    turn.push_back(citizens_.try_again(n, calm_deadline_ms));
    const auto request = citizens_.last_request();
    node_.submit(std::move(turn));
    if (!come_to_rest())
      return;
    const auto told = citizens_.told(request);
    const bool definite = told == outcome::confirmed ||
                          (!sure && (told == outcome::full || told == outcome::not_enough_together || told == outcome::window_closed ||
                                     told == outcome::already_booked)) ||
                          (citizens_.was_reused(n) && told == outcome::key_reused);
    if (!definite)
      fail(fmt::format("I4, I5: a key asked again when all is quiet has the outcome {}{}", told ? static_cast<int>(*told) : -1,
                       sure ? ", and it was confirmed" : ""));
  }
}

// Every place that is free can be booked: what was cancelled, moved, declined or left behind by a crash has come back.
void world::fill_up() {
  for (const auto group : groups_)
    for (std::uint8_t w = 0; w < ledger_.windows(group); ++w) {
      const window_index window{w};
      const auto live = ledger_.live(group, window);
      const auto free = std::max(ledger_.capacity(group, window), live) - live;
      std::vector<actors::citizen_command> turn;
      for (std::uint32_t i = 0; i <= free; ++i)
        turn.push_back(citizens_.newcomer(group, window, calm_deadline_ms));
      const auto last = citizens_.last_request().value;
      node_.submit(std::move(turn));
      if (!come_to_rest())
        return;
      std::uint32_t confirmed = 0, full = 0;
      for (auto request = last - free; request <= last; ++request) {
        const auto told = citizens_.told(request_id{request});
        confirmed += told == outcome::confirmed ? 1 : 0;
        full += told == (ledger_.capacity(group, window) == 0 ? outcome::window_closed : outcome::full) ? 1 : 0;
      }
      if (confirmed != free || full != 1)
        fail(fmt::format("I6: window {} of group {} has {} free places, {} were given and {} were told full", w, group.value, free,
                         confirmed, full));
    }
}

void world::check_read_model() {
  node_.advance(2 * static_cast<std::int64_t>(options_.publish_every_ms));
  if (!come_to_rest())
    return;
  node_.advance(options_.publish_every_ms);
  if (!come_to_rest())
    return;
  const auto known = node_.model().figures.get();
  for (const auto& figures : *known)
    for (std::uint8_t w = 0; w < figures.windows.size(); ++w)
      if (const auto& c = figures.windows[w];
          c.booked != ledger_.live(figures.group, window_index{w}) || c.capacity != ledger_.capacity(figures.group, window_index{w}))
        fail(fmt::format("the read model says {} of {} for window {} of group {}, there are {} of {}", c.booked, c.capacity, w,
                         figures.group.value, ledger_.live(figures.group, window_index{w}),
                         ledger_.capacity(figures.group, window_index{w})));
}

void world::flush() {
  auto& shared = node_.context();
  shared.shards_flushed = 0;
  for (std::uint16_t s = 0; s < options_.shard_count; ++s)
    caf::anon_send(shared.route.shard(shard_id{s}), actors::flush_all{});
  if (come_to_rest() && shared.shards_flushed != options_.shard_count)
    fail(fmt::format("{} of {} shards have flushed", shared.shards_flushed.load(), options_.shard_count));
}

void world::restart() {
  if (chance(50))
    flush();
  if (failed())
    return;
  power_cut();
  come_to_rest();
  const auto state = node_.context().catalogue.get()->rounds.front()->status.state;
  if (!state_unsure_ && state != state_told_ && state_told_ != round_state::imported)
    fail("an operator's change of the round is gone");
}

void world::open_again() {
  bool opened = false;
  node_.order(actors::state_order{round_id{1}, round_state::open, {}, "op", [&opened](const auto& done) { opened = done == "open"; }});
  if (come_to_rest() && !opened)
    fail("the round cannot be opened in every shard when all is quiet");
}

void world::finish() {
  settle();
  if (failed())
    return;
  if (!kills_)
    citizens_.check_all_answered();
  if (!orders_may_be_lost_ && orders_told_ != orders_)
    fail("an operator's order has no answer");
  check_committed();
  if (failed())
    return;
  citizens_.some_may_be_lost();
  restart();
  if (!failed())
    open_again();
  if (!failed())
    ask_again();
  if (!failed())
    fill_up();
  if (!failed())
    settle();
  if (failed())
    return;
  citizens_.check_all_answered();
  check_committed();
  check_read_model();
}

actor_walk_result world::run(int steps) {
  try {
    import();
    for (int i = 0; i < steps && !failed(); ++i)
      step();
    if (!failed())
      finish();
  } catch (const assertion&) {
    fail("an assertion outside of an actor");
  } catch (const std::exception& e) {
    fail(e.what());
  }
  const auto& c = citizens_.figures();
  result_.asked = c.asked;
  result_.confirmed = c.confirmed;
  result_.refused = c.refused;
  result_.unknown = c.unknown;
  result_.later = c.later;
  result_.moved = ledger_.figures().moved;
  result_.cancelled = ledger_.figures().cancelled;
  result_.declined = ledger_.figures().declined;
  return result_;
}

}  // namespace

actor_walk_result& actor_walk_result::operator+=(const actor_walk_result& o) {
  steps += o.steps;
  asked += o.asked;
  confirmed += o.confirmed;
  refused += o.refused;
  unknown += o.unknown;
  later += o.later;
  moved += o.moved;
  cancelled += o.cancelled;
  declined += o.declined;
  kills += o.kills;
  power_cuts += o.power_cuts;
  return *this;
}

actor_walk_result walk_actors(memory_store& disk, std::uint64_t seed, int steps, const planted_faults& faults, bool trace) {
  auto w = std::make_unique<world>(disk, seed, faults, trace);
  return w->run(steps);
}

}  // namespace janji::sim
