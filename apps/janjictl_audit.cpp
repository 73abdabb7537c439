// janjictl's verbs that read logs: the audit, of a data directory, of a node, of a whole cluster while it runs; the export.
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string_view>
#include <thread>
#include <vector>

#include "apps/janjictl.hpp"
#include "apps/whole_files.hpp"
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
  print_result(c, report);
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
      tell("\raudit {:3.0f} %{}", share * 100, share >= 1 ? "\n" : "");
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
  const cluster::log_reader read = [&](shard_id shard, sequence_t after) -> std::expected<std::vector<replication::entry>, std::string> {
    const auto target = fmt::format("/admin/v1/cluster/shards/{}/log?after={}", shard.value, after.value);
    const auto end = std::chrono::steady_clock::now() + leaderless_max;
    for (;;) {  // while leadership changes hands nobody can say what is committed
      const auto r = call(c, http::verb::get, target);
      if (!r)
        return std::unexpected(r.error().why);
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
      tell("\raudit: reading {}, shard {} of {} {}", reading, s + 1, shards, s + 1 == shards ? "\n" : "");
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
  return r->status == 200 ? print_report(c, r->body) : show(c, r, "clean");
}

// Booking by booking; `write` may refuse the rest.
result<std::uint64_t> export_lines(const cluster::audit& a,
                                   const std::function<std::expected<void, std::string>(std::string_view)>& write) {
  std::uint64_t lines = 0;
  std::expected<void, std::string> good;
  a.for_each([&](const cluster::audited_booking& b) {
    if (!good)
      return;
    good = write(net::export_line(b, a.rounds()) + "\n");
    ++lines;
  });
  return good ? result<std::uint64_t>(lines) : std::unexpected(failure(good.error() + ": nothing was exported", exit_unwritten));
}

// Into a file all or nothing.
int export_data(const connection& c, const std::string& to) {
  warn_of_part(c);
  std::optional<whole_file> file;
  if (!to.empty()) {
    auto begun = whole_file::begin(to);
    if (!begun)
      return fail(begun.error());
    file.emplace(std::move(*begun));
  }
  const auto done = audited_data(c.data);
  if (!done)
    return fail(done.error());
  const auto lines = export_lines(*done->audit, [&file](std::string_view line) -> std::expected<void, std::string> {
    if (file)
      return file->write(line);
    print_text(line);
    return {};
  });
  if (!lines)
    return fail(lines.error());
  if (file)
    if (const auto kept = file->keep(); !kept)
      return fail({kept.error() + ": nothing was exported", exit_unwritten});
  if (!file)
    flush_output();
  tell("exported {} bookings\n", *lines);
  return 0;
}

}  // namespace

void add_log_commands(CLI::App& app, connection& c, int& code) {
  auto* online = c.keep<bool>();
  auto* to = c.keep<std::string>();
  auto* audit = app.add_subcommand("audit", "prove from the log: no window over, no citizen with two, no yes without an entry");
  audit->add_flag("--online", *online, "of the running node, or of the whole cluster it belongs to, shard by shard from who leads");
  audit->callback([&c, &code, online] { code = *online ? audit_node(c) : audit_data(c); });
  auto* exported = app.add_subcommand("export", "every booking as a line of JSON, without personal data");
  exported->add_option("--to", *to, "file; standard output otherwise")->type_name("FILE");
  exported->callback([&c, &code, to] { code = export_data(c, *to); });
}

}  // namespace janji::apps
