#include "actors/node.hpp"

#include <algorithm>
#include <caf/all.hpp>
#include <chrono>
#include <iterator>
#include <map>
#include <mutex>
#include <random>
#include <ranges>
#include <set>
#include <thread>
#include <utility>

#include "actors/archive.hpp"
#include "actors/front.hpp"
#include "actors/node_impl.hpp"
#include "actors/reports.hpp"
#include "actors/rounds.hpp"
#include "actors/shard.hpp"
#include "actors/ticker.hpp"
#include "schema/codec.hpp"

namespace janji::actors {

unix_ms system_clock_now() {
  using namespace std::chrono;
  return unix_ms{duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count()};
}

std::function<unix_ms()> steady_wall_clock() {
  using namespace std::chrono;
  const auto wall = duration_cast<milliseconds>(system_clock::now().time_since_epoch());
  const auto start = steady_clock::now();
  return [=] { return unix_ms{(wall + duration_cast<milliseconds>(steady_clock::now() - start)).count()}; };
}

namespace {

// At an orderly stop in a cluster: what is not handed over or committed by then is taken over, or found in the log.
constexpr std::chrono::seconds no_hand_over_max{2};  // since the last one
constexpr std::chrono::seconds flush_max{1};

caf::actor_system_config& configure(caf::actor_system_config& c, const node_options& o) {
  c.set("scheduler.policy", caf::atom("sharing"));
  c.set("scheduler.max-threads", static_cast<std::uint64_t>(o.actor_threads));
  c.set("scheduler.max-throughput", o.throughput_max);
  c.set("logger.console", caf::atom("none"));
  return c;
}

// The rounds as committed: the last snapshot of shard 0 and the events since.
std::expected<std::pair<catalogue_builder, sequence_t>, std::string> recover_rounds(const store::node_store& store, std::uint16_t shards) {
  std::pair<catalogue_builder, sequence_t> out{catalogue_builder{shards}, sequence_t{}};
  const auto snapshot = store.get_snapshot(shard_id{0}, schema::owner::of_rounds());
  if (!snapshot)
    return std::unexpected(snapshot.error().text());
  if (*snapshot) {
    auto history = schema::decode_batch((*snapshot)->bytes);
    if (!history)
      return std::unexpected(history.error().text);
    std::vector<round_event> known;
    for (const auto& e : *history)
      known.push_back(std::get<round_event>(e.event));
    out.second = (*snapshot)->applied;
    out.first.apply_snapshot(known, out.second);
  }
  auto events = read_events(store, shard_id{0}, out.second);
  if (!events)
    return std::unexpected(events.error());
  for (const auto& [who, e] : *events)
    if (who.kind == schema::owner_kind::rounds) {
      out.first.apply(std::get<round_event>(e.event), e.sequence);
      out.second = e.sequence;
    }
  return out;
}

}  // namespace

void node::impl::answered(std::vector<answer>&& answers) {
  if (failed)
    return;  // nothing is said after a failed write
  shared.hear(answers);
  if (others) {
    tell_what_orders_changed(answers);
    send_elsewhere(answers);
  }
  std::erase_if(answers, [&](const answer& a) { return shared.orders.answered(a); });
  if (answers.empty())
    return;
  in_flight -= static_cast<std::int64_t>(answers.size());
  std::shared_ptr<const std::function<void(std::vector<answer>&&)>> to;
  {
    const std::lock_guard lock{sink_mutex};
    to = sink;
  }
  if (to)
    (*to)(std::move(answers));
}

// What was asked at other nodes is answered there.
void node::impl::send_elsewhere(std::vector<answer>& answers) {
  std::map<std::uint64_t, std::vector<answer>> away;
  std::erase_if(answers, [&](answer& a) {
    const auto node = node_of(a.request);
    if (node == shared.node_id)
      return false;
    away[node].push_back(std::move(a));
    return true;
  });
  for (const auto& [node, list] : away)
    others->answer(node, list);
  shared.pending.answered(answers);
}

void node::impl::start_actors(catalogue_builder&& builder, sequence_t rounds_applied) {
  auto catalogue = builder.build();
  shared.catalogue.set(catalogue);
  shared.route.set_shard_of_group([this](group_id group) {
    const auto known = shared.catalogue.get();
    const auto it = known->groups.find(group.value);
    return it == known->groups.end() ? shard_id{limits::shards_max} : it->second.shard;
  });
  shared.archive = system->spawn<archive_actor, caf::detached>(std::ref(shared), std::ref(store), std::ref(records));
  shared.record_keeper = system->spawn<record_keeper_actor, caf::detached>(std::ref(records));
  // On a thread of its own: building pages must not hold up bookings.
  shared.availability = system->spawn<availability_actor, caf::detached>(std::ref(shared), std::ref(model));
  shared.rounds = system->spawn<rounds_actor>(std::ref(shared), std::move(builder), rounds_applied);
  for (std::uint16_t s = 0; s < shared.options.shard_count; ++s)
    shared.route.set_shard(shard_id{s}, system->spawn<shard_actor>(std::ref(shared), shard_id{s}));
  front = system->spawn<front_actor>(std::ref(shared));
  if (others) {
    shared.reports = system->spawn<reports_actor>(std::ref(shared));
    ticker = system->spawn<ticker_actor>(std::ref(shared));
  }
  caf::anon_send(shared.archive, watch_disk{});
  std::map<std::uint16_t, activate_groups> by_shard;
  for (const auto& [group, place] : catalogue->groups)
    by_shard[place.shard.value].groups.push_back(group_id{group});
  for (std::uint16_t s = 0; s < shared.options.shard_count; ++s) {
    caf::anon_send(shared.route.shard(shard_id{s}), start_shard{});
    if (const auto it = by_shard.find(s); it != by_shard.end())
      caf::anon_send(shared.route.shard(shard_id{s}), std::move(it->second));
  }
}

node::node(std::unique_ptr<impl> impl) : impl_(std::move(impl)) {}

std::expected<std::unique_ptr<node>, std::string> node::start(const node_options& options, store::node_store& store,
                                                              std::function<void(std::string)> fatal, const cluster_ports& ports) {
  const bool clustered = options.cluster.has_value();
  if (clustered && (ports.node == 0 || ports.node > request_node_mask || ports.records == nullptr || !ports.link))
    return std::unexpected(std::string("a node of a cluster has a number from 1 to 4095, a store of records, and links"));
  auto made = std::make_unique<impl>(options, store, std::move(fatal), ports);
  auto& m = *made;
  // In a cluster the rounds come from wherever shard 0 is led: what stands at this log's end may not be committed.
  auto rounds = clustered ? std::pair{catalogue_builder{options.shard_count}, sequence_t{}} : recover_rounds(store, options.shard_count);
  if (!rounds)
    return std::unexpected(rounds.error());
  m.shared.now = steady_wall_clock();
  m.shared.boot = store.boot();
  m.shared.node_id = clustered ? ports.node : store.node_id();
  m.shared.disk_id = store.disk_id();
  if (clustered)
    m.shared.feature_level = ports.feature_level;
  m.shared.answers = [&m](std::vector<answer>&& a) { m.answered(std::move(a)); };
  m.shared.each_second = [&m] { m.shared.orders.give_up(m.shared.now()); };
  m.shared.fatal = [&m](std::string why) { m.fail(std::move(why)); };
  m.log = std::make_unique<journal>(store, m.shared.disk, [&m](std::string why) { m.fail(std::move(why)); });
  m.shared.journal = m.log.get();
  m.system = std::make_unique<caf::actor_system>(configure(m.config, options));
  {
    m.shared.random = [generator = std::make_shared<std::mt19937_64>(std::random_device{}()), mutex = std::make_shared<std::mutex>()] {
      const std::lock_guard lock{*mutex};
      return (*generator)();
    };
  }
  m.start_actors(std::move(rounds->first), rounds->second);
  std::unique_ptr<node> started(new node(std::move(made)));  // from here on its destructor ends the actors
  if (clustered) {
    auto links = ports.link(*m.others);
    if (!links)
      return std::unexpected(links.error());
    m.links = std::move(*links);
    m.others->use(*m.links);
  }
  return started;
}

node::~node() {
  if (impl_ == nullptr)
    return;
  auto& m = *impl_;
  if (m.others)
    m.others->close();
  m.links.reset();
  m.log->stop();
  std::vector<caf::actor> all{m.front, m.shared.rounds, m.shared.availability, m.shared.archive, m.shared.record_keeper};
  if (m.others)
    all.insert(all.end(), {m.shared.reports, m.ticker});
  for (std::uint16_t s = 0; s < m.shared.options.shard_count; ++s)
    all.push_back(m.shared.route.shard(shard_id{s}));
  m.shared.route.for_each([&](const caf::actor& a) { all.push_back(a); });
  for (const auto& a : all)
    caf::anon_send_exit(a, caf::exit_reason::kill);
  all.clear();
  m.shared.route.clear();
  m.shared.record_keeper = nullptr;
  m.shared.archive = m.shared.availability = m.shared.rounds = m.shared.reports = m.ticker = m.front = nullptr;
  m.system.reset();
}

void node::submit(std::vector<citizen_command>&& turn) {
  impl_->in_flight += static_cast<std::int64_t>(turn.size());
  caf::anon_send(impl_->front, front_turn{std::move(turn)});
}

void node::set_answer_sink(std::function<void(std::vector<answer>&&)> sink) {
  const std::lock_guard lock{impl_->sink_mutex};
  impl_->sink = sink ? std::make_shared<const std::function<void(std::vector<answer>&&)>>(std::move(sink)) : nullptr;
}

std::shared_ptr<const std::vector<stamp>> node::heard(bool exact) const {
  constexpr std::int64_t own_every_ms = 5;
  const auto now = impl_->shared.now().value;
  auto before = impl_->own_heard_at.load();
  if (exact || (now - before >= own_every_ms && impl_->own_heard_at.compare_exchange_strong(before, now)))
    (void)impl_->shared.hear_own();
  return impl_->shared.heard.copy();
}
bool node::counts_changes() const { return impl_->shared.counts_changes(); }
bool node::leaders_judge() const { return impl_->shared.counts_refusals(); }
bool node::judges_past() const { return impl_->shared.judges_past(); }
unix_ms node::now() const { return impl_->shared.now(); }
bool node::storage_low(group_id group) const {
  if (!impl_->others)
    return impl_->shared.storage_low;
  const auto known = impl_->shared.catalogue.get();
  const auto it = known->groups.find(group.value);
  return it != known->groups.end() && impl_->shared.disks_low[it->second.shard.value];
}
node::low_shards node::shards_low() const {
  const auto& shared = impl_->shared;
  const std::size_t all = shared.options.shard_count;
  if (!impl_->others)
    return {shared.storage_low ? all : 0, all};
  return {static_cast<std::size_t>(std::ranges::count_if(shared.disks_low, [](const auto& low) { return low.load(); })), all};
}
std::shared_ptr<const round_catalogue> node::catalogue() const { return impl_->shared.catalogue.get(); }
std::shared_ptr<const std::vector<group_figures>> node::figures() const { return impl_->model.figures.get(); }

std::shared_ptr<const freshness> node::how_fresh() const { return impl_->model.fresh.get(); }
bool node::knows_rounds() const {
  constexpr std::int64_t lately_ms = 3'000;  // of pages, which are judged once a second
  if (!impl_->others)
    return true;
  const auto heard = how_fresh()->of_rounds;
  return heard && now().value - heard->value < lately_ms;
}

std::shared_ptr<const availability_page> node::availability(round_id round, std::uint8_t state) const {
  const auto pages = impl_->model.pages.get();
  const auto it = pages->find({round.value, state});
  if (it == pages->end())
    return nullptr;
  const auto now = impl_->shared.wall_clock();
  return it->second->after != nullptr && it->second->until <= now ? it->second->after : it->second;
}

sequence_t node::rounds_applied() const { return sequence_t{impl_->shared.rounds_applied}; }
void node::warn(std::string what) const { impl_->shared.warn(std::move(what)); }
void node::wait_for(std::string what) { impl_->shared.waits_for.set(std::make_shared<const std::string>(std::move(what))); }
std::string node::waits_for() const { return *impl_->shared.waits_for.get(); }
node_status node::status() const {
  node_status s;
  s.clustered = impl_->others != nullptr;
  for (const auto& shard : impl_->shared.shard_statuses)
    if (const auto known = shard.load())
      s.shards.push_back(*known);
  const auto disk = impl_->store.disk();
  s.storage_low = disk.low;
  s.directory_wrong = *impl_->shared.directory_wrong.get();
  if (s.directory_wrong.empty())
    s.directory_wrong = disk.unknown;
  s.disk_free_bytes = disk.free_bytes;
  s.disk_total_bytes = disk.total_bytes;
  s.clock_set_ms = impl_->shared.clock_set_ms();
  s.disk_waits = impl_->shared.disk.oldest();
  s.disk_write = impl_->shared.disk.usual_write();
  if (impl_->failed)
    s.failed = "a write failed; the node is going down";
  if (!impl_->shared.read_model_complete)
    impl_->count_unheard(s);
  return s;
}

void node::impl::count_unheard(node_status& s) const {
  std::set<std::uint32_t> heard;
  const auto figures = model.figures.get();
  for (const auto& f : *figures)
    heard.insert(f.group.value);
  const auto catalogue = shared.catalogue.get();
  s.rounds_unheard = s.clustered && catalogue->rounds.empty();
  for (const auto& [group, place] : catalogue->groups)
    if (!heard.contains(group)) {
      ++s.groups_unheard;
      s.shards_unheard.insert(place.shard.value);
    }
}

void node::record_changed(const cluster::shard_change& change) {
  if (change.shard.value < impl_->shared.options.shard_count)
    caf::anon_send(impl_->shared.route.shard(change.shard), actors::record_changed{change.record});
}

void node::placement_changed(cluster::placement_picture picture) {
  impl_->shared.placement.set(std::make_shared<const cluster::placement_picture>(std::move(picture)));
}

void node::feature_level_changed(std::uint32_t to) {
  auto& level = impl_->shared.feature_level;
  for (auto known = level.load(); known < to && !level.compare_exchange_weak(known, to);) {
  }
}

std::uint64_t node::first_request() const { return impl_->others ? first_request_of(impl_->shared.node_id, impl_->shared.boot) : 0; }

std::shared_ptr<const std::map<std::uint64_t, told_report>> node::reports() const { return impl_->shared.told_reports.get(); }

void node::count_refusal(std::string_view code) { impl_->shared.refusals_told.add(code); }

told_refusals node::refusals() const {
  const auto& s = impl_->shared;
  told_refusals out{{}, 1, 0, s.counted_since};
  const auto add = [&](const schema::refusal_counts& counts) {
    for (const auto& [code, times] : counts)
      out.by_code[code] += times;
  };
  add(s.refusals_told.copy());
  const auto reports = s.told_reports.get();
  const auto placement = s.placement.get();
  auto others = placement->nodes;  // one that was removed is missed by nobody
  if (others.empty())
    std::ranges::copy(*reports | std::views::keys, std::back_inserter(others));
  std::erase(others, s.node_id);
  for (const auto node : others) {
    const auto told = reports->find(node);
    if (told == reports->end() || s.now().value - told->second.at.value >= report_stale_ms ||
        told->second.report.counted_since == unix_ms{}) {
      ++out.unheard;
      continue;
    }
    const auto& report = told->second.report;
    add(report.refusals);
    ++out.nodes;
    out.since = std::max(out.since, report.counted_since);
  }
  return out;
}

// Of a cluster: whoever leads and serves has told this node of its tenure, so that what citizens ask from now on is stamped.
bool node::impl::heard_every_leader() const {
  if (!others || !shared.counts_refusals())
    return true;
  const auto heard = shared.heard.copy();
  const auto now = shared.now().value;
  const auto reports = shared.told_reports.get();
  for (const auto& [node, told] : *reports)
    for (const auto& s : told.report.shards)
      if (now - told.at.value < report_stale_ms && s.serving && s.shard.value < heard->size() &&
          (*heard)[s.shard.value].tenure == tenure_id{})
        return false;
  return true;
}

bool node::ready() const {
  const auto& s = impl_->shared;
  // In a cluster shards are led elsewhere too.
  const bool serving = impl_->others != nullptr || s.shards_serving == s.options.shard_count;
  return !impl_->failed && !s.stopping && serving && s.read_model_complete && impl_->heard_every_leader();
}

void node::stop(std::uint32_t limit_ms) {
  using namespace std::chrono;
  auto& m = *impl_;
  m.shared.stopping = true;
  const auto until = steady_clock::now() + milliseconds(limit_ms);
  const auto wait_for = [&](auto&& done) {
    while (!done() && !m.failed && steady_clock::now() < until)
      std::this_thread::sleep_for(milliseconds(2));
  };
  if (!m.others)  // in a cluster an answer may be lost between nodes; the front has waited for what it could
    wait_for([&] { return m.in_flight <= 0; });
  if (m.others) {
    m.shared.shards_handed_over = 0;
    m.others->tell_leaving();
    for (std::uint16_t s = 0; s < m.shared.options.shard_count; ++s)
      caf::anon_send(m.shared.route.shard(shard_id{s}), hand_over_all{});
    std::uint32_t before = 0;
    auto last = steady_clock::now();
    wait_for([&] {
      if (const std::uint32_t now = m.shared.shards_handed_over; now != before) {
        before = now;
        last = steady_clock::now();
      }
      return before >= m.shared.options.shard_count || steady_clock::now() > last + no_hand_over_max;
    });
  }
  m.shared.shards_flushed = 0;
  for (std::uint16_t s = 0; s < m.shared.options.shard_count; ++s)
    caf::anon_send(m.shared.route.shard(shard_id{s}), flush_all{});
  const auto to_flush = m.others ? std::min(until, steady_clock::now() + flush_max) : until;
  wait_for([&] { return m.shared.shards_flushed >= m.shared.options.shard_count || steady_clock::now() > to_flush; });
  if (!m.failed)
    (void)m.store.flush();
}

}  // namespace janji::actors
