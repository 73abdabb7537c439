#include "actors/follower_checkpoint.hpp"

#include <fmt/format.h>

#include <map>
#include <optional>
#include <utility>

#include "actors/archive.hpp"
#include "booking/citizen_registry.hpp"
#include "booking/slot_group.hpp"

namespace janji::actors {

namespace {

using events = std::vector<recovered_owner::tail_event>;
using row = std::expected<store::snapshot_row, no_checkpoint>;

// Nobody acts in its name.
constexpr incarnation_t of_nobody{0};

const std::vector<window_definition>* windows_of(const node_context& shared, group_id group) {
  const auto catalogue = shared.catalogue.get();
  const auto place = catalogue->groups.find(group.value);
  if (place == catalogue->groups.end())
    return nullptr;
  return &catalogue->find(place->second.round)->definition.groups[place->second.index].windows;
}

row group_row(const node_context& shared, shard_id shard, const schema::owner& who, const std::string& before, events&& since) {
  const auto shards = shared.options.shard_count;
  std::optional<slot_group> machine;
  if (before.empty()) {
    const auto* windows = windows_of(shared, who.group);
    if (windows == nullptr)
      return std::unexpected(no_checkpoint{fmt::format("slot group {} is not known here yet", who.group.value), true});
    machine.emplace(who.group, shard, shards, *windows, of_nobody, shared.faults);
  } else {
    auto restored = slot_group::restore(before, who.group, shard, shards, of_nobody, shared.faults);
    if (!restored)
      return std::unexpected(no_checkpoint{restored.error()});
    machine.emplace(std::move(*restored));
  }
  for (const auto& e : since)
    if (const auto* event = std::get_if<group_event>(&e.event))
      machine->apply(*event, e.sequence, e.first_record);
  if (!machine->counters_agree())
    return std::unexpected(no_checkpoint{fmt::format("counters of slot group {} disagree with its bookings", who.group.value)});
  return store::snapshot_row{shard, who, machine->applied(), machine->snapshot()};
}

row registry_row(const node_context& shared, shard_id shard, const schema::owner& who, const std::string& before, events&& since) {
  std::optional<citizen_registry> machine;
  if (before.empty()) {
    machine.emplace(shard, of_nobody, shared.faults);
  } else {
    auto restored = citizen_registry::restore(before, shard, of_nobody, shared.faults);
    if (!restored)
      return std::unexpected(no_checkpoint{restored.error()});
    machine.emplace(std::move(*restored));
  }
  for (const auto& e : since)
    if (const auto* event = std::get_if<registry_event>(&e.event))
      machine->apply(*event, e.sequence);
  return store::snapshot_row{shard, who, machine->applied(), machine->snapshot()};
}

// The rounds are kept as their whole history.
row rounds_row(shard_id shard, const schema::owner& who, sequence_t applied, const std::string& before, events&& since) {
  std::vector<schema::owned_event> history;
  if (!before.empty()) {
    auto known = schema::decode_batch(before);
    if (!known)
      return std::unexpected(no_checkpoint{known.error().text});
    history = std::move(*known);
  }
  for (auto& e : since)
    if (e.sequence > applied) {
      applied = e.sequence;
      history.push_back({who, std::move(e.event)});
    }
  return store::snapshot_row{shard, who, applied, schema::encode_batch(history)};
}

}  // namespace

std::expected<std::vector<store::snapshot_row>, no_checkpoint> follower_checkpoint(const node_context& shared,
                                                                                   const store::node_store& store, shard_id shard,
                                                                                   sequence_t after, sequence_t up_to) {
  const auto tail = store.tail(shard);
  if (!tail)
    return std::unexpected(no_checkpoint{tail.error().text()});
  if (tail->last_sequence < up_to)
    return std::unexpected(no_checkpoint{fmt::format("its log ends at {}, before {}", tail->last_sequence.value, up_to.value)});
  auto read = read_events(store, shard, after, up_to);
  if (!read)
    return std::unexpected(no_checkpoint{read.error()});
  std::map<schema::owner, events> by_owner;
  for (auto& [who, event] : *read)
    by_owner[who].push_back(std::move(event));
  std::vector<store::snapshot_row> rows;
  for (auto& [who, since] : by_owner) {
    const auto before = store.get_snapshot(shard, who);
    if (!before)
      return std::unexpected(no_checkpoint{before.error().text()});
    const auto bytes = *before ? (*before)->bytes : std::string{};
    const auto applied = *before ? (*before)->applied : sequence_t{};
    auto made = who.kind == schema::owner_kind::group      ? group_row(shared, shard, who, bytes, std::move(since))
                : who.kind == schema::owner_kind::registry ? registry_row(shared, shard, who, bytes, std::move(since))
                                                           : rounds_row(shard, who, applied, bytes, std::move(since));
    if (!made)
      return std::unexpected(made.error());
    rows.push_back(std::move(*made));
  }
  rows.push_back({shard, schema::owner::of_checkpoint(), up_to, {}});
  return rows;
}

}  // namespace janji::actors
