#include "booking/slot_rows.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "booking/ascii_case.hpp"
#include "booking/civil_time.hpp"
#include "booking/text_rules.hpp"

namespace janji {

namespace {

constexpr std::array<std::string_view, day_order_count> words_of_orders{"day/month/year", "month/day/year", "year/month/day"};

civil_date date_of(std::int32_t day) { return civil_date{std::chrono::sys_days{std::chrono::days{day}}}; }

// 3 April 2021
std::string spoken_date(std::int32_t day) {
  constexpr std::array months{"January", "February", "March",     "April",   "May",      "June",
                              "July",    "August",   "September", "October", "November", "December"};
  const auto d = date_of(day);
  return fmt::format("{} {} {}", static_cast<unsigned>(d.day()), months[static_cast<unsigned>(d.month()) - 1], static_cast<int>(d.year()));
}

std::uint32_t small(std::size_t n) {
  return static_cast<std::uint32_t>(std::min<std::size_t>(n, std::numeric_limits<std::uint32_t>::max()));
}

// What is told of one time says how others that are written like it are read.
std::string_view way_of(std::string_view text, const time_reading& read) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return read.may_be_afternoon               ? "times that may be of the afternoon"
         : std::ranges::any_of(text, letter) ? "times with a word"
         : text.contains('.')                ? "times with a dot"
                                             : "times";
}

}  // namespace

slot_rows::slot_rows(std::string_view file)
    : table_(file, {{"centre", "date", "opens", "closes", "capacity"}, {}, {"book_until"}},
             [this](std::span<csv_field* const> fields, bool is_text) { row(fields, is_text); }) {}

// ------------------------------------------------------------------ a row

void slot_rows::row(std::span<csv_field* const> fields, bool /*is_text*/) {
  const auto& [code, date, opens, closes, capacity] = std::tie(fields[0], fields[1], fields[2], fields[3], fields[4]);
  kept_row r;
  r.days.fill(no_day);
  for (const auto* f : fields.first(5))
    if (f != nullptr)
      r.line = small(f->at.line);
    else
      r.good = false;  // a column is missing
  if (code != nullptr) {
    r.code = number_of(code->text);
    r.at[0] = small(code->at.position);
    r.line = small(code->at.line);
  }
  if (date != nullptr)
    read_date(*date, r);
  if (opens != nullptr) {
    r.at[2] = small(opens->at.position);
    r.line = small(opens->at.line);
    r.opens = read_minute(*opens, "opens");
  }
  if (closes != nullptr)
    r.closes = read_minute(*closes, "closes");
  if (r.opens != no_minute && r.closes != no_minute && r.opens >= r.closes) {
    r.good = false;
    const auto words = [&] {
      return fmt::format("{} is not later than the opening, {}.", quoted_field(closes->text), quoted_field(opens->text));
    };
    if (!times_.empty() && times_.back().at.line == closes->at.line && times_.back().column == "closes")
      times_.back().otherwise = words();
    else
      wrong(closes->at, "closes", "closes_before_opens", words);
  }
  if (capacity != nullptr)
    read_capacity(*capacity, r);
  if (fields[5] != nullptr && !fields[5]->text.empty())
    read_end(*fields[5], r);
  r.good = r.good && r.opens != no_minute && r.closes != no_minute;
  if (is_one_too_many(r)) {
    table_.faults().not_all_counted();
    if (!dates_.empty() && dates_.back().row == rows_.size())
      dates_.pop_back();
    return;
  }
  bad_rows_ += r.good ? 0 : 1;
  rows_.push_back(r);
}

// A file of nothing but faults takes no more memory than one without.
bool slot_rows::is_one_too_many(const kept_row& r) const {
  return r.code == no_code || (!r.good && bad_rows_ == limits::import_unsure_max);
}

// Of more codes than a round can have centres, those that come later are none of them.
std::uint32_t slot_rows::number_of(const std::string& code) {
  if (const auto known = codes_.find(code); known != codes_.end())
    return known->second;
  if (codes_.size() == limits::round_centres_max + limits::import_unsure_max)
    return no_code;
  return codes_.emplace(code, small(codes_.size())).first->second;
}

