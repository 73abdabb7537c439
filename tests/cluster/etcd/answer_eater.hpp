// A relay to an endpoint that can lose what it is told to lose: the answers, or everything. Its own thread.
#pragma once

#include <atomic>
#include <boost/asio.hpp>
#include <chrono>
#include <memory>
#include <thread>

namespace janji::cluster::etcd::test {

class answer_eater {
public:
  explicit answer_eater(std::uint16_t to)
      : to_(boost::asio::ip::address_v4::loopback(), to), acceptor_(io_, {boost::asio::ip::address_v4::loopback(), 0}) {
    accept();
    thread_ = std::jthread([this] { io_.run(); });
  }
  ~answer_eater() { io_.stop(); }
  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()); }
  // From now on: answers are read and thrown away, and the connection is closed in their place.
  std::atomic<bool> eat{false};
  // From now on: answers are read and thrown away, and nothing more is heard.
  std::atomic<bool> go_silent{false};
  // Likewise, from that moment on.
  std::atomic<std::chrono::steady_clock::time_point> silent_from{std::chrono::steady_clock::time_point::max()};

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
        carry(p, p->client, p->server, p->up, false);
        carry(p, p->server, p->client, p->down, true);
      }
      accept();
    });
  }
  void carry(const std::shared_ptr<pair>& p, socket& from, socket& to, std::array<char, 65536>& bytes, bool answers) {
    from.async_read_some(boost::asio::buffer(bytes), [this, p, &from, &to, &bytes, answers](auto ec, std::size_t n) {
      boost::system::error_code ignored;
      if (ec || (answers && eat)) {
        p->client.close(ignored);
        p->server.close(ignored);
        return;
      }
      if (!answers || (!go_silent && std::chrono::steady_clock::now() < silent_from.load()))
        boost::asio::write(to, boost::asio::buffer(bytes.data(), n), ignored);
      carry(p, from, to, bytes, answers);
    });
  }

  boost::asio::io_context io_;
  boost::asio::ip::tcp::endpoint to_;
  boost::asio::ip::tcp::acceptor acceptor_;
  std::jthread thread_;
};

}  // namespace janji::cluster::etcd::test
