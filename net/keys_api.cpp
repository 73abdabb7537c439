#include "net/keys_api.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/json.hpp>

#include "net/admin_json.hpp"

namespace janji::net {

namespace json = boost::json;
using cluster::key_member;
using cluster::keys_view;

namespace {

// A path is taken as it is: any change would name another file.
std::expected<std::string, problem> path_of(const json::object& o, std::string_view name) {
  if (const auto text = order_text(o, name); !text)
    return std::unexpected(text.error());
  return text_of(o, name);
}

json::array texts(const std::vector<std::string>& list) { return json::array(list.begin(), list.end()); }

// Codes of erased rounds whose keys it held when it last said so.
json::array erased_held(const key_member& n, const actors::round_catalogue& catalogue) {
  json::array out;
  for (const auto& round : catalogue.rounds)
    if (round->status.state == round_state::erased && std::ranges::find(n.said->rounds, round->definition.id.value) != n.said->rounds.end())
      out.emplace_back(round->definition.code);
  return out;
}

json::object node_json(const key_member& n, const keys_view& v, const actors::round_catalogue& catalogue) {
  json::object out{{"node", n.node}, {"there", n.there}, {"said", n.has_said()}};
  if (!n.said)
    return out;
  out["held"] = texts(n.said->held);
  out["holds_it"] = n.holds(v.master());
  out["wrapped_under"] = n.said->wrapped_under;
  out["wrong"] = n.said->wrong;
  out["erased_held"] = erased_held(n, catalogue);
  return out;
}

std::string_view state_of(const keys_view& v) { return !v.record ? "none" : v.under_way() ? "under_way" : "finished"; }

json::object view_json(const keys_view& v, const actors::round_catalogue& catalogue) {
  json::array nodes;
  for (const auto& n : v.nodes)
    nodes.push_back(node_json(n, v, catalogue));
  json::object under;
  for (const auto& [master, count] : v.copies_under)
    under[master.empty() ? "unknown" : master] = count;
  return {{"master", v.master()},
          {"rotation", state_of(v)},
          {"from", v.record ? v.record->from : ""},
          {"number", v.record ? v.record->mark.number : 0},
          {"files_left", v.files_left()},
          {"copies", v.copies},
          {"copies_left", v.copies_left},
          {"copies_under", std::move(under)},
          {"unreadable", texts(v.unreadable)},
          {"nodes", std::move(nodes)}};
}

}  // namespace

void keys_api::show(responder&& respond) {
  orders_.run(std::move(respond), [this] {
    if (ports_.cluster == nullptr)
      return json_response(view_alone());
    const auto v = ports_.cluster->keys();
    return v ? json_response(view_json(*v, *node_.catalogue())) : to_response(refused("busy: " + v.error()));
  });
}

void keys_api::rotate(const request& r, bool dry_run, responder&& respond) {
  const auto body = object_of(r.body);
  if (!body)
    return respond(to_response(body.error()));
  const auto named = path_of(*body, "new_master_key_file");
  if (!named)
    return respond(to_response(named.error()));
  std::optional<store::key_bytes> given;
  if (body->contains("new_master_key_file")) {
    const auto master = store::load_master({*named, {}, false});
    if (!master)
      return respond(to_response({.code = problem_code::wrong_state, .detail = master.error().text()}));
    given = *master;
  }
  order(std::move(respond), dry_run, "keys rotate", [this, given, dry_run] {
    return ports_.cluster == nullptr ? rotate_alone(given, dry_run) : ports_.cluster->rotate(given, dry_run);
  });
}

void keys_api::finish(bool dry_run, responder&& respond) {
  order(std::move(respond), dry_run, "keys rotate --finish", [this, dry_run]() -> said {
    if (ports_.cluster != nullptr)
      return ports_.cluster->finish_rotation(dry_run);
    auto alone = finish_alone();
    return alone && dry_run ? said("would be done: " + *alone) : alone;
  });
}

// ------------------------------------------------------------------ a node that is alone

keys_api::said keys_api::rotate_alone(const std::optional<store::key_bytes>& given, bool dry_run) {
  const auto held = ports_.read();
  if (!given && held.keys.size() < 2)
    return std::unexpected("wrong_state: this node holds one master key only: put the new one beside it, or name its file" +
                           (held.wrong.empty() ? "" : "; " + held.wrong));
  const auto& to = given ? *given : held.keys.back();
  const auto name = store::fingerprint_of(to);
  if (to == keys_.master())
    return std::unexpected(fmt::format("wrong_state: everything is wrapped under the master key with fingerprint {} already", name));
  if (dry_run)
    return fmt::format("would wrap {} keys under {}", keys_.size(), name);
  if (auto done = keys_.rotate_master(to); !done)
    return std::unexpected("wrong_state: " + done.error().text());
  return fmt::format("{} keys are wrapped under {}: the next start needs that master key", keys_.size(), name);
}

keys_api::said keys_api::finish_alone() {
  const auto held = ports_.read();
  const auto name = store::fingerprint_of(keys_.master());
  if (std::ranges::find(held.keys, keys_.master()) == held.keys.end())
    return std::unexpected(
        fmt::format("wrong_state: the next start would lack the master key with fingerprint {}: put it in the old one's place{}", name,
                    held.wrong.empty() ? "" : "; " + held.wrong));
  return fmt::format("the rotation is finished: the keys are wrapped under {} alone", name);
}

json::object keys_api::view_alone() const {
  const auto held = ports_.read();
  json::array names;
  for (const auto& m : held.keys)
    names.push_back(json::value(store::fingerprint_of(m)));
  return {{"master", store::fingerprint_of(keys_.master())},
          {"keys", keys_.size()},
          {"held", std::move(names)},
          {"holds_it", std::ranges::find(held.keys, keys_.master()) != held.keys.end()},
          {"wrong", held.wrong}};
}

// ------------------------------------------------------------------ what takes time

void keys_api::order(responder&& respond, bool dry_run, const char* what, std::function<said()> change) {
  orders_.run(std::move(respond), [this, dry_run, what, change = std::move(change)] {
    const auto result = change();
    if (result && !dry_run)
      note(node_, what, *result);
    return answer_of(result);
  });
}

}  // namespace janji::net
