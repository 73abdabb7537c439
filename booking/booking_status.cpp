#include "booking/booking_status.hpp"

#include <algorithm>

namespace janji {

status_at status_of(const round_admission& round, unix_ms book_until, unix_ms now) {
  switch (admission(round, now)) {
    case admission_verdict::paused: return {booking_status::paused, std::nullopt};
    case admission_verdict::closed: return {booking_status::closed, std::nullopt};
    case admission_verdict::admitted: break;
    default:  // an order that was given opens it at its time; without one it stays as it is
      return {booking_status::not_open, round.state == round_state::open ? std::optional(round.opens_at) : std::nullopt};
  }
  if (book_until <= now)
    return {booking_status::over, round.closes_at};
  return {booking_status::open, std::min(book_until, round.closes_at)};
}

std::string_view name_of(booking_status status) {
  switch (status) {
    case booking_status::not_open: return "not_open";
    case booking_status::open: return "open";
    case booking_status::paused: return "paused";
    case booking_status::closed: return "closed";
    case booking_status::over: return "over";
  }
  return "";
}

}  // namespace janji
