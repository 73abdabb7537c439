// A round from two CSV files, as people save them: all of it or nothing, and everything that is wrong at once, with file, line and
// column. Read is what can be meant in one way only; the rest is refused with what to write instead. Takes bytes in pieces of any
// size, gives values; not thread-safe.
#pragma once

#include <cstddef>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
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

// How something was read that is not written as these pages have it, in words: an operator looks whether it was meant so.
struct import_reading {
  std::string file;
  std::size_t line = 0;  // of an example; 0: the file as a whole
  std::string column;
  std::string detail;
  friend bool operator==(const import_reading&, const import_reading&) = default;
};

namespace limits {
inline constexpr std::size_t import_file_bytes_max = std::size_t{64} << 20;
inline constexpr std::size_t import_errors_max = 100;     // listed of each file; then one more, "more_errors", with their number
inline constexpr std::size_t import_unsure_max = 10'000;  // dates and times of a file that wait for the rest of it to be told about
}  // namespace limits

//   centres      code, name, state, district, latitude, longitude; and, not read: capacity_per_day, capacity_source
//   slot_groups  centre, date, opens, closes, capacity; a day of several windows has as many rows; and, where it is there, book_until:
//                of this window, as in booking/booking_end.hpp, or nothing, then that of the round, which is `until`
// The first row names the columns, in any order; case, spaces, dashes and underscores in their names do not matter. Dates
// are YYYY-MM-DD and times HH:MM; what booking/spreadsheet_values.hpp knows besides is read too. A date such as 7/6/2021 is read as other
// rows of its file show which is the day; where none does, it is refused. UTF-8 or UTF-16 (booking/file_text.hpp); columns parted
// by commas, semicolons, tabs or bars, told by the first row or by "sep=;" before it; lines ending in LF, CRLF or CR; quotes as in
// RFC 4180; a line break inside quotes counts as a line and reads as a space. Left out are rows with nothing in them and columns without
// a name and with nothing in them. A centre that is not listed or stands twice, a date that does not exist, a window that stands
// twice or overlaps another: all errors. What is wrong with the settings is told under the file name "round".
class round_importer {
public:
  round_importer(std::string_view centres_name, std::string_view slot_groups_name);
  ~round_importer();
  round_importer(const round_importer&) = delete;
  round_importer& operator=(const round_importer&) = delete;

  // The files' bytes as they come, in either order.
  void centres(std::string_view bytes);
  void slot_groups(std::string_view bytes);
  // `settings` carries code, name, zone, times and rules; `told` names those of which was said already that they cannot be read: what
  // follows from it is not said again.
  [[nodiscard]] std::expected<round_definition, std::vector<import_error>> finish(round_definition settings,
                                                                                  const std::vector<std::string>& told = {},
                                                                                  std::vector<import_reading>* readings = nullptr,
                                                                                  const booking_end& until = {});

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

// Both files at once.
[[nodiscard]] std::expected<round_definition, std::vector<import_error>> import_round(round_definition settings, const import_file& centres,
                                                                                      const import_file& slot_groups,
                                                                                      const std::vector<std::string>& told = {},
                                                                                      std::vector<import_reading>* readings = nullptr,
                                                                                      const booking_end& until = {});

}  // namespace janji
