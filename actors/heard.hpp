// What this node has heard of the leaders of all shards: their tenures, and how many refusals they have counted. Fronts stamp
// what citizens ask with a copy of it.
//
// Guarantee: a copy is of one moment as a whole; what is heard never goes back. Threads: any.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "booking/stamp.hpp"
#include "schema/tenure.hpp"

namespace janji::actors {

// By shard; of one that was never heard, none.
using heard_copy = std::shared_ptr<const std::vector<stamp>>;

class heard_stamps {
public:
  explicit heard_stamps(std::uint16_t shard_count) : stamps_(shard_count) {}

  void hear(shard_id shard, const stamp& s) {
    const std::lock_guard lock(mutex_);
    take(shard, s);
  }
  void hear(std::span<const schema::heard_shard> all) {
    const std::lock_guard lock(mutex_);
    for (const auto& one : all)
      take(one.shard, one.heard);
  }
  // The same object until something new is heard.
  [[nodiscard]] heard_copy copy() const {
    const std::lock_guard lock(mutex_);
    if (copy_ == nullptr)
      copy_ = std::make_shared<const std::vector<stamp>>(stamps_);
    return copy_;
  }

private:
  void take(shard_id shard, const stamp& s) {
    if (shard.value >= stamps_.size() || s <= stamps_[shard.value])
      return;
    stamps_[shard.value] = s;
    copy_.reset();
  }
  mutable std::mutex mutex_;
  std::vector<stamp> stamps_;
  mutable heard_copy copy_;
};

}  // namespace janji::actors
