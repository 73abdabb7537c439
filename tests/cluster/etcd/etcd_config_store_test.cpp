// What only etcd can do to its users: lose answers, go away, forget, compact, ask for a password.
#include "cluster/etcd/etcd_config_store.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <map>

#include "cluster/positions.hpp"
#include "cluster/record_text.hpp"
#include "tests/certificates.hpp"
#include "tests/cluster/etcd/answer_eater.hpp"
#include "tests/cluster/etcd/etcd_server.hpp"

namespace janji::cluster::etcd {
namespace {

using namespace std::chrono_literals;
using test::answer_eater;
using test::etcd_server;

shard_record record(std::uint64_t epoch, std::uint64_t leader = 1) { return {epoch_t{epoch}, {leader, 2}, {{leader, 2}}, {}, 1, 1}; }
node_registration node(std::uint64_t n, std::uint64_t disk = 7, std::uint64_t boot = 1) {
  return {n, disk, replication::boot_t{boot}, "127.0.0.1:1", "127.0.0.1:2", "0"};
}

// Remembers what it was told; the tests wait for it to be so.
class follower final : public config_events {
public:
  void picture(cluster_picture&& now) override {
    const std::lock_guard lock(mutex_);
    ++pictures_;
    shards_.clear();
    nodes_.clear();
    for (auto& s : now.shards)
      shards_[s.shard.value] = s.record.record.epoch.value;
    for (auto& n : now.nodes)
      nodes_[n.node] = n;
    values_ = std::move(now.values);
    changed_.notify_all();
  }
  void record_changed(shard_change&& c) override {
    change([&] {
      // A watch goes forward only.
      EXPECT_GE(c.record.record.epoch.value, shards_[c.shard.value]);
      shards_[c.shard.value] = c.record.record.epoch.value;
      ++changes_;
    });
  }
  void node_announced(node_registration&& n) override {
    change([&] { nodes_[n.node] = n; });
  }
  void node_gone(std::uint64_t n) override {
    change([&] { nodes_.erase(n); });
  }
  void value_changed(const std::string& name, std::optional<std::string> value) override {
    change([&] {
      if (value)
        values_[name] = *value;
      else
        values_.erase(name);
    });
  }
  void store_away(const std::string& why) override {
    change([&] {
      away_ = true;
      why_ = why;
    });
  }
  void store_back() override {
    change([&] { away_ = false; });
  }

  template <class Good>
  bool until(Good&& good) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 30s, [&] { return good(*this); });
  }
  bool epoch_is(std::uint16_t shard, std::uint64_t epoch) {
    return until([&](follower& f) { return f.shards_[shard] == epoch; });
  }
  bool has(std::uint64_t n, bool wanted = true) {
    return until([&](follower& f) { return f.nodes_.contains(n) == wanted; });
  }

