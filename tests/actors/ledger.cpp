#include "tests/actors/ledger.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>

#include "schema/codec.hpp"

namespace janji::sim {

namespace {
unsigned number_of(const citizen_hash& c) { return c.bytes[0]; }
}  // namespace

template <class... Args>
void ledger::note(const char* format, const Args&... args) {
  if (say)
    say(fmt::format(fmt::runtime(format), args...));
}

void ledger::on_disk(const store::shard_write& write) {
  for (const auto& entry : write.append) {
    if (entry.payload.empty())
      continue;
    mix(XXH3_64bits(entry.payload.data(), entry.payload.size()));
    const auto batch = schema::decode_batch(entry.payload);
    if (!batch)
      return breach("an entry of the log cannot be read: " + batch.error().text);
    for (const auto& e : *batch) {
      if (const auto* g = std::get_if<group_event>(&e.event))
        take(e.who.group, *g);
      else if (const auto* r = std::get_if<registry_event>(&e.event))
        take(*r);
      else if (const auto* round = std::get_if<round_event>(&e.event))
        take(*round);
    }
  }
}

void ledger::told_free(reference ref) {
  for (auto it = places_.lower_bound({ref, {}}); it != places_.end() && it->first.first == ref; ++it)
    if (!it->second.live() && !it->second.seen_free_at)
      it->second.seen_free_at = now_;
}

void ledger::all_seen() {
  last_rest_ = now_;
  for (auto& [key, p] : places_)
    if (!p.live() && !p.seen_free_at)
      p.seen_free_at = now_;
}

// ------------------------------------------------------------------ rounds

void ledger::take(const round_event& event) {
  const auto whole = round_parts_.take(event);
  if (!whole)
    return breach(whole.error());
  if (const auto* imported = *whole ? std::get_if<round_imported>(&**whole) : nullptr)
    for (const auto& group : imported->definition.groups)
      for (std::uint8_t w = 0; w < group.windows.size(); ++w)
        capacities_[{group.id, window_index{w}}].emplace_back(now_, group.windows[w].capacity);
}

// ------------------------------------------------------------------ slot groups

void ledger::take(group_id group, const group_event& event) {
  if (const auto* b = std::get_if<booked>(&event)) {
    book(group, *b);
  } else if (const auto* d = std::get_if<declined>(&event)) {
    for (const auto& p : d->refs) {
      note("disk: group {} declined ref {:x} gen {}", group.value, p.first.value, p.second.value);
      ++figures_.declined;
      declined_.insert({group, p});
      if (const auto it = places_.find(p); it != places_.end() && it->second.group == group)
        breach("a booked reference was declined");
    }
  } else if (const auto* c = std::get_if<place_cancelled>(&event)) {
    ++figures_.cancelled;
    give_up(group, c->ref, c->generation, place_status::cancelled);
  } else if (const auto* l = std::get_if<place_released>(&event)) {
    const bool landed = std::ranges::any_of(
        places_, [&](const auto& p) { return p.first.first == l->ref && p.first.second > l->generation && p.second.live(); });
    const auto claim = claims_.find(l->ref);
    const bool joined = claim != claims_.end() && claim->second.phase == claim_phase::joined;  // its citizen gives up both
    if (!landed && !joined)
      breach("I6: the old place was given up before the new one was booked");
    give_up(group, l->ref, l->generation, place_status::moved);
  } else if (const auto* m = std::get_if<moved_within>(&event)) {
    move(group, *m);
  } else if (const auto* k = std::get_if<capacity_changed>(&event)) {
    note("disk: group {} window {} has capacity {}", group.value, k->window.value, k->capacity);
    capacities_[{group, k->window}].emplace_back(now_, k->capacity);
  }
}

void ledger::book(group_id group, const booked& event) {
  ++figures_.booked;
  figures_.moved += event.moved_in ? 1 : 0;
  if (!event.moved_in && !wanted(event))
    breach("booked when its citizen was told unknown, or a party in part");
  for (const auto& p : event.people) {
    note("disk: group {} booked ref {:x} gen {} citizen {} window {}", group.value, p.ref.value, p.generation.value, number_of(p.citizen),
         event.window.value);
    if (declined_.contains({group, {p.ref, p.generation}}))
      breach("a declined reference was booked");
    const auto c = claims_.find(p.ref);
    if (c == claims_.end() || c->second.citizen != p.citizen)
      breach("booked without a claim");
    else if (c->second.phase == claim_phase::released)
      breach("booked after its claim was released");
    const auto [it, fresh] = places_.emplace(place_key{p.ref, p.generation},
                                             place{p.citizen, p.key, group, event.window, place_status::confirmed, now_, std::nullopt});
    if (!fresh)
      breach("booked twice under one generation");
    check_citizen(p.citizen);
  }
  check_room(group, event.window);
}

void ledger::give_up(group_id group, reference ref, generation_t generation, place_status why) {
  note("disk: group {} gave up ref {:x} gen {}", group.value, ref.value, generation.value);
  const auto it = places_.find({ref, generation});
  if (it == places_.end() || it->second.group != group || !it->second.live())
    return breach("a place was given up that is not taken");
  it->second.status = why;
}

// One event: the place of the old window is free, the new one taken.
void ledger::move(group_id group, const moved_within& event) {
  note("disk: group {} moved ref {:x} gen {} -> {} window {}", group.value, event.ref.value, event.generation.value, event.next.value,
       event.to.value);
  const auto it = places_.find({event.ref, event.generation});
  if (it == places_.end() || it->second.group != group || !it->second.live())
    return breach("a place was moved that is not taken");
  auto next = it->second;
  it->second.status = place_status::moved;
  declined_.insert({group, {event.ref, event.generation}});  // spent
  next.window = event.to;
  next.booked_at = now_;
  if (!places_.emplace(place_key{event.ref, event.next}, next).second)
    breach("booked twice under one generation");
  ++figures_.moved;
  check_room(group, event.to);
}

void ledger::check_room(group_id group, window_index window) {
  if (live(group, window) > capacity(group, window))
    breach(fmt::format("I1: window {} of group {} has {} bookings for {} places", window.value, group.value, live(group, window),
                       capacity(group, window)));
}

void ledger::check_citizen(const citizen_hash& citizen) {
  std::vector<reference> held;
  for (const auto& [key, p] : places_)
    if (p.live() && p.citizen == citizen)
      held.push_back(key.first);
  if (held.size() > 2 || (held.size() == 2 && held[0] != held[1]))
    breach(fmt::format("I3: citizen {} holds {} places", number_of(citizen), held.size()));
}

// ------------------------------------------------------------------ claims

ledger::claim* ledger::must_find(reference ref) {
  const auto it = claims_.find(ref);
  if (it == claims_.end())
    breach("an event names a claim that was never made");
  return it == claims_.end() ? nullptr : &it->second;
}

void ledger::add_claim(const claimed& e) {
  note("disk: citizen {} claims ref {:x} group {}", number_of(e.citizen), e.ref.value, e.group.value);
  for (const auto& [ref, c] : claims_)
    if (c.citizen == e.citizen && c.phase != claim_phase::cancelled && c.phase != claim_phase::released)
      breach(fmt::format("I3: citizen {} has two claims", number_of(e.citizen)));
  if (!claims_.emplace(e.ref, claim{e.citizen, e.group, {}, {}, {}, claim_phase::pending}).second)
    breach("a reference was claimed twice");
}

void ledger::end_move(claim& c, reference ref) {
  const auto* old = find(ref, c.generation);
  const auto* now = find(ref, c.tried);
  if ((old != nullptr && old->live()) || now == nullptr || now->group != c.to)
    breach("a move ended, and its places say otherwise");
  c.group = c.to;
  c.generation = c.tried;
  c.phase = claim_phase::confirmed;
}

void ledger::take(const registry_event& event) {
  if (const auto* e = std::get_if<claimed>(&event))
    return add_claim(*e);
  if (const auto* e = std::get_if<claims_confirmed>(&event)) {
    for (const auto ref : e->refs)
      if (auto* c = must_find(ref); c != nullptr && c->phase == claim_phase::pending) {
        if (find(ref, c->generation) == nullptr)
          breach("a claim was confirmed without a booking");
        c->phase = claim_phase::confirmed;
      }
    return;
  }
  if (std::holds_alternative<changes_forgiven>(event))  // of a citizen, and of no claim
    return;
  const auto ref = std::visit(
      [](const auto& e) {
        if constexpr (requires { e.ref; })
          return e.ref;
        else
          return reference{};
      },
      event);
  auto* c = must_find(ref);
  if (c == nullptr)
    return;
  note("disk: claim {:x} event {}", ref.value, event.index());
  if (std::holds_alternative<claim_released>(event)) {
    ++figures_.claims_released;
    if (!declined_.contains({c->group, {ref, generation_t{}}}))
      breach("a claim was released before its group had committed that it is not live there");
    c->phase = claim_phase::released;
  } else if (std::holds_alternative<cancel_intended>(event)) {
    c->phase = claim_phase::cancelling;
  } else if (std::holds_alternative<cancel_done>(event)) {
    if (has_live(ref))
      breach("a claim was cancelled, and its booking lives");
    c->phase = claim_phase::cancelled;
  } else if (const auto* m = std::get_if<move_intended>(&event)) {
    c->phase = claim_phase::moving;
    c->to = m->to;
    ++c->tried.value;
  } else if (std::holds_alternative<move_booked>(event)) {
    if (const auto* p = find(ref, c->tried); p == nullptr || p->group != c->to)
      breach("a claim names a new place that is not booked");
    c->phase = claim_phase::releasing;
  } else if (std::holds_alternative<move_done>(event)) {
    end_move(*c, ref);
  } else if (std::holds_alternative<move_refused>(event)) {
    if (!declined_.contains({c->to, {ref, c->tried}}))
      breach("a move was refused before its group had declined it");
    c->phase = claim_phase::confirmed;
  } else if (std::holds_alternative<cancel_joined>(event)) {
    c->phase = claim_phase::joined;
    c->ended = 0;
  } else if (const auto* j = std::get_if<joined_place_ended>(&event)) {
    if (const auto* p = find(ref, j->generation); p != nullptr && p->live())
      breach("a place ended by a joined cancel lives");
    if (++c->ended == 2) {
      if (has_live(ref))
        breach("a claim was cancelled, and its booking lives");
      c->phase = claim_phase::cancelled;
    }
  }
}

// ------------------------------------------------------------------ questions

const ledger::place* ledger::find(reference ref, generation_t generation) const {
  const auto it = places_.find({ref, generation});
  return it == places_.end() ? nullptr : &it->second;
}
bool ledger::has_live(reference ref) const {
  return std::ranges::any_of(places_, [&](const auto& p) { return p.first.first == ref && p.second.live(); });
}
bool ledger::ever_booked(reference ref, const citizen_hash& citizen) const {
  return std::ranges::any_of(places_, [&](const auto& p) { return p.first.first == ref && p.second.citizen == citizen; });
}
std::uint32_t ledger::live(group_id group, window_index window) const {
  return static_cast<std::uint32_t>(std::ranges::count_if(
      places_, [&](const auto& p) { return p.second.live() && p.second.group == group && p.second.window == window; }));
}
std::uint32_t ledger::capacity(group_id group, window_index window) const {
  const auto it = capacities_.find({group, window});
  return it == capacities_.end() ? 0 : it->second.back().second;
}
std::size_t ledger::windows(group_id group) const {
  return static_cast<std::size_t>(std::ranges::count_if(capacities_, [&](const auto& c) { return c.first.first == group; }));
}

bool ledger::may_be_full(group_id group, window_index window, std::size_t n, moment since, moment rest_before) const {
  const auto known = capacities_.find({group, window});
  if (known == capacities_.end())
    return true;
  const auto& list = known->second;
  auto least = list.back().second;
  for (std::size_t i = 0; i + 1 < list.size(); ++i)
    if (list[i + 1].first >= rest_before)  // still in force at some moment that counts
      least = std::min(least, list[i].second);
  const auto taken = std::ranges::count_if(places_, [&](const auto& p) {
    return p.second.group == group && p.second.window == window && (p.second.live() || p.second.seen_free_at.value_or(since) >= since);
  });
  return static_cast<std::size_t>(taken) + n > least;
}

bool ledger::may_hold_place(const citizen_hash& citizen, moment since) const {
  return std::ranges::any_of(places_, [&](const auto& p) {
    return p.second.citizen == citizen && (p.second.live() || p.second.seen_free_at.value_or(since) >= since);
  });
}

std::size_t ledger::unsettled() const {
  return static_cast<std::size_t>(std::ranges::count_if(claims_, [](const auto& c) {
    const auto phase = c.second.phase;
    return phase != claim_phase::confirmed && phase != claim_phase::cancelled && phase != claim_phase::released;
  }));
}

void ledger::check_at_rest() {
  std::map<citizen_hash, int> held;
  for (const auto& [key, p] : places_) {
    if (!p.live())
      continue;
    if (++held[p.citizen] > 1)
      breach(fmt::format("I3: citizen {} holds two places for good", number_of(p.citizen)));
    const auto c = claims_.find(key.first);
    if (c == claims_.end() || c->second.phase != claim_phase::confirmed || c->second.group != p.group || c->second.generation != key.second)
      breach(fmt::format("the booking of citizen {} and the claim say different things", number_of(p.citizen)));
  }
  for (const auto& [ref, c] : claims_)
    if (c.phase == claim_phase::confirmed && !has_live(ref))
      breach(fmt::format("the claim of citizen {} is confirmed, and there is no booking", number_of(c.citizen)));
}

}  // namespace janji::sim
