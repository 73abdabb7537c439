// What janjictl's verbs share: where the node is, calls to its admin listener, and how answers are shown.
#pragma once

#include <CLI/CLI.hpp>
#include <boost/beast/http/verb.hpp>
#include <boost/json.hpp>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace janji::apps {

// Exit codes: 0 done or healthy, 1 degraded or refused, 2 broken or not reachable.
inline constexpr int exit_refused = 1;
inline constexpr int exit_broken = 2;

struct connection {
  std::string data = "data";
  std::string admin;        // host:port; empty: from DATA/janjid.ports
  std::string token_file;   // empty: DATA/admin.token
  unsigned timeout_s = 10;  // that a node may say nothing, not even that it is alive
  bool as_json = false;
  bool dry_run = false;

  // What the verbs' options are read into, as long as they may be called.
  template <class T>
  T* keep() {
    auto made = std::make_shared<T>();
    kept.push_back(made);
    return made.get();
  }
  std::vector<std::shared_ptr<void>> kept;
};

// The error: why not, in words.
template <class T>
using result = std::expected<T, std::string>;

struct reply {
  unsigned status = 0;
  boost::json::value body;
  std::string text;
};

result<std::string> read_text(const std::string& path);
// The error says who does not answer.
result<reply> call(const connection& c, boost::beast::http::verb verb, const std::string& target, const boost::json::value& body = nullptr);
// The same, again for some seconds while the node is busy, as it may be with another's question.
result<reply> call_when_free(const connection& c, const std::string& target);
inline constexpr unsigned status_unknown = 404;  // the node is of an earlier version
// Why a node refused, in its words.
std::string refusal(const reply& r);
// What a node says of its cluster. The error: its status, 0 when it does not answer; a node that is alone refuses.
struct no_picture {
  unsigned status = 0;
  std::string why;
};
std::expected<boost::json::object, no_picture> picture(const connection& c);
// Says why on stderr.
int fail(const std::string& why);
std::string scalar(const boost::json::value& v);
// An object as "name  value" lines.
void print_table(const boost::json::value& v, const std::string& indent = "");
// The answer as a table or as JSON; the exit code.
int show(const connection& c, const result<reply>& r);

struct waiting {
  bool wanted = false;
  std::uint32_t seconds = 3600;
};
void add_wait(CLI::App* sub, waiting* w);
// Polls until nothing is left, and shows how far it is; the exit code.
int wait_until_none(const std::string& what, const std::function<result<std::uint64_t>()>& left, std::uint32_t seconds);
// What `check` says of master keys; none: the node is of an earlier version, which cannot say.
struct check_line {
  bool good = true;
  std::string detail;
};
std::optional<check_line> check_masters(const connection& c);

// audit, export.
void add_log_commands(CLI::App& app, connection& c, int& code);
// keys.
void add_keys_commands(CLI::App& app, connection& c, int& code);
// unseal.
void add_unseal_command(CLI::App& app, connection& c, int& code);
// node, rebalance, shard, check.
void add_cluster_commands(CLI::App& app, connection& c, int& code);
// membership: what the data was written as.
void add_membership_commands(CLI::App& app, connection& c, int& code);
// Says on stderr, where it is so, that the data is one member's part of a cluster.
void warn_of_part(const connection& c);

}  // namespace janji::apps