  int pictures_ = 0, changes_ = 0;
  bool away_ = false;
  std::string why_;
  std::map<std::uint16_t, std::uint64_t> shards_;
  std::map<std::uint64_t, node_registration> nodes_;
  std::map<std::string, std::string> values_;

private:
  template <class Do>
  void change(Do&& what) {
    const std::lock_guard lock(mutex_);
    what();
    changed_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
};

struct etcd_config_store_test : testing::Test {
  void SetUp() override {
    if (!etcd_server::there())
      GTEST_SKIP() << "no etcd on this machine";
    server = std::make_unique<etcd_server>();
    ASSERT_TRUE(server->answers(server->reach()));
  }
  std::unique_ptr<etcd_config_store> open(options o) {
    return std::move(*etcd_config_store::open(std::move(o), [this](const std::string& line) {
      const std::lock_guard lock(said_mutex);
      said.push_back(line);
    }));
  }
  std::unique_ptr<etcd_config_store> open() { return open(server->reach()); }
  // Straight to etcd, as an operator with etcdctl.
  boost::json::object etcdctl(std::string_view path, const boost::json::object& body) {
    connection c({*parse_endpoint(server->url())}, nullptr);
    auto answer = c.post(path, body, {}, connection::again::yes, steady::now() + 10s);
    EXPECT_TRUE(answer.has_value()) << answer.error().text;
    return answer ? *answer : boost::json::object{};
  }
  std::mutex said_mutex;
  std::vector<std::string> said;
  std::unique_ptr<etcd_server> server;
};

TEST_F(etcd_config_store_test, a_swap_whose_answer_is_lost_is_unknown_though_it_took_effect) {
  answer_eater relay(server->port());
  auto o = server->reach();
  o.endpoints = {relay.url()};
  const auto s = open(o);
  ASSERT_EQ(s->swap(shard_id{1}, 0, record(1)).result, swap_result::won);
  relay.eat = true;
  const auto revision = open()->read(shard_id{1})->revision;
  EXPECT_EQ(s->swap(shard_id{1}, revision, record(2)).result, swap_result::unknown);
  EXPECT_EQ(open()->read(shard_id{1})->record.epoch, epoch_t{2});
  relay.eat = false;
  const auto lost = s->swap(shard_id{1}, revision, record(2));
  EXPECT_EQ(lost.result, swap_result::lost);
  EXPECT_EQ(lost.record.record.epoch, epoch_t{2});
}

TEST_F(etcd_config_store_test, a_read_whose_answer_is_lost_is_asked_of_the_next_endpoint) {
  answer_eater relay(server->port());
  relay.go_silent = true;
  auto o = server->reach();
  o.endpoints = {relay.url(), "http://127.0.0.1:1", server->url()};
  o.call_deadline = 2s;
  const auto s = open(o);
  EXPECT_TRUE(s->read(shard_id{1}).has_value());
  EXPECT_EQ(s->swap(shard_id{1}, 0, record(1)).result, swap_result::won) << "the endpoint that answered is kept";
}

TEST_F(etcd_config_store_test, an_idle_connection_that_was_closed_makes_no_outcome_unknown) {
  const auto s = open();
  const auto won = s->swap(shard_id{1}, 0, record(1));
  ASSERT_EQ(won.result, swap_result::won);
  server->kill();
  server->start();
  ASSERT_TRUE(server->answers(server->reach()));
  EXPECT_EQ(s->swap(shard_id{1}, won.record.revision, record(2)).result, swap_result::won);
}

TEST_F(etcd_config_store_test, an_etcd_that_is_away_is_an_error_within_the_deadline) {
  server->kill();
  auto o = server->reach();
  o.call_deadline = 300ms;
  const auto s = open(o);
  EXPECT_FALSE(s->read(shard_id{1}).has_value());
  EXPECT_EQ(s->swap(shard_id{1}, 0, record(1)).result, swap_result::not_done) << "nobody was reached";
  EXPECT_FALSE(s->announce(node(1)).has_value());
}

TEST_F(etcd_config_store_test, an_etcd_that_forgot_everything_is_refused) {
  const auto s = open();
  const auto won = s->swap(shard_id{1}, 0, record(1));
  ASSERT_EQ(won.result, swap_result::won);
  server->kill();
  server->forget();
  server->start();
  ASSERT_TRUE(server->answers(server->reach()));
  const auto read = s->read(shard_id{1});
  ASSERT_FALSE(read.has_value());
  EXPECT_TRUE(read.error().find("forgotten") != std::string::npos || read.error().find("another cluster") != std::string::npos)
      << read.error();
  EXPECT_EQ(s->swap(shard_id{1}, won.record.revision, record(2)).result, swap_result::unknown);
  EXPECT_FALSE(s->announce(node(1)).has_value());
}

TEST_F(etcd_config_store_test, a_follower_is_told_that_etcd_has_forgotten) {
  const auto s = open();
  auto last = s->swap(shard_id{1}, 0, record(1));
  for (std::uint64_t epoch = 2; epoch <= 5; ++epoch)
    last = s->swap(shard_id{1}, last.record.revision, record(epoch));
  follower f;
  s->follow(f);
  ASSERT_TRUE(f.epoch_is(1, 5));
  server->kill();
  server->forget();
  server->start();
  ASSERT_TRUE(server->answers(server->reach()));
  EXPECT_TRUE(f.until([](follower& x) { return x.away_ && x.why_.find("forgotten") != std::string::npos; })) << "not only that it was away";
}

TEST_F(etcd_config_store_test, a_node_that_would_start_while_etcd_is_away_is_told_to_try_again) {
  const auto s = open();
  ASSERT_TRUE(s->read(shard_id{1}).has_value());
  server->kill();
  const auto announced = s->announce(node(1));
  ASSERT_FALSE(announced.has_value());
  EXPECT_NE(announced.error().find("try again"), std::string::npos) << announced.error();
}

TEST_F(etcd_config_store_test, a_record_that_is_no_record_is_an_error) {
  etcdctl("/v3/kv/put", {{"key", base64("/janji/janji/shard/3")}, {"value", base64("nonsense")}});
  const auto s = open();
  EXPECT_FALSE(s->read(shard_id{3}).has_value());
  EXPECT_EQ(s->swap(shard_id{3}, 0, record(1)).result, swap_result::unknown) << "what is there cannot be told";
}

TEST_F(etcd_config_store_test, a_value_is_changed_where_it_was_read_and_followers_see_it_but_no_key) {
  const auto s = open();
  const auto none = s->read_value("node/4");
  ASSERT_TRUE(none.has_value());
  EXPECT_FALSE(none->value.has_value());
  EXPECT_TRUE(*s->put_value("node/4", none->revision, "one"));
  EXPECT_FALSE(*s->put_value("node/4", none->revision, "two")) << "somebody else was first";
  ASSERT_TRUE(s->put_if_absent("key/receipt", "wrapped").has_value());
  follower f;
  s->follow(f);
  EXPECT_TRUE(f.until([](follower& x) { return x.values_.contains("node/4"); }));
  EXPECT_TRUE(*s->put_value("node/4", s->read_value("node/4")->revision, "three"));
  ASSERT_TRUE(s->put_if_absent("nodes", "other"));
  ASSERT_TRUE(s->put_if_absent("node/12", "twelve"));
  const auto nodes = s->read_values("node/");
  ASSERT_EQ(nodes->size(), 2U);
  EXPECT_EQ(nodes->at("node/12").value, "twelve");
  EXPECT_EQ(nodes->at("node/4").value, "three");
  EXPECT_TRUE(f.until([](follower& x) { return x.values_["node/4"] == "three"; }));
  ASSERT_TRUE(s->remove("node/4").has_value());
  EXPECT_TRUE(f.until([](follower& x) { return !x.values_.contains("node/4"); }));
  EXPECT_TRUE(f.until([](follower& x) { return !x.values_.contains("key/receipt"); }));
}

TEST_F(etcd_config_store_test, the_furthest_position_that_anybody_wrote_down_stands_outside) {
  auto store = open();
  EXPECT_EQ(store->outside(shard_id{4}), replication::position{}) << "nothing was ever written";
  const auto write = [&](std::uint64_t node, const positions& p) {
    ASSERT_TRUE(store->put_if_absent(fmt::format("{}{}", positions_value, node), to_text(p)).has_value());
  };
  write(1, {{shard_id{4}, {epoch_t{3}, sequence_t{20}}}, {shard_id{5}, {epoch_t{9}, sequence_t{1}}}});
  write(2, {{shard_id{4}, {epoch_t{3}, sequence_t{25}}}});
  EXPECT_EQ(store->outside(shard_id{4}), (replication::position{epoch_t{3}, sequence_t{25}}));
  EXPECT_EQ(store->outside(shard_id{6}), replication::position{});
  ASSERT_TRUE(store->put_if_absent(fmt::format("{}{}", positions_value, 3), "junk").has_value());
  EXPECT_FALSE(store->outside(shard_id{4}).has_value()) << "what cannot be read is not nothing";
  server->kill();
  EXPECT_FALSE(store->outside(shard_id{4}).has_value());
}

TEST_F(etcd_config_store_test, a_value_is_put_only_while_another_stands_and_values_are_read_by_what_their_names_begin_with) {
  const auto s = open();
  EXPECT_TRUE(*s->put_value("node/4", 0, "three"));
  const value_condition unchanged{"node/4", s->read_value("node/4")->revision};
  EXPECT_TRUE(*s->put_value("key/a", 0, "first", unchanged));
  EXPECT_TRUE(*s->put_value("node/4", unchanged.revision, "four"));
  EXPECT_FALSE(*s->put_value("key/b", 0, "second", unchanged)) << "the other value has changed";
  EXPECT_TRUE(*s->put_value("key/b", 0, "second", value_condition{"none", 0})) << "there is none, as was demanded";
  const auto found = s->read_values("key/");
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->size(), 2U);
  EXPECT_EQ(found->at("key/a").value, "first");
  EXPECT_EQ(found->at("key/b").revision, s->read_value("key/b")->revision);
  EXPECT_EQ(s->read_values("nothing/")->size(), 0U);
}

