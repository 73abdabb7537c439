#include "cluster/feature_level.hpp"

#include <fmt/format.h>

#include <charconv>

#include "cluster/operations.hpp"

namespace janji::cluster {

std::expected<std::uint32_t, std::string> feature_level_from(const std::optional<std::string>& text) {
  if (!text)
    return 0;
  std::uint32_t level = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), level);
  if (error != std::errc{} || end != text->data() + text->size() || text->empty())
    return std::unexpected(std::string("the cluster's feature level in etcd is no number"));
  if (level > feature_level_newest)
    return std::unexpected(
        fmt::format("the cluster is at feature level {}, this program knows up to {}: use the newer program", level, feature_level_newest));
  return level;
}

// A node that is away may come back as what it was: only operators know that it will not.
std::optional<std::string> why_not_raise(const cluster_view& v) {
  std::string old;
  std::string away;
  for (const auto& n : v.nodes) {
    if (n.fact.state == node_state::removed && !n.registered)
      continue;
    auto& names = n.registered ? old : away;
    if (!n.registered || n.registered->level < feature_level_newest)
      names += (names.empty() ? "" : ", ") + std::to_string(n.fact.node);
  }
  if (!old.empty())
    return fmt::format("the version of nodes {} does not know feature level {}: upgrade them first", old, feature_level_newest);
  if (!away.empty())
    return fmt::format("nodes {} are not there, so nobody knows their version: start them, or remove them first", away);
  return std::nullopt;
}

}  // namespace janji::cluster
