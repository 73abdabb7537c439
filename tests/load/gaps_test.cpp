#include "apps/load/gaps.hpp"

#include <gtest/gtest.h>

namespace janji::load {
namespace {

struct gaps_test : testing::Test {
  gap_finder finder{"R", 1};
  void told(std::int64_t sent, std::int64_t answered, outcome result = outcome::yes) {
    record_entry e;
    e.sent_us = sent;
    e.latency_us = answered - sent;
    e.result = result;
    e.place = "A/2027-01-01/09:00";
    finder.answer(e);
  }
  std::int64_t longest() {
    const auto f = finder.find();
    return f.shards.empty() ? -1 : f.shards.front().longest_us;
  }
};

TEST_F(gaps_test, a_wait_is_from_the_first_that_waits_to_the_next_answer) {
  told(0, 10);
  told(100, 110);
  EXPECT_EQ(longest(), 10) << "nobody waited in between";
  told(200, 900);
  told(300, 950);
  EXPECT_EQ(longest(), 700);
}

TEST_F(gaps_test, what_was_not_answered_for_good_goes_on_waiting) {
  told(0, 10);
  told(100, 400, outcome::unknown);
  told(500, 800);
  EXPECT_EQ(longest(), 700);
}

TEST_F(gaps_test, a_denial_is_an_answer) {
  told(0, 100, outcome::no);
  told(150, 300);
  EXPECT_EQ(longest(), 150);
}

TEST_F(gaps_test, answers_of_others_end_a_wait) {
  told(0, 1000);
  for (std::int64_t t = 100; t < 1000; t += 100)
    told(t - 50, t);
  EXPECT_EQ(longest(), 100);
}

TEST_F(gaps_test, without_an_answer_there_is_nothing_to_say) {
  told(0, 10, outcome::unknown);
  EXPECT_EQ(longest(), -1);
}

}  // namespace
}  // namespace janji::load
