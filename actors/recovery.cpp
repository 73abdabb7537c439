#include "actors/recovery.hpp"

#include <fmt/format.h>

namespace janji::actors {

std::expected<slot_group, std::string> recovered_group(const node_context& shared, shard_id shard, group_id group,
                                                       const std::vector<window_definition>& windows, incarnation_t incarnation,
                                                       const recovered_owner& from) {
  const auto shards = shared.options.shard_count;
  auto machine = from.snapshot.empty() ? slot_group(group, shard, shards, windows, incarnation, shared.faults)
                                       : slot_group::restore(from.snapshot, group, shard, shards, incarnation, shared.faults);
  if (!machine)
    return std::unexpected(fmt::format("snapshot of slot group {} cannot be read: {}", group.value, machine.error()));
  for (const auto& e : from.tail)
    if (const auto* event = std::get_if<group_event>(&e.event))
      machine->apply(*event, e.sequence, e.first_record);
  if (!machine->counters_agree())
    return std::unexpected(fmt::format("counters of slot group {} disagree with its bookings", group.value));
  return machine;
}

std::expected<citizen_registry, std::string> recovered_registry(const node_context& shared, shard_id shard, incarnation_t incarnation,
                                                                const recovered_owner& from) {
  auto machine = from.snapshot.empty() ? citizen_registry(shard, incarnation, shared.faults)
                                       : citizen_registry::restore(from.snapshot, shard, incarnation, shared.faults);
  if (!machine)
    return std::unexpected(fmt::format("snapshot of the registry of shard {} cannot be read: {}", shard.value, machine.error()));
  for (const auto& e : from.tail)
    if (const auto* event = std::get_if<registry_event>(&e.event))
      machine->apply(*event, e.sequence);
  return machine;
}

}  // namespace janji::actors
