#include "net/alternatives.hpp"

#include <algorithm>
#include <cstdlib>
#include <tuple>

#include "booking/civil_time.hpp"
#include "booking/states.hpp"
#include "net/json_text.hpp"

namespace janji::net {

std::string_view alternatives::near(const std::shared_ptr<const actors::round_catalogue>& catalogue, const figures_ptr& figures,
                                    unix_ms now, group_id full, std::optional<window_index> window, std::size_t people, unix_ms moment) {
  if (catalogue != catalogue_ || now.value - built_at_.value >= renew_after_ms || moment >= until_ || moment < moment_) {
    catalogue_ = catalogue;
    built_at_ = now;
    rebuild(figures, moment);
  }
  const auto key = std::uint64_t{full.value} << 16 | (window ? window->value + 1ULL : 0) << 8 | people;
  auto it = known_.find(key);
  if (it == known_.end())
    it = known_.emplace(key, search(full, window, people)).first;
  return it->second;
}

void alternatives::rebuild(const figures_ptr& figures, unix_ms moment) {
  moment_ = moment;
  until_ = never_over;
  known_.clear();
  free_.clear();
  std::uint16_t known_round = 0;
  const actors::round_entry* round = nullptr;
  std::vector<std::uint8_t> states;  // of the round's centres
  for (const auto& f : *figures) {
    const auto it = catalogue_->groups.find(f.group.value);
    if (it == catalogue_->groups.end())
      continue;
    const auto& where = it->second;
    if (round == nullptr || where.round.value != known_round) {
      round = catalogue_->find(where.round);
      known_round = where.round.value;
      states.clear();
      for (const auto& c : round->definition.centres)
        states.push_back(state_number(c.state));
    }
    const auto& windows = round->definition.groups[where.index].windows;
    for (std::size_t w = 0; w < f.windows.size(); ++w) {
      const auto& c = f.windows[w];
      const auto end = w < windows.size() ? windows[w].book_until : unix_ms{};
      if (end <= moment || c.booked >= c.capacity)
        continue;
      until_ = std::min(until_, end);
      free_.push_back({where.round.value, where.centre, states[where.centre], static_cast<std::uint8_t>(w),
                       day_number_of(round->definition.groups[where.index].date), where.index, c.capacity - c.booked});
    }
  }
  std::ranges::sort(free_, {}, [](const place& p) { return std::tuple(p.round, p.state); });
}

std::string alternatives::search(group_id full, std::optional<window_index> window, std::size_t people) const {
  const auto it = catalogue_->groups.find(full.value);
  if (it == catalogue_->groups.end())
    return {};
  const auto& where = it->second;
  const auto& definition = catalogue_->find(where.round)->definition;
  const auto state = state_number(definition.centres[where.centre].state);
  const auto day = day_number_of(definition.groups[where.index].date);
  const auto distance = [&](const place& p) { return std::tuple(p.centre != where.centre, std::abs(p.day - day), p.index, p.window); };
  std::vector<const place*> best;
  const auto range = std::ranges::equal_range(free_, std::tuple(where.round.value, state), {},
                                              [](const place& p) { return std::tuple(p.round, p.state); });
  for (const auto& p : range) {
    const bool is_full = p.index == where.index && (!window || p.window == window->value);
    if (is_full || p.free < people)
      continue;
    const auto at = std::ranges::upper_bound(best, distance(p), {}, [&](const place* b) { return distance(*b); });
    if (best.size() == shown && at == best.end())
      continue;
    best.insert(at, &p);
    if (best.size() > shown)
      best.pop_back();
  }
  std::string out;
  for (const auto* p : best) {
    const auto& group = definition.groups[p->index];
    out += out.empty() ? "[{\"centre\":" : ",{\"centre\":";
    append_json(out, definition.centres[p->centre].code);
    out.append(",\"date\":\"").append(format_date(group.date));
    out.append("\",\"window\":\"").append(format_minute(group.windows[p->window].opens_minute)).append("\",\"free\":");
    append_number(out, p->free);
    out += '}';
  }
  return out.empty() ? out : out + "]";
}

}  // namespace janji::net
