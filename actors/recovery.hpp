// The state of an owner out of what the store has of it: its last snapshot, if there is one, and the events committed since. One
// place for it: an actor that begins its life and a follower that writes a checkpoint must not differ.
//
// Threads: any; nothing is kept.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "actors/context.hpp"
#include "actors/messages.hpp"
#include "booking/citizen_registry.hpp"
#include "booking/slot_group.hpp"

namespace janji::actors {

// `windows` as the round has them: for a group that has no snapshot yet. The error: a snapshot that cannot be read, or counters that
// disagree with the bookings.
std::expected<slot_group, std::string> recovered_group(const node_context& shared, shard_id shard, group_id group,
                                                       const std::vector<window_definition>& windows, incarnation_t incarnation,
                                                       const recovered_owner& from);
// The error: a snapshot that cannot be read.
std::expected<citizen_registry, std::string> recovered_registry(const node_context& shared, shard_id shard, incarnation_t incarnation,
                                                                const recovered_owner& from);

}  // namespace janji::actors
