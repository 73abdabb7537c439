// Importing a round: what its settings and files say, and its keys before it.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>
#include <boost/json.hpp>
#include <limits>
#include <type_traits>

#include "booking/civil_time.hpp"
#include "booking/nearest_name.hpp"
#include "booking/round_import.hpp"
#include "booking/text_rules.hpp"
#include "net/admin_api.hpp"
#include "net/admin_json.hpp"
#include "net/import_body.hpp"

namespace janji::net {

namespace json = boost::json;

namespace {

constexpr std::array<std::string_view, 11> round_settings{"code",    "name",      "time_zone",  "opens_at",    "closes_at", "age_min",
                                                          "age_max", "party_max", "book_until", "changes_max", "citizens"};
constexpr std::size_t told_settings_max = 32;

// Nobody takes a body that is empty.
std::expected<import_body::parts, problem> import_of(const request& r) {
  if (r.taker == nullptr)
    return import_body::parts{};
  return std::move(static_cast<import_body&>(*r.taker)).finish();
}

field_error unknown_setting(std::string_view name) {
  const auto near = nearest_name(name, round_settings);
  auto known = fmt::format("{}", fmt::join(round_settings, ", "));
  return {"round." + shown_text(name), near.empty()
                                           ? cause_of<reason_code::unknown_setting, "known">(std::move(known))
                                           : cause_of<reason_code::misspelt_setting, "near", "known">(std::string(near), std::move(known))};
}

// A text among a round's settings, as operator_text leaves it.
void read_setting(const json::object& settings, std::string_view name, std::string& to, std::vector<field_error>& wrong) {
  const auto* v = settings.if_contains({name.data(), name.size()});
  if (v == nullptr)
    return;
  const auto where = "round." + std::string(name);
  if (!v->is_string())
    return wrong.push_back({where, cause_of<reason_code::not_text>()});
  auto clean = operator_text({v->get_string().data(), v->get_string().size()});
  if (!clean)
    return wrong.push_back({where, cause_of_text(clean.error())});
  to = std::move(*clean);
}

json::object to_json(const import_error& e) {
  return {{"file", e.file},         {"line", e.line}, {"column", e.file == "round" ? "round." + e.column : e.column},
          {"position", e.position}, {"code", e.code}, {"detail", e.detail}};
}

// Everything that is wrong with an import, as far as it is listed.
response refused_import(const std::vector<field_error>& settings, const std::vector<import_error>& files) {
  json::array errors;
  for (const auto& w : settings)
    errors.push_back({{"file", "round"}, {"line", 0}, {"column", w.field}, {"position", 0}, {"code", w.code()}, {"detail", w.detail()}});
  for (const auto& e : files)
    errors.push_back(to_json(e));
  auto out = json_response(json::object{{"type", "https://janji.invalid/problems/invalid"},
                                        {"title", text_of(reason_code::nothing_imported)},
                                        {"status", 422},
                                        {"code", "invalid"},
                                        {"reason", name_of(reason_code::nothing_imported)},
                                        {"fields", std::move(errors)}},
                           422);
  out.content_type = "application/problem+json";
  return out;
}

// What was read in another form than the one that is asked for: an operator looks whether it was meant so.
json::array readings_json(const std::vector<import_reading>& readings) {
  json::array out;
  for (const auto& r : readings)
    out.push_back({{"file", r.file}, {"line", r.line}, {"column", r.column}, {"detail", r.detail}});
  return out;
}

// What the import comes to, so that a wrong day or a wrong number is seen.
json::object summary_of(const round_definition& d, const std::vector<import_reading>& readings) {
  std::uint64_t places = 0;
  auto from = d.groups.front().date;
  auto to = from;
  for (const auto& g : d.groups) {
    from = std::min(from, g.date);
    to = std::max(to, g.date);
    for (const auto& w : g.windows)
      places += w.capacity;
  }
  json::object out{{"centres", d.centres.size()},
                   {"slot_groups", d.groups.size()},
                   {"places", places},
                   {"from", format_date(from)},
                   {"to", format_date(to)}};
  if (!readings.empty())
    out["read_as"] = readings_json(readings);
  return out;
}

// first_day: all days, the opening and the closing are moved, so that the round begins on that day, or tomorrow in its own zone.
std::expected<void, std::string> date_as_asked(round_definition& round, std::string_view query) {
  const auto given = query_parameter(query, "first_day");
  if (!given)
    return {};
  const auto today = date_at(wall_clock(), zone_offset(round.time_zone).value_or(std::chrono::minutes{0}));
  const auto first = *given == "tomorrow" ? civil_date{std::chrono::sys_days{today} + std::chrono::days{1}} : parse_date(*given);
  if (!first)
    return std::unexpected("first_day is tomorrow or a date, YYYY-MM-DD. Nothing was done.");
  return date_from(round, *first);
}

// How often a citizen may book and move, and how many there are.
void read_changes(const json::object& settings, round_rules& rules, bool counted, std::vector<field_error>& wrong) {
  const auto read = [&](const char* name, auto& to, std::int64_t most) {
    const auto* v = settings.if_contains(name);
    if (v == nullptr)
      return;
    if (!v->is_int64() || v->get_int64() < 1 || v->get_int64() > most)
      wrong.push_back({std::string("round.") + name, cause_of<reason_code::bad_count, "limit">(most)});
    else
      to = static_cast<std::remove_reference_t<decltype(to)>>(v->get_int64());
  };
  read("changes_max", rules.changes_max, janji::limits::changes_max_most);
  read("citizens", rules.citizens, std::numeric_limits<std::uint32_t>::max());
  if (!counted && settings.contains("changes_max"))
    wrong.push_back({"round.changes_max", cause_of<reason_code::not_known_yet>()});
}

}  // namespace

void admin_api::import(const request& r, bool dry_run, responder&& respond) {
  auto body = import_of(r);
  if (!body)
    return respond(to_response(body.error()));
  const auto& settings = body->round;
  round_definition d;
  std::vector<field_error> wrong;
  read_setting(settings, "code", d.code, wrong);
  read_setting(settings, "name", d.name, wrong);
  read_setting(settings, "time_zone", d.time_zone, wrong);
  for (const auto& item : settings)
    if (wrong.size() < told_settings_max &&
        std::ranges::find(round_settings, std::string_view(item.key().data(), item.key().size())) == round_settings.end())
      wrong.push_back(unknown_setting({item.key().data(), item.key().size()}));
  for (const auto& [name, to] : {std::pair{"opens_at", &d.opens_at}, {"closes_at", &d.closes_at}}) {
    if (const auto moment = parse_moment(text_of(settings, name)))
      *to = *moment;
    else
      wrong.push_back({std::string("round.") + name, cause_of<reason_code::bad_moment>()});
  }
  for (const auto& [name, to] : {std::pair{"age_min", &d.rules.age_min}, {"age_max", &d.rules.age_max}, {"party_max", &d.rules.party_max}})
    if (const auto* v = settings.if_contains(name)) {
      if (v->is_int64() && v->get_int64() >= 0 && v->get_int64() <= 255)
        *to = static_cast<std::uint8_t>(v->get_int64());
      else
        wrong.push_back({std::string("round.") + name, cause_of<reason_code::bad_number, "limit">(255)});
    }
  const auto until = settings.contains("book_until") ? parse_booking_end(text_of(settings, "book_until")) : booking_end{};
  if (!until)
    wrong.push_back({"round.book_until", cause_of<reason_code::bad_book_until>()});
  read_changes(settings, d.rules, node_.counts_changes(), wrong);
  std::vector<std::string> told;
  told.reserve(wrong.size());
  for (const auto& w : wrong)
    told.push_back(w.field.substr(std::string_view("round.").size()));
  wrong.insert(wrong.end(), body->wrong.begin(), body->wrong.end());
  std::vector<import_reading> readings;
  auto made = import_round(std::move(d), body->centres, body->slot_groups, told, &readings, until.value_or(booking_end{}));
  if (!made || !wrong.empty())
    return respond(refused_import(wrong, made ? std::vector<import_error>{} : made.error()));
  if (const auto dated = date_as_asked(*made, r.query); !dated)
    return respond(to_response({.code = problem_code::invalid, .detail = dated.error()}));
  auto summary = summary_of(*made, readings);
  if (dry_run)
    return would_import(std::move(*made), std::move(summary), std::move(respond));
  *body = {};
  import_with_keys(std::move(*made), std::move(summary), std::move(respond));
}

void admin_api::would_import(round_definition&& round, json::object&& summary, responder&& respond) {
  json::object would{{"result", "would import"}};
  would.insert(summary.begin(), summary.end());
  auto kept = std::make_shared<responder>(std::move(respond));
  node_.import_round(
      std::move(round), "admin",
      [this, kept, would = std::move(would)](const std::expected<std::string, std::string>& r) {
        boost::asio::post(io_, [kept, r, would] { (*kept)(r ? json_response(would) : to_response(refused(r.error()))); });
      },
      true);
}

// In a cluster its keys are made before it is there, for the number that it will have: whoever finds a round without keys could only make
// others than those that somebody may hold. It is imported under that number or not at all.
void admin_api::import_with_keys(round_definition&& round, json::object&& summary, responder&& respond) {
  const auto catalogue = node_.catalogue();
  const bool refused = catalogue->find(round.code) != nullptr;  // there is such a round: no keys are made for another
  auto told = done(std::move(respond), std::move(summary));
  if (round_keys_.make && refused)
    return node_.import_round(std::move(round), "admin", std::move(told));
  // They are here and remembered before the answer, for a booking may follow it at once.
  auto imported = [this, code = round.code, told](std::expected<std::string, std::string> r) {
    const auto now = node_.catalogue();
    const auto* there = r ? now->find(code) : nullptr;
    if (there == nullptr)
      return told(std::move(r));
    round_keys_.have(there->definition.id, [told, r = std::move(r)](const std::expected<void, std::string>& had) {
      told(had ? r : and_left_undone(*r, "its keys are not here yet, and it cannot be opened until they are: " + had.error()));
    });
  };
  if (!round_keys_.make)
    return node_.import_round(std::move(round), "admin", std::move(imported));
  round_keys_.make([this, kept = std::make_shared<round_definition>(std::move(round)), told,
                    imported = std::move(imported)](const std::expected<round_id, std::string>& made) {
    if (!made)
      return told(std::unexpected("busy: its keys cannot be made, and nothing was changed: " + made.error()));
    kept->id = *made;
    node_.import_round(std::move(*kept), "admin", imported);
  });
}

}  // namespace janji::net
