#include "booking/round_import.hpp"

#include <csv.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <tuple>
#include <utility>

#include "booking/civil_time.hpp"
#include "booking/states.hpp"

namespace janji {

namespace {

// Where something stands in a file: both from 1, the position in characters.
struct place {
  std::size_t line = 1;
  std::size_t position = 1;
};

struct csv_field {
  std::string text;
  place at;
};

class error_list {
public:
  void add(const std::string& file, place at, std::string column, std::string code, std::string detail) {
    if (full())
      not_read_on(file);
    else
      list_.push_back({file, at.line, std::move(column), std::move(code), std::move(detail), at.position});
  }
  void not_read_on(const std::string& file) { more_ = file; }
  [[nodiscard]] bool full() const { return list_.size() == limits::import_errors_max; }
  [[nodiscard]] std::size_t size() const { return list_.size(); }
  // In the order of the file: some are found only when all rows are read.
  void sort_from(std::size_t first) {
    std::ranges::stable_sort(list_.begin() + static_cast<std::ptrdiff_t>(first), list_.end(), {},
                             [](const import_error& e) { return std::pair(e.line, e.position); });
  }
  std::vector<import_error> take() && {
    if (more_)
      list_.push_back({*more_, 0, {}, "more_errors", "There may be more errors than are listed here."});
    return std::move(list_);
  }

private:
  std::vector<import_error> list_;
  std::optional<std::string> more_;
};

bool continues(char c) { return (static_cast<unsigned char>(c) & 0xc0U) == 0x80U; }

// Bytes of the character at the front of `s`; 0 when it is not UTF-8 (RFC 3629: no overlong forms, no surrogates).
std::size_t character_bytes(std::string_view s) {
  const auto c = static_cast<unsigned char>(s[0]);
  if (c < 0x80)
    return 1;
  const std::size_t n = c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;
  if (n == 0 || s.size() < n || !std::ranges::all_of(s.substr(1, n - 1), continues))
    return 0;
  const auto second = static_cast<unsigned char>(s[1]);
  const bool overlong = (c == 0xe0 && second < 0xa0) || (c == 0xf0 && second < 0x90);
  const bool beyond = (c == 0xed && second >= 0xa0) || (c == 0xf4 && second >= 0x90);
  return overlong || beyond ? 0 : n;
}

// One CSV file, row by row. libcsv takes the fields apart; where they begin is found by a scan of its own, which cuts the
// text at the line breaks that are not inside quotes, so that libcsv is given one row at a time.
class csv_reader {
public:
  using row_handler = std::function<void(std::span<csv_field> row)>;  // fields beyond import_columns_max are left out

  csv_reader(const import_file& file, error_list& errors) : file_(file), errors_(errors) {
    csv_init(&parser_, CSV_STRICT | CSV_STRICT_FINI);
  }
  ~csv_reader() { csv_free(&parser_); }
  csv_reader(const csv_reader&) = delete;
  csv_reader& operator=(const csv_reader&) = delete;

  // Stops at the first row that is no CSV, and when no more errors would be listed.
  void read(const row_handler& handle) {
    std::string_view text = file_.text;
    if (text.size() > limits::import_file_bytes_max)
      return errors_.add(file_.name, {0, 0}, {}, "file_too_large", "The file is larger than 64 MB.");
    if (text.starts_with("\xef\xbb\xbf"))
      text.remove_prefix(3);
    handle_ = &handle;
    while (!text.empty() && !errors_.full()) {
      const auto size = scan_row(text);
      const bool last = size == text.size();
      if (!parse(text.substr(0, size), last) || (bad_ && starts_.front().line == 1))
        return;  // after a first line that cannot be read, the second would pass for the header
      text.remove_prefix(size);
    }
    if (!text.empty())
      errors_.not_read_on(file_.name);
  }

private:
  // Notes where the row's fields begin; gives its bytes with the line break that ends it.
  std::size_t scan_row(std::string_view text) {
    starts_.assign(1, next_);
    bad_ = false;
    bool quoted = false;
    for (std::size_t i = 0; i < text.size();) {
      const char c = text[i];
      const auto bytes = character_bytes(text.substr(i));
      if (bytes == 0 && !std::exchange(bad_, true))
        errors_.add(file_.name, next_, {}, "not_utf8", "The line is not UTF-8.");
      i += std::max<std::size_t>(bytes, 1);
      ++next_.position;
      if (c == '\n' || (c == '\r' && (i == text.size() || text[i] != '\n')))
        next_ = {next_.line + 1, 1};
      if (c == '"')
        quoted = !quoted;
      else if (c == ',' && !quoted && starts_.size() < limits::import_columns_max)
        starts_.push_back(next_);
      else if ((c == '\n' || c == '\r') && !quoted)
        return c == '\r' && i < text.size() && text[i] == '\n' ? finish_line(i + 1) : i;
    }
    return text.size();
  }
  std::size_t finish_line(std::size_t size) {
    next_ = {next_.line + 1, 1};
    return size;
  }

