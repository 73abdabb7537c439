// Switchable faults that the tests plant to show that they would see them. All off, always, outside tests: a node takes
// them from nowhere but a test's own code.
#pragma once

namespace janji {

struct planted_faults {
  bool answer_before_sync = false;        // a booking is answered when its append is sent
  bool skip_claim = false;                // books without asking the registry
  bool keep_place_on_cancel = false;      // forgets to free the place of a cancelled booking
  bool count_twice_on_replay = false;     // apply() counts an event again that is already in the state
  bool book_declined = false;             // books a reference that was declined
  bool decline_from_memory = false;       // says declined before it is committed
  bool release_unsettled = false;         // releases a claim before every group it names has said so
  bool full_before_key = false;           // answers `full` before looking for the key
  bool half_party = false;                // books those of a party who were granted
  bool forget_keys = false;               // forgets the keys of cancelled bookings
  bool cancel_told_early = false;         // says cancelled before the group has committed it
  bool release_before_booked = false;     // a move gives up the old place before the new one is booked
  bool no_generation = false;             // a move books again under the old generation
  bool held_counts_as_full = false;       // says full when only held places are in the way
  bool any_incarnation = false;           // takes an answer meant for its predecessor, and a reference it has declined
  bool ignore_deadline = false;           // goes on with a command after its citizen was told unknown
  bool forget_refusals = false;           // admits what came before a refusal of the same key
  bool any_tenure = false;                // admits what was asked of a former leader
  bool deny_without_look = false;         // says the registry's no without looking for the key again
  bool count_while_handing_over = false;  // goes on refusing and admitting while its table is on its way to the heir
  bool waiters_unindexed = false;         // looks for a key among bookings and holds, not among what waits for room
  bool forget_fallen_holds = false;       // tells nobody of the claims of a hold that fell
  bool admit_whatever = false;            // gives places whatever the state of the round
  bool admit_at_hold_only = false;        // appends what was admitted when the place was held
  bool book_the_past = false;             // gives places in windows that are over
  bool append_unjudged = false;           // the log takes bookings behind an order that was not known when they were judged
  bool know_at_once = false;              // a new leader admits by its own log, without asking shard 0
  bool take_older_orders = false;         // a shard takes a driven order whatever its position
  bool orders_told_early = false;         // an operator is told that an order is done when shard 0 has it
};

}  // namespace janji
