// Switchable faults that the tests plant to show that they would see them. All off, always, outside tests: a node takes
// them from nowhere but a test's own code. Each is a reading of the rules, or a bug that somebody shipped.
#pragma once

namespace janji::replication {

struct planted_faults {
  // ---- earlier wordings of the rules
  bool takeover_drops_old_leader = false;        // the take-over swap also removes the old leader
  bool nobody_dropped_reconciling = false;       // a silent member is dropped while serving only
  bool cut_to_own_log_at_once = false;           // a new leader does not adopt a better log
  bool resume_epoch_after_restart = false;       // a restarted leader goes on in its epoch
  bool read_settles_unknown_swap = false;        // a read that shows the old record settles an unknown swap
  bool late_order_cuts_again = false;            // a late duplicate of the reconcile order cuts again
  bool learner_uncounted_while_pending = false;  // a learner does not count while its swap is pending
  bool refuse_repeated_append = false;           // a position that is held is refused, not acknowledged again
  bool restart_is_new_member = false;            // whoever has restarted may not stand
  // ---- bugs that others shipped
  bool cut_to_own_commit = false;            // a follower cuts to its own commit mark (KIP-101)
  bool match_by_length = false;              // logs are compared by their length, not by position (KIP-279)
  bool shrink_before_confirmed = false;      // the dropped member stops counting when the swap is sent (KIP-497)
  bool unknown_swap_is_refused = false;      // a leader goes on as if a swap of unknown outcome had been refused
  bool register_any_disk = false;            // the grow swap does not compare the registration (KIP-841)
  bool wiped_disk_keeps_membership = false;  // members are compared by node only (KIP-903)
  bool no_floor = false;                     // the set may go below min_in_sync (KIP-966)
  bool commit_old_epochs = false;            // a new leader commits what it holds before it has reconciled (Raft figure 8)
  bool heartbeat_acknowledges = false;       // a heartbeat is acknowledged with entries never checked (libraft)
  bool acknowledge_before_sync = false;      // a follower acknowledges what it has not synced
  bool acknowledge_my_tail = false;          // a follower acknowledges its tail
  bool no_promise_check = false;             // a follower appends for an older epoch than it has promised (KIP-570)
  bool promise_before_sync = false;          // a promise is answered before it is on disk
  bool lead_without_promises = false;        // a new leader does not wait for its members' promises
  bool ignore_boot = false;                  // messages of a former life are taken
  bool forgetful_member_counts = false;      // what a member acknowledged counts although its disk forgot
  bool deny_without_round = false;           // a strict read asks nobody (etcd 20418)
  bool unknown_swap_is_won = false;          // a swap of unknown outcome is taken as won
  // ---- found by real clusters
  bool replace_at_the_floor_only = false;  // a set above its floor of which too few are heard refuses a replacement
  bool slow_disks_stay = false;            // a slow disk keeps leaderships and membership
  bool slow_disks_come_back = false;       // what was dropped is taken in again at once, slow or not
  bool slow_is_absolute = false;           // disks are held against a limit, not against each other
  bool beats_while_writing = false;        // who waits for its own disk for ever leads and answers on
  bool unregistered_is_lost = false;       // a swap that failed on the registration alone is taken for lost leadership
  bool trust_own_promise = false;          // a start refuses what its disk has promised away, and nothing else
  bool ignore_outside = false;             // a take-over does not look at the positions that stand outside
  bool unheard_counts = false;             // a member that was not heard yet is one on whose word another is dropped
  bool lead_for_another_boot = false;      // whoever is the member that a record names leads, whichever start of it was meant
};

}  // namespace janji::replication