void slot_rows::read_date(const csv_field& field, kept_row& r) {
  r.at[1] = small(field.at.position);
  const auto read = read_day(field.text);
  if (!read) {
    r.good = false;
    return wrong(field.at, "date", "bad_date", [&] { return fmt::format("{} {}", quoted_field(field.text), read.error()); });
  }
  for (std::size_t i = 0; i < day_order_count; ++i)
    if (read->by[i])
      r.days[i] = day_number_of(*read->by[i]);
  r.short_year = read->short_year;
  r.month_in_words = read->month_in_words;
  r.in_order = r.short_year || read->in(day_order::day_first) || read->in(day_order::month_first);
  const auto only = only_reading(r);
  if ((!only || r.short_year) && dates_.size() < limits::import_unsure_max)
    dates_.push_back({rows_.size(), shown_text(field.text)});
  if (only && !read->as_wanted && !r.short_year)
    table_.note_once("dates", field.at.line, "date", [&] {
      return fmt::format("Dates such as \"{}\" are read as {}.", shown_text(field.text), format_date(date_of(*only)));
    });
}

std::uint16_t slot_rows::read_minute(const csv_field& field, const char* column) {
  const auto read = read_time(field.text);
  if (!read) {
    wrong(field.at, column, "bad_time", [&] { return fmt::format("{} {}", quoted_field(field.text), read.error()); });
    return no_minute;
  }
  if (read->of_24_hours && line_of_24_hours_ == 0)
    line_of_24_hours_ = small(field.at.line);
  if (read->may_be_afternoon && times_.size() < limits::import_unsure_max)
    times_.push_back({field.at, column, shown_text(field.text), read->minute, {}});
  if (!read->as_wanted)
    table_.note_once(way_of(field.text, *read), field.at.line, column, [&] {
      return fmt::format("Times such as \"{}\" are read as {}.", shown_text(field.text), format_minute(read->minute));
    });
  return read->minute;
}

void slot_rows::read_capacity(const csv_field& field, kept_row& r) {
  const auto read = read_whole(field.text);
  if (!read || read->value > limits::capacity_max)
    return wrong(field.at, "capacity", "bad_capacity", [&] {
      return fmt::format("{} {}", quoted_field(field.text), read ? "is not a capacity from 0 to 1,000,000." : read.error());
    });
  r.capacity = static_cast<std::uint32_t>(read->value);
  if (!read->as_wanted)
    table_.note_once("numbers", field.at.line, "capacity",
                     [&] { return fmt::format("Numbers such as \"{}\" are read as {}.", shown_text(field.text), read->value); });
}

void slot_rows::read_end(const csv_field& field, kept_row& r) {
  r.until = parse_booking_end(field.text);
  if (r.until && r.until->when != booking_end::at::none)
    return;
  r.good = false;
  wrong(field.at, "book_until", "bad_book_until", [&] {
    return fmt::format("{} is not opening, closing, or a time before the opening, such as 90m, 24h or 2d.", quoted_field(field.text));
  });
}

// ------------------------------------------------------------------ which day a date is

std::string slot_rows::text_of_date(std::size_t row) const {
  const auto it = std::ranges::lower_bound(dates_, row, {}, &shown_date::row);
  return it != dates_.end() && it->row == row ? fmt::format("\"{}\"", it->text) : std::string("This date");
}

std::vector<std::int32_t> slot_rows::readings_of(const kept_row& r) {
  std::vector<std::int32_t> out;
  for (const auto d : r.days)
    if (d != no_day && std::ranges::find(out, d) == out.end())
      out.push_back(d);
  return out;
}

std::optional<std::int32_t> slot_rows::only_reading(const kept_row& r) {
  std::optional<std::int32_t> only;
  for (const auto d : r.days)
    if (d != no_day && std::exchange(only, d).value_or(d) != d)
      return std::nullopt;
  return only;
}

