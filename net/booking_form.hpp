// What a citizen sends to book or to move, read strictly and checked against the round, before anything is asked of it.
// Pure: JSON text in, values or a problem out.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actors/node.hpp"
#include "booking/identity.hpp"
#include "net/problem.hpp"
#include "schema/personal_record.hpp"

namespace janji::net {

struct person_form {
  identity who;
  civil_date birth;
  schema::personal_record record;
  std::uint8_t state = 0;
};

struct booking_form {
  std::string round;  // "": the one that is open
  std::string centre;
  civil_date date;
  std::optional<std::uint16_t> window_minute;
  std::vector<person_form> people;
};

struct move_form {
  std::string centre;
  civil_date date;
  std::optional<std::uint16_t> window_minute;
};

// What is wrong with an identity that stands at `prefix`.
[[nodiscard]] field_error told_fault(std::string_view prefix, const identity_fault& fault);

// What could be read, and what is wrong with the rest; a problem where it is no booking at all.
struct read_form {
  booking_form form;
  std::vector<field_error> wrong;
};
[[nodiscard]] std::expected<read_form, problem> read_fields(std::string_view body, civil_date today);
// Unknown fields are errors; all errors of the fields are told at once.
[[nodiscard]] std::expected<booking_form, problem> read_booking(std::string_view body, civil_date today);
[[nodiscard]] problem problem_of_fields(std::vector<field_error> wrong);
[[nodiscard]] std::expected<move_form, problem> read_move(std::string_view body);

// Where the form points to in the round.
struct target {
  const group_definition* group = nullptr;
  std::optional<window_index> window;
};
[[nodiscard]] std::expected<target, problem> find_target(const actors::round_entry& round, std::string_view centre, civil_date date,
                                                         std::optional<std::uint16_t> window_minute);
// The round's rules about people: ages on the day, the size of the party, nobody twice. Whoever could not be read breaks none.
[[nodiscard]] std::vector<problem> problems_of_people(const actors::round_entry& round, const booking_form& form);
// The first of them.
[[nodiscard]] std::optional<problem> check_people(const actors::round_entry& round, const booking_form& form);
// The body as the citizen meant it, the same however it was written.
[[nodiscard]] std::string canonical(const booking_form& form);
[[nodiscard]] std::uint8_t age_band_of(int age);
// As large as a form lets a person's record be: for what the disks have to hold.
[[nodiscard]] schema::personal_record largest_record();

}  // namespace janji::net
