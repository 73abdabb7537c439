#include "actors/catalogue.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "booking/assert.hpp"
#include "booking/booking_end.hpp"
#include "booking/civil_time.hpp"
#include "booking/round_orders.hpp"
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
  const auto c = body->centre_by_code.find(centre_code);
  if (c == body->centre_by_code.end())
    return nullptr;
  const auto g = body->group_by_day.find({c->second, std::chrono::sys_days{date}});
  return g == body->group_by_day.end() ? nullptr : &definition.groups[g->second];
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

std::optional<window_end> round_catalogue::end_of(group_id group, window_index window) const {
  const auto place = groups.find(group.value);
  if (place == groups.end())
    return std::nullopt;
  const auto* round = find(place->second.round);
  const auto& g = round->definition.groups[place->second.index];
  if (window.value >= g.windows.size())
    return std::nullopt;
  const auto& w = g.windows[window.value];
  return window_end{w.book_until, std::max(w.book_until, opening_of(g.date, w, round->body->offset))};
}

status_at round_entry::status_now(unix_ms now, bool ends) const {
  return status_of(admitted_as(), ends ? body->book_until : never_over, now);
}

unix_ms round_entry::next_end(unix_ms now) const {
  const auto it = std::ranges::upper_bound(body->ends, now);
  return it == body->ends.end() ? never_over : *it;
}

