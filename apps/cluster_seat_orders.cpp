// What operators see of the cluster, and what they order: nodes, moves, pins, the feature level.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <boost/json.hpp>
#include <set>
#include <utility>

#include "apps/cluster_seat.hpp"
#include "cluster/feature_level.hpp"
#include "cluster/record_text.hpp"

namespace janji::apps {

namespace {

std::string text_of(const std::vector<std::uint64_t>& nodes) {
  boost::json::array out;
  for (const auto n : nodes)
    out.push_back(n);
  return boost::json::serialize(out);
}

}  // namespace

cluster::cluster_view cluster_seat::view() const {
  const std::lock_guard lock(mutex_);
  cluster::cluster_view v{name_, links_.node, {}, {}, moves_paused_, feature_level_.value_or(0), away_};
  std::map<std::uint64_t, cluster::node_view> nodes;
  for (const auto& [id, fact] : facts_)
    nodes[id].fact = fact;
  for (const auto& [id, m] : members_) {
    nodes[id].fact.node = id;
    nodes[id].registered = m;
  }
  for (std::uint16_t s = 0; s < shard_count_; ++s) {
    const shard_id shard{s};
    cluster::shard_view one{shard, {}, s < wanted_.size() ? wanted_[s] : std::vector<std::uint64_t>{}, pins_.contains(shard)};
    if (const auto known = records_.find(shard); known != records_.end())
      one.record = known->second;
    for (const auto n : one.wanted)
      ++nodes[n].wanted;
    if (one.record.revision != 0) {
      ++nodes[one.record.record.leader.node].leads;
      for (const auto& m : one.record.record.in_sync)
        ++nodes[m.node].holds;
      for (const auto& m : one.record.record.learners)
        ++nodes[m.node].learns;
    }
    v.shards.push_back(std::move(one));
  }
  for (auto& [id, n] : nodes) {
    n.fact.node = id;
    v.nodes.push_back(std::move(n));
  }
  return v;
}

// None: it can be done. Under mutex_.
std::optional<std::string> cluster_seat::why_not(std::uint64_t node, cluster::node_state to) const {
  const auto known = facts_.find(node);
  if (known == facts_.end())
    return to == cluster::node_state::active ? fmt::format("wrong_state: node {} has never been here: start it, it joins by itself", node)
                                             : fmt::format("wrong_state: there is no node {}", node);
  if (to == cluster::node_state::active)
    return std::nullopt;
  const auto left = std::ranges::count_if(facts_, [&](const auto& f) { return f.first != node && placeable(f.second, clock::now()); });
  if (to == cluster::node_state::draining)
    return known->second.stores && static_cast<std::size_t>(left) < replicas_
               ? std::optional(fmt::format("wrong_state: {} nodes would be left to hold {} replicas of every shard", left, replicas_))
               : std::nullopt;
  std::size_t held = 0;
  for (const auto& [shard, r] : records_) {
    const auto is_it = [&](const replication::member& m) { return m.node == node; };
    held += std::ranges::any_of(r.record.in_sync, is_it) || std::ranges::any_of(r.record.learners, is_it) ? 1 : 0;
  }
  if (held != 0)
    return fmt::format("wrong_state: node {} holds {} shards still: drain it first and wait until it holds none", node, held);
  if (members_.contains(node))
    return fmt::format("wrong_state: node {} runs: stop it first", node);
  return std::nullopt;
}

cluster_seat::said cluster_seat::probe_store() {
  static std::atomic<std::uint64_t> probes{0};
  return put(fmt::format("probe/{}", links_.node), fmt::format("{}/{}", store_.boot(), ++probes), "written", false);
}

cluster_seat::said cluster_seat::put(const std::string& name, const std::string& text, const std::string& done, bool dry_run) {
  return change_value(name, [&text](const auto&) -> said { return text; }, done, dry_run);
}

// `next`: what is to stand there in place of what stands there now.
cluster_seat::said cluster_seat::change_value(const std::string& name, const std::function<said(const std::optional<std::string>&)>& next,
                                              const std::string& done, bool dry_run) {
  for (int tries = 0; tries < 5; ++tries) {
    const auto known = etcd_->read_value(name);
    if (!known)
      return std::unexpected("busy: etcd: " + known.error());
    const auto text = next(known->value);
    if (!text)
      return text;
    if (dry_run)
      return (known->value == *text ? "nothing would be done: " : "would be done: ") + done;
    if (known->value == *text)
      return done;
    const auto written = etcd_->put_value(name, known->revision, *text);
    if (!written)
      return std::unexpected("unknown: etcd: " + written.error() + "; look before you ask again");
    if (*written)
      return done;
  }
  return std::unexpected(std::string("busy: somebody else is changing the same"));
}

cluster_seat::said cluster_seat::change_node(std::uint64_t node, cluster::node_state to, bool dry_run) {
  cluster::node_fact known;
  {
    const std::lock_guard lock(mutex_);
    if (auto no = why_not(node, to))
      return std::unexpected(std::move(*no));
    known = facts_.at(node);
  }
  // What else is said of the node it says itself, at its starts: perhaps since this node last heard of it.
  const auto changed = [&](const std::optional<std::string>& now) -> said {
    const auto there = now ? cluster::fact_from_text(*now) : std::unexpected(std::string());
    auto fact = there ? *there : known;
    fact.state = to;
    return cluster::to_text(fact);
  };
  return change_value(fmt::format("node/{}", node), changed, fmt::format("node {} is {}", node, cluster::name_of(to)), dry_run);
}

cluster_seat::said cluster_seat::pause_moves(bool paused, bool dry_run) {
  return put(std::string(moves_value), paused ? std::string(paused_text) : "running", paused ? "moves are paused" : "moves go on", dry_run);
}

cluster_seat::said cluster_seat::raise_feature_level(bool dry_run) {
  const auto v = view();
  auto done = fmt::format("the feature level is {}", cluster::feature_level_newest);
  if (v.feature_level == cluster::feature_level_newest)
    return done;
  if (auto no = cluster::why_not_raise(v))
    return std::unexpected("wrong_state: " + std::move(*no));
  return put(std::string(cluster::feature_level_value), std::to_string(cluster::feature_level_newest),
             done + "; versions that do not know it cannot join any more", dry_run);
}

cluster_seat::said cluster_seat::pin(shard_id shard, std::vector<std::uint64_t> nodes, bool dry_run) {
  {
    const std::lock_guard lock(mutex_);
    if (shard.value >= shard_count_)
      return std::unexpected(fmt::format("not_found: there is no shard {}", shard.value));
    if (!nodes.empty() && nodes.size() != replicas_)
      return std::unexpected(fmt::format("wrong_state: a shard lies on {} nodes", replicas_));
    if (std::set(nodes.begin(), nodes.end()).size() != nodes.size())
      return std::unexpected(std::string("wrong_state: a node is named twice"));
    for (const auto n : nodes)
      if (const auto f = facts_.find(n); f == facts_.end() || !placeable(f->second, clock::now()) || !members_.contains(n))
        return std::unexpected(fmt::format("wrong_state: node {} is not there, or is to hold nothing", n));
  }
  return put(fmt::format("pin/{}", shard.value), text_of(nodes),
             nodes.empty() ? fmt::format("shard {} lies where the placement chooses", shard.value)
                           : fmt::format("shard {} is to lie on {}", shard.value, text_of(nodes)),
             dry_run);
}

}  // namespace janji::apps
