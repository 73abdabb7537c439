#include "apps/variables.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <regex>

#include "apps/settings.hpp"
#include "booking/ascii_case.hpp"

namespace janji::apps {

namespace {

constexpr std::string_view of_the_master_key = "JANJI_MASTER";

// JANJI_HTTPPORT and JANJI_HTTP__PORT are JANJI_HTTP_PORT's.
std::string without_underscores(std::string_view name) {
  std::string out(name);
  std::erase(out, '_');
  return out;
}

bool is_known(std::string_view name) {
  return name == "JANJI_MASTER_KEY" || name == "JANJI_MASTER_KEY_NEXT" ||
         std::ranges::any_of(registry(), [&](const setting& s) { return variable_of(s.name) == name; });
}

// As the node's own begin, or as one of them but for capitals and underscores.
bool looks_like_ours(std::string_view given) {
  const auto name = in_capitals(std::string(given));
  if (name.starts_with(of_the_master_key))
    return true;
  const auto plain = without_underscores(name);
  return std::ranges::any_of(registry(), [&](const setting& s) {
    const auto group = variable_of(s.name.substr(0, s.name.find('.')));
    return name == group || name.starts_with(group + '_') || plain == without_underscores(variable_of(s.name));
  });
}

}  // namespace

std::string variable_of(std::string_view setting_name) {
  auto out = "JANJI_" + in_capitals(std::string(setting_name));
  std::ranges::replace(out, '.', '_');
  return out;
}

bool is_of_a_service(std::string_view name, std::string_view value) {
  struct form {
    std::regex name, value;
  };
  static const std::regex address("[0-9A-Fa-f.:]+");
  static const std::regex number("[0-9]{1,5}");
  static const std::regex url(R"((tcp|udp|sctp)://[0-9A-Fa-f.:\[\]]+:[0-9]{1,5})");
  static const form forms[] = {{std::regex(".+_SERVICE_HOST"), address},
                               {std::regex(".+_SERVICE_PORT(_[A-Z0-9_]+)?"), number},
                               {std::regex(".+_PORT(_[0-9]{1,5}_(TCP|UDP|SCTP))?"), url},
                               {std::regex(".+_PORT_[0-9]{1,5}_(TCP|UDP|SCTP)_PROTO"), std::regex("tcp|udp|sctp")},
                               {std::regex(".+_PORT_[0-9]{1,5}_(TCP|UDP|SCTP)_PORT"), number},
                               {std::regex(".+_PORT_[0-9]{1,5}_(TCP|UDP|SCTP)_ADDR"), address}};
  constexpr std::size_t bytes_max = 256;  // of either: a regular expression walks over them
  return name.size() <= bytes_max && value.size() <= bytes_max && std::ranges::any_of(forms, [&](const form& f) {
           return std::regex_match(name.begin(), name.end(), f.name) && std::regex_match(value.begin(), value.end(), f.value);
         });
}

std::optional<std::string> wrong_variable(std::string_view name, std::string_view value) {
  if (is_known(name) || !looks_like_ours(name) || is_of_a_service(name, value))
    return std::nullopt;
  if (in_capitals(std::string(name)).starts_with(of_the_master_key))
    return fmt::format(
        "{}: there is no such variable: JANJI_NODE_MASTER_KEY_FILE names the master key's file, JANJI_MASTER_KEY and JANJI_MASTER_KEY_NEXT "
        "hold a key",
        name);
  return fmt::format("{}: there is no such setting (janjid --print-config-docs lists them)", name);
}

}  // namespace janji::apps
