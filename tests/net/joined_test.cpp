#include "net/joined.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace janji::net {
namespace {

TEST(joined, all_who_ask_while_an_answer_is_found_are_given_it) {
  joined<int> j;
  std::vector<int> told;
  EXPECT_TRUE(j.join([&](int a) { told.push_back(a); }));
  EXPECT_FALSE(j.join([&](int a) { told.push_back(a + 1); }));
  j.answer(10);
  EXPECT_EQ(told, (std::vector{10, 11}));
  EXPECT_TRUE(j.join([&](int a) { told.push_back(a); })) << "the next answer is to be found";
}

TEST(joined, who_asks_while_the_answer_is_told_waits_for_the_next) {
  joined<int> j;
  std::vector<int> told;
  bool first = false;
  (void)j.join([&](int) { first = j.join([&](int a) { told.push_back(a); }); });
  j.answer(1);
  EXPECT_TRUE(first);
  EXPECT_TRUE(told.empty());
  j.answer(2);
  EXPECT_EQ(told, std::vector{2});
}

TEST(joined, bounds_who_waits) {
  joined<int> j;
  for (std::size_t i = 0; i < joined<int>::waiting_max; ++i) {
    EXPECT_FALSE(j.full());
    (void)j.join([](int) {});
  }
  EXPECT_TRUE(j.full());
}

}  // namespace
}  // namespace janji::net
