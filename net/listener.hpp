// One listener and its connections, on one Asio thread: HTTP/1.1 with keep-alive and pipelining, bounded in everything that
// a stranger can make large or slow. Requests of one connection are answered in their order.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>

#include "net/http.hpp"

namespace janji::net {

struct http_limits {
  std::size_t header_bytes_max = 8 * 1024;
  std::size_t target_bytes_max = 4 * 1024;
  std::size_t body_bytes_max = 32 * 1024;
  std::chrono::milliseconds look_every{50};  // how old what an idle connection had heard may be
  // For one more the connection gives way that has waited for its own side longest; where there is none it is told 503 and closed.
  std::size_t connections_max = 20'000;
  std::size_t turned_away_max = 256;  // connections being told so; the next are just closed
  // What all connections hold together: answers that their readers have not taken, requests that are coming. For one more, whoever takes
  // longest gives way.
  std::size_t held_bytes_max = std::size_t{256} << 20;
  std::size_t held_by_address_max = std::size_t{64} << 20;  // of what is not held by others too
  bool callers_give_way = true;                             // false: who finds no room for what it sends is told 503
  std::uint32_t header_timeout_s = 15;                      // from a request's first byte to the end of its header
  std::uint32_t body_timeout_s = 15;                        // from there to the end of its body
  std::uint32_t idle_timeout_s = 15;                        // between requests
  std::uint32_t write_timeout_s = 15;                       // that a reader takes nothing
};

// Not settings: nobody needs others.
namespace limits {
inline constexpr std::size_t pipeline_max = 16;               // requests of one connection under way
inline constexpr std::size_t gathered_bytes_max = 32 * 1024;  // of answers, copied together for one write
// In the kernel, a connection's. It wakes us when a third is free: were it to grow to megabytes, a slow reader would be taken
// for one who reads nothing.
inline constexpr int send_buffer_bytes = 128 * 1024;
inline constexpr std::size_t copied_body_bytes_max = 8 * 1024;  // a larger one is sent from where it lies
inline constexpr std::uint32_t linger_s = 2;                    // that a closed connection's rest is read and thrown away
inline constexpr std::size_t linger_bytes_max = 256 * 1024;
}  // namespace limits

struct listener_core;

class listener {
public:
  // The handler and the io_context outlive the listener. An error says what is in the way (a port taken).
  static std::expected<std::unique_ptr<listener>, std::string> open(boost::asio::io_context& io, const std::string& address,
                                                                    std::uint16_t port, const http_limits& limits, handler& h);
  ~listener();
  listener(const listener&) = delete;
  listener& operator=(const listener&) = delete;

  [[nodiscard]] std::uint16_t port() const;
  // From the listener's thread.
  [[nodiscard]] std::size_t connections() const;
  // From the listener's thread: no new connections; idle ones are closed, the others after their answers.
  void stop_accepting();

private:
  explicit listener(std::shared_ptr<listener_core> core) : core_(std::move(core)) {}
  std::shared_ptr<listener_core> core_;
};

// Stops it once the answers that were given until now are sent, as far as their readers take them at once. Threads: any.
void stop_after_answers(boost::asio::io_context& io);

}  // namespace janji::net
