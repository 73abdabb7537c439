// The shard records of a single node, in its own store. Owns nothing; the store outlives it.
#pragma once

#include "cluster/config_store.hpp"
#include "store/node_store.hpp"

namespace janji::cluster {

class local_config_store final : public config_store {
public:
  explicit local_config_store(store::node_store& store) : store_(store) {}
  std::expected<versioned_record, std::string> read(shard_id shard) override;
  swap_outcome swap(shard_id shard, std::uint64_t expected_revision, const shard_record& record) override;

private:
  store::node_store& store_;
};

}  // namespace janji::cluster
