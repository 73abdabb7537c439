// Facts that go into a shard's log. What is replicated are these, never commands: whoever applies one decides nothing.
// The wire form is schema/log.capnp; these are its values in memory.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "booking/stamp.hpp"
#include "booking/types.hpp"

namespace janji {

// ---- events of a slot group, in the log of the group's shard

struct booked_person {
  citizen_hash citizen;
  reference ref;
  generation_t generation;
  key_hash key;
  citizen_facts facts;
  std::string sealed;                    // empty when moved in: `record` says where it lies
  std::optional<record_locator> record;  // only when moved in
  friend bool operator==(const booked_person&, const booked_person&) = default;
};

struct booked {
  window_index window;
  body_hash body;
  bool moved_in = false;
  unix_ms at;
  std::vector<booked_person> people;  // one, or a party: all in one event or none
  janji::stamp stamp;                 // of the request that was given the places; none of what was moved in
  friend bool operator==(const booked&, const booked&) = default;
};

// Committed before it is said; (ref, generation) is never booked here afterwards.
struct declined {
  std::vector<std::pair<reference, generation_t>> refs;
  unix_ms at;
  friend bool operator==(const declined&, const declined&) = default;
};

struct place_cancelled {
  reference ref;
  generation_t generation;
  unix_ms at;
  friend bool operator==(const place_cancelled&, const place_cancelled&) = default;
};

// The old place of a move, given up after the new one was booked.
struct place_released {
  reference ref;
  generation_t generation;
  unix_ms at;
  friend bool operator==(const place_released&, const place_released&) = default;
};

// A move between two windows of this group: one event. The generation becomes `next`.
struct moved_within {
  reference ref;
  generation_t generation;
  generation_t next;
  window_index to;
  unix_ms at;
  friend bool operator==(const moved_within&, const moved_within&) = default;
};

// By an operator's order. Below what is booked it shuts the window; the excess is listed as over by order.
struct capacity_changed {
  window_index window;
  std::uint32_t capacity = 0;
  std::string by;
  std::string reason;
  unix_ms at;
  friend bool operator==(const capacity_changed&, const capacity_changed&) = default;
};

using group_event = std::variant<booked, declined, place_cancelled, place_released, moved_within, capacity_changed>;

// ---- events of a citizen registry, in the log of the citizen's shard

struct claimed {
  citizen_hash citizen;
  reference ref;
  key_hash key;
  body_hash body;
  group_id group;
  window_index window;
  unix_ms at;
  bool counted = false;  // from here on what comes to nothing counts among its citizen's changes too
  friend bool operator==(const claimed&, const claimed&) = default;
};

struct claims_confirmed {
  std::vector<reference> refs;
  friend bool operator==(const claims_confirmed&, const claims_confirmed&) = default;
};

// Every group that the claim names has committed that the reference is not live there.
struct claim_released {
  reference ref;
  friend bool operator==(const claim_released&, const claim_released&) = default;
};

struct cancel_intended {
  reference ref;
  key_hash key;
  std::string by;  // empty: the citizen; else the staff member, for the audit trail
  std::string reason;
  unix_ms at;
  friend bool operator==(const cancel_intended&, const cancel_intended&) = default;
};
struct cancel_done {
  reference ref;
  unix_ms at;
  friend bool operator==(const cancel_done&, const cancel_done&) = default;
};

struct move_intended {
  reference ref;
  group_id to;
  window_index window;
  key_hash key;
  body_hash body;
  unix_ms at;
  friend bool operator==(const move_intended&, const move_intended&) = default;
};
// Booked in the new group: from here the claim's live place is the new one, the old one is to be released.
struct move_booked {
  reference ref;
  friend bool operator==(const move_booked&, const move_booked&) = default;
};
struct move_done {
  reference ref;
  unix_ms at;
  friend bool operator==(const move_done&, const move_done&) = default;
};
// The new group declined: nothing has changed but the generation, which is never tried again there.
struct move_refused {
  reference ref;
  friend bool operator==(const move_refused&, const move_refused&) = default;
};

// A cancel joins a move that is under way: whatever becomes of the move, the booking ends.
struct cancel_joined {
  reference ref;
  key_hash key;
  std::string by;
  std::string reason;
  unix_ms at;
  friend bool operator==(const cancel_joined&, const cancel_joined&) = default;
};
// The place of this generation, the old one or the one that the move tried, is not live and will not be.
struct joined_place_ended {
  reference ref;
  generation_t generation;
  unix_ms at;
  friend bool operator==(const joined_place_ended&, const joined_place_ended&) = default;
};

// Staff let a citizen begin anew: the changes made until here are not counted any more.
struct changes_forgiven {
  citizen_hash citizen;
  std::string by;
  std::string reason;
  unix_ms at;
  friend bool operator==(const changes_forgiven&, const changes_forgiven&) = default;
};

using registry_event = std::variant<claimed, claims_confirmed, claim_released, cancel_intended, cancel_done, move_intended, move_booked,
                                    move_done, move_refused, cancel_joined, joined_place_ended, changes_forgiven>;

}  // namespace janji
