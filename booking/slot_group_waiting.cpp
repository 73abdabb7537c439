// What waits in a slot group: commands for held places, refusals for a strict round, and what runs out of time meanwhile.
#include <algorithm>
#include <limits>
#include <utility>

#include "booking/slot_group_impl.hpp"

namespace janji {

void slot_group::impl::wait_for_room(book_command&& c, bool for_admission) {
  if (waiters.size() >= limits::group_waiters_max)
    return say(c.request, outcome::busy);
  note_deadline(c.deadline);
  const auto w = waiters.insert(waiters.end(), waiting_command{});
  w->requests.push_back({c.request, c.deadline, c.stamp});
  w->command = std::move(c);
  w->for_admission = for_admission;
  if (faults.waiters_unindexed)
    return;
  for (const auto& p : w->command.people) {
    waiter_by_key.insert_or_assign(p.key.value, w);
    waiter_by_citizen.insert_or_assign(p.citizen.low(), w);
  }
}

// It waits no longer; the list keeps it.
void slot_group::impl::forget(waiting_list::iterator w) {
  const auto erase = [&](auto& map, std::uint64_t key) {
    if (const auto it = map.find(key); it != map.end() && it->second == w)
      map.erase(it);
  };
  for (const auto& p : w->command.people) {
    erase(waiter_by_key, p.key.value);
    erase(waiter_by_citizen, p.citizen.low());
  }
}

// Its strict round is back. Key first again: another copy of the request may have a place by now, which this one shares.
void slot_group::impl::decide_denied(denied_command&& d) {
  if (!d.verdict)
    return decide(std::move(d.command), true);
  if (expired(d.command.deadline))
    return say(d.command.request, outcome::unknown);
  if (!faults.deny_without_look && decide_by_key(d.command, true))
    return;
  if (registry_denies(*d.verdict))
    return refuse(d.command, *d.verdict, d.position);
  // Its sealed record may be gone with the append that the round's state refused: where that is another by now it is sent again. So is
  // what named no window and was held in one that came to its end, while the day has others.
  const auto admitted = admits(d.command);
  if (d.verdict == outcome::window_over && admitted == admission_verdict::admitted && all_over(d.command))
    return refuse(d.command, outcome::window_over, 0);
  if (admitted == admission_verdict::admitted || admitted == admission_verdict::unknown)
    return say(d.command.request, outcome::busy);
  refuse(d.command, outcome_of(admitted), 0);
}

// ------------------------------------------------------------------ ends of windows

bool slot_group::impl::all_over(const book_command& c) const {
  const auto n = state->window_count();
  return c.window ? is_over(*c.window) : over == (n == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << n) - 1);
}

// One moment for all that is decided in a step. The clock may have been set back: then a window is not over any more.
void slot_group::impl::pass_ends() {
  if (ends.empty())
    return;
  moment = gate->moment();
  if (faults.book_the_past || (over_from <= moment && moment < over_until))
    return;
  static_assert(limits::windows_per_group_max <= 64);
  std::uint64_t past = 0;
  over_from = unix_ms{std::numeric_limits<std::int64_t>::min()};
  over_until = never_over;
  for (std::size_t w = 0; w < ends.size() && w < state->window_count(); ++w) {
    const bool is_past = ends[w] <= moment;
    past |= std::uint64_t{is_past ? 1U : 0U} << w;
    over_from = is_past ? std::max(over_from, ends[w]) : over_from;
    over_until = is_past ? over_until : std::min(over_until, ends[w]);
  }
  recheck = recheck || past != over;
  over = past;
}

// What waits for room there is told at once, and not when its own time has run out.
void slot_group::impl::wake_at_next_end() {
  if (ends.empty() || (waiters.empty() && waiting_moves.empty()))
    return;
  auto next = never_over;
  for (std::size_t w = 0; w < ends.size() && w < state->window_count(); ++w)
    if ((over >> w & 1U) == 0)
      next = std::min(next, ends[w]);
  if (next != never_over && next > moment && moment.value > 0)
    note_deadline(unix_ms{now.value + (next.value - moment.value)});
}

