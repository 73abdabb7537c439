#include "booking/identity.hpp"

#include <algorithm>
#include <array>

#include "booking/states.hpp"
#include "booking/typed_signs.hpp"

namespace janji {

namespace {

// Place-of-birth codes given out beside those of the states: abroad, unknown, and older ones. Never given out: 00, 17 to 20,
// 69, 70, 73, 80, 81, 94 to 97.
constexpr std::array other_places{60, 61, 62, 63, 64, 65, 66, 67, 68, 71, 72, 74, 75, 76, 77, 78,
                                  79, 82, 83, 84, 85, 86, 87, 88, 89, 90, 91, 92, 93, 98, 99};
static_assert(std::ranges::is_sorted(other_places));

bool place_assigned(int code) { return state_of_birth_place(code) != 0 || std::ranges::binary_search(other_places, code); }

// Codes of three letters, each followed by a space.
constexpr std::string_view iso_countries =
    "ABW AFG AGO AIA ALA ALB AND ARE ARG ARM ASM ATA ATF ATG AUS AUT AZE BDI BEL BEN BES BFA BGD BGR BHR BHS BIH BLM "
    "BLR BLZ BMU BOL BRA BRB BRN BTN BVT BWA CAF CAN CCK CHE CHL CHN CIV CMR COD COG COK COL COM CPV CRI CUB CUW CXR "
    "CYM CYP CZE DEU DJI DMA DNK DOM DZA ECU EGY ERI ESH ESP EST ETH FIN FJI FLK FRA FRO FSM GAB GBR GEO GGY GHA GIB "
    "GIN GLP GMB GNB GNQ GRC GRD GRL GTM GUF GUM GUY HKG HMD HND HRV HTI HUN IDN IMN IND IOT IRL IRN IRQ ISL ISR ITA "
    "JAM JEY JOR JPN KAZ KEN KGZ KHM KIR KNA KOR KWT LAO LBN LBR LBY LCA LIE LKA LSO LTU LUX LVA MAC MAF MAR MCO MDA "
    "MDG MDV MEX MHL MKD MLI MLT MMR MNE MNG MNP MOZ MRT MSR MTQ MUS MWI MYS MYT NAM NCL NER NFK NGA NIC NIU NLD NOR "
    "NPL NRU NZL OMN PAK PAN PCN PER PHL PLW PNG POL PRI PRK PRT PRY PSE PYF QAT REU ROU RUS RWA SAU SDN SEN SGP SGS "
    "SHN SJM SLB SLE SLV SMR SOM SPM SRB SSD STP SUR SVK SVN SWE SWZ SXM SYC SYR TCA TCD TGO THA TJK TKL TKM TLS TON "
    "TTO TUN TUR TUV TWN TZA UGA UKR UMI URY USA UZB VAT VCT VEN VGB VIR VNM VUT WLF WSM YEM ZAF ZMB ZWE ";
// Doc 9303 part 3, section 5: organisations, British statuses, stateless people, refugees.
constexpr std::string_view icao_issuers =
    "EUE GBD GBN GBO GBP GBS RKS UNA UNK UNO XBA XCC XCE XCO XDC XEC XES XIM XMP XOM XPO XXA XXB XXC XXX ";
static_assert(iso_countries.size() == 249 * 4);

// What is longer is read as nothing: its beginning could be somebody else's.
std::string_view as_typed(std::string_view text) {
  return text.size() > limits::identity_characters_max * limits::character_bytes_max ? std::string_view{} : text;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return c >= 'A' && c <= 'Z'; }
bool all_digits(std::string_view s) { return std::ranges::all_of(s, is_digit); }

bool issues_passports(std::string_view code) {
  const auto listed = [&](std::string_view list) {
    for (std::size_t at = 0; at < list.size(); at += 4)
      if (list.substr(at, 3) == code)
        return true;
    return false;
  };
  return code.size() == 3 && (listed(iso_countries) || listed(icao_issuers));
}

int two_digits(std::string_view digits, std::size_t at) { return (digits[at] - '0') * 10 + (digits[at + 1] - '0'); }

std::optional<civil_date> mykad_birth(std::string_view digits, civil_date today) {
  const auto date_in = [&](int century) -> std::optional<civil_date> {
    const civil_date date{std::chrono::year{century + two_digits(digits, 0)},
                          std::chrono::month{static_cast<unsigned>(two_digits(digits, 2))},
                          std::chrono::day{static_cast<unsigned>(two_digits(digits, 4))}};
    return date.ok() && date <= today ? std::optional{date} : std::nullopt;
  };
  const int century = static_cast<int>(today.year()) / 100 * 100;
  const auto later = date_in(century);
  const auto earlier = date_in(century - 100);
  if (!later || !earlier)
    return later ? later : earlier;
  const bool serial_of_before_2000 = digits[8] >= '5' && digits[8] <= '7' && earlier->year() < std::chrono::year{2000};
  return serial_of_before_2000 && age_on(*earlier, today) <= limits::centenarian_age_max ? earlier : later;
}

using identity_or_fault = std::expected<identity, identity_fault>;

std::unexpected<identity_fault> fault_of(identity_error e, identity_part part, std::string_view number = {}) {
  return std::unexpected(identity_fault{e, part, text_length(number), {}});
}

identity_or_fault read_mykad(const std::string& digits, civil_date today, identity_part part = identity_part::number) {
  if (!all_digits(digits))
    return fault_of(identity_error::not_digits, part, digits);
  if (digits.size() != limits::mykad_digits)
    return fault_of(identity_error::wrong_length, part, digits);
  const auto birth = mykad_birth(digits, today);
  if (!birth)
    return fault_of(identity_error::impossible_birth_date, part, digits);
  if (!place_assigned(two_digits(digits, 6)))
    return std::unexpected(identity_fault{identity_error::unassigned_place, part, digits.size(), digits.substr(6, 2)});
  return identity{identity_kind::mykad, "mykad:" + digits, {}, birth};
}

identity_or_fault read_passport(const std::string& number, std::string_view country) {
  auto issuer = typed_signs(as_typed(country), "<");
  if (issuer == "D")
    issuer = "DEU";
  if (!issues_passports(issuer))
    return fault_of(identity_error::unknown_country, identity_part::country);
  if (!std::ranges::all_of(number, [](char c) { return is_digit(c) || is_letter(c); }))
    return fault_of(identity_error::passport_character, identity_part::number, number);
  if (number.size() < limits::passport_length_min || number.size() > limits::passport_length_max)
    return fault_of(identity_error::passport_length, identity_part::number, number);
  return identity{identity_kind::passport, "passport:" + issuer + ":" + number, {}, std::nullopt};
}

identity_or_fault read_service(identity_kind kind, std::string_view name, std::string_view number) {
  const auto letters = static_cast<std::size_t>(std::ranges::find_if_not(number, is_letter) - number.begin());
  if (letters > 3 || letters == number.size() || !all_digits(number.substr(letters)))
    return fault_of(identity_error::service_form, identity_part::number, number);
  if (number.size() < limits::service_length_min || number.size() > limits::service_length_max)
    return fault_of(identity_error::service_length, identity_part::number, number);
  return identity{kind, std::string(name) + ":" + std::string(number), {}, std::nullopt};
}

// The document of somebody whose MyKad number came with it.
identity_or_fault citizen_by(identity&& document, std::string_view typed, civil_date today) {
  if (document.kind == identity_kind::passport && !document.canonical.starts_with("passport:MYS:"))
    return fault_of(identity_error::not_a_citizens_passport, identity_part::mykad);
  auto citizen = read_mykad(typed_signs(as_typed(typed), "."), today, identity_part::mykad);
  if (!citizen)
    return citizen;
  if (document.kind == identity_kind::mykad)
    return document.canonical == citizen->canonical ? identity_or_fault(std::move(document))
                                                    : fault_of(identity_error::other_mykad, identity_part::mykad);
  citizen->kind = document.kind;
  citizen->document = std::move(document.canonical);
  return citizen;
}

}  // namespace

std::string_view code_of(identity_error e) {
  switch (e) {
    case identity_error::unknown_kind: return "unknown_kind";
    case identity_error::unknown_country: return "unknown_country";
    case identity_error::wrong_length: return "wrong_length";
    case identity_error::not_digits: return "not_digits";
    case identity_error::impossible_birth_date: return "impossible_birth_date";
    case identity_error::unassigned_place: return "unassigned_place";
    case identity_error::passport_length: return "passport_length";
    case identity_error::passport_character: return "passport_character";
    case identity_error::service_length: return "service_length";
    case identity_error::service_form: return "service_form";
    case identity_error::not_a_citizens_passport: return "not_a_citizens_passport";
    case identity_error::other_mykad: return "other_mykad";
  }
  return "";
}

std::string_view name_of(identity_part part) {
  switch (part) {
    case identity_part::type: return "type";
    case identity_part::number: return "number";
    case identity_part::country: return "country";
    case identity_part::mykad: return "mykad";
  }
  return "";
}

identity_or_fault read_identity(const written_identity& written, civil_date today) {
  const auto number = as_typed(written.number);
  const auto name = typed_signs(as_typed(written.kind));  // in capitals
  const auto document = [&]() -> identity_or_fault {
    if (name == "MYKAD")
      return read_mykad(typed_signs(number, "."), today);
    if (name == "PASSPORT")
      return read_passport(typed_signs(number, "<."), written.country);
    if (name == "ARMY")
      return read_service(identity_kind::army, "army", typed_signs(number, "/."));
    if (name == "POLICE")
      return read_service(identity_kind::police, "police", typed_signs(number, "/."));
    return fault_of(identity_error::unknown_kind, identity_part::type);
  };
  auto read = document();
  return read && !written.mykad.empty() ? citizen_by(std::move(*read), written.mykad, today) : read;
}

}  // namespace janji
