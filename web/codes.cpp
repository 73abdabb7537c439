#include "web/codes.hpp"

#include <algorithm>
#include <array>

namespace janji::web {

namespace {

using enum screen;
constexpr std::array table{
    code_row{"full", choose, choose, "refused_full", "named_full"},
    code_row{"window_closed", choose, choose, "refused_window_closed", "named_closed_time"},
    code_row{"window_over", choose, choose, "refused_window_over", "named_over"},
    code_row{"date_outside_round", choose, choose, "refused_date_outside_round", "named_no_place"},
    code_row{"unknown_window", choose, choose, "refused_unknown_window", "named_no_place"},
    code_row{"unknown_centre", choose, choose, "refused_unknown_centre", "named_no_place"},
    code_row{"unknown_round", choose, choose, "refused_unknown_round", "named_no_place"},
    code_row{"not_enough_together", choose, choose, "refused_not_enough_together", "named_together"},
    code_row{"already_booked", already, now, "already_one", "named_already"},
    code_row{"changes_spent", already, now, "changes_used", "named_changes"},
    code_row{"not_open", screen::state, screen::state, "refused_not_open", "named_not_open"},
    code_row{"paused", screen::state, screen::state, "refused_paused", "named_paused"},
    code_row{"closed", screen::state, screen::state, "refused_closed", "named_closed"},
    code_row{"same_place", now, now, "refused_same_place", "named_same"},
    code_row{"cancelled", now, now, "refused_cancelled", "named_cancelled"},
    code_row{"invalid", fields, choose, "errors_heading", "named_form"},
    code_row{"under_age", fields, choose, "age_under", "named_age"},
    code_row{"over_age", fields, choose, "age_over", "named_age"},
    code_row{"identity_impossible", fields, choose, "number_wrong", "named_number"},
    code_row{"same_citizen_twice", fields, choose, "same_twice", "named_twice"},
    code_row{"party_too_large", fields, choose, "refused_party_too_large", "named_party"},
    code_row{"malformed_json", request, request, "refused_request", "named_unreadable"},
    code_row{"malformed_request", request, request, "refused_request", "named_unreadable"},
    code_row{"bad_idempotency_key", request, request, "refused_request", "named_unreadable"},
    code_row{"unsupported_media_type", request, request, "refused_request", "named_unreadable"},
    code_row{"request_timeout", request, request, "refused_timeout", "named_unreadable"},
    code_row{"body_too_large", request, request, "refused_too_large", "named_unreadable"},
    code_row{"headers_too_large", request, request, "refused_too_large", "named_unreadable"},
    code_row{"target_too_long", request, request, "refused_too_large", "named_unreadable"},
    code_row{"forbidden", request, request, "refused_from_elsewhere", "named_elsewhere"},
    code_row{"not_found", find, find, "find_failed", "named_not_found"},
    code_row{"idempotency_key_reused", request, unknown, "refused_reused", "named_reused"},
    code_row{"interrupted", unknown, unknown, "cause_interrupted", "named_busy"},
    code_row{"in_progress", unknown, unknown, "cause_in_progress", "named_under_way"},
    code_row{"contended", unknown, unknown, "cause_contended", "named_under_way"},
    code_row{"busy", unknown, unknown, "cause_busy", "named_busy"},
    code_row{"storage_low", unknown, unknown, "cause_storage_low", "named_busy"},
    code_row{"not_ready", unknown, unknown, "cause_not_ready", "named_busy"},
    code_row{"stopping", unknown, unknown, "cause_stopping", "named_busy"},
    code_row{"too_many_requests", unknown, unknown, "cause_too_many_requests", "named_busy"},
    code_row{"unknown", unknown, unknown, "cause_no_answer", "named_no_answer"},
};

}  // namespace

std::span<const code_row> code_table() { return table; }

const code_row& row_of(std::string_view code) {
  const auto it = std::ranges::find(table, code, &code_row::code);
  return it == table.end() ? table.back() : *it;
}

}  // namespace janji::web
