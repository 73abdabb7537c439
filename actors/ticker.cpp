#include "actors/ticker.hpp"

#include <chrono>

#include "actors/messages.hpp"

namespace janji::actors {

namespace {
constexpr std::uint64_t standby_ticks = 10;
constexpr std::int64_t node_phase_ms = 7;
constexpr std::int64_t heard_every_ms = 100;  // fronts that asked nothing hear what leaders have counted
}  // namespace

caf::behavior ticker_actor::make_behavior() {
  tick_later();
  return {[this](machine_tick) {
    tick_shards();
    tell_heard();
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

void ticker_actor::tell_heard() {
  const auto now = shared_.now();
  if (now.value < heard_at_.value + heard_every_ms || !shared_.counts_refusals())
    return;
  heard_at_ = now;
  if (const auto all = shared_.hear_own(); !all.empty())
    shared_.peers->tell_heard(all);
}

// At the next multiple of the tick's length, so that slow turns do not add up.
void ticker_actor::tick_later() {
  const std::int64_t every = shared_.options.cluster->tick_ms;
  const auto phase = (shared_.now().value + static_cast<std::int64_t>(shared_.node_id) * node_phase_ms) % every;
  delayed_send(this, std::chrono::milliseconds(every - phase), machine_tick{});
}

}  // namespace janji::actors
