#include "apps/settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <optional>
#include <ranges>
#include <toml++/toml.h>
#include <unistd.h>
#include <utility>

#include "apps/toml_fault.hpp"
#include "apps/variables.hpp"
#include "apps/whole_files.hpp"
#include "booking/assert.hpp"

namespace janji::apps {

namespace {

const std::array all{
    setting{"node.data", "where everything is kept", "directory", std::string("data"), 1, 4096},
    setting{"node.shards", "shards of the key space; fixed when the data is first made", "", std::int64_t{64}, 1, 1024},
    setting{"node.actor_threads", "threads that run the actors", "", std::int64_t{1}, 1, 64},
    setting{"node.master_key_file", "the master key; empty: master.key in the data", "file", std::string(), 0, 4096},
    setting{"node.next_master_key_file", "the one to come, during a rotation; empty: that of the master key with .next", "file",
            std::string(), 0, 4096},
    setting{"node.insecure_listeners",
            "other machines may reach what is served in the clear: for tests; cluster.mode = production refuses that even so", "", false},
    setting{"http.address", "where citizens are served", "", std::string("127.0.0.1"), 1, 64},
    setting{"http.port", "0: a free one", "", std::int64_t{8080}, 0, 65535},
    setting{"http.behind_tls_proxy", "http.address is reached by a proxy alone, on another machine, that ends TLS", "", false},
    setting{"http.connections_max", "more are not accepted", "", std::int64_t{20000}, 1, 1000000},
    setting{"http.request_timeout_s", "of a request's header, and again of its body", "s", std::int64_t{15}, 1, 600},
    setting{"http.idle_timeout_s", "between requests of a connection", "s", std::int64_t{75}, 1, 3600},
    setting{"http.deadline_ms", "of a booking; then it is told as unknown", "ms", std::int64_t{5000}, 100, 60000},
    setting{"http.pending_max", "commands under way; more are told busy", "", std::int64_t{20000}, 1, 1000000},
    setting{"http.stamps", "answers say how new their requests were and which number a refusal has, for audits", "", std::string("off"), 0,
            0, false, "off, on"},
    setting{"http.public_url", "what citizens type to come here, several separated by spaces; empty: whatever host is asked", "",
            std::string(), 0, 4096},
    setting{"pages.language", "of a reader who names none", "", std::string("ms"), 0, 0, false, "ms, en, zh, ta"},
    setting{"cors.origins", "origins whose pages may call, separated by spaces", "", std::string(), 0, 65536},
    setting{"admin.address", "where operators are served", "", std::string("127.0.0.1"), 1, 64},
    setting{"admin.port", "0: a free one", "", std::int64_t{8081}, 0, 65535},
    setting{"admin.token_file", "the operators' token; empty: admin.token in the data, made at the first start", "file", std::string(), 0,
            4096},
    setting{"store.disk_low_mark", "share of the disk that must be free for new bookings", "", 0.10, 0, 0.9},
    setting{"store.ballast_mb", "given back by `janjictl disk release`", "MB", std::int64_t{64}, 0, 65536},
    setting{"store.snapshot_every_events", "of a shard's log; bounds what a restart replays", "", std::int64_t{8192}, 16, 10000000},
    setting{"store.passivate_after_ms", "an unused slot group leaves memory; 0: never", "ms", std::int64_t{60000}, 0, 86400000},
    setting{"read.publish_every_ms", "availability is renewed at most as often", "ms", std::int64_t{200}, 10, 1000},
    setting{"cluster.name", "of the cluster that this node belongs to; empty: it is alone", "", std::string(), 0, 64},
    setting{"cluster.node", "this node's number, its own in the cluster", "", std::int64_t{0}, 0, 4095},
    setting{"cluster.etcd", "endpoints of etcd, separated by spaces", "", std::string("http://127.0.0.1:2379"), 0, 4096},
    setting{"cluster.etcd_user", "that etcd knows this node by; empty: it asks for none", "", std::string(), 0, 256},
    setting{"cluster.etcd_password_file", "of that user; its owner's alone, read at each authentication", "file", std::string(), 0, 4096},
    setting{"cluster.etcd_ca_file", "the authority whose certificates etcd shows; empty: those of the system", "file", std::string(), 0,
            4096},
    setting{"cluster.etcd_certificate_file", "that is shown to etcd, PEM; with its key, or neither", "file", std::string(), 0, 4096},
    setting{"cluster.etcd_key_file", "of that certificate", "file", std::string(), 0, 4096},
    setting{"cluster.address", "where other nodes are listened to, and found", "", std::string("127.0.0.1"), 1, 64},
    setting{"cluster.port", "0: a free one", "", std::int64_t{0}, 0, 65535},
    setting{"cluster.replicas", "of every shard; as many nodes must be there before the cluster begins; fixed with it", "", std::int64_t{3},
            1, 9},
    setting{"cluster.min_in_sync", "disks that must hold a booking before it is confirmed; fixed with the cluster", "", std::int64_t{2}, 1,
            9},
    setting{"cluster.role", "both: holds shards and serves citizens; front: holds none; store: serves no citizens", "", std::string("both"),
            0, 0, false, "both, front, store"},
    setting{"cluster.mode",
            "production: nothing in the clear beyond this machine, links and etcd only with certificates, none of an authority made for "
            "development; etcd lets no stranger in",
            "", std::string("development"), 0, 0, false, "development, production"},
    setting{"cluster.zone", "replicas lie in different zones as far as there are enough", "", std::string(), 0, 64},
    setting{"cluster.weight", "this node's share of the shards, in proportion to the others'", "", std::int64_t{100}, 1, 10000},
    setting{"cluster.hand_overs_at_once", "leaderships that a node hands over at the same time; each waits for the others", "",
            std::int64_t{1}, 1, 64},
    setting{"cluster.replace_after_s", "a node that is away for so long is replaced by others", "s", std::int64_t{60}, 1, 86400},
    setting{"cluster.certificate_file", "of the links, PEM; with the key and the authority's, or none of them", "file", std::string(), 0,
            4096},
    setting{"cluster.key_file", "of the certificate", "file", std::string(), 0, 4096},
    setting{"cluster.ca_file", "the authority whose certificates are let in", "file", std::string(), 0, 4096},
    setting{"cluster.unnamed_certificates",
            "accepted: a certificate that names no node may be any node's, while certificates of before are renewed", "",
            std::string("refused"), 0, 0, false, "refused, accepted"},
    setting{"stop.limit_ms", "of an orderly stop", "ms", std::int64_t{10000}, 100, 600000},
    setting{"log.one_request_of", "requests that are logged, one of so many; 0: none", "", std::int64_t{0}, 0, 1000000},
    setting{"log.level", "how much is said on stderr", "", std::string("info"), 0, 0, false, "trace, debug, info, warn, error"},
};

const setting* find(std::string_view name) {
  const auto* it = std::ranges::find(all, name, &setting::name);
  return it == all.end() ? nullptr : it;
}

// As a basic string of TOML.
std::string toml_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      out.append("\\").push_back(c);
    else if (byte < 0x20 || byte == 0x7F)
      out += fmt::format("\\u{:04x}", byte);
    else
      out.push_back(c);
  }
  return out + "\"";
}

