#include "apps/ports_file.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/temporary_directory.hpp"

namespace janji::apps {
namespace {

using test::temporary_directory;

TEST(ports_file, what_a_node_that_runs_says_is_read_and_gone_after_it) {
  const temporary_directory data;
  {
    const auto mine = ports_file::write(data.path(), {8080, 8081, "10.0.0.5", "00ff"});
    ASSERT_TRUE(mine.has_value()) << mine.error();
    EXPECT_EQ(ports_file::read(data.path()),
              fmt::format("{{\"port\":8080,\"admin_port\":8081,\"pid\":{},\"admin_address\":\"10.0.0.5\",\"proof_key\":\"00ff\","
                          "\"locked\":true}}\n",
                          ::getpid()));
    struct stat st{};
    ASSERT_EQ(::stat((data.path() + "/janjid.ports").c_str(), &st), 0);
    EXPECT_EQ(st.st_mode & 0777, 0600U);
  }
  EXPECT_FALSE(std::filesystem::exists(data.path() + "/janjid.ports"));
  EXPECT_TRUE(ports_file::read(data.path()).error().starts_with("no node runs in "));
}

TEST(ports_file, what_one_left_that_died_is_nobodys) {
  const temporary_directory data;
  std::ofstream(data.path() + "/janjid.ports") << R"({"admin_port":8081,"locked":true})";
  const auto read = ports_file::read(data.path());
  ASSERT_FALSE(read.has_value());
  EXPECT_TRUE(read.error().contains("is of one that has ended")) << read.error();
}

// Written anew by some tool, with a blank in it, it was taken for one of before there were locks.
TEST(ports_file, it_is_locked_however_that_is_written) {
  const temporary_directory data;
  for (const auto* text : {R"({"admin_port":8081,"locked": true})", R"({"locked" :true,"admin_port":8081})", "{\"locked\":\n true}"}) {
    std::ofstream(data.path() + "/janjid.ports") << text;
    EXPECT_FALSE(ports_file::read(data.path()).has_value()) << text;
  }
}

TEST(ports_file, the_next_one_takes_its_place_and_is_not_removed_with_it) {
  const temporary_directory data;
  auto first = ports_file::write(data.path(), {1, 1, "", ""});
  auto second = ports_file::write(data.path(), {2, 2, "", ""});
  ASSERT_TRUE(first && second);
  *first = {};
  EXPECT_TRUE(ports_file::read(data.path())->contains("\"port\":2"));
}

TEST(ports_file, what_an_earlier_version_says_is_read_and_its_node_is_looked_for) {
  const temporary_directory data;
  std::ofstream(data.path() + "/janjid.ports") << R"({"port":8080,"admin_port":8081,"pid":1})";
  EXPECT_EQ(ports_file::read(data.path()), R"({"port":8080,"admin_port":8081,"pid":1})");
  for (const std::int64_t process : {std::int64_t{0}, std::int64_t{-1}, std::int64_t{1}, std::int64_t{::getpid()}, std::int64_t{1} << 40})
    EXPECT_FALSE(ports_file::is_of_a_node_that_runs(data.path(), process, 8081)) << process;
}

TEST(ports_file, a_directory_that_is_not_there_is_said) {
  EXPECT_TRUE(ports_file::write("/nonexistent", {}).error().starts_with("/nonexistent/janjid.ports cannot be written"));
}

}  // namespace
}  // namespace janji::apps
