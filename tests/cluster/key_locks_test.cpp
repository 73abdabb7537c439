// Copies of rounds' keys that are wrapped for the nodes' secrets: from feature level 2 on.
#include "cluster/key_locks.hpp"

#include "tests/cluster/key_rotation_test.hpp"

namespace janji::cluster {
namespace rotation {

struct locks_test : rotation_test {
  locks_test() { level = "2"; }
};

TEST_F(locks_test, every_node_gets_a_key_that_is_made_for_a_round_to_come) {
  key(machines[0], "citizen/1");
  EXPECT_EQ(machines[1].ring->get_or_make("citizen/1"), made["citizen/1"]) << "at once: its lock was known before";
  EXPECT_EQ(machines[2].ring->get_or_make("citizen/1"), made["citizen/1"]);
  const auto copy = key_copy_from_text(*etcd.read_value("key/citizen/1")->value);
  EXPECT_TRUE(copy.is_erasable());
  EXPECT_EQ(boxes_from_text(copy.box).size(), 3U);
  for (const auto& m : {a, b}) {
    key_bytes nothing;
    EXPECT_FALSE(store::unwrap("citizen/1", copy.box, m, nothing)) << "the master alone";
  }
  key(machines[0], "request");
  EXPECT_FALSE(key_copy_from_text(*etcd.read_value("key/request")->value).is_erasable()) << "it goes with no round";
}

TEST_F(locks_test, what_the_store_keeps_of_an_erased_round_nobody_opens) {
  give(b);
  for (const auto* name : {"citizen/1", "data/1", "citizen/2"})
    for (auto& m : machines)
      key(m, name);
  ASSERT_TRUE(machines[0].keeper->rotate(std::nullopt, false).has_value());
  all_pass();
  wipe(machines[2]);
  ASSERT_TRUE(start(machines[2])) << machines[2].said;
  all_pass();
  key(machines[2], "data/1");
  erased.insert(round_id{1});
  EXPECT_NE(opened_of_erased({a, b}), "") << "until then the nodes do";
  for (auto& m : machines)
    ASSERT_TRUE(m.ring->destroy_round(round_id{1}).has_value());
  EXPECT_EQ(opened_of_erased({a, b}), "");
  EXPECT_FALSE(etcd.read_value("key/data/1")->value);
  EXPECT_TRUE(machines[1].ring->get("citizen/2").has_value()) << "another round's is there";
}

TEST_F(locks_test, a_wiped_disk_waits_until_those_that_hold_a_key_have_wrapped_it_for_it) {
  key(machines[0], "citizen/1");
  fetch_all();
  wipe(machines[2]);
  ASSERT_TRUE(start(machines[2])) << machines[2].said;
  const auto early = machines[2].ring->get_or_make("citizen/1");
  ASSERT_FALSE(early.has_value()) << "its lock is another than before";
  EXPECT_NE(early.error().text().find("have yet to wrap it for this one"), std::string::npos) << early.error().text();
  machines[1].keeper->look_again();
  machines[1].keeper->pass();
  EXPECT_EQ(machines[2].ring->get_or_make("citizen/1"), made["citizen/1"]);
}

TEST_F(locks_test, no_key_is_made_that_one_disk_alone_would_have) {
  etcd.now.values.erase("locks/2");
  etcd.now.values.erase("locks/3");
  const auto alone = machines[0].ring->get_or_make("citizen/1");
  ASSERT_FALSE(alone.has_value());
  EXPECT_NE(alone.error().text().find("no other node has said"), std::string::npos) << alone.error().text();
  EXPECT_EQ(machines[0].keeper->has_locks(round_id{1}), false);
  machines[1].keeper->look_again();
  machines[1].keeper->pass();
  EXPECT_EQ(machines[0].keeper->has_locks(round_id{1}), true);
  EXPECT_TRUE(machines[0].ring->get_or_make("citizen/1").has_value());
}

TEST_F(locks_test, files_and_copies_of_before_are_converted_when_the_level_is_raised) {
  etcd.now.values["feature"] = {++etcd.now.revision, "1"};
  for (auto& m : machines)
    wipe(m), start(m);
  etcd.now.values.erase("locks/1");
  for (auto& m : machines)
    for (const auto* name : {"citizen/1", "request"})
      key(m, name);
  all_pass();
  EXPECT_FALSE(key_copy_from_text(*etcd.read_value("key/citizen/1")->value).is_erasable()) << "an earlier version reads it";
  EXPECT_FALSE(machines[0].ring->is_erasable());
  etcd.now.values["feature"] = {++etcd.now.revision, "2"};
  all_pass();
  EXPECT_EQ(boxes_from_text(key_copy_from_text(*etcd.read_value("key/citizen/1")->value).box).size(), 3U);
  wipe(machines[2]);
  ASSERT_TRUE(start(machines[2])) << machines[2].said;
  EXPECT_EQ(key(machines[2], "citizen/1"), made["citizen/1"]);
}

TEST_F(locks_test, a_store_that_forgot_the_locks_is_told_again) {
  const auto before = etcd.now;
  key(machines[0], "citizen/1");
  fetch_all();
  etcd.now = before;
  etcd.now.values.erase("locks/1");
  etcd.now.values.erase("locks/2");
  etcd.now.values.erase("locks/3");
  all_pass();
  EXPECT_TRUE(machines[0].keeper->put_back("citizen/1").has_value());
  EXPECT_EQ(boxes_from_text(key_copy_from_text(*etcd.read_value("key/citizen/1")->value).box).size(), 3U);
}

TEST_F(locks_test, a_node_says_whose_keys_it_holds_until_they_are_destroyed) {
  const auto said = [&](std::uint64_t node) {
    return key_holder_from_text(*etcd.read_value(fmt::format("masters/{}", node))->value)->rounds;
  };
  for (auto& m : machines)
    key(m, "citizen/1"), key(m, "data/1"), key(m, "citizen/3");
  all_pass();
  EXPECT_EQ(said(2), (std::vector<std::uint16_t>{1, 3}));
  ASSERT_TRUE(machines[0].ring->destroy_round(round_id{1}).has_value());
  all_pass();
  EXPECT_EQ(said(1), std::vector<std::uint16_t>{3});
  EXPECT_EQ(said(2), (std::vector<std::uint16_t>{1, 3})) << "it has not heard of it, and others see that";
}

TEST(locks_text, what_is_read_from_the_store_may_be_anything) {
  const std::string lock(64, 'a');
  const node_locks l{7, {{round_id{1}, lock}, {round_id{65535}, lock}}};
  EXPECT_EQ(*node_locks_from_text(to_text(l)), l);
  for (const auto& text : {"", "{}", "null", "{\"node\":1,\"locks\":{\"x\":\"y\"}}", "{\"node\":1,\"locks\":{\"65536\":\"y\"}}", "\xff"})
    EXPECT_FALSE(node_locks_from_text(text).has_value()) << text;
  const std::vector<locked_box> boxes{{{1, lock}, "00"}, {{4095, lock}, "ff"}};
  const auto back = boxes_from_text(to_text(boxes));
  ASSERT_EQ(back.size(), 2U);
  EXPECT_EQ(back[1].to, boxes[1].to);
  EXPECT_EQ(back[1].box, "ff");
  EXPECT_TRUE(are_boxes(to_text(std::vector<locked_box>{})));
  for (const auto& text : {std::string(), std::string("for"), std::string("for;"), std::string("for;;;"), std::string("for;1,2,3"),
                           std::string("deadbeef"), "forest;1," + lock + ",00", "for;x," + lock + ",00"})
    EXPECT_TRUE(boxes_from_text(text).empty()) << text;
}

}  // namespace rotation
}  // namespace janji::cluster
