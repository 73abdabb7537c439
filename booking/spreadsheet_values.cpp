#include "booking/spreadsheet_values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "booking/ascii_case.hpp"

namespace janji {

namespace {

bool digit(char c) { return c >= '0' && c <= '9'; }
bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool only_digits(std::string_view s) { return !s.empty() && std::ranges::all_of(s, digit); }

constexpr std::size_t value_bytes_max = 40;

// Spaces that do not break a line, and narrow ones, are spaces; in lower case.
std::string plain_value(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    constexpr std::array<std::string_view, 3> spaces{"\xc2\xa0", "\xe2\x80\xaf", "\xe2\x80\x89"};
    const auto* const space = std::ranges::find_if(spaces, [&](std::string_view s) { return text.starts_with(s); });
    const char c = space != spaces.end() ? ' ' : text.front();
    out.push_back(lower_letter(c));
    text.remove_prefix(space != spaces.end() ? space->size() : 1);
  }
  return out;
}

int value_of_digits(std::string_view digits) {
  int v = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), v);
  return v;
}

// ------------------------------------------------------------------ days

// English and Malay, by their first letters; "mac" is March, "mei" May, "ogos" August, "dis" December.
int month_named(std::string_view word) {
  struct named {
    std::string_view name;
    int month;
  };
  constexpr std::array names{
      named{"january", 1},   named{"januari", 1},   named{"february", 2}, named{"februari", 2},  named{"march", 3},    named{"mac", 3},
      named{"april", 4},     named{"may", 5},       named{"mei", 5},      named{"june", 6},      named{"jun", 6},      named{"july", 7},
      named{"julai", 7},     named{"august", 8},    named{"ogos", 8},     named{"september", 9}, named{"october", 10}, named{"oktober", 10},
      named{"november", 11}, named{"december", 12}, named{"disember", 12}};
  for (const auto& n : names)
    if (word == n.name || (word.size() == 3 && n.name.starts_with(word)) || (word == "sept" && n.month == 9) ||
        (word == "ogo" && n.month == 8))
      return n.month;
  return 0;
}

struct day_part {
  std::string_view text;
  bool is_word = false;
};

// Three parts with what stands between them; more is no day.
struct day_parts {
  std::array<day_part, 3> part;
  std::array<std::string_view, 2> between;
};
std::optional<day_parts> part_day(std::string_view text) {
  day_parts out;
  for (std::size_t n = 0; n < 3; ++n) {
    const bool word = !text.empty() && letter(text.front());
    std::size_t size = 0;
    while (size < text.size() && (word ? letter(text[size]) : digit(text[size])))
      ++size;
    if (size == 0)
      return std::nullopt;
    out.part[n] = {text.substr(0, size), word};
    text.remove_prefix(size);
    if (n == 2)
      break;
    size = 0;
    while (size < text.size() && !letter(text[size]) && !digit(text[size]))
      ++size;
    out.between[n] = text.substr(0, size);
    text.remove_prefix(size);
  }
  return text.empty() ? std::optional(out) : std::nullopt;
}

// Cuts off the time of day, which must be midnight; false when there is another.
bool cut_midnight(std::string_view& text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos)
    return true;
  auto at = colon;
  while (at > 0 && digit(text[at - 1]))
    --at;
  if (at == 0 || (text[at - 1] != ' ' && text[at - 1] != 't'))
    return false;
  const auto time = read_time(text.substr(at));
  text = text.substr(0, at - 1);
  while (text.ends_with(' ') || text.ends_with(','))
    text.remove_suffix(1);
  return time && time->minute == 0;
}

std::optional<civil_date> day_of(std::string_view year, int month, std::string_view day) {
  if (day.size() > 2 || (year.size() != 2 && year.size() != 4))
    return std::nullopt;
  const civil_date d{std::chrono::year{value_of_digits(year) + (year.size() == 2 ? 2000 : 0)},
                     std::chrono::month{static_cast<unsigned>(month)}, std::chrono::day{static_cast<unsigned>(value_of_digits(day))}};
  return d.ok() ? std::optional(d) : std::nullopt;
}

