// Every refusal there is. Their names, statuses and words stand in problem.cpp.
#pragma once

#include <cstddef>
#include <cstdint>

namespace janji::net {

enum class problem_code : std::uint8_t {
  // the request
  malformed_json,
  malformed_request,
  bad_idempotency_key,
  unauthorised,
  forbidden,
  not_found,
  no_such_endpoint,
  method_not_allowed,
  request_timeout,
  body_too_large,
  target_too_long,
  unsupported_media_type,
  headers_too_large,
  // what is booked and what is open
  full,
  already_booked,
  not_open,
  paused,
  closed,
  window_closed,
  same_place,
  cancelled,
  wrong_state,
  changed,
  not_enough_together,
  window_over,
  changes_spent,
  erased,
  // what was asked for
  invalid,
  idempotency_key_reused,
  unknown_round,
  unknown_state,
  unknown_centre,
  unknown_window,
  date_outside_round,
  under_age,
  over_age,
  identity_impossible,
  same_citizen_twice,
  party_too_large,
  // ask again
  too_many_requests,
  contended,
  in_progress,
  busy,
  storage_low,
  not_ready,
  stopping,
  interrupted,
  unknown,
};
inline constexpr std::size_t problem_code_count = static_cast<std::size_t>(problem_code::unknown) + 1;

}  // namespace janji::net