TEST_F(etcd_config_store_test, followers_are_told_of_everything_in_order) {
  const auto s = open();
  auto last = s->swap(shard_id{1}, 0, record(1));
  follower f;
  const auto watching = open();
  watching->follow(f);
  EXPECT_TRUE(f.epoch_is(1, 1)) << "what was there before";
  for (std::uint64_t epoch = 2; epoch <= 20; ++epoch)
    last = s->swap(shard_id{1}, last.record.revision, record(epoch));
  EXPECT_TRUE(f.epoch_is(1, 20));
  EXPECT_EQ(f.changes_, 19);
  EXPECT_EQ(f.pictures_, 1);
  etcdctl("/v3/kv/put", {{"key", base64("/janji/other/shard/1")}, {"value", base64("another cluster's")}});
  EXPECT_EQ(s->swap(shard_id{2}, 0, record(1)).result, swap_result::won);
  EXPECT_TRUE(f.epoch_is(2, 1));
  const std::lock_guard lock(said_mutex);
  EXPECT_TRUE(said.empty()) << said.front();
}

TEST_F(etcd_config_store_test, a_watch_is_renewed_without_missing_or_repeating_anything) {
  auto o = server->reach();
  o.watch_renewal = 50ms;
  const auto s = open(o);
  follower f;
  s->follow(f);
  ASSERT_TRUE(f.until([](follower& n) { return n.pictures_ == 1; }));
  swap_outcome last;
  for (std::uint64_t epoch = 1; epoch <= 200; ++epoch)
    last = s->swap(shard_id{1}, last.record.revision, record(epoch));
  EXPECT_TRUE(f.epoch_is(1, 200));
  EXPECT_EQ(f.changes_, 200);
  EXPECT_EQ(f.pictures_, 1);
}

