// What one slot group has under way, apart from its committed state: holds, appends sent, waiters, statements that wait for
// a strict round. Private to slot_group*.cpp.
#pragma once

#include <algorithm>
#include <boost/container/small_vector.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <deque>
#include <limits>
#include <list>
#include <memory>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "booking/fifo.hpp"
#include "booking/group_state.hpp"
#include "booking/slot_group.hpp"

namespace janji {

namespace group_detail {

inline constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();
// Between two requests for the same claim: doubled each time up to the other.
inline constexpr std::int64_t claim_again_ms = 200;
inline constexpr std::int64_t claim_again_ms_max = 1'000;
inline constexpr std::int64_t claimed_late_ms = 5'000;  // after its deadline a claim may still be granted

struct waiting_request {
  request_id id;
  unix_ms deadline;
  janji::stamp stamp;
  bool joined = false;  // came while the hold was there already
};

using waiting_requests = boost::container::small_vector<waiting_request, 1>;

// Places held for one command, from the first claim sent until its append is known.
struct hold {
  book_command command;
  window_index window;
  unix_ms at;
  waiting_requests requests;  // all who asked with this key
  unix_ms ask_again;          // the claims that have no answer by then
  unix_ms claimed_until;      // the latest deadline that a registry was told of
  std::uint8_t granted = 0;   // bit per person
  std::int64_t ask_again_ms = claim_again_ms;
  bool appending = false;
};
using hold_list = std::list<hold>;

// A command that waits for held places, and all who asked with its key.
struct waiting_command {
  book_command command;
  waiting_requests requests;
  bool for_admission = false;  // until it is known whether the round admits it
};
using waiting_list = std::list<waiting_command>;

// A refusal that waits for a strict round. What the registry said of a person stands then too, unless another copy of the
// request has a place meanwhile, and so does the state of the round that took a held place away, if it is such still; anything
// else is decided again.
struct denied_command {
  book_command command;
  std::optional<outcome> verdict;
  std::uint8_t position = 0;
};

// An append on its way, and what follows when it is known.
struct sent_append {
  std::uint64_t token = 0;
  group_event event;  // sealed records already moved out
  std::optional<hold_list::iterator> booking;
  std::optional<move_in> moving;
  std::optional<move_within> moving_within;
  std::vector<shard_id> tell;    // registries to be told of declined references, in the event's order
  std::optional<shard_id> from;  // the registry that drives a cancel or a release
  std::optional<request_id> operator_request;
  std::optional<drop_place> dropped;
};

// A statement about what is committed, to be made when a strict round is back.
using strict_reply = std::variant<settle_ask, cancel_place, release_place, move_in, move_within, drop_place>;

// What waits for one strict round.
struct statements {
  std::vector<denied_command> denials;
  std::vector<strict_reply> replies;
  [[nodiscard]] bool empty() const { return denials.empty() && replies.empty(); }
};

}  // namespace group_detail

using namespace group_detail;  // a private header

struct slot_group::impl {
  group_id id;
  shard_id shard;
  incarnation_t incarnation;
  planted_faults faults;
  std::unique_ptr<group_state> state;
  sequence_t recovered_to;  // events up to here are in the snapshot
  std::shared_ptr<refusal_table> refusals = std::make_shared<refusal_table>();
  std::shared_ptr<const admission_gate> gate = std::make_shared<const admission_gate>();
  round_id round;
  std::uint64_t judged_at = 0;    // the gate's changes
  std::vector<unix_ms> ends;      // by window: until when it can be booked, by the gate's clock
  unix_ms moment;                 // by that clock, in this step; where there are ends
  std::uint64_t over = 0;         // bit per window that can no longer be booked, in this step
  unix_ms over_from, over_until;  // moments between which it is the same: at first none

