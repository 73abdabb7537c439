// One connection. Between the listener and the only file that knows Beast's parser: session.cpp.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstddef>
#include <memory>
#include <string>

#include "net/http.hpp"
#include "net/listener.hpp"
#include "net/timer_wheel.hpp"

namespace janji::net {

// What the connections of one listener share. Lives on its thread; kept alive by every one of them.
struct listener_core : std::enable_shared_from_this<listener_core> {
  listener_core(boost::asio::io_context& c, const http_limits& l, handler& h) : io(c), limits(l), handle(h), acceptor(c), ticker(c) {}

  void accept();
  void take(boost::asio::ip::tcp::socket&& socket);
  void tick();

  boost::asio::io_context& io;
  http_limits limits;
  handler& handle;
  boost::asio::ip::tcp::acceptor acceptor;
  boost::asio::steady_timer ticker;
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
};

[[nodiscard]] std::shared_ptr<connection> make_connection(boost::asio::ip::tcp::socket&& socket, std::shared_ptr<listener_core> core);

}  // namespace janji::net
