// The life of the actors whose state a shard's log is: activation, passivation, failure, the end of leadership.
#include <algorithm>
#include <utility>

#include "actors/citizen_registry_actor.hpp"
#include "actors/shard.hpp"
#include "actors/shard_mail.hpp"
#include "actors/slot_group_actor.hpp"

namespace janji::actors {

namespace {
constexpr std::size_t early_mail_max = 4'096;  // mail that waits for a record
constexpr std::int64_t early_mail_ms = 1'000;
constexpr std::size_t owner_queue_max = 20'000;  // mail for an actor that is being activated
constexpr std::int64_t expire_every_ms = 200;
constexpr std::size_t loading_max = 32;  // slot groups of a shard that nobody waits for, at once
}  // namespace

// Whoever sent it here knows a later record: sent on by the older one it would only come back. It waits for that record, or
// until the record can hardly be on its way any more.
void shard_actor::deliver_early() {
  const auto known = machine_.record().record.epoch;
  for (auto& e : std::exchange(early_, {}))
    std::visit(
        [&](auto& mail) {
          if (!may_lead() && mail.way.epoch > known && shared_.now().value - e.since.value < early_mail_ms) {
            early_.push_back({e.who, std::move(mail), e.since, std::move(e.held)});
          } else {
            mail.way.epoch = known;
            deliver(e.who, std::move(mail));
          }
        },
        e.mail);
}

// A shard that cannot serve, for want of members or of a leader, may be like that for hours: nobody waits so long.
void shard_actor::expire_mail() {
  const auto now = shared_.now();
  if (shared_.mail_bytes == 0 || now.value - expired_at_.value < expire_every_ms)
    return;
  expired_at_ = now;
  std::vector<request_id> late;
  for (auto& [who, o] : owners_) {
    o.group_queue.expire(now, late);
    o.registry_queue.expire(now, late);
  }
  for (auto& e : early_)
    std::visit([&](auto& mail) { drop_late(mail, e.since, now, late); }, e.mail);
  std::erase_if(early_, [](const early_mail& e) { return std::visit([](const auto& mail) { return mail.inputs.empty(); }, e.mail); });
  std::vector<answer> said;
  for (const auto request : late) {
    said.emplace_back().request = request;
    said.back().what = outcome::unknown;
  }
  if (!said.empty())
    shared_.answers(std::move(said));
}

// Mail waits here for an owner that is on its way; where the shard is led elsewhere it goes on.
template <class Mail>
void shard_actor::deliver(const schema::owner& who, Mail&& mail) {
  if (!may_lead() && mail.way.epoch > machine_.record().record.epoch && early_.size() < early_mail_max) {
    held_bytes held;
    if (!held.hold(shared_.mail_bytes, bytes_of_mail(mail), waiting_mail_bytes_max))
      return refuse(shared_, mail);
    early_.push_back({who, std::move(mail), shared_.now(), std::move(held)});
    return;
  }
  if (!may_lead())
    return forward(who, std::move(mail));
  auto& o = owner_of(who);
  if (o.state == life::active)
    return caf::anon_send(o.handle, std::move(mail));
  if (!mail.inputs.empty() && !queue_of(o, mail).put(shared_.mail_bytes, owner_queue_max, mail, shared_.now()))
    refuse(shared_, mail);
  if (o.state == life::absent && serving_)
    activate(who);
}
template void shard_actor::deliver(const schema::owner&, group_mail&&);
template void shard_actor::deliver(const schema::owner&, registry_mail&&);

// Only when no append of it is pending: else a new incarnation would sell the last place again while the first sale is on
// its way to disk.
void shard_actor::activate(const schema::owner& who) {
  auto& o = owner_of(who);
  if (o.state != life::absent || o.pending != 0)
    return;
  // The catalogue of a node that has just started may not have come from shard 0's leader yet; it brings us back here.
  if (shared_.peers != nullptr && who.kind == schema::owner_kind::group) {
    const auto known = shared_.catalogue.get();
    const auto place = known->groups.find(who.group.value);
    if (place == known->groups.end() || place->second.shard != shard_)  // the latter: whoever sent it was wrong
      return;
  }
  o.state = life::loading;
  loading_ += who.kind == schema::owner_kind::group ? 1 : 0;
  o.ticket = ++next_ticket_;
  caf::anon_send(shared_.archive, load_owner{shard_, o.ticket, who, std::exchange(o.failed, false), caf::actor_cast<caf::actor>(this)});
}

// A few at a time: thousands of them at a take-over would keep this node's actors from everything else, its heartbeats too.
void shard_actor::activate_some() {
  if (!may_lead())
    to_activate_.clear();  // by whoever leads
  while (serving_ && !to_activate_.empty() && loading_ < loading_max) {
    const auto group = to_activate_.front();
    to_activate_.pop_front();
    activate(schema::owner::of(group));
  }
}

void shard_actor::owner_loaded(loaded& l) {
  if (!l.error.empty())
    return shared_.fatal(l.error);
  auto& o = owner_of(l.owner.who);
  if (l.owner.who.kind == schema::owner_kind::rounds) {
    if (o.ticket == l.ticket)
      caf::anon_send(shared_.rounds, rounds_read{o.incarnation, std::move(l.owner)});
    return;
  }
  if (o.state != life::loading || o.ticket != l.ticket)
    return;
  loading_ -= l.owner.who.kind == schema::owner_kind::group ? 1 : 0;
  for (auto& e : std::exchange(o.tail, {}))
    l.owner.tail.push_back(std::move(e));
  spawn_owner(o, std::move(l.owner));
  activate_some();
  checkpoint_when_due();  // one may have been put off because of this owner
}

void shard_actor::spawn_owner(owner_state& o, recovered_owner&& recovered) {
  const auto who = recovered.who;
  o.incarnation = shared_.next_incarnation();
  o.state = life::active;
  if (who.kind == schema::owner_kind::group) {
    const auto catalogue = shared_.catalogue.get();
    const auto* windows = catalogue->windows_of(who.group);
    if (windows == nullptr) {
      o = {};
      return;
    }
    o.handle = system().spawn<slot_group_actor>(std::ref(shared_), shard_, who.group, *windows, o.incarnation, std::move(recovered),
                                                refusals_, gate_);
    shared_.route.open(who.group, o.handle);
    for (auto& mail : o.group_queue.take())
      caf::anon_send(o.handle, std::move(mail));
  } else {
    o.handle = system().spawn<citizen_registry_actor>(std::ref(shared_), shard_, o.incarnation, std::move(recovered), refusals_, gate_);
    shared_.route.open(shard_, o.handle);
    for (auto& mail : o.registry_queue.take())
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

void shard_actor::on_exit() {
  for (auto& [who, o] : std::exchange(owners_, {}))
    if (o.handle)
      caf::anon_send_exit(o.handle, caf::exit_reason::kill);
}

// Leadership is lost: what they had not committed goes with them, and what waited for them goes to the new leader.
void shard_actor::end_owners() {
  to_activate_.clear();
  loading_ = 0;
  for (auto& [who, o] : std::exchange(owners_, {})) {
    if (o.handle) {
      if (who.kind == schema::owner_kind::group) {
        shared_.route.close(who.group);
      } else {
        shared_.route.close(shard_);
        --shared_.shards_serving;
      }
      demonitor(o.handle);
      caf::anon_send_exit(o.handle, caf::exit_reason::kill);
    }
    for (auto& mail : o.group_queue.take())
      forward(who, std::move(mail));
    for (auto& mail : o.registry_queue.take())
      forward(who, std::move(mail));
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
    for (auto& mail : o.group_queue.take())
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

}  // namespace janji::actors
