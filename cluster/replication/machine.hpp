// One replica of one shard's log: who leads under which epoch, what is on disk, what is committed. A pure machine:
// step(input) -> outputs; no clock, no socket, no disk. Disks, links and the configuration store are plug-ins whose
// contracts are in README.md beside this file. Not thread-safe: it lives in one shard actor.
//
// Source: PacificA / Vertical Paxos. This version serves records whose in-sync set is this replica alone; the states,
// the record, the epochs and the order of steps (promise, reconcile by an epoch-start record, then serve) are those of the
// replicated protocol, which adds messages to them.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "booking/types.hpp"

namespace janji::replication {

// A replica is its node and the disk it was created on: a wiped disk is somebody else.
struct member {
  std::uint64_t node = 0;
  std::uint64_t disk = 0;
  friend auto operator<=>(const member&, const member&) = default;
};

// A shard's record in the configuration store; changes only by compare-and-swap, its epoch grows with each change.
struct shard_record {
  epoch_t epoch;
  member leader;
  std::vector<member> in_sync;
  std::vector<member> learners;
  std::uint8_t min_in_sync = 1;
  std::uint8_t replicas_wanted = 1;
  friend bool operator==(const shard_record&, const shard_record&) = default;
};

struct versioned_record {
  std::uint64_t revision = 0;  // 0: there is none
  shard_record record;
  friend bool operator==(const versioned_record&, const versioned_record&) = default;
};

// A swap whose outcome is unknown is settled by a higher epoch or by a later swap of one's own, never by a read.
enum class swap_result : std::uint8_t { won, lost, unknown };

struct position {
  epoch_t epoch;
  sequence_t sequence;
  friend auto operator<=>(const position&, const position&) = default;
};

struct entry {
  position at;
  std::string payload;  // empty: the record that starts an epoch
};

// ---- inputs
// What the disk says at start, and the record as read then.
struct started {
  epoch_t promised;
  position tail;
  versioned_record record;
};
struct swap_answered {
  swap_result result = swap_result::unknown;
  versioned_record record;  // won: as it is now; lost: as it was found
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
using input = std::variant<started, swap_answered, append, persisted, strict_read, record_seen>;

// ---- outputs, in the order in which they are to take effect
struct persist {
  std::uint64_t number = 0;
  std::optional<epoch_t> promise;
  std::vector<entry> entries;
};
struct swap_record {
  std::uint64_t expected_revision = 0;
  shard_record record;
};
struct serving {
  epoch_t epoch;
};
struct committed {
  position at;
  std::uint64_t batch = 0;
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
using output = std::variant<persist, swap_record, serving, committed, stepped_down, strict_read_done>;

class machine {
public:
  enum class role : std::uint8_t { stopped, taking_over, promising, reconciling, serving };

  machine(member self, std::uint8_t min_in_sync) : self_(self), min_in_sync_(min_in_sync) {}

  void step(input&& in, std::vector<output>& out);

  // One batch in flight a shard (replication.md rule 18).
  [[nodiscard]] bool can_append() const { return role_ == role::serving && !in_flight_; }
  [[nodiscard]] role current_role() const { return role_; }
  [[nodiscard]] epoch_t epoch() const { return record_.record.epoch; }
  [[nodiscard]] position tail() const { return tail_; }
  [[nodiscard]] sequence_t commit() const { return commit_; }
  // No other replica could have been made leader: a strict round costs nothing.
  [[nodiscard]] bool alone() const { return record_.record.in_sync.size() == 1; }

private:
  struct flight {
    std::uint64_t number = 0;
    position at;
    std::uint64_t batch = 0;
    bool starts_epoch = false;
  };
  void start(started&& s, std::vector<output>& out);
  void take_over(std::vector<output>& out);
  void swap_came_back(swap_answered&& a, std::vector<output>& out);
  void write(std::uint64_t batch, std::string&& payload, bool starts_epoch, std::vector<output>& out);
  void synced(std::uint64_t number, std::vector<output>& out);
  void step_down(std::string why, std::vector<output>& out);

  member self_;
  std::uint8_t min_in_sync_;
  role role_ = role::stopped;
  versioned_record record_;
  epoch_t promised_;
  position tail_;  // on disk
  sequence_t commit_;
  std::optional<flight> in_flight_;
  std::optional<std::uint64_t> promise_in_flight_;
  std::uint64_t next_number_ = 0;
};

}  // namespace janji::replication
