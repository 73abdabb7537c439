// A TCP connection, with or without TLS, behind one type. What Beast builds on top of it (HTTP, WebSockets) is compiled
// once: not for each kind of stream below, and not again for each handler inside the stream.
//
// Guarantees: a step that is late by expires_at() or expires_after() ends with beast::error::timeout, one that was cancelled
// with operation_aborted; each handler is called once, never from within the call that takes it.
//
// Threads: the one that runs the executor; handlers are called there, whatever executor they are associated with.
#pragma once

#include <array>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/core/role.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace boost::asio::ssl {
class context;
}

namespace janji::cluster {

class byte_stream {
public:
  using error_code = boost::system::error_code;
  using executor_type = boost::asio::any_io_executor;
  using done = std::move_only_function<void(const error_code&, std::size_t)>;

  // With a context: TLS, once the handshake is done. The stream keeps the context.
  byte_stream(boost::asio::ip::tcp::socket socket, std::shared_ptr<boost::asio::ssl::context> tls);
  ~byte_stream();
  byte_stream(byte_stream&&) noexcept;
  byte_stream& operator=(byte_stream&&) noexcept;

  [[nodiscard]] executor_type get_executor() const;
  [[nodiscard]] boost::asio::ip::tcp::socket& socket();
  void expires_at(std::chrono::steady_clock::time_point deadline);
  void expires_after(std::chrono::steady_clock::duration patience);
  void expires_never();
  void cancel();
  void close();

  // To the first of the addresses that answers; without delay of small packets from then on.
  void connect(const boost::asio::ip::tcp::resolver::results_type& found, done then);
  void accepted();  // the other side of it
  // The handshake of TLS where there is TLS, else nothing. A client asks for the certificate of `host`.
  void handshake_client(const std::string& host, done then);
  void handshake_server(done then);
  [[nodiscard]] bool is_encrypted() const;
  // Of the other side's certificate, after the handshake; none where it has shown none.
  [[nodiscard]] std::vector<std::string> peer_uris() const;
  // The error of a step in words; why the other side's certificate was not taken, if that is why.
  [[nodiscard]] std::string words_of(const error_code& ec) const;
  // What TLS 1.3 says in place of an answer: the other side has not taken this one's certificate, and has read nothing of what was sent.
  [[nodiscard]] static bool certificate_is_refused(const error_code& ec);

  // As Asio's concept of an asynchronous stream has it.
  template <class BUFFERS, class HANDLER>
  auto async_read_some(const BUFFERS& buffers, HANDLER&& handler) {
    return boost::asio::async_initiate<HANDLER, void(error_code, std::size_t)>(
        [this](auto&& then, const BUFFERS& all) { read_some(first_of<boost::asio::mutable_buffer>(all), done(std::move(then))); }, handler,
        buffers);
  }
  template <class BUFFERS, class HANDLER>
  auto async_write_some(const BUFFERS& buffers, HANDLER&& handler) {
    return boost::asio::async_initiate<HANDLER, void(error_code, std::size_t)>(
        [this](auto&& then, const BUFFERS& all) { write_some(first_of<boost::asio::const_buffer>(all), done(std::move(then))); }, handler,
        buffers);
  }

  // How Beast ends a WebSocket: what was written still goes out, nothing more is sent.
  friend void beast_close_socket(byte_stream& stream) { stream.close(); }
  template <class HANDLER>
  friend void async_teardown(boost::beast::role_type, byte_stream& stream, HANDLER&& handler) {
    stream.shut_down([then = std::forward<HANDLER>(handler)](const error_code& ec, std::size_t) mutable { then(ec); });
  }

private:
  // A stream may take less than it is offered: no more than this many parts at a time.
  static constexpr std::size_t parts_max = 8;
  template <class PART>
  struct parts {
    using value_type = PART;
    using const_iterator = const PART*;
    [[nodiscard]] const_iterator begin() const { return at.data(); }
    [[nodiscard]] const_iterator end() const { return at.data() + size; }
    std::array<PART, parts_max> at;
    std::size_t size = 0;
  };
  template <class PART, class BUFFERS>
  static parts<PART> first_of(const BUFFERS& all) {
    parts<PART> out;
    const auto end = boost::asio::buffer_sequence_end(all);
    for (auto it = boost::asio::buffer_sequence_begin(all); it != end && out.size < parts_max; ++it)
      if (PART part = *it; part.size() != 0)
        out.at[out.size++] = part;
    return out;
  }
  void read_some(const parts<boost::asio::mutable_buffer>& into, done then);
  void write_some(const parts<boost::asio::const_buffer>& from, done then);
  void shut_down(done then);

  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace janji::cluster
