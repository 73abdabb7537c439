// What goes to and fro between a front, slot groups and citizen registries: the inputs and outputs of the two pure
// machines. Nothing here is written to disk.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "booking/admission.hpp"
#include "booking/events.hpp"
#include "booking/stamp.hpp"
#include "booking/types.hpp"

namespace janji {

// Position in a shard's log at which an event was committed.
using log_sequence = sequence_t;

// ---- a citizen's command and its answer

struct applicant {
  citizen_hash citizen;
  reference proposed;  // new for every attempt; the sealed record is bound to it
  key_hash key;        // of (idempotency key, position)
  citizen_facts facts;
  std::string sealed;
};

struct book_command {
  request_id request;
  body_hash body;
  std::optional<window_index> window;  // none: the first with room
  unix_ms deadline;
  std::vector<applicant> people;  // 1 to party_people_max, all different
  bool repeat_only = false;       // nothing new is admitted: the earlier answer to this key, or not_found
  janji::stamp stamp;             // what the front had heard of this group's shard when the request arrived
  bool leader_judges = false;     // whether the round admits it; else the front has
};

enum class place_status : std::uint8_t { confirmed, cancelled, moved };

struct booked_place {
  reference ref;
  generation_t generation;
  place_status status = place_status::confirmed;
  group_id group;
  window_index window;
  std::uint8_t token_generation = 0;
  unix_ms at;
};

enum class outcome : std::uint8_t {
  confirmed,  // booked, or found booked under the same key
  cancelled,  // a cancel came true, or had before
  moved,
  found,  // a look-up
  // refusals
  full,
  already_booked,
  key_reused,  // 422 idempotency_key_reused
  not_found,
  same_place,  // a move to where the booking is
  window_unknown,
  window_closed,
  // neither: ask again with the same key
  contended,    // only held places were in the way until the deadline
  in_progress,  // another change of this citizen's is under way
  busy,         // a bound was reached
  unknown,      // the append's outcome is not known, or the deadline passed
  // ---- only where all nodes know them (cluster/feature_level.hpp)
  interrupted,          // neither: older than a refusal of it, than a change of what an order is about, or than the leader's tenure
  not_enough_together,  // refusal: there are free places, but fewer than the party needs
  // refusals: the round does not admit it now, by the leader's own log and clock
  not_open,
  paused,
  closed,
  // refusal: the window can no longer be booked or moved into; of what is booked there, with its place: it can no longer be changed
  window_over,
  changes_spent,  // refusal: the citizen has booked and moved as often as the round permits
};

// Of what is not admitted; what is not known yet is neither yes nor no.
[[nodiscard]] constexpr outcome outcome_of(admission_verdict v) {
  switch (v) {
    case admission_verdict::not_open: return outcome::not_open;
    case admission_verdict::paused: return outcome::paused;
    case admission_verdict::closed: return outcome::closed;
    default: return outcome::busy;
  }
}

struct answer {
  request_id request;
  outcome what = outcome::unknown;
  bool repeated = false;             // the outcome of an earlier request with the same key
  std::uint8_t position = 0;         // of the person in a party whom a refusal is about, from 1
  std::vector<booked_place> places;  // in the order of the people asked for
  std::uint32_t free = 0;            // of not_enough_together: the most that one window has
  shard_id shard;                    // whose leader says it
  // Of a refusal, or the end of a change: its number. Of a new booking: what its request bore. Of what was interrupted: what is counted by
  // now. Fronts hear the count by it.
  janji::stamp stamp;
};

// Neither yes nor no, with what the leader has counted by now: whoever asks again at that front is stamped with it, also where nobody
// else tells the front.
[[nodiscard]] inline answer interrupted(request_id request, shard_id shard, const janji::stamp& now) {
  answer a;
  a.request = request;
  a.what = outcome::interrupted;
  a.shard = shard;
  a.stamp = now;
  return a;
}

// ---- slot group: inputs

// From the registry to the group whose hold it is about.
// changes_spent only where all nodes know it.
enum class claim_verdict : std::uint8_t { granted, already_booked, in_progress, key_reused, reference_taken, changes_spent };
struct claim_result {
  incarnation_t incarnation;
  reference ref;
  claim_verdict verdict = claim_verdict::in_progress;
  unix_ms at;  // granted: the moment that the claim states; 0: from a node of an earlier version
};
// What happened to (ref, generation) here? Answered by settle_answer.
struct settle_ask {
  shard_id from;
  reference ref;
  generation_t generation;
};
struct cancel_place {
  shard_id from;
  reference ref;
  generation_t generation;
};
struct move_in {
  shard_id from;
  citizen_hash citizen;
  reference ref;
  generation_t generation;  // the one to be booked here
  key_hash key;             // of the booking, so that a retry finds it here too
  body_hash body;
  window_index window;
  citizen_facts facts;
  std::optional<record_locator> record;
  unix_ms at;  // of the booking: receipts state the same wherever it is
};
// To the group that has the booking: offer it to the other one, with what only this group knows of it.
struct offer_move {
  shard_id from;
  citizen_hash citizen;
  reference ref;
  generation_t generation;  // the present one
  generation_t next;
  group_id to;
  window_index window;
};
struct release_place {
  shard_id from;
  reference ref;
  generation_t generation;
};
// The place that a move tried, which a cancel has joined: cancelled if it is booked, else never to be booked.
struct drop_place {
  shard_id from;
  reference ref;
  generation_t generation;
};
struct move_within {
  shard_id from;
  reference ref;
  generation_t generation;  // the present one; afterwards it is `next`
  generation_t next;
  window_index to;
};
struct change_capacity {
  request_id request;
  window_index window;
  std::uint32_t capacity = 0;
  std::string by;
  std::string reason;
  unix_ms deadline{};    // 0: of an earlier version, which says none
  janji::stamp stamp{};  // what the front had heard of the group's shard when the order arrived: later changes are not undone by it
};
// The shard's word on the append with this token; `unknown` makes the machine forget all that is not committed.
struct appended {
  std::uint64_t token = 0;
  log_sequence sequence;
  std::uint16_t first_record = 0;  // index of this event's first sealed record in its log entry
  // It does not stand in the log: behind an order that came before it there the round does not admit it.
  bool not_admitted = false;
};
// A round of heartbeats that began after the last `need_strict_round` came back.
struct strict_round_done {};
struct tick {};

using group_input = std::variant<book_command, claim_result, settle_ask, cancel_place, offer_move, move_in, release_place, move_within,
                                 drop_place, change_capacity, appended, strict_round_done, tick>;

// ---- citizen registry: inputs

struct claim_request {
  group_id group;
  incarnation_t incarnation;  // goes back in the result
  citizen_hash citizen;
  reference ref;
  key_hash key;
  body_hash body;
  window_index window;
  unix_ms deadline;
  unix_ms at;  // when the place was held: the claim and the booking state the same moment
};
// Bookings that were committed: their claims are confirmed in the background, many in one record.
struct confirm_claims {
  std::vector<reference> refs;
};
enum class settle_status : std::uint8_t { booked, cancelled, moved, declined, in_progress };
struct settle_answer {
  group_id group;
  reference ref;
  generation_t generation;
  settle_status status = settle_status::in_progress;
};
struct cancel_command {
  request_id request;
  reference ref;
  std::optional<citizen_hash> citizen;  // staff release a disputed claim by the citizen instead of the reference
  std::uint8_t token_generation = 0;    // of the token shown; staff: ignored
  key_hash key;
  std::string by;
  std::string reason;
  unix_ms deadline;
  janji::stamp stamp;  // what the front had heard of the registry's shard when the request arrived
};
struct move_command {
  request_id request;
  reference ref;
  std::uint8_t token_generation = 0;
  group_id to;
  window_index window;
  key_hash key;
  body_hash body;
  unix_ms deadline;
  bool repeat_only = false;    // nothing new is admitted: the earlier answer to this key, or not_found
  janji::stamp stamp;          // as of a cancel_command
  bool leader_judges = false;  // as of a book_command
};
struct lookup_command {
  request_id request;
  reference ref;
  std::uint8_t token_generation = 0;
  unix_ms deadline;
};
// Answers of groups to what the registry drives.
enum class place_reply_kind : std::uint8_t { cancelled, moved_in, move_declined, released, moved_within, dropped };
struct place_reply {
  place_reply_kind kind = place_reply_kind::cancelled;
  group_id group;
  reference ref;
  generation_t generation;
  bool window_closed = false;  // a move was declined because its window has been closed, not because it is full
  bool window_over = false;    // or because it can no longer be moved into
};

using registry_input = std::variant<claim_request, confirm_claims, settle_answer, cancel_command, move_command, lookup_command, place_reply,
                                    appended, strict_round_done, tick>;

// ---- outputs, in the order in which they are to take effect

struct append_group {
  std::uint64_t token = 0;
  group_event event;
};
struct append_registry {
  std::uint64_t token = 0;
  registry_event event;
};
struct to_registry {
  shard_id shard;
  registry_input message;
};
struct to_group {
  group_id group;
  group_input message;
};
// Denials wait: ask the shard for a round of heartbeats, then feed strict_round_done.
struct need_strict_round {};
// Committed numbers of a window changed: for the read model.
struct window_changed {
  window_index window;
  std::uint32_t capacity = 0;
  std::uint32_t booked = 0;
};

using group_output = std::variant<append_group, to_registry, to_group, answer, need_strict_round, window_changed>;
using registry_output = std::variant<append_registry, to_group, answer, need_strict_round>;

}  // namespace janji
