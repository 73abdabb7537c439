// Until when a window can be booked, as an operator writes it, and the instants that an import makes of it. Pure; any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "booking/round.hpp"

namespace janji {

// "opening", which is what holds where nothing is said; "closing"; "none", of a whole round only; or how long before the opening: "90m",
// "24h", "2d".
struct booking_end {
  enum class at : std::uint8_t { opening, closing, before, none };
  at when = at::opening;
  std::uint32_t minutes = 0;  // of before
  friend bool operator==(const booking_end&, const booking_end&) = default;
};

namespace limits {
inline constexpr std::uint32_t booking_end_minutes_max = 366 * 24 * 60;
}

[[nodiscard]] std::optional<booking_end> parse_booking_end(std::string_view text);
[[nodiscard]] unix_ms instant_of(const booking_end& end, std::chrono::year_month_day date, const window_definition& window,
                                 std::chrono::minutes offset);
// The moment at which a window opens.
[[nodiscard]] unix_ms opening_of(std::chrono::year_month_day date, const window_definition& window, std::chrono::minutes offset);
// What an earlier version imported says nothing of ends: they are the openings.
void say_ends(round_definition& round);
[[nodiscard]] bool says_ends_as_usual(const round_definition& round);  // each at its opening
// The whole round, so that its first day is that one: a demonstration that lies in the future whenever it is loaded. An error: a day would
// be none that there is.
[[nodiscard]] std::expected<void, std::string> date_from(round_definition& round, std::chrono::year_month_day first_day);

}  // namespace janji