  hold_list holds;
  boost::unordered_flat_map<std::uint64_t, hold_list::iterator> hold_by_key, hold_by_citizen, hold_by_ref;
  std::vector<std::uint32_t> held, appending;  // places by window
  fifo<sent_append> sent;
  boost::unordered_flat_map<std::uint64_t, int> sent_refs;  // references with an append on its way
  // References of holds that fell before their claims were granted, until a while after their commands' deadlines: such a claim, or
  // another copy of the request for it, may be granted yet. It is declined then, and must not be taken for one of a hold that a copy of the
  // command would have elsewhere in the day.
  boost::unordered_flat_map<std::uint64_t, unix_ms> fallen;
  std::int64_t fallen_until = never;  // the first of these moments, or one before it
  waiting_list waiters;
  boost::unordered_flat_map<std::uint64_t, waiting_list::iterator> waiter_by_key, waiter_by_citizen;
  std::vector<std::variant<move_in, move_within>> waiting_moves;
  statements asked;  // a round has been asked for since they came
  statements later;  // came while that round was under way: the next one is theirs
  bool round_under_way = false;
  std::size_t changes_sent = 0;  // capacity changes among `sent`
  bool recheck = false;
  std::uint64_t next_token = 0;
  std::int64_t earliest = never;
  unix_ms now;
  std::vector<group_output>* out = nullptr;

  // ---- small helpers
  void emit(group_output&& o) { out->push_back(std::move(o)); }
  // A round that has begun says nothing about what comes after it.
  [[nodiscard]] statements& next_round() {
    if (round_under_way)
      return later;
    round_under_way = true;
    emit(need_strict_round{});
    return asked;
  }
  void state_strictly(strict_reply&& r) {
    if (asked.replies.size() + later.replies.size() < limits::group_appends_max)
      next_round().replies.push_back(std::move(r));
  }
  // A registry whose message is dropped because of it sends it again.
  [[nodiscard]] bool too_much_under_way() const { return sent.size() >= limits::group_appends_max; }
  // What is neither yes nor no.
  void say(request_id request, outcome what, std::uint8_t position = 0) {
    answer a;
    a.request = request;
    a.what = what;
    a.position = position;
    a.shard = shard;
    emit(std::move(a));
  }
  void say(const waiting_requests& requests, outcome what, std::uint8_t position = 0) {
    for (const auto& r : requests)
      say(r.id, what, position);
  }
  // What is no. While the tenure is handed over it is left to the next leader, whom the front asks the same.
  void refuse(const book_command& c, outcome what, std::uint8_t position);
  // Whether this request may be given a place, or wait for one; it is told when not.
  [[nodiscard]] bool may_have_place(const book_command& c);
  // Whether the round admits it now. What is not known yet is neither admitted nor refused.
  [[nodiscard]] admission_verdict admits(const book_command& c) const {
    return faults.admit_whatever ? admission_verdict::admitted : gate->judge(round, c.leader_judges);
  }
  // Whether this window can no longer be booked; whether that is so of all that the command would take.
  [[nodiscard]] bool is_over(window_index w) const { return w.value < state->window_count() && (over >> w.value & 1U) != 0; }
  [[nodiscard]] bool all_over(const book_command& c) const;
  void pass_ends();
  void wake_at_next_end();
  void drop_unadmitted(hold_list::iterator h);
  void not_admitted(sent_append& s);
  [[nodiscard]] bool expired(unix_ms deadline) const { return !faults.ignore_deadline && deadline <= now; }
  void note_deadline(unix_ms d) { earliest = std::min(earliest, d.value); }
  void reply(shard_id to, place_reply_kind kind, reference ref, generation_t generation) {
    emit(to_registry{to, place_reply{kind, id, ref, generation}});
  }
  void decline_move(shard_id to, window_index w, reference ref, generation_t generation) {
    const bool closed = w.value < state->window_count() && state->counts(w).capacity == 0;
    emit(to_registry{to, place_reply{place_reply_kind::move_declined, id, ref, generation, closed, is_over(w)}});
  }
  [[nodiscard]] booked_place place_of(const group_entry& e) const {
    return {e.ref, e.generation, e.status, id, e.window, 0, unix_ms{std::int64_t{e.at_s} * 1000}};
  }
  [[nodiscard]] bool reference_spent(reference ref) const {
    return on_its_way(ref) || state->is_declined(ref, {}) || state->by_place(ref, {}) != nullptr || hold_by_ref.contains(ref.value) ||
           fallen.contains(ref.value);
  }
  [[nodiscard]] bool on_its_way(reference ref) const { return sent_refs.contains(ref.value); }

