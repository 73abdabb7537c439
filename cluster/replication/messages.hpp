// What replicas of one shard say to each other. Who said it, to whom, and in which lives, stands in the header; a reply is
// built from the request, never from who leads now (replication.md rule 19).
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "cluster/replication/types.hpp"

namespace janji::replication {

struct header {
  epoch_t epoch;  // that the leader leads; a reply repeats it
  member from;
  boot_t from_boot;
  member to;
  boot_t to_boot;  // 0: the sender has not heard of the receiver's present life
  friend bool operator==(const header&, const header&) = default;
};

// ---- from the leader
// Promise my epoch and say what you hold. Carries the record, by which the receiver knows whom it follows.
struct promise_request {
  versioned_record record;
  friend bool operator==(const promise_request&, const promise_request&) = default;
};
// Send what you hold after this position: yours is the best log reported. `whole`: the logs cannot be compared any more.
struct pull_request {
  position after;
  bool whole = false;
  friend bool operator==(const pull_request&, const pull_request&) = default;
};
// Entries that follow `previous`; none: only vouches for `previous`. `may_cut`: what contradicts them goes; set on the first of
// an epoch, when the receiver's log has just been compared, and never makes anything of this epoch go.
struct append_request {
  position previous;
  std::vector<entry> entries;
  sequence_t commit;
  bool may_cut = false;
  friend bool operator==(const append_request&, const append_request&) = default;
};
// In place of entries that are compacted.
struct install_request {
  snapshot state;
  friend bool operator==(const install_request&, const install_request&) = default;
};
// `round` numbers the strict reads that wait for it.
struct heartbeat {
  std::uint64_t round = 0;
  sequence_t commit;
  sequence_t tail;
  friend bool operator==(const heartbeat&, const heartbeat&) = default;
};

// ---- to the leader
struct promise {
  log_shape log;
  sequence_t commit;
  friend bool operator==(const promise&, const promise&) = default;
};
// Either entries after `previous`, or a snapshot; neither: there is no more.
struct pulled {
  position previous;
  std::vector<entry> entries;
  std::optional<snapshot> state;
  friend bool operator==(const pulled&, const pulled&) = default;
};
// On disk here and vouched for by the leader of the header's epoch, up to and including this position.
struct acknowledgement {
  position at;
  friend bool operator==(const acknowledgement&, const acknowledgement&) = default;
};
// Information, never an acknowledgement.
struct refusal {
  epoch_t promised;
  log_shape log;
  sequence_t commit;
  bool blocked = false;  // it would have to give up what it knows to be committed; a person must look
  friend bool operator==(const refusal&, const refusal&) = default;
};
struct heartbeat_answer {
  std::uint64_t round = 0;
  std::uint32_t disk_us = 0;  // how long a write to the sender's disk takes lately; 0: not known
  friend bool operator==(const heartbeat_answer&, const heartbeat_answer&) = default;
};

using message = std::variant<promise_request, pull_request, append_request, install_request, heartbeat, promise, pulled, acknowledgement,
                             refusal, heartbeat_answer>;

}  // namespace janji::replication
