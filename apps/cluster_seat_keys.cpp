// How a node keeps the cluster's keys: what it gives to the keeper of keys, and the thread on which that works.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "apps/cluster_seat.hpp"
#include "store/wiping.hpp"

namespace janji::apps {

std::expected<void, std::string> cluster_seat::keep_keys(store::key_ring& ring, std::function<store::held_masters()> read_masters) {
  cluster::key_keeper::ports p;
  p.node = links_.node;
  p.boot = links_.boot;
  p.read_masters = std::move(read_masters);
  p.members = [this] { return key_members(); };
  p.may_be_made = [this](const std::string& name) { return may_be_made(name); };
  p.warn = [](const std::string& what) { spdlog::error("keys: {}", what); };
  p.end = end_;
  keys_ = std::make_unique<cluster::key_keeper>(*etcd_, ring, std::move(p));
  if (auto begun = keys_->begin(); !begun)
    return begun;
  ring.share(keys_->common());
  ring_ = &ring;
  return {};
}

bool cluster_seat::knows_all_rounds() const {
  const std::lock_guard lock(mutex_);
  if (node_ == nullptr)
    return false;
  const auto known = node_->rounds_applied();
  bool led = false;
  const auto reports = node_->reports();
  for (const auto& [node, told] : *reports) {
    if (told.report.rounds_applied > known)
      return false;
    led = led || std::ranges::any_of(told.report.shards, [](const auto& s) { return s.shard == shard_id{0} && s.serving; });
  }
  return led;
}

std::expected<void, std::string> cluster_seat::make_keys(round_id round) {
  const auto make = [&]() -> std::expected<void, std::string> {
    for (const auto* kind : {"citizen/", "data/"})
      if (const auto made = ring_->get_or_make(kind + std::to_string(round.value)); !made)
        return std::unexpected(made.error().text());
    return {};
  };
  {
    const std::lock_guard lock(mutex_);
    being_made_.insert(round);
  }
  auto made = make();
  const std::lock_guard lock(mutex_);
  being_made_.erase(round);
  return made;
}

// Whoever is known and was not removed, and whoever is registered.
std::vector<cluster::key_member> cluster_seat::key_members() const {
  const std::lock_guard lock(mutex_);
  std::map<std::uint64_t, cluster::key_member> found;
  for (const auto id : nodes_of_cluster())
    found[id].node = id;
  for (const auto& [id, m] : members_)
    found[id] = {id, true, m.boot, std::nullopt};
  std::vector<cluster::key_member> out;
  out.reserve(found.size());
  for (auto& [id, m] : found)
    out.push_back(std::move(m));
  return out;
}

void cluster_seat::look_at_keys_again() {
  keys_->look_again();
  {
    const std::lock_guard lock(keys_mutex_);
    keys_changed_ = true;
  }
  keys_wake_.notify_all();
}

// When etcd says that something changed, and every second: the masters' files are looked at, and what failed is tried again.
void cluster_seat::look_after_keys(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    store::in_private([this] { keys_->pass(); });
    std::unique_lock lock(keys_mutex_);
    keys_wake_.wait_for(lock, stop, std::chrono::seconds(1), [this] { return std::exchange(keys_changed_, false); });
  }
}

}  // namespace janji::apps
