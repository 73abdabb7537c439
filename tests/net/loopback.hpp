// A listener on a thread of its own with a handler that does what the path says, and a client that sees every byte.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <future>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "net/listener.hpp"
#include "net/problem.hpp"

namespace janji::net::test {

// What a client may wait at most: only ever reached by a test that fails.
inline constexpr int patience_s = 20;

struct client_answer {
  unsigned status = 0;  // 0: the connection ended instead
  std::string version;
  std::multimap<std::string, std::string> fields;  // names in lower case
  std::string body;
  [[nodiscard]] std::string field(const std::string& name) const {
    const auto it = fields.find(name);
    return it == fields.end() ? "" : it->second;
  }
};

struct not_connected_t {};
inline constexpr not_connected_t not_connected;

class client {
public:
  explicit client(not_connected_t) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval most{patience_s, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
  }
  explicit client(std::uint16_t port, int receive_buffer_bytes = 0) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval most{patience_s, 0};
    const int yes = 1;
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof most);
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (receive_buffer_bytes != 0) {
      const int segment_bytes = 1400;  // as on a real way: loopback's own are larger than so small a window
      ::setsockopt(fd_, IPPROTO_TCP, TCP_MAXSEG, &segment_bytes, sizeof segment_bytes);
      ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof receive_buffer_bytes);
    }
    connect_to(port);
  }
  bool connect_to(std::uint16_t port) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return connected_ = ::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
  }
  client(client&& other) noexcept : fd_(std::exchange(other.fd_, -1)), connected_(other.connected_), unread_(std::move(other.unread_)) {}
  client& operator=(client&& other) noexcept {
    std::swap(fd_, other.fd_);
    connected_ = other.connected_;
    unread_ = std::move(other.unread_);
    return *this;
  }
  ~client() {
    if (fd_ >= 0)
      ::close(fd_);
  }
  [[nodiscard]] bool connected() const { return connected_; }

  // False when the other side has gone.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0)
        return false;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }
  void send_urgent() { (void)::send(fd_, "!", 1, MSG_OOB | MSG_NOSIGNAL); }
  void shut_sending() { ::shutdown(fd_, SHUT_WR); }
  // Closes with a reset instead of an end.
  void reset() {
    const linger now{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    ::close(std::exchange(fd_, -1));
  }

  // The next answer; `of_head`: it has no body whatever its Content-Length.
  client_answer answer(bool of_head = false) {
    client_answer a;
    auto end = std::string::npos;
    while ((end = unread_.find("\r\n\r\n")) == std::string::npos)
      if (!more())
        return a;
    read_head(unread_.substr(0, end + 2), a);
    unread_.erase(0, end + 4);
    const auto size = of_head || a.status == 100 ? 0 : std::strtoul(a.field("content-length").c_str(), nullptr, 10);
    while (unread_.size() < size)
      if (!more())
        return {};
    a.body = unread_.substr(0, size);
    unread_.erase(0, size);
    return a;
  }
  client_answer ask(std::string_view bytes) {
    send(bytes);
    return answer();
  }
  // True when the other side has ended without another byte.
  bool at_end() { return unread_.empty() && !more() && !timed_out_; }
  // True when something, or an end, is there to be read.
  [[nodiscard]] bool readable() const {
    pollfd p{fd_, POLLIN, 0};
    return !unread_.empty() || ::poll(&p, 1, 0) == 1;
  }
  void pause(int ms) { ::poll(nullptr, 0, ms); }
  std::size_t read_some(std::size_t bytes_max) {
    std::string bytes(bytes_max, '\0');
    const auto n = ::recv(fd_, bytes.data(), bytes.size(), 0);
    unread_.append(bytes, 0, n > 0 ? static_cast<std::size_t>(n) : 0);
    return n > 0 ? static_cast<std::size_t>(n) : 0;
  }

private:
  bool more() {
    char bytes[16 * 1024];
    const auto n = ::recv(fd_, bytes, sizeof bytes, 0);
    timed_out_ = n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    if (n > 0)
      unread_.append(bytes, static_cast<std::size_t>(n));
    return n > 0;
  }
  static void read_head(const std::string& head, client_answer& a) {
    a.version = head.substr(0, 8);
    a.status = static_cast<unsigned>(std::strtoul(head.c_str() + 9, nullptr, 10));
    for (auto at = head.find("\r\n") + 2; at < head.size();) {
      const auto end = head.find("\r\n", at);
      const auto colon = head.find(": ", at);
      auto name = head.substr(at, colon - at);
      std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      a.fields.emplace(name, head.substr(colon + 2, end - colon - 2));
      at = end + 2;
    }
  }

  int fd_;
  bool connected_ = false;
  bool timed_out_ = false;
  std::string unread_;
};

