// A round: one campaign with its rules, centres and slot groups, and the states it goes through.
// Plain values, pure. What may be asked of a round at a moment is decided by admission() and nowhere else.
#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <expected>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "booking/admission.hpp"
#include "booking/slot_group.hpp"
#include "booking/types.hpp"

namespace janji {

struct centre {
  std::string code;  // letters, digits, '-': 1 to 16
  std::string name;
  std::string state;  // as in states()
  std::string district;
  double latitude = 0;
  double longitude = 0;
  friend bool operator==(const centre&, const centre&) = default;
};

struct group_definition {
  group_id id;               // given when the import is committed; 0 before
  std::uint16_t centre = 0;  // index into round_definition::centres
  std::chrono::year_month_day date;
  std::vector<window_definition> windows;  // in time order, not overlapping
  friend bool operator==(const group_definition&, const group_definition&) = default;
};

struct round_rules {
  std::uint8_t age_min = 18;  // on the day of the appointment
  std::uint8_t age_max = 120;
  std::uint8_t party_max = 4;
  std::uint16_t changes_max = limits::changes_max;  // bookings and moves that a citizen may begin
  std::uint32_t citizens = 0;                       // who may book, for what the disks have to hold; 0: as many as there are places
  friend bool operator==(const round_rules&, const round_rules&) = default;
};

struct round_definition {
  round_id id;       // given when the import is committed
  std::string code;  // letters, digits, '-': 1 to 32
  std::string name;
  std::string time_zone;  // IANA name; the centres' days are days of this zone
  unix_ms opens_at;
  unix_ms closes_at;
  round_rules rules;
  std::vector<centre> centres;
  std::vector<group_definition> groups;  // sorted by (centre, date)
  friend bool operator==(const round_definition&, const round_definition&) = default;
};

struct round_status {
  round_state state = round_state::imported;
  std::string reason;  // of a pause: shown to citizens
  unix_ms since;
};

// ---- events of the rounds' owner, in the log of shard 0; every one is also the operators' audit trail
struct round_imported {
  round_definition definition;
  std::string by;
  unix_ms at;
  std::uint32_t parts = 0;  // its centres and slot groups stand in that many parts before it (booking/round_parts.hpp)
};
// Some of the centres or of the slot groups of a round whose import is under way.
struct round_part {
  unix_ms at;               // of the import, the same in all its parts
  std::uint32_t index = 0;  // from 0 on
  std::vector<centre> centres;
  std::vector<group_definition> groups;
};
struct round_state_changed {
  round_id round;
  round_state state = round_state::imported;
  std::string reason;
  std::string by;
  unix_ms at;
  round_order order = round_order::unsaid;
};
// Something an operator did that changes no round: keys rotated, disk released, a claim released by staff.
struct operator_noted {
  std::string what;
  std::string detail;
  std::string by;
  unix_ms at;
  friend bool operator==(const operator_noted&, const operator_noted&) = default;
};
using round_event = std::variant<round_imported, round_state_changed, operator_noted, round_part>;

[[nodiscard]] admission_verdict admission(const round_definition& round, const round_status& status, unix_ms now);
[[nodiscard]] std::string_view name_of(round_state state);

namespace limits {
inline constexpr std::size_t round_code_bytes_max = 32;
inline constexpr std::size_t centre_code_bytes_max = 16;
inline constexpr std::size_t round_name_characters_max = 200;                       // of rounds, centres and districts
inline constexpr std::size_t round_name_bytes_max = 3 * round_name_characters_max;  // of UTF-8: letters of every script that is in use
inline constexpr std::size_t round_centres_max = 10'000;
inline constexpr std::size_t round_groups_max = 200'000;
inline constexpr std::uint16_t minutes_of_day = 24 * 60;
static_assert(round_centres_max <= std::numeric_limits<decltype(group_definition::centre)>::max());
}  // namespace limits

// What is wrong with a round: where ("time_zone", "centres[3].latitude"), a stable code, and words for an operator.
struct round_fault {
  std::string where;
  std::string code;
  std::string detail;
  friend bool operator==(const round_fault&, const round_fault&) = default;
};
[[nodiscard]] std::vector<round_fault> settings_faults(const round_definition& round);  // all but centres and groups
[[nodiscard]] std::vector<round_fault> round_faults(const round_definition& round);     // everything, at most a hundred
// What an order says in words; empty when each text is short enough to be kept and sent.
[[nodiscard]] std::string order_text_fault(std::initializer_list<std::string_view> texts);
// The rules behind them, for those who read a round from elsewhere and must name the line.
[[nodiscard]] bool good_code(std::string_view code, std::size_t bytes_max);      // letters, digits, '-'
[[nodiscard]] std::string name_too_long(std::string_view name);                  // in a clause, with both numbers; "": it is not
[[nodiscard]] bool good_name(std::string_view name, bool may_be_empty = false);  // as operator_text() leaves it
[[nodiscard]] bool good_degrees(double degrees, double most);

}  // namespace janji
