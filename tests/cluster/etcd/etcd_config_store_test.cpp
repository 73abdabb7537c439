// What only etcd can do to its users: lose answers, go away, forget, compact, ask for a password.
#include "cluster/etcd/etcd_config_store.hpp"

#include <fmt/format.h>

#include "cluster/positions.hpp"
#include "tests/certificates.hpp"
#include "tests/cluster/etcd/answer_eater.hpp"
#include "tests/cluster/etcd/etcd_test.hpp"

namespace janji::cluster::etcd {
namespace {

using test::answer_eater;

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

TEST_F(etcd_config_store_test, a_swap_that_was_never_sent_because_a_registration_cannot_be_read_is_not_made) {
  answer_eater relay(server->port());
  auto o = server->reach();
  o.endpoints = {relay.url()};
  o.call_deadline = 300ms;
  const auto s = open(o);
  const auto won = s->swap(shard_id{1}, 0, record(1));
  ASSERT_EQ(won.result, swap_result::won);
  relay.go_silent = true;
  EXPECT_EQ(s->swap_if_registered(shard_id{1}, won.record.revision, record(2), {2, 7}).result, swap_result::not_done)
      << "its leader would stop for as long as etcd is away";
  EXPECT_EQ(open()->read(shard_id{1})->record.epoch, epoch_t{1});
}

struct etcd_members_test : etcd_config_store_test {
  void SetUp() override {
    if (!etcd_server::there())
      GTEST_SKIP() << "no etcd on this machine";
    members = etcd_server::members(3);
    for (const auto& m : members)
      ASSERT_TRUE(m->answers(m->reach()));
  }
  options reach() {
    options o;
    for (const auto& m : members)
      o.endpoints.push_back(m->url());
    return o;
  }
  // Shard 1 has its first record, and `f` follows it.
  versioned_record followed(etcd_config_store& s, follower& f) {
    const auto won = s.swap(shard_id{1}, 0, record(1));
    EXPECT_EQ(won.result, swap_result::won);
    s.follow(f);
    EXPECT_TRUE(f.epoch_is(1, 1));
    return won.record;
  }
  std::vector<std::unique_ptr<etcd_server>> members;
};

TEST_F(etcd_members_test, a_swap_into_an_etcd_that_has_lost_its_quorum_is_not_made) {
  follower f;
  const auto s = open(reach());
  const auto first = followed(*s, f);
  members[1]->kill();
  members[2]->kill();
  ASSERT_TRUE(f.until([](follower& x) { return x.away_; }));
  ASSERT_TRUE(members[0]->knows_no_leader()) << "before that a swap has no known outcome there";
  EXPECT_EQ(s->swap(shard_id{1}, first.revision, record(2)).result, swap_result::not_done) << "it turns the swap away";
  members[1]->start();
  ASSERT_TRUE(members[1]->answers(reach()));
  EXPECT_EQ(s->swap(shard_id{1}, first.revision, record(2)).result, swap_result::won);
}

// What was sent in the last moment had no known outcome, though the member would have turned it away like all before.
TEST_F(etcd_members_test, nothing_is_sent_once_more_without_time_for_an_answer) {
  members[1]->kill();
  members[2]->kill();
  ASSERT_TRUE(members[0]->knows_no_leader());
  answer_eater relay(members[0]->port());
  connection asks({*parse_endpoint(relay.url())}, nullptr);
  const auto deadline = steady::now() + 1s;
  relay.silent_from = deadline - election_poll;
  const auto said = asks.post("/v3/kv/put", {{"key", "YQ=="}, {"value", "YQ=="}}, "", connection::again::no, deadline);
  ASSERT_FALSE(said);
  EXPECT_FALSE(said.error().may_have_happened) << said.error().text;
}

// Its connections stay open, and a watch that is silent looks like peace.
TEST_F(etcd_members_test, who_watched_a_member_that_is_frozen_goes_on_at_another) {
  follower f;
  EXPECT_LT(options{}.watch_renewal, options{}.lease) << "who is gone would be noticed later there than anywhere else";
  const auto s = open(reach());
  const auto first = followed(*s, f);
  ASSERT_EQ(s->swap(shard_id{1}, first.revision, record(2)).result, swap_result::won);
  ASSERT_TRUE(f.until([](follower& x) { return x.changes_ > 0; })) << "its watch is under way";
  members[0]->freeze();
  auto others = reach();
  others.endpoints.erase(others.endpoints.begin());
  const auto o = open(others);
  const auto until = steady::now() + 30s;
  bool won = false;
  while (!won && steady::now() < until)  // the frozen one may have been the leader
    if (const auto now = o->read(shard_id{1}); now)
      won = o->swap(shard_id{1}, now->revision, record(3)).result == swap_result::won;
  ASSERT_TRUE(won);
  EXPECT_TRUE(f.epoch_is(1, 3));
  members[0]->thaw();
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
  follower f;
  const auto s = open();
  auto last = s->swap(shard_id{1}, 0, record(1));
  for (std::uint64_t epoch = 2; epoch <= 5; ++epoch)
    last = s->swap(shard_id{1}, last.record.revision, record(epoch));
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
  follower f;
  const auto s = open();
  const auto none = s->read_value("node/4");
  ASSERT_TRUE(none.has_value());
  EXPECT_FALSE(none->value.has_value());
  EXPECT_TRUE(*s->put_value("node/4", none->revision, "one"));
  EXPECT_FALSE(*s->put_value("node/4", none->revision, "two")) << "somebody else was first";
  ASSERT_TRUE(s->put_if_absent("key/receipt", "wrapped").has_value());
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

TEST_F(etcd_config_store_test, the_furthest_positions_that_anybody_wrote_down_stand_outside) {
  auto store = open();
  EXPECT_EQ(store->outside(), positions{}) << "nothing was ever written";
  const auto write = [&](std::uint64_t node, const positions& p) {
    ASSERT_TRUE(store->put_if_absent(fmt::format("{}{}", positions_value, node), to_text(p)).has_value());
  };
  const replication::position short_one{epoch_t{9}, sequence_t{1}}, further{epoch_t{3}, sequence_t{25}};
  write(1, {{shard_id{4}, {epoch_t{3}, sequence_t{20}}}, {shard_id{5}, short_one}});
  write(2, {{shard_id{4}, further}});
  EXPECT_EQ(store->outside(), (positions{{shard_id{4}, further}, {shard_id{5}, short_one}}));
  ASSERT_TRUE(store->put_if_absent(fmt::format("{}{}", positions_value, 3), "junk").has_value());
  EXPECT_FALSE(store->outside().has_value()) << "what cannot be read is not nothing";
  server->kill();
  EXPECT_FALSE(store->outside().has_value());
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
  follower f;
  const auto s = open();
  auto last = s->swap(shard_id{1}, 0, record(1));
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
  follower f;
  auto o = server->reach();
  o.watch_renewal = 50ms;
  const auto s = open(o);
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
  follower f;
  answer_eater relay(server->port());
  auto o = server->reach();
  o.endpoints = {relay.url()};
  o.watch_renewal = 100ms;
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

TEST_F(etcd_config_store_test, it_lets_nobody_in_without_the_password_and_renews_its_token) {
  follower f;
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
  s->follow(f);
  ASSERT_TRUE(f.epoch_is(1, 1));
  server->kill();  // simple tokens are kept in memory: none of before is good
  server->start();
  ASSERT_TRUE(server->answers(o));
  EXPECT_EQ(s->swap(shard_id{1}, won.record.revision, record(2)).result, swap_result::won);
  EXPECT_TRUE(f.epoch_is(1, 2));
}

TEST(etcd_tls, only_the_right_certificates_reach_etcd) {
  follower f;
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
  s->follow(f);
  EXPECT_TRUE(f.epoch_is(1, 1));
  const auto reads = [&](auto change) {
    auto o = right;
    change(o);
    return (*etcd_config_store::open(o))->read(shard_id{1}).has_value();
  };
  EXPECT_TRUE(reads([&](options& o) { o.endpoints = {"https://127.0.0.1:" + std::to_string(server.port())}; }));
  EXPECT_FALSE(reads([&](options& o) { o.ca_file = c.certificate("other"); })) << "an etcd of another authority";
  EXPECT_FALSE(reads([&](options& o) {
    o.certificate_file = c.certificate("stranger");
    o.key_file = c.key("stranger");
  })) << "etcd lets no stranger in";
  EXPECT_FALSE(reads([&](options& o) { o.endpoints = {"https://127.0.0.2:" + std::to_string(server.port())}; }))
      << "it listens there, and its certificate has another name";
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
