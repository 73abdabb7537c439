// The actor of one shard's citizen registry. All decisions are booking/citizen_registry's.
#pragma once

#include <caf/all.hpp>
#include <optional>
#include <vector>

#include "actors/context.hpp"
#include "booking/citizen_registry.hpp"

namespace janji::actors {

class citizen_registry_actor : public caf::event_based_actor {
public:
  citizen_registry_actor(caf::actor_config& config, node_context& shared, shard_id shard, incarnation_t incarnation,
                         recovered_owner&& recovered, std::shared_ptr<refusal_table> refusals, std::shared_ptr<const admission_gate> gate);

  caf::behavior make_behavior() override;
  const char* name() const override { return "citizen_registry"; }

private:
  void recover();
  void take(registry_input&& input);
  void carry_out();
  void schedule_wake();

  node_context& shared_;
  shard_id shard_;
  incarnation_t incarnation_;
  recovered_owner recovered_;
  std::shared_ptr<refusal_table> refusals_;
  std::shared_ptr<const admission_gate> gate_;
  std::optional<citizen_registry> machine_;

  std::vector<registry_output> out_;
  std::vector<std::pair<group_id, group_mail>> to_groups_;
  std::vector<answer> answers_;
  append_mail appends_;
  std::optional<unix_ms> wake_at_;  // the earliest that is scheduled
};

}  // namespace janji::actors
