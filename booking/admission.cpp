#include "booking/admission.hpp"

#include <algorithm>
#include <utility>

namespace janji {

admission_verdict admission(const round_admission& round, unix_ms now) {
  switch (round.state) {
    case round_state::imported: return admission_verdict::not_open;
    case round_state::paused: return admission_verdict::paused;
    case round_state::closed:
    case round_state::erased: return admission_verdict::closed;
    case round_state::open: break;
  }
  if (now < round.opens_at)
    return admission_verdict::not_open;
  return now < round.closes_at ? admission_verdict::admitted : admission_verdict::closed;
}

// Of a round that has not been heard of here nothing is known: that is no "not open".
admission_verdict admission_gate::judge_known(std::optional<round_id> round, bool asked) const {
  std::shared_ptr<const admission_state> state;
  {
    const std::lock_guard lock(mutex_);
    if (!enforced_ && !(asked && now_))
      return admission_verdict::admitted;
    if (!known_ || !round)
      return admission_verdict::unknown;
    state = state_;
  }
  const auto it = std::ranges::lower_bound(state->rounds, *round, {}, &round_admission::round);
  return it != state->rounds.end() && it->round == *round ? admission(*it, now_()) : admission_verdict::not_open;
}

admission_verdict admission_gate::judge(round_id round, bool asked) const { return judge_known(round, asked); }

admission_verdict admission_gate::judge(group_id group, bool asked) const {
  return judge_known(round_of_ ? round_of_(group) : std::nullopt, asked);
}

unix_ms admission_gate::moment() const { return now_ && judges_past_ ? now_() : unix_ms{std::numeric_limits<std::int64_t>::min()}; }

bool admission_gate::is_over(group_id group, window_index window) const {
  const auto end = end_of_ ? end_of_(group, window) : std::nullopt;
  return end && end->book_until <= moment();
}

bool admission_gate::is_attended(group_id group, window_index window) const {
  const auto end = end_of_ ? end_of_(group, window) : std::nullopt;
  return end && end->change_until <= moment();
}

bool admission_gate::knows_end(group_id group, window_index window) const {
  return !now_ || !judges_past_ || !end_of_ || end_of_(group, window).has_value();
}

void admission_gate::set(std::shared_ptr<const admission_state> state) {
  const std::lock_guard lock(mutex_);
  state_ = std::move(state);
  changes_.fetch_add(1, std::memory_order_release);
}

void admission_gate::know() {
  const std::lock_guard lock(mutex_);
  known_ = true;
  changes_.fetch_add(1, std::memory_order_release);
}

bool admission_gate::known() const {
  const std::lock_guard lock(mutex_);
  return known_;
}

void admission_gate::enforce(bool on) {
  const std::lock_guard lock(mutex_);
  if (std::exchange(enforced_, on) != on)
    changes_.fetch_add(1, std::memory_order_release);
}

}  // namespace janji
