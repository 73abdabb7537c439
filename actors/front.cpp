#include "actors/front.hpp"

#include <algorithm>
#include <utility>

#include "cluster/placement.hpp"

namespace janji::actors {

caf::behavior front_actor::make_behavior() {
  return {[this](front_turn& turn) { fan_out(turn); }};
}

void front_actor::fan_out(front_turn& turn) {
  const auto to_group = [this](group_id group) -> group_mail& {
    auto it = std::ranges::find(groups_, group, &std::pair<group_id, group_mail>::first);
    if (it == groups_.end())
      it = groups_.insert(groups_.end(), {group, {}});
    return it->second;
  };
  const auto to_registry = [this](shard_id shard) -> registry_mail& {
    auto it = std::ranges::find(registries_, shard, &std::pair<shard_id, registry_mail>::first);
    if (it == registries_.end())
      it = registries_.insert(registries_.end(), {shard, {}});
    return it->second;
  };
  for (auto& command : turn.commands) {
    if (auto* b = std::get_if<routed_booking>(&command)) {
      to_group(b->group).inputs.push_back(std::move(b->command));
    } else if (auto* c = std::get_if<cancel_command>(&command)) {
      const auto shard = c->citizen ? cluster::shard_of_citizen(*c->citizen, shared_.options.shard_count) : c->ref.shard();
      to_registry(shard).inputs.push_back(std::move(*c));
    } else if (auto* m = std::get_if<move_command>(&command)) {
      to_registry(m->ref.shard()).inputs.push_back(std::move(*m));
    } else if (auto* l = std::get_if<lookup_command>(&command)) {
      to_registry(l->ref.shard()).inputs.push_back(*l);
    }
  }
  for (auto& [group, mail] : groups_)
    shared_.route.send(group, std::move(mail));
  for (auto& [shard, mail] : registries_)
    shared_.route.send(shard, std::move(mail));
  groups_.clear();
  registries_.clear();
}

}  // namespace janji::actors
