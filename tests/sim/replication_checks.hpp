// What must hold of one replicated shard, told by an observer who sees all disks and the record: the list at the end of
// replication.md. A breach is thrown as `violation`.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "cluster/replication/types.hpp"

namespace janji::sim {

struct violation {
  std::string what;
};

using replication::entry;
using replication::member;
using replication::position;
using replication::versioned_record;

// One replica's log as it is on disk.
struct disk_log {
  epoch_t promised;
  position base;
  std::uint64_t base_state = 0;
  std::vector<entry> entries;

  [[nodiscard]] position tail() const { return entries.empty() ? base : entries.back().at; }
  [[nodiscard]] const entry* find(sequence_t s) const {
    const auto i = s.value - base.sequence.value - 1;
    return s <= base.sequence || i >= entries.size() ? nullptr : &entries[i];
  }
  [[nodiscard]] replication::log_shape shape() const {
    auto s = replication::log_shape::starting_at(base);
    for (const auto& e : entries)
      s.append(e.at);
    return s;
  }
  void cut(sequence_t keep) {
    if (keep < tail().sequence)
      entries.resize(keep.value - base.sequence.value);
  }
};

[[nodiscard]] std::string text(position p);
[[nodiscard]] std::uint64_t state_after(std::uint64_t state, const entry& e);

class truth {
public:
  struct agreed {
    position at;
    std::uint64_t state = 0;
    epoch_t by;  // first said to be committed by this epoch's leader
  };
  // An entry is on some disk.
  void seen_on_disk(position before, const entry& e);
  // The leader of `epoch` says that its log up to `at` is committed. `known` as in holds_all.
  void committed(std::uint64_t node, epoch_t epoch, const disk_log& log, position at, std::uint64_t& known);
  // A replica applied everything up to `at` and is in `state`.
  void applied(position at, std::uint64_t state) const;
  void swapped(const versioned_record& before, const versioned_record& after);
  // Whether every committed entry is on this disk; `known` is where it was found to be before, at least.
  [[nodiscard]] bool holds_all(const disk_log& log, std::uint64_t& known) const;
  [[nodiscard]] std::uint64_t count() const { return agreed_.size(); }
  [[nodiscard]] std::uint64_t state_at(sequence_t s) const { return s.value == 0 ? 0 : agreed_.at(s.value - 1).state; }
  [[nodiscard]] position position_at(sequence_t s) const { return s.value == 0 ? position{} : agreed_.at(s.value - 1).at; }

private:
  std::vector<agreed> agreed_;
  std::map<position, std::uint64_t> contents_;
  std::map<epoch_t, std::uint64_t> committers_;
};

}  // namespace janji::sim
