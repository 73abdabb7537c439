// What a registry gives to the log, and what follows when it is committed or refused there.
#include <utility>

#include "booking/assert.hpp"
#include "booking/citizen_registry_impl.hpp"

namespace janji {

sent_append& citizen_registry::impl::append(registry_event&& event, const citizen_hash& citizen) {
  flush_confirms();
  ++busy[citizen];
  sent_append s;
  s.token = ++next_token;
  s.event = event;
  s.citizens.push_back(citizen);
  emit(append_registry{s.token, std::move(event)});
  sent.push_back(std::move(s));
  return sent.back();
}

// An order of staff names the citizen, not the booking: one that is older than this change must not cancel what is booked after it. It
// is noted now, since at its end the tenure may be on its way to the next leader; and for such orders only: a copy of this very request,
// which the next leader is asked when this is not committed before the tenure goes, is not older than itself.
sent_append& citizen_registry::impl::append_change(registry_event&& event, const citizen_hash& citizen) {
  refusals->note_claim(citizen);
  return append(std::move(event), citizen);
}

// Confirmations ride along with whatever else is appended, or go with the tick.
void citizen_registry::impl::flush_confirms() {
  if (to_confirm.empty())
    return;
  sent_append s;
  claims_confirmed event;
  for (const auto ref : std::exchange(to_confirm, {}))
    if (const auto n = state->by_ref(ref); n && state->at(*n).state == claim_state::pending && !busy.contains(state->at(*n).citizen)) {
      event.refs.push_back(ref);
      s.citizens.push_back(state->at(*n).citizen);
      ++busy[state->at(*n).citizen];
    }
  if (event.refs.empty())
    return;
  s.token = ++next_token;
  s.event = event;
  emit(append_registry{s.token, std::move(event)});
  sent.push_back(std::move(s));
}

void citizen_registry::impl::committed(const appended& a) {
  assert_always(!sent.empty() && sent.front().token == a.token, "appends are committed in the order in which they were sent");
  auto s = std::move(sent.front());
  sent.pop_front();
  for (const auto& c : s.citizens)
    if (const auto it = busy.find(c); --it->second == 0)
      busy.erase(it);
  if (a.not_admitted)
    not_admitted(s);
  else
    after_commit(s, state->apply(s.event, a.sequence));
  for (const auto& c : s.citizens)
    wake_waiters(c);
}

void citizen_registry::impl::after_commit(sent_append& s, std::optional<std::uint32_t> n) {
  if (s.request) {
    claiming.erase(s.request->ref.value);
    unsettled[*n] = unix_ms{now.value + settle_after_ms};
    return verdict(*s.request, claim_verdict::granted);
  }
  if (s.forgiven_for)
    return tell(*s.forgiven_for, outcome::cancelled, n, n.has_value(), true);
  if (const auto* e = std::get_if<claims_confirmed>(&s.event)) {
    for (const auto ref : e->refs)
      if (const auto c = state->by_ref(ref))
        unsettled.erase(*c);
  } else if (std::holds_alternative<claim_released>(s.event)) {
    unsettled.erase(*n);
  } else if (std::holds_alternative<cancel_intended>(s.event) || std::holds_alternative<move_intended>(s.event) ||
             std::holds_alternative<cancel_joined>(s.event)) {
    drive(*n);
  } else if (std::holds_alternative<joined_place_ended>(s.event)) {
    state->at(*n).state == claim_state::cancelled ? change_ended(*n, outcome::cancelled) : drive(*n);
  } else if (std::holds_alternative<cancel_done>(s.event)) {
    change_ended(*n, outcome::cancelled);
  } else if (std::holds_alternative<move_booked>(s.event)) {
    drive(*n);  // moved is said once the old place is released: until then its group answers a repeated booking with it
  } else if (std::holds_alternative<move_done>(s.event)) {
    change_ended(*n, outcome::moved);
  } else if (std::holds_alternative<move_refused>(s.event)) {
    change_ended(*n, s.move_refusal);
  }
}

void citizen_registry::impl::change_ended(std::uint32_t n, outcome what) {
  unsettled.erase(n);
  const bool came_true = what == outcome::cancelled || what == outcome::moved;
  if (came_true && !drivers.contains(n))
    refusals->number(state->at(n).citizen);  // nobody waits for it, and what came before is older all the same
  answer_drivers(n, what, came_true);
}

void citizen_registry::impl::answer_drivers(std::uint32_t n, outcome what, bool with_place) {
  const auto it = drivers.find(n);
  if (it == drivers.end())
    return;
  const auto requests = std::move(it->second);
  drivers.erase(it);
  for (std::size_t i = 0; i < requests.size(); ++i)
    tell(requests[i].request, what, n, with_place, i != 0);
}

bool citizen_registry::impl::join(std::uint32_t n, request_id request, unix_ms deadline) {
  auto& list = drivers[n];
  if (list.size() >= limits::claim_waiters_max) {
    say(request, outcome::busy);
    return false;
  }
  list.push_back({request, deadline});
  note_deadline(deadline);
  return true;
}

// An order stands before it in the log: the move has not begun, and is decided anew, unless its citizen was told meanwhile that it is
// not known.
void citizen_registry::impl::not_admitted(sent_append& s) {
  assert_always(s.move.has_value(), "nothing but a move is refused by the state of its round");
  const auto n = state->by_ref(s.move->ref);
  const auto it = n ? drivers.find(*n) : drivers.end();
  if (it == drivers.end() || std::erase_if(it->second, [&](const driver& d) { return d.request == s.move->request; }) == 0)
    return;
  if (it->second.empty())
    drivers.erase(it);
  take(std::move(*s.move), false);
}

}  // namespace janji
