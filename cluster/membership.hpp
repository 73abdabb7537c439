// Who is there: nodes announce themselves under a lease, and whoever follows is told of nodes and of shards' records.
// A lease is a hint that a node may be gone, never a lock.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/config_store.hpp"

namespace janji::cluster {

struct node_registration {
  std::uint64_t node = 0;
  std::uint64_t disk = 0;
  replication::boot_t boot;
  std::string links;    // host:port for other nodes
  std::string fronts;   // host:port for citizens, for people to read
  std::string version;  // of the program
  friend bool operator==(const node_registration&, const node_registration&) = default;
};

struct shard_change {
  shard_id shard;
  versioned_record record;  // revision 0: it is gone, which no node ever does
};

// Everything as it stood at one moment: what is not in it is not there.
struct cluster_picture {
  std::vector<shard_change> shards;
  std::vector<node_registration> nodes;
};

// Called from the store's own thread, one call at a time; must not block. A picture comes first, and again after anything
// may have been missed.
class config_events {
public:
  virtual ~config_events() = default;
  virtual void picture(cluster_picture&& now) = 0;
  virtual void record_changed(shard_change&& change) = 0;
  virtual void node_announced(node_registration&& node) = 0;
  virtual void node_gone(std::uint64_t node) = 0;
  // The store cannot be reached, or can be again: what runs goes on, nothing can change meanwhile.
  virtual void store_away(const std::string& why) = 0;
  virtual void store_back() = 0;
};

}  // namespace janji::cluster
