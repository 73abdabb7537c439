// The operators' API of the master key, below /admin/v1/keys: what everything is wrapped under, who holds it, and the orders to rotate it
// and to finish that. Part of admin_api, which has checked the token before.
//
// Threads: called on the operators' thread; what waits for the configuration store waits on a thread of its own.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/json/object.hpp>
#include <expected>
#include <functional>
#include <optional>
#include <string_view>

#include "actors/node.hpp"
#include "cluster/key_operations.hpp"
#include "net/aside.hpp"
#include "net/http.hpp"
#include "store/key_ring.hpp"
#include "store/master_keys.hpp"

namespace janji::net {

// What is done with the keys of rounds waits for etcd and for the disk: elsewhere than on the thread of whoever asks. `then` is called on
// any thread.
struct round_key_ports {
  using told = std::function<void(std::expected<void, std::string>)>;
  // Of a cluster: the keys of a round are made where it is imported, before it is, for the number that it will have. None when the
  // node is alone.
  std::function<void(std::function<void(std::expected<round_id, std::string>)> then)> make;
  // Of a round that is there: its keys are here, and the data remember which. An error: not yet; it is tried on.
  std::function<void(round_id round, told then)> have;
  // Of a round that is erased: its keys are gone from this node and from the cluster. An error: not yet; it is tried on.
  std::function<void(round_id round, told then)> destroy;
  // What is left of erasures here, in words; "": nothing.
  std::function<std::string()> left = [] { return std::string(); };
};

struct master_ports {
  std::function<store::held_masters()> read = [] { return store::held_masters{}; };  // what a start would have now
  cluster::key_operations* cluster = nullptr;                                        // none when the node is alone
  round_key_ports rounds;
};

class keys_api {
public:
  keys_api(boost::asio::io_context& io, actors::node& node, store::key_ring& keys, master_ports ports)
      : node_(node), keys_(keys), ports_(std::move(ports)), orders_(io) {}

  void show(responder&& respond);
  void rotate(const request& r, bool dry_run, responder&& respond);
  void finish(bool dry_run, responder&& respond);

private:
  using said = cluster::key_operations::said;
  said rotate_alone(const std::optional<store::key_bytes>& given, bool dry_run);
  said finish_alone();
  [[nodiscard]] boost::json::object view_alone() const;
  void order(responder&& respond, bool dry_run, const char* what, std::function<said()> change);

  actors::node& node_;
  store::key_ring& keys_;
  master_ports ports_;
  one_at_a_time orders_;  // ends before anything above goes
};

}  // namespace janji::net
