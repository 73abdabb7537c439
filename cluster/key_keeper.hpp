// Keeps a node's key file and the cluster's copies of its keys wrapped under the master that the cluster's record names
// (key_rotation.hpp), and carries out operators' orders about that. Every node has one; whatever one leaves half done another goes on
// with. Guarantees: no copy is put under another master than the record names at that moment; a copy that was removed, because its round
// was erased, is never put back by a rotation; no key is made in the place of one that may exist. From a feature level on the copies of
// rounds' keys are wrapped for the nodes' secrets of the round (key_locks.hpp): whoever holds a key wraps it for those that joined since.
//
// Threads: any; calls block on the configuration store. `held` and what it reads are its own; the ring outlives it.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <set>

#include "cluster/key_operations.hpp"
#include "cluster/value_store.hpp"
#include "store/key_ring.hpp"

namespace janji::cluster {

class key_keeper final : public key_operations {
public:
  struct ports {
    std::uint64_t node = 0;
    replication::boot_t boot;
    std::function<store::held_masters()> read_masters;  // what a start would have now
    std::function<std::vector<key_member>()> members;   // without what they have said
    std::function<std::expected<bool, std::string>(const std::string& name)> may_be_made;
    std::function<void(const std::string&)> warn = [](const std::string&) {};
    std::function<void(const std::string&)> end = [](const std::string&) {};  // this node must not go on
  };
  key_keeper(value_store& values, store::key_ring& ring, ports p);

  // At a start, before a key is asked for: brings the key file to where the cluster is. An error: this node must not run, and why.
  std::expected<void, std::string> begin();
  // What the ring asks of the cluster.
  [[nodiscard]] store::key_ring::common_store common();
  // A key that this node holds, where the store has forgotten it.
  std::expected<void, std::string> put_back(const std::string& name);
  // All of these. Those of which the store has another than this node are not changed, and returned.
  std::expected<std::vector<std::string>, std::string> put_back(const std::vector<std::string>& names);
  // Those of this node's that are otherwise in the store; `puts_back`: those that it lacks are written into it.
  std::expected<std::vector<std::string>, std::string> compare(const std::vector<std::string>& names, bool puts_back = false);
  // Whether a key of that round, made now, would be wrapped for another node too.
  std::expected<bool, std::string> has_locks(round_id round);
  // The record or what a node has said may have changed.
  void look_again() { look_ = true; }
  // Reads this node's masters and does what is to be done. To be called again and again; asks nothing of the store while nothing changes.
  void pass();

  std::expected<keys_view, std::string> keys() override;
  said rotate(const std::optional<store::key_bytes>& to, bool dry_run) override;
  said finish_rotation(bool dry_run) override;

private:
  struct seen_record {
    std::int64_t revision = 0;
    std::optional<master_record> record;
    [[nodiscard]] value_condition unchanged() const { return {std::string(master_value), revision}; }
  };
  template <class T>
  using result = std::expected<T, std::string>;

  [[nodiscard]] std::vector<store::key_bytes> masters() const;
  [[nodiscard]] std::vector<std::string> held() const;
  [[nodiscard]] std::optional<store::key_bytes> master_named(const std::string& fingerprint) const;
  result<seen_record> read_record();
  result<store::key_bytes> agree_on_key(const std::string& name, const store::key_bytes& key);
  struct opened_copy {
    store::key_bytes key;
    std::string master;
  };
  [[nodiscard]] std::optional<opened_copy> opened(const std::optional<master_record>& record, const std::string& name,
                                                  const key_copy& copy) const;
  result<std::string> wrapped(const std::optional<master_record>& record, const std::string& name, const store::key_bytes& key);
  // False: it changed since revision `revision`, or the record did, and nothing was put.
  result<bool> put_copy(const seen_record& seen, const std::string& name, const store::key_bytes& key, std::int64_t revision);
  result<void> settle_form();
  result<void> say_locks(std::optional<round_id> wanted);
  using said_locks = std::map<std::string, versioned_value>;
  result<std::vector<key_lock>> locks_of(round_id round, const said_locks& said);
  result<std::string> wrapped_for_all(const store::key_bytes& master, const std::string& name, const store::key_bytes& key);
  bool read_held();
  result<seen_record> settle();
  result<void> say();
  result<bool> wrap_copies(const seen_record& seen);
  result<bool> wrap_copy(const seen_record& seen, const std::string& name, const versioned_value& there, const said_locks& said);
  result<keys_view> view(const seen_record& seen);
  [[nodiscard]] result<store::key_bytes> target(const std::optional<store::key_bytes>& to) const;
  said try_to_rotate(const store::key_bytes& to, bool dry_run, bool& again);
  void warn_once(const std::string& why);

  value_store& values_;
  store::key_ring& ring_;
  ports ports_;
  std::atomic<bool> look_{true};
  mutable std::mutex mutex_;  // over all below
  store::held_masters held_;
  std::set<std::string> warned_;
};

}  // namespace janji::cluster
