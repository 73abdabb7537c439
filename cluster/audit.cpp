#include "cluster/audit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "booking/reference_text.hpp"
#include "schema/codec.hpp"

namespace janji::cluster {

namespace {
constexpr std::size_t breaches_listed = 100;
std::uint64_t window_id(group_id group, window_index w) { return std::uint64_t{group.value} << 8 | w.value; }
std::uint64_t declined_id(group_id group, generation_t generation) { return std::uint64_t{group.value} << 16 | generation.value; }
}  // namespace

void audit::breach(std::string what) {
  ++report_.breach_count;
  if (report_.breaches.size() < breaches_listed)
    report_.breaches.push_back(std::move(what));
}

std::string audit::place(group_id group, reference ref) { return fmt::format("{} in slot group {}", to_text(ref), group.value); }

std::expected<audit_report, std::string> audit::run(const store::node_store& store, const std::function<void(double)>& progress) {
  std::expected<void, std::string> taken;
  std::uint16_t told = 0;
  const auto read = store.read_all_logs(shard_count_, [&](shard_id shard, store::log_entry&& entry) {
    if (progress && shard.value != told) {
      told = shard.value;
      progress(static_cast<double>(told) / shard_count_);
    }
    taken = take(shard, entry);
    return taken.has_value();
  });
  if (!read)
    return std::unexpected(read.error().text());
  if (!taken)
    return std::unexpected(taken.error());
  auto j = judge();
  add(j.report, j.across);
  if (progress)
    progress(1);
  return j.report;
}

std::expected<void, std::string> audit::take(shard_id shard, const store::log_entry& entry) {
  if (entry.payload.empty())
    return {};
  const auto batch = schema::decode_batch(entry.payload);
  if (!batch)
    return std::unexpected(fmt::format("entry {} of shard {}: {}", entry.sequence.value, shard.value, batch.error().text));
  std::uint16_t record = 0;
  for (const auto& e : *batch)
    take(shard, entry.sequence, e, record);
  return {};
}

void audit::take(shard_id shard, sequence_t sequence, const schema::owned_event& e, std::uint16_t& record) {
  ++report_.events;
  if (const auto* g = std::get_if<group_event>(&e.event))
    take_group(e.who.group, *g, shard, sequence, record);
  else if (const auto* r = std::get_if<registry_event>(&e.event))
    take_registry(*r);
  else if (const auto* o = std::get_if<round_event>(&e.event))
    take_round(*o);
}

void audit::take_round(const round_event& taken) {
  const auto whole = round_parts_.take(taken);
  if (!whole)
    return breach("rounds: " + whole.error());
  const auto* imported = *whole ? std::get_if<round_imported>(&**whole) : nullptr;
  if (imported == nullptr)
    return;
  const auto& d = imported->definition;
  for (std::uint32_t i = 0; i < d.groups.size(); ++i) {
    groups_[d.groups[i].id.value] = {d.id.value, i};
    for (std::uint8_t w = 0; w < d.groups[i].windows.size(); ++w) {
      auto& known = windows_[window_id(d.groups[i].id, window_index{w})];
      if (known.named || !known.changed)
        known.capacity = d.groups[i].windows[w].capacity;
      if (!std::exchange(known.named, true))
        check_room(d.groups[i].id, window_index{w}, known);  // its group may have been read before
    }
  }
  rounds_[d.id.value] = d;
}

audit::window_record& audit::window(group_id group, window_index w) { return windows_[window_id(group, w)]; }

void audit::check_room(group_id group, window_index window, const window_record& w) {
  if (w.named && w.live > w.capacity)
    breach(fmt::format("I1: window {} of slot group {} has {} bookings for {} places", window.value, group.value, w.live, w.capacity));
}

void audit::take_group(group_id group, const group_event& e, shard_id shard, sequence_t sequence, std::uint16_t& record) {
  if (const auto* b = std::get_if<booked>(&e)) {
    auto& w = window(group, b->window);
    const auto known = groups_.find(group.value);
    for (const auto& p : b->people) {
      const auto& no = declined_[p.ref.value];
      if (std::ranges::find(no, declined_id(group, p.generation)) != no.end())
        breach(place(group, p.ref) + " was booked after it was declined");
      audited_booking a{round_id{known == groups_.end() ? std::uint16_t{0} : known->second.first},
                        group,
                        b->window,
                        p.ref,
                        p.generation,
                        p.citizen,
                        p.key,
                        b->body,
                        p.facts,
                        true,
                        false,
                        b->at,
                        p.record.value_or(record_locator{shard, sequence, record}),
                        b->stamp};
      if (!p.record)
        ++record;
      by_ref_[p.ref.value].push_back(static_cast<std::uint32_t>(bookings_.size()));
      bookings_.push_back(a);
      ++w.live;
      ++(b->moved_in ? report_.moves : report_.bookings);
    }
    check_room(group, b->window, w);
  } else if (const auto* d = std::get_if<declined>(&e)) {
    for (const auto& [ref, generation] : d->refs)
      declined_[ref.value].push_back(declined_id(group, generation));
  } else if (const auto* c = std::get_if<place_cancelled>(&e)) {
    give_up(group, c->ref, c->generation, false);
  } else if (const auto* r = std::get_if<place_released>(&e)) {
    give_up(group, r->ref, r->generation, true);
  } else if (const auto* m = std::get_if<moved_within>(&e)) {
    for (const auto n : by_ref_[m->ref.value])
      if (auto& a = bookings_[n]; a.group == group && a.generation == m->generation && a.live) {
        --window(group, a.window).live;
        a.window = m->to;
        a.generation = m->next;
        auto& w = window(group, m->to);
        ++w.live;
        check_room(group, m->to, w);
        ++report_.moves;
        return;
      }
    breach(place(group, m->ref) + " was moved within its group but is not there");
  } else if (const auto* k = std::get_if<capacity_changed>(&e)) {
    auto& w = window(group, k->window);
    w.capacity = k->capacity;
    w.changed = true;
  }
}

void audit::give_up(group_id group, reference ref, generation_t generation, bool moved) {
  for (const auto n : by_ref_[ref.value])
    if (auto& a = bookings_[n]; a.group == group && a.generation == generation) {
      if (a.live) {
        a.live = false;
        a.moved_away = moved;
        --window(group, a.window).live;
      }
      return;
    }
  breach(place(group, ref) + " was given up but was never booked there");
}

void audit::take_registry(const registry_event& e) {
  const auto at = [this](reference ref) -> claim_record& {
    const auto it = claims_.find(ref.value);
    if (it == claims_.end())
      breach("an event names the claim " + to_text(ref) + ", which was never made");
    return it == claims_.end() ? claims_[ref.value] : it->second;
  };
  if (const auto* c = std::get_if<claimed>(&e)) {
    ++report_.claims;
    const claim_record made{c->citizen, c->key, c->group, {}, {}, {}, claim_phase::pending};
    const auto [it, fresh] = claims_.emplace(c->ref.value, made);
    // A request that came late may claim again what was released: its group has declined it for good, and books it never.
    if (const auto& known = it->second;
        !fresh && known.phase == claim_phase::released && known.citizen == c->citizen && known.key == c->key)
      it->second = made;
    else if (!fresh)
      breach("the claim " + to_text(c->ref) + " was made twice");
  } else if (const auto* f = std::get_if<claims_confirmed>(&e)) {
    for (const auto ref : f->refs)
      if (auto& k = at(ref); k.phase == claim_phase::pending)
        k.phase = claim_phase::confirmed;
  } else if (const auto* r = std::get_if<claim_released>(&e)) {
    at(r->ref).phase = claim_phase::released;
  } else if (const auto* ci = std::get_if<cancel_intended>(&e)) {
    at(ci->ref).phase = claim_phase::cancelling;
  } else if (const auto* cd = std::get_if<cancel_done>(&e)) {
    at(cd->ref).phase = claim_phase::cancelled;
    ++report_.cancelled;
  } else if (const auto* mi = std::get_if<move_intended>(&e)) {
    auto& k = at(mi->ref);
    k.phase = claim_phase::moving;
    k.to = mi->to;
    ++k.tried.value;
  } else if (const auto* mb = std::get_if<move_booked>(&e)) {
    at(mb->ref).phase = claim_phase::releasing;
  } else if (const auto* md = std::get_if<move_done>(&e)) {
    auto& k = at(md->ref);
    k.phase = claim_phase::confirmed;
    k.group = k.to;
    k.generation = k.tried;
  } else if (const auto* mr = std::get_if<move_refused>(&e)) {
    at(mr->ref).phase = claim_phase::confirmed;
  } else if (const auto* cj = std::get_if<cancel_joined>(&e)) {
    auto& k = at(cj->ref);
    k.phase = claim_phase::joined;
    k.ended = 0;
  } else if (const auto* pe = std::get_if<joined_place_ended>(&e)) {
    auto& k = at(pe->ref);
    if (k.phase == claim_phase::joined && ++k.ended == 2) {
      k.phase = claim_phase::cancelled;
      ++report_.cancelled;
    }
  }
}

audit::judgement audit::judge() const {
  judgement j{report_, {}};
  check_bookings(j);
  check_claims(j);
  for (const auto& [id, w] : windows_) {
    if (!w.named)
      j.across.insert(fmt::format("slot group {} has events of window {}, which no import names", id >> 8, id & 0xFF));
    else if (w.live > w.capacity)
      j.report.over_by_order += w.live - w.capacity;
  }
  return j;
}

void audit::add(audit_report& report, const std::set<std::string>& across) {
  report.breach_count += across.size();
  for (const auto& what : across)
    if (report.breaches.size() < breaches_listed)
      report.breaches.push_back(what);
}

// Every live booking belongs to a claim that names it, and no citizen has two but in the middle of a move.
void audit::check_bookings(judgement& j) const {
  std::unordered_map<citizen_hash, std::vector<std::uint32_t>> live;
  for (std::uint32_t n = 0; n < bookings_.size(); ++n) {
    const auto& b = bookings_[n];
    if (!b.live)
      continue;
    ++j.report.live;
    live[b.citizen].push_back(n);
    const auto claim = claims_.find(b.ref.value);
    if (claim == claims_.end()) {
      j.across.insert(place(b.group, b.ref) + " is booked without a claim");
      continue;
    }
    const auto& k = claim->second;
    const bool old_place = k.group == b.group && k.generation == b.generation;
    const bool new_place = under_way(k.phase) && k.to == b.group && k.tried == b.generation;
    if (k.citizen != b.citizen || k.phase == claim_phase::released || k.phase == claim_phase::cancelled || (!old_place && !new_place))
      j.across.insert(place(b.group, b.ref) + " is booked, and its claim names something else");
  }
  check_citizens(j, live);
}

void audit::check_citizens(judgement& j, const std::unordered_map<citizen_hash, std::vector<std::uint32_t>>& live) const {
  for (const auto& [citizen, list] : live) {
    if (list.size() < 2)
      continue;
    const auto& first = bookings_[list[0]];
    const auto claim = claims_.find(first.ref.value);
    const bool moves = claim != claims_.end() && under_way(claim->second.phase);
    const bool one_reference = std::ranges::all_of(list, [&](std::uint32_t n) { return bookings_[n].ref == first.ref; });
    if (!one_reference || list.size() > 2 || !moves)
      j.across.insert(fmt::format("I3: a citizen holds {} bookings, one is {}", list.size(), place(first.group, first.ref)));
  }
}

// A confirmed claim has a live booking, a cancelled one has none.
void audit::check_claims(judgement& j) const {
  for (const auto& [ref, k] : claims_) {
    if (k.phase != claim_phase::confirmed && k.phase != claim_phase::cancelled) {
      j.report.unsettled += k.phase == claim_phase::released ? 0 : 1;
      continue;
    }
    const auto places = by_ref_.find(ref);
    const bool live = places != by_ref_.end() && std::ranges::any_of(places->second, [&](std::uint32_t n) {
                        return bookings_[n].live && bookings_[n].group == k.group && bookings_[n].generation == k.generation;
                      });
    if (live != (k.phase == claim_phase::confirmed))
      j.across.insert("the claim " + to_text(reference{ref}) +
                      (live ? " is cancelled, and its booking lives" : " is confirmed, and there is no booking"));
  }
}

void audit::for_each(const std::function<void(const audited_booking&)>& visit) const {
  for (const auto& b : bookings_)
    visit(b);
}

}  // namespace janji::cluster
