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
#include "booking/typed_signs.hpp"
#include "cluster/audit.hpp"
#include "net/admin_json.hpp"
#include "net/import_body.hpp"
#include "net/stored_view.hpp"
#include "net/within.hpp"

namespace janji::net {

namespace json = boost::json;

namespace {

bool same_token(std::string_view given, std::string_view token) {
  return !token.empty() && given.size() == token.size() && sodium_memcmp(given.data(), token.data(), token.size()) == 0;
}

constexpr std::string_view rounds_path = "/admin/v1/rounds";

actors::orderer order_of(const request& r, bool dry_run) { return {"admin", r.arrived.heard, r.arrived.rounds, dry_run}; }

// Of a dry run. What the directory would not allow is found only by doing it.
response would_release(const store::disk_state& d) {
  if (d.ballast_bytes == 0)
    return to_response({.code = problem_code::wrong_state, .detail = "there is no ballast to release"});
  return json_response(json::object{{"result", "would be released"}, {"bytes", d.ballast_bytes}});
}

// What operators ordered, the last first.
json::array trail_of(const actors::round_catalogue& catalogue) {
  json::array out;
  for (auto it = catalogue.trail.rbegin(); it != catalogue.trail.rend(); ++it)
    out.push_back({{"at", format_utc(it->at)}, {"by", it->by}, {"what", it->what}, {"detail", it->detail}});
  return out;
}

// A disk or an etcd that hangs keeps no order waiting for ever.
round_key_ports with_patience(boost::asio::io_context& io, round_key_ports ports) {
  static constexpr std::chrono::milliseconds patience{12'000};
  static const std::string otherwise = "the disk or etcd has not answered for 12 seconds; say it again when it does";
  if (ports.have)
    ports.have = [&io, have = std::move(ports.have)](round_id round, round_key_ports::told then) {
      have(round, within<void>(io, patience, std::move(then), otherwise));
    };
  if (ports.destroy)
    ports.destroy = [&io, destroy = std::move(ports.destroy)](round_id round, round_key_ports::told then) {
      destroy(round, within<void>(io, patience, std::move(then), otherwise));
    };
  if (ports.make)
    ports.make = [&io, make = std::move(ports.make)](std::function<void(std::expected<round_id, std::string>)> then) {
      make(within<round_id>(io, patience, std::move(then), otherwise));
    };
  return ports;
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
      round_keys_(with_patience(io, masters.rounds)),
      masters_(io, node, keys, std::move(masters)),
      unseal_(io, node, sealing),
      readings_(io) {}

void admin_api::handle(const request& r, responder&& respond) {
  const auto at = find_route(admin_routes, r.verb, r.path);
  const bool for_anybody = at && at.row->who == audience::anybody;
  if (!for_anybody && !same_token(bearer_token(r.authorization), token_))
    return respond(to_response({.code = problem_code::unauthorised}));
  if (!at)
    return refuse_address(r, respond);
  if (const auto no = refuse_request(*at.row, r))
    return respond(to_response(*no));
  const auto dry_run = r.reads() ? false : dry_run_of(r.query);
  if (!dry_run)
    return respond(to_response(dry_run.error()));
  serve(at, r, *dry_run, std::move(respond));
}

// There is no such address, or it does not know the method.
void admin_api::refuse_address(const request& r, responder& respond) {
  const auto allowed = methods_at(admin_routes, r.path).text();
  if (allowed.empty())
    return respond(to_response({.code = problem_code::no_such_endpoint}));
  auto out = to_response(problem_of<problem_code::method_not_allowed, "allowed">(allowed));
  out.add("Allow", allowed);
  respond(std::move(out));
}

// What the table of routes does not know of it. Of an import whoever takes its body looks at that; nobody reads that of a question.
std::optional<problem> admin_api::refuse_request(const admin_route& row, const request& r) {
  if (auto no = refuse_query(r.query, row.query))
    return no;
  if (r.reads() || (r.body.empty() && r.taker == nullptr))
    return std::nullopt;
  if (auto no = refuse_media(r))
    return no;
  if (r.taker != nullptr)
    return std::nullopt;
  const auto body = object_of(r.body);
  return body ? refuse_members(*body, row.body) : std::optional(body.error());
}

// Before a byte of it is kept. Only an import is large.
std::optional<response> admin_api::refuse_body(const request& head, std::uint64_t& bytes_max) {
  constexpr std::uint64_t order_bytes_max = 64 * 1024;
  if (!same_token(bearer_token(head.authorization), token_))
    return to_response({.code = problem_code::unauthorised});
  if (const auto no = head.reads() ? std::nullopt : refuse_media(head))
    return to_response(*no);
  if (head.path != rounds_path)
    bytes_max = std::min(bytes_max, order_bytes_max);
  return std::nullopt;
}

std::unique_ptr<body_taker> admin_api::take_body(const request& head) {
  return head.path == rounds_path && head.verb == method::post ? std::make_unique<import_body>() : nullptr;
}

response admin_api::refusal(const problem& p, const request& /*known*/) { return to_response(p); }

void admin_api::serve(const admin_match& at, const request& r, bool dry_run, responder&& respond) {
  switch (at.row->to) {
    case admin_endpoint::livez: return respond({.content_type = "text/plain", .body = "alive\n"});
    case admin_endpoint::readyz: return readyz(r, respond);
    case admin_endpoint::proof: return prove(at.arguments[0], respond);
    case admin_endpoint::status: return status(respond);
    case admin_endpoint::trail: return respond(json_response(trail_of(*node_.catalogue())));
    case admin_endpoint::audit: return audit(std::move(respond));
    case admin_endpoint::receipt_key: return receipt_key(respond);
    case admin_endpoint::rounds: return respond({.body = citizens_.rounds_list() + "\n"});
    case admin_endpoint::figures: return figures(at.arguments[0], respond);
    case admin_endpoint::preflight: return preflight(at.arguments[0], std::move(respond));
    case admin_endpoint::disk: return disk(respond);
    case admin_endpoint::keys: return masters_.show(std::move(respond));
    case admin_endpoint::show: return show(std::string(at.arguments[0]), std::move(respond));
    case admin_endpoint::import: return import(r, dry_run, std::move(respond));
    case admin_endpoint::warm:
    case admin_endpoint::open:
    case admin_endpoint::pause:
    case admin_endpoint::resume:
    case admin_endpoint::close:
    case admin_endpoint::erase: return change_round(at, r, dry_run, std::move(respond));
    case admin_endpoint::capacity: return capacity(at.arguments, r, dry_run, std::move(respond));
    case admin_endpoint::release_claim: return release_claim(r, dry_run, std::move(respond));
    case admin_endpoint::unseal: return unseal_.handle(r, dry_run, std::move(respond));
    case admin_endpoint::disk_release: return disk_release(dry_run, respond);
    case admin_endpoint::keys_rotate: return masters_.rotate(r, dry_run, std::move(respond));
    case admin_endpoint::keys_finish: return masters_.finish(dry_run, std::move(respond));
    case admin_endpoint::cluster:
    case admin_endpoint::cluster_probe:
    case admin_endpoint::cluster_log:
    case admin_endpoint::cluster_node:
    case admin_endpoint::cluster_moves:
    case admin_endpoint::cluster_level:
    case admin_endpoint::cluster_shard: return cluster_.serve(at, r, dry_run, std::move(respond));
  }
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
      if (const auto left = r->find(stands_but); left != std::string::npos)
        out["left_undone"] = r->substr(left + stands_but.size());
      out.insert(said->begin(), said->end());
      (*kept)(json_response(std::move(out)));
    });
  };
}

// ------------------------------------------------------------------ rounds

void admin_api::change_round(const admin_match& at, const request& r, bool dry_run, responder&& respond) {
  const auto catalogue = node_.catalogue();
  const auto* round = catalogue->find(at.arguments[0]);
  if (round == nullptr)
    return respond(to_response(no_such_round()));
  const auto body = object_of(r.body);
  if (!body)
    return respond(to_response(body.error()));
  const auto id = round->definition.id;
  if (at.row->to == admin_endpoint::warm)
    return node_.warm(id, done(std::move(respond)), dry_run);
  const auto reason = order_text(*body, "reason");
  if (!reason)
    return respond(to_response(reason.error()));
  const auto order = order_of(r, dry_run);
  switch (at.row->to) {
    case admin_endpoint::open: return open_round(id, round_order::open, *reason, order, done(std::move(respond)));
    case admin_endpoint::resume: return open_round(id, round_order::resume, *reason, order, done(std::move(respond)));
    case admin_endpoint::close: return node_.change_round(id, round_order::close, *reason, order, done(std::move(respond)));
    case admin_endpoint::pause:
      if (reason->empty())
        return respond(to_response(
            because(problem_code::invalid, cause_of<reason_code::pause_needs_reason, "limit">(janji::limits::reason_characters_max))));
      return node_.change_round(id, round_order::pause, *reason, order, done(std::move(respond)));
    default: break;
  }
  if (text_of(*body, "confirm") != round->definition.code)
    return respond(to_response(because<reason_code::erase_needs_code>(problem_code::invalid)));
  auto told = done(std::move(respond));
  if (!dry_run)
    return node_.change_round(id, round_order::erase, *reason, order, destroying_keys(id, std::move(told)));
  auto would = [told = std::move(told), left = round_keys_.left()](std::expected<std::string, std::string> r) {
    told(r && !left.empty() ? *r + "; it would be tried again: " + left : std::move(r));
  };
  node_.change_round(id, round_order::erase, *reason, order, std::move(would));
}

// Not before its keys are here: whoever books at once needs them. A dry run asks for them as the node does by itself.
void admin_api::open_round(round_id id, round_order what, const std::string& reason, const actors::orderer& order,
                           actors::operator_done&& told) {
  round_keys_.have(id, [this, id, what, reason, order, told = std::move(told)](const std::expected<void, std::string>& had) {
    if (!had)
      return told(std::unexpected("wrong_state: " + had.error()));
    node_.change_round(id, what, reason, order, told);
  });
}

// "erased" is said only when the keys are gone; said again, it is tried again, and a start makes good what was left.
actors::operator_done admin_api::destroying_keys(round_id round, actors::operator_done&& told) {
  return [this, round, told = std::move(told)](std::expected<std::string, std::string> r) {
    if (!r)
      return told(std::move(r));
    round_keys_.destroy(round, [told, r = std::move(r)](const std::expected<void, std::string>& gone) {
      told(gone ? r : and_left_undone(*r, "destroying its keys has not ended; say it again: " + gone.error()));
    });
  };
}

void admin_api::capacity(const path_arguments& at, const request& r, bool dry_run, responder&& respond) {
  const auto body = object_of(r.body);
  if (!body)
    return respond(to_response(body.error()));
  const auto centre = at[1];
  const auto catalogue = node_.catalogue();
  const auto* round = catalogue->find(at[0]);
  if (round == nullptr)
    return respond(to_response(no_such_round()));
  if (round->status.state == round_state::erased)
    return respond(to_response({.code = problem_code::erased}));
  const auto date = parse_date(at[2]);
  if (!date)
    return respond(to_response(problem_of<problem_code::date_outside_round, "centre", "date">(shown_text(centre), shown_text(at[2]))));
  const auto* named = body->if_contains("window");
  const auto window = named == nullptr ? std::nullopt : parse_minute(typed_word(text_of(*body, "window")));
  if (named != nullptr && !window)  // a slip: not the day's only window instead
    return respond(to_response(because<reason_code::window_form>(problem_code::unknown_window)));
  const auto found = find_target(*round, centre, *date, window);
  if (!found)
    return respond(to_response(found.error()));
  if (!found->window)
    return respond(to_response(because<reason_code::window_needed>(problem_code::invalid)));
  const auto* v = body->if_contains("capacity");
  if (v == nullptr || !v->is_int64() || v->get_int64() < 0 || v->get_int64() > janji::limits::capacity_max)
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
  if (const auto no = refuse_members(o, "type:text number:text country:text mykad:text", "identity."))
    return respond(to_response(*no));
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

void admin_api::prove(std::string_view question, responder& respond) const {
  if (!is_proof_question(question))
    return respond(to_response({.code = problem_code::malformed_request, .detail = "a question has 32 hexadecimal digits"}));
  respond({.content_type = "text/plain", .body = proof_of(proof_key_, question) + "\n"});
}

void admin_api::receipt_key(responder& respond) const {
  std::string hex(signer_.public_key().size() * 2 + 1, '\0');
  sodium_bin2hex(hex.data(), hex.size(), signer_.public_key().data(), signer_.public_key().size());
  hex.pop_back();
  respond(json_response(json::object{{"key_id", signer_.key_id()}, {"public_key", hex}}));
}

void admin_api::figures(std::string_view code, responder& respond) const {
  const auto round = find_round(*node_.catalogue(), code);
  respond(round == nullptr ? to_response(no_such_round()) : response{.body = citizens_.figures_of(*round) + "\n"});
}

void admin_api::disk(responder& respond) const {
  const auto d = store_.disk();
  if (!d.unknown.empty())
    return respond(to_response({.code = problem_code::wrong_state, .detail = d.unknown}));
  respond(json_response(
      json::object{{"free_bytes", d.free_bytes}, {"total_bytes", d.total_bytes}, {"ballast_bytes", d.ballast_bytes}, {"low", d.low}}));
}

void admin_api::disk_release(bool dry_run, responder& respond) {
  if (dry_run)
    return respond(would_release(store_.disk()));
  const auto freed = store_.release_ballast();
  if (!freed)
    return respond(to_response({.code = problem_code::wrong_state, .detail = freed.error().text()}));
  note(node_, "disk release", std::to_string(*freed) + " bytes");
  respond(json_response(json::object{{"result", "released"}, {"bytes", *freed}}));
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
