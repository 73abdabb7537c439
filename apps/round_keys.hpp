// The keys of rounds at a node: fetched when a round is heard of, destroyed when it is erased, and of a cluster made before a round is
// imported and put back where etcd has lost them. No key is made for a round that is there: somebody may hold the one that it had, and
// with two of them a person could book twice. Such a round is waited for. The data remember which keys each round has.
//
// Threads: any; what waits for etcd and for the disk does so on a thread of its own, from run() to end().
#pragma once

#include <chrono>
#include <condition_variable>
#include <expected>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "actors/node.hpp"
#include "apps/cluster_seat.hpp"
#include "net/keys_api.hpp"
#include "store/key_ring.hpp"
#include "store/node_store.hpp"
#include "store/sealing.hpp"

namespace janji::apps {

// Tells whether two nodes, or a store and a key file, have the same keys, of those that all rounds have in common; says nothing of the keys
// themselves.
[[nodiscard]] std::string fingerprint_of_keys(const store::key_ring& keys);

class round_keys {
public:
  // `seat`: none where the node is alone. All of these outlive it.
  round_keys(store::key_ring& keys, store::sealing& sealing, store::node_store& store, actors::node& node, cluster_seat* seat,
             std::string data);
  // Before the others' keys are asked for: what etcd has forgotten of those that all rounds have in common.
  static std::expected<void, std::string> put_back_common(const store::key_ring& keys, cluster_seat& seat);
  // At a start. An error: this node must not run, and why. Keys that are not here yet are none: they are waited for.
  std::expected<void, std::string> begin();
  // `lacking`: called when what is waited for changes, in words. `refuse`: this node must not go on. `die`: its store fails.
  void run(std::function<void(std::string)> lacking, std::function<void(const std::string&)> refuse,
           std::function<void(const std::string&)> die);
  void end() { thread_ = {}; }
  // For those who give orders about rounds.
  [[nodiscard]] net::round_key_ports ports();

private:
  using clock = std::chrono::steady_clock;
  struct state {         // in words
    std::string wrong;   // this node must not run
    std::string failed;  // its store fails
    std::string waits;   // keys that it needs to serve; to be tried again
    std::string left;    // what else is to be tried again
    [[nodiscard]] bool is_good() const { return wrong.empty() && failed.empty() && waits.empty() && left.empty(); }
  };
  using order = std::function<bool()>;  // false: not yet
  using told = std::function<void(std::expected<void, std::string>)>;
  state prepare();
  state prepare(const actors::round_entry& round);
  state forget(round_id round, bool again = false);
  void tell_left(const std::string& words);
  state remember(const actors::round_entry& round);
  state agree(const actors::round_entry& round);
  [[nodiscard]] bool is_used(round_id round) const;
  std::expected<void, std::string> note_made(round_id round);
  std::expected<void, std::string> have(round_id round);
  [[nodiscard]] std::expected<std::vector<std::string>, std::string> put_back();
  void watch(const std::stop_token& stop);
  bool look_at_rounds();
  void look_at_copies();
  bool make(const std::function<void(std::expected<round_id, std::string>)>& then, clock::time_point until);
  bool take(order&& o);

  store::key_ring& keys_;
  store::sealing& sealing_;
  store::node_store& store_;
  actors::node& node_;
  cluster_seat* seat_;
  std::string data_;
  std::function<void(std::string)> lacking_;
  std::function<void(const std::string&)> refuse_;
  std::function<void(const std::string&)> die_;
  std::uint64_t prepared_ = 0;  // the catalogue's version; the thread's, as what follows
  std::string said_;
  std::set<round_id> half_destroyed_;  // of erased rounds: what failed is tried again
  std::string said_of_copies_;
  std::mutex mutex_;           // over what follows
  std::vector<order> orders_;  // of the thread
  std::string left_;           // of erasures, in words
  std::size_t imports_ = 0;    // that wait, or are under way: each holds what is imported
  bool woken_ = false;
  std::condition_variable_any wake_;
  std::jthread thread_;  // ends before anything above goes
};

}  // namespace janji::apps
