#include "actors/catalogue.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "booking/assert.hpp"
#include "booking/civil_time.hpp"
#include "cluster/placement.hpp"

namespace janji::actors {

std::string group_key(const round_definition& round, const group_definition& group) {
  return fmt::format("{}/{}/{:04}-{:02}-{:02}", round.code, round.centres[group.centre].code, static_cast<int>(group.date.year()),
                     static_cast<unsigned>(group.date.month()), static_cast<unsigned>(group.date.day()));
}

static group_words words_of(const group_definition& group) {
  group_words words{format_date(group.date), {}};
  for (const auto& w : group.windows)
    words.windows.push_back({format_minute(w.opens_minute), format_minute(w.closes_minute)});
  return words;
}

const group_definition* round_entry::find_group(std::string_view centre_code, std::chrono::year_month_day date) const {
  const auto c = centre_by_code.find(centre_code);
  if (c == centre_by_code.end())
    return nullptr;
  const auto g = group_by_day.find({c->second, std::chrono::sys_days{date}});
  return g == group_by_day.end() ? nullptr : &definition.groups[g->second];
}

const round_entry* round_catalogue::find(std::string_view code) const {
  const auto it = std::ranges::find_if(rounds, [&](const auto& r) { return r->definition.code == code; });
  return it == rounds.end() ? nullptr : it->get();
}

const round_entry* round_catalogue::find(round_id id) const {
  const auto it = std::ranges::find_if(rounds, [&](const auto& r) { return r->definition.id == id; });
  return it == rounds.end() ? nullptr : it->get();
}

const std::vector<window_definition>* round_catalogue::windows_of(group_id group) const {
  const auto place = groups.find(group.value);
  return place == groups.end() ? nullptr : &find(place->second.round)->definition.groups[place->second.index].windows;
}

void catalogue_builder::number(round_definition& definition) const {
  definition.id = round_id{next_round_};
  auto next = next_group_;
  for (auto& group : definition.groups)
    group.id = group_id{next++};
}

const round_entry* catalogue_builder::find(round_id id) const {
  const auto it = std::ranges::find_if(rounds_, [&](const auto& r) { return r->definition.id == id; });
  return it == rounds_.end() ? nullptr : it->get();
}

const round_entry* catalogue_builder::find(std::string_view code) const {
  const auto it = std::ranges::find_if(rounds_, [&](const auto& r) { return r->definition.code == code; });
  return it == rounds_.end() ? nullptr : it->get();
}

void catalogue_builder::apply(const round_event& event) {
  history_.push_back(event);
  ++version_;
  if (const auto* imported = std::get_if<round_imported>(&event)) {
    auto entry = std::make_shared<round_entry>();
    entry->definition = imported->definition;
    entry->status = {round_state::imported, {}, imported->at};
    for (std::uint16_t c = 0; c < entry->definition.centres.size(); ++c)
      entry->centre_by_code.emplace(entry->definition.centres[c].code, c);
    for (std::uint32_t g = 0; g < entry->definition.groups.size(); ++g) {
      const auto& group = entry->definition.groups[g];
      entry->group_by_day.emplace(std::pair{group.centre, std::chrono::sys_days{group.date}}, g);
      entry->words.push_back(words_of(group));
      next_group_ = std::max(next_group_, group.id.value + 1);
    }
    next_round_ = std::max<std::uint16_t>(next_round_, static_cast<std::uint16_t>(entry->definition.id.value + 1));
    rounds_.push_back(std::move(entry));
  } else if (const auto* changed = std::get_if<round_state_changed>(&event)) {
    const auto it = std::ranges::find_if(rounds_, [&](const auto& r) { return r->definition.id == changed->round; });
    assert_always(it != rounds_.end(), "a state change names a round that was imported");
    auto entry = std::make_shared<round_entry>(**it);
    entry->status = {changed->state, changed->reason, changed->at};
    *it = std::move(entry);
  }
}

trail_entry catalogue_builder::trail_entry_of(const round_event& event) const {
  if (const auto* i = std::get_if<round_imported>(&event))
    return {i->at, i->by, "round import", i->definition.code};
  if (const auto* c = std::get_if<round_state_changed>(&event)) {
    const auto* round = find(c->round);
    return {c->at, c->by, fmt::format("round {}", name_of(c->state)),
            fmt::format("{}{}{}", round != nullptr ? round->definition.code : "", c->reason.empty() ? "" : ": ", c->reason)};
  }
  const auto& n = std::get<operator_noted>(event);
  return {n.at, n.by, n.what, n.detail};
}

std::shared_ptr<const round_catalogue> catalogue_builder::build() {
  auto built = std::make_shared<round_catalogue>();
  built->rounds = rounds_;
  built->version = version_;
  const auto first = history_.size() - std::min(history_.size(), trail_entries_shown);
  for (auto i = first; i < history_.size(); ++i)
    built->trail.push_back(trail_entry_of(history_[i]));
  for (const auto& round : rounds_)
    for (std::uint32_t g = 0; g < round->definition.groups.size(); ++g) {
      const auto& group = round->definition.groups[g];
      const auto shard = cluster::shard_of_key(group_key(round->definition, group), shard_count_);
      built->groups.emplace(group.id.value, group_place{round->definition.id, group.centre, shard, g});
    }
  return built;
}

}  // namespace janji::actors
