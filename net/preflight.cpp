#include "net/preflight.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <optional>

#include "booking/registry_state.hpp"
#include "net/booking_form.hpp"
#include "schema/codec.hpp"
#include "store/sealing.hpp"

namespace janji::net {

namespace {

struct disk_room {
  std::uint64_t node = 0, free_bytes = 0, needed_bytes = 0;
  [[nodiscard]] double share() const {
    return static_cast<double>(free_bytes) / static_cast<double>(std::max<std::uint64_t>(needed_bytes, 1));
  }
};

// A row of RocksDB's: key, epoch, the blob's own head, its place in a table.
constexpr std::uint64_t row_bytes = 160;
// Snapshots are written whole, and what they were before is collected when more than a half of a file is of that kind.
constexpr std::uint64_t snapshots_kept = 3;
// As RocksDB keeps its write-ahead logs, which hold a second time what is not in a table yet (store/node_store_open.cpp).
constexpr std::uint64_t ahead_bytes_max = 512ULL << 20U;

// More than any disk has: what is above it is not told apart, and can be multiplied by the shards there are.
constexpr std::uint64_t reckoned_bytes_max = 1ULL << 53U;

// Each in an entry of its own: under load many share one.
std::uint64_t logged(std::initializer_list<schema::any_event> events) {
  std::uint64_t bytes = 0;
  for (const auto& e : events) {
    const bool of_group = std::holds_alternative<group_event>(e);
    const schema::owned_event one[] = {{of_group ? schema::owner::of(group_id{1}) : schema::owner::of_registry(), e}};
    bytes += schema::encode_batch(one).size() + row_bytes;
  }
  return bytes;
}

}  // namespace

std::size_t largest_sealed_record() {
  return std::min(store::sealing::sealed_bytes(schema::encode(largest_record()).size()), janji::limits::sealed_record_bytes_max);
}

round_bytes bytes_of(const round_definition& round, std::size_t record_bytes) {
  const booked_person sealed{.sealed = std::string(record_bytes, 'x'), .record = std::nullopt};
  const booked_person moved{.sealed = {}, .record = record_locator{}};
  const auto book =
      logged({registry_event{claimed{}}, group_event{booked{.people = {sealed}}}, registry_event{claims_confirmed{{reference{}}}}}) +
      snapshots_kept * (sizeof(group_entry) + sizeof(claim));
  const auto cancel = logged({registry_event{cancel_intended{}}, group_event{place_cancelled{}}, registry_event{cancel_done{}}}) +
                      snapshots_kept * sizeof(claim_change);
  const auto move = logged({registry_event{move_intended{}}, group_event{booked{.moved_in = true, .people = {moved}}},
                            registry_event{move_booked{}}, group_event{place_released{}}, registry_event{move_done{}}}) +
                    snapshots_kept * (sizeof(group_entry) + sizeof(claim_change) + sizeof(record_locator));
  const auto ahead = [](std::uint64_t bytes) { return std::min(bytes + std::min(bytes, ahead_bytes_max), reckoned_bytes_max); };
  round_bytes out;
  for (const auto& g : round.groups)
    for (const auto& w : g.windows)
      out.places += w.capacity;
  out.citizens = round.rules.citizens == 0 ? out.places : round.rules.citizens;
  out.booked = ahead(out.places * book);
  out.worst = ahead(out.citizens * round.rules.changes_max * std::max(book + cancel, move));
  return out;
}

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
