#include "apps/load/client.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/json.hpp>
#include <charconv>
#include <fstream>
#include <set>
#include <sstream>

namespace janji::load {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace json = boost::json;

std::expected<target, std::string> read_target(std::string_view url) {
  constexpr std::string_view scheme = "http://";
  const auto wrong = std::unexpected("a target is http://host:port, not '" + std::string(url) + "'");
  if (!url.starts_with(scheme))
    return wrong;
  url.remove_prefix(scheme.size());
  if (url.ends_with('/'))
    url.remove_suffix(1);
  const auto colon = url.rfind(':');
  if (colon == std::string_view::npos || colon == 0)
    return wrong;
  target t;
  t.host = url.substr(0, colon);
  if (t.host.starts_with('[') && t.host.ends_with(']'))
    t.host = t.host.substr(1, t.host.size() - 2);
  const auto port = url.substr(colon + 1);
  const auto [end, ec] = std::from_chars(port.data(), port.data() + port.size(), t.port);
  if (ec != std::errc{} || end != port.data() + port.size() || t.port == 0)
    return wrong;
  return t;
}

std::expected<std::uint16_t, std::string> port_of(const target& t) {
  if (t.ports_file.empty())
    return t.port;
  std::ifstream in(t.ports_file);
  std::stringstream text;
  text << in.rdbuf();
  json::error_code ec;
  const auto v = json::parse(text.str(), ec);
  if (!in || ec || !v.is_object())
    return std::unexpected(t.ports_file + " does not hold the ports of a node (yet)");
  const auto* port = v.get_object().if_contains("port");
  if (port == nullptr || !port->is_int64() || port->get_int64() <= 0 || port->get_int64() > 65535)
    return std::unexpected(t.ports_file + " names no port");
  return static_cast<std::uint16_t>(port->get_int64());
}

std::expected<bool, std::string> is_loopback(const std::string& host) {
  asio::io_context io;
  asio::ip::tcp::resolver resolver(io);
  boost::system::error_code ec;
  const auto found = resolver.resolve(host, "", ec);
  if (ec)
    return std::unexpected("cannot find " + host + ": " + ec.message());
  bool all = !found.empty();
  for (const auto& f : found)
    all = all && f.endpoint().address().is_loopback();
  return all;
}

std::expected<plain_answer, std::string> get(const target& t, const std::string& path, const std::string& bearer,
                                             std::chrono::seconds limit) {
  const auto port = port_of(t);
  if (!port)
    return std::unexpected(port.error());
  asio::io_context io;
  boost::system::error_code ec;
  asio::ip::tcp::resolver resolver(io);
  const auto where = resolver.resolve(t.host, std::to_string(*port), ec);
  beast::tcp_stream stream(io);
  http::request<http::string_body> ask(http::verb::get, path, 11);
  ask.set(http::field::host, t.host + ":" + std::to_string(*port));
  ask.set(http::field::connection, "close");
  if (!bearer.empty())
    ask.set(http::field::authorization, "Bearer " + bearer);
  http::response_parser<http::string_body> parser;
  parser.body_limit(limits::answer_bytes_max);
  beast::flat_buffer buffer;
  boost::system::error_code failed = ec;
  const auto done = [&](boost::system::error_code e, std::size_t) { failed = e; };
  if (!ec) {
    stream.expires_after(limit);  // works on asynchronous calls only
    stream.async_connect(where, [&](boost::system::error_code e, const asio::ip::tcp::endpoint&) {
      failed = e;
      if (!e)
        http::async_write(stream, ask, [&](boost::system::error_code e2, std::size_t) {
          failed = e2;
          if (!e2)
            http::async_read(stream, buffer, parser, done);
        });
    });
    io.run();
  }
  if (failed)
    return std::unexpected("http://" + t.host + ":" + std::to_string(*port) + path + ": " + failed.message());
  return plain_answer{parser.get().result_int(), std::move(parser.get().body())};
}

namespace {

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == ' ')
      out += "%20";
    else
      out += c;
  }
  return out;
}

std::expected<json::value, std::string> ask_json(const target& t, const std::string& path) {
  const auto a = get(t, path);
  if (!a)
    return std::unexpected(a.error());
  if (a->status != 200)
    return std::unexpected(path + " was answered with " + std::to_string(a->status) + " " + a->body.substr(0, 200));
  json::error_code ec;
  auto v = json::parse(a->body, ec);
  if (ec || !v.is_object())
    return std::unexpected(path + " was not answered with a JSON object");
  return v;
}

std::string text_of(const json::value& v) { return {v.as_string().data(), v.as_string().size()}; }

// A window says its status where it is not its day's; an earlier version says none.
std::string status_of(const json::value& window, const json::value& day) {
  for (const auto* said : {&window, &day})
    if (const auto* status = said->as_object().if_contains("status"))
      return text_of(*status);
  return {};
}

void add_slots(const json::value& page, std::vector<slot>& out) {
  for (const auto& centre : page.at("centres").as_array())
    for (const auto& day : centre.at("days").as_array())
      for (const auto& w : day.at("windows").as_array())
        out.push_back({text_of(centre.at("code")), text_of(day.at("date")), text_of(w.at("opens")),
                       w.at("capacity").to_number<std::uint64_t>(), w.at("free").is_null() ? 0 : w.at("free").to_number<std::uint64_t>(),
                       status_of(w, day) == "over"});
}

}  // namespace

std::expected<slot_list, std::string> ask_slots(const target& t, const std::string& round) {
  slot_list out;
  try {  // Boost.JSON says with an exception that a page lacks a field
    const auto rounds = ask_json(t, "/api/v1/rounds");
    if (!rounds)
      return std::unexpected(rounds.error());
    for (const auto& r : rounds->at("rounds").as_array())
      if (round.empty() ? text_of(r.at("state")) == "open" : text_of(r.at("code")) == round)
        out.round = text_of(r.at("code"));
    if (out.round.empty())
      return std::unexpected(round.empty() ? "no round is open there" : "there is no round " + round);
    const auto centres = ask_json(t, "/api/v1/centres?round=" + escaped(out.round));
    if (!centres)
      return std::unexpected(centres.error());
    std::set<std::string> states;
    for (const auto& c : centres->at("centres").as_array())
      states.insert(text_of(c.at("state")));
    for (const auto& s : states) {
      const auto page = ask_json(t, "/api/v1/availability?state=" + escaped(s) + "&round=" + escaped(out.round));
      if (!page)
        return std::unexpected(page.error());
      add_slots(*page, out.slots);
    }
  } catch (const std::exception& e) {
    return std::unexpected(std::string("the slots cannot be read: ") + e.what());
  }
  return out;
}

}  // namespace janji::load
