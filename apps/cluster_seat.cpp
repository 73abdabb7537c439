#include "apps/cluster_seat.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <sstream>
#include <utility>

#include "cluster/placement.hpp"

namespace janji::apps {

cluster_seat::cluster_seat(const settings& s, store::node_store& store)
    : store_(store),
      shard_count_(static_cast<std::uint16_t>(s.number("node.shards"))),
      replicas_(static_cast<std::uint8_t>(s.number("cluster.replicas"))),
      min_in_sync_(static_cast<std::uint8_t>(s.number("cluster.min_in_sync"))) {
  links_.cluster = s.text("cluster.name");
  links_.node = static_cast<std::uint64_t>(s.number("cluster.node"));
  links_.boot = replication::boot_t{store.boot()};
  links_.address = s.text("cluster.address");
  links_.port = static_cast<std::uint16_t>(s.number("cluster.port"));
  links_.certificate_file = s.text("cluster.certificate_file");
  links_.key_file = s.text("cluster.key_file");
  links_.ca_file = s.text("cluster.ca_file");
  links_.log = [](const std::string& line) { spdlog::info("{}", line); };
}

std::expected<std::unique_ptr<cluster_seat>, std::string> cluster_seat::open(const settings& s, store::node_store& store) {
  if (s.text("cluster.name").empty())
    return nullptr;
  std::unique_ptr<cluster_seat> seat(new cluster_seat(s, store));
  if (seat->links_.node == 0)
    return std::unexpected("cluster.node must be this node's own number, from 1 to 4095");
  if (seat->min_in_sync_ > seat->replicas_)
    return std::unexpected("cluster.min_in_sync cannot be more than cluster.replicas");
  cluster::etcd::options o;
  o.cluster = s.text("cluster.name");
  std::istringstream endpoints(s.text("cluster.etcd"));
  for (std::string e; endpoints >> e;)
    o.endpoints.push_back(e);
  auto etcd = cluster::etcd::etcd_config_store::open(std::move(o), [](const std::string& line) { spdlog::warn("etcd: {}", line); });
  if (!etcd)
    return std::unexpected(etcd.error());
  seat->etcd_ = std::move(*etcd);
  if (const auto reached = seat->etcd_->read(shard_id{0}); !reached)
    return std::unexpected("etcd cannot be reached: " + reached.error());
  return seat;
}

cluster_seat::~cluster_seat() = default;

store::key_ring::common_store cluster_seat::common_keys() {
  return {[this](const std::string& name, const std::string& wrapped) { return etcd_->put_if_absent("key/" + name, wrapped); },
          [this](const std::string& name) { return etcd_->remove("key/" + name); }};
}

actors::cluster_ports cluster_seat::ports() {
  actors::cluster_ports p;
  p.node = links_.node;
  p.records = etcd_.get();
  p.warn = [](const std::string& what) { spdlog::error("{}", what); };
  p.link = [this](cluster::peer_events& events) -> std::unique_ptr<cluster::peer_links> {
    auto made = net::links::open(links_, events);
    if (!made) {
      spdlog::error("{}", made.error());
      return nullptr;
    }
    open_links_ = made->get();
    return std::move(*made);
  };
  return p;
}

std::expected<void, std::string> cluster_seat::join(actors::node& node, const std::string& fronts) {
  {
    const std::lock_guard lock(mutex_);
    node_ = &node;
  }
  const auto links = fmt::format("{}:{}", links_.address, open_links_->port());
  if (auto announced = etcd_->announce({links_.node, store_.disk_id(), links_.boot, links, fronts, JANJI_VERSION}); !announced)
    return announced;
  etcd_->follow(*this);
  return {};
}

void cluster_seat::leave() {
  etcd_->withdraw();
  const std::lock_guard lock(mutex_);
  node_ = nullptr;
}

// ------------------------------------------------------------------ what etcd shows

void cluster_seat::picture(cluster::cluster_picture&& now) {
  const std::lock_guard lock(mutex_);
  if (node_ == nullptr)
    return;
  members_.clear();
  for (auto& m : now.nodes)
    members_[m.node] = std::move(m);
  revisions_.clear();
  for (auto& s : now.shards) {
    revisions_[s.shard] = s.record.revision;
    node_->record_changed(s);
  }
  tell_members();
  begin_shards();
}

void cluster_seat::record_changed(cluster::shard_change&& change) {
  const std::lock_guard lock(mutex_);
  if (node_ == nullptr)
    return;
  revisions_[change.shard] = change.record.revision;
  node_->record_changed(change);
}

void cluster_seat::node_announced(cluster::node_registration&& node) {
  const std::lock_guard lock(mutex_);
  if (node_ == nullptr)
    return;
  members_[node.node] = std::move(node);
  tell_members();
  begin_shards();
}

void cluster_seat::node_gone(std::uint64_t node) {
  const std::lock_guard lock(mutex_);
  if (node_ == nullptr || members_.erase(node) == 0)
    return;
  spdlog::warn("node {} is not registered any more", node);
  tell_members();
}

void cluster_seat::store_away(const std::string& why) { spdlog::warn("etcd is away, nothing can change: {}", why); }
void cluster_seat::store_back() { spdlog::info("etcd is back"); }

void cluster_seat::tell_members() {
  std::vector<cluster::node_registration> list;
  for (const auto& [id, m] : members_) {
    addresses_[id] = m.links;
    list.push_back(m);
  }
  open_links_->set_peers(addresses_);
  node_->members_changed(std::move(list));
}

// Records of shards that were never begun: each is made by the node that the shard likes best, once enough are there, and
// only while that node's own disk knows nothing of the shard. An etcd that forgot everything is not begun anew.
void cluster_seat::begin_shards() {
  if (members_.size() < replicas_)
    return;
  for (std::uint16_t s = 0; s < shard_count_; ++s) {
    const shard_id shard{s};
    if (revisions_.contains(shard))
      continue;
    std::vector<replication::member> ranked;
    for (const auto& [id, m] : members_)
      ranked.push_back({id, m.disk});
    std::ranges::sort(ranked, [&](const auto& a, const auto& b) {
      return cluster::preference_of(shard, a.node) > cluster::preference_of(shard, b.node);
    });
    ranked.resize(replicas_);
    if (ranked.front().node != links_.node)
      continue;
    if (const auto tail = store_.tail(shard); !tail || tail->promised.value != 0) {
      spdlog::error("shard {} has data here and no record in etcd: it is not begun anew (an etcd that forgot?)", s);
      continue;
    }
    const auto begun = etcd_->swap(shard, 0, {epoch_t{1}, ranked.front(), ranked, {}, min_in_sync_, replicas_});
    if (begun.result == cluster::swap_result::won)
      spdlog::info("shard {} begins, led here", s);
  }
}

}  // namespace janji::apps
