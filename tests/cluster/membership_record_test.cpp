#include "cluster/membership_record.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "cluster/local_config_store.hpp"
#include "store/node_store.hpp"
#include "store/small_file.hpp"

namespace janji::cluster {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const std::string id_a(32, 'a');
const std::string id_b(32, 'b');

membership_record one_member(std::uint64_t node = 2, const std::string& cluster = "one") {
  return {membership_kind::member, cluster, node, {id_a, 64, 3, 2, 0}};
}

membership_settings settings(const std::string& cluster = "one", std::uint64_t node = 2) {
  return {"DATA", cluster, cluster.empty() ? 0 : node, "ETCD", {"", 64, 3, 2, 0}};
}

std::string why(const std::optional<std::string>& no) { return no.value_or("nothing stands against it"); }

TEST(membership_record, is_read_as_it_was_written) {
  for (const auto& r : {membership_record{}, one_member(), membership_record{membership_kind::founder, "x\"y", 4095, {id_b, 0, 0, 0, 0}}}) {
    const auto read = membership_record_from_text(to_text(r));
    ASSERT_TRUE(read) << read.error();
    EXPECT_EQ(*read, r);
  }
  const cluster_identity c{id_a, 1024, 9, 1, 7};
  EXPECT_EQ(cluster_identity_from_text(to_text(c)), c);
}

TEST(membership_record, what_is_no_record_is_refused) {
  for (const std::string text :
       {"", "{}", "[]", "nonsense", R"({"format":1,"id":"","shards":0,"replicas":0,"min_in_sync":0,"kind":"member","cluster":"","node":0})",
        R"({"format":1,"id":"","shards":0,"replicas":0,"min_in_sync":0,"kind":"alone","cluster":"one","node":2})",
        R"({"format":1,"id":"","shards":0,"replicas":0,"min_in_sync":0,"kind":"member","cluster":"one","node":0})",
        R"({"format":1,"id":"XX","shards":0,"replicas":0,"min_in_sync":0,"kind":"alone","cluster":"","node":0})",
        R"({"format":1,"id":"","shards":70000,"replicas":0,"min_in_sync":0,"kind":"alone","cluster":"","node":0})",
        R"({"format":1,"id":"","shards":-1,"replicas":0,"min_in_sync":0,"kind":"alone","cluster":"","node":0})",
        R"({"format":1,"id":"","shards":0,"replicas":0,"min_in_sync":0,"kind":"other","cluster":"","node":0})"})
    EXPECT_FALSE(membership_record_from_text(text)) << text;
  const auto newer =
      membership_record_from_text(R"({"format":2,"id":"","shards":0,"replicas":0,"min_in_sync":0,"kind":"alone","cluster":"","node":0})");
  ASSERT_FALSE(newer);
  EXPECT_THAT(newer.error(), HasSubstr("use the newer program"));
  EXPECT_FALSE(cluster_identity_from_text(R"({"format":1,"id":"","shards":64,"replicas":3,"min_in_sync":2})"));
}

TEST(membership_record, ids_differ) {
  EXPECT_EQ(new_cluster_id().size(), 32U);
  EXPECT_NE(new_cluster_id(), new_cluster_id());
}

TEST(membership_record, a_name_that_could_not_be_read_again_is_none) {
  for (const std::string name : {"one", "Kuala Lumpur", "\xC3\xA4", "a\"b\\"})
    EXPECT_EQ(wrong_with_name(name, 4095), std::nullopt) << name;
  for (const std::string& name : {std::string(), std::string(65, 'x'), std::string("a/b"), std::string("a\nb"), std::string("a\0b", 3),
                                  std::string("\xE4"), std::string("\x7F")})
    EXPECT_THAT(wrong_with_name(name, 1).value_or(""), HasSubstr("cluster.name")) << name;
  for (const std::uint64_t node : {0, 4096})
    EXPECT_THAT(wrong_with_name("one", node).value_or(""), HasSubstr("cluster.node")) << node;
}

// ------------------------------------------------------------------ what stands against a start

TEST(membership, a_start_as_before_is_let_in) {
  EXPECT_EQ(contradiction(membership_record{}, settings("")), std::nullopt);
  EXPECT_EQ(contradiction(one_member(), settings()), std::nullopt);
  EXPECT_EQ(contradiction({membership_kind::founder, "one", 2, {id_a, 0, 0, 0, 0}}, settings()), std::nullopt);
}

TEST(membership, a_member_does_not_serve_alone) {
  EXPECT_THAT(why(contradiction(one_member(), settings(""))),
              AllOf(HasSubstr("node 2 of the cluster one"), HasSubstr("cluster.name is empty"), HasSubstr("janjictl audit")));
}

TEST(membership, the_data_of_a_node_that_is_alone_joins_no_cluster) {
  EXPECT_THAT(why(contradiction(membership_record{}, settings())),
              AllOf(HasSubstr("a node that is alone"), HasSubstr("cluster.name says one"), HasSubstr("janjictl membership found")));
}

TEST(membership, another_cluster_or_another_number_is_refused) {
  EXPECT_THAT(why(contradiction(one_member(), settings("two"))),
              AllOf(HasSubstr("of the cluster one"), HasSubstr("cluster.name says two")));
  EXPECT_THAT(why(contradiction(one_member(), settings("one", 3))), AllOf(HasSubstr("node 2 of"), HasSubstr("cluster.node says 3")));
}

TEST(membership, what_all_nodes_have_alike_stays_as_it_was) {
  auto s = settings();
  s.identity.shards = 32;
  EXPECT_THAT(why(contradiction(one_member(), s)), AllOf(HasSubstr("64 shards"), HasSubstr("node.shards says 32")));
  EXPECT_THAT(why(contradiction({id_a, 64, 3, 2, 0}, std::nullopt, s)), AllOf(HasSubstr("64 shards"), HasSubstr("node.shards says 32")));
  s = settings();
  s.identity.replicas = 5;
  EXPECT_THAT(why(contradiction(one_member(), s)), AllOf(HasSubstr("3 replicas"), HasSubstr("cluster.replicas says 5")));
  s = settings();
  s.identity.min_in_sync = 1;
  EXPECT_THAT(why(contradiction({id_a, 64, 3, 2, 0}, one_member(), s)),
              AllOf(HasSubstr("has 2 disks"), HasSubstr("cluster.min_in_sync says 1")));
}

TEST(membership, another_cluster_of_the_same_name_is_told_apart) {
  EXPECT_EQ(contradiction({id_a, 64, 3, 2, 0}, one_member(), settings()), std::nullopt);
  EXPECT_EQ(contradiction({id_a, 64, 3, 2, 0}, std::nullopt, settings()), std::nullopt);
  EXPECT_THAT(why(contradiction({id_b, 64, 3, 2, 0}, one_member(), settings())),
              AllOf(HasSubstr(id_a), HasSubstr(id_b), HasSubstr("cluster.etcd")));
  const membership_record founder{membership_kind::founder, "one", 2, {id_a, 0, 0, 0, 0}};
  EXPECT_THAT(why(contradiction({id_b, 64, 3, 2, 0}, founder, settings())), AllOf(HasSubstr("is to become"), HasSubstr(id_b)));
}

TEST(membership, nobody_else_starts_while_a_cluster_is_founded) {
  const cluster_identity founded{id_a, 64, 3, 2, 2};
  EXPECT_THAT(why(contradiction(founded, std::nullopt, settings("one", 3))), HasSubstr("start node 2 first"));
  EXPECT_THAT(why(contradiction(founded, std::nullopt, settings("one", 2))), HasSubstr("start node 2 first"));  // with an empty disk
  EXPECT_EQ(contradiction(founded, membership_record{membership_kind::founder, "one", 2, {id_a, 0, 0, 0, 0}}, settings()), std::nullopt);
}

TEST(membership, data_of_an_earlier_version_is_judged_by_what_it_shows) {
  for (const auto& s : {settings(), settings("")})
    EXPECT_EQ(contradiction(disk_kind::nothing, s), std::nullopt);
  EXPECT_EQ(contradiction(disk_kind::alone, settings("")), std::nullopt);
  EXPECT_EQ(contradiction(disk_kind::member, settings()), std::nullopt);
  EXPECT_THAT(why(contradiction(disk_kind::alone, settings())), HasSubstr("cluster.name says one"));
  EXPECT_THAT(why(contradiction(disk_kind::member, settings(""))), HasSubstr("cluster.name is empty"));
  for (const auto& s : {settings(), settings("")})
    EXPECT_THAT(why(contradiction(disk_kind::mixed, s)), HasSubstr("membership settle"));
}

TEST(membership, every_refusal_is_one_sentence) {
  auto other = settings("one", 3);
  other.identity.replicas = 1;
  for (const auto& no : {contradiction(one_member(), settings("")), contradiction(membership_record{}, settings()),
                         contradiction(one_member(), settings("two")), contradiction(one_member(), other),
                         contradiction(disk_kind::mixed, settings()), contradiction({id_b, 64, 3, 2, 0}, one_member(), settings())}) {
    ASSERT_TRUE(no);
    EXPECT_THAT(*no, AllOf(Not(HasSubstr(". ")), Not(HasSubstr("\n")), HasSubstr("DATA")));
  }
}

// ------------------------------------------------------------------ on disk

struct membership_on_disk : testing::Test {
  std::string data = testing::TempDir() + "membership-" + new_cluster_id();
  ~membership_on_disk() override { std::filesystem::remove_all(data); }

