// What a form asks of each person, by the names of its fields; and which of the API's fields each is. One table for the form, the body that
// the API is given, the errors that come back and the sealed draft. Pure; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "web/form.hpp"

namespace janji::web {

enum class person_field : std::uint8_t { kind, number, country, name, birth, phone, email, state, notes };
inline constexpr std::size_t person_field_count = static_cast<std::size_t>(person_field::notes) + 1;

struct person_field_row {
  person_field field;
  std::string_view name;     // in the form, behind "p1-"
  std::string_view api;      // in the API, behind "people[0]."
  std::string_view label;    // key of a message
  std::string_view hint;     // the same, or ""
  std::string_view fill_in;  // autocomplete, of the first person
  bool optional = false;
};
[[nodiscard]] const std::array<person_field_row, person_field_count>& person_field_table();

struct person_fields {
  std::array<std::string, person_field_count> values;
  [[nodiscard]] const std::string& get(person_field f) const { return values[static_cast<std::size_t>(f)]; }
  [[nodiscard]] std::string& get(person_field f) { return values[static_cast<std::size_t>(f)]; }
  friend bool operator==(const person_fields&, const person_fields&) = default;
};

// What is wrong with one input of a page.
struct field_fault {
  std::string id;    // of the input
  std::string text;  // ready to be read
};

[[nodiscard]] std::string input_id(std::size_t person, person_field f);  // "p1-name"; persons from 1 on
// The input that an error of the API's is about: "people[0].identity.number" is p1-number; none of what the form does not ask.
[[nodiscard]] std::optional<std::string> input_of(std::string_view api_field);
// The first field that none of our forms has; none: there is no such.
[[nodiscard]] std::optional<std::string> unknown_field(const form& sent);
[[nodiscard]] std::vector<person_fields> people_in(const form& sent, std::size_t count);
[[nodiscard]] std::vector<std::pair<std::string, std::string>> hidden_fields(const std::vector<person_fields>& people);
// The API's body for these people at that place; fields that were left empty are left out.
[[nodiscard]] std::string booking_body(const std::vector<person_fields>& people, std::string_view round, std::string_view centre,
                                       std::string_view date, std::string_view window);

}  // namespace janji::web
