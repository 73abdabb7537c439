#include "apps/node_address.hpp"

#include <gtest/gtest.h>

namespace janji::apps {
namespace {

TEST(node_address_test, is_read_as_people_write_it) {
  for (const auto& [text, host, port] : {std::tuple{"127.0.0.1:8081", "127.0.0.1", "8081"},
                                         {"http://127.0.0.1:8081", "127.0.0.1", "8081"},
                                         {"http://[::1]:8081", "::1", "8081"},
                                         {"http://[::1]:8081/", "::1", "8081"},
                                         {"[::1]", "::1", "8081"},
                                         {"[fe80::1%eth0]:9000", "fe80::1%eth0", "9000"},
                                         {"node-1.clinic.example:1", "node-1.clinic.example", "1"},
                                         {"localhost", "localhost", "8081"},
                                         {"[::ffff:10.0.0.1]:65535", "::ffff:10.0.0.1", "65535"}}) {
    const auto a = node_address_from(text);
    ASSERT_TRUE(a) << text << ": " << a.error();
    EXPECT_EQ(*a, (node_address{host, port})) << text;
    EXPECT_EQ(node_address_from(to_url(*a)), a) << text;
  }
}

TEST(node_address_test, what_is_none_is_refused_with_what_to_write) {
  for (const auto& [text, says] : {std::pair{"", "HOST:PORT"},
                                   {":8081", "HOST:PORT"},
                                   {"::1", "in brackets"},
                                   {"::1:8081", "in brackets"},
                                   {"[::1", "[::1]:PORT"},
                                   {"[nowhere]:1", "[::1]:PORT"},
                                   {"[]:1", "[::1]:PORT"},
                                   {"[::1]8081", "from 1 to 65535"},
                                   {"host:0", "from 1 to 65535"},
                                   {"host:65536", "from 1 to 65535"},
                                   {"host:", "from 1 to 65535"},
                                   {"host:80a", "from 1 to 65535"},
                                   {"host:-1", "from 1 to 65535"},
                                   {"https://host:8081", "plain HTTP"},
                                   {"ftp://host", "http://HOST:PORT"},
                                   {"http://host:1/admin", "from 1 to 65535"},
                                   {"ho st:1", "HOST:PORT"},
                                   {"user@host:1", "HOST:PORT"}}) {
    const auto a = node_address_from(text);
    ASSERT_FALSE(a) << text;
    EXPECT_NE(a.error().find(says), std::string::npos) << a.error();
  }
  EXPECT_FALSE(node_address_from(std::string(1'000'000, 'a')));
  EXPECT_LT(node_address_from(std::string(1'000'000, 'a')).error().size(), 400U);
}

}  // namespace
}  // namespace janji::apps
