// Which shard a key lies in, and which nodes hold a shard. Pure. Where keys lie is stable for ever: the values are pinned by a test,
// because changing them moves every citizen.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "booking/types.hpp"

namespace janji::cluster {

// Of a slot group's key, "round/centre/YYYY-MM-DD".
[[nodiscard]] shard_id shard_of_key(std::string_view key, std::uint16_t shard_count);
[[nodiscard]] shard_id shard_of_citizen(const citizen_hash& citizen, std::uint16_t shard_count);

// A node that may hold shards. Weight: its share, in proportion to the others'. Zone: replicas lie in different ones as far as
// there are enough.
struct placeable_node {
  std::uint64_t node = 0;
  std::uint32_t weight = 100;
  std::string zone;
};

// For each shard the nodes that are to hold it, the one that is to lead it first; fewer than `replicas` only where there are
// fewer nodes. Every node that knows the same nodes comes to the same answer. A node that comes or goes moves the shards that
// like it and few others: those that a bound on a node's load pushes on. No node gets more than a fifth over its share.
// Sources: weighted rendezvous hashing (Thaler and Ravishankar, 1998; Schindelhauer and Schomaker, 2005), bounded loads
// (Mirrokni, Thorup and Zadimoghaddam, 2018).
[[nodiscard]] std::vector<std::vector<std::uint64_t>> place_shards(std::uint16_t shard_count, std::size_t replicas,
                                                                   std::span<const placeable_node> nodes);

}  // namespace janji::cluster
