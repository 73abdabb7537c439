// The words of replication as types: members, records, positions, entries, and the shape of a log. Pure values.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "booking/stamp.hpp"
#include "booking/types.hpp"

namespace janji::replication {

// A replica is its node and the disk it was created on: a wiped disk is somebody else.
struct member {
  std::uint64_t node = 0;
  std::uint64_t disk = 0;
  friend auto operator<=>(const member&, const member&) = default;
};

// Tells the process starts of one node apart, and orders them. 0: not known yet. In a cluster it is marked, and made of a number that
// the configuration store gave out, above every one that it gave that node before, and of random bits, so that two starts with one
// number (a counter that was put back) are two boots all the same. Without the mark it is the number itself: it was counted on the
// disk, by a node that is alone or by an earlier version, and every marked one is above it.
using boot_t = strong<struct boot_tag, std::uint64_t>;
inline constexpr unsigned boot_random_bits = 24;
inline constexpr auto boot_mark = std::uint64_t{1} << 62U;
[[nodiscard]] constexpr std::uint64_t number_of(boot_t b) {
  return b.value < boot_mark ? b.value : (b.value & ~boot_mark) >> boot_random_bits;
}
[[nodiscard]] constexpr boot_t make_boot(std::uint64_t number, std::uint64_t random) {
  constexpr auto mask = (std::uint64_t{1} << boot_random_bits) - 1;
  return boot_t{boot_mark | number << boot_random_bits | (random & mask)};
}

// A shard's record in the configuration store; changes only by compare-and-swap, its epoch grows with each change.
struct shard_record {
  epoch_t epoch;
  member leader;
  std::vector<member> in_sync;
  std::vector<member> learners;
  std::uint8_t min_in_sync = 1;
  std::uint8_t replicas_wanted = 1;
  tenure_id tenure;             // of the leader, as whoever wrote this knew it
  std::uint64_t hand_over = 0;  // not 0: made by a planned hand-over, whose heir has the tenure's refusals under this number
  // The one start of the leader that may lead this epoch; 0: whichever comes first, in records of earlier versions. A disk and its
  // copy are the same member: without it both would.
  boot_t leader_boot;
  // What stood outside as committed (rule 22) in epochs below this one is given up, on an operator's word.
  epoch_t given_up_below;
  friend bool operator==(const shard_record&, const shard_record&) = default;
};

struct versioned_record {
  std::uint64_t revision = 0;  // 0: there is none
  shard_record record;
  friend bool operator==(const versioned_record&, const versioned_record&) = default;
};

// A swap whose outcome is unknown is settled by a higher epoch or by a later swap of one's own, never by a read.
// lost: the record is another. not_done: it was never sent, or was turned away before anything was done; nothing is known of
// the record. unregistered: nothing was done, and only because the disk that it names is not registered: the record is the
// one that the swap expected, so whoever led by it leads on.
enum class swap_result : std::uint8_t { won, lost, unknown, not_done, unregistered };

struct position {
  epoch_t epoch;
  sequence_t sequence;
  friend auto operator<=>(const position&, const position&) = default;
};

struct entry {
  position at;
  std::string payload;  // empty: the record that starts an epoch
  friend bool operator==(const entry&, const entry&) = default;
};

// The state after the entry `at`, which was committed. `bytes` is the state itself or the name of what a plug-in keeps aside.
struct snapshot {
  position at;
  std::string bytes;
  friend bool operator==(const snapshot&, const snapshot&) = default;
};

// Which epochs a log's entries are of, without the entries: enough to find where two logs part, because two logs that hold
// the same position hold the same up to there. A few words for each change of the record since the last compaction.
struct log_shape {
  struct run {
    epoch_t epoch;
    sequence_t first;
    friend bool operator==(const run&, const run&) = default;
  };
  position base;          // compacted up to here, or never told apart; committed
  std::vector<run> runs;  // of what follows, oldest first
  position tail;

  [[nodiscard]] static log_shape starting_at(position base) { return {base, {}, base}; }
  // Nothing where the log does not reach, or no longer reaches.
  [[nodiscard]] std::optional<epoch_t> epoch_at(sequence_t sequence) const;
  // Below the base everything is held: what was compacted was committed, and so agrees with every leader.
  [[nodiscard]] bool holds(position p) const;
  [[nodiscard]] position position_at(sequence_t sequence) const;
  void append(position p);
  void cut(sequence_t keep);
  void compact(sequence_t up_to);
  friend bool operator==(const log_shape&, const log_shape&) = default;
};

// The last sequence on which both agree; nothing when one has compacted beyond it, so that only a snapshot helps.
[[nodiscard]] std::optional<sequence_t> agreement(const log_shape& a, const log_shape& b);

}  // namespace janji::replication
