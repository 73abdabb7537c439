// One connection of the store with the token that etcd gave it. Private to cluster/etcd.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cluster/etcd/etcd_config_store.hpp"

namespace janji::cluster::etcd {

struct etcd_config_store::channel {
  channel(const std::vector<endpoint>& endpoints, const std::shared_ptr<boost::asio::ssl::context>& tls, std::size_t first)
      : link(endpoints, tls, first) {}
  connection link;
  std::string token;
};

}  // namespace janji::cluster::etcd
