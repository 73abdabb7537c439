#include "cluster/streams/byte_stream.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <optional>
#include <utility>

namespace janji::cluster {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;

struct byte_stream::impl {
  std::shared_ptr<asio::ssl::context> context;
  std::optional<beast::tcp_stream> plain;
  std::optional<beast::ssl_stream<beast::tcp_stream>> tls;

  beast::tcp_stream& lowest() { return tls ? tls->next_layer() : *plain; }
  void no_delay() {
    error_code ignored;
    lowest().socket().set_option(tcp::no_delay(true), ignored);
  }
};

byte_stream::byte_stream(tcp::socket socket, std::shared_ptr<asio::ssl::context> tls) : impl_(std::make_unique<impl>()) {
  impl_->context = std::move(tls);
  if (impl_->context)
    impl_->tls.emplace(beast::tcp_stream(std::move(socket)), *impl_->context);
  else
    impl_->plain.emplace(std::move(socket));
}
byte_stream::~byte_stream() = default;
byte_stream::byte_stream(byte_stream&&) noexcept = default;
byte_stream& byte_stream::operator=(byte_stream&&) noexcept = default;

byte_stream::executor_type byte_stream::get_executor() const { return impl_->lowest().get_executor(); }
tcp::socket& byte_stream::socket() { return impl_->lowest().socket(); }
void byte_stream::expires_at(std::chrono::steady_clock::time_point deadline) { impl_->lowest().expires_at(deadline); }
void byte_stream::expires_after(std::chrono::steady_clock::duration patience) { impl_->lowest().expires_after(patience); }
void byte_stream::expires_never() { impl_->lowest().expires_never(); }
void byte_stream::cancel() { impl_->lowest().cancel(); }
void byte_stream::close() { impl_->lowest().close(); }

void byte_stream::connect(const tcp::resolver::results_type& found, done then) {
  impl_->lowest().async_connect(found, [impl = impl_.get(), then = std::move(then)](const error_code& ec, const tcp::endpoint&) mutable {
    if (!ec)
      impl->no_delay();
    then(ec, 0);
  });
}

void byte_stream::accepted() { impl_->no_delay(); }

void byte_stream::handshake_client(const std::string& host, done then) {
  if (!impl_->tls)
    return asio::post(get_executor(), [then = std::move(then)]() mutable { then({}, 0); });
  SSL_set_tlsext_host_name(impl_->tls->native_handle(), host.c_str());
  impl_->tls->set_verify_callback(asio::ssl::host_name_verification(host));
  impl_->tls->async_handshake(asio::ssl::stream_base::client, [then = std::move(then)](const error_code& ec) mutable { then(ec, 0); });
}

void byte_stream::handshake_server(done then) {
  if (!impl_->tls)
    return asio::post(get_executor(), [then = std::move(then)]() mutable { then({}, 0); });
  impl_->tls->async_handshake(asio::ssl::stream_base::server, [then = std::move(then)](const error_code& ec) mutable { then(ec, 0); });
}

void byte_stream::read_some(const parts<asio::mutable_buffer>& into, done then) {
  if (impl_->tls)
    impl_->tls->async_read_some(into, std::move(then));
  else
    impl_->plain->async_read_some(into, std::move(then));
}

void byte_stream::write_some(const parts<asio::const_buffer>& from, done then) {
  if (impl_->tls)
    impl_->tls->async_write_some(from, std::move(then));
  else
    impl_->plain->async_write_some(from, std::move(then));
}

void byte_stream::shut_down(done then) {
  error_code ec;
  socket().shutdown(tcp::socket::shutdown_send, ec);
  asio::post(get_executor(), [then = std::move(then), ec]() mutable { then(ec, 0); });
}

}  // namespace janji::cluster
