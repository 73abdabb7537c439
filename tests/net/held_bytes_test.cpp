#include "net/held_bytes.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace janji::net {
namespace {

using boost::asio::ip::make_address;
const auto one = make_address("192.0.2.1");
const auto other = make_address("2001:db8::1");

TEST(held_bytes, what_is_held_counts_in_all_and_for_its_address_until_it_goes) {
  held_bytes all;
  {
    const held_bytes::part a(all, one, nullptr, 100);
    const held_bytes::part b(all, one, nullptr, 20);
    const held_bytes::part c(all, other, nullptr, 3);
    EXPECT_EQ(all.in_all(), 123U);
    EXPECT_EQ(all.of(one), 120U);
    EXPECT_EQ(all.of(other), 3U);
  }
  EXPECT_EQ(all.in_all(), 0U);
  EXPECT_EQ(all.of(one), 0U);
}

TEST(held_bytes, what_several_hold_counts_once_whatever_size_each_says) {
  held_bytes all;
  const int shared = 0;
  held_bytes::part first(all, one, &shared, 40);
  held_bytes::part second(all, other, &shared, 300);
  EXPECT_EQ(all.in_all(), 40U);
  EXPECT_EQ(first.alone(), 0U);
  first = {};
  EXPECT_EQ(second.alone(), 40U);
  second = {};
  EXPECT_EQ(all.in_all(), 0U);
  EXPECT_EQ(all.of(one) + all.of(other), 0U);
}

TEST(held_bytes, what_several_hold_counts_once_in_all_and_once_for_an_address) {
  held_bytes all;
  const int shared = 0;
  std::vector<held_bytes::part> parts;
  for (int i = 0; i < 5; ++i)
    parts.emplace_back(all, i % 2 == 0 ? one : other, &shared, 100);
  EXPECT_EQ(all.in_all(), 100U);
  EXPECT_EQ(all.of(one), 100U);
  EXPECT_EQ(all.of(other), 100U);
  EXPECT_EQ(parts.front().alone(), 0U);
  parts.resize(1);
  EXPECT_EQ(all.in_all(), 100U);
  EXPECT_EQ(all.of(other), 0U);
  EXPECT_EQ(parts.front().alone(), 100U);
  parts.clear();
  EXPECT_EQ(all.in_all(), 0U);
}

TEST(held_bytes, a_part_that_moves_counts_once) {
  held_bytes all;
  held_bytes::part a(all, one, nullptr, 100);
  held_bytes::part b(std::move(a));
  EXPECT_EQ(all.in_all(), 100U);
  b = held_bytes::part(all, other, nullptr, 7);
  EXPECT_EQ(all.in_all(), 7U);
  EXPECT_EQ(all.of(one), 0U);
  b = {};
  EXPECT_EQ(all.in_all(), 0U);
}

}  // namespace
}  // namespace janji::net
