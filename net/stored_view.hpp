// What is stored of one booking, claim, slot group or shard, as JSON: for `janjictl show`, online and offline alike. Never
// opens a sealed record.
#pragma once

#include <boost/json/value.hpp>
#include <expected>
#include <string>
#include <string_view>

#include "actors/node.hpp"
#include "cluster/audit.hpp"
#include "store/node_store.hpp"

namespace janji::net {

// `what`: booking/REF, claim/REF, group/ROUND/CENTRE/DATE, shard/N, orders (what operators ordered of groups and citizens).
[[nodiscard]] std::expected<boost::json::value, std::string> stored_view(const store::node_store& store, std::uint16_t shard_count,
                                                                         const actors::round_catalogue& catalogue, std::string_view what);
[[nodiscard]] boost::json::value to_json(const cluster::audit_report& report);
// One line of the export: JSON without line breaks.
[[nodiscard]] std::string export_line(const cluster::audited_booking& b, const std::map<std::uint16_t, round_definition>& rounds);

}  // namespace janji::net
