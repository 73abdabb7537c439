// One link: the hello in the headers of the WebSocket's upgrade, then frames of envelopes both ways.
#include <fmt/format.h>

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <cstring>
#include <utility>

#include "cluster/streams/byte_stream.hpp"
#include "net/links/links_core.hpp"
#include "schema/envelope.hpp"

namespace janji::net {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
namespace websocket = boost::beast::websocket;
using boost::system::error_code;

namespace {

constexpr std::size_t credit_after_bytes = 64 * 1024;
constexpr auto hello_patience = std::chrono::seconds(5);
constexpr std::string_view path = "/janji/links";

template <class Message>
std::string_view header_of(const Message& m, std::string_view name) {
  const auto it = m.find(beast::string_view(name.data(), name.size()));
  return it == m.end() ? std::string_view{} : std::string_view(it->value().data(), it->value().size());
}

template <class Message>
void say_hello(Message& m, const links_core& core, const std::string& to) {
  m.set("X-Janji-Links", std::string(wire_version));
  m.set("X-Janji-Cluster", core.options.cluster);
  m.set("X-Janji-Node", std::to_string(core.options.node));
  m.set("X-Janji-Boot", std::to_string(core.options.boot.value));
  m.set("X-Janji-To", to);
}

template <class Message>
std::string wrong_hello(const links_core& core, const Message& m, std::optional<std::uint64_t> expected, cluster::peer& out) {
  return core.wrong_with(header_of(m, "X-Janji-Cluster"), header_of(m, "X-Janji-Links"), header_of(m, "X-Janji-Node"),
                         header_of(m, "X-Janji-Boot"), header_of(m, "X-Janji-To"), expected, out);
}

class session final : public link_session {
public:
  session(links_core& core, asio::ip::tcp::socket socket) : core_(core), ws_(std::move(socket), core.tls()) {}

  std::shared_ptr<session> self() { return std::static_pointer_cast<session>(shared_from_this()); }

  // ---- the side that dials
  void dial(std::uint64_t node, const std::string& host, const asio::ip::tcp::resolver::results_type& found) {
    node_ = node;
    host_ = host;
    lowest().expires_after(hello_patience);
    lowest().connect(found, [me = self()](const error_code& ec, std::size_t) {
      if (ec)
        return me->dial_failed(ec.message());
      me->lowest().handshake_client(
          me->host_, [me](const error_code& e, std::size_t) { e ? me->dial_failed(me->lowest().words_of(e)) : me->look_who_answers(); });
    });
  }

  // ---- the side that is dialled
  void greet() {
    is_stranger = true;
    lowest().expires_after(hello_patience);
    lowest().accepted();
    lowest().handshake_server(
        [me = self()](const error_code& ec, std::size_t) { ec ? me->said_refused(me->lowest().words_of(ec)) : me->read_hello(); });
  }

  void write_more() override {
    if (writing_ || !open_)
      return;
    const auto messages = core_.take(with.node);
    out_.clear();
    if (owed_ >= credit_after_bytes || (owed_ != 0 && !messages.empty()))
      append_credit();
    for (const auto& m : messages)
      append(m.shard, m.kind, m.payload);
    if (out_.empty())
      return;
    core_.counters.sent += messages.size();
    core_.counters.sent_bytes += out_.size();
    writing_ = true;
    ws_.async_write(asio::buffer(out_), [me = self()](const error_code& ec, std::size_t) {
      me->writing_ = false;
      ec ? me->end(ec.message()) : me->write_more();
    });
  }

  void close() override { lowest().close(); }

private:
  cluster::byte_stream& lowest() { return ws_.next_layer(); }

  void dial_failed(const std::string& why) {
    lowest().close();
    if (!core_.stopping)
      core_.dial_failed(node_, why);
  }

  void set_up_stream() {
    lowest().expires_never();  // the WebSocket has timeouts of its own
    websocket::stream_base::timeout t{};
    t.handshake_timeout = hello_patience;
    t.idle_timeout = std::chrono::milliseconds(core_.options.silence_ms);  // half of it, then a ping
    t.keep_alive_pings = true;
    ws_.set_option(t);
    ws_.read_message_max(read_bytes_max);
    ws_.binary(true);
    ws_.auto_fragment(false);
  }

  // Before it is told who asks.
  void look_who_answers() {
    if (const auto wrong = core_.wrong_certificate(lowest(), node_); !wrong.empty())
      return dial_failed(wrong);
    ask_upgrade();
  }

  void ask_upgrade() {
    set_up_stream();
    ws_.set_option(websocket::stream_base::decorator([this](websocket::request_type& r) { say_hello(r, core_, std::to_string(node_)); }));
    ws_.async_handshake(upgrade_answer_, host_, std::string(path), [me = self()](const error_code& ec) {
      if (ec == websocket::error::upgrade_declined) {
        const auto& said = me->upgrade_answer_.body();
        return me->dial_failed(said.empty() ? ec.message() : "refused: " + said.substr(0, 300));
      }
      if (ec)
        return me->dial_failed(me->lowest().words_of(ec));
      const auto wrong = wrong_hello(me->core_, me->upgrade_answer_, me->node_, me->with);
      if (!wrong.empty())
        return me->dial_failed(wrong);
      me->begin();
    });
  }

  void read_hello() {
    http::async_read(ws_.next_layer(), buffer_, hello_, [me = self()](const error_code& ec, std::size_t) {
      if (ec)
        return me->said_refused("no hello came: " + ec.message());
      me->answer_hello();
    });
  }

