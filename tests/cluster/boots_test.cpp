#include "cluster/boots.hpp"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <random>

namespace janji::cluster {
namespace {

using replication::make_boot;
using replication::number_of;

// A node's disk and the configuration store, and starts that get as far as the test says.
struct boots : testing::Test {
  struct disk {
    std::uint64_t id = 7;
    boot_t boot;
  };
  std::optional<boot_record> known;
  std::uint64_t random = 100;

  enum class stops { before, pending, written, never };
  // What was decided.
  begun_boot start(disk& d, stops when = stops::never) {
    ++random;
    auto b = begin_boot(known, d.id, d.boot, 0, random, 1'000 + random);
    if (when == stops::before)
      return b;
    known = b.next;
    if (when == stops::pending)
      return b;
    d = {b.disk, b.boot};
    if (when == stops::written)
      return b;
    const auto c = confirmed(*known, d.id, d.boot);
    EXPECT_TRUE(c);
    known = c;
    return b;
  }
};

TEST_F(boots, every_start_has_a_greater_number_and_random_bits) {
  disk d;
  const auto one = start(d);
  const auto two = start(d);
  EXPECT_GT(number_of(two.boot), number_of(one.boot));
  EXPECT_GT(two.boot, one.boot);
  EXPECT_NE(two.boot, make_boot(number_of(two.boot), 0));
  EXPECT_TRUE(is_last(*known, d.id, d.boot));
}

TEST_F(boots, a_disk_that_counted_by_itself_until_now_goes_on) {
  disk d{7, boot_t{1'790'000'123}};
  const auto b = start(d);
  EXPECT_EQ(b.disk, 7U);
  EXPECT_EQ(number_of(b.boot), 1'790'000'124U);
  // An earlier version counts one on, and the newer one comes back.
  d.boot = boot_t{d.boot.value + 1};
  EXPECT_EQ(start(d).disk, 7U);
}

// Wherever a start ends, and however many end there one after the other.
TEST_F(boots, a_start_that_ended_at_any_point_leaves_the_same_disk) {
  constexpr std::array all{stops::before, stops::pending, stops::written, stops::never};
  for (unsigned path = 0; path < 1024; ++path) {
    known.reset();
    disk d;
    for (unsigned i = 0, rest = path; i < 5; ++i, rest /= 4) {
      const auto b = start(d, all[rest % 4]);
      ASSERT_EQ(b.disk, 7U) << "path " << path << " step " << i << ": " << b.why;
    }
  }
}

TEST_F(boots, a_disk_that_was_put_back_is_another_one) {
  disk d;
  start(d);
  const auto copy = d;
  for (const auto when : {stops::pending, stops::written, stops::never}) {
    start(d, stops::never);
    start(d, when);
    auto back = copy;
    const auto b = start(back);
    EXPECT_NE(b.disk, 7U);
    EXPECT_NE(b.why.find("put back"), std::string::npos) << b.why;
    EXPECT_EQ(start(back).disk, back.id) << "from then on it is that one";
  }
}

TEST_F(boots, a_copy_and_its_original_are_never_both_the_same_disk) {
  disk original;
  start(original);
  auto copy = original;
  start(copy);
  EXPECT_EQ(copy.id, 7U) << "the one that came first";
  EXPECT_NE(start(original).disk, 7U);
}

TEST_F(boots, of_two_copies_that_start_at_once_one_is_not_confirmed) {
  disk one;
  start(one);
  auto two = one;
  start(one, stops::written);
  start(two, stops::written);
  EXPECT_FALSE(confirmed(*known, one.id, one.boot));
  EXPECT_TRUE(confirmed(*known, two.id, two.boot));
}

TEST_F(boots, a_store_of_records_that_was_put_back_makes_no_disk_another) {
  disk d;
  start(d);
  const auto before = known;
  start(d);
  start(d);
  const auto last = d.boot;
  known = before;
  const auto b = start(d);
  EXPECT_EQ(b.disk, 7U);
  EXPECT_GT(b.boot, last);
}

TEST_F(boots, numbers_are_above_what_others_used) {
  const auto b = begin_boot(std::nullopt, 7, {}, 500, 1, 2);
  EXPECT_EQ(number_of(b.boot), 501U);
}

TEST_F(boots, a_disk_that_is_no_longer_remembered_does_not_come_back_under_its_id) {
  disk old;
  start(old);
  for (std::uint64_t i = 0; i < disks_known_max; ++i) {
    disk fresh{10'000 + i, {}};
    EXPECT_EQ(start(fresh).disk, 10'000 + i) << "an empty one is nobody's copy";
  }
  EXPECT_EQ(known->disks.size(), disks_known_max);
  EXPECT_NE(start(old).disk, 7U);
}

TEST_F(boots, records_read_back) {
  disk d;
  start(d);
  start(d, stops::pending);
  EXPECT_EQ(boot_record_from_text(to_text(*known)), *known);
  EXPECT_FALSE(boot_record_from_text("{}"));
}

// Whatever is copied, put back and started in any order: one disk id is never given to two lines of starts.
TEST_F(boots, no_walk_gives_one_id_to_two_histories) {
  for (std::uint64_t seed = 1; seed <= 2'000; ++seed) {
    std::mt19937_64 dice(seed);
    known.reset();
    std::vector<disk> copies{disk{}};
    std::map<std::uint64_t, boot_t> last;  // by id: the last confirmed start
    for (int i = 0; i < 40; ++i) {
      auto& d = copies[dice() % copies.size()];
      if (dice() % 4 == 0 && copies.size() < 6) {
        copies.push_back(d);
        continue;
      }
      const auto was = d;
      const auto when = static_cast<stops>(dice() % 4);
      const auto b = start(d, when);
      const auto known_last = last.find(b.disk);
      const bool goes_on = known_last != last.end() && when == stops::never && b.disk == was.id;
      ASSERT_TRUE(!goes_on || was.boot >= known_last->second) << "seed " << seed << ": a copy goes on as a disk that has started since";
      if (when == stops::never)
        last[b.disk] = b.boot;
    }
  }
}

}  // namespace
}  // namespace janji::cluster
