// What the shard admits: the state of admission in its own log, by which its owners judge. Orders come driven from shard 0's leader; a
// new leader asks there before it admits anything.
#include <chrono>
#include <utility>

#include "actors/peers.hpp"
#include "actors/shard.hpp"
#include "booking/assert.hpp"

namespace janji::actors {

namespace {
constexpr std::chrono::milliseconds ask_again_after{200};
}

// Before its owners are there. Of an orderly hand-over the log holds what the predecessor knew.
void shard_actor::begin_admission(bool handed_on) {
  const auto round_of = [&shared = shared_](group_id group) -> std::optional<round_id> {
    const auto known = shared.catalogue.get();
    const auto it = known->groups.find(group.value);
    return it == known->groups.end() ? std::nullopt : std::optional(it->second.round);
  };
  const auto end_of = [&shared = shared_](group_id group, window_index window) { return shared.catalogue.get()->end_of(group, window); };
  gate_ = std::make_shared<admission_gate>(shared_.wall_clock, round_of, end_of);
  gate_->limit_changes([&shared = shared_](group_id group) -> std::optional<std::uint32_t> {
    if (!shared.counts_changes())
      return admission_gate::uncounted;
    const auto known = shared.catalogue.get();
    const auto it = known->groups.find(group.value);
    return it == known->groups.end() ? std::nullopt : std::optional(known->find(it->second.round)->definition.rules.changes_max);
  });
  gate_->enforce(shared_.counts_refusals());
  gate_->judge_past(shared_.judges_past());
  if (handed_on || shared_.faults.know_at_once)
    gate_->know();
}

void shard_actor::end_admission() {
  gate_.reset();
  admission_question_ = 0;
  admission_sent_.clear();
  admission_tellers_.clear();
  admission_asked_.clear();
  admission_reads_.clear();
}

void shard_actor::recover_admission(tail_loaded& found) {
  admission_ = std::make_shared<const admission_state>(std::move(found.admission));
  admission_snapshot_at_ = admission_at_ = found.admission_at;
  for (auto& [who, event] : found.events)
    if (who.kind == schema::owner_kind::admission && event.sequence > admission_snapshot_at_) {  // the last of an entry counts
      admission_at_ = event.sequence;
      admission_ =
          std::make_shared<const admission_state>(std::move(std::get<admission_set>(std::get<admission_event>(event.event)).state));
    }
  gate_->set(admission_);
}

// The last in the log, committed or on its way there.
const admission_state& shard_actor::admission_given() const { return admission_sent_.empty() ? *admission_ : *admission_sent_.back(); }

// ------------------------------------------------------------------ what shard 0 has

void shard_actor::ask_admission() {
  if (!serving_ || gate_->known() || !shared_.counts_refusals() || admission_asks_)
    return;
  if (admission_question_ == 0)
    admission_question_ = shared_.next_incarnation().value;
  caf::anon_send(shared_.route.shard(shard_id{0}), admission_asked{shared_.node_id, shard_, admission_question_});
  admission_asks_ = true;
  delayed_send(this, ask_again_after, ask_admission_again{});
}

// Of shard 0: by a leader of any shard. It says what is committed once it is shown to lead still; one that has lost the question asks
// again, and one that comes before this shard has started is kept.
void shard_actor::take_question(const admission_asked& a) {
  if (started_ && !serving_ && !may_lead() && a.node == shared_.node_id && machine_.record().record.leader.node != 0)
    return shared_.peers->ask_admission(machine_.record().record.leader.node, a.shard, a.number);
  constexpr std::size_t asked_max = 4 * limits::shards_max;  // of shards one each, of orders few
  if (admission_asked_.size() < asked_max)
    admission_asked_.insert_or_assign(std::tuple{a.node, a.shard, a.number}, a);
  answer_questions();
}

void shard_actor::answer_questions() {
  if (!serving_ || admission_asked_.empty())
    return;
  auto& asked = admission_reads_[++next_read_];
  for (auto& [by, question] : std::exchange(admission_asked_, {}))
    asked.push_back(question);
  step(replication::strict_read{next_read_});
}

// True: the read was for questions, which are answered by the rounds as they are committed.
bool shard_actor::questions_read(const replication::strict_read_done& d) {
  auto read = admission_reads_.extract(d.number);
  if (!read)
    return false;
  if (d.confirmed)
    caf::anon_send(shared_.rounds, admission_wanted{owner_of(schema::owner::of_rounds()).incarnation, std::move(read.mapped())});
  return true;
}

// Driven, or the answer to this leader's question.
void shard_actor::take_admission(admission_told& t) {
  if (!serving_ || !shared_.counts_refusals())
    return;
  const bool answer = t.number != 0;
  if (answer && (t.number != admission_question_ || gate_->known()))
    return;
  const bool older = !answer && shared_.faults.take_older_orders && t.state->position != admission_given().position;
  if ((t.state->position > admission_given().position || older) && !append_admission(t.state))
    return;  // comes again
  if (answer) {
    gate_->know();
    wake_owners();
  } else {
    admission_tellers_.insert(t.node);
  }
  tell_held();
  pump();
}

// What is queued after this stands behind it in the log, and what was judged before is judged again.
bool shard_actor::append_admission(const std::shared_ptr<const admission_state>& state) {
  schema::any_event event{admission_event{admission_set{*state}}};
  held_bytes held;
  if (!held.hold(shared_.queued_event_bytes, schema::bytes_bound(event), queued_events_bytes_max))
    return false;
  queue_.push_back({schema::owner::of_admission(), {}, 0, std::move(event), std::move(held)});
  admission_sent_.push_back(state);
  gate_->set(state);
  return true;
}

void shard_actor::admission_committed(sequence_t at) {
  assert_always(!admission_sent_.empty(), "a state of admission is committed after it was appended");
  admission_ = std::move(admission_sent_.front());
  admission_sent_.pop_front();
  admission_at_ = at;
  ++events_since_checkpoint_;
  tell_held();
}

void shard_actor::tell_held() {
  if (!admission_sent_.empty())
    return;
  for (const auto node : std::exchange(admission_tellers_, {})) {
    if (node == shared_.node_id)
      caf::anon_send(shared_.rounds, admission_held{shard_, admission_->position});
    else
      shared_.peers->tell_admission_held(node, shard_, admission_->position);
  }
}

// ------------------------------------------------------------------ what is appended

// Judged when its owner appended it; an order may have come before it in the log since.
bool shard_actor::admits(const append_mail& mail, const schema::any_event& event) const {
  if (!gate_ || mail.judged_at == gate_->changes() || shared_.faults.append_unjudged)
    return true;
  if (const auto* g = std::get_if<group_event>(&event)) {
    const auto* b = std::get_if<booked>(g);
    return b == nullptr || b->moved_in || gate_->judge(mail.who.group) == admission_verdict::admitted;
  }
  const auto* r = std::get_if<registry_event>(&event);
  const auto* m = r == nullptr ? nullptr : std::get_if<move_intended>(r);
  return m == nullptr || gate_->judge(m->to) == admission_verdict::admitted;
}

// Those that waited until it is known what is admitted.
void shard_actor::wake_owners() {
  for (const auto& [who, o] : owners_) {
    if (!o.handle)
      continue;
    if (who.kind == schema::owner_kind::group)
      caf::anon_send(o.handle, group_mail{{tick{}}, {}});
    else
      caf::anon_send(o.handle, registry_mail{{tick{}}, {}});
  }
}

}  // namespace janji::actors