  // ---- room in windows
  // The least that the window will have once what was sent is committed: what is appended now comes after it.
  [[nodiscard]] std::uint32_t capacity_to_come(window_index w) const {
    auto least = state->counts(w).capacity;
    if (changes_sent != 0)
      for (const auto& s : sent)
        if (const auto* e = std::get_if<capacity_changed>(&s.event); e != nullptr && e->window == w)
          least = std::min(least, e->capacity);
    return least;
  }
  [[nodiscard]] bool has_room(window_index w, std::size_t n) const {
    return std::size_t{state->counts(w).booked} + appending[w.value] + held[w.value] + n <= capacity_to_come(w);
  }
  [[nodiscard]] bool committed_full(window_index w, std::size_t n) const {
    const auto& c = state->counts(w);
    return std::size_t{c.booked} + n > c.capacity;
  }
  [[nodiscard]] std::optional<window_index> window_with_room(const book_command& c) const {
    if (c.window)
      return !is_over(*c.window) && has_room(*c.window, c.people.size()) ? c.window : std::nullopt;
    for (std::uint8_t w = 0; w < state->window_count(); ++w)
      if (!is_over(window_index{w}) && has_room(window_index{w}, c.people.size()))
        return window_index{w};
    return std::nullopt;
  }
  [[nodiscard]] bool all_committed_full(const book_command& c) const {
    if (faults.held_counts_as_full)
      return !window_with_room(c);
    if (c.window)
      return is_over(*c.window) || committed_full(*c.window, c.people.size());
    for (std::uint8_t w = 0; w < state->window_count(); ++w)
      if (!is_over(window_index{w}) && !committed_full(window_index{w}, c.people.size()))
        return false;
    return true;
  }

  // Left without any place by an operator: no cancellation can make one free, so it is not called full.
  [[nodiscard]] bool is_closed(const book_command& c) const {
    for (std::uint8_t w = 0; w < state->window_count(); ++w)
      if ((!c.window || c.window->value == w) && !is_over(window_index{w}) && state->counts(window_index{w}).capacity != 0)
        return false;
    return true;
  }

  // ---- a booking: first the key, then the counter
  // `admitted`: the table of refusals has let it wait for a place already.
  void decide(book_command&& c, bool strict, bool admitted = false);
  bool decide_by_key(book_command& c, bool strict);
  bool decide_by_citizen(book_command& c, bool strict);
  void deny(book_command&& c, bool strict, outcome what, std::uint8_t position = 0);
  void deny_later(denied_command&& d);
  void repeat(book_command&& c, bool strict, const group_entry& first);
  void hold_places(book_command&& c, window_index w);
  void ask_claims(hold_list::iterator h);
  void wait_for_room(book_command&& c, bool for_admission);
  void forget(waiting_list::iterator w);
  [[nodiscard]] std::uint32_t most_free(const book_command& c) const;
  bool join(waiting_requests& requests, const book_command& known, book_command& c, bool strict);
  void decide_denied(denied_command&& d);
  void drop_hold(hold_list::iterator h);
  void claim_answered(const claim_result& r);
  void refuse_hold(hold_list::iterator h, std::size_t person, claim_verdict verdict);
  void append_booking(hold_list::iterator h);
  void claimed_for_nothing(const claim_result& r);
  void decline_granted(const hold& h);
  // What a registry has said of a person is a denial, and waits for a strict round.
  [[nodiscard]] static bool registry_denies(outcome what) {
    return what == outcome::already_booked || what == outcome::key_reused || what == outcome::changes_spent;
  }

  // ---- appends
  sent_append& append(group_event&& event);
  void track_refs(const group_event& event, int by);
  void committed(const appended& a);
  void after_commit(sent_append& s);
  void booking_committed(sent_append& s);
  void announce(std::uint64_t windows);

  // ---- settling, cancelling, moving
  void settle(const settle_ask& q);
  void give_up(shard_id from, reference ref, generation_t generation, bool cancel);
  [[nodiscard]] record_locator record_of(const group_entry& e) const {
    return state->foreign_record(e).value_or(record_locator{shard, e.sequence(), e.record});
  }
  void drop(const drop_place& d);
  void offer(const offer_move& m);
  void take_in(move_in&& m);
  void move_inside(move_within&& m);
  void strict_round();
  void answer_strictly(const strict_reply& r);
  void change(change_capacity&& c);
  [[nodiscard]] bool may_order(const change_capacity& c);
  void capacity_told(request_id request);
  void expire();
  void expire_waiters();
  void forget_fallen();
  void recheck_waiters();
};

}  // namespace janji
