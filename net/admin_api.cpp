#include "net/admin_api.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>
#include <boost/json.hpp>
#include <limits>
#include <type_traits>

#include "booking/civil_time.hpp"
#include "booking/nearest_name.hpp"
#include "booking/reference_text.hpp"
#include "booking/round_import.hpp"
#include "booking/text_rules.hpp"
#include "cluster/audit.hpp"
#include "net/admin_json.hpp"
#include "net/import_body.hpp"
#include "net/stored_view.hpp"

namespace janji::net {

namespace json = boost::json;

namespace {

bool same_token(std::string_view given, std::string_view token) {
  return !token.empty() && given.size() == token.size() && sodium_memcmp(given.data(), token.data(), token.size()) == 0;
}

constexpr std::array<std::string_view, 11> round_settings{"code",    "name",      "time_zone",  "opens_at",    "closes_at", "age_min",
                                                          "age_max", "party_max", "book_until", "changes_max", "citizens"};
constexpr std::size_t told_settings_max = 32;
constexpr std::string_view rounds_path = "/admin/v1/rounds";

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

actors::orderer order_of(const request& r, bool dry_run) { return {"admin", r.arrived.heard, r.arrived.rounds, dry_run}; }

// Of a dry run. What the directory would not allow is found only by doing it.
response would_release(const store::disk_state& d) {
  if (d.ballast_bytes == 0)
    return to_response({.code = problem_code::wrong_state, .detail = "there is no ballast to release"});
  return json_response(json::object{{"result", "would be released"}, {"bytes", d.ballast_bytes}});
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

// What operators ordered, the last first.
json::array trail_of(const actors::round_catalogue& catalogue) {
  json::array out;
  for (auto it = catalogue.trail.rbegin(); it != catalogue.trail.rend(); ++it)
    out.push_back({{"at", format_utc(it->at)}, {"by", it->by}, {"what", it->what}, {"detail", it->detail}});
  return out;
}

}  // namespace

admin_api::admin_api(boost::asio::io_context& io, actors::node& node, store::node_store& store, store::key_ring& keys,
                     store::sealing& sealing, const receipt_signer& signer, const citizen_api& citizens, store::secret_text token,
                     std::uint16_t shard_count, cluster::operations* operations, master_ports masters)
    : io_(io),
      node_(node),
      store_(store),
      keys_(keys),
      sealing_(sealing),
      signer_(signer),
      citizens_(citizens),
      token_(std::move(token)),
      shard_count_(shard_count),
      shards_(io, node),
      cluster_(io, node, operations, shards_),
      round_keys_(masters.rounds),
      masters_(io, node, keys, std::move(masters)),
      unseal_(io, node, sealing),
      readings_(io) {}

void admin_api::handle(const request& r, responder&& respond) {
  if (r.path == "/livez")
    return respond({.status = 200, .content_type = "text/plain", .body = "alive\n"});
  if (r.path == "/readyz")
    return readyz(r, respond);
  if (!same_token(bearer_token(r.authorization), token_))
    return respond(to_response({.code = problem_code::unauthorised}));
  if (cluster_api::is_about(r.path))
    return cluster_.handle(r, std::move(respond));
  if (keys_api::is_about(r.path))
    return masters_.handle(r, std::move(respond));
  if (unseal_api::is_about(r.path))
    return unseal_.handle(r, std::move(respond));
  if (r.reads())
    return get(r, respond);
  change(r, std::move(respond));
}

// Before a byte of it is kept. Only an import is large.
std::optional<response> admin_api::refuse_body(const request& head, std::uint64_t& bytes_max) {
  constexpr std::uint64_t order_bytes_max = 64 * 1024;
  if (!same_token(bearer_token(head.authorization), token_))
    return to_response({.code = problem_code::unauthorised});
  if (head.path != rounds_path)
    bytes_max = std::min(bytes_max, order_bytes_max);
  return std::nullopt;
}

std::unique_ptr<body_taker> admin_api::take_body(const request& head) {
  return head.path == rounds_path && head.verb == method::post ? std::make_unique<import_body>() : nullptr;
}

response admin_api::refusal(const problem& p, const request& /*known*/) { return to_response(p); }

void admin_api::get(const request& r, responder& respond) {
  constexpr std::string_view rounds = "/admin/v1/rounds/";
  constexpr std::string_view shown = "/admin/v1/show/";
  if (r.path == "/admin/v1/status")
    return status(respond);
  if (r.path == "/admin/v1/trail")
    return respond(json_response(trail_of(*node_.catalogue())));
  if (r.path == "/admin/v1/audit")
    return audit(std::move(respond));
  if (r.path == "/admin/v1/disk") {
    const auto d = store_.disk();
    if (!d.unknown.empty())
      return respond(to_response({.code = problem_code::wrong_state, .detail = d.unknown}));
    return respond(json_response(
        json::object{{"free_bytes", d.free_bytes}, {"total_bytes", d.total_bytes}, {"ballast_bytes", d.ballast_bytes}, {"low", d.low}}));
  }
  if (r.path == "/admin/v1/receipt-key") {
    std::string hex(signer_.public_key().size() * 2 + 1, '\0');
    sodium_bin2hex(hex.data(), hex.size(), signer_.public_key().data(), signer_.public_key().size());
    hex.pop_back();
    return respond(json_response(json::object{{"key_id", signer_.key_id()}, {"public_key", hex}}));
  }
  if (r.path == "/admin/v1/rounds")
    return respond({.body = citizens_.rounds_list() + "\n"});
  if (r.path.starts_with(rounds))
    return get_round(r.path.substr(rounds.size()), respond);
  if (r.path.starts_with(shown))
    return show(std::string(r.path.substr(shown.size())), std::move(respond));
  respond(to_response({.code = problem_code::no_such_endpoint}));
}

// {code}/preflight, {code}/figures
void admin_api::get_round(std::string_view path, responder& respond) {
  const auto slash = path.find('/');
  const auto what = slash == std::string_view::npos ? std::string_view{} : path.substr(slash + 1);
  const auto catalogue = node_.catalogue();
  const auto round = find_round(*catalogue, path.substr(0, slash));
  if (what != "preflight" && what != "figures")
    return respond(to_response({.code = problem_code::no_such_endpoint}));
  if (round == nullptr || slash == 0)
    return respond(to_response(no_such_round()));
  if (what == "figures")
    return respond({.body = citizens_.figures_of(*round) + "\n"});
  preflight(round->definition.id, std::move(respond));
}

void admin_api::change(const request& r, responder&& respond) {
  constexpr std::string_view rounds = "/admin/v1/rounds";
  const auto dry_run = dry_run_of(r.query);
  if (!dry_run)
    return respond(to_response(dry_run.error()));
  if (r.verb == method::post && r.path == rounds)
    return import(r, *dry_run, std::move(respond));
  if (r.verb == method::post && r.path == "/admin/v1/claims/release")
    return release_claim(r, *dry_run, std::move(respond));
  if (r.verb == method::post && r.path == "/admin/v1/disk/release") {
    if (*dry_run)
      return respond(would_release(store_.disk()));
    const auto freed = store_.release_ballast();
    if (!freed)
      return respond(to_response({.code = problem_code::wrong_state, .detail = freed.error().text()}));
    note(node_, "disk release", std::to_string(*freed) + " bytes");
    return respond(json_response(json::object{{"result", "released"}, {"bytes", *freed}}));
  }
  if (r.path.starts_with(rounds) && r.path.size() > rounds.size() + 1) {
    const auto rest = r.path.substr(rounds.size() + 1);
    const auto slash = rest.find('/');
    if (r.verb == method::post && slash != std::string_view::npos)
      return round_verb(std::string(rest.substr(0, slash)), rest.substr(slash + 1), r, *dry_run, std::move(respond));
    if (r.verb == method::patch && slash != std::string_view::npos)
      return capacity(rest, r, *dry_run, std::move(respond));
  }
  respond(to_response({.code = problem_code::no_such_endpoint}));
}

actors::operator_done admin_api::done(responder&& respond, json::object&& more_to_say) {
  auto kept = std::make_shared<responder>(std::move(respond));
  auto said = std::make_shared<json::object>(std::move(more_to_say));
  return [this, kept, said](std::expected<std::string, std::string> r) {
    boost::asio::post(io_, [kept, said, r = std::move(r)] {
      if (!r)
        return (*kept)(to_response(refused(r.error())));
      json::object out{{"result", *r}};
      if (const auto more = r->find("; "); more != std::string::npos)
        out = {{"result", r->substr(0, more)}, {"detail", r->substr(more + 2)}};
      if (const auto lacking = actors::lacking_in(*r); !lacking.empty()) {
        json::array shards;
        for (const auto s : lacking)
          shards.push_back(s.value);
        out["shards_lacking"] = std::move(shards);
      }
      out.insert(said->begin(), said->end());
      (*kept)(json_response(std::move(out)));
    });
  };
}

// ------------------------------------------------------------------ rounds

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
  for (const auto& w : wrong)
    told.push_back(w.field.substr(std::string_view("round.").size()));
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
      told(had ? r : std::unexpected("wrong_state: the round is there, its keys are not yet: " + had.error()));
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

void admin_api::round_verb(const std::string& code, std::string_view verb, const request& r, bool dry_run, responder&& respond) {
  const auto catalogue = node_.catalogue();
  const auto* round = catalogue->find(code);
  if (round == nullptr)
    return respond(to_response(no_such_round()));
  const auto body = object_of(r.body);
  if (!body)
    return respond(to_response(body.error()));
  const auto id = round->definition.id;
  if (verb == "warm")
    return node_.warm(id, done(std::move(respond)), dry_run);
  const auto said = order_text(*body, "reason");
  if (!said)
    return respond(to_response(said.error()));
  const auto& reason = *said;
  const auto order = order_of(r, dry_run);
  if (verb == "open" || verb == "resume") {
    const auto what = verb == "open" ? round_order::open : round_order::resume;
    if (dry_run)
      return node_.change_round(id, what, {}, order, done(std::move(respond)));
    return round_keys_.have(id, [this, id, what, order, told = done(std::move(respond))](const std::expected<void, std::string>& had) {
      if (!had)
        return told(std::unexpected("wrong_state: " + had.error()));
      node_.change_round(id, what, {}, order, told);
    });
  }
  if (verb == "close")
    return node_.change_round(id, round_order::close, reason, order, done(std::move(respond)));
  if (verb == "pause") {
    if (reason.empty())
      return respond(to_response(
          because(problem_code::invalid, cause_of<reason_code::pause_needs_reason, "limit">(janji::limits::reason_characters_max))));
    return node_.change_round(id, round_order::pause, reason, order, done(std::move(respond)));
  }
  if (verb == "erase") {
    if (text_of(*body, "confirm") != code)
      return respond(to_response(because<reason_code::erase_needs_code>(problem_code::invalid)));
    auto told = done(std::move(respond));
    return node_.change_round(id, round_order::erase, reason, order, dry_run ? std::move(told) : destroying_keys(id, std::move(told)));
  }
  respond(to_response({.code = problem_code::no_such_endpoint}));
}

// "erased" is said only when the keys are gone; said again, it is tried again, and a start makes good what was left.
actors::operator_done admin_api::destroying_keys(round_id round, actors::operator_done&& told) {
  return [this, round, told = std::move(told)](std::expected<std::string, std::string> r) {
    if (!r)
      return told(std::move(r));
    round_keys_.destroy(round, [told, r = std::move(r)](const std::expected<void, std::string>& gone) {
      told(gone ? r : std::unexpected("wrong_state: the keys are not destroyed yet, say it again: " + gone.error()));
    });
  };
}

// rounds/{code}/groups/{centre}/{date}
void admin_api::capacity(std::string_view path, const request& r, bool dry_run, responder&& respond) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    const auto end = std::min(path.find('/'), path.size());
    parts.push_back(path.substr(0, end));
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  const auto body = object_of(r.body);
  if (parts.size() != 4 || parts[1] != "groups" || !body)
    return respond(to_response(body ? problem{.code = problem_code::no_such_endpoint} : body.error()));
  const auto catalogue = node_.catalogue();
  const auto* round = catalogue->find(parts[0]);
  const auto date = parse_date(parts[3]);
  if (round == nullptr || !date)
    return respond(to_response(
        round == nullptr ? no_such_round()
                         : problem_of<problem_code::date_outside_round, "centre", "date">(told_name(parts[2]), told_name(parts[3]))));
  const auto* named = body->if_contains("window");
  const auto window = named == nullptr ? std::nullopt : parse_minute(text_of(*body, "window"));
  if (named != nullptr && !window)  // a slip: not the day's only window instead
    return respond(to_response(because<reason_code::window_form>(problem_code::unknown_window)));
  const auto found = find_target(*round, parts[2], *date, window);
  if (!found)
    return respond(to_response(found.error()));
  const auto* v = body->if_contains("capacity");
  if (v == nullptr || !v->is_int64() || v->get_int64() < 0 || v->get_int64() > janji::limits::capacity_max || !found->window)
    return respond(to_response(because(problem_code::invalid, cause_of<reason_code::bad_capacity, "limit">(janji::limits::capacity_max))));
  const auto reason = order_text(*body, "reason");
  if (!reason)
    return respond(to_response(reason.error()));
  const auto places = static_cast<std::uint32_t>(v->get_int64());
  node_.change_capacity(found->group->id, *found->window, places, *reason, order_of(r, dry_run),
                        dry_run ? would_change(found->group->id, *found->window, places, std::move(respond)) : done(std::move(respond)));
}

// What is booked is as this node has heard it.
actors::operator_done admin_api::would_change(group_id group, window_index window, std::uint32_t places, responder&& respond) {
  json::object would{{"result", "would be changed"}, {"to", places}};
  const auto figures = node_.figures();
  const auto known = std::ranges::find(*figures, group, &actors::group_figures::group);
  if (known != figures->end() && window.value < known->windows.size()) {
    const auto& now = known->windows[window.value];
    would["from"] = now.capacity;
    would["booked"] = now.booked;
    if (now.booked > places)
      would["over_by_order"] = now.booked - places;
  }
  auto kept = std::make_shared<responder>(std::move(respond));
  return [this, kept, would = std::move(would)](const std::expected<std::string, std::string>& r) {
    boost::asio::post(io_, [kept, r, would] { (*kept)(r ? json_response(would) : to_response(refused(r.error()))); });
  };
}

// Staff who see the card release a disputed claim: a cancellation by the citizen's identity, in the trail with its reason.
void admin_api::release_claim(const request& r, bool dry_run, responder&& respond) {
  const auto body = object_of(r.body);
  if (!body)
    return respond(to_response(body.error()));
  const auto catalogue = node_.catalogue();
  const auto* round = catalogue->find(text_of(*body, "round"));
  if (round == nullptr)
    return respond(to_response(no_such_round()));
  const auto* v = body->if_contains("identity");
  const auto reason = order_text(*body, "reason");
  if (!reason)
    return respond(to_response(reason.error()));
  if (v == nullptr || !v->is_object() || reason->empty())
    return respond(to_response(because<reason_code::release_needs>(problem_code::invalid)));
  const auto& o = v->get_object();
  const auto type = text_of(o, "type");
  const auto number = text_of(o, "number");
  const auto country = text_of(o, "country");
  const auto mykad = text_of(o, "mykad");
  const auto who = read_identity({type, number, country, mykad}, latest_today());
  if (!who)
    return respond(to_response({.code = problem_code::identity_impossible, .fields = {told_fault("identity.", who.error())}}));
  const auto id = round->definition.id;
  const auto citizen = sealing_.hash_citizen(id, who->canonical);
  if (!citizen)
    return respond(to_response({.code = sealing_.is_destroyed(id) ? problem_code::closed : problem_code::not_ready}));
  node_.release_claim(*citizen, *reason, order_of(r, dry_run), done(std::move(respond)));
}

// ------------------------------------------------------------------ status, audit

void admin_api::status(responder& respond) {
  const auto s = node_.status();
  const auto statistics = store_.statistics();
  json::array shards;
  std::size_t serving = 0;
  std::size_t active = 0;
  for (const auto& shard : s.shards) {
    serving += shard.serving ? 1 : 0;
    active += shard.groups_active;
    shards.push_back({{"shard", shard.shard.value},
                      {"epoch", shard.epoch.value},
                      {"committed", shard.committed.value},
                      {"serving", shard.serving},
                      {"groups_active", shard.groups_active}});
  }
  json::array rounds;
  const auto catalogue = node_.catalogue();
  const auto round_in_short = [&, now = wall_clock()](const actors::round_entry& round) -> json::object {
    const auto is = round.status_now(now, node_.judges_past());
    return {{"code", round.definition.code},
            {"state", name_of(round.status.state)},
            {"status", name_of(is.status)},
            {"changes_at", is.changes_at ? json::value(format_utc(*is.changes_at)) : json::value(nullptr)},
            {"reason", round.status.reason}};
  };
  for (const auto& round : catalogue->rounds)
    rounds.push_back(round_in_short(*round));
  const bool broken = !s.failed.empty() || !s.directory_wrong.empty() || (!s.clustered && serving < shard_count_);
  const bool clock_is_set = cluster::is_clock_set(s.clock_set_ms);
  const auto erasures = round_keys_.left();
  const std::string_view own = broken                                                                 ? "broken"
                               : s.storage_low || clock_is_set || !node_.ready() || !erasures.empty() ? "degraded"
                                                                                                      : "healthy";
  auto cluster = cluster_.summary();
  const auto of_all = cluster.empty() ? std::string("healthy") : std::string(cluster.at("verdict").as_string());
  const std::string_view verdict = own == "broken" || of_all == "broken" ? "broken" : own == "degraded" ? own : std::string_view(of_all);
  json::object out{{"verdict", verdict},
                   {"cluster", cluster.empty() ? json::value(nullptr) : json::value(std::move(cluster))},
                   {"ready", node_.ready()},
                   {"master_key", store::fingerprint_of(keys_.master())},
                   {"shards_serving", serving},
                   {"shards", shard_count_},
                   {"groups_active", active},
                   {"requests_pending", citizens_.pending()},
                   {"storage_low", s.storage_low},
                   {"disk_free_bytes", s.disk_free_bytes},
                   {"disk_total_bytes", s.disk_total_bytes},
                   {"disk_waits_ms", s.disk_waits.count()},
                   {"disk_write_us", s.disk_write.count()},
                   {"syncs", statistics.syncs},
                   {"log_entries", statistics.log_entries},
                   {"log_bytes", statistics.log_bytes},
                   {"rounds", std::move(rounds)},
                   {"shard_list", std::move(shards)}};
  if (!erasures.empty())
    out["erasure_wrong"] = erasures;
  if (!s.directory_wrong.empty())
    out["directory_wrong"] = s.directory_wrong;
  if (clock_is_set)
    out["clock_wrong"] = fmt::format(
        "the clock was set by {:.1f} s after the start, and moments that this node shows go on as before: a restart puts it right",
        static_cast<double>(s.clock_set_ms) / 1000);
  respond(json_response(std::move(out)));
}

void admin_api::readyz(const request& r, responder& respond) {
  const auto s = node_.status();
  std::size_t serving = 0;
  for (const auto& shard : s.shards)
    serving += shard.serving ? 1 : 0;
  const auto waits = citizens_.waits_for();
  const bool ready = node_.ready() && waits.empty();
  response out{.status = ready ? 200U : 503U, .content_type = "text/plain", .body = ready ? "ready\n" : "not ready\n"};
  if (query_parameter(r.query, "verbose")) {
    out.body += "shards serving: " + std::to_string(serving) + " of " + std::to_string(shard_count_) + "\n";
    out.body += "numbers: ";
    if (s.rounds_unheard)
      out.body += "the rounds are not known yet\n";
    else if (s.groups_unheard == 0)
      out.body += "ok\n";
    else
      out.body += fmt::format("of {} slot groups not heard yet, shards {}\n", s.groups_unheard, fmt::join(s.shards_unheard, " "));
    out.body += "keys: " + (waits.empty() ? "ok" : waits) + "\n";
    const auto erasures = round_keys_.left();
    out.body += "erased keys: " + (erasures.empty() ? "ok" : erasures) + "\n";
    out.body += "storage: " + storage_words(node_) + "\n";
    out.body += std::string("writes: ") + (s.failed.empty() ? "ok\n" : "failed\n");
  }
  respond(std::move(out));
}

void admin_api::preflight(round_id round, responder&& respond) {
  if (shards_.full())
    return respond(to_response(because<reason_code::too_many_wait>(problem_code::busy)));
  shards_.ask([this, round, kept = std::make_shared<responder>(std::move(respond))](const shard_probe::silent_shards& silent) {
    const auto catalogue = node_.catalogue();
    const auto* found = catalogue->find(round);
    (*kept)(found == nullptr ? to_response({.code = problem_code::unknown_round}) : json_response(preflight_of(*found, silent)));
  });
}

json::object admin_api::preflight_of(const actors::round_entry& round, const std::vector<std::uint16_t>& silent) const {
  json::array checks;
  bool all = true;
  const auto check = [&](std::string_view what, bool good, std::string_view detail) {
    all = all && good;
    checks.push_back({{"check", what}, {"ok", good}, {"detail", detail}, {"warning", false}});
  };
  const auto bytes = bytes_of(round.definition, largest_sealed_record());
  const auto disk = room_for(bytes.booked);
  const auto worst = room_for(bytes.worst);
  const auto waits = citizens_.waits_for();
  const bool ready = node_.ready() && waits.empty();
  check("node ready", ready,
        ready            ? "all numbers are known here"
        : !waits.empty() ? waits
                         : "it starts or stops, or has not heard all numbers: /readyz?verbose");
  check("shards answer", silent.empty(),
        silent.empty() ? "all, asked from this node" : fmt::format("no answer from {}", fmt::join(silent, ",")));
  check("state", round.status.state != round_state::erased && round.status.state != round_state::closed,
        std::string(name_of(round.status.state)));
  check("disk", disk.good, disk.detail);
  checks.push_back({{"check", "disk at worst"},
                    {"ok", true},
                    {"warning", !worst.good},
                    {"detail", fmt::format("{}, if each of {} citizens makes {} changes (changes_max){}", worst.detail, bytes.citizens,
                                           round.definition.rules.changes_max,
                                           worst.good ? "" : "; before a disk is full bookings stop as storage_low")}});
  const bool destroyed = keys_.is_destroyed(round.definition.id);
  check("keys", !destroyed, destroyed ? "the round's keys were destroyed" : "the round's keys were not destroyed");
  check("not over", wall_clock() < round.definition.closes_at, "closes at " + format_utc(round.definition.closes_at));
  const auto ends = ends_of(round.definition, node_.judges_past(), wall_clock());
  check("windows ahead", ends.good, ends.detail);
  checks.back().as_object()["warning"] = ends.warning;
  return {{"round", round.definition.code}, {"places", bytes.places}, {"go", all}, {"checks", std::move(checks)}};
}

// On the disks that bookings are written to: its own, where the node is alone.
finding admin_api::room_for(std::uint64_t bytes) const {
  if (auto of_cluster = cluster_.room_for(bytes))
    return *of_cluster;
  const auto disk = store_.disk();
  if (!disk.unknown.empty())
    return {false, disk.unknown};
  return {!disk.low && disk.free_bytes > bytes, fmt::format("{} MB free, about {} MB needed", disk.free_bytes >> 20U, bytes >> 20U)};
}

void admin_api::audit(responder&& respond) {
  readings_.run(std::move(respond), [this] {
    cluster::audit a(shard_count_);
    const auto report = a.run(store_);
    return report ? json_response(to_json(*report)) : to_response({.code = problem_code::wrong_state, .detail = report.error()});
  });
}

void admin_api::show(std::string what, responder&& respond) {
  readings_.run(std::move(respond), [this, what = std::move(what), catalogue = node_.catalogue()] {
    const auto shown = stored_view(store_, shard_count_, *catalogue, what);
    return shown ? json_response(*shown) : to_response({.code = problem_code::not_found, .detail = shown.error()});
  });
}

}  // namespace janji::net
