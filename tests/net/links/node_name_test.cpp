// Whose certificate it is that an end of a link shows: an impostor is an end with another node's.
#include "net/links/node_name.hpp"

#include <sys/stat.h>

#include "tests/net/links/link_end.hpp"

namespace janji::net {
namespace {

TEST(node_name, names_the_cluster_and_the_number) {
  EXPECT_EQ(node_name("test", 3), "janji://test/node/3");
  EXPECT_EQ(node_name("a b/c%é", 12), "janji://a%20b%2Fc%25%C3%A9/node/12");
  EXPECT_EQ(node_name("Az09-._~", 1), "janji://Az09-._~/node/1");
}

TEST(node_name, counts_as_it_is_or_not_at_all) {
  using names = std::vector<std::string>;
  const auto found = [](const names& uris) { return find_name(uris, "test", 3); };
  EXPECT_EQ(found({"janji://test/node/3"}), name_found::right);
  EXPECT_EQ(found({"https://example.org/", "janji://test/node/2", "janji://test/node/3"}), name_found::right);
  EXPECT_EQ(found({}), name_found::none);
  EXPECT_EQ(found({"https://example.org/node/3", "spiffe://test/node/3"}), name_found::none);
  for (const auto& uri :
       names{"janji://test/node/33", "janji://test/node/2", "janji://test/node/", "janji://test/node/*", "janji://test/node/03",
             "janji://other/node/3", "janji://test/node/3/", "janji://test/node/3?", "janji://test", "janji://", "janji://TEST/node/3",
             "janji://test/../test/node/3", std::string("janji://test/node/3\0", 20)})
    EXPECT_EQ(found({uri}), name_found::wrong) << uri;
}

TEST(node_name, is_shown_in_a_log_without_harm) {
  EXPECT_EQ(names_in_words({"https://example.org/"}), "no node");
  EXPECT_EQ(names_in_words({"janji://a/node/1\n[info] all is well\x1b[2J"}), "janji://a/node/1?[info]?all?is?well?[2J");
  EXPECT_EQ(names_in_words({"janji://1", "janji://2", "janji://3", "janji://4", "janji://5"}),
            "janji://1, janji://2, janji://3 and others");
  EXPECT_LT(names_in_words({"janji://" + std::string(10'000, 'x')}).size(), 200U);
}

struct identity_test : tls_links_test {
  void SetUp() override {
    tls_links_test::SetUp();
    c.issue_for(3, "three", "ours");
    c.issue("unnamed", "ours");
    c.issue("elsewhere", "ours", "-days 2", "URI:janji://other/node/3");
    c.issue("many", "ours", "-days 2", "URI:https://example.org/,URI:janji://test/node/2,URI:janji://test/node/3");
    c.issue_for(3, "expired", "ours", "-days -1");
    c.issue_for(3, "foreign", "other");
  }
  static link_options numbered(link_options o, std::uint64_t node) {
    o.node = node;
    return o;
  }
  // Node 2 is a, who dials; b is to be node 3.
  void meet(link_options of_a, link_options of_b) {
    a.open(numbered(std::move(of_a), 2));
    b.open(numbered(std::move(of_b), 3));
    b.links_->set_peers({{2, a.address()}});
    a.links_->set_peers({{3, b.address()}});
  }
  bool nobody_is_linked() { return a.up_.empty() && b.up_.empty(); }
};

TEST_F(identity_test, a_node_whose_certificate_names_it_is_linked) {
  meet(with("two"), with("three"));
  EXPECT_TRUE(a.is_up() && b.is_up());
}

TEST_F(identity_test, one_certificate_may_name_several_nodes) {
  meet(with("many"), with("many"));
  EXPECT_TRUE(a.is_up() && b.is_up());
}

// Node 3 is dialled by somebody with a certificate of another who says that it is node 2.
TEST_F(identity_test, who_dials_with_another_nodes_certificate_is_refused_by_name) {
  meet(with("one"), with("three"));
  EXPECT_TRUE(
      b.said("a link was refused: 127.0.0.1: it says that it is node 2, and its certificate is of janji://test/node/1, not of "
             "janji://test/node/2"));
  EXPECT_TRUE(a.said("no link to node 3: refused: it says that it is node 2"));
  EXPECT_TRUE(nobody_is_linked());
}

// At the address of node 3 somebody answers with the certificate of node 2.
TEST_F(identity_test, who_answers_with_another_nodes_certificate_is_left_before_it_hears_who_asks) {
  meet(with("two"), with("two"));
  EXPECT_TRUE(a.said("no link to node 3: its certificate is of janji://test/node/2, not of janji://test/node/3"));
  EXPECT_TRUE(b.said("no hello came"));
  EXPECT_TRUE(nobody_is_linked());
}

TEST_F(identity_test, a_certificate_of_another_cluster_is_refused_both_ways) {
  meet(with("two"), with("elsewhere"));
  EXPECT_TRUE(a.said("its certificate is of janji://other/node/3, not of janji://test/node/3"));
  a.links_.reset();
  b.links_.reset();
  c.issue("elsewhere-2", "ours", "-days 2", "URI:janji://other/node/2");
  meet(with("elsewhere-2"), with("three"));
  EXPECT_TRUE(b.said("and its certificate is of janji://other/node/2, not of janji://test/node/2"));
  EXPECT_TRUE(nobody_is_linked());
}

TEST_F(identity_test, a_certificate_without_a_name_is_refused_both_ways) {
  meet(with("two"), with("unnamed"));
  EXPECT_TRUE(a.said("its certificate is of no node, not of janji://test/node/3"));
  a.links_.reset();
  b.links_.reset();
  meet(with("unnamed"), with("three"));
  EXPECT_TRUE(b.said("and its certificate is of no node, not of janji://test/node/2"));
  EXPECT_TRUE(nobody_is_linked());
}

TEST_F(identity_test, certificates_of_before_are_taken_while_that_is_set_and_said) {
  auto of_a = with("two");
  of_a.unnamed_certificates = true;
  meet(of_a, with("unnamed"));
  EXPECT_TRUE(a.is_up() && b.is_up());
  EXPECT_TRUE(a.said("the certificate of node 3 names no node"));
  a.links_.reset();
  b.links_.reset();
  a.up_.clear();
  b.up_.clear();
  meet(of_a, with("elsewhere"));
  EXPECT_TRUE(a.said("its certificate is of janji://other/node/3")) << "a wrong name is no missing one";
  EXPECT_TRUE(nobody_is_linked());
}

TEST_F(identity_test, an_expired_and_a_foreign_certificate_are_refused_both_ways_with_the_reason) {
  meet(with("two"), with("expired"));
  EXPECT_TRUE(a.said("no link to node 3: the certificate that it shows is not taken: certificate has expired"));
  a.links_.reset();
  b.links_.reset();
  meet(with("two"), with("foreign"));
  EXPECT_TRUE(a.said("no link to node 3: the certificate that it shows is not taken: unable to get local issuer certificate"));
  a.links_.reset();
  b.links_.reset();
  c.issue_for(2, "expired-2", "ours", "-days -1");
  meet(with("expired-2"), with("three"));
  EXPECT_TRUE(b.said("127.0.0.1: the certificate that it shows is not taken: certificate has expired"));
  EXPECT_TRUE(nobody_is_linked());
}

TEST_F(identity_test, ones_own_certificate_is_looked_at_before_others_do) {
  const auto told = [&](const std::string& name, bool unnamed = false, bool production = false) {
    auto o = numbered(with(name), 3);
    o.cluster = "test";
    o.unnamed_certificates = unnamed;
    o.production = production;
    const auto good = check_own_certificate(o);
    return good ? std::string("good") : good.error();
  };
  EXPECT_EQ(told("three"), "good");
  EXPECT_EQ(told("many"), "good");
  EXPECT_EQ(told("two"), c.certificate("two") +
                             " names janji://test/node/2 and not janji://test/node/3, so that no other node takes it for this "
                             "one's: have one made with that URI");
  EXPECT_TRUE(told("unnamed").contains(" names no node and not janji://test/node/3"));
  EXPECT_EQ(told("unnamed", true), "good");
  EXPECT_NE(told("unnamed", true, true), "good") << "production";
  EXPECT_NE(told("two", true), "good");
  EXPECT_TRUE(told("expired").contains("which is shown to other nodes: it has expired, at 20")) << told("expired");
  EXPECT_TRUE(told("nowhere").contains("nowhere.pem cannot be read: "));
  EXPECT_TRUE(check_own_certificate({}).has_value()) << "there is none";
  ASSERT_EQ(::mkfifo(c.certificate("pipe").c_str(), 0600), 0);
  EXPECT_TRUE(told("pipe").contains("pipe.pem is a pipe: name a file")) << "and is not waited for";
  std::ofstream(c.certificate("endless")) << std::string(2U << 20U, ' ');
  EXPECT_TRUE(told("endless").contains("has more than 1024 kB")) << told("endless");
  std::ofstream(c.certificate("nowhere")) << "junk";
  EXPECT_TRUE(told("nowhere").contains("it holds no certificate"));
}

TEST_F(identity_test, production_takes_no_certificates_without_names) {
  auto o = numbered(with("three"), 3);
  o.cluster = "test";
  o.production = o.unnamed_certificates = true;
  const auto made = links::open(o, a);
  ASSERT_FALSE(made.has_value());
  EXPECT_TRUE(made.error().contains("cluster.unnamed_certificates")) << made.error();
}

TEST_F(identity_test, links_in_the_clear_are_listened_at_for_this_machine_alone) {
  for (const auto* address : {"0.0.0.0", "::", "::ffff:0.0.0.0"}) {
    link_options o;
    o.node = 3;
    o.address = address;
    const auto made = links::open(o, a);
    ASSERT_FALSE(made.has_value()) << address;
    EXPECT_TRUE(made.error().contains("node.insecure_listeners = true")) << made.error();
  }
  for (const auto* address : {"127.0.0.1", "127.8.8.8", "localhost"}) {
    link_options o;
    o.node = 3;
    o.address = address;
    EXPECT_TRUE(links::open(o, a).has_value()) << address;
  }
  auto sealed = numbered(with("three"), 3);
  sealed.address = "0.0.0.0";
  EXPECT_TRUE(links::open(sealed, a).has_value());
  link_options meant;
  meant.address = "0.0.0.0";
  meant.insecure_listeners = true;
  EXPECT_TRUE(links::open(meant, a).has_value());
}

}  // namespace
}  // namespace janji::net
