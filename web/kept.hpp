// What a reader's own browser keeps, sealed: the form that is being filled in, and the list of what was booked. As text and back. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "booking/types.hpp"
#include "web/pages.hpp"
#include "web/person_fields.hpp"

namespace janji::web {

inline constexpr std::string_view form_cookie = "janji_form";
inline constexpr std::string_view mine_cookie = "janji_mine";
inline constexpr std::string_view browser_cookie = "janji_browser";
inline constexpr std::string_view language_cookie = "janji_lang";
inline constexpr std::string_view said_cookie = "janji_said";  // what was just done, for the next page
inline constexpr long said_cookie_s = 60;
inline constexpr long form_cookie_s = 30 * 60;
inline constexpr long mine_cookie_s = 400L * 24 * 3600;  // as long as browsers keep one
inline constexpr std::size_t kept_bookings_max = 8;
inline constexpr std::size_t kept_name_bytes_max = 40;

struct kept_form {
  std::string draft;
  chosen_place place;  // without its names
  std::vector<person_fields> people;
  std::string key;        // of a request that was or is about to be sent; "": none
  unix_ms at;             // when that was
  std::string last_code;  // how it ended, as far as is known
  friend bool operator==(const kept_form&, const kept_form&) = default;
};
// Without the people where all of it does not fit into a cookie: they travel in hidden fields then.
[[nodiscard]] std::string to_text(const kept_form& f);
[[nodiscard]] std::optional<kept_form> kept_form_from(std::string_view text);

struct kept_booking {
  reference ref;
  std::uint8_t token_generation = 0;
  std::uint16_t moves = 0;
  std::string name;    // at most 40 bytes of it
  std::string number;  // its last four signs
  std::string round;
  chosen_place place;
  std::uint8_t position = 1;  // in its party
  unix_ms confirmed_at;
  bool cancelled = false;
  unix_ms known_at;
  friend bool operator==(const kept_booking&, const kept_booking&) = default;
};
using kept_bookings = std::vector<kept_booking>;
[[nodiscard]] std::string to_text(const kept_bookings& all);
[[nodiscard]] std::optional<kept_bookings> kept_bookings_from(std::string_view text);

}  // namespace janji::web
