// Calls to a node's admin listener.
#include "apps/janjictl.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <filesystem>
#include <optional>
#include <thread>
#include <utility>

#include "apps/ports_file.hpp"
#include "apps/whole_files.hpp"
#include "booking/text_rules.hpp"
#include "net/node_proof.hpp"
#include "store/master_keys.hpp"

namespace janji::apps {

namespace asio = boost::asio;
namespace http = boost::beast::http;
namespace json = boost::json;

namespace {

// What a node that runs says in its data directory; one that listens everywhere is asked here.
result<std::vector<node_address>> addresses_in(const std::string& data) {
  const auto text = ports_file::read(data);
  if (!text)
    return std::unexpected(text.error());
  const auto wrong = [&data] {
    return std::unexpected(failure(fmt::format("{}/janjid.ports is not what a node writes: give the node's address with --node", data)));
  };
  boost::system::error_code ec;
  const auto v = json::parse(*text, ec);
  const auto* port = !ec && v.is_object() ? v.get_object().if_contains("admin_port") : nullptr;
  if (port == nullptr || !port->is_int64() || port->get_int64() < 1 || port->get_int64() > 65'535)
    return wrong();
  const auto* at = v.get_object().if_contains("admin_address");
  const std::string address = at != nullptr && at->is_string() ? std::string(at->get_string()) : std::string();
  const auto* key = v.get_object().if_contains("proof_key");  // an earlier version writes none
  if (key != nullptr && (!key->is_string() || net::proof_of(key->get_string(), "").empty()))
    return wrong();
  const auto* process = v.get_object().if_contains("pid");
  if (key == nullptr && (process == nullptr || !process->is_int64() ||
                         !ports_file::is_of_a_node_that_runs(data, process->get_int64(), static_cast<unsigned>(port->get_int64()))))
    return std::unexpected(
        failure(fmt::format("{}/janjid.ports is of an earlier version, and who listens at port {} is not shown to be its "
                            "node: nothing was sent (give the node's address with --node)",
                            data, port->get_int64())));
  const auto known_by = key != nullptr ? std::string(key->get_string()) : std::string();
  const auto number = std::to_string(port->get_int64());
  if (address == "::")
    return std::vector{node_address{"::1", number, known_by}, node_address{"127.0.0.1", number, known_by}};
  return std::vector{node_address{address.empty() || address == "0.0.0.0" ? "127.0.0.1" : address, number, known_by}};
}

// In the order in which they are given.
result<std::vector<node_address>> addresses_of(const connection& c) {
  constexpr std::size_t addresses_max = 64;
  if (c.nodes.empty())
    return addresses_in(c.data);
  std::vector<node_address> all;
  for (const auto& given : c.nodes) {
    const bool is_path = (given.contains('/') && !given.contains("://")) || given == "." || given == "..";
    if (is_path) {
      const std::filesystem::path path(given);
      auto there = addresses_in(path.filename() == "janjid.ports" ? path.parent_path().string() : given);
      if (!there)
        return there;
      all.insert(all.end(), there->begin(), there->end());
    } else if (auto a = node_address_from(given)) {
      all.push_back(std::move(*a));
    } else {
      return std::unexpected(a.error());
    }
  }
  if (all.size() > addresses_max)
    return std::unexpected(failure(fmt::format("--node names {} addresses: {} are the most", all.size(), addresses_max)));
  if (c.answered)
    if (const auto it = std::ranges::find(all, *c.answered); it != all.end())
      std::rotate(all.begin(), it, it + 1);
  return all;
}

using steady = std::chrono::steady_clock;

// One request and its answer, on a connection of their own; sent once who is there has proved to be the node that is meant. Left alone
// where it does not end: a name that is being looked up is waited for by whoever destroys it.
class exchange {
public:
  exchange(const node_address& at, http::request<http::string_body>&& request) : request_(std::move(request)) {
    parser_.body_limit(answer_bytes_max);
    request_.set(http::field::host, at.host.contains(':') ? fmt::format("[{}]:{}", at.host, at.port) : at.host + ":" + at.port);
    request_.prepare_payload();
    if (!at.proof_key.empty())
      question_.emplace(at.proof_key, request_[http::field::host]);
    resolver_.async_resolve(at.host, at.port, [this](const auto& ec, const auto& found) {
      if (ec)
        return end(ec);
      asio::async_connect(socket_, found, [this](const auto& refused, const auto&) {
        if (refused)
          return end(refused);
        if (question_)
          return question();
        send();
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
  [[nodiscard]] bool sent() const { return sent_; }              // something of it may have come to the node
  [[nodiscard]] bool is_another() const { return is_another_; }  // who is there is not the node that is meant: nothing was sent
  [[nodiscard]] const boost::system::error_code& error() const { return error_; }
  // To the request; of a node that was too busy for the question, to that.
  [[nodiscard]] const http::response<http::string_body>& answer() const { return sent_ ? parser_.get() : question_->parser.get(); }

private:
  struct proof {
    proof(const std::string& key, std::string_view host) {
      const auto asked = net::new_proof_question();
      expected = net::proof_of(key, asked) + "\n";
      request.method(http::verb::get);
      request.target(fmt::format("{}{}", net::proof_path, asked));
      request.set(http::field::host, host);
      parser.body_limit(answer_bytes_most);
    }
    static constexpr std::uint64_t answer_bytes_most = 64 * 1024;
    // A node that can take no connection says so unasked.
    [[nodiscard]] bool says_busy() const {
      return parser.is_done() &&
             (parser.get().result() == http::status::service_unavailable || parser.get().result() == http::status::too_many_requests);
    }
    std::string expected;
    http::request<http::empty_body> request;
    http::response_parser<http::string_body> parser;
  };
  void question() {
    http::async_write(socket_, question_->request, [this](const auto& unsent, std::size_t) {
      if (unsent)
        return end(unsent);
      http::async_read(socket_, buffer_, question_->parser, [this](const auto& ec, std::size_t) {
        const bool hung_up = ec == http::error::end_of_stream || ec == http::error::partial_message;
        const bool is_http = ec.category() == http::make_error_code(http::error::end_of_stream).category();
        const bool busy = !ec && question_->says_busy();
        is_another_ = ec ? is_http && !hung_up : !busy && question_->parser.get().body() != question_->expected;
        if (ec || is_another_ || busy)
          return end(ec);
        send();
      });
    });
  }
  void send() {
    sent_ = true;
    // Who refuses a large body says so without reading it, and the rest cannot be sent then.
    http::async_write(socket_, request_, [this](const auto& written, std::size_t) {
      http::async_read(socket_, buffer_, parser_,
                       [this, written](const auto& read, std::size_t) { end(read && written ? written : read); });
    });
  }
  void end(const boost::system::error_code& ec) {
    if (!error_)
      error_ = ec;
    over_ = true;
  }

  asio::io_context io_;
  asio::ip::tcp::resolver resolver_{io_};
  asio::ip::tcp::socket socket_{io_};
  http::request<http::string_body> request_;
  boost::beast::flat_buffer buffer_;
  http::response_parser<http::string_body> parser_;
  std::optional<proof> question_;
  boost::system::error_code error_;
  bool sent_ = false;
  bool is_another_ = false;
  bool over_ = false;
};

// Owned until it has ended.
struct leave_if_it_goes_on {
  void operator()(exchange* e) const {
    if (e->ended_within({}))
      delete e;  // NOLINT(cppcoreguidelines-owning-memory)
  }
};
using owned_exchange = std::unique_ptr<exchange, leave_if_it_goes_on>;

owned_exchange begun(const node_address& at, http::request<http::string_body>&& request) {
  return owned_exchange(new exchange(at, std::move(request)));
}

bool is_alive(const node_address& at, std::chrono::seconds patience) {
  const auto e = begun({at.host, at.port, {}}, {http::verb::get, "/livez", 11});
  return e->ended_within(patience) && !e->error();
}

struct attempt {
  std::optional<reply> answer;
  std::string why;  // none came
  bool sent = false;
};

// A node may take its time with what it was asked, as long as it says beside that it is alive.
attempt ask(const connection& c, const node_address& at, http::request<http::string_body>&& request) {
  constexpr std::chrono::seconds ask_whether_alive_after{1};
  const auto url = to_url(at);
  const auto target = std::string(request.target());
  const std::chrono::seconds patience(c.timeout_s);
  const auto answer_until = steady::now() + std::chrono::seconds(c.answer_s);
  const auto e = begun(at, std::move(request));
  while (!e->ended_within(ask_whether_alive_after)) {
    if (!is_alive(at, patience) && !e->ended_within({}))
      return {{},
              fmt::format("the node at {} has said nothing for {} s, not even that it is alive{}", url, c.timeout_s,
                          e->sent() ? "" : ": nothing was sent"),
              e->sent()};
    if (steady::now() > answer_until && !e->ended_within({}))
      return {{}, fmt::format("the node at {} is alive and has not answered for {} s (--answer-timeout)", url, c.answer_s), e->sent()};
  }
  if (e->is_another())
    return {{},
            fmt::format("who answers at {} is not the node that wrote janjid.ports: nothing was sent (give --node if it is meant)", url),
            false};
  if (e->error())
    return {{}, fmt::format("the node at {} does not answer: {}", url, e->error().message()), e->sent()};
  reply r{e->answer().result_int(), nullptr, e->answer().body(), url + target};
  boost::system::error_code ec;
  r.body = json::parse(r.text, ec);
  return {std::move(r), {}, true};
}

bool is_safe_to_repeat(http::verb verb, const std::string& target) {
  return verb == http::verb::get || target.contains("dry_run=true") || target.ends_with("/verify");
}

result<store::secret_text> token_of(const connection& c) {
  const auto file = c.token_file.empty() ? c.data + "/admin.token" : c.token_file;
  auto token = store::read_secret_file(file, "the admin token");
  if (!token)
    return std::unexpected(failure(token.error().text() + " (the operators' token: give --data or --token-file)"));
  const auto text = token->view();
  if (text.empty() || !std::ranges::all_of(text, [](unsigned char b) { return b > 0x20 && b < 0x7f; }))
    return std::unexpected(
        failure(fmt::format("{} does not hold an operators' token on its first line: give --data or --token-file", file)));
  return std::move(*token);
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

result<reply> call(const connection& c, http::verb verb, const std::string& target, const json::value& body) {
  const auto all = addresses_of(c);
  if (!all)
    return std::unexpected(all.error());
  const auto token = token_of(c);
  if (!token)
    return std::unexpected(token.error());
  if (!can_be_sent(body))
    return std::unexpected(failure("what was typed is not UTF-8: nothing was sent", exit_typed));
  std::string why;
  for (const auto& at : *all) {
    http::request<http::string_body> request(verb, target, 11);
    request.set(http::field::authorization, fmt::format("Bearer {}", token->view()));
    request.set(http::field::content_type, "application/json");
    if (!body.is_null())
      request.body() = json::serialize(body);
    auto a = ask(c, at, std::move(request));
    if (a.answer) {
      c.answered = at;
      return std::move(*a.answer);
    }
    why += (why.empty() ? "" : "; ") + a.why;
    if (a.sent && !is_safe_to_repeat(verb, target))
      return std::unexpected(failure(why + ": it is not known whether it does what it was asked", exit_unknown, to_url(at) + target));
  }
  return std::unexpected(failure(why, exit_broken, to_url(all->back()) + target));
}

result<reply> call_when_free(const connection& c, http::verb verb, const std::string& target, const json::value& body,
                             std::chrono::seconds patience) {
  constexpr unsigned status_busy = 503;
  constexpr unsigned status_slower = 429;
  const auto until = std::chrono::steady_clock::now() + patience;
  for (;;) {
    auto r = call(c, verb, target, body);
    if (!r || (r->status != status_busy && r->status != status_slower) || std::chrono::steady_clock::now() > until)
      return r;
    std::this_thread::sleep_for(std::chrono::milliseconds(200));  // nothing was done: it was busy, or wants it slower
  }
}

}  // namespace janji::apps
