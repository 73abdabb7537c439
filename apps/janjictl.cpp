// The operators' tool: talks to a node's admin listener, or reads a data directory without one.
#include <fmt/format.h>
#include <sodium.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <boost/system/system_error.hpp>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <expected>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "apps/descriptors.hpp"
#include "apps/janjictl.hpp"
#include "apps/round_files.hpp"
#include "apps/settings.hpp"
#include "apps/settings_check.hpp"
#include "apps/whole_files.hpp"
#include "booking/civil_time.hpp"
#include "booking/receipt.hpp"
#include "booking/text_parts.hpp"
#include "booking/text_rules.hpp"
#include "store/wiping.hpp"

namespace janji::apps {

namespace http = boost::beast::http;
namespace json = boost::json;

int status(const connection& c) {
  auto r = call(c, http::verb::get, "/admin/v1/status");
  if (!r)
    return fail(r.error());
  if (r->body.is_object() && !c.as_json)
    r->body.get_object().erase("shard_list");  // one screen
  if (show(c, r, "verdict", exit_broken) != 0)
    return exit_broken;
  const auto verdict = scalar(r->body.at("verdict"));
  return verdict == "healthy" ? 0 : verdict == "degraded" ? 1 : exit_broken;
}

namespace {

constexpr std::size_t table_bytes_max = 64U << 20U;  // a CSV: what a node takes at once, with room for quotes

// Of a file with one number, and blank lines around it.
result<std::string> only_line_of(const std::string& path) {
  auto text = read_whole(path, small_file_bytes_max, true);
  if (!text)
    return std::unexpected(text.error());
  const auto name = path == "-" ? std::string("standard input") : path;
  if (!is_utf8(*text))
    return std::unexpected(failure(name + " is not UTF-8: nothing was sent"));
  constexpr std::string_view blank = " \t\r\n";
  const auto first = text->find_first_not_of(blank);
  if (first == std::string::npos)
    return std::unexpected(failure(name + " holds no number"));
  *text = text->substr(first, text->find_last_not_of(blank) - first + 1);
  if (text->find_first_of("\r\n") != std::string::npos)
    return std::unexpected(failure(name + " has several lines: one number is released at a time, and nothing was sent"));
  return *text;
}

int import_round(const connection& c, const std::string& round, const std::string& centres, const std::string& slots,
                 const std::string& first_day) {
  std::vector<file_name_and_bytes> given;
  std::string unread;
  for (const auto& name : {round, centres, slots}) {
    auto text = read_whole(name, given.empty() ? small_file_bytes_max : table_bytes_max);
    if (!text)
      unread += (unread.empty() ? "" : "; ") + text.error();
    given.push_back({name, text ? std::move(*text) : std::string()});
  }
  if (!unread.empty())
    return fail(unread);
  const round_files files(given[0], given[1], given[2]);
  const bool only_try = c.dry_run || !files.are_good();
  auto target = std::string("/admin/v1/rounds?dry_run=") + (only_try ? "true" : "false");
  if (!first_day.empty())
    target += "&first_day=" + first_day;
  auto r = call(c, http::verb::post, target, files.body());
  if (!r && r.error().code == exit_unknown)
    return fail({r.error().why + ": `janjictl round list` shows whether it is there; an import that is given again is done once",
                 exit_unknown, r.error().details});
  const auto* said = r && r->status == 422 && r->body.is_object() ? r->body.get_object().if_contains("fields") : nullptr;
  const auto faults = files.all_faults(said != nullptr && said->is_array() ? said->get_array() : json::array{});
  if (faults.empty()) {
    json::array read_as;
    if (auto* readings = r && !c.as_json && r->body.is_object() ? r->body.get_object().if_contains("read_as") : nullptr;
        readings != nullptr) {
      read_as = readings->is_array() ? std::move(readings->get_array()) : json::array{};
      r->body.get_object().erase("read_as");
    }
    const int code = show(c, r, "result");
    for (const auto& line : lines_of_readings(read_as))
      print("{}\n", line);
    return code == 0 ? left_undone(*r) : code;
  }
  json::array all;
  for (const auto& f : faults) {
    all.push_back(f.json());
    if (!c.as_json)
      tell("{}\n", f.line());
  }
  std::string more = "nothing was imported";
  if (!r || (r->status >= 300 && said == nullptr))
    more += fmt::format("; what else may be wrong is not known: {}", r ? refusal(*r) : r.error().why);
  return fail({std::move(more), exit_refused}, {{"title", "Nothing was imported."}, {"status", 422}, {"code", "invalid"}, {"fields", all}});
}

int verify(const connection& c, const std::string& text, const std::string& key_hex) {
  receipt_public_key key{};
  std::size_t size = 0;
  if (key_hex.size() != key.size() * 2 ||
      sodium_hex2bin(key.data(), key.size(), key_hex.data(), key_hex.size(), nullptr, &size, nullptr) != 0)
    return fail("--key is the public key, 64 hexadecimal digits (janjictl receipt key)");
  const auto statement = verify_receipt(text, key);
  if (!statement) {
    const auto why = words_of(statement.error());
    if (c.as_json)
      print_result(c, json::object{{"valid", false}, {"why", why}});
    else
      print("not valid: {}\n", why);
    return exit_refused;
  }
  if (c.as_json) {
    print_result(c, json::object{{"valid", true},
                                 {"reference", statement->reference},
                                 {"centre", statement->centre},
                                 {"date", statement->date},
                                 {"window", statement->window},
                                 {"confirmed_at", statement->confirmed_at},
                                 {"round", statement->round},
                                 {"rehearsal", statement->rehearsal}});
    return 0;
  }
  print("valid: {} at {} on {}, {}, confirmed {}, round {}{}\n", statement->reference, statement->centre, statement->date,
        statement->window, statement->confirmed_at, statement->round, statement->rehearsal ? " (TEST)" : "");
  return 0;
}

void add_round_commands(CLI::App& app, connection& c, int& code) {
  auto* round = app.add_subcommand("round", "import, open, pause and close rounds")->require_subcommand(1);
  auto* import = round->add_subcommand("import", "a round from a TOML file and two CSV files: all or nothing");
  auto* files = c.keep<std::array<std::string, 3>>();
  auto* first_day = c.keep<std::string>();
  import->add_option("--round", (*files)[0], "its settings (TOML)")->type_name("FILE")->required();
  import->add_option("--centres", (*files)[1], "its centres (CSV)")->type_name("FILE")->required();
  import->add_option("--slots", (*files)[2], "its slot groups (CSV)")->type_name("FILE")->required();
  import->add_option("--first-day", *first_day, "YYYY-MM-DD or tomorrow: moves all its days, so that it begins then; of demonstrations")
      ->type_name("DAY")
      ->check([](const std::string& day) {
        return day == "tomorrow" || parse_date(day) ? std::string() : std::string("a date is written YYYY-MM-DD, or tomorrow");
      });
  import->callback([&c, &code, files, first_day] { code = import_round(c, (*files)[0], (*files)[1], (*files)[2], *first_day); });
  auto* which = c.keep<std::string>();
  auto* reason = c.keep<std::string>();
  round->add_subcommand("list", "all rounds and their states")->callback([&c, &code] {
    code = show(c, call(c, http::verb::get, "/admin/v1/rounds"), "rounds");
  });
  auto* figures = round->add_subcommand("figures", "places, bookings and refusals, by centre, state and age");
  figures->add_option("code", *which)->required();
  figures->callback([&c, &code, which] {
    code = show(c, call(c, http::verb::get, "/admin/v1/rounds/" + percent_encoded(*which) + "/figures"), "places");
  });
  auto* preflight = round->add_subcommand("preflight", "is everything ready to open? says yes or no");
  preflight->add_option("code", *which)->required();
  preflight->callback([&c, &code, which] {
    const auto r = call(c, http::verb::get, "/admin/v1/rounds/" + percent_encoded(*which) + "/preflight");
    code = show(c, r, "go");
    if (code == 0 && r->body.at("go") != json::value(true))
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
    const bool erases = verb == std::string_view("erase");
    if (erases)
      sub->add_option("--confirm,--reason", *reason, "the round's code again");
    else if (verb != std::string_view("warm"))
      sub->add_option("--reason", *reason, "kept in the trail, and shown to citizens");
    sub->callback([&c, &code, which, reason, verb = std::string(verb)] {
      const auto body = verb == "erase" ? json::object{{"confirm", *reason}} : json::object{{"reason", *reason}};
      const auto look = verb == "warm" ? std::string("round warm ") + *which : std::string("round list");
      code = order(c, http::verb::post, "/admin/v1/rounds/" + percent_encoded(*which) + "/" + verb, body, look);
    });
  }
}

void add_store_commands(CLI::App& app, connection& c, int& code) {
  auto* what = c.keep<std::string>();
  auto* shown = app.add_subcommand("show", "what is stored: booking/REF, claim/REF, group/ROUND/CENTRE/DATE, shard/N, orders");
  shown->add_option("what", *what)->required();
  shown->callback([&c, &code, what] { code = show(c, call(c, http::verb::get, "/admin/v1/show/" + percent_encoded(*what, "/")), ""); });
  app.add_subcommand("trail", "what operators ordered, the last first")->callback([&c, &code] {
    code = show(c, call(c, http::verb::get, "/admin/v1/trail"), "");
  });
  auto* disk = app.add_subcommand("disk", "free space and the ballast");
  auto* release = disk->add_subcommand("release", "give the ballast file back, to have room to act");
  disk->callback([&c, &code, release] {
    if (!release->parsed())
      code = show(c, call(c, http::verb::get, "/admin/v1/disk"), "free_bytes");
    else
      code = order(c, http::verb::post, "/admin/v1/disk/release", nullptr, "disk");
  });
  add_keys_commands(app, c, code);
  auto* receipt = app.add_subcommand("receipt", "receipts that citizens hold")->require_subcommand(1);
  receipt->add_subcommand("key", "the public key")->callback([&c, &code] {
    code = show(c, call(c, http::verb::get, "/admin/v1/receipt-key"), "public_key");
  });
  auto* check = receipt->add_subcommand("verify", "offline: is it signed by this key?");
  auto* text = c.keep<std::string>();
  auto* key = c.keep<std::string>();
  check->add_option("receipt", *text)->required();
  check->add_option("--key", *key)->required();
  check->callback([&c, &code, text, key] { code = verify(c, *text, *key); });
  auto* file = c.keep<std::string>();
  auto* config = app.add_subcommand("config", "configuration files")->require_subcommand(1);
  for (const auto* verb : {"validate", "show"}) {
    auto* sub = config->add_subcommand(
        verb, verb == std::string("show") ? "all settings in force with this file" : "is every key and value right?");
    sub->add_option("file", *file)->type_name("FILE")->required();
    sub->callback([&c, &code, file, verb = std::string(verb)] {
      settings s;
      auto good = s.read_file(*file);
      if (good && verb == "validate")
        good = check_settings(s);
      if (!good)
        code = fail(good.error());
      else if (verb == "show")
        print("{}", s.show());
      else if (c.as_json)
        print_result(c, json::object{{"result", *file + " is right"}});
      else
        print("{} is right\n", *file);
    });
  }
}

void add_claim_command(CLI::App& app, connection& c, int& code) {
  auto* claim = app.add_subcommand("claim", "what a citizen holds")->require_subcommand(1);
  auto* sub = claim->add_subcommand("release", "cancel the booking made under an identity, whose owner staff have seen, to free it");
  auto* words = c.keep<std::array<std::string, 4>>();
  auto* country = c.keep<std::string>();
  sub->add_option("round", (*words)[0])->required();
  sub->add_option("--type", (*words)[1], "mykad, passport, army or police")
      ->check(CLI::IsMember({"mykad", "passport", "army", "police"}, CLI::ignore_case))
      ->default_str("mykad");
  sub->add_option("--number-file", (*words)[2], "file with the number, - for standard input: it stands in no list of processes")
      ->type_name("FILE")
      ->required();
  sub->add_option("--country", *country, "of a passport: three letters, as it says itself");
  sub->add_option("--reason", (*words)[3], "kept in the audit trail")->required();
  sub->callback([&c, &code, words, country] {
    const auto& w = *words;
    const auto number = only_line_of(w[2]);
    if (!number) {
      code = fail(number.error());
    } else {
      json::object identity{{"type", w[1].empty() ? "mykad" : w[1]}, {"number", *number}};
      if (!country->empty())
        identity["country"] = *country;
      code = order(c, http::verb::post, "/admin/v1/claims/release",
                   json::object{{"round", w[0]}, {"identity", std::move(identity)}, {"reason", w[3]}}, "show orders");
    }
  });
}

void add_capacity_command(CLI::App& app, connection& c, int& code) {
  auto* sub = app.add_subcommand("capacity", "change the places of a window");
  auto* words = c.keep<std::array<std::string, 5>>();
  auto* places = c.keep<std::int64_t>();
  sub->add_option("round", (*words)[0])->required();
  sub->add_option("centre", (*words)[1])->required();
  sub->add_option("date", (*words)[2], "YYYY-MM-DD")->required()->check([](const std::string& day) {
    return parse_date(day) ? std::string() : std::string("a date is written YYYY-MM-DD");
  });
  sub->add_option("places", *places)->required();
  sub->add_option("--window", (*words)[3], "HH:MM, where a day has several");
  sub->add_option("--reason", (*words)[4]);
  sub->callback([&c, &code, words, places] {
    const auto& w = *words;
    json::object body{{"capacity", *places}, {"reason", w[4]}};
    if (!w[3].empty())
      body["window"] = w[3];
    code = order(c, http::verb::patch,
                 fmt::format("/admin/v1/rounds/{}/groups/{}/{}", percent_encoded(w[0]), percent_encoded(w[1]), percent_encoded(w[2])), body,
                 fmt::format("show group/{}/{}/{}", w[0], w[1], w[2]));
  });
}

void add_options(CLI::App& app, connection& c, bool& verbose) {
  app.set_version_flag("--version", "janjictl " JANJI_VERSION);
  app.require_subcommand(1);
  app.fallthrough();
  app.add_option("--data", c.data, "the node's data directory")->type_name("DIR");
  app.add_option(
         "--node,--admin", c.nodes,
         "its operators' listener: HOST:PORT, [::1]:PORT, http://HOST:PORT, or a data directory or ports file; several, after commas or "
         "given again, are tried in order; else as DATA/janjid.ports says")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("NODE");
  app.add_option("--token-file", c.token_file, "else DATA/admin.token")->type_name("FILE");
  app.add_option("--timeout", c.timeout_s, "seconds that a node may say nothing, not even that it is alive")
      ->check(CLI::Range(1U, 3600U))
      ->capture_default_str();
  app.add_option("--answer-timeout", c.answer_s, "seconds that an answer may take while the node says beside that it is alive")
      ->check(CLI::Range(1U, 86'400U))
      ->capture_default_str();
  app.add_option("--output", *c.keep<std::string>(), "table or json; with json stdout is one JSON document, of an error too")
      ->check(CLI::IsMember({"table", "json"}))
      ->each([&c](const std::string& v) { c.as_json = v == "json"; });
  app.add_flag("--dry-run", c.dry_run, "an order is judged by the node as it would be, and not carried out");
  app.add_flag("--verbose", verbose, "of an error, also what exactly was answered, and by whom");
  app.parse_complete_callback([&] { set_output(c.as_json, verbose); });
}

// Whatever is typed.
bool asks_for_json(const std::vector<std::string>& words) {
  for (std::size_t i = 0; i < words.size(); ++i)
    if (words[i] == "--output=json" || (words[i] == "--output" && i + 1 < words.size() && words[i + 1] == "json"))
      return true;
  return false;
}

int run(int argc, char** argv) {
  if (sodium_init() < 0)
    return fail({"the cryptography library cannot be started"});
  const rlimit no_core{0, 0};  // the token would stand in it
  ::setrlimit(RLIMIT_CORE, &no_core);
  ::prctl(PR_SET_DUMPABLE, 0);
  const store::wiping_scope wipes;
  (void)raise_descriptor_limit({});  // a store that is read may have many files
  ::umask(077);                      // what is exported is nobody else's
  CLI::App app{"janjictl: operates a node of the appointment cluster"};
  connection c;
  bool verbose = false;
  int code = 0;
  add_options(app, c, verbose);
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
  add_completion_command(app, code);
  add_help(app);
  const std::vector<std::string> words(argv + 1, argv + std::max(argc, 1));
  set_output(asks_for_json(words), false);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {  // for help, or the version
    std::ostringstream text;
    app.exit(asked, text, text);
    print_text(text.str());
  } catch (const CLI::ParseError& e) {
    return misused(app, e, words);
  }
  return code;
}

// Whatever happens ends with a sentence and a code: a node of another kind may answer anything, and a file may hold anything.
int run_to_an_end(int argc, char** argv) {
  try {
    const int code = run(argc, argv);
    flush_output();
    return code;
  } catch (const unwritten& u) {
    tell("janjictl: what there is to say cannot be written: {}; an order that was given stands\n", std::strerror(u.why));
    return exit_unwritten;
  } catch (const boost::system::system_error& e) {
    return fail(
        {"what was read is not as expected: was it written, or is it answered, by a node of another version?", exit_broken, e.what()});
  } catch (const std::bad_alloc&) {
    return fail({"there is not enough memory for this: is the file, or the answer, the right one?"});
  } catch (const std::exception& e) {
    return fail({"this could not be done: what was read is not as expected (--verbose says more)", exit_broken, e.what()});
  }
}

}  // namespace

}  // namespace janji::apps

int main(int argc, char** argv) {
  janji::apps::hold_standard_streams(true);
  for (const int nobodys : {SIGPIPE, SIGXFSZ})  // said as an error of writing
    std::signal(nobodys, SIG_IGN);
  int code = janji::apps::run_to_an_end(argc, argv);
  try {
    janji::apps::flush_output();
  } catch (const janji::apps::unwritten&) {
    code = janji::apps::exit_unwritten;
  }
  std::_Exit(code);  // a name that is still being looked up is not waited for
}
