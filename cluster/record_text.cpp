#include "cluster/record_text.hpp"

#include <boost/json.hpp>

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
                                      {"in_sync", members(r.in_sync)},
                                      {"learners", members(r.learners)},
                                      {"min_in_sync", r.min_in_sync},
                                      {"replicas_wanted", r.replicas_wanted}});
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
    return r;
  } catch (const std::exception& e) {
    return std::unexpected(std::string("a shard record cannot be read: ") + e.what());
  }
}

std::string to_text(const node_registration& r) {
  return json::serialize(json::object{
      {"node", r.node}, {"disk", r.disk}, {"boot", r.boot.value}, {"links", r.links}, {"fronts", r.fronts}, {"version", r.version}});
}

std::expected<node_registration, std::string> registration_from_text(std::string_view text) {
  try {
    const auto v = json::parse(json::string_view(text.data(), text.size()));
    const auto words = [&](const char* name) { return std::string(v.at(name).as_string()); };
    const auto member = member_from(v);
    return node_registration{member.node,    member.disk,     replication::boot_t{v.at("boot").to_number<std::uint64_t>()},
                             words("links"), words("fronts"), words("version")};
  } catch (const std::exception& e) {
    return std::unexpected(std::string("a node's registration cannot be read: ") + e.what());
  }
}

}  // namespace janji::cluster
