#include "cluster/membership_record.hpp"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <charconv>
#include <filesystem>

#include "cluster/record_text.hpp"
#include "store/node_store.hpp"
#include "store/regular_file.hpp"
#include "store/small_file.hpp"

namespace janji::cluster {

namespace json = boost::json;

namespace {

constexpr std::uint64_t format_newest = 1;
constexpr std::size_t file_bytes_max = 4'096;
constexpr std::size_t id_digits = 32;
constexpr std::array<std::string_view, 3> kinds{"alone", "founder", "member"};

std::string file_of(const std::string& data) { return data + "/store/membership"; }

json::object object_of(const cluster_identity& c) {
  json::object o{{"format", format_newest}, {"id", c.id}, {"shards", c.shards}, {"replicas", c.replicas}, {"min_in_sync", c.min_in_sync}};
  if (c.founder != 0)
    o["founder"] = c.founder;
  return o;
}

bool is_id(std::string_view id) {
  return id.empty() || (id.size() == id_digits && id.find_first_not_of("0123456789abcdef") == std::string_view::npos);
}

// Throws what Boost.JSON throws, and std::runtime_error.
cluster_identity identity_of(const json::object& o) {
  if (const auto format = o.at("format").to_number<std::uint64_t>(); format > format_newest)
    throw std::runtime_error(fmt::format("it has format {}, this program reads up to {}: use the newer program", format, format_newest));
  cluster_identity c{std::string(o.at("id").as_string()), o.at("shards").to_number<std::uint16_t>(),
                     o.at("replicas").to_number<std::uint8_t>(), o.at("min_in_sync").to_number<std::uint8_t>(), 0};
  if (const auto* founder = o.if_contains("founder"))
    c.founder = founder->to_number<std::uint64_t>();
  if (!is_id(c.id))
    throw std::runtime_error("its id is none");
  return c;
}

template <class T, class Read>
std::expected<T, std::string> parsed(std::string_view text, std::string_view what, const Read& read) {
  try {
    return read(json::parse(json::string_view(text.data(), text.size())).as_object());
  } catch (const std::exception& e) {
    return std::unexpected(fmt::format("{} cannot be read: {}", what, e.what()));
  }
}

// One setting against what it must be.
std::optional<std::string> differs(std::string_view whose, std::string_view what, unsigned there, std::string_view setting, unsigned here) {
  if (there == 0 || there == here)
    return std::nullopt;
  return fmt::format("{} has {} {}, {} says {}: leave it as it was", whose, there, what, setting, here);
}

std::optional<std::string> differs(std::string_view whose, const cluster_identity& there, const cluster_identity& here) {
  if (auto no = differs(whose, "shards", there.shards, "node.shards", here.shards))
    return no;
  if (auto no = differs(whose, "replicas of every shard", there.replicas, "cluster.replicas", here.replicas))
    return no;
  return differs(whose, "disks that must hold a booking", there.min_in_sync, "cluster.min_in_sync", here.min_in_sync);
}

std::string said_by(const membership_settings& s) {
  return s.cluster.empty() ? "cluster.name is empty" : fmt::format("cluster.name says {}", s.cluster);
}

std::string alone_against_a_name(const membership_settings& s) {
  return fmt::format(
      "the data in {} was written by a node that is alone, and {}: start it without, use an empty directory, or make that cluster of this "
      "data with `janjictl membership found`",
      s.data, said_by(s));
}

std::string member_against_none(const membership_settings& s, const std::string& who) {
  return fmt::format(
      "the data in {} was written by {}, and {}: start it with its cluster's settings; alone it can only be read, by `janjictl audit` and "
      "`janjictl export`",
      s.data, who, said_by(s));
}

}  // namespace

std::string to_text(const cluster_identity& c) { return json::serialize(object_of(c)); }

std::expected<cluster_identity, std::string> cluster_identity_from_text(std::string_view text) {
  return parsed<cluster_identity>(text, "what the configuration store says of the cluster", [](const json::object& o) {
    auto c = identity_of(o);
    if (c.id.empty())
      throw std::runtime_error("it has no id");
    return c;
  });
}

std::string to_text(const membership_record& r) {
  auto o = object_of(r.identity);
  o["kind"] = kinds.at(static_cast<std::size_t>(r.kind));
  o["cluster"] = r.cluster;
  o["node"] = r.node;
  return json::serialize(o);
}

std::expected<membership_record, std::string> membership_record_from_text(std::string_view text) {
  return parsed<membership_record>(text, "what the data was written as", [](const json::object& o) {
    membership_record r;
    r.identity = identity_of(o);
    const auto kind = std::ranges::find(kinds, std::string_view(o.at("kind").as_string()));
    if (kind == kinds.end())
      throw std::runtime_error("it is of no known kind");
    r.kind = static_cast<membership_kind>(kind - kinds.begin());
    r.cluster = std::string(o.at("cluster").as_string());
    r.node = o.at("node").to_number<std::uint64_t>();
    if ((r.kind == membership_kind::alone) != r.cluster.empty() || r.cluster.empty() != (r.node == 0))
      throw std::runtime_error("it contradicts itself");
    return r;
  });
}

std::string new_cluster_id() {
  std::array<unsigned char, id_digits / 2> random{};
  randombytes_buf(random.data(), random.size());
  std::string id;
  for (const auto byte : random)
    id += fmt::format("{:02x}", byte);
  return id;
}

std::optional<std::string> wrong_with_name(std::string_view cluster, std::uint64_t node) {
  const auto is_control = [](unsigned char c) { return c < 0x20 || c == 0x7F; };
  const membership_record r{membership_kind::member, std::string(cluster), 1, {}};
  if (cluster.empty() || cluster.size() > cluster_name_bytes_max || cluster.contains('/') || std::ranges::any_of(cluster, is_control) ||
      membership_record_from_text(to_text(r)) != r)
    return fmt::format("cluster.name is 1 to {} bytes of UTF-8 text in one line, without a slash", cluster_name_bytes_max);
  if (node == 0 || node > cluster_node_max)
    return fmt::format("cluster.node must be this node's own number, from 1 to {}", cluster_node_max);
  return std::nullopt;
}

std::string words_of(const membership_record& r) {
  switch (r.kind) {
    case membership_kind::alone: return "a node that is alone";
    case membership_kind::founder: return fmt::format("a node that is alone and is to become node {} of the cluster {}", r.node, r.cluster);
    case membership_kind::member: break;
  }
  return fmt::format("node {} of the cluster {}", r.node, r.cluster);
}

// ------------------------------------------------------------------ what stands against a start

std::optional<std::string> contradiction(const membership_record& disk, const membership_settings& s) {
  const bool founds = disk.kind == membership_kind::founder;
  if (disk.kind == membership_kind::alone)
    return s.cluster.empty() ? std::nullopt : std::optional(alone_against_a_name(s));
  if (s.cluster.empty() && founds)
    return fmt::format(
        "the data in {} was written by {}, and cluster.name is empty: start it with that name, or take the order back with `janjictl "
        "membership alone`",
        s.data, words_of(disk));
  if (s.cluster.empty())
    return member_against_none(s, words_of(disk));
  if (disk.cluster != s.cluster)
    return fmt::format("the data in {} was written by {}, and cluster.name says {}: start it in its own cluster, or use an empty directory",
                       s.data, words_of(disk), s.cluster);
  if (disk.node != s.node)
    return fmt::format(
        "the data in {} was written by {}, and cluster.node says {}: start it under its own number, or use an empty directory", s.data,
        words_of(disk), s.node);
  return differs(fmt::format("the data in {} was written by {}, which", s.data, words_of(disk)), disk.identity, s.identity);
}

std::optional<std::string> contradiction(disk_kind disk, const membership_settings& s) {
  if (disk == disk_kind::mixed)
    return fmt::format(
        "the data in {} was started alone and in a cluster too, so that nobody can say what it holds, and {}: read it with `janjictl "
        "audit`, "
        "and use an empty directory or a backup, or decide with `janjictl membership settle`",
        s.data, said_by(s));
  if (disk == disk_kind::alone && !s.cluster.empty())
    return alone_against_a_name(s);
  if (disk == disk_kind::member && s.cluster.empty())
    return member_against_none(s, "a member of a cluster");
  return std::nullopt;
}

std::optional<std::string> contradiction(const cluster_identity& there, const std::optional<membership_record>& disk,
                                         const membership_settings& s) {
  const bool known = disk && !disk->identity.id.empty();
  if (known && disk->identity.id != there.id && disk->kind == membership_kind::founder)
    return fmt::format(
        "the data in {} is to become the cluster {}, and etcd at {} has begun a cluster of that name without it, with the id {}: choose "
        "another name, or stop those nodes and remove what etcd holds below /janji/{}/",
        s.data, s.cluster, s.etcd, there.id, s.cluster);
  if (known && disk->identity.id != there.id)
    return fmt::format(
        "the data in {} was written by {} with the id {}, and etcd at {} has a cluster of that name with the id {}: name its own etcd in "
        "cluster.etcd, or use an empty directory",
        s.data, words_of(*disk), disk->identity.id, s.etcd, there.id);
  if (there.founder != 0 && !(known && disk->node == there.founder))
    return fmt::format(
        "the cluster {} in etcd is being made of the data of node {}, and cluster.node says {}: start node {} first, then try again",
        s.cluster, there.founder, s.node, there.founder);
  return differs(fmt::format("the cluster {} in etcd", s.cluster), there, s.identity);
}

// ------------------------------------------------------------------ on disk

std::expected<std::optional<membership_record>, std::string> read_membership(const std::string& data) {
  std::error_code ec;
  const auto path = file_of(data);
  if (!std::filesystem::exists(path, ec))
    return std::optional<membership_record>{};  // where that cannot be said, opening the store says why
  const auto text = store::read_own_file(path, file_bytes_max);
  if (!text)
    return std::unexpected(text.error() + "; put the file back as it was");
  auto r = membership_record_from_text(*text);
  if (!r)
    return std::unexpected(fmt::format("{}: {}; put the file back as it was", path, r.error()));
  return std::optional(std::move(*r));
}

std::expected<void, std::string> write_membership(const std::string& data, const membership_record& r) {
  if (auto written = store::replace_file(file_of(data), to_text(r) + "\n"); !written)
    return std::unexpected(written.error().text());
  return {};
}

std::expected<disk_kind, std::string> kind_of(const store::node_store& store) {
  const auto shards = store.get("shards");
  if (!shards)
    return std::unexpected(shards.error().text());
  std::uint16_t count = 0;
  std::from_chars(shards->value.data(), shards->value.data() + shards->value.size(), count);
  bool own = false;
  bool promised = store.boot() >= replication::boot_mark;
  bool foreign = promised;  // by others than the node's own records
  for (std::uint16_t s = 0; s < std::min<std::size_t>(count, limits::shards_max); ++s) {
    const auto kept = store.get(fmt::format("shard/{}", s));
    const auto tail = store.tail(shard_id{s});
    if (!kept || !tail)
      return std::unexpected(!kept ? kept.error().text() : tail.error().text());
    epoch_t own_epoch;
    if (kept->revision != 0) {
      const auto record = record_from_text(kept->value);
      if (!record)
        return std::unexpected(record.error());
      own_epoch = record->epoch;
      own = true;
      // Alone, an epoch is one change of the record: it began above what had been promised to others.
      foreign = foreign || own_epoch.value != kept->revision;
    }
    promised = promised || tail->promised.value != 0;
    foreign = foreign || tail->promised > own_epoch;
  }
  if (!own)
    return promised ? disk_kind::member : disk_kind::nothing;
  return foreign ? disk_kind::mixed : disk_kind::alone;
}

}  // namespace janji::cluster
