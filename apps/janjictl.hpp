// What janjictl's verbs share: where the node is, calls to its admin listener, and how answers are shown.
#pragma once

#include <CLI/CLI.hpp>
#include <array>
#include <boost/beast/http/verb.hpp>
#include <boost/json.hpp>
#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apps/janjictl_output.hpp"
#include "apps/node_address.hpp"

namespace janji::apps {

inline constexpr std::uint64_t answer_bytes_max = std::uint64_t{1} << 30U;

struct connection {
  std::string data = "data";
  std::vector<std::string> nodes;  // addresses, data directories, ports files; none: DATA/janjid.ports
  std::string token_file;          // empty: DATA/admin.token
  unsigned timeout_s = 10;         // that a node may say nothing, not even that it is alive
  unsigned answer_s = 900;         // of one answer, whatever it says beside
  bool as_json = false;
  bool dry_run = false;
  mutable std::optional<node_address> answered;  // the one that did last: it is asked first

  // What the verbs' options are read into, as long as they may be called.
  template <class T>
  T* keep() {
    auto made = std::make_shared<T>();
    kept.push_back(made);
    return made.get();
  }
  std::vector<std::shared_ptr<void>> kept;
};

struct reply {
  unsigned status = 0;
  boost::json::value body;
  std::string text;
  std::string url;
};

// The error says who does not answer; of an order that was sent it has exit_unknown.
result<reply> call(const connection& c, boost::beast::http::verb verb, const std::string& target, const boost::json::value& body = nullptr);
// The same, again for some seconds while the node is busy, as it may be with another's question, or wants it slower.
result<reply> call_when_free(const connection& c, boost::beast::http::verb verb, const std::string& target,
                             const boost::json::value& body = nullptr, std::chrono::seconds patience = std::chrono::seconds{5});
inline constexpr unsigned status_unknown = 404;  // the node is of an earlier version
// Why a node refused, in its words.
std::string refusal(const reply& r);
// The same for a person, with what to do: exit_refused, of `unknown` exit_unknown, of an answer that is none of a node's exit_broken.
failure failure_of(const reply& r);
// What a node says of its cluster. The error: its status, 0 when it does not answer; a node that is alone refuses.
struct no_picture {
  unsigned status = 0;
  failure why;
};
std::expected<boost::json::object, no_picture> picture(const connection& c);
std::string scalar(const boost::json::value& v);
// An object as "name  value" lines.
void print_table(const boost::json::value& v, const std::string& indent = "");
// A result that was made here, as a table or as JSON.
void print_result(const connection& c, const boost::json::value& v);
// The answer as a table or as JSON; the exit code. `member`: what a node's answer to it has, or it is none of a node's; "": it is a list,
// or has something at all.
int show(const connection& c, const result<reply>& r, std::string_view member, int code_of_refusal = exit_refused);
// What the node says of itself, on one screen; its verdict as the exit code.
int status(const connection& c);
// Of an order that stands: exit_partly where something of it is still to be done, with what; else 0.
int left_undone(const reply& r);
// An order, with --dry-run only asked about; the exit code. `look`: the verb that shows whether it was carried out.
int order(const connection& c, boost::beast::http::verb verb, const std::string& target, const boost::json::value& body,
          const std::string& look);

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

// completion, made of the tree of all others; and every verb's example and exit codes at the end of its help.
void add_completion_command(CLI::App& app, int& code);
void add_help(CLI::App& app);
// Usage that is wrong: what, and what may have been meant, on stderr; the exit code.
int misused(const CLI::App& app, const CLI::ParseError& e, const std::vector<std::string>& words);

}  // namespace janji::apps
