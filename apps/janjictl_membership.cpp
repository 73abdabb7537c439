// janjictl's verbs for what a node's data was written as, without a node: shown, and changed while no node runs on it.
#include <fmt/format.h>

#include <algorithm>

#include "apps/janjictl.hpp"
#include "cluster/membership_record.hpp"
#include "store/node_store.hpp"
#include "store/small_file.hpp"

namespace janji::apps {

namespace {

namespace json = boost::json;
using cluster::disk_kind;
using cluster::membership_kind;
using cluster::membership_record;

// What is known of a data directory.
struct data_state {
  std::optional<membership_record> record;
  disk_kind kind = disk_kind::nothing;  // by the store itself
  std::unique_ptr<store::node_store> store;
};

result<data_state> look_at(const std::string& data) {
  data_state d;
  auto record = cluster::read_membership(data);
  if (!record)
    return std::unexpected(record.error());
  d.record = std::move(*record);
  store::store_options o;
  o.path = data + "/store";
  o.read_only = true;
  auto opened = store::node_store::open(o);
  if (!opened)
    return std::unexpected(opened.error().text());
  d.store = std::move(*opened);
  const auto kind = cluster::kind_of(*d.store);
  if (!kind)
    return std::unexpected(kind.error());
  d.kind = *kind;
  return d;
}

std::string words_of(const data_state& d) {
  if (d.record)
    return cluster::words_of(*d.record);
  switch (d.kind) {
    case disk_kind::nothing: return "nobody yet";
    case disk_kind::alone: return "a node that is alone, of an earlier version";
    case disk_kind::member: return "a member of a cluster, of an earlier version";
    case disk_kind::mixed: break;
  }
  return "a node that was alone and a member of a cluster too, of an earlier version";
}

int shown(const connection& c) {
  const auto d = look_at(c.data);
  if (!d)
    return fail(d.error());
  json::object o{{"written_by", words_of(*d)}};
  if (d->record && d->record->kind != membership_kind::alone) {
    const auto& r = *d->record;
    o["cluster"] = r.cluster;
    o["node"] = r.node;
    o["id"] = r.identity.id;
    if (r.identity.replicas != 0) {
      o["shards"] = r.identity.shards;
      o["replicas"] = r.identity.replicas;
      o["min_in_sync"] = r.identity.min_in_sync;
    }
  }
  print_result(c, o);
  return 0;
}

int refused(const std::string& why) { return fail({"refused: " + why, exit_refused}); }

// What was done, or would be.
int done_so(const connection& c, const std::string& what) {
  if (c.as_json)
    print_result(c, json::object{{"result", what}});
  else
    print("{}\n", what);
  return 0;
}

// Written while this process has the store, so that no node begins on it meanwhile.
int write(const connection& c, const data_state& seen, const membership_record& r, const std::string& done) {
  if (store::is_in_use(c.data + "/store"))
    return refused(fmt::format("a node runs on {}: stop it first", c.data));
  if (c.dry_run)
    return done_so(c, "would be done: " + done);
  store::store_options o;
  o.path = c.data + "/store";
  o.create_if_missing = false;
  o.counts_boots = false;
  o.ballast_bytes = 0;
  const auto held = store::node_store::open(o);
  if (!held)
    return fail(held.error().text());
  if (const auto now = cluster::read_membership(c.data); !now || *now != seen.record)
    return refused(fmt::format("a node ran on {} in the same moment: look again", c.data));
  if (auto written = cluster::write_membership(c.data, r); !written)
    return fail(written.error());
  return done_so(c, done);
}

// An entry that is too large for a message could never reach another node.
result<void> can_be_replicated(const store::node_store& store) {
  const auto shards = store.get("shards");
  if (!shards)
    return std::unexpected(shards.error().text());
  const auto count = shards->revision == 0 ? 0UL : std::stoul(shards->value);
  std::optional<std::string> large;
  const auto read = store.read_all_logs(static_cast<std::uint16_t>(count), [&](shard_id shard, store::log_entry&& e) {
    if (e.payload.size() > cluster::replicated_entry_bytes_max)
      large = fmt::format("entry {} of shard {} has {} MB, and at most {} MB can be sent to another node", e.sequence.value, shard.value,
                          e.payload.size() >> 20U, cluster::replicated_entry_bytes_max >> 20U);
    return !large;
  });
  if (!read)
    return std::unexpected(read.error().text());
  return large ? result<void>(std::unexpected(*large)) : result<void>{};
}

int found(const connection& c, const std::string& name, std::uint64_t node) {
  if (const auto no = cluster::wrong_with_name(name, node))
    return fail(*no);
  const auto d = look_at(c.data);
  if (!d)
    return fail(d.error());
  const bool alone = d->record ? d->record->kind == membership_kind::alone : d->kind == disk_kind::alone;
  if (!alone)
    return refused(
        fmt::format("the data in {} was written by {}, and only that of a node that is alone can become a cluster", c.data, words_of(*d)));
  if (auto fits = can_be_replicated(*d->store); !fits)
    return refused(fits.error().why);
  membership_record r{membership_kind::founder, name, node, {}};
  r.identity.id = cluster::new_cluster_id();
  return write(
      c, *d, r,
      fmt::format("with its next start the data in {} becomes the cluster {}, and its node {}: start it with these settings before any "
                  "other node, and with the master key that the others are given",
                  c.data, name, node));
}

int back_alone(const connection& c) {
  const auto d = look_at(c.data);
  if (!d)
    return fail(d.error());
  if (!d->record || d->record->kind != membership_kind::founder)
    return refused(fmt::format("the data in {} was written by {}: there is no order to take back", c.data, words_of(*d)));
  return write(c, *d, {}, fmt::format("the data in {} is again that of a node that is alone", c.data));
}

int settle(const connection& c, bool alone, const std::string& name, std::uint64_t node) {
  if (alone != name.empty())
    return fail(failure("either --alone, or --cluster with --node", exit_typed));
  if (const auto no = cluster::wrong_with_name(name, node); !alone && no)
    return fail(failure(*no, exit_typed));
  const auto d = look_at(c.data);
  if (!d)
    return fail(d.error());
  if (d->record || (d->kind != disk_kind::mixed && d->kind != disk_kind::member))
    return refused(fmt::format("the data in {} was written by {}: that is known, and not to be settled", c.data, words_of(*d)));
  if (alone && d->kind == disk_kind::member)
    return refused(fmt::format("the data in {} was written by {}: it can only be read alone, not served", c.data, words_of(*d)));
  const auto r = alone ? membership_record{} : membership_record{membership_kind::member, name, node, {}};
  return write(c, *d, r, fmt::format("the data in {} is from now on that of {}", c.data, cluster::words_of(r)));
}

}  // namespace

void warn_of_part(const connection& c) {
  const auto record = cluster::read_membership(c.data);
  if (record && *record && (*record)->kind == membership_kind::member)
    tell("this is what {} holds, as far as it was sent; what the cluster holds is counted by `audit --online` at a running node\n",
         cluster::words_of(**record));
}

void add_membership_commands(CLI::App& app, connection& c, int& code) {
  auto* membership = app.add_subcommand("membership", "which node and cluster wrote the data; without a node")->require_subcommand(1);
  membership->add_subcommand("show", "who wrote it")->callback([&c, &code] { code = shown(c); });
  auto* name = c.keep<std::string>();
  auto* node = c.keep<std::uint64_t>();
  auto* alone = c.keep<bool>();
  auto* founds = membership->add_subcommand("found", "make a cluster of the data of a node that is alone, with its next start");
  founds->add_option("cluster", *name, "its name: cluster.name from then on")->required();
  founds->add_option("--node", *node, "this node's number there: cluster.node from then on")->required();
  founds->callback([&c, &code, name, node] { code = found(c, *name, *node); });
  membership->add_subcommand("alone", "take that order back, before the next start")->callback([&c, &code] { code = back_alone(c); });
  auto* settled = membership->add_subcommand("settle", "say who wrote data of an earlier version that does not show it");
  settled->add_flag("--alone", *alone, "a node that is alone");
  settled->add_option("--cluster", *name, "a member of this cluster");
  settled->add_option("--node", *node, "its number there");
  settled->callback([&c, &code, alone, name, node] { code = settle(c, *alone, *name, *node); });
}

}  // namespace janji::apps
