// One connection. Between the listener and the only files that know Beast's parser: session_impl.hpp.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/intrusive/list.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "net/dry_watch.hpp"
#include "net/held_bytes.hpp"
#include "net/http.hpp"
#include "net/listener.hpp"
#include "net/spare_descriptor.hpp"
#include "net/timer_wheel.hpp"

namespace janji::net {

struct place_tag;
using place_hook =
    boost::intrusive::list_base_hook<boost::intrusive::tag<place_tag>, boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

// Kept alive by its operations under way and by the requests it waits for. Threads: its listener's only.
class connection : public answer_taker, public timed, public place_hook {
public:
  virtual void start() = 0;
  // Over the limit of connections: 503, then closed.
  virtual void turn_away() = 0;
  virtual void overdue() = 0;
  // Closes it when nothing is under way, else after the last answer.
  virtual void stop() = 0;
  // Closes it, for others need what it holds.
  virtual void give_way() = 0;
  // Nothing that was asked waits for its answer.
  [[nodiscard]] virtual bool owes_nothing() const = 0;
  // Bytes that nobody else holds, and that go with it.
  [[nodiscard]] virtual std::size_t holds_alone() const = 0;
  // There is something to be read: what it is came after the last copy that the connection was dry after, and not after a later one.
  virtual void named() = 0;

  boost::asio::ip::address from;
  std::uint64_t waits_since = 0;  // while it stands in a list: lower is longer
};

// Connections at which nothing is under way but what their own side does, whoever has been so longest first.
using waiting_list =
    boost::intrusive::list<connection, boost::intrusive::base_hook<place_hook>, boost::intrusive::constant_time_size<false>>;

// What the connections of one listener share. Lives on its thread; kept alive by every one of them.
struct listener_core : std::enable_shared_from_this<listener_core> {
  listener_core(boost::asio::io_context& c, const http_limits& l, handler& h)
      : io(c), limits(l), handle(h), acceptor(c), ticker(c), looker(c), pause(c) {}

  void accept();
  void accept_waiting();
  void take(boost::asio::ip::tcp::socket&& socket, const boost::asio::ip::address& from);
  void tick();
  [[nodiscard]] bool somebody_waits();
  void accept_later();
  // No descriptors are left: whoever has waited longest gives way, or who comes is told so; then a pause.
  void go_without_descriptors();
  // Closes the connection that has waited for its own side longest; one that is told its end, or takes an answer, where there is no other.
  // False: something is under way at all of them.
  bool make_room();
  // True when what is held is within its bounds, in all and for this address, `me` not being asked to give way, nor whose going would free
  // nothing.
  bool make_fit(const boost::asio::ip::address& whose, const connection* me);
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
  boost::asio::steady_timer pause;  // of accepting
  spare_descriptor spare;
  waiting_list asking;   // between requests, or a small one is coming
  waiting_list filling;  // a large request is coming
  waiting_list reading;  // an answer is being taken
  waiting_list ending;   // told all, and waited for to close
  std::size_t turned_away_now = 0;
  std::uint64_t waits = 0;
  held_bytes held;
  std::uint64_t turned_away = 0;  // for want of descriptors, since it was last said
  dry_watch watch;
  arrival looked;          // taken before the last look at all connections
  arrival accepted_after;  // of those that are accepted while they are not all seen
  bool waiting_named = false;
  bool hears = false;  // the handler hears of leaders
  timer_wheel wheel;
  std::string date_field;       // "Date: ...", renewed once a second
  std::size_t connections = 0;  // open sockets
  bool accepting = false;       // it is waited for somebody to come; false in a pause
  bool stopping = false;
  std::uint16_t port = 0;
};

[[nodiscard]] std::shared_ptr<connection> make_connection(boost::asio::ip::tcp::socket&& socket, const boost::asio::ip::address& from,
                                                          std::shared_ptr<listener_core> core, arrival after);

}  // namespace janji::net
