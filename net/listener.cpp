#include "net/listener.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>
#include <ctime>

#include "net/session.hpp"

namespace janji::net {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;

namespace {

std::string date_field_now() {
  const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  return fmt::format("Date: {:%a, %d %b %Y %H:%M:%S} GMT\r\n", fmt::gmtime(now));
}

}  // namespace

void listener_core::accept() {
  accepting = true;
  acceptor.async_wait(tcp::acceptor::wait_read, [self = shared_from_this()](boost::system::error_code ec) {
    self->accepting = false;
    if (self->stopping || ec)
      return;
    self->accept_waiting();
  });
}

// Until there is nobody, or many have had their turn. Whoever comes later comes after the copy that was taken before.
void listener_core::accept_waiting() {
  constexpr int at_once_max = 64;
  for (int i = 0; i < at_once_max; ++i) {
    auto before = handle.hear();
    boost::system::error_code ec;
    tcp::socket socket(io);
    acceptor.accept(socket, ec);
    if (ec == asio::error::would_block || ec == asio::error::try_again) {
      seen_dry(std::move(before));
      break;
    }
    if (ec == asio::error::connection_aborted)
      continue;
    if (ec)
      return;  // no descriptors left, most likely: again at the next tick
    take(std::move(socket));
  }
  accept();
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

void listener_core::take(tcp::socket&& socket) {
  if (connections >= limits.connections_max + limits::turned_away_max)
    return;  // closed by its destructor
  boost::system::error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  socket.set_option(asio::socket_base::send_buffer_size(limits::send_buffer_bytes), ignored);
  socket.non_blocking(true, ignored);
  const bool too_many = connections >= limits.connections_max;
  const auto made =
      make_connection(std::move(socket), shared_from_this(), !waiting_named && looked.at > accepted_after.at ? looked : accepted_after);
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
    self->wheel.advance([](timed& t) { static_cast<connection&>(t).overdue(); });
    if (!self->accepting && !self->stopping)
      self->accept();
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
