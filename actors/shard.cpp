#include "actors/shard.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "actors/citizen_registry_actor.hpp"
#include "actors/slot_group_actor.hpp"
#include "booking/assert.hpp"

namespace janji::actors {

namespace {
constexpr std::size_t batch_events_max = 4096;   // of one log entry
constexpr std::size_t owner_queue_max = 20'000;  // mail for an actor that is being activated
constexpr std::uint8_t min_in_sync_alone = 1;

// Past the bound a command is refused; what slot groups and registries send each other comes again by itself.
template <class Mail>
void refuse(node_context& shared, const Mail& mail) {
  std::vector<answer> said;
  for (const auto& input : mail.inputs)
    std::visit(
        [&](const auto& command) {
          if constexpr (requires { command.request; }) {
            said.emplace_back().request = command.request;
            said.back().what = outcome::busy;
          }
        },
        input);
  if (!said.empty())
    shared.answers(std::move(said));
}
}  // namespace

shard_actor::shard_actor(caf::actor_config& config, node_context& shared, shard_id shard)
    : caf::event_based_actor(config), shared_(shared), shard_(shard), machine_({shared.node_id, shared.disk_id}, min_in_sync_alone) {}

caf::behavior shard_actor::make_behavior() {
  set_down_handler([this](caf::down_msg& down) { owner_down(down); });
  return {
      [this](append_mail& mail) {
        auto& o = owner_of(mail.who);
        if (o.incarnation != mail.incarnation && mail.who.kind != schema::owner_kind::rounds)
          return;
        for (auto& item : mail.items) {
          queue_.push_back({mail.who, mail.incarnation, item.token, std::move(item.event)});
          ++o.pending;
        }
        pump();
      },
      [this](persisted p) {
        step(replication::persisted{p.id});
        pump();
      },
      [this](group_mail_for& m) { deliver(m.group, std::move(m.mail)); },
      [this](registry_mail& m) {
        auto& o = owner_of(schema::owner::of_registry());
        if (o.state == life::active)
          caf::anon_send(o.handle, std::move(m));
        else if (o.registry_queue.size() < owner_queue_max)
          o.registry_queue.push_back(std::move(m));
        else
          refuse(shared_, m);
        if (o.state == life::absent && serving_)
          activate(schema::owner::of_registry());
      },
      [this](strict_round_mail& m) { strict_round(m); },
      [this](start_shard) { caf::anon_send(shared_.archive, load_tail{shard_, caf::actor_cast<caf::actor>(this)}); },
      [this](tail_loaded& found) { start(found); },
      [this](swap_done& s) { step(replication::swap_answered{s.outcome.result, std::move(s.outcome.record)}); },
      [this](loaded& l) { owner_loaded(l); },
      [this](activate_groups& a) {
        for (const auto group : a.groups)
          deliver(group, {});
      },
      [this](wants_to_retire& w) { begin_retire(w); },
      [this](retired& r) { end_retire(r); },
      [this](snapshot_taken& s) { take_snapshot(s); },
      [this](checkpoint_written& w) {
        last_checkpoint_ = std::max(last_checkpoint_, w.at);
        if (flushing_)
          flushed();
      },
      [this](flush_all) {
        flushing_ = true;
        checkpoint_when_due();
      },
      [this](sweep) {
        tell_status();
        delayed_send(this, std::chrono::seconds(1), sweep{});
      },
  };
}

// ------------------------------------------------------------------ the log

void shard_actor::start(tail_loaded& found) {
  if (!found.error.empty())
    return shared_.fatal(found.error);
  last_checkpoint_ = found.checkpoint;
  for (auto& [who, event] : found.events) {
    auto& o = owner_of(who);
    o.last_event = event.sequence;
    o.tail.push_back(std::move(event));
    ++events_since_checkpoint_;
  }
  step(replication::started{found.tail.promised, {found.tail.last_epoch, found.tail.last_sequence}, std::move(found.record)});
}

void shard_actor::step(replication::input&& in) {
  machine_.step(std::move(in), out_);
  auto outputs = std::exchange(out_, {});
  for (auto& o : outputs)
    carry_out(std::move(o));
}

void shard_actor::carry_out(replication::output&& o) {
  if (auto* p = std::get_if<replication::persist>(&o)) {
    assert_always(!p->install, "a replica without peers is sent no snapshot");
    store::shard_write write{shard_, p->promise, p->cut_after, {}};
    for (auto& e : p->entries)
      write.append.push_back({e.at.epoch, e.at.sequence, std::move(e.payload)});
    shared_.journal->submit(std::move(write), p->number, caf::actor_cast<caf::actor>(this));
  } else if (auto* s = std::get_if<replication::swap_record>(&o)) {
    caf::anon_send(shared_.archive, do_swap{shard_, s->expected_revision, std::move(s->record), caf::actor_cast<caf::actor>(this)});
  } else if (std::holds_alternative<replication::serving>(o)) {
    served();
  } else if (auto* c = std::get_if<replication::committed>(&o)) {
    commit(*c);
  } else if (auto* d = std::get_if<replication::stepped_down>(&o)) {
    shared_.set_strict_rounds_free(shard_, false);
    shared_.fatal("shard " + std::to_string(shard_.value) + " stopped leading: " + d->why);
  }
}

// What can make an entry larger than whoever reads it takes.
static std::size_t sealed_bytes(const schema::any_event& event) {
  const auto* group = std::get_if<group_event>(&event);
  const auto* b = group != nullptr ? std::get_if<booked>(group) : nullptr;
  std::size_t bytes = 0;
  if (b != nullptr)
    for (const auto& p : b->people)
      bytes += p.sealed.size();
  return bytes;
}

// Whatever gathered while the last entry was on its way to disk goes as one, up to a bound.
void shard_actor::pump() {
  if (queue_.empty() || !machine_.can_append())
    return;
  assert_always(in_flight_.empty(), "one entry in flight a shard");
  std::vector<schema::owned_event> events;
  std::size_t bytes = 0;
  while (!queue_.empty() && events.size() < batch_events_max && bytes < schema::entry_bytes_max / 2) {
    auto& q = queue_.front();
    bytes += sealed_bytes(q.event);
    in_flight_.push_back({q.who, q.incarnation, q.token, schema::count_records(q.event)});
    events.push_back({q.who, std::move(q.event)});
    queue_.pop_front();
  }
  step(replication::append{++next_batch_, schema::encode_batch(events)});
}

void shard_actor::commit(const replication::committed& c) {
  auto items = std::exchange(in_flight_, {});
  std::uint16_t record = 0;
  std::vector<std::pair<schema::owner, std::vector<appended>>> by_owner;
  for (const auto& item : items) {
    auto& o = owner_of(item.who);
    --o.pending;
    o.last_event = c.at.sequence;
    ++events_since_checkpoint_;
    if (item.who.kind == schema::owner_kind::rounds) {
      caf::anon_send(shared_.rounds, round_committed{item.token, c.at.sequence, true});
    } else if (o.state != life::absent && o.incarnation == item.incarnation) {
      auto it = std::ranges::find(by_owner, item.who, &std::pair<schema::owner, std::vector<appended>>::first);
      if (it == by_owner.end())
        it = by_owner.insert(by_owner.end(), {item.who, {}});
      it->second.push_back({item.token, c.at.sequence, record});
    }
    record = static_cast<std::uint16_t>(record + item.records);
    // Who failed with this on its way was waiting for it, and so is who wrote to it since.
    if (o.state == life::absent && (o.failed || !o.group_queue.empty() || !o.registry_queue.empty()))
      activate(item.who);
  }
  for (auto& [who, list] : by_owner) {
    const auto& handle = owner_of(who).handle;
    if (who.kind == schema::owner_kind::group) {
      group_mail mail;
      mail.inputs.assign(list.begin(), list.end());
      caf::anon_send(handle, std::move(mail));
    } else {
      registry_mail mail;
      mail.inputs.assign(list.begin(), list.end());
      caf::anon_send(handle, std::move(mail));
    }
  }
  checkpoint_when_due();
}

void shard_actor::served() {
  const bool again = std::exchange(serving_, true);
  shared_.set_strict_rounds_free(shard_, machine_.alone());
  activate(schema::owner::of_registry());
  std::vector<schema::owner> waiting;
  for (const auto& [who, o] : owners_)
    if (who.kind == schema::owner_kind::group && o.state == life::absent && (!o.tail.empty() || !o.group_queue.empty()))
      waiting.push_back(who);
  for (const auto& who : waiting)
    activate(who);
  tell_status();
  if (!again)
    delayed_send(this, std::chrono::seconds(1), sweep{});
}

void shard_actor::tell_status() {
  auto status = std::make_shared<shard_status>();
  status->shard = shard_;
  status->epoch = machine_.epoch();
  status->committed = machine_.commit();
  status->serving = serving_;
  for (const auto& [who, o] : owners_)
    status->groups_active += who.kind == schema::owner_kind::group && o.state == life::active ? 1 : 0;
  shared_.shard_statuses[shard_.value].store(std::move(status));
}

void shard_actor::strict_round(const strict_round_mail& m) {
  // The record names this replica alone, so nobody else can lead: the round is done as soon as it is asked for.
  assert_always(machine_.alone(), "links to other replicas come with the cluster");
  const auto& o = owner_of(m.who);
  if (!serving_ || o.incarnation != m.incarnation || o.state == life::absent)
    return;
  if (m.who.kind == schema::owner_kind::group)
    caf::anon_send(o.handle, group_mail{{strict_round_done{}}});
  else
    caf::anon_send(o.handle, registry_mail{{strict_round_done{}}});
}

// ------------------------------------------------------------------ owners

void shard_actor::deliver(group_id group, group_mail&& mail) {
  const auto who = schema::owner::of(group);
  auto& o = owner_of(who);
  if (o.state == life::active)
    return caf::anon_send(o.handle, std::move(mail));
  if (o.group_queue.size() < owner_queue_max)
    o.group_queue.push_back(std::move(mail));
  else
    refuse(shared_, mail);
  if (o.state == life::absent && serving_)
    activate(who);
}

// Only when no append of it is pending: else a new incarnation would sell the last place again while the first sale is on
// its way to disk.
void shard_actor::activate(const schema::owner& who) {
  auto& o = owner_of(who);
  if (o.state != life::absent || o.pending != 0)
    return;
  o.state = life::loading;
  caf::anon_send(shared_.archive, load_owner{shard_, who, std::exchange(o.failed, false), caf::actor_cast<caf::actor>(this)});
}

void shard_actor::owner_loaded(loaded& l) {
  if (!l.error.empty())
    return shared_.fatal(l.error);
  auto& o = owner_of(l.owner.who);
  if (o.state != life::loading)
    return;
  for (auto& e : std::exchange(o.tail, {}))
    l.owner.tail.push_back(std::move(e));
  spawn_owner(o, std::move(l.owner));
  checkpoint_when_due();  // one may have been put off because of this owner
}

void shard_actor::spawn_owner(owner_state& o, recovered_owner&& recovered) {
  const auto who = recovered.who;
  o.incarnation = shared_.next_incarnation();
  o.state = life::active;
  if (who.kind == schema::owner_kind::group) {
    const auto catalogue = shared_.catalogue.get();
    const auto place = catalogue->groups.find(who.group.value);
    if (place == catalogue->groups.end()) {
      o = {};
      return;
    }
    const auto* round = catalogue->find(place->second.round);
    o.handle = system().spawn<slot_group_actor>(std::ref(shared_), shard_, who.group, round->definition.groups[place->second.index].windows,
                                                o.incarnation, std::move(recovered));
    shared_.route.open(who.group, o.handle);
    for (auto& mail : std::exchange(o.group_queue, {}))
      caf::anon_send(o.handle, std::move(mail));
  } else {
    o.handle = system().spawn<citizen_registry_actor>(std::ref(shared_), shard_, o.incarnation, std::move(recovered));
    shared_.route.open(shard_, o.handle);
    for (auto& mail : std::exchange(o.registry_queue, {}))
      caf::anon_send(o.handle, std::move(mail));
    ++shared_.shards_serving;
  }
  monitor(o.handle);
}

// An actor that ended without the handshake has failed: it is started again from committed state.
void shard_actor::owner_down(const caf::down_msg& down) {
  for (auto& [who, o] : owners_) {
    if (o.state != life::active && o.state != life::retiring)
      continue;
    if (o.handle.address() != down.source)
      continue;
    if (who.kind == schema::owner_kind::group)
      shared_.route.close(who.group);
    else
      shared_.route.close(shard_);
    if (who.kind == schema::owner_kind::registry)
      --shared_.shards_serving;
    o.handle = nullptr;
    o.state = life::absent;
    o.failed = true;
    std::erase_if(queue_, [&](const queued& q) {
      if (q.who != who)
        return false;
      --o.pending;
      return true;
    });
    if (awaited_.erase(who) != 0) {
      checkpoint_at_.reset();
      ++events_since_checkpoint_;  // there is something to write still
      awaited_.clear();
      rows_.clear();
    }
    activate(who);
    return;
  }
}

void shard_actor::begin_retire(const wants_to_retire& w) {
  auto& o = owner_of(schema::owner::of(w.group));
  if (o.state != life::active || o.incarnation != w.incarnation || o.pending != 0 || checkpoint_at_)
    return;
  o.state = life::retiring;
  shared_.route.close(w.group);
  caf::anon_send(o.handle, retire{});
}

void shard_actor::end_retire(retired& r) {
  const auto who = schema::owner::of(r.group);
  auto& o = owner_of(who);
  if (o.state != life::retiring || o.incarnation != r.incarnation)
    return;
  if (r.stayed) {
    o.state = life::active;
    shared_.route.open(r.group, o.handle);
    for (auto& mail : std::exchange(o.group_queue, {}))
      caf::anon_send(o.handle, std::move(mail));
    return checkpoint_when_due();
  }
  demonitor(o.handle);
  o.handle = nullptr;
  o.state = life::absent;
  o.snapshot_at = r.applied;
  write_snapshots write{shard_, {}, std::nullopt, caf::actor_cast<caf::actor>(this)};
  write.rows.push_back({shard_, who, r.applied, std::move(r.bytes)});
  caf::anon_send(shared_.archive, std::move(write));
  if (!o.group_queue.empty())  // came while it was leaving; the archive reads after it has written
    activate(who);
  checkpoint_when_due();
}

// ------------------------------------------------------------------ snapshots

void shard_actor::checkpoint_when_due() {
  if (checkpoint_at_)
    return;
  if (flushing_) {
    if (!queue_.empty() || !in_flight_.empty())
      return;
    if (events_since_checkpoint_ == 0)
      return flushed();
    return begin_checkpoint();
  }
  if (events_since_checkpoint_ >= shared_.options.snapshot_every_events)
    begin_checkpoint();
}

// Every owner with events since its last snapshot gives a new one; then the log up to here need not be replayed.
void shard_actor::begin_checkpoint() {
  checkpoint_at_ = machine_.commit();
  const auto events = std::exchange(events_since_checkpoint_, 0);
  for (auto& [who, o] : owners_) {
    if (o.last_event <= o.snapshot_at)
      continue;
    if (who.kind == schema::owner_kind::rounds) {
      awaited_.insert(who);
      caf::anon_send(shared_.rounds, snapshot_request{*checkpoint_at_});
    } else if (o.state == life::active) {
      awaited_.insert(who);
      caf::anon_send(o.handle, snapshot_request{*checkpoint_at_});
    } else if (o.state != life::absent || !o.tail.empty() || o.failed) {
      checkpoint_at_.reset();  // on its way in or out: later
      awaited_.clear();
      events_since_checkpoint_ = events;
      return;
    }
  }
  if (awaited_.empty())
    finish_checkpoint();
}

// An answer to a checkpoint that was given up is older than what this one stands for.
void shard_actor::take_snapshot(snapshot_taken& s) {
  if (checkpoint_at_ != s.checkpoint || awaited_.erase(s.who) == 0)
    return;
  rows_.push_back({shard_, s.who, s.applied, std::move(s.bytes)});
  if (awaited_.empty())
    finish_checkpoint();
}

void shard_actor::finish_checkpoint() {
  for (const auto& row : rows_) {
    auto& o = owner_of(row.who);
    o.snapshot_at = std::max(o.snapshot_at, row.applied);
  }
  caf::anon_send(shared_.archive, write_snapshots{shard_, std::exchange(rows_, {}), checkpoint_at_, caf::actor_cast<caf::actor>(this)});
  checkpoint_at_.reset();
}

void shard_actor::flushed() {
  if (events_since_checkpoint_ != 0 || !queue_.empty() || !in_flight_.empty())
    return checkpoint_when_due();
  flushing_ = false;
  ++shared_.shards_flushed;
}

}  // namespace janji::actors
