// The changing half of the citizens' API: a request is checked against what this front knows and becomes a command.
#include <sodium.h>

#include <algorithm>

#include "booking/civil_time.hpp"
#include "booking/reference_text.hpp"
#include "booking/states.hpp"
#include "cluster/operations.hpp"
#include "cluster/placement.hpp"
#include "net/citizen_api.hpp"
#include "net/request_rules.hpp"
#include "web/sealed_box.hpp"

namespace janji::net {

namespace {

constexpr std::size_t key_bytes_min = 22;  // 128 random bits in base 64
constexpr std::size_t key_bytes_max = 128;

bool stands_in_a_key(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '~';
}

// The citizen's own key, or one made here.
std::expected<std::string, problem> key_of(const request& r) {
  if (r.idempotency_key.empty())
    return web::random_text(16);
  auto key = r.idempotency_key;
  if (key.size() >= 2 && key.starts_with('"') && key.ends_with('"'))  // as draft-ietf-httpapi-idempotency-key-header writes it
    key = key.substr(1, key.size() - 2);
  if (!std::ranges::all_of(key, stands_in_a_key))
    return std::unexpected(because<reason_code::key_character>(problem_code::bad_idempotency_key));
  if (key.size() < key_bytes_min || key.size() > key_bytes_max)
    return std::unexpected(because(problem_code::bad_idempotency_key,
                                   cause_of<reason_code::key_length, "length", "least", "most">(key.size(), key_bytes_min, key_bytes_max)));
  return std::string(key);
}

std::uint64_t random_bits() {
  std::uint64_t v = 0;
  randombytes_buf(&v, sizeof v);
  return v;
}

std::string canonical(const move_form& form) {
  auto out = "move\x1f" + form.centre + '\x1f' + format_date(form.date) + '\x1f';
  if (form.window_minute)
    out += format_minute(*form.window_minute);
  return out;
}

}  // namespace

// ------------------------------------------------------------------ what refuses before anything is asked

std::optional<problem> citizen_api::refuse_all() {
  if (stopping_)
    return problem{.code = problem_code::stopping};
  if (!has_started())
    return problem{.code = problem_code::not_ready};
  if (!front_.has_room())
    return problem{.code = problem_code::busy};
  return std::nullopt;
}

// What a front says alone: not_open, of what came well before an announced opening, which is never brought forward. Everything else is
// for the leader to say, whose log has the state of the round. Where not all nodes know of that the front judges by what it has heard.
// Such a refusal has no number. Where another front may have said it of a copy no leader is asked about what came before the opening, as
// far as this front can tell and whenever it comes to it: clocks being no further apart than they may be, what passes came after that word.
std::optional<problem> citizen_api::refuse_round(const actors::round_entry& round, const arrival& arrived) const {
  const auto now = wall_clock();
  if (node_.leaders_judge()) {
    const bool ended = round.status.state == round_state::closed || round.status.state == round_state::erased;
    const auto opens_at = round.definition.opens_at.value;
    if (ended)
      return std::nullopt;
    if (now.value + cluster::clocks_apart_max_ms < opens_at)
      return not_admitted(round, problem_code::not_open);
    if (has_other_fronts_ && now.value - front_.age_ms(arrived) < opens_at)
      return problem{.code = problem_code::interrupted};
    return std::nullopt;
  }
  switch (admission(round.definition, round.status, now)) {
    case admission_verdict::closed: return not_admitted(round, problem_code::closed);
    case admission_verdict::paused: return not_admitted(round, problem_code::paused);
    case admission_verdict::not_open: return not_admitted(round, problem_code::not_open);
    default: return std::nullopt;
  }
}

// Before it nobody can have anything in the round that would be told again.
static bool is_of_opening(problem_code code) { return code == problem_code::not_open || code == problem_code::interrupted; }

// ------------------------------------------------------------------ book

void citizen_api::book(const request& r, responder&& respond) {
  pending_request p;
  p.respond = std::move(respond);
  p.who = caller_of(r);
  if (const auto refusal = refuse_all())
    return end(p, *refusal);
  if (const auto refusal = refuse_media(r))
    return end(p, *refusal);
  auto key = key_of(r);
  if (!key)
    return end(p, key.error());
  start_booking(r, r.body, std::move(*key), false, std::move(p));
}

// Whoever asked is told, in their way.
void citizen_api::end(pending_request& p, const problem& refusal) {
  if (!p.page)
    return refuse(p.respond, p.who, refusal);
  node_.count_refusal(name_of(refusal.code));
  p.page({.refusal = refusal, .request_id = std::string(p.who.id())});
}

// `look_only`: asks what became of an earlier request with this key.
void citizen_api::start_booking(const request& r, std::string_view body, std::string key, bool look_only, pending_request&& p) {
  const auto form = read_booking(body, latest_today());
  if (!form)
    return end(p, form.error());
  auto catalogue = node_.catalogue();
  const auto round = round_meant(node_, *catalogue, form->round);
  if (round == nullptr)
    return end(p, {.code = no_such_round()});
  // What was confirmed before is told again whatever the round's state and the disk's: only what is new is not admitted.
  auto refusal = look_only ? std::optional(problem{.code = problem_code::not_found}) : refuse_round(*round, r.arrived);
  if (refusal && is_of_opening(refusal->code))
    return end(p, *refusal);
  const auto where = find_target(*round, form->centre, form->date, form->window_minute);
  if (!where)
    return end(p, where.error());
  if (!refusal && node_.storage_low(where->group->id))
    refusal = problem{.code = problem_code::storage_low};
  if (const auto wrong = check_people(*round, *form))
    return end(p, *wrong);
  auto command = make_booking(*form, *round, *where, key, r);
  if (!command)
    return end(p, command.error());
  command->command.stamp = r.arrived.of(catalogue->groups.at(command->group.value).shard);
  command->command.repeat_only = refusal.has_value();
  command->command.leader_judges = node_.leaders_judge();
  p.refusal = std::move(refusal);
  p.arrived = r.arrived;
  p.what = command_kind::book;
  p.catalogue = std::move(catalogue);
  p.idempotency_key = std::move(key);
  p.people = form->people.size();
  p.group = command->group;
  p.window = command->command.window;
  const auto id = command->command.request;
  front_.submit(id, std::move(p), std::move(*command));
}

// Its keys are destroyed, or a node of a cluster has yet to fetch them.
problem_code citizen_api::without_keys(round_id round) const {
  return sealing_.is_destroyed(round) ? problem_code::closed : problem_code::not_ready;
}

std::expected<actors::routed_booking, problem> citizen_api::make_booking(const booking_form& form, const actors::round_entry& round,
                                                                         const target& where, std::string_view key, const request& r) {
  const auto id = round.definition.id;
  const auto day = day_number_of(date_at(wall_clock(), round.body->offset));
  actors::routed_booking out{where.group->id, {}};
  auto& c = out.command;
  c.request = front_.next_id();
  c.body = sealing_.hash_body(canonical(form));
  c.window = where.window;
  c.deadline = front_.deadline(r.arrived);
  c.people.reserve(form.people.size());
  for (std::size_t i = 0; i < form.people.size(); ++i) {
    const auto& person = form.people[i];
    const auto citizen = sealing_.hash_citizen(id, person.who.canonical);
    if (!citizen)
      return std::unexpected(problem{.code = without_keys(id)});
    if (auto away = turned_away(request_kind::book, r, &*citizen))
      return std::unexpected(std::move(*away));
    applicant a;
    a.citizen = *citizen;
    a.proposed = reference::make(cluster::shard_of_citizen(*citizen, options_.shard_count), random_bits());
    a.key = sealing_.hash_key(key, static_cast<std::uint8_t>(i));
    a.facts = {person.state, age_band_of(age_on(person.birth, form.date))};
    auto sealed = sealing_.seal(id, day, a.proposed, schema::encode(person.record));
    if (!sealed)
      return std::unexpected(problem{.code = without_keys(id)});
    if (sealed->size() > janji::limits::sealed_record_bytes_max)
      return std::unexpected(problem_of<problem_code::body_too_large, "limit">(janji::limits::sealed_record_bytes_max));
    a.sealed = std::move(*sealed);
    c.people.push_back(std::move(a));
  }
  return out;
}

// ------------------------------------------------------------------ look up, cancel, move

void citizen_api::manage(const request& r, const api_match& at, responder&& respond) {
  const auto who = caller_of(r);
  if (const auto p = refuse_all())
    return refuse(respond, who, *p);
  const auto ref = reference_from_text(at.arguments[0]);
  const auto token = ref ? sealing_.check_token(*ref, bearer_token(r.authorization)) : std::nullopt;
  if (!token || ref->shard().value >= options_.shard_count)
    return refuse(respond, who, {.code = problem_code::not_found});
  auto key = key_of(r);
  if (!key)
    return refuse(respond, who, key.error());
  const auto id = front_.next_id();
  pending_request p;
  p.who = who;
  p.arrived = r.arrived;
  p.catalogue = node_.catalogue();
  const lookup_command look{id, *ref, *token, front_.deadline(r.arrived)};
  if (at.row->to == api_endpoint::look_up) {
    p.respond = std::move(respond);
    p.what = command_kind::look_up;
    return front_.submit(id, std::move(p), look);
  }
  p.idempotency_key = std::move(*key);
  if (at.row->to == api_endpoint::cancel) {
    p.respond = std::move(respond);
    p.what = command_kind::cancel;
    const auto hash = sealing_.hash_key(p.idempotency_key, 0);
    return front_.submit(
        id, std::move(p),
        cancel_command{id, *ref, std::nullopt, *token, hash, {}, {}, front_.deadline(r.arrived), r.arrived.of(ref->shard())});
  }
  if (const auto p = refuse_media(r))
    return refuse(respond, who, *p);
  auto form = read_move(r.body);
  if (!form)
    return refuse(respond, who, form.error());
  p.respond = std::move(respond);
  p.what = command_kind::find_to_move;
  p.wish = move_wish{std::move(*form), *ref, *token};
  front_.submit(id, std::move(p), look);
}

// The booking is known now, and with it the round in which the new centre is looked for.
void citizen_api::move_found(answered_request&& found) {
  auto& p = found.request;
  const auto id = front_.next_id();
  auto command = make_move(p, found.what.places.front(), id);
  if (!command)
    return end(p, command.error());
  p.what = command_kind::move;
  p.group = std::get<move_command>(*command).to;
  p.window = std::get<move_command>(*command).window;
  front_.submit(id, std::move(p), std::move(*command));
}

std::expected<actors::citizen_command, problem> citizen_api::make_move(pending_request& p, const booked_place& from, request_id id) const {
  const auto it = p.catalogue->groups.find(from.group.value);
  if (it == p.catalogue->groups.end())
    return std::unexpected(problem{.code = node_.knows_rounds() ? problem_code::not_found : problem_code::not_ready});
  const auto& round = *p.catalogue->find(it->second.round);
  const auto& wish = *p.wish;
  // As with bookings: a move that was made is told again, a new one is not admitted.
  auto refusal = refuse_round(round, p.arrived);
  if (refusal && is_of_opening(refusal->code))
    return std::unexpected(*refusal);
  const auto where = find_target(round, wish.form.centre, wish.form.date, wish.form.window_minute);
  if (!where)
    return std::unexpected(where.error());
  if (!where->window)
    return std::unexpected(problem{.code = problem_code::invalid, .fields = {{"window", cause_of<reason_code::missing_window>()}}});
  const bool repeat_only = refusal.has_value();
  p.refusal = std::move(refusal);
  return move_command{id,
                      wish.ref,
                      wish.token_generation,
                      where->group->id,
                      *where->window,
                      sealing_.hash_key(p.idempotency_key, 0),
                      sealing_.hash_body(canonical(wish.form)),
                      front_.deadline(p.arrived),
                      repeat_only,
                      p.arrived.of(wish.ref.shard()),
                      node_.leaders_judge()};
}

// ------------------------------------------------------------------ the booking desk

pending_request citizen_api::asked_by_page(const request& r, std::string_view key, desk_sink sink) {
  pending_request p;
  p.page = std::move(sink);
  p.who = caller_of(r);
  p.arrived = r.arrived;
  p.catalogue = node_.catalogue();
  p.idempotency_key = key;
  return p;
}

void citizen_api::book(const request& r, std::string_view body, std::string_view key, bool look_only, desk_sink sink) {
  auto p = asked_by_page(r, key, std::move(sink));
  if (const auto refusal = refuse_all())
    return end(p, *refusal);
  start_booking(r, body, std::string(key), look_only, std::move(p));
}

void citizen_api::look_up(const request& r, reference ref, std::uint8_t token_generation, desk_sink sink) {
  auto p = asked_by_page(r, {}, std::move(sink));
  if (const auto refusal = refuse_all())
    return end(p, *refusal);
  if (ref.shard().value >= options_.shard_count)
    return end(p, {.code = problem_code::not_found});
  const auto id = front_.next_id();
  p.what = command_kind::look_up;
  front_.submit(id, std::move(p), lookup_command{id, ref, token_generation, front_.deadline(r.arrived)});
}

void citizen_api::cancel(const request& r, reference ref, std::uint8_t token_generation, std::string_view key, desk_sink sink) {
  auto p = asked_by_page(r, key, std::move(sink));
  if (const auto refusal = refuse_all())
    return end(p, *refusal);
  if (ref.shard().value >= options_.shard_count)
    return end(p, {.code = problem_code::not_found});
  const auto id = front_.next_id();
  p.what = command_kind::cancel;
  front_.submit(id, std::move(p),
                cancel_command{id,
                               ref,
                               std::nullopt,
                               token_generation,
                               sealing_.hash_key(key, 0),
                               {},
                               {},
                               front_.deadline(r.arrived),
                               r.arrived.of(ref.shard())});
}

void citizen_api::move(const request& r, reference ref, std::uint8_t token_generation, std::string_view body, std::string_view key,
                       desk_sink sink) {
  auto p = asked_by_page(r, key, std::move(sink));
  if (const auto refusal = refuse_all())
    return end(p, *refusal);
  if (ref.shard().value >= options_.shard_count)
    return end(p, {.code = problem_code::not_found});
  auto form = read_move(body);
  if (!form)
    return end(p, form.error());
  const auto id = front_.next_id();
  p.what = command_kind::find_to_move;
  p.wish = move_wish{std::move(*form), ref, token_generation};
  front_.submit(id, std::move(p), lookup_command{id, ref, token_generation, front_.deadline(r.arrived)});
}

std::vector<problem> citizen_api::check(std::string_view body) {
  auto read = read_fields(body, latest_today());
  if (!read)
    return {std::move(read.error())};
  const auto& form = read->form;
  const auto round = round_meant(node_, *node_.catalogue(), form.round);
  if (round == nullptr)
    return {problem{.code = no_such_round()}};
  if (const auto where = find_target(*round, form.centre, form.date, form.window_minute); !where)
    return {where.error()};
  auto out = problems_of_people(*round, form);
  if (!read->wrong.empty())
    out.insert(out.begin(), problem_of_fields(std::move(read->wrong)));
  return out;
}

}  // namespace janji::net
