#include "booking/round.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "booking/civil_time.hpp"
#include "booking/states.hpp"
#include "booking/text_length.hpp"
#include "booking/text_rules.hpp"

namespace janji {

admission_verdict admission(const round_definition& round, const round_status& status, unix_ms now) {
  return admission({round.id, status.state, round.opens_at, round.closes_at}, now);
}

std::string_view name_of(round_state state) {
  switch (state) {
    case round_state::imported: return "imported";
    case round_state::open: return "open";
    case round_state::paused: return "paused";
    case round_state::closed: return "closed";
    case round_state::erased: return "erased";
  }
  return "";
}

bool good_code(std::string_view code, std::size_t bytes_max) {
  return !code.empty() && code.size() <= bytes_max && std::ranges::all_of(code, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

std::string name_too_long(std::string_view name) {
  if (const auto characters = text_length(name); characters > limits::round_name_characters_max)
    return fmt::format("has {} characters, and {} are the most", characters, limits::round_name_characters_max);
  if (name.size() > limits::round_name_bytes_max)
    return fmt::format("takes {} bytes, and {} are the most: few characters take more than three", name.size(),
                       limits::round_name_bytes_max);
  return {};
}

bool good_name(std::string_view name, bool may_be_empty) {
  if (name.empty() || !name_too_long(name).empty())
    return name.empty() && may_be_empty;
  const auto clean = operator_text(name);
  return clean && *clean == name;
}

std::string order_text_fault(std::initializer_list<std::string_view> texts) {
  for (const auto text : texts)
    if (text.size() > limits::order_text_bytes_max)
      return fmt::format("invalid: a text of an order has at most {} bytes (order_text_bytes_max), this one has {}",
                         limits::order_text_bytes_max, text.size());
  return {};
}

bool good_degrees(double degrees, double most) { return std::isfinite(degrees) && degrees >= -most && degrees <= most; }

std::vector<round_fault> settings_faults(const round_definition& r) {
  std::vector<round_fault> found;
  const auto require = [&](bool good, const char* where, const char* code, const char* detail) {
    if (!good)
      found.push_back({where, code, detail});
  };
  require(good_code(r.code, limits::round_code_bytes_max), "code", "bad_code", "A round's code is 1 to 32 letters, digits and dashes.");
  require(good_name(r.name), "name", "bad_name", "A round needs a name of at most 200 characters (600 bytes) on one line.");
  require(zone_offset(r.time_zone).has_value(), "time_zone", "bad_time_zone",
          "A round needs one of the time zones that docs/operations.md lists, none of which has summer time, such as Asia/Kuala_Lumpur.");
  require(r.opens_at < r.closes_at, "closes_at", "closes_before_opens", "A round closes after it opens.");
  require(r.rules.age_min <= r.rules.age_max, "age_min", "bad_rule", "The least age is above the greatest.");
  require(r.rules.party_max >= 1 && r.rules.party_max <= limits::party_people_max, "party_max", "bad_rule",
          "A party is of one to four people.");
  require(r.rules.changes_max >= 1 && r.rules.changes_max <= limits::changes_max_most, "changes_max", "bad_rule",
          "A citizen may make 1 to 1,000 changes.");
  return found;
}

namespace {

constexpr std::size_t faults_max = 100;

using fault_list = std::vector<round_fault>;

void add(fault_list& to, std::string where, const char* code, const char* detail) {
  if (to.size() < faults_max)
    to.push_back({std::move(where), code, detail});
}

void centre_faults(const round_definition& r, fault_list& found) {
  std::set<std::string_view> codes;
  for (std::size_t i = 0; i < r.centres.size() && found.size() < faults_max; ++i) {
    const auto& c = r.centres[i];
    const auto require = [&](bool good, const char* what, const char* code, const char* detail) {
      if (!good)
        add(found, fmt::format("centres[{}].{}", i, what), code, detail);
    };
    require(good_code(c.code, limits::centre_code_bytes_max), "code", "bad_code", "A centre's code is 1 to 16 letters, digits and dashes.");
    require(codes.insert(c.code).second, "code", "centre_twice", "Another centre has this code.");
    require(good_name(c.name), "name", "bad_name", "A centre needs a name of at most 200 characters (600 bytes) on one line.");
    require(good_name(c.district, true), "district", "bad_name", "A district's name is at most 200 characters (600 bytes) on one line.");
    require(state_number(c.state) != 0, "state", "unknown_state", "This is no state or federal territory.");
    require(good_degrees(c.latitude, 90), "latitude", "bad_latitude", "A latitude is a number from -90 to 90.");
    require(good_degrees(c.longitude, 180), "longitude", "bad_longitude", "A longitude is a number from -180 to 180.");
  }
}

void window_faults(const group_definition& g, const std::string& where, fault_list& found) {
  if (g.windows.empty() || g.windows.size() > limits::windows_per_group_max)
    add(found, where + ".windows", "bad_window_count", "A day has 1 to 64 windows.");
  std::uint16_t free_from = 0;
  for (std::size_t i = 0; i < g.windows.size() && found.size() < faults_max; ++i) {
    const auto& w = g.windows[i];
    const auto here = fmt::format("{}.windows[{}]", where, i);
    if (w.opens_minute >= w.closes_minute || w.closes_minute >= limits::minutes_of_day)
      add(found, here, "closes_before_opens", "A window closes after it opens, on the same day.");
    if (w.opens_minute < free_from)
      add(found, here, "windows_overlap", "Windows stand in time order and do not overlap.");
    if (w.capacity > limits::capacity_max)
      add(found, here, "bad_capacity", "A capacity is from 0 to 1,000,000.");
    free_from = std::max(free_from, w.closes_minute);
  }
}

void group_faults(const round_definition& r, fault_list& found) {
  for (std::size_t i = 0; i < r.groups.size() && found.size() < faults_max; ++i) {
    const auto& g = r.groups[i];
    const auto where = fmt::format("groups[{}]", i);
    if (g.centre >= r.centres.size())
      add(found, where + ".centre", "unknown_centre", "The round has no such centre.");
    if (!g.date.ok())
      add(found, where + ".date", "bad_date", "This date does not exist.");
    if (i != 0 && std::pair(r.groups[i - 1].centre, r.groups[i - 1].date) >= std::pair(g.centre, g.date))
      add(found, where, "not_sorted", "Groups are sorted by centre and date, and none stands twice.");
    window_faults(g, where, found);
  }
}

}  // namespace

std::vector<round_fault> round_faults(const round_definition& round) {
  auto found = settings_faults(round);
  if (round.centres.empty() || round.centres.size() > limits::round_centres_max)
    add(found, "centres", "bad_centre_count", "A round has 1 to 10,000 centres.");
  if (round.groups.empty() || round.groups.size() > limits::round_groups_max)
    add(found, "groups", "bad_group_count", "A round has 1 to 200,000 centre-days.");
  centre_faults(round, found);
  group_faults(round, found);
  return found;
}

}  // namespace janji
