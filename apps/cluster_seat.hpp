// A node's place in a cluster: etcd, the links, and what comes from both to the node. Owns the store of records and follows
// it; the node owns its links. Plans where shards are to lie, from the nodes that etcd shows: every node comes to the same
// plan, and each shard's leader carries out its own part.
//
// Threads: events come from etcd's watching thread; what takes time is done by a thread of its own; operations from any.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>

#include "actors/node.hpp"
#include "apps/membership.hpp"
#include "apps/settings.hpp"
#include "cluster/etcd/etcd_config_store.hpp"
#include "cluster/key_keeper.hpp"
#include "cluster/operations.hpp"
#include "cluster/positions.hpp"
#include "net/links/links.hpp"
#include "store/key_ring.hpp"
#include "store/node_store.hpp"

namespace janji::apps {

[[nodiscard]] net::link_options link_options_of(const settings& s);

class cluster_seat final : public cluster::config_events, public cluster::operations {
public:
  using end_process = std::function<void(const std::string&)>;
  // None when there is no etcd: the node is alone. `links_max`: connections of other nodes. `end`: called from any thread when this node
  // must not go on, with why.
  static std::expected<std::unique_ptr<cluster_seat>, std::string> open(const settings& s, store::node_store& store,
                                                                        std::unique_ptr<cluster::etcd::etcd_config_store> etcd,
                                                                        std::size_t links_max, end_process end);
  ~cluster_seat() override;

  // Once, before a key is asked for: from here on the ring's keys are the cluster's. An error: this node must not run, and why.
  std::expected<void, std::string> keep_keys(store::key_ring& ring, std::function<store::held_masters()> read_masters);
  // Keys that this node holds, into an etcd that has forgotten them. Those that etcd has otherwise are returned.
  std::expected<std::vector<std::string>, std::string> put_back_keys(const std::vector<std::string>& names) {
    return keys_->put_back(names);
  }
  // The same, and nothing is put back.
  std::expected<std::vector<std::string>, std::string> compare_keys(const std::vector<std::string>& names) { return keys_->compare(names); }
  // No round is there that this node has not heard of, as far as those who lead and hold them have told.
  [[nodiscard]] bool knows_all_rounds() const;
  // The keys of a round that is about to be imported here; those that another made for that number are as good.
  std::expected<void, std::string> make_keys(round_id round);
  // Keys of that round can be made for more nodes than this one. False: not yet, or not known.
  [[nodiscard]] bool can_make_keys(round_id round) { return keys_->has_locks(round).value_or(false); }
  [[nodiscard]] cluster::key_operations& key_orders() { return *keys_; }
  // Begins every shard of the cluster from the log that this node, which was alone, holds of it; before the node runs, and after
  // keep_keys(). Every step can be repeated. (cluster_founding.cpp)
  std::expected<void, std::string> found(start_membership& membership, const store::key_ring& ring);
  // Of the keys that all nodes share: the first node says it, every other's must be the same.
  std::expected<void, std::string> agree_on_fingerprint(const std::string& mine);
  [[nodiscard]] actors::cluster_ports ports();
  // The node runs: registers it and begins to follow. An error says why the cluster does not take it.
  std::expected<void, std::string> join(actors::node& node, const std::string& fronts);
  // Reads the certificates of the links and those for etcd anew; connections that are up keep theirs. Those stay as they were that an
  // error is about.
  std::expected<void, std::string> reload_certificates();
  // Before the node stops: nobody plans with it any more.
  void withdraw();
  // Before the node goes.
  void leave();

  void picture(cluster::cluster_picture&& now) override;
  void record_changed(cluster::shard_change&& change) override;
  void node_announced(cluster::node_registration&& node) override;
  void node_gone(std::uint64_t node) override;
  void value_changed(const std::string& name, std::optional<std::string> value) override;
  void store_away(const std::string& why) override;
  void store_back() override;

