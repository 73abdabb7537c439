// What must be so before a round is opened, as far as it concerns the disks of a cluster, and how readiness words them. Pure; any thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "actors/node.hpp"
#include "booking/round.hpp"
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
// What a round's bookings take of a disk that has all of them, log and snapshots, at the most.
struct round_bytes {
  std::uint64_t places = 0, booked = 0;   // when every place is booked once
  std::uint64_t citizens = 0, worst = 0;  // when every citizen makes all changes that the round permits, one at a time
};
// `record_bytes`: of a sealed record.
[[nodiscard]] round_bytes bytes_of(const round_definition& round, std::size_t record_bytes);
// Of the largest record that a form permits.
[[nodiscard]] std::size_t largest_sealed_record();

// Of the disks that new bookings are written to, wherever they are.
[[nodiscard]] std::string storage_words(const actors::node& node);

}  // namespace janji::net
