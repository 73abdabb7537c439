#include "actors/shard.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "actors/peers.hpp"
#include "actors/shard_mail.hpp"
#include "booking/assert.hpp"
#include "cluster/membership_record.hpp"
#include "cluster/peer_links.hpp"

namespace janji::actors {

namespace {
constexpr std::size_t batch_events_max = 4096;  // of one log entry
// What gathers in an entry, when it goes to other nodes and when it does not; an event that is larger goes alone.
constexpr std::size_t replicated_bytes_max = 4U << 20U;
constexpr std::size_t batch_bytes_max = schema::entry_bytes_max / 2;
// Nothing is written that could not be read or sent to the other replicas: a larger event is refused to its owner.
constexpr std::size_t replicated_event_bytes_max = cluster::replicated_entry_bytes_max;
static_assert(replicated_event_bytes_max + (1U << 20U) <= told_bytes_max);
constexpr std::size_t event_bytes_max = schema::entry_bytes_max / 4 * 3;
static_assert(replicated_bytes_max < cluster::peer_payload_bytes_max && replicated_bytes_max < replicated_event_bytes_max);
static_assert(batch_bytes_max < event_bytes_max && event_bytes_max < schema::entry_bytes_max);
static_assert(told_bytes_max <= schema::entry_bytes_max, "what another node sent can be read from the log");

}  // namespace

static replication::machine_options machine_options_of(const node_context& shared) {
  replication::machine_options o;
  o.boot = replication::boot_t{shared.boot};
  if (!shared.options.cluster) {
    o.own_record = true;
    return o;
  }
  o.faults = shared.replica_faults;
  return o;
}

shard_actor::shard_actor(caf::actor_config& config, node_context& shared, shard_id shard)
    : caf::event_based_actor(config),
      shared_(shared),
      shard_(shard),
      machine_({shared.node_id, shared.disk_id}, machine_options_of(shared)) {}

caf::behavior shard_actor::make_behavior() {
  set_down_handler([this](caf::down_msg& down) { owner_down(down); });
  return {
      [this](append_mail& mail) { take_in(mail); },
      [this](persisted p) {
        step(replication::persisted{p.id});
        pump();
      },
      [this](group_mail_for& m) { deliver(schema::owner::of(m.group), std::move(m.mail)); },
      [this](registry_mail& m) { deliver(schema::owner::of_registry(), std::move(m)); },
      [this](strict_round_mail& m) { strict_round(m); },
      [this](start_shard) {
        caf::anon_send(shared_.archive, load_tail{shard_, 0, caf::actor_cast<caf::actor>(this)});
        delayed_send(this, std::chrono::seconds(1), sweep{});
      },
      [this](tail_loaded& found) { started_ ? recover(found) : start(found); },
      [this](replica_said& m) {
        if (started_)
          step(replication::received{m.head, std::move(m.what)});
        pump();
      },
      [this](record_changed& r) {
        if (started_)
          see_record(std::move(r.record));
        else
          early_record_ = std::move(r.record);
      },
      [this](link_lost l) {
        if (started_)
          step(replication::link_broken{l.node});
      },
      [this](table_part_told& t) {
        if (started_)
          take_table(t);
      },
      [this](admission_told& t) { take_admission(t); },
      [this](const admission_asked& a) { take_question(a); },
      [this](ask_admission_again) {
        admission_asks_ = false;
        if (gate_)
          ask_admission();
      },
      [this](table_heard h) {
        if (started_)
          step(replication::table_acknowledged{h.number});
      },
      [this](node_leaves l) { leaving_nodes_.insert(l.node); },
      [this](leader_deposed) {
        if (started_)
          ask_again();
      },
      [this](shard_order& o) { obey(o); },
      [this](link_back l) {
        leaving_nodes_.erase(l.node);
        if (started_ && machine_.record().record.leader.node == l.node)
          ask_again();
      },
      [this](hand_over_all) {
        leaving_ = leaving::wanted;
        leave();
      },
      [this](machine_tick) {
        shared_.ticking[shard_.value].told = false;
        if (started_)
          pass_time();
      },
      [this](entries_loaded& l) {
        if (!l.error.empty())
          return shared_.fatal(l.error);
        step(replication::entries_read{l.number, std::move(l.entries)});
      },
      [this](swap_done& s) {
        step(replication::swap_answered{s.outcome.result, std::move(s.outcome.record)});
        pump();
      },
      [this](const outside_read& r) {
        step(replication::outside_told{r.epoch, r.at});
        pump();
      },
      [this](loaded& l) { owner_loaded(l); },
      [this](activate_groups& a) {
        to_activate_.insert(to_activate_.end(), a.groups.begin(), a.groups.end());
        activate_some();
      },
      [this](wants_to_retire& w) { begin_retire(w); },
      [this](retired& r) { end_retire(r); },
      [this](snapshot_taken& s) { take_snapshot(s); },
      [this](checkpoint_written& w) {
        makes_checkpoint_ = false;
        last_checkpoint_ = std::max(last_checkpoint_, w.at);
        if (flushing_)
          flushed();
      },
      [this](read_committed& r) { read_for_operator(r); },
      [this](read_records& r) { read_sealed(r); },
      [this](flush_all) {
        flushing_ = true;
        checkpoint_when_due();
      },
      [this](sweep) {
        tell_status();
        expire_mail();
        seek_place();
        delayed_send(this, std::chrono::seconds(1), sweep{});
      },
  };
}

// ------------------------------------------------------------------ the log

// What an owner wants in the log. One of an earlier life is not heard; the rounds' actor outlives leaderships.
void shard_actor::take_in(append_mail& mail) {
  const bool rounds = mail.who.kind == schema::owner_kind::rounds;
  const bool served_here = serving_ || shared_.peers == nullptr;
  if (!served_here || owner_of(mail.who).incarnation != mail.incarnation) {
    if (rounds)
      for (const auto& item : mail.items)
        caf::anon_send(shared_.rounds, round_committed{item.token, {}, round_committed::end::not_led});
    return;
  }
  auto& o = owner_of(mail.who);
  const auto bytes_max = shared_.peers == nullptr ? event_bytes_max : replicated_event_bytes_max;
  for (auto& item : mail.items) {
    if (schema::bytes_bound(item.event) > bytes_max)
      return refuse_event(mail.who, item.token, "no log entry holds it");
    held_bytes held;
    if (!held.hold(shared_.queued_event_bytes, schema::bytes_bound(item.event), queued_events_bytes_max))
      return refuse_event(mail.who, item.token, "too much waits for the log");
    const bool admitted = admits(mail, item.event);
    queue_.push_back({mail.who, mail.incarnation, item.token, std::move(item.event), std::move(held), admitted});
    ++o.pending;
  }
  pump();
}

// A slot group or a registry waits for its append and can only begin anew, from what is committed: what it had not sent is forgotten,
// and nothing was said of it.
void shard_actor::refuse_event(const schema::owner& who, std::uint64_t token, std::string_view why) {
  shared_.warn(fmt::format("shard {}: an event is not written: {}", shard_.value, why));
  if (who.kind == schema::owner_kind::rounds)
    caf::anon_send(shared_.rounds, round_committed{token, {}, round_committed::end::refused});
  else if (auto& o = owner_of(who); o.handle) {
    o.incarnation = {};  // what it sends before it ends is not taken
    caf::anon_send_exit(o.handle, caf::exit_reason::kill);
  }
  pump();
}

void shard_actor::step(replication::input&& in) {
  machine_.step(std::move(in), out_);
  note_followers();
  const bool needs_no_round = machine_.current_role() == replication::machine::role::serving && machine_.alone();
  if (std::exchange(strict_rounds_free_, needs_no_round) != needs_no_round)
    shared_.set_strict_rounds_free(shard_, needs_no_round);
  auto outputs = std::exchange(out_, {});
  for (auto& o : outputs)
    carry_out(std::move(o));
  heed_hand_over();
}

void shard_actor::carry_out(replication::output&& o) {
  if (auto* p = std::get_if<replication::persist>(&o)) {
    write(std::move(*p));
  } else if (auto* s = std::get_if<replication::swap_record>(&o)) {
    caf::anon_send(shared_.record_keeper,
                   do_swap{shard_, s->expected_revision, std::move(s->record), s->registered, caf::actor_cast<caf::actor>(this)});
  } else if (auto* said = std::get_if<replication::send>(&o)) {
    shared_.peers->replicate(shard_, std::move(said->head), std::move(said->what));
  } else if (std::holds_alternative<replication::serving>(o)) {
    served();
  } else if (auto* c = std::get_if<replication::committed>(&o)) {
    commit(*c);
  } else if (auto* d = std::get_if<replication::stepped_down>(&o)) {
    deposed(*d);
  } else if (auto* done = std::get_if<replication::strict_read_done>(&o)) {
    strict_round_done_for(*done);
  } else if (auto* r = std::get_if<replication::read_entries>(&o)) {
    caf::anon_send(shared_.archive, load_entries{shard_, r->number, r->first, r->count_max, caf::actor_cast<caf::actor>(this)});
  } else if (const auto* asked = std::get_if<replication::ask_outside>(&o)) {
    caf::anon_send(shared_.record_keeper, read_outside{shard_, asked->epoch, caf::actor_cast<caf::actor>(this)});
  } else if (const auto* table = std::get_if<replication::pass_table>(&o)) {
    pass_table(*table);
  } else if (auto* ordered = std::get_if<replication::order_answered>(&o)) {
    answer_order(*ordered);
  } else if (auto* a = std::get_if<replication::alarm>(&o)) {
    shared_.warn(fmt::format("shard {}: the disk {:x} of node {}: {}", shard_.value, a->who.disk, a->who.node, a->why));
  } else {
    // Logs are never compacted, so nobody needs a snapshot instead.
    assert_always(!std::holds_alternative<replication::read_snapshot>(o), "every log is whole");
  }
}

void shard_actor::write(replication::persist&& p) {
  assert_always(!p.install, "every log is whole: no replica is sent a snapshot");
  store::shard_write write{shard_, p.promise, p.cut_after, {}};
  for (auto& e : p.entries)
    write.append.push_back({e.at.epoch, e.at.sequence, std::move(e.payload)});
  shared_.journal->submit(std::move(write), p.number, caf::actor_cast<caf::actor>(this));
}

// Whatever gathered while the last entry was on its way to disk goes as one, up to a bound.
void shard_actor::pump() {
  if (queue_.empty() || !serving_ || !machine_.can_append())
    return;
  assert_always(in_flight_.empty(), "one entry in flight a shard");
  std::vector<schema::owned_event> events;
  std::size_t bytes = 0;
  const auto bytes_max = shared_.peers == nullptr ? batch_bytes_max : replicated_bytes_max;
  while (!queue_.empty() && events.size() < batch_events_max) {
    auto& q = queue_.front();
    if (!q.admitted) {
      in_flight_.push_back({q.who, q.incarnation, q.token, 0, false});
      queue_.pop_front();
      continue;
    }
    const auto more = schema::bytes_bound(q.event);
    if (!events.empty() && bytes + more > bytes_max)
      break;
    bytes += more;
    in_flight_.push_back({q.who, q.incarnation, q.token, schema::count_records(q.event), true});
    events.push_back({q.who, std::move(q.event)});
    queue_.pop_front();
  }
  if (events.empty())  // nothing of it goes into the log
    return tell_owners(std::exchange(in_flight_, {}), {}), checkpoint_when_due();
  auto entry = schema::encode_batch(events);
  assert_always(entry.size() <= std::max(bytes_max, bytes), "an entry is within the bound of its events");
  step(replication::append{++next_batch_, std::move(entry)});
}

void shard_actor::commit(const replication::committed& c) {
  if (c.batch == 0 || c.batch != next_batch_)
    return;  // the record that starts an epoch
  tell_owners(std::exchange(in_flight_, {}), c.at.sequence);
  checkpoint_when_due();
}

// In the order in which they gave it to the shard: what is committed there now, and what does not go into the log.
void shard_actor::tell_owners(std::vector<in_flight>&& items, sequence_t at) {
  std::uint16_t record = 0;
  std::vector<std::pair<schema::owner, std::vector<appended>>> by_owner;
  std::vector<round_committed> rounds;
  for (const auto& item : items) {
    if (item.who.kind == schema::owner_kind::admission) {
      admission_committed(at);
      continue;
    }
    auto& o = owner_of(item.who);
    --o.pending;
    if (item.admitted) {
      o.last_event = at;
      ++events_since_checkpoint_;
    }
    if (item.who.kind == schema::owner_kind::rounds) {
      rounds.push_back({item.token, at, round_committed::end::committed, false});
    } else if (o.state != life::absent && o.incarnation == item.incarnation) {
      auto it = std::ranges::find(by_owner, item.who, &std::pair<schema::owner, std::vector<appended>>::first);
      if (it == by_owner.end())
        it = by_owner.insert(by_owner.end(), {item.who, {}});
      it->second.push_back({item.token, at, record, !item.admitted});
    }
    record = static_cast<std::uint16_t>(record + item.records);
    // Who failed with this on its way was waiting for it, and so is who wrote to it since.
    if (o.state == life::absent && (o.failed || !o.group_queue.empty() || !o.registry_queue.empty()))
      activate(item.who);
  }
  if (!rounds.empty())
    rounds.back().last = true;
  for (auto& r : rounds)
    caf::anon_send(shared_.rounds, std::move(r));
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
}

// A booking is written to the disk of every member that is in sync; the least of them decides.
bool shard_actor::a_disk_is_low() const {
  if (shared_.peers == nullptr)
    return shared_.storage_low;
  const auto reports = shared_.told_reports.get();
  return std::ranges::any_of(machine_.record().record.in_sync, [&](const replication::member& m) {
    const auto told = reports->find(m.node);
    return told != reports->end() && told->second.report.storage_low;
  });
}

void shard_actor::tell_status() {
  shared_.disks_low[shard_.value] = a_disk_is_low();
  auto status = std::make_shared<shard_status>();
  status->shard = shard_;
  status->epoch = machine_.epoch();
  status->committed = machine_.commit();
  status->tail = machine_.tail().sequence;
  status->record = machine_.record();
  if (const auto epoch = machine_.log().epoch_at(machine_.commit()))
    status->committed_at = {*epoch, machine_.commit()};
  status->missing = machine_.missing();
  status->serving = serving_;
  for (const auto& [who, o] : owners_)
    status->groups_active += who.kind == schema::owner_kind::group && o.state == life::active ? 1 : 0;
  shared_.shard_statuses[shard_.value].store(std::move(status));
}

}  // namespace janji::actors
