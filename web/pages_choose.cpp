// The pages on which a place is chosen: plain links, one question each.
#include <algorithm>
#include <cmath>
#include <map>

#include "booking/states.hpp"
#include "booking/text_parts.hpp"
#include "web/map.hpp"
#include "web/pages.hpp"

namespace janji::web {

namespace {

constexpr std::uint64_t few_below = 10;  // places, and less than a twentieth: outlined as few

std::string state_key(std::uint8_t state) { return "state_" + std::to_string(state); }

std::string slug_of(std::uint8_t state) { return percent_encoded(state_name(state)); }

std::string people_query(std::uint8_t people) { return "people=" + std::to_string(people); }

std::string_view kind_of(const availability& at, std::uint64_t capacity) {
  if (at.over)
    return "over";
  if (at.closed)
    return "closed";
  if (!at.free)
    return "unknown";
  if (*at.free == 0)
    return at.singles ? "apart" : "full";
  return *at.free < few_below || *at.free * 20 < capacity ? "few" : "free";
}

// Whether it leads on: what is not known may be free.
bool can_be_chosen(const availability& at) { return !at.over && !at.closed && (!at.free || *at.free > 0); }

data back_link(std::string href, const std::string& text) {
  data d;
  d.set("href", std::move(href));
  d.set("text", text);
  return d;
}

}  // namespace

std::string pages::home(const frame& f, const home_model& m) const {
  const auto l = f.lang;
  data d;
  d.set("ages", words_->say(l, "ready_ages", {{"min", std::int64_t{m.age_min}}, {"max", std::int64_t{m.age_max}}}));
  list people;
  for (std::uint8_t n = 1; n <= m.people_max; ++n) {
    data one;
    one.set("n", std::to_string(n));
    one.set("checked", n == m.people);
    one.set("text", words_->say(l, "people_count", {{"n", std::int64_t{n}}}));
    people.push_back(one);
  }
  d.set("people", people);
  d.set("age", age(f, m.numbers));
  list items;
  for (const auto& s : m.states) {
    data one;
    one.set("href", "/book/in/" + slug_of(s.state) + "?" + people_query(m.people));
    one.set("name", words_->say(l, state_key(s.state)));
    one.set("key", std::to_string(s.state));
    one.set("kind", std::string(kind_of(s.at, 0)));
    one.set("text", room_text(l, s.at, m.people));
    items.push_back(one);
  }
  d.set("states", data("items", items));
  d.set("elsewhere", m.states.size() + 1 < state_count && m.has_round ? words_->say(l, "states_elsewhere") : std::string{});
  if (m.booked) {
    const auto booked = words_->number(l, static_cast<std::int64_t>(*m.booked));
    const auto places = words_->number(l, static_cast<std::int64_t>(m.places));
    d.set("figures", words_->say(l, "figures_line", {{"booked", booked}, {"places", places}}));
  } else {
    d.set("figures", false);
  }
  return lay_out(f, words_->say(l, "home_title"), templates_->render(l, "home", d), {.old_numbers = is_old(f, m.numbers)});
}

list pages::items_of(const frame& f, const centres_model& m, const std::vector<centre_item>& centres) const {
  list items;
  for (const auto& c : centres) {
    data one;
    one.set("href", m.base + percent_encoded(c.code) + (m.query.empty() ? "" : "?" + m.query));
    one.set("name", c.name);
    one.set("content_lang", "ms");
    one.set("district", c.district);
    one.set("state", words_->say(f.lang, state_key(c.state)));
    one.set("key", c.code);
    one.set("kind", std::string(kind_of(c.at, 0)));
    one.set("text", room_text(f.lang, c.at, m.people));
    if (c.next) {
      const auto date = words_->short_date(f.lang, *c.next);
      one.set("next", words_->say(f.lang, "next_free", {{"date", date}}));
    } else {
      one.set("next", false);
    }
    if (c.latitude != 0 || c.longitude != 0) {
      one.set("latitude", std::to_string(c.latitude));
      one.set("longitude", std::to_string(c.longitude));
    } else {
      one.set("latitude", false);
    }
    items.push_back(one);
  }
  return items;
}

std::string pages::first_of(language l, std::size_t shown, std::size_t all) const {
  return all <= shown
             ? std::string{}
             : words_->say(l, "centres_first_of", {{"n", static_cast<std::int64_t>(shown)}, {"m", static_cast<std::int64_t>(all)}});
}

std::string pages::centres(const frame& f, const centres_model& m) const {
  const auto l = f.lang;
  data d;
  const bool moves = m.base != "/book/at/";
  d.set("back", back_link(moves ? "/my-booking" : "/", words_->say(l, moves ? "nav_my_booking" : "back_to_start")));
  const auto state = m.state == 0 ? std::string{} : words_->say(l, state_key(m.state));
  d.set("heading", m.state == 0 ? words_->say(l, "centres_heading") : words_->say(l, "centres_heading_state", {{"state", state}}));
  std::string said;
  if (!m.digits.empty())
    said = words_->say(l, "postcode_mostly", {{"digits", m.digits}, {"state", state}});
  else if (!m.searched.empty())
    said = words_->say(l, m.found ? "found_some" : "found_nothing", {{"text", m.searched}});
  if (m.state != 0 && m.centres.empty())
    said += (said.empty() ? "" : " ") + words_->say(l, "no_centre_in_state", {{"state", state}});
  d.set("said", said);
  list now;
  for (const auto& place : m.now) {
    const auto when = when_of(l, place.date, place.from, place.to);
    now.push_back(data("text", words_->say(l, "move_now", {{"place", place.centre_name}, {"when", when}})));
  }
  d.set("now", now);
  if (!moves) {
    data people;
    people.set("action", f.address.substr(0, f.address.find('?')));
    list options;
    for (std::uint8_t n = 1; n <= m.people_max; ++n) {
      data one;
      one.set("n", std::to_string(n));
      one.set("checked", n == m.people);
      one.set("text", words_->say(l, "people_count", {{"n", std::int64_t{n}}}));
      options.push_back(one);
    }
    people.set("options", options);
    people.set("place", m.typed);
    d.set("people_form", people);
  } else {
    d.set("people_form", false);
  }
  d.set("age", age(f, m.numbers));
  list groups;
  const auto add = [&](const std::string& heading, const std::vector<centre_item>& centres) {
    if (centres.empty())
      return;
    data one;
    one.set("heading", heading);
    one.set("items", items_of(f, m, centres));
    groups.push_back(one);
  };
  add({}, m.centres);
  add(words_->say(l, "nearest_outside"), m.elsewhere);
  d.set("groups", groups);
  const bool all_full = !m.centres.empty() && std::ranges::all_of(m.centres, [](const auto& c) { return kind_of(c.at, 0) == "full"; });
  d.set("none", all_full ? words_->say(l, "all_centres_full") : std::string{});
  const auto more = first_of(l, m.centres.size(), m.centres_all);
  d.set("more", more);
  if (moves || !more.empty()) {
    data search;
    search.set("action", moves ? "/my-booking/move" : "/book/in");
    search.set("typed", m.typed);
    list hidden;
    for (const auto& [name, value] : m.hidden) {
      data one("name", name);
      one.set("value", value);
      hidden.push_back(one);
    }
    search.set("hidden", hidden);
    d.set("search", search);
  } else {
    d.set("search", false);
  }
  d.set("map", map_svg(m.centres));
  return lay_out(f, words_->say(l, "centres_title"), templates_->render(l, "centres", d), {.old_numbers = is_old(f, m.numbers)});
}

namespace {

using week = std::array<const day_item*, 7>;

std::size_t weekday_of(civil_date day) {  // from Monday on
  return (std::chrono::weekday(std::chrono::sys_days(day)).iso_encoding() + 6) % 7;
}

}  // namespace

std::string pages::month(const frame& f, const month_model& m) const {
  const auto l = f.lang;
  data d;
  d.set("back", back_link(m.back, words_->say(l, "back_to_centres")));
  d.set("heading", words_->say(l, "days_heading"));
  d.set("centre", m.centre_name);
  d.set("content_lang", "ms");
  d.set("people_text", words_->say(l, "for_people", {{"n", std::int64_t{m.people}}}));
  d.set("age", age(f, m.numbers));
  const bool any_free = std::ranges::any_of(m.days, [](const auto& day) { return can_be_chosen(day.at); });
  d.set("none", any_free ? std::string{} : words_->say(l, "no_free_day", {{"n", std::int64_t{m.people}}}));
  d.set("nearest", nearest(f, m.nearest, m.people));
  list weekdays;
  for (const auto& w : words_->weekdays(l)) {
    data one;
    one.set("long", w.full);
    one.set("short", w.narrow);
    weekdays.push_back(one);
  }
  std::map<std::int32_t, const day_item*> by_day;
  for (const auto& day : m.days)
    by_day.emplace(day_number_of(day.date), &day);
  d.set("legend_full", m.people > 1 ? words_->say(l, "none_together", {{"m", std::int64_t{m.people}}}) : words_->say(l, "legend_full"));
  list months;
  for (auto it = by_day.begin(); it != by_day.end();) {
    const auto first = it->second->date;
    const civil_date begins{first.year(), first.month(), std::chrono::day{1}};
    const auto ends = std::chrono::sys_days(std::chrono::year_month_day_last{first.year(), std::chrono::month_day_last{first.month()}});
    data table;
    table.set("title", words_->month(l, begins));
    table.set("weekdays", weekdays);
    list weeks;
    auto cursor = std::chrono::sys_days(begins) - std::chrono::days(weekday_of(begins));
    while (cursor <= ends) {
      list days;
      for (int i = 0; i < 7; ++i, cursor += std::chrono::days(1)) {
        data cell;
        const bool outside = cursor < std::chrono::sys_days(begins) || cursor > ends;
        cell.set("empty", outside);
        if (!outside) {
          const civil_date date{cursor};
          const auto found = by_day.find(day_number_of(date));
          const auto* day = found == by_day.end() ? nullptr : found->second;
          cell.set("day", std::to_string(static_cast<unsigned>(date.day())));
          cell.set("date", words_->date(l, date));
          cell.set("today", date == m.today);
          cell.set("key", format_date(date));
          cell.set("href", false);
          cell.set("none", day == nullptr);
          if (day == nullptr) {
            cell.set("kind", "none");
          } else {
            cell.set("kind", std::string(kind_of(day->at, day->capacity)));
            cell.set("text", day_text(l, *day, m.people));
            if (!day->at.over)
              cell.set(can_be_chosen(day->at) ? "href" : "later", m.base + format_date(date) + (m.query.empty() ? "" : "?" + m.query));
          }
        }
        days.push_back(cell);
      }
      weeks.push_back(data("days", days));
    }
    table.set("weeks", weeks);
    months.push_back(table);
    while (it != by_day.end() && it->second->date.month() == first.month() && it->second->date.year() == first.year())
      ++it;
  }
  d.set("months", months);
  return lay_out(f, words_->say(l, "days_title"), templates_->render(l, "month", d), {.old_numbers = is_old(f, m.numbers)});
}

std::string pages::times(const frame& f, const times_model& m) const {
  const auto l = f.lang;
  data d;
  d.set("back", back_link(m.back, words_->say(l, "back_to_days")));
  d.set("heading", words_->say(l, "times_heading"));
  d.set("centre", m.centre_name);
  d.set("content_lang", "ms");
  d.set("date", words_->date(l, m.date));
  d.set("people_text", words_->say(l, "for_people", {{"n", std::int64_t{m.people}}}));
  d.set("age", age(f, m.numbers));
  bool any = false;
  list windows;
  for (const auto& w : m.windows) {
    data one;
    one.set("kind", std::string(kind_of(w.at, 0)));
    one.set("time", words_->hours(l, w.from, w.to));
    one.set("key", format_minute(w.from));
    one.set("text", room_text(l, w.at, m.people));
    any = any || can_be_chosen(w.at);
    one.set("href", false);
    if (!w.at.over)  // later: where the script leads once it comes free
      one.set(can_be_chosen(w.at) ? "href" : "later", m.base + format_minute(w.from) + m.ending + (m.query.empty() ? "" : "?" + m.query));
    windows.push_back(one);
  }
  d.set("windows", windows);
  d.set("none", any ? std::string{} : words_->say(l, "no_free_time", {{"n", std::int64_t{m.people}}}));
  d.set("nearest", nearest(f, m.nearest, m.people));
  return lay_out(f, words_->say(l, "times_title"), templates_->render(l, "times", d), {.old_numbers = is_old(f, m.numbers)});
}

// ------------------------------------------------------------------ numbers alone

std::string pages::day_text(language l, const day_item& day, std::uint8_t people) const {
  return can_be_chosen(day.at) && day.at.free ? words_->number(l, static_cast<std::int64_t>(*day.at.free)) : room_text(l, day.at, people);
}

std::string pages::home_numbers(const frame& f, const home_model& m) const {
  std::vector<number_item> items;
  for (const auto& s : m.states)
    items.push_back({std::to_string(s.state), room_text(f.lang, s.at, m.people), std::string(kind_of(s.at, 0))});
  return numbers(f, m.numbers, items);
}

std::string pages::centres_numbers(const frame& f, const centres_model& m) const {
  std::vector<number_item> items;
  for (const auto* centres : {&m.centres, &m.elsewhere})
    for (const auto& c : *centres)
      items.push_back({c.code, room_text(f.lang, c.at, m.people), std::string(kind_of(c.at, 0))});
  return numbers(f, m.numbers, items);
}

std::string pages::month_numbers(const frame& f, const month_model& m) const {
  std::vector<number_item> items;
  for (const auto& day : m.days)
    items.push_back({format_date(day.date), day_text(f.lang, day, m.people), std::string(kind_of(day.at, day.capacity))});
  return numbers(f, m.numbers, items);
}

std::string pages::times_numbers(const frame& f, const times_model& m) const {
  std::vector<number_item> items;
  for (const auto& w : m.windows)
    items.push_back({format_minute(w.from), room_text(f.lang, w.at, m.people), std::string(kind_of(w.at, 0))});
  return numbers(f, m.numbers, items);
}

}  // namespace janji::web
