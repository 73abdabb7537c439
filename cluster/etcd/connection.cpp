#include "cluster/etcd/connection.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/json.hpp>
#include <optional>
#include <utility>

#include "cluster/streams/byte_stream.hpp"
#include "cluster/value_store.hpp"

namespace janji::cluster::etcd {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
namespace json = boost::json;
using boost::system::error_code;

std::expected<endpoint, std::string> parse_endpoint(std::string_view text) {
  endpoint e;
  auto rest = text;
  if (rest.contains('@'))
    return std::unexpected(
        std::string("an endpoint of etcd holds no user and no password: cluster.etcd_user and cluster.etcd_password_file say them"));
  if (rest.starts_with("https://"))
    e.tls = true;
  else if (!rest.starts_with("http://"))
    return std::unexpected(fmt::format("an endpoint of etcd is http://host:port or https://host:port, not '{}'", text));
  rest.remove_prefix(e.tls ? 8 : 7);
  if (rest.ends_with('/'))
    rest.remove_suffix(1);
  const auto colon = rest.rfind(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == rest.size() ||
      rest.find_first_not_of("0123456789", colon + 1) != std::string_view::npos || rest.size() - colon > 6 ||
      rest.find_first_of("/?# ") != std::string_view::npos)
    return std::unexpected(fmt::format("'{}' names no host and port", text));
  e.host = rest.substr(0, colon);
  if (e.host.starts_with('[') && e.host.ends_with(']'))
    e.host = e.host.substr(1, e.host.size() - 2);
  e.port = rest.substr(colon + 1);
  return e;
}

connection::connection(std::vector<endpoint> endpoints, std::shared_ptr<tls_files> tls, std::size_t first)
    : io_(std::make_unique<asio::io_context>(1)),
      endpoints_(std::move(endpoints)),
      at_(endpoints_.empty() ? 0 : first % endpoints_.size()),
      tls_(std::move(tls)) {}
connection::~connection() = default;

void connection::interrupt() {
  interrupted_ = true;
  asio::post(*io_, [this] {
    if (stream_)
      stream_->cancel();
  });
}

// One type for every step: each type that is given to Beast is compiled through all its layers.
struct connection::handler {
  error_code* result;
  void operator()(const error_code& ec, std::size_t) const { *result = ec; }
};

// Runs one asynchronous step to its end on this thread; `start` is given the handler to call.
error_code connection::finish(steady::time_point deadline, const std::function<void(handler)>& start) {
  if (interrupted_)
    return asio::error::operation_aborted;
  error_code result = asio::error::would_block;
  stream_->expires_at(deadline);
  start(handler{&result});
  io_->restart();
  while (result == asio::error::would_block && io_->run_one() != 0) {
  }
  return result;
}

namespace {

using found_addresses = asio::ip::tcp::resolver::results_type;

// A name server that is silent keeps nobody waiting beyond the deadline: what it says later is of nobody's use.
error_code resolve(asio::io_context& io, const endpoint& e, steady::time_point deadline, const std::atomic<bool>& interrupted,
                   found_addresses& found) {
  struct asking {
    error_code result = asio::error::would_block;
    found_addresses found;
  };
  const auto state = std::make_shared<asking>();
  asio::ip::tcp::resolver resolver(io);
  asio::steady_timer patience(io, deadline);
  resolver.async_resolve(e.host, e.port, [state](const error_code& ec, const found_addresses& all) {
    if (state->result == asio::error::would_block) {
      state->result = ec;
      state->found = all;
    }
  });
  patience.async_wait([state](const error_code& ec) {
    if (!ec && state->result == asio::error::would_block)
      state->result = asio::error::timed_out;
  });
  io.restart();
  while (state->result == asio::error::would_block && !interrupted && io.run_one() != 0) {
  }
  found = state->found;
  return interrupted ? error_code(asio::error::operation_aborted) : state->result;
}

}  // namespace

std::expected<void, std::string> connection::connect(steady::time_point deadline) {
  const auto& e = endpoints_[at_];
  const auto where = fmt::format("{}:{}", e.host, e.port);
  error_code ec;
  found_addresses found;
  if (ec = resolve(*io_, e, deadline, interrupted_, found); ec)
    return std::unexpected(fmt::format("{}: {}", where, ec.message()));
  if (e.tls && !tls_)
    return std::unexpected(where + ": https without a TLS context");
  stream_ = std::make_unique<byte_stream>(asio::ip::tcp::socket(*io_), e.tls ? tls_->now() : nullptr);
  ec = finish(deadline, [&](handler then) { stream_->connect(found, then); });
  if (!ec)
    ec = finish(deadline, [&](handler then) { stream_->handshake_client(e.host, then); });
  if (!ec)
    return {};
  auto why = failure_of(ec).text;
  close();
  return std::unexpected(std::move(why));
}

// Whoever has closed an idle connection must not make a request's outcome unknown.
bool connection::still_open() {
  if (!stream_)
    return false;
  char byte = 0;
  const auto n = ::recv(stream_->socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

std::expected<void, std::string> connection::ready(steady::time_point deadline) {
  if (still_open())
    return {};
  close();
  return connect(deadline);
}

void connection::pause(steady::time_point until) {
  asio::steady_timer timer(*io_, until);
  bool over = false;
  timer.async_wait([&](const error_code&) { over = true; });
  io_->restart();
  while (!over && !interrupted_ && io_->run_one() != 0) {
  }
  timer.cancel();
  io_->restart();
  io_->poll();
}

void connection::close() { stream_.reset(); }

void connection::next_endpoint() {
  close();
  at_ = (at_ + 1) % endpoints_.size();
}

namespace {

http::request<http::string_body> request_for(const endpoint& e, std::string_view path, const json::object& body, std::string_view token) {
  http::request<http::string_body> r(http::verb::post, {path.data(), path.size()}, 11);
  r.set(http::field::host, e.host + ":" + e.port);
  r.set(http::field::content_type, "application/json");
  r.set("Grpc-Metadata-hasleader", "true");
  if (!token.empty())
    r.set(http::field::authorization, token);
  r.body() = json::serialize(body);
  r.prepare_payload();
  return r;
}

// What a member says at once to whoever asks for one with a leader (Grpc-Metadata-hasleader), and to nobody else: a proposal that it
// took ends otherwise when the leader is lost.
bool is_without_leader(const failure& f) { return f.code == code_unavailable && f.text.find("no leader") != std::string::npos; }

}  // namespace

// What users may do has changed since the token was given: said before anything is done.
bool is_of_old_rights(const failure& f) {
  return f.text.contains("revision in header is old") || f.text.contains("revision of auth store is old");
}

namespace {

// What etcd says when it does not do it: { error, code, message }, inside "error" of a stream.
failure refusal_of(unsigned status, const json::value& body) {
  failure f;
  const auto* o = body.if_object();
  if (o != nullptr)
    if (const auto* inner = o->if_contains("error"); inner != nullptr && inner->is_object())
      o = inner->if_object();
  if (o != nullptr) {
    for (const auto* name : {"code", "grpc_code"})
      if (const auto* v = o->if_contains(name); v != nullptr && v->is_int64())
        f.code = static_cast<int>(v->get_int64());
    for (const auto* name : {"message", "error"})
      if (const auto* v = o->if_contains(name); v != nullptr && v->is_string() && f.text.empty())
        f.text = std::string(v->get_string());
  }
  if (f.text.empty())
    f.text = fmt::format("HTTP status {}", status);
  // Invalid argument, not found, permission denied, too many requests, failed precondition, out of range, unauthenticated:
  // said before anything is done. All else, a time-out or a lost leader, may come after.
  switch (f.code) {
    case 2: f.may_have_happened = !is_of_old_rights(f); break;
    case 3:
    case 5:
    case code_permission_denied:
    case 8:
    case 9:
    case 11:
    case code_unauthenticated: break;
    default: f.may_have_happened = !is_without_leader(f);
  }
  return f;
}

json::value parsed(std::string_view text) {
  error_code ec;
  auto v = json::parse(json::string_view(text.data(), text.size()), ec);
  return ec ? json::value(nullptr) : std::move(v);
}

}  // namespace

std::expected<json::object, failure> connection::post(std::string_view path, const json::object& body, std::string_view token, again repeat,
                                                      steady::time_point deadline) {
  failure last{false, 0, "no endpoint answers"};
  for (std::size_t tried = 0; tried < 2 * endpoints_.size(); ++tried) {  // since one answered
    const auto left = deadline - steady::now();
    if (left <= steady::duration::zero() || interrupted_)
      break;
    // One endpoint that swallows everything must leave time for the next.
    const auto until = endpoints_.size() == 1 ? deadline : steady::now() + left / 2;
    if (auto made = ready(until); !made) {
      last.text = made.error();
      next_endpoint();
      continue;
    }
    const auto& e = endpoints_[at_];
    const auto request = request_for(e, path, body, token);
    auto ec = sent(until, [&](handler then) { http::async_write(*stream_, request, then); });
    beast::flat_buffer buffer;
    http::response_parser<http::string_body> parser;
    parser.body_limit(answer_bytes_max);
    if (!ec)
      ec = finish(until, [&](handler then) { http::async_read(*stream_, buffer, parser, then); });
    if (ec) {
      last = failure_of(ec);
      next_endpoint();
      if (repeat == again::no)
        return std::unexpected(last);
      continue;
    }
    if (!parser.get().keep_alive())
      close();
    auto answer = parsed(parser.get().body());
    if (parser.get().result() == http::status::ok && answer.is_object())
      return std::move(answer.as_object());
    last = refusal_of(parser.get().result_int(), answer);
    if (is_without_leader(last)) {  // cut off from the others, or all of them are choosing one
      next_endpoint();
      if (steady::now() + election_poll + answer_takes > deadline)
        break;  // what is sent once more might not be answered in time, and would have no known outcome
      pause(steady::now() + election_poll);
      tried = 0;
      continue;
    }
    if (repeat == again::no || !last.may_have_happened)
      return std::unexpected(last);
    next_endpoint();
  }
  return std::unexpected(last);
}

// With TLS 1.3 a certificate is judged after the handshake: whoever is refused may hear of it only as a connection that breaks while the
// request goes out. Why stands in what was received before that.
error_code connection::sent(steady::time_point deadline, const std::function<void(handler)>& write) {
  const auto ec = finish(deadline, write);
  if (!ec || !current().tls || (ec != asio::error::broken_pipe && ec != asio::error::connection_reset))
    return ec;
  std::array<char, 1> byte{};
  const auto told = finish(deadline, [&](handler then) { stream_->async_read_some(asio::buffer(byte), then); });
  return byte_stream::certificate_is_refused(told) ? told : ec;
}

// Of a step of a call. Whoever refuses a certificate closes at once, so that what was sent meanwhile may end the connection before the
// refusal is read. Where etcd has not taken this node's certificate only etcd's own log knows why.
failure connection::failure_of(const error_code& ec) const {
  if (byte_stream::certificate_is_refused(ec))
    return {false, 0,
            fmt::format("{}this node's certificate is not taken, or none is shown and one is asked for ({}): look at "
                        "cluster.etcd_certificate_file, and into etcd's log",
                        refused_by_etcd, ec.message())};
  const bool cut = ec == asio::error::broken_pipe || ec == asio::error::connection_reset;
  const std::string also = cut && current().tls ? " (so it ends, too, where this node's certificate is not taken, or none is shown and one "
                                                  "is asked for: look at cluster.etcd_certificate_file, and into etcd's log)"
                                                : "";
  const auto why = stream_ ? stream_->words_of(ec) : ec.message();
  return {true, 0, fmt::format("{}:{}: {}{}", current().host, current().port, why, also)};
}

std::expected<void, failure> connection::stream(std::string_view path, const json::object& body, std::string_view token,
                                                const std::function<bool(json::object&&)>& each, steady::time_point deadline) {
  const auto fail = [&](std::string text) {
    next_endpoint();
    return std::unexpected(failure{true, 0, std::move(text)});
  };
  if (auto made = ready(deadline); !made)
    return fail(made.error());
  const auto where = fmt::format("{}:{}", current().host, current().port);
  const auto request = request_for(current(), path, body, token);
  if (const auto ec = sent(deadline, [&](handler then) { http::async_write(*stream_, request, then); })) {
    auto failed = failure_of(ec);
    next_endpoint();
    return std::unexpected(std::move(failed));
  }
  beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(boost::none);  // it goes on; one object at a time is bounded below
  std::string text;
  bool go_on = true;
  error_code end;
  while (go_on && !end && !parser.is_done()) {
    end = finish(deadline, [&](handler then) { http::async_read_some(*stream_, buffer, parser, then); });
    text += std::exchange(parser.get().body(), {});
    for (auto line = text.find('\n'); go_on && line != std::string::npos; line = text.find('\n')) {
      auto value = parsed(std::string_view(text).substr(0, line));
      text.erase(0, line + 1);
      if (!value.is_object())
        return fail(where + ": what it streams is no JSON");
      if (parser.get().result() != http::status::ok || value.get_object().contains("error")) {
        auto refused = refusal_of(parser.get().result_int(), value);
        refused.code == code_unauthenticated ? close() : next_endpoint();
        return std::unexpected(std::move(refused));
      }
      go_on = each(std::move(value.get_object()));
    }
    if (text.size() > answer_bytes_max)
      return fail(where + ": it streams an object without end");
  }
  if (parser.is_done() && parser.get().result() != http::status::ok) {
    auto refused = refusal_of(parser.get().result_int(), parsed(text));
    refused.code == code_unauthenticated ? close() : next_endpoint();
    return std::unexpected(std::move(refused));
  }
  auto failed = failure_of(end);
  close();
  if (!go_on || end == beast::error::timeout || parser.is_done())
    return {};
  next_endpoint();
  return std::unexpected(std::move(failed));
}

}  // namespace janji::cluster::etcd
