// The limit of a server like ours: one Asio thread, Beast's parser, sockets and buffers as the real front has them, and an
// answer that is known beforehand. What it reaches is what the goals are ratios of.
#include <fmt/format.h>
#include <sys/socket.h>

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <memory>
#include <optional>

namespace janji::bench {

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using tcp = asio::ip::tcp;

class session : public std::enable_shared_from_this<session> {
public:
  session(tcp::socket&& socket, const std::string& body, int status) : socket_(std::move(socket)), body_(body), status_(status) {}

  void read() {
    parser_.emplace();
    parser_->header_limit(8 * 1024);
    parser_->body_limit(32 * 1024);
    http::async_read(socket_, buffer_, *parser_, [self = shared_from_this()](boost::system::error_code ec, std::size_t) {
      if (!ec)
        self->write();
    });
  }

private:
  void write() {
    keep_alive_ = parser_->get().keep_alive();
    head_.clear();
    head_ += "HTTP/1.1 ";
    head_ += std::to_string(status_);
    head_ += status_ == 409 ? " Conflict" : " OK";
    head_ += "\r\nContent-Type: application/json\r\nContent-Length: ";
    head_ += std::to_string(body_.size());
    head_ += "\r\nCache-Control: no-store";
    head_ += keep_alive_ ? "\r\n\r\n" : "\r\nConnection: close\r\n\r\n";
    const std::array<asio::const_buffer, 2> buffers{asio::buffer(head_), asio::buffer(body_)};
    asio::async_write(socket_, buffers, [self = shared_from_this()](boost::system::error_code ec, std::size_t) {
      if (!ec && self->keep_alive_)
        self->read();
    });
  }

  tcp::socket socket_;
  const std::string& body_;
  int status_;
  boost::beast::flat_buffer buffer_{64 * 1024};
  std::optional<http::request_parser<http::string_body>> parser_;
  std::string head_;
  bool keep_alive_ = true;
};

void accept(tcp::acceptor& acceptor, const std::string& body, int status) {
  acceptor.async_accept([&acceptor, &body, status](boost::system::error_code ec, tcp::socket socket) {
    if (ec == asio::error::operation_aborted)
      return;
    if (!ec) {
      boost::system::error_code ignored;
      socket.set_option(tcp::no_delay(true), ignored);
      std::make_shared<session>(std::move(socket), body, status)->read();
    }
    accept(acceptor, body, status);
  });
}

int run(int argc, char** argv) {
  CLI::App app{"null_server: answers every request with the same bytes, from one thread"};
  std::uint16_t port = 0;
  std::size_t bytes = 46;
  int status = 200;
  app.add_option("--port", port, "0: any; the one taken is printed");
  app.add_option("--bytes", bytes, "length of the answer's body")
      ->check(CLI::Range(std::size_t{1}, std::size_t{16} << 20))
      ->capture_default_str();
  app.add_option("--status", status, "of the answer")->check(CLI::IsMember({200, 201, 409}))->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  std::string body = R"({"status":"confirmed","reference":"0000"})";
  body.resize(bytes, ' ');
  asio::io_context io(1);
  tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), port});
  acceptor.listen(4096);
  accept(acceptor, body, status);
  asio::signal_set signals(io, SIGINT, SIGTERM);
  signals.async_wait([&](boost::system::error_code, int) { io.stop(); });
  fmt::print("null_server: serving http://127.0.0.1:{}\n", acceptor.local_endpoint().port());
  std::fflush(stdout);
  io.run();
  return 0;
}

}  // namespace

}  // namespace janji::bench

int main(int argc, char** argv) { return janji::bench::run(argc, argv); }
