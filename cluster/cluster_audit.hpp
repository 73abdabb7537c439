// The audit of a cluster while it runs: the committed logs of all shards, read one after the other from whoever leads them.
//
// No two shards are read at the same moment, so what does not fit between two of them may only have happened between the two
// readings. It is a breach when it is found again, in the same words, after every log has been read to its end once more, and
// that three times: everything that was in one log had then caused what it causes in the others, or never will.
#pragma once

#include <expected>
#include <functional>
#include <string>
#include <vector>

#include "cluster/audit.hpp"
#include "cluster/replication/messages.hpp"

namespace janji::cluster {

inline constexpr int cluster_audit_readings_max = 4;

// What is committed in a shard after a position, in order, as much as comes at once; none: that was all. All that was committed
// before the call must be found.
using log_reader = std::function<std::expected<std::vector<replication::entry>, std::string>(shard_id, sequence_t after)>;

struct cluster_audit_watch {
  std::function<void()> between_readings;                          // lets the cluster's work under way come to its end
  std::function<void(int reading, std::uint16_t shard)> progress;  // may be empty
};

std::expected<audit_report, std::string> audit_cluster(std::uint16_t shards, const log_reader& read, const cluster_audit_watch& watch);

}  // namespace janji::cluster
