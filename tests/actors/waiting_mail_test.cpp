// Mail for a shard that cannot serve: what citizens hear, and what a node keeps.
#include <gtest/gtest.h>

#include "actors/mail_queue.hpp"
#include "tests/actors/one_actor_test.hpp"
#include "tests/actors/simulated_node.hpp"

namespace janji::sim {
namespace {

// The record names this node the leader of three, and the two others never say a word.
class without_quorum final : public cluster::config_store {
public:
  explicit without_quorum(std::uint64_t disk) {
    cluster::shard_record r{epoch_t{1}, {1, disk}, {{1, disk}, {2, 2}, {3, 3}}, {}, 2, 3};
    record_ = {1, r};
  }
  std::expected<cluster::versioned_record, std::string> read(shard_id) override { return record_; }
  cluster::swap_outcome swap(shard_id, std::uint64_t expected, const cluster::shard_record& to) override {
    if (expected != record_.revision)
      return {cluster::swap_result::lost, record_};
    record_ = {record_.revision + 1, to};
    return {cluster::swap_result::won, record_};
  }

private:
  cluster::versioned_record record_;
};

class waiting_mail_test : public testing::Test {
protected:
  waiting_mail_test() {
    actors::node_options o;
    o.shard_count = 1;
    o.cluster = actors::cluster_options{25};
    seat s;
    s.disk = 7;
    s.records = &records_;
    s.peers = &nobody_;
    node_ = std::make_unique<simulated_node>(disk_.wipe(1), o, planted_faults{}, std::move(s));
    node_->on_answers = [this](std::vector<answer>&& a) { said_.insert(said_.end(), a.begin(), a.end()); };
    node_->start();
    run(1'000);
  }
  void run(std::int64_t ms) {
    for (std::int64_t t = 0; t < ms; t += 25) {
      node_->advance(25);
      node_->settle();
    }
  }
  void ask(std::uint32_t group, std::size_t sealed_bytes, std::int64_t deadline_ms) {
    book_command b{request_id{++requests_}, body_hash{1}, window_index{0}, unix_ms{node_->now().value + deadline_ms}, {}};
    citizen_hash who;
    who.bytes.fill(static_cast<std::uint8_t>(requests_));
    b.people.push_back({who, reference::make(shard_id{0}, requests_), key_hash{requests_ * 8}, {1, 2}, std::string(sealed_bytes, 's')});
    actors::group_mail mail;
    mail.inputs.emplace_back(std::move(b));
    caf::anon_send(node_->context().route.shard(shard_id{0}), actors::group_mail_for{group_id{group}, std::move(mail)});
  }

  memory_store disk_;
  without_quorum records_{7};
  actors::silent_nodes nobody_;
  std::unique_ptr<simulated_node> node_;
  std::vector<answer> said_;
  std::uint64_t requests_ = 0;
};

TEST_F(waiting_mail_test, what_nobody_waits_for_any_more_is_not_kept) {
  const auto& kept = node_->context().mail_bytes;
  for (std::uint32_t n = 0; n < 500; ++n)
    ask(1 + n % 50, 400, 5'000);
  caf::anon_send(node_->context().route.shard(shard_id{0}), actors::registry_mail{{settle_answer{}, place_reply{}}, {}});
  run(1'000);
  EXPECT_GT(kept, 500U * 400U);
  EXPECT_TRUE(said_.empty());
  run(5'000);
  EXPECT_EQ(said_.size(), 500U);
  for (const auto& a : said_)
    EXPECT_EQ(a.what, outcome::unknown);
  run(10'000);
  EXPECT_EQ(kept, 0U) << "what says no deadline comes again by itself";
}

TEST_F(waiting_mail_test, past_a_bound_of_bytes_over_the_node_a_command_is_refused_as_busy) {
  constexpr std::size_t sealed = 8'000;
  for (std::uint32_t n = 0; n < 10'000; ++n)  // 80 MB, for more slot groups than any bound of one of them would stop
    ask(1 + n, sealed, 5'000);
  node_->settle();
  EXPECT_LE(node_->context().mail_bytes, actors::waiting_mail_bytes_max);
  EXPECT_GT(said_.size(), 1'000U);
  for (const auto& a : said_)
    ASSERT_EQ(a.what, outcome::busy);
  run(6'000);
  EXPECT_EQ(node_->context().mail_bytes, 0U);
  ask(1, sealed, 5'000);
  run(1'000);
  EXPECT_GT(node_->context().mail_bytes, sealed) << "there is room again";
}

// The disks that a booking would be written to decide, not that of the node which was asked for it.
TEST_F(waiting_mail_test, a_low_disk_counts_for_the_shards_that_it_holds_and_for_no_other) {
  auto& shared = node_->context();
  const auto say = [&](std::uint64_t low) {
    std::map<std::uint64_t, actors::told_report> all;
    for (const std::uint64_t node : {1, 2, 3, 4}) {
      all[node].report.storage_low = node == low;
      all[node].at = node_->now();
    }
    shared.told_reports.set(std::make_shared<const std::map<std::uint64_t, actors::told_report>>(std::move(all)));
    run(2'000);
  };
  say(3);
  EXPECT_TRUE(shared.disks_low[0]);
  say(0);
  EXPECT_FALSE(shared.disks_low[0]);
  say(4);
  EXPECT_FALSE(shared.disks_low[0]) << "node 4 holds no copy of it";
  shared.storage_low = true;
  say(0);
  EXPECT_FALSE(shared.disks_low[0]) << "what this node has not reported itself is not counted twice";
}

}  // namespace
}  // namespace janji::sim