  std::unique_ptr<store::node_store> open(bool counts_boots = true) {
    store::store_options o;
    o.path = data + "/store";
    o.ballast_bytes = 0;
    o.counts_boots = counts_boots;
    std::filesystem::create_directories(data);
    auto s = store::node_store::open(o);
    EXPECT_TRUE(s);
    EXPECT_TRUE(!s || (*s)->get("shards")->revision != 0 || (*s)->swap("shards", 0, "4"));
    return std::move(*s);
  }
  std::optional<membership_record> written() const {
    auto read = read_membership(data);
    EXPECT_TRUE(read) << read.error();
    return read ? *read : std::nullopt;
  }
  static void promise(store::node_store& s, std::uint16_t shard, std::uint64_t epoch) {
    const store::shard_write w{shard_id{shard}, epoch_t{epoch}, {}, {}};
    EXPECT_TRUE(s.write(std::span(&w, 1)));
  }
  // As a node that is alone writes it: one change an epoch.
  static void own_record(store::node_store& s, std::uint16_t shard, std::uint64_t epoch, std::uint64_t from = 1) {
    local_config_store records(s);
    for (auto e = from; e <= epoch; ++e) {
      shard_record r;
      r.epoch = epoch_t{e};
      EXPECT_EQ(records.swap(shard_id{shard}, records.read(shard_id{shard})->revision, r).result, swap_result::won);
    }
  }
};

TEST_F(membership_on_disk, is_there_once_written) {
  EXPECT_EQ(written(), std::nullopt);
  const auto s = open();
  EXPECT_EQ(written(), std::nullopt);
  ASSERT_TRUE(write_membership(data, one_member()));
  EXPECT_EQ(written(), one_member());
  ASSERT_TRUE(write_membership(data, membership_record{}));
  EXPECT_EQ(written(), membership_record{});
}

TEST_F(membership_on_disk, outlives_the_store_that_is_opened_beside_it) {
  open();
  ASSERT_TRUE(write_membership(data, one_member()));
  for (int i = 0; i < 3; ++i)
    ASSERT_TRUE(open()->flush());
  EXPECT_EQ(written(), one_member());
}

TEST_F(membership_on_disk, a_damaged_one_is_no_missing_one) {
  open();
  for (const std::string& text : {std::string(), std::string("{"), std::string(100'000, ' ')}) {
    std::ofstream(data + "/store/membership") << text;
    const auto read = read_membership(data);
    ASSERT_FALSE(read) << text.size();
    EXPECT_THAT(read.error(), HasSubstr("put the file back"));
  }
}

TEST_F(membership_on_disk, a_pipe_in_its_place_is_told_and_not_waited_for) {
  open();
  ASSERT_EQ(::mkfifo((data + "/store/membership").c_str(), 0600), 0);
  ::alarm(30);
  const auto read = read_membership(data);
  ::alarm(0);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error(), data + "/store/membership is a pipe, and no file; put the file back as it was");
}

TEST_F(membership_on_disk, a_store_that_holds_nothing_is_nobodys) { EXPECT_EQ(kind_of(*open()), disk_kind::nothing); }

TEST_F(membership_on_disk, a_node_that_is_alone_keeps_its_records_itself) {
  const auto s = open();
  own_record(*s, 0, 1);
  EXPECT_EQ(kind_of(*s), disk_kind::alone);  // it ended between a record and its promise
  promise(*s, 0, 1);
  own_record(*s, 3, 7);
  promise(*s, 3, 7);
  EXPECT_EQ(kind_of(*s), disk_kind::alone);
}

TEST_F(membership_on_disk, a_member_promises_without) {
  const auto s = open();
  promise(*s, 2, 1);
  EXPECT_EQ(kind_of(*s), disk_kind::member);
}

TEST_F(membership_on_disk, a_start_that_etcd_numbered_was_a_members) {
  const auto s = open(false);
  ASSERT_TRUE(s->begin_boot(replication::make_boot(9, 1).value, s->disk_id()));
  EXPECT_EQ(kind_of(*s), disk_kind::member);
  own_record(*s, 0, 1);
  EXPECT_EQ(kind_of(*s), disk_kind::mixed);
}

TEST_F(membership_on_disk, what_was_both_is_told) {
  const auto s = open();
  own_record(*s, 0, 1);
  promise(*s, 0, 1);
  promise(*s, 1, 1);  // a shard that only a cluster can have begun
  EXPECT_EQ(kind_of(*s), disk_kind::mixed);
}

TEST_F(membership_on_disk, a_promise_above_the_nodes_own_record_was_to_others) {
  const auto s = open();
  own_record(*s, 0, 3);
  promise(*s, 0, 4);
  EXPECT_EQ(kind_of(*s), disk_kind::mixed);
}

TEST_F(membership_on_disk, a_member_that_served_alone_before_is_told) {
  const auto s = open();
  promise(*s, 0, 5);  // to a cluster
  own_record(*s, 0, 6, 6);
  promise(*s, 0, 6);
  EXPECT_EQ(kind_of(*s), disk_kind::mixed);
  own_record(*s, 0, 7, 7);  // and once more
  promise(*s, 0, 7);
  EXPECT_EQ(kind_of(*s), disk_kind::mixed);
}

}  // namespace
}  // namespace janji::cluster