// While it lives this process opens nothing more.
class no_more_descriptors {
public:
  no_more_descriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const int next = ::dup(0);  // the lowest that is free
    ::close(next);
    const rlimit none{static_cast<rlim_t>(next), before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &none);
  }
  ~no_more_descriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  no_more_descriptors(const no_more_descriptors&) = delete;
  no_more_descriptors& operator=(const no_more_descriptors&) = delete;

private:
  rlimit before_{};
};

// What comes of a body, piece by piece.
struct counting_taker final : body_taker {
  counting_taker(std::atomic<int>& alive, bool keeps) : alive_(alive), keeps_(keeps) { ++alive_; }
  ~counting_taker() override { --alive_; }
  counting_taker(const counting_taker&) = delete;
  counting_taker& operator=(const counting_taker&) = delete;
  void take(std::string_view piece) override {
    bytes += piece.size();
    largest = std::max(largest, piece.size());
    last = piece.back();
  }
  [[nodiscard]] std::size_t held_bytes() const override { return keeps_ ? bytes : 0; }
  std::size_t bytes = 0, largest = 0;
  char last = 0;

private:
  std::atomic<int>& alive_;
  bool keeps_;
};

// /taken: its body is taken while it comes; /kept: and all of it is kept · /forbidden: nobody may send a body there · /small: a hundred
// bytes at most /echo: "<method> <path>?<query> <body>" · /large?bytes=N · /same: the same large one for all · /later: when release() is
// called · /lists: headers that are lists · /drop: never.
class scripted_handler final : public handler {
public:
  void handle(const request& r, responder&& respond) override {
    response out;
    out.content_type = "text/plain";
    out.body = std::string(name_of(r.verb)) + " " + std::string(r.path) + "?" + std::string(r.query) + " " + std::string(r.body);
    const std::lock_guard lock{mutex_};
    seen_.push_back(out.body);
    if (auto* taken = static_cast<counting_taker*>(r.taker)) {
      out.body = std::to_string(taken->bytes) + (taken->largest > 64 * 1024 ? " in large pieces" : "") + (r.body.empty() ? "" : " twice");
      out.body.append(" to ").append(1, taken->last);
    }
    if (r.path == "/lists")
      out.body.assign(r.if_none_match).append(" | ").append(r.accept_encoding).append(" | ").append(r.accept_language);
    if (r.path == "/drop")
      return;
    if (r.path == "/later")
      return kept_.emplace_back(std::move(respond), std::move(out)), void();
    if (r.path == "/same") {
      static const auto page = std::make_shared<std::string>(large(same_bytes));
      out.view = *page;
      out.shared = page;
    }
    if (r.path == "/large") {
      const auto bytes = std::make_shared<std::string>(large(std::strtoul(query_value(r.query, "bytes").c_str(), nullptr, 10)));
      out.view = *bytes;
      out.shared = bytes;
    }
    respond(std::move(out));
  }
  std::optional<response> refuse_body(const request& head, std::uint64_t& bytes_max) override {
    if (head.path == "/small")
      bytes_max = 100;
    return head.path == "/forbidden" ? std::optional(to_response({.code = problem_code::unauthorised})) : std::nullopt;
  }
  std::unique_ptr<body_taker> take_body(const request& head) override {
    return head.path == "/taken" || head.path == "/kept" ? std::make_unique<counting_taker>(takers_, head.path == "/kept") : nullptr;
  }
  [[nodiscard]] int takers() const { return takers_; }
  response refusal(const problem& p, const request& known) override {
    auto out = to_response(p);
    const auto origin = known.origin;
    out.add("X-Origin", origin);
    return out;
  }
  static constexpr std::size_t same_bytes = std::size_t{3} << 20;
  static std::string large(std::size_t bytes) {
    std::string out(bytes, '\0');
    for (std::size_t i = 0; i < bytes; ++i)
      out[i] = static_cast<char>('a' + (i / 7 + i) % 26);
    return out;
  }