std::string shown(const setting_value& v) {
  if (const auto* s = std::get_if<std::string>(&v))
    return toml_string(*s);
  if (const auto* i = std::get_if<std::int64_t>(&v))
    return fmt::format("{}", *i);
  if (const auto* b = std::get_if<bool>(&v))
    return *b ? "true" : "false";
  return fmt::format("{}", std::get<double>(v));
}

// What a setting may be, in words.
std::string wanted(const setting& s) {
  if (std::holds_alternative<std::int64_t>(s.standard))
    return fmt::format("a whole number from {} to {}", s.least, s.greatest);
  if (std::holds_alternative<double>(s.standard))
    return fmt::format("a number from {} to {}", s.least, s.greatest);
  if (std::holds_alternative<bool>(s.standard))
    return "true or false";
  if (!s.choices.empty())
    return fmt::format("one of {}", s.choices);
  return s.least == 0 ? fmt::format("text of at most {} bytes", s.greatest) : fmt::format("text of {} to {} bytes", s.least, s.greatest);
}

bool is_choice(std::string_view text, std::string_view choices) {
  while (!choices.empty()) {
    const auto end = std::min(choices.find(", "), choices.size());
    if (choices.substr(0, end) == text)
      return true;
    choices.remove_prefix(std::min(end + 2, choices.size()));
  }
  return false;
}

