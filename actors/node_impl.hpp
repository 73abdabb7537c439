// What a node has, and how it hears of answers. Private to node*.cpp.
#pragma once

#include <atomic>
#include <caf/all.hpp>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "actors/availability.hpp"
#include "actors/catalogue.hpp"
#include "actors/context.hpp"
#include "actors/journal.hpp"
#include "actors/node.hpp"
#include "actors/peers.hpp"
#include "cluster/local_config_store.hpp"

namespace janji::actors {

inline constexpr std::int64_t operator_patience_ms = 15'000;  // longer than what they are about may wait for mail or a place

struct node::impl {
  impl(const node_options& options, store::node_store& s, std::function<void(std::string)> on_fatal, const cluster_ports& ports)
      : shared(options),
        store(s),
        own_records(s),
        records(ports.records != nullptr ? *ports.records : own_records),
        fatal(std::move(on_fatal)) {
    if (!options.cluster)
      return;
    others = std::make_unique<peers>(shared);
    shared.peers = others.get();
    if (ports.warn)
      shared.warn = ports.warn;
  }

  node_context shared;
  store::node_store& store;
  cluster::local_config_store own_records;
  cluster::config_store& records;
  std::function<void(std::string)> fatal;
  std::once_flag failed_once;
  std::atomic<bool> failed{false};
  read_model model;
  caf::actor_system_config config;
  std::unique_ptr<journal> log;
  std::unique_ptr<caf::actor_system> system;
  caf::actor front;
  caf::actor ticker;              // of a cluster
  std::unique_ptr<peers> others;  // none: the node is alone
  std::unique_ptr<cluster::peer_links> links;

  std::mutex sink_mutex;
  std::shared_ptr<const std::function<void(std::vector<answer>&&)>> sink;
  std::atomic<std::int64_t> in_flight{0};
  std::atomic<std::int64_t> own_heard_at{0};

  void fail(std::string why) {
    std::call_once(failed_once, [&] {
      failed = true;
      fatal(std::move(why));
    });
  }
  void count_unheard(node_status& s) const;
  [[nodiscard]] bool heard_every_leader() const;
  void answered(std::vector<answer>&& answers);
  void send_elsewhere(std::vector<answer>& answers);
  request_id operator_request(operator_done&& done, std::int64_t patience_ms = operator_patience_ms,
                              std::function<void(const answer&)> hears = {}) {
    const auto first = others ? first_request_of(shared.node_id, shared.boot) : 0;
    return shared.orders.begin(first, std::move(done), unix_ms{shared.now().value + patience_ms}, std::move(hears));
  }
  [[nodiscard]] std::expected<stamp, std::string> stamp_of(const orderer& who, const stamp& heard) const;
  // `what` it would do, where it is only asked about.
  request_id order_request(const orderer& who, operator_done&& done, const char* what);
  void tell_what_orders_changed(const std::vector<answer>& answers);
  void start_actors(catalogue_builder&& builder, sequence_t rounds_applied);
};

}  // namespace janji::actors
