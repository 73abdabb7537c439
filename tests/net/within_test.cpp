#include "net/within.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace janji::net {
namespace {

using answer = std::expected<int, std::string>;

struct within_test : testing::Test {
  boost::asio::io_context io{1};
  std::vector<answer> told;
  std::function<void(answer)> ask(std::chrono::milliseconds patience) {
    return within<int>(io, patience, [this](answer a) { told.push_back(std::move(a)); }, "not yet");
  }
};

TEST_F(within_test, the_answer_is_told_and_no_more_is) {
  const auto then = ask(std::chrono::hours(1));
  then(7);
  then(8);
  EXPECT_TRUE(told.empty()) << "on the thread of io alone";
  io.run();
  EXPECT_EQ(told, std::vector<answer>{7});
}

TEST_F(within_test, one_that_does_not_come_is_told_to_be_late_once) {
  const auto then = ask(std::chrono::milliseconds(1));
  io.run();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told.front().error(), "not yet");
  then(7);
  io.restart();
  io.run();
  EXPECT_EQ(told.size(), 1U);
}

}  // namespace
}  // namespace janji::net
