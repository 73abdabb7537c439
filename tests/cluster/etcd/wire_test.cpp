#include "cluster/etcd/wire.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace janji::cluster::etcd {
namespace {

boost::json::object parsed(std::string_view text) { return boost::json::parse(text).as_object(); }

TEST(etcd_wire, a_prefix_ends_where_the_next_begins) {
  const auto end = [](std::string_view prefix) {
    return *from_base64(std::string_view(range_of_prefix(prefix).at("range_end").as_string()));
  };
  EXPECT_EQ(end("/a/"), "/a0");
  EXPECT_EQ(end("a\xff"), "b");
  EXPECT_EQ(end("\xff"), std::string(1, '\0'));
}

TEST(etcd_wire, keys_and_values_are_any_bytes) {
  const std::string all("\0\x01\xff/+", 5);
  EXPECT_EQ(*from_base64(base64(all)), all);
  EXPECT_FALSE(from_base64("%%").has_value());
  EXPECT_FALSE(from_base64("YQ==YQ==").has_value());
}

TEST(etcd_wire, numbers_are_read_as_text_and_what_is_left_out_is_nothing) {
  const auto o = parsed(R"({"a":"-5","b":7,"c":"x","d":"","e":1.5,"f":"99999999999999999999"})");
  EXPECT_EQ(*read_number(o, "a"), -5);
  EXPECT_EQ(*read_number(o, "b"), 7);
  EXPECT_EQ(*read_number(o, "none"), 0);
  for (const auto* name : {"c", "d", "e", "f"})
    EXPECT_FALSE(read_number(o, name).has_value()) << name;
}

TEST(etcd_wire, a_swap_says_what_is_there_or_nothing_of_it_is_believed) {
  EXPECT_TRUE(read_swap(parsed(R"({"succeeded":true})"))->succeeded);
  const auto lost = read_swap(parsed(R"({"responses":[{"response_range":{"kvs":[{"key":"YQ==","value":"Yg==","mod_revision":"9"}]}}]})"));
  ASSERT_TRUE(lost.has_value());
  EXPECT_FALSE(lost->succeeded);
  EXPECT_EQ(lost->found->key, "a");
  EXPECT_EQ(lost->found->value, "b");
  EXPECT_EQ(lost->found->mod_revision, 9);
  EXPECT_FALSE(read_swap(parsed(R"({"responses":[{"response_range":{}}]})"))->found.has_value());
  for (const auto* text : {"{}", R"({"responses":[]})", R"({"responses":[{}]})", R"({"responses":[{"response_range":{"kvs":7}}]})",
                           R"({"responses":[{"response_range":{"kvs":[7]}}]})", R"({"succeeded":"yes"})"})
    EXPECT_FALSE(read_swap(parsed(text)).has_value()) << text;
}

TEST(etcd_wire, a_watch_tells_changes_and_why_it_ends) {
  const auto said = read_watch(parsed(
      R"({"result":{"header":{"cluster_id":"14841639068965178418","revision":"5"},"events":[{"kv":{"key":"YQ==","value":"Yg==","mod_revision":"5"}},{"type":"DELETE","kv":{"key":"YQ==","mod_revision":"6"}}]}})"));
  ASSERT_TRUE(said.has_value()) << said.error();
  EXPECT_EQ(said->head.cluster_id, 14841639068965178418U);
  ASSERT_EQ(said->changes.size(), 2U);
  EXPECT_FALSE(said->changes[0].deleted);
  EXPECT_TRUE(said->changes[1].deleted);
  const auto ended = read_watch(
      parsed(R"({"result":{"header":{"cluster_id":"1","revision":"5"},"canceled":true,"compact_revision":"4","cancel_reason":"gone"}})"));
  EXPECT_TRUE(ended->cancelled);
  EXPECT_EQ(ended->compact_revision, 4);
  EXPECT_EQ(ended->why, "gone");
  for (const auto* text :
       {"{}", R"({"result":{}})", R"({"result":{"header":{"cluster_id":"x"}}})", R"({"result":{"header":{"cluster_id":"1"},"events":{}}})",
        R"({"result":{"header":{"cluster_id":"1"},"events":[{}]}})"})
    EXPECT_FALSE(read_watch(parsed(text)).has_value()) << text;
}

}  // namespace
}  // namespace janji::cluster::etcd
