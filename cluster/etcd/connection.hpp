// One connection to one of etcd's endpoints at a time, with fail-over: JSON posted to its gateway, JSON back. Calls block
// up to their deadline.
//
// Threads: one at a time, except interrupt().
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <boost/json/object.hpp>
#include <chrono>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "cluster/etcd/options.hpp"

namespace janji::cluster::etcd {

using steady = std::chrono::steady_clock;

struct endpoint {
  std::string host;
  std::string port;
  bool tls = false;
};
std::expected<endpoint, std::string> parse_endpoint(std::string_view text);

struct failure {
  bool may_have_happened = false;  // the request may have reached etcd and taken effect
  int code = 0;                    // etcd's own (gRPC's numbers); 0: none was said
  std::string text;
  bool forgotten = false;  // what is shown is older than what was shown before
};
constexpr int code_unauthenticated = 16;

class connection {
public:
  // `tls` is needed where an endpoint is https; shared, because certificates are read once.
  connection(std::vector<endpoint> endpoints, std::shared_ptr<boost::asio::ssl::context> tls);
  ~connection();
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  enum class again : bool { no, yes };
  // `repeat`: what has no effect may be sent again to the next endpoint after a failure half-way.
  std::expected<boost::json::object, failure> post(std::string_view path, const boost::json::object& body, std::string_view token,
                                                   again repeat, steady::time_point deadline);
  // A call whose answer goes on: every object is given to `each` until it says false, the deadline has come or the
  // connection ends. Nothing: an end without error.
  std::expected<void, failure> stream(std::string_view path, const boost::json::object& body, std::string_view token,
                                      const std::function<bool(boost::json::object&&)>& each, steady::time_point deadline);
  // Ends what is under way, and every later call, with a failure. Any thread.
  void interrupt();
  [[nodiscard]] const endpoint& current() const { return endpoints_[at_]; }

private:
  template <class Use>
  auto with_stream(Use&& use);
  std::expected<void, std::string> connect(steady::time_point deadline);
  std::expected<void, std::string> ready(steady::time_point deadline);
  [[nodiscard]] bool still_open();
  void close();
  void next_endpoint();
  template <class Start>
  boost::system::error_code finish(steady::time_point deadline, Start&& start);

  boost::asio::io_context io_{1};
  std::vector<endpoint> endpoints_;
  std::size_t at_ = 0;
  std::shared_ptr<boost::asio::ssl::context> tls_context_;
  std::unique_ptr<boost::beast::tcp_stream> plain_;
  std::unique_ptr<boost::beast::ssl_stream<boost::beast::tcp_stream>> tls_;
  std::atomic<bool> interrupted_{false};
};

}  // namespace janji::cluster::etcd
