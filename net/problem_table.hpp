// What every refusal is: its status, when to ask again, what it means for a booking, a move and a cancellation, and which arguments come
// with it. The one place is net/problems.json, from which these rows, the tables of docs/api.md and whatever else needs them are made
// (cmake/JanjiMessages.cmake). Constants; any thread.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "net/problem_code.hpp"

namespace janji::net {

// What a refusal says of a change that was asked for; docs/api.md has them in words.
enum class effect : std::uint8_t {
  none,     // the refusal does not come with it
  no,       // this request changed nothing, and no late copy of it will
  exists,   // nothing new: a booking is there
  look,     // this request changed nothing; what its key was used for may stand
  unread,   // this request was not carried out; nothing is said of an earlier one
  unknown,  // not known: ask again with the same key
};

struct problem_row {
  problem_code code;
  std::string_view name;
  unsigned status;
  std::uint32_t retry_after_ms;  // 0: trying again the same way does not help
  effect book;
  effect move;
  effect cancel;
  std::string_view arguments;  // their names, with spaces between them
};
inline constexpr std::array problem_rows{
#include "net/problem_codes.inc"
};

struct reason_row {
  reason_code why;
  std::string_view name;
  std::string_view field_code;  // the code of a field that is wrong so; "": it is of the whole
  std::string_view arguments;
};
inline constexpr std::array reason_rows{
#include "net/problem_reasons.inc"
};

static_assert(problem_rows.size() == problem_code_count && reason_rows.size() + 1 == reason_code_count);
static_assert(std::ranges::all_of(problem_rows, [i = 0](const problem_row& r) mutable { return static_cast<int>(r.code) == i++; }),
              "net/problem_code.hpp has the order of net/problems.json");
static_assert(std::ranges::all_of(reason_rows, [i = 0](const reason_row& r) mutable { return static_cast<int>(r.why) == ++i; }),
              "net/problem_code.hpp has the order of net/problems.json");

[[nodiscard]] constexpr const problem_row& row_of(problem_code code) { return problem_rows[static_cast<std::size_t>(code)]; }
[[nodiscard]] constexpr const reason_row& row_of(reason_code why) { return reason_rows[static_cast<std::size_t>(why) - 1]; }  // not none
[[nodiscard]] constexpr std::string_view name_of(problem_code code) { return row_of(code).name; }
// None: there is no code of that name.
[[nodiscard]] constexpr std::optional<problem_code> code_named(std::string_view name) {
  const auto it = std::ranges::find(problem_rows, name, &problem_row::name);
  return it == problem_rows.end() ? std::nullopt : std::optional(it->code);
}
[[nodiscard]] constexpr std::string_view name_of(reason_code why) { return why == reason_code::none ? "" : row_of(why).name; }

}  // namespace janji::net
