#include "actors/router.hpp"

#include <mutex>

namespace janji::actors {

void router::open(group_id group, caf::actor handle) {
  const std::unique_lock lock{mutex_};
  if (groups_.size() <= group.value)
    groups_.resize(group.value + 1);
  groups_[group.value] = std::move(handle);
}

void router::close(group_id group) {
  const std::unique_lock lock{mutex_};
  if (group.value < groups_.size())
    groups_[group.value] = nullptr;
}

void router::open(shard_id registry, caf::actor handle) {
  const std::unique_lock lock{mutex_};
  registries_[registry.value] = std::move(handle);
}

void router::close(shard_id registry) {
  const std::unique_lock lock{mutex_};
  registries_[registry.value] = nullptr;
}

void router::send(group_id group, group_mail&& mail, std::optional<shard_id> named) {
  const std::shared_lock lock{mutex_};
  if (group.value < groups_.size() && groups_[group.value]) {
    caf::anon_send(groups_[group.value], std::move(mail));
    return;
  }
  auto shard = shard_of_group_(group);
  if (shard.value >= shards_.size() && named)  // where it waits until the round is known
    shard = *named;
  if (shard.value < shards_.size() && shards_[shard.value])
    caf::anon_send(shards_[shard.value], group_mail_for{group, std::move(mail)});
}

void router::send(group_id group, group_input&& input) {
  group_mail mail;
  mail.inputs.push_back(std::move(input));
  send(group, std::move(mail));
}

void router::send(shard_id registry, registry_mail&& mail) {
  const std::shared_lock lock{mutex_};
  if (registry.value >= registries_.size())
    return;
  if (registries_[registry.value])
    caf::anon_send(registries_[registry.value], std::move(mail));
  else if (shards_[registry.value])
    caf::anon_send(shards_[registry.value], std::move(mail));
}

void router::send(shard_id registry, registry_input&& input) {
  registry_mail mail;
  mail.inputs.push_back(std::move(input));
  send(registry, std::move(mail));
}

void router::for_each(const std::function<void(const caf::actor&)>& visit) const {
  const std::shared_lock lock{mutex_};
  for (const auto* handles : {&groups_, &registries_})
    for (const auto& handle : *handles)
      if (handle)
        visit(handle);
}

void router::clear() {
  const std::unique_lock lock{mutex_};
  groups_.clear();
  for (auto& handle : registries_)
    handle = nullptr;
  for (auto& handle : shards_)
    handle = nullptr;
}

}  // namespace janji::actors