  [[nodiscard]] cluster::cluster_view view() const override;
  said change_node(std::uint64_t node, cluster::node_state to, bool dry_run) override;
  said pause_moves(bool paused, bool dry_run) override;
  said raise_feature_level(bool dry_run) override;
  said pin(shard_id shard, std::vector<std::uint64_t> nodes, bool dry_run) override;
  said promote_alone(shard_id shard, std::uint64_t node, bool dry_run) override;

private:
  using clock = std::chrono::steady_clock;
  struct new_shard {
    shard_id shard;
    cluster::shard_record record;
  };

  cluster_seat(const settings& s, store::node_store& store, end_process end);
  std::expected<void, std::string> begin();
  [[nodiscard]] std::expected<bool, std::string> may_be_made(const std::string& name);
  std::expected<void, std::string> begin_from_own_log(shard_id shard);
  std::expected<void, std::string> state_itself();
  void take_value(const std::string& name, const std::optional<std::string>& value);
  // Values in etcd: whether operators paused moves, and what they are then.
  static constexpr std::string_view moves_value = "moves", paused_text = "paused";
  void plan();
  [[nodiscard]] std::vector<std::uint64_t> nodes_of_cluster() const;  // that were not removed, there or not
  [[nodiscard]] bool placeable(const cluster::node_fact& fact, clock::time_point now) const;
  [[nodiscard]] std::vector<new_shard> shards_to_begin();
  [[nodiscard]] std::vector<shard_id> shards_without_records() const;
  void remember_that_it_began(const std::vector<shard_id>& unrecorded);
  [[nodiscard]] bool etcd_forgot(const std::vector<shard_id>& unrecorded, std::map<shard_id, unsigned>& seen);
  [[nodiscard]] std::optional<std::uint32_t> level_to_begin_at() const;
  bool begin_level(std::uint32_t level);
  void keep_house(const std::stop_token& stop);
  void write_positions();
  [[nodiscard]] std::vector<cluster::key_member> key_members() const;
  void look_after_keys(const std::stop_token& stop);
  void look_at_keys_again();
  [[nodiscard]] std::optional<std::string> why_not(std::uint64_t node, cluster::node_state to) const;
  said probe_store() override;
  said put(const std::string& name, const std::string& text, const std::string& done, bool dry_run);
  said change_value(const std::string& name, const std::function<said(const std::optional<std::string>&)>& next, const std::string& done,
                    bool dry_run);

  store::node_store& store_;
  end_process end_;
  net::link_options links_;
  std::string name_;
  std::uint16_t shard_count_;
  std::uint8_t replicas_;
  std::uint8_t min_in_sync_;
  std::chrono::seconds replace_after_;
  cluster::node_fact self_;
  std::unique_ptr<cluster::etcd::etcd_config_store> etcd_;
  net::links* open_links_ = nullptr;  // the node's

  mutable std::mutex mutex_;  // over all below
  actors::node* node_ = nullptr;
  std::map<std::uint64_t, cluster::node_registration> members_;
  std::map<std::uint64_t, std::string> addresses_;      // of all that were ever seen: a lease that lapsed breaks no link
  std::map<std::uint64_t, replication::boot_t> boots_;  // that were registered last
  std::map<std::uint64_t, cluster::node_fact> facts_;
  std::map<std::uint64_t, clock::time_point> gone_since_;
  std::map<shard_id, cluster::versioned_record> records_;
  std::map<shard_id, std::vector<std::uint64_t>> pins_;
  std::vector<std::vector<std::uint64_t>> wanted_;
  bool moves_paused_ = false;
  std::set<round_id> being_made_;               // keys of rounds that nobody has yet
  std::optional<std::uint32_t> feature_level_;  // none: the cluster has not begun, or a version that knows no levels began it
  std::string away_;

  cluster::positions written_;         // of this node's own text; keep_house's
  clock::time_point positions_due_{};  // keep_house's

  bool remembers_beginning_ = false;  // of the thread that keeps house
  bool changed_ = false;
  std::condition_variable_any wake_;
  store::key_ring* ring_ = nullptr;  // the node's
  std::unique_ptr<cluster::key_keeper> keys_;
  std::mutex keys_mutex_;  // over the one below
  bool keys_changed_ = false;
  std::condition_variable_any keys_wake_;
  std::jthread house_;  // these end before anything above goes
  std::jthread keys_house_;
};

}  // namespace janji::apps
