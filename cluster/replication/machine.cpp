#include "cluster/replication/machine.hpp"

#include <algorithm>
#include <utility>

#include "booking/assert.hpp"

namespace janji::replication {

void machine::step(input&& in, std::vector<output>& out) {
  if (auto* s = std::get_if<started>(&in)) {
    start(std::move(*s), out);
  } else if (auto* a = std::get_if<swap_answered>(&in)) {
    swap_came_back(std::move(*a), out);
  } else if (auto* b = std::get_if<append>(&in)) {
    assert_always(can_append(), "one batch in flight, and only while serving");
    write(b->batch, std::move(b->payload), false, out);
  } else if (auto* p = std::get_if<persisted>(&in)) {
    synced(p->number, out);
  } else if (auto* r = std::get_if<strict_read>(&in)) {
    out.push_back(strict_read_done{r->number, role_ == role::serving && alone()});
  } else if (auto* seen = std::get_if<record_seen>(&in)) {
    if (seen->record.record.epoch > record_.record.epoch && role_ != role::taking_over) {
      record_ = std::move(seen->record);
      step_down("a higher epoch was seen", out);
    }
  }
}

void machine::start(started&& s, std::vector<output>& out) {
  assert_always(role_ == role::stopped, "a machine starts once");
  promised_ = s.promised;
  tail_ = s.tail;
  record_ = std::move(s.record);
  assert_always(tail_.epoch <= promised_, "no entry is of an epoch that was not promised first");
  take_over(out);
}

// Rule 13: a restarted leader is no leader. It takes a new epoch, and names itself and changes nothing else (rule 9).
void machine::take_over(std::vector<output>& out) {
  role_ = role::taking_over;
  auto next = record_.record;
  if (record_.revision == 0) {
    next.in_sync = {self_};
    next.min_in_sync = min_in_sync_;
    next.replicas_wanted = 1;
  } else if (std::ranges::find(record_.record.in_sync, self_) == record_.record.in_sync.end()) {
    role_ = role::stopped;
    out.push_back(stepped_down{{}, "this disk is not in the shard's in-sync set: it must not lead"});
    return;
  }
  next.leader = self_;
  next.epoch = epoch_t{std::max(record_.record.epoch.value, promised_.value) + 1};
  out.push_back(swap_record{record_.revision, std::move(next)});
}

void machine::swap_came_back(swap_answered&& a, std::vector<output>& out) {
  if (role_ != role::taking_over)
    return;
  if (a.result == swap_result::unknown)  // as refused, until known: a later swap of one's own tells
    return take_over(out);
  record_ = std::move(a.record);
  if (a.result == swap_result::lost) {
    if (record_.record.leader == self_ || std::ranges::find(record_.record.in_sync, self_) != record_.record.in_sync.end())
      return take_over(out);
    return step_down("another replica was made leader", out);
  }
  assert_always(record_.record.epoch > promised_, "a node leads an epoch only if its promise was below it");
  role_ = role::promising;
  promised_ = record_.record.epoch;
  promise_in_flight_ = ++next_number_;
  out.push_back(persist{*promise_in_flight_, promised_, {}});
}

void machine::write(std::uint64_t batch, std::string&& payload, bool starts_epoch, std::vector<output>& out) {
  const position at{record_.record.epoch, sequence_t{tail_.sequence.value + 1}};
  in_flight_ = flight{++next_number_, at, batch, starts_epoch};
  persist p{in_flight_->number, std::nullopt, {}};
  p.entries.push_back({at, std::move(payload)});
  out.push_back(std::move(p));
}

void machine::synced(std::uint64_t number, std::vector<output>& out) {
  if (promise_in_flight_ == number) {
    promise_in_flight_.reset();
    if (role_ != role::promising)
      return;
    // Rule 10 for a set of one: the own log is the best one reported, nobody is to be cut; the epoch-start record follows.
    role_ = role::reconciling;
    return write(0, {}, true, out);
  }
  if (!in_flight_ || in_flight_->number != number)
    return;
  const auto done = *std::exchange(in_flight_, std::nullopt);
  tail_ = done.at;
  if (role_ != role::reconciling && role_ != role::serving)
    return;
  // Rule 4: every member of the confirmed record has it on disk, and there are at least min_in_sync of them.
  if (!alone() || record_.record.in_sync.size() < record_.record.min_in_sync)
    return;
  assert_always(done.at.sequence > commit_, "a commit never goes back");
  commit_ = done.at.sequence;
  if (done.starts_epoch) {
    role_ = role::serving;
    out.push_back(serving{record_.record.epoch});
  }
  out.push_back(committed{done.at, done.batch});
}

void machine::step_down(std::string why, std::vector<output>& out) {
  role_ = role::stopped;
  stepped_down s{{}, std::move(why)};
  if (in_flight_ && !in_flight_->starts_epoch)
    s.unknown.push_back(in_flight_->batch);
  out.push_back(std::move(s));
}

}  // namespace janji::replication
