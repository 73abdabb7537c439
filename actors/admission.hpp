// Brings an operator's order about a round, which is committed in shard 0, into the log of every shard. Lives in the rounds' actor.
//
// Guarantees: only what is committed is driven, and until every shard has it in its log, committed, or another node leads shard 0,
// which then drives on. Whoever gave the order is called when all have it, or after a time, with the shards that lack it.
// Not thread-safe; the caller brings the timer.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "actors/context.hpp"

namespace janji::actors {

inline constexpr std::int64_t drive_every_ms = 500;  // to shards that have not said that they have it

class admission_driver {
public:
  using held_by_all = std::function<void(const std::vector<shard_id>& lacking)>;

  explicit admission_driver(node_context& shared) : shared_(shared), held_(shared.options.shard_count) {}

  // This node leads shard 0 and that is its state now; `anew`: its leadership has just begun.
  void lead(admission_state&& now, bool anew);
  void stop() { leads_ = false; }
  void wait(held_by_all done);  // until all shards have the present state
  void held(shard_id shard, sequence_t position);
  void pass_time();
  // Something is to be driven or waited for: pass_time() is to be called.
  [[nodiscard]] bool busy() const { return !waiting_.empty() || (leads_ && !lacking(state_->position).empty()); }
  [[nodiscard]] const admission_state& state() const { return *state_; }

private:
  struct waiter {
    sequence_t position;
    unix_ms until;
    held_by_all done;
  };
  [[nodiscard]] std::vector<shard_id> lacking(sequence_t position) const;
  void drive();
  void answer();

  node_context& shared_;
  bool leads_ = false;
  std::shared_ptr<const admission_state> state_ = std::make_shared<const admission_state>();
  std::vector<sequence_t> held_;  // by shard: up to where it has said that it has it
  std::vector<waiter> waiting_;
  unix_ms driven_at_;
};

// What an operator is told of an order that some shards lack.
[[nodiscard]] std::string words_of_lacking(const std::vector<shard_id>& lacking);

}  // namespace janji::actors
