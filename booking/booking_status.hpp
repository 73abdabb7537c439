// What a booking would get now, of a round, a day or a window, and when that changes by itself. Pure: nobody here knows what time it is.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "booking/admission.hpp"
#include "booking/types.hpp"

namespace janji {

enum class booking_status : std::uint8_t { not_open, open, paused, closed, over };

struct status_at {
  booking_status status = booking_status::not_open;
  std::optional<unix_ms> changes_at;  // the next moment at which it is another without an order; none: there is none
  friend bool operator==(const status_at&, const status_at&) = default;
};

// `book_until`: of a window; of a day or a round the latest of its windows.
[[nodiscard]] status_at status_of(const round_admission& round, unix_ms book_until, unix_ms now);
[[nodiscard]] std::string_view name_of(booking_status status);

}  // namespace janji
