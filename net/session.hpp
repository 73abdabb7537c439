// One connection. Between the listener and the only files that know Beast's parser: session_impl.hpp.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/intrusive/list.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "net/held_bytes.hpp"
#include "net/http.hpp"
#include "net/listener.hpp"
#include "net/socket_watch.hpp"
#include "net/spare_descriptor.hpp"
#include "net/stream_socket.hpp"
#include "net/timer_wheel.hpp"

namespace janji::net {

struct place_tag;
using place_hook =
    boost::intrusive::list_base_hook<boost::intrusive::tag<place_tag>, boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

// Keeps itself alive while it is open, and the requests it waits for do. Threads: its listener's only.
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
  // Notes it, and asks its listener to be served: what is to be read now came after the last copy that the connection was dry after, and
  // not after a later one.
  virtual void changed(const socket_change& what) = 0;
  // Deals with what has changed.
  virtual void serve() = 0;
  // Sends the answers that are ready.
  virtual void send_ready() = 0;

  boost::asio::ip::address from;
  std::uint64_t waits_since = 0;  // while it stands in a list: lower is longer
};

// Connections at which nothing is under way but what their own side does, whoever has been so longest first.
using waiting_list =
    boost::intrusive::list<connection, boost::intrusive::base_hook<place_hook>, boost::intrusive::constant_time_size<false>>;

// What the connections of one listener share. Lives on its thread; kept alive by every one of them.
struct listener_core : std::enable_shared_from_this<listener_core> {
  listener_core(boost::asio::io_context& c, const http_limits& l, handler& h)
      : io(c), limits(l), handle(h), acceptor(c), watcher(c), ticker(c), looker(c), pause(c) {}

  void accept();
  void accept_waiting();
  void take(stream_socket&& socket, const boost::asio::ip::address& from);
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
  // Sees what has changed at all connections: who is not named is dry, and what comes over it comes after `looked`.
  void look();
  void look_again_later();
  // When anything changes.
  void wait_for_changes();
  // `whose` is to be served: after a look by who looked, else in a turn of its own.
  void serve_later(std::shared_ptr<connection> whose);
  void serve_changed();
  // `whose` has answers ready. They go out with those of the others of this turn, once it was looked who has asked already.
  void answer_later(std::shared_ptr<connection> whose);
  void send_answers();
  // Nobody waits to be accepted.
  void seen_dry(arrival before) {
    accepted_after = std::move(before);
    accepted_since = looks;
    waiting_named = false;
  }
  [[nodiscard]] const arrival& accepts_after() const { return looked_last > accepted_since ? looked : accepted_after; }

  boost::asio::io_context& io;
  http_limits limits;
  handler& handle;
  boost::asio::ip::tcp::acceptor acceptor;
  boost::asio::posix::stream_descriptor watcher;  // of `watch`
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
  socket_watch watch;
  arrival looked;  // taken before the last look at all connections that succeeded
  std::uint64_t looks = 0;
  std::uint64_t looked_last = 0;  // the number of that look
  std::vector<std::shared_ptr<connection>> changed;
  std::vector<std::shared_ptr<connection>> answered;
  bool serve_posted = false;
  arrival accepted_after;            // of those that are accepted while they are not all seen
  std::uint64_t accepted_since = 0;  // looks up to this one are older
  bool waiting_named = false;
  bool hears = false;  // the handler hears of leaders
  timer_wheel wheel;
  std::string date_field;       // "Date: ...", renewed once a second
  std::size_t connections = 0;  // open sockets
  bool accepting = false;       // it is waited for somebody to come; false in a pause
  bool stopping = false;
  bool gone = false;  // the listener, and perhaps the handler with it
  std::uint16_t port = 0;
};

[[nodiscard]] std::shared_ptr<connection> make_connection(stream_socket&& socket, const boost::asio::ip::address& from,
                                                          std::shared_ptr<listener_core> core, arrival after);

}  // namespace janji::net
