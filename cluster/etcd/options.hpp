// Where etcd is and how to talk to it.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace janji::cluster::etcd {

struct options {
  std::vector<std::string> endpoints;  // http://host:port or https://host:port, all of one etcd cluster
  std::string cluster = "janji";       // keys stand under /janji/<cluster>/
  std::size_t first_endpoint = 0;      // to begin with, modulo their number: another at each node
  std::string ca_file;                 // PEM; for https, empty: the system's
  std::string certificate_file;        // PEM; with key_file, shown to etcd
  std::string key_file;
  std::string user;                                // empty: no authentication
  std::string password_file;                       // of the user; read at each authentication, so that a changed password takes no restart
  std::string password;                            // where there is no file
  std::chrono::milliseconds call_deadline{3'000};  // of one call, over all endpoints
  std::chrono::seconds lease{5};                   // a node that says nothing for so long may be gone
  std::chrono::milliseconds watch_renewal{
      3'000};  // a watch is asked for anew after so long: a dead link or a frozen member is found by then
};

inline constexpr std::size_t answer_bytes_max = 16U << 20U;
inline constexpr std::size_t endpoints_max = 9;

}  // namespace janji::cluster::etcd
