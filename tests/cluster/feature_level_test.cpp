#include "cluster/feature_level.hpp"

#include <gtest/gtest.h>

#include "cluster/operations.hpp"
#include "cluster/record_text.hpp"

namespace janji::cluster {
namespace {

node_view there(std::uint64_t node, std::uint32_t level) {
  return {{node, node_state::active, 100, "", true}, node_registration{node, 1, {}, "", "", "", level}, 0, 0, 0, 0};
}
node_view away(std::uint64_t node) { return {{node, node_state::active, 100, "", true}, {}, 0, 0, 0, 0}; }

TEST(feature_level, a_cluster_of_an_earlier_version_is_at_level_zero) { EXPECT_EQ(feature_level_from(std::nullopt), 0U); }

TEST(feature_level, a_program_does_not_run_at_a_level_that_it_does_not_know) {
  EXPECT_EQ(feature_level_from(std::to_string(feature_level_newest)), feature_level_newest);
  const auto newer = feature_level_from(std::to_string(feature_level_newest + 1));
  ASSERT_FALSE(newer);
  EXPECT_NE(newer.error().find("use the newer program"), std::string::npos) << newer.error();
  for (const auto* text : {"", "one", "1 ", "-1", "99999999999"})
    EXPECT_FALSE(feature_level_from(text)) << text;
}

TEST(feature_level, is_raised_when_every_node_knows_it) {
  cluster_view v;
  v.nodes = {there(1, feature_level_newest), there(2, feature_level_newest + 1)};
  EXPECT_FALSE(why_not_raise(v));
}

TEST(feature_level, is_not_raised_over_a_node_of_an_earlier_version) {
  cluster_view v;
  v.nodes = {there(1, feature_level_newest), there(2, feature_level_newest - 1), there(3, 0)};
  const auto no = why_not_raise(v);
  ASSERT_TRUE(no);
  EXPECT_NE(no->find("nodes 2, 3"), std::string::npos) << *no;
}

TEST(feature_level, is_not_raised_over_a_node_that_may_come_back_as_it_was) {
  cluster_view v;
  v.nodes = {there(1, feature_level_newest), away(4)};
  const auto no = why_not_raise(v);
  ASSERT_TRUE(no);
  EXPECT_NE(no->find("nodes 4 are not there"), std::string::npos) << *no;
  v.nodes.back().fact.state = node_state::removed;
  EXPECT_FALSE(why_not_raise(v)) << "a removed one is not let in";
}

TEST(feature_level, stands_in_registrations_and_earlier_ones_have_none) {
  const node_registration r{3, 7, replication::boot_t{9}, "a:1", "b:2", "0.9", 1};
  EXPECT_EQ(registration_from_text(to_text(r)), r);
  const auto old = registration_from_text(R"({"node":3,"disk":7,"boot":9,"links":"a:1","fronts":"b:2","version":"0.8"})");
  ASSERT_TRUE(old) << old.error();
  EXPECT_EQ(old->level, 0U);
}

TEST(record_text, says_which_start_leads_and_earlier_ones_do_not) {
  const shard_record r{epoch_t{3}, {1, 2}, {{1, 2}}, {}, 1, 1, {epoch_t{2}, 8}, 77, replication::boot_t{9}};
  EXPECT_EQ(record_from_text(to_text(r)), r);
  const auto old = record_from_text(
      R"({"epoch":3,"leader":{"node":1,"disk":2},"in_sync":[{"node":1,"disk":2}],"learners":[],"min_in_sync":1,"replicas_wanted":1})");
  ASSERT_TRUE(old) << old.error();
  EXPECT_EQ(old->leader_boot, replication::boot_t{});
  EXPECT_EQ(old->tenure, tenure_id{});
}

}  // namespace
}  // namespace janji::cluster