TEST_F(etcd_config_store_test, a_follower_that_etcd_left_behind_is_told_the_whole_picture_again) {
  answer_eater relay(server->port());
  auto o = server->reach();
  o.endpoints = {relay.url()};
  o.watch_renewal = 100ms;
  follower f;
  const auto cut_off = open(o);
  cut_off->follow(f);
  const auto other = open();
  auto last = other->swap(shard_id{1}, 0, record(1));
  ASSERT_TRUE(f.epoch_is(1, 1));
  relay.eat = true;
  ASSERT_TRUE(f.until([](follower& n) { return n.away_; }));
  for (std::uint64_t epoch = 2; epoch <= 10; ++epoch)
    last = other->swap(shard_id{1}, last.record.revision, record(epoch));
  etcdctl("/v3/kv/compaction", {{"revision", std::to_string(last.record.revision)}, {"physical", true}});
  relay.eat = false;
  EXPECT_TRUE(f.epoch_is(1, 10));
  EXPECT_TRUE(f.until([](follower& n) { return !n.away_; }));
  EXPECT_EQ(f.pictures_, 2);
}

TEST_F(etcd_config_store_test, what_happened_while_the_follower_was_cut_off_is_told_in_order_afterwards) {
  follower f;
  const auto s = open();
  auto last = s->swap(shard_id{1}, 0, record(1));
  s->follow(f);
  ASSERT_TRUE(f.epoch_is(1, 1));
  server->kill();
  ASSERT_TRUE(f.until([](follower& n) { return n.away_; }));
  server->start();
  ASSERT_TRUE(server->answers(server->reach()));
  for (std::uint64_t epoch = 2; epoch <= 10; ++epoch)
    last = s->swap(shard_id{1}, last.record.revision, record(epoch));
  EXPECT_TRUE(f.epoch_is(1, 10));
  EXPECT_TRUE(f.until([](follower& n) { return !n.away_; }));
  EXPECT_EQ(f.changes_, 9);
  EXPECT_EQ(f.pictures_, 1);
}

