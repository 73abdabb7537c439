#include "apps/settings_check.hpp"

#include <cstdint>
#include <utility>

#include "apps/exposure.hpp"
#include "cluster/membership_record.hpp"

namespace janji::apps {

std::expected<void, std::string> check_settings(const settings& s) {
  if (auto r = check_exposure(s); !r)
    return r;
  if (s.text("cluster.name").empty()) {
    if (s.text("cluster.role") != "both")
      return std::unexpected("cluster.role is for a node of a cluster: this one is alone, cluster.name is empty");
    return {};
  }
  if (auto no = cluster::wrong_with_name(s.text("cluster.name"), static_cast<std::uint64_t>(s.number("cluster.node"))))
    return std::unexpected(std::move(*no));
  if (s.number("cluster.min_in_sync") > s.number("cluster.replicas"))
    return std::unexpected("cluster.min_in_sync cannot be more than cluster.replicas");
  return check_etcd_access(s);
}

}  // namespace janji::apps
