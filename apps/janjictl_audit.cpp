// janjictl's verbs that read logs: the audit, of a data directory, of a node, of a whole cluster while it runs; the export.
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <thread>
#include <vector>

#include "apps/janjictl.hpp"
#include "cluster/audit.hpp"
#include "cluster/cluster_audit.hpp"
#include "cluster/replica_codec.hpp"
#include "net/stored_view.hpp"

namespace janji::apps {

namespace {

namespace http = boost::beast::http;
namespace json = boost::json;

constexpr std::chrono::seconds leaderless_max{60};

result<std::unique_ptr<store::node_store>> open_read_only(const std::string& data) {
  store::store_options options;
  options.path = data + "/store";
  options.read_only = true;
  auto opened = store::node_store::open(options);
  if (!opened)
    return std::unexpected(opened.error().text());
  return std::move(*opened);
}

result<std::uint16_t> shards_of(const store::node_store& s) {
  const auto known = s.get("shards");
  if (!known)
    return std::unexpected(known.error().text());
  return static_cast<std::uint16_t>(known->revision == 0 ? 64 : std::stoul(known->value));
}

int print_report(const connection& c, const json::value& report) {
  if (c.as_json)
    fmt::print("{}\n", json::serialize(report));
  else
    print_table(report);
  return report.at("clean").as_bool() ? 0 : exit_refused;
}

struct audited {
  std::unique_ptr<cluster::audit> audit;
  cluster::audit_report report;
};

// From the data itself, whether a node runs on it or not.
result<audited> audited_data(const std::string& data) {
  const auto s = open_read_only(data);
  if (!s)
    return std::unexpected(s.error());
  const auto shards = shards_of(**s);
  if (!shards)
    return std::unexpected(shards.error());
  auto a = std::make_unique<cluster::audit>(*shards);
  const bool watched = isatty(STDERR_FILENO) != 0;
  auto report = a->run(**s, [&](double share) {
    if (watched)
      fmt::print(stderr, "\raudit {:3.0f} %{}", share * 100, share >= 1 ? "\n" : "");
  });
  if (!report)
    return std::unexpected(report.error());
  return audited{std::move(a), std::move(*report)};
}

int audit_data(const connection& c) {
  warn_of_part(c);
  const auto done = audited_data(c.data);
  return done ? print_report(c, net::to_json(done->report)) : fail(done.error());
}

// Of all shards of a cluster, each from the node that leads it, while bookings run.
int audit_running_cluster(const connection& c, std::uint16_t shards) {
  const bool watched = isatty(STDERR_FILENO) != 0;
  const cluster::log_reader read = [&](shard_id shard, sequence_t after) -> result<std::vector<replication::entry>> {
    const auto target = fmt::format("/admin/v1/cluster/shards/{}/log?after={}", shard.value, after.value);
    const auto end = std::chrono::steady_clock::now() + leaderless_max;
    for (;;) {  // while leadership changes hands nobody can say what is committed
      const auto r = call(c, http::verb::get, target);
      if (!r)
        return std::unexpected(r.error());
      if (r->status == 200)
        return cluster::decode_log_part(r->text);
      if (r->status != 503 || std::chrono::steady_clock::now() > end)
        return std::unexpected(refusal(*r));
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
    }
  };
  cluster::cluster_audit_watch watch;
  watch.between_readings = [] { std::this_thread::sleep_for(std::chrono::milliseconds(500)); };
  if (watched)
    watch.progress = [&](int reading, std::uint16_t s) {
      fmt::print(stderr, "\raudit: reading {}, shard {} of {} {}", reading, s + 1, shards, s + 1 == shards ? "\n" : "");
    };
  const auto report = cluster::audit_cluster(shards, read, watch);
  return report ? print_report(c, net::to_json(*report)) : fail(report.error());
}

int audit_node(const connection& c) {
  const auto p = picture(c);
  constexpr unsigned alone = 409;  // it belongs to no cluster: its own log is all
  if (!p && p.error().status != alone)
    return fail(p.error().why);
  if (p)
    return audit_running_cluster(c, static_cast<std::uint16_t>(p->at("shards").as_array().size()));
  const auto r = call(c, http::verb::get, "/admin/v1/audit");
  if (!r)
    return fail(r.error());
  return r->status == 200 ? print_report(c, r->body) : show(c, r);
}

int export_data(const connection& c, const std::string& to) {
  warn_of_part(c);
  const auto done = audited_data(c.data);
  if (!done)
    return fail(done.error());
  const auto& a = *done->audit;
  std::FILE* out = to.empty() ? stdout : std::fopen(to.c_str(), "w");
  if (out == nullptr)
    return fail(to + " cannot be written");
  std::uint64_t lines = 0;
  a.for_each([&](const cluster::audited_booking& b) {
    fmt::print(out, "{}\n", net::export_line(b, a.rounds()));
    ++lines;
  });
  const bool good = std::fflush(out) == 0 && std::ferror(out) == 0;
  if (out != stdout)
    std::fclose(out);
  fmt::print(stderr, "exported {} bookings\n", lines);
  return good ? 0 : fail("the export could not be written completely");
}

}  // namespace

void add_log_commands(CLI::App& app, connection& c, int& code) {
  auto* online = c.keep<bool>();
  auto* to = c.keep<std::string>();
  auto* audit = app.add_subcommand("audit", "prove from the log: no window over, no citizen with two, no yes without an entry");
  audit->add_flag("--online", *online, "of the running node, or of the whole cluster it belongs to, shard by shard from who leads");
  audit->callback([&c, &code, online] { code = *online ? audit_node(c) : audit_data(c); });
  auto* exported = app.add_subcommand("export", "every booking as a line of JSON, without personal data");
  exported->add_option("--to", *to, "file; standard output otherwise");
  exported->callback([&c, &code, to] { code = export_data(c, *to); });
}

}  // namespace janji::apps
