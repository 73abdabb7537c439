#include "booking/booking_end.hpp"

#include <algorithm>
#include <charconv>

#include "booking/civil_time.hpp"

namespace janji {

namespace {
constexpr std::int64_t minute_ms = 60'000;
constexpr std::int64_t day_ms = 24 * 60 * minute_ms;

std::chrono::minutes offset_of(const round_definition& round) { return zone_offset(round.time_zone).value_or(std::chrono::minutes{0}); }
}  // namespace

std::optional<booking_end> parse_booking_end(std::string_view text) {
  using at = booking_end::at;
  if (text == "opening")
    return booking_end{at::opening, 0};
  if (text == "closing")
    return booking_end{at::closing, 0};
  if (text == "none")
    return booking_end{at::none, 0};
  std::uint32_t n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc{} || end + 1 != text.data() + text.size() || n > limits::booking_end_minutes_max)
    return std::nullopt;
  const std::uint64_t unit = *end == 'm' ? 1 : *end == 'h' ? 60 : *end == 'd' ? 24 * 60 : 0;
  const auto minutes = n * unit;
  if (unit == 0 || minutes > limits::booking_end_minutes_max)
    return std::nullopt;
  return booking_end{at::before, static_cast<std::uint32_t>(minutes)};
}

unix_ms opening_of(std::chrono::year_month_day date, const window_definition& window, std::chrono::minutes offset) {
  return unix_ms{start_of_day(date, offset).value + window.opens_minute * minute_ms};
}

unix_ms instant_of(const booking_end& end, std::chrono::year_month_day date, const window_definition& window, std::chrono::minutes offset) {
  const auto opens = opening_of(date, window, offset).value;
  switch (end.when) {
    case booking_end::at::none: return never_over;
    case booking_end::at::closing: return unix_ms{opens + (window.closes_minute - window.opens_minute) * minute_ms};
    case booking_end::at::before: return unix_ms{std::max<std::int64_t>(1, opens - end.minutes * minute_ms)};  // 0 says nothing
    default: return unix_ms{std::max<std::int64_t>(1, opens)};
  }
}

void say_ends(round_definition& round) {
  const auto offset = offset_of(round);
  for (auto& g : round.groups)
    for (auto& w : g.windows)
      if (w.book_until == unix_ms{})
        w.book_until = instant_of({}, g.date, w, offset);
}

bool says_ends_as_usual(const round_definition& round) {
  const auto offset = offset_of(round);
  return std::ranges::all_of(round.groups, [&](const group_definition& g) {
    return std::ranges::all_of(g.windows, [&](const window_definition& w) {
      return w.book_until == unix_ms{} || w.book_until == instant_of({}, g.date, w, offset);
    });
  });
}

std::expected<void, std::string> date_from(round_definition& round, std::chrono::year_month_day first_day) {
  using std::chrono::sys_days;
  if (round.groups.empty())
    return {};
  const auto first = std::ranges::min_element(round.groups, {}, &group_definition::date)->date;
  const auto last = std::ranges::max_element(round.groups, {}, &group_definition::date)->date;
  const auto by = sys_days{first_day} - sys_days{first};
  constexpr auto beginning = sys_days{std::chrono::year{1970} / 1 / 2}, end = sys_days{std::chrono::year{9999} / 12 / 30};
  if (sys_days{first} + by < beginning || sys_days{last} + by > end)
    return std::unexpected("with that first day the round has days outside the years 1970 to 9999");
  const auto shift = [by_ms = by.count() * day_ms](unix_ms& moment) { moment.value += by_ms; };
  shift(round.opens_at);
  shift(round.closes_at);
  for (auto& g : round.groups) {
    g.date = sys_days{g.date} + by;
    for (auto& w : g.windows)
      if (w.book_until != never_over && w.book_until != unix_ms{})
        shift(w.book_until);
  }
  return {};
}

}  // namespace janji
