// The configuration store of a cluster: shards' records and nodes' registrations in etcd, through its HTTP/JSON gateway
// (etcd 3.4 and 3.5). Owns its connections and two threads: one keeps the lease of this node alive, one watches.
//
// Guarantees: a swap is one transaction that compares the revision at which the record was last changed, and says `won` or
// `lost` only when etcd has said so; what was sent and not answered is `unknown`. Reads are linearizable. An etcd that is
// another cluster than before, or whose revision has gone back, is refused: every call fails and says so.
//
// Threads: any; calls block up to options.call_deadline. Events come from the watching thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "cluster/config_store.hpp"
#include "cluster/etcd/connection.hpp"
#include "cluster/etcd/options.hpp"
#include "cluster/etcd/wire.hpp"
#include "cluster/membership.hpp"
#include "cluster/value_store.hpp"

namespace janji::cluster::etcd {

class etcd_config_store final : public config_store, public value_store {
public:
  using log_line = std::function<void(const std::string&)>;
  // Reads certificates and checks the addresses; does not wait for etcd. `log` may be called from any of its threads.
  static std::expected<std::unique_ptr<etcd_config_store>, std::string> open(options o, log_line log = {});
  // Whether etcd lets anybody read the cluster's records, who shows no certificate and no password. One that does not answer does not.
  static bool lets_strangers_in(options o);
  ~etcd_config_store() override;

  std::expected<versioned_record, std::string> read(shard_id shard) override;
  swap_outcome swap(shard_id shard, std::uint64_t expected_revision, const shard_record& record) override;
  swap_outcome swap_if_registered(shard_id shard, std::uint64_t expected_revision, const shard_record& record,
                                  replication::member who) override;
  std::expected<positions, std::string> outside() override;

  // Small values that the first to write decides: says what is there afterwards.
  std::expected<std::string, std::string> put_if_absent(std::string_view name, std::string_view value);
  std::expected<versioned_value, std::string> read_value(std::string_view name) override;
  std::expected<std::map<std::string, versioned_value>, std::string> read_values(std::string_view prefix) override;
  std::expected<bool, std::string> put_value(std::string_view name, std::int64_t revision, std::string_view value,
                                             const std::optional<value_condition>& also = std::nullopt) override;
  std::expected<void, std::string> remove(std::string_view name) override;

  // ---- this node (registration.cpp). First begin_boot(), then announce().
  // Which start of the node this is (cluster/boots.hpp). Waits for another registration of its number to lapse, and is refused by
  // name when it does not; one whose owner `is_gone` is taken over at once. `write` puts both numbers on the disk, synced, between
  // what is asked of etcd; `disk` is another one than before when `why` is not empty.
  struct start {
    replication::boot_t boot;
    std::uint64_t disk = 0;
    std::string why;
  };
  using write_on_disk = std::function<std::expected<void, std::string>(replication::boot_t boot, std::uint64_t disk)>;
  using gone_check = std::function<bool(const node_registration& other)>;
  std::expected<start, std::string> begin_boot(std::uint64_t node, std::uint64_t disk, replication::boot_t on_disk,
                                               const write_on_disk& write, const gone_check& is_gone);
  // Registers this start under a lease that is kept alive until withdraw(), and again when it has lapsed. Refused when another start
  // of the node is registered. `taken`: called from a thread of its own when this start must end, because another has its place.
  using taken_call = std::function<void(const std::string& why)>;
  std::expected<void, std::string> announce(const node_registration& self, taken_call taken = {});
  // Takes the registration back at once, so that nobody waits for the lease to lapse.
  void withdraw();
  // Once. `events` outlives this store.
  void follow(config_events& events);
  // Reads the certificates again, for connections made from now on. On an error the old ones stay.
  std::expected<void, std::string> reload();

private:
  struct channel;
  explicit etcd_config_store(options o, log_line log);
  std::expected<boost::json::object, failure> call(channel& c, std::string_view path, const boost::json::object& body,
                                                   connection::again repeat);
  // access.cpp
  static std::expected<tls_files::context, std::string> read_certificates(const options& o);
  static std::expected<std::string, std::string> password_of(const options& o);
  std::expected<void, failure> sign_in(channel& c, steady::time_point deadline);
  [[nodiscard]] failure explained(failure f) const;
  std::expected<header, failure> check(const boost::json::object& answer, std::int64_t at_least);
  std::expected<header, failure> same_cluster(const header& h);
  // `unchanged_at`: a failed swap that finds the record as last changed there has failed on its other condition.
  swap_outcome settle(std::expected<boost::json::object, failure> answer, const shard_record& record,
                      std::optional<std::uint64_t> unchanged_at = std::nullopt);
  struct refused {
    bool taken = false;  // another start has its place
    std::string why;
  };
  std::expected<key_value, failure> read_key(channel& c, const std::string& key);
  std::expected<void, std::string> wait_until_free(channel& c, std::uint64_t node, std::uint64_t disk, const gone_check& is_gone);
  std::expected<void, refused> register_with_lease(channel& c, const node_registration& self);
  std::expected<void, refused> try_to_register(channel& c, const node_registration& self, bool& changed);
  std::expected<std::int64_t, refused> revision_to_replace(channel& c, const node_registration& self);
  std::expected<condition, refused> still_last(channel& c, const node_registration& self);
  void look_after_own(std::uint64_t node, const node_registration* now);
  void look_after_own(const std::vector<node_registration>& all);
  void keep_alive(const std::stop_token& stop);
  bool prolong(channel& c);
  void watch(const std::stop_token& stop);
  std::expected<std::int64_t, failure> tell_picture(channel& c);
  std::expected<void, failure> is_current(channel& c, std::int64_t next);
  std::expected<void, failure> tell_changes(channel& c, std::int64_t& next, bool& told_anew);
  void reached();
  void tell(key_change&& change);
  void wait(const std::stop_token& stop, std::chrono::milliseconds at_most);
  void say(const std::string& text) const;
  [[nodiscard]] std::string shard_key(shard_id shard) const;
  [[nodiscard]] std::string node_key(std::uint64_t node) const;
  [[nodiscard]] std::string value_key(std::string_view name) const;

  options options_;
  log_line log_;
  std::string prefix_;  // /janji/<cluster>/
  std::vector<endpoint> endpoints_;
  std::shared_ptr<tls_files> tls_;      // none: no endpoint is https
  std::atomic<bool> told_open_{false};  // that etcd asks nobody for a password

  std::atomic<std::uint64_t> cluster_id_{0};  // 0: not heard of yet
  std::atomic<std::int64_t> seen_{0};         // the greatest revision of a linearizable answer

  std::mutex calls_;
  std::unique_ptr<channel> caller_;   // under calls_
  std::unique_ptr<channel> keeper_;   // of keep_alive()
  std::unique_ptr<channel> watcher_;  // of watch()

  std::mutex mine_;
  std::optional<node_registration> self_;  // under mine_
  std::int64_t lease_ = 0;                 // under mine_; 0: none
  replication::boot_t gone_;               // under calls_ until the keeper runs: a registration of this start may be replaced
  taken_call taken_;                       // the keeper's
  std::atomic<bool> look_{false};          // the registration is gone or another's, as the watch has it

  config_events* events_ = nullptr;
  bool away_ = false;  // the watching thread's, all three
  bool told_forgotten_ = false;
  bool told_refused_ = false;
  std::mutex waiting_;
  std::condition_variable_any wake_;
  std::jthread keeping_;  // end before anything above goes
  std::jthread watching_;
};

}  // namespace janji::cluster::etcd
