// Where a node's operators' listener is, as operators write it. Pure; any thread.
#pragma once

#include <expected>
#include <string>
#include <string_view>

namespace janji::apps {

struct node_address {
  std::string host;  // a name or an address, an IPv6 address without its brackets
  std::string port;
  std::string proof_key;  // what the node there has to know, as its janjid.ports says; "": whoever is there is meant
  friend bool operator==(const node_address&, const node_address&) = default;
};

inline constexpr std::string_view admin_port_usual = "8081";  // admin.port

// HOST, HOST:PORT, [::1], [::1]:PORT, each after http:// or not, and with a / at the end or not. The error: one sentence, with what to
// write.
[[nodiscard]] std::expected<node_address, std::string> node_address_from(std::string_view text);
// As a URL begins.
[[nodiscard]] std::string to_url(const node_address& a);

}  // namespace janji::apps
