#include "apps/load/slots.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "apps/load/citizens.hpp"
#include "apps/load/client.hpp"

namespace janji::load {
namespace {

const std::vector<slot> three{
    {"A", "2021-06-07", "09:00", 100, 100}, {"A", "2021-06-08", "09:00", 300, 300}, {"B", "2021-06-07", "09:00", 600, 600}};

std::vector<int> drawn(const slot_chooser& c, int times) {
  std::vector<int> out(three.size());
  for (int i = 0; i < times; ++i)
    ++out[c.draw(mix(static_cast<std::uint64_t>(i)))];
  return out;
}

TEST(slots, what_is_over_is_never_drawn) {
  auto some = three;
  some[1].over = true;
  const auto c = slot_chooser::make(some, read_spread("groups").value(), 10).value();
  for (std::uint64_t r = 0; r < 10'000; ++r)
    ASSERT_NE(c.draw(r * 0x9e3779b97f4a7c15ULL), 1U);
  for (auto& one : some)
    one.over = true;
  EXPECT_FALSE(slot_chooser::make(some, read_spread("groups").value(), 10));
}

TEST(slots, of_the_demo_round_add_up) {
  std::ifstream in("configs/demo/slot-groups.csv");
  std::stringstream text;
  text << in.rdbuf();
  const auto slots = read_slots(text.str());
  ASSERT_TRUE(slots) << slots.error();
  EXPECT_EQ(slots->size(), 408U);
  std::uint64_t sum = 0;
  for (const auto& s : *slots)
    sum += s.capacity;
  EXPECT_EQ(sum, 956'609U);
}

TEST(slots, are_chosen_by_capacity) {
  const auto c = slot_chooser::make(three, {}, 10).value();
  const auto n = drawn(c, 100'000);
  EXPECT_NEAR(n[0], 10'000, 500);
  EXPECT_NEAR(n[1], 30'000, 800);
  EXPECT_NEAR(n[2], 60'000, 800);
}

TEST(slots, one_group_takes_all_when_asked_to) {
  const auto c = slot_chooser::make(three, read_spread("one:A:2021-06-08").value(), 10).value();
  EXPECT_EQ(drawn(c, 1000)[1], 1000);
  EXPECT_FALSE(slot_chooser::make(three, read_spread("one:C:2021-06-08").value(), 10));
}

TEST(slots, a_hot_group_is_drawn_ten_times_as_often_as_another) {
  const auto c = slot_chooser::make(three, read_spread("hot").value(), 10).value();
  const auto n = drawn(c, 120'000);
  EXPECT_NEAR(n[0], 100'000, 1000);
  EXPECT_NEAR(n[1], 10'000, 500);
  EXPECT_TRUE(c.is_hot(0));
  EXPECT_FALSE(c.is_hot(1));
}

TEST(slots, that_are_full_are_not_drawn_again) {
  auto c = slot_chooser::make(three, {}, 10).value();
  c.take_out(2);
  EXPECT_EQ(drawn(c, 10'000)[2], 0);
  EXPECT_EQ(c.left(), 2U);
  c.take_out(0);
  c.take_out(1);
  EXPECT_TRUE(c.empty());
}

TEST(slots, a_wrong_spread_is_refused) {
  for (const char* text : {"", "everywhere", "one:", "one:A", "one::2021-06-07", "one:A:"})
    EXPECT_FALSE(read_spread(text)) << text;
}

TEST(target, is_an_address_and_a_port) {
  const auto t = read_target("http://127.0.0.1:8080");
  ASSERT_TRUE(t);
  EXPECT_EQ(t->host, "127.0.0.1");
  EXPECT_EQ(t->port, 8080);
  EXPECT_EQ(read_target("http://[::1]:80")->host, "::1");
  for (const char* text :
       {"127.0.0.1:8080", "https://127.0.0.1:1", "http://127.0.0.1", "http://127.0.0.1:0", "http://127.0.0.1:99999", "http://:80"})
    EXPECT_FALSE(read_target(text)) << text;
}

TEST(target, on_this_machine_is_known_from_others) {
  EXPECT_TRUE(is_loopback("127.0.0.1").value());
  EXPECT_TRUE(is_loopback("::1").value());
  EXPECT_FALSE(is_loopback("192.0.2.7").value());
}

}  // namespace
}  // namespace janji::load
