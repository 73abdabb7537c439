// How every epoch begins (rule 10): promises of all members, the best log adopted before anybody is cut, then the
// epoch-start record. What the members lack is sent by leader.cpp.
#include <algorithm>
#include <utility>

#include "booking/assert.hpp"
#include "cluster/replication/machine.hpp"

namespace janji::replication {

void machine::ask_promises(outputs& out) {
  for (auto& p : peers_)
    if (!p.learner)
      ask_promise(p, out);
  check_promises(out);
}

void machine::ask_promise(peer& p, outputs& out) {
  p.since_sent = 0;
  say(p.who, promise_request{record_}, out);
}

void machine::promised_by(const header& h, promise&& m, outputs& out) {
  auto& p = *peer_of(h.from);
  if (p.promised || (role_ == role::promising && frozen()))
    return;
  if (m.log.tail.sequence < p.acked)
    return;  // overtaken by an acknowledgement of the same life: no disk forgets while its process lives
  if (auto& known = remembered_[p.who]; m.log.tail.sequence < known) {
    out.push_back(alarm{p.who, "its disk forgot entries that it had acknowledged"});
    known = m.log.tail.sequence;
  }
  p.promised = true;
  p.log = std::move(m.log);
  p.commit = m.commit;
  p.ordered = false;
  p.awaiting = false;
  p.reading = 0;
  if (role_ == role::promising && !p.learner)
    return check_promises(out);
  compare(p);
  replicate(p, out);
}

// From where on a peer lacks entries; from nowhere when only a snapshot helps.
void machine::compare(peer& p) {
  auto agreed = agreement(log_, p.log);
  if (options_.faults.match_by_length && agreed)
    agreed = std::min(log_.tail.sequence, p.log.tail.sequence);
  p.next = agreed ? sequence_t{agreed->value + 1} : sequence_t{};
}

// Goes on when every member of the record has promised.
void machine::check_promises(outputs& out) {
  role_ = role::promising;
  const peer* best = nullptr;
  for (const auto& p : peers_) {
    if (p.learner)
      continue;
    if (!p.promised && !options_.faults.lead_without_promises)
      return;
    const auto& than = best != nullptr ? best->log.tail : log_.tail;
    if (p.promised && p.log.tail > than)
      best = &p;
  }
  if (write_ || frozen())
    return;
  if (!outside_.at || !(best != nullptr ? best->log : log_).holds(*outside_.at))
    return;
  if (best != nullptr && !options_.faults.cut_to_own_log_at_once) {
    adopting_from_ = best->who;
    adopt_to_ = best->log.tail;
    role_ = role::adopting;
    return pull(out);
  }
  for (const auto& p : peers_)  // rule 11
    if (!p.learner && p.commit > log_.tail.sequence)
      return step_down("a member knows more to be committed than any log that was reported holds: some disk forgot", out);
  role_ = role::reconciling;
  replacing_.reset();
  forgot_.reset();  // all members have reported, and the best of their logs is here
  for (auto& p : peers_)
    compare(p);
  write(0, {}, true, out);
}

// ------------------------------------------------------------------ positions outside (rule 22)

// Two disks that were put back within one boot agree with each other; what was written down elsewhere does not. A tenure that was
// handed over needs no look: its leader was there until then.
void machine::look_outside(outputs& out) {
  outside_ = {promised_};
  if (options_.own_record || goes_on_with_ != 0 || options_.faults.ignore_outside)
    outside_.at = position{};
  else
    out.push_back(ask_outside{promised_});
}

void machine::heard_of_outside(const outside_told& t, outputs& out) {
  if (!leading() || t.epoch != outside_.asked || outside_.at)
    return;
  outside_.at = t.at.epoch < record_.record.given_up_below ? position{} : t.at;
  if (role_ == role::promising && !write_)
    check_promises(out);
}

// With every tick until every member has promised.
void machine::wait_for_outside(outputs& out) {
  if (!outside_.at && ++outside_.since_asked >= options_.silent_ticks) {
    outside_.since_asked = 0;
    out.push_back(ask_outside{outside_.asked});
  }
  if (missing() && !std::exchange(outside_.said, true))
    out.push_back(alarm{self_, "no disk that is heard holds what is known to be committed: some were put back, and the shard stops"});
  if (outside_.at)
    check_promises(out);
}

// None that is heard holds it, as far as they have said; so too while it is not known.
bool machine::behind_outside() const {
  if (!outside_.at)
    return true;
  return !log_.holds(*outside_.at) && std::ranges::none_of(peers_, [this](const peer& p) {
    return !p.learner && p.promised && !silent(p) && p.log.holds(*outside_.at);
  });
}

std::optional<position> machine::missing() const {
  if (role_ != role::promising || write_ || !behind_outside())
    return std::nullopt;
  const bool all_said = std::ranges::all_of(peers_, [this](const peer& p) { return p.learner || p.promised || silent(p); });
  return all_said ? outside_.at : std::nullopt;
}

void machine::pull(outputs& out) {
  const auto* p = peer_of(*adopting_from_);
  assert_always(p != nullptr, "the best log is a member's");
  since_pulled_ = 0;
  const auto agreed = agreement(log_, p->log);
  if (agreed && *agreed < commit_) {
    out.push_back(alarm{self_, "the best log lacks entries that are committed here: some disk forgot"});
    return step_down("the best log that was reported lacks entries that are committed here", out);
  }
  say(p->who, pull_request{agreed ? log_.position_at(*agreed) : position{}, !agreed}, out);
}

void machine::got_pulled(const header& h, pulled&& m, outputs& out) {
  auto* p = peer_of(h.from);
  if (role_ != role::adopting || *adopting_from_ != p->who)
    return;
  const auto agreed = agreement(log_, p->log);
  if (m.state) {
    const auto at = m.state->at;
    if (agreed || at.sequence <= commit_)
      return;
    begin_write(out).install = std::move(*m.state);
    write_->installed = at;
    adopt_to_ = std::max(adopt_to_, at);
    return;
  }
  if (m.entries.empty()) {  // it no longer holds what it reported: ask it again
    p->promised = false;
    role_ = role::promising;
    return ask_promise(*p, out);
  }
  if (!agreed || m.previous != log_.position_at(*agreed))
    return;  // answers an earlier question
  auto before = m.previous;
  for (const auto& e : m.entries) {
    if (e.at.sequence.value != before.sequence.value + 1 || !p->log.holds(e.at))
      return;
    before = e.at;
  }
  auto& w = begin_write(out);
  if (log_.tail.sequence > *agreed)
    w.cut_after = write_->cut_after = *agreed;
  for (auto& e : m.entries) {
    write_->appended.push_back(e.at);
    w.entries.push_back(std::move(e));
  }
}

}  // namespace janji::replication
