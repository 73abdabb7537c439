#include "apps/node_address.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace janji::apps {

namespace {

constexpr std::size_t address_bytes_max = 256;  // a name has at most 253

bool is_port(std::string_view text) {
  unsigned n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  return error == std::errc{} && end == text.data() + text.size() && n >= 1 && n <= 65'535;
}

bool is_host(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '-' || c == '_';
  });
}

// With a zone, as fe80::1%eth0 has.
bool is_inside_brackets(std::string_view text) {
  const auto zone = text.find('%');
  const auto digits = text.substr(0, zone);
  const bool whole = digits.contains(':') && std::ranges::all_of(digits, [](unsigned char c) {
                       return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':' || c == '.';
                     });
  return whole && (zone == std::string_view::npos || is_host(text.substr(zone + 1)));
}

}  // namespace

std::expected<node_address, std::string> node_address_from(std::string_view text) {
  const auto whole = text.substr(0, address_bytes_max);
  const auto wrong = [whole](std::string_view why) {
    return std::unexpected(fmt::format("\"{}\" is no address of a node: {}", whole, why));
  };
  constexpr std::string_view plain = "http://";
  constexpr std::string_view form = "write HOST:PORT, or [::1]:PORT with an IPv6 address";
  if (text.size() > address_bytes_max)
    return wrong("it is too long");
  if (text.starts_with("https://"))
    return wrong("operators are served in plain HTTP, write http:// (through a tunnel where others can listen)");
  if (text.starts_with(plain))
    text.remove_prefix(plain.size());
  else if (text.contains("://"))
    return wrong("write http://HOST:PORT or HOST:PORT");
  if (text.ends_with('/'))
    text.remove_suffix(1);
  node_address a;
  std::string_view rest;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos || !is_inside_brackets(text.substr(1, end - 1)))
      return wrong(form);
    a.host = text.substr(1, end - 1);
    rest = text.substr(end + 1);
  } else {
    const auto colon = text.find(':');
    if (colon != std::string_view::npos && text.find(':', colon + 1) != std::string_view::npos)
      return wrong("an IPv6 address stands in brackets, [::1]:8081");
    a.host = text.substr(0, colon);
    rest = colon == std::string_view::npos ? std::string_view{} : text.substr(colon);
    if (!is_host(a.host))
      return wrong(form);
  }
  a.port = rest.empty() ? admin_port_usual : rest.substr(1);
  if (!rest.empty() && (rest.front() != ':' || !is_port(a.port)))
    return wrong("its port is a number from 1 to 65535");
  return a;
}

std::string to_url(const node_address& a) {
  return a.host.contains(':') ? fmt::format("http://[{}]:{}", a.host, a.port) : fmt::format("http://{}:{}", a.host, a.port);
}

}  // namespace janji::apps
