#include "cluster/local_config_store.hpp"

#include <boost/json.hpp>

namespace janji::cluster {

namespace json = boost::json;

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

std::string key_of(shard_id shard) { return "shard/" + std::to_string(shard.value); }

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

std::expected<versioned_record, std::string> local_config_store::read(shard_id shard) {
  const auto known = store_.get(key_of(shard));
  if (!known)
    return std::unexpected(known.error().text());
  if (known->revision == 0)
    return versioned_record{};
  auto record = record_from_text(known->value);
  if (!record)
    return std::unexpected(record.error());
  return versioned_record{known->revision, std::move(*record)};
}

swap_outcome local_config_store::swap(shard_id shard, std::uint64_t expected_revision, const shard_record& record) {
  const auto written = store_.swap(key_of(shard), expected_revision, to_text(record));
  if (written)
    return {swap_result::won, {*written, record}};
  if (written.error().code == store::errc::conflict)
    if (auto found = read(shard))
      return {swap_result::lost, std::move(*found)};
  return {};
}

}  // namespace janji::cluster
