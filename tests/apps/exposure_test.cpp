#include "apps/exposure.hpp"

#include <gtest/gtest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <utility>

namespace janji::apps {
namespace {

using changes = std::vector<std::pair<std::string, std::string>>;

settings with(const changes& all) {
  settings s;
  for (const auto& [name, text] : all)
    EXPECT_TRUE(s.set(name, text, "test").has_value()) << name;
  return s;
}
std::string exposed(const changes& all) {
  const auto r = check_exposure(with(all));
  return r ? "good" : r.error();
}
std::string etcd_access(const changes& all) {
  const auto r = check_etcd_access(with(all));
  return r ? "good" : r.error();
}

TEST(exposure, in_production_the_keys_of_tls_are_not_everybodys_to_read) {
  const auto directory = std::filesystem::temp_directory_path() / ("janji-exposure-" + std::to_string(::getpid()));
  std::filesystem::create_directory(directory);
  const auto key = (directory / "node.key").string();
  std::ofstream(key) << "key";
  for (const auto* name : {"cluster.key_file", "cluster.etcd_key_file"}) {
    ::chmod(key.c_str(), 0644);
    EXPECT_TRUE(exposed({{"cluster.mode", "production"}, {name, key}}).contains("which everybody on this machine can read")) << name;
    EXPECT_FALSE(exposed({{name, key}}).contains("everybody on this machine")) << "of a cluster for development";
    ::chmod(key.c_str(), 0640);
    EXPECT_FALSE(exposed({{"cluster.mode", "production"}, {name, key}}).contains("everybody on this machine")) << "its group may";
  }
  std::filesystem::remove_all(directory);
}

TEST(exposure, addresses_are_judged_by_who_reaches_them) {
  for (const auto* alone :
       {"127.0.0.1", "127.0.0.2", "127.255.255.254", "::1", "::ffff:127.0.0.1", "0:0:0:0:0:ffff:7f00:1", "::1%lo", "127.1"})
    EXPECT_EQ(is_this_machines_alone(alone, false), true) << alone;
  for (const auto* open : {"0.0.0.0",
                           "::",
                           "::0",
                           "::ffff:0.0.0.0",
                           "::ffff:10.0.0.1",
                           "10.0.0.1",
                           "192.168.1.1",
                           "169.254.0.1",
                           "128.0.0.1",
                           "126.255.255.255",
                           "224.0.0.1",
                           "255.255.255.255",
                           "fe80::1",
                           "fe80::1%lo",
                           "fe80::1%nothing",
                           "2001:db8::1%junk",
                           "fd00::1",
                           "::2",
                           "::127.0.0.1",
                           "64:ff9b::7f00:1",
                           "0"})
    EXPECT_EQ(is_this_machines_alone(open, false), false) << open;
  for (const auto* nothing : {"", "nowhere", "localhost", "127.0.0.1:80", "[::1]", "127.0.0.1 ", "127.0.0.256", "http://127.0.0.1"})
    EXPECT_EQ(is_this_machines_alone(nothing, false), std::nullopt) << nothing;
}

TEST(exposure, a_name_is_judged_by_all_its_addresses) {
  EXPECT_EQ(is_this_machines_alone("localhost", true), true);
  EXPECT_EQ(is_this_machines_alone("no-such-name.invalid", true), std::nullopt);
}

TEST(exposure, what_is_as_it_was_needs_nothing) {
  EXPECT_EQ(exposed({}), "good");
  EXPECT_EQ(exposed({{"cluster.name", "a"}, {"cluster.node", "1"}}), "good");
  EXPECT_EQ(exposed({{"cluster.mode", "production"}}), "good") << "a node that is alone, on loopback";
  EXPECT_EQ(exposed({{"http.address", "nowhere"}}), "good") << "the listener says better what is wrong";
}

TEST(exposure, whatever_is_open_in_the_clear_is_refused_by_the_name_of_its_setting) {
  for (const auto* name : {"http.address", "admin.address"})
    for (const auto* address : {"0.0.0.0", "::", "10.1.2.3", "::ffff:10.1.2.3", "fe80::1%lo"}) {
      const auto said = exposed({{name, address}});
      EXPECT_TRUE(said.starts_with(std::string(name) + " is " + address + ", which other machines reach")) << said;
      EXPECT_TRUE(said.contains("node.insecure_listeners = true")) << said;
      EXPECT_EQ(exposed({{name, address}, {"node.insecure_listeners", "true"}}), "good");
      const auto production = exposed({{name, address}, {"node.insecure_listeners", "true"}, {"cluster.mode", "production"}});
      EXPECT_TRUE(production.starts_with(std::string(name) + " is ")) << production;
      EXPECT_TRUE(production.contains("cluster.mode = production refuses that")) << production;
    }
}

TEST(exposure, a_node_without_citizens_is_not_asked_where_it_would_serve_them) {
  EXPECT_EQ(exposed({{"cluster.name", "a"}, {"cluster.role", "store"}, {"http.address", "0.0.0.0"}}), "good");
}

TEST(exposure, a_proxy_on_another_machine_is_a_setting_for_citizens_alone) {
  EXPECT_EQ(exposed({{"http.address", "0.0.0.0"}, {"http.behind_tls_proxy", "true"}}), "good");
  EXPECT_EQ(exposed({{"http.address", "0.0.0.0"}, {"http.behind_tls_proxy", "true"}, {"cluster.mode", "production"}}), "good");
  EXPECT_TRUE(exposed({{"admin.address", "0.0.0.0"}, {"http.behind_tls_proxy", "true"}}).starts_with("admin.address"));
  EXPECT_TRUE(exposed({{"admin.address", "0.0.0.0"}, {"http.behind_tls_proxy", "true"}, {"cluster.mode", "production"}})
                  .contains("come through a tunnel"));
}

TEST(exposure, links_are_in_the_clear_without_certificates) {
  const changes open{{"cluster.name", "a"}, {"cluster.node", "1"}, {"cluster.address", "0.0.0.0"}};
  const auto plus = [&](changes more) {
    more.insert(more.begin(), open.begin(), open.end());
    return exposed(more);
  };
  EXPECT_TRUE(plus({}).starts_with("cluster.address is 0.0.0.0")) << plus({});
  EXPECT_TRUE(plus({}).contains("cluster.certificate_file")) << plus({});
  EXPECT_EQ(plus({{"node.insecure_listeners", "true"}}), "good");
  EXPECT_EQ(plus({{"cluster.certificate_file", "c"}, {"cluster.key_file", "k"}, {"cluster.ca_file", "a"}}), "good");
  EXPECT_TRUE(plus({{"cluster.mode", "production"}, {"node.insecure_listeners", "true"}}).contains("needs certificates"));
  EXPECT_EQ(exposed({{"cluster.address", "0.0.0.0"}}), "good") << "alone: nobody listens there";
  EXPECT_TRUE(exposed({{"cluster.name", "a"}, {"cluster.node", "1"}, {"cluster.address", "no-such-name.invalid"}})
                  .contains("no name that is known"));
}

TEST(exposure, what_is_meant_is_said_in_the_log) {
  EXPECT_TRUE(served_in_the_clear(with({})).empty());
  const auto said = served_in_the_clear(with({{"http.address", "0.0.0.0"}, {"http.behind_tls_proxy", "true"}, {"admin.address", "::"}}));
  ASSERT_EQ(said.size(), 2U);
  EXPECT_TRUE(said[0].contains("citizens are served in the clear at 0.0.0.0") && said[0].contains("http.behind_tls_proxy")) << said[0];
  EXPECT_TRUE(said[1].contains("operators are served in the clear at ::") && said[1].contains("node.insecure_listeners")) << said[1];
}

TEST(etcd_access, halves_are_refused) {
  for (const auto* half : {"cluster.etcd_user", "cluster.etcd_password_file", "cluster.etcd_certificate_file", "cluster.etcd_key_file"})
    EXPECT_TRUE(etcd_access({{half, "x"}}).contains("given together, or neither")) << half;
  EXPECT_EQ(etcd_access({{"cluster.etcd_user", "u"}, {"cluster.etcd_password_file", "p"}}), "good");
  const auto told = etcd_access({{"cluster.etcd", "http://u:opensesame@10.0.0.1:2379"}});
  EXPECT_TRUE(told.contains("cluster.etcd_password_file") && !told.contains("opensesame")) << told;
}

TEST(etcd_access, a_password_is_told_in_the_clear_to_this_machine_alone) {
  const auto told = [](const std::string& endpoints, const changes& more = {}) {
    changes all{{"cluster.etcd", endpoints}, {"cluster.etcd_user", "u"}, {"cluster.etcd_password_file", "p"}};
    all.insert(all.end(), more.begin(), more.end());
    return etcd_access(all);
  };
  for (const auto* alone : {"http://127.0.0.1:2379", "http://localhost:2379 http://[::1]:2379", "https://10.0.0.1:2379"})
    EXPECT_EQ(told(alone), "good") << alone;
  for (const auto* open : {"http://10.0.0.1:2379", "http://127.0.0.1:1 http://10.0.0.1:2379", "http://[fe80::1]:2379"})
    EXPECT_TRUE(told(open).contains("which would be told the password in the clear")) << open;
  EXPECT_EQ(told("http://10.0.0.1:2379", {{"node.insecure_listeners", "true"}}), "good");
  EXPECT_EQ(etcd_access({{"cluster.etcd", "http://10.0.0.1:2379"}}), "good") << "there is no password";
}

TEST(etcd_access, production_names_what_lacks) {
  const changes user{{"cluster.etcd_user", "u"}, {"cluster.etcd_password_file", "p"}};
  const changes certificate{{"cluster.etcd_certificate_file", "c"}, {"cluster.etcd_key_file", "k"}};
  const auto told = [&](changes all, const changes& who = {}) {
    all.insert(all.end(), who.begin(), who.end());
    all.emplace_back("cluster.mode", "production");
    return etcd_access(all);
  };
  const std::string begins = "cluster.mode = production needs an etcd that is encrypted and knows who asks; what lacks: ";
  EXPECT_EQ(told({}), begins +
                          "https:// at every endpoint of cluster.etcd, cluster.etcd_ca_file, cluster.etcd_user with "
                          "cluster.etcd_password_file, or cluster.etcd_certificate_file with cluster.etcd_key_file");
  const changes all{{"cluster.etcd", "https://a:1 https://b:1"}, {"cluster.etcd_ca_file", "ca"}};
  EXPECT_EQ(told(all, user), "good");
  EXPECT_EQ(told(all, certificate), "good");
  EXPECT_TRUE(
      told(all).ends_with("what lacks: cluster.etcd_user with cluster.etcd_password_file, or cluster.etcd_certificate_file with "
                          "cluster.etcd_key_file"));
  EXPECT_EQ(told({{"cluster.etcd", "https://a:1"}}, user), begins + "cluster.etcd_ca_file");
  EXPECT_EQ(told({{"cluster.etcd", "https://a:1 http://b:1"}, {"cluster.etcd_ca_file", "ca"}}, user),
            begins + "https:// at every endpoint of cluster.etcd");
}

}  // namespace
}  // namespace janji::apps
