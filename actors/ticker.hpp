// The passing of time for all shards of a cluster's node: one timer, and so one wake-up, serves them all, and what they say to another
// node goes in one frame. Nodes of one machine tick at different moments.
#pragma once

#include <caf/all.hpp>

#include "actors/context.hpp"

namespace janji::actors {

class ticker_actor : public caf::event_based_actor {
public:
  ticker_actor(caf::actor_config& config, node_context& shared) : caf::event_based_actor(config), shared_(shared) {}
  caf::behavior make_behavior() override;
  const char* name() const override { return "ticker"; }

private:
  void tick_shards();
  void tell_heard();
  void tick_later();

  node_context& shared_;
  std::uint64_t ticks_ = 0;
  unix_ms heard_at_;
};

}  // namespace janji::actors
