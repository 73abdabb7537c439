#include "cluster/cluster_audit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace janji::cluster {

namespace {

// Takes what is new in one log; the position read up to moves on.
std::expected<void, std::string> read_on(audit& into, shard_id shard, sequence_t& position, const log_reader& read) {
  for (;;) {
    auto part = read(shard, position);
    if (!part)
      return std::unexpected(fmt::format("shard {}: {}", shard.value, part.error()));
    if (part->empty())
      return {};
    for (auto& e : *part) {
      if (e.at.sequence.value != position.value + 1)
        return std::unexpected(fmt::format("shard {}: position {} came after {}", shard.value, e.at.sequence.value, position.value));
      if (auto taken = into.take(shard, {e.at.epoch, e.at.sequence, std::move(e.payload)}); !taken)
        return taken;
      position = e.at.sequence;
    }
  }
}

}  // namespace

std::expected<audit_report, std::string> audit_cluster(std::uint16_t shards, const log_reader& read, const cluster_audit_watch& watch) {
  audit all(shards);
  std::vector<sequence_t> positions(shards);
  audit::judgement judged;
  std::set<std::string> standing;
  for (int reading = 1; reading <= cluster_audit_readings_max; ++reading) {
    for (std::uint16_t s = 0; s < shards; ++s) {  // shard 0, with the rounds, first
      if (watch.progress)
        watch.progress(reading, s);
      if (auto good = read_on(all, shard_id{s}, positions[s], read); !good)
        return std::unexpected(good.error());
    }
    judged = all.judge();
    if (reading == 1)
      standing = judged.across;
    else
      std::erase_if(standing, [&](const std::string& what) { return !judged.across.contains(what); });
    if (standing.empty())
      break;
    if (reading < cluster_audit_readings_max)
      watch.between_readings();
  }
  audit::add(judged.report, standing);
  return judged.report;
}

}  // namespace janji::cluster
