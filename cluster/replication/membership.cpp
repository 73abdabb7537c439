// How the record changes while a replica leads: silent members dropped, learners added, leadership handed over, a dead
// member replaced (rules 5 to 7, 15, 21). One swap at a time; each that is won begins a new epoch.
#include <algorithm>
#include <utility>

#include "cluster/replication/machine.hpp"

namespace janji::replication {

void machine::change_record(change what, const member& who, shard_record next, std::optional<member> registered, outputs& out) {
  if (what != change::hand_over) {
    next.tenure = tenure_;
    next.hand_over = 0;
  }
  pending_ = pending_swap{what, who, next, false};
  swap(record_.revision, std::move(next), registered, out);
  if (options_.faults.shrink_before_confirmed)
    try_commit(out);
}

// It has not happened and will not: the epoch goes on as it was, and the next change waits for a while.
void machine::give_up_change(outputs& out) {
  pending_.reset();
  end_hand_over();
  rest_ = options_.silent_ticks;
  try_commit(out);
}

// As above, and the record is as this replica knows it: it leads on, and nothing else waits. The learner is tried again when its
// registration shows, or after a wait that grows: a lease that lapsed may come back unseen.
void machine::find_unregistered(outputs& out) {
  const auto who = pending_->who;
  const auto what = pending_->what;
  pending_.reset();
  if (what == change::replace)
    replacing_.reset();  // whoever ordered it orders again, perhaps another
  if (auto* p = peer_of(who)) {
    p->unregistered = std::min(2 * p->unregistered + 1, limits::unregistered_rests_max);
    p->rests = p->unregistered * options_.silent_ticks;
  }
  try_commit(out);
}

void machine::see_registration(const member& who) {
  if (auto* p = peer_of(who))
    p->rests = 0;
}

bool machine::waits_for_registration(const member& who) const {
  return std::ranges::any_of(peers_, [&](const peer& p) { return same(p.who, who) && p.rests != 0; });
}

// ------------------------------------------------------------------ orders

void machine::obey(const order& o, outputs& out) {
  auto why = why_not(o);
  out.push_back(order_answered{o.number, why.empty(), why});
  if (!why.empty())
    return;
  auto next = record_.record;
  switch (o.what) {
    case order::verb::add_learner:
      next.learners.push_back(o.who);
      return change_record(change::add_learner, o.who, std::move(next), o.who, out);
    case order::verb::remove:
      std::erase(next.in_sync, o.who);
      std::erase(next.learners, o.who);
      return change_record(change::remove, o.who, std::move(next), std::nullopt, out);
    case order::verb::hand_over: hand_over_to_ = o.who; break;
    case order::verb::replace: replacing_ = replacement{o.who, o.by}; break;
  }
  advance_membership(out);
}

// Empty: it can be done.
std::string machine::why_not(const order& o) {
  const auto& r = record_.record;
  if (!leading())
    return "this replica does not lead the shard";
  if (rest_ != 0)
    return "the configuration store cannot be reached";
  if (swap_out_ || pending_ || hand_over_to_ || replacing_)
    return "another change of the record is under way";
  if (write_ && o.what != order::verb::hand_over)  // which waits for it; under load there is always one
    return "a write is on its way to disk: ask again";
  const bool in_sync = contains(r.in_sync, o.who);
  const bool learns = contains(r.learners, o.who);
  switch (o.what) {
    case order::verb::add_learner: return in_sync || learns ? "it is a replica of the shard already" : "";
    case order::verb::remove:
      if (same(o.who, self_))
        return "it leads: hand over first";
      if (!in_sync && !learns)
        return "it is no replica of the shard";
      if (in_sync && r.in_sync.size() <= r.min_in_sync)
        return "the in-sync set would fall below min_in_sync";
      return in_sync && in_sync_heard() - (heard_lately(*peer_of(o.who)) ? 1 : 0) < r.min_in_sync
                 ? "too few of the others are heard: ask again"
                 : "";
    case order::verb::hand_over:
      if (role_ != role::serving)
        return "the shard does not serve";
      return !in_sync || same(o.who, self_) ? "only another in-sync member can take over" : "";
    case order::verb::replace:
      if (!in_sync || same(o.who, self_))
        return "it is not another in-sync member";
      if (!silent(*peer_of(o.who)))
        return "it is heard";
      if (!outside_.at)
        return "it is not known yet what stands outside as committed: ask again";
      if (forgot_ || missing())
        return "this disk forgot entries: it must not be the one that is trusted";
      if (r.in_sync.size() > r.min_in_sync && (in_sync_not_silent() >= r.min_in_sync || options_.faults.replace_at_the_floor_only))
        return "enough of the set are heard: silent members are dropped without an order";
      return contains(r.learners, o.by) ? "" : "what takes its place must be a learner first";
  }
  return "no such order";
}

// ------------------------------------------------------------------ steps

void machine::advance_membership(outputs& out) {
  if (write_ || swap_out_ || pending_ || rest_ != 0)
    return;
  if (advance_replacement(out) || shrink(out) || demote(out) || advance_hand_over(out))
    return;
  (void)grow(out);
}

// Rule 21, on an operator's word, where fewer of the set are heard than the floor wants: nothing is admitted, the learner gets all that
// this disk holds, one swap replaces the dead.
bool machine::advance_replacement(outputs& out) {
  if (!replacing_)
    return false;
  auto* by = peer_of(replacing_->by);
  auto* dead = peer_of(replacing_->dead);
  if (by == nullptr || dead == nullptr || !silent(*dead) || silent(*by)) {
    replacing_.reset();  // it is not dead, or what takes its place is; whoever ordered it orders again
    return false;
  }
  if (role_ == role::adopting) {  // the better log is on the dead disk, and this one is trusted alone
    role_ = role::promising;
    dead->promised = false;
  }
  if (!by->promised) {
    if (by->since_sent >= options_.resend_ticks)
      ask_promise(*by, out);
    return true;
  }
  if (by->acked < log_.tail.sequence || (in_flight_ && in_flight_->at > log_.tail)) {
    replicate(*by, out);
    return true;
  }
  auto next = record_.record;
  std::ranges::replace(next.in_sync, replacing_->dead, replacing_->by);
  std::erase(next.learners, replacing_->by);
  change_record(change::replace, by->who, std::move(next), by->who, out);
  return true;
}

// Rule 15: nothing more is admitted; when all is committed one swap names the other leader.
bool machine::advance_hand_over(outputs& out) {
  if (!hand_over_to_)
    return false;
  const auto* to = peer_of(*hand_over_to_);
  if (role_ != role::serving || to == nullptr || silent(*to)) {
    end_hand_over();
    return false;
  }
  if (in_flight_ || !pass_on(to->who, out))
    return true;
  auto next = record_.record;
  next.leader = to->who;
  const auto heir = boots_.find(to->who);
  next.leader_boot = heir == boots_.end() ? boot_t{} : heir->second;
  next.tenure = passing_->acknowledged ? tenure_ : tenure_id{epoch_t{promised_.value + 1}, next.leader_boot.value};
  next.hand_over = passing_->acknowledged ? passing_->number : 0;
  change_record(change::hand_over, to->who, std::move(next), std::nullopt, out);
  return true;
}

// What the heir must know to go on with the tenure goes to it under a number that is used once; true when it has it, or need
// not be waited for any longer: then it begins a tenure of its own.
bool machine::pass_on(const member& to, outputs& out) {
  constexpr unsigned tries_bits = 24;
  if (!passing_) {
    passing_ = passing{record_.record.epoch.value << tries_bits | ++hand_overs_, 0, false};
    out.push_back(pass_table{passing_->number, to});
    return false;
  }
  return passing_->acknowledged || passing_->ticks >= options_.pass_ticks;
}

void machine::end_hand_over() {
  hand_over_to_.reset();
  passing_.reset();
}

// Whether it is there, as far as anybody can know: it was heard in this epoch, in the last two rounds of heartbeats, and its link holds.
bool machine::heard_lately(const peer& p) const {
  if (options_.faults.unheard_counts)
    return !silent(p);
  return p.heard && p.unheard <= 2 * options_.heartbeat_ticks && !silent(p);
}

// This replica included. Only on the word of these another is dropped: with one that is a lost disk, or dying itself, the set would be
// left with nobody who could mend it.
std::size_t machine::in_sync_heard() const {
  return 1 + static_cast<std::size_t>(std::ranges::count_if(peers_, [&](const peer& p) { return !p.learner && heard_lately(p); }));
}

// This replica included. Whoever was not heard yet may be there: an operator's order does not go over its head.
std::size_t machine::in_sync_not_silent() const {
  return 1 + static_cast<std::size_t>(std::ranges::count_if(peers_, [&](const peer& p) { return !p.learner && !silent(p); }));
}

// Rules 5 and 6. Only when those who are left and heard are enough to go on.
bool machine::shrink(outputs& out) {
  const auto& r = record_.record;
  if (options_.faults.nobody_dropped_reconciling && role_ != role::serving)
    return false;
  const bool compares = role_ == role::promising || role_ == role::adopting;
  if (compares && behind_outside())
    return false;  // the one that is silent may be the one that holds it
  const auto floor = options_.faults.no_floor ? 1U : r.min_in_sync;
  if (r.in_sync.size() <= floor || in_sync_heard() < floor)
    return false;
  const auto gone = std::ranges::find_if(peers_, [&](const peer& p) { return !p.learner && silent(p); });
  if (gone == peers_.end())
    return false;
  auto next = r;
  std::erase(next.in_sync, gone->who);
  remember_drop(gone->who, 0, limits::silent_wait_ticks, limits::silent_wait_ticks_max);
  change_record(change::shrink, gone->who, std::move(next), std::nullopt, out);
  return true;
}

// ------------------------------------------------------------------ slow disks

// Of the in-sync members that are heard.
std::uint32_t machine::usual_disk_us() const {
  std::vector<std::uint32_t> known;
  if (disk_us_ != 0)
    known.push_back(disk_us_);
  for (const auto& p : peers_)
    if (!p.learner && p.disk_us != 0 && !silent(p))
      known.push_back(p.disk_us);
  return usual_write_us(std::move(known), record_.record.min_in_sync);
}

bool machine::is_slow(std::uint32_t us) const {
  if (options_.faults.slow_disks_stay || options_.own_record)
    return false;
  if (options_.faults.slow_is_absolute)
    return us >= options_.slow.least_us;
  return options_.slow.is_slow(us, usual_disk_us());
}

// With every tick. What is only sometimes slow never is for long.
void machine::judge_disks() {
  const auto judge = [this](std::uint32_t us, std::uint32_t& slow_for) { slow_for = is_slow(us) ? slow_for + 1 : 0; };
  judge(disk_us_, slow_for_);
  for (auto& p : peers_)
    judge(p.disk_us, p.slow_for);
  for (auto& [who, d] : dropped_) {
    d.wait -= std::min(d.wait, 1U);
    ++d.ago;
  }
  std::erase_if(dropped_,
                [](const auto& d) { return d.second.ago > limits::drop_remembered_ticks + limits::drop_remembered_waits * d.second.next; });
}

void machine::remember_drop(const member& who, std::uint32_t first, std::uint32_t shortest, std::uint32_t longest) {
  if (dropped_.size() >= limits::drops_max && !dropped_.contains(who))
    dropped_.erase(std::ranges::max_element(dropped_, {}, [](const auto& d) { return d.second.ago; }));
  const auto [it, is_first] = dropped_.try_emplace(who);
  auto& d = it->second;
  d.wait = is_first ? first : d.next;
  d.next = std::clamp(2 * d.wait, shortest, std::max(longest, d.next));
  d.ago = 0;
}

// Whether a learner that has everything is not to be taken in yet. Where too few of the set are there, a slow disk is better than none.
bool machine::waits(const peer& p) const {
  if (options_.faults.slow_disks_come_back || in_sync_not_silent() < record_.record.min_in_sync)
    return false;
  const auto d = dropped_.find(p.who);
  return is_slow(p.disk_us) || (d != dropped_.end() && d->second.wait != 0);
}

bool machine::has_slow_disk(const member& who) const {
  const auto p = std::ranges::find_if(peers_, [&](const peer& x) { return same(x.who, who); });
  return p != peers_.end() && is_slow(p->disk_us);
}

std::optional<member> machine::faster_leader() const {
  if (role_ != role::serving || records_away_ || slow_for_ < options_.slow_leader_ticks ||
      record_.record.in_sync.size() <= record_.record.min_in_sync)
    return std::nullopt;
  const peer* best = nullptr;
  for (const auto& p : peers_)
    if (!p.learner && p.disk_us != 0 && !silent(p) && (best == nullptr || p.disk_us < best->disk_us))
      best = &p;
  return best != nullptr && !is_slow(best->disk_us) ? std::optional{best->who} : std::nullopt;
}

// A slow member costs every batch its time, and is worth less than that while enough others are left. It stays a learner that is
// sent everything, and so is the first to be taken in again.
bool machine::demote(outputs& out) {
  const auto& r = record_.record;
  if (role_ != role::serving || records_away_ || hand_over_to_ || r.in_sync.size() <= r.min_in_sync)
    return false;
  const peer* slowest = nullptr;
  for (const auto& p : peers_)
    if (!p.learner && p.slow_for >= options_.slow_member_ticks && !silent(p) && (slowest == nullptr || p.disk_us > slowest->disk_us))
      slowest = &p;
  if (slowest == nullptr || in_sync_heard() <= r.min_in_sync)
    return false;
  const auto who = slowest->who;
  auto next = r;
  std::erase(next.in_sync, who);
  next.learners.push_back(who);
  remember_drop(who, limits::slow_wait_ticks, limits::slow_wait_ticks, limits::slow_wait_ticks_max);
  change_record(change::demote, who, std::move(next), std::nullopt, out);
  return true;
}

// Rule 7: a learner that has everything; only the disk that caught up gets in. A set below the floor, which is none but an
// operator's doing (unsafe-promote), grows before it serves.
bool machine::grow(outputs& out) {
  const bool below_floor = role_ == role::reconciling && record_.record.in_sync.size() < record_.record.min_in_sync;
  if (!below_floor && (role_ != role::serving || records_away_))
    return false;
  const auto ready = std::ranges::find_if(peers_, [&](const peer& p) {
    return p.learner && p.rests == 0 && !waits(p) && p.ordered && p.promised && !silent(p) && p.acked >= log_.tail.sequence;
  });
  if (ready == peers_.end())
    return false;
  auto next = record_.record;
  std::erase(next.learners, ready->who);
  next.in_sync.push_back(ready->who);
  change_record(change::grow, ready->who, std::move(next), options_.faults.register_any_disk ? std::nullopt : std::optional{ready->who},
                out);
  return true;
}

}  // namespace janji::replication
