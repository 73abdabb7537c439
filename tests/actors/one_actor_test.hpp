// For tests of one actor of a cluster's node: a system that does one thing at a time, and other nodes that take everything and
// say nothing. A test overrides what it listens to.
#pragma once

#include <gtest/gtest.h>

#include <caf/scheduler/test_coordinator.hpp>
#include <memory>

#include "actors/context.hpp"

namespace janji::actors {

struct silent_nodes : peer_port {
  void replicate(shard_id, replication::header&&, replication::message&&) override {}
  void forward(std::uint64_t, shard_id, group_mail_for&&) override {}
  void forward(std::uint64_t, shard_id, registry_mail&&) override {}
  void tell_rounds(sequence_t, const std::vector<round_event>&, const std::set<std::uint64_t>&) override {}
  bool tell_rounds_since(std::uint64_t, const schema::rounds_history&) override { return true; }
  std::set<std::uint64_t> tell_figures(const schema::told_figures&, std::optional<std::uint64_t>) override { return {}; }
  void tell_leaving() override {}
  void tell_deposed(shard_id) override {}
  void tell_report(const schema::node_report&) override {}
  void tell_heard(const std::vector<schema::heard_shard>&) override {}
  void pass_table(std::uint64_t, shard_id, const schema::table_part&) override {}
  void acknowledge_table(std::uint64_t, shard_id, std::uint64_t) override {}
  void tell_admission(const schema::told_admission&) override {}
  void tell_admission_held(std::uint64_t, shard_id, sequence_t) override {}
  void ask_admission(std::uint64_t, shard_id, std::uint64_t) override {}
  void answer_admission(std::uint64_t, shard_id, const schema::told_admission&) override {}
  void ask(std::uint64_t, shard_id, const schema::shard_ask&) override {}
  void say(std::uint64_t, const schema::shard_said&) override {}
};

// Whom the actor under test talks to. CAF 0.17 starts a function as an actor through a reference to null, so here is a class.
class stub_actor : public caf::event_based_actor {
public:
  stub_actor(caf::actor_config& config, caf::behavior behaviour) : caf::event_based_actor(config), behaviour_(std::move(behaviour)) {}
  caf::behavior make_behavior() override { return behaviour_; }

private:
  caf::behavior behaviour_;
};

class one_actor_test : public testing::Test {
protected:
  explicit one_actor_test(peer_port& others, const node_options& options = {}) : shared_(options) {
    config_.set("scheduler.policy", caf::atom("testing"));
    config_.set("logger.console", caf::atom("none"));
    system_ = std::make_unique<caf::actor_system>(config_);
    shared_.peers = &others;
    shared_.now = [] { return unix_ms{1'000}; };
  }
  void settle() {
    auto& scheduler = static_cast<caf::scheduler::test_coordinator&>(system_->scheduler());
    while (scheduler.try_run_once()) {
    }
  }
  caf::actor spawn_stub(caf::behavior behaviour) { return system_->spawn<stub_actor>(std::move(behaviour)); }
  template <class Message>
  void tell(const caf::actor& whom, Message m) {
    caf::anon_send(whom, std::move(m));
    settle();
  }

  node_context shared_;
  caf::actor_system_config config_;
  std::unique_ptr<caf::actor_system> system_;
};

}  // namespace janji::actors
