#include "net/listener.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <utility>

#include "booking/text_length.hpp"
#include "net/problem.hpp"
#include "net/session.hpp"
#include "net/session_words.hpp"
#include "store/wiping.hpp"

namespace janji::net {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;

// The largest party that the limits of people's text permit, with the place that it asks for.
static_assert(janji::limits::party_bytes_max + 4 * janji::limits::text_characters_max * janji::limits::character_bytes_max <=
              http_limits{}.body_bytes_max);

namespace {

std::string date_field_now() {
  const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  return fmt::format("Date: {:%a, %d %b %Y %H:%M:%S} GMT\r\n", fmt::gmtime(now));
}

// To one of whom no connection of ours is made.
std::string turned_away_words(const listener_core& core) {
  const auto r = core.handle.refusal({.code = problem_code::busy}, {});
  std::string out;
  append_head(out, r, core.date_field, closes_line);
  return out.append(r.payload());
}

// What it has sent already is read, for closing over it would take our words back.
void say_and_end(int fd, std::string_view words) {
  std::array<char, 4096> unread{};
  (void)::send(fd, words.data(), words.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  ::shutdown(fd, SHUT_WR);
  (void)::recv(fd, unread.data(), unread.size(), MSG_DONTWAIT);
}

}  // namespace

void listener_core::accept() {
  accepting = true;
  if (waiting_named)  // they may all have been dealt with, without an accept that found nobody
    if (auto before = handle.hear(); !somebody_waits())
      seen_dry(std::move(before));
  acceptor.async_wait(tcp::acceptor::wait_read, [self = shared_from_this()](boost::system::error_code ec) {
    self->accepting = false;
    if (self->stopping)
      return;
    ec ? self->accept_later() : self->accept_waiting();
  });
}

// Until there is nobody, or many have had their turn. Whoever comes later comes after the copy that was taken before.
void listener_core::accept_waiting() {
  constexpr int at_once_max = 64;
  for (int i = 0; i < at_once_max; ++i) {
    auto before = handle.hear();
    tcp::endpoint from;
    auto size = static_cast<socklen_t>(from.capacity());
    stream_socket socket(::accept4(acceptor.native_handle(), from.data(), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    const bool failed = socket.descriptor() < 0;
    const auto why = errno;
    if (failed && stream_socket::would_wait(why)) {
      seen_dry(std::move(before));
      break;
    }
    if (failed && (why == ECONNABORTED || why == EINTR))
      continue;
    if (failed && !somebody_waits()) {  // that no descriptors are left is said before it is looked who waits
      seen_dry(std::move(before));
      break;
    }
    if (failed && make_room())
      continue;
    if (failed)
      return go_without_descriptors();
    from.resize(size);
    take(std::move(socket), from.address());
  }
  accept();
}

bool listener_core::somebody_waits() {
  pollfd p{acceptor.native_handle(), POLLIN, 0};
  return ::poll(&p, 1, 0) > 0;
}

// The system's limit was reached though this listener's was not, and something is under way at all of its connections.
void listener_core::go_without_descriptors() {
  constexpr int at_once_max = 16;
  const auto words = turned_away_words(*this);
  for (int i = 0; i < at_once_max && spare.turn_away(acceptor.native_handle(), [&](int fd) { say_and_end(fd, words); }); ++i)
    ++turned_away;
  accept_later();
}

void listener_core::accept_later() {
  constexpr std::chrono::milliseconds for_a_while{100};
  pause.expires_after(for_a_while);
  pause.async_wait([self = shared_from_this()](boost::system::error_code ec) {
    if (!ec && !self->accepting && !self->stopping)
      self->accept();
  });
}

bool listener_core::make_room() {
  const bool none_fill = filling.empty();
  if (!asking.empty() || !none_fill) {
    const bool from_filling = !none_fill && (asking.empty() || filling.front().waits_since < asking.front().waits_since);
    (from_filling ? filling : asking).front().give_way();
    return true;
  }
  for (auto* list : {&ending, &reading})
    if (const auto it = std::ranges::find_if(*list, &connection::owes_nothing); it != list->end()) {
      it->give_way();
      return true;
    }
  return false;
}

bool listener_core::make_fit(const asio::ip::address& whose, const connection* me) {
  const auto gives_way = [&](auto&& may) {
    waiting_list::iterator oldest;
    bool found = false;
    for (auto* list : {&filling, &reading}) {
      const auto it =
          std::ranges::find_if(*list, [&](const connection& c) { return &c != me && c.holds_alone() != 0 && c.owes_nothing() && may(c); });
      if (it == list->end() || (found && oldest->waits_since < it->waits_since))
        continue;
      oldest = it;
      found = true;
    }
    if (found)
      oldest->give_way();
    return found;
  };
  while (held.of(whose) > limits.held_by_address_max)
    if (!limits.callers_give_way || !gives_way([&](const connection& c) { return c.from == whose; }))
      return false;
  while (held.in_all() > limits.held_bytes_max)
    if (!limits.callers_give_way || !gives_way([](const connection&) { return true; }))
      return false;
  return true;
}

// Whoever is named stays as old as it is; the others are as new as the copy that was taken before.
void listener_core::look() {
  ++looks;
  auto before = handle.hear();
  const bool all = watch.look([this](const socket_change& what) {
    if (what.whose != nullptr)
      return static_cast<connection*>(what.whose)->changed(what);
    if (!waiting_named)
      accepted_after = accepts_after();
    waiting_named = true;
  });
  if (!all)
    return;
  looked = std::move(before);
  looked_last = looks;
}

void listener_core::look_again_later() {
  looker.expires_after(limits.look_every);
  looker.async_wait([self = shared_from_this()](boost::system::error_code ec) {
    if (ec || self->gone)
      return;
    self->look();
    self->serve_changed();
    self->look_again_later();
  });
}

void listener_core::wait_for_changes() {
  watcher.async_wait(asio::posix::stream_descriptor::wait_read, [self = shared_from_this()](boost::system::error_code ec) {
    if (ec || self->gone)
      return;
    self->look();
    self->serve_changed();
    self->wait_for_changes();
  });
}

void listener_core::serve_later(std::shared_ptr<connection> whose) {
  changed.push_back(std::move(whose));
  if (std::exchange(serve_posted, true))
    return;
  asio::post(io, [self = shared_from_this()] {
    self->serve_posted = false;
    if (self->gone)
      return;
    self->look();
    self->serve_changed();
  });
}

void listener_core::serve_changed() {
  const store::wiping_scope wipes;  // the stack once for all of them
  store::in_frames_below([this] {
    for (const auto& whose : std::exchange(changed, {}))
      whose->serve();
  });
}

void listener_core::answer_later(std::shared_ptr<connection> whose) {
  answered.push_back(std::move(whose));
  if (answered.size() == 1)
    asio::post(io, [self = shared_from_this()] {
      if (!self->gone)
        self->send_answers();
    });
}

// So that whoever reads an answer and asks again at once, over the same connection or a new one, is not taken to have asked before it.
void listener_core::send_answers() {
  const store::wiping_scope wipes;
  store::in_frames_below([this] {
    const auto all = std::exchange(answered, {});
    look();
    for (const auto& whose : all)
      whose->send_ready();
  });
  serve_changed();
}

void listener_core::take(stream_socket&& socket, const asio::ip::address& from) {
  if (connections - turned_away_now >= limits.connections_max)
    (void)make_room();
  const bool too_many = connections - turned_away_now >= limits.connections_max;
  if (too_many && turned_away_now >= limits.turned_away_max)
    return;  // closed by its destructor
  constexpr int no_delay = 1;
  (void)::setsockopt(socket.descriptor(), IPPROTO_TCP, TCP_NODELAY, &no_delay, sizeof no_delay);
  (void)::setsockopt(socket.descriptor(), SOL_SOCKET, SO_SNDBUF, &limits::send_buffer_bytes, sizeof limits::send_buffer_bytes);
  const auto made = make_connection(std::move(socket), from, shared_from_this(), waiting_named ? accepted_after : accepts_after());
  if (too_many)
    made->turn_away();
  else
    made->start();
}

void listener_core::tick() {
  ticker.expires_after(std::chrono::seconds(1));
  ticker.async_wait([self = shared_from_this()](boost::system::error_code ec) {
    if (ec || self->gone)
      return;
    self->date_field = date_field_now();
    if (const auto n = std::exchange(self->turned_away, 0); n != 0)
      self->handle.warn(fmt::format("no file descriptors are left: {} connections at port {} were turned away", n, self->port));
    self->wheel.advance([](timed& t) { static_cast<connection&>(t).overdue(); });
    self->tick();
  });
}

std::expected<std::unique_ptr<listener>, std::string> listener::open(asio::io_context& io, const std::string& address, std::uint16_t port,
                                                                     const http_limits& limits, handler& h) {
  boost::system::error_code ec;
  const auto ip = asio::ip::make_address(address, ec);
  if (ec)
    return std::unexpected(fmt::format("\"{}\" is not an address to listen on", address));
  auto core = std::make_shared<listener_core>(io, limits, h);
  const tcp::endpoint endpoint(ip, port);
  core->accepted_after = h.hear();  // before anybody can come
  core->hears = core->accepted_after.heard != nullptr;
  core->acceptor.open(endpoint.protocol(), ec);
  if (!ec)
    core->acceptor.set_option(asio::socket_base::reuse_address(true), ec);
  if (!ec)
    core->acceptor.bind(endpoint, ec);
  if (!ec)
    core->acceptor.listen(4096, ec);
  if (!ec)
    core->acceptor.non_blocking(true, ec);
  if (!ec)
    core->port = core->acceptor.local_endpoint(ec).port();
  if (ec)
    return std::unexpected(fmt::format("cannot listen on {} port {}: {}", address, port, ec.message()));
  core->date_field = date_field_now();
  core->watcher.assign(::fcntl(core->watch.descriptor(), F_DUPFD_CLOEXEC, 0), ec);
  if (ec || !core->watch.add(core->acceptor.native_handle(), nullptr))
    return std::unexpected(fmt::format("cannot listen on {} port {}: no file descriptors are left", address, port));
  core->accept();
  core->tick();
  core->wait_for_changes();
  if (core->hears)
    core->look_again_later();
  return std::unique_ptr<listener>(new listener(std::move(core)));
}

listener::~listener() {
  boost::system::error_code ignored;
  core_->stopping = core_->gone = true;
  core_->acceptor.close(ignored);
  core_->ticker.cancel();
  core_->looker.cancel();
  core_->pause.cancel();
  core_->watcher.close(ignored);
  core_->wheel.for_each([](timed& t) { static_cast<connection&>(t).give_way(); });
  core_->changed.clear();  // they hold the core, and it holds them
  core_->answered.clear();
}

// The answers of one turn are sent in the next.
void stop_after_answers(asio::io_context& io) {
  asio::post(io, [&io] { asio::post(io, [&io] { io.stop(); }); });
}

std::uint16_t listener::port() const { return core_->port; }
std::size_t listener::connections() const { return core_->connections; }

void listener::stop_accepting() {
  core_->stopping = true;
  boost::system::error_code ignored;
  core_->acceptor.close(ignored);
  core_->wheel.for_each([](timed& t) { static_cast<connection&>(t).stop(); });
}

}  // namespace janji::net
