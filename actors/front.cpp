#include "actors/front.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "cluster/placement.hpp"

namespace janji::actors {

namespace {
constexpr std::chrono::seconds expire_every{1};
}

caf::behavior front_actor::make_behavior() {
  delayed_send(this, expire_every, sweep{});
  return {
      [this](front_turn& turn) { fan_out(turn); },
      [this](sweep) {
        shared_.pending.expire(shared_.now());
        shared_.each_second();
        delayed_send(this, expire_every, sweep{});
      },
  };
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
  const auto catalogue = shared_.catalogue.get();
  std::vector<answer> refused;
  for (auto& command : turn.commands) {
    if (const auto no = nobody_to_ask(command, *catalogue)) {
      refused.push_back(*no);
      continue;
    }
    if (shared_.peers != nullptr)
      shared_.pending.put(shard_of(command, *catalogue), command);
    if (auto* b = std::get_if<routed_booking>(&command)) {
      to_group(b->group).inputs.push_back(std::move(b->command));
    } else if (auto* c = std::get_if<cancel_command>(&command)) {
      to_registry(shard_of(command, *catalogue)).inputs.push_back(std::move(*c));
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
  if (!refused.empty())
    shared_.answers(std::move(refused));
}

// Whose log decides it.
shard_id front_actor::shard_of(const citizen_command& command, const round_catalogue& catalogue) const {
  return std::visit(
      [&](const auto& c) {
        if constexpr (requires { c.command; }) {
          return catalogue.groups.at(c.group.value).shard;
        } else {
          if constexpr (requires { c.citizen; })
            if (c.citizen)
              return cluster::shard_of_citizen(*c.citizen, shared_.options.shard_count);
          return c.ref.shard();
        }
      },
      command);
}

// A command for a slot group or a shard that there is not: nobody else would ever answer it, and a move to nowhere would
// never end.
std::optional<answer> front_actor::nobody_to_ask(const citizen_command& command, const round_catalogue& catalogue) const {
  // A node of a cluster that has just started has not heard of any round yet.
  const bool known_yet = shared_.peers == nullptr || !catalogue.groups.empty();
  return std::visit(
      [&](const auto& c) -> std::optional<answer> {
        answer a;
        if constexpr (requires { c.command; }) {
          if (catalogue.groups.contains(c.group.value))
            return std::nullopt;
          a.request = c.command.request;
          a.what = known_yet ? outcome::window_unknown : outcome::busy;
        } else {
          a.request = c.request;
          a.what = outcome::not_found;
          bool known = c.ref.shard().value < shared_.options.shard_count;
          if constexpr (requires { c.to; }) {
            if (known && !catalogue.groups.contains(c.to.value)) {
              a.what = known_yet ? outcome::window_unknown : outcome::busy;
              return a;
            }
          }
          if constexpr (requires { c.citizen; })
            known = known || c.citizen.has_value();
          if (known)
            return std::nullopt;
        }
        return a;
      },
      command);
}

}  // namespace janji::actors