// A year of two digits is one from the round's opening to a year after its end: otherwise 7/6/21 could be of 2007.
void slot_rows::leave_years_of_the_round(const round_definition& round) {
  if (round.opens_at >= round.closes_at)
    return;
  const auto offset = zone_offset(round.time_zone).value_or(std::chrono::minutes{0});
  const auto first = date_at(round.opens_at, offset).year();
  const auto last = date_at(round.closes_at, offset).year() + std::chrono::years{1};
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    auto& r = rows_[i];
    if (!r.short_year)
      continue;
    const auto before = r.days;
    for (auto& d : r.days)
      if (d != no_day && (date_of(d).year() < first || date_of(d).year() > last))
        d = no_day;
    if (!readings_of(r).empty())
      continue;
    r.days = before;
    say_ambiguous(i, " (its year is none of the round)");
    r.in_order = false;
  }
}

slot_rows::hypotheses slot_rows::judge_orders(bool month_in_words) const {
  hypotheses all;
  for (const auto& r : rows_) {
    if (!r.in_order || r.month_in_words != month_in_words)
      continue;
    for (std::size_t i = 0; i < day_order_count; ++i) {
      auto& h = all[i];
      if (r.days[i] == no_day) {
        h.line = std::exchange(h.possible, false) ? r.line : h.line;
        continue;
      }
      h.first = std::min(h.first, r.days[i]);
      h.last = std::max(h.last, r.days[i]);
    }
  }
  return all;
}

slot_rows::chosen_order slot_rows::choose(const hypotheses& all) {
  constexpr std::int32_t days_of_a_round = 366;
  std::vector<std::size_t> possible;
  std::vector<std::size_t> close_together;
  for (std::size_t i = 0; i < day_order_count; ++i)
    if (all[i].possible) {
      possible.push_back(i);
      if (std::int64_t{all[i].last} - all[i].first <= days_of_a_round)
        close_together.push_back(i);
    }
  const auto& [day_first, month_first, year_first] = all;
  if (possible.size() == 1) {
    const auto line = possible.front() == 0 ? month_first.line : day_first.line;
    return {possible.front(), fmt::format("line {} can be read in no other order", line)};
  }
  if (possible.size() > 1 && close_together.size() == 1)
    return {close_together.front(), "only then its days lie within a year"};
  if (possible.empty())
    return {std::nullopt, fmt::format(" (line {} cannot be {}, line {} cannot be {})", day_first.line, words_of_orders[0], month_first.line,
                                      words_of_orders[1])};
  return {};
}

void slot_rows::say_ambiguous(std::size_t index, std::string_view because) {
  auto& r = rows_[index];
  r.good = false;
  wrong({r.line, r.at[1]}, "date", "ambiguous_date", [&] {
    std::vector<std::string> spoken;
    std::vector<std::string> written;
    for (const auto d : readings_of(r)) {
      spoken.push_back(spoken_date(d));
      written.push_back(format_date(date_of(d)));
    }
    return fmt::format("{} can be read as {}{}; write {}.", text_of_date(index), fmt::join(spoken, " or "), because,
                       fmt::join(written, " or "));
  });
}

void slot_rows::settle_day(std::size_t index, const chosen_order& chosen) {
  auto& r = rows_[index];
  if (!r.in_order || only_reading(r))
    return;
  if (!chosen.order)
    return say_ambiguous(index, chosen.because);
  const auto day = r.days[*chosen.order];
  r.days.fill(no_day);
  r.days[*chosen.order] = day;
  table_.note_once(r.month_in_words ? "order of words" : "order", r.line, "date", [&] {
    return fmt::format("Dates that could be read in several ways are read as {}, since {}: {} is {}.", words_of_orders[*chosen.order],
                       chosen.because, text_of_date(index), spoken_date(day));
  });
}

void slot_rows::settle_days(const round_definition& round) {
  leave_years_of_the_round(round);
  const std::array chosen{choose(judge_orders(false)), choose(judge_orders(true))};
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    const auto& r = rows_[i];
    settle_day(i, chosen[r.month_in_words ? 1 : 0]);
    if (r.good && r.short_year)
      table_.note_once("short years", r.line, "date", [&] {
        return fmt::format("Years of two digits are those of the round: {} is {}.", text_of_date(i), spoken_date(*only_reading(r)));
      });
  }
}

// ------------------------------------------------------------------ the whole file

