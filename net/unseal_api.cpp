#include "net/unseal_api.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <utility>

#include "booking/text_rules.hpp"
#include "booking/civil_time.hpp"
#include "booking/reference_text.hpp"
#include "net/admin_json.hpp"
#include "net/booking_form.hpp"
#include "net/private_post.hpp"
#include "schema/personal_record.hpp"

namespace janji::net {

namespace json = boost::json;

namespace {

constexpr std::string_view nothing_opened = " Nothing was opened.";

std::unexpected<problem> wrong_field(std::string_view name, cause c) {
  auto p = because(problem_code::invalid, c);
  p.detail = detail_of(p).append(nothing_opened);
  p.fields.push_back({std::string(name), std::move(c)});
  return std::unexpected(std::move(p));
}
template <reason_code WHY>
std::unexpected<problem> wrong_field(std::string_view name) {
  return wrong_field(name, cause_of<WHY>());
}

bool has(const json::object& o, std::string_view name) { return o.contains(json::string_view(name.data(), name.size())); }

// It gets about that there are records which nobody looked into for a reason.
std::expected<std::string, problem> reason_of(const json::object& body) {
  auto reason = order_text(body, "reason");
  if (reason && trimmed(*reason).empty())
    return wrong_field<reason_code::missing_unseal_reason>("reason");
  return reason;
}

std::string_view status_name(place_status s) { return s == place_status::cancelled ? "cancelled" : "confirmed"; }

void wipe(std::string& text) { sodium_memzero(text.data(), text.size()); }

}  // namespace

// ------------------------------------------------------------------ what is asked for

std::expected<void, problem> unseal_api::read(const json::object& body, job& to) const {
  auto reason = reason_of(body);
  if (!reason)
    return std::unexpected(std::move(reason.error()));
  to.reason = std::move(*reason);
  const auto* cancelled = body.if_contains("cancelled");
  to.ask.cancelled = cancelled != nullptr && cancelled->get_bool();
  if (!has(body, "reference"))
    return read_day(body, to);
  for (const auto name : {"round", "centre", "date", "window", "after"})
    if (has(body, name))
      return wrong_field<reason_code::unseal_one_or_day>(name);
  to.ref = reference_from_text(text_of(body, "reference"));
  if (!to.ref)
    return wrong_field<reason_code::bad_reference>("reference");
  to.ask.only = to.ref;
  to.about = "booking " + to_text(*to.ref);
  return {};
}

std::expected<void, problem> unseal_api::read_day(const json::object& body, job& to) const {
  for (const auto name : {"round", "centre", "date"})
    if (!has(body, name))
      return wrong_field<reason_code::missing_unseal_what>(name);
  const auto catalogue = node_.catalogue();
  const auto* round = catalogue->find(text_of(body, "round"));
  if (round == nullptr)
    return std::unexpected(node_.ready() && node_.knows_rounds() ? problem{.code = problem_code::unknown_round}
                                                                 : because<reason_code::rounds_unheard>(problem_code::not_ready));
  const auto date = parse_date(text_of(body, "date"));
  if (!date)
    return wrong_field<reason_code::bad_date>("date");
  const auto window = has(body, "window") ? parse_minute(text_of(body, "window")) : std::nullopt;
  if (has(body, "window") && !window)
    return wrong_field<reason_code::bad_time>("window");
  const auto centre = text_of(body, "centre");
  const auto found = find_target(*round, centre, *date, window);
  if (!found)
    return std::unexpected(found.error());
  if (has(body, "after")) {
    to.ask.after = reference_from_text(text_of(body, "after"));
    if (!to.ask.after)
      return wrong_field<reason_code::bad_next>("after");
  }
  to.round = round->definition.id;
  to.ask.group = found->group->id;
  if (window)
    to.ask.window = found->window;
  to.about = fmt::format("round {}, centre {} on {}{}{}", round->definition.code, centre, format_date(*date),
                         window ? " at " + format_minute(*window) : "", to.ask.after ? ", after " + to_text(*to.ask.after) : "");
  return {};
}

// A name that is empty would be worse than none.
std::optional<problem> unseal_api::why_closed(round_id round) const {
  const auto catalogue = node_.catalogue();
  const auto* known = catalogue->find(round);
  if (known != nullptr && (known->status.state == round_state::erased || sealing_.is_destroyed(round)))
    return problem{.code = problem_code::erased};
  if (known == nullptr || !sealing_.has_keys(round))
    return because<reason_code::unseal_keys_unknown>(problem_code::not_ready);
  return std::nullopt;
}

bool unseal_api::take_turn() {
  const auto now = node_.now().value;
  if (const auto back = (now - refilled_at_ms_) / one_more_after_ms; back > 0) {
    left_ = std::min(in_a_row_max, left_ + std::min(back, in_a_row_max));
    refilled_at_ms_ = now;
  }
  if (left_ == 0)
    return false;
  --left_;
  return true;
}

// ------------------------------------------------------------------ its way

void unseal_api::handle(const request& r, bool dry_run, responder&& respond) {
  const auto body = object_of(r.body);
  if (!body)
    return respond(to_response(body.error()));
  auto j = std::make_shared<job>();
  j->dry_run = dry_run;
  if (auto good = read(*body, *j); !good)
    return respond(to_response(good.error()));
  if (!take_turn())
    return respond(to_response(because(problem_code::too_many_requests, cause_of<reason_code::unseal_turns, "limit">(in_a_row_max))));
  if (under_way_->load() >= under_way_max)
    return respond(to_response(because<reason_code::unseal_others>(problem_code::busy)));
  ++*under_way_;
  j->turn = std::shared_ptr<void>(nullptr, [count = under_way_](void*) { --*count; });
  j->respond = std::move(respond);
  if (j->ref)
    return find(j);
  if (auto closed = why_closed(j->round))
    return j->respond(to_response(*closed));
  gather(j);
}

void unseal_api::find(const job_ptr& j) {
  node_.find_place(*j->ref, [this, j](auto place) { post_private(io_, [this, j, place = std::move(place)] { placed(j, place); }); });
}

void unseal_api::placed(const job_ptr& j, const std::expected<booked_place, std::string>& place) {
  if (!place)
    return j->respond(to_response(refused(place.error())));
  const auto catalogue = node_.catalogue();
  const auto at = catalogue->groups.find(place->group.value);
  if (at == catalogue->groups.end())
    return j->respond(to_response(because<reason_code::unseal_round_unknown>(problem_code::not_ready)));
  j->round = at->second.round;
  j->ask.group = place->group;
  if (auto closed = why_closed(j->round))
    return j->respond(to_response(*closed));
  if (place->status == place_status::cancelled && !j->ask.cancelled)
    return j->respond(to_response(because<reason_code::unseal_cancelled>(problem_code::cancelled)));
  gather(j);
}

void unseal_api::gather(const job_ptr& j) {
  node_.sealed_records(j->ask, [this, j](auto found) {
    post_private(io_, [this, j, found = std::move(found)]() mutable { gathered(j, std::move(found)); });
  });
}

void unseal_api::gathered(const job_ptr& j, std::expected<schema::sealed_places, std::string>&& found) {
  if (!found) {
    auto why = refused(found.error());
    why.detail += nothing_opened;
    return j->respond(to_response(why));
  }
  j->found = std::move(*found);
  const auto count = j->found.places.size();
  if (j->ref && count == 0)
    return j->respond(to_response(because<reason_code::unseal_changing>(problem_code::busy)));
  if (j->dry_run) {
    json::object out{{"result", "would open"}, {"records", count}};
    if (j->found.more)
      out["next"] = to_text(j->found.places.back().ref);
    return j->respond(json_response(std::move(out)));
  }
  if (count == 0)
    return j->respond(json_response(json::object{{"records", json::array{}}}));
  node_.note({fmt::format("unseal {} record{}: {}", count, count == 1 ? "" : "s", j->about), j->reason, "admin token", {}},
             [this, j](auto done) { post_private(io_, [this, j, done = std::move(done)] { noted(j, done); }); });
}

void unseal_api::noted(const job_ptr& j, const std::expected<std::string, std::string>& done) {
  if (!done) {
    auto why = refused(done.error());
    why.detail = "It is not in the audit trail: " + why.detail + std::string(".") + std::string(nothing_opened);
    return j->respond(to_response(why));
  }
  if (auto closed = why_closed(j->round))  // erased meanwhile
    return j->respond(to_response(*closed));
  const auto catalogue = node_.catalogue();
  const auto* round = catalogue->find(j->round);
  json::array records;
  for (const auto& p : j->found.places)
    records.push_back(opened(*round, j->ask.group, p));
  json::object out{{"records", std::move(records)}};
  if (j->found.more)
    out["next"] = to_text(j->found.places.back().ref);
  j->respond(json_response(std::move(out)));
}

json::object unseal_api::opened(const actors::round_entry& round, group_id group, const schema::sealed_place& place) const {
  const auto& d = round.definition;
  json::object out{{"reference", to_text(place.ref)}, {"status", status_name(place.status)}, {"round", d.code}};
  if (const auto at = std::ranges::find(d.groups, group, &group_definition::id); at != d.groups.end()) {
    out["centre"] = d.centres[at->centre].code;
    out["date"] = format_date(at->date);
    out["window"] = place.window.value < at->windows.size() ? format_minute(at->windows[place.window.value].opens_minute) : "";
  }
  out["booked_at"] = format_utc(place.at);
  const auto plain = place.fault.empty() ? sealing_.unseal(d.id, place.ref, place.sealed) : std::nullopt;
  auto record = plain ? schema::decode_personal_record(*plain) : std::unexpected(std::string());
  if (!record) {
    out["fault"] = !place.fault.empty() ? place.fault
                   : plain              ? record.error()
                           : "its sealed bytes do not open: they are damaged, of another booking, or of a version that is not known here";
    return out;
  }
  out["identity"] = {{"type", record->identity_kind}, {"number", record->identity_number}, {"country", record->country}};
  if (!record->mykad.empty())
    out["identity"].as_object()["mykad"] = record->mykad;
  for (auto& [name, text] : {std::pair<const char*, std::string*>{"name", &record->name},
                             {"phone", &record->phone},
                             {"email", &record->email},
                             {"birth_date", &record->birth_date},
                             {"state", &record->state},
                             {"notes", &record->notes}}) {
    out[name] = *text;
    wipe(*text);
  }
  return out;
}

}  // namespace janji::net
