// What a node says of itself to operators: its status, whether it serves, whether a round may be opened.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <boost/json.hpp>

#include "booking/civil_time.hpp"
#include "cluster/operations.hpp"
#include "net/admin_api.hpp"
#include "net/admin_json.hpp"

namespace janji::net {

namespace json = boost::json;

namespace {

bool disk_hangs(const actors::node_status& s) { return s.disk_waits.count() >= static_cast<std::int64_t>(cluster::disk_hangs_ms); }
std::string disk_hangs_words(const actors::node_status& s) {
  return fmt::format("an operation of the disk has not come back for {:.1f} s: nothing is confirmed meanwhile",
                     static_cast<double>(s.disk_waits.count()) / 1000);
}
// Of a node that is alone: whoever books hears by now that it is not known whether they did.
constexpr std::chrono::seconds hangs_for_good{5};

}  // namespace

void admin_api::status(responder& respond) {
  const auto s = node_.status();
  const auto statistics = store_.statistics();
  json::array shards;
  std::size_t serving = 0;
  std::size_t active = 0;
  for (const auto& shard : s.shards) {
    serving += shard.serving ? 1 : 0;
    active += shard.groups_active;
    shards.push_back({{"shard", shard.shard.value},
                      {"epoch", shard.epoch.value},
                      {"committed", shard.committed.value},
                      {"serving", shard.serving},
                      {"groups_active", shard.groups_active}});
  }
  json::array rounds;
  const auto catalogue = node_.catalogue();
  const auto round_in_short = [&, now = wall_clock()](const actors::round_entry& round) -> json::object {
    const auto is = round.status_now(now, node_.judges_past());
    return {{"code", round.definition.code},
            {"state", name_of(round.status.state)},
            {"status", name_of(is.status)},
            {"changes_at", is.changes_at ? json::value(format_utc(*is.changes_at)) : json::value(nullptr)},
            {"reason", round.status.reason}};
  };
  for (const auto& round : catalogue->rounds)
    rounds.push_back(round_in_short(*round));
  const bool hangs = !s.clustered && s.disk_waits >= hangs_for_good;  // of a cluster the others go on
  const bool broken = !s.failed.empty() || hangs || !s.directory_wrong.empty() || (!s.clustered && serving < shard_count_);
  const bool clock_is_set = cluster::is_clock_set(s.clock_set_ms);
  const auto erasures = round_keys_.left();
  const auto keys_wait = citizens_.waits_for();
  const bool ready = citizens_.is_ready();
  const bool degraded = s.storage_low || clock_is_set || !ready || !erasures.empty() || disk_hangs(s);
  const std::string_view own = broken ? "broken" : degraded ? "degraded" : "healthy";
  auto cluster = cluster_.summary();
  const auto of_all = cluster.empty() ? std::string("healthy") : std::string(cluster.at("verdict").as_string());
  const std::string_view verdict = own == "broken" || of_all == "broken" ? "broken" : own == "degraded" ? own : std::string_view(of_all);
  json::object out{{"verdict", verdict},
                   {"cluster", cluster.empty() ? json::value(nullptr) : json::value(std::move(cluster))},
                   {"ready", ready},
                   {"master_key", store::fingerprint_of(keys_.master())},
                   {"shards_serving", serving},
                   {"shards", shard_count_},
                   {"groups_active", active},
                   {"requests_pending", citizens_.pending()},
                   {"storage_low", s.storage_low},
                   {"disk_free_bytes", s.disk_free_bytes},
                   {"disk_total_bytes", s.disk_total_bytes},
                   {"disk_waits_ms", s.disk_waits.count()},
                   {"disk_write_us", s.disk_write.count()},
                   {"syncs", statistics.syncs},
                   {"log_entries", statistics.log_entries},
                   {"log_bytes", statistics.log_bytes},
                   {"rounds", std::move(rounds)},
                   {"shard_list", std::move(shards)}};
  if (!keys_wait.empty())
    out["keys_wrong"] = keys_wait;
  if (!erasures.empty())
    out["erasure_wrong"] = erasures;
  if (disk_hangs(s))
    out["disk_wrong"] = disk_hangs_words(s);
  if (!s.directory_wrong.empty())
    out["directory_wrong"] = s.directory_wrong;
  if (clock_is_set)
    out["clock_wrong"] = fmt::format(
        "the clock was set by {:.1f} s after the start, and moments that this node shows go on as before: a restart puts it right",
        static_cast<double>(s.clock_set_ms) / 1000);
  respond(json_response(std::move(out)));
}

void admin_api::readyz(const request& r, responder& respond) {
  const auto s = node_.status();
  std::size_t serving = 0;
  for (const auto& shard : s.shards)
    serving += shard.serving ? 1 : 0;
  const auto waits = citizens_.waits_for();
  const bool ready = citizens_.is_ready();
  response out{.status = ready ? 200U : 503U, .content_type = "text/plain", .body = ready ? "ready\n" : "not ready\n"};
  if (query_parameter(r.query, "verbose")) {
    out.body += "shards serving: " + std::to_string(serving) + " of " + std::to_string(shard_count_) + "\n";
    out.body += "numbers: ";
    if (s.rounds_unheard)
      out.body += "the rounds are not known yet\n";
    else if (s.groups_unheard == 0)
      out.body += "ok\n";
    else
      out.body += fmt::format("of {} slot groups not heard yet, shards {}\n", s.groups_unheard, fmt::join(s.shards_unheard, " "));
    out.body += "keys: " + (waits.empty() ? "ok" : waits) + "\n";
    const auto erasures = round_keys_.left();
    out.body += "erased keys: " + (erasures.empty() ? "ok" : erasures) + "\n";
    out.body += "storage: " + storage_words(node_) + "\n";
    out.body += "writes: " + (!s.failed.empty() ? "failed" : disk_hangs(s) ? disk_hangs_words(s) : "ok") + "\n";
  }
  respond(std::move(out));
}

void admin_api::preflight(std::string_view code, responder&& respond) {
  const auto found = find_round(*node_.catalogue(), code);
  if (found == nullptr)
    return respond(to_response(no_such_round()));
  if (shards_.full())
    return respond(to_response(because<reason_code::too_many_wait>(problem_code::busy)));
  shards_.ask([this, round = found->definition.id,
               kept = std::make_shared<responder>(std::move(respond))](const shard_probe::silent_shards& silent) {
    const auto catalogue = node_.catalogue();
    const auto* found = catalogue->find(round);
    (*kept)(found == nullptr ? to_response({.code = problem_code::unknown_round}) : json_response(preflight_of(*found, silent)));
  });
}

json::object admin_api::preflight_of(const actors::round_entry& round, const std::vector<std::uint16_t>& silent) const {
  json::array checks;
  bool all = true;
  const auto check = [&](std::string_view what, bool good, std::string_view detail) {
    all = all && good;
    checks.push_back({{"check", what}, {"ok", good}, {"detail", detail}, {"warning", false}});
  };
  const auto bytes = bytes_of(round.definition, largest_sealed_record());
  const auto disk = room_for(bytes.booked);
  const auto worst = room_for(bytes.worst);
  const auto waits = citizens_.waits_for();
  const bool ready = citizens_.is_ready();
  check("node ready", ready,
        ready            ? "all numbers are known here"
        : !waits.empty() ? waits
                         : "it starts or stops, or has not heard all numbers: /readyz?verbose");
  check("shards answer", silent.empty(),
        silent.empty() ? "all, asked from this node" : fmt::format("no answer from {}", fmt::join(silent, ",")));
  check("state", round.status.state != round_state::erased && round.status.state != round_state::closed,
        std::string(name_of(round.status.state)));
  check("disk", disk.good, disk.detail);
  checks.push_back({{"check", "disk at worst"},
                    {"ok", true},
                    {"warning", !worst.good},
                    {"detail", fmt::format("{}, if each of {} citizens makes {} changes (changes_max){}", worst.detail, bytes.citizens,
                                           round.definition.rules.changes_max,
                                           worst.good ? "" : "; before a disk is full bookings stop as storage_low")}});
  const auto now = node_.status();
  check("disk answers", !disk_hangs(now), disk_hangs(now) ? disk_hangs_words(now) : "what is written comes back");
  const bool destroyed = keys_.is_destroyed(round.definition.id);
  check("keys", !destroyed, destroyed ? "the round's keys were destroyed" : "the round's keys were not destroyed");
  check("not over", wall_clock() < round.definition.closes_at, "closes at " + format_utc(round.definition.closes_at));
  const auto ends = ends_of(round.definition, node_.judges_past(), wall_clock());
  check("windows ahead", ends.good, ends.detail);
  checks.back().as_object()["warning"] = ends.warning;
  return {{"round", round.definition.code}, {"places", bytes.places}, {"go", all}, {"checks", std::move(checks)}};
}

// On the disks that bookings are written to: its own, where the node is alone.
finding admin_api::room_for(std::uint64_t bytes) const {
  if (auto of_cluster = cluster_.room_for(bytes))
    return *of_cluster;
  const auto disk = store_.disk();
  if (!disk.unknown.empty())
    return {false, disk.unknown};
  return {!disk.low && disk.free_bytes > bytes, fmt::format("{} MB free, about {} MB needed", disk.free_bytes >> 20U, bytes >> 20U)};
}

}  // namespace janji::net
