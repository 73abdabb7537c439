// A checkpoint of a shard that is led elsewhere, made from its log and its last checkpoint: whoever takes the shard over has little
// left to read. Its owners live nowhere on this node, so they are brought up to date here and put away again.
//
// Threads: any; reads the store.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "actors/context.hpp"

namespace janji::actors {

struct no_checkpoint {
  std::string why;
  bool for_now = false;  // what is missing will come: the round of a slot group that this node has not heard of yet
};

// The rows of all owners with events after `after`, as of `up_to`, which must be committed; the marker among them. The error says
// what is missing or damaged.
std::expected<std::vector<store::snapshot_row>, no_checkpoint> follower_checkpoint(const node_context& shared,
                                                                                   const store::node_store& store, shard_id shard,
                                                                                   sequence_t after, sequence_t up_to);

}  // namespace janji::actors
