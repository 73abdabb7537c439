#include "net/prepared_bodies.hpp"

#include <gtest/gtest.h>

#include <future>
#include <memory>

namespace janji::net {
namespace {

struct prepared_bodies_test : testing::Test {
  boost::asio::io_context io{1};
  std::unique_ptr<prepared_bodies> bodies = std::make_unique<prepared_bodies>(io);
  int made = 0;

  // Runs what comes until it is so.
  template <class Good>
  bool until(Good&& good) {
    io.restart();
    const auto work = boost::asio::make_work_guard(io);
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!good() && std::chrono::steady_clock::now() < end)
      io.run_one_for(std::chrono::milliseconds(10));
    return good();
  }
  prepared_bodies::body_ptr get(std::uint64_t version, std::int64_t now_ms, const std::string& text) {
    std::promise<prepared_bodies::body_ptr> told;
    auto answer = told.get_future();
    bodies->get("x", version, unix_ms{now_ms}, [text] { return text; }, [&](const auto& b) { told.set_value(b); });
    const auto is_there = [&] { return answer.wait_for(std::chrono::seconds(0)) == std::future_status::ready; };
    return until(is_there) ? answer.get() : nullptr;
  }
};

TEST_F(prepared_bodies_test, a_body_is_made_once_for_all_who_ask_while_it_is) {
  std::promise<void> go_on;
  auto gone_on = go_on.get_future().share();
  std::atomic<int> times = 0;
  std::size_t told = 0;
  for (std::size_t i = 0; i < prepared_bodies::waiting_max; ++i)
    bodies->get(
        "x", 1, unix_ms{1'000},
        [gone_on, &times] {
          gone_on.wait();
          ++times;
          return std::string("made");
        },
        [&](const prepared_bodies::body_ptr& b) { told += b != nullptr && b->text == "made" ? 1 : 0; });
  bool refused = false;
  bodies->get("x", 1, unix_ms{1'000}, [] { return std::string(); }, [&](const prepared_bodies::body_ptr& b) { refused = b == nullptr; });
  EXPECT_TRUE(refused) << "too many wait";
  go_on.set_value();
  EXPECT_TRUE(until([&] { return told == prepared_bodies::waiting_max; }));
  EXPECT_EQ(times, 1);
}

TEST_F(prepared_bodies_test, for_a_second_it_is_kept_and_then_given_while_the_next_is_made) {
  ASSERT_EQ(get(1, 1'000, "first")->text, "first");
  EXPECT_EQ(get(1, 1'999, "second")->text, "first");
  const auto stale = get(1, 2'000, "second");
  EXPECT_EQ(stale->text, "first");
  EXPECT_EQ(stale->as_of, unix_ms{1'000}) << "and it says how old it is";
  ASSERT_TRUE(until([&] { return get(1, 2'001, "third")->text == "second"; }));
  EXPECT_EQ(get(1, 2'002, "third")->as_of, unix_ms{2'000});
}

TEST_F(prepared_bodies_test, one_that_is_too_old_is_waited_for) {
  ASSERT_EQ(get(1, 1'000, "first")->text, "first");
  EXPECT_EQ(get(1, 1'000 + prepared_bodies::given_for_ms, "second")->text, "second");
}

TEST_F(prepared_bodies_test, of_another_version_nothing_is_given_that_was_made_before) {
  ASSERT_EQ(get(1, 1'000, "not open")->text, "not open");
  EXPECT_EQ(get(2, 1'001, "open")->text, "open");
}

TEST_F(prepared_bodies_test, who_waits_hears_the_version_that_was_asked_for_last) {
  std::promise<void> go_on;
  std::string told;
  bodies->get(
      "x", 1, unix_ms{1'000},
      [gone_on = go_on.get_future().share()] {
        gone_on.wait();
        return std::string("not open");
      },
      [](const auto&) {});
  bodies->get("x", 2, unix_ms{1'001}, [] { return std::string("open"); }, [&](const prepared_bodies::body_ptr& b) { told = b->text; });
  go_on.set_value();
  ASSERT_TRUE(until([&] { return !told.empty(); }));
  EXPECT_EQ(told, "open");
}

TEST_F(prepared_bodies_test, many_new_names_are_told_so_and_those_that_are_known_are_given) {
  ASSERT_EQ(get(1, 1'000, "start page")->text, "start page");
  std::promise<void> go_on;
  const auto gone_on = go_on.get_future().share();
  std::size_t told = 0;
  std::size_t left = 0;
  for (std::size_t i = 0; i < prepared_bodies::making_max + 10; ++i)
    bodies->get(
        "n" + std::to_string(i), 1, unix_ms{1'000},
        [gone_on] {
          gone_on.wait();
          return std::string("made");
        },
        [&](const prepared_bodies::body_ptr& b) { ++(b == nullptr ? left : told); });
  EXPECT_EQ(left, 10U);
  EXPECT_EQ(get(1, 2'500, "made anew")->text, "start page");
  go_on.set_value();
  EXPECT_TRUE(until([&] { return told == prepared_bodies::making_max; }));
}

TEST_F(prepared_bodies_test, what_is_kept_is_bounded_and_what_was_asked_for_last_stays) {
  constexpr std::size_t large = 1'000'000;
  const auto ask = [&](const std::string& name, std::int64_t now_ms, char with) {
    prepared_bodies::body_ptr body;
    bodies->get(name, 1, unix_ms{now_ms}, [with] { return std::string(large, with); }, [&](const auto& b) { body = b; });
    EXPECT_TRUE(until([&] { return body != nullptr; })) << name;
    return body;
  };
  const auto rounds = static_cast<int>(2 * prepared_bodies::bytes_max / large);
  for (int i = 0; i < rounds; ++i) {
    (void)ask("start", 1'000 + i, 's');
    (void)ask("n" + std::to_string(i), 1'000 + i, 'n');
    EXPECT_LE(bodies->bytes(), prepared_bodies::bytes_max + 2 * large);
  }
  EXPECT_NE(bodies->fresh("start", 1, unix_ms{1'000 + rounds}), nullptr);
  EXPECT_EQ(bodies->fresh("n0", 1, unix_ms{1'000 + rounds}), nullptr) << "it is gone";
  EXPECT_GT(bodies->bytes(), prepared_bodies::bytes_max / 4);
}

TEST_F(prepared_bodies_test, so_are_the_names_that_strangers_choose) {
  ASSERT_EQ(get(1, 1'000, "first")->text, "first");
  std::size_t told = 0;
  for (std::size_t i = 0; i < 2 * prepared_bodies::names_max; ++i) {
    const auto before = told;
    bodies->get(
        "n" + std::to_string(i), 1, unix_ms{2'000 + static_cast<std::int64_t>(i)}, [] { return std::string("small"); },
        [&](const prepared_bodies::body_ptr& b) { told += b != nullptr ? 1 : 0; });
    ASSERT_TRUE(until([&] { return told > before; }));
    ASSERT_LE(bodies->names(), prepared_bodies::names_max) << i;
  }
  EXPECT_GT(bodies->names(), prepared_bodies::names_max / 4);
}

TEST_F(prepared_bodies_test, what_is_large_is_compressed_beside) {
  const auto b = get(1, 1'000, std::string(5'000, 'x'));
  ASSERT_NE(b->gzip, nullptr);
  EXPECT_LT(b->gzip->size(), 500U);
  const auto elsewhere = std::make_shared<prepared_bodies::body>();
  elsewhere->text = std::string(5'000, 'y');
  bodies->compress(elsewhere);
  EXPECT_TRUE(until([&] { return elsewhere->gzip != nullptr; }));
}

TEST_F(prepared_bodies_test, what_is_made_when_it_is_gone_goes_nowhere) {
  std::promise<void> begun;
  std::promise<void> go_on;
  bodies->get(
      "x", 1, unix_ms{1'000},
      [&begun, gone_on = go_on.get_future().share()] {
        begun.set_value();
        gone_on.wait();
        return std::string("made");
      },
      [](const auto&) { ADD_FAILURE() << "nobody is there any more"; });
  begun.get_future().wait();
  std::thread ends([&] { bodies.reset(); });
  go_on.set_value();
  ends.join();
  io.restart();
  io.poll();
}

}  // namespace
}  // namespace janji::net
