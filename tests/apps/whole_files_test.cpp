#include "apps/whole_files.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/temporary_directory.hpp"

namespace janji::apps {
namespace {

class whole_files_test : public testing::Test {
protected:
  [[nodiscard]] std::string path(const std::string& name) const { return directory_.path() + "/" + name; }
  static void put(const std::string& file, std::string_view text) { std::ofstream(file, std::ios::binary) << text; }
  static std::string held_by(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  [[nodiscard]] std::size_t files() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(directory_.path()), {}));
  }
  janji::test::temporary_directory directory_;
};

TEST_F(whole_files_test, a_file_is_read_whole_with_whatever_it_holds) {
  const std::string any("\0\xff\r\n", 4);
  put(path("any"), any);
  put(path("empty"), "");
  EXPECT_EQ(read_whole(path("any"), 4), any);
  EXPECT_EQ(read_whole(path("empty"), 4), "");
}

TEST_F(whole_files_test, what_is_no_file_is_told_in_a_sentence_and_waited_for_by_nobody) {
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  for (const auto& [name, says] : {std::pair{path("none"), "No such file"},
                                   {directory_.path(), "is a directory"},
                                   {path("pipe"), "is a pipe"},
                                   {std::string("/dev/zero"), "is a device"},
                                   {std::string(), "without a name"}}) {
    const auto text = read_whole(name, 1'000);
    ASSERT_FALSE(text) << name;
    EXPECT_NE(text.error().find(says), std::string::npos) << text.error();
  }
  put(path("large"), "12345");
  EXPECT_FALSE(read_whole(path("large"), 4)) << "more than is read of such a file";
  EXPECT_NE(read_whole(path("-"), 4, true).error().find("No such file"), std::string::npos) << "a file of that name in a folder";
}

TEST_F(whole_files_test, a_new_file_is_made) {
  auto file = whole_file::begin(path("new"));
  ASSERT_TRUE(file) << file.error();
  EXPECT_FALSE(std::filesystem::exists(path("new")));
  EXPECT_TRUE(file->keep());
  EXPECT_EQ(held_by(path("new")), "");
}

TEST_F(whole_files_test, a_file_is_there_when_all_of_it_is) {
  put(path("out"), "before");
  {
    auto file = whole_file::begin(path("out"));
    ASSERT_TRUE(file) << file.error();
    EXPECT_TRUE(file->write("after"));
    EXPECT_EQ(held_by(path("out")), "before");
    EXPECT_TRUE(file->keep());
  }
  EXPECT_EQ(held_by(path("out")), "after");
  EXPECT_EQ(files(), 1U);
  struct stat is{};
  ASSERT_EQ(::stat(path("out").c_str(), &is), 0);
  EXPECT_EQ(is.st_mode & 0777U, 0600U);
}

TEST_F(whole_files_test, nothing_half_done_is_left) {
  put(path("out"), "before");
  {
    auto file = whole_file::begin(path("out"));
    ASSERT_TRUE(file);
    EXPECT_TRUE(file->write("half"));
  }
  EXPECT_EQ(held_by(path("out")), "before");
  EXPECT_EQ(files(), 1U);
  EXPECT_EXIT(
      {
        const auto file = whole_file::begin(path("out"));
        ::raise(SIGTERM);
        std::_Exit(1);
      },
      testing::KilledBySignal(SIGTERM), "");
  EXPECT_EQ(files(), 1U) << "what a signal left is gone";
}

TEST_F(whole_files_test, only_a_file_is_replaced) {
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  for (const auto& [name, says] : {std::pair{directory_.path(), "is a directory"},
                                   {path("pipe"), "is a pipe"},
                                   {std::string("/dev/full"), "is a device"},
                                   {path("no/such/folder"), "No such file"}}) {
    const auto file = whole_file::begin(name);
    ASSERT_FALSE(file) << name;
    EXPECT_NE(file.error().find(says), std::string::npos) << file.error();
  }
  put(path("real"), "before");
  std::filesystem::create_symlink(path("real"), path("link"));
  auto file = whole_file::begin(path("link"));
  ASSERT_TRUE(file) << file.error();
  EXPECT_TRUE(file->write("after"));
  EXPECT_TRUE(file->keep());
  EXPECT_EQ(held_by(path("real")), "after");
  EXPECT_TRUE(std::filesystem::is_symlink(path("link")));
}

}  // namespace
}  // namespace janji::apps