  [[nodiscard]] std::vector<std::string> seen() const {
    const std::lock_guard lock{mutex_};
    return seen_;
  }
  // From the listener's thread: answers those kept back, from the n-th on.
  void release(std::size_t from = 0) {
    std::vector<std::pair<responder, response>> out;
    {
      const std::lock_guard lock{mutex_};
      std::move(kept_.begin() + static_cast<std::ptrdiff_t>(from), kept_.end(), std::back_inserter(out));
      kept_.resize(from);
    }
    for (auto& [respond, r] : out)
      respond(std::move(r));
  }
  [[nodiscard]] std::size_t kept() const {
    const std::lock_guard lock{mutex_};
    return kept_.size();
  }
  void forget_kept() {
    std::vector<std::pair<responder, response>> out;
    const std::lock_guard lock{mutex_};
    out.swap(kept_);
  }

private:
  std::atomic<int> takers_{0};
  mutable std::mutex mutex_;
  std::vector<std::string> seen_;
  std::vector<std::pair<responder, response>> kept_;
};

// Runs an io_context on a thread; stops it when it goes.
class loop {
public:
  loop() : thread_([this] { io_.run(); }) {}
  ~loop() { stop(); }
  void stop() {
    io_.stop();
    if (thread_.joinable())
      thread_.join();
  }
  boost::asio::io_context& io() { return io_; }
  // `use` on the loop's thread.
  template <class Use>
  auto run(Use use) {
    std::packaged_task<std::invoke_result_t<Use>()> task(std::move(use));
    auto result = task.get_future();
    boost::asio::post(io_, [&] { task(); });
    return result.get();
  }
  // Waits until it is so on the loop's thread; false when patience ends.
  bool wait_until(std::function<bool()> condition, std::chrono::milliseconds patience = std::chrono::seconds(patience_s)) {
    const auto until = std::chrono::steady_clock::now() + patience;
    while (!run(condition)) {
      if (std::chrono::steady_clock::now() > until)
        return false;
      run([this] {  // a moment of the loop's, so that looking does not take the processor it waits for
        boost::asio::steady_timer moment(io_, std::chrono::milliseconds(2));
        moment.wait();
      });
    }
    return true;
  }

private:
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{io_.get_executor()};
  std::thread thread_;
};

class server {
public:
  explicit server(const http_limits& limits = {}) {
    loop_.run([&] { listener_ = std::move(*listener::open(loop_.io(), "127.0.0.1", 0, limits, handler_)); });
    port_ = listener_->port();
  }
  ~server() {
    loop_.run([this] {
      handler_.forget_kept();
      listener_.reset();
    });
    loop_.stop();
  }
  [[nodiscard]] client connect(int receive_buffer_bytes = 0) const { return client(port_, receive_buffer_bytes); }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::vector<std::string> seen() const { return handler_.seen(); }
  bool wait_for_kept(std::size_t n) {
    return loop_.wait_until([&] { return handler_.kept() == n; });
  }
  bool wait_for_seen(std::size_t n) {
    return loop_.wait_until([&] { return handler_.seen().size() >= n; });
  }
  bool wait_for_connections(std::size_t n, std::chrono::milliseconds patience = std::chrono::seconds(patience_s)) {
    return loop_.wait_until([&] { return listener_->connections() == n; }, patience);
  }
  std::size_t kept() const { return handler_.kept(); }
  bool wait_for_takers(int n) {
    return loop_.wait_until([&] { return handler_.takers() == n; });
  }
  void release(std::size_t from = 0) {
    loop_.run([&] { handler_.release(from); });
  }
  void stop_accepting() {
    loop_.run([&] { listener_->stop_accepting(); });
  }

private:
  scripted_handler handler_;
  loop loop_;
  std::unique_ptr<listener> listener_;
  std::uint16_t port_ = 0;
};

inline std::string get(std::string_view target, std::string_view more = "") {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: x\r\n" + std::string(more) + "\r\n";
}
inline std::string post(std::string_view target, std::string_view body, std::string_view more = "") {
  return "POST " + std::string(target) + " HTTP/1.1\r\nHost: x\r\n" + std::string(more) + "Content-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + std::string(body);
}

}  // namespace janji::net::test
