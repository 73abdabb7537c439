#include "tests/sim/booking_record.hpp"

#include <algorithm>

namespace janji::sim {

void booking_record::record(int g, const group_event& event) {
  if (const auto* b = std::get_if<booked>(&event)) {
    record_booked(g, *b);
  } else if (const auto* d = std::get_if<declined>(&event)) {
    record_declined(g, *d);
  } else if (const auto* c = std::get_if<place_cancelled>(&event)) {
    record_cancelled(g, *c);
  } else if (const auto* l = std::get_if<place_released>(&event)) {
    record_released(g, *l);
  } else if (const auto* m = std::get_if<moved_within>(&event)) {
    record_moved_within(g, *m);
  } else if (const auto* k = std::get_if<capacity_changed>(&event)) {
    say("group {} window {} has capacity {}", g, k->window.value, k->capacity);
    capacity_[g][k->window.value] = k->capacity;
  }
}

void booking_record::record_booked(int g, const booked& b) {
  if (!b.moved_in && parties_.at(number_of(b.people.front().key)) != b.people.size())
    throw violation{"a party was booked in part"};
  for (const auto& p : b.people) {
    say("group {} booked ref {} gen {} citizen {} window {}", g, p.ref.value, p.generation.value, citizen_of(p.citizen), b.window.value);
    if (is_declined(g, {p.ref, p.generation}))
      throw violation{"a declined reference was booked"};
    if (!b.moved_in && !claims_.contains(p.ref))
      throw violation{"booked without a claim"};
    if (bookings_.contains({p.ref, p.generation}))
      throw violation{"booked twice under one generation"};
    bookings_[{p.ref, p.generation}] = {citizen_of(p.citizen), p.key, g, b.window, place_status::confirmed};
  }
  ++result_.booked;
  check_room(g, b.window);
}

void booking_record::record_declined(int g, const declined& d) {
  for (const auto& p : d.refs) {
    say("group {} declined ref {} gen {}", g, p.first.value, p.second.value);
    declined_.insert({g, p});
    if (p.second == generation_t{} && !claims_.contains(p.first))
      throw violation{"a group's log was given a decline of what nobody claimed: such grow without end"};
    if (const auto it = bookings_.find(p); it != bookings_.end() && it->second.group == g)
      throw violation{"a booked reference was declined"};
  }
}

void booking_record::record_cancelled(int g, const place_cancelled& c) {
  say("group {} cancelled ref {} gen {}", g, c.ref.value, c.generation.value);
  auto& b = bookings_.at({c.ref, c.generation});
  b.status = place_status::cancelled;
  last_live_[b.citizen] = now_.value;
  ++result_.cancelled;
}

void booking_record::record_released(int g, const place_released& l) {
  say("group {} released ref {} gen {}", g, l.ref.value, l.generation.value);
  const bool landed = std::ranges::any_of(bookings_, [&](const auto& b) {
    return b.first.first == l.ref && b.first.second > l.generation && b.second.status == place_status::confirmed;
  });
  if (!landed)
    throw violation{"I6: the old place was given up before the new one was booked"};
  bookings_.at({l.ref, l.generation}).status = place_status::moved;
  ++result_.moved;
}

void booking_record::record_moved_within(int g, const moved_within& m) {
  say("group {} moved ref {} gen {} -> {} window {}", g, m.ref.value, m.generation.value, m.next.value, m.to.value);
  auto b = bookings_.at({m.ref, m.generation});
  bookings_.erase({m.ref, m.generation});
  declined_.insert({g, {m.ref, m.generation}});  // spent
  b.window = m.to;
  bookings_[{m.ref, m.next}] = b;
  ++result_.moved;
  check_room(g, m.to);
}

void booking_record::check_room(int g, window_index w) const {
  if (live(g, w) > capacity_[g][w.value])
    throw violation{fmt::format("I1: window {} of group {} is over capacity", w.value, g)};
}

void booking_record::record(int n, const registry_event& event) {
  if (const auto* c = std::get_if<claimed>(&event)) {
    say("registry {} claims ref {} for citizen {} group {}", n, c->ref.value, citizen_of(c->citizen), c->group.value);
    claims_[c->ref] = static_cast<int>(c->group.value);
    claimed_by_[c->ref] = citizen_of(c->citizen);
    count_change(citizen_of(c->citizen));
  } else if (const auto* m = std::get_if<move_intended>(&event)) {
    say("registry {} begins to move ref {}", n, m->ref.value);
    count_change(claimed_by_.at(m->ref));
  } else if (const auto* r = std::get_if<claim_released>(&event)) {
    say("registry {} releases ref {}", n, r->ref.value);
    if (!is_declined(claims_.at(r->ref), {r->ref, generation_t{}}))
      throw violation{"a claim was released before its group had committed that it is not live there"};
  } else {
    say("registry {} event {}", n, event.index());
  }
}

void booking_record::count_change(int citizen) {
  if (++changes_[citizen] > changes_max_)
    throw violation{fmt::format("citizen {} has begun {} changes of {}", citizen, changes_[citizen], changes_max_)};
}

void booking_record::check_changes_spent(const client_request& r) const {
  const auto spent = [this](int citizen) { return changes_[citizen] >= changes_max_; };
  if (r.what == client_request::kind::cancel ||
      (r.what == client_request::kind::move ? !spent(r.citizen) : std::ranges::none_of(r.party, spent)))
    throw violation{"changes_spent was said to somebody who has changes left"};
  if (r.what == client_request::kind::book && confirmed_.contains(number_of(r.key)) && !reused_.contains(number_of(r.key)))
    throw violation{"I4: changes_spent was said to a key that was confirmed"};
}

std::uint32_t booking_record::live(int g, window_index w) const {
  return static_cast<std::uint32_t>(std::ranges::count_if(
      bookings_, [&](const auto& b) { return b.second.group == g && b.second.window == w && b.second.status == place_status::confirmed; }));
}

bool booking_record::lives(reference ref) const {
  return std::ranges::any_of(bookings_, [&](const auto& b) { return b.first.first == ref && b.second.status == place_status::confirmed; });
}

void booking_record::check_citizens() const {
  for (int c = 0; c < citizens; ++c) {
    std::vector<place> held;
    for (const auto& [p, b] : bookings_)
      if (b.citizen == c && b.status == place_status::confirmed)
        held.push_back(p);
    if (held.size() > 2 || (held.size() == 2 && held[0].first != held[1].first))
      throw violation{fmt::format("I3: citizen {} holds {} bookings", c, held.size())};
  }
}

void booking_record::check_wanted(const booked& b) const {
  const auto it = last_deadline_.find(number_of(b.people.front().key));
  if (it == last_deadline_.end() || it->second <= now_)
    throw violation{"booked after its deadline: its citizen was told unknown"};
}

void booking_record::check_answer(const client_request& r, const answer& a) {
  switch (a.what) {
    case outcome::confirmed: check_confirmed(r, a); break;
    case outcome::full:
    case outcome::window_closed:
      if (r.what == client_request::kind::book)
        check_full(r);
      ++result_.refused;
      break;
    case outcome::window_over:
      check_over(r);
      ++result_.refused;
      break;
    case outcome::already_booked:
      check_already_booked(r, a);
      ++result_.refused;
      break;
    case outcome::cancelled:
      if (lives(r.ref))
        throw violation{"a cancellation was told, and the booking lives"};
      break;
    case outcome::not_found:
      if (lives(r.ref))
        throw violation{"not_found was said of a live booking"};
      break;
    case outcome::key_reused:
      if (r.what == client_request::kind::book && !reused_.contains(number_of(r.key)))
        throw violation{"key_reused was said of a key that was used for one thing only"};
      break;
    case outcome::changes_spent:
      check_changes_spent(r);
      ++result_.refused;
      break;
    case outcome::unknown: ++result_.unknown; break;
    default: break;
  }
}

void booking_record::check_confirmed(const client_request& r, const answer& a) {
  if (a.places.size() != r.party.size())
    throw violation{"a party was confirmed in part"};
  std::vector<reference> refs;
  for (std::size_t i = 0; i < a.places.size(); ++i) {
    refs.push_back(a.places[i].ref);
    const bool there =
        std::ranges::any_of(bookings_, [&](const auto& b) { return b.first.first == a.places[i].ref && b.second.citizen == r.party[i]; });
    if (!there)
      throw violation{"I2: yes without a booking"};
  }
  const auto [known, fresh] = confirmed_.try_emplace(number_of(r.key), refs);
  if (!fresh && known->second != refs)
    throw violation{"I4: one key, two references"};
}

void booking_record::check_full(const client_request& r) const {
  const auto key = number_of(r.key);
  if (confirmed_.contains(key) && !reused_.contains(key))
    throw violation{"I4: full was said to a key that was confirmed"};
  for (std::uint8_t w = 0; w < windows_[r.group].size(); ++w)
    if ((!r.window || r.window->value == w) && !is_over(r.group, window_index{w}) &&
        live(r.group, window_index{w}) + r.party.size() <= capacity_[r.group][w])
      throw violation{"I5: full was said while there is room in what is committed"};
}

void booking_record::check_over(const client_request& r) const {
  if (r.what != client_request::kind::book)
    return;  // where the booking was when it was said nobody knows
  const auto key = number_of(r.key);
  if (confirmed_.contains(key) && !reused_.contains(key))
    throw violation{"I4: window_over was said to a key that was confirmed"};
  for (std::uint8_t w = 0; w < windows_[r.group].size(); ++w)
    if ((!r.window || r.window->value == w) && !is_over(r.group, window_index{w}))
      throw violation{"window_over was said of a window that is not over"};
}

void booking_record::check_already_booked(const client_request& r, const answer& a) const {
  const int who = r.party.at(a.position == 0 ? 0 : a.position - 1U);
  // It may be cancelled while the words are on their way: true at a moment since the request is true.
  const bool live_now =
      std::ranges::any_of(bookings_, [&](const auto& b) { return b.second.citizen == who && b.second.status == place_status::confirmed; });
  if (!live_now && last_live_[who] < r.deadline.value - deadline_ms)
    throw violation{"I5: already_booked without a live booking"};
}

}  // namespace janji::sim
