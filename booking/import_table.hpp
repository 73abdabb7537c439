// One of the files that a round is imported from: its bytes decoded and taken apart, its columns found by name, what is wrong with it
// collected, and how it was read where that is not as written. Not thread-safe.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "booking/csv_reader.hpp"
#include "booking/file_text.hpp"
#include "booking/round_import.hpp"

namespace janji {

// What is wrong with one file: the first errors in its order, whenever they are found, and the number of all.
class import_faults {
public:
  explicit import_faults(std::string file) : file_(std::move(file)) {}

  // `detail()` makes the words, only where they may be listed.
  template <class Words>
  void add(csv_place at, std::string_view column, std::string_view code, Words&& detail) {
    ++count_;
    if (list_.size() == limits::import_errors_max && !is_before(at, list_.front()))
      return;
    push({{file_, at.line, std::string(column), std::string(code), std::string(std::forward<Words>(detail)()), at.position}, count_});
  }
  [[nodiscard]] std::size_t count() const { return count_; }
  void not_all_counted() { all_counted_ = false; }  // and there are some that were not added
  [[nodiscard]] const std::string& file() const { return file_; }
  // Appends them, and how many more there are.
  void list_into(std::vector<import_error>& all);

private:
  struct numbered {
    import_error error;
    std::size_t number = 0;
  };
  static bool is_before(csv_place at, const numbered& other) {
    return std::pair(at.line, at.position) < std::pair(other.error.line, other.error.position);
  }
  void push(numbered&& one);

  std::string file_;
  std::vector<numbered> list_;  // a heap, the last of the file in front
  std::size_t count_ = 0;
  bool all_counted_ = true;
};

// What a message says of a field.
[[nodiscard]] std::string quoted_field(std::string_view text);

struct table_columns {
  std::vector<std::string_view> required;
  std::vector<std::string_view> ignored;
  std::vector<std::string_view> optional;  // given to the handler behind those that are required
  [[nodiscard]] std::vector<std::string_view> all() const;
};

class import_table : private csv_events {
public:
  // The fields in the order of `required` and then of `optional`, null where the file lacks the column. `is_text`: the row is UTF-8.
  using row_handler = std::function<void(std::span<csv_field* const> fields, bool is_text)>;

  import_table(std::string_view file, table_columns columns, row_handler handle);

  void feed(std::string_view bytes);
  void finish();

  import_faults& faults() { return faults_; }
  // The first of each kind is noted: what was read in which way.
  template <class Words>
  void note_once(std::string_view kind, std::size_t line, std::string_view column, Words&& detail) {
    if (noted_.contains(kind))
      return;
    noted_.emplace(kind);
    note(line, std::string(column), std::forward<Words>(detail)());
  }
  void note(std::size_t line, std::string column, std::string detail) {
    readings_.push_back({faults_.file(), line, std::move(column), std::move(detail)});
  }
  [[nodiscard]] const std::vector<import_reading>& readings() const { return readings_; }
  [[nodiscard]] std::size_t rows() const { return rows_; }
  // Whether every row could be given to the handler, with all its columns.
  [[nodiscard]] bool complete() const { return complete_; }

private:
  char separator_of(std::string_view first_line) override;
  void row(std::span<csv_field> row, std::size_t fields) override;
  void malformed(csv_place at, std::string_view detail) override;
  void not_utf8(csv_place at, unsigned char byte) override;

  void read_text(std::string_view text);
  void header(std::span<csv_field> row);
  bool fits(std::span<csv_field> row);
  void lost(csv_place at, std::string_view column, std::string_view code, const std::function<std::string()>& detail);

  import_faults faults_;
  table_columns columns_;
  row_handler handle_;
  text_decoder decoder_;
  csv_reader reader_{*this};
  std::vector<import_reading> readings_;
  std::set<std::string, std::less<>> noted_;

  std::vector<std::optional<std::size_t>> at_;  // of the columns that are read, in the file's rows
  std::vector<bool> named_;                     // of the file's columns
  std::set<std::size_t> blamed_;                // of those without a name
  std::size_t bytes_ = 0;
  std::size_t rows_ = 0;
  std::size_t blank_rows_ = 0;
  bool has_header_ = false;
  bool usable_ = false;
  bool complete_ = true;
  bool too_large_ = false;

  std::optional<std::pair<csv_place, unsigned char>> first_bad_;
  std::size_t bad_lines_ = 0;
  std::size_t last_bad_line_ = 0;
};

}  // namespace janji