day_readings readings_of(const day_parts& p) {
  day_readings out;
  const auto& [a, b, c] = p.part;
  const auto set = [&](day_order order, const day_part& year, int month, const day_part& day) {
    out.by[static_cast<std::size_t>(order)] = day_of(year.text, month, day.text);
    if (out.in(order) && year.text.size() == 2)
      out.short_year = true;
  };
  const auto month_in = [](const day_part& m) { return m.text.size() <= 2 ? value_of_digits(m.text) : 0; };
  const bool parted = p.between[0] == p.between[1] && (p.between[0] == "/" || p.between[0] == "-" || p.between[0] == ".");
  const auto loosely = [](std::string_view s) {
    return s == "-" || s == "/" || s == " " || s == ", " || s == "," || s == ". " || s == ".";
  };
  if (!a.is_word && !b.is_word && !c.is_word && parted) {
    if (a.text.size() != 4) {
      set(day_order::day_first, c, month_in(b), a);
      set(day_order::month_first, c, month_in(a), b);
    }
    if (c.text.size() != 4)
      set(day_order::year_first, a, month_in(b), c);
  } else if (loosely(p.between[0]) && loosely(p.between[1]) && !c.is_word && a.is_word != b.is_word) {
    out.month_in_words = true;
    const auto month = month_named(a.is_word ? a.text : b.text);
    if (month != 0 && a.is_word)
      set(day_order::month_first, c, month, b);
    if (month != 0 && b.is_word) {
      set(day_order::day_first, c, month, a);
      set(day_order::year_first, a, month, c);
    }
  }
  return out;
}

// What a cell was before somebody made it a number, or wrote it without a mark.
std::string hint_of_day(std::string_view text) {
  if (only_digits(text) && text.size() == 5) {
    constexpr int days_before_1970 = 25'569;  // of spreadsheets that count from 1900
    const civil_date d{std::chrono::sys_days{std::chrono::days{value_of_digits(text) - days_before_1970}}};
    return fmt::format(" a spreadsheet's number of a day, perhaps of {}: give the column the format yyyy-mm-dd", format_date(d));
  }
  if (only_digits(text) && text.size() == 8)
    if (const auto d = day_of(text.substr(0, 4), value_of_digits(text.substr(4, 2)), text.substr(6)))
      return fmt::format(" not how a date is written here; write {}", format_date(*d));
  return {};
}

}  // namespace

std::expected<day_readings, std::string> read_day(std::string_view text) {
  if (const auto wanted = parse_date(text)) {
    day_readings out;
    out.by[static_cast<std::size_t>(day_order::year_first)] = wanted;
    out.as_wanted = true;
    return out;
  }
  constexpr std::string_view no = "is not a date; write it as YYYY-MM-DD, such as 2021-06-07.";
  if (text.size() > value_bytes_max)
    return std::unexpected(std::string(no));
  const auto value = plain_value(text);
  if (const auto hint = hint_of_day(value); !hint.empty())
    return std::unexpected("is" + hint + ".");
  std::string_view rest = value;
  if (!cut_midnight(rest))
    return std::unexpected("is not a date alone; write it as YYYY-MM-DD, such as 2021-06-07.");
  const auto parts = part_day(rest);
  const auto out = parts ? readings_of(*parts) : day_readings{};
  if (std::ranges::none_of(out.by, [](const auto& d) { return d.has_value(); }))
    return std::unexpected(std::string(parts ? "is not a date that exists; write it as YYYY-MM-DD, such as 2021-06-07." : no));
  return out;
}

// ------------------------------------------------------------------ times

namespace {

enum class day_half : std::uint8_t { not_told, before_noon, after_noon, no_word };

day_half half_of(std::string_view word) {
  while (word.starts_with(' '))
    word.remove_prefix(1);
  if (word.empty())
    return day_half::not_told;
  for (const std::string_view w : {"am", "a", "a.m.", "a.m", "pg", "pagi"})
    if (word == w)
      return day_half::before_noon;
  for (const std::string_view w : {"pm", "p", "p.m.", "p.m", "ptg", "petang"})
    if (word == w)
      return day_half::after_noon;
  return day_half::no_word;
}

std::string_view take_digits(std::string_view& text) {
  std::size_t size = 0;
  while (size < text.size() && digit(text[size]))
    ++size;
  const auto out = text.substr(0, size);
  text.remove_prefix(size);
  return out;
}

std::string hint_of_time(std::string_view text) {
  double part = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), part);
  if (error == std::errc{} && end == text.data() + text.size() && text.starts_with("0.") && part > 0 && part < 1) {
    const auto minute = static_cast<std::uint16_t>(std::min(std::lround(part * 1440), 1439L));
    return fmt::format("is a spreadsheet's part of a day, perhaps {}: give the column the format hh:mm.", format_minute(minute));
  }
  if (only_digits(text) && (text.size() == 3 || text.size() == 4))
    if (const auto m =
            parse_minute(fmt::format("{:02}:{}", value_of_digits(text.substr(0, text.size() - 2)), text.substr(text.size() - 2))))
      return fmt::format("is not how a time is written here; write {}.", format_minute(*m));
  return {};
}

}  // namespace