  bool parse(std::string_view row, bool last) {
    const auto taken = csv_parse(&parser_, row.data(), row.size(), on_field, on_row, this);
    if (taken == row.size() && (!last || csv_fini(&parser_, on_field, on_row, this) == 0))
      return true;
    const bool open = taken == row.size();
    errors_.add(file_.name, open ? starts_.back() : place_in(row, taken), {}, "malformed_csv",
                open ? "A quoted field is not closed." : "A quote stands where none can be; inside a quoted field it is written twice.");
    return false;
  }
  [[nodiscard]] place place_in(std::string_view row, std::size_t byte) const {
    auto at = starts_.front();
    for (std::size_t i = 0; i < byte; ++i) {
      if (row[i] == '\n')
        at = {at.line + 1, 1};
      else if (!continues(row[i]))
        ++at.position;
    }
    return at;
  }

  static void on_field(void* text, std::size_t size, void* self) {
    auto& r = *static_cast<csv_reader*>(self);
    ++r.count_;
    if (r.row_.size() < limits::import_columns_max)
      r.row_.push_back({std::string(static_cast<const char*>(text), size), r.starts_[std::min(r.row_.size(), r.starts_.size() - 1)]});
  }
  static void on_row(int, void* self) {
    auto& r = *static_cast<csv_reader*>(self);
    if (r.count_ > limits::import_columns_max)
      r.errors_.add(r.file_.name, {r.row_.front().at.line, 0}, {}, "too_many_fields", "A line has at most 64 fields.");
    else if (!r.bad_)
      (*r.handle_)(r.row_);
    r.row_.clear();
    r.count_ = 0;
  }

  const import_file& file_;
  error_list& errors_;
  const row_handler* handle_ = nullptr;
  csv_parser parser_{};
  place next_;                 // of the next character
  std::vector<place> starts_;  // of the fields of the row at hand
  std::vector<csv_field> row_;
  std::size_t count_ = 0;  // fields of the row, also those left out
  bool bad_ = false;       // the row at hand is not UTF-8
};

template <std::size_t N>
using column_names = std::array<std::string_view, N>;

// A file whose columns are found by name.
template <std::size_t Required, std::size_t Ignored, std::size_t Optional = 0>
class named_columns {
public:
  using fields_of_row = std::array<csv_field*, Required + Optional>;
  named_columns(const import_file& file, error_list& errors, column_names<Required> required, column_names<Ignored> ignored,
                column_names<Optional> optional = {})
      : file_(file), errors_(errors), required_(required), ignored_(ignored), optional_(optional) {}

  // `handle` gets the fields in the order of `required`, then of `optional`, none of those that the file has not. False when a row was
  // lost: to a useless header, or not to be read.
  bool read(const std::function<void(const fields_of_row&)>& handle) {
    const auto errors_before = errors_.size();
    std::size_t errors_of_fields = 0;
    csv_reader(file_, errors_).read([&](std::span<csv_field> row) {
      if (width_ == 0)
        return header(row);
      if (!good_)
        return;
      if (row.size() != width_)
        return errors_.add(file_.name, {row.front().at.line, 0}, {}, "wrong_number_of_fields",
                           fmt::format("The line has {} fields, the header {}.", row.size(), width_));
      fields_of_row fields{};
      for (std::size_t i = 0; i < fields.size(); ++i)
        fields[i] = at_[i] < row.size() ? &row[at_[i]] : nullptr;
      const auto errors_in_rows = errors_.size();
      handle(fields);
      errors_of_fields += errors_.size() - errors_in_rows;
      ++rows_;
    });
    if (width_ == 0 && errors_.size() == errors_before)
      errors_.add(file_.name, {1, 0}, {}, "no_header", "The first line must name the columns.");
    return errors_.size() == errors_before + errors_of_fields;
  }
  [[nodiscard]] std::size_t rows() const { return rows_; }

private:
  void header(std::span<csv_field> row) {
    width_ = row.size();
    const auto errors_before = errors_.size();
    for (std::size_t i = 0; i < Required; ++i) {
      at_[i] = static_cast<std::size_t>(std::ranges::find(row, required_[i], &csv_field::text) - row.begin());
      if (at_[i] == row.size())
        errors_.add(file_.name, {row.front().at.line, 0}, std::string(required_[i]), "column_missing",
                    fmt::format("The column {} is missing.", required_[i]));
    }
    for (std::size_t i = 0; i < Optional; ++i)
      at_[Required + i] = static_cast<std::size_t>(std::ranges::find(row, optional_[i], &csv_field::text) - row.begin());
    std::set<std::string_view> seen;
    for (const auto& name : row) {
      const bool known = std::ranges::find(required_, name.text) != required_.end() ||
                         std::ranges::find(ignored_, name.text) != ignored_.end() ||
                         std::ranges::find(optional_, name.text) != optional_.end();
      if (!known)
        errors_.add(file_.name, name.at, name.text, "column_unknown", fmt::format("The column {} is not known.", name.text));
      else if (!seen.insert(name.text).second)
        errors_.add(file_.name, name.at, name.text, "column_twice", fmt::format("The column {} stands twice.", name.text));
    }
    good_ = errors_.size() == errors_before && !errors_.full();
  }

