#include "tests/actors/told_denials.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace janji::sim {

void told_denials::take(group_id group, const group_event& committed) {
  if (const auto* b = std::get_if<booked>(&committed)) {
    for (const auto& p : b->people)
      places_.push_back({p.ref, p.generation, p.citizen, of_request(p.key), group, b->window, b->moved_in});
  } else if (const auto* m = std::get_if<moved_within>(&committed)) {
    const auto before = std::ranges::find_if(places_, [&](const place& p) { return p.ref == m->ref && p.generation == m->generation; });
    if (before == places_.end())
      return;
    auto next = *before;
    next.generation = m->next;
    next.window = m->to;
    next.moved = true;
    places_.push_back(next);
  }
}

bool told_denials::may_have_stood(const place& p, const denial& d) const {
  if (p.moved) {
    const auto asked = first_moved_.find({p.ref.value, p.group.value, p.window.value});
    if (asked != first_moved_.end() && asked->second > d.decided)
      return false;
  } else if (const auto asked = first_asked_.find(p.key); asked != first_asked_.end() && asked->second > d.decided) {
    return false;
  }
  const auto told = freed_.find(p.ref.value);
  return told == freed_.end() ||
         std::ranges::none_of(told->second, [&](const auto& f) { return p.generation.value < f.first.value && f.second < d.came; });
}

std::optional<std::string> told_denials::no_room(const denial& d) const {
  const auto known = capacities_.find(d.group.value);
  if (known == capacities_.end())
    return std::nullopt;
  for (std::uint8_t w = 0; w < known->second.size(); ++w) {
    if (d.window && d.window->value != w)
      continue;
    const auto taken =
        std::ranges::count_if(places_, [&](const place& p) { return p.group == d.group && p.window.value == w && may_have_stood(p, d); });
    if (static_cast<std::size_t>(taken) + d.party.size() <= known->second[w])
      return fmt::format("I5: key {} was told {} for {} people, and {} of {} places of window {} of group {} were taken at most",
                         d.key.value, static_cast<int>(d.what), d.party.size(), taken, known->second[w], w, d.group.value);
  }
  if (d.what == outcome::not_enough_together && (d.free == 0 || d.free >= d.party.size()))
    return fmt::format("I5: key {} was told not enough together, with {} free for {}", d.key.value, d.free, d.party.size());
  return std::nullopt;
}

std::optional<std::string> told_denials::no_place_held(const denial& d) const {
  const auto& who = d.party.at(d.position == 0 ? 0 : d.position - 1U);
  const bool held =
      std::ranges::any_of(places_, [&](const place& p) { return p.citizen == who && p.key != of_request(d.key) && may_have_stood(p, d); });
  if (held)
    return std::nullopt;
  return fmt::format("I5: key {} was told that person {} is booked already, who had no place", d.key.value, d.position);
}

std::optional<std::string> told_denials::judge() const {
  for (const auto& d : denials_) {
    std::optional<std::string> wrong;
    if (d.what == outcome::full || d.what == outcome::not_enough_together)
      wrong = no_room(d);
    else if (d.what == outcome::already_booked)
      wrong = no_place_held(d);
    if (wrong)
      return wrong;
  }
  return std::nullopt;
}

}  // namespace janji::sim
