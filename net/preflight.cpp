#include "net/preflight.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace janji::net {

namespace {

struct disk_room {
  std::uint64_t node = 0, free_bytes = 0, needed_bytes = 0;
  [[nodiscard]] double share() const {
    return static_cast<double>(free_bytes) / static_cast<double>(std::max<std::uint64_t>(needed_bytes, 1));
  }
};

}  // namespace

finding room_for(std::uint64_t bytes, const cluster::cluster_view& v, const std::map<std::uint64_t, actors::told_report>& reports,
                 unix_ms now) {
  std::string low;
  std::string unheard;
  std::optional<disk_room> least;
  for (const auto& n : v.nodes) {
    const std::uint64_t replicas = n.holds + n.learns;
    if (replicas == 0)
      continue;
    const auto told = reports.find(n.fact.node);
    if (told == reports.end() || now.value - told->second.at.value >= actors::report_stale_ms) {
      unheard += fmt::format(" {}", n.fact.node);
      continue;
    }
    const auto& report = told->second.report;
    if (report.storage_low)
      low += fmt::format(" {}", n.fact.node);
    const disk_room room{n.fact.node, report.disk_free_bytes, (bytes * replicas + v.shards.size() - 1) / v.shards.size()};
    if (!least || room.share() < least->share())
      least = room;
  }
  if (!unheard.empty())
    return {false, "not heard lately of nodes" + unheard};
  if (!least)
    return {false, "no node holds a shard"};
  const auto words =
      fmt::format("node {} has least: {} MB free, about {} MB needed", least->node, least->free_bytes >> 20U, least->needed_bytes >> 20U);
  return {low.empty() && least->free_bytes > least->needed_bytes, low.empty() ? words : fmt::format("low at nodes{}; {}", low, words)};
}

ends_finding ends_of(const round_definition& round, bool judged, unix_ms now) {
  std::size_t all = 0, over = 0, endless = 0;
  for (const auto& g : round.groups)
    for (const auto& w : g.windows) {
      ++all;
      over += w.book_until <= now ? 1 : 0;
      endless += w.book_until == never_over ? 1 : 0;
    }
  if (!judged)
    return {true, true, "the past can be booked: windows have no end below feature level 2, see janjictl cluster raise"};
  if (endless != 0)
    return {true, true,
            fmt::format("the past can be booked: {} of {} windows have no end, book_until = \"none\" is for demonstrations only", endless,
                        all)};
  return {over < all, over != 0, fmt::format("{} of {} windows can be booked, {} are over", all - over, all, over)};
}

std::string storage_words(const actors::node& node) {
  const auto [low, all] = node.shards_low();
  return low == 0 ? "ok" : low == all ? "low, no new bookings" : fmt::format("low, no new bookings in {} of {} shards", low, all);
}

}  // namespace janji::net