  const import_file& file_;
  error_list& errors_;
  column_names<Required> required_;
  column_names<Ignored> ignored_;
  column_names<Optional> optional_;
  std::array<std::size_t, Required + Optional> at_{};
  std::size_t rows_ = 0;   // handled
  std::size_t width_ = 0;  // fields of the header; 0 before it
  bool good_ = false;
};

template <class Number>
std::optional<Number> number(std::string_view text) {
  Number v{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), v);
  if (error != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return v;
}

// A cell that was wrapped in a spreadsheet is still one line of text.
std::string on_one_line(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (text[i] != '\r' && text[i] != '\n')
      out.push_back(text[i]);
    else if (text[i] == '\n' || i + 1 == text.size() || text[i + 1] != '\n')
      out.push_back(' ');
  return out;
}

// What a message repeats of a field.
std::string_view shown(std::string_view text) {
  constexpr std::size_t bytes_max = 60;
  if (text.size() > bytes_max) {
    text = text.substr(0, bytes_max + 1);
    while (continues(text.back()))
      text.remove_suffix(1);
    text.remove_suffix(1);  // the first character that does not fit
  }
  return text;
}

// False when a row could not be read, so that nothing can be said about a centre that is not there.
bool read_centres(const import_file& file, round_definition& round, error_list& wrong) {
  std::set<std::string> seen;
  named_columns<6, 2> columns(file, wrong, {"code", "name", "state", "district", "latitude", "longitude"},
                              {"capacity_per_day", "capacity_source"});
  const bool complete = columns.read([&](const auto& fields) {
    const auto& [code, name, state, district, latitude, longitude] = fields;
    const auto require = [&](bool right, const csv_field* field, const char* column, const char* what, std::string detail) {
      if (!right)
        wrong.add(file.name, field->at, column, what, std::move(detail));
    };
    if (round.centres.size() == limits::round_centres_max)
      return require(false, code, "code", "too_many_centres", "A round has at most 10,000 centres.");
    const centre c{code->text,
                   on_one_line(name->text),
                   std::string(state_name(state_number(state->text))),
                   on_one_line(district->text),
                   number<double>(latitude->text).value_or(1000),
                   number<double>(longitude->text).value_or(1000)};
    require(good_code(c.code, limits::centre_code_bytes_max), code, "code", "bad_code",
            "A centre's code is 1 to 16 letters, digits and dashes.");
    require(seen.insert(c.code).second, code, "code", "centre_twice", fmt::format("The centre {} stands twice.", shown(c.code)));
    require(good_name(c.name), name, "name", "bad_name", "A centre needs a name of at most 200 bytes.");
    require(!c.state.empty(), state, "state", "unknown_state", fmt::format("{} is no state or federal territory.", shown(state->text)));
    require(good_name(c.district, true), district, "district", "bad_name", "A district's name has at most 200 bytes.");
    require(good_degrees(c.latitude, 90), latitude, "latitude", "bad_latitude", "A latitude is a number from -90 to 90.");
    require(good_degrees(c.longitude, 180), longitude, "longitude", "bad_longitude", "A longitude is a number from -180 to 180.");
    round.centres.push_back(c);
  });
  if (complete && columns.rows() == 0)
    wrong.add(file.name, {0, 0}, {}, "empty", "The file has no centre.");
  return complete;
}

struct group_row {
  std::uint16_t centre = 0;
  civil_date date;
  window_definition window;
  place at;  // of the opening time
};

class group_reader {
public:
  group_reader(const import_file& file, round_definition& round, bool centres_known, const booking_end& until, error_list& wrong)
      : file_(file),
        round_(round),
        centres_known_(centres_known),
        until_(until),
        offset_(zone_offset(round.time_zone).value_or(std::chrono::minutes{0})),
        wrong_(wrong) {
    for (std::size_t i = 0; i < round.centres.size(); ++i)
      centres_.emplace(round.centres[i].code, static_cast<std::uint16_t>(i));
  }

