// A node's place in a cluster: etcd, the links, and what comes from both to the node. Owns the store of records and follows
// it; the node owns its links. Threads: events come from etcd's watching thread; the rest is called by the program's own.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "actors/node.hpp"
#include "apps/settings.hpp"
#include "cluster/etcd/etcd_config_store.hpp"
#include "net/links/links.hpp"
#include "store/key_ring.hpp"
#include "store/node_store.hpp"

namespace janji::apps {

class cluster_seat final : public cluster::config_events {
public:
  // None when the settings name no cluster.
  static std::expected<std::unique_ptr<cluster_seat>, std::string> open(const settings& s, store::node_store& store);
  ~cluster_seat() override;

  [[nodiscard]] store::key_ring::common_store common_keys();
  [[nodiscard]] actors::cluster_options options() const { return {min_in_sync_}; }
  [[nodiscard]] actors::cluster_ports ports();
  // The node runs: registers it and begins to follow. An error says why the cluster does not take it.
  std::expected<void, std::string> join(actors::node& node, const std::string& fronts);
  // Before the node goes.
  void leave();

  void picture(cluster::cluster_picture&& now) override;
  void record_changed(cluster::shard_change&& change) override;
  void node_announced(cluster::node_registration&& node) override;
  void node_gone(std::uint64_t node) override;
  void store_away(const std::string& why) override;
  void store_back() override;

private:
  cluster_seat(const settings& s, store::node_store& store);
  void tell_members();
  void begin_shards();

  store::node_store& store_;
  net::link_options links_;
  std::uint16_t shard_count_;
  std::uint8_t replicas_;
  std::uint8_t min_in_sync_;
  std::unique_ptr<cluster::etcd::etcd_config_store> etcd_;
  net::links* open_links_ = nullptr;  // the node's

  std::mutex mutex_;
  actors::node* node_ = nullptr;
  std::map<std::uint64_t, cluster::node_registration> members_;
  std::map<std::uint64_t, std::string> addresses_;  // of all that were ever seen: a lease that lapsed breaks no link
  std::map<shard_id, std::uint64_t> revisions_;     // of the records that are there
};

}  // namespace janji::apps
