#include "booking/csv_reader.hpp"

#include <algorithm>
#include <utility>

#include "booking/ascii_case.hpp"
#include "booking/text_rules.hpp"

namespace janji {

namespace {

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xc0U) == 0x80U; }

bool is_line_break(char c) { return c == '\n' || c == '\r'; }

// At the end of a piece: a character whose other bytes may be in the next one.
bool may_be_cut_off(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t wanted = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 1;
  return lead < 0xf5 && text.size() < wanted && std::ranges::all_of(text.substr(1), continues_character);
}

// "sep=;", as spreadsheets write it for each other: the separator.
std::optional<char> named_separator(std::string_view line) {
  const bool tab = line.ends_with("=\t") || line.ends_with("=\t\"");
  line = without_blanks_around(line);
  if (line.starts_with('"') && line.ends_with('"') && line.size() > 1)
    line = line.substr(1, line.size() - 2);
  constexpr std::string_view name = "sep=";
  if (!std::ranges::equal(line.substr(0, name.size()), name, {}, lower_letter))
    return std::nullopt;
  const char c = tab ? '\t' : line.size() == name.size() + 1 ? line.back() : '\0';
  return c == ',' || c == ';' || c == '\t' || c == '|' ? std::optional(c) : std::nullopt;
}

}  // namespace

csv_reader::csv_reader(csv_events& to) : to_(to) {
  csv_init(&parser_, CSV_STRICT | CSV_STRICT_FINI);
  begin_row(next_);
}
csv_reader::~csv_reader() { csv_free(&parser_); }

void csv_reader::feed(std::string_view text) {
  if (rest_.empty()) {
    const auto taken = take_rows(text, false);
    rest_ = text.substr(taken);
  } else {
    rest_ += text;
    rest_.erase(0, take_rows(rest_, false));
  }
}

void csv_reader::finish() {
  take_rows(rest_, true);
  rest_.clear();
}

// How many bytes of the front are done with.
std::size_t csv_reader::take_rows(std::string_view text, bool last) {
  std::size_t taken = 0;
  while (taken < text.size()) {
    const auto rest = text.substr(taken);
    if (!separator_) {
      const auto head = take_head(rest, last);
      if (!head)
        break;
      taken += *head;
      continue;
    }
    const auto size = scan_row(rest, last);
    if (size) {
      parse(rest.substr(0, *size));
      taken += *size;
    } else if (state_ == inside::quoted && (last || scanned_ - quote_at_ > limits::import_cell_bytes_max)) {
      taken += give_up_quote(rest);
    } else {
      break;
    }
    scanned_ = 0;
    begin_row(next_);
  }
  return taken;
}

// Before the separator is known: lines with nothing in them, and one that names it, are done with.
std::optional<std::size_t> csv_reader::take_head(std::string_view text, bool last) {
  auto& size = scanned_;
  while (size < text.size() && !is_line_break(text[size]))
    ++size;
  const bool lonely_cr = size + 1 == text.size() && text[size] == '\r';
  if (!last && (size == text.size() || lonely_cr))
    return std::nullopt;
  const auto line = text.substr(0, std::exchange(size, 0));
  const auto named = named_separator(line);
  if (!named && line.find_first_not_of(" \t,;|\"") != std::string_view::npos && !without_blanks_around(line).empty()) {
    separator_ = to_.separator_of(line);
    csv_set_delim(&parser_, static_cast<unsigned char>(*separator_));
    return 0;
  }
  if (named) {
    separator_ = named;
    csv_set_delim(&parser_, static_cast<unsigned char>(*separator_));
  }
  if (line.size() < text.size())
    next_ = {next_.line + 1, 1};
  begin_row(next_);
  const auto rest = text.substr(line.size());
  return line.size() + (rest.starts_with("\r\n") ? 2 : std::min<std::size_t>(rest.size(), 1));
}

void csv_reader::begin_row(csv_place at) {
  starts_.assign(1, at);
  state_ = inside::field_start;
  break_.reset();
}

