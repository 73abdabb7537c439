// What the replicas of one shard say to each other, as bytes and back. What comes from a peer is checked: limits, order,
// enums; junk is an error. Pure; any thread.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "cluster/replication/messages.hpp"

namespace janji::cluster {

namespace limits {
inline constexpr std::size_t record_members_max = 64;
inline constexpr std::size_t entries_max = 4'096;  // of one message
inline constexpr std::size_t log_runs_max = 1U << 20U;
}  // namespace limits

struct replica_message {
  replication::header head;
  replication::message what;
};

[[nodiscard]] std::string encode_replica_message(const replication::header& head, const replication::message& what);
[[nodiscard]] std::expected<replica_message, std::string> decode_replica_message(std::string_view bytes);

// A part of a shard's log for whoever reads it from outside: entries after a position, without a gap.
[[nodiscard]] std::string encode_log_part(std::vector<replication::entry> entries);
[[nodiscard]] std::expected<std::vector<replication::entry>, std::string> decode_log_part(std::string_view bytes);

}  // namespace janji::cluster
