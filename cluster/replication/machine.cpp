#include "cluster/replication/machine.hpp"

#include <algorithm>
#include <utility>

#include "booking/assert.hpp"

namespace janji::replication {

void machine::step(input&& in, outputs& out) {
  if (auto* s = std::get_if<started>(&in)) {
    start(std::move(*s), out);
  } else if (auto* a = std::get_if<swap_answered>(&in)) {
    if (write_)
      waiting_.push_back(std::move(in));  // one swap is under way at most
    else
      swap_came_back(std::move(*a), out);
  } else if (auto* b = std::get_if<append>(&in)) {
    assert_always(can_append(), "one batch in flight, and only while serving");
    write(b->batch, std::move(b->payload), false, out);
  } else if (auto* p = std::get_if<persisted>(&in)) {
    synced(p->number, out);
  } else if (auto* r = std::get_if<strict_read>(&in)) {
    read_strictly(r->number, out);
  } else if (auto* seen = std::get_if<record_seen>(&in)) {
    see(std::move(seen->record), out);
  } else if (auto* m = std::get_if<received>(&in)) {
    receive(std::move(*m), out);
  } else if (auto* t = std::get_if<tick>(&in)) {
    pass_time(*t, out);
  } else if (const auto* there = std::get_if<registration_seen>(&in)) {
    see_registration(there->who);
  } else if (auto* l = std::get_if<link_broken>(&in)) {
    doubt(l->node);
    if (role_ == role::stopped && record_.record.leader.node == l->node)
      leader_unheard_ = std::max(leader_unheard_, options_.suspect_ticks - std::min(options_.relink_ticks, options_.suspect_ticks));
  } else if (auto* e = std::get_if<entries_read>(&in)) {
    got_entries(std::move(*e), out);
  } else if (auto* n = std::get_if<snapshot_read>(&in)) {
    got_snapshot(std::move(*n), out);
  } else if (auto* c = std::get_if<compacted>(&in)) {
    assert_always(c->up_to <= commit_, "only what is committed is compacted");
    log_.compact(c->up_to);
  } else if (auto* o = std::get_if<order>(&in)) {
    obey(*o, out);
  } else if (auto* k = std::get_if<table_acknowledged>(&in)) {
    if (!passing_ || passing_->number != k->number)
      return;
    passing_->acknowledged = true;
    advance_membership(out);
  } else if (auto* h = std::get_if<table_received>(&in)) {
    received_ = *h;
  } else if (const auto* told = std::get_if<outside_told>(&in)) {
    heard_of_outside(*told, out);
  }
}

// ------------------------------------------------------------------ lives and records

void machine::start(started&& s, outputs& out) {
  assert_always(!std::exchange(started_, true), "a machine starts once");
  promised_ = s.promised;
  const bool shaped = s.log.tail == s.tail;
  assert_always(shaped || s.log == log_shape{}, "the shape of the log ends where the log ends");
  log_ = shaped ? std::move(s.log) : log_shape::starting_at(s.tail);
  unfit_ = std::move(s.unfit);
  restarted_ = s.tail.sequence.value != 0;
  record_ = newest_ = std::move(s.record);
  learn_floor(record_);
  commit_ = std::max(s.commit, log_.base.sequence);
  if (options_.own_record && !shaped)
    commit_ = s.commit;
  assert_always(log_.tail.epoch <= promised_, "no entry is of an epoch that was not promised first");
  if (commit_ > log_.tail.sequence) {
    out.push_back(alarm{self_, "this disk forgot entries that it knew to be committed"});
    forgot_ = std::exchange(commit_, log_.tail.sequence);
  }
  if (options_.own_record)
    return take_over(out);
  if (!same(record_.record.leader, self_) || !may_stand())
    return;
  if (options_.faults.resume_epoch_after_restart && promised_ == record_.record.epoch)
    return lead(out);
  take_over(out);
}

void machine::learn_floor(const versioned_record& shown) {
  if (!floor_ && (shown.revision != 0 || options_.own_record || options_.faults.trust_own_promise))
    floor_ = options_.own_record || options_.faults.trust_own_promise ? epoch_t{} : shown.record.epoch;
}

bool machine::same(const member& a, const member& b) const {
  return options_.faults.wiped_disk_keeps_membership ? a.node == b.node : a == b;
}

bool machine::contains(const std::vector<member>& list, const member& m) const {
  return std::ranges::any_of(list, [&](const member& x) { return same(x, m); });
}

bool machine::may_stand() const {
  if (options_.faults.restart_is_new_member && restarted_)
    return false;
  return unfit_.empty() && contains(record_.record.in_sync, self_);
}

void machine::swap(std::uint64_t revision, shard_record next, std::optional<member> registered, outputs& out) {
  assert_always(!swap_out_, "one swap is under way at a time");
  next.epoch = epoch_t{std::max(record_.record.epoch.value, promised_.value) + 1};
  if (same(next.leader, self_))
    next.leader_boot = options_.boot;
  swap_out_ = next;
  out.push_back(swap_record{revision, std::move(next), registered});
}

// Rule 13: a restarted leader is no leader. It takes a new epoch, and names itself and changes nothing else (rule 9).
void machine::take_over(outputs& out) {
  role_ = role::taking_over;
  auto next = record_.record;
  if (record_.revision == 0) {
    next.in_sync = {self_};
    next.min_in_sync = options_.min_in_sync;
    next.replicas_wanted = 1;
  } else if (!may_stand()) {
    role_ = role::stopped;
    out.push_back(stepped_down{{}, unfit_.empty() ? "this disk is not in the shard's in-sync set: it must not lead" : unfit_});
    return;
  }
  if (options_.faults.takeover_drops_old_leader && next.leader != self_ && next.in_sync.size() > next.min_in_sync)
    std::erase(next.in_sync, next.leader);
  next.leader = self_;
  next.tenure = {epoch_t{std::max(record_.record.epoch.value, promised_.value) + 1}, options_.boot.value};
  next.hand_over = 0;
  swap(record_.revision, std::move(next), std::nullopt, out);
}

void machine::swap_came_back(swap_answered&& a, outputs& out) {
  if (!swap_out_)
    return;
  const auto sent = *std::exchange(swap_out_, std::nullopt);
  if (a.result == swap_result::unknown && options_.faults.unknown_swap_is_won)
    a = {swap_result::won, {record_.revision + 1, sent}};
  if (a.result == swap_result::unregistered && options_.faults.unregistered_is_lost)
    a.result = swap_result::lost;
  if (role_ == role::taking_over) {
    stood(a, out);
  } else if (leading() && pending_) {
    const bool won = a.result == swap_result::won;
    if (won) {
      record_ = std::move(a.record);
      const bool leads = same(record_.record.leader, self_) && record_.record.epoch > promised_;
      leads ? lead(out, true) : step_down("leadership was handed over", out);
    } else if (a.result == swap_result::not_done || (a.result == swap_result::unknown && options_.faults.unknown_swap_is_refused)) {
      give_up_change(out);
    } else if (a.result == swap_result::unregistered) {
      find_unregistered(out);
    } else if (a.result == swap_result::unknown && options_.faults.read_settles_unknown_swap) {
      pending_->unknown = true;
    } else {
      step_down(a.result == swap_result::lost ? "a swap was lost" : "the outcome of a swap is unknown", out);
    }
  }
  if (a.result == swap_result::lost && role_ != role::taking_over)
    see(std::move(a.record), out);
  if (!swap_out_ && newest_.record.epoch > record_.record.epoch)
    see(versioned_record{newest_}, out);
}

// The answer to a take-over.
void machine::stood(const swap_answered& a, outputs& out) {
  // Unknown is as refused, until known: a later swap of one's own tells, or a higher epoch.
  if (a.result == swap_result::unknown || a.result == swap_result::not_done) {
    if (options_.own_record)
      return take_over(out);
    role_ = role::stopped;
    leader_unheard_ = options_.suspect_ticks;
    suspect_after_ = options_.suspect_ticks + static_cast<std::uint32_t>(random_ % (options_.backoff_ticks + 1));
    return;
  }
  if (a.record.record.epoch >= record_.record.epoch)
    record_ = a.record;
  const bool mine = same(record_.record.leader, self_);
  if (a.result == swap_result::lost) {
    if (options_.own_record && (mine || contains(record_.record.in_sync, self_)))
      return take_over(out);
    step_down("another replica was made leader", out);
    return lead_if_named(out);
  }
  // A node leads an epoch only if its promise was below it; otherwise it needs another swap (rule 9).
  if (mine && record_.record.epoch > promised_)
    return lead(out);
  if (options_.own_record)
    return take_over(out);
  step_down("it promised a higher epoch while its swap was under way", out);
}

void machine::see(versioned_record&& r, outputs& out) {
  if (options_.faults.read_settles_unknown_swap && leading() && pending_ && pending_->unknown && r.record.epoch == record_.record.epoch) {
    pending_.reset();
    try_commit(out);
  }
  learn_floor(r);
  if (r.record.epoch > newest_.record.epoch)
    newest_ = r;
  // A swap of one's own is under way: its answer comes, and what is seen meanwhile may be what it wrote.
  if (role_ == role::taking_over || (swap_out_ && r.record.epoch <= swap_out_->epoch))
    return;
  if (r.record.epoch <= record_.record.epoch)
    return;
  record_ = std::move(r);
  if (leading())
    step_down("a higher epoch was seen", out);
  lead_if_named(out);
}

void machine::lead_if_named(outputs& out) {
  if (role_ != role::stopped || options_.own_record || write_ || swap_out_ || disk_hangs())
    return;
  const auto boot = record_.record.leader_boot;
  const bool another_start = boot != boot_t{} && boot != options_.boot && !options_.faults.lead_for_another_boot;
  if (same(record_.record.leader, self_) && record_.record.epoch > promised_at_least() && may_stand() && !another_start)
    lead(out);
}

// This replica is the leader that the record names: it promises that before anything else, then reconciles (rule 10). Its
// tenure is a new one unless it led until now, or has been handed over whole: an epoch is led only once, so its name is new.
void machine::lead(outputs& out, bool without_a_break) {
  assert_always(record_.record.epoch > promised_ || options_.faults.resume_epoch_after_restart,
                "a node leads an epoch only if its promise was below it");
  assert_always(!write_, "nothing is on its way to disk when an epoch begins");
  if (in_flight_ && !in_flight_->starts_epoch)
    carried_ = std::move(in_flight_);
  in_flight_.reset();
  role_ = role::promising;
  promised_ = record_.record.epoch;
  if (!without_a_break) {
    const auto& r = record_.record;
    const bool whole = r.hand_over != 0 && received_ && received_->number == r.hand_over && received_->tenure == r.tenure;
    tenure_ = whole ? r.tenure : tenure_id{r.epoch, options_.boot.value};
    goes_on_with_ = whole ? r.hand_over : 0;
    look_outside(out);
  }
  hand_overs_ = 0;
  vouched_ = {};
  rest_ = 0;
  pending_.reset();
  end_hand_over();
  replacing_.reset();
  adopting_from_.reset();
  make_peers();
  if (options_.faults.commit_old_epochs && log_.tail.sequence > commit_) {
    commit_ = log_.tail.sequence;
    out.push_back(committed{log_.tail, 0, promised_});
  }
  begin_write(out).promise = promised_;
  write_->promise = true;
}

void machine::step_down(std::string why, outputs& out) {
  role_ = role::stopped;
  stepped_down s{{}, std::move(why)};
  for (const auto* f : {&carried_, &in_flight_})
    if (*f && !(*f)->starts_epoch)
      s.unknown.push_back((*f)->batch);
  carried_.reset();
  in_flight_.reset();
  pending_.reset();
  end_hand_over();
  replacing_.reset();
  adopting_from_.reset();
  peers_.clear();
  out.push_back(std::move(s));
  for (const auto& r : std::exchange(reads_, {}))
    out.push_back(strict_read_done{r.number, false});
  round_open_ = false;
  heard_leader({});
}

// ------------------------------------------------------------------ writes

persist& machine::begin_write(outputs& out) {
  assert_always(!write_, "one write of a shard is on its way to disk at a time");
  write_ = write_under_way{};
  write_->number = ++next_number_;
  out.push_back(persist{write_->number, std::nullopt, {}, std::nullopt, std::nullopt});
  return std::get<persist>(out.back());
}

void machine::synced(std::uint64_t number, outputs& out) {
  if (!write_ || write_->number != number)
    return;
  auto w = *std::exchange(write_, std::nullopt);
  if (w.installed) {
    log_ = log_shape::starting_at(*w.installed);
    commit_ = std::max(commit_, w.installed->sequence);
  }
  if (w.cut_after)
    log_.cut(*w.cut_after);
  for (const auto& p : w.appended)
    log_.append(p);
  for (auto& o : w.then)
    out.push_back(std::move(o));
  if (w.vouched)
    vouch(*w.vouched, w.told_commit, out);
  if (role_ == role::promising && w.promise) {
    ask_promises(out);
  } else if (role_ == role::adopting) {
    log_.tail == adopt_to_ ? check_promises(out) : pull(out);
  } else if (in_flight_ && log_.tail == in_flight_->at) {
    for (auto& p : peers_)
      replicate(p, out);
    try_commit(out);
  }
  lead_if_named(out);
  while (!write_ && !waiting_.empty()) {
    auto next = std::move(waiting_.front());
    waiting_.pop_front();
    auto* m = std::get_if<received>(&next);
    if (m != nullptr && (m->head.from_boot >= boots_[m->head.from] || options_.faults.ignore_boot))
      handle(std::move(*m), out);  // its sender has not started again while it waited
    else if (m == nullptr)
      swap_came_back(std::move(std::get<swap_answered>(next)), out);
  }
}

// ------------------------------------------------------------------ messages and time

namespace {
// What a leader says; the rest answers it.
bool asks(const message& m) {
  return std::holds_alternative<promise_request>(m) || std::holds_alternative<pull_request>(m) ||
         std::holds_alternative<append_request>(m) || std::holds_alternative<install_request>(m) || std::holds_alternative<heartbeat>(m);
}
}  // namespace

header machine::reply_to(const header& asked) const { return {asked.epoch, self_, options_.boot, asked.from, asked.from_boot}; }

void machine::answer(const header& asked, message what, outputs& out) { out.push_back(send{reply_to(asked), std::move(what)}); }

void machine::say(const member& to, message what, outputs& out) {
  const auto life = boots_.find(to);
  out.push_back(send{{record_.record.epoch, self_, options_.boot, to, life == boots_.end() ? boot_t{} : life->second}, std::move(what)});
}

void machine::receive(received&& m, outputs& out) {
  if (!same(m.head.to, self_))
    return;
  if (boots_.size() >= limits::lives_max)
    forget_strangers(m.head.from);
  auto& life = boots_[m.head.from];
  if (!options_.faults.ignore_boot) {  // of a former life, of either end
    if (m.head.from_boot < life)
      return;
    if (m.head.to_boot != boot_t{} && m.head.to_boot != options_.boot) {
      if (asks(m.what) && !write_)
        refuse(m.head, false, out);  // so that the sender hears of the present life
      return;
    }
    if (m.head.from_boot > life && life != boot_t{})
      new_life(m.head.from);
  }
  life = std::max(life, m.head.from_boot);
  doubted_.erase(m.head.from.node);
  const auto* no = std::get_if<refusal>(&m.what);
  if (auto* p = peer_of(m.head.from); p != nullptr && (no == nullptr || !no->blocked)) {
    p->unheard = 0;
    p->heard = true;
  }
  if (!write_ && disk_hangs() && asks(m.what))
    return;  // whoever asks is to go on without it
  if (!write_)
    return handle(std::move(m), out);
  if (waiting_.size() < limits::waiting_messages_max)
    waiting_.push_back(std::move(m));
}

void machine::handle(received&& m, outputs& out) {
  const auto& h = m.head;
  if (auto* a = std::get_if<promise_request>(&m.what))
    return asked_to_promise(h, std::move(*a), out);
  if (auto* a = std::get_if<append_request>(&m.what))
    return asked_to_append(h, std::move(*a), out);
  if (auto* a = std::get_if<install_request>(&m.what))
    return asked_to_install(h, std::move(*a), out);
  if (auto* a = std::get_if<heartbeat>(&m.what))
    return heard_heartbeat(h, *a, out);
  if (auto* a = std::get_if<pull_request>(&m.what))
    return asked_to_send(h, *a, out);
  // The rest answers a leader, and only in the epoch that it leads.
  auto* from = peer_of(h.from);
  if (!leading() || h.epoch != record_.record.epoch || from == nullptr)
    return;
  if (!std::holds_alternative<refusal>(m.what))
    count_follower(*from);
  if (auto* a = std::get_if<promise>(&m.what))
    promised_by(h, std::move(*a), out);
  else if (auto* b = std::get_if<pulled>(&m.what))
    got_pulled(h, std::move(*b), out);
  else if (auto* c = std::get_if<acknowledgement>(&m.what))
    acknowledged(h, *c, out);
  else if (auto* d = std::get_if<refusal>(&m.what))
    refused(h, std::move(*d), out);
  else
    confirmed_round(h, std::get<heartbeat_answer>(m.what), out);
}

void machine::pass_time(const tick& t, outputs& out) {
  random_ = t.random;
  disk_busy_ = t.disk_busy;
  disk_us_ = t.disk_us;
  records_away_ = t.records_away;
  ++ticks_;
  for (auto& [node, age] : doubted_)
    ++age;
  std::erase_if(doubted_, [this](const auto& d) { return d.second > 2 * options_.silent_ticks; });
  if (write_)
    ++write_->age;
  if (leading())
    return lead_through_tick(out);
  if (role_ != role::stopped)
    return;
  ++leader_unheard_;
  lead_if_named(out);
  suspect(out);
}

}  // namespace janji::replication
