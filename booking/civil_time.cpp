#include "booking/civil_time.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace janji {

namespace {

std::optional<int> digits(std::string_view text, std::size_t from, std::size_t count) {
  if (text.size() < from + count)
    return std::nullopt;
  int v = 0;
  for (const char c : text.substr(from, count)) {
    if (c < '0' || c > '9')
      return std::nullopt;
    v = v * 10 + (c - '0');
  }
  return v;
}

struct zone {
  std::string_view name;
  int minutes;
};
constexpr std::array zones{zone{"Africa/Johannesburg", 120},
                           zone{"Africa/Lagos", 60},
                           zone{"Africa/Nairobi", 180},
                           zone{"Asia/Bahrain", 180},
                           zone{"Asia/Bangkok", 420},
                           zone{"Asia/Brunei", 480},
                           zone{"Asia/Colombo", 330},
                           zone{"Asia/Dhaka", 360},
                           zone{"Asia/Dili", 540},
                           zone{"Asia/Dubai", 240},
                           zone{"Asia/Ho_Chi_Minh", 420},
                           zone{"Asia/Hong_Kong", 480},
                           zone{"Asia/Jakarta", 420},
                           zone{"Asia/Jayapura", 540},
                           zone{"Asia/Karachi", 300},
                           zone{"Asia/Kathmandu", 345},
                           zone{"Asia/Kolkata", 330},
                           zone{"Asia/Kuala_Lumpur", 480},
                           zone{"Asia/Kuching", 480},
                           zone{"Asia/Kuwait", 180},
                           zone{"Asia/Macau", 480},
                           zone{"Asia/Makassar", 480},
                           zone{"Asia/Manila", 480},
                           zone{"Asia/Muscat", 240},
                           zone{"Asia/Phnom_Penh", 420},
                           zone{"Asia/Pontianak", 420},
                           zone{"Asia/Qatar", 180},
                           zone{"Asia/Riyadh", 180},
                           zone{"Asia/Seoul", 540},
                           zone{"Asia/Shanghai", 480},
                           zone{"Asia/Singapore", 480},
                           zone{"Asia/Taipei", 480},
                           zone{"Asia/Tashkent", 300},
                           zone{"Asia/Tokyo", 540},
                           zone{"Asia/Vientiane", 420},
                           zone{"Asia/Yangon", 390},
                           zone{"Australia/Brisbane", 600},
                           zone{"Australia/Darwin", 570},
                           zone{"Australia/Perth", 480},
                           zone{"Etc/UTC", 0},
                           zone{"Pacific/Port_Moresby", 600},
                           zone{"UTC", 0}};
static_assert(std::ranges::is_sorted(zones, {}, &zone::name));

}  // namespace

std::optional<civil_date> parse_date(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-')
    return std::nullopt;
  const auto y = digits(text, 0, 4);
  const auto m = digits(text, 5, 2);
  const auto d = digits(text, 8, 2);
  if (!y || !m || !d)
    return std::nullopt;
  const civil_date date{std::chrono::year{*y}, std::chrono::month{static_cast<unsigned>(*m)}, std::chrono::day{static_cast<unsigned>(*d)}};
  return date.ok() ? std::optional{date} : std::nullopt;
}

std::string format_date(civil_date date) {
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()));
}

std::optional<std::uint16_t> parse_minute(std::string_view text) {
  if (text.size() != 5 || text[2] != ':')
    return std::nullopt;
  const auto h = digits(text, 0, 2);
  const auto m = digits(text, 3, 2);
  if (!h || !m || *h > 23 || *m > 59)
    return std::nullopt;
  return static_cast<std::uint16_t>(*h * 60 + *m);
}

std::string format_minute(std::uint16_t minute) { return fmt::format("{:02}:{:02}", minute / 60, minute % 60); }

std::optional<unix_ms> parse_moment(std::string_view text) {
  const auto date = text.size() >= 20 ? parse_date(text.substr(0, 10)) : std::nullopt;
  if (!date || (text[10] != 'T' && text[10] != 't') || text[16] != ':')
    return std::nullopt;
  const auto minute = parse_minute(text.substr(11, 5));
  const auto second = digits(text, 17, 2);
  if (!minute || !second || *second > 59)
    return std::nullopt;
  auto rest = text.substr(19);
  std::int64_t ms = 0;
  if (!rest.empty() && rest[0] == '.') {
    std::size_t n = 1;
    std::int64_t unit = 100;
    for (; n < rest.size() && rest[n] >= '0' && rest[n] <= '9'; ++n, unit /= 10)
      ms += (rest[n] - '0') * unit;
    if (n == 1)
      return std::nullopt;
    rest.remove_prefix(n);
  }
  std::int64_t offset_minutes = 0;
  if (rest.size() == 6 && (rest[0] == '+' || rest[0] == '-')) {
    const auto o = parse_minute(rest.substr(1));
    if (!o)
      return std::nullopt;
    offset_minutes = rest[0] == '+' ? *o : -std::int64_t{*o};
  } else if (rest != "Z" && rest != "z") {
    return std::nullopt;
  }
  const std::int64_t day_ms = 86'400'000;
  return unix_ms{day_number_of(*date) * day_ms + (*minute - offset_minutes) * 60'000 + *second * 1000 + ms};
}

std::string format_utc(unix_ms moment) {
  using namespace std::chrono;
  const sys_time<milliseconds> t{milliseconds{moment.value}};
  const auto day = floor<days>(t);
  const hh_mm_ss time{t - day};
  return fmt::format("{}T{:02}:{:02}:{:02}.{:03}Z", format_date(civil_date{day}), time.hours().count(), time.minutes().count(),
                     time.seconds().count(), time.subseconds().count());
}

std::int32_t day_number_of(civil_date date) { return static_cast<std::int32_t>(std::chrono::sys_days{date}.time_since_epoch().count()); }

int age_on(civil_date birth, civil_date on) {
  int age = static_cast<int>(on.year()) - static_cast<int>(birth.year());
  if (on.month() < birth.month() || (on.month() == birth.month() && on.day() < birth.day()))
    --age;
  return age;
}

std::optional<std::chrono::minutes> zone_offset(std::string_view iana_name) {
  const auto found = std::ranges::lower_bound(zones, iana_name, {}, &zone::name);
  if (found == zones.end() || found->name != iana_name)
    return std::nullopt;
  return std::chrono::minutes{found->minutes};
}

civil_date date_at(unix_ms moment, std::chrono::minutes offset) {
  using namespace std::chrono;
  return civil_date{floor<days>(sys_time<milliseconds>{milliseconds{moment.value} + offset})};
}

unix_ms start_of_day(civil_date date, std::chrono::minutes offset) {
  return unix_ms{std::chrono::milliseconds{std::chrono::sys_days{date}.time_since_epoch() - offset}.count()};
}

std::string format_local(unix_ms moment, std::chrono::minutes offset) {
  using namespace std::chrono;
  const auto date = date_at(moment, offset);
  const hh_mm_ss time{floor<seconds>(milliseconds{moment.value - start_of_day(date, offset).value})};
  const auto distance = abs(offset).count();
  return fmt::format("{}T{:02}:{:02}:{:02}{}{:02}:{:02}", format_date(date), time.hours().count(), time.minutes().count(),
                     time.seconds().count(), offset.count() < 0 ? '-' : '+', distance / 60, distance % 60);
}

}  // namespace janji
