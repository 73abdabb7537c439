// A round from two CSV files: all of it or nothing, every error with file, line and column. Pure: takes text, gives values;
// any thread.
#pragma once

#include <cstddef>
#include <expected>
#include <string>
#include <vector>

#include "booking/booking_end.hpp"
#include "booking/round.hpp"

namespace janji {

struct import_file {
  std::string name;  // as the operator knows it
  std::string text;
};

struct import_error {
  std::string file;
  std::size_t line = 0;  // from 1; 0: the file as a whole
  std::string column;    // its name
  std::string code;
  std::string detail;
  std::size_t position = 0;  // where the field begins in its line, in characters from 1; 0: no one field
  friend bool operator==(const import_error&, const import_error&) = default;
};

namespace limits {
inline constexpr std::size_t import_file_bytes_max = std::size_t{64} << 20;
inline constexpr std::size_t import_columns_max = 64;
inline constexpr std::size_t import_errors_max = 1'000;  // listed; then one more, "more_errors"
}  // namespace limits

// `settings` carries code, name, zone, times and rules; centres and groups come from the files.
//   centres      code, name, state, district, latitude, longitude; and, not read: capacity_per_day, capacity_source
//   slot_groups  centre, date, opens, closes, capacity; a day of several windows has as many rows; and, where it is there, book_until:
//                of this window, as in booking/booking_end.hpp, or nothing, then that of the round, which is `until`
// The first row names the columns, in any order; one missing or unknown is an error. UTF-8 with or without a byte order mark,
// lines ending in LF or CRLF, quotes as in RFC 4180; a line break inside quotes counts as a line and reads as a space. A centre
// that is not listed or stands twice, a date that does not exist, a window that stands twice or overlaps another: all errors.
// Whatever is wrong with the settings is told under the file name "round".
[[nodiscard]] std::expected<round_definition, std::vector<import_error>> import_round(round_definition settings, const import_file& centres,
                                                                                      const import_file& slot_groups,
                                                                                      const booking_end& until = {});

}  // namespace janji
