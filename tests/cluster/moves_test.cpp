#include "cluster/moves.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace janji::cluster {
namespace {

using replication::member;
using replication::order;
using verb = order::verb;

member at(std::uint64_t node) { return {node, node + 100}; }

struct shard_moves : testing::Test {
  shard_record record{epoch_t{5}, at(1), {at(1), at(2), at(3)}, {}, 2, 3};
  placement_picture picture;
  void SetUp() override {
    picture.wanted = {{1, 2, 3}};
    there({1, 2, 3, 4, 5});
  }
  void there(const std::vector<std::uint64_t>& nodes) {
    picture.members.clear();
    for (const auto n : nodes)
      picture.members.push_back({n, n + 100, {}, {}, {}, {}});
  }
  std::optional<order> next(bool may_move = true) { return next_order(shard_id{0}, record, picture, may_move); }
  void expect(verb what, std::uint64_t node, bool may_move = true) {
    const auto o = next(may_move);
    ASSERT_TRUE(o.has_value());
    EXPECT_EQ(o->what, what);
    EXPECT_EQ(o->who, at(node));
  }
  // What the machine makes of an order, a catch-up included.
  void obey(const order& o) {
    if (o.what == verb::add_learner) {
      record.in_sync.push_back(o.who);
    } else if (o.what == verb::remove) {
      ASSERT_NE(o.who, record.leader) << "a leader is never removed";
      std::erase(record.in_sync, o.who);
      std::erase(record.learners, o.who);
    } else {
      ASSERT_NE(std::ranges::find(record.in_sync, o.who), record.in_sync.end());
      record.leader = o.who;
    }
    ASSERT_GE(record.in_sync.size(), 3U) << "never fewer copies than are wanted";
  }
};

TEST_F(shard_moves, nothing_is_done_where_all_is_as_it_is_to_be) { EXPECT_FALSE(next().has_value()); }

TEST_F(shard_moves, leadership_goes_to_the_node_that_is_to_have_it) {
  picture.wanted = {{3, 1, 2}};
  expect(verb::hand_over, 3);
  EXPECT_FALSE(next(false).has_value());
  there({1, 2});
  EXPECT_FALSE(next().has_value()) << "but not while it is away";
}

TEST_F(shard_moves, every_change_of_the_wanted_nodes_ends_there_in_single_steps) {
  const std::vector<std::uint64_t> all{1, 2, 3, 4, 5};
  for (const auto& wanted : {std::vector<std::uint64_t>{4, 5, 3}, {5, 4, 2}, {2, 1, 4}, {4, 2, 1}}) {
    picture.wanted = {wanted};
    int steps = 0;
    while (const auto o = next()) {
      ASSERT_LT(++steps, 20) << "it never ends";
      obey(*o);
    }
    EXPECT_EQ(record.leader, at(wanted.front()));
    std::vector<std::uint64_t> have;
    for (const auto& m : record.in_sync)
      have.push_back(m.node);
    EXPECT_TRUE(std::ranges::is_permutation(have, wanted));
  }
}

TEST_F(shard_moves, a_missing_replica_is_made_good_even_while_moves_are_paused) {
  record.in_sync = {at(1), at(2)};
  expect(verb::add_learner, 3, false);
  there({1, 2});
  EXPECT_FALSE(next(false).has_value()) << "who is away is waited for";
  picture.wanted = {{1, 2, 4}};
  there({1, 2, 4});
  expect(verb::add_learner, 4, false);
}

TEST_F(shard_moves, leadership_leaves_a_draining_node_first) {
  picture.wanted = {{4, 2, 3}};
  expect(verb::hand_over, 2);
  record.leader = at(2);
  expect(verb::add_learner, 4);
}

TEST_F(shard_moves, a_disk_that_never_comes_back_does_not_stay_a_learner) {
  record.in_sync = {at(1), at(2)};
  record.learners = {member{3, 999}};
  const auto o = next();
  ASSERT_TRUE(o.has_value());
  EXPECT_EQ(o->what, verb::remove);
  EXPECT_EQ(o->who.disk, 999U);
  there({1, 2});
  EXPECT_FALSE(next().has_value()) << "as long as no other disk has come under that number, it may";
}

TEST_F(shard_moves, a_member_whose_node_has_another_disk_now_is_made_good_at_once) {
  picture.members[0].disk = 999;
  record.leader = at(3);
  const auto o = next(false);
  ASSERT_TRUE(o.has_value());
  EXPECT_EQ(o->what, verb::add_learner);
  EXPECT_EQ(o->who, (member{1, 999}));
  record.learners = {{1, 999}};
  EXPECT_FALSE(next(false).has_value());
}

// A slow learner does not cost another member its place while one of the set is lost.
TEST_F(shard_moves, a_lost_disk_is_no_copy_too_many) {
  picture.wanted = {{1, 2, 4}};
  picture.members[0].disk = 999;
  record.leader = at(2);
  record.learners = {{1, 999}};
  const auto slow = [](const member&) { return true; };
  EXPECT_FALSE(next_order(shard_id{0}, record, picture, false, slow).has_value());
}

TEST_F(shard_moves, a_shard_that_cannot_serve_takes_in_whoever_is_there) {
  const auto serve = [this] { return order_to_serve(shard_id{0}, record, picture); };
  record.leader = at(3);
  EXPECT_FALSE(serve().has_value()) << "all are there: it will serve";
  picture.members[0].disk = picture.members[1].disk = 999;
  ASSERT_TRUE(serve().has_value());
  EXPECT_EQ(serve()->what, verb::add_learner);
  EXPECT_EQ(serve()->who, (member{1, 999}));
  record.learners = {{1, 888}};  // lost meanwhile, and nobody can drop it
  EXPECT_EQ(serve()->who, (member{1, 999}));
  record.learners = {{1, 999}, {2, 999}};
  EXPECT_FALSE(serve().has_value());
  EXPECT_EQ(disks_away(record, picture.members), (std::vector{at(1), at(2)}));
}

TEST_F(shard_moves, a_shard_whose_members_are_gone_for_good_learns_where_an_operator_moves_it) {
  const auto serve = [this] { return order_to_serve(shard_id{0}, record, picture); };
  record.leader = at(3);
  there({3, 4, 5});
  EXPECT_FALSE(serve().has_value()) << "those who are away are waited for";
  picture.wanted = {{3, 4, 5}};
  ASSERT_TRUE(serve().has_value());
  EXPECT_EQ(serve()->who, at(4));
}

TEST_F(shard_moves, a_slow_disk_is_given_no_leadership_and_holds_up_no_move) {
  const auto slow = [this](const member& m) { return m == at(1); };
  record.leader = at(2);
  EXPECT_FALSE(next_order(shard_id{0}, record, picture, true, slow).has_value()) << "the node that is to lead has a slow disk";
  expect(verb::hand_over, 1);
  EXPECT_EQ(heir_of(shard_id{0}, record, picture, slow), at(3));
  there({1, 2});
  EXPECT_EQ(heir_of(shard_id{0}, record, picture, slow), at(1)) << "rather than nobody";
  there({1, 2, 3, 4});
  record.in_sync = {at(2), at(3)};
  record.learners = {at(1)};
  EXPECT_FALSE(next_order(shard_id{0}, record, picture, true, slow).has_value()) << "it is the first to be taken in again";
  picture.wanted = {{1, 2, 4}};  // node 3 is drained
  const auto add = next_order(shard_id{0}, record, picture, true, slow);
  ASSERT_TRUE(add);
  EXPECT_EQ(add->what, verb::add_learner);
  EXPECT_EQ(add->who, at(4));
  record.in_sync.push_back(at(4));
  const auto drop = next_order(shard_id{0}, record, picture, true, slow);
  ASSERT_TRUE(drop);
  EXPECT_EQ(drop->what, verb::remove);
  EXPECT_EQ(drop->who, at(3));
}

TEST_F(shard_moves, a_stopping_leader_finds_an_heir_among_those_who_hold_everything) {
  EXPECT_EQ(heir_of(shard_id{0}, record, picture), at(2));
  there({1, 3});
  EXPECT_EQ(heir_of(shard_id{0}, record, picture), at(3));
  there({1, 4});
  EXPECT_FALSE(heir_of(shard_id{0}, record, picture).has_value());
}

TEST_F(shard_moves, a_disk_is_promoted_alone_only_when_every_disk_in_sync_is_gone) {
  record.in_sync = {at(1), at(2)};
  record.learners = {at(3), at(4)};
  const auto why = [&](std::uint64_t node) {
    const auto r = promoted_alone({7, record}, node, picture.members);
    return r ? "" : r.error();
  };
  EXPECT_NE(why(3).find("node 1 is there and in sync"), std::string::npos) << why(3);
  EXPECT_NE(why(1).find("shard replace"), std::string::npos);
  EXPECT_NE(why(3).find("shard replace"), std::string::npos) << "what to do instead";
  there({2, 3, 5});
  EXPECT_NE(why(3).find("node 2 is there"), std::string::npos);
  there({3, 5});
  EXPECT_NE(why(4).find("node 4 is not there"), std::string::npos);
  EXPECT_NE(promoted_alone({0, record}, 3, picture.members).error().find("not_found"), std::string::npos);
  const auto promoted = promoted_alone({7, record}, 3, picture.members);
  ASSERT_TRUE(promoted.has_value());
  EXPECT_EQ(*promoted, (shard_record{epoch_t{6}, at(3), {at(3)}, {}, 2, 3, {}, 0, {}, epoch_t{6}}));
  picture.members[0].disk = 9;  // under a number that was in sync, but another disk
  picture.members.push_back({1, 999, {}, {}, {}, {}});
  EXPECT_TRUE(promoted_alone({7, record}, 5, picture.members).has_value());
}

TEST_F(shard_moves, no_step_is_taken_without_a_plan) {
  picture.wanted.clear();
  record.in_sync = {at(1)};
  EXPECT_FALSE(next().has_value());
}

}  // namespace
}  // namespace janji::cluster
