#include "apps/membership.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "apps/cluster_seat.hpp"
#include "apps/settings_check.hpp"
#include "cluster/boots.hpp"
#include "cluster/feature_level.hpp"
#include "cluster/streams/certificates.hpp"

namespace janji::apps {

namespace {

using cluster::disk_kind;
using cluster::membership_kind;
template <class T>
using result = std::expected<T, std::string>;

// Nothing is written: none where that is not enough to read it, which opening it says better.
std::unique_ptr<store::node_store> look_into(const std::string& data) {
  store::store_options o;
  o.path = data + "/store";
  o.read_only = true;
  std::error_code ec;
  if (!std::filesystem::exists(o.path + "/CURRENT", ec))
    return nullptr;
  auto opened = store::node_store::open(o);
  return opened ? std::move(*opened) : nullptr;
}

result<std::unique_ptr<cluster::etcd::etcd_config_store>> open_etcd(const settings& s) {
  cluster::etcd::options o;
  o.cluster = s.text("cluster.name");
  o.first_endpoint = static_cast<std::size_t>(s.number("cluster.node"));
  std::istringstream endpoints(s.text("cluster.etcd"));
  for (std::string e; endpoints >> e;)
    o.endpoints.push_back(e);
  o.ca_file = s.text("cluster.etcd_ca_file");
  o.certificate_file = s.text("cluster.etcd_certificate_file");
  o.key_file = s.text("cluster.etcd_key_file");
  o.user = s.text("cluster.etcd_user");
  o.password_file = s.text("cluster.etcd_password_file");
  const bool production = s.text("cluster.mode") == "production";
  if (production && cluster::made_for_development(o.ca_file))
    return std::unexpected(o.ca_file + ": this authority was made for development: anybody may have its key");
  auto opened = cluster::etcd::etcd_config_store::open(o, [](const std::string& line) { spdlog::warn("etcd: {}", line); });
  if (opened && production && cluster::etcd::etcd_config_store::lets_strangers_in(std::move(o)))
    return std::unexpected(
        fmt::format("etcd at {} shows the cluster's records to whoever asks, without certificate and password: "
                    "cluster.mode = production refuses that; enable its authentication, or let it demand certificates",
                    s.text("cluster.etcd")));
  return opened;
}

// And the certificate that is to be shown to the other nodes.
result<void> check_start(const settings& s) {
  if (auto r = check_settings(s); !r || s.text("cluster.name").empty())
    return r;
  return net::check_own_certificate(link_options_of(s));
}

}  // namespace

start_membership::start_membership(const settings& s) {
  settings_.data = s.text("node.data");
  settings_.cluster = s.text("cluster.name");
  settings_.etcd = s.text("cluster.etcd");
  settings_.identity.shards = static_cast<std::uint16_t>(s.number("node.shards"));
  settings_.identity.replicas = static_cast<std::uint8_t>(s.number("cluster.replicas"));
  settings_.identity.min_in_sync = static_cast<std::uint8_t>(s.number("cluster.min_in_sync"));
  if (settings_.cluster.empty())
    return;
  settings_.node = static_cast<std::uint64_t>(s.number("cluster.node"));
  record_ = {membership_kind::member, settings_.cluster, settings_.node, settings_.identity};
}

result<start_membership> start_membership::judge(const settings& s) {
  if (auto right = check_start(s); !right)
    return std::unexpected(right.error());
  start_membership m(s);
  if (auto r = m.judge_disk(); !r)
    return std::unexpected(r.error());
  if (m.settings_.cluster.empty())
    return m;
  auto etcd = open_etcd(s);
  if (!etcd)
    return std::unexpected(etcd.error());
  m.etcd_ = std::move(*etcd);
  if (auto r = m.judge_etcd(); !r)
    return std::unexpected(r.error());
  return m;
}

result<void> agrees_in_shards(const store::node_store& store, std::int64_t shards) {
  const auto known = store.get("shards");
  if (!known)
    return std::unexpected(known.error().text());
  if (known->revision != 0 && known->value != std::to_string(shards))
    return std::unexpected(fmt::format("the data in {} has {} shards, node.shards says {}", store.path(), known->value, shards));
  return {};
}

result<void> start_membership::judge_data(const settings& s) {
  if (auto right = check_start(s); !right)
    return right;
  start_membership m(s);
  if (auto r = m.judge_disk(); !r)
    return r;
  std::error_code ec;
  if (!std::filesystem::exists(m.settings_.data + "/store/CURRENT", ec))
    return {};
  const auto store = look_into(m.settings_.data);
  return store ? agrees_in_shards(*store, s.number("node.shards")) : result<void>{};  // else it cannot be read without writing
}

result<void> start_membership::judge_disk() {
  auto found = cluster::read_membership(settings_.data);
  if (!found)
    return std::unexpected(found.error());
  found_ = known_ = std::move(*found);
  if (known_) {
    auto no = cluster::contradiction(*known_, settings_);
    if (no && never_ran())
      known_.reset();
    else if (no)
      return std::unexpected(std::move(*no));
  }
  if (known_) {
    record_.kind = known_->kind;
    record_.identity.id = known_->identity.id;
    return {};
  }
  kind_ = disk_kind::nothing;
  std::error_code ec;
  if (!std::filesystem::exists(settings_.data + "/store/CURRENT", ec))
    return {};
  const auto store = look_into(settings_.data);
  auto kind = store ? cluster::kind_of(*store) : std::unexpected(std::string());
  if (!kind) {
    kind_.reset();
    return {};
  }
  kind_ = *kind;
  disk_ = store->disk_id();
  if (auto no = cluster::contradiction(*kind_, settings_))
    return std::unexpected(std::move(*no));
  return {};
}

// A member's start that was refused before it had a boot, because its number was taken: no key and no entry came there.
bool start_membership::never_ran() const {
  if (known_->kind != membership_kind::member)
    return false;
  const auto store = look_into(settings_.data);
  return store && store->boot() == 0 && cluster::kind_of(*store) == disk_kind::nothing;
}

// ------------------------------------------------------------------ what etcd says

result<void> start_membership::agrees(const cluster::cluster_identity& there) const {
  if (auto no = cluster::contradiction(there, known_, settings_))
    return std::unexpected(std::move(*no));
  return {};
}

result<void> start_membership::judge_etcd() {
  const auto level = etcd_->read_value(cluster::feature_level_value);
  if (!level)
    return cluster::cannot_reach(level.error());
  if (const auto known = cluster::feature_level_from(level->value); !known)
    return std::unexpected(known.error());
  auto said = etcd_->read_value(cluster::cluster_identity_value);
  if (!said)
    return cluster::cannot_reach(said.error());
  if (kind_ == disk_kind::member)
    if (auto r = is_known(); !r)
      return r;
  if (!said->value) {
    auto put = put_identity();
    if (!put)
      return std::unexpected(put.error());
    said->value = std::move(*put);
  }
  const auto there = cluster::cluster_identity_from_text(*said->value);
  if (!there)
    return std::unexpected(there.error());
  if (auto r = agrees(*there); !r)
    return r;
  record_.identity.id = there->id;
  begins_ = there->founder != 0;
  if (begins_ && !founds())  // it was put back to when this node founded the cluster
    return end_founding(*etcd_);
  return {};
}

// What stands there afterwards, which may be another's.
result<std::string> start_membership::put_identity() {
  if (auto r = may_begin(); !r)
    return std::unexpected(r.error());
  auto mine = record_.identity;
  if (mine.id.empty())
    mine.id = cluster::new_cluster_id();
  else if (!founds())
    spdlog::warn("etcd has forgotten the id of the cluster {}: it is put back as this disk has it", settings_.cluster);
  mine.founder = founds() ? settings_.node : 0;
  auto put = etcd_->put_if_absent(cluster::cluster_identity_value, cluster::to_text(mine));
  if (!put)
    return cluster::cannot_reach(put.error());
  return put;
}

// The cluster has no id yet, or etcd has forgotten it.
result<void> start_membership::may_begin() {
  if (!founds())
    return agrees_with_first_shard();
  for (std::uint16_t s = 0; s < settings_.identity.shards; ++s) {
    const auto there = etcd_->read(shard_id{s});
    if (!there)
      return cluster::cannot_reach(there.error());
    if (there->revision != 0)
      return std::unexpected(
          fmt::format("the data in {} is to become the cluster {}, and in etcd at {} shard {} of that cluster has begun without it: choose "
                      "another name for it",
                      settings_.data, settings_.cluster, settings_.etcd, s));
  }
  return {};
}

// Of a cluster that an earlier version began.
result<void> start_membership::agrees_with_first_shard() {
  const auto first = etcd_->read(shard_id{0});
  const auto beyond = etcd_->read(shard_id{settings_.identity.shards});
  if (!first || !beyond)
    return cluster::cannot_reach(!first ? first.error() : beyond.error());
  if (beyond->revision != 0)
    return std::unexpected(fmt::format("the cluster {} in etcd has more shards than node.shards says, {}: leave it as it was",
                                       settings_.cluster, settings_.identity.shards));
  if (first->revision == 0)
    return {};
  return agrees({"", 0, first->record.replicas_wanted, first->record.min_in_sync, 0});
}

// What etcd knows of the disk: whose it is, by the records of shards and by the starts of nodes; whether the number in the settings has
// another one in the records.
result<start_membership::disk_in_etcd> start_membership::look_for_disk() {
  disk_in_etcd d;
  for (std::uint16_t s = 0; s < settings_.identity.shards; ++s) {
    const auto there = etcd_->read(shard_id{s});
    if (!there)
      return cluster::cannot_reach(there.error());
    for (const auto* list : {&there->record.in_sync, &there->record.learners})
      for (const auto& m : *list) {
        if (m.disk == disk_)
          d.owner = m.node;
        else if (m.node == settings_.node)
          d.has_another = true;
      }
  }
  constexpr std::string_view starts_of = "boot/";
  const auto starts = etcd_->read_values(starts_of);
  if (!starts)
    return cluster::cannot_reach(starts.error());
  for (const auto& [name, there] : *starts) {
    const auto known = cluster::boot_record_from_text(*there.value);
    if (known && std::ranges::find(known->disks, disk_, &cluster::known_disk::disk) != known->disks.end())
      d.owner = std::strtoull(name.c_str() + starts_of.size(), nullptr, 10);
  }
  return d;
}

// Whether etcd knows the disk of data that does not say which cluster wrote it. An earlier version leaves no trace of one that was
// dropped while it was away: then it is the node's if that is known and has no other. What it holds counts for nothing, and another
// cluster's keys are refused as such.
result<void> start_membership::is_known() {
  const auto disk = look_for_disk();
  if (!disk)
    return std::unexpected(disk.error());
  if (disk->owner == settings_.node)
    return {};
  if (disk->owner)
    return std::unexpected(fmt::format(
        "the data in {} was written by node {} of the cluster {}, as etcd knows its disk, and cluster.node says {}: start it under "
        "its own number, or use an empty directory",
        settings_.data, *disk->owner, settings_.cluster, settings_.node));
  if (disk->has_another)
    return std::unexpected(fmt::format(
        "the data in {} was written by a member of a cluster, cluster.node says {}, and in the cluster {} that node has another disk: "
        "start it under its own number, use an empty directory, or decide with `janjictl membership settle`",
        settings_.data, settings_.node, settings_.cluster));
  const auto node = etcd_->read_value(fmt::format("node/{}", settings_.node));
  if (!node)
    return cluster::cannot_reach(node.error());
  if (!node->value)
    return std::unexpected(fmt::format(
        "the data in {} was written by a member of a cluster, cluster.name says {}, and etcd at {} knows neither its disk nor node {} "
        "there: name its own cluster and etcd, use an empty directory, or decide with `janjictl membership settle`",
        settings_.data, settings_.cluster, settings_.etcd, settings_.node));
  spdlog::warn("etcd does not know this disk: by its settings it is taken for that of node {} of the cluster {}", settings_.node,
               settings_.cluster);
  return {};
}

// ------------------------------------------------------------------ what is written

result<void> start_membership::write(const store::node_store& store) {
  const auto now = cluster::read_membership(settings_.data);
  if (!now)
    return std::unexpected(now.error());
  if (*now != found_)
    return std::unexpected(fmt::format("what the data in {} was written as has changed in the same moment, try again", settings_.data));
  if (found_ && record_ == *found_)
    return {};
  if (!known_) {
    const auto kind = cluster::kind_of(store);
    if (!kind)
      return std::unexpected(kind.error());
    if (auto no = cluster::contradiction(*kind, settings_))
      return std::unexpected(std::move(*no));
    if (*kind != kind_.value_or(disk_kind::nothing) && *kind == disk_kind::member)
      return std::unexpected(fmt::format("the data in {} could not be read before it was opened, try again", settings_.data));
    if (*kind != disk_kind::nothing)
      spdlog::info("the data was written by an earlier version, and is taken for that of {}", cluster::words_of(record_));
  }
  if (auto r = cluster::write_membership(settings_.data, record_); !r)
    return r;
  found_ = known_ = record_;
  return {};
}

result<void> start_membership::end_founding(cluster::etcd::etcd_config_store& etcd) {
  const auto there = etcd.read_value(cluster::cluster_identity_value);
  if (!there)
    return cluster::cannot_reach(there.error());
  const auto known = there->value ? cluster::cluster_identity_from_text(*there->value) : std::unexpected(std::string("it is gone"));
  if (!known)
    return std::unexpected(known.error());
  if (known->id != record_.identity.id)
    return std::unexpected(std::string("etcd has another cluster of this name in the same moment"));
  if (known->founder != 0) {
    const auto put = etcd.put_value(cluster::cluster_identity_value, there->revision, cluster::to_text(record_.identity));
    if (!put)
      return cluster::cannot_reach(put.error());
    if (!*put)
      return std::unexpected(std::string("what etcd says of the cluster changed in the same moment, try again"));
  }
  if (!founds())
    return {};
  record_.kind = membership_kind::member;
  if (auto r = cluster::write_membership(settings_.data, record_); !r)
    return r;
  found_ = known_ = record_;
  return {};
}

}  // namespace janji::apps
