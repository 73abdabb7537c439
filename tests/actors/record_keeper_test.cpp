// The keeper of records between shards that take over at one moment and a configuration store.
#include <map>
#include <string>
#include <vector>

#include "actors/archive.hpp"
#include "tests/actors/one_actor_test.hpp"

namespace janji::actors {
namespace {

class counted_records final : public cluster::config_store {
public:
  std::expected<cluster::versioned_record, std::string> read(shard_id) override { return cluster::versioned_record{}; }
  cluster::swap_outcome swap(shard_id, std::uint64_t, const cluster::shard_record&) override { return {}; }
  std::expected<cluster::positions, std::string> outside() override {
    ++readings;
    if (away)
      return std::unexpected(std::string("away"));
    return there;
  }

  cluster::positions there;
  bool away = false;
  int readings = 0;
};

class record_keeper_test : public one_actor_test {
protected:
  record_keeper_test() : one_actor_test(nodes_, {}) {
    asking_ = spawn_stub({[this](const outside_read& r) { heard_.push_back(r); }});
    keeper_ = system_->spawn<record_keeper_actor>(std::ref(records_));
    settle();
  }
  ~record_keeper_test() override {
    for (const auto& a : {asking_, keeper_})
      caf::anon_send_exit(a, caf::exit_reason::kill);
    asking_ = keeper_ = nullptr;
    settle();
  }
  void ask(std::uint16_t shard, std::uint64_t epoch) { caf::anon_send(keeper_, read_outside{shard_id{shard}, epoch_t{epoch}, asking_}); }

  silent_nodes nodes_;
  counted_records records_;
  caf::actor asking_, keeper_;
  std::vector<outside_read> heard_;
};

TEST_F(record_keeper_test, positions_outside_are_read_once_for_all_that_ask_at_one_moment) {
  records_.there[shard_id{2}] = {epoch_t{3}, sequence_t{25}};
  for (std::uint16_t s = 0; s < 8; ++s)
    ask(s, 10U + s);
  settle();
  EXPECT_EQ(records_.readings, 1);
  ASSERT_EQ(heard_.size(), 8U);
  for (std::uint16_t s = 0; s < 8; ++s) {
    EXPECT_EQ(heard_[s].epoch, epoch_t{10U + s});
    EXPECT_EQ(heard_[s].at, s == 2 ? (replication::position{epoch_t{3}, sequence_t{25}}) : replication::position{});
  }
}

TEST_F(record_keeper_test, a_later_question_is_answered_by_a_later_reading) {
  ask(2, 4);
  settle();
  records_.there[shard_id{2}] = {epoch_t{4}, sequence_t{30}};
  ask(2, 5);
  settle();
  EXPECT_EQ(records_.readings, 2);
  ASSERT_EQ(heard_.size(), 2U);
  EXPECT_EQ(heard_[0].at, replication::position{});
  EXPECT_EQ(heard_[1].at, (replication::position{epoch_t{4}, sequence_t{30}}));
}

TEST_F(record_keeper_test, what_cannot_be_read_is_told_to_nobody) {
  records_.away = true;
  ask(2, 4);
  settle();
  EXPECT_TRUE(heard_.empty());
  records_.away = false;
  ask(2, 4);
  settle();
  EXPECT_EQ(heard_.size(), 1U);
}

}  // namespace
}  // namespace janji::actors