// "2:00" beside "9:00" may be the afternoon, unless the file has hours from 13 on.
void slot_rows::settle_times() {
  for (const auto& t : times_)
    if (line_of_24_hours_ == 0)
      wrong(t.at, t.column.c_str(), "ambiguous_time", [&] {
        return fmt::format("\"{}\" can be the morning or the afternoon; write {} or {}.", t.text, format_minute(t.minute),
                           format_minute(static_cast<std::uint16_t>(t.minute + 12 * 60)));
      });
    else if (!t.otherwise.empty())
      wrong(t.at, t.column.c_str(), "closes_before_opens", [&] { return t.otherwise; });
}

void slot_rows::settle_centres(const round_definition& round, bool known) {
  std::map<std::string_view, std::uint32_t> by_code;
  std::map<std::string, std::string_view> by_lower_case;
  for (std::size_t i = 0; i < round.centres.size(); ++i) {
    by_code.emplace(round.centres[i].code, small(i));
    by_lower_case.emplace(in_lower_case(round.centres[i].code), round.centres[i].code);
  }
  std::vector<std::string_view> names(codes_.size());
  for (const auto& [code, number] : codes_)
    names[number] = code;
  for (auto& r : rows_) {
    if (r.at[0] == 0)
      continue;  // there is no such column
    const auto name = names[r.code];
    if (const auto found = by_code.find(name); found != by_code.end()) {
      r.centre = found->second;
      continue;
    }
    r.centre = small(round.centres.size() + r.code);
    if (known)
      wrong({r.line, r.at[0]}, "centre", "unknown_centre", [&] {
        const auto near = by_lower_case.find(in_lower_case(std::string(name)));
        return fmt::format("{} is not in the list of centres{}", quoted_field(name),
                           near == by_lower_case.end() ? "." : fmt::format("; {} is.", near->second));
      });
  }
}

void slot_rows::add_windows(std::vector<group_definition>& groups, std::chrono::minutes offset, const booking_end& until) {
  const auto day_of = [](const kept_row& r) { return *std::ranges::max_element(r.days); };
  std::ranges::stable_sort(rows_, {}, [&](const kept_row& r) { return std::tuple(r.centre, day_of(r), r.opens, r.line); });
  const kept_row* before = nullptr;
  std::vector<std::size_t> lines;  // of the windows of the group at hand
  for (const auto& r : rows_) {
    const auto* last = std::exchange(before, &r);
    if (last == nullptr || last->centre != r.centre || day_of(*last) != day_of(r)) {
      groups.push_back({{}, static_cast<std::uint16_t>(r.centre), date_of(day_of(r)), {}});
      lines.clear();
    }
    auto& windows = groups.back().windows;
    const auto refuse = [&](const char* code, const auto& words) { wrong({r.line, r.at[2]}, "opens", code, words); };
    if (!windows.empty() && r.opens < windows.back().closes_minute) {
      const bool same = windows.back().opens_minute == r.opens && windows.back().closes_minute == r.closes;
      refuse(same ? "window_twice" : "windows_overlap", [&] {
        return fmt::format("The window of line {} {} line {}{}.", r.line, same ? "stands in" : "overlaps that of", lines.back(),
                           same ? " already; delete one" : "");
      });
    } else if (windows.size() == limits::windows_per_group_max) {
      refuse("too_many_windows", [] { return "A day has at most 64 windows."; });
    } else {
      windows.push_back({r.opens, r.closes, r.capacity});
      windows.back().book_until = instant_of(r.until.value_or(until), groups.back().date, windows.back(), offset);
      lines.push_back(r.line);
    }
  }
}

std::vector<group_definition> slot_rows::groups(const round_definition& round, bool centres_known, const booking_end& until) {
  settle_times();
  settle_days(round);
  settle_centres(round, centres_known);
  std::vector<group_definition> out;
  std::erase_if(rows_, [](const kept_row& r) { return !r.good; });
  add_windows(out, zone_offset(round.time_zone).value_or(std::chrono::minutes{0}), until);
  if (out.size() > limits::round_groups_max)
    table_.faults().add({0, 0}, {}, "too_many_groups", [] { return "A round has at most 200,000 centre-days."; });
  if (table_.complete() && table_.rows() == 0)
    table_.faults().add({0, 0}, {}, "empty", [] { return "The file has no slot group."; });
  return out;
}

}  // namespace janji
