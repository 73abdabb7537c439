#include "actors/follower_checkpoint.hpp"

#include <fmt/format.h>

#include <map>
#include <string>
#include <utility>

#include "actors/archive.hpp"
#include "actors/recovery.hpp"
#include "booking/round_parts.hpp"

namespace janji::actors {

namespace {

using row = std::expected<store::snapshot_row, no_checkpoint>;

// Nobody acts in its name.
constexpr incarnation_t of_nobody{0};

row group_row(const node_context& shared, shard_id shard, const recovered_owner& owner) {
  static const std::vector<window_definition> in_the_snapshot;
  const auto group = owner.who.group;
  const auto catalogue = shared.catalogue.get();
  const auto* windows = owner.snapshot.empty() ? catalogue->windows_of(group) : &in_the_snapshot;
  if (windows == nullptr)
    return std::unexpected(no_checkpoint{fmt::format("slot group {} is not known here yet", group.value), true});
  const auto machine = recovered_group(shared, shard, group, *windows, of_nobody, owner);
  if (!machine)
    return std::unexpected(no_checkpoint{machine.error()});
  return store::snapshot_row{shard, owner.who, machine->applied(), machine->snapshot()};
}

row registry_row(const node_context& shared, shard_id shard, const recovered_owner& owner) {
  const auto machine = recovered_registry(shared, shard, of_nobody, owner);
  if (!machine)
    return std::unexpected(no_checkpoint{machine.error()});
  return store::snapshot_row{shard, owner.who, machine->applied(), machine->snapshot()};
}

// The rounds are kept as their whole history, and then the parts of an import that may be under way.
row rounds_row(shard_id shard, recovered_owner&& owner) {
  std::vector<schema::owned_event> history;
  round_joiner parts;
  std::string wrong;
  const auto take = [&](schema::owned_event&& e) {
    auto whole = parts.take(std::get<round_event>(std::move(e.event)));
    if (!whole)
      wrong = whole.error();
    else if (*whole)
      history.push_back({owner.who, std::move(**whole)});
  };
  if (!owner.snapshot.empty()) {
    auto known = schema::decode_batch(owner.snapshot);
    if (!known)
      return std::unexpected(no_checkpoint{known.error().text});
    for (auto& e : *known)
      take(std::move(e));
  }
  auto applied = owner.snapshot_at;
  for (auto& e : owner.tail)
    if (e.sequence > owner.snapshot_at) {  // an entry may hold several
      applied = e.sequence;
      take({owner.who, std::move(e.event)});
    }
  if (!wrong.empty())
    return std::unexpected(no_checkpoint{wrong});
  for (const auto& e : parts.pending())
    history.push_back({owner.who, e});
  return store::snapshot_row{shard, owner.who, applied, schema::encode_batch(history)};
}

row admission_row(shard_id shard, const recovered_owner& owner) {
  const auto& last = owner.tail.back();
  return store::snapshot_row{shard, owner.who, last.sequence,
                             schema::encode_admission(std::get<admission_set>(std::get<admission_event>(last.event)).state)};
}

row row_of(const node_context& shared, shard_id shard, recovered_owner&& owner) {
  switch (owner.who.kind) {
    case schema::owner_kind::group: return group_row(shared, shard, owner);
    case schema::owner_kind::registry: return registry_row(shared, shard, owner);
    case schema::owner_kind::admission: return admission_row(shard, owner);
    default: return rounds_row(shard, std::move(owner));
  }
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
  std::map<schema::owner, recovered_owner> owners;
  for (auto& [who, event] : *read)
    owners[who].tail.push_back(std::move(event));
  std::vector<store::snapshot_row> rows;
  for (auto& [who, owner] : owners) {
    auto before = store.get_snapshot(shard, who);
    if (!before)
      return std::unexpected(no_checkpoint{before.error().text()});
    owner.who = who;
    if (*before) {
      owner.snapshot = std::move((*before)->bytes);
      owner.snapshot_at = (*before)->applied;
    }
    auto made = row_of(shared, shard, std::move(owner));
    if (!made)
      return std::unexpected(made.error());
    rows.push_back(std::move(*made));
  }
  rows.push_back({shard, schema::owner::of_checkpoint(), up_to, {}});
  return rows;
}

}  // namespace janji::actors
