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
#include "booking/text_length.hpp"

namespace janji {

enum class identity_kind : std::uint8_t { mykad, passport, army, police };

struct identity {
  identity_kind kind = identity_kind::mykad;  // of the document
  // Whose it is: "mykad:900101145678", "passport:IDN:A1234567", "army:T1234567". Of a document that the MyKad number came with it is the
  // MyKad's, so that one person is one citizen by whichever of the documents.
  std::string canonical;
  std::string document;             // the document's own, where that is another: "passport:MYS:A12345678"; else ""
  std::optional<civil_date> birth;  // told by the number itself
  friend bool operator==(const identity&, const identity&) = default;
};

// What is wrong with one; the sentences stand in configs/messages.
enum class identity_error : std::uint8_t {
  unknown_kind,
  unknown_country,
  // of a MyKad
  wrong_length,
  not_digits,
  impossible_birth_date,
  unassigned_place,
  // of other documents
  passport_length,
  passport_character,
  service_length,
  service_form,
  // of a MyKad number beside another document's
  not_a_citizens_passport,
  other_mykad,
};
inline constexpr std::uint8_t identity_error_count = 12;
[[nodiscard]] std::string_view code_of(identity_error e);  // stable, for programs

enum class identity_part : std::uint8_t { type, number, country, mykad };
[[nodiscard]] std::string_view name_of(identity_part part);
struct identity_fault {
  identity_error error;
  identity_part part;
  std::size_t length = 0;  // of a number: its characters without what does not matter
  std::string place;       // of birth that was never assigned: two digits
};

namespace limits {
inline constexpr int centenarian_age_max = 110;  // of a MyKad read as of the century before
inline constexpr std::size_t mykad_digits = 12;
inline constexpr std::size_t passport_length_min = 5;
inline constexpr std::size_t passport_length_max = 9;
inline constexpr std::size_t service_length_min = 4;
inline constexpr std::size_t service_length_max = 12;
}  // namespace limits

// An identity as somebody wrote it down.
struct written_identity {
  std::string_view kind;
  std::string_view number;
  std::string_view country;  // read for passports only
  std::string_view mykad;    // the MyKad number of whoever holds a Malaysian passport or a service number; may be ""
};

// `kind` is mykad, passport, army or police. Spaces, tabs, ends of lines and dashes, also the
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
// With a MyKad number beside it a passport of Malaysia, an army or a police number is that citizen's; beside a MyKad it must be the same.
[[nodiscard]] std::expected<identity, identity_fault> read_identity(const written_identity& written, civil_date today);

}  // namespace janji