// The whole text as a number within the range.
template <class Number>
std::optional<setting_value> number_of(const setting& s, std::string_view text) {
  Number v{};
  const auto* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, v);
  const auto in_range = static_cast<double>(v) >= s.least && static_cast<double>(v) <= s.greatest;  // not a number is in none
  return error == std::errc{} && at == end && in_range ? std::optional<setting_value>(v) : std::nullopt;
}

std::expected<setting_value, std::string> parse(const setting& s, std::string_view text) {
  std::optional<setting_value> v;
  if (std::holds_alternative<std::int64_t>(s.standard))
    v = number_of<std::int64_t>(s, text);
  else if (std::holds_alternative<double>(s.standard))
    v = number_of<double>(s, text);
  else if (std::holds_alternative<bool>(s.standard))
    v = text == "true" || text == "false" ? std::optional<setting_value>(text == "true") : std::nullopt;
  else if (s.choices.empty() ? static_cast<double>(text.size()) >= s.least && static_cast<double>(text.size()) <= s.greatest
                             : is_choice(text, s.choices))
    v = std::string(text);
  constexpr std::size_t told_bytes_max = 100;
  if (!v)
    return std::unexpected(
        fmt::format("{} must be {}, not {}", s.name, wanted(s), s.secret ? "that" : toml_string(text.substr(0, told_bytes_max))));
  return *v;
}

}  // namespace

std::span<const setting> registry() { return all; }

namespace {

// Text where text is wanted, a number where a number is: "8080" in quotes is a slip that may mean something else next time.
std::expected<void, std::string> set_from(settings& to, std::string_view name, const toml::node& value, std::string_view where) {
  const auto* s = find(name);
  const bool wants_text = s != nullptr && std::holds_alternative<std::string>(s->standard);
  if (const auto text = value.value_exact<std::string>(); text && (s == nullptr || wants_text))
    return to.set(name, *text, where);
  if (const auto truth = value.value_exact<bool>(); truth && s != nullptr && std::holds_alternative<bool>(s->standard))
    return to.set(name, *truth ? "true" : "false", where);
  if (const auto whole = value.value_exact<std::int64_t>(); whole && !wants_text)
    return to.set(name, fmt::format("{}", *whole), where);
  if (const auto real = value.value_exact<double>(); real && !wants_text)
    return to.set(name, fmt::format("{}", *real), where);
  if (s == nullptr)
    return to.set(name, "", where);  // whatever it is, there is no such setting
  return std::unexpected(fmt::format("{}: {} must be {}", where, name, wanted(*s)));
}

struct placed_fault {
  std::size_t line, column;
  std::string words;
};

std::string place_in(const std::string& path, const toml::source_position& at) { return fmt::format("{}:{}:{}", path, at.line, at.column); }

// Each on its line; good where there is none.
template <class Sentences>
std::expected<void, std::string> all_of_them(Sentences&& wrong) {
  constexpr std::size_t told_max = 100;
  std::string out;
  std::size_t n = 0;
  for (const auto& one : wrong)
    if (++n <= told_max)
      out.append(out.empty() ? "" : "\n").append(one);
  if (n == 0)
    return {};
  return std::unexpected(n <= told_max ? out : fmt::format("{}\nand {} more", out, n - told_max));
}

}  // namespace

settings::settings() {
  for (const auto& s : all)
    values_[s.name] = s.standard;
}

std::expected<void, std::string> settings::set(std::string_view name, std::string_view text, std::string_view where) {
  const auto* s = find(name);
  if (s == nullptr)
    return std::unexpected(fmt::format("{}: there is no setting {}", where, toml_string(name)));
  auto v = parse(*s, text);
  if (!v)
    return std::unexpected(fmt::format("{}: {}", where, v.error()));
  values_[s->name] = std::move(*v);
  return {};
}

std::expected<void, std::string> settings::read_file(const std::string& path) {
  const auto text = read_whole(path, small_file_bytes_max);
  if (!text)
    return std::unexpected(text.error());
  return read_text(*text, path);
}

