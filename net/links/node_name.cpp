#include "net/links/node_name.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace janji::net {

std::string node_name(std::string_view cluster, std::uint64_t node) {
  std::string encoded;
  for (const char c : cluster) {
    const bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || std::string_view("-._~").contains(c);
    encoded += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return fmt::format("{}{}/node/{}", node_name_scheme, encoded, node);
}

name_found find_name(const std::vector<std::string>& uris, std::string_view cluster, std::uint64_t node) {
  if (std::ranges::find(uris, node_name(cluster, node)) != uris.end())
    return name_found::right;
  const bool any = std::ranges::any_of(uris, [](const std::string& uri) { return uri.starts_with(node_name_scheme); });
  return any ? name_found::wrong : name_found::none;
}

std::string names_in_words(const std::vector<std::string>& uris) {
  constexpr std::size_t names_max = 3;
  constexpr std::size_t bytes_max = 120;
  std::string out;
  std::size_t names = 0;
  for (const auto& uri : uris) {
    if (!uri.starts_with(node_name_scheme))
      continue;
    if (++names > names_max)
      return out + " and others";
    auto shown = uri.substr(0, bytes_max);
    std::ranges::replace_if(shown, [](unsigned char c) { return c <= 0x20 || c >= 0x7F; }, '?');
    out += (out.empty() ? "" : ", ") + shown;
  }
  return out.empty() ? "no node" : out;
}

}  // namespace janji::net
