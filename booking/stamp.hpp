// The two numbers by which a shard's leader tells a copy of a request that came before a refusal from one that came after
// it: the leader's tenure, and how many refusals it had counted. No clock takes part. Pure values; any thread.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>
#include <vector>

#include "booking/types.hpp"

namespace janji {

// One start of one node leading a shard without a break. Epoch 0: none.
struct tenure_id {
  epoch_t epoch;  // in which it began
  std::uint64_t boot = 0;
  friend constexpr auto operator<=>(const tenure_id&, const tenure_id&) = default;
};

// Of an order that is only asked about. No leader's: all of it is judged, it is never admitted, and nothing is numbered for it.
inline constexpr tenure_id nobodys_tenure{epoch_t{std::numeric_limits<std::uint64_t>::max()}, std::numeric_limits<std::uint64_t>::max()};

// What a front had heard of a shard's leader when a request arrived; or, of a refusal, its number.
struct stamp {
  tenure_id tenure;
  std::uint64_t count = 0;
  friend constexpr auto operator<=>(const stamp&, const stamp&) = default;
};

// What a front had heard of a shard's leader, by shard; the least of all where nothing was heard of it.
[[nodiscard]] inline stamp stamp_in(const std::vector<stamp>* heard, shard_id shard) {
  return heard != nullptr && shard.value < heard->size() ? (*heard)[shard.value] : stamp{};
}

}  // namespace janji
