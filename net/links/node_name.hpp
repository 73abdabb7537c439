// Which node a certificate is of: by a name in it (a URI among its subject's alternative names), janji://CLUSTER/node/NUMBER. Without it
// every certificate of the authority could be any node. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace janji::net {

inline constexpr std::string_view node_name_scheme = "janji://";

// What is no letter, no digit and none of -._~ in the cluster's name is percent-encoded.
[[nodiscard]] std::string node_name(std::string_view cluster, std::uint64_t node);

enum class name_found : std::uint8_t {
  right,
  none,   // of this scheme, as in certificates of before
  wrong,  // another node's, or another cluster's
};
[[nodiscard]] name_found find_name(const std::vector<std::string>& uris, std::string_view cluster, std::uint64_t node);
// The names of this scheme for a log, bounded, without what would do harm there.
[[nodiscard]] std::string names_in_words(const std::vector<std::string>& uris);

}  // namespace janji::net
