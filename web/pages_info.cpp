// Figures, proofs, the state of the system, and pages of text.
#include <algorithm>
#include <map>

#include "web/pages.hpp"

namespace janji::web {

namespace {

std::string cell(const words& w, language l, const std::optional<std::uint64_t>& n) {
  return n ? w.number(l, static_cast<std::int64_t>(*n)) : w.say(l, "gap_word");
}

// In the round's zone.
std::uint16_t minute_of_day(unix_ms at, std::chrono::minutes offset) {
  constexpr std::int64_t day = 24 * 60;
  return static_cast<std::uint16_t>(((at.value / 60'000 + offset.count()) % day + day) % day);
}

struct text_page {
  std::string_view title;
  std::string_view heading;
  std::vector<std::pair<std::string_view, std::string_view>> sections;  // heading or "", text
  std::vector<std::pair<std::string_view, std::string_view>> links;
};

const std::map<std::string_view, text_page>& text_pages() {
  static const std::pair<std::string_view, std::string_view> start{"/", "start_page"};
  static const std::pair<std::string_view, std::string_view> mine{"/my-booking", "nav_my_booking"};
  static const std::map<std::string_view, text_page> all{
      {"help",
       {"help_title",
        "help_title",
        {{"help_1_heading", "help_1_text"},
         {"help_2_heading", "help_2_text"},
         {"help_3_heading", "help_3_text"},
         {"help_4_heading", "help_4_text"}},
        {start}}},
      {"privacy",
       {"privacy_title",
        "privacy_title",
        {{"privacy_1_heading", "privacy_1_text"}, {"privacy_2_heading", "privacy_2_text"}, {"privacy_3_heading", "privacy_3_text"}},
        {start}}},
      {"accessibility",
       {"accessibility_title",
        "accessibility_title",
        {{"accessibility_1_heading", "accessibility_1_text"}, {"accessibility_2_heading", "accessibility_2_text"}},
        {start}}},
      {"forgotten", {"forgotten_heading", "forgotten_heading", {{"", "forgotten_text"}}, {start}}},
      {"missing", {"missing_title", "missing_heading", {{"", "missing_text"}}, {start, mine}}},
      {"method", {"missing_title", "method_heading", {{"", "missing_text"}}, {start, mine}}},
      {"trouble", {"trouble_title", "trouble_heading", {{"", "trouble_text"}}, {start, mine}}},
  };
  return all;
}

}  // namespace

std::string pages::text(const frame& f, std::string_view name) const {
  const auto& page = text_pages().at(name);
  data d;
  d.set("heading", words_->say(f.lang, page.heading));
  list sections;
  for (const auto& [heading, text] : page.sections) {
    data one;
    one.set("heading", heading.empty() ? std::string{} : words_->say(f.lang, heading));
    one.set("text", words_->say(f.lang, text));
    sections.push_back(one);
  }
  d.set("sections", sections);
  list links;
  for (const auto& [href, text] : page.links) {
    data one;
    one.set("href", std::string(href));
    one.set("text", words_->say(f.lang, text));
    links.push_back(one);
  }
  d.set("links", links);
  return lay_out(f, words_->say(f.lang, page.title), templates_->render(f.lang, "text", d));
}

std::string pages::figures(const frame& f, const figures_model& m) const {
  const auto l = f.lang;
  data d;
  d.set("age", age(f, m.numbers));
  list sums;
  for (const auto& [key, n] :
       {std::pair{"sum_places", m.places}, {"sum_booked", m.booked}, {"sum_free", m.free}, {"sum_cancelled", m.cancelled}}) {
    data one;
    one.set("label", words_->say(l, key));
    one.set("key", key);
    const bool known = m.heard || std::string_view(key) == "sum_places";
    one.set("value", cell(*words_, l, known ? std::optional(n) : std::nullopt));
    sums.push_back(one);
  }
  d.set("sums", sums);
  list tables;
  const auto add = [&](std::string_view heading, std::initializer_list<std::string_view> columns,
                       const std::vector<figures_model::row>& rows, const std::string& note, bool drawn = false) {
    if (rows.empty())
      return;
    std::uint64_t most = 1;
    for (const auto& r : rows)
      most = std::max(most, r.numbers.front().value_or(0));
    data table;
    table.set("heading", words_->say(l, heading));
    list names;
    for (const auto c : columns)
      names.push_back(data("text", words_->say(l, c)));
    table.set("columns", names);
    list lines;
    for (const auto& r : rows) {
      data line;
      line.set("name", r.name);
      line.set("content_lang", r.tongue);
      line.set("code", r.code);
      list cells;
      for (const auto& n : r.numbers) {
        data one("text", cell(*words_, l, n));
        one.set("drawn", drawn && n ? std::to_string(*n) : std::string{});
        one.set("most", std::to_string(most));
        cells.push_back(one);
      }
      line.set("cells", cells);
      lines.push_back(line);
    }
    table.set("rows", lines);
    table.set("note", note);
    tables.push_back(table);
  };
  add("table_centres", {"column_name", "column_places", "column_booked", "column_free"}, m.centres,
      first_of(l, m.centres.size(), m.centres_all));
  add("table_states", {"column_name", "column_booked"}, m.states, {});
  std::vector<figures_model::row> times;
  for (const auto& span : m.times)
    times.push_back({words_->hour(l, minute_of_day(span.at, f.offset)), "", {span.booked}});
  add("table_times", {"column_from", "column_booked"}, times, words_->say(l, "times_note"), true);
  std::string note;
  if (m.since) {
    const auto time = words_->clock(l, *m.since, f.offset);
    note = words_->say(l, "refusals_note",
                       {{"time", time}, {"n", static_cast<std::int64_t>(m.nodes)}, {"m", static_cast<std::int64_t>(m.nodes_all)}});
  }
  add("table_refusals", {"column_name", "column_count"}, m.refusals, note);
  d.set("tables", tables);
  return lay_out(f, words_->say(l, "figures_title"), templates_->render(l, "figures", d), {.old_numbers = is_old(f, m.numbers)});
}

std::string pages::receipt(const frame& f, const receipt_model& m) const {
  const auto l = f.lang;
  data d;
  d.set("errors", false);
  d.set("verdict", false);
  if (!m.verdict.empty()) {
    data v;
    v.set("kind", m.good ? "good" : "stop");
    v.set("text", words_->say(l, m.verdict));
    v.set("by", words_->say(l, "receipt_by_server"));
    v.set("rows", false);
    if (!m.rows.empty()) {
      list rows;
      for (const auto& [label, value] : m.rows) {
        data one;
        one.set("label", words_->say(l, label));
        one.set("value", value);
        rows.push_back(one);
      }
      v.set("rows", data("row", rows));
    }
    d.set("verdict", v);
  }
  d.set("offset", std::to_string(f.offset.count()));
  d.set("range", words_->say(l, "time_range", {{"from", "{from}"}, {"to", "{to}"}}));  // filled in by the script
  d.set("form_token", f.form_token);
  data one;
  one.set("id", "receipt");
  one.set("label", words_->say(l, "label_receipt"));
  one.set("optional", false);
  one.set("hint", false);
  one.set("error", false);
  one.set("described", false);
  one.set("options", false);
  one.set("input", false);
  one.set("area", data("value", m.text.empty() ? std::string(" ") : m.text));
  d.set("fields", input(f, one));
  d.set("data", m.keys);
  d.set("language_buttons", language_buttons(f));
  return lay_out(f, words_->say(l, "receipt_title"), templates_->render(l, "receipt", d), {.language_links = false});
}

std::string pages::status(const frame& f, const status_model& m) const {
  const auto l = f.lang;
  data d;
  d.set("age", age(f, m.numbers));
  list parts;
  const auto add = [&](std::string_view name, part_state s, const std::optional<unix_ms>& at) {
    data one;
    one.set("name", words_->say(l, name));
    one.set("kind", s == part_state::good ? "good" : "wait");
    std::string text;
    switch (s) {
      case part_state::good: text = words_->say(l, name == "part_page" ? "part_page_good" : "part_good"); break;
      case part_state::old: {
        const auto time = at ? words_->clock(l, *at, f.offset) : words_->say(l, "gap_word");
        text = words_->say(l, "part_old", {{"time", time}});
        break;
      }
      case part_state::unknown: text = words_->say(l, "part_unknown"); break;
      case part_state::some_old: text = words_->say(l, "part_some_old"); break;
      case part_state::stopping: text = words_->say(l, "part_stopping"); break;
    }
    one.set("text", text);
    parts.push_back(one);
  };
  add("part_page", part_state::good, std::nullopt);
  add("part_rounds", m.rounds, m.rounds_at);
  add("part_places", m.places, m.places_at);
  add("part_bookings", m.bookings, std::nullopt);
  d.set("parts", parts);
  d.set("hour", false);
  if (!m.hour.empty()) {
    data hour;
    std::uint64_t sum = 0;
    std::int64_t known = 0;  // a gap is no zero
    list rows;
    for (const auto& minute : m.hour) {
      sum += minute.booked.value_or(0);
      known += minute.booked ? 1 : 0;
      data one;
      one.set("time", words_->hour(l, minute_of_day(minute.at, f.offset)));
      one.set("text", cell(*words_, l, minute.booked));
      rows.push_back(one);
    }
    hour.set("rows", rows);
    hour.set("said", known == 0 ? words_->say(l, "last_hour_unknown")
                                : words_->say(l, "last_hour_said", {{"n", static_cast<std::int64_t>(sum)}, {"m", known}}));
    d.set("hour", hour);
  }
  return lay_out(f, words_->say(l, "status_title"), templates_->render(l, "status", d), {.old_numbers = is_old(f, m.numbers)});
}

}  // namespace janji::web
