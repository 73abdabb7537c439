// What all links of a node share: the thread, the peers and what waits for each, the listener, the certificates. Private to
// net/links.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <shared_mutex>
#include <thread>

#include "net/links/links.hpp"

namespace janji::cluster {
class byte_stream;
}

namespace janji::net {

inline constexpr std::size_t frame_bytes_max = 1U << 20U;  // envelopes are put together up to here; one alone may be larger
inline constexpr std::size_t read_bytes_max = cluster::peer_payload_bytes_max + frame_bytes_max;
inline constexpr std::uint16_t kind_credit = 0;         // the links' own: so many bytes were taken
inline constexpr std::uint32_t refusals_said_max = 20;  // at once; then one a second
inline constexpr std::string_view wire_version = "1";
inline constexpr std::size_t message_cost_bytes = 128;  // of an envelope besides its payload

inline std::size_t cost_of(std::size_t payload_bytes) { return payload_bytes + message_cost_bytes; }

// One established connection with a peer.
class link_session : public std::enable_shared_from_this<link_session> {
public:
  virtual ~link_session() = default;
  // The links' thread.
  virtual void write_more() = 0;
  virtual void close() = 0;
  cluster::peer with;
  bool is_stranger = false;  // it has not said who it is
  boost::asio::ip::address from;
};

// What waits to be sent to one node. Any thread, under its mutex.
struct outbox {
  std::mutex mutex;
  bool up = false;
  bool woken = false;         // a flush is on its way to the links' thread
  std::size_t in_window = 0;  // cost of what waits and of what the peer has not credited
  std::deque<cluster::peer_message> waiting;
};

class links_core {
public:
  links_core(link_options o, cluster::peer_events& e);
  ~links_core();

  std::expected<void, std::string> start();
  bool send(std::uint64_t node, cluster::peer_message&& message);
  void set_peers(std::map<std::uint64_t, std::string> peers);
  void set_boots(std::map<std::uint64_t, replication::boot_t> boots);
  std::expected<std::shared_ptr<boost::asio::ssl::context>, std::string> read_certificates() const;

  // ---- the links' thread
  // False: nobody wants it any more.
  bool established(const std::shared_ptr<link_session>& session);
  void ended(link_session* session, const std::string& why);
  void dial_failed(std::uint64_t node, const std::string& why);
  void refuse(const boost::asio::ip::address& from, const std::string& why);
  // Why a hello is not accepted; empty when it is.
  [[nodiscard]] std::string wrong_with(std::string_view cluster, std::string_view version, std::string_view node, std::string_view boot,
                                       std::string_view to, std::optional<std::uint64_t> expected, cluster::peer& out) const;
  // Why a link's certificate is not that of the node; empty when it is, or when there are none.
  [[nodiscard]] std::string wrong_certificate(const cluster::byte_stream& link, std::uint64_t node);
  // Takes messages for a frame; drops what is past its deadline.
  std::vector<cluster::peer_message> take(std::uint64_t node);
  void credited(std::uint64_t node, std::size_t cost);
  [[nodiscard]] std::shared_ptr<boost::asio::ssl::context> tls();
  void log(const std::string& text) const {
    if (options.log)
      options.log(text);
  }

  link_options options;
  cluster::peer_events& events;
  link_counters counters;
  boost::asio::io_context io{1};
  bool stopping = false;  // the links' thread
  std::uint16_t port = 0;

private:
  struct peer_state {
    std::string address;
    std::shared_ptr<outbox> out = std::make_shared<outbox>();
    std::shared_ptr<link_session> session;
    std::unique_ptr<boost::asio::steady_timer> redial;
    std::uint32_t pause_ms = 0;
    bool dialling = false;
    std::string last_trouble;  // said once
  };
  boost::system::error_code listen(const boost::asio::ip::tcp::endpoint& at);
  void accept();
  void accept_later();
  void greet(boost::asio::ip::tcp::socket&& socket);
  void close_one_stranger();
  void apply_peers(std::map<std::uint64_t, std::string> peers);
  void dial(std::uint64_t node);
  void dial_later(std::uint64_t node);
  void flush(std::uint64_t node);
  void end_session(peer_state& p, const std::string& why);
  void close_outbox(outbox& out);
  std::shared_ptr<outbox> outbox_of(std::uint64_t node);

  boost::asio::ip::tcp::acceptor acceptor_{io};
  boost::asio::steady_timer accept_pause_{io};
  std::set<std::uint64_t> said_unnamed_;               // nodes whose certificates name none
  std::deque<std::weak_ptr<link_session>> strangers_;  // the oldest first
  std::uint32_t words_left_ = refusals_said_max;       // of refusals, until time brings more
  std::uint64_t unsaid_ = 0;
  std::chrono::steady_clock::time_point said_at_;
  std::map<std::uint64_t, peer_state> peers_;           // the links' thread
  std::map<std::uint64_t, replication::boot_t> boots_;  // the links' thread
  std::shared_mutex outboxes_mutex_;
  std::map<std::uint64_t, std::shared_ptr<outbox>> outboxes_;  // the same boxes, for senders
  std::mutex tls_mutex_;
  std::shared_ptr<boost::asio::ssl::context> tls_;
  std::thread thread_;
  friend class links;
};

// session.cpp
void dial_peer(links_core& core, std::uint64_t node, const std::string& address);
std::shared_ptr<link_session> greet_stranger(links_core& core, boost::asio::ip::tcp::socket socket);

}  // namespace janji::net
