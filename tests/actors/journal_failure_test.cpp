// A disk that fails under a whole node, with its own threads: the process is told to end, and nobody is told anything more.
#include <gtest/gtest.h>
#include <rocksdb/env.h>

#include <atomic>
#include <chrono>
#include <future>

#include "actors/node.hpp"
#include "store/node_store.hpp"
#include "tests/store/simulated_disk.hpp"

namespace janji::actors {
namespace {

constexpr auto long_enough = std::chrono::seconds(30);

round_definition a_round() {
  round_definition d;
  d.code = "R";
  d.name = "a round";
  d.time_zone = "Asia/Kuala_Lumpur";
  d.closes_at = unix_ms{4'000'000'000'000};
  d.centres = {{"A", "centre A", "Selangor", "Petaling", 3, 101}};
  d.groups.push_back({group_id{}, 0, std::chrono::year{2027} / 1 / 1, {{540, 600, 10, never_over}}});
  return d;
}

routed_booking booking(std::uint8_t who) {
  book_command b{request_id{who}, body_hash{1}, window_index{0}, unix_ms{4'000'000'000'000}, {}};
  citizen_hash citizen;
  citizen.bytes.fill(who);
  b.people.push_back({citizen, reference::make(shard_id{0}, who), key_hash{who * 8ULL}, {1, 2}, "sealed"});
  return {group_id{1}, std::move(b)};
}

TEST(journal_failure, is_fatal_and_says_nothing_to_anybody) {
  auto disk = std::make_shared<test::simulated_disk>();
  const auto env = rocksdb::NewCompositeEnv(disk);
  store::store_options where;
  where.path = "/data/store";
  where.env = env.get();
  auto store = store::node_store::open(where);
  ASSERT_TRUE(store) << store.error().text();
  node_options options;
  options.shard_count = 1;
  std::promise<std::string> fatal;
  std::promise<outcome> first;
  std::atomic<int> answers = 0;
  std::atomic<int> fatals = 0;
  {
    auto node = node::start(options, **store, [&](std::string why) {
      if (++fatals == 1)
        fatal.set_value(std::move(why));
    });
    ASSERT_TRUE(node) << node.error();
    (*node)->set_answer_sink([&](std::vector<answer>&& said) {
      if (answers.fetch_add(static_cast<int>(said.size())) == 0)
        first.set_value(said.front().what);
    });
    std::promise<bool> imported;
    (*node)->import_round(a_round(), "op", [&](const auto& done) { imported.set_value(done.has_value()); });
    auto there = imported.get_future();
    ASSERT_EQ(there.wait_for(long_enough), std::future_status::ready);
    ASSERT_TRUE(there.get());
    std::promise<std::string> opened;
    (*node)->change_round(round_id{1}, round_order::open, {}, {"op"}, [&](const auto& done) { opened.set_value(done.value_or("")); });
    ASSERT_EQ(opened.get_future().get(), "open");
    const auto ask = [&](std::uint8_t who) {
      std::vector<citizen_command> turn;
      auto command = booking(who);
      command.command.stamp = (*node)->heard()->front();
      turn.push_back(std::move(command));
      (*node)->submit(std::move(turn));
    };
    ask(1);
    auto told = first.get_future();
    ASSERT_EQ(told.wait_for(long_enough), std::future_status::ready);
    ASSERT_EQ(told.get(), outcome::confirmed);
    disk->fail_at(1);
    ask(2);
    auto why = fatal.get_future();
    ASSERT_EQ(why.wait_for(long_enough), std::future_status::ready) << "the process goes on with a disk that has failed";
    EXPECT_NE(why.get().find("outcome is unknown"), std::string::npos);
    ask(3);
    (*node)->stop(10'000);
    EXPECT_FALSE((*node)->ready());
  }
  EXPECT_EQ(answers, 1) << "something was said after the write had failed";
  EXPECT_EQ(fatals, 1);
}

}  // namespace
}  // namespace janji::actors
