// Answers in words: what the actors have said becomes what a citizen reads, with one signature over the receipts of all
// answers that came in the same turn.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "booking/civil_time.hpp"
#include "booking/entry_index.hpp"
#include "booking/reference_text.hpp"
#include "net/citizen_api.hpp"
#include "net/json_text.hpp"
#include "net/site.hpp"

namespace janji::net {

// An answer to a repeated request some of whose bookings were moved since: waits until it is known where they are.
struct repeated_party {
  answered_request whole;
  std::size_t missing = 0;
};

namespace {

// A booked place in the catalogue's words.
struct place_words {
  const round_definition* round = nullptr;
  std::string_view centre;
  std::string_view date;
  std::string_view opens;
  std::string_view closes;
};

std::optional<place_words> named(const actors::round_catalogue& catalogue, group_id group, window_index window) {
  const auto it = catalogue.groups.find(group.value);
  if (it == catalogue.groups.end())
    return std::nullopt;
  const auto* round = catalogue.find(it->second.round);
  const auto& words = round->words[it->second.index];
  if (window.value >= words.windows.size())
    return std::nullopt;
  const auto& hours = words.windows[window.value];
  return place_words{&round->definition, round->definition.centres[it->second.centre].code, words.date, hours.opens, hours.closes};
}

bool tells_places(const answered_request& a) {
  switch (a.what.what) {
    case outcome::confirmed:
    case outcome::cancelled:
    case outcome::moved:
    case outcome::found: return !a.what.places.empty();
    default: return false;
  }
}

receipt_statement statement_of(const place_words& n, const booked_place& p, std::size_t position) {
  receipt_statement s;
  s.round = n.round->code;
  s.reference = to_text(p.ref);
  s.centre = n.centre;
  s.date = n.date;
  s.window.append(n.opens).append("-").append(n.closes);
  s.confirmed_at = format_utc(p.at);
  s.position = static_cast<std::uint8_t>(position);
  return s;
}

void append_text(std::string& out, std::string_view name, std::string_view text) {
  out.append(",\"").append(name).append("\":");
  append_json(out, text);
}

void append_place(std::string& out, const place_words& n) {
  append_text(out, "centre", n.centre);
  append_text(out, "date", n.date);
  out.append(R"(,"window":{"opens":")").append(n.opens).append(R"(","closes":")").append(n.closes).append("\"}");
}

std::string_view status_of(const booked_place& p) { return p.status == place_status::cancelled ? "cancelled" : "confirmed"; }

}  // namespace

std::optional<named_place> name_place(const actors::round_catalogue& catalogue, group_id group, window_index window) {
  const auto it = catalogue.groups.find(group.value);
  if (it == catalogue.groups.end())
    return std::nullopt;
  const auto& d = catalogue.find(it->second.round)->definition;
  const auto& g = d.groups[it->second.index];
  if (window.value >= g.windows.size())
    return std::nullopt;
  return named_place{&d, &d.centres[it->second.centre], g.date, &g.windows[window.value]};
}

// ------------------------------------------------------------------ one turn's answers

void citizen_api::told(std::vector<answered_request>&& answers) {
  std::vector<answered_request> ready;
  ready.reserve(answers.size());
  for (auto& a : answers) {
    if (a.request.what == command_kind::find_moved) {
      if (auto whole = joined(std::move(a)))
        ready.push_back(std::move(*whole));
    } else if (!look_further(a)) {
      ready.push_back(std::move(a));
    }
  }
  std::vector<receipt_statement> statements;
  for (const auto& a : ready)
    if (tells_places(a))
      for (std::size_t i = 0; i < a.what.places.size(); ++i) {
        const auto& p = a.what.places[i];
        const auto n = named(*a.request.catalogue, p.group, p.window);
        statements.push_back(n ? statement_of(*n, p, i + 1) : receipt_statement{});
      }
  const auto receipts = signer_.sign(statements);
  const auto* next = receipts.data();
  for (auto& a : ready) {
    const auto count = tells_places(a) ? a.what.places.size() : 0;
    tell(a, next);
    next += count;
  }
}

bool citizen_api::look_further(answered_request& a) {
  if (a.request.what == command_kind::find_to_move && a.what.what == outcome::found && !a.what.places.empty()) {
    move_found(std::move(a));
    return true;
  }
  const bool moved = a.request.what == command_kind::book && a.what.what == outcome::confirmed &&
                     std::ranges::any_of(a.what.places, [](const booked_place& p) { return p.status == place_status::moved; });
  if (moved)
    find_moved(std::move(a));
  return moved;
}

void citizen_api::find_moved(answered_request&& a) {
  const auto party = std::make_shared<repeated_party>();
  party->whole = std::move(a);
  const auto& places = party->whole.what.places;
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (places[i].status != place_status::moved)
      continue;
    ++party->missing;
    const auto id = front_.next_id();
    pending_request p;
    p.who = party->whole.request.who;
    p.what = command_kind::find_moved;
    p.catalogue = party->whole.request.catalogue;
    p.party = party;
    p.party_index = i;
    front_.submit(id, std::move(p),
                  lookup_command{id, places[i].ref, places[i].token_generation, front_.deadline(party->whole.request.arrived)});
  }
}

std::optional<answered_request> citizen_api::joined(answered_request&& part) {
  auto& party = *part.request.party;
  if (part.what.what == outcome::found && !part.what.places.empty())
    party.whole.what.places[part.request.party_index] = part.what.places.front();
  else if (party.whole.what.what == outcome::confirmed)
    party.whole.what.what = part.what.what == outcome::found ? outcome::unknown : part.what.what;
  if (--party.missing != 0)
    return std::nullopt;
  return std::move(party.whole);
}

