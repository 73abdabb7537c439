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

namespace janji::cluster::etcd {

class etcd_config_store final : public config_store {
public:
  using log_line = std::function<void(const std::string&)>;
  // Reads certificates and checks the addresses; does not wait for etcd. `log` may be called from any of its threads.
  static std::expected<std::unique_ptr<etcd_config_store>, std::string> open(options o, log_line log = {});
  ~etcd_config_store() override;

  std::expected<versioned_record, std::string> read(shard_id shard) override;
  swap_outcome swap(shard_id shard, std::uint64_t expected_revision, const shard_record& record) override;
  swap_outcome swap_if_registered(shard_id shard, std::uint64_t expected_revision, const shard_record& record,
                                  replication::member who) override;

  // Small values that the first to write decides (wrapped keys): says what is there afterwards.
  std::expected<std::string, std::string> put_if_absent(std::string_view name, std::string_view value);
  std::expected<void, std::string> remove(std::string_view name);
  // Other small values: what is there, and where it was last changed; none where there is none (revision 0).
  struct versioned_value {
    std::int64_t revision = 0;
    std::optional<std::string> value;
  };
  std::expected<versioned_value, std::string> read_value(std::string_view name);
  // Puts it where it was last changed at that revision (0: where there is none). False: somebody else was first.
  std::expected<bool, std::string> put_value(std::string_view name, std::int64_t revision, std::string_view value);

  // Registers this node under a lease that is kept alive until withdraw(). Refused while the id is registered with another
  // disk: its owner may be alive. An earlier start of the same disk is replaced.
  std::expected<void, std::string> announce(const node_registration& self);
  // Takes the registration back at once, so that nobody waits for the lease to lapse.
  void withdraw();
  // Once. `events` outlives this store.
  void follow(config_events& events);

private:
  struct channel;
  explicit etcd_config_store(options o, log_line log);
  std::expected<boost::json::object, failure> call(channel& c, std::string_view path, const boost::json::object& body,
                                                   connection::again repeat);
  std::expected<header, failure> check(const boost::json::object& answer, std::int64_t at_least);
  std::expected<header, failure> same_cluster(const header& h);
  // `unchanged_at`: a failed swap that finds the record as last changed there has failed on its other condition.
  swap_outcome settle(std::expected<boost::json::object, failure> answer, const shard_record& record,
                      std::optional<std::uint64_t> unchanged_at = std::nullopt);
  std::expected<void, std::string> register_with_lease(channel& c, const node_registration& self);
  void keep_alive(const std::stop_token& stop);
  bool prolong(channel& c);
  void watch(const std::stop_token& stop);
  std::expected<std::int64_t, failure> tell_picture(channel& c);
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
  std::shared_ptr<boost::asio::ssl::context> tls_;

  std::atomic<std::uint64_t> cluster_id_{0};  // 0: not heard of yet
  std::atomic<std::int64_t> seen_{0};         // the greatest revision of a linearizable answer

  std::mutex calls_;
  std::unique_ptr<channel> caller_;   // under calls_
  std::unique_ptr<channel> keeper_;   // of keep_alive()
  std::unique_ptr<channel> watcher_;  // of watch()

  std::mutex mine_;
  std::optional<node_registration> self_;  // under mine_
  std::int64_t lease_ = 0;                 // under mine_; 0: none

  config_events* events_ = nullptr;
  bool away_ = false;  // the watching thread's, both
  bool told_forgotten_ = false;
  std::mutex waiting_;
  std::condition_variable_any wake_;
  std::jthread keeping_;  // end before anything above goes
  std::jthread watching_;
};

}  // namespace janji::cluster::etcd
