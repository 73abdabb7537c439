#include "web/person_fields.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>

#include "booking/types.hpp"

namespace janji::web {

namespace json = boost::json;

namespace {

using enum person_field;
constexpr std::array<person_field_row, person_field_count> table{{
    {kind, "kind", "identity.type", "label_kind", "", "off", false},
    {number, "number", "identity.number", "label_number", "hint_number", "off", false},
    {country, "country", "identity.country", "label_country", "hint_country", "off", true},
    {name, "name", "name", "label_name", "hint_name", "name", false},
    {birth, "birth", "birth_date", "label_birth", "hint_birth", "bday", true},
    {phone, "phone", "phone", "label_phone", "hint_phone", "tel", true},
    {email, "email", "email", "label_email", "", "email", true},
    {state, "state", "state", "label_state", "", "off", true},
    {notes, "notes", "notes", "label_notes", "hint_notes", "off", true},
}};

json::string_view view(std::string_view text) { return {text.data(), text.size()}; }

// A keyboard of digits has no dash: 19580327 is 1958-03-27.
std::string dated(const std::string& typed) {
  constexpr std::size_t year = 4, month = 6, whole = 8;
  if (typed.size() != whole || typed.find_first_not_of("0123456789") != std::string::npos)
    return typed;
  return typed.substr(0, year) + "-" + typed.substr(year, month - year) + "-" + typed.substr(month);
}

}  // namespace

const std::array<person_field_row, person_field_count>& person_field_table() { return table; }

std::string input_id(std::size_t person, person_field f) {
  return "p" + std::to_string(person) + "-" + std::string(table[static_cast<std::size_t>(f)].name);
}

std::optional<std::string> input_of(std::string_view api_field) {
  constexpr std::string_view opening = "people[";
  if (!api_field.starts_with(opening))
    return std::nullopt;
  api_field.remove_prefix(opening.size());
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(api_field.data(), api_field.data() + api_field.size(), index);
  if (error != std::errc{} || index >= janji::limits::party_people_max)
    return std::nullopt;
  api_field.remove_prefix(static_cast<std::size_t>(end - api_field.data()));
  if (!api_field.starts_with(']'))
    return std::nullopt;
  api_field.remove_prefix(1);
  if (api_field.empty() || api_field == ".identity")
    return input_id(index + 1, number);
  for (const auto& row : table)
    if (api_field.substr(1) == row.api)
      return input_id(index + 1, row.field);
  return std::nullopt;
}

std::optional<std::string> unknown_field(const form& sent) {
  constexpr std::array known{"form_token", "draft", "people", "tried",   "go",        "lang",
                             "who",        "place", "round",  "receipt", "reference", "code"};
  const auto is_of_a_person = [](std::string_view name) {
    for (std::size_t n = 1; n <= janji::limits::party_people_max; ++n)
      for (const auto& row : table)
        if (name == input_id(n, row.field))
          return true;
    return false;
  };
  for (const auto& [name, value] : sent.fields())
    if (std::ranges::find(known, std::string_view(name)) == known.end() && !is_of_a_person(name))
      return told(name);
  return std::nullopt;
}

std::vector<person_fields> people_in(const form& sent, std::size_t count) {
  std::vector<person_fields> out(count);
  for (std::size_t i = 0; i < count; ++i)
    for (const auto& row : table)
      out[i].get(row.field) = std::string(sent.get(input_id(i + 1, row.field)));
  return out;
}

std::vector<std::pair<std::string, std::string>> hidden_fields(const std::vector<person_fields>& people) {
  std::vector<std::pair<std::string, std::string>> out;
  for (std::size_t i = 0; i < people.size(); ++i)
    for (const auto& row : table)
      out.emplace_back(input_id(i + 1, row.field), people[i].get(row.field));
  return out;
}

std::string booking_body(const std::vector<person_fields>& people, std::string_view round, std::string_view centre, std::string_view date,
                         std::string_view window) {
  json::array party;
  for (const auto& p : people) {
    json::object person;
    json::object identity;
    for (const auto& row : table) {
      const auto value = row.field == birth ? dated(p.get(row.field)) : p.get(row.field);
      if (value.empty())
        continue;
      constexpr std::string_view of_identity = "identity.";
      if (row.api.starts_with(of_identity))
        identity[view(row.api.substr(of_identity.size()))] = view(value);
      else
        person[view(row.api)] = view(value);
    }
    person["identity"] = std::move(identity);
    party.push_back(std::move(person));
  }
  json::object body{{"round", view(round)}, {"centre", view(centre)}, {"date", view(date)}, {"window", view(window)}};
  body["people"] = std::move(party);
  return json::serialize(body);
}

}  // namespace janji::web
