// The actor that reads and writes the store for the others, on a thread of its own: pooled actors never wait for a disk.
// Its mailbox keeps the order: what a shard wrote, a later load of that shard sees.
#pragma once

#include <caf/all.hpp>
#include <limits>

#include "actors/context.hpp"
#include "actors/directory_watch.hpp"
#include "cluster/config_store.hpp"

namespace janji::actors {

inline constexpr sequence_t everything{std::numeric_limits<std::uint64_t>::max()};

class archive_actor : public caf::event_based_actor {
public:
  archive_actor(caf::actor_config& config, node_context& shared, store::node_store& store, cluster::config_store& records);
  caf::behavior make_behavior() override;
  const char* name() const override { return "archive"; }

private:
  void put(const std::vector<store::snapshot_row>& rows);
  tail_loaded read_tail(const load_tail& l);
  entries_loaded read_entries(const load_entries& l);
  loaded read_owner(const load_owner& l);
  order_said hash_of(const hash_log& h);
  checkpoint_written make_checkpoint(const make_checkpoint_here& m);

  node_context& shared_;
  store::node_store& store_;
  cluster::config_store& records_;
  directory_watch directory_;
  static constexpr unsigned files_every = 10;  // looks at the directory for one at the store's files
  unsigned looks_ = 0;
  std::string lost_file_;
};

// The actor that changes shards' records, on a thread of its own: a configuration store may take its time.
class record_keeper_actor : public caf::event_based_actor {
public:
  record_keeper_actor(caf::actor_config& config, cluster::config_store& records) : caf::event_based_actor(config), records_(records) {}
  caf::behavior make_behavior() override;
  const char* name() const override { return "records"; }

private:
  void tell_outside();

  cluster::config_store& records_;
  std::vector<read_outside> asked_outside_;  // shards that take over at one moment ask at one moment: one reading answers them
};

// The events of a shard's log after one position and up to another, in order. Also used before the actors run, for the rounds.
std::expected<std::vector<std::pair<schema::owner, recovered_owner::tail_event>>, std::string> read_events(
    const store::node_store& store, shard_id shard, sequence_t after, sequence_t up_to = everything, archive_operation* watched = nullptr);

}  // namespace janji::actors
