// An etcd that knows who asks: users with passwords, roles with what they may do, certificates. As docs/operations.md has it set up.
#include <sys/stat.h>

#include <algorithm>
#include <boost/asio/ssl/context.hpp>
#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <utility>

#include "tests/certificates.hpp"
#include "tests/cluster/etcd/etcd_test.hpp"

namespace janji::cluster::etcd {
namespace {

constexpr auto least_prefix = "/janji/janji/";  // of the cluster "janji", the tests' own

// Over TLS, with a user "janji" whose role may read and write below the cluster's prefix and nothing else. Tokens live for a second.
struct etcd_access_test : testing::Test {
  void SetUp() override {
    if (!etcd_server::there())
      GTEST_SKIP() << "no etcd on this machine";
    c.make_authority("ours");
    c.issue("etcd", "ours");
    c.issue("node", "ours");
    c.make_signing_keys("signing");
    const auto jwt = "--auth-token=jwt,pub-key=" + c.certificate("signing") + ",priv-key=" + c.key("signing") + ",sign-method=RS256,ttl=1s";
    server = std::make_unique<etcd_server>(
        std::vector<std::string>{"--cert-file=" + c.certificate("etcd"), "--key-file=" + c.key("etcd"), jwt}, true);
    ASSERT_TRUE(server->answers(encrypted()));
    write_password("opensesame");
  }

  options encrypted() const {
    auto o = server->reach();
    o.ca_file = c.certificate("ours");
    return o;
  }
  options as_user() const {
    auto o = encrypted();
    o.user = "janji";
    o.password_file = password_file();
    return o;
  }
  [[nodiscard]] std::string password_file() const { return directory.path() + "/password"; }
  void write_password(const std::string& password) const {
    std::ofstream(password_file()) << password << "\n";
    ::chmod(password_file().c_str(), 0600);
  }
  std::unique_ptr<etcd_config_store> open(options o) {
    auto made = etcd_config_store::open(std::move(o), [this](const std::string& line) {
      const std::lock_guard lock(said_mutex);
      said.push_back(line);
    });
    EXPECT_TRUE(made.has_value()) << made.error();
    return std::move(*made);
  }
  static std::string trouble(etcd_config_store& s) {
    const auto read = s.read(shard_id{1});
    return read ? "none" : cannot_reach(read.error()).error();
  }

  // As an operator does it with etcdctl.
  boost::json::object operate(std::string_view path, const boost::json::object& body) {
    connection straight({*parse_endpoint(server->url())}, tls());
    std::string token;
    if (enabled) {
      const auto in =
          straight.post("/v3/auth/authenticate", user_and_password("root", "root"), {}, connection::again::yes, steady::now() + 10s);
      EXPECT_TRUE(in.has_value()) << in.error().text;
      token = in ? *read_text(*in, "token") : "";
    }
    auto answer = straight.post(path, body, token, connection::again::yes, steady::now() + 10s);
    EXPECT_TRUE(answer.has_value()) << path << ": " << answer.error().text;
    return answer ? *answer : boost::json::object{};
  }
  std::shared_ptr<tls_files> tls() const {
    auto context = std::make_shared<boost::asio::ssl::context>(boost::asio::ssl::context::tls_client);
    context->load_verify_file(c.certificate("ours"));
    context->set_verify_mode(boost::asio::ssl::verify_peer);
    return std::make_shared<tls_files>(std::move(context));
  }
  void may(const char* what, std::string_view prefix = least_prefix) {
    operate("/v3/auth/role/grant", {{"name", "janji"},
                                    {"perm", boost::json::object{{"permType", what},
                                                                 {"key", range_of_prefix(prefix).at("key")},
                                                                 {"range_end", range_of_prefix(prefix).at("range_end")}}}});
  }
  void make_users(const char* what = "READWRITE") {
    operate("/v3/auth/role/add", {{"name", "root"}});
    operate("/v3/auth/user/add", {{"name", "root"}, {"password", "root"}});
    operate("/v3/auth/user/grant", {{"user", "root"}, {"role", "root"}});
    operate("/v3/auth/role/add", {{"name", "janji"}});
    may(what);
    operate("/v3/auth/user/add", {{"name", "janji"}, {"password", "opensesame"}});
    operate("/v3/auth/user/grant", {{"user", "janji"}, {"role", "janji"}});
  }
  void enable() {
    operate("/v3/auth/enable", {});
    enabled = true;
  }
  bool has_said(std::string_view words) {
    const std::lock_guard lock(said_mutex);
    return std::ranges::any_of(said, [&](const auto& line) { return line.contains(words); });
  }

