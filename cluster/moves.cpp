#include "cluster/moves.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <vector>

namespace janji::cluster {

namespace {

using replication::member;
using replication::order;

// One record against one picture.
struct view {
  const shard_record& record;
  const placement_picture& picture;
  const std::vector<std::uint64_t>& wanted;
  const slow_disk& slow;

  [[nodiscard]] std::optional<member> registered(std::uint64_t node) const {
    const auto it = std::ranges::find(picture.members, node, &node_registration::node);
    return it == picture.members.end() ? std::nullopt : std::optional(member{it->node, it->disk});
  }
  [[nodiscard]] bool is_registered(const member& m) const { return registered(m.node) == m; }
  [[nodiscard]] bool in_sync(const member& m) const { return std::ranges::find(record.in_sync, m) != record.in_sync.end(); }
  [[nodiscard]] bool learns(const member& m) const { return std::ranges::find(record.learners, m) != record.learners.end(); }
  // Its node has come back with another disk: this one will not.
  [[nodiscard]] bool is_lost(const member& m) const { return registered(m.node) && !is_registered(m); }
  // Replicas that are there or may come back.
  [[nodiscard]] std::size_t left() const {
    return record.learners.size() +
           static_cast<std::size_t>(std::ranges::count_if(record.in_sync, [this](const member& m) { return !is_lost(m); }));
  }
  [[nodiscard]] bool is_wanted(std::uint64_t node) const { return std::ranges::find(wanted, node) != wanted.end(); }

  // The first of the wanted that is there and holds everything.
  [[nodiscard]] std::optional<member> heir() const {
    for (const bool also_slow : {false, true}) {
      for (const auto node : wanted)
        if (const auto m = registered(node); m && in_sync(*m) && *m != record.leader && (also_slow || !slow(*m)))
          return m;
      for (const auto& m : record.in_sync)
        if (m != record.leader && is_registered(m) && (also_slow || !slow(m)))
          return m;
    }
    return std::nullopt;
  }
  // The first of the wanted that is there and holds nothing.
  [[nodiscard]] std::optional<member> newcomer() const {
    for (const auto node : wanted)
      if (const auto m = registered(node); m && !in_sync(*m) && !learns(*m))
        return m;
    return std::nullopt;
  }
  [[nodiscard]] std::optional<member> superfluous() const {
    for (const auto& m : record.in_sync)
      if (!is_wanted(m.node) && m != record.leader)
        return m;
    return std::nullopt;
  }
};

std::optional<order> make(order::verb what, const std::optional<member>& who) {
  return who ? std::optional(order{0, what, *who, {}}) : std::nullopt;
}

const std::vector<std::uint64_t>& wanted_of(shard_id shard, const placement_picture& picture) {
  static const std::vector<std::uint64_t> nothing;
  return shard.value < picture.wanted.size() ? picture.wanted[shard.value] : nothing;
}

}  // namespace

std::optional<order> next_order(shard_id shard, const shard_record& record, const placement_picture& picture, bool may_move,
                                const slow_disk& slow) {
  const view v{record, picture, wanted_of(shard, picture), slow};
  if (v.wanted.empty())
    return std::nullopt;
  const bool leader_is_wanted = v.is_wanted(record.leader.node);
  if (!leader_is_wanted && may_move)
    if (const auto heir = v.heir(); heir && v.is_wanted(heir->node))
      return make(order::verb::hand_over, heir);
  for (const auto& m : record.learners)
    if (!v.is_wanted(m.node) || v.is_lost(m))
      return make(order::verb::remove, m);
  const auto count = v.left();
  if (count < record.replicas_wanted)
    return make(order::verb::add_learner, v.newcomer());
  // A learner that waits for its disk is no move, and none waits for it.
  const bool only_slow = std::ranges::all_of(record.learners, slow);
  const bool enough = only_slow && count > record.replicas_wanted && record.in_sync.size() > record.min_in_sync && v.superfluous();
  if (record.in_sync.size() > record.replicas_wanted || enough)
    return make(order::verb::remove, v.superfluous());
  if (!may_move || !only_slow)
    return std::nullopt;
  if (const auto comes = v.newcomer(); comes && std::ranges::any_of(record.in_sync, [&](const member& m) { return !v.is_wanted(m.node); }))
    return make(order::verb::add_learner, comes);
  const auto first = v.registered(v.wanted.front());
  if (first && *first != record.leader && v.in_sync(*first) && !slow(*first))
    return make(order::verb::hand_over, first);
  return std::nullopt;
}

std::optional<order> order_to_serve(shard_id shard, const shard_record& record, const placement_picture& picture) {
  const slow_disk none = [](const auto&) { return false; };
  const view v{record, picture, wanted_of(shard, picture), none};
  if (v.wanted.empty())
    return std::nullopt;
  const auto there = [&](const std::vector<member>& list) { return std::ranges::count_if(list, std::bind_front(&view::is_registered, v)); };
  if (there(record.in_sync) + there(record.learners) >= record.replicas_wanted)
    return std::nullopt;
  return make(order::verb::add_learner, v.newcomer());
}

std::vector<member> disks_away(const shard_record& record, const std::vector<node_registration>& members) {
  std::vector<member> away;
  for (const auto& m : record.in_sync)
    if (std::ranges::none_of(members, [&](const node_registration& n) { return member{n.node, n.disk} == m; }))
      away.push_back(m);
  return away;
}

std::expected<shard_record, std::string> promoted_alone(const versioned_record& known, std::uint64_t node,
                                                        const std::vector<node_registration>& members, bool waits) {
  const auto refused = [](std::string why) { return std::unexpected("wrong_state: " + std::move(why)); };
  if (known.revision == 0)
    return std::unexpected(std::string("not_found: the shard was never begun"));
  const placement_picture there{{}, members, false};
  const slow_disk none = [](const auto&) { return false; };
  const std::vector<std::uint64_t> nowhere;
  const view v{known.record, there, nowhere, none};
  const auto chosen = v.registered(node);
  if (!chosen)
    return refused(fmt::format("node {} is not there", node));
  if (!waits && v.in_sync(*chosen))
    return refused(
        fmt::format("node {} is in sync: it holds all that was acknowledged. Where too few of its companions are left, "
                    "`shard replace` lets a learner take the place of one that is gone for good",
                    node));
  for (const auto& m : known.record.in_sync)
    if (!waits && v.is_registered(m))
      return refused(
          fmt::format("node {} is there and in sync: nothing is lost while it is. `shard replace` lets node {} take the place of one that "
                      "is gone for good",
                      m.node, node));
  auto next = known.record;
  next.epoch = epoch_t{next.epoch.value + 1};
  next.leader = *chosen;
  next.leader_boot = {};
  next.given_up_below = next.epoch;
  next.in_sync = {*chosen};
  std::erase_if(next.learners, [&](const member& m) { return m == *chosen || !v.is_registered(m); });
  return next;
}

std::optional<replication::member> heir_of(shard_id shard, const shard_record& record, const placement_picture& picture,
                                           const slow_disk& slow) {
  return view{record, picture, wanted_of(shard, picture), slow}.heir();
}

}  // namespace janji::cluster
