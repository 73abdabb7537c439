#include "tests/actors/citizens.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "cluster/placement.hpp"

namespace janji::sim {

citizens::citizens(std::mt19937_64& random, const ledger& truth, std::uint16_t shard_count, int count)
    : random_(random), truth_(truth), shard_count_(shard_count), count_(count) {}

citizen_hash citizens::citizen(unsigned n) {
  citizen_hash h;
  h.bytes[0] = static_cast<std::uint8_t>(n);
  h.bytes[1] = static_cast<std::uint8_t>(n >> 8);
  h.bytes[15] = 7;
  return h;
}

std::uint64_t citizens::note(request&& r, std::int64_t deadline_ms) {
  ++figures_.asked;
  r.deadline = unix_ms{now_.value + deadline_ms};
  r.asked_at = step_;
  r.rest_before = truth_.last_rest();
  r.told.reset();
  r.may_be_lost = false;
  auto& last = last_deadline_[r.key.value];
  last = std::max(last, r.deadline);
  requests_[++next_request_] = std::move(r);
  return next_request_;
}

// ------------------------------------------------------------------ what they ask

actors::citizen_command citizens::act(std::int64_t deadline_ms) {
  const auto who = citizen(1U + static_cast<unsigned>(below(static_cast<std::size_t>(count_))));
  const auto held = held_.find(who);
  const int what = below(20);
  if (held != held_.end() && what < 5)
    return cancel(who, held->second, deadline_ms);
  if (held != held_.end() && what < 12)
    return move(held->second, deadline_ms);
  if (held != held_.end() && what < 13)
    return look_up(held->second, deadline_ms);
  if (!made_.empty() && chance(30))
    return try_again(static_cast<std::size_t>(below(made_.size())), deadline_ms, true);
  request r;
  r.party = {who};
  if (chance(25))
    for (int more = 1 + below(2); more > 0; --more)
      if (const auto other = citizen(1U + static_cast<unsigned>(below(static_cast<std::size_t>(count_))));
          std::ranges::find(r.party, other) == r.party.end())
        r.party.push_back(other);
  r.key = new_key();
  r.group = groups_[static_cast<std::size_t>(below(groups_.size()))];
  if (chance(70))
    r.window = window_index{static_cast<std::uint8_t>(below(truth_.windows(r.group)))};
  made_.push_back(r);
  return book(r, deadline_ms);
}

actors::citizen_command citizens::try_again(std::size_t booking, std::int64_t deadline_ms, bool may_differ) {
  auto r = made_[booking];
  if (may_differ && chance(5)) {  // the key for something else
    reused_.insert(r.key.value);
    r.group = groups_[static_cast<std::size_t>(below(groups_.size()))];
    r.window.reset();
  }
  return book(std::move(r), deadline_ms);
}

actors::citizen_command citizens::newcomer(group_id group, window_index window, std::int64_t deadline_ms) {
  request r;
  r.party = {citizen(1000U + static_cast<unsigned>(++newcomers_))};
  r.key = new_key();
  r.group = group;
  r.window = window;
  made_.push_back(r);
  return book(r, deadline_ms);
}

actors::citizen_command citizens::book(request r, std::int64_t deadline_ms) {
  const auto body = r.group.value * 100 + (r.window ? r.window->value + 1U : 0U);
  r.what = kind::book;
  const auto id = note(request(r), deadline_ms);
  book_command b{request_id{id}, body_hash{body}, r.window, requests_[id].deadline, {}};
  for (std::size_t i = 0; i < r.party.size(); ++i) {
    const auto ref = reference::make(cluster::shard_of_citizen(r.party[i], shard_count_), ++next_reference_);
    b.people.push_back({r.party[i], ref, key_hash{r.key.value + i}, {1, 2}, "sealed"});
  }
  if (say)
    say(fmt::format("request {}: citizen {} of {} books, key {:x}, group {} window {} deadline {}", id, r.party[0].bytes[0], r.party.size(),
                    r.key.value, r.group.value, r.window ? r.window->value : -1, b.deadline.value % 1'000'000));
  return actors::routed_booking{r.group, std::move(b)};
}

actors::citizen_command citizens::cancel(const citizen_hash& who, reference ref, std::int64_t deadline_ms) {
  request r;
  r.what = chance(15) ? kind::staff_cancel : kind::cancel;
  r.party = {who};
  r.ref = ref;
  r.key = new_key();
  const bool staff = r.what == kind::staff_cancel;
  const auto key = r.key;
  const auto id = note(std::move(r), deadline_ms);
  if (say)
    say(fmt::format("request {}: citizen {} cancels ref {:x}{}", id, who.bytes[0], ref.value, staff ? ", by staff" : ""));
  return cancel_command{
      request_id{id},        staff ? reference{} : ref, staff ? std::optional{who} : std::nullopt, 0, key, staff ? "staff" : "", "",
      requests_[id].deadline};
}

actors::citizen_command citizens::move(reference ref, std::int64_t deadline_ms) {
  request r;
  if (!moves_.empty() && chance(25)) {
    r = moves_[static_cast<std::size_t>(below(moves_.size()))];
  } else {
    r.what = kind::move;
    r.ref = ref;
    r.key = new_key();
    r.group = groups_[static_cast<std::size_t>(below(groups_.size()))];
    r.window = window_index{static_cast<std::uint8_t>(below(truth_.windows(r.group)))};
    moves_.push_back(r);
  }
  const auto id = note(request(r), deadline_ms);
  if (say)
    say(fmt::format("request {}: moves ref {:x} to group {} window {}, key {:x}", id, r.ref.value, r.group.value, r.window->value,
                    r.key.value));
  return move_command{request_id{id}, r.ref, 0, r.group, *r.window, r.key, body_hash{1}, requests_[id].deadline};
}

actors::citizen_command citizens::look_up(reference ref, std::int64_t deadline_ms) {
  request r;
  r.what = kind::look_up;
  r.ref = ref;
  const auto id = note(std::move(r), deadline_ms);
  return lookup_command{request_id{id}, ref, 0, requests_[id].deadline};
}

// Nothing may be booked for which nobody waits any more, and a party is booked as it asked.
bool citizens::wanted(const booked& event) const {
  const key_hash key{event.people.front().key.value & ~std::uint64_t{7}};
  const auto last = last_deadline_.find(key.value);
  if (last == last_deadline_.end() || last->second <= std::max(event.at, rest_at_))
    return false;
  const auto asked = std::ranges::find(made_, key, &request::key);
  return asked != made_.end() && asked->party.size() == event.people.size();
}

// ------------------------------------------------------------------ what they are told

void citizens::some_may_be_lost() {
  for (auto& [id, r] : requests_)
    r.may_be_lost = r.may_be_lost || !r.told;
}

void citizens::check_all_answered() {
  for (const auto& [id, r] : requests_)
    if (!r.told && !r.may_be_lost)
      return breach(fmt::format("request {} never got an answer", id));
}

std::optional<outcome> citizens::told(request_id request) const {
  const auto it = requests_.find(request.value);
  return it == requests_.end() ? std::nullopt : it->second.told;
}

void citizens::heard(const answer& a) {
  const auto it = requests_.find(a.request.value);
  if (it == requests_.end())
    return breach(fmt::format("an answer to request {}, which nobody made", a.request.value));
  auto& r = it->second;
  if (say)
    say(fmt::format("answer to request {}: {}", a.request.value, static_cast<int>(a.what)));
  if (r.told)
    return breach(fmt::format("request {} was answered twice", a.request.value));
  r.told = a.what;
  switch (a.what) {
    case outcome::confirmed: check_confirmed(r, a); break;
    case outcome::cancelled:
    case outcome::moved:
    case outcome::found: check_told_place(r, a); break;
    case outcome::unknown:
      ++figures_.unknown;
      if (now_ < r.deadline)
        breach("I5: unknown was said before the deadline");
      break;
    case outcome::contended:
    case outcome::interrupted:
    case outcome::in_progress:
    case outcome::busy: ++figures_.later; break;
    default: check_refused(r, a); break;
  }
  if (!chance(10))  // else it is lost on its way to the citizen
    learn(r, a);
}

void citizens::check_confirmed(const request& r, const answer& a) {
  ++figures_.confirmed;
  if (r.what != kind::book || a.places.size() != r.party.size())
    return breach("a party was confirmed in part");
  std::vector<reference> refs;
  for (std::size_t i = 0; i < a.places.size(); ++i) {
    const auto& p = a.places[i];
    refs.push_back(p.ref);
    if (!truth_.ever_booked(p.ref, r.party[i]))
      return breach("I2: yes was said without a booking on disk");
    const auto* place = truth_.find(p.ref, p.generation);
    if (p.status == place_status::cancelled && truth_.has_live(p.ref))
      breach("I4: a booking that lives was called cancelled");
    if (place != nullptr && p.status == place_status::confirmed && place->seen_free_at.value_or(r.asked_at) < r.asked_at)
      breach("I4: a booking that was given up before was called confirmed");
  }
  if (const auto known = confirmed_.find(r.key.value); known != confirmed_.end() && known->second != refs)
    breach("I4: one key, two references");
  confirmed_[r.key.value] = refs;
}

void citizens::check_told_place(const request& r, const answer& a) {
  if (a.places.empty())
    return breach("an outcome without its place");
  const auto& p = a.places.front();
  if (r.what != kind::staff_cancel && p.ref != r.ref)
    return breach("an answer about another booking");
  if (a.what == outcome::cancelled) {
    if (truth_.has_live(p.ref))
      return breach("cancelled was said, and the booking lives");
    return told_free(p.ref);
  }
  const auto* place = truth_.find(p.ref, p.generation);
  if (place == nullptr || place->group != p.group || place->window != p.window)
    breach("a place was told that was never booked");
}

void citizens::check_refused(const request& r, const answer& a) {
  ++figures_.refused;
  const bool no_room = a.what == outcome::full || a.what == outcome::window_closed || a.what == outcome::not_enough_together;
  if (no_room && r.what == kind::book) {
    if (a.what == outcome::not_enough_together && (a.free == 0 || a.free >= r.party.size()))
      breach("not_enough_together names no number that is too small");
    if (confirmed_.contains(r.key.value) && !reused_.contains(r.key.value))
      breach("I4: full was said to a key that was confirmed");
    for (std::uint8_t w = 0; w < truth_.windows(r.group); ++w)
      if ((!r.window || r.window->value == w) && !truth_.may_be_full(r.group, window_index{w}, r.party.size(), r.asked_at, r.rest_before))
        breach("I5: full was said while there was room in what is committed");
  } else if (a.what == outcome::already_booked) {
    if (!truth_.may_hold_place(r.party.at(a.position == 0 ? 0 : a.position - 1U), r.asked_at))
      breach("I5: already_booked was said to somebody without a place");
    if (confirmed_.contains(r.key.value) && !reused_.contains(r.key.value))
      breach("I4: already_booked was said to a key that was confirmed");
  } else if (a.what == outcome::not_found) {
    if (r.what != kind::staff_cancel || truth_.may_hold_place(r.party.front(), ~moment{0}))
      breach("not_found was said of a booking that was confirmed");
  } else if (a.what == outcome::key_reused) {
    if (!reused_.contains(r.key.value))
      breach("I4: key_reused was said of a key that was used for one thing");
  } else if (a.what == outcome::window_unknown) {
    breach("a window that is there was called unknown");
  }
}

void citizens::learn(const request& r, const answer& a) {
  if (a.what == outcome::confirmed)
    for (std::size_t i = 0; i < r.party.size(); ++i)
      held_[r.party[i]] = a.places[i].ref;
  if ((a.what == outcome::cancelled || a.what == outcome::not_found) && !r.party.empty() && chance(70))
    held_.erase(r.party.front());
}

}  // namespace janji::sim
