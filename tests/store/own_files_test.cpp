// Files of the data directory that are none: what stands there instead may keep who opens it waiting, or have no end.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

#include "store/acknowledged_mark.hpp"
#include "store/key_files.hpp"
#include "store/key_ring.hpp"
#include "store/node_store.hpp"
#include "store/regular_file.hpp"
#include "store/small_file.hpp"
#include "tests/temporary_directory.hpp"

namespace janji::store {
namespace {

namespace fs = std::filesystem;

struct own_files : testing::Test {
  void SetUp() override {
    ASSERT_GE(sodium_init(), 0);
    ::alarm(30);  // whoever waits for a pipe waits for ever
  }
  void TearDown() override { ::alarm(0); }
  [[nodiscard]] std::string in(const std::string& name) const { return dir.path() + "/" + name; }
  [[nodiscard]] std::string pipe(const std::string& name) const {
    EXPECT_EQ(::mkfifo(in(name).c_str(), 0600), 0);
    return in(name);
  }
  [[nodiscard]] static std::string text_of(const std::string& path) { return read_own_file(path, 1U << 20U).value_or("none"); }
  [[nodiscard]] std::string opened_keys() const {
    key_bytes master;
    master.fill(1);
    const auto ring = key_ring::open(in("keys"), master, true);
    return ring ? "opened" : ring.error().text();
  }
  [[nodiscard]] std::string opened_store() const {
    store_options o;
    o.path = in("store");
    o.ballast_bytes = 1U << 20U;
    const auto store = node_store::open(o);
    return store ? "opened" : store.error().text();
  }
  test::temporary_directory dir;
};

TEST_F(own_files, a_pipe_in_place_of_the_keys_is_told_and_not_waited_for) {
  (void)pipe("keys");
  EXPECT_EQ(opened_keys(), in("keys") + " is a pipe, and no file; put the right one back");
  EXPECT_TRUE(fs::is_fifo(in("keys")));
}

TEST_F(own_files, keys_without_an_end_are_refused) {
  fs::create_symlink("/dev/zero", in("keys"));
  EXPECT_EQ(opened_keys(), in("keys") + " is a device, and no file; put the right one back");
  fs::remove(in("keys"));
  std::ofstream(in("keys")) << "janji-keys 1\n";
  fs::resize_file(in("keys"), std::uintmax_t{3} << 30U);
  EXPECT_TRUE(opened_keys().contains("the most that is read of such a file")) << opened_keys();
}

TEST_F(own_files, pipes_beside_the_keys_keep_nobody_who_writes_them_waiting) {
  ASSERT_EQ(opened_keys(), "opened");
  (void)pipe("keys.old");
  (void)pipe("keys.new");
  key_bytes master;
  master.fill(1);
  auto ring = key_ring::open(in("keys"), master, true);
  ASSERT_TRUE(ring);
  EXPECT_TRUE((*ring)->get_or_make("data/1"));
  EXPECT_FALSE(fs::exists(in("keys.new")) || fs::exists(in("keys.old")));
}

TEST_F(own_files, what_stands_in_the_way_of_a_new_file_goes_and_a_link_is_not_followed) {
  std::ofstream(in("elsewhere")) << "as it was";
  fs::create_symlink(in("elsewhere"), in("a.new"));
  EXPECT_TRUE(replace_file(in("a"), "text"));
  EXPECT_EQ(text_of(in("a")), "text");
  EXPECT_EQ(text_of(in("elsewhere")), "as it was");
  EXPECT_FALSE(fs::is_symlink(in("a")));
}

TEST_F(own_files, a_directory_in_the_way_of_a_new_file_is_told) {
  fs::create_directories(in("a.new/x"));
  const auto written = replace_file(in("a"), "text");
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().text(), "cannot write " + in("a.new") + ": Is a directory");
}

TEST_F(own_files, a_pipe_in_place_of_the_mark_of_what_was_acknowledged_refuses_the_start) {
  ASSERT_EQ(opened_store(), "opened");
  fs::remove(in("store/acknowledged"));
  (void)pipe("store/acknowledged");
  EXPECT_EQ(opened_store(), in("store/acknowledged") + " is a pipe, and no file: put the right one back");
  fs::remove(in("store/acknowledged"));
  fs::create_symlink(in("elsewhere"), in("store/acknowledged"));
  EXPECT_EQ(opened_store(), in("store/acknowledged") + " is a symbolic link, and no file: put the right one back");
  EXPECT_FALSE(fs::exists(in("elsewhere")));
}

TEST_F(own_files, a_store_whose_ballast_is_a_pipe_or_leads_elsewhere_opens_without_one) {
  (void)pipe("ballast");
  EXPECT_EQ(opened_store(), "opened");
  EXPECT_TRUE(fs::is_fifo(in("ballast")));
  fs::remove(in("ballast"));
  fs::create_symlink(in("elsewhere"), in("ballast"));
  EXPECT_EQ(opened_store(), "opened");
  EXPECT_FALSE(fs::exists(in("elsewhere")));
}

}  // namespace
}  // namespace janji::store
