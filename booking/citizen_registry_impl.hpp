// What one registry has under way, apart from its committed claims: appends sent, commands that wait, denials that wait
// for a strict round, unsettled claims and when to ask about them. Private to citizen_registry.cpp, registry_appends.cpp and
// claim_settling.cpp.
#pragma once

#include <algorithm>
#include <boost/container/small_vector.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>
#include <deque>
#include <limits>
#include <memory>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "booking/citizen_registry.hpp"
#include "booking/fifo.hpp"
#include "booking/registry_state.hpp"

namespace janji {

namespace registry_detail {

inline constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();
inline constexpr std::size_t confirm_batch = 512;       // claims confirmed in one record
inline constexpr std::int64_t settle_after_ms = 5'000;  // a claim younger than this usually has a request under way
inline constexpr std::int64_t drive_again_ms = 500;     // between two messages about the same unsettled claim

// What waits for a claim that is not settled, or for a strict round.
using waiting_command = std::variant<claim_request, cancel_command, move_command, lookup_command>;
using denied_command = std::variant<claim_request, cancel_command, move_command, lookup_command>;

// A request that is answered when its change, or another's it has joined, ends.
struct driver {
  request_id request;
  unix_ms deadline;
};

struct sent_append {
  std::uint64_t token = 0;
  registry_event event;
  std::optional<claim_request> request;                      // of a new claim
  std::optional<move_command> move;                          // of a new move
  std::optional<request_id> forgiven_for;                    // an order that is answered when the changes are forgiven
  outcome move_refusal = outcome::full;                      // why a move was declined
  boost::container::small_vector<citizen_hash, 1> citizens;  // whose changes wait for this append
};

}  // namespace registry_detail

using namespace registry_detail;  // a private header

struct citizen_registry::impl {
  shard_id shard;
  incarnation_t incarnation;
  planted_faults faults;
  std::unique_ptr<registry_state> state = std::make_unique<registry_state>();
  sequence_t recovered_to;
  std::shared_ptr<refusal_table> refusals = std::make_shared<refusal_table>();
  std::shared_ptr<const admission_gate> gate = std::make_shared<const admission_gate>();
  std::uint64_t judged_at = 0;              // the gate's changes
  std::vector<move_command> for_admission;  // until it is known whether the round admits them

  fifo<sent_append> sent;
  boost::unordered_flat_map<citizen_hash, int, std::hash<citizen_hash>> busy;  // an append about them is on its way
  boost::unordered_flat_map<citizen_hash, std::vector<waiting_command>, std::hash<citizen_hash>> waiters;
  std::size_t waiting = 0;                                                // commands in `waiters`
  std::vector<denied_command> asked;                                      // a strict round has been asked for since they came
  std::vector<denied_command> later;                                      // came while that round was under way: the next one is theirs
  boost::unordered_flat_map<std::uint32_t, std::vector<driver>> drivers;  // by claim
  boost::unordered_flat_map<std::uint32_t, unix_ms> unsettled;            // claim -> when to ask (again)
  std::vector<reference> to_confirm;
  boost::unordered_flat_set<std::uint64_t> claiming;  // references whose claim is on its way
  bool round_under_way = false;
  std::uint64_t next_token = 0;
  std::int64_t earliest = never;
  unix_ms now;
  std::vector<registry_output>* out = nullptr;

  void emit(registry_output&& o) { out->push_back(std::move(o)); }
  // What is not known yet, or is no change: n: the claim, with its place.
  void say(request_id request, outcome what, std::optional<std::uint32_t> n = std::nullopt);
  // What is known of a change that was asked for, yes or no: numbered, so that no copy of an older one acts after it. While
  // the tenure is handed over it is left to the next leader, whom the front asks the same.
  void tell(request_id request, outcome what, std::optional<std::uint32_t> about, bool with_place = false, bool repeated = false);
  [[nodiscard]] answer answer_of(request_id request, outcome what, std::optional<std::uint32_t> n) const;
  // Whether an intent of it may be committed; it is told when not.
  template <class Command>
  [[nodiscard]] bool may_change(const Command& c, const citizen_hash& citizen);
  void tell_absent(const cancel_command& c);
  // Whether a citizen may begin another change in a round with that limit; none: the round is not known here.
  [[nodiscard]] std::optional<bool> has_changes_left(const citizen_hash& citizen, std::optional<std::uint32_t> most) const;
  // Of orders of staff.
  [[nodiscard]] bool can_forgive(const cancel_command& c, const citizen_hash& citizen) const;
  sent_append& forgive(const cancel_command& c, const citizen_hash& citizen);
  bool forgive_only(const cancel_command& c);  // false: there is nothing to forgive
  sent_append& append_change(registry_event&& event, const citizen_hash& citizen);
  void verdict(const claim_request& r, claim_verdict v) { verdict(r, v, r.at); }
  void verdict(const claim_request& r, claim_verdict v, unix_ms at) { emit(to_group{r.group, claim_result{r.incarnation, r.ref, v, at}}); }
  [[nodiscard]] bool expired(unix_ms d) const { return !faults.ignore_deadline && d <= now; }
  void note_deadline(unix_ms d) { earliest = std::min(earliest, d.value); }
  [[nodiscard]] booked_place place_of(const claim& c) const;

  sent_append& append(registry_event&& event, const citizen_hash& citizen);
  void flush_confirms();
  void committed(const appended& a);
  void after_commit(sent_append& s, std::optional<std::uint32_t> n);
  void change_ended(std::uint32_t n, outcome what);

  void take(claim_request&& r, bool strict);
  [[nodiscard]] std::optional<claim_verdict> verdict_of_key(std::uint32_t n, const claim_request& r) const;
  void take(cancel_command&& c, bool strict);
  // Staff may cancel what is attended, and whom they name.
  [[nodiscard]] static bool is_citizens(const cancel_command& c) { return c.by.empty() && !c.citizen; }
  // False: an order that is only asked about, or that was given where this leader had not been heard of. No copy of it ever acts, so that
  // nothing is numbered for it, which would make others' changes older.
  [[nodiscard]] bool can_act(const cancel_command& c) const {
    return c.stamp.tenure != nobodys_tenure && (c.stamp.tenure != tenure_id{} || !refusals->enforced());
  }
  void join_move(cancel_command&& c, std::uint32_t n, bool strict);
  void take(move_command&& m, bool strict);
  bool repeat_move(const move_command& m, std::uint32_t n);
  void begin_move(move_command&& m, std::uint32_t n, bool strict);
  void not_admitted(sent_append& s);
  void recheck_admission();
  void take(lookup_command&& l, bool strict);
  template <class Command>
  void deny(Command&& c);
  template <class Command>
  void wait(const citizen_hash& citizen, Command&& c);
  void give_up(const waiting_command& c);

  void settled(const settle_answer& a);
  void replied(const place_reply& r);
  void confirm(const confirm_claims& c);
  void touch(std::uint32_t n);
  void drive(std::uint32_t n);
  // False, and answered busy, when too many wait for this claim already.
  bool join(std::uint32_t n, request_id request, unix_ms deadline);
  void answer_drivers(std::uint32_t n, outcome what, bool with_place);
  void settle_later(std::uint32_t n, std::int64_t in_ms) { unsettled[n] = unix_ms{now.value + in_ms}; }
  [[nodiscard]] bool too_much_under_way() const { return sent.size() >= limits::registry_appends_max; }
  void tick_over();
  void expire();
  void wake_waiters(const citizen_hash& citizen);
  void strict_round();
  std::optional<std::uint32_t> find_for(reference ref, std::uint8_t token_generation) const;
};

}  // namespace janji
