#include "net/problem.hpp"

#include <algorithm>
#include <array>

#include "net/json_text.hpp"

namespace janji::net {

namespace {

using enum problem_code;

// clang-format off
constexpr std::array table{
    problem_row{malformed_json, "malformed_json", 400, "The request is not JSON that can be read.", "", 0},
    problem_row{malformed_request, "malformed_request", 400, "The request cannot be read.", "", 0},
    problem_row{bad_idempotency_key, "bad_idempotency_key", 400, "The Idempotency-Key cannot be used.", "It is 22 to 128 letters, digits and - _ . ~", 0},
    problem_row{unauthorised, "unauthorised", 401, "A token is needed.", "Send it as Authorization: Bearer <token>.", 0},
    problem_row{forbidden, "forbidden", 403, "The token does not allow this.", "", 0},
    problem_row{not_found, "not_found", 404, "There is no such booking.", "The reference or the token that came with it is not right.", 0},
    problem_row{no_such_endpoint, "no_such_endpoint", 404, "There is nothing at this address.", "", 0},
    problem_row{method_not_allowed, "method_not_allowed", 405, "This address does not know that method.", "", 0},
    problem_row{request_timeout, "request_timeout", 408, "The request came too slowly.", "", 1000},
    problem_row{body_too_large, "body_too_large", 413, "The request is too large.", "", 0},
    problem_row{target_too_long, "target_too_long", 414, "The address is too long.", "", 0},
    problem_row{unsupported_media_type, "unsupported_media_type", 415, "The request must be JSON.", "Send Content-Type: application/json.", 0},
    problem_row{headers_too_large, "headers_too_large", 431, "The request's headers are too large.", "", 0},
    problem_row{full, "full", 409, "No free place is left there.", "Choose another time, day or centre.", 0},
    problem_row{already_booked, "already_booked", 409, "There is a booking in this round already.", "One person holds one booking in a round. It can be moved or cancelled.", 0},
    problem_row{not_open, "not_open", 409, "The round is not open yet.", "", 0},
    problem_row{paused, "paused", 409, "Booking is paused.", "", 30'000},
    problem_row{closed, "closed", 409, "The round is closed.", "", 0},
    problem_row{window_closed, "window_closed", 409, "This time is closed for bookings.", "Choose another time, day or centre.", 0},
    problem_row{same_place, "same_place", 409, "The booking is there already.", "", 0},
    problem_row{cancelled, "cancelled", 409, "The booking has been cancelled.", "A cancelled booking cannot be moved. Book anew.", 0},
    problem_row{wrong_state, "wrong_state", 409, "The state of things does not allow this.", "", 0},
    problem_row{changed, "changed", 409, "What the order is about changed after it was given; nothing was done.", "Look before you order it again.", 0},
    problem_row{not_enough_together, "not_enough_together", 409, "There are free places, but not for so many together.", "Choose another time, day or centre, or book for fewer.", 0},
    problem_row{window_over, "window_over", 409, "This time is over.", "Choose another time, day or centre.", 0},
    problem_row{changes_spent, "changes_spent", 409, "The bookings and moves of a person in this round are used up.", "A booking that stands can still be looked up and cancelled. Staff of the centre can help.", 0},
    problem_row{erased, "erased", 410, "The round was erased.", "Its keys were destroyed: what its citizens wrote can never be read again.", 0},
    problem_row{invalid, "invalid", 422, "Some fields are not right.", "", 0},
    problem_row{idempotency_key_reused, "idempotency_key_reused", 422, "This Idempotency-Key was used for something else.", "Use a new one for a new request.", 0},
    problem_row{unknown_round, "unknown_round", 422, "There is no such round.", "", 0},
    problem_row{unknown_state, "unknown_state", 422, "There is no such state.", "", 0},
    problem_row{unknown_centre, "unknown_centre", 422, "There is no such centre in this round.", "", 0},
    problem_row{unknown_window, "unknown_window", 422, "There is no such time at this centre on this day.", "", 0},
    problem_row{date_outside_round, "date_outside_round", 422, "The centre has no appointments on this date.", "", 0},
    problem_row{under_age, "under_age", 422, "The round is for older people.", "", 0},
    problem_row{over_age, "over_age", 422, "The round is for younger people.", "", 0},
    problem_row{identity_impossible, "identity_impossible", 422, "The identity number cannot be right.", "", 0},
    problem_row{same_citizen_twice, "same_citizen_twice", 422, "The same person stands twice in the party.", "", 0},
    problem_row{party_too_large, "party_too_large", 422, "The party is too large.", "", 0},
    problem_row{too_many_requests, "too_many_requests", 429, "Too many requests.", "", 1000},
    problem_row{contended, "contended", 503, "The last places are just being booked by others.", "Some may come free. Ask again with the same Idempotency-Key.", 1000},
    problem_row{in_progress, "in_progress", 503, "Another request about this person is under way.", "Ask again with the same Idempotency-Key.", 1000},
    problem_row{busy, "busy", 503, "Too much at this moment.", "It is not known whether this came true. Ask again with the same Idempotency-Key: it never books twice.", 1000},
    problem_row{storage_low, "storage_low", 503, "No new bookings can be taken at this moment.", "Bookings made are safe, and can be looked up and cancelled. If this was asked before, ask again with the same Idempotency-Key.", 30'000},
    problem_row{not_ready, "not_ready", 503, "The service is starting.", "", 1000},
    problem_row{stopping, "stopping", 503, "This server is stopping.", "Another one will answer.", 2000},
    problem_row{interrupted, "interrupted", 503, "Something changed while this was under way.", "It is not known whether this came true. Ask again with the same Idempotency-Key: it never books twice.", 500},
    problem_row{unknown, "unknown", 504, "It is not known whether this came true.", "Ask again with the same Idempotency-Key: it never books twice.", 1000},
};
// clang-format on

static_assert(table.size() == problem_code_count);
static_assert(std::ranges::all_of(table, [i = 0](const problem_row& r) mutable { return static_cast<int>(r.code) == i++; }),
              "a row stands where its code says");

}  // namespace

std::string told_name(std::string_view name) {
  constexpr std::size_t told_name_bytes_max = 64;
  const auto inside_a_character = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; };
  auto size = std::min(name.size(), told_name_bytes_max);
  while (size < name.size() && inside_a_character(name[size]))
    --size;
  return std::string(name.substr(0, size));
}

std::span<const problem_row> problem_table() { return table; }
const problem_row& row_of(problem_code code) { return table[static_cast<std::size_t>(code)]; }

std::optional<problem_code> code_of(outcome o) {
  switch (o) {
    case outcome::confirmed:
    case outcome::cancelled:
    case outcome::moved:
    case outcome::found: return std::nullopt;
    case outcome::full: return full;
    case outcome::already_booked: return already_booked;
    case outcome::key_reused: return idempotency_key_reused;
    case outcome::not_found: return not_found;
    case outcome::same_place: return same_place;
    case outcome::window_unknown: return unknown_window;
    case outcome::window_closed: return window_closed;
    case outcome::contended: return contended;
    case outcome::in_progress: return in_progress;
    case outcome::busy: return busy;
    case outcome::unknown: return unknown;
    case outcome::interrupted: return interrupted;
    case outcome::not_enough_together: return not_enough_together;
    case outcome::not_open: return not_open;
    case outcome::paused: return paused;
    case outcome::closed: return closed;
    case outcome::window_over: return window_over;
    case outcome::changes_spent: return changes_spent;
  }
  return unknown;
}

void append_json(std::string& out, std::string_view text) {
  constexpr std::string_view hex = "0123456789abcdef";
  const auto plain = [](char c) { return c != '"' && c != '\\' && static_cast<unsigned char>(c) >= 0x20; };
  out += '"';
  if (std::ranges::all_of(text, plain)) {  // nearly always
    out.append(text).append(1, '"');
    return;
  }
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20) {
      out += "\\u00";
      out += hex[byte >> 4];
      out += hex[byte & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

namespace {

void append_member(std::string& out, std::string_view name, std::string_view text) {
  out.append(",\"").append(name).append("\":");
  append_json(out, text);
}

void append_fields(std::string& out, const std::vector<field_error>& fields) {
  out += ",\"fields\":[";
  for (const auto& f : fields) {
    out += out.back() == '[' ? "{\"field\":" : ",{\"field\":";
    append_json(out, f.field);
    append_member(out, "code", f.code);
    append_member(out, "detail", f.detail);
    out += '}';
  }
  out += ']';
}

}  // namespace

response to_response(const problem& p, std::string_view request_id) {
  const auto& row = row_of(p.code);
  response out;
  out.status = row.status;
  out.content_type = "application/problem+json";
  auto& body = out.body;
  body.reserve(384 + p.alternatives.size());
  body.append(R"({"type":"https://janji.invalid/problems/)").append(row.name);
  body.append(R"(","title":")").append(row.title).append(R"(","status":)");
  append_number(body, row.status);
  body.append(R"(,"code":")").append(row.name).append("\"");
  if (const auto detail = p.detail.empty() ? row.detail : std::string_view(p.detail); !detail.empty())
    append_member(body, "detail", detail);
  if (!request_id.empty()) {
    append_member(body, "request_id", request_id);
    out.add("X-Request-Id", request_id);
  }
  if (const auto ms = p.retry_after_ms.value_or(row.retry_after_ms); ms != 0) {
    body += ",\"retry_after_ms\":";
    append_number(body, ms);
    out.add("Retry-After", std::to_string((ms + 999) / 1000));
  }
  if (p.position != 0) {
    body += ",\"position\":";
    append_number(body, unsigned{p.position});
  }
  if (p.free) {
    body += ",\"free\":";
    append_number(body, *p.free);
  }
  if (!p.opens_at.empty())
    append_member(body, "opens_at", p.opens_at);
  if (!p.fields.empty())
    append_fields(body, p.fields);
  if (!p.alternatives.empty())
    body.append(",\"alternatives\":").append(p.alternatives);
  body += '}';
  if (row.status == 401)
    out.add("WWW-Authenticate", "Bearer");
  return out;
}

}  // namespace janji::net
