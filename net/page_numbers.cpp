#include "net/page_numbers.hpp"

#include <algorithm>

#include "net/front.hpp"

namespace janji::net {

namespace {
std::uint32_t free_of(const window_counts& w) { return w.capacity > w.booked ? w.capacity - w.booked : 0; }
}  // namespace

page_numbers::page_numbers(const actors::node& node, std::shared_ptr<const actors::round_entry> of)
    : round(std::move(of)), figures_(node.figures()) {
  if (round == nullptr)
    return;
  if (node.judges_past())
    past_ = wall_clock();
  const auto fresh = node.how_fresh();
  if (const auto it = fresh->rounds.find(round->definition.id.value); it != fresh->rounds.end())
    as_of = it->second.as_of;
}

void added_places::add(const web::availability& one) {
  if (one.over)
    return;
  sum_.over = false;
  if (one.closed)
    return;
  sum_.closed = false;
  sum_.free = one.free && sum_.free ? web::room(*one.free + *sum_.free) : std::nullopt;
  sum_.singles = sum_.singles || one.singles || (one.free && *one.free > 0);
}

// In the order of their numbers, as they are published.
const actors::group_figures* page_numbers::find(group_id group) const {
  const auto it = std::ranges::lower_bound(*figures_, group, {}, &actors::group_figures::group);
  return it != figures_->end() && it->group == group ? &*it : nullptr;
}

web::availability page_numbers::of_window(const group_definition& g, const actors::group_figures* known, std::size_t window,
                                          std::uint8_t people) const {
  web::availability out{.over = is_over(g, window)};
  if (known == nullptr || window >= known->windows.size())
    return out;
  const auto free = free_of(known->windows[window]);
  out.closed = known->windows[window].capacity == 0;
  out.free = free >= people ? free : 0;
  out.singles = free > 0 && free < people;
  return out;
}

web::availability page_numbers::of_window(const group_definition& g, std::size_t window, std::uint8_t people) const {
  return of_window(g, find(g.id), window, people);
}

web::availability page_numbers::of_group(const group_definition& g, std::uint8_t people) const {
  const auto* known = find(g.id);
  added_places sum;
  for (std::size_t w = 0; w < g.windows.size(); ++w)
    sum.add(of_window(g, known, w, people));
  return sum.sum();
}

page_numbers::centre_numbers page_numbers::of_centre(std::uint16_t centre, std::uint8_t people) const {
  centre_numbers out;
  added_places sum;
  each_of_centre(centre, [&](const group_definition& g) {
    const auto at = of_group(g, people);
    if (at.free && *at.free > 0 && !out.next)
      out.next = g.date;
    sum.add(at);
  });
  out.at = sum.sum();
  return out;
}

page_numbers::all_sums page_numbers::sums_of_centre(std::uint16_t centre) const {
  all_sums out;
  each_of_centre(centre, [&](const group_definition& g) {
    const auto* known = find(g.id);
    out.whole = out.whole && known != nullptr;
    if (known == nullptr) {
      for (const auto& w : g.windows)
        out.places += w.capacity;
      return;
    }
    for (std::size_t w = 0; w < known->windows.size() && w < g.windows.size(); ++w) {
      const auto& c = known->windows[w];
      out.places += c.capacity;
      out.booked += c.booked;
      out.cancelled += c.cancelled;
      out.free += is_over(g, w) ? 0 : free_of(c);
    }
  });
  return out;
}

page_numbers::all_sums page_numbers::sums() const {
  all_sums out;
  if (round == nullptr)
    return out;
  for (std::uint16_t i = 0; i < round->definition.centres.size(); ++i) {
    const auto of = sums_of_centre(i);
    out.places += of.places;
    out.booked += of.booked;
    out.free += of.free;
    out.cancelled += of.cancelled;
    out.whole = out.whole && of.whole;
  }
  return out;
}

std::array<std::uint64_t, state_count> page_numbers::booked_by_state() const {
  std::array<std::uint64_t, state_count> out{};
  for (const auto& g : round->definition.groups)
    if (const auto* known = find(g.id))
      for (std::size_t i = 0; i < known->booked_by_facts.size(); ++i)
        out[i / age_band_count] += known->booked_by_facts[i];
  return out;
}

std::vector<web::near_place> nearest_free(const page_numbers& numbers, std::string_view centre, civil_date date, std::uint8_t people,
                                          std::optional<std::uint16_t> but) {
  if (numbers.round == nullptr)
    return {};
  const auto& d = numbers.round->definition;
  const auto own = numbers.round->body->centre_by_code.find(centre);
  if (own == numbers.round->body->centre_by_code.end())
    return {};
  constexpr std::size_t shown = 3;
  constexpr std::size_t centres_looked_at = 20;
  const auto wanted = day_number_of(date);
  struct found {
    std::int32_t days;
    web::near_place place;
  };
  std::vector<web::near_place> out;
  const auto look_at = [&](std::uint16_t centre) {
    std::vector<found> best;
    numbers.each_of_centre(centre, [&](const group_definition& g) {
      const auto days = std::abs(day_number_of(g.date) - wanted);
      if (best.size() == shown && best.back().days <= days)
        return;
      for (std::size_t w = 0; w < g.windows.size(); ++w) {
        const auto at = numbers.of_window(g, w, people);
        const bool refused = but && g.windows[w].opens_minute == *but && centre == own->second && g.date == date;
        if (at.over || !at.free || *at.free == 0 || refused)
          continue;
        const auto behind = std::ranges::upper_bound(best, days, {}, &found::days);
        best.insert(behind, {days, {d.centres[centre].code, d.centres[centre].name, g.date, g.windows[w].opens_minute, *at.free}});
        if (best.size() > shown)
          best.pop_back();
      }
    });
    for (auto it = best.begin(); it != best.end() && out.size() < shown; ++it)
      out.push_back(std::move(it->place));
  };
  look_at(own->second);
  const auto& state = d.centres[own->second].state;
  std::size_t looked_at = 0;
  for (std::uint16_t i = 0; i < d.centres.size() && out.size() < shown && looked_at < centres_looked_at; ++i)
    if (i != own->second && d.centres[i].state == state) {
      ++looked_at;
      look_at(i);
    }
  return out;
}

void fill_month(const page_numbers& numbers, std::string_view centre, web::month_model& m) {
  if (numbers.round == nullptr)
    return;
  const auto& d = numbers.round->definition;
  const auto it = numbers.round->body->centre_by_code.find(centre);
  if (it == numbers.round->body->centre_by_code.end())
    return;
  m.centre_name = d.centres[it->second].name;
  for (auto g = std::ranges::lower_bound(d.groups, it->second, {}, &group_definition::centre);
       g != d.groups.end() && g->centre == it->second; ++g) {
    web::day_item day{.date = g->date, .at = numbers.of_group(*g, m.people)};
    for (const auto& w : g->windows)
      day.capacity += w.capacity;
    m.days.push_back(day);
  }
}

void fill_times(const page_numbers& numbers, std::string_view centre, web::times_model& m) {
  if (numbers.round == nullptr)
    return;
  const auto& d = numbers.round->definition;
  const auto it = numbers.round->body->centre_by_code.find(centre);
  const auto* group = numbers.round->find_group(centre, m.date);
  if (it == numbers.round->body->centre_by_code.end() || group == nullptr)
    return;
  m.centre_name = d.centres[it->second].name;
  for (std::size_t w = 0; w < group->windows.size(); ++w)
    m.windows.push_back({group->windows[w].opens_minute, group->windows[w].closes_minute, numbers.of_window(*group, w, m.people)});
}

}  // namespace janji::net
