// What a node says of its own directory, and of the store in it, when somebody has taken them away.
#include "actors/directory_watch.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

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

TEST_F(directory_watch_test, a_pipe_where_it_writes_does_not_keep_it_waiting) {
  ASSERT_EQ(::mkfifo((path_ + "/.probe").c_str(), 0600), 0);
  directory_watch watch(path_);
  ::alarm(30);
  EXPECT_EQ(watch.look(), "");
  ::alarm(0);
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

// As a node's directory is while it runs.
class watched_store : public directory_watch_test {
protected:
  watched_store() {
    std::filesystem::create_directory(store_);
    for (const auto* name : {"store/LOCK", "store/IDENTITY", "store/CURRENT", "store/000009.log", "keys", "master.key"})
      std::ofstream(path_ + "/" + name) << name;
  }
  std::string store_ = path_ + "/store";
};

TEST_F(watched_store, what_is_replaced_while_a_node_runs_is_nothing_wrong) {
  directory_watch watch(path_);
  for (const auto* name : {"/keys", "/store/CURRENT"}) {
    std::ofstream(path_ + name + ".next") << "another";
    std::filesystem::rename(path_ + name + ".next", path_ + name);
    EXPECT_EQ(watch.look(), "") << name;
  }
  std::filesystem::remove(path_ + "/master.key");  // a rotation takes it away for a moment
  std::filesystem::remove(store_ + "/000009.log");
  EXPECT_EQ(watch.look(), "");
}

TEST_F(watched_store, whatever_was_removed_under_a_node_is_said) {
  for (const auto* gone : {"keys", "store/LOCK", "store/IDENTITY", "store/CURRENT"}) {
    directory_watch watch(path_);
    std::filesystem::rename(path_ + "/" + gone, path_ + "/away");
    EXPECT_TRUE(watch.look().contains(std::string(gone) + " cannot be found")) << watch.look();
    std::filesystem::rename(path_ + "/away", path_ + "/" + gone);
    EXPECT_EQ(watch.look(), "");
  }
  directory_watch watch(path_);
  std::filesystem::remove_all(store_);
  EXPECT_TRUE(watch.look().contains("store cannot be found")) << watch.look();
}

TEST_F(watched_store, everything_in_it_removed_is_said) {
  directory_watch watch(path_);
  for (const auto& e : std::filesystem::directory_iterator(path_))
    std::filesystem::remove_all(e.path());
  EXPECT_TRUE(watch.look().contains("cannot be found")) << watch.look();
}

TEST_F(watched_store, another_store_in_its_place_is_not_taken_for_it) {
  directory_watch watch(path_);
  std::filesystem::rename(store_, path_ + "/away");
  std::filesystem::create_directory(store_);
  EXPECT_TRUE(watch.look().contains("store is another directory")) << watch.look();
  std::filesystem::remove(store_);
  std::filesystem::rename(path_ + "/away", store_);
  EXPECT_EQ(watch.look(), "");
  std::filesystem::copy(store_, path_ + "/copy");
  for (const auto* name : {"LOCK", "IDENTITY"}) {  // a backup put back over it
    directory_watch again(path_);
    std::filesystem::rename(path_ + "/copy/" + name, store_ + "/" + name);
    EXPECT_TRUE(again.look().contains(std::string(name) + " is another file")) << again.look();
  }
}

TEST_F(watched_store, is_written_to_where_the_store_is) {
  directory_watch watch(path_);
  std::filesystem::create_directory(store_ + "/.probe");
  EXPECT_TRUE(watch.look().contains("store cannot be written to")) << watch.look();
}

TEST_F(directory_watch_test, one_that_is_not_there_at_the_start_is_said) {
  EXPECT_TRUE(directory_watch(path_ + "/nowhere").look().contains("cannot be found"));
}

TEST_F(directory_watch_test, without_a_name_it_looks_at_nothing) { EXPECT_EQ(directory_watch("").look(), ""); }

}  // namespace
}  // namespace janji::actors