  janji::test::certificates c;
  janji::test::temporary_directory directory;
  bool enabled = false;
  std::mutex said_mutex;
  std::vector<std::string> said;
  std::unique_ptr<etcd_server> server;
};

TEST_F(etcd_access_test, reading_and_writing_below_its_prefix_is_all_that_a_cluster_needs) {
  follower f;
  make_users();
  enable();
  const auto s = open(as_user());
  const auto begun =
      s->begin_boot(1, 7, {}, [](auto, auto) { return std::expected<void, std::string>{}; }, [](const auto&) { return false; });
  ASSERT_TRUE(begun.has_value()) << begun.error();
  const auto told = s->announce(node(1, begun->disk, begun->boot.value));
  ASSERT_TRUE(told.has_value()) << told.error();
  s->follow(f);
  EXPECT_TRUE(f.has(1));
  EXPECT_EQ(s->swap(shard_id{1}, 0, record(1)).result, swap_result::won);
  EXPECT_TRUE(f.epoch_is(1, 1));
  const auto revision = s->read(shard_id{1})->revision;
  EXPECT_EQ(s->swap_if_registered(shard_id{1}, revision, record(2), {1, begun->disk}).result, swap_result::won);
  EXPECT_EQ(s->put_if_absent("a", "1"), "1");
  EXPECT_EQ(s->put_value("b", 0, "2"), true);
  EXPECT_EQ(s->read_values("")->size(), 3U) << "the boot's too";
  EXPECT_TRUE(s->remove("b").has_value());
  EXPECT_TRUE(s->outside().has_value());
  s->withdraw();
  EXPECT_TRUE(f.has(1, false)) << "a lease is given back";
  EXPECT_FALSE(f.away_);
}

TEST_F(etcd_access_test, another_clusters_keys_are_out_of_reach_and_the_sentence_says_which_are_wanted) {
  follower f;
  make_users();
  enable();
  auto o = as_user();
  o.cluster = "other";
  const auto s = open(o);
  EXPECT_EQ(trouble(*s),
            "etcd refuses this node: its user 'janji' lacks a permission: grant a role of it reading and writing of all keys that begin "
            "with /janji/other/");
  EXPECT_EQ(s->swap(shard_id{1}, 0, record(1)).result, swap_result::not_done);
  s->follow(f);
  EXPECT_TRUE(f.until([](follower& n) { return n.away_; }));
  EXPECT_TRUE(f.why_.contains("lacks a permission")) << f.why_;
}

TEST_F(etcd_access_test, a_role_that_may_only_read_says_so_where_something_is_written) {
  make_users("READ");
  enable();
  const auto s = open(as_user());
  EXPECT_EQ(trouble(*s), "none");
  EXPECT_EQ(s->swap(shard_id{1}, 0, record(1)).result, swap_result::not_done);
  EXPECT_TRUE(has_said("lacks a permission"));
  const auto told = s->announce(node(1));
  ASSERT_FALSE(told.has_value());
  EXPECT_TRUE(told.error().contains("etcd refuses this node: its user 'janji' lacks a permission")) << told.error();
  may("READWRITE");
  EXPECT_EQ(s->swap(shard_id{1}, 0, record(1)).result, swap_result::won) << "without a restart";
}

// What a token was given under has changed: etcd wants another.
TEST_F(etcd_access_test, tokens_that_lapse_and_rights_that_change_are_nobodys_trouble) {
  follower f;
  make_users();
  enable();
  const auto s = open(as_user());
  s->follow(f);
  const auto end = steady::now() + 4s;  // of tokens that live for one
  std::uint64_t revision = 0;
  std::uint64_t epoch = 0;
  for (bool changed = false; steady::now() < end;) {
    const auto swapped = s->swap(shard_id{1}, revision, record(++epoch));
    ASSERT_EQ(swapped.result, swap_result::won) << epoch;
    revision = swapped.record.revision;
    if (!std::exchange(changed, true))
      may("READ", "/elsewhere/");
  }
  EXPECT_TRUE(f.epoch_is(1, epoch));
  EXPECT_FALSE(f.away_);
}

TEST_F(etcd_access_test, authentication_that_is_enabled_while_nodes_run_is_met_by_those_who_know_their_user) {
  follower f;
  follower g;
  make_users();
  const auto knows = open(as_user());
  const auto does_not = open(encrypted());
  knows->follow(f);
  does_not->follow(g);
  EXPECT_EQ(trouble(*knows), "none");
  EXPECT_TRUE(has_said("its authentication is not enabled"));
  const auto won = knows->swap(shard_id{1}, 0, record(1));
  ASSERT_EQ(won.result, swap_result::won);
  ASSERT_TRUE(g.epoch_is(1, 1));
  enable();
  EXPECT_EQ(knows->swap(shard_id{1}, won.record.revision, record(2)).result, swap_result::won);
  EXPECT_TRUE(f.epoch_is(1, 2));
  EXPECT_EQ(trouble(*does_not),
            "etcd refuses this node: it asks for a user and a password: set cluster.etcd_user and cluster.etcd_password_file");
  EXPECT_TRUE(g.until([](follower& n) { return n.away_; }));
  EXPECT_TRUE(g.why_.contains("cluster.etcd_user")) << g.why_;
  EXPECT_FALSE(f.away_);
}

TEST_F(etcd_access_test, a_wrong_password_is_said_and_a_mended_file_is_enough) {
  make_users();
  enable();
  write_password("open");
  const auto s = open(as_user());
  EXPECT_EQ(trouble(*s),
            "etcd refuses this node: the password of the user 'janji' is not right, or there is no such user: look at cluster.etcd_user "
            "and cluster.etcd_password_file");
  EXPECT_EQ(s->swap(shard_id{1}, 0, record(1)).result, swap_result::not_done);
  write_password("opensesame");
  const auto end = steady::now() + 20s;
  while (trouble(*s) != "none")
    ASSERT_LT(steady::now(), end);
  ::chmod(password_file().c_str(), 0644);
  const auto read_by_others = etcd_config_store::open(as_user());
  ASSERT_FALSE(read_by_others.has_value());
  EXPECT_TRUE(read_by_others.error().contains("can be read by others: chmod 600 it")) << read_by_others.error();
}

// etcd compares a password for a tenth of a second: a thousand nodes that ask as fast as they can would be its end.
TEST_F(etcd_access_test, a_refused_password_is_not_tried_as_fast_as_it_is_refused) {
  make_users();
  enable();
  write_password("open");
  const auto s = open(as_user());
  (void)trouble(*s);
  const auto begun = steady::now();
  for (int i = 0; i < 200; ++i)
    (void)trouble(*s);
  EXPECT_LT(steady::now() - begun, 3s) << "etcd takes 50 ms and more for each";
}

TEST_F(etcd_access_test, a_stranger_is_told_from_one_who_is_known) {
  EXPECT_TRUE(etcd_config_store::lets_strangers_in(as_user())) << "nothing is enabled";
  make_users();
  enable();
  EXPECT_FALSE(etcd_config_store::lets_strangers_in(as_user()));
  server->kill();
  auto o = as_user();
  o.call_deadline = 300ms;
  EXPECT_FALSE(etcd_config_store::lets_strangers_in(o)) << "which says nothing: it is away";
}

TEST_F(etcd_access_test, certificates_for_etcd_are_looked_at_and_renewed_without_a_restart) {
  auto o = encrypted();
  c.issue("stale", "ours", "-days -1");
  o.certificate_file = c.certificate("stale");
  o.key_file = c.key("stale");
  const auto stale = etcd_config_store::open(o);
  ASSERT_FALSE(stale.has_value());
  EXPECT_TRUE(stale.error().contains("stale.pem, which is shown to etcd: it has expired, at 20")) << stale.error();
  o.certificate_file = c.certificate("node");
  o.key_file = c.key("node");
  const auto s = open(o);
  EXPECT_EQ(trouble(*s), "none");
  std::filesystem::copy_file(c.certificate("stale"), c.certificate("node"), std::filesystem::copy_options::overwrite_existing);
  EXPECT_FALSE(s->reload().has_value());
  EXPECT_EQ(trouble(*s), "none") << "the old one stays";
  c.issue("node", "ours");
  EXPECT_TRUE(s->reload().has_value());
  EXPECT_EQ(trouble(*s), "none");
}

TEST(etcd_certificates, that_are_not_taken_are_said_with_the_reason) {
  if (!etcd_server::there())
    GTEST_SKIP() << "no etcd on this machine";
  janji::test::certificates c;
  c.make_authority("ours");
  c.make_authority("other");
  c.issue("etcd", "ours");
  c.issue("node", "ours");
  c.issue("stranger", "other");
  c.issue("stale", "ours", "-days -1");
  const auto told = [&](const etcd_server& server, const std::string& ca, const std::string& own) {
    auto o = server.reach();
    o.ca_file = c.certificate(ca);
    o.certificate_file = own.empty() ? "" : c.certificate(own);
    o.key_file = own.empty() ? "" : c.key(own);
    const auto read = (*etcd_config_store::open(o))->read(shard_id{1});
    return read ? std::string("good") : cannot_reach(read.error()).error();
  };
  etcd_server asks({"--cert-file=" + c.certificate("etcd"), "--key-file=" + c.key("etcd"), "--client-cert-auth",
                    "--trusted-ca-file=" + c.certificate("ours")},
                   true);
  auto right = asks.reach();
  right.ca_file = c.certificate("ours");
  right.certificate_file = c.certificate("node");
  right.key_file = c.key("node");
  ASSERT_TRUE(asks.answers(right));
  EXPECT_FALSE(etcd_config_store::lets_strangers_in(right));
  EXPECT_EQ(told(asks, "ours", "node"), "good");
  const auto shown_none = told(asks, "ours", "");
  EXPECT_TRUE(shown_none.starts_with("etcd refuses this node: this node's certificate is not taken, or none is shown")) << shown_none;
  const auto a_strangers = told(asks, "ours", "stranger");
  EXPECT_TRUE(a_strangers.starts_with("etcd refuses this node: this node's certificate is not taken")) << a_strangers;
  EXPECT_TRUE(told(asks, "other", "node").contains("the certificate that it shows is not taken: ")) << told(asks, "other", "node");
  right.endpoints = {"https://127.0.0.2:" + std::to_string(asks.port())};
  const auto elsewhere = (*etcd_config_store::open(right))->read(shard_id{1});
  ASSERT_FALSE(elsewhere.has_value()) << "its certificate does not name the address that was dialled";
  EXPECT_TRUE(cannot_reach(elsewhere.error()).error().contains("the certificate that it shows is not taken: hostname mismatch"))
      << cannot_reach(elsewhere.error()).error();
  etcd_server old({"--cert-file=" + c.certificate("stale"), "--key-file=" + c.key("stale")}, true);
  const auto until = steady::now() + 20s;
  std::string said;
  while (!said.contains("certificate has expired") && steady::now() < until)
    said = told(old, "ours", "");
  EXPECT_TRUE(said.contains("the certificate that it shows is not taken: certificate has expired")) << said;
}

TEST(etcd_options, a_password_in_an_endpoint_is_refused_and_not_shown) {
  for (const auto* text : {"http://janji:opensesame@127.0.0.1:2379", "https://janji:opensesame@host:1", "https://opensesame@host:1",
                           "janji:opensesame@127.0.0.1:2379"}) {
    const auto e = parse_endpoint(text);
    ASSERT_FALSE(e.has_value());
    EXPECT_TRUE(e.error().contains("cluster.etcd_password_file") && !e.error().contains("opensesame")) << e.error();
  }
  for (const auto* text : {"https://host/path:1", "https://host?x:1", "https://ho st:1"})
    EXPECT_FALSE(parse_endpoint(text).has_value()) << text;
  EXPECT_EQ(parse_endpoint("https://[::1]:2379")->host, "::1");
}

TEST(etcd_options, a_user_without_a_password_and_the_reverse_are_refused) {
  const auto opens = [](auto change) {
    options o;
    o.endpoints = {"http://127.0.0.1:2379"};
    change(o);
    return etcd_config_store::open(o).has_value();
  };
  EXPECT_FALSE(opens([](options& o) { o.user = "janji"; }));
  EXPECT_FALSE(opens([](options& o) { o.password = "opensesame"; }));
  EXPECT_FALSE(opens([](options& o) { o.user = "janji", o.password_file = "/nowhere"; }));
  EXPECT_TRUE(opens([](options& o) { o.user = "janji", o.password = "opensesame"; }));
}

}  // namespace
}  // namespace janji::cluster::etcd
