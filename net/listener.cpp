#include "net/listener.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <utility>

#include "booking/text_length.hpp"
#include "net/problem.hpp"
#include "net/session.hpp"
#include "net/session_words.hpp"

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
    boost::system::error_code ec;
    tcp::socket socket(io);
    tcp::endpoint from;
    acceptor.accept(socket, from, ec);
    if (ec == asio::error::would_block || ec == asio::error::try_again) {
      seen_dry(std::move(before));
      break;
    }
    if (ec == asio::error::connection_aborted)
      continue;
    if (ec && !somebody_waits()) {  // that no descriptors are left is said before it is looked who waits
      seen_dry(std::move(before));
      break;
    }
    if (ec && make_room())
      continue;
    if (ec)
      return go_without_descriptors();
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
void listener_core::look_once() {
  auto before = handle.hear();
  const bool all = watch.look([this](void* whose) {
    if (whose != nullptr)
      return static_cast<connection*>(whose)->named();
    if (!std::exchange(waiting_named, true) && looked.at > accepted_after.at)
      accepted_after = looked;
  });
  if (all)
    looked = std::move(before);
}

void listener_core::look() {
  looker.expires_after(limits.look_every);
  looker.async_wait([self = shared_from_this()](boost::system::error_code ec) {
    if (ec)
      return;
    self->look_once();
    self->look();
  });
}

void listener_core::take(tcp::socket&& socket, const asio::ip::address& from) {
  if (connections - turned_away_now >= limits.connections_max)
    (void)make_room();
  const bool too_many = connections - turned_away_now >= limits.connections_max;
  if (too_many && turned_away_now >= limits.turned_away_max)
    return;  // closed by its destructor
  boost::system::error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  socket.set_option(asio::socket_base::send_buffer_size(limits::send_buffer_bytes), ignored);
  socket.non_blocking(true, ignored);
  const auto made = make_connection(std::move(socket), from, shared_from_this(),
                                    !waiting_named && looked.at > accepted_after.at ? looked : accepted_after);
  if (too_many)
    made->turn_away();
  else
    made->start();
}

void listener_core::tick() {
  ticker.expires_after(std::chrono::seconds(1));
  ticker.async_wait([self = shared_from_this()](boost::system::error_code ec) {
    if (ec)
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
  core->watch.add(core->acceptor.native_handle(), nullptr);
  core->accept();
  core->tick();
  if (core->hears)
    core->look();
  return std::unique_ptr<listener>(new listener(std::move(core)));
}

listener::~listener() {
  boost::system::error_code ignored;
  core_->stopping = true;
  core_->acceptor.close(ignored);
  core_->ticker.cancel();
  core_->looker.cancel();
  core_->pause.cancel();
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
