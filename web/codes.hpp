// What each code of the API shows on a page: which screen, in which words, and whether a booking was made. One table for the form's door,
// the tests and docs/pages.md. Source of the rows: the table of outcomes in docs/pages.md. Pure; any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace janji::web {

enum class screen : std::uint8_t {
  unknown,  // not known yet, at /my-booking
  choose,   // another place; the form is kept
  fields,   // details, with what is wrong beside each field
  state,    // of the round; the form is kept
  already,  // a booking exists
  now,      // /my-booking as it is
  find,     // the pair does not open a booking
  request,  // this press sent nothing
};

struct code_row {
  std::string_view code;
  screen book;
  screen change;           // of a move or a cancellation
  std::string_view text;   // key of a message: of `unknown` the cause
  std::string_view named;  // the same: a few words, for a table of what was refused
};
[[nodiscard]] std::span<const code_row> code_table();
// Of a code that stands in no row: not known.
[[nodiscard]] const code_row& row_of(std::string_view code);

}  // namespace janji::web
