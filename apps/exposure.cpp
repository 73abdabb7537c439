#include "apps/exposure.hpp"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <array>
#include <cstring>
#include <memory>
#include <sstream>

namespace janji::apps {

namespace {

bool is_loopback(const addrinfo& one) {
  const void* address = one.ai_addr;
  if (address == nullptr)
    return false;
  if (one.ai_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, address, sizeof v4);
    return ntohl(v4.sin_addr.s_addr) >> 24U == IN_LOOPBACKNET;
  }
  if (one.ai_family != AF_INET6)
    return false;
  constexpr std::array<unsigned char, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};  // IPv4 in IPv6
  sockaddr_in6 v6{};
  std::memcpy(&v6, address, sizeof v6);
  const auto* bytes = v6.sin6_addr.s6_addr;
  if (std::memcmp(bytes, mapped.data(), mapped.size()) == 0)
    return bytes[mapped.size()] == IN_LOOPBACKNET;
  return std::memcmp(bytes, in6addr_loopback.s6_addr, sizeof v6.sin6_addr.s6_addr) == 0;
}

bool is_production(const settings& s) { return s.text("cluster.mode") == "production"; }

struct door {
  const char* setting;
  const char* what;
  bool is_open;     // to other machines, in the clear
  bool may_be_so;   // in production too
  const char* way;  // out, in production
};

std::expected<std::vector<door>, std::string> doors(const settings& s) {
  std::vector<door> out;
  const auto in_the_clear = [](const std::string& address) { return is_this_machines_alone(address, false) == false; };
  if (s.text("cluster.role") != "store")
    out.push_back(
        {"http.address", "citizens are served", in_the_clear(s.text("http.address")), s.flag("http.behind_tls_proxy"),
         "listen at 127.0.0.1 behind a proxy that ends TLS, or set http.behind_tls_proxy = true where the proxy is on another machine "
         "and nobody else reaches this one's port"});
  out.push_back({"admin.address", "operators are served", in_the_clear(s.text("admin.address")), false,
                 "listen at 127.0.0.1, and come through a tunnel"});
  if (s.text("cluster.name").empty())
    return out;
  const bool clear = s.text("cluster.certificate_file").empty() && s.text("cluster.key_file").empty() && s.text("cluster.ca_file").empty();
  if (clear && is_production(s))
    return std::unexpected(std::string(
        "cluster.mode = production needs certificates for the links: cluster.certificate_file, cluster.key_file and cluster.ca_file"));
  const auto links = clear ? is_this_machines_alone(s.text("cluster.address"), true) : true;
  if (!links)
    return std::unexpected(fmt::format("cluster.address {} is no address, and no name that is known: it cannot be said who reaches it",
                                       s.text("cluster.address")));
  out.push_back({"cluster.address", "the links of the nodes are", !*links, false, ""});
  return out;
}

// To an etcd on another machine, in the clear.
std::expected<void, std::string> tells_no_password(const settings& s) {
  constexpr std::string_view scheme = "http://";
  std::istringstream endpoints(s.text("cluster.etcd"));
  for (std::string e; endpoints >> e;) {
    if (!e.starts_with(scheme))
      continue;
    auto host = e.substr(scheme.size(), e.rfind(':') - scheme.size());
    if (host.starts_with('[') && host.ends_with(']'))
      host = host.substr(1, host.size() - 2);
    if (is_this_machines_alone(host, true) == false)
      return std::unexpected(
          fmt::format("cluster.etcd names {}, which would be told the password in the clear over the network: give it TLS and "
                      "https://, or set node.insecure_listeners = true where that is meant",
                      e));
  }
  return {};
}

}  // namespace

std::optional<bool> is_this_machines_alone(const std::string& address, bool names) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | (names ? 0 : AI_NUMERICHOST);
  addrinfo* list = nullptr;
  // An interface that is named behind an address is nobody's to look up here: it changes nothing, and the listener may not know it either.
  const auto plain = names ? address : address.substr(0, address.find('%'));
  if (::getaddrinfo(plain.c_str(), nullptr, &hints, &list) != 0 || list == nullptr)
    return std::nullopt;
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> found(list, &::freeaddrinfo);
  for (const auto* one = list; one != nullptr; one = one->ai_next)
    if (!is_loopback(*one))
      return false;
  return true;
}

