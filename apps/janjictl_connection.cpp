#include "apps/janjictl.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <thread>
#include <utility>

#include "apps/ports_file.hpp"
#include "booking/text_rules.hpp"
#include "store/master_keys.hpp"

namespace janji::apps {

namespace asio = boost::asio;
namespace http = boost::beast::http;
namespace json = boost::json;

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
    const auto text = ports_file::read(c.data);
    if (!text)
      return std::unexpected(text.error());
    boost::system::error_code ec;
    const auto v = json::parse(*text, ec);
    if (ec || !v.is_object() || !v.get_object().contains("admin_port"))
      return std::unexpected(c.data + "/janjid.ports cannot be read");
    const auto* at = v.get_object().if_contains("admin_address");
    const std::string address = at != nullptr && at->is_string() ? std::string(at->get_string()) : std::string();
    const bool everywhere = address.empty() || address == "0.0.0.0" || address == "::";
    return std::pair{everywhere ? std::string("127.0.0.1") : address, std::to_string(v.at("admin_port").as_int64())};
  }
  if (admin.starts_with("http://"))
    admin.erase(0, 7);
  const auto colon = admin.rfind(':');
  if (colon == std::string::npos)
    return std::unexpected("--admin is host:port");
  return std::pair{admin.substr(0, colon), admin.substr(colon + 1)};
}

using steady = std::chrono::steady_clock;

// One request and its answer, on a connection of their own.
class exchange {
public:
  exchange(const std::string& host, const std::string& port, http::request<http::string_body>&& request) : request_(std::move(request)) {
    parser_.body_limit(std::uint64_t{1} << 30);
    request_.set(http::field::host, host);
    request_.prepare_payload();
    asio::ip::tcp::resolver resolver(io_);
    asio::async_connect(socket_, resolver.resolve(host, port, error_), [this](const auto& ec, const auto&) {
      if (ec)
        return end(ec);
      // Who refuses a large body says so without reading it, and the rest cannot be sent then.
      http::async_write(socket_, request_, [this](const auto& written, std::size_t) {
        http::async_read(socket_, buffer_, parser_,
                         [this, written](const auto& read, std::size_t) { end(read && written ? written : read); });
      });
    });
  }
  // True: it has ended, with an answer or with an error.
  bool ended_within(steady::duration patience) {
    const auto until = steady::now() + patience;
    while (!over_ && io_.run_one_until(until) != 0) {
    }
    return over_;
  }
  [[nodiscard]] const boost::system::error_code& error() const { return error_; }
  [[nodiscard]] const http::response<http::string_body>& answer() const { return parser_.get(); }

private:
  void end(const boost::system::error_code& ec) {
    if (!error_)
      error_ = ec;
    over_ = true;
  }

  asio::io_context io_;
  asio::ip::tcp::socket socket_{io_};
  http::request<http::string_body> request_;
  boost::beast::flat_buffer buffer_;
  http::response_parser<http::string_body> parser_;
  boost::system::error_code error_;
  bool over_ = false;
};

bool is_alive(const std::string& host, const std::string& port, std::chrono::seconds patience) {
  exchange e(host, port, {http::verb::get, "/livez", 11});
  return e.ended_within(patience) && !e.error();
}

// Whether everything in it can stand in JSON.
bool can_be_sent(const json::value& v) {
  if (const auto* s = v.if_string())
    return is_utf8({s->data(), s->size()});
  if (const auto* a = v.if_array())
    return std::ranges::all_of(*a, can_be_sent);
  const auto* o = v.if_object();
  return o == nullptr || std::ranges::all_of(*o, [](const auto& item) { return can_be_sent(item.value()); });
}

}  // namespace

// A node may take its time with what it was asked, as long as it says beside that it is alive.
result<reply> call(const connection& c, http::verb verb, const std::string& target, const json::value& body) {
  constexpr std::chrono::seconds ask_whether_alive_after{1};
  const auto address = address_of(c);
  const auto token = store::read_secret_file(c.token_file.empty() ? c.data + "/admin.token" : c.token_file, "the admin token");
  if (!address || !token)
    return std::unexpected(!address ? address.error() : token.error().text());
  if (!can_be_sent(body))
    return std::unexpected("what was typed is not UTF-8: nothing was sent");
  const auto& [host, port] = *address;
  http::request<http::string_body> request(verb, target, 11);
  request.set(http::field::authorization, fmt::format("Bearer {}", token->view()));
  request.set(http::field::content_type, "application/json");
  if (!body.is_null())
    request.body() = json::serialize(body);
  exchange e(host, port, std::move(request));
  const std::chrono::seconds patience(c.timeout_s);
  while (!e.ended_within(ask_whether_alive_after))
    if (!is_alive(host, port, patience) && !e.ended_within({}))
      return std::unexpected(fmt::format("the node at {}:{} has said nothing for {} s, not even that it is alive{}", host, port,
                                         c.timeout_s,
                                         verb == http::verb::get ? "" : ": it is not known whether it does what it was asked"));
  if (e.error())
    return std::unexpected(fmt::format("the node at {}:{} does not answer: {}", host, port, e.error().message()));
  reply r{e.answer().result_int(), nullptr, e.answer().body()};
  boost::system::error_code ec;
  r.body = json::parse(r.text, ec);
  return r;
}

result<reply> call_when_free(const connection& c, const std::string& target) {
  constexpr unsigned status_busy = 503;
  constexpr std::chrono::seconds patience{5};
  const auto until = std::chrono::steady_clock::now() + patience;
  for (;;) {
    auto r = call(c, http::verb::get, target);
    if (!r || r->status != status_busy || std::chrono::steady_clock::now() > until)
      return r;
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
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