// Everything that is wrong, in the order in which it stands there; of what is no TOML the first.
std::expected<void, std::string> settings::read_text(std::string_view text, const std::string& path) {
  toml::table file;
  try {
    file = toml::parse(text, path);
  } catch (const toml::parse_error& e) {
    return std::unexpected(fmt::format("{}: {}", place_in(path, e.source().begin), toml_fault(e.description())));
  }
  std::vector<placed_fault> wrong;
  const auto tell = [&](const toml::key& at, std::expected<void, std::string>&& r) {
    if (!r)
      wrong.push_back({at.source().begin.line, at.source().begin.column, std::move(r.error())});
  };
  for (const auto& [section, node] : file) {
    const auto where = place_in(path, section.source().begin);
    const auto prefix = fmt::format("{}.", section.str());
    if (const auto* table = node.as_table(); table == nullptr)
      tell(section, std::unexpected(fmt::format("{}: {} stands outside a section", where, toml_string(section.str()))));
    else if (std::ranges::none_of(all, [&](const setting& s) { return s.name.starts_with(prefix); }))
      tell(section, std::unexpected(fmt::format("{}: there is no section {}", where, toml_string(section.str()))));
    else
      for (const auto& [key, value] : *table)
        tell(key, set_from(*this, prefix + std::string(key.str()), value, place_in(path, key.source().begin)));
  }
  std::ranges::stable_sort(wrong, {}, [](const placed_fault& f) { return std::pair(f.line, f.column); });
  return all_of_them(wrong | std::views::transform(&placed_fault::words));
}

// Those that are no setting's, and those whose value a setting does not take.
std::expected<void, std::string> settings::read_environment() {
  std::vector<std::string> wrong;
  for (char** v = environ; v != nullptr && *v != nullptr; ++v) {
    const std::string_view text(*v);
    const auto equals = std::min(text.find('='), text.size());
    if (auto no = wrong_variable(text.substr(0, equals), text.substr(std::min(equals + 1, text.size()))))
      wrong.push_back(std::move(*no));
  }
  for (const auto& s : all) {
    const auto variable = variable_of(s.name);
    if (const auto* text = std::getenv(variable.c_str()); text != nullptr && !is_of_a_service(variable, text))
      if (auto r = set(s.name, text, variable); !r)
        wrong.push_back(std::move(r.error()));
  }
  return all_of_them(wrong);
}

std::int64_t settings::number(std::string_view name) const { return std::get<std::int64_t>(values_.at(name)); }
double settings::real(std::string_view name) const { return std::get<double>(values_.at(name)); }
bool settings::flag(std::string_view name) const { return std::get<bool>(values_.at(name)); }
const std::string& settings::text(std::string_view name) const { return std::get<std::string>(values_.at(name)); }

std::string settings::show() const {
  std::string out;
  std::string_view section;
  for (const auto& s : all) {
    const auto dot = s.name.find('.');
    if (s.name.substr(0, dot) != section) {
      section = s.name.substr(0, dot);
      out += fmt::format("{}[{}]\n", out.empty() ? "" : "\n", section);
    }
    out += fmt::format("{} = {}\n", s.name.substr(dot + 1), s.secret ? "\"(hidden)\"" : shown(values_.at(s.name)));
  }
  return out;
}

std::string registry_as_markdown() {
  std::string out =
      "# Configuration\n"
      "Made by `janjid --print-config-docs`. The later wins: these defaults, the file (`--config`, TOML), the environment, flags\n"
      "(`--set section.name=value`, and short ones: `janjid --help`). `janjid --check-config` prints what is in force. An unknown\n"
      "key or a value out of range is an error that names its file, line and column, and all of a file are named at once; so are\n"
      "variables that look like these and are none. Changes take a restart.\n\n"
      "| setting | environment | default | may be | what |\n|---|---|---|---|---|\n";
  for (const auto& s : all)
    out += fmt::format("| `{}` | `{}` | `{}` | {} | {}{} |\n", s.name, variable_of(s.name), shown(s.standard), wanted(s), s.doc,
                       s.unit.empty() ? "" : fmt::format(" ({})", s.unit));
  return out;
}

}  // namespace janji::apps
