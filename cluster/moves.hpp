// From where a shard's replicas are to where they are to be, one change of its record at a time. Pure: any leader finds the
// same next step from the record alone, so that a move that was half done goes on wherever leadership went (rule 15).
#pragma once

#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cluster/membership.hpp"
#include "cluster/replication/ports.hpp"

namespace janji::cluster {

// The next change that the leader of `record` should ask for; none: everything is where it is to be, or nothing can be done
// now. In this order: leadership leaves a node that is to hold nothing; a learner that will never come is dropped; a replica
// that is missing is added; one that is too many is removed; then, where `may_move`, a replica is brought to where it is to
// be, and leadership to the node that is to have it. What has a slow disk is given no leadership, and as a learner holds up nothing.
using slow_disk = std::function<bool(const replication::member&)>;
std::optional<replication::order> next_order(
    shard_id shard, const shard_record& record, const placement_picture& picture, bool may_move,
    const slow_disk& slow = [](const auto&) { return false; });

// Who should lead instead of the present leader, which is about to stop: registered and in sync, one with a slow disk only where
// there is no other; none: there is nobody.
std::optional<replication::member> heir_of(
    shard_id shard, const shard_record& record, const placement_picture& picture,
    const slow_disk& slow = [](const auto&) { return false; });

// What the leader of a shard that cannot serve, since too few of its members are there, should ask for, so that an operator may
// have a learner take a lost member's place: one is added for whoever is not there, though it may come back.
std::optional<replication::order> order_to_serve(shard_id shard, const shard_record& record, const placement_picture& picture);

// The members in sync that are not registered as they were: their nodes are away, or have other disks.
std::vector<replication::member> disks_away(const shard_record& record, const std::vector<node_registration>& members);

// The last resort, on an operator's word: the record in which this node's disk alone is in sync, though it was not, because
// every disk that was is gone. What only those held is lost. Refused with the reason while one of them is there, and where
// an order that loses less would do. It serves when a second disk holds all that this one does.
// `waits`: its leader waits for what no disk there holds (rule 22). Then those in sync were put back, and any disk may be chosen.
std::expected<shard_record, std::string> promoted_alone(const versioned_record& known, std::uint64_t node,
                                                        const std::vector<node_registration>& members, bool waits = false);

}  // namespace janji::cluster
