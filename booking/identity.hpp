// Identity numbers: reading, checking, and one canonical form, so that one person is one citizen however they write it.
// Checks what cannot be right and nothing more: a true number refused costs a citizen the appointment, a made-up one is
// found at the centre's door. Pure; any thread.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "booking/civil_time.hpp"

namespace janji {

enum class identity_kind : std::uint8_t { mykad, passport, army, police };

struct identity {
  identity_kind kind = identity_kind::mykad;
  std::string canonical;            // "mykad:900101145678", "passport:IDN:A1234567", "army:T1234567"
  std::optional<civil_date> birth;  // told by the number itself
  friend bool operator==(const identity&, const identity&) = default;
};

enum class identity_error : std::uint8_t {
  unknown_kind,
  wrong_length,  // of a MyKad: twelve digits
  impossible_date,
  unassigned_place,
  malformed,
  unknown_country,
};
inline constexpr std::uint8_t identity_error_count = 6;
[[nodiscard]] std::string_view code_of(identity_error e);   // stable, for programs
[[nodiscard]] std::string_view words_of(identity_error e);  // for citizens

namespace limits {
inline constexpr std::size_t identity_bytes_max = 64;  // as typed
inline constexpr int centenarian_age_max = 110;        // of a MyKad read as of the century before
}  // namespace limits

// `kind` is mykad, passport, army or police; `country` is read for passports only. Spaces, tabs, ends of lines and dashes, also the
// typographic ones a phone puts in, dots, the case of letters and their width (U+FF10 is a nought) do not matter.
//
// mykad: YYMMDD-PB-###G; there is no check digit. The date must exist and not be after `today`; PB must be a code that the
//   National Registration Department has given out. Of two centuries the later one, unless the ninth digit is 5, 6 or 7, as
//   for births before 2000, and the age comes to at most 110: this only ever chooses between a child of ten and someone of a
//   hundred and more, so that no adult is misread whatever their serial.
// passport: ICAO Doc 9303: five to nine letters and digits; the issuer an ISO 3166-1 alpha-3 code or one of Doc 9303's own.
//   Germany's "D" is DEU.
// army, police: no published rule; up to three letters and then digits, four to twelve characters in all, slashes and dots
//   ignored: T1234567, RF/123456, G 12345, N/501234.
[[nodiscard]] std::expected<identity, identity_error> read_identity(std::string_view kind, std::string_view number,
                                                                    std::string_view country, civil_date today);

}  // namespace janji
