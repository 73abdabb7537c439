// A cluster made of the data of a node that was alone. Its keys go to etcd, then a record for every shard that names this disk alone,
// under an epoch above all that it promised: as after `shard unsafe-promote`, nothing is served until a second disk holds all of it.
// No other node starts meanwhile, and this one has not begun to run.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "apps/cluster_seat.hpp"
#include "cluster/feature_level.hpp"

namespace janji::apps {

std::expected<void, std::string> cluster_seat::found(start_membership& membership, const store::key_ring& ring) {
  if (!membership.begins())
    return membership.end_founding(*etcd_);
  for (const auto& name : ring.names()) {
    if (auto put = keys_->put_back(name); !put)
      return put;
    const auto there = keys_->common().put(name, *ring.get(name));
    if (!there)
      return std::unexpected(there.error());
    if (*there != *ring.get(name))
      return std::unexpected(fmt::format("etcd holds another key {} for the cluster {}: choose another name for it", name, name_));
  }
  // Its log may hold whatever the newest level brought.
  const auto level = etcd_->put_if_absent(cluster::feature_level_value, std::to_string(cluster::feature_level_newest));
  if (!level)
    return cluster::cannot_reach(level.error());
  if (*level != std::to_string(cluster::feature_level_newest))
    return std::unexpected(fmt::format("etcd has feature level {} for the cluster {}: choose another name for it", *level, name_));
  feature_level_ = cluster::feature_level_newest;
  for (std::uint16_t s = 0; s < shard_count_; ++s)
    if (auto begun = begin_from_own_log(shard_id{s}); !begun)
      return begun;
  spdlog::info("the cluster {} is made of this node's data: {} shards begin, led here", name_, shard_count_);
  return membership.end_founding(*etcd_);
}

std::expected<void, std::string> cluster_seat::begin_from_own_log(shard_id shard) {
  const replication::member self{links_.node, store_.disk_id()};
  const auto tail = store_.tail(shard);
  if (!tail)
    return std::unexpected(tail.error().text());
  const auto known = etcd_->read(shard);
  if (!known)
    return cluster::cannot_reach(known.error());
  if (known->revision != 0 && known->record.leader == self && known->record.in_sync == std::vector{self})
    return {};  // by a start that did not come to its end
  if (known->revision != 0)
    return std::unexpected(
        fmt::format("shard {} of the cluster {} has begun without this data: choose another name for it", shard.value, name_));
  cluster::shard_record record{epoch_t{tail->promised.value + 1}, self, {self}, {}, min_in_sync_, replicas_};
  record.leader_boot = links_.boot;
  if (etcd_->swap(shard, 0, record).result != cluster::swap_result::won)
    return std::unexpected(fmt::format("etcd did not say that shard {} has begun: try again", shard.value));
  return {};
}

}  // namespace janji::apps
