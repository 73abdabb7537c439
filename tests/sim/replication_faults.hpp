// The planted faults of the replication machine by name, and within how many seeds the simulator must find each; 0: masked
// there, and shown by tests/cluster/replicas_test.cpp alone.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "cluster/replication/faults.hpp"

namespace janji::sim {

struct named_replication_fault {
  std::string_view name;
  bool replication::planted_faults::* flag;
  std::uint64_t seeds_max;
};

#define JANJI_FAULT(name, seeds) \
  named_replication_fault { #name, &replication::planted_faults::name, seeds }
inline constexpr std::array replication_faults{
    JANJI_FAULT(takeover_drops_old_leader, 50),
    JANJI_FAULT(nobody_dropped_reconciling, 200),
    JANJI_FAULT(cut_to_own_log_at_once, 1000),
    JANJI_FAULT(resume_epoch_after_restart, 3000),
    JANJI_FAULT(read_settles_unknown_swap, 2500),
    JANJI_FAULT(late_order_cuts_again, 200),
    JANJI_FAULT(learner_uncounted_while_pending, 500),
    JANJI_FAULT(refuse_repeated_append, 100),
    JANJI_FAULT(restart_is_new_member, 300),
    JANJI_FAULT(cut_to_own_commit, 200),
    JANJI_FAULT(match_by_length, 500),
    JANJI_FAULT(shrink_before_confirmed, 200),
    JANJI_FAULT(unknown_swap_is_refused, 2500),
    JANJI_FAULT(register_any_disk, 4000),
    JANJI_FAULT(wiped_disk_keeps_membership, 200),
    JANJI_FAULT(no_floor, 200),
    JANJI_FAULT(commit_old_epochs, 50),
    JANJI_FAULT(heartbeat_acknowledges, 1000),
    JANJI_FAULT(acknowledge_before_sync, 50),
    JANJI_FAULT(acknowledge_my_tail, 0),
    JANJI_FAULT(no_promise_check, 50),
    JANJI_FAULT(promise_before_sync, 50),
    JANJI_FAULT(lead_without_promises, 1000),
    JANJI_FAULT(ignore_boot, 1000),
    JANJI_FAULT(forgetful_member_counts, 1000),
    JANJI_FAULT(deny_without_round, 5000),
    JANJI_FAULT(unknown_swap_is_won, 200),
    JANJI_FAULT(unregistered_is_lost, 500),
    JANJI_FAULT(replace_at_the_floor_only, 500),
    JANJI_FAULT(beats_while_writing, 500),
    JANJI_FAULT(slow_disks_stay, 500),
    JANJI_FAULT(slow_disks_come_back, 500),
    JANJI_FAULT(slow_is_absolute, 500),
    JANJI_FAULT(trust_own_promise, 0),
    JANJI_FAULT(unheard_counts, 0),
    JANJI_FAULT(lead_for_another_boot, 0),
    JANJI_FAULT(ignore_outside, 0),
};
#undef JANJI_FAULT

inline std::optional<replication::planted_faults> replication_fault_named(std::string_view name) {
  replication::planted_faults f;
  if (name.empty())
    return f;
  for (const auto& known : replication_faults)
    if (known.name == name) {
      f.*(known.flag) = true;
      return f;
    }
  return std::nullopt;
}

}  // namespace janji::sim
