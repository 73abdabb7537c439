// A leader that begins asks shard 0 what is admitted, before it admits anything by what its own log says.
#include <gtest/gtest.h>

#include "tests/actors/one_actor_test.hpp"
#include "tests/actors/simulated_node.hpp"

namespace janji::sim {
namespace {

// Shard 0 is led by node 2, shard 1 by this node alone.
class two_shards final : public cluster::config_store {
public:
  std::expected<cluster::versioned_record, std::string> read(shard_id shard) override { return records_.at(shard.value); }
  cluster::swap_outcome swap(shard_id shard, std::uint64_t expected, const cluster::shard_record& to) override {
    auto& known = records_.at(shard.value);
    if (expected != known.revision)
      return {cluster::swap_result::lost, known};
    known = {known.revision + 1, to};
    return {cluster::swap_result::won, known};
  }

private:
  std::vector<cluster::versioned_record> records_{{1, {epoch_t{1}, {2, 2}, {{2, 2}}, {}, 1, 1}},
                                                  {1, {epoch_t{1}, {1, 7}, {{1, 7}}, {}, 1, 1}}};
};

struct asked_nodes final : actors::silent_nodes {
  void ask_admission(std::uint64_t node, shard_id shard, std::uint64_t) override { asked.emplace_back(node, shard.value); }
  void tell_admission_held(std::uint64_t, shard_id, sequence_t position) override { held.push_back(position); }
  std::vector<sequence_t> held;
  std::vector<std::pair<std::uint64_t, std::uint16_t>> asked;
};

actors::node_options of_two_shards() {
  actors::node_options o;
  o.shard_count = 2;
  o.cluster = actors::cluster_options{25};
  return o;
}

seat seat_of(two_shards& records, asked_nodes& others) {
  seat s;
  s.disk = 7;
  s.records = &records;
  s.peers = &others;
  return s;
}

void run(simulated_node& node) {
  for (int i = 0; i < 60; ++i) {
    node.advance(25);
    node.settle();
  }
}

std::vector<std::pair<std::uint64_t, std::uint16_t>> asked_by_a_new_leader(const planted_faults& faults) {
  memory_store disk;
  two_shards records;
  asked_nodes others;
  simulated_node node(disk.wipe(1), of_two_shards(), faults, seat_of(records, others));
  node.start();
  run(node);
  EXPECT_TRUE(node.context().shard_statuses[1].load()->serving);
  return others.asked;
}

TEST(admission_asked, a_new_leader_asks_shard_0_until_it_is_told) {
  const auto asked = asked_by_a_new_leader({});
  ASSERT_GE(asked.size(), 2U) << "and asks again";
  for (const auto& a : asked)
    EXPECT_EQ(a, (std::pair<std::uint64_t, std::uint16_t>{2, 1}));
}

TEST(admission_asked, one_that_takes_its_own_log_for_enough_does_not_ask) {
  planted_faults faults;
  faults.know_at_once = true;
  EXPECT_TRUE(asked_by_a_new_leader(faults).empty());
}

// Of two orders that came at one moment the first alone was recovered: an heir that is handed the tenure admits by it at once.
TEST(admission_asked, of_an_entry_with_two_orders_a_new_leader_has_the_last) {
  memory_store disk;
  auto& store = disk.wipe(1);
  const auto state = [](std::uint64_t position, round_state to) {
    const round_admission r{round_id{1}, to, unix_ms{1}, unix_ms{9'000'000'000'000}};
    return schema::owned_event{schema::owner::of_admission(), admission_event{admission_set{{sequence_t{position}, {r}}}}};
  };
  store::shard_write w{shard_id{1}, epoch_t{1}, {}, {}};
  w.append.push_back(
      {epoch_t{1}, sequence_t{1}, schema::encode_batch(std::vector{state(5, round_state::open), state(8, round_state::paused)})});
  ASSERT_TRUE(store.write(std::vector{w}));
  two_shards records;
  asked_nodes others;
  simulated_node node(store, of_two_shards(), {}, seat_of(records, others));
  std::size_t appended = 0;
  node.on_synced = [&](const store::shard_write& written) {
    for (const auto& e : written.append)
      appended += e.payload.empty() ? 0 : 1;
  };
  node.start();
  run(node);
  ASSERT_TRUE(node.context().shard_statuses[1].load()->serving);
  const auto paused = std::get<admission_set>(std::get<admission_event>(state(8, round_state::paused).event)).state;
  caf::anon_send(node.context().route.shard(shard_id{1}), actors::admission_told{2, 0, std::make_shared<const admission_state>(paused)});
  run(node);
  EXPECT_EQ(others.held, std::vector{sequence_t{8}});
  EXPECT_EQ(appended, 0U) << "it is in the log already";
}

}  // namespace
}  // namespace janji::sim
