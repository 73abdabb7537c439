// Checkpoints: every owner with events since its last snapshot gives a new one; then the log up to there need not be read again.
#include <algorithm>
#include <utility>

#include "actors/shard.hpp"

namespace janji::actors {

void shard_actor::checkpoint_when_due() {
  if (checkpoint_at_)
    return;
  if (flushing_) {
    if (!queue_.empty() || !in_flight_.empty())
      return;
    if (events_since_checkpoint_ == 0)
      return flushed();
    return begin_checkpoint();
  }
  if (events_since_checkpoint_ >= shared_.options.snapshot_every_events)
    begin_checkpoint();
}

// Every owner with events since its last snapshot gives a new one; then the log up to here need not be replayed.
void shard_actor::begin_checkpoint() {
  checkpoint_at_ = machine_.commit();
  const auto events = std::exchange(events_since_checkpoint_, 0);
  for (auto& [who, o] : owners_) {
    if (o.last_event <= o.snapshot_at)
      continue;
    if (who.kind == schema::owner_kind::rounds) {
      awaited_.insert(who);
      caf::anon_send(shared_.rounds, snapshot_request{*checkpoint_at_});
    } else if (o.state == life::active) {
      awaited_.insert(who);
      caf::anon_send(o.handle, snapshot_request{*checkpoint_at_});
    } else if (o.state != life::absent || !o.tail.empty() || o.failed) {
      checkpoint_at_.reset();  // on its way in or out: later
      awaited_.clear();
      events_since_checkpoint_ = events;
      return;
    }
  }
  if (admission_at_ > admission_snapshot_at_)
    rows_.push_back({shard_, schema::owner::of_admission(), admission_at_, schema::encode_admission(*admission_)});
  if (awaited_.empty())
    finish_checkpoint();
}

// An answer to a checkpoint that was given up is older than what this one stands for.
void shard_actor::take_snapshot(snapshot_taken& s) {
  const bool rounds = s.who.kind == schema::owner_kind::rounds;
  if (checkpoint_at_ != s.checkpoint || (!rounds && owner_of(s.who).incarnation != s.incarnation) || awaited_.erase(s.who) == 0)
    return;
  rows_.push_back({shard_, s.who, s.applied, std::move(s.bytes)});
  if (awaited_.empty())
    finish_checkpoint();
}

void shard_actor::finish_checkpoint() {
  for (const auto& row : rows_) {
    if (row.who.kind == schema::owner_kind::admission) {
      admission_snapshot_at_ = row.applied;
      continue;
    }
    auto& o = owner_of(row.who);
    o.snapshot_at = std::max(o.snapshot_at, row.applied);
  }
  caf::anon_send(shared_.archive, write_snapshots{shard_, std::exchange(rows_, {}), checkpoint_at_, caf::actor_cast<caf::actor>(this)});
  checkpoint_at_.reset();
}

// Where the shard is led elsewhere: so that a take-over need not read all of the log. Positions are counted for want of events: few
// entries have more than two.
void shard_actor::checkpoint_from_log() {
  const auto committed = machine_.commit();
  if (machine_.current_role() != replication::machine::role::stopped || makes_checkpoint_ || flushing_ ||
      committed.value < std::max(last_checkpoint_, tried_checkpoint_).value + shared_.options.snapshot_every_events)
    return;
  makes_checkpoint_ = true;
  tried_checkpoint_ = committed;
  caf::anon_send(shared_.archive, make_checkpoint_here{shard_, last_checkpoint_, committed, caf::actor_cast<caf::actor>(this)});
}

void shard_actor::flushed() {
  if (events_since_checkpoint_ != 0 || !queue_.empty() || !in_flight_.empty())
    return checkpoint_when_due();
  flushing_ = false;
  ++shared_.shards_flushed;
}

}  // namespace janji::actors
