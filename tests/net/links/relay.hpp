// A relay in front of a port that can stop carrying in either direction while its connections stay open. Its own thread.
#pragma once

#include <array>
#include <atomic>
#include <boost/asio.hpp>
#include <memory>
#include <thread>

namespace janji::net::test {

class relay {
public:
  explicit relay(std::uint16_t to)
      : to_(boost::asio::ip::address_v4::loopback(), to), acceptor_(io_, {boost::asio::ip::address_v4::loopback(), 0}) {
    accept();
    thread_ = std::jthread([this] { io_.run(); });
  }
  ~relay() { io_.stop(); }
  [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  // What is read in a direction that is cut is lost.
  std::atomic<bool> cut_to_client{false};
  std::atomic<bool> cut_to_server{false};

private:
  using socket = boost::asio::ip::tcp::socket;
  struct pair {
    explicit pair(boost::asio::io_context& io) : client(io), server(io) {}
    socket client, server;
    std::array<char, 65536> up{}, down{};
  };
  void accept() {
    auto p = std::make_shared<pair>(io_);
    acceptor_.async_accept(p->client, [this, p](auto ec) {
      if (ec)
        return;
      boost::system::error_code failed;
      p->server.connect(to_, failed);
      if (!failed) {
        carry(p, p->client, p->server, p->up, cut_to_server);
        carry(p, p->server, p->client, p->down, cut_to_client);
      }
      accept();
    });
  }
  void carry(const std::shared_ptr<pair>& p, socket& from, socket& to, std::array<char, 65536>& bytes, const std::atomic<bool>& cut) {
    from.async_read_some(boost::asio::buffer(bytes), [this, p, &from, &to, &bytes, &cut](auto ec, std::size_t n) {
      boost::system::error_code failed = ec;
      if (!failed && !cut)
        boost::asio::write(to, boost::asio::buffer(bytes.data(), n), failed);
      if (!failed)
        return carry(p, from, to, bytes, cut);
      p->client.close(failed);
      p->server.close(failed);
    });
  }

  boost::asio::io_context io_;
  boost::asio::ip::tcp::endpoint to_;
  boost::asio::ip::tcp::acceptor acceptor_;
  std::jthread thread_;
};

}  // namespace janji::net::test
