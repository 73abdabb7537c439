// janji-load: a crowd of synthetic citizens, and the audit of what it was told.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <boost/json.hpp>
#include <csignal>
#include <fstream>
#include <sstream>
#include <thread>

#include "apps/descriptors.hpp"
#include "apps/load/audit.hpp"
#include "apps/load/client.hpp"
#include "apps/load/engine.hpp"
#include "apps/load/gaps.hpp"
#include "apps/load/replay.hpp"
#include "apps/load/report.hpp"

namespace janji::load {

namespace {

namespace json = boost::json;

enum exit_code : int { clean = 0, breached = 1, misused = 2, ended_early = 3 };

run_state* running = nullptr;  // for the signal handler
static_assert(std::atomic<bool>::is_always_lock_free);

template <class T>
using result = std::expected<T, std::string>;

struct command_line {
  run_options run;
  std::vector<std::string> target_urls;
  std::vector<std::string> ports_files;
  std::string spread_text = "groups";
  std::string slots_file;
  std::string population_file;
  std::string output = "table";
  std::string audit_admin;
  std::string admin_token_file;
  unsigned audit_sample = 0;
  bool own_target = false;
};

result<std::string> file_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  if (!in)
    return std::unexpected("cannot read " + path);
  return text.str();
}

result<void> set_targets(command_line& c) {
  for (std::size_t i = 0; i < std::max(c.target_urls.size(), c.ports_files.size()); ++i) {
    target t;
    if (i < c.target_urls.size()) {
      auto given = read_target(c.target_urls[i]);
      if (!given)
        return std::unexpected(given.error());
      t = *given;
    }
    if (i < c.ports_files.size())
      t.ports_file = c.ports_files[i];
    const auto own = is_loopback(t.host);
    if (!own)
      return std::unexpected(own.error());
    if (!*own && !c.own_target)
      return std::unexpected(t.host + " is not this machine: load only what is yours, and say so with --i-own-this-target");
    c.run.targets.push_back(std::move(t));
  }
  if (c.run.targets.empty())
    return std::unexpected("name a target: --target http://127.0.0.1:8080 or --ports-file");
  return {};
}

result<slot_list> find_slots(const command_line& c) {
  if (!c.slots_file.empty()) {
    const auto text = file_text(c.slots_file);
    if (!text)
      return std::unexpected(text.error());
    auto slots = read_slots(*text);
    if (!slots)
      return std::unexpected(slots.error());
    return slot_list{c.run.round, std::move(*slots)};
  }
  if (c.run.null_target)
    return std::unexpected("a null server has no slots: give --slots");
  return ask_slots(c.run.targets.front(), c.run.round);
}

result<crowd> find_crowd(const command_line& c) {
  if (c.population_file.empty())
    return crowd::make(c.run.seed, known_populations());
  const auto text = file_text(c.population_file);
  if (!text)
    return std::unexpected(text.error());
  auto populations = read_populations(*text);
  return populations ? crowd::make(c.run.seed, std::move(*populations)) : std::unexpected(populations.error());
}

// Asks the server for its own audit, and looks some of the confirmed bookings up one by one.
server_audit ask_audit(const command_line& c) {
  server_audit out{.asked = true};
  const auto admin = read_target(c.audit_admin);
  const auto token = file_text(c.admin_token_file);
  if (!admin || !token) {
    out.words = !admin ? admin.error() : token.error();
    return out;
  }
  const auto bearer = token->substr(0, token->find_first_of("\r\n"));
  const auto answer = get(*admin, "/admin/v1/audit", bearer, std::chrono::seconds(600));
  if (!answer || answer->status != 200) {
    out.words = !answer ? answer.error() : fmt::format("/admin/v1/audit was answered with {}", answer->status);
    return out;
  }
  json::error_code ec;
  const auto v = json::parse(answer->body, ec);
  const auto* verdict = !ec && v.is_object() ? v.get_object().if_contains("clean") : nullptr;
  if (verdict == nullptr || !verdict->is_bool()) {
    out.words = "the audit's answer does not say whether it is clean";
    return out;
  }
  out.clean = verdict->get_bool();
  out.words = out.clean ? "clean" : answer->body.substr(0, 2000);
  if (c.audit_sample == 0 || c.run.record_file.empty())
    return out;
  std::vector<std::string> references;
  std::uint64_t seen = 0;
  std::uint64_t torn = 0;
  (void)read_record(
      c.run.record_file,
      [&](record_entry&& e) {  // reservoir sampling (Vitter 1985, algorithm R)
        if (e.result != outcome::yes || e.what != operation::book)
          return;
        ++seen;
        if (references.size() < c.audit_sample)
          references.push_back(e.references.front());
        else if (const auto at = mix(c.run.seed, seen) % seen; at < references.size())
          references[at] = e.references.front();
      },
      torn);
  for (const auto& r : references) {
    const auto shown = get(*admin, "/admin/v1/show/booking/" + r, bearer, std::chrono::seconds(60));
    ++out.shown;
    out.missing += shown && shown->status == 200 ? 0 : 1;
  }
  out.clean = out.clean && out.missing == 0;
  return out;
}

int run_load(command_line& c) {
  auto& o = c.run;
  const auto misuse = [](const std::string& why) {
    fmt::print(stderr, "janji-load: {}\n", why);
    return misused;
  };
  if (auto r = set_targets(c); !r)
    return misuse(r.error());
  const auto where = read_spread(c.spread_text);
  if (!where)
    return misuse(where.error());
  o.where = *where;
  if (o.cancel_share + o.move_share > 1)
    return misuse("--cancel-share and --move-share add up to more than 1");
  if (o.mode == run_mode::fill && o.cancel_share + o.move_share + o.second_share > 0)
    return misuse("fill cannot cancel or move: it ends when everything is full");
  if (o.duration_s <= 0 && o.requests == 0)
    return misuse("a run needs an end: --duration or --requests");
  auto slots = o.mode == run_mode::browse ? result<slot_list>(slot_list{}) : find_slots(c);
  if (!slots)
    return misuse(slots.error());
  const auto people = find_crowd(c);
  if (!people)
    return misuse(people.error());
  std::unique_ptr<recorder> record;
  if (!o.record_file.empty()) {
    auto opened = recorder::open(o.record_file, {o.seed, o.mode_name, slots->round, slots->slots});
    if (!opened)
      return misuse(opened.error());
    record = std::move(*opened);
  }
  run_state state;
  state.options = &o;
  state.people = &*people;
  state.slots = &*slots;
  state.record = record.get();
  state.next_citizen = o.first_citizen;
  running = &state;
  const auto stop = [](int) { running->stop.store(true, std::memory_order_relaxed); };
  std::signal(SIGINT, stop);
  std::signal(SIGTERM, stop);
  std::signal(SIGPIPE, SIG_IGN);

  std::vector<run_stats> parts(o.threads);
  std::vector<std::thread> others;
  for (unsigned t = 1; t < o.threads; ++t)
    others.emplace_back([&, t] { parts[t] = run_engine(state, t); });
  parts[0] = run_engine(state, 0);
  for (auto& t : others)
    t.join();
  for (unsigned t = 1; t < o.threads; ++t)
    parts[0].merge(parts[t]);
  auto& stats = parts[0];
  if (record)
    if (auto flushed = record->flush(); !flushed && stats.fatal.empty())
      stats.fatal = flushed.error();
  record.reset();
  const auto audit = c.audit_admin.empty() ? server_audit{} : ask_audit(c);
  fmt::print("{}", c.output == "json" ? as_json(o, stats, audit) : as_table(o, stats, audit));
  if (audit.asked && !audit.clean)
    return breached;
  return stats.fatal.empty() ? clean : ended_early;
}

void add_load_options(CLI::App& app, command_line& c) {
  auto& o = c.run;
  const auto share = CLI::Range(0.0, 1.0);
  app.add_option("--target", c.target_urls, "http://host:port of a node; may be repeated");
  app.add_option("--ports-file", c.ports_files,
                 "file {\"port\":..} of a node, read again at each connection; the n-th belongs to the n-th target");
  app.add_flag("--i-own-this-target", c.own_target, "allow targets that are not this machine");
  app.add_option("--connections", o.connections, "connections, over all threads")
      ->check(CLI::Range(1U, limits::connections_max))
      ->capture_default_str();
  app.add_option("--threads", o.threads, "threads of the generator")->check(CLI::Range(1U, limits::threads_max))->capture_default_str();
  app.add_option("--rate", o.rate, "open loop: requests a second; 0 is a closed loop")
      ->check(CLI::Range(0.0, limits::rate_max))
      ->capture_default_str();
  app.add_option("--duration", o.duration_s, "seconds; 0: until --requests")
      ->check(CLI::Range(0.0, limits::duration_s_max))
      ->capture_default_str();
  app.add_option("--warmup", o.warmup_s, "seconds before measuring begins")->check(CLI::Range(0.0, 3600.0))->capture_default_str();
  app.add_option("--requests", o.requests, "end after so many new pieces of work")
      ->check(CLI::Range(std::uint64_t{0}, limits::requests_max));
  app.add_option("--seed", o.seed, "decides every citizen and every choice")->capture_default_str();
  app.add_option("--first", o.first_citizen, "number of the first citizen: to go on where another run ended")
      ->check(CLI::Range(std::uint64_t{0}, crowd::citizens_max));
  app.add_option("--spread", c.spread_text, "groups (by capacity), one:<centre>:<date>, or hot")->capture_default_str();
  app.add_option("--hot-factor", o.hot_factor, "with --spread hot: the first group's share, in means of the others")
      ->check(CLI::Range(1.0, 1e6))
      ->capture_default_str();
  app.add_option("--people", o.people, "the largest party")->check(CLI::Range(1U, 4U))->capture_default_str();
  app.add_option("--party-share", o.party_share, "bookings that are of two people or more")->check(share);
  app.add_option("--retry-share", o.retry_share, "bookings sent again under the same key: half of them at once, half when confirmed")
      ->check(share);
  app.add_option("--cancel-share", o.cancel_share, "confirmed bookings that are cancelled")->check(share);
  app.add_option("--move-share", o.move_share, "confirmed bookings that are moved")->check(share);
  app.add_option("--second-share", o.second_share, "citizens who then try to book another place")->check(share);
  app.add_option("--browse-share", o.browse_share, "of mode mixed: reads of availability")->check(share)->capture_default_str();
  app.add_option("--fill-extra", o.fill_extra, "of mode fill: citizens beyond the places, as a share of them")
      ->check(CLI::Range(0.0, 10.0))
      ->capture_default_str();
  app.add_option("--notes-bytes", o.notes_bytes,
                 "bytes of text a person brings, in the notes, then the e-mail and the name: makes sealed records larger")
      ->check(CLI::Range(std::size_t{0}, limits::notes_bytes_max));
  app.add_flag("!--any-window", o.name_window, "leave the window to the server");
  app.add_flag("--null", o.null_target, "the target answers anything: count its answers, do not read them");
  app.add_flag("--tolerate-restarts", o.tolerate_restarts, "survive lost connections: connect again with back-off");
  app.add_option("--retry-unknowns", o.retry_unknowns, "how often an unknown outcome is asked again under its key")
      ->check(CLI::Range(0U, 1000U));
  app.add_option("--impatient-share", o.impatient_share, "citizens who ask another front the same when they have waited for a while")
      ->check(share);
  app.add_option("--impatient-ms", o.impatient_ms, "how long these wait")->check(CLI::Range(1U, 600'000U))->capture_default_str();
  app.add_option("--timeout-ms", o.timeout_ms, "after which an outcome is unknown")
      ->check(CLI::Range(10U, 600'000U))
      ->capture_default_str();
  app.add_option("--drain", o.drain_s, "seconds at the end for what is under way and to be asked again")
      ->check(CLI::Range(0.0, 3600.0))
      ->capture_default_str();
  app.add_option("--round", o.round, "code of the round; the open one when left out");
  app.add_option("--slots", c.slots_file, "slots from a CSV file instead of the server")->check(CLI::ExistingFile);
  app.add_option("--population", c.population_file, "population table instead of the one compiled in")->check(CLI::ExistingFile);
  app.add_option("--record", o.record_file, "write every answer to this file (JSON lines), for `janji-load audit`");
  app.add_option("--audit-admin", c.audit_admin, "at the end ask this operators' address for the audit of the store");
  app.add_option("--admin-token-file", c.admin_token_file, "its token")->check(CLI::ExistingFile);
  app.add_option("--audit-sample", c.audit_sample, "confirmed bookings to look up one by one (each reads the log)")
      ->check(CLI::Range(0U, 10'000U));
  app.add_option("--output", c.output, "table or json")->check(CLI::IsMember({"table", "json"}))->capture_default_str();
  app.add_flag("--quiet", o.quiet, "no line a second");
}

struct audit_line {
  std::string record;
  std::string exported;
  std::string output = "table";
  audit_options options;
};

int run_audit(const audit_line& a) {
  const auto found = audit_files(a.record, a.exported, a.options);
  if (!found) {
    fmt::print(stderr, "janji-load: {}\n", found.error());
    return misused;
  }
  fmt::print("{}", a.output == "json" ? as_json(*found) + "\n" : as_table(*found));
  return found->breaches() == 0 ? clean : breached;
}

struct replay_line {
  std::string record;
  std::string target_url;
  std::string output = "table";
  std::size_t notes_bytes = 0;
};

int run_replay(const replay_line& r) {
  const auto misuse = [](const std::string& why) {
    fmt::print(stderr, "janji-load: {}\n", why);
    return misused;
  };
  const auto where = read_target(r.target_url);
  if (!where)
    return misuse(where.error());
  const auto own = is_loopback(where->host);
  if (!own || !*own)
    return misuse(!own ? own.error() : where->host + " is not this machine");
  const auto found = replay(r.record, *where, r.notes_bytes);
  if (!found)
    return misuse(found.error());
  fmt::print("{}", r.output == "json" ? as_json(*found) + "\n" : as_table(*found));
  return found->clean() ? clean : breached;
}

struct gaps_line {
  std::string record;
  std::string output = "table";
  std::uint16_t shards = 64;
};

int run_gaps(const gaps_line& g) {
  const auto found = gaps_of(g.record, g.shards);
  if (!found) {
    fmt::print(stderr, "janji-load: {}\n", found.error());
    return misused;
  }
  fmt::print("{}", g.output == "json" ? as_json(*found) + "\n" : as_table(*found));
  return clean;
}

int run(int argc, char** argv) {
  constexpr std::size_t connections_max = 100'000;
  (void)apps::raise_descriptor_limit({.citizens = connections_max});
  CLI::App app{
      "janji-load: a crowd of synthetic citizens, and the audit of what it was told.\nExit codes: 0 clean, 1 a promise was broken, 2 "
      "misuse, 3 ended early"};
  app.require_subcommand(1);
  command_line line;
  audit_line audit;
  const std::map<std::string, std::pair<run_mode, std::string>> modes{
      {"book", {run_mode::book, "book, each time another citizen"}},
      {"browse", {run_mode::browse, "read availability, states by their population"}},
      {"mixed", {run_mode::mixed, "both, as in a rush"}},
      {"fill", {run_mode::fill, "book until every window said full, and the rest was refused"}},
      {"crash-record", {run_mode::book, "book while nodes are killed: --record, --tolerate-restarts, unknowns asked again"}}};
  for (const auto& [name, what] : modes)
    add_load_options(*app.add_subcommand(name, what.second), line);
  auto* audits = app.add_subcommand("audit", "compare a record with an export of the store");
  audits->add_option("--record", audit.record, "what `--record` wrote")->required()->check(CLI::ExistingFile);
  audits->add_option("--export", audit.exported, "what `janjictl export` wrote (JSON lines)")->check(CLI::ExistingFile);
  audits->add_flag("--others-booked-too", audit.options.others_booked_too, "entries that the record does not know are no breach");
  audits->add_flag("--expect-full", audit.options.expect_full, "every window must be full");
  audits->add_option("--output", audit.output, "table or json")->check(CLI::IsMember({"table", "json"}));
  replay_line again;
  auto* replays = app.add_subcommand("replay", "ask for every promise of a record again, under its key");
  replays->add_option("--record", again.record, "what `--record` wrote")->required()->check(CLI::ExistingFile);
  replays->add_option("--target", again.target_url, "http://host:port of the node")->required();
  replays->add_option("--notes-bytes", again.notes_bytes, "as in the recorded run");
  replays->add_option("--output", again.output, "table or json")->check(CLI::IsMember({"table", "json"}));
  gaps_line gaps;
  auto* waits = app.add_subcommand("gaps", "from a record: the longest that any shard gave no answer while it was asked");
  waits->add_option("--record", gaps.record, "what `--record` wrote")->required()->check(CLI::ExistingFile);
  waits->add_option("--shards", gaps.shards, "as node.shards says")->check(CLI::Range(1, 1024))->capture_default_str();
  waits->add_option("--output", gaps.output, "table or json")->check(CLI::IsMember({"table", "json"}));
  CLI11_PARSE(app, argc, argv);
  const auto* chosen = app.get_subcommands().front();
  if (chosen == audits)
    return run_audit(audit);
  if (chosen == waits)
    return run_gaps(gaps);
  if (chosen == replays)
    return run_replay(again);
  const auto name = chosen->get_name();
  line.run.mode = modes.at(name).first;
  line.run.mode_name = name;
  if (name == "fill") {
    line.run.duration_s = chosen->count("--duration") != 0 ? line.run.duration_s : 3600;
    line.run.retry_unknowns = chosen->count("--retry-unknowns") != 0 ? line.run.retry_unknowns : 20;
  }
  if (name == "crash-record") {
    line.run.tolerate_restarts = true;
    line.run.retry_unknowns = chosen->count("--retry-unknowns") != 0 ? line.run.retry_unknowns : 20;
    line.run.drain_s = chosen->count("--drain") != 0 ? line.run.drain_s : 30;
    if (line.run.record_file.empty()) {
      fmt::print(stderr, "janji-load: crash-record needs --record\n");
      return misused;
    }
  }
  if (chosen->count("--requests") != 0 && chosen->count("--duration") == 0)
    line.run.duration_s = 0;
  return run_load(line);
}

}  // namespace

}  // namespace janji::load

int main(int argc, char** argv) { return janji::load::run(argc, argv); }
