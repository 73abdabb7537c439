#include "cluster/streams/byte_stream.hpp"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <optional>
#include <utility>

#include "cluster/streams/certificates.hpp"

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
  const auto named = asio::ssl::host_name_verification(host);
  impl_->tls->set_verify_callback([named](bool preverified, asio::ssl::verify_context& context) {
    const bool good = named(preverified, context);
    if (preverified && !good)
      X509_STORE_CTX_set_error(context.native_handle(), X509_V_ERR_HOSTNAME_MISMATCH);
    return good;
  });
  impl_->tls->async_handshake(asio::ssl::stream_base::client, [then = std::move(then)](const error_code& ec) mutable { then(ec, 0); });
}

void byte_stream::handshake_server(done then) {
  if (!impl_->tls)
    return asio::post(get_executor(), [then = std::move(then)]() mutable { then({}, 0); });
  impl_->tls->async_handshake(asio::ssl::stream_base::server, [then = std::move(then)](const error_code& ec) mutable { then(ec, 0); });
}

bool byte_stream::is_encrypted() const { return impl_->tls.has_value(); }

std::vector<std::string> byte_stream::peer_uris() const {
  if (!impl_->tls)
    return {};
  const std::unique_ptr<X509, decltype(&X509_free)> shown(SSL_get1_peer_certificate(impl_->tls->native_handle()), &X509_free);
  return shown ? facts_of(shown.get()).uris : std::vector<std::string>{};
}

std::string byte_stream::words_of(const error_code& ec) const {
  if (certificate_is_refused(ec))
    return "this side's certificate is not taken: " + ec.message();
  const auto verified = impl_->tls ? SSL_get_verify_result(impl_->tls->native_handle()) : X509_V_OK;
  if (!ec || ec.category() != asio::error::get_ssl_category() || verified == X509_V_OK)
    return ec.message();
  return std::string("the certificate that it shows is not taken: ") + X509_verify_cert_error_string(verified);
}

bool byte_stream::certificate_is_refused(const error_code& ec) {
  if (ec.category() != asio::error::get_ssl_category())
    return false;
  switch (ERR_GET_REASON(static_cast<unsigned long>(ec.value())) - SSL_AD_REASON_OFFSET) {
    case SSL_AD_BAD_CERTIFICATE:
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
    case SSL_AD_CERTIFICATE_REVOKED:
    case SSL_AD_CERTIFICATE_EXPIRED:
    case SSL_AD_CERTIFICATE_UNKNOWN:
    case SSL_AD_UNKNOWN_CA:
    case SSL_AD_CERTIFICATE_REQUIRED: return true;
    default: return false;
  }
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
