// The links of a node with the other nodes of its cluster: one WebSocket a pair, over mutual TLS where certificates are
// given. The node with the smaller id dials. Messages are Cap'n Proto envelopes, many in one frame.
//
// Each end holds the certificate of the other against the node's number that it dialled or that the other says it has.
//
// Guarantees: a message arrives at most once and in the order of send() on its link, or not at all; what was sent to a
// former life of a node never reaches the next one. What waits for a peer is bounded by its window (bytes it has not yet
// taken), so that a slow one fills its own and nobody else's. A peer that says nothing for silence_ms has a broken link.
// Junk, a wrong name, a frame too large end the link with a named reason, never the process.
//
// Threads: one of its own, on which events come; every member may be called from any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cluster/peer_links.hpp"

namespace janji::net {

struct link_options {
  std::string cluster;  // both ends have the same
  std::uint64_t node = 0;
  replication::boot_t boot;
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;        // 0: any free one
  std::string certificate_file;  // PEM; all three or none
  std::string key_file;
  std::string ca_file;
  bool production = false;  // no link in the clear, no authority made for development, no certificate without a name
  // A certificate names its node (node_name.hpp); with this, those that name none may be any node's, as they were once.
  bool unnamed_certificates = false;
  bool insecure_listeners = false;  // in the clear, other machines may come too
  std::size_t window_bytes_max = 32U << 20U;
  std::size_t strangers_max = 64;  // connections that have not said yet who they are; for one more the oldest is closed
  std::uint32_t silence_ms = 2'000;
  std::uint32_t redial_ms_min = 50;  // doubled up to the other, with jitter
  std::uint32_t redial_ms_max = 2'000;
  std::function<void(const std::string&)> log;  // from the links' thread; none: silence
};

struct link_counters {
  std::atomic<std::uint64_t> up{0};  // links now
  std::atomic<std::uint64_t> sent{0}, received{0}, sent_bytes{0}, received_bytes{0};
  std::atomic<std::uint64_t> dropped_no_link{0}, dropped_window{0}, dropped_deadline{0}, dropped_former_life{0};
  std::atomic<std::uint64_t> refused{0};  // hellos; why is in the log
  std::atomic<std::uint64_t> broken{0};
};

class links_core;

// Whether the certificate named there is this node's and valid now; that others will refuse it is better said before they do.
std::expected<void, std::string> check_own_certificate(const link_options& options);

class links final : public cluster::peer_links {
public:
  // `events` outlives the links. An error names the file or the port that is in the way.
  static std::expected<std::unique_ptr<links>, std::string> open(link_options options, cluster::peer_events& events);
  ~links() override;
  links(const links&) = delete;
  links& operator=(const links&) = delete;

  bool send(std::uint64_t node, cluster::peer_message&& message) override;
  // All others, by node id: host:port. Who is no longer named loses its link and is refused.
  void set_peers(std::map<std::uint64_t, std::string> peers);
  // The start of each node that is registered: earlier ones are refused, and lose the link they have.
  void set_boots(std::map<std::uint64_t, replication::boot_t> boots);
  // Reads the certificate files again, for the links made from now on. On an error the old ones stay.
  std::expected<void, std::string> reload();
  [[nodiscard]] std::uint16_t port() const;
  [[nodiscard]] const link_counters& counters() const;

private:
  explicit links(std::unique_ptr<links_core> core);
  std::unique_ptr<links_core> core_;
};

}  // namespace janji::net
