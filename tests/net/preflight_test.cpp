#include "net/preflight.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <utility>

namespace janji::net {
namespace {

constexpr std::uint64_t mb = 1U << 20U;

// Three nodes with all replicas of four shards, and a front.
class preflight_room : public testing::Test {
protected:
  preflight_room() {
    view_.shards.resize(4);
    for (const std::uint64_t node : {1, 2, 3, 4}) {
      cluster::node_view n;
      n.fact.node = node;
      n.holds = node == 4 ? 0 : 4;
      view_.nodes.push_back(n);
      says(node, 1'000 * mb);
    }
  }
  void says(std::uint64_t node, std::uint64_t free_bytes, bool low = false) {
    reports_[node].report.disk_free_bytes = free_bytes;
    reports_[node].report.storage_low = low;
    reports_[node].at = now_;
  }
  [[nodiscard]] std::pair<bool, std::string> asked(std::uint64_t bytes) const {
    const auto f = room_for(bytes, view_, reports_, now_);
    return {f.good, f.detail};
  }
  cluster::cluster_view view_;
  std::map<std::uint64_t, actors::told_report> reports_;
  unix_ms now_{100'000};
};

TEST_F(preflight_room, is_that_of_the_disk_with_least) {
  says(2, 300 * mb);
  EXPECT_EQ(asked(200 * mb), (std::pair{true, std::string("node 2 has least: 300 MB free, about 200 MB needed")}));
  EXPECT_EQ(asked(400 * mb), (std::pair{false, std::string("node 2 has least: 300 MB free, about 400 MB needed")}));
}

TEST_F(preflight_room, is_needed_for_the_replicas_that_a_node_holds) {
  view_.nodes[0].holds = 1;
  says(1, 120 * mb);
  EXPECT_TRUE(asked(400 * mb).first) << "a quarter of it goes there";
  view_.nodes[0].learns = 3;
  EXPECT_FALSE(asked(400 * mb).first);
}

TEST_F(preflight_room, of_a_front_is_not_asked_for) {
  says(4, 0, true);
  EXPECT_TRUE(asked(400 * mb).first);
  reports_.erase(4);
  EXPECT_TRUE(asked(400 * mb).first);
}

TEST_F(preflight_room, is_not_there_where_a_disk_is_low) {
  says(3, 999 * mb, true);
  EXPECT_FALSE(asked(mb).first);
  EXPECT_EQ(asked(mb).second.substr(0, 17), "low at nodes 3; n");
}

TEST_F(preflight_room, is_not_known_of_a_node_that_was_not_heard_lately) {
  now_.value += actors::report_stale_ms;
  says(1, 1'000 * mb);
  EXPECT_EQ(asked(mb), (std::pair{false, std::string("not heard lately of nodes 2 3")}));
}

TEST_F(preflight_room, is_nowhere_before_the_cluster_has_begun) {
  for (auto& n : view_.nodes)
    n.holds = 0;
  EXPECT_EQ(asked(mb), (std::pair{false, std::string("no node holds a shard")}));
}

TEST(preflight_bytes, grow_with_places_citizens_changes_and_records) {
  round_definition round;
  round.rules.changes_max = 1;
  round.groups = {{group_id{1}, 0, {}, {{540, 600, 70}, {600, 660, 30}}}};
  const auto least = bytes_of(round, 300);
  EXPECT_EQ(least.places, 100U);
  EXPECT_EQ(least.citizens, 100U) << "as many as there are places, where a round does not say";
  EXPECT_GT(least.worst, least.booked) << "what is booked is cancelled too";
  EXPECT_EQ(bytes_of(round, 4'300).booked - least.booked, 2 * 100 * 4'000U) << "in a table, and in a log that is written ahead";
  round.rules.changes_max = 10;
  EXPECT_EQ(bytes_of(round, 300).worst, 10 * least.worst);
  EXPECT_EQ(bytes_of(round, 300).booked, least.booked);
  round.rules.citizens = 1'000;
  EXPECT_EQ(bytes_of(round, 300).worst, 100 * least.worst);
  round.rules.citizens = std::numeric_limits<std::uint32_t>::max();
  round.rules.changes_max = janji::limits::changes_max_most;
  EXPECT_EQ(bytes_of(round, janji::limits::sealed_record_bytes_max).worst, std::uint64_t{1} << 53U) << "and is no number that wraps";
}

}  // namespace
}  // namespace janji::net
