// What the nodes of a cluster may write into logs and send to each other. One value of the cluster, in its configuration store:
// a cluster that begins now begins at the newest level that its nodes know, one that an earlier version began is at 0 until an
// operator raises it, which is refused while a node does not know the level. Below a level nobody writes the events, nor uses the
// messages, that it brought. Above it there is no way back to versions that do not know it. A node that is alone is at the newest.
// Pure; any thread.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace janji::cluster {

inline constexpr std::uint32_t feature_level_newest = 2;
inline constexpr std::string_view feature_level_value = "feature";  // its name in the configuration store

struct cluster_view;

// As it stands in the configuration store; 0 where nothing does. An error: what stands there is no level, or one that this program
// does not know, so that it must not run.
[[nodiscard]] std::expected<std::uint32_t, std::string> feature_level_from(const std::optional<std::string>& text);
// Why the level cannot be raised to the newest now; none: it can.
[[nodiscard]] std::optional<std::string> why_not_raise(const cluster_view& v);

}  // namespace janji::cluster
