#include "cluster/positions.hpp"

#include <gtest/gtest.h>

namespace janji::cluster {
namespace {

using replication::position;

position at(std::uint64_t epoch, std::uint64_t sequence) { return {epoch_t{epoch}, sequence_t{sequence}}; }

TEST(positions, come_back_as_they_were_written) {
  const positions all{{shard_id{0}, at(1, 2)}, {shard_id{63}, at(9, 0xFFFF'FFFF'FFFF)}};
  const auto back = positions_from_text(to_text(all));
  ASSERT_TRUE(back.has_value()) << back.error();
  EXPECT_EQ(*back, all);
  EXPECT_TRUE(positions_from_text(to_text(positions{}))->empty());
}

TEST(positions, the_further_of_two_counts) {
  positions mine{{shard_id{1}, at(3, 10)}, {shard_id{2}, at(3, 10)}};
  EXPECT_FALSE(merge(mine, {{shard_id{1}, at(3, 9)}, {shard_id{2}, at(2, 99)}}));
  EXPECT_TRUE(merge(mine, {{shard_id{1}, at(4, 1)}, {shard_id{5}, at(1, 1)}}));
  EXPECT_EQ(mine, (positions{{shard_id{1}, at(4, 1)}, {shard_id{2}, at(3, 10)}, {shard_id{5}, at(1, 1)}}));
}

TEST(positions, what_cannot_be_read_is_an_error) {
  for (const auto* text :
       {"", "[]", "7", R"({"x":[1,2]})", R"({"1":[1]})", R"({"1":[-1,2]})", R"({"1":["a",2]})", R"({"70000":[1,2]})", R"({"1":1})"})
    EXPECT_FALSE(positions_from_text(text).has_value()) << text;
}

}  // namespace
}  // namespace janji::cluster
