#include "actors/ticker.hpp"

#include <chrono>

#include "actors/messages.hpp"

namespace janji::actors {

namespace {
constexpr std::uint64_t standby_ticks = 10;
constexpr std::int64_t node_phase_ms = 7;
}  // namespace

caf::behavior ticker_actor::make_behavior() {
  tick_later();
  return {[this](machine_tick) {
    tick_shards();
    tick_later();
  }};
}

// Who stands by is told seldom: there are many of these where there are many nodes. Who has not come to the last tick yet needs no other.
void ticker_actor::tick_shards() {
  const bool all = ++ticks_ % standby_ticks == 0;
  for (std::uint16_t s = 0; s < shared_.options.shard_count; ++s) {
    auto& shard = shared_.ticking[s];
    if ((all || !shard.stands_by) && !shard.told.exchange(true))
      caf::anon_send(shared_.route.shard(shard_id{s}), machine_tick{});
  }
}

// At the next multiple of the tick's length, so that slow turns do not add up.
void ticker_actor::tick_later() {
  const std::int64_t every = shared_.options.cluster->tick_ms;
  const auto phase = (shared_.now().value + static_cast<std::int64_t>(shared_.node_id) * node_phase_ms) % every;
  delayed_send(this, std::chrono::milliseconds(every - phase), machine_tick{});
}

}  // namespace janji::actors
