// Refusals in words: RFC 9457 problem details with a stable code. The table in problem.cpp is the one place where a code
// gets its HTTP status, code_of() the one where an outcome gets its code.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "booking/messages.hpp"
#include "net/http.hpp"
#include "net/problem_code.hpp"

namespace janji::net {

struct field_error {
  std::string field;
  std::string code;
  std::string detail;
};

struct problem {
  problem_code code = problem_code::unknown;
  std::string detail;  // "": the table's words
  std::optional<std::uint32_t> retry_after_ms;
  std::uint8_t position = 0;          // of the person in a party, from 1
  std::string opens_at;               // of not_open
  std::optional<std::uint32_t> free;  // of not_enough_together
  std::vector<field_error> fields;
  std::string_view alternatives;  // a JSON array, or ""
};

struct problem_row {
  problem_code code;
  std::string_view name;
  unsigned status;
  std::string_view title;
  std::string_view detail;
  std::uint32_t retry_after_ms;  // 0: trying again the same way does not help
};
[[nodiscard]] std::span<const problem_row> problem_table();
// A name that nobody knows, as much of it as is worth telling, in whole characters.
[[nodiscard]] std::string told_name(std::string_view name);
[[nodiscard]] const problem_row& row_of(problem_code code);
[[nodiscard]] inline std::string_view name_of(problem_code code) { return row_of(code).name; }

// None for the outcomes that are no refusal.
[[nodiscard]] std::optional<problem_code> code_of(outcome o);
[[nodiscard]] response to_response(const problem& p, std::string_view request_id = {});

}  // namespace janji::net