  void read() {
    const auto first = wrong_.size();
    named_columns<5, 0, 1> columns(file_, wrong_, {"centre", "date", "opens", "closes", "capacity"}, {}, {"book_until"});
    const bool complete = columns.read([&](const auto& fields) { row(fields); });
    std::ranges::stable_sort(rows_, {}, [](const group_row& r) { return std::tuple(r.centre, r.date, r.window.opens_minute, r.at.line); });
    for (const auto& r : rows_)
      group(r);
    if (round_.groups.size() > limits::round_groups_max)
      wrong_.add(file_.name, {0, 0}, {}, "too_many_groups", "A round has at most 200,000 centre-days.");
    if (complete && columns.rows() == 0)
      wrong_.add(file_.name, {0, 0}, {}, "empty", "The file has no slot group.");
    wrong_.sort_from(first);
  }

private:
  void row(const std::array<csv_field*, 6>& fields) {
    const auto& [code, day, from, to, places, end] = fields;
    bool good = true;
    const auto require = [&](bool right, const csv_field* field, const char* column, const char* what, std::string_view detail) {
      good = good && right;
      if (!right)
        wrong_.add(file_.name, field->at, column, what, fmt::format("{} {}", field->text.empty() ? "Nothing" : shown(field->text), detail));
    };
    const auto centre = centres_.find(code->text);
    const auto date = parse_date(day->text);
    const auto opens = parse_minute(from->text);
    const auto closes = parse_minute(to->text);
    const auto capacity = number<std::uint32_t>(places->text);
    require(centre != centres_.end() || !centres_known_, code, "centre", "unknown_centre", "is not in the list of centres.");
    require(date.has_value(), day, "date", "bad_date", "is not a date (YYYY-MM-DD).");
    require(opens.has_value(), from, "opens", "bad_time", "is not a time (HH:MM).");
    require(closes.has_value(), to, "closes", "bad_time", "is not a time (HH:MM).");
    require(!opens || !closes || *opens < *closes, to, "closes", "closes_before_opens", "is not later than the opening.");
    require(capacity && *capacity <= limits::capacity_max, places, "capacity", "bad_capacity", "is not a capacity from 0 to 1,000,000.");
    const bool says_end = end != nullptr && !end->text.empty();
    const auto until = says_end ? parse_booking_end(end->text) : std::optional(until_);
    require(until && (!says_end || until->when != booking_end::at::none), says_end ? end : code, "book_until", "bad_book_until",
            "is not opening, closing, or a time before the opening, such as 90m, 24h or 2d.");
    if (!good || centre == centres_.end())
      return;
    window_definition window{*opens, *closes, *capacity};
    window.book_until = instant_of(*until, *date, window, offset_);
    rows_.push_back({centre->second, *date, window, from->at});
  }

  // Rows come sorted by centre, date and opening.
  void group(const group_row& r) {
    auto& groups = round_.groups;
    if (groups.empty() || groups.back().centre != r.centre || groups.back().date != r.date) {
      groups.push_back({{}, r.centre, r.date, {}});
      lines_.clear();
    }
    auto& windows = groups.back().windows;
    const auto refuse = [&](const char* code, std::string detail) { wrong_.add(file_.name, r.at, "opens", code, std::move(detail)); };
    if (!windows.empty() && r.window.opens_minute < windows.back().closes_minute) {
      const bool same = windows.back().opens_minute == r.window.opens_minute && windows.back().closes_minute == r.window.closes_minute;
      return refuse(same ? "window_twice" : "windows_overlap",
                    fmt::format("This window {} line {}.", same ? "is that of" : "overlaps that of", lines_.back()));
    }
    if (windows.size() == limits::windows_per_group_max)
      return refuse("too_many_windows", "A day has at most 64 windows.");
    windows.push_back(r.window);
    lines_.push_back(r.at.line);
  }

  const import_file& file_;
  round_definition& round_;
  bool centres_known_;
  booking_end until_;
  std::chrono::minutes offset_;
  error_list& wrong_;
  std::map<std::string, std::uint16_t> centres_;
  std::vector<group_row> rows_;
  std::vector<std::size_t> lines_;  // of the windows of the group at hand
};

}  // namespace

std::expected<round_definition, std::vector<import_error>> import_round(round_definition settings, const import_file& centres,
                                                                        const import_file& slot_groups, const booking_end& until) {
  error_list wrong;
  settings.centres.clear();
  settings.groups.clear();
  for (auto& f : settings_faults(settings))
    wrong.add("round", {0, 0}, std::move(f.where), std::move(f.code), std::move(f.detail));
  const bool centres_known = read_centres(centres, settings, wrong);
  group_reader(slot_groups, settings, centres_known, until, wrong).read();
  // The same rules once more, on what would be imported: nothing gets past both.
  if (wrong.size() == 0)
    for (auto& f : round_faults(settings))
      wrong.add("round", {0, 0}, std::move(f.where), std::move(f.code), std::move(f.detail));
  if (wrong.size() != 0)
    return std::unexpected(std::move(wrong).take());
  return settings;
}

}  // namespace janji
