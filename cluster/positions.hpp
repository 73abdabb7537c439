// How far shards were committed, written down outside the disks that hold them (rule 22 of the protocol): two disks that were put
// back within one boot agree with each other, and only this does not. Each node has one text of its own in the configuration
// store, without a lease: what it says of a shard that the node leads no more is true still.
// Pure; any thread.
#pragma once

#include <chrono>
#include <expected>
#include <map>
#include <string>
#include <string_view>

#include "cluster/replication/types.hpp"

namespace janji::cluster {

inline constexpr std::string_view positions_value = "positions/";  // and the node's number: the name of its text
inline constexpr std::chrono::seconds positions_every{5};          // they are written, where some moved

using positions = std::map<shard_id, replication::position>;

// Takes the further of both for each shard; whether anything moved.
bool merge(positions& into, const positions& more);

[[nodiscard]] std::string to_text(const positions& p);
[[nodiscard]] std::expected<positions, std::string> positions_from_text(std::string_view text);

}  // namespace janji::cluster
