#include "actors/disk_watch.hpp"

#include <gtest/gtest.h>

namespace janji::actors {
namespace {

using namespace std::chrono_literals;
using user = disk_watch::user;

TEST(disk_watch_test, says_for_how_long_the_oldest_operation_has_not_come_back) {
  disk_watch w;
  const auto begun = disk_watch::clock::now();
  EXPECT_EQ(w.oldest(begun), 0ms);
  w.begins(user::journal, begun);
  EXPECT_EQ(w.oldest(begun + 700ms), 700ms);
  w.ends(user::journal, begun + 700ms);
  EXPECT_EQ(w.oldest(begun + 900ms), 0ms);
  w.begins(user::archive, begun);
  EXPECT_EQ(w.oldest(begun + 2'000ms), 500ms) << "a snapshot may be large";
  w.begins(user::archive, begun + 2'000ms);
  EXPECT_EQ(w.oldest(begun + 2'000ms), 0ms) << "it goes on";
}

TEST(disk_watch_test, one_late_write_does_not_make_a_slow_disk) {
  disk_watch w;
  auto now = disk_watch::clock::now();
  const auto write = [&](std::chrono::microseconds takes) {
    w.begins(user::journal, now);
    now += takes;
    w.ends(user::journal, now);
  };
  EXPECT_EQ(w.usual_write(), 0us);
  for (int i = 0; i < 9; ++i)
    write(2ms);
  for (int i = 0; i < 4; ++i)
    write(900ms);
  EXPECT_EQ(w.usual_write(), 2ms);
  for (int i = 0; i < 5; ++i)
    write(200ms);
  EXPECT_EQ(w.usual_write(), 200ms);
  for (int i = 0; i < 9; ++i)
    write(3ms);
  EXPECT_EQ(w.usual_write(), 3ms);
}

}  // namespace
}  // namespace janji::actors
