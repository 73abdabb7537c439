#include "apps/janjictl.hpp"

#include <fmt/format.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <utility>

namespace janji::apps {

namespace asio = boost::asio;
namespace http = boost::beast::http;
namespace json = boost::json;
template <class T>
using result = std::expected<T, std::string>;

result<std::string> read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in)
    return std::unexpected(fmt::format("{} cannot be read", path));
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

namespace {

result<std::pair<std::string, std::string>> address_of(const connection& c) {
  auto admin = c.admin;
  if (admin.empty()) {
    const auto text = read_text(c.data + "/janjid.ports");
    if (!text)
      return std::unexpected(fmt::format("no node is known in {} (give --data or --admin): {}", c.data, text.error()));
    boost::system::error_code ec;
    const auto v = json::parse(*text, ec);
    if (ec || !v.is_object() || !v.get_object().contains("admin_port"))
      return std::unexpected(c.data + "/janjid.ports cannot be read");
    return std::pair{std::string("127.0.0.1"), std::to_string(v.at("admin_port").as_int64())};
  }
  if (admin.starts_with("http://"))
    admin.erase(0, 7);
  const auto colon = admin.rfind(':');
  if (colon == std::string::npos)
    return std::unexpected("--admin is host:port");
  return std::pair{admin.substr(0, colon), admin.substr(colon + 1)};
}

}  // namespace

result<reply> call(const connection& c, http::verb verb, const std::string& target, const json::value& body) {
  const auto address = address_of(c);
  const auto token = read_text(c.token_file.empty() ? c.data + "/admin.token" : c.token_file);
  if (!address || !token)
    return std::unexpected(!address ? address.error() : token.error());
  try {
    asio::io_context io;
    asio::ip::tcp::resolver resolver(io);
    asio::ip::tcp::socket socket(io);
    asio::connect(socket, resolver.resolve(address->first, address->second));
    http::request<http::string_body> request(verb, target, 11);
    request.set(http::field::host, address->first);
    request.set(http::field::authorization, "Bearer " + token->substr(0, token->find('\n')));
    request.set(http::field::content_type, "application/json");
    if (!body.is_null())
      request.body() = json::serialize(body);
    request.prepare_payload();
    http::write(socket, request);
    boost::beast::flat_buffer buffer;
    http::response_parser<http::string_body> parser;
    parser.body_limit(std::uint64_t{1} << 30);
    http::read(socket, buffer, parser);
    reply r{parser.get().result_int(), nullptr, parser.get().body()};
    boost::system::error_code ec;
    r.body = json::parse(r.text, ec);
    return r;
  } catch (const boost::system::system_error& e) {  // its what() names a line of the library's source
    return std::unexpected(fmt::format("the node at {}:{} does not answer: {}", address->first, address->second, e.code().message()));
  }
}

int fail(const std::string& why) {
  fmt::print(stderr, "janjictl: {}\n", why);
  return exit_broken;
}

std::string scalar(const json::value& v) { return v.is_string() ? std::string(v.get_string()) : json::serialize(v); }

std::string refusal(const reply& r) {
  return r.body.is_object() && r.body.get_object().contains("detail") ? scalar(r.body.at("detail")) : r.text;
}

// An object as "name  value" lines; arrays of objects as tables.
void print_table(const json::value& v, const std::string& indent) {
  if (v.is_array()) {
    for (const auto& one : v.get_array())
      fmt::print("{}{}\n", indent, one.is_object() || one.is_array() ? json::serialize(one) : scalar(one));
    return;
  }
  if (!v.is_object()) {
    fmt::print("{}{}\n", indent, scalar(v));
    return;
  }
  for (const auto& item : v.get_object()) {
    if (item.value().is_array() || item.value().is_object()) {
      fmt::print("{}{}:\n", indent, std::string_view(item.key().data(), item.key().size()));
      print_table(item.value(), indent + "  ");
    } else {
      fmt::print("{}{:<20} {}\n", indent, std::string_view(item.key().data(), item.key().size()), scalar(item.value()));
    }
  }
}

int show(const connection& c, const result<reply>& r) {
  if (!r)
    return fail(r.error());
  if (c.as_json)
    fmt::print("{}", r->text.ends_with('\n') ? r->text : r->text + "\n");
  else
    print_table(r->body);
  return r->status < 300 ? 0 : exit_refused;
}

}  // namespace janji::apps
