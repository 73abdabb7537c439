// Whatever bytes a stranger sends over one connection, cut wherever they are cut: every answer is well-formed, in its turn,
// and none follows the one that says close; afterwards nothing is left of the connection.
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "net/problem.hpp"
#include "net/session.hpp"

namespace {

using namespace janji::net;

void check(bool good) {
  if (!good)
    std::abort();
}

// Answers at once, later, or never, as the path says; looks at every byte of the request.
class any_handler final : public handler {
public:
  void handle(const request& r, responder&& respond) override {
    ++seen;
    std::size_t sum = 0;
    for (const auto part : {r.path, r.query, r.body, r.accept_encoding, r.authorization, r.content_type, r.idempotency_key, r.if_none_match,
                            r.origin, r.request_id})
      for (const char c : part)
        sum += static_cast<unsigned char>(c);
    check(r.path.starts_with('/') || r.path == "*");
    check(r.body.size() <= http_limits{}.body_bytes_max);
    response out;
    if (r.path.starts_with("/z"))
      return;
    if (r.path.starts_with("/n"))
      out.status = 304;
    else if (r.path.starts_with("/L"))
      out.body.assign(20'000, 'x');
    else
      out.body = std::to_string(sum);
    out.add("X-Request-Id", r.request_id);
    if (r.path.starts_with("/w"))
      kept.emplace_back(std::move(respond), std::move(out));
    else
      respond(std::move(out));
  }
  response refusal(const problem& p, const request& known) override {
    auto out = to_response(p);
    const auto origin = known.origin;
    out.add("X-Origin", origin);
    return out;
  }
  arrival hear() override { return {heard, janji::unix_ms{++looks}, {}}; }
  void release() {
    auto all = std::move(kept);
    kept.clear();
    for (auto& [respond, r] : all)
      respond(std::move(r));
  }
  std::size_t seen = 0;
  std::shared_ptr<const std::vector<janji::stamp>> heard = std::make_shared<const std::vector<janji::stamp>>(1);
  std::int64_t looks = 0;
  std::vector<std::pair<responder, response>> kept;
};

// Reads all that is there; false at the end.
bool drain(int fd, std::string& out) {
  std::array<char, 16 * 1024> bytes;  // NOLINT: filled by recv
  for (;;) {
    const auto n = ::recv(fd, bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (n <= 0)
      return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    out.append(bytes.data(), static_cast<std::size_t>(n));
  }
}

// How many answers there are in these bytes; the last may have been cut when `cut`.
std::size_t answers_in(std::string_view bytes, bool cut) {
  std::size_t n = 0;
  bool last = false;
  while (!bytes.empty()) {
    check(!last);
    const auto end = bytes.find("\r\n\r\n");
    if (end == std::string_view::npos) {
      check(cut);
      break;
    }
    const auto head = bytes.substr(0, end + 2);
    check(head.starts_with("HTTP/1.1 "));
    bytes.remove_prefix(end + 4);
    if (head.starts_with("HTTP/1.1 100"))
      continue;
    ++n;
    last = head.contains("\r\nConnection: close\r\n");
    constexpr std::string_view name = "\r\nContent-Length: ";
    const auto at = head.find(name);
    if (at == std::string_view::npos)
      continue;
    const auto size = std::strtoul(std::string(head.substr(at + name.size(), 20)).c_str(), nullptr, 10);
    if (bytes.starts_with("HTTP/1.1 ") || bytes.empty())
      continue;  // the answer to a HEAD
    if (bytes.size() < size) {
      check(cut);
      return n;
    }
    bytes.remove_prefix(size);
  }
  return n;
}

}  // namespace

// The first byte of the input cuts the rest; odd ones end with half a close, even ones with a whole one.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0)
    return 0;
  const std::size_t piece = data[0] / 2 == 0 ? size : data[0] / 2;
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::array<int, 2> ends{};
  check(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) == 0);
  boost::asio::io_context io;
  any_handler handler;
  std::string out;
  {
    const auto core = std::make_shared<listener_core>(io, http_limits{}, handler);
    core->date_field = "Date: Wed, 26 May 2021 04:00:00 GMT\r\n";
    core->hears = true;
    core->watcher.assign(::dup(core->watch.descriptor()));
    core->wait_for_changes();
    make_connection(stream_socket(ends[0]), boost::asio::ip::address_v4::loopback(), core, handler.hear())->start();
    bool open = true;
    while (open && !rest.empty()) {
      const auto n = ::send(ends[1], rest.data(), std::min(piece, rest.size()), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (n > 0)
        rest.remove_prefix(static_cast<std::size_t>(n));
      io.restart();
      io.poll();
      open = drain(ends[1], out) && (n >= 0 || errno == EAGAIN || errno == EWOULDBLOCK);
      if (rest.size() % 3 == 0)
        handler.release();
    }
    if (data[0] % 2 != 0)
      ::shutdown(ends[1], SHUT_WR);
    for (int turns = 0; open && turns < 64; ++turns) {
      handler.release();
      io.restart();
      io.poll();
      open = drain(ends[1], out);
    }
    ::close(ends[1]);
    check(answers_in(out, !open) <= handler.seen + 1);
    handler.release();
    io.restart();
    io.poll();
    check(core->connections == 0);
    core->watcher.close();
    io.restart();
    io.poll();
  }
  return 0;
}
