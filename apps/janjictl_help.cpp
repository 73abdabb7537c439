// janjictl's help: an example and the exit codes of every verb; and what may have been meant by a word that is none.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "apps/janjictl.hpp"
#include "apps/nearest.hpp"

namespace janji::apps {

namespace {

// Each verb as it is typed, and an example of it after `janjictl `.
constexpr std::array<std::pair<std::string_view, std::string_view>, 49> examples{{
    {"status", "--data data status"},
    {"round import", "--data data --dry-run round import --round round.toml --centres centres.csv --slots slot-groups.csv"},
    {"round list", "--data data round list"},
    {"round figures", "--data data --output json round figures 2021-3"},
    {"round preflight", "--data data round preflight 2021-3"},
    {"round warm", "--data data round warm 2021-3"},
    {"round open", "--data data --dry-run round open 2021-3"},
    {"round pause", "--data data round pause 2021-3 --reason \"The hall has no power; back at 14:00\""},
    {"round resume", "--data data round resume 2021-3"},
    {"round close", "--data data round close 2021-3"},
    {"round erase", "--data data round erase 2021-3 --reason 2021-3"},
    {"capacity", "--data data capacity 2021-3 SPICE 2021-06-09 2900 --reason \"one room less\""},
    {"claim release", "--data data claim release 2021-3 --number-file - --reason \"card seen at counter 3, ledger 17\""},
    {"node list", "--node 10.0.0.1:8081,10.0.0.2:8081 --token-file token node list"},
    {"node drain", "--data data node drain 2 --wait"},
    {"node undrain", "--data data node undrain 2"},
    {"node remove", "--data data --dry-run node remove 2"},
    {"node add", "--data data node add 2"},
    {"rebalance plan", "--data data rebalance plan"},
    {"rebalance status", "--data data rebalance status --wait"},
    {"rebalance pause", "--data data rebalance pause"},
    {"rebalance start", "--data data rebalance start"},
    {"shard list", "--data data shard list"},
    {"shard show", "--data data shard show 7"},
    {"shard move", "--data data shard move 7 --to 4,2,1"},
    {"shard unpin", "--data data shard unpin 7"},
    {"shard verify", "--data data shard verify all"},
    {"shard replace", "--data data --dry-run shard replace 7 --dead 2 --by 4 --confirm 7"},
    {"shard unsafe-promote", "--data data --dry-run shard unsafe-promote 7 --node 3"},
    {"cluster raise", "--data data --dry-run cluster raise"},
    {"check", "--node http://[::1]:8081 --token-file token check"},
    {"audit", "--data data audit"},
    {"export", "--data data export --to bookings.jsonl"},
    {"membership show", "--data data membership show"},
    {"membership found", "--data data --dry-run membership found clinics --node 1"},
    {"membership alone", "--data data membership alone"},
    {"membership settle", "--data data membership settle --cluster clinics --node 1"},
    {"show", "--data data show booking/0PK8-86YM-94VA-3"},
    {"unseal",
     "--data data unseal --round 2021-3 --centre SPICE --date 2021-06-09 --reason \"names for the door, ledger 17\" --to day.ndjson"},
    {"trail", "--data data trail"},
    {"disk", "--data data disk"},
    {"disk release", "--data data disk release"},
    {"keys show", "--data data keys show"},
    {"keys rotate", "--data data --dry-run keys rotate"},
    {"receipt key", "--data data receipt key"},
    {"receipt verify", "receipt verify janji1.WZV39qg6.... --key 2404794ab58722ec59bcbdffe63150c6991725553abede0539a756655c290a19"},
    {"config validate", "config validate configs/single.toml"},
    {"config show", "config show configs/single.toml"},
    {"completion", "completion bash"},
}};

std::string codes() {
  std::string out = "Exit codes:\n";
  for (const auto& row : exit_rows)
    out += fmt::format("  {:<3}  {}\n", row.code, row.means);
  return out + "  100 to 127: what was typed cannot be understood; nothing was done";
}

void add_help_to(CLI::App& app, const std::string& path) {
  std::string text;
  for (const auto& [verb, example] : examples)
    if (verb == path)
      text = fmt::format("Example:\n  $ janjictl {}\n\n", example);
  app.footer(text + codes());
  for (auto* sub : app.get_subcommands([](CLI::App*) { return true; }))
    add_help_to(*sub, path.empty() ? sub->get_name() : path + " " + sub->get_name());
}

std::vector<const CLI::App*> verbs_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App* sub) { return !sub->get_name().empty(); });
}

