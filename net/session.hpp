// One connection. Between the listener and the only file that knows Beast's parser: session.cpp.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstddef>
#include <memory>
#include <string>

#include "net/dry_watch.hpp"
#include "net/http.hpp"
#include "net/listener.hpp"
#include "net/timer_wheel.hpp"

namespace janji::net {

// What the connections of one listener share. Lives on its thread; kept alive by every one of them.
struct listener_core : std::enable_shared_from_this<listener_core> {
  listener_core(boost::asio::io_context& c, const http_limits& l, handler& h)
      : io(c), limits(l), handle(h), acceptor(c), ticker(c), looker(c) {}

  void accept();
  void accept_waiting();
  void take(boost::asio::ip::tcp::socket&& socket);
  void tick();
  // Sees which connections are dry, again and again.
  void look();
  void look_once();
  // Nobody waits to be accepted.
  void seen_dry(arrival before) {
    accepted_after = std::move(before);
    waiting_named = false;
  }

  boost::asio::io_context& io;
  http_limits limits;
  handler& handle;
  boost::asio::ip::tcp::acceptor acceptor;
  boost::asio::steady_timer ticker;
  boost::asio::steady_timer looker;
  dry_watch watch;
  arrival looked;          // taken before the last look at all connections
  arrival accepted_after;  // of those that are accepted while they are not all seen
  bool waiting_named = false;
  bool hears = false;  // the handler hears of leaders
  timer_wheel wheel;
  std::string date_field;  // "Date: ...", renewed once a second
  std::size_t connections = 0;
  bool accepting = false;  // an accept is under way; false after one that failed, until the next tick
  bool stopping = false;
  std::uint16_t port = 0;
};

// Kept alive by its operations under way and by the requests it waits for. Threads: its listener's only.
class connection : public answer_taker, public timed {
public:
  virtual void start() = 0;
  // Over the limit of connections: 503, then closed.
  virtual void turn_away() = 0;
  virtual void overdue() = 0;
  // Closes it when nothing is under way, else after the last answer.
  virtual void stop() = 0;
  // There is something to be read: what it is came after the last copy that the connection was dry after, and not after a later one.
  virtual void named() = 0;
};

[[nodiscard]] std::shared_ptr<connection> make_connection(boost::asio::ip::tcp::socket&& socket, std::shared_ptr<listener_core> core,
                                                          arrival after);

}  // namespace janji::net