std::expected<time_reading, std::string> read_time(std::string_view text) {
  if (const auto wanted = parse_minute(text))
    return time_reading{*wanted, true, false, *wanted >= 13 * 60};
  const auto no = [](std::string_view why = {}) {
    return std::unexpected(why.empty() ? std::string("is not a time; write it as HH:MM, such as 09:00.") : std::string(why));
  };
  if (text.size() > value_bytes_max)
    return no();
  const auto value = plain_value(text);
  if (const auto hint = hint_of_time(value); !hint.empty())
    return no(hint);
  std::string_view rest = value;
  const auto hours = take_digits(rest);
  if (hours.empty() || hours.size() > 2)
    return no();
  int minutes = 0;
  const char mark = rest.empty() ? '\0' : rest.front();
  const bool has_minutes = (mark == ':' || mark == '.') && rest.size() > 1 && digit(rest[1]);
  if (has_minutes) {
    rest.remove_prefix(1);
    const auto two = take_digits(rest);
    if (two.size() != 2)
      return no(mark == '.' ? "may be minutes or parts of an hour; write it as HH:MM, such as 09:30." : "");
    minutes = value_of_digits(two);
    if (rest.starts_with(mark) && rest.size() > 1 && digit(rest[1])) {
      rest.remove_prefix(1);
      if (take_digits(rest) != "00")
        return no("has seconds; write it as HH:MM, such as 09:00.");
    }
  }
  const auto half = half_of(rest);
  int hour = value_of_digits(hours);
  if (half == day_half::no_word || minutes > 59 || (!has_minutes && half == day_half::not_told))
    return no();
  if (half == day_half::not_told && hour > 23)
    return no(hour == 24 && minutes == 0 ? "is the next day; the last time of a day is 23:59." : "");
  if (half == day_half::not_told)
    return time_reading{static_cast<std::uint16_t>(hour * 60 + minutes), false, hours.size() == 1 && hour >= 1 && hour <= 7, hour >= 13};
  if (hour < 1 || hour > 12)
    return no();
  hour = hour % 12 + (half == day_half::after_noon ? 12 : 0);
  return time_reading{static_cast<std::uint16_t>(hour * 60 + minutes)};
}

// ------------------------------------------------------------------ numbers

std::expected<whole_reading, std::string> read_whole(std::string_view text) {
  const auto no = [] { return std::unexpected(std::string("is not a whole number; write digits alone, such as 1000.")); };
  if (text.empty() || text.size() > value_bytes_max)
    return no();
  auto value = plain_value(text);
  const bool as_wanted = only_digits(value);
  const auto mark = value.find_first_of(",.' ");
  if (mark != std::string::npos) {
    std::vector<std::string> groups;
    for (std::size_t from = 0; from <= value.size();) {
      const auto end = std::min(value.find(value[mark], from), value.size());
      groups.push_back(value.substr(from, end - from));
      from = end + 1;
    }
    const auto& last = groups.back();
    const bool thousands = groups.front().size() <= 3 && groups.front() != "0" &&
                           std::ranges::all_of(groups.begin() + 1, groups.end(), [](const auto& g) { return g.size() == 3; });
    const bool is_point = value[mark] == ',' || value[mark] == '.';
    if (!std::ranges::all_of(groups, only_digits))
      return no();
    if (thousands && is_point && groups.size() == 2)
      return std::unexpected(fmt::format("can be read as {}{} or as {}; write digits alone.", groups[0], groups[1],
                                         last == "000" ? groups[0] : groups[0] + " and a part"));
    const bool nothing_behind = is_point && groups.size() == 2 && std::ranges::all_of(last, [](char c) { return c == '0'; });
    if (!thousands && !nothing_behind)
      return no();
    value.clear();
    for (std::size_t i = 0; i < groups.size() - (thousands ? 0 : 1); ++i)
      value += groups[i];
  }
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (end != value.data() + value.size() || error == std::errc::invalid_argument)
    return no();
  return whole_reading{error == std::errc{} ? number : std::numeric_limits<std::uint64_t>::max(), as_wanted};
}

std::optional<decimal_reading> read_degrees(std::string_view text) {
  constexpr std::string_view minus = "\xe2\x88\x92";
  if (text.empty() || text.size() > value_bytes_max)
    return std::nullopt;
  std::string value(text);
  if (value.starts_with(minus))
    value.replace(0, minus.size(), "-");
  else if (value.starts_with('+') && value.size() > 1 && digit(value[1]))
    value.erase(0, 1);
  if (const auto comma = value.find(','); comma != std::string::npos && !value.contains('.'))
    value[comma] = '.';
  double number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number, std::chars_format::fixed);
  if (error != std::errc{} || end != value.data() + value.size() || !std::isfinite(number))
    return std::nullopt;
  return decimal_reading{number, value == text};
}

}  // namespace janji
