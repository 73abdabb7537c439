#include "booking/slot_group_impl.hpp"

#include <type_traits>
#include <utility>

#include "booking/assert.hpp"

namespace janji {

// ------------------------------------------------------------------ booking

// First the key, then the citizen, then the counter. What was asked before a refusal of the same key gets no place any more
// (design: copies of a request); what is told without a place is told whatever its age.
void slot_group::impl::decide(book_command&& c, bool strict, bool admitted) {
  if (expired(c.deadline))
    return say(c.request, outcome::unknown);
  assert_always(!c.people.empty() && c.people.size() <= limits::party_people_max, "a command is for one to four people");
  if (c.window && c.window->value >= state->window_count())
    return refuse(c, outcome::window_unknown, 0);
  if (faults.full_before_key && all_committed_full(c))
    return deny(std::move(c), strict, outcome::full);
  if (decide_by_key(c, strict))
    return;
  if (c.repeat_only)
    return deny(std::move(c), strict, outcome::not_found);
  if (decide_by_citizen(c, strict))
    return;
  const auto round = admits(c);
  if (round != admission_verdict::admitted && round != admission_verdict::unknown)
    return deny(std::move(c), strict, outcome_of(round));
  if (all_over(c))
    return deny(std::move(c), strict, outcome::window_over);
  // A command that came twice brings a reference that has had its fate; the next try has a new one.
  if (!faults.any_incarnation && std::ranges::any_of(c.people, [this](const applicant& p) { return reference_spent(p.proposed); }))
    return say(c.request, outcome::busy);
  if (round == admission_verdict::unknown && !all_committed_full(c))
    return admitted || may_have_place(c) ? wait_for_room(std::move(c), true) : void();
  if (const auto w = window_with_room(c)) {
    if (holds.size() >= limits::group_holds_max || fallen.size() >= limits::group_fallen_max || too_much_under_way())
      return say(c.request, outcome::busy);
    return admitted || may_have_place(c) ? hold_places(std::move(c), *w) : void();
  }
  if (all_committed_full(c)) {
    const auto what = is_closed(c) ? outcome::window_closed : most_free(c) != 0 ? outcome::not_enough_together : outcome::full;
    return deny(std::move(c), strict, what);
  }
  if (admitted || may_have_place(c))
    wait_for_room(std::move(c), false);
}

bool slot_group::impl::may_have_place(const book_command& c) {
  const auto verdict = judge(*refusals, c.stamp, c.people.front().key, faults);
  if (verdict == refusal_table::verdict::interrupted)
    emit(interrupted(c.request, shard, refusals->now()));
  return verdict == refusal_table::verdict::admitted;
}

void slot_group::impl::refuse(const book_command& c, outcome what, std::uint8_t position) {
  const auto number = refusals->number(c.people.front().key);
  if (!number)
    return;
  answer a;
  a.request = c.request;
  a.what = what;
  a.position = position;
  a.shard = shard;
  a.stamp = *number;
  if (what == outcome::not_enough_together)
    a.free = most_free(c);
  emit(std::move(a));
}

// For a party: how many of it the best window still has room for, by what is committed. 0 too where not all nodes know the word.
std::uint32_t slot_group::impl::most_free(const book_command& c) const {
  std::uint32_t most = 0;
  for (std::uint8_t w = 0; w < state->window_count(); ++w)
    if (const auto& n = state->counts(window_index{w});
        (!c.window || c.window->value == w) && !is_over(window_index{w}) && n.booked < n.capacity)
      most = std::max(most, n.capacity - n.booked);
  return c.people.size() > 1 && refusals->enforced() ? most : 0;
}

// The same request again waits with the one that is under way; another with its key is refused.
bool slot_group::impl::join(waiting_requests& requests, const book_command& known, book_command& c, bool strict) {
  const bool same =
      known.body == c.body && known.people.size() == c.people.size() && known.people.front().citizen == c.people.front().citizen;
  if (!same) {
    deny(std::move(c), strict, outcome::key_reused);
  } else if (requests.size() >= limits::group_waiters_max) {
    say(c.request, outcome::busy);
  } else {
    requests.push_back({c.request, c.deadline, c.stamp, true});
    note_deadline(c.deadline);
  }
  return true;
}

// True when the key settles it: the old answer, a booking in progress to join, or a key used for something else.
bool slot_group::impl::decide_by_key(book_command& c, bool strict) {
  const auto& first = c.people.front();
  if (const auto it = hold_by_key.find(first.key.value); it != hold_by_key.end())
    return join(it->second->requests, it->second->command, c, strict);
  if (const auto it = waiter_by_key.find(first.key.value); it != waiter_by_key.end())
    return join(it->second->requests, it->second->command, c, strict);
  const auto* e = state->by_key(first.key);
  if (e == nullptr || (faults.forget_keys && !e->live()))
    return false;
  if (e->citizen == first.citizen.low() && e->body == c.body && e->party_place() == 0 && e->party_size() == c.people.size())
    repeat(std::move(c), strict, *e);
  else
    deny(std::move(c), strict, outcome::key_reused);
  return true;
}

bool slot_group::impl::decide_by_citizen(book_command& c, bool strict) {
  for (std::size_t i = 0; i < c.people.size(); ++i) {
    const auto citizen = c.people[i].citizen.low();
    const auto position = static_cast<std::uint8_t>(i + 1);
    if (const auto* e = state->by_citizen(citizen); e != nullptr && e->live()) {
      deny(std::move(c), strict, outcome::already_booked, position);
      return true;
    }
    if (hold_by_citizen.contains(citizen) || waiter_by_citizen.contains(citizen)) {
      say(c.request, outcome::in_progress, position);
      return true;
    }
  }
  return false;
}

// What denies is said only after a strict round; until then the whole command waits and is decided again.
void slot_group::impl::deny(book_command&& c, bool strict, outcome what, std::uint8_t position) {
  if (strict)
    return refuse(c, what, position);
  deny_later({std::move(c), std::nullopt, 0});
}

void slot_group::impl::deny_later(denied_command&& d) {
  if (asked.denials.size() + later.denials.size() >= limits::group_waiters_max)
    return say(d.command.request, outcome::busy);
  note_deadline(d.command.deadline);
  next_round().denials.push_back(std::move(d));
}

void slot_group::impl::repeat(book_command&& c, bool strict, const group_entry& first) {
  if (!strict)
    return deny(std::move(c), false, outcome::confirmed);
  answer a;
  a.request = c.request;
  a.what = outcome::confirmed;
  a.repeated = true;
  a.shard = shard;
  const auto [from, to] = state->party_of(first);
  for (const auto* e = from; e != to; ++e) {  // who moved away and came back has a second entry
    const auto* latest = state->by_citizen(e->citizen);
    a.places.push_back(place_of(latest != nullptr && latest->ref == e->ref ? *latest : *e));
  }
  emit(std::move(a));
}

void slot_group::impl::hold_places(book_command&& c, window_index w) {
  const auto h = holds.insert(holds.end(), hold{});
  h->window = w;
  h->at = now;
  h->requests.push_back({c.request, c.deadline, c.stamp});
  note_deadline(c.deadline);
  held[w.value] += static_cast<std::uint32_t>(c.people.size());
  h->command = std::move(c);
  for (const auto& p : h->command.people) {
    hold_by_key.insert_or_assign(p.key.value, h);
    hold_by_citizen.insert_or_assign(p.citizen.low(), h);
    hold_by_ref.insert_or_assign(p.proposed.value, h);
  }
  if (faults.skip_claim)
    return append_booking(h);
  ask_claims(h);
}

// Of those who have not granted it yet. What is lost between nodes is asked again; a registry that has heard it answers the same.
void slot_group::impl::ask_claims(hold_list::iterator h) {
  h->ask_again = unix_ms{now.value + h->ask_again_ms};
  h->ask_again_ms = std::min(2 * h->ask_again_ms, claim_again_ms_max);
  note_deadline(h->ask_again);
  auto deadline = h->command.deadline;
  for (const auto& r : h->requests)
    deadline = std::max(deadline, r.deadline);
  h->claimed_until = std::max(h->claimed_until, deadline);
  for (std::size_t i = 0; i < h->command.people.size(); ++i) {
    const auto& p = h->command.people[i];
    if ((h->granted >> i & 1U) == 0)
      emit(to_registry{p.proposed.shard(),
                       claim_request{id, incarnation, p.citizen, p.proposed, p.key, h->command.body, h->window, deadline, h->at}});
  }
}

void slot_group::impl::drop_hold(hold_list::iterator h) {
  auto& places = h->appending ? appending : held;
  places[h->window.value] -= static_cast<std::uint32_t>(h->command.people.size());
  for (const auto& p : h->command.people) {
    const auto erase = [&](auto& map, std::uint64_t key) {
      if (const auto it = map.find(key); it != map.end() && it->second == h)
        map.erase(it);
    };
    erase(hold_by_key, p.key.value);
    erase(hold_by_citizen, p.citizen.low());
    erase(hold_by_ref, p.proposed.value);
  }
  holds.erase(h);
  recheck = true;
}

void slot_group::impl::claim_answered(const claim_result& r) {
  if (r.incarnation != incarnation && !faults.any_incarnation)
    return;
  const auto it = hold_by_ref.find(r.ref.value);
  if (it == hold_by_ref.end())
    return claimed_for_nothing(r);
  if (it->second->appending)
    return;
  const auto h = it->second;
  const auto& people = h->command.people;
  const auto person = static_cast<std::size_t>(std::ranges::find(people, r.ref, &applicant::proposed) - people.begin());
  if (r.verdict != claim_verdict::granted)
    return refuse_hold(h, person, r.verdict);
  h->granted = static_cast<std::uint8_t>(h->granted | 1U << person);
  if (r.at != unix_ms{})  // the claim may be of an earlier life of this group: claim and booking state the same moment
    h->at = people.size() == 1 ? r.at : std::min(h->at, r.at);
  if (h->granted == (1U << people.size()) - 1)
    append_booking(h);
}

// Its hold fell while the claim was on its way: declined now, so that the claim is released at once. One that was never made leaves
// nothing in the log.
void slot_group::impl::claimed_for_nothing(const claim_result& r) {
  if (r.verdict == claim_verdict::granted && fallen.contains(r.ref.value) && !on_its_way(r.ref) && !state->is_declined(r.ref, {}) &&
      !too_much_under_way())
    append(declined{{{r.ref, {}}}, now}).tell = {r.ref.shard()};
}

// The round ceased to admit it, or its window came to its end, after the place was held: its citizens are told so when this leader is
// shown to lead still.
void slot_group::impl::drop_unadmitted(hold_list::iterator h) {
  const auto round = admits(h->command);
  const auto what = round == admission_verdict::admitted && is_over(h->window) ? outcome::window_over : outcome_of(round);
  std::vector<denied_command> denied;
  for (const auto& r : h->requests) {
    denied.push_back({h->command, what, 0});
    denied.back().command.request = r.id;
    denied.back().command.deadline = r.deadline;
    denied.back().command.stamp = r.stamp;
  }
  decline_granted(*h);
  drop_hold(h);
  for (auto& d : denied)
    deny_later(std::move(d));
}

static outcome outcome_of(claim_verdict verdict) {
  switch (verdict) {
    case claim_verdict::already_booked: return outcome::already_booked;
    case claim_verdict::key_reused: return outcome::key_reused;
    case claim_verdict::in_progress: return outcome::in_progress;
    case claim_verdict::changes_spent: return outcome::changes_spent;
    default: return outcome::busy;
  }
}

void slot_group::impl::refuse_hold(hold_list::iterator h, std::size_t person, claim_verdict verdict) {
  const auto position = static_cast<std::uint8_t>(person + 1);
  const auto what = outcome_of(verdict);
  const bool denies = registry_denies(what);
  // Who joined later may have come after what the registry's word was true of: they ask again.
  std::vector<denied_command> denied;
  for (const auto& r : h->requests)
    if (r.joined || !denies) {
      say(r.id, r.joined ? outcome::in_progress : what, position);
    } else {
      denied.push_back({h->command, what, position});
      denied.back().command.request = r.id;
      denied.back().command.deadline = r.deadline;
      denied.back().command.stamp = r.stamp;
    }
  if (faults.half_party && h->granted != 0) {
    booked event{h->window, h->command.body, false, now, {}, {}};
    for (std::size_t i = 0; i < h->command.people.size(); ++i)
      if ((h->granted >> i & 1U) != 0) {
        const auto& p = h->command.people[i];
        event.people.push_back({p.citizen, p.proposed, generation_t{}, p.key, p.facts, p.sealed, std::nullopt});
      }
    append(std::move(event));
  } else {
    decline_granted(*h);
  }
  drop_hold(h);
  for (auto& d : denied)  // the registry's word is a denial as any other: said when this leader is shown to lead still
    deny_later(std::move(d));
}

// What will not be booked: the claims that were made are released once this is committed. The log has no more of it than there were
// claims, which are counted.
void slot_group::impl::decline_granted(const hold& h) {
  declined event{{}, now};
  std::vector<shard_id> tell;
  constexpr std::int64_t second = 1'000;                            // they are looked through once a second
  const auto last = std::max(h.command.deadline, h.claimed_until);  // of all who joined
  const unix_ms until{(last.value + claimed_late_ms + second - 1) / second * second};
  for (std::size_t i = 0; i < h.command.people.size(); ++i) {
    const auto ref = h.command.people[i].proposed;
    if ((h.granted >> i & 1U) != 0) {
      event.refs.emplace_back(ref, generation_t{});
      tell.push_back(ref.shard());
    } else {
      fallen.insert_or_assign(ref.value, until);
      fallen_until = std::min(fallen_until, until.value);
      note_deadline(until);
    }
  }
  if (event.refs.empty())
    return;
  append(std::move(event)).tell = std::move(tell);
}

void slot_group::impl::append_booking(hold_list::iterator h) {
  const auto n = static_cast<std::uint32_t>(h->command.people.size());
  if (!faults.admit_at_hold_only && (admits(h->command) != admission_verdict::admitted || is_over(h->window)))
    return drop_unadmitted(h);
  const auto& counts = state->counts(h->window);
  if (counts.booked + appending[h->window.value] + n > capacity_to_come(h->window)) {  // lowered meanwhile
    say(h->requests, outcome::contended);
    decline_granted(*h);
    return drop_hold(h);
  }
  booked event{h->window, h->command.body, false, h->at, {}, {}};
  for (const auto& r : h->requests)
    if (r.stamp.tenure <= refusals->now().tenure)  // one that has joined was not judged by it
      event.stamp = std::max(event.stamp, r.stamp);
  event.people.reserve(n);
  for (auto& p : h->command.people)
    event.people.push_back({p.citizen, p.proposed, generation_t{}, p.key, p.facts, std::move(p.sealed), std::nullopt});
  held[h->window.value] -= n;
  appending[h->window.value] += n;
  h->appending = true;
  append(std::move(event)).booking = h;
  if (faults.answer_before_sync) {
    for (const auto& r : h->requests) {
      answer a;
      a.request = r.id;
      a.what = outcome::confirmed;
      for (const auto& p : h->command.people)
        a.places.push_back({p.proposed, generation_t{}, place_status::confirmed, id, h->window, 0, h->at});
      emit(std::move(a));
    }
    h->requests.clear();
  }
}

// ------------------------------------------------------------------ appends

void slot_group::impl::track_refs(const group_event& event, int by) {
  const auto count = [&](reference ref) {
    auto& n = sent_refs[ref.value];
    n += by;
    if (n == 0)
      sent_refs.erase(ref.value);
  };
  std::visit(
      [&](const auto& e) {
        using event_type = std::decay_t<decltype(e)>;
        if constexpr (std::is_same_v<event_type, booked>) {
          for (const auto& p : e.people)
            count(p.ref);
        } else if constexpr (std::is_same_v<event_type, declined>) {
          for (const auto& [ref, generation] : e.refs)
            count(ref);
        } else if constexpr (!std::is_same_v<event_type, capacity_changed>) {
          count(e.ref);
        }
      },
      event);
}

// Sends the event and keeps what apply() needs of it: all but the sealed records.
sent_append& slot_group::impl::append(group_event&& event) {
  sent_append s;
  s.token = ++next_token;
  if (auto* b = std::get_if<booked>(&event)) {
    booked kept{b->window, b->body, b->moved_in, b->at, {}, b->stamp};
    kept.people.reserve(b->people.size());
    for (const auto& p : b->people)
      kept.people.push_back({p.citizen, p.ref, p.generation, p.key, p.facts, {}, p.record});
    s.event = std::move(kept);
  } else {
    s.event = event;
  }
  track_refs(s.event, 1);
  changes_sent += std::holds_alternative<capacity_changed>(s.event) ? 1 : 0;
  emit(append_group{s.token, std::move(event)});
  sent.push_back(std::move(s));
  return sent.back();
}

void slot_group::impl::committed(const appended& a) {
  assert_always(!sent.empty() && sent.front().token == a.token, "appends are committed in the order in which they were sent");
  auto s = std::move(sent.front());
  sent.pop_front();
  track_refs(s.event, -1);
  changes_sent -= std::holds_alternative<capacity_changed>(s.event) ? 1 : 0;
  if (a.not_admitted)
    return not_admitted(s);
  if (s.booking) {  // the place changes from appending to booked in this one step
    const auto h = *s.booking;
    appending[h->window.value] -= static_cast<std::uint32_t>(h->command.people.size());
    held[h->window.value] += static_cast<std::uint32_t>(h->command.people.size());
    h->appending = false;
  }
  if (s.moving && std::holds_alternative<booked>(s.event))
    --appending[s.moving->window.value];
  if (s.moving_within && std::holds_alternative<moved_within>(s.event))
    --appending[s.moving_within->to.value];
  announce(state->apply(s.event, a.sequence, a.first_record, faults));
  after_commit(s);
  recheck = true;
}

// The place changes from appending to held again, and the hold falls.
void slot_group::impl::not_admitted(sent_append& s) {
  assert_always(s.booking.has_value(), "nothing but a booking is refused by the state of its round");
  const auto h = *s.booking;
  const auto n = static_cast<std::uint32_t>(h->command.people.size());
  appending[h->window.value] -= n;
  held[h->window.value] += n;
  h->appending = false;
  drop_unadmitted(h);
  recheck = true;
}

void slot_group::impl::announce(std::uint64_t windows) {
  for (std::uint8_t w = 0; windows != 0; ++w, windows >>= 1)
    if ((windows & 1U) != 0) {
      const auto& c = state->counts(window_index{w});
      emit(window_changed{window_index{w}, c.capacity, c.booked});
    }
}

void slot_group::impl::after_commit(sent_append& s) {
  if (s.booking)
    return booking_committed(s);
  if (const auto& m = s.moving)
    return std::holds_alternative<booked>(s.event) ? reply(m->from, place_reply_kind::moved_in, m->ref, m->generation)
                                                   : decline_move(m->from, m->window, m->ref, m->generation);
  if (const auto& m = s.moving_within)
    return std::holds_alternative<moved_within>(s.event) ? reply(m->from, place_reply_kind::moved_within, m->ref, m->next)
                                                         : decline_move(m->from, m->to, m->ref, m->next);
  if (s.operator_request)
    return capacity_told(*s.operator_request);
  if (s.dropped)
    return reply(s.dropped->from, place_reply_kind::dropped, s.dropped->ref, s.dropped->generation);
  if (const auto* e = std::get_if<declined>(&s.event)) {
    for (std::size_t i = 0; i < s.tell.size(); ++i)
      emit(to_registry{s.tell[i], settle_answer{id, e->refs[i].first, e->refs[i].second, settle_status::declined}});
  } else if (const auto* c = std::get_if<place_cancelled>(&s.event)) {
    reply(*s.from, place_reply_kind::cancelled, c->ref, c->generation);
  } else if (const auto* r = std::get_if<place_released>(&s.event)) {
    reply(*s.from, place_reply_kind::released, r->ref, r->generation);
  }
}

void slot_group::impl::booking_committed(sent_append& s) {
  const auto h = *s.booking;
  const auto& event = std::get<booked>(s.event);
  answer a;
  a.what = outcome::confirmed;
  a.shard = shard;
  a.stamp = event.stamp;
  for (const auto& p : event.people) {
    a.places.push_back(place_of(*state->by_place(p.ref, p.generation)));
    emit(to_registry{p.ref.shard(), confirm_claims{{p.ref}}});
  }
  for (std::size_t i = 0; i < h->requests.size(); ++i) {
    auto said = a;
    said.request = h->requests[i].id;
    said.repeated = i != 0;
    emit(std::move(said));
  }
  drop_hold(h);
}

// ------------------------------------------------------------------ the public face

slot_group::slot_group(group_id id, shard_id shard, std::uint16_t, std::vector<window_definition> windows, incarnation_t incarnation,
                       planted_faults faults)
    : impl_(std::make_unique<impl>()) {
  impl_->id = id;
  impl_->shard = shard;
  impl_->incarnation = incarnation;
  impl_->faults = faults;
  impl_->state = std::make_unique<group_state>(std::move(windows));
  impl_->held.resize(impl_->state->window_count());
  impl_->appending.resize(impl_->state->window_count());
}
slot_group::~slot_group() = default;
slot_group::slot_group(slot_group&&) noexcept = default;
void slot_group::use(std::shared_ptr<refusal_table> refusals) { impl_->refusals = std::move(refusals); }
void slot_group::judge_by(std::shared_ptr<const admission_gate> gate, round_id round, std::vector<unix_ms> ends) {
  impl_->gate = std::move(gate);
  impl_->round = round;
  impl_->ends = std::move(ends);
  impl_->over_until = impl_->over_from;
}
slot_group& slot_group::operator=(slot_group&&) noexcept = default;

void slot_group::step(unix_ms now, group_input&& in, std::vector<group_output>& out) {
  auto& m = *impl_;
  m.now = now;
  m.out = &out;
  m.recheck = std::exchange(m.judged_at, m.gate->changes()) != m.judged_at || m.recheck;
  m.pass_ends();
  m.expire();
  std::visit(
      [&m](auto&& input) {
        using input_type = std::decay_t<decltype(input)>;
        if constexpr (std::is_same_v<input_type, book_command>)
          m.decide(std::move(input), false);
        else if constexpr (std::is_same_v<input_type, claim_result>)
          m.claim_answered(input);
        else if constexpr (std::is_same_v<input_type, settle_ask>)
          m.settle(input);
        else if constexpr (std::is_same_v<input_type, cancel_place>)
          m.give_up(input.from, input.ref, input.generation, true);
        else if constexpr (std::is_same_v<input_type, release_place>)
          m.give_up(input.from, input.ref, input.generation, false);
        else if constexpr (std::is_same_v<input_type, offer_move>)
          m.offer(input);
        else if constexpr (std::is_same_v<input_type, move_in>)
          m.take_in(std::move(input));
        else if constexpr (std::is_same_v<input_type, drop_place>)
          m.drop(input);
        else if constexpr (std::is_same_v<input_type, move_within>)
          m.move_inside(std::move(input));
        else if constexpr (std::is_same_v<input_type, change_capacity>)
          m.change(std::move(input));
        else if constexpr (std::is_same_v<input_type, appended>)
          m.committed(input);
        else if constexpr (std::is_same_v<input_type, strict_round_done>)
          m.strict_round();
      },
      std::move(in));
  m.recheck_waiters();
  m.wake_at_next_end();
  m.out = nullptr;
}

void slot_group::apply(const group_event& event, log_sequence sequence, std::uint16_t first_record) {
  if (sequence <= impl_->recovered_to && !impl_->faults.count_twice_on_replay)
    return;
  impl_->state->apply(event, sequence, first_record, impl_->faults);
}

bool slot_group::idle() const {
  const auto& m = *impl_;
  return m.holds.empty() && m.sent.empty() && m.waiters.empty() && m.waiting_moves.empty() && m.asked.empty() && m.later.empty();
}

unix_ms slot_group::next_deadline() const { return unix_ms{impl_->faults.ignore_deadline ? never : impl_->earliest}; }
group_id slot_group::id() const { return impl_->id; }
incarnation_t slot_group::incarnation() const { return impl_->incarnation; }
std::size_t slot_group::window_count() const { return impl_->state->window_count(); }
window_counts slot_group::counts(window_index w) const { return impl_->state->counts(w); }
std::uint32_t slot_group::held(window_index w) const { return impl_->held[w.value] + impl_->appending[w.value]; }
std::span<const std::uint32_t> slot_group::booked_by_facts() const { return impl_->state->facts(); }
std::span<const group_entry> slot_group::entries() const { return impl_->state->entries(); }
record_locator slot_group::record_of(const group_entry& entry) const { return impl_->record_of(entry); }
log_sequence slot_group::applied() const { return impl_->state->applied(); }
std::string slot_group::snapshot() const { return impl_->state->snapshot(); }
std::uint64_t slot_group::state_hash() const { return impl_->state->hash(); }
bool slot_group::counters_agree() const { return impl_->state->counters_agree(); }

std::expected<slot_group, std::string> slot_group::restore(std::string_view bytes, group_id id, shard_id shard, std::uint16_t shard_count,
                                                           incarnation_t incarnation, planted_faults faults) {
  auto state = group_state::restore(bytes);
  if (!state)
    return std::unexpected(state.error());
  slot_group group(id, shard, shard_count, {window_definition{}}, incarnation, faults);
  group.impl_->recovered_to = (*state)->applied();
  group.impl_->state = std::move(*state);
  group.impl_->held.assign(group.window_count(), 0);
  group.impl_->appending.assign(group.window_count(), 0);
  return group;
}

}  // namespace janji
