#include "cluster/placement.hpp"

#include <gtest/gtest.h>

#include <set>

#include "cluster/local_config_store.hpp"
#include "cluster/record_text.hpp"
#include "tests/temporary_directory.hpp"

namespace janji::cluster {
namespace {

TEST(placement, values_are_pinned_because_changing_them_moves_every_citizen) {
  EXPECT_EQ(shard_of_key("2021-3/WTCKL/2021-06-07", 64).value, 5);
  citizen_hash c;
  c.bytes.fill(7);
  EXPECT_EQ(shard_of_citizen(c, 64).value, 60);
}

TEST(placement, every_shard_gets_a_share) {
  std::set<std::uint16_t> seen;
  for (int i = 0; i < 2000; ++i)
    seen.insert(shard_of_key("key" + std::to_string(i), 64).value);
  EXPECT_EQ(seen.size(), 64U);
}

TEST(placement, a_node_that_comes_takes_its_share_of_the_shards_and_moves_no_other) {
  const auto likes = [](std::uint16_t shard, std::uint64_t nodes) {
    std::uint64_t best = 1;
    for (std::uint64_t n = 2; n <= nodes; ++n)
      if (preference_of(shard_id{shard}, n) > preference_of(shard_id{shard}, best))
        best = n;
    return best;
  };
  int moved = 0;
  for (std::uint16_t s = 0; s < 1000; ++s) {
    const auto before = likes(s, 4);
    const auto after = likes(s, 5);
    EXPECT_TRUE(after == before || after == 5);
    moved += after == 5 ? 1 : 0;
  }
  EXPECT_GT(moved, 150);
  EXPECT_LT(moved, 250);
  EXPECT_EQ(preference_of(shard_id{5}, 2), preference_of(shard_id{5}, 2));
}

struct contract : testing::Test {
  test::temporary_directory dir;
  std::unique_ptr<store::node_store> disk;
  void SetUp() override {
    store::store_options options;
    options.path = dir.path() + "/store";
    disk = std::move(*store::node_store::open(options));
  }
};

TEST_F(contract, a_record_that_cannot_be_read_is_an_error) {
  EXPECT_FALSE(record_from_text("{").has_value());
  EXPECT_FALSE(record_from_text("{\"epoch\":1}").has_value());
  ASSERT_TRUE(disk->swap("shard/7", 0, "nonsense").has_value());
  local_config_store records(*disk);
  EXPECT_FALSE(records.read(shard_id{7}).has_value());
}

}  // namespace
}  // namespace janji::cluster
