#include "booking/centre_rows.hpp"

#include <fmt/format.h>

#include "booking/nearest_name.hpp"
#include "booking/spreadsheet_values.hpp"
#include "booking/states.hpp"
#include "booking/text_rules.hpp"

namespace janji {

namespace {

std::string unknown_state_words(std::string_view text) {
  std::vector<std::string_view> names;
  for (std::uint8_t i = 1; i < state_count; ++i)
    names.push_back(state_name(i));
  const auto near = nearest_name(text, names);
  return fmt::format("{} is no state or federal territory{}", quoted_field(text), near.empty() ? "." : fmt::format("; is {} meant?", near));
}

}  // namespace

centre_rows::centre_rows(std::string_view file)
    : table_(file, {{"code", "name", "state", "district", "latitude", "longitude"}, {"capacity_per_day", "capacity_source"}},
             [this](std::span<csv_field* const> fields, bool is_text) { row(fields, is_text); }) {}

std::vector<centre> centre_rows::take() {
  if (table_.complete() && table_.rows() == 0)
    table_.faults().add({0, 0}, {}, "empty", [] { return "The file has no centre."; });
  return std::move(centres_);
}

std::string centre_rows::code(const csv_field* field) {
  if (field == nullptr)
    return {};
  if (!good_code(field->text, limits::centre_code_bytes_max))
    wrong(*field, "code", "bad_code", [&] {
      return fmt::format("{} is no code of a centre, which is 1 to 16 letters, digits and dashes.", quoted_field(field->text));
    });
  else if (const auto [first, is_new] = lines_.emplace(field->text, field->at.line); !is_new)
    wrong(*field, "code", "centre_twice", [&, line = first->second] {
      return fmt::format("The centre {} stands in line {} already; delete one, or give it a code of its own.", field->text, line);
    });
  return field->text;
}

std::string centre_rows::name(const csv_field* field, const char* column, bool needed, bool is_text) {
  if (field == nullptr || !is_text)  // that it is none is said once for the file
    return {};
  auto clean = operator_text(field->text);
  if (!clean)
    wrong(*field, column, clean.error().code, [&] { return words_of(clean.error()); });
  else if (!good_name(*clean, !needed))
    wrong(*field, column, "bad_name", [&] {
      return clean->empty() ? std::string("A centre needs a name.") : fmt::format("The {} {}.", column, name_too_long(*clean));
    });
  return clean ? std::move(*clean) : std::string{};
}

std::string centre_rows::state(const csv_field* field) {
  if (field == nullptr)
    return {};
  std::string known(state_name(state_number(field->text)));
  if (known.empty())
    wrong(*field, "state", "unknown_state", [&] { return unknown_state_words(field->text); });
  return known;
}

double centre_rows::degrees(const csv_field* field, const char* column, int most, const csv_field* other) {
  if (field == nullptr)
    return 0;
  const auto read = read_degrees(field->text);
  if (!read || !good_degrees(read->value, most)) {
    const auto beside = read && other != nullptr ? read_degrees(other->text) : std::nullopt;
    const bool swapped = beside && good_degrees(beside->value, most) && good_degrees(read->value, 180);
    wrong(*field, column, most == 90 ? "bad_latitude" : "bad_longitude", [&] {
      return fmt::format("{} is no {}, which is a number from -{} to {}{}", quoted_field(field->text), column, most, most,
                         swapped ? "; is it the longitude?" : ", such as 3.139.");
    });
  } else if (!read->as_wanted) {
    table_.note_once("degrees", field->at.line, column,
                     [&] { return fmt::format("Degrees such as \"{}\" are read as {}.", field->text, read->value); });
  }
  return read ? read->value : 0;
}

void centre_rows::row(std::span<csv_field* const> fields, bool is_text) {
  if (centres_.size() == limits::round_centres_max) {
    if (fields[0] != nullptr && !std::exchange(too_many_, true))
      wrong(*fields[0], "code", "too_many_centres", [] { return "A round has at most 10,000 centres."; });
    return;
  }
  centre c;
  c.code = code(fields[0]);
  c.name = name(fields[1], "name", true, is_text);
  c.state = state(fields[2]);
  c.district = name(fields[3], "district", false, is_text);
  c.latitude = degrees(fields[4], "latitude", 90, fields[5]);
  c.longitude = degrees(fields[5], "longitude", 180, nullptr);
  centres_.push_back(std::move(c));
}

}  // namespace janji
