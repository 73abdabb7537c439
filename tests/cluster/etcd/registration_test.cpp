// Who is there: nodes, their disks and their starts, as etcd knows them.
#include <fmt/format.h>

#include <future>

#include "cluster/record_text.hpp"
#include "tests/cluster/etcd/etcd_test.hpp"

namespace janji::cluster::etcd {
namespace {

using registration_test = etcd_config_store_test;

TEST_F(registration_test, a_node_is_there_while_it_keeps_its_lease_and_gone_when_it_withdraws) {
  follower f;
  auto o = server->reach();
  o.lease = 2s;
  const auto watching = open(o);
  watching->follow(f);
  const auto self = open(o);
  ASSERT_TRUE(self->announce(node(4)).has_value());
  EXPECT_TRUE(f.has(4));
  // Longer than the lease, by the lease of another that is not kept alive.
  const auto grant = etcdctl("/v3/lease/grant", lease_grant_of(3));
  etcdctl("/v3/kv/put", {{"key", base64("/janji/janji/node/9")}, {"value", base64(to_text(node(9)))}, {"lease", *read_text(grant, "ID")}});
  EXPECT_TRUE(f.has(9));
  EXPECT_TRUE(f.has(9, false));
  EXPECT_TRUE(f.has(4));
  self->withdraw();
  EXPECT_TRUE(f.has(4, false));
}

TEST_F(registration_test, a_lease_that_lapsed_is_taken_anew) {
  follower f;
  auto o = server->reach();
  o.lease = 2s;
  const auto watching = open(o);
  watching->follow(f);
  const auto self = open(o);
  ASSERT_TRUE(self->announce(node(4)).has_value());
  ASSERT_TRUE(f.has(4));
  const auto leases = etcdctl("/v3/lease/leases", {});
  const auto id = *read_text(leases.at("leases").as_array().at(0).as_object(), "ID");
  etcdctl("/v3/lease/revoke", {{"ID", id}});
  EXPECT_TRUE(f.has(4, false));
  EXPECT_TRUE(f.has(4));
}

TEST_F(registration_test, a_node_id_belongs_to_one_disk_at_a_time) {
  const auto first = open();
  const auto second = open();
  ASSERT_TRUE(first->announce(node(4, 7, 1)).has_value());
  const auto refused = second->announce(node(4, 8, 1));
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().find("another disk"), std::string::npos) << refused.error();
  EXPECT_FALSE(second->announce(node(4, 7, 2)).has_value()) << "nor to two starts of one disk";
  EXPECT_TRUE(first->announce(node(4, 7, 1)).has_value());
}

// A disk as begin_boot() needs it.
struct starting_disk {
  std::uint64_t id = 7;
  replication::boot_t boot;
  bool fails = false;
  std::expected<etcd_config_store::start, std::string> start(etcd_config_store& s, bool others_gone = false) {
    return s.begin_boot(
        4, id, boot,
        [this](replication::boot_t b, std::uint64_t d) -> std::expected<void, std::string> {
          if (fails)
            return std::unexpected(std::string("the disk is full"));
          boot = b;
          id = d;
          return {};
        },
        [others_gone](const node_registration&) { return others_gone; });
  }
};
node_registration start_of(const starting_disk& d) { return node(4, d.id, d.boot.value); }

TEST_F(registration_test, boots_are_given_out_by_etcd_and_confirmed_with_the_disk) {
  const auto s = open();
  starting_disk d;
  ASSERT_TRUE(d.start(*s));
  const auto first = d.boot;
  ASSERT_TRUE(s->announce(start_of(d)));
  s->withdraw();
  ASSERT_TRUE(d.start(*s));
  EXPECT_GT(replication::number_of(d.boot), replication::number_of(first));
  EXPECT_EQ(d.id, 7U);
  EXPECT_TRUE(open()->announce(start_of(d)));
}

TEST_F(registration_test, a_start_that_failed_at_its_disk_leaves_the_same_disk) {
  const auto s = open();
  starting_disk d;
  ASSERT_TRUE(d.start(*s));
  d.fails = true;
  EXPECT_FALSE(d.start(*s));
  d.fails = false;
  ASSERT_TRUE(d.start(*s));
  EXPECT_EQ(d.id, 7U);
}

TEST_F(registration_test, a_disk_that_was_put_back_starts_as_another) {
  const auto s = open();
  starting_disk d;
  ASSERT_TRUE(d.start(*s));
  auto copy = d;
  ASSERT_TRUE(d.start(*s));
  const auto begun = copy.start(*s);
  ASSERT_TRUE(begun);
  EXPECT_FALSE(begun->why.empty());
  EXPECT_NE(copy.id, 7U);
  EXPECT_FALSE(s->announce(start_of(d))) << "and what it was copied from is not the last start any more";
  EXPECT_TRUE(s->announce(start_of(copy)));
}

TEST_F(registration_test, of_two_starts_at_once_the_later_one_is_refused_by_name) {
  auto o = server->reach();
  o.lease = 2s;
  const auto one = open(o);
  starting_disk d;
  ASSERT_TRUE(d.start(*one));
  auto copy = d;
  auto r = start_of(d);
  r.links = "10.0.0.3:9000";
  ASSERT_TRUE(one->announce(r));
  const auto refused = copy.start(*open(o));
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().find(fmt::format("node 4 runs already: boot {} at 10.0.0.3:9000", replication::number_of(d.boot))),
            std::string::npos)
      << refused.error();
  EXPECT_EQ(copy.boot, d.boot) << "nothing was written on it";
  EXPECT_TRUE(one->announce(r)) << "and the first goes on";
}

