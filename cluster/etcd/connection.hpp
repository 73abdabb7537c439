// One connection to one of etcd's endpoints at a time, with fail-over: JSON posted to its gateway, JSON back. Calls block
// up to their deadline.
//
// Threads: one at a time, except interrupt().
#pragma once

#include <atomic>
#include <boost/json/object.hpp>
#include <chrono>
#include <expected>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cluster/etcd/options.hpp"

// Asio and Beast are slow to compile: only connection.cpp needs them.
namespace boost::asio {
class io_context;
namespace ssl {
class context;
}
}  // namespace boost::asio
namespace janji::cluster {
class byte_stream;
}

namespace janji::cluster::etcd {

using steady = std::chrono::steady_clock;

struct endpoint {
  std::string host;
  std::string port;
  bool tls = false;
};
// No error shows what may be a password.
std::expected<endpoint, std::string> parse_endpoint(std::string_view text);

// The certificates as they were read last; connections made from then on use them. Any thread.
class tls_files {
public:
  using context = std::shared_ptr<boost::asio::ssl::context>;
  explicit tls_files(context now) : now_(std::move(now)) {}
  [[nodiscard]] context now() const {
    const std::lock_guard lock(mutex_);
    return now_;
  }
  void replace(context now) {
    const std::lock_guard lock(mutex_);
    now_.swap(now);
  }

private:
  mutable std::mutex mutex_;
  context now_;
};

struct failure {
  bool may_have_happened = false;  // the request may have reached etcd and taken effect
  int code = 0;                    // etcd's own (gRPC's numbers); 0: none was said
  std::string text;
  bool forgotten = false;  // what is shown is older than what was shown before
};
[[nodiscard]] bool is_of_old_rights(const failure& f);
constexpr int code_permission_denied = 7;
constexpr int code_unavailable = 14;
constexpr int code_unauthenticated = 16;
constexpr std::chrono::milliseconds election_poll{100};  // between two members that have no leader
constexpr std::chrono::milliseconds answer_takes{200};   // at most, of a member that is there

class connection {
public:
  // `tls` is needed where an endpoint is https.
  // `first`: the endpoint to begin with, so that not all nodes hang on one member.
  connection(std::vector<endpoint> endpoints, std::shared_ptr<tls_files> tls, std::size_t first = 0);
  ~connection();
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  enum class again : bool { no, yes };
  // `repeat`: what has no effect may be sent again to the next endpoint after a failure half-way. A member that has no leader does
  // nothing and says so: the next one is asked, and all again while there is time for an answer.
  std::expected<boost::json::object, failure> post(std::string_view path, const boost::json::object& body, std::string_view token,
                                                   again repeat, steady::time_point deadline);
  // To the next endpoint: what this one says is of the past.
  void leave() { next_endpoint(); }
  // A call whose answer goes on: every object is given to `each` until it says false, the deadline has come or the connection ends.
  // Nothing: an end without error. A member of etcd that has no leader, because it is cut off from the others, ends it with one.
  std::expected<void, failure> stream(std::string_view path, const boost::json::object& body, std::string_view token,
                                      const std::function<bool(boost::json::object&&)>& each, steady::time_point deadline);
  // Ends what is under way, and every later call, with a failure. Any thread.
  void interrupt();
  [[nodiscard]] const endpoint& current() const { return endpoints_[at_]; }

private:
  std::expected<void, std::string> connect(steady::time_point deadline);
  std::expected<void, std::string> ready(steady::time_point deadline);
  [[nodiscard]] failure failure_of(const boost::system::error_code& ec) const;
  [[nodiscard]] bool still_open();
  void close();
  void pause(steady::time_point until);
  void next_endpoint();
  struct handler;
  boost::system::error_code finish(steady::time_point deadline, const std::function<void(handler)>& start);
  boost::system::error_code sent(steady::time_point deadline, const std::function<void(handler)>& write);

  std::unique_ptr<boost::asio::io_context> io_;
  std::vector<endpoint> endpoints_;
  std::size_t at_ = 0;
  std::shared_ptr<tls_files> tls_;
  std::unique_ptr<byte_stream> stream_;
  std::atomic<bool> interrupted_{false};
};

}  // namespace janji::cluster::etcd
