// Days, times and numbers as spreadsheets write them into files of text. Read is what can be meant in one way only; of a day that
// can be meant in several all readings are given, since the rest of its column may tell which it is. An error is the end of a
// sentence that begins with the text: what it is not, and what to write. Pure; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "booking/civil_time.hpp"

namespace janji {

enum class day_order : std::uint8_t { day_first, month_first, year_first };
inline constexpr std::size_t day_order_count = 3;

// 2021-06-07; 7/6/2021, 07.06.21, 2021/6/7, 7-Jun-21, 7 Jun 2021, June 7, 2021, months in English or Malay; midnight may follow.
struct day_readings {
  std::array<std::optional<civil_date>, day_order_count> by;  // by order; those that exist
  bool short_year = false;                                    // of two digits, read as of this century
  bool month_in_words = false;
  bool as_wanted = false;  // YYYY-MM-DD
  [[nodiscard]] const std::optional<civil_date>& in(day_order order) const { return by[static_cast<std::size_t>(order)]; }
};
[[nodiscard]] std::expected<day_readings, std::string> read_day(std::string_view text);

// 09:00; 9:00, 9.00, 9:00:00, 9:00 AM, 2pm, 2.30 PTG.
struct time_reading {
  std::uint16_t minute = 0;
  bool as_wanted = false;         // HH:MM
  bool may_be_afternoon = false;  // from 1:00 to 7:59 in one digit, with no word of the half of the day
  bool of_24_hours = false;       // from 13:00 on, with no such word either
};
[[nodiscard]] std::expected<time_reading, std::string> read_time(std::string_view text);

struct whole_reading {
  std::uint64_t value = 0;
  bool as_wanted = false;  // digits alone
};
// 1000; 1 000, 1,000,000, 1'000, 1000.00. Not 1,000 or 1.000: to some that is one.
[[nodiscard]] std::expected<whole_reading, std::string> read_whole(std::string_view text);

struct decimal_reading {
  double value = 0;
  bool as_wanted = false;
};
// 3.139; 3,139 (a comma alone cannot part thousands of degrees), +3.1, and a minus as typographers write it.
[[nodiscard]] std::optional<decimal_reading> read_degrees(std::string_view text);

}  // namespace janji
