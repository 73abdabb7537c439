#include "net/stored_view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "booking/civil_time.hpp"
#include "booking/reference_text.hpp"
#include "booking/text_parts.hpp"
#include "net/booking_desk.hpp"

namespace janji::net {

namespace json = boost::json;

namespace {

std::string hex(const citizen_hash& c) {
  std::string out;
  for (const auto b : c.bytes)
    out += fmt::format("{:02x}", b);
  return out;
}

struct event_words {
  json::object operator()(const booked& e) const {
    json::array people;
    for (const auto& p : e.people)
      people.push_back({{"reference", to_text(p.ref)},
                        {"generation", p.generation.value},
                        {"citizen", hex(p.citizen)},
                        {"sealed_bytes", p.sealed.size()}});
    return {
        {"event", e.moved_in ? "moved_in" : "booked"}, {"window", e.window.value}, {"at", format_utc(e.at)}, {"people", std::move(people)}};
  }
  json::object operator()(const declined& e) const { return {{"event", "declined"}, {"at", format_utc(e.at)}}; }
  json::object operator()(const place_cancelled& e) const {
    return {{"event", "place_cancelled"}, {"generation", e.generation.value}, {"at", format_utc(e.at)}};
  }
  json::object operator()(const place_released& e) const {
    return {{"event", "place_released"}, {"generation", e.generation.value}, {"at", format_utc(e.at)}};
  }
  json::object operator()(const moved_within& e) const { return {{"event", "moved_within"}, {"to", e.to.value}, {"at", format_utc(e.at)}}; }
  json::object operator()(const capacity_changed& e) const {
    return {{"event", "capacity_changed"}, {"window", e.window.value}, {"capacity", e.capacity}, {"by", e.by},
            {"reason", e.reason},          {"at", format_utc(e.at)}};
  }
  json::object operator()(const claimed& e) const {
    return {
        {"event", "claimed"}, {"citizen", hex(e.citizen)}, {"group", e.group.value}, {"window", e.window.value}, {"at", format_utc(e.at)}};
  }
  json::object operator()(const claims_confirmed& e) const { return {{"event", "claims_confirmed"}, {"claims", e.refs.size()}}; }
  json::object operator()(const claim_released&) const { return {{"event", "claim_released"}}; }
  json::object operator()(const cancel_intended& e) const {
    return {{"event", "cancel_intended"}, {"reference", to_text(e.ref)}, {"by", e.by}, {"reason", e.reason}, {"at", format_utc(e.at)}};
  }
  json::object operator()(const cancel_done& e) const { return {{"event", "cancel_done"}, {"at", format_utc(e.at)}}; }
  json::object operator()(const move_intended& e) const {
    return {{"event", "move_intended"}, {"to", e.to.value}, {"window", e.window.value}, {"at", format_utc(e.at)}};
  }
  json::object operator()(const move_booked&) const { return {{"event", "move_booked"}}; }
  json::object operator()(const move_done& e) const { return {{"event", "move_done"}, {"at", format_utc(e.at)}}; }
  json::object operator()(const move_refused&) const { return {{"event", "move_refused"}}; }
  json::object operator()(const cancel_joined& e) const {
    return {{"event", "cancel_joined"}, {"reference", to_text(e.ref)}, {"by", e.by}, {"reason", e.reason}, {"at", format_utc(e.at)}};
  }
  json::object operator()(const changes_forgiven& e) const {
    return {{"event", "changes_forgiven"}, {"citizen", hex(e.citizen)}, {"by", e.by}, {"reason", e.reason}, {"at", format_utc(e.at)}};
  }
  json::object operator()(const joined_place_ended& e) const {
    return {{"event", "joined_place_ended"}, {"generation", e.generation.value}, {"at", format_utc(e.at)}};
  }
};

bool names(const group_event& e, reference ref) {
  if (const auto* b = std::get_if<booked>(&e))
    return std::ranges::any_of(b->people, [&](const auto& p) { return p.ref == ref; });
  if (const auto* d = std::get_if<declined>(&e))
    return std::ranges::any_of(d->refs, [&](const auto& r) { return r.first == ref; });
  if (std::holds_alternative<capacity_changed>(e))
    return false;
  return std::visit(
      [&](const auto& v) {
        if constexpr (requires { v.ref; })
          return v.ref == ref;
        else
          return false;
      },
      e);
}
bool names(const registry_event& e, reference ref) {
  if (const auto* c = std::get_if<claims_confirmed>(&e))
    return std::ranges::find(c->refs, ref) != c->refs.end();
  return std::visit(
      [&](const auto& v) {
        if constexpr (requires { v.ref; })
          return v.ref == ref;
        else
          return false;
      },
      e);
}

// Every event of the log that `wanted` takes, with where it stands.
std::expected<json::value, std::string> history(const store::node_store& store, std::uint16_t shard_count, auto&& wanted) {
  json::array events;
  std::string error;
  auto read = store.read_all_logs(shard_count, [&](shard_id shard, store::log_entry&& entry) {
    if (entry.payload.empty())
      return true;
    const auto batch = schema::decode_batch(entry.payload);
    if (!batch) {
      error = batch.error().text;
      return false;
    }
    for (const auto& e : *batch) {
      if (!wanted(shard, e))
        continue;
      json::object o;
      if (const auto* g = std::get_if<group_event>(&e.event))
        o = std::visit(event_words{}, *g);
      else if (const auto* r = std::get_if<registry_event>(&e.event))
        o = std::visit(event_words{}, *r);
      o["shard"] = shard.value;
      o["epoch"] = entry.epoch.value;
      o["sequence"] = entry.sequence.value;
      if (e.who.kind == schema::owner_kind::group)
        o["group"] = e.who.group.value;
      events.push_back(std::move(o));
    }
    return true;
  });
  if (!read)
    return std::unexpected(read.error().text());
  if (!error.empty())
    return std::unexpected(error);
  return json::value(std::move(events));
}

std::expected<json::value, std::string> show_reference(const store::node_store& store, std::uint16_t shard_count, std::string_view text,
                                                       bool groups) {
  const auto ref = reference_from_text(text);
  if (!ref)
    return std::unexpected("this is not a reference");
  auto events = history(store, shard_count, [&](shard_id, const schema::owned_event& e) {
    if (const auto* g = std::get_if<group_event>(&e.event))
      return groups && names(*g, *ref);
    const auto* r = std::get_if<registry_event>(&e.event);
    return r != nullptr && names(*r, *ref);
  });
  if (events && events->as_array().empty())
    return std::unexpected("nothing is stored under this reference");
  return events;
}

bool changes_capacity(const schema::owned_event& e) {
  const auto* g = std::get_if<group_event>(&e.event);
  return g != nullptr && std::holds_alternative<capacity_changed>(*g);
}

std::expected<json::value, std::string> show_group(const store::node_store& store, std::uint16_t shard_count,
                                                   const actors::round_catalogue& catalogue, std::string_view what) {
  const auto first = what.find('/');
  const auto second = first == std::string_view::npos ? first : what.find('/', first + 1);
  const auto date = second == std::string_view::npos ? std::nullopt : parse_date(what.substr(second + 1));
  const auto* round = catalogue.find(what.substr(0, first));
  const auto* group = round != nullptr && date ? round->find_group(what.substr(first + 1, second - first - 1), *date) : nullptr;
  if (group == nullptr)
    return std::unexpected("there is no such slot group: group/ROUND/CENTRE/YYYY-MM-DD");
  const auto shard = catalogue.groups.at(group->id.value).shard;
  auto changes = history(store, shard_count, [&](shard_id, const schema::owned_event& e) {
    return e.who == schema::owner::of(group->id) && changes_capacity(e);
  });
  if (!changes)
    return changes;
  cluster::audit audit(shard_count);
  if (auto report = audit.run(store); !report)
    return std::unexpected(report.error());
  json::array bookings;
  std::uint64_t live = 0;
  audit.for_each([&](const cluster::audited_booking& b) {
    if (b.group != group->id)
      return;
    live += b.live ? 1 : 0;
    bookings.push_back({{"reference", to_text(b.ref)},
                        {"generation", b.generation.value},
                        {"window", b.window.value},
                        {"live", b.live},
                        {"at", format_utc(b.at)}});
  });
  return json::value{{"group", group->id.value},
                     {"shard", shard.value},
                     {"live", live},
                     {"capacity_changes", std::move(*changes)},
                     {"bookings", std::move(bookings)}};
}

// What operators ordered of single groups and citizens; orders about rounds are in the trail.
std::expected<json::value, std::string> show_orders(const store::node_store& store, std::uint16_t shard_count,
                                                    const actors::round_catalogue& catalogue) {
  auto events = history(store, shard_count, [](shard_id, const schema::owned_event& e) {
    const auto* r = std::get_if<registry_event>(&e.event);
    if (r == nullptr)
      return changes_capacity(e);
    const auto* cancel = std::get_if<cancel_intended>(r);
    const auto* joined = std::get_if<cancel_joined>(r);
    return (cancel != nullptr && !cancel->by.empty()) || (joined != nullptr && !joined->by.empty()) ||
           std::holds_alternative<changes_forgiven>(*r);
  });
  if (!events)
    return events;
  for (auto& one : events->as_array()) {
    auto& o = one.as_object();
    const auto* group = o.if_contains("group");
    if (group == nullptr)
      continue;
    const auto at =
        name_place(catalogue, group_id{group->to_number<std::uint32_t>()}, window_index{o.at("window").to_number<std::uint8_t>()});
    if (!at)
      continue;
    o["round"] = at->round->code;
    o["centre"] = at->at->code;
    o["date"] = format_date(at->date);
    o["window"] = format_minute(at->window->opens_minute);
  }
  return events;
}

std::expected<json::value, std::string> show_shard(const store::node_store& store, std::uint16_t shard_count, std::string_view text) {
  const auto n = whole_number(text);
  if (!n || *n >= shard_count)
    return std::unexpected("there is no such shard");
  const shard_id shard{static_cast<std::uint16_t>(*n)};
  const auto tail = store.tail(shard);
  const auto snapshots = store.list_snapshots(shard);
  const auto record = store.get("shard/" + std::to_string(*n));
  if (!tail || !snapshots || !record)
    return std::unexpected(!tail ? tail.error().text() : !snapshots ? snapshots.error().text() : record.error().text());
  json::array rows;
  for (const auto& s : *snapshots)
    rows.push_back({{"kind", static_cast<int>(s.who.kind)}, {"group", s.who.group.value}, {"applied", s.applied.value}});
  return json::value{{"shard", *n},
                     {"promised_epoch", tail->promised.value},
                     {"last_epoch", tail->last_epoch.value},
                     {"last_sequence", tail->last_sequence.value},
                     {"record", record->value},
                     {"snapshots", std::move(rows)}};
}

}  // namespace

std::expected<json::value, std::string> stored_view(const store::node_store& store, std::uint16_t shard_count,
                                                    const actors::round_catalogue& catalogue, std::string_view what) {
  const auto slash = what.find('/');
  const auto kind = what.substr(0, slash);
  const auto rest = slash == std::string_view::npos ? std::string_view{} : what.substr(slash + 1);
  if (kind == "booking" || kind == "claim")
    return show_reference(store, shard_count, rest, kind == "booking");
  if (kind == "group")
    return show_group(store, shard_count, catalogue, rest);
  if (kind == "shard")
    return show_shard(store, shard_count, rest);
  if (what == "orders")
    return show_orders(store, shard_count, catalogue);
  return std::unexpected("show booking/REFERENCE, claim/REFERENCE, group/ROUND/CENTRE/DATE, shard/NUMBER or orders");
}

json::value to_json(const cluster::audit_report& r) {
  json::array breaches;
  for (const auto& b : r.breaches)
    breaches.push_back(json::string(b));
  return {{"clean", r.clean()},
          {"events", r.events},
          {"bookings", r.bookings},
          {"live", r.live},
          {"cancelled", r.cancelled},
          {"moves", r.moves},
          {"claims", r.claims},
          {"unsettled", r.unsettled},
          {"over_by_order", r.over_by_order},
          {"breach_count", r.breach_count},
          {"breaches", std::move(breaches)}};
}

std::string export_line(const cluster::audited_booking& b, const std::map<std::uint16_t, round_definition>& rounds) {
  json::object o{{"reference", to_text(b.ref)},
                 {"generation", b.generation.value},
                 {"status", b.live ? "confirmed" : b.moved_away ? "moved" : "cancelled"},
                 {"citizen", hex(b.citizen)},
                 {"state", b.facts.state},
                 {"age_band", b.facts.age_band},
                 {"at", format_utc(b.at)}};
  if (const auto round = rounds.find(b.round.value); round != rounds.end()) {
    const auto& d = round->second;
    const auto group = std::ranges::find(d.groups, b.group, &group_definition::id);
    o["round"] = d.code;
    if (group != d.groups.end()) {
      o["centre"] = d.centres[group->centre].code;
      o["date"] = format_date(group->date);
      o["window"] = format_minute(group->windows[std::min<std::size_t>(b.window.value, group->windows.size() - 1)].opens_minute);
    }
  }
  return json::serialize(o);
}

}  // namespace janji::net
