// The operators' API, on a listener and a thread of its own: never shed when citizens overload theirs. Every request but
// the probes and the proof of which node it is needs the admin token; every change is a committed event with who ordered it.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/json/object.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/node.hpp"
#include "net/aside.hpp"
#include "net/citizen_api.hpp"
#include "net/cluster_api.hpp"
#include "net/http.hpp"
#include "net/keys_api.hpp"
#include "net/node_proof.hpp"
#include "net/preflight.hpp"
#include "net/route_table.hpp"
#include "net/shard_probe.hpp"
#include "net/unseal_api.hpp"
#include "store/key_ring.hpp"
#include "store/node_store.hpp"
#include "store/sealing.hpp"

namespace janji::net {

class admin_api final : public handler {
public:
  admin_api(boost::asio::io_context& io, actors::node& node, store::node_store& store, store::key_ring& keys, store::sealing& sealing,
            const receipt_signer& signer, const citizen_api& citizens, store::secret_text token, std::uint16_t shard_count,
            cluster::operations* operations = nullptr, master_ports masters = {});

  void handle(const request& r, responder&& respond) override;
  response refusal(const problem& p, const request& known) override;
  std::optional<response> refuse_body(const request& head, std::uint64_t& bytes_max) override;
  std::unique_ptr<body_taker> take_body(const request& head) override;
  void warn(const std::string& words) override { node_.warn(words); }
  // What this node answers for itself with (node_proof.hpp). Never changes.
  [[nodiscard]] const std::string& proof_key() const { return proof_key_; }
  arrival hear() override { return {node_.heard(true), node_.now(), node_.rounds_applied()}; }

private:
  // A node of a cluster may not have heard of it yet.
  [[nodiscard]] problem no_such_round() const {
    if (node_.ready() && node_.knows_rounds())
      return {.code = problem_code::unknown_round};
    return because<reason_code::rounds_unheard>(problem_code::not_ready);
  }
  void serve(const admin_match& at, const request& r, bool dry_run, responder&& respond);
  static void refuse_address(const request& r, responder& respond);
  static std::optional<problem> refuse_request(const admin_route& row, const request& r);

  // ---- rounds (importing: admin_import.cpp)
  void import(const request& r, bool dry_run, responder&& respond);
  void would_import(round_definition&& round, boost::json::object&& summary, responder&& respond);
  void import_with_keys(round_definition&& round, boost::json::object&& summary, responder&& respond);
  void change_round(const admin_match& at, const request& r, bool dry_run, responder&& respond);
  void open_round(round_id id, round_order what, const std::string& reason, const actors::orderer& order, actors::operator_done&& told);
  actors::operator_done destroying_keys(round_id round, actors::operator_done&& told);
  void capacity(const path_arguments& at, const request& r, bool dry_run, responder&& respond);
  actors::operator_done would_change(group_id group, window_index window, std::uint32_t places, responder&& respond);
  void release_claim(const request& r, bool dry_run, responder&& respond);
  void receipt_key(responder& respond) const;
  void prove(std::string_view question, responder& respond) const;
  void figures(std::string_view code, responder& respond) const;
  void disk(responder& respond) const;
  void disk_release(bool dry_run, responder& respond);

  // ---- what the node says of itself (admin_status.cpp)
  void status(responder& respond);
  void readyz(const request& r, responder& respond);
  void preflight(std::string_view code, responder&& respond);
  [[nodiscard]] boost::json::object preflight_of(const actors::round_entry& round, const std::vector<std::uint16_t>& silent) const;
  [[nodiscard]] finding room_for(std::uint64_t bytes) const;
  void audit(responder&& respond);
  void show(std::string what, responder&& respond);
  // A completion that answers from this server's thread.
  // `more_to_say` stands beside the result, when it is done.
  actors::operator_done done(responder&& respond, boost::json::object&& more_to_say = {});

  boost::asio::io_context& io_;
  actors::node& node_;
  store::node_store& store_;
  store::key_ring& keys_;
  store::sealing& sealing_;
  const receipt_signer& signer_;
  const citizen_api& citizens_;
  store::secret_text token_;
  const std::string proof_key_ = new_proof_key();
  std::uint16_t shard_count_;
  shard_probe shards_;
  cluster_api cluster_;
  round_key_ports round_keys_;
  keys_api masters_;
  unseal_api unseal_;
  one_at_a_time readings_;  // of the whole log, as of one moment; ends before anything above goes
};

}  // namespace janji::net
