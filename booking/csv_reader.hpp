// Owns the reading of one file of separated columns, piece by piece: rows come out as soon as they are whole, and a row that is no
// CSV costs that row alone. libcsv takes the fields apart (RFC 4180, with another separator where the file has one); where they begin
// is found by a scan of its own, which cuts the text at the line breaks that are not inside quotes, so that libcsv is given one row
// at a time. Lines end in LF, CRLF or CR. Takes any bytes; not thread-safe.
#pragma once

#include <csv.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace janji {

// Where something stands in a file: both from 1, the position in characters.
struct csv_place {
  std::size_t line = 1;
  std::size_t position = 1;
};

struct csv_field {
  std::string text;  // without the blanks around it
  csv_place at;
};

namespace limits {
inline constexpr std::size_t import_columns_max = 64;
inline constexpr std::size_t import_cell_bytes_max = 64 * 1024;  // of a quoted one; a spreadsheet's has 32,767 characters
}  // namespace limits

class csv_events {
public:
  virtual ~csv_events() = default;
  // Of the first line that has something in it, unless it is "sep=;".
  virtual char separator_of(std::string_view first_line) = 0;
  // Rows of no more than line breaks are left out; fields beyond import_columns_max too, `fields` counts them.
  virtual void row(std::span<csv_field> row, std::size_t fields) = 0;
  // A row that cannot be taken apart.
  virtual void malformed(csv_place at, std::string_view detail) = 0;
  // The first byte of a line that is no UTF-8; the row comes all the same.
  virtual void not_utf8(csv_place at, unsigned char byte) = 0;
};

class csv_reader {
public:
  explicit csv_reader(csv_events& to);
  ~csv_reader();
  csv_reader(const csv_reader&) = delete;
  csv_reader& operator=(const csv_reader&) = delete;

  void feed(std::string_view text);
  void finish();  // nothing more will come
  // Where the next piece would begin.
  [[nodiscard]] csv_place at() const { return next_; }

private:
  enum class inside : std::uint8_t { field_start, plain, quoted, after_quote };
  struct line_break {
    std::size_t bytes = 0;  // of the row up to behind it
    csv_place next;
  };

  std::size_t take_rows(std::string_view text, bool last);
  std::optional<std::size_t> take_head(std::string_view text, bool last);
  std::optional<std::size_t> scan_row(std::string_view text, bool last);
  bool step(std::string_view text, std::size_t bytes);
  void begin_row(csv_place at);
  void parse(std::string_view row);
  std::size_t give_up_quote(std::string_view text);
  [[nodiscard]] csv_place place_in(std::string_view row, std::size_t byte) const;
  static void on_field(void* text, std::size_t size, void* self);
  static void on_row(int, void* self);

  csv_events& to_;
  csv_parser parser_{};
  std::optional<char> separator_;
  std::string rest_;  // of a row that is not whole yet

  // Of the row at hand, as far as it was scanned.
  std::size_t scanned_ = 0;
  inside state_ = inside::field_start;
  csv_place next_;                   // of the next character
  std::vector<csv_place> starts_;    // of its fields
  std::size_t quote_at_ = 0;         // where the quoted field began
  std::optional<line_break> break_;  // the first one in it
  std::size_t bad_line_ = 0;         // the last that was said to be no UTF-8

  std::vector<csv_field> row_;
  std::size_t fields_ = 0;  // of the row, also those left out
};

}  // namespace janji
