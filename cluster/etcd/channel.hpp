// One connection of the store with the token that etcd gave it. Private to cluster/etcd.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cluster/etcd/etcd_config_store.hpp"

namespace janji::cluster::etcd {

struct etcd_config_store::channel {
  channel(const std::vector<endpoint>& endpoints, const std::shared_ptr<tls_files>& tls, std::size_t first) : link(endpoints, tls, first) {}
  connection link;
  std::string token;
  bool open_to_all = false;    // etcd has said that it asks for no token
  std::string refusal;         // of the last authentication
  steady::time_point refused;  // then
  int watches_refused = 0;     // one after the other
};

}  // namespace janji::cluster::etcd
