// Shards' records and nodes' registrations as they stand in the configuration store: JSON that can grow.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "cluster/membership.hpp"
#include "cluster/replication/types.hpp"

namespace janji::cluster {

std::string to_text(const replication::shard_record& record);
std::expected<replication::shard_record, std::string> record_from_text(std::string_view text);
std::string to_text(const node_registration& node);
std::expected<node_registration, std::string> registration_from_text(std::string_view text);

std::string to_text(const node_fact& fact);
std::expected<node_fact, std::string> fact_from_text(std::string_view text);
std::string_view name_of(node_state state);

// The number in a name such as "shard/7"; none when the name is another one or has more in it.
std::optional<std::uint64_t> number_after(std::string_view name, std::string_view what);

}  // namespace janji::cluster
