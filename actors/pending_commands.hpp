// What citizens have asked at this node of a cluster and not been answered yet, so that it can be asked again when whoever
// was asked has died or ceased to lead: with the same key, so that nothing happens twice (rule 16 of the routing; the outcome
// of an idempotency key is one, however often it is asked). Bounded: past the bound a command is simply not asked again.
//
// Threads: any.
#pragma once

#include <cstdint>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "actors/node.hpp"

namespace janji::actors {

class pending_commands {
public:
  static constexpr std::size_t commands_max = 65'536;
  static constexpr std::size_t bytes_max = 64U << 20U;

  void put(shard_id shard, const citizen_command& command);
  void answered(const std::vector<answer>& answers);
  // Copies of those that wait for this shard and may still be done.
  [[nodiscard]] std::vector<citizen_command> of(shard_id shard, unix_ms now);
  // Nobody waits for them any more.
  void expire(unix_ms now);
  [[nodiscard]] std::size_t size();

private:
  struct waiting {
    shard_id shard;
    citizen_command command;
    std::size_t bytes = 0;
  };
  void forget(std::unordered_map<std::uint64_t, waiting>::iterator it);
  std::mutex mutex_;
  std::size_t bytes_ = 0;
  std::unordered_map<std::uint64_t, waiting> commands_;  // by request
};

}  // namespace janji::actors
