#include "apps/load/histogram.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace janji::load {
namespace {

TEST(histogram, says_nothing_when_empty) {
  const histogram h;
  EXPECT_EQ(h.count(), 0U);
  EXPECT_EQ(h.percentile(99), 0U);
  EXPECT_EQ(h.mean(), 0);
}

TEST(histogram, tells_small_values_apart_exactly) {
  for (std::uint64_t v = 0; v < 2048; ++v)
    ASSERT_EQ(histogram::top_of(v), v);
}

TEST(histogram, is_correct_to_three_digits_over_its_range) {
  std::uint64_t before = 0;
  for (std::uint64_t v = 1; v < histogram::highest; v += 1 + v / 777) {
    const auto top = histogram::top_of(v);
    ASSERT_GE(top, v);
    ASSERT_LE(static_cast<double>(top - v), static_cast<double>(v) / 1000) << v;
    ASSERT_GE(top, before) << "buckets must not overlap";
    before = top;
  }
}

TEST(histogram, counts_a_bucket_and_its_neighbour_apart) {
  for (const std::uint64_t v : {2047U, 2048U, 4095U, 4096U, 1U << 20, (1U << 29) + 12345}) {
    const auto top = histogram::top_of(v);
    EXPECT_EQ(histogram::top_of(top), top);
    EXPECT_GT(histogram::top_of(top + 1), top);
  }
}

TEST(histogram, agrees_with_sorting_on_percentiles) {
  std::mt19937_64 random(7);
  std::lognormal_distribution<double> latencies(7, 1.5);
  std::vector<std::uint64_t> all;
  histogram h;
  for (int i = 0; i < 100'000; ++i) {
    all.push_back(static_cast<std::uint64_t>(latencies(random)) + 1);
    h.record(all.back());
  }
  std::ranges::sort(all);
  for (const double p : {1.0, 50.0, 90.0, 99.0, 99.9, 100.0}) {
    const auto exact = all[static_cast<std::size_t>(std::max(0.0, p / 100 * 100'000 - 1))];
    EXPECT_GE(h.percentile(p), exact);
    EXPECT_LE(static_cast<double>(h.percentile(p)), static_cast<double>(exact) * 1.001 + 1) << p;
  }
  EXPECT_EQ(h.max(), all.back());
  EXPECT_EQ(h.min(), all.front());
}

TEST(histogram, merged_is_as_recorded_together) {
  histogram one;
  histogram two;
  histogram both;
  for (std::uint64_t v = 1; v < 1'000'000; v += 313) {
    (v % 2 == 0 ? one : two).record(v);
    both.record(v);
  }
  one.merge(two);
  EXPECT_EQ(one.count(), both.count());
  EXPECT_EQ(one.percentile(99), both.percentile(99));
  EXPECT_DOUBLE_EQ(one.mean(), both.mean());
  EXPECT_EQ(one.min(), both.min());
  EXPECT_EQ(one.max(), both.max());
}

TEST(histogram, takes_what_is_beyond_its_range_as_its_greatest) {
  histogram h;
  h.record(histogram::highest * 5);
  EXPECT_EQ(h.percentile(50), histogram::highest);
}

}  // namespace
}  // namespace janji::load
