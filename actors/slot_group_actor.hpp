// The actor of one slot group: its mailbox orders everything that is asked of that centre and day. All decisions are
// booking/slot_group's; this class only carries them out.
#pragma once

#include <caf/all.hpp>
#include <optional>
#include <set>
#include <vector>

#include "actors/context.hpp"
#include "booking/slot_group.hpp"

namespace janji::actors {

class slot_group_actor : public caf::event_based_actor {
public:
  // `recovered` is the committed state to start from; the shard has no append of this group pending.
  slot_group_actor(caf::actor_config& config, node_context& shared, shard_id shard, group_id group, std::vector<window_definition> windows,
                   incarnation_t incarnation, recovered_owner&& recovered, std::shared_ptr<refusal_table> refusals,
                   std::shared_ptr<const admission_gate> gate);

  caf::behavior make_behavior() override;
  const char* name() const override { return "slot_group"; }

private:
  void recover();
  void take(group_input&& input);
  void carry_out();
  void schedule_wake();
  void numbers_changed();
  void send_numbers();
  void ask_to_retire_when_idle();
  void leave_or_stay();

  node_context& shared_;
  std::set<std::uint64_t> kept_out_;  // requests that are told only what was confirmed before, each until its answer
  shard_id shard_;
  group_id group_;
  std::vector<window_definition> windows_;
  incarnation_t incarnation_;
  recovered_owner recovered_;
  std::shared_ptr<refusal_table> refusals_;
  std::shared_ptr<const admission_gate> gate_;
  std::optional<slot_group> machine_;

  std::vector<group_output> out_;
  std::vector<std::pair<shard_id, registry_mail>> to_registries_;
  std::vector<answer> answers_;
  append_mail appends_;
  std::optional<unix_ms> wake_at_;  // the earliest that is scheduled
  bool numbers_scheduled_ = false;
  bool retiring_ = false;
  unix_ms last_used_;
};

}  // namespace janji::actors
