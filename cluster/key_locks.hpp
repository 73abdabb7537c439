// The cluster's copy of a round's key, from feature level 2 on: wrapped once for every node, under the master key and what only that node's
// secret of the round opens (store/round_secrets.hpp). A node says which locks its secrets have, also for rounds to come, so that whoever
// makes a key wraps it for all. What etcd keeps of copies that were removed nobody opens once the nodes' secrets are destroyed. Pure; any
// thread.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "booking/types.hpp"

namespace janji::cluster {

inline constexpr std::string_view locks_prefix = "locks/";  // of what a node says, by its number
inline constexpr std::uint32_t erasable_level = 2;          // from which on copies are wrapped so
inline constexpr std::uint16_t locks_ahead = 8;             // for rounds to come

struct node_locks {
  std::uint64_t node = 0;
  std::map<round_id, std::string> locks;
  friend bool operator==(const node_locks&, const node_locks&) = default;
};
[[nodiscard]] std::string to_text(const node_locks& l);
[[nodiscard]] std::expected<node_locks, std::string> node_locks_from_text(std::string_view text);

struct key_lock {
  std::uint64_t node = 0;
  std::string lock;
  friend bool operator==(const key_lock&, const key_lock&) = default;
};
struct locked_box {
  key_lock to;
  std::string box;
};
[[nodiscard]] std::string to_text(const std::vector<locked_box>& boxes);
[[nodiscard]] bool are_boxes(std::string_view text);
[[nodiscard]] std::vector<locked_box> boxes_from_text(std::string_view text);  // without what cannot be read

}  // namespace janji::cluster
