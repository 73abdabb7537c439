#include "apps/listening.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

namespace janji::apps {
namespace {

constexpr std::string_view table =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
    "   0: 0100007F:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0000000000000000 100 0 0 10 0\n"
    "   1: 0100007F:1F91 0100007F:C350 01 00000000:00000000 00:00000000 00000000  1001        0 4712 1 0000000000000000 20 4 30 10 -1\n"
    "   2: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4713 1 0000000000000000 100 0 0 10 0\n"
    "   3: 00000000000000000000000000000000:1F91 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000  1002     "
    " "
    "  0 4714 1 0000000000000000 100 0 0 10 0\n"
    "   4: 0100007F\n";

TEST(listening, who_listens_at_a_port_is_read_and_who_is_connected_there_is_not) {
  const auto there = listening_at(table, 8081);
  ASSERT_EQ(there.size(), 2U);
  EXPECT_EQ(there[0].inode, 4711U);
  EXPECT_EQ(there[0].user, 1000U);
  EXPECT_EQ(there[1].inode, 4714U);
  EXPECT_EQ(there[1].user, 1002U);
  EXPECT_EQ(listening_at(table, 8080).size(), 1U);
  EXPECT_TRUE(listening_at(table, 8082).empty());
  EXPECT_TRUE(listening_at("", 8081).empty());
}

TEST(listening, another_program_at_the_port_is_no_node) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&at), size), 0);
  ASSERT_EQ(::listen(fd, 1), 0);
  ASSERT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size), 0);
  std::ifstream file("/proc/net/tcp");
  EXPECT_EQ(listening_at(std::string(std::istreambuf_iterator<char>(file), {}), ntohs(at.sin_port)).size(), 1U);
  EXPECT_FALSE(is_node_listening(::getpid(), ::getuid(), ntohs(at.sin_port))) << "this test is none";
  EXPECT_FALSE(is_node_listening(999'999, ::getuid(), ntohs(at.sin_port)));
  ::close(fd);
}

}  // namespace
}  // namespace janji::apps
