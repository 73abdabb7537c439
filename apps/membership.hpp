// Whether a start agrees with what the data was written as, and with what etcd says of the cluster. Judged before anything is opened
// for writing: a start that is refused has changed nothing, registered nothing and opened no port.
// Threads: the starting one.
#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <string>

#include "apps/settings.hpp"
#include "cluster/etcd/etcd_config_store.hpp"
#include "cluster/membership_record.hpp"
#include "store/node_store.hpp"

namespace janji::apps {

// The number of shards is part of the data: asking for another is an error, not a silent change. Data that says none agrees.
[[nodiscard]] std::expected<void, std::string> agrees_in_shards(const store::node_store& store, std::int64_t shards);

class start_membership {
public:
  // Reads the data, and of a cluster etcd too, where it may put the cluster's id: the first node's, or one that etcd has forgotten.
  static std::expected<start_membership, std::string> judge(const settings& s);
  // Of the data alone, for a look at a configuration.
  static std::expected<void, std::string> judge_data(const settings& s);

  // The store is open now, so nobody else has it: looks again, and writes down what the data is. Before the node serves or registers.
  std::expected<void, std::string> write(const store::node_store& store);
  // The cluster has been begun of this node's data: etcd first, then the disk.
  std::expected<void, std::string> end_founding(cluster::etcd::etcd_config_store& etcd);

  [[nodiscard]] const cluster::membership_record& record() const { return record_; }
  // The cluster is to be made of this node's data; `begins`: its shards are still to be begun.
  [[nodiscard]] bool founds() const { return record_.kind == cluster::membership_kind::founder; }
  [[nodiscard]] bool begins() const { return founds() && begins_; }
  // etcd as it was judged by; none: the node is alone.
  std::unique_ptr<cluster::etcd::etcd_config_store> take_etcd() { return std::move(etcd_); }

private:
  explicit start_membership(const settings& s);
  std::expected<void, std::string> judge_disk();
  [[nodiscard]] bool never_ran() const;
  std::expected<void, std::string> judge_etcd();
  std::expected<std::string, std::string> put_identity();
  [[nodiscard]] std::expected<void, std::string> agrees(const cluster::cluster_identity& there) const;
  [[nodiscard]] std::expected<void, std::string> may_begin();
  [[nodiscard]] std::expected<void, std::string> agrees_with_first_shard();
  struct disk_in_etcd {
    std::optional<std::uint64_t> owner;
    bool has_another = false;
  };
  [[nodiscard]] std::expected<disk_in_etcd, std::string> look_for_disk();
  [[nodiscard]] std::expected<void, std::string> is_known();

  cluster::membership_settings settings_;
  std::optional<cluster::membership_record> found_;  // on the disk
  std::optional<cluster::membership_record> known_;  // as found, unless it counts for nothing
  std::optional<cluster::disk_kind> kind_;           // where nothing is known; none: the store cannot be read without writing
  std::uint64_t disk_ = 0;                           // with kind_
  cluster::membership_record record_;                // what the disk is to say
  bool begins_ = false;
  std::unique_ptr<cluster::etcd::etcd_config_store> etcd_;  // while it is judged by
};

}  // namespace janji::apps
