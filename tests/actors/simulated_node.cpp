#include "tests/actors/simulated_node.hpp"

#include <rocksdb/env.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <utility>

#include "actors/archive.hpp"
#include "actors/front.hpp"
#include "actors/rounds.hpp"
#include "actors/shard.hpp"
#include "actors/ticker.hpp"
#include "booking/citizen_registry.hpp"
#include "cluster/placement.hpp"

namespace janji::sim {

namespace {

constexpr unsigned wipes_max = 8;  // every wipe leaves range tombstones, which make reading slower
constexpr std::size_t steps_max = 1'000'000;

template <class T>
T must(store::result<T>&& r) {
  if (!r)
    throw std::runtime_error(r.error().text());
  if constexpr (!std::is_void_v<T>)
    return std::move(*r);
}

}  // namespace

// ------------------------------------------------------------------ the disk

memory_store::memory_store() { open(); }
memory_store::~memory_store() { store_.reset(); }

void memory_store::open() {
  store_.reset();
  env_.reset(rocksdb::NewMemEnv(rocksdb::Env::Default()));
  store::store_options options;
  options.path = "/simulated/store";
  options.env = env_.get();
  store_ = must(store::node_store::open(options));
}

store::node_store& memory_store::wipe(std::uint16_t shard_count) {
  if (++wipes_ % wipes_max == 0) {
    open();
    return *store_;
  }
  std::vector<store::shard_write> cuts;
  std::vector<store::snapshot_row> none;
  for (std::uint16_t s = 0; s < shard_count; ++s) {
    cuts.push_back({shard_id{s}, epoch_t{0}, sequence_t{0}, {}});
    const auto rows = must(store_->list_snapshots(shard_id{s}));
    for (const auto& row : rows)
      none.push_back({shard_id{s}, row.who, sequence_t{0}, {}});
  }
  must(store_->put_snapshots(none));  // first: no log is cut below its snapshots
  must(store_->write(cuts));
  return *store_;
}

// ------------------------------------------------------------------ life

simulated_node::simulated_node(store::node_store& store, const actors::node_options& options, const planted_faults& faults, seat s)
    : store_(store), options_(options), faults_(faults), seat_(std::move(s)) {
  if (seat_.records == nullptr)
    seat_.records = &records_;
  clock_base_.value += seat_.clock_ahead_ms;
}

simulated_node::~simulated_node() { end_life(); }

void simulated_node::start() {
  life_ = std::make_unique<life>();
  life_->config.set("scheduler.policy", caf::atom("testing"));
  life_->config.set("logger.console", caf::atom("none"));
  life_->system = std::make_unique<caf::actor_system>(life_->config);
  while (scheduler().try_run_once()) {
  }
  life_->shared = std::make_unique<actors::node_context>(options_);
  auto& shared = *life_->shared;
  off_ = false;
  shared.faults = faults_;
  shared.boot = ++boots_;
  shared.node_id = seat_.node;
  shared.disk_id = seat_.disk;
  shared.peers = seat_.peers;
  shared.replica_faults = seat_.faults;
  shared.placement.set(std::make_shared<const cluster::placement_picture>(seat_.placement));
  if (seat_.random)
    shared.random = seat_.random;
  shared.warn = [this](std::string what) {
    if (!off_)
      on_warning(std::move(what));
  };
  shared.now = [this] { return now(); };
  shared.wall_clock = shared.now;
  shared.answers = [this](std::vector<answer>&& a) {
    if (!off_)
      life_->shared->hear(a);
    if (!off_)
      on_answers(std::move(a));
  };
  shared.fatal = [this](std::string why) {
    if (!off_)
      on_fatal(std::move(why));
  };
  shared.journal = &journal_;
  sequence_t applied;
  auto builder = seat_.peers == nullptr ? recover_rounds(applied) : actors::catalogue_builder(options_.shard_count);
  shared.catalogue.set(builder.build());
  shared.route.set_shard_of_group([&shared](group_id group) {
    const auto known = shared.catalogue.get();
    const auto it = known->groups.find(group.value);
    return it == known->groups.end() ? shard_id{limits::shards_max} : it->second.shard;
  });
  auto& system = *life_->system;
  shared.archive = system.spawn<actors::archive_actor>(std::ref(shared), std::ref(store_), std::ref(*seat_.records));
  shared.record_keeper = system.spawn<actors::record_keeper_actor>(std::ref(*seat_.records));
  shared.availability = system.spawn<actors::availability_actor>(std::ref(shared), std::ref(life_->model));
  shared.rounds = system.spawn<actors::rounds_actor>(std::ref(shared), std::move(builder), applied);
  for (std::uint16_t s = 0; s < options_.shard_count; ++s)
    shared.route.set_shard(shard_id{s}, system.spawn<actors::shard_actor>(std::ref(shared), shard_id{s}));
  life_->front = system.spawn<actors::front_actor>(std::ref(shared));
  if (shared.peers != nullptr)
    life_->ticker = system.spawn<actors::ticker_actor>(std::ref(shared));
  for (std::uint16_t s = 0; s < options_.shard_count; ++s)
    caf::anon_send(shared.route.shard(shard_id{s}), actors::start_shard{});
  const auto known = shared.catalogue.get();
  for (const auto& [group, place] : known->groups)
    caf::anon_send(shared.route.shard(place.shard), actors::activate_groups{{group_id{group}}});
  at_start_ = read_snapshots();
  images_.clear();
  snapshot_bytes_ = store_.statistics().snapshot_bytes;
}

// As node.cpp does it before its actors run.
actors::catalogue_builder simulated_node::recover_rounds(sequence_t& applied) {
  actors::catalogue_builder builder(options_.shard_count);
  const auto snapshot = must(store_.get_snapshot(shard_id{0}, schema::owner::of_rounds()));
  if (snapshot && !snapshot->bytes.empty()) {
    const auto history = schema::decode_batch(snapshot->bytes).value();
    applied = snapshot->applied;
    std::vector<round_event> known;
    for (const auto& e : history)
      known.push_back(std::get<round_event>(e.event));
    builder.apply_snapshot(known, applied);
  }
  const auto events = actors::read_events(store_, shard_id{0}, applied).value();
  for (const auto& [who, e] : events)
    if (who.kind == schema::owner_kind::rounds) {
      builder.apply(std::get<round_event>(e.event), e.sequence);
      applied = e.sequence;
    }
  return builder;
}

// Whoever still has mail or a timer is told to end, until nobody has: CAF waits for its last actor.
void simulated_node::end_life() {
  if (!life_)
    return;
  off_ = true;
  clock_base_ = now();
  auto& shared = *life_->shared;
  std::vector<caf::actor> known = owners();
  for (std::uint16_t s = 0; s < options_.shard_count; ++s)
    known.push_back(shared.route.shard(shard_id{s}));
  known.insert(known.end(), {life_->front, shared.rounds, shared.availability, shared.archive, shared.record_keeper});
  if (life_->ticker)
    known.push_back(life_->ticker);
  for (const auto& handle : known)
    kill(handle, true);
  known.clear();
  shared.route.clear();
  shared.record_keeper = nullptr;
  shared.archive = shared.availability = shared.rounds = life_->ticker = life_->front = nullptr;
  unsynced_.clear();
  unheard_.clear();
  auto& c = scheduler();
  do {
    for (std::size_t i = 0; i < c.jobs.size(); ++i)
      if (auto* left = dynamic_cast<caf::local_actor*>(c.jobs[i]))
        kill(caf::actor_cast<caf::actor>(left), true);
    while (c.try_run_once()) {
    }
    c.trigger_timeouts();
  } while (c.has_job());
  unsynced_.clear();
  unheard_.clear();
  life_.reset();
}

void simulated_node::power_cut(std::size_t reached, std::size_t snapshots_kept) {
  halt(reached, snapshots_kept);
  start();
}

void simulated_node::halt(std::size_t reached, std::size_t snapshots_kept) {
  std::vector<store::shard_write> kept;
  for (std::size_t i = 0; i < reached && i < unsynced_.size(); ++i)
    kept.push_back(std::move(unsynced_[i].write));
  end_life();
  if (!kept.empty()) {
    must(store_.write(kept));
    for (const auto& w : kept)
      on_synced(w);
  }
  if (snapshots_kept < images_.size())
    put_back(snapshots_kept == 0 ? at_start_ : images_[snapshots_kept - 1]);
}

void simulated_node::kill(const caf::actor& handle, bool at_once) {
  const auto mid = caf::make_message_id(at_once ? caf::message_priority::high : caf::message_priority::normal);
  handle->enqueue(nullptr, mid, caf::make_message(caf::exit_msg{handle->address(), caf::exit_reason::kill}), nullptr);
}

// ------------------------------------------------------------------ what happens next

caf::scheduler::test_coordinator& simulated_node::scheduler() const {
  return static_cast<caf::scheduler::test_coordinator&>(life_->system->scheduler());
}

std::size_t simulated_node::jobs() const { return scheduler().jobs.size(); }

std::string_view simulated_node::run(std::size_t n) {
  auto& c = scheduler();
  std::rotate(c.jobs.begin(), c.jobs.begin() + static_cast<std::ptrdiff_t>(n), c.jobs.begin() + static_cast<std::ptrdiff_t>(n) + 1);
  const auto* actor = dynamic_cast<const caf::local_actor*>(c.jobs.front());
  const std::string_view name = actor == nullptr ? "?" : actor->name();
  c.try_run_once();
  note_snapshots();
  return name;
}

bool simulated_node::run(const caf::actor& handle) {
  const auto* wanted = dynamic_cast<caf::resumable*>(caf::actor_cast<caf::abstract_actor*>(handle));
  const auto& jobs = scheduler().jobs;
  const auto found = std::ranges::find(jobs, wanted);
  if (found == jobs.end())
    return false;
  run(static_cast<std::size_t>(found - jobs.begin()));
  return true;
}

void simulated_node::run_all() {
  for (std::size_t i = 0; jobs() != 0; ++i) {
    if (i == steps_max)
      throw std::runtime_error("the actors never come to rest");
    run(0);
  }
}

void simulated_node::settle() {
  for (run_all(); !at_rest(); run_all()) {
    if (!unsynced_.empty())
      sync(unsynced_.size());
    while (!unheard_.empty())
      acknowledge();
  }
}

void simulated_node::advance(std::int64_t ms) {
  if (!life_) {
    clock_base_.value += ms;
    return;
  }
  scheduler().advance_time(std::chrono::milliseconds(ms));
}

unix_ms simulated_node::now() const {
  const auto passed = life_ ? scheduler().clock().now().time_since_epoch() : caf::actor_clock::duration_type{};
  return unix_ms{clock_base_.value + std::chrono::duration_cast<std::chrono::milliseconds>(passed).count()};
}

void simulated_node::sync(std::size_t n) {
  std::vector<store::shard_write> writes;
  for (std::size_t i = 0; i < n; ++i) {
    writes.push_back(std::move(unsynced_.front().write));
    unheard_.push_back(std::move(unsynced_.front()));
    unsynced_.pop_front();
  }
  must(store_.write(writes));
  for (const auto& w : writes)
    on_synced(w);
}

void simulated_node::acknowledge() {
  caf::anon_send(unheard_.front().reply_to, actors::persisted{unheard_.front().id});
  unheard_.pop_front();
}

void simulated_node::chosen_journal::submit(store::shard_write&& write, std::uint64_t id, const caf::actor& reply_to) {
  if (!node_.off_)
    node_.unsynced_.push_back({std::move(write), id, reply_to});
}

cluster::swap_outcome simulated_node::records::swap(shard_id shard, std::uint64_t expected_revision, const cluster::shard_record& record) {
  auto& known = records_[shard];
  if (known.revision != expected_revision)
    return {cluster::swap_result::lost, known};
  known = {expected_revision + 1, record};
  return {cluster::swap_result::won, known};
}

// ------------------------------------------------------------------ to the actors

void simulated_node::stamp_all(std::vector<actors::citizen_command>& turn) {
  auto& shared = *life_->shared;
  (void)shared.hear_own();
  const auto heard = shared.heard.copy();
  const auto known = shared.catalogue.get();
  for (auto& command : turn)
    std::visit(
        [&](auto& c) {
          if constexpr (requires { c.command; }) {
            if (const auto it = known->groups.find(c.group.value); it != known->groups.end())
              c.command.stamp = heard->at(it->second.shard.value);
          } else if constexpr (requires { c.stamp; }) {
            auto shard = c.ref.shard().value;
            if constexpr (requires { c.citizen; })  // staff name the citizen
              shard = c.citizen ? cluster::shard_of_citizen(*c.citizen, shared.options.shard_count).value : shard;
            c.stamp = shard < heard->size() ? heard->at(shard) : stamp{};
          }
        },
        command);
}

void simulated_node::submit(std::vector<actors::citizen_command>&& turn, bool stamped) {
  if (!stamped)
    stamp_all(turn);
  caf::anon_send(life_->front, actors::front_turn{std::move(turn)});
}
void simulated_node::order(group_id group, change_capacity&& c) {
  auto& shared = *life_->shared;
  (void)shared.hear_own();
  const auto known = shared.catalogue.get();
  if (const auto it = known->groups.find(group.value); it != known->groups.end())
    c.stamp = shared.heard.copy()->at(it->second.shard.value);
  life_->shared->route.send(group, group_input{std::move(c)});
}
void simulated_node::order(actors::import_order&& o) { caf::anon_send(life_->shared->rounds, std::move(o)); }
void simulated_node::order(actors::state_order&& o) { caf::anon_send(life_->shared->rounds, std::move(o)); }

std::vector<caf::actor> simulated_node::owners() const {
  std::vector<caf::actor> all;
  life_->shared->route.for_each([&](const caf::actor& a) { all.push_back(a); });
  return all;
}

// ------------------------------------------------------------------ snapshots and recovery

simulated_node::snapshot_image simulated_node::read_snapshots() const {
  snapshot_image image;
  for (std::uint16_t s = 0; s < options_.shard_count; ++s) {
    const auto rows = must(store_.list_snapshots(shard_id{s}));
    for (const auto& row : rows)
      if (auto full = must(store_.get_snapshot(shard_id{s}, row.who)))
        image.push_back(std::move(*full));
  }
  return image;
}

// Rows that were not there then become empty, which is the same to whoever reads them.
void simulated_node::put_back(const snapshot_image& image) {
  auto rows = image;
  const auto present = read_snapshots();
  for (const auto& now : present)
    if (std::ranges::none_of(image, [&](const auto& r) { return r.shard == now.shard && r.who == now.who; }))
      rows.push_back({now.shard, now.who, sequence_t{0}, {}});
  must(store_.put_snapshots(rows));
}

void simulated_node::note_snapshots() {
  if (const auto bytes = store_.statistics().snapshot_bytes; bytes != snapshot_bytes_) {
    snapshot_bytes_ = bytes;
    images_.push_back(read_snapshots());
  }
}

namespace {

template <class Event, class Machine>
std::uint64_t counted(Machine machine, const std::vector<std::pair<schema::owner, actors::recovered_owner::tail_event>>& events,
                      const schema::owner& who, sequence_t after) {
  for (const auto& [owner, e] : events) {
    if (owner != who || e.sequence <= after)
      continue;
    if constexpr (std::is_same_v<Machine, slot_group>)
      machine.apply(std::get<Event>(e.event), e.sequence, e.first_record);
    else
      machine.apply(std::get<Event>(e.event), e.sequence);
  }
  return machine.state_hash();
}

}  // namespace

std::string simulated_node::recovery_fault() {
  const auto catalogue = context().catalogue.get();
  for (std::uint16_t s = 0; s < options_.shard_count; ++s) {
    const shard_id shard{s};
    const auto events = actors::read_events(store_, shard, sequence_t{0}).value();
    const auto checkpoint = must(store_.get_snapshot(shard, schema::owner::of_checkpoint()));
    const auto from = checkpoint ? checkpoint->applied : sequence_t{0};
    const auto snapshot_of = [&](const schema::owner& who) {
      auto row = must(store_.get_snapshot(shard, who));
      return row ? std::move(row->bytes) : std::string();
    };
    const auto registry = schema::owner::of_registry();
    const auto fresh = [&] { return citizen_registry(shard, {}); };
    if (auto bytes = snapshot_of(registry);
        counted<registry_event>(fresh(), events, registry, {}) !=
        counted<registry_event>(bytes.empty() ? fresh() : citizen_registry::restore(bytes, shard, {}).value(), events, registry, from))
      return "a restart would not find all claims of shard " + std::to_string(s);
    for (const auto& [number, place] : catalogue->groups) {
      if (place.shard != shard)
        continue;
      const group_id group{number};
      const auto& windows = catalogue->find(place.round)->definition.groups[place.index].windows;
      const auto empty = [&] { return slot_group(group, shard, options_.shard_count, windows, {}); };
      const auto who = schema::owner::of(group);
      if (auto bytes = snapshot_of(who);
          counted<group_event>(empty(), events, who, {}) !=
          counted<group_event>(bytes.empty() ? empty() : slot_group::restore(bytes, group, shard, options_.shard_count, {}).value(), events,
                               who, from))
        return "a restart would not find all bookings of slot group " + std::to_string(number);
    }
  }
  return {};
}

}  // namespace janji::sim
