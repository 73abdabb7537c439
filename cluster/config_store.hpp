// Where the records of shards live: who leads, who is in sync. Compare-and-swap only. For one node it is the node's own
// store; for a cluster etcd will stand behind the same interface and pass the same contract test.
//
// Threads: calls block on a disk or a network; never call them from a pooled actor.
#pragma once

#include <expected>
#include <string>

#include "cluster/positions.hpp"
#include "cluster/replication/machine.hpp"

namespace janji::cluster {

using replication::shard_record;
using replication::swap_result;
using replication::versioned_record;

// not_done: the swap was never sent, or was turned away before anything was done.
struct swap_outcome {
  swap_result result = swap_result::unknown;
  versioned_record record;  // won: what was written; lost, unregistered: what was found
};

class config_store {
public:
  virtual ~config_store() = default;
  // The shard's record; revision 0 when there is none.
  virtual std::expected<versioned_record, std::string> read(shard_id shard) = 0;
  virtual swap_outcome swap(shard_id shard, std::uint64_t expected_revision, const shard_record& record) = 0;
  // As swap(), if besides the node is registered with that disk: only the disk that caught up gets in (rule 7 of the
  // protocol). `unregistered` when that alone stood against it. A store of one node registers nobody else.
  virtual swap_outcome swap_if_registered(shard_id shard, std::uint64_t expected_revision, const shard_record& record,
                                          replication::member /*who*/) {
    return swap(shard, expected_revision, record);
  }
  // The furthest positions that any leader has written down as committed; a shard that is not among them: the beginning. A store of
  // one node keeps none: its disk is all there is.
  virtual std::expected<positions, std::string> outside() { return positions{}; }
};

}  // namespace janji::cluster
