#include "cluster/placement.hpp"

#include <xxhash.h>

namespace janji::cluster {

namespace {
constexpr std::uint64_t seed = 0x4a616e6a69;  // "Janji"
shard_id pick(const void* data, std::size_t size, std::uint16_t shard_count) {
  return shard_id{static_cast<std::uint16_t>(XXH3_64bits_withSeed(data, size, seed) % shard_count)};
}
}  // namespace

shard_id shard_of_key(std::string_view key, std::uint16_t shard_count) { return pick(key.data(), key.size(), shard_count); }
shard_id shard_of_citizen(const citizen_hash& citizen, std::uint16_t shard_count) {
  return pick(citizen.bytes.data(), citizen.bytes.size(), shard_count);
}

std::uint64_t preference_of(shard_id shard, std::uint64_t node) {
  const std::uint64_t both[] = {shard.value, node};
  return XXH3_64bits_withSeed(both, sizeof both, seed);
}

}  // namespace janji::cluster