namespace {

// Who reads the key of a node's certificate is that node. Its group may: so Debian keeps keys.
std::expected<void, std::string> keys_are_not_everybodys(const settings& s) {
  for (const auto* name : {"cluster.key_file", "cluster.etcd_key_file"}) {
    struct stat is{};
    if (!s.text(name).empty() && ::stat(s.text(name).c_str(), &is) == 0 && (is.st_mode & S_IRWXO) != 0)
      return std::unexpected(
          fmt::format("{} is {}, which everybody on this machine can read: chmod 600 it (cluster.mode = production asks for that)", name,
                      s.text(name)));
  }
  return {};
}

}  // namespace

std::expected<void, std::string> check_exposure(const settings& s) {
  if (is_production(s))
    if (auto closed = keys_are_not_everybodys(s); !closed)
      return closed;
  const auto all = doors(s);
  if (!all)
    return std::unexpected(all.error());
  for (const auto& d : *all) {
    if (!d.is_open)
      continue;
    if (is_production(s) && !d.may_be_so)
      return std::unexpected(
          fmt::format("{} is {}, which other machines reach, and {} in the clear there: cluster.mode = production refuses that, "
                      "whatever node.insecure_listeners says; {}",
                      d.setting, s.text(d.setting), d.what, d.way));
    if (!is_production(s) && !d.may_be_so && !s.flag("node.insecure_listeners"))
      return std::unexpected(
          fmt::format("{} is {}, which other machines reach, and {} in the clear there: listen at 127.0.0.1{}, or set "
                      "node.insecure_listeners = true where that is meant",
                      d.setting, s.text(d.setting), d.what,
                      std::string_view(d.setting) == "cluster.address" ? ", or set cluster.certificate_file" : ""));
  }
  return {};
}

std::vector<std::string> served_in_the_clear(const settings& s) {
  std::vector<std::string> out;
  if (const auto all = doors(s))
    for (const auto& d : *all)
      if (d.is_open)
        out.push_back(fmt::format("{} in the clear at {}, which other machines reach: {} says that this is meant", d.what,
                                  s.text(d.setting), d.may_be_so ? "http.behind_tls_proxy" : "node.insecure_listeners"));
  return out;
}

std::expected<void, std::string> check_etcd_access(const settings& s) {
  const auto given = [&](const char* name) { return !s.text(name).empty(); };
  if (s.text("cluster.etcd").contains('@'))
    return std::unexpected(
        std::string("cluster.etcd holds no user and no password: cluster.etcd_user and cluster.etcd_password_file say them"));
  if (given("cluster.etcd_user") != given("cluster.etcd_password_file"))
    return std::unexpected(std::string("cluster.etcd_user and cluster.etcd_password_file are given together, or neither"));
  if (given("cluster.etcd_certificate_file") != given("cluster.etcd_key_file"))
    return std::unexpected(std::string("cluster.etcd_certificate_file and cluster.etcd_key_file are given together, or neither"));
  if (!is_production(s))
    return given("cluster.etcd_user") && !s.flag("node.insecure_listeners") ? tells_no_password(s) : std::expected<void, std::string>{};
  std::string missing;
  const auto lacks = [&](std::string_view what) { missing += fmt::format("{}{}", missing.empty() ? "" : ", ", what); };
  std::istringstream endpoints(s.text("cluster.etcd"));
  bool all_encrypted = true;
  for (std::string e; endpoints >> e;)
    all_encrypted = all_encrypted && e.starts_with("https://");
  if (!all_encrypted)
    lacks("https:// at every endpoint of cluster.etcd");
  if (!given("cluster.etcd_ca_file"))
    lacks("cluster.etcd_ca_file");
  if (!given("cluster.etcd_user") && !given("cluster.etcd_certificate_file"))
    lacks("cluster.etcd_user with cluster.etcd_password_file, or cluster.etcd_certificate_file with cluster.etcd_key_file");
  if (missing.empty())
    return {};
  return std::unexpected("cluster.mode = production needs an etcd that is encrypted and knows who asks; what lacks: " + missing);
}

}  // namespace janji::apps