static void note_ends(round_body& body) {
  auto& d = body.definition;
  say_ends(d);
  body.offset = zone_offset(d.time_zone).value_or(std::chrono::minutes{0});
  body.ends = {d.opens_at, d.closes_at};
  body.book_until = {};
  for (const auto& g : d.groups) {
    unix_ms latest;
    for (const auto& w : g.windows) {
      latest = std::max(latest, w.book_until);
      if (body.ends.back() != w.book_until)
        body.ends.push_back(w.book_until);
    }
    body.group_ends.push_back(latest);
    body.book_until = std::max(body.book_until, latest);
  }
  std::ranges::sort(body.ends);
  body.ends.erase(std::ranges::unique(body.ends).begin(), body.ends.end());
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

void catalogue_builder::apply(round_event taken, sequence_t at) {
  auto whole = parts_.take(std::move(taken));
  assert_always(whole.has_value(), "the parts of a round stand in the log before it, in their order");
  if (!*whole)
    return;
  history_.push_back(std::move(**whole));
  positions_.push_back(at);
  ++version_;
  const auto& event = history_.back();
  if (const auto* imported = std::get_if<round_imported>(&event)) {
    add_round(imported->definition, imported->at);
  } else if (const auto* changed = std::get_if<round_state_changed>(&event)) {
    const auto it = std::ranges::find_if(rounds_, [&](const auto& r) { return r->definition.id == changed->round; });
    assert_always(it != rounds_.end(), "a state change names a round that was imported");
    *it = std::make_shared<const round_entry>((*it)->body, round_status{changed->state, changed->reason, changed->at});
  }
  if (history_.size() > orders_kept_max + 2 * rounds_.size())
    forget_old_orders();
}

void catalogue_builder::apply_snapshot(const std::vector<round_event>& events, sequence_t at) {
  for (const auto& e : events)
    apply(e, at);
  known_from_ = at;
}

void catalogue_builder::add_round(const round_definition& definition, unix_ms at) {
  assert_always(find(definition.id) == nullptr, "a round is imported once");
  auto entry = std::make_shared<round_body>();
  entry->definition = definition;
  note_ends(*entry);
  for (std::uint16_t c = 0; c < definition.centres.size(); ++c)
    entry->centre_by_code.emplace(definition.centres[c].code, c);
  std::vector<group_index::entry> more;
  more.reserve(definition.groups.size());
  entry->words.reserve(definition.groups.size());
  for (std::uint32_t g = 0; g < definition.groups.size(); ++g) {
    const auto& group = definition.groups[g];
    entry->group_by_day.emplace_hint(entry->group_by_day.end(), std::pair{group.centre, std::chrono::sys_days{group.date}}, g);
    entry->words.push_back(words_of(group));
    next_group_ = std::max(next_group_, group.id.value + 1);
    const auto shard = cluster::shard_of_key(group_key(definition, group), shard_count_);
    more.emplace_back(group.id.value, group_place{definition.id, group.centre, shard, g});
  }
  next_round_ = std::max<std::uint16_t>(next_round_, static_cast<std::uint16_t>(definition.id.value + 1));
  groups_.add(more);
  rounds_.push_back(std::make_shared<const round_entry>(std::move(entry), round_status{round_state::imported, {}, at}));
}

// Kept: every round, the last state of each, and what the trail shows.
void catalogue_builder::forget_old_orders() {
  std::map<std::uint16_t, std::size_t> last_state;
  for (std::size_t i = 0; i < history_.size(); ++i)
    if (const auto* changed = std::get_if<round_state_changed>(&history_[i]))
      last_state[changed->round.value] = i;
  const auto shown_from = history_.size() - std::min(history_.size(), trail_entries_shown);
  std::vector<round_event> kept;
  std::vector<sequence_t> positions;
  for (std::size_t i = 0; i < history_.size(); ++i) {
    const auto* changed = std::get_if<round_state_changed>(&history_[i]);
    const bool needed =
        std::holds_alternative<round_imported>(history_[i]) || (changed != nullptr && last_state[changed->round.value] == i);
    if (i < shown_from && !needed)
      continue;
    kept.push_back(std::move(history_[i]));
    positions.push_back(positions_[i]);
  }
  history_ = std::move(kept);
  positions_ = std::move(positions);
}

std::optional<std::vector<round_event>> catalogue_builder::since(sequence_t known) const {
  if (known < known_from_)
    return std::nullopt;
  std::vector<round_event> out;
  for (std::size_t i = 0; i < history_.size(); ++i)
    if (positions_[i] > known)
      out.push_back(history_[i]);
  return out;
}

sequence_t catalogue_builder::changed_at(round_id id) const {
  sequence_t at;
  for (std::size_t i = 0; i < history_.size(); ++i)
    if (const auto* changed = std::get_if<round_state_changed>(&history_[i]); changed != nullptr && changed->round == id)
      at = std::max(at, positions_[i]);
  return at;
}

admission_state catalogue_builder::admission() const {
  admission_state out;
  for (const auto& r : rounds_)
    if (r->status.state != round_state::imported)
      out.rounds.push_back({r->definition.id, r->status.state, r->definition.opens_at, r->definition.closes_at});
  std::ranges::sort(out.rounds, {}, &round_admission::round);
  for (std::size_t i = 0; i < history_.size(); ++i)
    if (std::holds_alternative<round_state_changed>(history_[i]))
      out.position = std::max(out.position, positions_[i]);
  return out;
}

void group_index::add(const std::vector<entry>& more) {
  auto all = std::make_shared<std::vector<entry>>(*entries_);
  all->insert(all->end(), more.begin(), more.end());
  if (!std::ranges::is_sorted(*all, {}, &entry::first))
    std::ranges::sort(*all, {}, &entry::first);
  entries_ = std::move(all);
}

std::vector<group_index::entry>::const_iterator group_index::find(std::uint32_t group) const {
  const auto it = std::ranges::lower_bound(*entries_, group, {}, &entry::first);
  return it != entries_->end() && it->first == group ? it : entries_->end();
}

// Of what the history holds, which is no part of anything.
trail_entry catalogue_builder::trail_entry_of(const round_event& event) const {
  if (const auto* i = std::get_if<round_imported>(&event))
    return {i->at, i->by, "round import", i->definition.code};
  if (const auto* c = std::get_if<round_state_changed>(&event)) {
    const auto* round = find(c->round);
    const auto done = c->order == round_order::resume ? name_of(c->order) : name_of(c->state);
    return {c->at, c->by, fmt::format("round {}", done),
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
  built->groups = groups_;
  return built;
}

}  // namespace janji::actors
