// The front actor: takes what the sockets' thread gathered in one turn of its loop and fans it out, one message for each
// slot group or registry concerned. Answers go straight back to that thread.
#pragma once

#include <caf/all.hpp>
#include <optional>

#include "actors/context.hpp"

namespace janji::actors {

class front_actor : public caf::event_based_actor {
public:
  front_actor(caf::actor_config& config, node_context& shared) : caf::event_based_actor(config), shared_(shared) {}
  caf::behavior make_behavior() override;
  const char* name() const override { return "front"; }

private:
  void fan_out(front_turn& turn);
  [[nodiscard]] shard_id shard_of(const citizen_command& command, const round_catalogue& catalogue) const;
  [[nodiscard]] std::optional<answer> nobody_to_ask(const citizen_command& command, const round_catalogue& catalogue) const;

  node_context& shared_;
  std::vector<std::pair<group_id, group_mail>> groups_;
  std::vector<std::pair<shard_id, registry_mail>> registries_;
};

}  // namespace janji::actors
