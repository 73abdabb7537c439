#include "apps/settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <toml++/toml.h>

#include "booking/assert.hpp"

namespace janji::apps {

namespace {

const std::array all{
    setting{"node.data", "where everything is kept", "directory", std::string("data"), 0, 0},
    setting{"node.shards", "shards of the key space; fixed when the data is first made", "", std::int64_t{64}, 1, 1024},
    setting{"node.actor_threads", "threads that run the actors", "", std::int64_t{1}, 1, 64},
    setting{"node.master_key_file", "the master key; empty: master.key in the data", "file", std::string(), 0, 0},
    setting{"http.address", "where citizens are served", "", std::string("127.0.0.1"), 0, 0},
    setting{"http.port", "0: a free one", "", std::int64_t{8080}, 0, 65535},
    setting{"http.connections_max", "more are not accepted", "", std::int64_t{20000}, 1, 1000000},
    setting{"http.request_timeout_s", "of a request's header, and again of its body", "s", std::int64_t{15}, 1, 600},
    setting{"http.idle_timeout_s", "between requests of a connection", "s", std::int64_t{75}, 1, 3600},
    setting{"http.deadline_ms", "of a booking; then it is told as unknown", "ms", std::int64_t{5000}, 100, 60000},
    setting{"http.pending_max", "commands under way; more are told busy", "", std::int64_t{20000}, 1, 1000000},
    setting{"cors.origins", "origins whose pages may call, separated by spaces", "", std::string(), 0, 0},
    setting{"admin.address", "where operators are served", "", std::string("127.0.0.1"), 0, 0},
    setting{"admin.port", "0: a free one", "", std::int64_t{8081}, 0, 65535},
    setting{"admin.token_file", "the operators' token; empty: admin.token in the data, made at the first start", "file", std::string(), 0,
            0},
    setting{"store.disk_low_mark", "share of the disk that must be free for new bookings", "", 0.10, 0, 0.9},
    setting{"store.ballast_mb", "given back by `janjictl disk release`", "MB", std::int64_t{64}, 0, 65536},
    setting{"store.snapshot_every_events", "of a shard's log; bounds what a restart replays", "", std::int64_t{8192}, 16, 10000000},
    setting{"store.passivate_after_ms", "an unused slot group leaves memory; 0: never", "ms", std::int64_t{60000}, 0, 86400000},
    setting{"read.publish_every_ms", "availability is renewed at most as often", "ms", std::int64_t{200}, 10, 1000},
    setting{"stop.limit_ms", "of an orderly stop", "ms", std::int64_t{10000}, 100, 600000},
    setting{"log.one_request_of", "requests that are logged, one of so many; 0: none", "", std::int64_t{0}, 0, 1000000},
    setting{"log.level", "trace, debug, info, warn, error", "", std::string("info"), 0, 0},
};

const setting* find(std::string_view name) {
  const auto* it = std::ranges::find(all, name, &setting::name);
  return it == all.end() ? nullptr : it;
}

std::string shown(const setting_value& v) {
  if (const auto* s = std::get_if<std::string>(&v))
    return fmt::format("\"{}\"", *s);
  if (const auto* i = std::get_if<std::int64_t>(&v))
    return fmt::format("{}", *i);
  if (const auto* d = std::get_if<double>(&v))
    return fmt::format("{}", *d);
  return std::get<bool>(v) ? "true" : "false";
}

std::expected<setting_value, std::string> parse(const setting& s, std::string_view text) {
  const auto in_range = [&](double v) { return v >= s.least && v <= s.greatest; };
  const auto* end = text.data() + text.size();
  if (std::holds_alternative<std::int64_t>(s.standard)) {
    std::int64_t v = 0;
    const auto [at, error] = std::from_chars(text.data(), end, v);
    if (error != std::errc{} || at != end || !in_range(static_cast<double>(v)))
      return std::unexpected(fmt::format("{} must be a whole number from {} to {}, not \"{}\"", s.name, s.least, s.greatest, text));
    return v;
  }
  if (std::holds_alternative<double>(s.standard)) {
    double v = 0;
    const auto [at, error] = std::from_chars(text.data(), end, v);
    if (error != std::errc{} || at != end || !in_range(v))
      return std::unexpected(fmt::format("{} must be a number from {} to {}, not \"{}\"", s.name, s.least, s.greatest, text));
    return v;
  }
  return std::string(text);
}

std::string variable_of(std::string_view name) {
  std::string out = "JANJI_";
  for (const char c : name)
    out.push_back(c == '.' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c))));
  return out;
}

}  // namespace

std::span<const setting> registry() { return all; }

settings::settings() {
  for (const auto& s : all)
    values_[s.name] = s.standard;
}

std::expected<void, std::string> settings::set(std::string_view name, std::string_view text, std::string_view where) {
  const auto* s = find(name);
  if (s == nullptr)
    return std::unexpected(fmt::format("{}: there is no setting {}", where, name));
  auto v = parse(*s, text);
  if (!v)
    return std::unexpected(fmt::format("{}: {}", where, v.error()));
  values_[s->name] = std::move(*v);
  return {};
}

std::expected<void, std::string> settings::read_file(const std::string& path) {
  toml::table file;
  try {
    file = toml::parse_file(path);
  } catch (const toml::parse_error& e) {
    return std::unexpected(fmt::format("{}:{}: {}", path, e.source().begin.line, e.description()));
  }
  for (const auto& [section, node] : file) {
    const auto* table = node.as_table();
    if (table == nullptr)
      return std::unexpected(fmt::format("{}:{}: {} stands outside a section", path, node.source().begin.line, section.str()));
    for (const auto& [key, value] : *table) {
      const auto where = fmt::format("{}:{}", path, value.source().begin.line);
      const auto name = fmt::format("{}.{}", section.str(), key.str());
      std::string text;
      if (const auto s = value.value_exact<std::string>())
        text = *s;
      else if (const auto i = value.value_exact<std::int64_t>())
        text = fmt::format("{}", *i);
      else if (const auto d = value.value_exact<double>())
        text = fmt::format("{}", *d);
      else
        return std::unexpected(fmt::format("{}: {} must be text or a number", where, name));
      if (auto r = set(name, text, where); !r)
        return r;
    }
  }
  return {};
}

std::expected<void, std::string> settings::read_environment() {
  for (const auto& s : all) {
    const auto variable = variable_of(s.name);
    if (const auto* text = std::getenv(variable.c_str()); text != nullptr)
      if (auto r = set(s.name, text, variable); !r)
        return r;
  }
  return {};
}

std::int64_t settings::number(std::string_view name) const { return std::get<std::int64_t>(values_.at(name)); }
double settings::real(std::string_view name) const { return std::get<double>(values_.at(name)); }
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
  std::string out = "| setting | environment | default | range | what |\n|---|---|---|---|---|\n";
  for (const auto& s : all) {
    const bool is_number = !std::holds_alternative<std::string>(s.standard);
    out += fmt::format("| `{}` | `{}` | `{}` | {} | {}{} |\n", s.name, variable_of(s.name), shown(s.standard),
                       is_number ? fmt::format("{} to {}", s.least, s.greatest) : "", s.doc,
                       s.unit.empty() ? "" : fmt::format(" ({})", s.unit));
  }
  return out;
}

}  // namespace janji::apps
