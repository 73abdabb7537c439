// The operators' tool: talks to a node's admin listener, or reads a data directory without one.
#include <fmt/format.h>
#include <sodium.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <expected>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "apps/descriptors.hpp"
#include "apps/janjictl.hpp"
#include "apps/round_files.hpp"
#include "apps/settings.hpp"
#include "booking/civil_time.hpp"
#include "booking/receipt.hpp"
#include "store/wiping.hpp"

namespace janji::apps {

namespace {

namespace http = boost::beast::http;
namespace json = boost::json;

result<std::string> first_line_of(const std::string& path) {
  auto text = read_text(path == "-" ? "/dev/stdin" : path);
  if (!text)
    return text;
  text->resize(std::min(text->find_first_of("\r\n"), text->size()));
  return text;
}

int status(const connection& c) {
  auto r = call(c, http::verb::get, "/admin/v1/status");
  if (!r)
    return fail(r.error());
  if (r->body.is_object() && !c.as_json)
    r->body.get_object().erase("shard_list");  // one screen
  const int shown = show(c, r);
  if (shown != 0 || !r->body.is_object())
    return exit_broken;
  const auto verdict = scalar(r->body.at("verdict"));
  return verdict == "healthy" ? 0 : verdict == "degraded" ? 1 : exit_broken;
}

int import_round(const connection& c, const std::string& round, const std::string& centres, const std::string& slots,
                 const std::string& first_day) {
  std::vector<file_name_and_bytes> given;
  std::string unread;
  for (const auto& name : {round, centres, slots}) {
    auto text = read_text(name);
    if (!text)
      unread += (unread.empty() ? "" : "; ") + text.error();
    given.push_back({name, text ? std::move(*text) : std::string()});
  }
  if (!unread.empty())
    return fail(unread);
  const round_files files(std::move(given[0]), std::move(given[1]), std::move(given[2]));
  const bool only_try = c.dry_run || !files.are_good();
  auto target = std::string("/admin/v1/rounds?dry_run=") + (only_try ? "true" : "false");
  if (!first_day.empty())
    target += "&first_day=" + first_day;
  auto r = call(c, http::verb::post, target, files.body());
  const auto* said = r && r->status == 422 && r->body.is_object() ? r->body.get_object().if_contains("fields") : nullptr;
  const auto faults = files.all_faults(said != nullptr && said->is_array() ? said->get_array() : json::array{});
  if (faults.empty()) {
    json::array read_as;
    if (auto* readings = r && !c.as_json && r->body.is_object() ? r->body.get_object().if_contains("read_as") : nullptr;
        readings != nullptr) {
      read_as = readings->is_array() ? std::move(readings->get_array()) : json::array{};
      r->body.get_object().erase("read_as");
    }
    const int code = show(c, r);
    for (const auto& line : lines_of_readings(read_as))
      fmt::print("{}\n", line);
    return code;
  }
  json::array all;
  for (const auto& f : faults) {
    all.push_back(f.json());
    if (!c.as_json)
      fmt::print(stderr, "{}\n", f.line());
  }
  if (c.as_json)
    fmt::print("{}\n",
               json::serialize(json::object{{"title", "Nothing was imported."}, {"status", 422}, {"code", "invalid"}, {"fields", all}}));
  if (!r || (r->status >= 300 && said == nullptr))
    fmt::print(stderr, "what else may be wrong is not known: {}\n", r ? refusal(*r) : r.error());
  fmt::print(stderr, "nothing was imported\n");
  return exit_refused;
}

int verify(const std::string& text, const std::string& key_hex) {
  receipt_public_key key{};
  std::size_t size = 0;
  if (key_hex.size() != key.size() * 2 ||
      sodium_hex2bin(key.data(), key.size(), key_hex.data(), key_hex.size(), nullptr, &size, nullptr) != 0)
    return fail("--key is the public key, 64 hexadecimal digits (janjictl receipt key)");
  const auto statement = verify_receipt(text, key);
  if (!statement) {
    fmt::print("not valid: {}\n", words_of(statement.error()));
    return exit_refused;
  }
  fmt::print("valid: {} at {} on {}, {}, confirmed {}, round {}{}\n", statement->reference, statement->centre, statement->date,
             statement->window, statement->confirmed_at, statement->round, statement->rehearsal ? " (TEST)" : "");
  return 0;
}

void add_round_commands(CLI::App& app, connection& c, int& code) {
  auto* round = app.add_subcommand("round", "import, open, pause and close rounds")->require_subcommand(1);
  auto* import = round->add_subcommand("import", "a round from a TOML file and two CSV files: all or nothing");
  auto* files = c.keep<std::array<std::string, 3>>();
  auto* first_day = c.keep<std::string>();
  import->add_option("--round", (*files)[0], "its settings (TOML)")->required();
  import->add_option("--centres", (*files)[1], "its centres (CSV)")->required();
  import->add_option("--slots", (*files)[2], "its slot groups (CSV)")->required();
  import->add_option("--first-day", *first_day, "YYYY-MM-DD or tomorrow: moves all its days, so that it begins then; of demonstrations")
      ->check([](const std::string& day) {
        return day == "tomorrow" || parse_date(day) ? std::string() : std::string("a date is written YYYY-MM-DD, or tomorrow");
      });
  import->callback([&c, &code, files, first_day] { code = import_round(c, (*files)[0], (*files)[1], (*files)[2], *first_day); });
  auto* which = c.keep<std::string>();
  auto* reason = c.keep<std::string>();
  round->add_subcommand("list", "all rounds and their states")->callback([&c, &code] {
    code = show(c, call(c, http::verb::get, "/admin/v1/rounds"));
  });
  auto* figures = round->add_subcommand("figures", "places, bookings and refusals, by centre, state and age");
  figures->add_option("code", *which)->required();
  figures->callback([&c, &code, which] { code = show(c, call(c, http::verb::get, "/admin/v1/rounds/" + *which + "/figures")); });
  auto* preflight = round->add_subcommand("preflight", "is everything ready to open? says yes or no");
  preflight->add_option("code", *which)->required();
  preflight->callback([&c, &code, which] {
    const auto r = call(c, http::verb::get, "/admin/v1/rounds/" + *which + "/preflight");
    code = show(c, r);
    if (r && r->body.is_object() && r->body.get_object().contains("go") && !r->body.at("go").as_bool())
      code = exit_refused;
  });
  for (const auto& [verb, what] : {std::pair{"warm", "bring all its slot groups into memory"},
                                   {"open", "let citizens book"},
                                   {"pause", "stop booking for a while, with a reason"},
                                   {"resume", "go on after a pause"},
                                   {"close", "end booking"},
                                   {"erase", "destroy the keys of its personal data, for ever"}}) {
    auto* sub = round->add_subcommand(verb, what);
    sub->add_option("code", *which)->required();
    sub->add_option("--reason", *reason, "shown to citizens; for erase: the round's code again");
    sub->callback([&c, &code, which, reason, verb = std::string(verb)] {
      if (c.dry_run) {
        fmt::print("would {} round {}\n", verb, *which);
        return;
      }
      const auto body = verb == "erase" ? json::object{{"confirm", *reason}} : json::object{{"reason", *reason}};
      code = show(c, call(c, http::verb::post, "/admin/v1/rounds/" + *which + "/" + verb, body));
    });
  }
}

void add_store_commands(CLI::App& app, connection& c, int& code) {
  auto* what = c.keep<std::string>();
  auto* shown = app.add_subcommand("show", "what is stored: booking/REF, claim/REF, group/ROUND/CENTRE/DATE, shard/N");
  shown->add_option("what", *what)->required();
  shown->callback([&c, &code, what] { code = show(c, call(c, http::verb::get, "/admin/v1/show/" + *what)); });
  app.add_subcommand("trail", "what operators ordered, the last first")->callback([&c, &code] {
    code = show(c, call(c, http::verb::get, "/admin/v1/trail"));
  });
  auto* disk = app.add_subcommand("disk", "free space and the ballast");
  auto* release = disk->add_subcommand("release", "give the ballast file back, to have room to act");
  disk->callback([&c, &code, release] {
    if (!release->parsed())
      code = show(c, call(c, http::verb::get, "/admin/v1/disk"));
    else if (c.dry_run)
      fmt::print("would release the ballast file\n");
    else
      code = show(c, call(c, http::verb::post, "/admin/v1/disk/release"));
  });
  add_keys_commands(app, c, code);
  auto* receipt = app.add_subcommand("receipt", "receipts that citizens hold")->require_subcommand(1);
  receipt->add_subcommand("key", "the public key")->callback([&c, &code] {
    code = show(c, call(c, http::verb::get, "/admin/v1/receipt-key"));
  });
  auto* check = receipt->add_subcommand("verify", "offline: is it signed by this key?");
  auto* text = c.keep<std::string>();
  auto* key = c.keep<std::string>();
  check->add_option("receipt", *text)->required();
  check->add_option("--key", *key)->required();
  check->callback([&code, text, key] { code = verify(*text, *key); });
  auto* file = c.keep<std::string>();
  auto* config = app.add_subcommand("config", "configuration files")->require_subcommand(1);
  for (const auto* verb : {"validate", "show"}) {
    auto* sub = config->add_subcommand(
        verb, verb == std::string("show") ? "all settings in force with this file" : "is every key and value right?");
    sub->add_option("file", *file)->required();
    sub->callback([&code, file, verb = std::string(verb)] {
      settings s;
      if (const auto r = s.read_file(*file); !r)
        code = fail(r.error());
      else
        fmt::print("{}", verb == "show" ? s.show() : *file + " is right\n");
    });
  }
}

void add_claim_command(CLI::App& app, connection& c, int& code) {
  auto* claim = app.add_subcommand("claim", "what a citizen holds")->require_subcommand(1);
  auto* sub = claim->add_subcommand("release", "cancel the booking made under an identity, whose owner staff have seen, to free it");
  auto* words = c.keep<std::array<std::string, 4>>();
  auto* country = c.keep<std::string>();
  sub->add_option("round", (*words)[0])->required();
  sub->add_option("--type", (*words)[1], "mykad, passport, army or police")->default_str("mykad");
  sub->add_option("--number-file", (*words)[2], "file with the number, - for standard input: it stands in no list of processes")
      ->required();
  sub->add_option("--country", *country, "of a passport: three letters, as it says itself");
  sub->add_option("--reason", (*words)[3], "kept in the audit trail")->required();
  sub->callback([&c, &code, words, country] {
    const auto& w = *words;
    const auto number = first_line_of(w[2]);
    if (!number) {
      code = fail(number.error());
    } else if (c.dry_run) {
      fmt::print("would release what this identity holds in round {}\n", w[0]);
    } else {
      json::object identity{{"type", w[1].empty() ? "mykad" : w[1]}, {"number", *number}};
      if (!country->empty())
        identity["country"] = *country;
      code = show(c, call(c, http::verb::post, "/admin/v1/claims/release",
                          json::object{{"round", w[0]}, {"identity", std::move(identity)}, {"reason", w[3]}}));
    }
  });
}

void add_capacity_command(CLI::App& app, connection& c, int& code) {
  auto* sub = app.add_subcommand("capacity", "change the places of a window");
  auto* words = c.keep<std::array<std::string, 5>>();
  auto* places = c.keep<std::int64_t>();
  sub->add_option("round", (*words)[0])->required();
  sub->add_option("centre", (*words)[1])->required();
  sub->add_option("date", (*words)[2])->required();
  sub->add_option("places", *places)->required();
  sub->add_option("--window", (*words)[3], "HH:MM, where a day has several");
  sub->add_option("--reason", (*words)[4]);
  sub->callback([&c, &code, words, places] {
    const auto& w = *words;
    if (c.dry_run) {
      fmt::print("would set {} {} {} {} to {} places\n", w[0], w[1], w[2], w[3], *places);
      return;
    }
    json::object body{{"capacity", *places}, {"reason", w[4]}};
    if (!w[3].empty())
      body["window"] = w[3];
    code = show(c, call(c, http::verb::patch, fmt::format("/admin/v1/rounds/{}/groups/{}/{}", w[0], w[1], w[2]), body));
  });
}

int run(int argc, char** argv) {
  if (sodium_init() < 0)
    return fail("the cryptography library cannot be started");
  const rlimit no_core{0, 0};  // the token would stand in it
  ::setrlimit(RLIMIT_CORE, &no_core);
  ::prctl(PR_SET_DUMPABLE, 0);
  const store::wiping_scope wipes;
  (void)raise_descriptor_limit({});  // a store that is read may have many files
  ::umask(077);                      // what is exported is nobody else's
  CLI::App app{"janjictl: operates a node of the appointment cluster"};
  app.set_version_flag("--version", "janjictl " JANJI_VERSION);
  app.require_subcommand(1);
  app.fallthrough();
  connection c;
  int code = 0;
  std::string output = "table";
  app.add_option("--data", c.data, "the node's data directory");
  app.add_option("--admin", c.admin, "its admin listener, host:port; else as DATA/janjid.ports says");
  app.add_option("--token-file", c.token_file, "else DATA/admin.token");
  app.add_option("--timeout", c.timeout_s, "seconds that a node may say nothing, not even that it is alive")
      ->check(CLI::Range(1U, 3600U))
      ->capture_default_str();
  app.add_option("--output", output, "table or json")->check(CLI::IsMember({"table", "json"}))->each([&c](const std::string& v) {
    c.as_json = v == "json";
  });
  app.add_flag("--dry-run", c.dry_run, "say what would be done");
  app.add_subcommand("status", "one screen, a verdict and an exit code: 0 healthy, 1 degraded, 2 broken")->callback([&] {
    code = status(c);
  });
  add_round_commands(app, c, code);
  add_capacity_command(app, c, code);
  add_claim_command(app, c, code);
  add_cluster_commands(app, c, code);
  add_log_commands(app, c, code);
  add_membership_commands(app, c, code);
  add_store_commands(app, c, code);
  add_unseal_command(app, c, code);
  CLI11_PARSE(app, argc, argv);
  return code;
}

}  // namespace

}  // namespace janji::apps

// What could not be said has not been told: a full disk behind a pipe is no success.
int main(int argc, char** argv) {
  std::string why;
  int code = 0;
  try {
    code = janji::apps::run(argc, argv);
    if (std::fflush(stdout) != 0)
      why = std::strerror(errno);
  } catch (const std::system_error& e) {
    why = e.what();
  }
  return why.empty() ? code : janji::apps::fail("what there is to say cannot be written: " + why);
}
