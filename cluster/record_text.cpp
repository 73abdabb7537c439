#include "cluster/record_text.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>

namespace janji::cluster {

namespace json = boost::json;
using replication::shard_record;

namespace {

json::array members(const std::vector<replication::member>& list) {
  json::array out;
  for (const auto& m : list)
    out.push_back({{"node", m.node}, {"disk", m.disk}});
  return out;
}

replication::member member_from(const json::value& v) {
  return {v.at("node").to_number<std::uint64_t>(), v.at("disk").to_number<std::uint64_t>()};
}

}  // namespace

std::string to_text(const shard_record& r) {
  return json::serialize(json::object{{"epoch", r.epoch.value},
                                      {"leader", {{"node", r.leader.node}, {"disk", r.leader.disk}}},
                                      {"leader_boot", r.leader_boot.value},
                                      {"in_sync", members(r.in_sync)},
                                      {"learners", members(r.learners)},
                                      {"min_in_sync", r.min_in_sync},
                                      {"replicas_wanted", r.replicas_wanted},
                                      {"tenure", {{"epoch", r.tenure.epoch.value}, {"boot", r.tenure.boot}}},
                                      {"hand_over", r.hand_over},
                                      {"given_up_below", r.given_up_below.value}});
}

std::expected<shard_record, std::string> record_from_text(std::string_view text) {
  try {
    const auto v = json::parse(json::string_view(text.data(), text.size()));
    shard_record r;
    r.epoch = epoch_t{v.at("epoch").to_number<std::uint64_t>()};
    r.leader = member_from(v.at("leader"));
    for (const auto& m : v.at("in_sync").as_array())
      r.in_sync.push_back(member_from(m));
    for (const auto& m : v.at("learners").as_array())
      r.learners.push_back(member_from(m));
    r.min_in_sync = v.at("min_in_sync").to_number<std::uint8_t>();
    r.replicas_wanted = v.at("replicas_wanted").to_number<std::uint8_t>();
    if (const auto* tenure = v.as_object().if_contains("tenure"))  // an earlier version's record has none
      r.tenure = {epoch_t{tenure->at("epoch").to_number<std::uint64_t>()}, tenure->at("boot").to_number<std::uint64_t>()};
    if (const auto* number = v.as_object().if_contains("hand_over"))
      r.hand_over = number->to_number<std::uint64_t>();
    if (const auto* boot = v.as_object().if_contains("leader_boot"))
      r.leader_boot = replication::boot_t{boot->to_number<std::uint64_t>()};
    if (const auto* below = v.as_object().if_contains("given_up_below"))
      r.given_up_below = epoch_t{below->to_number<std::uint64_t>()};
    return r;
  } catch (const std::exception& e) {
    return std::unexpected(std::string("a shard record cannot be read: ") + e.what());
  }
}

std::string to_text(const node_registration& r) {
  return json::serialize(json::object{{"node", r.node},
                                      {"disk", r.disk},
                                      {"boot", r.boot.value},
                                      {"links", r.links},
                                      {"fronts", r.fronts},
                                      {"version", r.version},
                                      {"level", r.level},
                                      {"since", r.since.value}});
}

std::expected<node_registration, std::string> registration_from_text(std::string_view text) {
  try {
    const auto v = json::parse(json::string_view(text.data(), text.size()));
    const auto words = [&](const char* name) { return std::string(v.at(name).as_string()); };
    const auto member = member_from(v);
    const auto* since = v.as_object().if_contains("since");
    const auto* level = v.as_object().if_contains("level");  // none: of a version that knows no levels
    return node_registration{member.node,
                             member.disk,
                             replication::boot_t{v.at("boot").to_number<std::uint64_t>()},
                             words("links"),
                             words("fronts"),
                             words("version"),
                             level == nullptr ? 0 : level->to_number<std::uint32_t>(),
                             unix_ms{since == nullptr ? 0 : since->to_number<std::int64_t>()}};
  } catch (const std::exception& e) {
    return std::unexpected(std::string("a node's registration cannot be read: ") + e.what());
  }
}

std::string_view name_of(node_state state) {
  switch (state) {
    case node_state::active: return "active";
    case node_state::draining: return "draining";
    case node_state::removed: return "removed";
  }
  return "unknown";
}

std::string to_text(const node_fact& f) {
  return json::serialize(
      json::object{{"node", f.node}, {"state", name_of(f.state)}, {"weight", f.weight}, {"zone", f.zone}, {"stores", f.stores}});
}

std::expected<node_fact, std::string> fact_from_text(std::string_view text) {
  try {
    const auto v = json::parse(json::string_view(text.data(), text.size()));
    node_fact f;
    f.node = v.at("node").to_number<std::uint64_t>();
    f.weight = std::clamp(v.at("weight").to_number<std::uint32_t>(), 1U, node_weight_max);
    f.zone = v.at("zone").as_string();
    f.stores = v.at("stores").as_bool();
    const auto& state = v.at("state").as_string();
    for (const auto known : {node_state::active, node_state::draining, node_state::removed})
      if (std::string_view(state.data(), state.size()) == name_of(known)) {
        f.state = known;
        return f;
      }
    return std::unexpected(std::string("a node's state is active, draining or removed"));
  } catch (const std::exception& e) {
    return std::unexpected(std::string("what is known of a node cannot be read: ") + e.what());
  }
}

std::optional<std::uint64_t> number_after(std::string_view name, std::string_view what) {
  if (!name.starts_with(what))
    return std::nullopt;
  name.remove_prefix(what.size());
  std::uint64_t n = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), n);
  return error == std::errc{} && end == name.data() + name.size() && !name.empty() ? std::optional{n} : std::nullopt;
}

}  // namespace janji::cluster
