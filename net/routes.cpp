#include "net/routes.hpp"

#include <algorithm>

namespace janji::net {

std::optional<path_arguments> fitted(std::string_view pattern, std::string_view path) {
  path_arguments out;
  while (!pattern.empty() && !path.empty()) {
    const auto brace = std::min(pattern.find('{'), pattern.size());
    if (!path.starts_with(pattern.substr(0, brace)))
      return std::nullopt;
    pattern.remove_prefix(brace);
    path.remove_prefix(brace);
    if (pattern.empty())
      break;
    const auto end = pattern.find('}');
    const bool takes_all = pattern.substr(0, end).ends_with("...");
    const auto part = takes_all ? path : path.substr(0, path.find('/'));
    if (part.empty())
      return std::nullopt;
    out.add(part);
    pattern.remove_prefix(end + 1);
    path.remove_prefix(part.size());
  }
  return pattern.empty() && path.empty() ? std::optional(out) : std::nullopt;
}

std::string method_set::text() const {
  std::string out;
  for (const auto m : {method::get, method::head, method::post, method::put, method::del, method::patch, method::options})
    if (has(m))
      out.append(out.empty() ? "" : ", ").append(name_of(m));
  return out;
}

}  // namespace janji::net
