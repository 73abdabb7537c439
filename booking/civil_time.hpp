// Dates, hours and moments as text, strictly. Pure: nobody here knows what time it is.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "booking/types.hpp"

namespace janji {

using civil_date = std::chrono::year_month_day;

[[nodiscard]] std::optional<civil_date> parse_date(std::string_view text);  // YYYY-MM-DD, a date that exists
[[nodiscard]] std::string format_date(civil_date date);
[[nodiscard]] std::optional<std::uint16_t> parse_minute(std::string_view text);  // HH:MM -> minutes of the day
[[nodiscard]] std::string format_minute(std::uint16_t minute);
[[nodiscard]] std::optional<unix_ms> parse_moment(std::string_view text);  // RFC 3339, with Z or an offset; no leap seconds
[[nodiscard]] std::string format_utc(unix_ms moment);                      // 2021-05-26T04:00:00.123Z
[[nodiscard]] std::int32_t day_number_of(civil_date date);                 // days since 1970-01-01
// Whole years between birth and `on`; born on 29 February: the birthday of other years is 1 March.
[[nodiscard]] int age_on(civil_date birth, civil_date on);

// Offset from UTC of an IANA zone whose clocks have not changed since 2021 and are not due to: Malaysia, its neighbours and
// others without summer time. A table and not the system's own zone files, because every node must come to the same day
// whatever its tzdata says; a zone with summer time is none.
[[nodiscard]] std::optional<std::chrono::minutes> zone_offset(std::string_view iana_name);
[[nodiscard]] civil_date date_at(unix_ms moment, std::chrono::minutes offset);
[[nodiscard]] unix_ms start_of_day(civil_date date, std::chrono::minutes offset);
[[nodiscard]] std::string format_local(unix_ms moment, std::chrono::minutes offset);  // 2021-05-26T12:00:00+08:00

}  // namespace janji