// ------------------------------------------------------------------ words

namespace {

// A booking, with its place where that is not said above it.
void append_booking(std::string& out, const place_words& n, const booked_place& p, bool with_place, const std::string& receipt) {
  append_text(out, "reference", to_text(p.ref));
  append_text(out, "status", status_of(p));
  if (with_place)
    append_place(out, n);
  append_text(out, "receipt", receipt);
}

}  // namespace

// Where it is switched on, for audits: by it a booking that an older copy of a refused request was given is told apart.
void citizen_api::add_stamp(response& out, const answer& a) const {
  if (options_.show_stamps && a.stamp.tenure.epoch.value != 0)
    out.add("X-Janji-Stamp", fmt::format("{}.{}.{}.{}", a.shard.value, a.stamp.tenure.epoch.value, a.stamp.tenure.boot, a.stamp.count));
}

// The state of its round refuses it: when it opens, or why it is paused, as far as this front knows.
problem citizen_api::in_words(const pending_request& p, problem_code code) const {
  for (const auto& catalogue : {node_.catalogue(), p.catalogue})
    if (const auto it = catalogue->groups.find(p.group.value); it != catalogue->groups.end())
      return not_admitted(*catalogue->find(it->second.round), code);
  return {.code = code};
}

void citizen_api::tell(answered_request& a, const std::string* receipts) {
  auto& p = a.request;
  const bool moving = p.what == command_kind::move || p.what == command_kind::find_to_move;
  auto code = code_of(a.what.what);
  if (moving && a.what.what == outcome::cancelled)
    code = problem_code::cancelled;
  const auto first = tells_places(a) ? named(*p.catalogue, a.what.places.front().group, a.what.places.front().window) : std::nullopt;
  if (!code && !first)
    code = problem_code::unknown;
  if (code) {
    problem refusal{.code = *code};  // not whom of a party it is about: whoever does not know would be told who has a booking
    if (p.refusal && a.what.what == outcome::not_found) {
      refusal = std::move(*p.refusal);
      code = refusal.code;
    } else if (*code == problem_code::not_open || *code == problem_code::paused)
      refusal = in_words(p, *code);
    if (*code == problem_code::not_enough_together) {
      refusal = problem_of<problem_code::not_enough_together, "people", "free">(p.people, a.what.free);
      refusal.free = a.what.free;
    }
    if (*code == problem_code::interrupted)
      refusal.retry_after_ms = 1U + static_cast<std::uint32_t>(spread(a.what.request.value) % 1'000);  // not all at once
    const bool attended = *code == problem_code::window_over && !a.what.places.empty();                // what is booked already is over
    if (attended)
      refusal.why = reason_code::attended;
    if (has_alternatives(*code) && !attended)
      refusal.alternatives = alternatives_.near(p.catalogue, node_.figures(), front_.clock().now(), p.group, p.window, p.people,
                                                node_.judges_past() ? wall_clock() : unix_ms{});
    log(p.who, p.what, row_of(*code).status, name_of(*code), p.since);
    if (p.what != command_kind::book || *code != problem_code::not_found)  // a look by its key refuses nobody
      node_.count_refusal(name_of(*code));
    if (p.page)
      return p.page({.refusal = std::move(refusal), .request_id = std::string(p.who.id())});
    auto out = to_response(refusal, p.who.id());
    add_stamp(out, a.what);
    if (!p.idempotency_key.empty())
      out.add("Idempotency-Key", p.idempotency_key);
    return send(p.respond, p.who, std::move(out));
  }
  if (p.page) {
    log(p.who, p.what, 200, {}, p.since);
    return p.page(
        {.repeated = a.what.repeated, .places = std::move(a.what.places), .catalogue = p.catalogue, .request_id = std::string(p.who.id())});
  }
  response out;
  auto& body = out.body;
  if (p.what != command_kind::book) {
    append_text(body, "round", first->round->code);
    append_booking(body, *first, a.what.places.front(), true, receipts[0]);
  } else {
    out.status = a.what.repeated ? 200 : 201;
    const auto& places = a.what.places;
    const bool live = std::ranges::any_of(places, [](const booked_place& b) { return b.status != place_status::cancelled; });
    append_text(body, "status", live ? "confirmed" : "cancelled");
    if (a.what.repeated)
      body += ",\"repeated\":true";
    append_text(body, "round", first->round->code);
    append_place(body, *first);
    body += ",\"bookings\":[";
    for (std::size_t i = 0; i < places.size(); ++i) {
      const auto n = i == 0 ? first : named(*p.catalogue, places[i].group, places[i].window);
      body.append(i == 0 ? "{\"position\":" : ",{\"position\":");
      append_number(body, i + 1);
      append_text(body, "manage_token", sealing_.make_token(places[i].ref, places[i].token_generation));
      if (pages_ != nullptr)
        append_text(body, "booking_code", pages_->code_of(places[i].ref, places[i].token_generation));
      const bool elsewhere = places[i].group != places.front().group || places[i].window != places.front().window;
      append_booking(body, n ? *n : *first, places[i], elsewhere && n.has_value(), receipts[i]);
      body += '}';
    }
    body += ']';
  }
  body.front() = '{';
  body += '}';
  if (!p.idempotency_key.empty())
    out.add("Idempotency-Key", p.idempotency_key);
  out.add("X-Request-Id", p.who.id());
  add_stamp(out, a.what);
  log(p.who, p.what, out.status, {}, p.since);
  send(p.respond, p.who, std::move(out));
}

}  // namespace janji::net
