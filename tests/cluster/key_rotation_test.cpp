// The rotation of the master key, order by order.
#include "tests/cluster/key_rotation_test.hpp"

namespace janji::cluster {
namespace rotation {

TEST_F(rotation_test, everything_is_wrapped_under_the_new_one_and_the_old_one_is_shut_out_at_the_end) {
  auto& one = machines[0];
  key(one, "request");
  give(b);
  EXPECT_TRUE(one.keeper->rotate(std::nullopt, false).has_value());
  key(machines[1], "citizen/7");  // whose node may not have heard of it
  all_pass();
  EXPECT_EQ(not_under(b), "");
  key(machines[2], "citizen/7");
  EXPECT_TRUE(one.keeper->rotate(std::nullopt, false).has_value()) << "said again it says how far it is";
  EXPECT_TRUE(machines[1].keeper->finish_rotation(false).has_value());
  EXPECT_TRUE(machines[1].keeper->finish_rotation(false).has_value()) << "and again";
  all_pass();
  stop(one);
  one.masters = {a};
  EXPECT_FALSE(start(one));
  EXPECT_NE(one.said.find(fingerprint_of(b)), std::string::npos) << one.said;
  wipe(one);
  EXPECT_FALSE(start(one));
  EXPECT_NE(one.said.find(fingerprint_of(b)), std::string::npos) << one.said;
  one.masters = {b};
  may_be_new = true;  // the file that was begun with the wrong one holds nothing
  EXPECT_TRUE(start(one)) << one.said;
  key(one, "request");
  key(one, "citizen/7");
}

TEST_F(rotation_test, a_wiped_disk_joins_at_any_moment_with_the_new_one) {
  key(machines[0], "request");
  give(b);
  wipe(machines[2]);
  EXPECT_TRUE(start(machines[2]));
  ASSERT_TRUE(machines[0].keeper->rotate(std::nullopt, false).has_value());
  wipe(machines[2]);
  EXPECT_TRUE(start(machines[2])) << "with both, while nothing is wrapped again yet: " << machines[2].said;
  key(machines[2], "request");
  all_pass();
  wipe(machines[2]);
  machines[2].masters = {b};
  EXPECT_TRUE(start(machines[2])) << machines[2].said;
  key(machines[2], "request");
}

TEST_F(rotation_test, it_is_refused_by_name_while_a_node_is_away_silent_or_lacks_the_new_one) {
  const auto order = [&] { return words(machines[0].keeper->rotate(b, false)); };
  key(machines[0], "request");
  EXPECT_NE(order().find("does not hold"), std::string::npos) << order();
  machines[0].masters = {a, b};
  EXPECT_NE(order().find("nodes 2, 3 lack"), std::string::npos) << order();
  machines[1].masters = {a, b};
  machines[1].keeper->pass();
  EXPECT_NE(order().find("nodes 3 lack"), std::string::npos) << order();
  stop(machines[2]);
  EXPECT_NE(order().find("nodes 3 are not there"), std::string::npos) << order();
  machines[2].masters = {a, b};
  ASSERT_TRUE(start(machines[2]));
  ++machines[2].boot;  // it started again, and has said nothing yet
  EXPECT_NE(order().find("nodes 3 have not said"), std::string::npos) << order();
  --machines[2].boot;
  etcd.now.values["feature"].value = "0";
  EXPECT_NE(order().find("feature level 0"), std::string::npos) << order();
  etcd.now.values["feature"].value = "1";
  EXPECT_EQ(etcd.now.values.count("master"), 0U);
  EXPECT_NE(words(machines[0].keeper->rotate(a, false)).find("already"), std::string::npos) << "the one in use, given as the new one";
  EXPECT_NE(words(machines[0].keeper->rotate(b, true)).find("would wrap"), std::string::npos);
  EXPECT_EQ(etcd.now.values.count("master"), 0U) << "tried only";
  EXPECT_EQ(order().find("wrong_state"), std::string::npos) << order();
}

TEST_F(rotation_test, of_two_orders_to_different_masters_one_is_refused_by_name) {
  key(machines[0], "request");
  machines[0].masters = machines[1].masters = machines[2].masters = {a, b, c};
  all_pass();
  EXPECT_TRUE(machines[0].keeper->rotate(b, false).has_value());
  const auto other = machines[1].keeper->rotate(c, false);
  ASSERT_FALSE(other.has_value());
  EXPECT_NE(other.error().find(fingerprint_of(b) + " is under way, ordered at node 1"), std::string::npos) << other.error();
  EXPECT_TRUE(machines[1].keeper->rotate(b, false).has_value()) << "to the same one it is the same order";
}

TEST_F(rotation_test, it_is_not_finished_while_a_file_or_a_copy_is_left_or_a_start_would_lack_the_new_one) {
  const auto finish = [&] { return words(machines[0].keeper->finish_rotation(false)); };
  key(machines[0], "request");
  EXPECT_NE(finish().find("no rotation"), std::string::npos);
  give(b);
  ASSERT_TRUE(machines[0].keeper->rotate(std::nullopt, false).has_value());
  EXPECT_NE(finish().find("key files of nodes 1, 2, 3"), std::string::npos) << finish();
  stop(machines[2]);
  all_pass();
  EXPECT_NE(finish().find("key files of nodes 3"), std::string::npos) << finish();
  machines[2].masters = {b};
  EXPECT_FALSE(start(machines[2])) << "its file is wrapped under the old one still";
  machines[2].masters = {a};
  EXPECT_FALSE(start(machines[2]));
  EXPECT_NE(machines[2].said.find(fingerprint_of(b)), std::string::npos) << machines[2].said;
  machines[2].masters = {a, b};
  EXPECT_TRUE(start(machines[2]));
  etcd.now.values["key/stray"] = {++etcd.now.revision, "00"};
  EXPECT_NE(finish().find("no master here opens stray"), std::string::npos) << finish();
  ASSERT_TRUE(etcd.remove("key/stray").has_value());
  machines[1].masters = {a};
  all_pass();
  EXPECT_NE(finish().find("next start of nodes 2 would lack"), std::string::npos) << finish();
  machines[1].masters = {b};
  all_pass();
  stop(machines[2]);  // what it said stands
  EXPECT_NE(words(machines[0].keeper->finish_rotation(true)).find("would be done"), std::string::npos);
  EXPECT_EQ(finish().find("wrong_state"), std::string::npos) << finish();
}

TEST_F(rotation_test, a_store_that_forgot_a_rotation_is_told_of_it_and_leaves_no_copy_that_nobody_opens) {
  key(machines[0], "request");
  key(machines[0], "citizen/1");
  const auto before = etcd.now;
  give(b);
  ASSERT_TRUE(machines[0].keeper->rotate(std::nullopt, false).has_value());
  all_pass();
  ASSERT_TRUE(machines[0].keeper->finish_rotation(false).has_value());
  key(machines[1], "citizen/1");
  all_pass();
  for (auto& m : machines) {
    stop(m);
    m.masters = {b};  // nobody has the old one any more
  }
  etcd.now = before;
  for (auto& m : machines)
    EXPECT_TRUE(start(m)) << m.said;
  all_pass();
  EXPECT_EQ(not_under(b), "");
  EXPECT_TRUE(master_record_from_text(*etcd.now.values["master"].value)->mark.finished);
  wipe(machines[2]);
  EXPECT_TRUE(start(machines[2])) << machines[2].said;
  key(machines[2], "request");
  key(machines[2], "citizen/1");
}

TEST_F(rotation_test, the_key_of_an_erased_round_never_comes_back) {
  key(machines[0], "request");
  key(machines[0], "citizen/1");
  key(machines[0], "data/1");
  key(machines[1], "citizen/1");
  const auto before = etcd.now;
  give(b);
  ASSERT_TRUE(machines[0].keeper->rotate(std::nullopt, false).has_value());
  ASSERT_TRUE(machines[0].ring->destroy_round(round_id{1}).has_value());
  all_pass();
  EXPECT_EQ(etcd.read_values("key/citizen/1")->size(), 0U) << "another node still holds it";
  ASSERT_TRUE(machines[1].ring->destroy_round(round_id{1}).has_value());
  for (auto& m : machines)
    stop(m);
  etcd.now = before;
  for (auto& m : machines)
    EXPECT_TRUE(start(m)) << m.said;
  all_pass();
  EXPECT_EQ(etcd.read_values("key/citizen/1")->size(), 0U) << "the store that was put back had it";
  EXPECT_EQ(not_under(b), "");
}

TEST_F(rotation_test, what_a_store_has_lost_is_put_back_and_what_it_has_otherwise_is_named_and_left) {
  const std::vector<std::string> names{"citizen/1", "request"};
  for (const auto& name : names)
    key(machines[0], name);
  const auto own = made["citizen/1"];
  ASSERT_TRUE(etcd.remove("key/citizen/1").has_value());
  auto others = machines[0].keeper->compare(names);
  ASSERT_TRUE(others.has_value()) << others.error();
  EXPECT_TRUE(others->empty());
  EXPECT_EQ(etcd.read_values("key/citizen/1")->size(), 0U) << "compared, and no more";
  others = machines[0].keeper->put_back(names);
  ASSERT_TRUE(others.has_value()) << others.error();
  EXPECT_TRUE(others->empty());
  EXPECT_EQ(key(machines[1], "citizen/1"), own);
  ASSERT_TRUE(etcd.remove("key/citizen/1").has_value());
  made.clear();
  EXPECT_NE(key(machines[2], "citizen/1"), own) << "by hand";
  const auto there = etcd.read_value("key/citizen/1")->value;
  others = machines[0].keeper->put_back(names);
  ASSERT_TRUE(others.has_value()) << others.error();
  EXPECT_EQ(*others, std::vector<std::string>{"citizen/1"});
  EXPECT_EQ(machines[0].keeper->compare(names), others);
  EXPECT_EQ(etcd.read_value("key/citizen/1")->value, there) << "which of both is right nobody here knows";
}

TEST_F(rotation_test, a_key_that_is_made_while_the_order_is_given_is_wrapped_under_the_new_one) {
  key(machines[0], "request");
  give(b);
  etcd.meanwhile = [&](std::string_view name) {
    EXPECT_EQ(name, "key/citizen/7");
    EXPECT_TRUE(machines[0].keeper->rotate(std::nullopt, false).has_value());
    all_pass();
    EXPECT_TRUE(machines[0].keeper->finish_rotation(false).has_value());
  };
  key(machines[1], "citizen/7");
  EXPECT_EQ(not_under(b), "");
  key(machines[2], "citizen/7");
}

TEST_F(rotation_test, a_round_that_is_erased_while_its_key_is_wrapped_again_stays_erased) {
  key(machines[0], "data/1");
  give(b);
  ASSERT_TRUE(machines[0].keeper->rotate(std::nullopt, false).has_value());
  etcd.meanwhile = [&](std::string_view) {  // node 2 says what it holds; then it is about to wrap what it has read
    etcd.meanwhile = [&](std::string_view name) {
      EXPECT_EQ(name, "key/data/1");
      EXPECT_TRUE(machines[0].ring->destroy_round(round_id{1}).has_value());
    };
  };
  machines[1].keeper->look_again();
  machines[1].keeper->pass();
  EXPECT_FALSE(etcd.meanwhile) << "it was";
  EXPECT_FALSE(etcd.read_value("key/data/1")->value);
}

TEST_F(rotation_test, a_key_that_is_asked_for_while_the_next_rotation_begins_is_read) {
  key(machines[0], "request");
  give(b);
  ASSERT_TRUE(machines[0].keeper->rotate(std::nullopt, false).has_value());
  all_pass();
  ASSERT_TRUE(machines[0].keeper->finish_rotation(false).has_value());
  for (auto& m : machines)
    m.masters = {b, c};
  all_pass();
  etcd.before_read = [&](std::string_view name) {  // after the record was read
    EXPECT_EQ(name, "key/request");
    EXPECT_TRUE(machines[0].keeper->rotate(std::nullopt, false).has_value());
    machines[0].keeper->pass();
  };
  key(machines[2], "request");
  EXPECT_FALSE(etcd.before_read) << "it was";
}

TEST_F(rotation_test, at_the_end_no_copy_is_taken_under_the_old_one) {
  key(machines[0], "request");
  give(b);
  ASSERT_TRUE(machines[0].keeper->rotate(std::nullopt, false).has_value());
  all_pass();
  const auto forged = [&] {
    etcd.now.values["key/citizen/9"] = {++etcd.now.revision, to_text(key_copy{fingerprint_of(a), store::wrap("citizen/9", c, a)})};
  };
  forged();
  EXPECT_TRUE(machines[1].ring->get_or_make("citizen/9").has_value()) << "until then it is";
  all_pass();
  ASSERT_TRUE(machines[0].keeper->finish_rotation(false).has_value());
  forged();
  const auto refused = machines[2].ring->get_or_make("citizen/9");
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().text().find("does not open"), std::string::npos) << refused.error().text();
}

TEST_F(rotation_test, what_an_earlier_version_rotated_on_one_node_only_is_mended) {
  key(machines[0], "request");
  key(machines[1], "request");
  key(machines[2], "request");
  ASSERT_TRUE(machines[0].ring->rotate_master(b).has_value());
  stop(machines[0]);
  machines[0].masters = {b};
  ASSERT_TRUE(start(machines[0]));
  machines[1].masters = machines[2].masters = {a, b};
  all_pass();
  EXPECT_TRUE(machines[0].keeper->rotate(b, false).has_value());
  all_pass();
  EXPECT_EQ(not_under(b), "");
  EXPECT_TRUE(machines[0].keeper->finish_rotation(false).has_value());
}

TEST_F(rotation_test, what_is_read_from_the_store_may_be_anything) {
  for (const std::string text : {"", "{}", "[]", "null", "{\"mark\":{\"number\":0,\"finished\":true},\"from\":\"\",\"to\":\"x\",\"by\":0}",
                                 "{\"mark\":{\"number\":-1,\"finished\":true},\"from\":\"\",\"to\":\"x\",\"by\":0}", "\xff\xfe"}) {
    EXPECT_FALSE(master_record_from_text(text).has_value()) << text;
    EXPECT_FALSE(key_holder_from_text(text).has_value()) << text;
  }
  const master_record r{{3, false}, "a", "b", 7};
  EXPECT_EQ(*master_record_from_text(to_text(r)), r);
  const key_holder h{2, replication::boot_t{9}, {"x", "y"}, "x", {1, false}, "why"};
  EXPECT_EQ(*key_holder_from_text(to_text(h)), h);
  for (const std::string text : {"", ":", "x:", ":x", "x:00", "::", "deadbeef"}) {
    etcd.now.values["key/request"] = {++etcd.now.revision, text};
    EXPECT_FALSE(machines[0].ring->get_or_make("request").has_value()) << text;
  }
}

}  // namespace rotation
}  // namespace janji::cluster
