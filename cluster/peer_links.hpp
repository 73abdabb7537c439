// How a node reaches the other nodes of its cluster: the port that net/links serves and that the tests' simulated links
// serve too. Messages may be lost, late and out of order between different links; on one link they keep their order.
//
// Threads: send() may be called from any thread and never blocks. peer_events are called from the links' own thread and
// must not block either.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "booking/types.hpp"
#include "cluster/replication/types.hpp"

namespace janji::cluster {

// A process of a node. The link vouches for both: a message never says by itself who sent it.
struct peer {
  std::uint64_t node = 0;
  replication::boot_t boot;
  friend bool operator==(const peer&, const peer&) = default;
};

// Larger payloads are refused by send() and end a link that brings one.
inline constexpr std::size_t peer_payload_bytes_max = 16U << 20U;

struct peer_message {
  shard_id shard;          // that it is about; 0 where it is about none
  std::uint16_t kind = 0;  // what the payload is; the links do not look inside
  // What is not sent by then is dropped: whoever waits for it has given up. Not told to the peer, whose clock is another.
  std::chrono::steady_clock::time_point until{};
  std::string payload;
};

class peer_links {
public:
  virtual ~peer_links() = default;
  // False: there is no link to that node, or its window is full; the message is lost, as messages may be.
  virtual bool send(std::uint64_t node, peer_message&& message) = 0;
};

class peer_events {
public:
  virtual ~peer_events() = default;
  virtual void link_up(const peer& with) = 0;
  virtual void link_broken(const peer& with) = 0;
  virtual void received(const peer& from, peer_message&& message) = 0;
};

}  // namespace janji::cluster