TEST_F(registration_test, a_start_whose_owner_is_shown_to_be_gone_is_replaced_at_once) {
  const auto one = open();
  starting_disk d;
  ASSERT_TRUE(d.start(*one));
  ASSERT_TRUE(one->announce(start_of(d)));
  const auto two = open();
  ASSERT_TRUE(d.start(*two, true));
  EXPECT_TRUE(two->announce(start_of(d)));
}

// As a process that was frozen, and finds when it goes on that another start has its place.
TEST_F(registration_test, a_start_whose_place_was_taken_is_told_to_end) {
  follower f;
  const auto one = open();
  starting_disk d;
  ASSERT_TRUE(d.start(*one));
  std::promise<std::string> told;
  ASSERT_TRUE(one->announce(start_of(d), [&](const std::string& why) { told.set_value(why); }));
  one->follow(f);
  ASSERT_TRUE(f.has(4));
  const auto two = open();
  starting_disk copy = d;
  ASSERT_TRUE(copy.start(*two, true));
  ASSERT_TRUE(two->announce(start_of(copy)));
  auto end = told.get_future();
  ASSERT_EQ(end.wait_for(30s), std::future_status::ready);
  const auto why = end.get();
  EXPECT_NE(why.find("runs already"), std::string::npos) << why;
  EXPECT_TRUE(f.until([&](follower& x) { return x.nodes_.contains(4) && x.nodes_[4].boot == copy.boot; }));
}

// A lease that lapsed, and another start that registered meanwhile and went again: it must not come back as if nothing had been.
TEST_F(registration_test, a_start_that_another_came_after_is_not_registered_again) {
  auto o = server->reach();
  o.lease = 2s;
  const auto one = open(o);
  starting_disk d;
  ASSERT_TRUE(d.start(*one));
  std::promise<std::string> told;
  ASSERT_TRUE(one->announce(start_of(d), [&](const std::string& why) { told.set_value(why); }));
  {
    const auto two = open(o);
    starting_disk copy = d;
    ASSERT_TRUE(copy.start(*two, true));
    etcdctl("/v3/kv/deleterange", {{"key", base64("/janji/janji/node/4")}});
  }
  const auto leases = etcdctl("/v3/lease/leases", {});
  for (const auto& l : leases.at("leases").as_array())
    etcdctl("/v3/lease/revoke", {{"ID", *read_text(l.as_object(), "ID")}});
  auto end = told.get_future();
  ASSERT_EQ(end.wait_for(30s), std::future_status::ready);
  EXPECT_NE(end.get().find("was started again"), std::string::npos);
}

TEST_F(registration_test, a_disk_that_is_not_registered_any_more_does_not_get_in) {
  const auto s = open();
  ASSERT_TRUE(s->announce(node(4, 7)).has_value());
  const auto first = s->swap(shard_id{1}, 0, record(1));
  const auto refused = s->swap_if_registered(shard_id{1}, first.record.revision, record(2), {4, 8});
  EXPECT_EQ(refused.result, swap_result::unregistered) << "nobody else has changed the record";
  EXPECT_EQ(refused.record, first.record);
  EXPECT_EQ(s->swap_if_registered(shard_id{1}, first.record.revision, record(2), {5, 7}).result, swap_result::unregistered);
  EXPECT_EQ(s->swap_if_registered(shard_id{1}, first.record.revision + 1, record(2), {5, 7}).result, swap_result::lost);
  EXPECT_EQ(s->swap_if_registered(shard_id{1}, first.record.revision + 1, record(2), {4, 7}).result, swap_result::lost);
  EXPECT_EQ(s->swap_if_registered(shard_id{1}, first.record.revision, record(2), {4, 7}).result, swap_result::won);
}

}  // namespace
}  // namespace janji::cluster::etcd
