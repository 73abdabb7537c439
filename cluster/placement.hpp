// Which shard a key lies in. Stable for ever: the values are pinned by a test, because changing them moves every citizen.
#pragma once

#include <string_view>

#include "booking/types.hpp"

namespace janji::cluster {

// Of a slot group's key, "round/centre/YYYY-MM-DD".
[[nodiscard]] shard_id shard_of_key(std::string_view key, std::uint16_t shard_count);
[[nodiscard]] shard_id shard_of_citizen(const citizen_hash& citizen, std::uint16_t shard_count);
// How much a shard likes to lie on a node: the nodes with the greatest values hold its replicas, so that a node that comes or
// goes moves the shards that like it and no others. Source: rendezvous hashing (Thaler and Ravishankar, 1998).
[[nodiscard]] std::uint64_t preference_of(shard_id shard, std::uint64_t node);

}  // namespace janji::cluster
