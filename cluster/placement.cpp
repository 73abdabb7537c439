#include "cluster/placement.hpp"

#include <xxhash.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

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

namespace {

constexpr double slack = 1.2;  // over a node's share of replicas, and of leaderships

// How much a shard likes to lie on a node: weighted rendezvous.
double preference_of(shard_id shard, const placeable_node& n) {
  const std::uint64_t both[] = {shard.value, n.node};
  const auto hash = XXH3_64bits_withSeed(both, sizeof both, seed);
  const auto unit = (static_cast<double>(hash >> 11) + 0.5) / 9007199254740992.0;  // 2^53: within (0, 1)
  return -static_cast<double>(n.weight) / std::log(unit);
}

// What each node may have at most, of `total` shared out by weight.
std::vector<std::size_t> bounds(std::size_t total, std::span<const placeable_node> nodes) {
  std::uint64_t weights = 0;
  for (const auto& n : nodes)
    weights += n.weight;
  std::vector<std::size_t> out;
  for (const auto& n : nodes)
    out.push_back(static_cast<std::size_t>(
        std::ceil(slack * static_cast<double>(total) * static_cast<double>(n.weight) / static_cast<double>(weights))));
  return out;
}

// Indices into `nodes`, the best liked first.
std::vector<std::size_t> ranked(shard_id shard, std::span<const placeable_node> nodes) {
  std::vector<std::pair<double, std::size_t>> order;
  order.reserve(nodes.size());
  for (std::size_t i = 0; i < nodes.size(); ++i)
    order.emplace_back(preference_of(shard, nodes[i]), i);
  std::ranges::sort(order, std::greater{});
  std::vector<std::size_t> out;
  out.reserve(order.size());
  for (const auto& [preference, i] : order)
    out.push_back(i);
  return out;
}

// The best liked that have room, in zones of their own; then whoever has room; then whoever is there.
std::vector<std::size_t> choose(const std::vector<std::size_t>& order, std::size_t replicas, std::span<const placeable_node> nodes,
                                const std::vector<std::size_t>& load, const std::vector<std::size_t>& bound) {
  std::vector<std::size_t> chosen;
  const auto pick = [&](bool own_zone, bool room) {
    for (const auto i : order) {
      if (chosen.size() == replicas)
        return;
      const bool taken = std::ranges::find(chosen, i) != chosen.end();
      const bool zone_used = std::ranges::any_of(chosen, [&](auto c) { return nodes[c].zone == nodes[i].zone; });
      if (!taken && !(own_zone && zone_used) && (!room || load[i] < bound[i]))
        chosen.push_back(i);
    }
  };
  pick(true, true);
  pick(true, false);
  pick(false, true);
  pick(false, false);
  return chosen;
}

}  // namespace

std::vector<std::vector<std::uint64_t>> place_shards(std::uint16_t shard_count, std::size_t replicas,
                                                     std::span<const placeable_node> nodes) {
  std::vector<std::vector<std::uint64_t>> out(shard_count);
  if (nodes.empty())
    return out;
  const auto held = std::min(replicas, nodes.size());
  const auto bound = bounds(shard_count * held, nodes);
  const auto leads_bound = bounds(shard_count, nodes);
  std::vector<std::size_t> load(nodes.size());
  std::vector<std::size_t> leads(nodes.size());
  for (std::uint16_t s = 0; s < shard_count; ++s) {
    auto chosen = choose(ranked(shard_id{s}, nodes), held, nodes, load, bound);
    auto first = std::ranges::find_if(chosen, [&](auto i) { return leads[i] < leads_bound[i]; });
    if (first == chosen.end())
      first = std::ranges::min_element(chosen, {}, [&](auto i) { return leads[i]; });
    std::rotate(chosen.begin(), first, first + 1);
    ++leads[chosen.front()];
    for (const auto i : chosen) {
      ++load[i];
      out[s].push_back(nodes[i].node);
    }
  }
  return out;
}

}  // namespace janji::cluster
