// The operators' API of the master key, below /admin/v1/keys: what everything is wrapped under, who holds it, and the orders to rotate it
// and to finish that. Part of admin_api, which has checked the token before.
//
// Threads: handle() is called on the operators' thread; what waits for the configuration store waits on a thread of its own.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/json/object.hpp>
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

struct master_ports {
  std::function<store::held_masters()> read = [] { return store::held_masters{}; };  // what a start would have now
  cluster::key_operations* cluster = nullptr;                                        // none when the node is alone
};

class keys_api {
public:
  keys_api(boost::asio::io_context& io, actors::node& node, store::key_ring& keys, master_ports ports)
      : node_(node), keys_(keys), ports_(std::move(ports)), orders_(io, "Another order about keys is under way here.") {}

  [[nodiscard]] static bool is_about(std::string_view path);
  void handle(const request& r, responder&& respond);

private:
  using said = cluster::key_operations::said;
  void show(responder&& respond);
  void rotate(const request& r, bool dry_run, responder&& respond);
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
