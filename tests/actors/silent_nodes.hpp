// Other nodes for tests of one actor: they take everything and say nothing. A test overrides what it listens to.
#pragma once

#include "actors/context.hpp"

namespace janji::actors {

struct silent_nodes : peer_port {
  void replicate(shard_id, replication::header&&, replication::message&&) override {}
  void forward(std::uint64_t, shard_id, group_mail_for&&) override {}
  void forward(std::uint64_t, shard_id, registry_mail&&) override {}
  void tell_rounds(sequence_t, const std::vector<round_event>&) override {}
  std::set<std::uint64_t> tell_figures(const std::vector<group_figures>&, std::optional<std::uint64_t>) override { return {}; }
  void tell_leaving() override {}
  void tell_deposed(shard_id) override {}
  void tell_report(const schema::node_report&) override {}
  void ask(std::uint64_t, shard_id, const schema::shard_ask&) override {}
  void say(std::uint64_t, const schema::shard_said&) override {}
};

}  // namespace janji::actors
