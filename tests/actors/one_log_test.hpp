// For tests of what is read out of one shard's log: a store with that log, and a catalogue with one round of one slot group.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <utility>
#include <vector>

#include "actors/catalogue.hpp"
#include "actors/context.hpp"
#include "tests/temporary_directory.hpp"

namespace janji::actors {

class one_log_test : public testing::Test {
protected:
  explicit one_log_test(std::vector<window_definition> windows) : shared_(one_shard()) {
    store::store_options o;
    o.path = directory_.path() + "/store";
    o.ballast_bytes = 0;
    store_ = std::move(store::node_store::open(o).value());
    round_definition d;
    d.id = round_id{1};
    d.code = "R";
    d.time_zone = "Asia/Kuala_Lumpur";
    d.centres = {{"A", "centre A", "Selangor", "Petaling", 3, 101}};
    d.groups.push_back({group_, 0, std::chrono::year{2027} / 1 / 1, std::move(windows)});
    imported_ = {d, "op", unix_ms{1}};
    catalogue_builder builder(1);
    builder.apply(imported_);
    shared_.catalogue.set(builder.build());
  }
  // One entry.
  void append(const std::vector<schema::owned_event>& batch) {
    store::shard_write w{shard_, {}, {}, {}};
    w.append.push_back({epoch_t{1}, sequence_t{++last_}, schema::encode_batch(batch)});
    ASSERT_TRUE(store_->write(std::vector{w}));
  }

  static constexpr shard_id shard_{0};
  static constexpr group_id group_{1};
  test::temporary_directory directory_;
  std::unique_ptr<store::node_store> store_;
  node_context shared_;
  round_imported imported_;  // not in the log by itself
  std::uint64_t last_ = 0;   // entry of the log

private:
  static node_options one_shard() {
    node_options o;
    o.shard_count = 1;
    return o;
  }
};

}  // namespace janji::actors
