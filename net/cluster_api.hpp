// The operators' API of a cluster, below /admin/v1/cluster: who is there, where shards lie, and what an operator may order
// about it. Part of admin_api, which has checked the token before.
//
// Threads: called on the operators' thread; what waits for the configuration store waits on a thread of its own.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/json/object.hpp>
#include <functional>
#include <optional>
#include <string_view>

#include "actors/node.hpp"
#include "cluster/operations.hpp"
#include "net/aside.hpp"
#include "net/http.hpp"
#include "net/route_table.hpp"
#include "net/joined.hpp"
#include "net/preflight.hpp"
#include "net/shard_probe.hpp"

namespace janji::net {

class cluster_api {
public:
  // `operations`: none when the node is alone.
  cluster_api(boost::asio::io_context& io, actors::node& node, cluster::operations* operations, shard_probe& shards)
      : io_(io), node_(node), cluster_(operations), shards_(shards), changes_(io) {}

  void serve(const admin_match& at, const request& r, bool dry_run, responder&& respond);
  // What `status` says of the cluster as this node sees it; empty when the node is alone. Its verdict: healthy, degraded, broken.
  [[nodiscard]] boost::json::object summary() const;
  // Of the disks that hold the cluster's replicas (room_for); none when the node is alone.
  [[nodiscard]] std::optional<finding> room_for(std::uint64_t bytes) const;

private:
  using said = cluster::operations::said;
  [[nodiscard]] boost::json::object picture() const;
  void change_node(std::string_view number, std::string_view order, bool dry_run, responder&& respond);
  void change_shard(std::string_view number_text, std::string_view order, const boost::json::object& body, bool dry_run,
                    responder&& respond);
  void probe(responder&& respond);
  void read_log(std::string_view number, const std::string& after, responder&& respond);
  [[nodiscard]] std::string held_by(std::uint64_t node, shard_id shard) const;
  // Done aside, and in the audit trail unless it is a dry run.
  void carry_out(responder&& respond, bool dry_run, std::string what, std::string detail, std::function<said()> change);
  actors::operator_done done(responder&& respond);

  boost::asio::io_context& io_;
  actors::node& node_;
  cluster::operations* cluster_;
  shard_probe& shards_;
  joined<response> probes_;
  side_thread prober_;
  one_at_a_time changes_;  // they wait for the configuration store; ends before anything above goes
};

}  // namespace janji::net
