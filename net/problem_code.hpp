// Every refusal there is, and the finer reasons that come with some, in the order of net/problems.json, where their statuses and their
// meaning stand. Their sentences stand in configs/messages.
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

// Why, where the code alone does not say it; of fields too.
enum class reason_code : std::uint8_t {
  none,
  // of the whole
  not_json,
  body_not_an_object,
  field_twice,
  bad_days,
  bad_position,
  key_length,
  key_character,
  coded_body,
  state_needed,
  window_form,
  reading,
  another_order,
  too_many_wait,
  rounds_unheard,
  operator_said,
  alone,
  no_dry_run,
  bad_dry_run,
  pause_needs_reason,
  erase_needs_code,
  bad_capacity,
  release_needs,
  too_many_replicas,
  nothing_imported,
  // of a field
  missing,
  missing_identity,
  missing_people,
  missing_birth_date,
  missing_window,
  not_text,
  too_long,
  control_character,
  unknown_field,
  unknown_setting,
  not_an_object,
  not_a_list,
  bad_date,
  not_yet_born,
  bad_time,
  bad_moment,
  bad_number,
  contradiction,
  other_mykad,
  no_such_state,
  unknown_kind,
  unknown_country,
  wrong_length,
  not_digits,
  impossible_birth_date,
  unassigned_place,
  passport_length,
  passport_character,
  service_length,
  service_form,
  not_a_citizens_passport,
};
inline constexpr std::size_t reason_code_count = static_cast<std::size_t>(reason_code::not_a_citizens_passport) + 1;  // with none

}  // namespace janji::net
