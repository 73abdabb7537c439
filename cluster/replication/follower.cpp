// What a replica does for the leader that it has promised: rules 1 to 3, 8, and its side of 10 and 14.
#include <algorithm>
#include <utility>

#include "booking/assert.hpp"
#include "cluster/replication/machine.hpp"

namespace janji::replication {

void machine::refuse(const header& h, bool blocked, outputs& out) { answer(h, refusal{promised_at_least(), log_, commit_, blocked}, out); }

// Whether `h` is of the leader whose epoch this replica has promised; it is told when not.
bool machine::follows(const header& h, outputs& out) {
  if (!floor_)
    return false;  // it asks again
  const bool old = h.epoch < promised_at_least() && !options_.faults.no_promise_check;
  if (old || h.epoch > promised_) {
    refuse(h, false, out);
    return false;
  }
  if (leading() && h.epoch == record_.record.epoch)
    return false;  // only its leader speaks in an epoch, and that is this replica
  if (record_.record.epoch < h.epoch) {
    refuse(h, false, out);  // a restart forgot whose epoch that is: the leader asks again, with its record
    return false;
  }
  if (record_.record.epoch == h.epoch) {
    const auto& r = record_.record;
    if (!same(r.leader, h.from) || !(contains(r.in_sync, self_) || contains(r.learners, self_)))
      return false;
  }
  heard_leader({});
  return true;
}

// Rule 1. The promise is on disk before it is given.
void machine::asked_to_promise(const header& h, promise_request&& m, outputs& out) {
  const auto& r = m.record.record;
  if (!floor_)
    return;
  if (h.epoch < promised_at_least())
    return refuse(h, false, out);
  if (r.epoch != h.epoch || !same(r.leader, h.from) || !(contains(r.in_sync, self_) || contains(r.learners, self_)))
    return;
  if (leading()) {
    if (h.epoch <= record_.record.epoch)
      return;
    step_down("another leader asked for its promise", out);
  }
  if (m.record.record.epoch > record_.record.epoch)
    record_ = std::move(m.record);
  heard_leader({});
  if (h.epoch == promised_)
    return answer(h, promise{log_, commit_}, out);
  promised_ = h.epoch;
  vouched_ = {};
  auto kept = log_;
  auto& p = begin_write(out);
  p.promise = promised_;
  write_->promise = true;
  if (options_.faults.cut_to_own_commit && commit_ < log_.tail.sequence) {
    p.cut_after = write_->cut_after = commit_;
    kept.cut(commit_);
  }
  output said = send{reply_to(h), promise{std::move(kept), commit_}};
  options_.faults.promise_before_sync ? out.push_back(std::move(said)) : write_->then.push_back(std::move(said));
}

// Rules 2 and 3. What is held is acknowledged again; what contradicts the leader goes only when its log was just compared.
void machine::asked_to_append(const header& h, append_request&& m, outputs& out) {
  if (!follows(h, out))
    return;
  auto before = m.previous;
  for (const auto& e : m.entries) {  // a leader's log has no gaps and no entries of later epochs
    if (e.at.sequence.value != before.sequence.value + 1 || e.at.epoch < before.epoch || e.at.epoch > h.epoch)
      return;
    before = e.at;
  }
  const bool attaches = log_.holds(m.previous) || (options_.faults.match_by_length && m.previous.sequence <= log_.tail.sequence);
  if (m.previous.sequence > log_.tail.sequence || !attaches)
    return refuse(h, false, out);
  std::size_t held = 0;
  while (held < m.entries.size() && log_.holds(m.entries[held].at))
    ++held;
  if (options_.faults.late_order_cuts_again && m.may_cut && log_.tail.sequence > before.sequence && before.sequence >= log_.base.sequence) {
    auto& p = begin_write(out);
    p.cut_after = write_->cut_after = before.sequence;
    write_->then.push_back(send{reply_to(h), acknowledgement{before}});
    return;
  }
  if (held < m.entries.size())
    return append_new(h, std::move(m), held, out);
  if (options_.faults.refuse_repeated_append)
    return refuse(h, false, out);
  vouch(before, m.commit, out);
  acknowledge(h, before, out);
}

void machine::append_new(const header& h, append_request&& m, std::size_t held, outputs& out) {
  const auto last = m.entries.back().at;
  const sequence_t keep{m.entries[held].at.sequence.value - 1};
  const bool cuts = log_.tail.sequence > keep;
  if (cuts) {
    if (!m.may_cut && !options_.faults.no_promise_check)
      return refuse(h, false, out);
    if (keep < commit_ || keep < log_.base.sequence) {
      out.push_back(alarm{self_, "the leader lacks entries that are committed here: some disk forgot"});
      return refuse(h, true, out);
    }
    assert_always(vouched_ <= keep || options_.faults.no_promise_check, "nothing that this epoch's leader vouched for is ever cut");
    assert_always(log_.epoch_at(sequence_t{keep.value + 1}) != h.epoch, "nothing of this epoch is ever cut");
  }
  auto& p = begin_write(out);
  if (cuts)
    p.cut_after = write_->cut_after = keep;
  for (auto i = held; i < m.entries.size(); ++i) {
    write_->appended.push_back(m.entries[i].at);
    p.entries.push_back(std::move(m.entries[i]));
  }
  write_->vouched = last;
  write_->told_commit = m.commit;
  output said = send{reply_to(h), acknowledgement{last}};
  options_.faults.acknowledge_before_sync ? out.push_back(std::move(said)) : write_->then.push_back(std::move(said));
}

// In place of entries that the leader has compacted.
void machine::asked_to_install(const header& h, install_request&& m, outputs& out) {
  if (!follows(h, out))
    return;
  const auto at = m.state.at;
  if (at.sequence <= log_.tail.sequence && log_.holds(at)) {
    vouch(at, at.sequence, out);
    return acknowledge(h, at, out);
  }
  if (at.sequence <= commit_ || vouched_ > at.sequence) {
    out.push_back(alarm{self_, "the leader's snapshot contradicts what is committed here: some disk forgot"});
    return refuse(h, true, out);
  }
  begin_write(out).install = std::move(m.state);
  write_->installed = at;
  write_->vouched = at;
  write_->told_commit = at.sequence;
  write_->then.push_back(send{reply_to(h), acknowledgement{at}});
}

void machine::vouch(position up_to, sequence_t told_commit, outputs& out) {
  vouched_ = std::max(vouched_, up_to.sequence);
  if (forgot_ && vouched_ >= *forgot_)
    forgot_.reset();
  const auto known = std::min({told_commit, vouched_, log_.tail.sequence});
  if (known <= commit_)
    return;
  commit_ = known;
  out.push_back(apply_up_to{log_.position_at(commit_)});
}

// Rule 3: never more than has been checked against this epoch's leader.
void machine::acknowledge(const header& h, position at, outputs& out) {
  if (options_.faults.acknowledge_my_tail)
    at = log_.tail;
  answer(h, acknowledgement{at}, out);
}

void machine::heard_heartbeat(const header& h, const heartbeat& m, outputs& out) {
  if (!follows(h, out))
    return;
  heard_leader(m.tail);
  vouch({h.epoch, vouched_}, m.commit, out);
  answer(h, heartbeat_answer{m.round, disk_us_}, out);
  if (options_.faults.heartbeat_acknowledges)
    acknowledge(h, log_.tail, out);
}

// A new leader found this log to be the best.
void machine::asked_to_send(const header& h, const pull_request& m, outputs& out) {
  if (!follows(h, out))
    return;
  const bool snapshot_needed = m.whole || m.after.sequence < log_.base.sequence;
  if (!snapshot_needed && (m.after.sequence >= log_.tail.sequence || !log_.holds(m.after)))
    return answer(h, pulled{m.after, {}, std::nullopt}, out);
  pull_answer_ = pull_answer{++next_number_, h, m.after};
  if (snapshot_needed)
    out.push_back(read_snapshot{pull_answer_->number});
  else
    out.push_back(read_entries{pull_answer_->number, sequence_t{m.after.sequence.value + 1}, limits::entries_per_message_max});
}

void machine::answer_pull(std::vector<entry>&& entries, std::optional<snapshot>&& state, outputs& out) {
  if (entries.empty() && !state) {  // compacted meanwhile
    pull_answer_->number = ++next_number_;
    out.push_back(read_snapshot{pull_answer_->number});
    return;
  }
  const auto asked = *std::exchange(pull_answer_, std::nullopt);
  if (asked.head.epoch == promised_ && !leading())
    answer(asked.head, pulled{asked.previous, std::move(entries), std::move(state)}, out);
}

// ------------------------------------------------------------------ suspicion

// Random back-off; whoever knows that others hold more, or that its disk is slow, waits longer (rule 8).
void machine::heard_leader(sequence_t leaders_tail) {
  leader_unheard_ = 0;
  suspect_after_ = options_.suspect_ticks + static_cast<std::uint32_t>(random_ % (options_.backoff_ticks + 1));
  if (leaders_tail > log_.tail.sequence)
    suspect_after_ += options_.backoff_ticks;
  if (disk_us_ >= options_.hesitates_us)
    suspect_after_ += options_.backoff_ticks;
}

void machine::suspect(outputs& out) {
  if (leader_unheard_ < suspect_after_ || write_ || disk_hangs() || swap_out_ || options_.own_record || record_.revision == 0 ||
      !may_stand())
    return;
  doubt(record_.record.leader.node);
  take_over(out);
}

}  // namespace janji::replication
