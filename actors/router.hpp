// Which actor of this node answers for a slot group or a registry right now.
// Guarantee: once close() has returned, nobody can enqueue to the closed handle any more, so a message sent to that actor
// afterwards by the closer is the last one in its mailbox. Safe from any thread; senders share a lock.
#pragma once

#include <caf/all.hpp>
#include <cstdint>
#include <functional>
#include <optional>
#include <shared_mutex>
#include <vector>

#include "actors/messages.hpp"
#include "booking/types.hpp"

namespace janji::actors {

class router {
public:
  using shard_of_group = std::function<shard_id(group_id)>;

  explicit router(std::uint16_t shard_count) : shards_(shard_count), registries_(shard_count) {}

  // Set while the node is being built, before any actor runs.
  void set_shard(shard_id shard, caf::actor handle) { shards_[shard.value] = std::move(handle); }
  void set_shard_of_group(shard_of_group f) { shard_of_group_ = std::move(f); }

  void open(group_id group, caf::actor handle);
  void close(group_id group);
  void open(shard_id registry, caf::actor handle);
  void close(shard_id registry);

  // To the group's actor, or to its shard, which activates it.
  // `named`: by whoever sent it, its shard; of use while this node has not heard of the group's round yet.
  void send(group_id group, group_mail&& mail, std::optional<shard_id> named = {});
  void send(group_id group, group_input&& input);
  void send(shard_id registry, registry_mail&& mail);
  void send(shard_id registry, registry_input&& input);

  [[nodiscard]] const caf::actor& shard(shard_id s) const { return shards_[s.value]; }
  [[nodiscard]] std::uint16_t shard_count() const { return static_cast<std::uint16_t>(shards_.size()); }
  // Every slot group's and registry's actor.
  void for_each(const std::function<void(const caf::actor&)>& visit) const;
  // Drops every handle, so that no cycle keeps actors alive.
  void clear();

private:
  mutable std::shared_mutex mutex_;
  std::vector<caf::actor> shards_;
  std::vector<caf::actor> groups_;  // by group id: ids are given densely
  std::vector<caf::actor> registries_;
  shard_of_group shard_of_group_;
};

}  // namespace janji::actors