// The bytes of the row with the line break that ends it; none while it is not whole.
std::optional<std::size_t> csv_reader::scan_row(std::string_view text, bool last) {
  while (scanned_ < text.size()) {
    const auto rest = text.substr(scanned_);
    const char c = rest.front();
    if (!last && (may_be_cut_off(rest) || (c == '\r' && rest.size() == 1)))
      return std::nullopt;
    auto bytes = character_bytes(rest);
    if (bytes == 0 && std::exchange(bad_line_, next_.line) != next_.line)
      to_.not_utf8(next_, static_cast<unsigned char>(c));
    bytes = rest.starts_with("\r\n") ? 2 : std::max<std::size_t>(bytes, 1);
    if (step(rest, bytes))
      return scanned_;
    if (state_ == inside::quoted && scanned_ - quote_at_ > limits::import_cell_bytes_max)
      return std::nullopt;
  }
  return last && state_ != inside::quoted ? std::optional(text.size()) : std::nullopt;
}

// One character; true when it ends the row.
bool csv_reader::step(std::string_view text, std::size_t bytes) {
  const char c = text.front();
  const bool breaks = is_line_break(c);
  if (breaks)
    next_ = {next_.line + 1, 1};
  else
    ++next_.position;
  scanned_ += bytes;
  if (state_ == inside::quoted) {
    if (c == '"')
      state_ = inside::after_quote;
    else if (breaks && !break_)
      break_ = {scanned_, next_};
    return false;
  }
  if (breaks)
    return true;
  if (c == *separator_) {
    state_ = inside::field_start;
    if (starts_.size() < limits::import_columns_max)
      starts_.push_back(next_);
  } else if (c == '"' && state_ == inside::field_start) {
    state_ = inside::quoted;
    quote_at_ = scanned_ - bytes;
    break_.reset();
  } else if (c == '"' && state_ == inside::after_quote && text.data()[-1] == '"') {
    state_ = inside::quoted;
  } else if (c != ' ' && c != '\t') {
    state_ = inside::plain;
  }
  return false;
}

// Goes on behind the line on which it began: the quote is what stands there by mistake.
std::size_t csv_reader::give_up_quote(std::string_view text) {
  to_.malformed(starts_.back(), "A quoted field is not closed.");
  if (!break_)
    return text.size();
  next_ = break_->next;
  return break_->bytes;
}

void csv_reader::parse(std::string_view row) {
  auto taken = csv_parse(&parser_, row.data(), row.size(), on_field, on_row, this);
  const bool whole = taken == row.size();
  if (whole && csv_fini(&parser_, on_field, on_row, this) == 0)
    return;
  to_.malformed(whole ? starts_.back() : place_in(row, taken),
                "A quote stands where none can be; inside a quoted field it is written twice, and such a field has quotes around it.");
  csv_free(&parser_);
  csv_init(&parser_, CSV_STRICT | CSV_STRICT_FINI);
  csv_set_delim(&parser_, static_cast<unsigned char>(*separator_));
  row_.clear();
  fields_ = 0;
}

csv_place csv_reader::place_in(std::string_view row, std::size_t byte) const {
  auto at = starts_.front();
  for (std::size_t i = 0; i < byte; ++i) {
    if (row[i] == '\n' || (row[i] == '\r' && row.substr(i, 2) != "\r\n"))
      at = {at.line + 1, 1};
    else if (!continues_character(row[i]))
      ++at.position;
  }
  return at;
}

void csv_reader::on_field(void* text, std::size_t size, void* self) {
  auto& r = *static_cast<csv_reader*>(self);
  ++r.fields_;
  if (r.row_.size() < limits::import_columns_max)
    r.row_.push_back({std::string(without_blanks_around({static_cast<const char*>(text), size})),
                      r.starts_[std::min(r.row_.size(), r.starts_.size() - 1)]});
}

void csv_reader::on_row(int, void* self) {
  auto& r = *static_cast<csv_reader*>(self);
  r.to_.row(r.row_, r.fields_);
  r.row_.clear();
  r.fields_ = 0;
}

}  // namespace janji
