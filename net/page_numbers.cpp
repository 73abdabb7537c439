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

// In the order of their numbers, as they are published.
const actors::group_figures* page_numbers::find(group_id group) const {
  const auto it = std::ranges::lower_bound(*figures_, group, {}, &actors::group_figures::group);
  return it != figures_->end() && it->group == group ? &*it : nullptr;
}

web::room page_numbers::of_window(const group_definition& g, std::size_t window) const {
  const auto* known = find(g.id);
  if (known == nullptr || window >= known->windows.size())
    return std::nullopt;
  return free_of(known->windows[window]);
}

web::room page_numbers::of_group(const group_definition& g, std::uint8_t people) const {
  const auto* known = find(g.id);
  if (known == nullptr || known->windows.size() < g.windows.size())
    return std::nullopt;
  std::uint64_t sum = 0;
  for (std::size_t w = 0; w < g.windows.size(); ++w) {
    const auto free = free_of(known->windows[w]);
    sum += free >= people && !is_over(g, w) ? free : 0;
  }
  return sum;
}

// A round's groups are sorted by centre.
template <class Use>
void page_numbers::each_of_centre(std::uint16_t centre, Use&& use) const {
  const auto& groups = round->definition.groups;
  for (auto it = std::ranges::lower_bound(groups, centre, {}, &group_definition::centre); it != groups.end() && it->centre == centre; ++it)
    use(*it);
}

page_numbers::centre_numbers page_numbers::of_centre(std::uint16_t centre, std::uint8_t people) const {
  centre_numbers out{.free = 0};
  each_of_centre(centre, [&](const group_definition& g) {
    const auto free = of_group(g, people);
    if (free && *free > 0 && !out.next)
      out.next = g.date;
    out.free = free && out.free ? web::room(*free + *out.free) : std::nullopt;
  });
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
  const auto wanted = day_number_of(date);
  const auto& state = d.centres[own->second].state;
  struct found {
    bool elsewhere;
    std::int32_t days;
    web::near_place place;
  };
  std::vector<found> all;
  for (const auto& g : d.groups) {
    if (d.centres[g.centre].state != state)
      continue;
    for (std::size_t w = 0; w < g.windows.size(); ++w) {
      const auto free = numbers.of_window(g, w);
      const bool refused = but && g.windows[w].opens_minute == *but && g.centre == own->second && g.date == date;
      if (!free || *free < people || refused || numbers.is_over(g, w))
        continue;
      const auto& at = d.centres[g.centre];
      all.push_back({g.centre != own->second,
                     std::abs(day_number_of(g.date) - wanted),
                     {at.code, at.name, g.date, g.windows[w].opens_minute, *free}});
    }
  }
  constexpr std::size_t shown = 3;
  const auto some = all.begin() + static_cast<std::ptrdiff_t>(std::min(shown, all.size()));
  std::ranges::partial_sort(all, some, {}, [](const found& f) { return std::pair{f.elsewhere, f.days}; });
  std::vector<web::near_place> out;
  for (auto it = all.begin(); it != some; ++it)
    out.push_back(it->place);
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
    web::day_item day{.date = g->date, .free = numbers.of_group(*g, m.people)};
    day.over = true;
    for (std::size_t w = 0; w < g->windows.size(); ++w) {
      day.places += g->windows[w].capacity;
      day.over = day.over && numbers.is_over(*g, w);
    }
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
  for (std::size_t w = 0; w < group->windows.size(); ++w) {
    auto free = numbers.of_window(*group, w);
    if (free && *free < m.people)
      free = 0;
    m.windows.push_back({group->windows[w].opens_minute, group->windows[w].closes_minute, free, numbers.is_over(*group, w)});
  }
}

}  // namespace janji::net
