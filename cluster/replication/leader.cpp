// What a leader does for those who follow: sends entries, counts acknowledgements, commits, asks rounds (rules 2 to 4, 13, 14).
#include <algorithm>
#include <utility>

#include "booking/assert.hpp"
#include "cluster/replication/machine.hpp"

namespace janji::replication {

void machine::make_peers() {
  peers_.clear();
  round_open_ = false;
  for (const auto& r : std::exchange(reads_, {}))
    reads_.push_back({r.number, round_ + 1});
  for (const auto& m : record_.record.in_sync)
    if (!same(m, self_))
      peers_.push_back({.who = m});
  for (const auto& m : record_.record.learners)
    if (!same(m, self_))
      peers_.push_back({.who = m, .learner = true});
  for (const auto& [node, age] : std::map(doubted_))
    doubt(node);
}

// Whoever may be gone is not waited for as long as whoever is only late. A wrong doubt costs a member its place for a while.
void machine::doubt(std::uint64_t node) {
  const auto is_it = [node](const member& m) { return m.node == node; };
  if (std::ranges::none_of(record_.record.in_sync, is_it) && std::ranges::none_of(record_.record.learners, is_it))
    return;
  doubted_.try_emplace(node, 0);
  const auto almost_silent = options_.silent_ticks - std::min(options_.relink_ticks, options_.silent_ticks);
  for (auto& p : peers_)
    if (p.who.node == node)
      p.unheard = std::max(p.unheard, almost_silent);
}

machine::peer* machine::peer_of(const member& m) {
  const auto p = std::ranges::find_if(peers_, [&](const peer& x) { return same(x.who, m); });
  return p == peers_.end() ? nullptr : &*p;
}

// A replica has started again: what it said in its former life is worth nothing until it has promised once more.
// Every wiped disk is one more, and what a peer says of itself may be invented.
void machine::forget_strangers(const member& but) {
  const auto& r = record_.record;
  std::erase_if(boots_, [&](const auto& life) {
    return !same(life.first, but) && !contains(r.in_sync, life.first) && !contains(r.learners, life.first);
  });
}

void machine::new_life(const member& who) {
  for (auto& p : peers_) {
    if (!same(p.who, who))
      continue;
    p.promised = p.awaiting = false;
    p.reading = 0;
    p.round = 0;
    p.since_sent = options_.resend_ticks;
    if (!options_.faults.forgetful_member_counts)
      p.acked = {};
  }
}

// ------------------------------------------------------------------ entries

void machine::write(std::uint64_t batch, std::string&& payload, bool starts_epoch, outputs& out) {
  const position at{record_.record.epoch, sequence_t{log_.tail.sequence.value + 1}};
  in_flight_ = flight{at, batch, starts_epoch, peers_.empty() ? std::string{} : payload};
  begin_write(out).entries.push_back({at, std::move(payload)});
  write_->appended.push_back(at);
  if (starts_epoch)
    return;
  for (auto& p : peers_)  // their disks work while this one does
    if (p.ordered && p.next == at.sequence)
      replicate(p, out);
}

// Sends a peer what it lacks next, one message at a time.
void machine::replicate(peer& p, outputs& out) {
  const bool filled =
      role_ == role::reconciling || role_ == role::serving || (role_ == role::promising && replacing_ && same(replacing_->by, p.who));
  if (!filled || !p.promised || p.awaiting || p.reading != 0)
    return;
  if (in_flight_ && p.next == in_flight_->at.sequence)
    return send_entries(p, {{in_flight_->at, in_flight_->payload}}, out);
  if (p.next > log_.tail.sequence) {
    if (!p.ordered)
      send_entries(p, {}, out);
    return;
  }
  p.reading = ++next_number_;
  p.since_sent = 0;
  if (p.next <= log_.base.sequence) {
    out.push_back(read_snapshot{p.reading});
    return;
  }
  const auto lacking = static_cast<std::size_t>(log_.tail.sequence.value - p.next.value + 1);
  out.push_back(read_entries{p.reading, p.next, std::min(lacking, limits::entries_per_message_max)});
}

void machine::send_entries(peer& p, std::vector<entry>&& entries, outputs& out) {
  const auto previous = log_.position_at(sequence_t{p.next.value - 1});
  p.awaiting = true;
  p.since_sent = 0;
  say(p.who, append_request{previous, std::move(entries), commit_, !p.ordered}, out);
}

void machine::got_entries(entries_read&& r, outputs& out) {
  if (pull_answer_ && pull_answer_->number == r.number)
    return answer_pull(std::move(r.entries), std::nullopt, out);
  const auto p = std::ranges::find(peers_, r.number, &peer::reading);
  if (r.number == 0 || p == peers_.end())
    return;
  p->reading = 0;
  if (!r.entries.empty() && r.entries.front().at.sequence != p->next)
    return replicate(*p, out);  // an acknowledgement came meanwhile
  if (!r.entries.empty()) {
    auto at = p->next;
    for (const auto& e : r.entries) {
      assert_always(e.at.sequence == at && log_.holds(e.at), "the log's reader gives what the log holds");
      at = sequence_t{at.value + 1};
    }
    return send_entries(*p, std::move(r.entries), out);
  }
  p->reading = ++next_number_;  // compacted meanwhile
  out.push_back(read_snapshot{p->reading});
}

void machine::got_snapshot(snapshot_read&& r, outputs& out) {
  if (pull_answer_ && pull_answer_->number == r.number)
    return answer_pull({}, std::move(r.state), out);
  const auto p = std::ranges::find(peers_, r.number, &peer::reading);
  if (r.number == 0 || p == peers_.end())
    return;
  p->reading = 0;
  p->awaiting = true;
  p->since_sent = 0;
  say(p->who, install_request{std::move(r.state)}, out);
}

void machine::acknowledged(const header& h, const acknowledgement& m, outputs& out) {
  auto& p = *peer_of(h.from);
  const bool known = m.at.sequence <= log_.tail.sequence && log_.holds(m.at);
  const bool by_sequence = options_.faults.acknowledge_my_tail || options_.faults.heartbeat_acknowledges;
  if (!known && !by_sequence)
    return;
  p.acked = std::max(p.acked, m.at.sequence);
  if (m.at.sequence.value + 1 >= p.next.value) {  // a lesser one was under way when the logs were compared: no answer to the order
    p.ordered = p.ordered || p.promised;
    p.awaiting = false;
    p.next = sequence_t{std::min(m.at.sequence.value, log_.tail.sequence.value) + 1};
  }
  replicate(p, out);
  try_commit(out);
}

// A refusal is information. A higher promise deposes; anything else is asked for again, with the log as it now is.
void machine::refused(const header& h, refusal&& m, outputs& out) {
  if (m.promised > record_.record.epoch)
    return step_down("a member has promised a higher epoch", out);
  auto& p = *peer_of(h.from);
  if (m.blocked || (p.learner && role_ != role::serving && role_ != role::reconciling && !replacing_))
    return;
  p.awaiting = false;
  if (role_ == role::adopting && same(*adopting_from_, p.who))
    role_ = role::promising;
  p.promised = false;
  ask_promise(p, out);
}

// ------------------------------------------------------------------ commit

// Members of the confirmed record, and whoever is being added.
bool machine::counts(const peer& p) const {
  const bool pending_here = pending_ && same(pending_->who, p.who);
  if (!p.learner)
    return !(options_.faults.shrink_before_confirmed && pending_here && pending_->what == change::shrink);
  const bool added = pending_here && (pending_->what == change::grow || pending_->what == change::replace);
  return added && !options_.faults.learner_uncounted_while_pending;
}

// Rule 4. Only an entry of this epoch is ever counted; what is older is committed with it.
void machine::try_commit(outputs& out) {
  if ((role_ != role::reconciling && role_ != role::serving) || !in_flight_ || log_.tail < in_flight_->at)
    return;
  for (const auto& p : peers_)
    if (counts(p) && p.acked < in_flight_->at.sequence)
      return;
  if (record_.record.in_sync.size() < record_.record.min_in_sync && !options_.faults.no_floor)
    return;
  const auto done = *std::exchange(in_flight_, std::nullopt);
  assert_always(done.at.epoch == record_.record.epoch, "only entries of the present epoch are counted");
  assert_always(done.at.sequence > commit_, "a commit never goes back");
  commit_ = done.at.sequence;
  for (const auto& p : peers_)
    if (counts(p))
      remembered_[p.who] = commit_;
  if (done.starts_epoch) {
    role_ = role::serving;
    out.push_back(serving{record_.record.epoch});
    if (const auto earlier = std::exchange(carried_, std::nullopt))
      out.push_back(committed{earlier->at, earlier->batch, done.at.epoch});
  }
  out.push_back(committed{done.at, done.batch, done.at.epoch});
  if (done.starts_epoch && !reads_.empty())
    begin_round(out);
}

// ------------------------------------------------------------------ strict reads

// Rule 14: the members confirm the epoch after the read arrived, in one round for all reads that wait.
void machine::read_strictly(std::uint64_t number, outputs& out) {
  if (role_ != role::serving || reads_.size() >= limits::waiting_reads_max) {
    out.push_back(strict_read_done{number, false});
    return;
  }
  if (alone() || options_.faults.deny_without_round) {
    out.push_back(strict_read_done{number, true});
    return;
  }
  reads_.push_back({number, round_ + 1});
  if (!round_open_)
    begin_round(out);
}

void machine::begin_round(outputs& out) {
  ++round_;
  round_open_ = true;
  for (auto& p : peers_)
    if (counts(p))
      beat(p, out);
  check_round(out);
}

void machine::beat(peer& p, outputs& out) { say(p.who, heartbeat{round_, commit_, log_.tail.sequence}, out); }

void machine::confirmed_round(const header& h, const heartbeat_answer& m, outputs& out) {
  auto& p = *peer_of(h.from);
  p.round = std::max(p.round, m.round);
  p.disk_us = m.disk_us;
  check_round(out);
}

void machine::check_round(outputs& out) {
  if (!round_open_ || role_ != role::serving)
    return;
  for (const auto& p : peers_)
    if (counts(p) && p.round < round_)
      return;
  round_open_ = false;
  std::erase_if(reads_, [&](const waiting_read& r) {
    if (r.round > round_)
      return false;
    out.push_back(strict_read_done{r.number, true});
    return true;
  });
  if (!reads_.empty())
    begin_round(out);
}

// ------------------------------------------------------------------ who follows

// With these and itself it commits, and those who are left are fewer than min_in_sync.
std::size_t machine::followers_needed() const {
  const std::size_t members = record_.record.in_sync.size();
  const std::size_t least = std::max<std::size_t>(record_.record.min_in_sync, 1);
  return std::max(least - 1, members - std::min(members, least));
}

void machine::count_follower(peer& p) {
  p.follows = true;
  const auto follow = std::ranges::count_if(peers_, [](const peer& x) { return x.follows && !x.learner; });
  if (static_cast<std::size_t>(follow) < followers_needed())
    return;
  ++followed_;
  for (auto& x : peers_)
    x.follows = false;
}

// ------------------------------------------------------------------ time

// A leader whose disk hangs confirms nothing: it says no more and leaves the shard to the others, if one of them is heard. Where
// all disks hang none would do better. An own write in this epoch may still be synced, as after any other loss of leadership.
bool machine::leave_to_others(outputs& out) {
  const auto goes_on = [this](const peer& p) { return !p.learner && p.unheard < std::max(options_.suspect_ticks / 2, 1U); };
  if (!disk_hangs() || options_.own_record || std::ranges::none_of(peers_, goes_on))
    return false;
  step_down("its disk hangs: a write has not come back", out);
  return true;
}

void machine::lead_through_tick(outputs& out) {
  if (leave_to_others(out))
    return;
  judge_disks();
  const bool fills = role_ == role::reconciling || role_ == role::serving;
  if (followers_needed() == 0)
    ++followed_;
  if (passing_)
    ++passing_->ticks;
  rest_ -= std::min(rest_, 1U);
  for (auto& p : peers_) {
    ++p.unheard;
    ++p.since_sent;
    p.rests -= std::min(p.rests, 1U);
    const bool due = p.since_sent >= options_.resend_ticks;
    if (ticks_ % options_.heartbeat_ticks == 0 && !write_in_promise())
      beat(p, out);
    if (!p.promised) {
      const bool wanted = !p.learner || fills || (replacing_ && same(replacing_->by, p.who));
      if (due && wanted && !write_in_promise())
        ask_promise(p, out);
      continue;
    }
    if (due)
      p.awaiting = false;
    replicate(p, out);
  }
  if (role_ == role::adopting && !write_ && ++since_pulled_ >= options_.resend_ticks)
    pull(out);
  if (role_ == role::promising && !write_)
    wait_for_outside(out);
  if (!write_ && !swap_out_ && leading())
    advance_membership(out);
}

}  // namespace janji::replication