  void answer_hello() {
    const auto& request = hello_.get();
    if (!websocket::is_upgrade(request) || std::string_view(request.target().data(), request.target().size()) != path)
      return refuse("this is no link");
    if (const auto wrong = wrong_hello(core_, request, std::nullopt, with); !wrong.empty())
      return refuse(wrong);
    if (const auto wrong = core_.wrong_certificate(lowest(), with.node); !wrong.empty())
      return refuse(fmt::format("it says that it is node {}, and {}", with.node, wrong));
    set_up_stream();
    ws_.set_option(
        websocket::stream_base::decorator([this](websocket::response_type& r) { say_hello(r, core_, std::to_string(with.node)); }));
    ws_.async_accept(request, [me = self()](const error_code& ec) { ec ? me->said_refused(ec.message()) : me->begin(); });
  }

  void said_refused(const std::string& why) { core_.refuse(from, why); }

  void refuse(const std::string& why) {
    said_refused(why);
    refusal_ = {http::status::forbidden, 11};
    refusal_.set(http::field::content_type, "text/plain");
    refusal_.body() = why;
    refusal_.keep_alive(false);
    refusal_.prepare_payload();
    http::async_write(ws_.next_layer(), refusal_, [me = self()](const error_code&, std::size_t) { me->lowest().close(); });
  }

  void begin() {
    buffer_.consume(buffer_.size());
    is_stranger = false;
    if (!core_.established(self()))
      return lowest().close();
    open_ = true;
    write_more();
    read();
  }

  void read() {
    ws_.async_read(buffer_, [me = self()](const error_code& ec, std::size_t) {
      if (ec || !me->open_)
        return me->end(ec.message());
      me->take_frame();
    });
  }

  void take_frame() {
    const auto bytes = buffer_.cdata();
    const std::string_view frame(static_cast<const char*>(bytes.data()), bytes.size());
    core_.counters.received_bytes += frame.size();
    std::string wrong;
    const auto read_all = schema::for_each_envelope(frame, [&](const schema::envelope& e) {
      if (wrong.empty())
        take_envelope(e, wrong);
    });
    if (!read_all || !wrong.empty()) {
      lowest().close();
      return end(!read_all ? read_all.error().text : wrong);
    }
    buffer_.consume(buffer_.size());
    if (owed_ >= credit_after_bytes)
      write_more();
    if (open_)
      read();
  }

  void take_envelope(const schema::envelope& e, std::string& wrong) {
    if (e.source_node != with.node || e.source_boot != with.boot.value || e.destination_node != core_.options.node) {
      wrong = "it sent a message of somebody else or for somebody else";
      return;
    }
    if (e.kind == kind_credit) {
      std::uint64_t cost = 0;
      if (e.payload.size() != sizeof cost) {
        wrong = "a credit that is no number";
        return;
      }
      std::memcpy(&cost, e.payload.data(), sizeof cost);
      return core_.credited(with.node, cost);
    }
    owed_ += cost_of(e.payload.size());
    if (e.destination_boot != core_.options.boot.value) {
      ++core_.counters.dropped_former_life;
    } else {
      ++core_.counters.received;
      core_.events.received(with, {e.shard, e.kind, {}, std::string(e.payload)});
    }
  }

  void append(shard_id shard, std::uint16_t kind, std::string_view payload) {
    schema::append_envelope(out_, {core_.options.node, core_.options.boot.value, with.node, with.boot.value, shard, {}, kind, payload});
  }
  void append_credit() {
    const std::uint64_t cost = std::exchange(owed_, 0);
    std::string_view bytes(reinterpret_cast<const char*>(&cost), sizeof cost);
    append({}, kind_credit, bytes);
  }

  void end(const std::string& why) {
    if (!std::exchange(open_, false))
      return;
    lowest().close();
    core_.ended(this, why);
  }

  links_core& core_;
  websocket::stream<cluster::byte_stream> ws_;
  std::uint64_t node_ = 0;  // that is dialled
  std::string host_;
  beast::flat_buffer buffer_;
  http::request_parser<http::empty_body> hello_;
  websocket::response_type upgrade_answer_;
  http::response<http::string_body> refusal_;
  std::string out_;
  std::uint64_t owed_ = 0;  // cost of what was received and not yet credited
  bool writing_ = false;
  bool open_ = false;
};

}  // namespace

void dial_peer(links_core& core, std::uint64_t node, const std::string& address) {
  const auto colon = address.rfind(':');
  if (colon == std::string::npos || colon + 1 == address.size())
    return core.dial_failed(node, fmt::format("'{}' is no host:port", address));
  auto host = address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']'))
    host = host.substr(1, host.size() - 2);
  auto resolver = std::make_shared<asio::ip::tcp::resolver>(core.io);
  resolver->async_resolve(host, address.substr(colon + 1),
                          [&core, node, host, resolver](const error_code& ec, const asio::ip::tcp::resolver::results_type& found) {
                            if (core.stopping)
                              return;
                            if (ec)
                              return core.dial_failed(node, host + ": " + ec.message());
                            std::make_shared<session>(core, asio::ip::tcp::socket(core.io))->dial(node, host, found);
                          });
}

std::shared_ptr<link_session> greet_stranger(links_core& core, asio::ip::tcp::socket socket) {
  auto one = std::make_shared<session>(core, std::move(socket));
  one->greet();
  return one;
}

}  // namespace janji::net
