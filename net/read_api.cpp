// The reading half of the citizens' API: from the read model, never from the booking path.
#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <boost/json.hpp>
#include <limits>
#include <utility>

#include "booking/entry_index.hpp"
#include "booking/states.hpp"
#include "booking/typed_signs.hpp"
#include "net/citizen_api.hpp"
#include "net/json_text.hpp"
#include "net/preflight.hpp"

namespace janji::net {

namespace json = boost::json;

namespace {

// What can be told of a range of days; none: all of them.
std::optional<actors::availability_page::range> clamped(const actors::availability_page& page, const std::optional<civil_date>& from,
                                                        const std::optional<civil_date>& to) {
  using range = actors::availability_page::range;
  const auto all = page.all_days();
  if (!all)
    return std::nullopt;
  const range wanted{std::max(from ? day_number_of(*from) : all->from, all->from), std::min(to ? day_number_of(*to) : all->to, all->to)};
  if (wanted.from > wanted.to)
    return range{all->to + 1, all->to};  // none, whichever they were
  return wanted == *all ? std::nullopt : std::optional(wanted);
}

void put_page(response& out, const std::shared_ptr<const actors::availability_page>& page, bool gzip) {
  out.view = gzip ? std::string_view(page->gzip()) : std::string_view{};
  if (!out.view.empty())
    out.add("Content-Encoding", "gzip");
  else
    out.view = page->body;
  out.shared = page;
}

std::uint64_t places_of(const round_definition& d) {
  std::uint64_t n = 0;
  for (const auto& g : d.groups)
    for (const auto& w : g.windows)
      n += w.capacity;
  return n;
}

json::value moment(const std::optional<unix_ms>& at) { return at ? json::value(format_utc(*at)) : json::value(nullptr); }

struct sums {
  std::uint64_t places = 0, booked = 0, cancelled = 0, over = 0, free = 0;
  void add(const window_counts& c, bool is_over) {
    places += c.capacity;
    booked += c.booked;
    cancelled += c.cancelled;
    over += c.over_by_order;
    free += c.capacity > c.booked && !is_over ? c.capacity - c.booked : 0;
  }
};

// The first moment after `now` at which the status of anything is another by itself.
unix_ms next_end(const actors::round_catalogue& catalogue, unix_ms now) {
  auto next = never_over;
  for (const auto& round : catalogue.rounds)
    next = std::min(next, round->next_end(now));
  return next;
}

struct round_sums {
  sums all;
  std::vector<sums> by_centre;
  std::vector<std::size_t> unheard;  // slot groups of each centre of which nothing is known
  std::array<std::uint64_t, state_count> by_state{};
  std::array<std::uint64_t, age_band_count> by_band{};
};

// `moment`: what is over by then has no free places.
round_sums sums_of(const actors::round_catalogue& catalogue, const std::vector<actors::group_figures>& known, const round_definition& d,
                   unix_ms moment) {
  round_sums out;
  out.by_centre.resize(d.centres.size());
  out.unheard.resize(d.centres.size());
  for (const auto& g : d.groups)
    ++out.unheard[g.centre];
  for (const auto& f : known) {
    const auto it = catalogue.groups.find(f.group.value);
    if (it == catalogue.groups.end() || it->second.round != d.id)
      continue;
    --out.unheard[it->second.centre];
    const auto& windows = d.groups[it->second.index].windows;
    for (std::size_t w = 0; w < f.windows.size(); ++w) {
      const bool over = w < windows.size() && windows[w].book_until <= moment;
      out.all.add(f.windows[w], over);
      out.by_centre[it->second.centre].add(f.windows[w], over);
    }
    for (std::size_t i = 0; i < f.booked_by_facts.size(); ++i) {
      out.by_state[i / age_band_count] += f.booked_by_facts[i];
      out.by_band[i % age_band_count] += f.booked_by_facts[i];
    }
  }
  return out;
}

}  // namespace

// A body that is the same for everybody. One of before a status changed by itself is of another version.
template <class Make>
void citizen_api::send_prepared(const request& r, responder&& respond, const std::string& name, Make&& make) {
  const auto catalogue = node_.catalogue();
  const auto until = next_end(*catalogue, wall_clock());
  const auto version = spread(catalogue->version ^ spread(static_cast<std::uint64_t>(until.value) + (node_.judges_past() ? 1 : 0)));
  const auto now = front_.clock().now();
  const auto send = [this, until](const prepared_bodies::body_ptr& body, responder& to, std::string_view origin, bool gzip) {
    auto out = body == nullptr ? to_response(because<reason_code::reading>(problem_code::busy)) : public_answer(body->as_of, until);
    if (body != nullptr)
      put_body(out, body, gzip);
    add_cors(out, origin);
    to(std::move(out));
  };
  if (const auto body = bodies_.fresh(name, version, now))
    return send(body, respond, r.origin, accepts_gzip(r.accept_encoding));
  // What the answer depends on: the request itself is gone when it has to wait.
  struct asked {
    responder respond;
    std::string origin;
    bool gzip;
  };
  auto kept = std::make_shared<asked>(std::move(respond), std::string(r.origin), accepts_gzip(r.accept_encoding));
  bodies_.get(name, version, now, std::forward<Make>(make),
              [send, kept](const prepared_bodies::body_ptr& body) { send(body, kept->respond, kept->origin, kept->gzip); });
}

void citizen_api::send_rounds(const request& r, responder&& respond) {
  send_prepared(r, std::move(respond), "rounds", [this] { return rounds_list(); });
}

void citizen_api::send_states(const request& r, responder&& respond) {
  send_prepared(r, std::move(respond), "states", [] {
    json::array list;
    for (std::uint8_t s = 1; s < state_count; ++s)
      list.push_back({{"code", s}, {"name", state_name(s)}});
    return json::serialize(json::object{{"states", std::move(list)}});
  });
}

void citizen_api::send_centres(const request& r, responder&& respond) {
  const auto state_text = query_value(r.query, "state");
  const auto state = state_number(state_text);
  if (!state_text.empty() && state == 0)
    return refuse_read(r, respond, {.code = problem_code::unknown_state});
  const auto code = query_value(r.query, "round");
  if (!code.empty() && find_round(*node_.catalogue(), code) == nullptr)
    return refuse_read(r, respond, {.code = no_such_round()});
  send_prepared(r, std::move(respond), "centres/" + code + "/" + std::to_string(state),
                [this, code, state] { return centres_list(code, state); });
}

void citizen_api::send_figures(const request& r, responder&& respond) {
  const auto round = round_meant(node_, *node_.catalogue(), query_value(r.query, "round"));
  if (round == nullptr)
    return refuse_read(r, respond, {.code = no_such_round()});
  send_prepared(r, std::move(respond), "figures/" + round->definition.code, [this, round] { return figures_of(*round); });
}

void citizen_api::refuse_read(const request& r, responder& respond, const problem& p) {
  const auto who = caller_of(r);
  send(respond, who, to_response(p, who.id()));
}

// Anybody may keep it for a second, but not over a change of what it says.
response citizen_api::public_answer(unix_ms as_of, unix_ms until) const {
  constexpr std::int64_t kept_ms = 1'000;
  response out;
  out.no_store = false;
  out.add("Cache-Control", until.value - kept_ms >= wall_clock().value ? "public, max-age=1" : "public, max-age=0, must-revalidate");
  out.add("Age", std::to_string(std::max<std::int64_t>(0, (front_.clock().now().value - as_of.value) / 1000)));
  out.add("Vary", "Accept-Encoding");
  return out;
}

void citizen_api::livez(responder& respond) { respond({.content_type = "text/plain", .body = "alive\n"}); }

void citizen_api::readyz(const request& r, responder& respond) {
  const auto waits = waits_for();
  const bool ready = is_ready() && !stopping_;
  response out{.status = ready ? 200U : 503U, .content_type = "text/plain", .body = ready ? "ready\n" : "not ready\n"};
  if (query_parameter(r.query, "verbose")) {
    out.body += std::string("node: ") + (node_.ready() ? "ok\n" : "starting\n");
    out.body += "keys: " + (waits.empty() ? "ok" : waits) + "\n";
    out.body += std::string("admission: ") + (stopping_ ? "stopping\n" : "ok\n");
    out.body += "storage: " + storage_words(node_) + "\n";
  }
  respond(std::move(out));
}

// ------------------------------------------------------------------ availability

void citizen_api::availability(const request& r, responder& respond) {
  const auto state_text = query_value(r.query, "state");
  const auto state = state_number(state_text);
  if (state == 0)
    return refuse_read(r, respond,
                       state_text.empty() ? because<reason_code::state_needed>(problem_code::unknown_state)
                                          : problem{.code = problem_code::unknown_state});
  const auto round = round_meant(node_, *node_.catalogue(), query_value(r.query, "round"));
  if (round == nullptr)
    return refuse_read(r, respond, {.code = no_such_round()});
  const auto page = node_.availability(round->definition.id, state);
  if (page == nullptr || !has_started())
    return refuse_read(r, respond, because<reason_code::reading>(problem_code::not_ready));
  const auto from_text = typed_word(query_value(r.query, "from"));
  const auto to_text = typed_word(query_value(r.query, "to"));
  const auto from = parse_date(from_text);
  const auto to = parse_date(to_text);
  if ((!from_text.empty() && !from) || (!to_text.empty() && !to))
    return refuse_read(r, respond, because<reason_code::bad_days>(problem_code::malformed_request));
  auto out = public_answer(page->as_of.value_or(page->built_at), page->until);
  const bool gzip = accepts_gzip(r.accept_encoding);
  const auto days = clamped(*page, from, to);
  const auto body = days ? days_of({round->definition.id.value, state, days->from, days->to}, page) : nullptr;
  const auto& etag = body ? body->etag : page->etag;
  out.add("ETag", etag);
  if (matches_etag(r.if_none_match, etag))
    out.status = 304;
  else if (body)
    put_body(out, body, gzip);
  else
    put_page(out, page, gzip);
  add_cors(out, r.origin);
  respond(std::move(out));
}

// Days that a caller has chosen: cut from the page, and kept while the page is the same, in case many choose them: then they are
// compressed.
prepared_bodies::body_ptr citizen_api::days_of(const days_key& which, const std::shared_ptr<const actors::availability_page>& page) {
  constexpr std::size_t kept_bytes_max = std::size_t{32} << 20;
  bool wanted_often = false;
  if (const auto it = days_.find(which); it != days_.end()) {
    auto& kept = it->second;
    if (kept.page.lock() == page) {
      if (!std::exchange(kept.wanted_often, true))
        bodies_.compress(kept.body);
      return kept.body;
    }
    wanted_often = kept.wanted_often;
    days_bytes_ -= kept.body->text.size();
    days_.erase(it);
  }
  auto body = std::make_shared<prepared_bodies::body>();
  body->text = page->only_days({which[2], which[3]});
  const auto content = std::string_view(body->text).substr(page->status_begin);
  body->etag = fmt::format("W/\"{:016x}\"", XXH3_64bits(content.data(), content.size()));
  body->as_of = page->as_of.value_or(page->built_at);
  days_bytes_ += body->text.size();
  if (days_bytes_ > kept_bytes_max) {
    days_.clear();
    days_bytes_ = body->text.size();
  }
  if (wanted_often)
    bodies_.compress(body);
  days_.emplace(which, kept_days{page, body, wanted_often});
  return body;
}

// ------------------------------------------------------------------ lists

std::string citizen_api::rounds_list() const {
  json::array list;
  const auto catalogue = node_.catalogue();
  const auto now = wall_clock();
  for (const auto& round : catalogue->rounds) {
    const auto& d = round->definition;
    const auto is = round->status_now(now, node_.judges_past());
    const auto by_date = [](const group_definition& a, const group_definition& b) { return a.date < b.date; };
    json::object o{{"code", d.code},
                   {"name", d.name},
                   {"time_zone", d.time_zone},
                   {"state", name_of(round->status.state)},
                   {"status", name_of(is.status)},
                   {"changes_at", moment(is.changes_at)},
                   {"opens_at", format_utc(d.opens_at)},
                   {"closes_at", format_utc(d.closes_at)},
                   {"rules",
                    {{"age_min", d.rules.age_min},
                     {"age_max", d.rules.age_max},
                     {"party_max", d.rules.party_max},
                     {"changes_max", d.rules.changes_max}}},
                   {"centres", d.centres.size()},
                   {"slots", places_of(d)}};
    if (!d.groups.empty()) {
      o["from"] = format_date(std::ranges::min_element(d.groups, by_date)->date);
      o["to"] = format_date(std::ranges::max_element(d.groups, by_date)->date);
    }
    if (!round->status.reason.empty())
      o["reason"] = round->status.reason;
    list.push_back(std::move(o));
  }
  return json::serialize(json::object{{"rounds", std::move(list)}, {"as_of", moment(node_.how_fresh()->of_rounds)}});
}

std::string citizen_api::centres_list(std::string_view round_code, std::uint8_t state) const {
  json::array list;
  const auto catalogue = node_.catalogue();
  for (const auto& round : catalogue->rounds) {
    if (!round_code.empty() && round->definition.code != round_code)
      continue;
    for (const auto& c : round->definition.centres)
      if (state == 0 || state_number(c.state) == state)
        list.push_back({{"round", round->definition.code},
                        {"code", c.code},
                        {"name", c.name},
                        {"state", c.state},
                        {"district", c.district},
                        {"latitude", c.latitude},
                        {"longitude", c.longitude}});
  }
  return json::serialize(json::object{{"centres", std::move(list)}, {"as_of", moment(node_.how_fresh()->of_rounds)}});
}

std::string citizen_api::figures_of(const actors::round_entry& round) const {
  const auto& d = round.definition;
  const auto past = node_.judges_past() ? wall_clock() : unix_ms{std::numeric_limits<std::int64_t>::min()};
  const auto known = sums_of(*node_.catalogue(), *node_.figures(), d, past);
  // Not known is not nothing: a sum with a part that nobody has told is null.
  const auto sum = [](std::uint64_t n, bool whole) { return whole ? json::value(n) : json::value(nullptr); };
  const bool whole = std::ranges::all_of(known.unheard, [](std::size_t n) { return n == 0; });
  json::array centres;
  for (std::size_t c = 0; c < d.centres.size(); ++c)
    centres.push_back({{"code", d.centres[c].code},
                       {"state", d.centres[c].state},
                       {"places", sum(known.by_centre[c].places, known.unheard[c] == 0)},
                       {"booked", sum(known.by_centre[c].booked, known.unheard[c] == 0)},
                       {"free", sum(known.by_centre[c].free, known.unheard[c] == 0)}});
  json::array states;
  for (std::uint8_t s = 0; s < state_count; ++s)
    states.push_back({{"state", s == 0 ? "unknown" : state_name(s)}, {"booked", sum(known.by_state[s], whole)}});
  constexpr std::array<std::string_view, age_band_count> bands{"unknown", "under 18", "18-39", "40-59", "60 and over"};
  json::array ages;
  for (std::size_t b = 0; b < bands.size(); ++b)
    ages.push_back({{"band", bands[b]}, {"booked", sum(known.by_band[b], whole)}});
  const auto fresh = node_.how_fresh();
  const auto of_round = fresh->rounds.find(d.id.value);
  const auto as_of = of_round == fresh->rounds.end() ? std::nullopt : of_round->second.as_of;
  const auto told = node_.refusals();
  json::object refusals;
  for (const auto& [code, times] : told.by_code)
    refusals[code] = times;
  json::object counted{{"since", moment(told.since)}, {"nodes", told.nodes}, {"unheard", told.unheard}};
  return json::serialize(json::object{{"round", d.code},
                                      {"as_of", moment(as_of)},
                                      {"places", sum(known.all.places, whole)},
                                      {"booked", sum(known.all.booked, whole)},
                                      {"free", sum(known.all.free, whole)},
                                      {"cancelled", sum(known.all.cancelled, whole)},
                                      {"over_by_order", sum(known.all.over, whole)},
                                      {"centres", std::move(centres)},
                                      {"by_state", std::move(states)},
                                      {"by_age_band", std::move(ages)},
                                      {"refusals", std::move(refusals)},
                                      {"refusals_counted", std::move(counted)}});
}

}  // namespace janji::net
