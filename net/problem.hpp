// Refusals in words: RFC 9457 problem details with a stable code, a finer reason where there is one, and arguments, so that a page can
// say it in its own words; the English ones come from configs/messages. What a code is stands in net/problems.json; code_of() is the one
// place where an outcome gets its code.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "booking/messages.hpp"
#include "booking/text_rules.hpp"
#include "net/http.hpp"
#include "net/messages.hpp"
#include "net/problem_table.hpp"

namespace janji::net {

// A reason, and what its sentence needs: cause_of() makes them.
struct cause {
  reason_code why = reason_code::none;
  std::vector<argument> arguments;
};

struct field_error {
  std::string field;
  cause because;
  [[nodiscard]] std::string_view code() const { return row_of(because.why).field_code; }
  [[nodiscard]] std::string detail() const;  // in English
};

// Without arguments `{.code = ...}` makes one, with a reason because(), with arguments problem_of().
struct problem {
  problem_code code = problem_code::unknown;
  std::string detail;  // words of an operator's order that the table does not know; "": the table's
  std::optional<std::uint32_t> retry_after_ms;
  std::uint8_t position = 0;          // of the person in a party, from 1
  std::string opens_at;               // of not_open
  std::optional<std::uint32_t> free;  // of not_enough_together
  std::vector<field_error> fields;
  std::string_view alternatives;  // a JSON array, or ""
  reason_code why = reason_code::none;
  std::vector<argument> arguments;  // of the code, or of the reason
};

// A name as a template's argument.
template <std::size_t N>
struct argument_name {
  char text[N]{};
  consteval argument_name(const char (&from)[N]) {
    std::copy_n(from, N, text);
  }  // NOLINT(google-explicit-constructor): to be written as text
  [[nodiscard]] constexpr std::string_view view() const { return {text, N - 1}; }
};

// Whether a row's arguments, names with spaces between them, are these.
consteval bool are_arguments(std::string_view row, std::initializer_list<std::string_view> names) {
  for (const auto name : names) {
    if (!row.starts_with(name))
      return false;
    row.remove_prefix(name.size());
    if (row.starts_with(' '))
      row.remove_prefix(1);
  }
  return row.empty();
}

template <class VALUE>
[[nodiscard]] argument make_argument(std::string_view name, VALUE&& value) {
  if constexpr (std::integral<std::remove_cvref_t<VALUE>>)
    return {name, static_cast<std::int64_t>(value)};
  else
    return {name, std::string(std::forward<VALUE>(value))};
}

// Exactly the arguments that the table names, in its order, or it does not compile:
//   cause_of<reason_code::too_long, "length", "limit">(201, 200)
template <reason_code WHY, argument_name... NAMES, class... VALUES>
[[nodiscard]] cause cause_of(VALUES&&... values) {
  static_assert(sizeof...(NAMES) == sizeof...(VALUES) && are_arguments(row_of(WHY).arguments, {NAMES.view()...}));
  return {WHY, {make_argument(NAMES.view(), std::forward<VALUES>(values))...}};
}
template <problem_code CODE, argument_name... NAMES, class... VALUES>
[[nodiscard]] problem problem_of(VALUES&&... values) {
  static_assert(sizeof...(NAMES) == sizeof...(VALUES) && are_arguments(row_of(CODE).arguments, {NAMES.view()...}));
  return {.code = CODE, .arguments = {make_argument(NAMES.view(), std::forward<VALUES>(values))...}};
}
[[nodiscard]] inline problem because(problem_code code, cause c) {
  return {.code = code, .why = c.why, .arguments = std::move(c.arguments)};
}
template <reason_code WHY>
[[nodiscard]] problem because(problem_code code) {
  return because(code, cause_of<WHY>());
}

// Of a text of people's or of operators'.
[[nodiscard]] cause cause_of_text(const text_fault& f);

// Of a place that cannot be booked: others nearby are named beside it.
[[nodiscard]] constexpr bool has_alternatives(problem_code code) {
  return code == problem_code::full || code == problem_code::window_closed || code == problem_code::window_over;
}
[[nodiscard]] std::string_view title_of(problem_code code);  // in English
[[nodiscard]] std::string_view text_of(reason_code why);     // in English, with its placeholders
[[nodiscard]] std::string detail_of(const problem& p);       // the table's, in English; "": there is none

// None for the outcomes that are no refusal.
[[nodiscard]] std::optional<problem_code> code_of(outcome o);
[[nodiscard]] response to_response(const problem& p, std::string_view request_id = {});

}  // namespace janji::net
