#include "cluster/audit.hpp"

#include <fmt/format.h>

#include <algorithm>

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
  std::string error;
  std::uint16_t told = 0;
  // Shard 0 holds the rounds, and is read first: the others' groups are known by then.
  const auto read = store.read_all_logs(shard_count_, [&](shard_id shard, store::log_entry&& entry) {
    if (progress && shard.value != told) {
      told = shard.value;
      progress(static_cast<double>(told) / shard_count_);
    }
    if (entry.payload.empty())
      return true;
    const auto batch = schema::decode_batch(entry.payload);
    if (!batch) {
      error = fmt::format("entry {} of shard {}: {}", entry.sequence.value, shard.value, batch.error().text);
      return false;
    }
    std::uint16_t record = 0;
    for (const auto& e : *batch)
      take(shard, entry.sequence, e, record);
    return true;
  });
  if (!read)
    return std::unexpected(read.error().text());
  if (!error.empty())
    return std::unexpected(error);
  cross_check();
  check_claims();
  if (progress)
    progress(1);
  return report_;
}

void audit::take(shard_id shard, sequence_t sequence, const schema::owned_event& e, std::uint16_t& record) {
  ++report_.events;
  if (const auto* g = std::get_if<group_event>(&e.event))
    take_group(e.who.group, *g, shard, sequence, record);
  else if (const auto* r = std::get_if<registry_event>(&e.event))
    take_registry(*r);
  else
    take_round(std::get<round_event>(e.event));
}

void audit::take_round(const round_event& e) {
  const auto* imported = std::get_if<round_imported>(&e);
  if (imported == nullptr)
    return;
  const auto& d = imported->definition;
  for (std::uint32_t i = 0; i < d.groups.size(); ++i) {
    groups_[d.groups[i].id.value] = {d.id.value, i};
    for (std::uint8_t w = 0; w < d.groups[i].windows.size(); ++w)
      windows_[window_id(d.groups[i].id, window_index{w})].capacity = d.groups[i].windows[w].capacity;
  }
  rounds_[d.id.value] = d;
}

audit::window_record& audit::window(group_id group, window_index w) {
  const auto it = windows_.find(window_id(group, w));
  if (it == windows_.end()) {
    breach(fmt::format("slot group {} has an event of window {}, which no import names", group.value, w.value));
    return windows_[window_id(group, w)];
  }
  return it->second;
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
                        p.record.value_or(record_locator{shard, sequence, record})};
      if (!p.record)
        ++record;
      by_ref_[p.ref.value].push_back(static_cast<std::uint32_t>(bookings_.size()));
      bookings_.push_back(a);
      ++w.live;
      ++(b->moved_in ? report_.moves : report_.bookings);
    }
    if (w.live > w.capacity)
      breach(fmt::format("I1: window {} of slot group {} has {} bookings for {} places", b->window.value, group.value, w.live, w.capacity));
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
        if (++w.live > w.capacity)
          breach(fmt::format("I1: window {} of slot group {} has {} bookings for {} places", m->to.value, group.value, w.live, w.capacity));
        ++report_.moves;
        return;
      }
    breach(place(group, m->ref) + " was moved within its group but is not there");
  } else if (const auto* k = std::get_if<capacity_changed>(&e)) {
    window(group, k->window).capacity = k->capacity;
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
    if (const auto [it, fresh] =
            claims_.emplace(c->ref.value, claim_record{c->citizen, c->key, c->group, {}, {}, {}, claim_phase::pending});
        !fresh)
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
  }
}

// Every live booking belongs to a claim that names it, and no citizen has two but in the middle of a move.
void audit::cross_check() {
  std::unordered_map<citizen_hash, std::vector<std::uint32_t>> live;
  for (std::uint32_t n = 0; n < bookings_.size(); ++n) {
    const auto& b = bookings_[n];
    if (!b.live)
      continue;
    ++report_.live;
    live[b.citizen].push_back(n);
    const auto claim = claims_.find(b.ref.value);
    if (claim == claims_.end()) {
      breach(place(b.group, b.ref) + " is booked without a claim");
      continue;
    }
    const auto& k = claim->second;
    const bool old_place = k.group == b.group && k.generation == b.generation;
    const bool new_place =
        (k.phase == claim_phase::moving || k.phase == claim_phase::releasing) && k.to == b.group && k.tried == b.generation;
    if (k.citizen != b.citizen || k.phase == claim_phase::released || k.phase == claim_phase::cancelled || (!old_place && !new_place))
      breach(place(b.group, b.ref) + " is booked, and its claim names something else");
  }
  for (const auto& [citizen, list] : live) {
    if (list.size() < 2)
      continue;
    const auto& k = claims_[bookings_[list[0]].ref.value];
    const bool one_reference = std::ranges::all_of(list, [&](std::uint32_t n) { return bookings_[n].ref == bookings_[list[0]].ref; });
    if (!one_reference || list.size() > 2 || (k.phase != claim_phase::moving && k.phase != claim_phase::releasing))
      breach(
          fmt::format("I3: a citizen holds {} bookings, one is {}", list.size(), place(bookings_[list[0]].group, bookings_[list[0]].ref)));
  }
  for (const auto& [id, w] : windows_)
    if (w.live > w.capacity)
      report_.over_by_order += w.live - w.capacity;
}

// A confirmed claim has a live booking, a cancelled one has none.
void audit::check_claims() {
  for (const auto& [ref, k] : claims_) {
    if (k.phase != claim_phase::confirmed && k.phase != claim_phase::cancelled) {
      report_.unsettled += k.phase == claim_phase::released ? 0 : 1;
      continue;
    }
    const auto places = by_ref_.find(ref);
    const bool live = places != by_ref_.end() && std::ranges::any_of(places->second, [&](std::uint32_t n) {
                        return bookings_[n].live && bookings_[n].group == k.group && bookings_[n].generation == k.generation;
                      });
    if (live != (k.phase == claim_phase::confirmed))
      breach("the claim " + to_text(reference{ref}) +
             (live ? " is cancelled, and its booking lives" : " is confirmed, and there is no booking"));
  }
}

void audit::for_each(const std::function<void(const audited_booking&)>& visit) const {
  for (const auto& b : bookings_)
    visit(b);
}

}  // namespace janji::cluster
