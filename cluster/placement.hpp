// Which shard a key lies in. Stable for ever: the values are pinned by a test, because changing them moves every citizen.
#pragma once

#include <string_view>

#include "booking/types.hpp"

namespace janji::cluster {

// Of a slot group's key, "round/centre/YYYY-MM-DD".
[[nodiscard]] shard_id shard_of_key(std::string_view key, std::uint16_t shard_count);
[[nodiscard]] shard_id shard_of_citizen(const citizen_hash& citizen, std::uint16_t shard_count);

}  // namespace janji::cluster
