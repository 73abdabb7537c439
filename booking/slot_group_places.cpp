// Settling, cancelling and moving: what registries ask of a slot group.
#include "booking/slot_group_impl.hpp"

#include <utility>

namespace janji {

void slot_group::impl::settle(const settle_ask& q) {
  const auto say_status = [&](settle_status st) { emit(to_registry{q.from, settle_answer{id, q.ref, q.generation, st}}); };
  if (!faults.book_declined && (hold_by_ref.contains(q.ref.value) || on_its_way(q.ref)))
    return say_status(settle_status::in_progress);
  if (state->by_place(q.ref, q.generation) != nullptr)
    return state_strictly(q);
  if (state->is_declined(q.ref, q.generation) || faults.decline_from_memory)
    return say_status(settle_status::declined);
  if (too_much_under_way())
    return;
  append(declined{{{q.ref, q.generation}}, now}).tell = {q.from};
}

void slot_group::impl::give_up(shard_id from, reference ref, generation_t generation, bool cancel) {
  if (on_its_way(ref) || too_much_under_way())
    return;
  const auto* e = state->by_place(ref, generation);
  if (e == nullptr)
    return;
  if (!e->live())
    return state_strictly(cancel ? strict_reply{cancel_place{from, ref, generation}} : strict_reply{release_place{from, ref, generation}});
  if (cancel)
    append(place_cancelled{ref, generation, now}).from = from;
  else
    append(place_released{ref, generation, now}).from = from;
}

// What a move tried, after a cancel has joined it: not live from here on, whatever comes late.
void slot_group::impl::drop(const drop_place& d) {
  if (on_its_way(d.ref) || too_much_under_way())
    return;
  const auto* e = state->by_place(d.ref, d.generation);
  if (e != nullptr && !e->live())
    return state_strictly(d);
  if (state->is_declined(d.ref, d.generation))
    return reply(d.from, place_reply_kind::dropped, d.ref, d.generation);
  if (e != nullptr)
    append(place_cancelled{d.ref, d.generation, now}).dropped = d;
  else
    append(declined{{{d.ref, d.generation}}, now}).dropped = d;
}

void slot_group::impl::offer(const offer_move& m) {
  const auto* e = state->by_place(m.ref, m.generation);
  if (e == nullptr || !e->live() || on_its_way(m.ref))
    return;
  const auto record = record_of(*e);
  const citizen_facts facts{static_cast<std::uint8_t>(e->facts & 31U), static_cast<std::uint8_t>(e->facts >> 5)};
  emit(to_group{m.to, move_in{m.from, m.citizen, m.ref, faults.no_generation ? m.generation : m.next, e->key, e->body, m.window, facts,
                              record, unix_ms{std::int64_t{e->at_s} * 1000}}});
}

void slot_group::impl::take_in(move_in&& m) {
  if (on_its_way(m.ref) || too_much_under_way())
    return;
  if (m.window.value >= state->window_count() || state->is_declined(m.ref, m.generation))
    return decline_move(m.from, m.window, m.ref, m.generation);
  if (const auto* e = state->by_place(m.ref, m.generation); e != nullptr && (e->live() || !faults.no_generation)) {
    if (e->live())
      state_strictly(std::move(m));
    return;  // came and went: late
  }
  if (!is_over(m.window) && has_room(m.window, 1)) {
    booked event{m.window, m.body, true, m.at, {{m.citizen, m.ref, m.generation, m.key, m.facts, {}, m.record}}, {}};
    ++appending[m.window.value];
    auto& s = append(std::move(event));
    s.moving = std::move(m);
  } else if (is_over(m.window) || committed_full(m.window, 1)) {
    append(declined{{{m.ref, m.generation}}, now}).moving = std::move(m);
  } else if (waiting_moves.size() < limits::group_waiters_max) {
    waiting_moves.emplace_back(std::move(m));
  }
}

void slot_group::impl::move_inside(move_within&& m) {
  if (on_its_way(m.ref) || too_much_under_way())
    return;
  if (m.to.value >= state->window_count() || state->is_declined(m.ref, m.next))
    return decline_move(m.from, m.to, m.ref, m.next);
  if (state->by_place(m.ref, m.next) != nullptr)
    return state_strictly(std::move(m));
  const auto* e = state->by_place(m.ref, m.generation);
  if (e == nullptr || !e->live())
    return;
  if (!is_over(m.to) && has_room(m.to, 1)) {
    ++appending[m.to.value];
    auto& s = append(moved_within{m.ref, m.generation, m.next, m.to, now});
    s.moving_within = std::move(m);
  } else if (is_over(m.to) || committed_full(m.to, 1)) {
    append(declined{{{m.ref, m.next}}, now}).moving_within = std::move(m);
  } else if (waiting_moves.size() < limits::group_waiters_max) {
    waiting_moves.emplace_back(std::move(m));
  }
}

void slot_group::impl::strict_round() {
  if (!std::exchange(round_under_way, false))
    return;
  auto decided = std::exchange(asked, {});
  if (!later.empty()) {
    auto waiting = std::exchange(later, {});
    next_round() = std::move(waiting);
  }
  for (auto& d : decided.denials)
    decide_denied(std::move(d));
  for (const auto& r : decided.replies)
    answer_strictly(r);
}

void slot_group::impl::answer_strictly(const strict_reply& r) {
  if (const auto* q = std::get_if<settle_ask>(&r)) {
    const auto* e = state->by_place(q->ref, q->generation);
    if (e == nullptr)
      return;
    const auto st = e->live()                              ? settle_status::booked
                    : e->status == place_status::cancelled ? settle_status::cancelled
                                                           : settle_status::moved;
    emit(to_registry{q->from, settle_answer{id, q->ref, q->generation, st}});
  } else if (const auto* c = std::get_if<cancel_place>(&r)) {
    reply(c->from, place_reply_kind::cancelled, c->ref, c->generation);
  } else if (const auto* l = std::get_if<release_place>(&r)) {
    reply(l->from, place_reply_kind::released, l->ref, l->generation);
  } else if (const auto* d = std::get_if<drop_place>(&r)) {
    reply(d->from, place_reply_kind::dropped, d->ref, d->generation);
  } else if (const auto* m = std::get_if<move_in>(&r)) {
    if (const auto* e = state->by_place(m->ref, m->generation); e != nullptr && e->live())
      reply(m->from, place_reply_kind::moved_in, m->ref, m->generation);
  } else if (const auto* w = std::get_if<move_within>(&r)) {
    if (state->by_place(w->ref, w->next) != nullptr)
      reply(w->from, place_reply_kind::moved_within, w->ref, w->next);
  }
}

void slot_group::impl::change(change_capacity&& c) {
  if (c.deadline != unix_ms{} && expired(c.deadline))
    return say(c.request, outcome::unknown);
  if (c.window.value >= state->window_count() || c.capacity > limits::capacity_max)
    return say(c.request, outcome::window_unknown);
  const auto changing = std::ranges::find_if(sent, [&](const sent_append& s) {
    const auto* e = std::get_if<capacity_changed>(&s.event);
    return e != nullptr && e->window == c.window;
  });
  if (changing != sent.end() && changing->operator_request == c.request)
    return;  // a copy of this very order: it is answered when that one is done
  if (changing != sent.end())
    return say(c.request, outcome::in_progress);
  if (too_much_under_way())
    return say(c.request, outcome::busy);
  if (!may_order(c))
    return;
  append(capacity_changed{c.window, c.capacity, std::move(c.by), std::move(c.reason), now}).operator_request = c.request;
}

// Numbered when it is given to the log, not when it is committed: by then the tenure may be on its way to the next leader.
bool slot_group::impl::may_order(const change_capacity& c) {
  const auto about = capacity_key(id, c.window);
  const auto verdict = judge(*refusals, c.stamp, about, faults);
  if (verdict == refusal_table::verdict::interrupted)
    emit(interrupted(c.request, shard, refusals->now()));
  else if (verdict == refusal_table::verdict::stopped)
    say(c.request, outcome::busy);
  else
    refusals->number(about);
  return verdict == refusal_table::verdict::admitted;
}

// What was done is told with the number that the next order about it has to know.
void slot_group::impl::capacity_told(request_id request) {
  answer a;
  a.request = request;
  a.what = outcome::found;
  a.shard = shard;
  a.stamp = refusals->now();
  emit(std::move(a));
}

}  // namespace janji
