#include "booking/citizen_registry_impl.hpp"

#include <type_traits>
#include <utility>

namespace janji {

booked_place citizen_registry::impl::place_of(const claim& c) const {
  booked_place p{c.ref, c.generation, place_status::confirmed, c.group, c.window, c.token_generation, unix_ms{std::int64_t{c.at_s} * 1000}};
  if (c.state == claim_state::cancelled)
    p.status = place_status::cancelled;
  return p;
}

answer citizen_registry::impl::answer_of(request_id request, outcome what, std::optional<std::uint32_t> n) const {
  answer a;
  a.request = request;
  a.what = what;
  a.shard = shard;
  if (n) {
    const auto& c = state->at(*n);
    auto p = place_of(c);
    if (const auto* change = state->change_under_way(*n); change != nullptr && c.state == claim_state::releasing) {
      p.group = change->to;
      p.window = change->window;
      p.generation = change->generation;
    }
    a.places.push_back(p);
  }
  return a;
}

void citizen_registry::impl::say(request_id request, outcome what, std::optional<std::uint32_t> n) { emit(answer_of(request, what, n)); }

void citizen_registry::impl::tell(request_id request, outcome what, std::optional<std::uint32_t> about, bool with_place, bool repeated) {
  const auto number = about ? refusals->number(state->at(*about).citizen) : std::optional(refusals->now());
  if (!number || refusals->stopped())
    return;
  auto a = answer_of(request, what, with_place ? about : std::nullopt);
  a.repeated = repeated;
  a.stamp = *number;
  emit(std::move(a));
}

// An order of staff that finds nothing is refused for good: a copy of it does not cancel what is booked later.
void citizen_registry::impl::tell_absent(const cancel_command& c) {
  if (c.citizen && can_act(c))
    refusals->number(*c.citizen);
  tell(c.request, outcome::not_found, std::nullopt);
}

// Where there is nothing to cancel.
bool citizen_registry::impl::forgive_only(const cancel_command& c) {
  if (!c.citizen || !can_forgive(c, *c.citizen))
    return false;
  if (too_much_under_way())
    say(c.request, outcome::busy);
  else if (may_change(c, *c.citizen))
    forgive(c, *c.citizen).forgiven_for = c.request;
  return true;
}

// An order of staff is about what the citizen had when it was given, and not about what was claimed since.
template <class Command>
bool citizen_registry::impl::may_change(const Command& c, const citizen_hash& citizen) {
  auto verdict = judge(*refusals, c.stamp, citizen, faults);
  if constexpr (requires { c.citizen; })
    if (verdict == refusal_table::verdict::admitted && c.citizen && !faults.forget_refusals && refusals->claimed_since(c.stamp, citizen))
      verdict = refusal_table::verdict::interrupted;
  if (verdict == refusal_table::verdict::interrupted)
    emit(interrupted(c.request, shard, refusals->now()));
  if constexpr (requires { c.citizen; })
    if (verdict == refusal_table::verdict::stopped && c.citizen)
      say(c.request, outcome::busy);  // nobody asks the next leader: it is an operator's to do so
  return verdict == refusal_table::verdict::admitted;
}

// ------------------------------------------------------------------ claims

// What the key of a claim request was used for, over all bookings that this citizen ever had.
std::optional<claim_verdict> citizen_registry::impl::verdict_of_key(std::uint32_t n, const claim_request& r) const {
  for (std::optional<std::uint32_t> c = n; c; c = state->older(*c)) {
    const auto& known = state->at(*c);
    if (known.state == claim_state::pending || known.key != r.key || (faults.forget_keys && known.state == claim_state::cancelled))
      continue;
    // The same request again: its group has the answer. One that asks for a claim does not know it yet (deposed, or late).
    return known.body == r.body ? claim_verdict::in_progress : claim_verdict::key_reused;
  }
  return std::nullopt;
}

void citizen_registry::impl::take(claim_request&& r, bool strict) {
  if (expired(r.deadline))
    return;  // the group has told its citizen
  if (busy.contains(r.citizen))
    return wait(r.citizen, std::move(r));
  if (const auto same = state->by_ref(r.ref)) {
    const auto& c = state->at(*same);
    if (c.citizen != r.citizen || c.key != r.key || (c.generation == generation_t{} && c.group != r.group))
      return verdict(r, claim_verdict::reference_taken);
    if (c.state != claim_state::pending)
      return;
    // A command that came twice may be held by another life of its group, elsewhere in the day: then it is not this claim.
    const bool same_place = c.group == r.group && c.window == r.window;
    return verdict(r, same_place ? claim_verdict::granted : claim_verdict::in_progress, unix_ms{std::int64_t{c.at_s} * 1000});
  }
  if (const auto n = state->by_citizen(r.citizen)) {
    const auto& c = state->at(*n);
    if (c.state == claim_state::pending) {
      if (faults.release_unsettled) {
        append(claim_released{c.ref}, c.citizen);
        return wait(r.citizen, std::move(r));
      }
      touch(*n);
      return wait(r.citizen, std::move(r));
    }
    const auto by_key = verdict_of_key(*n, r);
    if (by_key == claim_verdict::in_progress)
      return verdict(r, *by_key);
    if (by_key || c.state == claim_state::confirmed) {
      if (!strict)
        return deny(std::move(r));
      return verdict(r, by_key.value_or(claim_verdict::already_booked));
    }
    if (c.state != claim_state::cancelled) {
      drive(*n);
      return verdict(r, claim_verdict::in_progress);
    }
  }
  const auto most = gate->changes_max(r.group);
  const auto left = has_changes_left(r.citizen, most);
  if (left == false) {
    if (!strict)
      return deny(std::move(r));
    return verdict(r, claim_verdict::changes_spent);
  }
  if (!left || too_much_under_way())
    return verdict(r, claim_verdict::in_progress);
  if (!claiming.insert(r.ref.value).second)
    return verdict(r, claim_verdict::reference_taken);
  refusals->note_claim(r.citizen);
  claimed event{r.citizen, r.ref, r.key, r.body, r.group, r.window, r.at, most != admission_gate::uncounted};
  const auto citizen = r.citizen;
  append(std::move(event), citizen).request = std::move(r);
}

// ------------------------------------------------------------------ cancel, move, look up

std::optional<std::uint32_t> citizen_registry::impl::find_for(reference ref, std::uint8_t token_generation) const {
  const auto n = state->by_ref(ref);
  return n && state->at(*n).token_generation == token_generation ? n : std::nullopt;
}

void citizen_registry::impl::take(cancel_command&& c, bool strict) {
  if (expired(c.deadline))
    return say(c.request, outcome::unknown);
  const auto n = c.citizen ? state->by_citizen(*c.citizen) : find_for(c.ref, c.token_generation);
  if (!n) {
    if (!strict)
      return deny(std::move(c));
    return forgive_only(c) ? void() : tell_absent(c);
  }
  const auto& known = state->at(*n);
  if (busy.contains(known.citizen))
    return wait(known.citizen, std::move(c));
  if (const auto* change = state->change_by_key(*n, c.key); change != nullptr && change->is_move)
    return strict ? tell(c.request, outcome::key_reused, n) : deny(std::move(c));
  switch (known.state) {
    case claim_state::cancelled:
      if (!strict)
        return deny(std::move(c));
      if (forgive_only(c))
        return;
      return c.citizen && !can_act(c) ? say(c.request, outcome::cancelled, n) : tell(c.request, outcome::cancelled, n, true, true);
    case claim_state::cancelling:
    case claim_state::joined:
      if (join(*n, c.request, c.deadline))
        drive(*n);
      return;
    case claim_state::moving:
    case claim_state::releasing: return join_move(std::move(c), *n, strict);
    case claim_state::confirmed:
      if (is_citizens(c) && !gate->knows_end(known.group, known.window))
        return say(c.request, outcome::busy);
      if (is_citizens(c) && gate->is_attended(known.group, known.window))
        return strict ? tell(c.request, outcome::window_over, n, true) : deny(std::move(c));
      if (too_much_under_way())
        return say(c.request, outcome::busy);
      if (!may_change(c, known.citizen) || !join(*n, c.request, c.deadline))
        return;
      if (can_forgive(c, known.citizen))
        forgive(c, known.citizen);
      return void(append_change(cancel_intended{known.ref, c.key, std::move(c.by), std::move(c.reason), now}, known.citizen));
    default: touch(*n); return wait(known.citizen, std::move(c));
  }
}

// A move may wait for long for a group that cannot be reached; the old place need not. What is told is told when neither place
// is live. A move within one group is one event: it is waited for, as everything is where not all nodes know of this.
// A visit that is attended is not cancelled; while it is not known which of the two is to be attended nothing is said.
void citizen_registry::impl::join_move(cancel_command&& c, std::uint32_t n, bool strict) {
  const auto& known = state->at(n);
  const auto* move = state->change_under_way(n);
  const bool moved = known.state == claim_state::releasing;
  const bool attended =
      is_citizens(c) && (moved ? gate->is_attended(move->to, move->window) : gate->is_attended(known.group, known.window));
  if (move->to == known.group || !refusals->enforced() || (attended && !moved)) {
    touch(n);
    return wait(known.citizen, std::move(c));
  }
  if (attended)
    return strict ? tell(c.request, outcome::window_over, n, true) : deny(std::move(c));
  if (too_much_under_way())
    return say(c.request, outcome::busy);
  if (!may_change(c, known.citizen) || !join(n, c.request, c.deadline))
    return;
  if (can_forgive(c, known.citizen))
    forgive(c, known.citizen);
  append_change(cancel_joined{known.ref, c.key, std::move(c.by), std::move(c.reason), now}, known.citizen);
}

// A move that was asked for before with this key.
bool citizen_registry::impl::repeat_move(const move_command& m, std::uint32_t n) {
  const auto* change = state->change_by_key(n, m.key);
  if (change == nullptr)
    return false;
  if (!change->is_move || change->body != m.body || change->to != m.to || change->window != m.window) {
    tell(m.request, outcome::key_reused, n);
  } else if (change->done) {
    tell(m.request, outcome::moved, n, true, true);
  } else if (join(n, m.request, m.deadline)) {
    drive(n);
  }
  return true;
}

void citizen_registry::impl::take(move_command&& m, bool strict) {
  if (expired(m.deadline))
    return say(m.request, outcome::unknown);
  const auto n = find_for(m.ref, m.token_generation);
  if (!n)
    return strict ? tell(m.request, outcome::not_found, n) : deny(std::move(m));
  const auto& known = state->at(*n);
  if (busy.contains(known.citizen))
    return wait(known.citizen, std::move(m));
  if (state->change_by_key(*n, m.key) != nullptr) {
    if (!strict)
      return deny(std::move(m));
    repeat_move(m, *n);
    return;
  }
  if (m.repeat_only)
    return strict ? tell(m.request, outcome::not_found, n) : deny(std::move(m));
  switch (known.state) {
    case claim_state::cancelled: return strict ? tell(m.request, outcome::cancelled, n, true, true) : deny(std::move(m));
    case claim_state::confirmed: {
      if (known.key == m.key)
        return strict ? tell(m.request, outcome::key_reused, n) : deny(std::move(m));
      if (known.group == m.to && known.window == m.window)
        return strict ? tell(m.request, outcome::same_place, n) : deny(std::move(m));
      return begin_move(std::move(m), *n, strict);
    }
    default: touch(*n); return wait(known.citizen, std::move(m));
  }
}

// What the round admits is decided here, where the intent is committed; what was intended before is finished.
void citizen_registry::impl::begin_move(move_command&& m, std::uint32_t n, bool strict) {
  const auto& known = state->at(n);
  const auto admitted = faults.admit_whatever ? admission_verdict::admitted : gate->judge(m.to, m.leader_judges);
  if (admitted == admission_verdict::unknown) {
    if (for_admission.size() >= limits::group_waiters_max)
      return say(m.request, outcome::busy);
    note_deadline(m.deadline);
    return for_admission.push_back(std::move(m));
  }
  if (admitted != admission_verdict::admitted)
    return strict ? tell(m.request, outcome_of(admitted), n) : deny(std::move(m));
  if (!gate->knows_end(known.group, known.window) || !gate->knows_end(m.to, m.window))
    return say(m.request, outcome::busy);
  if (const bool attended = gate->is_attended(known.group, known.window);
      !faults.book_the_past && (attended || gate->is_over(m.to, m.window)))
    return strict ? tell(m.request, outcome::window_over, n, attended) : deny(std::move(m));
  const auto left = has_changes_left(known.citizen, gate->changes_max(m.to));
  if (left == false)
    return strict ? tell(m.request, outcome::changes_spent, n) : deny(std::move(m));
  if (!left || too_much_under_way() || known.last_generation.value == std::numeric_limits<std::uint16_t>::max())
    return say(m.request, outcome::busy);
  if (!may_change(m, known.citizen) || !join(n, m.request, m.deadline))
    return;
  move_intended event{known.ref, m.to, m.window, m.key, m.body, now};
  append_change(std::move(event), known.citizen).move = std::move(m);
}

void citizen_registry::impl::recheck_admission() {
  if (std::exchange(judged_at, gate->changes()) == judged_at)
    return;
  for (auto& m : std::exchange(for_admission, {}))
    take(std::move(m), false);
}

void citizen_registry::impl::take(lookup_command&& l, bool strict) {
  const auto n = find_for(l.ref, l.token_generation);
  if (!n)
    return strict ? say(l.request, outcome::not_found) : deny(std::move(l));
  const auto& known = state->at(*n);
  const bool told_booked = std::ranges::find(to_confirm, known.ref) != to_confirm.end();  // its group has committed it
  if (known.state == claim_state::pending && !told_booked) {
    if (expired(l.deadline))
      return say(l.request, outcome::unknown);
    touch(*n);
    return wait(known.citizen, std::move(l));
  }
  // A place that is being given up may be somebody else's by now: it is not told as one that stands.
  if (known.state == claim_state::cancelling || known.state == claim_state::joined) {
    if (expired(l.deadline))
      return say(l.request, outcome::in_progress);
    touch(*n);
    return wait(known.citizen, std::move(l));
  }
  // Of a leader that was replaced and does not know it, it may be long cancelled, and somebody else's.
  if (strict)
    say(l.request, outcome::found, n);
  else
    deny(std::move(l));
}

template <class Command>
void citizen_registry::impl::deny(Command&& c) {
  if (asked.size() + later.size() >= limits::group_waiters_max) {
    if constexpr (requires { c.request; })
      say(c.request, outcome::busy);
    else
      verdict(c, claim_verdict::in_progress);
    return;
  }
  if constexpr (requires { c.deadline; })
    note_deadline(c.deadline);
  // A round that has begun says nothing about what comes after it.
  (round_under_way ? later : asked).emplace_back(std::forward<Command>(c));
  if (!std::exchange(round_under_way, true))
    emit(need_strict_round{});
}

template <class Command>
void citizen_registry::impl::wait(const citizen_hash& citizen, Command&& c) {
  if (waiting >= limits::registry_waiters_max)
    return give_up(waiting_command{std::forward<Command>(c)});
  auto& list = waiters[citizen];
  if (list.size() >= limits::claim_waiters_max)
    return give_up(waiting_command{std::forward<Command>(c)});
  note_deadline(c.deadline);
  ++waiting;
  list.emplace_back(std::forward<Command>(c));
}

void citizen_registry::impl::give_up(const waiting_command& c) {
  if (const auto* r = std::get_if<claim_request>(&c))
    return verdict(*r, claim_verdict::in_progress);
  std::visit(
      [&](const auto& command) {
        if constexpr (requires { command.request; })
          say(command.request, outcome::in_progress);
      },
      c);
}

void citizen_registry::impl::wake_waiters(const citizen_hash& citizen) {
  if (busy.contains(citizen))
    return;
  const auto it = waiters.find(citizen);
  if (it == waiters.end())
    return;
  auto list = std::move(it->second);
  waiters.erase(it);
  waiting -= list.size();
  for (auto& c : list)
    std::visit([&](auto&& command) { take(std::move(command), false); }, std::move(c));
}

void citizen_registry::impl::strict_round() {
  if (!std::exchange(round_under_way, false))
    return;
  auto decided = std::exchange(asked, std::exchange(later, {}));
  if (!asked.empty()) {
    round_under_way = true;
    emit(need_strict_round{});
  }
  for (auto& c : decided)
    std::visit([&](auto&& command) { take(std::move(command), true); }, std::move(c));
}

// ------------------------------------------------------------------ the public face

citizen_registry::citizen_registry(shard_id shard, incarnation_t incarnation, planted_faults faults) : impl_(std::make_unique<impl>()) {
  impl_->shard = shard;
  impl_->incarnation = incarnation;
  impl_->faults = faults;
}
citizen_registry::~citizen_registry() = default;
citizen_registry::citizen_registry(citizen_registry&&) noexcept = default;
void citizen_registry::use(std::shared_ptr<refusal_table> refusals) { impl_->refusals = std::move(refusals); }
void citizen_registry::judge_by(std::shared_ptr<const admission_gate> gate) { impl_->gate = std::move(gate); }
citizen_registry& citizen_registry::operator=(citizen_registry&&) noexcept = default;

void citizen_registry::step(unix_ms now, registry_input&& in, std::vector<registry_output>& out) {
  auto& m = *impl_;
  m.now = now;
  m.out = &out;
  m.expire();
  m.recheck_admission();
  std::visit(
      [&m](auto&& input) {
        using input_type = std::decay_t<decltype(input)>;
        if constexpr (std::is_same_v<input_type, confirm_claims>)
          m.confirm(input);
        else if constexpr (std::is_same_v<input_type, settle_answer>)
          m.settled(input);
        else if constexpr (std::is_same_v<input_type, place_reply>)
          m.replied(input);
        else if constexpr (std::is_same_v<input_type, appended>)
          m.committed(input);
        else if constexpr (std::is_same_v<input_type, strict_round_done>)
          m.strict_round();
        else if constexpr (std::is_same_v<input_type, tick>)
          m.tick_over();
        else
          m.take(std::move(input), false);
      },
      std::move(in));
  m.out = nullptr;
}

void citizen_registry::apply(const registry_event& event, log_sequence sequence) {
  if (sequence <= impl_->recovered_to && !impl_->faults.count_twice_on_replay)
    return;
  const auto n = impl_->state->apply(event, sequence);
  if (std::holds_alternative<changes_forgiven>(event))
    return;
  if (const auto* e = std::get_if<claims_confirmed>(&event)) {
    for (const auto ref : e->refs)
      if (const auto c = impl_->state->by_ref(ref))
        impl_->unsettled.erase(*c);
    return;
  }
  const auto state = impl_->state->at(*n).state;
  if (state == claim_state::confirmed || state == claim_state::cancelled || state == claim_state::released)
    impl_->unsettled.erase(*n);
  else
    impl_->unsettled[*n] = unix_ms{0};
}

bool citizen_registry::idle() const {
  const auto& m = *impl_;
  return m.sent.empty() && m.waiters.empty() && m.for_admission.empty() && m.asked.empty() && m.later.empty() && m.drivers.empty() &&
         m.unsettled.empty() && m.to_confirm.empty();
}
unix_ms citizen_registry::next_deadline() const { return unix_ms{impl_->faults.ignore_deadline ? never : impl_->earliest}; }
std::size_t citizen_registry::unsettled() const { return impl_->unsettled.size(); }
std::size_t citizen_registry::size() const { return impl_->state->live_size(); }
const claim* citizen_registry::find(reference ref) const {
  const auto n = impl_->state->by_ref(ref);
  return n ? &impl_->state->at(*n) : nullptr;
}
const claim* citizen_registry::find_citizen(const citizen_hash& citizen) const {
  const auto n = impl_->state->by_citizen(citizen);
  return n ? &impl_->state->at(*n) : nullptr;
}
void citizen_registry::for_each(const std::function<void(const claim&)>& visit) const {
  for (const auto& c : impl_->state->claims())
    if (c.state != claim_state::released)
      visit(c);
}
log_sequence citizen_registry::applied() const { return impl_->state->applied(); }
std::string citizen_registry::snapshot() const { return impl_->state->snapshot(); }
std::uint64_t citizen_registry::state_hash() const { return impl_->state->hash(); }

std::expected<citizen_registry, std::string> citizen_registry::restore(std::string_view bytes, shard_id shard, incarnation_t incarnation,
                                                                       planted_faults faults) {
  auto state = registry_state::restore(bytes);
  if (!state)
    return std::unexpected(state.error());
  citizen_registry registry(shard, incarnation, faults);
  registry.impl_->recovered_to = (*state)->applied();
  for (std::uint32_t n = 0; n < (*state)->claims().size(); ++n) {
    const auto s = (*state)->at(n).state;
    if (s != claim_state::confirmed && s != claim_state::cancelled && s != claim_state::released)
      registry.impl_->unsettled[n] = unix_ms{0};
  }
  registry.impl_->state = std::move(*state);
  return registry;
}

}  // namespace janji