std::string path_of(const CLI::App& app) {
  return app.get_parent() == nullptr ? "janjictl" : path_of(*app.get_parent()) + " " + app.get_name();
}

const CLI::App* verb_here(const CLI::App& app, const std::string& word) {
  for (const auto* sub : verbs_of(app))
    if (sub->get_name() == word)
      return sub;
  return nullptr;
}

// `open` is a verb of `round`.
void find_elsewhere(const CLI::App& app, const std::string& word, std::vector<std::string>& out) {
  for (const auto* sub : verbs_of(app)) {
    if (sub->get_name() == word)
      out.push_back(path_of(*sub));
    find_elsewhere(*sub, word, out);
  }
}

const CLI::Option* option_here(const CLI::App* app, const std::string& name) {
  for (; app != nullptr; app = app->get_parent())
    if (const auto* o = app->get_option_no_throw(name))
      return o;
  return nullptr;
}

std::string of_option(const CLI::App& app, const std::string& name) {
  std::vector<std::string> known;
  for (const auto* at = &app; at != nullptr; at = at->get_parent())
    for (const auto* o : at->get_options())
      for (const auto& n : o->get_lnames())
        known.push_back("--" + n);
  const auto meant = nearest(name, known);
  return fmt::format("there is no option {} of `{}`{}; `{} --help` names them", name, path_of(app),
                     meant ? fmt::format(", did you mean {}?", *meant) : "", path_of(app));
}

std::string of_verb(const CLI::App& app, const std::string& word) {
  std::vector<std::string> known;
  for (const auto* sub : verbs_of(app))
    known.push_back(sub->get_name());
  std::vector<std::string> elsewhere;
  const auto* top = &app;
  while (top->get_parent() != nullptr)
    top = top->get_parent();
  find_elsewhere(*top, word, elsewhere);
  const auto meant = nearest(word, known);
  const auto guess = meant ? path_of(app) + " " + *meant : elsewhere.empty() ? std::string() : elsewhere.front();
  return fmt::format("there is no verb {} of `{}`{}; `{} --help` names them", word, path_of(app),
                     guess.empty() ? "" : fmt::format(", did you mean `{}`?", guess), path_of(app));
}

// The first word that means nothing where it stands; none: something else is wrong.
std::optional<std::string> slip_in(const CLI::App& app, const std::vector<std::string>& words) {
  const auto* at = &app;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto& word = words[i];
    if (word == "--")
      return std::nullopt;
    if (word.size() > 1 && word.front() == '-') {
      const auto equals = word.find('=');
      const auto name = word.substr(0, equals);
      const auto* option = option_here(at, name);
      if (option == nullptr)
        return of_option(*at, name);
      i += equals == std::string::npos && option->get_items_expected_max() > 0 ? 1 : 0;
    } else if (const auto* sub = verb_here(*at, word)) {
      at = sub;
    } else if (!verbs_of(*at).empty()) {
      return of_verb(*at, word);
    }
  }
  if (verbs_of(*at).empty() || at->get_require_subcommand_min() == 0)
    return std::nullopt;
  std::string names;
  for (const auto* sub : verbs_of(*at))
    names += (names.empty() ? "" : ", ") + sub->get_name();
  return fmt::format("`{}` needs one of these verbs: {}", path_of(*at), names);
}

}  // namespace

void add_help(CLI::App& app) { add_help_to(app, {}); }

int misused(const CLI::App& app, const CLI::ParseError& e, const std::vector<std::string>& words) {
  const bool may_be_a_slip = dynamic_cast<const CLI::ExtrasError*>(&e) != nullptr || dynamic_cast<const CLI::RequiredError*>(&e) != nullptr;
  if (const auto slip = may_be_a_slip ? slip_in(app, words) : std::nullopt)
    return fail({*slip, e.get_exit_code()});
  return fail({fmt::format("{}; `--help` after the verb says how it is written", e.what()), e.get_exit_code()});
}

}  // namespace janji::apps
