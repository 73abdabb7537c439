// A shard's other replicas: gaining and losing leadership, what is asked of others and by them, where mail belongs.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "actors/shard.hpp"
#include "actors/shard_mail.hpp"
#include "booking/assert.hpp"

namespace janji::actors {

namespace {
constexpr std::uint8_t hops_max = 3;
constexpr std::chrono::milliseconds record_again{500};

bool is_empty(const group_mail& m) { return m.inputs.empty(); }
bool is_empty(const registry_mail& m) { return m.inputs.empty(); }
}  // namespace

void shard_actor::start(tail_loaded& found) {
  if (!found.error.empty())
    return shared_.fatal(found.error);
  if (found.record_away)  // etcd's word is wanted, and comes when it is back
    return delayed_anon_send(shared_.archive, record_again, load_tail{shard_, 0, caf::actor_cast<caf::actor>(this)});
  started_ = true;
  last_checkpoint_ = found.checkpoint;
  replication::started s{found.tail.promised, {found.tail.last_epoch, found.tail.last_sequence}, std::move(found.record)};
  if (shared_.peers != nullptr) {
    s.log = std::move(found.log);
    s.commit = found.checkpoint;  // snapshots are of what is committed
  }
  step(std::move(s));
  if (auto early = std::exchange(early_record_, std::nullopt))
    see_record(std::move(*early));
}

// Enough members have answered since the last time that enough had: so until then nobody else served.
void shard_actor::note_followers() {
  const auto followed = machine_.followed();
  if (std::exchange(followed_, followed) == followed)
    return;
  shared_.followed_until_ms[shard_.value] = std::exchange(followed_at_, shared_.now()).value;
}

// This node has nothing to do with the shard, but for mail on its way.
bool shard_actor::stands_by() const {
  const auto& record = machine_.record().record;
  const auto here = [this](const replication::member& m) { return m.node == shared_.node_id; };
  return !may_lead() && early_.empty() && leaving_ != leaving::wanted && std::ranges::none_of(record.in_sync, here) &&
         std::ranges::none_of(record.learners, here);
}

void shard_actor::pass_time() {
  const auto busy = shared_.disk.oldest().count() / shared_.options.cluster->tick_ms;
  step(replication::tick{shared_.random(), static_cast<std::uint32_t>(busy), static_cast<std::uint32_t>(shared_.disk.usual_write().count()),
                         shared_.placement.get()->store_away});
  if (refusals_)
    refusals_->enforce(shared_.counts_refusals());
  if (gate_) {
    gate_->enforce(shared_.counts_refusals());
    gate_->judge_past(shared_.judges_past());
    ask_admission();
  }
  pump();
  for (const auto& m : std::exchange(unconfirmed_reads_, {}))
    strict_round(m);
  expire_mail();
  deliver_early();
  give_up_orders(false);
  end_turn();
  if (std::exchange(wants_turn_, false))
    seek_place();
  leave_to_faster();
  leave();
  let_go();
  checkpoint_from_log();
  shared_.ticking[shard_.value].stands_by = stands_by();
}

// What was asked of a leader that leads no more is asked again of the next; a take-over that changes nothing but the epoch
// means that the leader has begun anew.
void shard_actor::see_record(cluster::versioned_record&& record) {
  const auto before = machine_.record().record;
  step(replication::record_seen{std::move(record)});
  shared_.ticking[shard_.value].stands_by = stands_by();
  const auto& now = machine_.record().record;
  if (now.epoch == before.epoch)
    return;
  deliver_early();
  if (!may_lead() && !owners_.empty())
    end_owners();  // mail that waited for a leadership that never began
  const bool anew = now.in_sync == before.in_sync && now.learners == before.learners;
  if (now.leader != before.leader || anew)
    ask_again();
}

// This node's own citizens' commands. Twice is as good as once: they carry their keys.
void shard_actor::ask_again() {
  if (shared_.peers == nullptr)
    return;
  shared_.orders.send_again(shard_);
  for (auto& command : shared_.pending.of(shard_, shared_.now()))
    std::visit(
        [this](auto&& c) {
          if constexpr (requires { c.command; })
            shared_.route.send(c.group, group_input{std::move(c.command)});
          else
            shared_.route.send(shard_, registry_input{std::move(c)});
        },
        std::move(command));
}

// A new epoch in which this replica leads. Its owners are there when it led before; else they are read from its log, all of
// which is committed by now.
void shard_actor::served() {
  begin_tenure();
  if (serving_)
    return tell_status();  // what was in flight is told committed after this
  recovery_ = ++next_ticket_;
  caf::anon_send(shared_.archive, load_tail{shard_, recovery_, caf::actor_cast<caf::actor>(this)});
}

void shard_actor::recover(tail_loaded& found) {
  if (recovery_ == 0 || found.ticket != recovery_)
    return;
  recovery_ = 0;
  if (!found.error.empty())
    return shared_.fatal(found.error);
  last_checkpoint_ = found.checkpoint;
  recover_admission(found);
  for (auto& [who, event] : found.events) {
    if (who.kind == schema::owner_kind::admission) {
      ++events_since_checkpoint_;
      continue;
    }
    auto& o = owner_of(who);
    o.last_event = event.sequence;
    if (who.kind != schema::owner_kind::rounds)
      o.tail.push_back(std::move(event));
    ++events_since_checkpoint_;
  }
  serving_ = true;
  if (shard_ == shard_id{0} && shared_.peers != nullptr)
    load_rounds();
  else if (shard_ == shard_id{0})
    caf::anon_send(shared_.rounds, rounds_led_alone{});
  if (shared_.peers == nullptr)
    caf::anon_send(shared_.rounds, admission_held{shard_, admission_->position});
  ask_admission();
  answer_questions();
  activate(schema::owner::of_registry());
  activate_known_groups();
  ask_again();
  tell_status();
  pump();
}

// The rounds' actor outlives leaderships: it is given what is committed, and the incarnation in whose name it may append.
void shard_actor::load_rounds() {
  shared_.rounds_led = false;  // until they are read
  auto& o = owner_of(schema::owner::of_rounds());
  o.incarnation = shared_.next_incarnation();
  o.ticket = ++next_ticket_;
  caf::anon_send(shared_.archive, load_owner{shard_, o.ticket, schema::owner::of_rounds(), true, caf::actor_cast<caf::actor>(this)});
}

// Every slot group of this shard: those that others wait for or that have events since their snapshot, and the rest so that their
// numbers are known.
void shard_actor::activate_known_groups() {
  for (const auto& [who, o] : owners_)
    if (who.kind == schema::owner_kind::group && (!o.tail.empty() || !o.group_queue.empty()))
      activate(who);
  const auto catalogue = shared_.catalogue.get();
  for (const auto& [group, place] : catalogue->groups)
    if (place.shard == shard_)
      to_activate_.emplace_back(group);
  activate_some();
}

void shard_actor::deposed(const replication::stepped_down& d) {
  if (shared_.peers == nullptr)
    return shared_.fatal(fmt::format("shard {} stopped leading: {}", shard_.value, d.why));
  recovery_ = 0;
  serving_ = false;
  end_tenure();
  const auto unknown = [this](const schema::owner& who, std::uint64_t token) {
    if (who.kind == schema::owner_kind::rounds)
      caf::anon_send(shared_.rounds, round_committed{token, {}, round_committed::end::unknown});
  };
  for (const auto& f : std::exchange(in_flight_, {}))
    unknown(f.who, f.token);
  for (const auto& q : std::exchange(queue_, {}))
    unknown(q.who, q.token);
  give_up_orders(true);
  strict_reads_.clear();
  give_up_sealed_reads();
  unconfirmed_reads_.clear();
  checkpoint_at_.reset();
  awaited_.clear();
  rows_.clear();
  events_since_checkpoint_ = 0;
  const bool had_owners = !owners_.empty();
  end_owners();
  // A front may have seen the next leader before this one knew, and what it asked again came here all the same.
  if (had_owners)
    shared_.peers->tell_deposed(shard_);
  ask_again();
  tell_status();
  if (flushing_)
    flushed();
}

// Where mail for this shard's owners is kept until they are there; elsewhere it goes on to whoever leads.
bool shard_actor::may_lead() const {
  return shared_.peers == nullptr || machine_.current_role() != replication::machine::role::stopped ||
         machine_.record().record.leader.node == shared_.node_id;
}

template <class Mail>
bool shard_actor::pass_on(Mail& mail, std::uint64_t& leader) {
  leader = machine_.record().record.leader.node;
  if (is_empty(mail))
    return false;
  mail.way.epoch = std::max(mail.way.epoch, machine_.record().record.epoch);
  if (machine_.record().revision != 0 && leader != shared_.node_id && ++mail.way.hops <= hops_max)
    return true;
  refuse(shared_, mail);
  return false;
}

void shard_actor::forward(const schema::owner& who, group_mail&& mail) {
  std::uint64_t leader = 0;
  if (pass_on(mail, leader))
    shared_.peers->forward(leader, shard_, group_mail_for{who.group, std::move(mail)});
}

void shard_actor::forward(const schema::owner&, registry_mail&& mail) {
  std::uint64_t leader = 0;
  if (pass_on(mail, leader))
    shared_.peers->forward(leader, shard_, std::move(mail));
}

// ------------------------------------------------------------------ strict reads

void shard_actor::strict_round(const strict_round_mail& m) {
  const auto& o = owner_of(m.who);
  if (!serving_ || o.incarnation != m.incarnation || o.state == life::absent)
    return;
  strict_reads_.emplace(++next_read_, std::pair{m.who, m.incarnation});
  step(replication::strict_read{next_read_});
}

// One that was not confirmed is asked again with the next tick: a new epoch is beginning, or too many wait. If leadership is
// lost meanwhile, its owner ends.
void shard_actor::strict_round_done_for(const replication::strict_read_done& d) {
  if (questions_read(d) || sealed_read(d))
    return;
  const auto read = strict_reads_.extract(d.number);
  if (!read)
    return;
  const auto& [who, incarnation] = read.mapped();
  if (!d.confirmed) {
    unconfirmed_reads_.push_back({who, incarnation});
    return;
  }
  const auto& o = owner_of(who);
  if (o.incarnation != incarnation || o.state == life::absent)
    return;
  if (who.kind == schema::owner_kind::group)
    caf::anon_send(o.handle, group_mail{{strict_round_done{}}});
  else
    caf::anon_send(o.handle, registry_mail{{strict_round_done{}}});
}

}  // namespace janji::actors
