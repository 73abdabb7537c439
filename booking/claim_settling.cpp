// Settling claims and driving cancels and moves, how many of them a citizen may begin, and what runs out of time meanwhile.
#include "booking/citizen_registry_impl.hpp"

#include <utility>

namespace janji {

void citizen_registry::impl::confirm(const confirm_claims& c) {
  for (const auto ref : c.refs)
    if (const auto n = state->by_ref(ref); n && state->at(*n).state == claim_state::pending) {
      to_confirm.push_back(ref);
      unsettled[*n] = unix_ms{now.value + settle_after_ms};
      if (waiters.contains(state->at(*n).citizen))
        flush_confirms();
    }
  if (to_confirm.size() >= confirm_batch)
    flush_confirms();
}

// Somebody needs this claim settled now.
void citizen_registry::impl::touch(std::uint32_t n) {
  const auto& c = state->at(n);
  if (c.state == claim_state::pending && std::ranges::find(to_confirm, c.ref) != to_confirm.end())
    return flush_confirms();
  drive(n);
}

// The next message about a claim that is not settled. Lost ones are made good by the tick.
void citizen_registry::impl::drive(std::uint32_t n) {
  const auto& c = state->at(n);
  if (busy.contains(c.citizen))
    return;
  unsettled[n] = unix_ms{now.value + drive_again_ms};
  const auto* change = state->change_under_way(n);
  switch (c.state) {
    case claim_state::pending: emit(to_group{c.group, settle_ask{shard, c.ref, c.generation}}); break;
    case claim_state::cancelling:
      emit(to_group{c.group, cancel_place{shard, c.ref, c.generation}});
      if (faults.cancel_told_early)
        append(cancel_done{c.ref, now}, c.citizen);
      break;
    case claim_state::moving:
      if (change->to == c.group)
        emit(to_group{c.group, move_within{shard, c.ref, c.generation, change->generation, change->window}});
      else
        emit(to_group{c.group, offer_move{shard, c.citizen, c.ref, c.generation, change->generation, change->to, change->window}});
      if (faults.release_before_booked)
        emit(to_group{c.group, release_place{shard, c.ref, c.generation}});
      break;
    case claim_state::releasing: emit(to_group{c.group, release_place{shard, c.ref, c.generation}}); break;
    case claim_state::joined:  // released: until the end only the registry knows what has become of the booking
      if (!change->old_ended)
        emit(to_group{c.group, release_place{shard, c.ref, c.generation}});
      if (!change->new_ended)
        emit(to_group{change->to, drop_place{shard, c.ref, change->generation}});
      break;
    default: unsettled.erase(n); break;
  }
}

void citizen_registry::impl::settled(const settle_answer& a) {
  const auto n = state->by_ref(a.ref);
  if (!n)
    return;
  const auto& c = state->at(*n);
  if (c.state != claim_state::pending || c.group != a.group || c.generation != a.generation || busy.contains(c.citizen))
    return;
  switch (a.status) {
    case settle_status::booked: append(claims_confirmed{{c.ref}}, c.citizen); break;
    case settle_status::declined: append(claim_released{c.ref}, c.citizen); break;
    case settle_status::cancelled: append(cancel_done{c.ref, now}, c.citizen); break;
    default: break;
  }
}

void citizen_registry::impl::replied(const place_reply& r) {
  const auto n = state->by_ref(r.ref);
  if (!n || busy.contains(state->at(*n).citizen))
    return;
  const auto& c = state->at(*n);
  const auto* change = state->change_under_way(*n);
  const bool about_old = c.group == r.group && c.generation == r.generation;
  const bool about_new =
      change != nullptr && change->is_move && change->to == r.group && (change->generation == r.generation || faults.no_generation);
  if (c.state == claim_state::joined) {
    const bool old_ended = about_old && r.kind == place_reply_kind::released;
    const bool new_ended = about_new && (r.kind == place_reply_kind::dropped || r.kind == place_reply_kind::move_declined);
    if ((old_ended && !change->old_ended) || (new_ended && !change->new_ended))
      append(joined_place_ended{c.ref, r.generation, now}, c.citizen);
  } else if (r.kind == place_reply_kind::cancelled && c.state == claim_state::cancelling && about_old)
    append(cancel_done{c.ref, now}, c.citizen);
  else if (r.kind == place_reply_kind::moved_in && c.state == claim_state::moving && about_new)
    append(move_booked{c.ref}, c.citizen);
  else if (r.kind == place_reply_kind::moved_within && c.state == claim_state::moving && about_new)
    append(move_done{c.ref, now}, c.citizen);
  else if (r.kind == place_reply_kind::move_declined && c.state == claim_state::moving && about_new)
    append(move_refused{c.ref}, c.citizen).move_refusal = r.window_over     ? outcome::window_over
                                                          : r.window_closed ? outcome::window_closed
                                                                            : outcome::full;
  else if (r.kind == place_reply_kind::released && c.state == claim_state::releasing && about_old)
    append(move_done{c.ref, now}, c.citizen);
}

std::optional<bool> citizen_registry::impl::has_changes_left(const citizen_hash& citizen, std::optional<std::uint32_t> most) const {
  if (!most)
    return std::nullopt;
  return *most == admission_gate::uncounted || state->changes_made(citizen) < *most;
}

// Who has made all changes, or in whose name somebody else has, is let in again by staff.
bool citizen_registry::impl::can_forgive(const cancel_command& c, const citizen_hash& citizen) const {
  return c.citizen && gate->counts_changes() && state->changes_made(citizen) != 0;
}

sent_append& citizen_registry::impl::forgive(const cancel_command& c, const citizen_hash& citizen) {
  return append(changes_forgiven{citizen, c.by, c.reason, now}, citizen);
}

void citizen_registry::impl::tick_over() {
  flush_confirms();
  std::vector<std::pair<unix_ms, std::uint32_t>> due;
  for (const auto& [n, at] : unsettled)
    if (at <= now)
      due.emplace_back(at, n);
  const auto end = due.begin() + static_cast<std::ptrdiff_t>(std::min(due.size(), limits::registry_sweep_max));
  std::ranges::partial_sort(due, end);
  for (auto it = due.begin(); it != end; ++it)
    drive(it->second);
}

void citizen_registry::impl::expire() {
  if (faults.ignore_deadline || now.value < earliest)
    return;
  earliest = never;
  std::vector<waiting_command> late;
  for (auto it = waiters.begin(); it != waiters.end();) {
    std::erase_if(it->second, [&](waiting_command& c) {
      const auto deadline = std::visit([](const auto& command) { return command.deadline; }, c);
      if (!expired(deadline)) {
        note_deadline(deadline);
        return false;
      }
      late.push_back(std::move(c));
      --waiting;
      return true;
    });
    const auto done = it++;
    if (done->second.empty())
      waiters.erase(done);
  }
  std::erase_if(for_admission, [&](const move_command& m) {
    if (!expired(m.deadline)) {
      note_deadline(m.deadline);
      return false;
    }
    say(m.request, outcome::busy);
    return true;
  });
  for (const auto& c : late)
    if (!std::holds_alternative<claim_request>(c))
      give_up(c);
  for (auto it = drivers.begin(); it != drivers.end();) {
    std::erase_if(it->second, [&](const driver& d) {
      if (!expired(d.deadline)) {
        note_deadline(d.deadline);
        return false;
      }
      const bool waits_for_group = state->at(it->first).state == claim_state::joined;  // it may be away for long
      say(d.request, waits_for_group ? outcome::in_progress : outcome::unknown);
      return true;
    });
    const auto done = it++;
    if (done->second.empty())
      drivers.erase(done);
  }
}

}  // namespace janji
