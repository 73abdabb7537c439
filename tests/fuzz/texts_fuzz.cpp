// Small texts that people type: names, notes, identity numbers, references, dates, times, numbers, moments, states. What is read can
// be written, and read again means the same.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "booking/civil_time.hpp"
#include "booking/identity.hpp"
#include "booking/nearest_name.hpp"
#include "booking/reference_text.hpp"
#include "booking/spreadsheet_values.hpp"
#include "booking/states.hpp"
#include "booking/text_rules.hpp"

namespace {

using namespace janji;

constexpr civil_date today{std::chrono::year{2021}, std::chrono::May, std::chrono::day{26}};

void check(bool good) {
  if (!good)
    std::abort();
}

std::string_view next_line(std::string_view& text) {
  const auto end = std::min(text.find('\n'), text.size());
  const auto line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

// The canonical form read again: "kind:number", of passports "passport:country:number".
void check_identity(std::string_view kind, std::string_view number, std::string_view country, std::string_view mykad = {}) {
  const auto who = read_identity({kind, number, country, mykad}, today);
  if (!who) {
    check(!code_of(who.error().error).empty() && !name_of(who.error().part).empty());
    return;
  }
  if (!mykad.empty())
    return check(who->canonical.starts_with("mykad:") && who->birth && *who->birth <= today);
  if (who->birth)
    check(who->birth->ok() && *who->birth <= today);
  std::string_view rest = who->canonical;
  const auto colon = rest.find(':');
  const auto kind_again = rest.substr(0, colon);
  rest.remove_prefix(colon + 1);
  const auto second = rest.find(':');
  const auto country_again = second == std::string_view::npos ? std::string_view{} : rest.substr(0, second);
  const auto again =
      read_identity({kind_again, second == std::string_view::npos ? rest : rest.substr(second + 1), country_again, {}}, today);
  check(again && *again == *who);
}

// What a rule keeps it keeps again, and there is nothing in it that could harm a list or a log.
void check_text(std::string_view typed) {
  check(is_utf8(shown_text(typed)));
  for (const auto& text : {people_text(typed), people_text(typed, text_lines::many), operator_text(typed)}) {
    if (!text) {
      check(!text.error().code.empty() && !words_of(text.error()).empty() && text.error().position != 0);
      continue;
    }
    check(is_utf8(*text) && people_text(*text, text_lines::many) == *text && without_blanks_around(*text) == *text);
    check(text_length(*text) <= text->size());
  }
}

void check_spreadsheet(std::string_view text) {
  const auto day = read_day(text);
  check(!day || std::ranges::any_of(day->by, [](const auto& d) { return d && d->ok(); }));
  check(day || !day.error().empty());
  const auto time = read_time(text);
  check(time ? time->minute < 24 * 60 : !time.error().empty());
  const auto number = read_whole(text);
  check(number || !number.error().empty());
  if (const auto degrees = read_degrees(text))
    check(degrees->value == degrees->value);
  constexpr std::array<std::string_view, 2> names{"centre", "age_min"};
  (void)nearest_name(text, names);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const auto text = rest;
  const auto first = next_line(rest);
  const auto second = next_line(rest);
  const auto third = next_line(rest);
  check_identity(first, second, third);
  check_text(text);
  check_spreadsheet(text);
  for (const std::string_view kind : {"mykad", "passport", "army", "police"})
    check_identity(kind, first, second);
  check_identity(first, second, "MYS", third);
  if (const auto ref = reference_from_text(text))
    check(ref->value < (std::uint64_t{1} << 60) && reference_from_text(to_text(*ref)) == ref);
  if (const auto date = parse_date(text))
    check(date->ok() && format_date(*date) == text);
  if (const auto minute = parse_minute(text))
    check(*minute < 24 * 60 + 1 && format_minute(*minute) == text);
  if (const auto moment = parse_moment(text))
    check(parse_moment(format_utc(*moment)) == moment);
  if (const auto state = state_number(text); state != 0)
    check(state_number(state_name(state)) == state);
  (void)zone_offset(text);
  return 0;
}