void slot_group::impl::expire() {
  if (faults.ignore_deadline || now.value < earliest)
    return;
  earliest = never;
  for (auto h = holds.begin(); h != holds.end();) {
    const auto next = std::next(h);
    const auto late = std::ranges::remove_if(h->requests, [&](const waiting_request& r) {
      if (!expired(r.deadline)) {
        note_deadline(r.deadline);
        return false;
      }
      say(r.id, outcome::unknown);
      return true;
    });
    h->requests.erase(late.begin(), late.end());
    if (h->requests.empty() && !h->appending) {
      if (!faults.forget_fallen_holds && !too_much_under_way())
        decline_granted(*h);  // so that its claims are released at once
      drop_hold(h);
    } else if (!h->appending && !faults.skip_claim) {
      if (h->ask_again <= now)
        ask_claims(h);
      note_deadline(h->ask_again);
    }
    h = next;
  }
  expire_waiters();
  forget_fallen();
  const auto late = [&](const denied_command& d) {
    if (expired(d.command.deadline)) {
      say(d.command.request, outcome::unknown);
      return true;
    }
    note_deadline(d.command.deadline);
    return false;
  };
  std::erase_if(asked.denials, late);
  std::erase_if(later.denials, late);
}

// There may be half a million of them, and a deadline of something else each millisecond.
void slot_group::impl::forget_fallen() {
  if (now.value >= fallen_until) {
    fallen_until = never;
    boost::unordered::erase_if(fallen, [this](const auto& f) {
      if (expired(f.second))
        return true;
      fallen_until = std::min(fallen_until, f.second.value);
      return false;
    });
  }
  note_deadline(unix_ms{fallen_until});
}

void slot_group::impl::expire_waiters() {
  for (auto w = waiters.begin(); w != waiters.end();) {
    const auto next = std::next(w);
    const auto late = std::ranges::remove_if(w->requests, [&](const waiting_request& r) {
      if (!expired(r.deadline)) {
        note_deadline(r.deadline);
        return false;
      }
      say(r.id, w->for_admission ? outcome::busy : outcome::contended);
      return true;
    });
    w->requests.erase(late.begin(), late.end());
    if (w->requests.empty()) {
      forget(w);
      waiters.erase(w);
    }
    w = next;
  }
}

void slot_group::impl::recheck_waiters() {
  if (refusals->stopped() || !std::exchange(recheck, false) || (waiters.empty() && waiting_moves.empty()))
    return;
  auto moves = std::exchange(waiting_moves, {});
  for (auto& m : moves) {
    if (auto* in = std::get_if<move_in>(&m))
      take_in(std::move(*in));
    else
      move_inside(std::move(std::get<move_within>(m)));
  }
  for (auto left = waiters.size(); left > 0; --left) {
    const auto w = waiters.begin();
    const auto admitted = admits(w->command);
    const bool for_room = admitted == admission_verdict::admitted && !window_with_room(w->command);
    if ((for_room || admitted == admission_verdict::unknown) && !all_committed_full(w->command)) {  // nothing is decided yet
      w->for_admission = !for_room;
      waiters.splice(waiters.end(), waiters, w);
      continue;
    }
    forget(w);
    waiting_list due;
    due.splice(due.begin(), waiters, w);
    for (const auto& r : due.front().requests) {  // the first that may have the place; the others share it
      auto c = due.front().command;
      c.request = r.id;
      c.deadline = r.deadline;
      c.stamp = r.stamp;
      // A refusal of its key that was numbered meanwhile was of another body: every copy of this one has joined it here.
      decide(std::move(c), false, !r.joined);
    }
  }
  recheck = false;
}

}  // namespace janji
