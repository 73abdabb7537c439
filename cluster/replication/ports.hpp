// What goes into the replication machine and what comes out. Who serves it, and under which contract: README.md.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "cluster/replication/messages.hpp"
#include "cluster/replication/types.hpp"

namespace janji::replication {

// ---- inputs
// What the disk says at start, and the record as read then.
struct started {
  epoch_t promised;
  position tail;
  versioned_record record;
  log_shape log;      // without it everything up to the tail is one lump, and only a snapshot can hand it on
  sequence_t commit;  // up to here it was known to be committed, at least
  std::string unfit;  // why this replica must not lead: its store did not open cleanly, its counters disagree
};
// Always comes, at least as unknown; one swap is under way at a time.
struct swap_answered {
  swap_result result = swap_result::unknown;
  versioned_record record;  // won: as it is now; lost, unregistered: as it was found
};
// The batch becomes one log entry. Only when can_append().
struct append {
  std::uint64_t batch = 0;
  std::string payload;
};
// The `persist` with this number is synced.
struct persisted {
  std::uint64_t number = 0;
};
// Asks for a round of heartbeats; answered by strict_read_done.
struct strict_read {
  std::uint64_t number = 0;
};
// The configuration store shows a record (watch); a higher epoch deposes.
struct record_seen {
  versioned_record record;
};
struct received {
  header head;
  message what;
};
// Time passes: the only way it enters. `random` makes back-offs differ. `disk_busy`: for how many ticks the oldest operation on
// this replica's disk has not come back, whichever shard's it is; 0: none is under way.
struct tick {
  std::uint64_t random = 0;
  std::uint32_t disk_busy = 0;
  std::uint32_t disk_us = 0;  // how long a write to it takes lately; 0: not known
  bool records_away = false;  // the store of records is known not to answer: what can wait is not begun
};
// The configuration store shows that this disk is registered for its node (again).
struct registration_seen {
  member who;
};
// The link to this node broke: if it leads, nobody waits for its heartbeats.
struct link_broken {
  std::uint64_t node = 0;
};
// Answers read_entries; empty: those are compacted.
struct entries_read {
  std::uint64_t number = 0;
  std::vector<entry> entries;
};
// Answers read_snapshot.
struct snapshot_read {
  std::uint64_t number = 0;
  snapshot state;
};
// Entries up to here are gone from the log; a snapshot holds them.
struct compacted {
  sequence_t up_to;
};
// An operator's or the placement's word, given to the leader.
struct order {
  enum class verb : std::uint8_t { add_learner, remove, hand_over, replace };
  std::uint64_t number = 0;
  verb what = verb::add_learner;
  member who;  // replace: the dead one
  member by;   // replace: the learner that takes its place
};
// The heir of a hand-over has the refusals of the tenure under this number.
struct table_acknowledged {
  std::uint64_t number = 0;
};
// This replica has them: should the record make it leader under this number, it goes on with the tenure.
struct table_received {
  std::uint64_t number = 0;
  tenure_id tenure;
};
// The furthest position that stands outside as committed (rule 22), read after the take-over; none: nothing was ever written.
struct outside_told {
  epoch_t epoch;  // of the question
  position at;
};
using input = std::variant<started, swap_answered, append, persisted, strict_read, record_seen, received, tick, registration_seen,
                           link_broken, entries_read, snapshot_read, compacted, order, table_acknowledged, table_received, outside_told>;

// ---- outputs, in the order in which they are to take effect
// One write, synced whole: the promise, then `install` (replaces the whole log), then the cut, then the entries.
struct persist {
  std::uint64_t number = 0;
  std::optional<epoch_t> promise;
  std::vector<entry> entries;
  std::optional<sequence_t> cut_after;
  std::optional<snapshot> install;
};
struct swap_record {
  std::uint64_t expected_revision = 0;
  shard_record record;
  std::optional<member> registered;  // the swap also compares that this disk is the one registered for its node
};
struct serving {
  epoch_t epoch;
};
// Everything is committed and nothing more is admitted: send the heir the refusals of the tenure under this number.
struct pass_table {
  std::uint64_t number = 0;
  member to;
};
// At the leader, an entry of its own epoch; everything before it is committed too.
struct committed {
  position at;
  std::uint64_t batch = 0;
  epoch_t epoch;  // of the leader that says so: later than the entry's when an own swap came between
};
// At a follower: everything up to here is committed.
struct apply_up_to {
  position at;
};
// Deposed: the outcome of these batches is not known here.
struct stepped_down {
  std::vector<std::uint64_t> unknown;
  std::string why;
};
struct strict_read_done {
  std::uint64_t number = 0;
  bool confirmed = false;
};
struct send {
  header head;
  message what;
};
// Up to count_max entries from `first` on; the plug-in may give fewer, but at least one.
struct read_entries {
  std::uint64_t number = 0;
  sequence_t first;
  std::size_t count_max = 0;
};
struct read_snapshot {
  std::uint64_t number = 0;
};
struct order_answered {
  std::uint64_t number = 0;
  bool accepted = false;  // it is under way; the record will show it
  std::string why;
};
// Some disk forgot what it had acknowledged. A person must know.
struct alarm {
  member who;
  std::string why;
};
// What stands outside as committed? Asked again until outside_told.
struct ask_outside {
  epoch_t epoch;
};
using output = std::variant<persist, swap_record, serving, committed, stepped_down, strict_read_done, apply_up_to, send, read_entries,
                            read_snapshot, order_answered, alarm, pass_table, ask_outside>;

}  // namespace janji::replication
