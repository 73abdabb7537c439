#include "booking/import_table.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <tuple>

#include "booking/ascii_case.hpp"
#include "booking/nearest_name.hpp"
#include "booking/text_rules.hpp"

namespace janji {

namespace {

// A column's name as it is compared: " Capacity per day" is capacity_per_day.
std::string column_name_of(std::string_view written) {
  std::string out;
  for (const char c : without_blanks_around(written))
    if (c == ' ' || c == '-' || c == '_') {
      if (!out.ends_with('_'))
        out.push_back('_');
    } else {
      out.push_back(lower_letter(c));
    }
  return out;
}

std::string_view words_of_separator(char c) {
  switch (c) {
    case ';': return "semicolons";
    case '\t': return "tabs";
    case '|': return "bars";
    default: return "commas";
  }
}

constexpr std::string_view how_to_save = "Save the file as \"CSV UTF-8\" (Excel: Save As; LibreOffice: Character set Unicode (UTF-8)).";

// In the order of the file, and of several at one place as they were found.
constexpr auto in_file_order = [](const auto& a, const auto& b) {
  return std::tuple(a.error.line, a.error.position, a.number) < std::tuple(b.error.line, b.error.position, b.number);
};

}  // namespace

std::string quoted_field(std::string_view text) { return text.empty() ? "Nothing" : fmt::format("\"{}\"", shown_text(text)); }

void import_faults::push(numbered&& one) {
  if (list_.size() == limits::import_errors_max) {
    std::ranges::pop_heap(list_, in_file_order);
    list_.pop_back();
  }
  list_.push_back(std::move(one));
  std::ranges::push_heap(list_, in_file_order);
}

void import_faults::list_into(std::vector<import_error>& all) {
  std::ranges::sort_heap(list_, in_file_order);
  for (auto& one : list_)
    all.push_back(std::move(one.error));
  if (count_ > list_.size() || !all_counted_)
    all.push_back({file_,
                   0,
                   {},
                   "more_errors",
                   fmt::format("There are {}{} more errors in this file.", all_counted_ ? "" : "at least ", count_ - list_.size()),
                   0});
  list_.clear();
}

std::vector<std::string_view> table_columns::all() const {
  auto out = required;
  out.insert(out.end(), optional.begin(), optional.end());
  out.insert(out.end(), ignored.begin(), ignored.end());
  return out;
}

import_table::import_table(std::string_view file, table_columns columns, row_handler handle)
    : faults_(shown_text(file, limits::shown_path_characters_max)),
      columns_(std::move(columns)),
      handle_(std::move(handle)),
      at_(columns_.required.size() + columns_.optional.size()) {}

void import_table::feed(std::string_view bytes) {
  if (too_large_)
    return;
  bytes_ += bytes.size();
  if (bytes_ > limits::import_file_bytes_max) {
    too_large_ = true;
    lost({0, 0}, {}, "file_too_large", [] { return "The file is larger than 64 MB."; });
    return;
  }
  read_text(decoder_.feed(bytes));
}

void import_table::finish() {
  if (!too_large_) {
    read_text(decoder_.finish());
    reader_.finish();
  }
  if (decoder_.wrong())
    lost(reader_.at(), {}, decoder_.wrong()->code, [&] { return std::string(decoder_.wrong()->words); });
  if (first_bad_) {
    const auto& [at, byte] = *first_bad_;
    faults_.add(at, {}, "not_utf8", [&] {
      const auto meant = windows_1252(byte);
      const auto more = bad_lines_ == 1 ? "" : fmt::format(" So it is in {} of its lines.", bad_lines_);
      return fmt::format("The byte {:02X} here is not UTF-8{}. {}{}", byte,
                         meant.empty() ? "" : fmt::format(" (\"{}\" in Windows-1252)", meant), how_to_save, more);
    });
    complete_ = false;
  }
  if (!has_header_ && faults_.count() == 0)
    lost({1, 0}, {}, "no_header",
         [&] { return fmt::format("The first line must name the columns: {}.", fmt::join(columns_.required, ", ")); });
  if (!decoder_.converted_from().empty())
    note(0, {}, fmt::format("The file is {}.", decoder_.converted_from()));
  if (blank_rows_ != 0)
    note(0, {}, fmt::format("Rows with nothing in them are left out: {}.", blank_rows_));
}

void import_table::read_text(std::string_view text) { reader_.feed(text); }

void import_table::lost(csv_place at, std::string_view column, std::string_view code, const std::function<std::string()>& detail) {
  complete_ = false;
  faults_.add(at, column, code, detail);
}

// The one with which most names are known.
char import_table::separator_of(std::string_view first_line) {
  const auto known = columns_.all();
  char best = ',';
  std::size_t most = 0;
  for (const char c : {',', ';', '\t', '|'}) {
    std::size_t count = 0;
    for (auto rest = first_line; !rest.empty();) {
      const auto end = std::min(rest.find(c), rest.size());
      auto name = without_blanks_around(rest.substr(0, end));
      if (name.size() > 1 && name.starts_with('"') && name.ends_with('"'))
        name = name.substr(1, name.size() - 2);
      count += std::ranges::find(known, column_name_of(name)) != known.end() ? 1 : 0;
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    if (count > most) {
      most = count;
      best = c;
    }
  }
  if (best != ',')
    note(0, {}, fmt::format("Its columns are parted by {}.", words_of_separator(best)));
  return best;
}

void import_table::malformed(csv_place at, std::string_view detail) {
  lost(at, {}, "malformed_csv", [&] { return std::string(detail); });
  has_header_ = true;  // after a first line that cannot be read, the second would pass for it
}

void import_table::not_utf8(csv_place at, unsigned char byte) {
  if (!first_bad_)
    first_bad_ = {at, byte};
  ++bad_lines_;
  last_bad_line_ = at.line;
}

void import_table::row(std::span<csv_field> row, std::size_t fields) {
  if (std::ranges::all_of(row, [](const csv_field& f) { return f.text.empty(); }) && fields <= row.size()) {
    ++blank_rows_;
    return;
  }
  if (fields > limits::import_columns_max)
    return lost({row.front().at.line, 0}, {}, "too_many_fields", [] { return "A line has at most 64 fields."; });
  if (!has_header_)
    return header(row);
  if (!usable_ || !fits(row))
    return;
  std::vector<csv_field*> given(at_.size());
  for (std::size_t i = 0; i < at_.size(); ++i)
    if (at_[i])
      given[i] = &row[*at_[i]];
  ++rows_;
  handle_(given, last_bad_line_ < row.front().at.line);
}

void import_table::header(std::span<csv_field> row) {
  has_header_ = true;
  const auto line = row.front().at.line;
  const auto known = columns_.all();
  named_.assign(row.size(), true);
  std::set<std::string> seen;
  std::size_t found = 0;
  std::vector<const csv_field*> unknown;
  for (std::size_t i = 0; i < row.size(); ++i) {
    const auto name = column_name_of(row[i].text);
    if (name.empty()) {
      named_[i] = false;
    } else if (std::ranges::find(known, name) == known.end()) {
      unknown.push_back(&row[i]);
    } else if (!seen.insert(name).second) {
      lost(row[i].at, name, "column_twice", [&] { return fmt::format("The column {} stands twice.", name); });
    } else {
      ++found;
      if (const auto n = static_cast<std::size_t>(std::ranges::find(known, name) - known.begin()); n < at_.size())
        at_[n] = i;
    }
  }
  if (found == 0)
    return lost({line, 0}, {}, "no_header", [&] {
      return fmt::format("The first line must name the columns: {}. It begins \"{}\".", fmt::join(columns_.required, ", "),
                         shown_text(row.front().text));
    });
  usable_ = true;
  for (std::size_t i = 0; i < columns_.required.size(); ++i)
    if (!at_[i])
      lost({line, 0}, columns_.required[i], "column_missing",
           [&] { return fmt::format("The column {} is missing.", columns_.required[i]); });
  for (const auto* f : unknown)
    lost(f->at, shown_text(f->text), "column_unknown", [&] {
      const auto near = nearest_name(column_name_of(f->text), known);
      return fmt::format("The column {} is not known{}", shown_text(f->text), near.empty() ? "." : fmt::format("; is {} meant?", near));
    });
}

// Whether a row has a field for each column that is read, and nothing where no column is.
bool import_table::fits(std::span<csv_field> row) {
  const auto line = row.front().at.line;
  const auto count = [&] {
    return fmt::format("The line has {} fields, the header {}; a text with the separator in it needs quotes around it.", row.size(),
                       named_.size());
  };
  const bool short_of = std::ranges::any_of(at_, [&](const auto& at) { return at && *at >= row.size(); });
  const bool beyond =
      row.size() > named_.size() && std::ranges::any_of(row.subspan(named_.size()), [](const csv_field& f) { return !f.text.empty(); });
  if (short_of || beyond) {
    lost({line, 0}, {}, "wrong_number_of_fields", count);
    return false;
  }
  for (std::size_t i = 0; i < std::min(row.size(), named_.size()); ++i)
    if (!named_[i] && !row[i].text.empty() && blamed_.insert(i).second)
      lost(row[i].at, {}, "column_unknown",
           [&] { return fmt::format("Column {} has no name in the first line, but \"{}\" stands here.", i + 1, shown_text(row[i].text)); });
  return true;
}

}  // namespace janji
