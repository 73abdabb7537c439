// What a node says of its own directory when somebody has taken it away.
#include "actors/directory_watch.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/temporary_directory.hpp"

namespace janji::actors {
namespace {

class directory_watch_test : public testing::Test {
protected:
  directory_watch_test() { std::filesystem::create_directory(path_); }
  test::temporary_directory parent_;
  std::string path_ = parent_.path() + "/data";
};

TEST_F(directory_watch_test, a_directory_that_is_there_is_fine_and_left_as_it_was) {
  directory_watch watch(path_);
  for (int i = 0; i < 25; ++i)
    EXPECT_EQ(watch.look(), "");
  EXPECT_TRUE(std::filesystem::is_empty(path_));
}

TEST_F(directory_watch_test, one_that_was_removed_is_said) {
  directory_watch watch(path_);
  EXPECT_EQ(watch.look(), "");
  std::filesystem::remove_all(path_);
  EXPECT_TRUE(watch.look().contains("cannot be found"));
}

TEST_F(directory_watch_test, another_one_in_its_place_is_not_taken_for_it) {
  directory_watch watch(path_);
  std::filesystem::rename(path_, path_ + ".old");
  std::filesystem::create_directory(path_);
  EXPECT_TRUE(watch.look().contains("another directory"));
  std::filesystem::remove(path_);
  std::filesystem::rename(path_ + ".old", path_);
  EXPECT_EQ(watch.look(), "");
}

TEST_F(directory_watch_test, one_that_cannot_be_written_to_is_said_and_so_is_that_it_can_again) {
  directory_watch watch(path_);
  std::filesystem::create_directory(path_ + "/.probe");  // so that no file of that name can be made, not by root either
  EXPECT_TRUE(watch.look().contains("cannot be written to"));
  EXPECT_TRUE(watch.look().contains("cannot be written to")) << "until it has been tried again";
  std::filesystem::remove(path_ + "/.probe");
  for (int i = 0; i < 10; ++i)
    (void)watch.look();
  EXPECT_EQ(watch.look(), "");
}

TEST_F(directory_watch_test, without_a_name_it_looks_at_nothing) { EXPECT_EQ(directory_watch("").look(), ""); }

}  // namespace
}  // namespace janji::actors