TEST_F(etcd_config_store_test, a_node_is_there_while_it_keeps_its_lease_and_gone_when_it_withdraws) {
  auto o = server->reach();
  o.lease = 2s;
  follower f;
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

TEST_F(etcd_config_store_test, a_lease_that_lapsed_is_taken_anew) {
  auto o = server->reach();
  o.lease = 2s;
  follower f;
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

TEST_F(etcd_config_store_test, a_node_id_belongs_to_one_disk_at_a_time) {
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

TEST_F(etcd_config_store_test, boots_are_given_out_by_etcd_and_confirmed_with_the_disk) {
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

TEST_F(etcd_config_store_test, a_start_that_failed_at_its_disk_leaves_the_same_disk) {
  const auto s = open();
  starting_disk d;
  ASSERT_TRUE(d.start(*s));
  d.fails = true;
  EXPECT_FALSE(d.start(*s));
  d.fails = false;
  ASSERT_TRUE(d.start(*s));
  EXPECT_EQ(d.id, 7U);
}

TEST_F(etcd_config_store_test, a_disk_that_was_put_back_starts_as_another) {
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

TEST_F(etcd_config_store_test, of_two_starts_at_once_the_later_one_is_refused_by_name) {
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

TEST_F(etcd_config_store_test, a_start_whose_owner_is_shown_to_be_gone_is_replaced_at_once) {
  const auto one = open();
  starting_disk d;
  ASSERT_TRUE(d.start(*one));
  ASSERT_TRUE(one->announce(start_of(d)));
  const auto two = open();
  ASSERT_TRUE(d.start(*two, true));
  EXPECT_TRUE(two->announce(start_of(d)));
}

// As a process that was frozen, and finds when it goes on that another start has its place.
TEST_F(etcd_config_store_test, a_start_whose_place_was_taken_is_told_to_end) {
  const auto one = open();
  starting_disk d;
  ASSERT_TRUE(d.start(*one));
  std::promise<std::string> told;
  ASSERT_TRUE(one->announce(start_of(d), [&](const std::string& why) { told.set_value(why); }));
  follower f;
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
TEST_F(etcd_config_store_test, a_start_that_another_came_after_is_not_registered_again) {
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

TEST_F(etcd_config_store_test, a_disk_that_is_not_registered_any_more_does_not_get_in) {
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

TEST_F(etcd_config_store_test, it_lets_nobody_in_without_the_password_and_renews_its_token) {
  etcdctl("/v3/auth/role/add", {{"name", "root"}});
  etcdctl("/v3/auth/user/add", {{"name", "root"}, {"password", "opensesame"}});
  etcdctl("/v3/auth/user/grant", {{"user", "root"}, {"role", "root"}});
  auto o = server->reach();
  o.user = "root";
  o.password = "opensesame";
  etcdctl("/v3/auth/enable", {});
  EXPECT_FALSE(open()->read(shard_id{1}).has_value());
  auto wrong = o;
  wrong.password = "open";
  EXPECT_FALSE(open(wrong)->read(shard_id{1}).has_value());
  const auto s = open(o);
  const auto won = s->swap(shard_id{1}, 0, record(1));
  ASSERT_EQ(won.result, swap_result::won);
  follower f;
  s->follow(f);
  ASSERT_TRUE(f.epoch_is(1, 1));
  server->kill();  // simple tokens are kept in memory: none of before is good
  server->start();
  ASSERT_TRUE(server->answers(o));
  EXPECT_EQ(s->swap(shard_id{1}, won.record.revision, record(2)).result, swap_result::won);
  EXPECT_TRUE(f.epoch_is(1, 2));
}

TEST(etcd_tls, only_the_right_certificates_reach_etcd) {
  if (!etcd_server::there())
    GTEST_SKIP() << "no etcd on this machine";
  janji::test::certificates c;
  c.make_authority("ours");
  c.make_authority("other");
  c.issue("etcd", "ours");
  c.issue("node", "ours");
  c.issue("stranger", "other");
  etcd_server server({"--cert-file=" + c.certificate("etcd"), "--key-file=" + c.key("etcd"), "--client-cert-auth",
                      "--trusted-ca-file=" + c.certificate("ours")},
                     true);
  auto right = server.reach();
  right.ca_file = c.certificate("ours");
  right.certificate_file = c.certificate("node");
  right.key_file = c.key("node");
  ASSERT_TRUE(server.answers(right));
  const auto s = std::move(*etcd_config_store::open(right));
  EXPECT_EQ(s->swap(shard_id{1}, 0, record(1)).result, swap_result::won);
  follower f;
  s->follow(f);
  EXPECT_TRUE(f.epoch_is(1, 1));
  const auto reads = [&](auto change) {
    auto o = right;
    change(o);
    return (*etcd_config_store::open(o))->read(shard_id{1}).has_value();
  };
  EXPECT_FALSE(reads([&](options& o) { o.ca_file = c.certificate("other"); })) << "an etcd of another authority";
  EXPECT_FALSE(reads([&](options& o) {
    o.certificate_file = c.certificate("stranger");
    o.key_file = c.key("stranger");
  })) << "etcd lets no stranger in";
  EXPECT_FALSE(reads([&](options& o) { o.endpoints = {"https://127.0.0.2:" + std::to_string(server.port())}; }));
}

TEST(etcd_options, what_cannot_be_right_is_refused_at_once) {
  const auto error = [](auto change) {
    options o;
    o.endpoints = {"http://127.0.0.1:2379"};
    change(o);
    const auto made = etcd_config_store::open(o);
    return made ? std::string("good") : made.error();
  };
  EXPECT_EQ(error([](options&) {}), "good");
  EXPECT_NE(error([](options& o) { o.endpoints.clear(); }), "good");
  for (const auto* text : {"127.0.0.1:2379", "http://", "http://host", "http://host:", "http://:1", "http://host:port", "ftp://host:1"})
    EXPECT_NE(error([&](options& o) { o.endpoints = {text}; }), "good") << text;
  EXPECT_NE(error([](options& o) { o.cluster = "a/b"; }), "good");
  EXPECT_NE(error([](options& o) { o.certificate_file = "c.pem"; }), "good");
  EXPECT_NE(error([](options& o) {
              o.endpoints = {"https://host:1"};
              o.ca_file = "/nowhere/ca.pem";
            }),
            "good");
}

}  // namespace
}  // namespace janji::cluster::etcd
