// What stands in etcd against disks that were put back (rule 22), and the order that gives it up.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "apps/cluster_seat.hpp"
#include "cluster/moves.hpp"
#include "cluster/positions.hpp"

namespace janji::apps {

namespace {

// What its leader says that no disk there holds; none: the shard waits for nothing.
std::optional<std::string> waits_for_a_disk(const actors::node& node, shard_id shard) {
  const auto reports = node.reports();
  for (const auto& [id, told] : *reports)
    for (const auto& s : told.report.shards)
      if (s.shard == shard && s.missing && node.now().value - told.at.value < actors::report_stale_ms)
        return fmt::format("; position {}.{} of it was committed, and no disk that is there holds it", s.missing->first.value,
                           s.missing->second.value);
  return std::nullopt;
}

}  // namespace

// How far the shards that are led here have committed. Another start of this node may have written meanwhile: both are true.
void cluster_seat::write_positions() {
  if (clock::now() < positions_due_)
    return;
  positions_due_ = clock::now() + cluster::positions_every;
  auto now = written_;
  {
    const std::lock_guard lock(mutex_);
    if (node_ == nullptr || !away_.empty())
      return;
    cluster::positions led;
    for (const auto& s : node_->status().shards)
      if (s.serving && s.committed_at != replication::position{})
        led[s.shard] = s.committed_at;
    if (!cluster::merge(now, led))
      return;
  }
  const auto name = fmt::format("{}{}", cluster::positions_value, links_.node);
  const auto there = etcd_->read_value(name);
  if (!there)
    return;
  if (there->value) {
    const auto known = cluster::positions_from_text(*there->value);
    if (known)
      cluster::merge(now, *known);
    else
      spdlog::error("{}: {}", name, known.error());
  }
  if (const auto put = etcd_->put_value(name, there->revision, cluster::to_text(now)); put && *put)
    written_ = std::move(now);
}

cluster_seat::said cluster_seat::promote_alone(shard_id shard, std::uint64_t node, bool dry_run) {
  if (shard.value >= shard_count_)
    return std::unexpected(fmt::format("not_found: there is no shard {}", shard.value));
  const auto known = etcd_->read(shard);  // not as the watch had it
  if (!known)
    return std::unexpected("busy: " + known.error());
  std::vector<cluster::node_registration> members;
  std::optional<std::string> waits;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, m] : members_)
      members.push_back(m);
    if (node_ != nullptr)
      waits = waits_for_a_disk(*node_, shard);
  }
  const auto next = cluster::promoted_alone(*known, node, members, waits.has_value());
  if (!next)
    return std::unexpected(next.error());
  std::string gone;
  for (const auto& m : known->record.in_sync)
    gone += fmt::format("{}{}", gone.empty() ? "" : ", ", m.node);
  auto what = fmt::format(
      "shard {} is led by node {} from its disk alone; what only the disks of nodes {} held is lost, and they "
      "must not come back without being wiped{}",
      shard.value, node, gone, waits.value_or(""));
  if (dry_run)
    return "would be done: " + what;
  switch (etcd_->swap(shard, known->revision, *next).result) {
    case cluster::swap_result::won: spdlog::warn("an operator's order: {}", what); return what;
    case cluster::swap_result::lost: return std::unexpected(std::string("busy: the record changed meanwhile; look before you ask again"));
    default: return std::unexpected(std::string("busy: etcd did not say whether it was done; look before you ask again"));
  }
}

}  // namespace janji::apps
