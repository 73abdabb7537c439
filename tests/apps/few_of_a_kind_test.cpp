#include "apps/few_of_a_kind.hpp"

#include <gtest/gtest.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/ostream_sink.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

namespace janji::apps {
namespace {

struct few_of_a_kind_test : testing::Test {
  std::ostringstream out;
  few_of_a_kind::clock::time_point now;
  spdlog::logger log{"test",
                     std::make_shared<few_of_a_kind>(std::make_shared<spdlog::sinks::ostream_sink_st>(out), [this] { return now; })};

  few_of_a_kind_test() { log.set_pattern("%v"); }
  std::vector<std::string> lines() {
    std::vector<std::string> all;
    std::istringstream in(out.str());
    for (std::string line; std::getline(in, line);)
      all.push_back(line);
    return all;
  }
};

TEST_F(few_of_a_kind_test, the_first_hundred_are_written_and_the_rest_is_counted) {
  for (int i = 0; i < 250; ++i)
    log.warn("etcd at 10.0.0.{} does not answer", i);
  EXPECT_EQ(lines().size(), few_of_a_kind::at_once);
  log.warn("another");
  EXPECT_EQ(lines().back(), "another");
  now += few_of_a_kind::within;
  log.warn("etcd at 10.0.0.1 does not answer");
  EXPECT_EQ(lines().back(), "etcd at 10.0.0.1 does not answer (150 like it before)");
}

TEST_F(few_of_a_kind_test, what_was_left_out_is_said_when_its_kind_makes_room_for_others) {
  for (int i = 0; i < 130; ++i)
    log.warn("refused");
  const auto strange = [](std::size_t n) { return std::string(n, 'x'); };  // words that a stranger chose
  for (std::size_t n = 1; n < few_of_a_kind::kinds_max; ++n)
    log.warn("{}", strange(n));
  now += few_of_a_kind::within;
  log.warn("{}", strange(few_of_a_kind::kinds_max));
  const auto all = lines();
  EXPECT_TRUE(std::ranges::count(all, "30 lines were left out that were like others before") == 1) << all.back();
}

TEST_F(few_of_a_kind_test, lines_of_requests_are_all_written) {
  for (int i = 0; i < 250; ++i)
    log.info("request={} status=200", i);
  EXPECT_EQ(lines().size(), 250U);
}

}  // namespace
}  // namespace janji::apps
