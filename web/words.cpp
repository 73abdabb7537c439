#include "web/words.hpp"

#include <unicode/datefmt.h>
#include <unicode/fieldpos.h>
#include <unicode/locid.h>
#include <unicode/msgfmt.h>
#include <unicode/numfmt.h>
#include <unicode/smpdtfmt.h>
#include <malloc.h>
#include <unicode/timezone.h>
#include <unicode/uchar.h>
#include <unicode/uclean.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <mutex>
#include <new>
#include <toml++/toml.h>

#include "booking/assert.hpp"
#include "web/embedded.hpp"

namespace janji::web {

namespace {

constexpr std::int64_t minute_ms = 60'000;
constexpr std::int64_t day_ms = 24 * 60 * minute_ms;
constexpr std::uint16_t noon_minute = 12 * 60;

std::string utf8(const icu::UnicodeString& text) {
  std::string out;
  text.toUTF8String(out);
  return out;
}

std::unique_ptr<icu::DateFormat> format_of(const icu::Locale& locale, const char* skeleton) {
  UErrorCode status = U_ZERO_ERROR;
  std::unique_ptr<icu::DateFormat> out(icu::DateFormat::createInstanceForSkeleton(skeleton, locale, status));
  assert_always(U_SUCCESS(status) != 0, "ICU has the formats of our languages");
  out->adoptTimeZone(icu::TimeZone::createTimeZone("UTC"));
  return out;
}

std::string formatted(const icu::DateFormat& format, std::int64_t ms) {
  icu::UnicodeString out;
  format.format(static_cast<UDate>(ms), out);
  return utf8(out);
}

}  // namespace

namespace {

void* take(const void* /*whose*/, std::size_t bytes) { return ::operator new(bytes, std::nothrow); }
void give_back(const void* /*whose*/, void* at) { ::operator delete(at); }
void* resize(const void* whose, void* at, std::size_t bytes) {
  void* const larger = take(whose, bytes);
  if (larger != nullptr && at != nullptr) {
    std::memcpy(larger, at, std::min(::malloc_usable_size(at), bytes));
    give_back(whose, at);
  }
  return larger;
}

// Names are formatted into ICU's memory, which by itself asks malloc: from the program's own heap it is wiped where a store::wiping_scope
// says so. Of use before ICU is asked for anything, and only then.
void use_own_heap() {
  static std::once_flag once;
  std::call_once(once, [] {
    UErrorCode ignored = U_ZERO_ERROR;
    u_setMemoryFunctions(nullptr, take, resize, give_back, &ignored);
  });
}

}  // namespace

struct words::message {
  std::string pattern;
  std::unique_ptr<icu::MessageFormat> format;
};

struct words::of_language {
  std::map<std::string, message, std::less<>> messages;
  std::unique_ptr<icu::DateFormat> date, short_date, month, hour, clock, spoken_hour, weekday, narrow_weekday;
  std::unique_ptr<icu::NumberFormat> number;
  std::vector<words::weekday_name> weekdays;
};

namespace {

std::string file_of(language l) { return "messages/" + std::string(tag_of(l)) + ".toml"; }

}  // namespace

std::expected<void, std::string> words::read_messages(language l, of_language& out) {
  const auto file = file_of(l);
  toml::table parsed;
  try {
    parsed = toml::parse(embedded(file), file);
  } catch (const toml::parse_error& e) {
    return std::unexpected(file + ": " + std::string(e.description()));
  }
  for (const auto& [key, value] : parsed) {
    const auto text = value.value<std::string>();
    if (!text)
      return std::unexpected(file + ": " + std::string(key.str()) + " is not text");
    UErrorCode status = U_ZERO_ERROR;
    UParseError where{};
    auto format = std::make_unique<icu::MessageFormat>(icu::UnicodeString::fromUTF8(*text), icu::Locale(locale_of(l)), where, status);
    if (U_FAILURE(status) != 0)
      return std::unexpected(file + ": " + std::string(key.str()) + ": " + u_errorName(status));
    out.messages.emplace(std::string(key.str()), message{*text, std::move(format)});
  }
  return {};
}

void words::make_formats(language l, of_language& out) {
  const icu::Locale locale(locale_of(l));
  out.date = format_of(locale, "EEEEdMMMMy");
  out.short_date = format_of(locale, "EEEdMMM");
  out.month = format_of(locale, "MMMMy");
  out.hour = format_of(locale, "Hm");
  out.clock = format_of(locale, "Hms");
  out.spoken_hour = format_of(locale, "Bhm");
  out.weekday = format_of(locale, "cccc");
  out.narrow_weekday = format_of(locale, "ccc");
  UErrorCode status = U_ZERO_ERROR;
  out.number.reset(icu::NumberFormat::createInstance(locale, status));
  assert_always(U_SUCCESS(status) != 0, "ICU has the number formats of our languages");
  constexpr std::int64_t a_monday = 4;  // 5 January 1970
  for (std::int64_t i = 0; i < 7; ++i)
    out.weekdays.push_back({formatted(*out.weekday, (a_monday + i) * day_ms), formatted(*out.narrow_weekday, (a_monday + i) * day_ms)});
}

struct words::tables {
  std::array<of_language, languages.size()> by;
  [[nodiscard]] const of_language& of(language l) const { return by[static_cast<std::size_t>(l)]; }
  [[nodiscard]] const message& find(language l, std::string_view key) const {
    const auto& messages = of(l).messages;
    const auto it = messages.find(key);
    assert_always(it != messages.end(), "a page says only what the message files have");
    return it->second;
  }
};

words::words() : tables_(std::make_unique<tables>()) {}
words::~words() = default;

std::expected<std::unique_ptr<words>, std::string> words::load() {
  use_own_heap();
  std::unique_ptr<words> out(new words);
  for (const auto l : languages) {
    auto& of = out->tables_->by[static_cast<std::size_t>(l)];
    if (auto read = read_messages(l, of); !read)
      return std::unexpected(read.error());
    make_formats(l, of);
  }
  const auto& first = out->tables_->by.front().messages;
  for (const auto l : languages) {
    const auto& other = out->tables_->of(l).messages;
    for (const auto& [key, _] : first)
      if (!other.contains(key))
        return std::unexpected(file_of(l) + " lacks " + key);
    for (const auto& [key, _] : other)
      if (!first.contains(key))
        return std::unexpected(file_of(languages.front()) + " lacks " + key);
  }
  return out;
}

const std::string& words::say(language l, std::string_view key) const { return tables_->find(l, key).pattern; }
const std::string& words::pattern(language l, std::string_view key) const { return tables_->find(l, key).pattern; }
bool words::has(std::string_view key) const { return tables_->by.front().messages.contains(key); }

std::vector<std::string> words::keys() const {
  std::vector<std::string> out;
  for (const auto& [key, _] : tables_->by.front().messages)
    out.push_back(key);
  return out;
}

namespace {

// A value that is written from right to left takes the comma and the number behind it along, so that a date stands inside of a name: it is
// isolated (Unicode Standard Annex 9). Others stay as they were typed.
icu::UnicodeString isolated(const icu::UnicodeString& value) {
  constexpr char16_t first_strong_isolate = 0x2068, pop_directional_isolate = 0x2069;
  for (std::int32_t i = 0; i < value.length(); i = value.moveIndex32(i, 1)) {
    const auto direction = u_charDirection(value.char32At(i));
    if (direction == U_RIGHT_TO_LEFT || direction == U_RIGHT_TO_LEFT_ARABIC || direction == U_ARABIC_NUMBER)
      return icu::UnicodeString(first_strong_isolate).append(value).append(pop_directional_isolate);
  }
  return value;
}

}  // namespace

std::string words::say(language l, std::string_view key, std::initializer_list<argument> arguments) const {
  std::vector<icu::UnicodeString> names;
  std::vector<icu::Formattable> values;
  for (const auto& a : arguments) {
    names.push_back(icu::UnicodeString::fromUTF8(icu::StringPiece(a.name.data(), static_cast<std::int32_t>(a.name.size()))));
    if (const auto* n = std::get_if<std::int64_t>(&a.value)) {
      values.emplace_back(*n);
    } else {
      const auto text = std::get<std::string_view>(a.value);
      values.emplace_back(isolated(icu::UnicodeString::fromUTF8(icu::StringPiece(text.data(), static_cast<std::int32_t>(text.size())))));
    }
  }
  UErrorCode status = U_ZERO_ERROR;
  icu::UnicodeString out;
  tables_->find(l, key).format->format(names.data(), values.data(), static_cast<std::int32_t>(names.size()), out, status);
  assert_always(U_SUCCESS(status) != 0, "a message can be formatted with its arguments");
  return utf8(out);
}

std::string words::date(language l, civil_date day) const { return formatted(*tables_->of(l).date, day_number_of(day) * day_ms); }
std::string words::short_date(language l, civil_date day) const {
  return formatted(*tables_->of(l).short_date, day_number_of(day) * day_ms);
}
std::string words::month(language l, civil_date day) const { return formatted(*tables_->of(l).month, day_number_of(day) * day_ms); }
const std::vector<words::weekday_name>& words::weekdays(language l) const { return tables_->of(l).weekdays; }
std::string words::hour(language l, std::uint16_t minute_of_day) const {
  return formatted(*tables_->of(l).hour, std::int64_t{minute_of_day} * minute_ms);
}
std::string words::hours(language l, std::uint16_t from, std::uint16_t to) const {
  const auto begins = hour(l, from);
  const auto ends = hour(l, to);
  return say(l, "time_range", {{"from", begins}, {"to", ends}});
}
std::string words::clock(language l, unix_ms at, std::chrono::minutes offset) const {
  return formatted(*tables_->of(l).clock, at.value + offset.count() * minute_ms);
}

// Noon is said as noon, since "12:00" alone leaves people in doubt; ICU's words for the rest of the day are not always right (midnight as
// "12 in the morning"), so that every other hour is of the 24-hour clock.
std::string words::when(language l, unix_ms at, unix_ms now, std::chrono::minutes offset) const {
  const auto local_ms = at.value + offset.count() * minute_ms;
  const auto day = date_at(at, offset);
  const auto minute = (local_ms - day_number_of(day) * day_ms) / minute_ms;
  const auto& of = tables_->of(l);
  const auto time = formatted(minute == noon_minute ? *of.spoken_hour : *of.hour, local_ms);
  const auto days = day_number_of(day) - day_number_of(date_at(now, offset));
  if (days == 0)
    return say(l, "when_today", {{"time", time}});
  if (days == 1)
    return say(l, "when_tomorrow", {{"time", time}});
  const auto full = date(l, day);
  return say(l, "when_date", {{"date", full}, {"time", time}});
}

std::string words::number(language l, std::int64_t n) const {
  icu::UnicodeString out;
  tables_->of(l).number->format(n, out);
  return utf8(out);
}

}  // namespace janji::web
