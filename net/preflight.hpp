// What must be so before a round is opened, as far as it concerns the disks of a cluster, and how readiness words them. Pure; any thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "actors/node.hpp"
#include "cluster/operations.hpp"

namespace janji::net {

struct finding {
  bool good = false;
  std::string detail;
};

// Whether every disk that holds replicas has said lately that it has room for its share of so many bytes of a round's bookings, and is
// not low. The disk of a node that only serves citizens does not count.
[[nodiscard]] finding room_for(std::uint64_t bytes, const cluster::cluster_view& v,
                               const std::map<std::uint64_t, actors::told_report>& reports, unix_ms now);

// Which of a round's windows can still be booked, and for how long; a warning where that is for ever.
struct ends_finding {
  bool good = false;
  bool warning = false;
  std::string detail;
};
[[nodiscard]] ends_finding ends_of(const round_definition& round, bool judged, unix_ms now);

// Of the disks that new bookings are written to, wherever they are.
[[nodiscard]] std::string storage_words(const actors::node& node);

}  // namespace janji::net
