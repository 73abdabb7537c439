// One of three nodes dies without a word, and comes back; or hangs, or is slow.
#include <algorithm>
#include <array>
#include <future>
#include <map>
#include <thread>

#include "tests/actors/cluster_nodes.hpp"

namespace janji::actors {
namespace {

TEST_F(cluster_nodes_test, a_cluster_without_rounds_is_ready) {
  EXPECT_TRUE(eventually([&] { return std::ranges::all_of(nodes_, [](const auto& n) { return n.runs->ready(); }); }));
  const auto dates_the_rounds = [](const auto& n) {
    const auto fresh = n.runs->how_fresh();
    return fresh->of_rounds && n.runs->now().value - fresh->of_rounds->value < 1'000;
  };
  EXPECT_TRUE(eventually([&] { return std::ranges::all_of(nodes_, dates_the_rounds); }));
}

// A front said *now* of its own shards for ever, though both others had gone on without it or were gone.
TEST_F(cluster_nodes_test, a_node_that_hears_nobody_shows_numbers_that_grow_old) {
  import();
  ASSERT_TRUE(eventually([&] { return nodes_[0].runs->knows_rounds(); }));
  end(1);
  end(2);
  const auto age_ms = [&] {
    const auto fresh = nodes_[0].runs->how_fresh();
    return nodes_[0].runs->now().value - fresh->rounds.at(1).as_of.value_or(unix_ms{}).value;
  };
  EXPECT_TRUE(eventually([&] { return age_ms() > 3'000; }));
  EXPECT_TRUE(eventually([&] {
    const auto fresh = nodes_[0].runs->how_fresh();
    return nodes_[0].runs->now().value - fresh->of_rounds.value_or(unix_ms{}).value > 3'000;
  }));
}

TEST_F(cluster_nodes_test, any_front_books_anywhere_and_all_agree) {
  import();
  std::map<unsigned, reference> confirmed;
  for (unsigned citizen = 0; citizen < 60; ++citizen) {
    const auto said = book(citizen % nodes_count, citizen, group_of(citizen));
    ASSERT_EQ(said.what, outcome::confirmed) << "citizen " << citizen;
    confirmed[citizen] = said.places.at(0).ref;
  }
  expect_stored(confirmed);
  const auto elsewhere = book(1, 0, group_of(1));  // the key of another booking
  EXPECT_NE(elsewhere.what, outcome::confirmed);
  EXPECT_TRUE(eventually([&] {
    for (auto& n : nodes_) {
      std::uint32_t booked = 0;
      const auto figures = n.runs->figures();
      for (const auto& f : *figures)
        booked += f.windows.at(0).booked;
      if (booked != confirmed.size())
        return false;
    }
    return true;
  })) << "every front knows every number";
}

// Beside other work healthy disks take longer than the others' patience.
struct hung_disk_test : cluster_nodes_test {
  hung_disk_test() { tick_ms_ = 25; }
};

TEST_F(hung_disk_test, a_disk_that_hangs_takes_its_node_s_leaderships_and_nobody_s_booking) {
  import();
  std::map<unsigned, reference> confirmed;
  unsigned citizen = 0;
  const auto some = [&](unsigned count) {
    for (unsigned i = 0; i < count; ++i, ++citizen) {
      const auto said = book(1 + citizen % 2, citizen, group_of(citizen));
      ASSERT_EQ(said.what, outcome::confirmed) << "citizen " << citizen;
      confirmed[citizen] = said.places.at(0).ref;
    }
  };
  some(24);
  nodes_[0].medium->hang(true);
  some(24);
  EXPECT_TRUE(eventually([&] { return nodes_[0].runs->status().disk_waits >= 500ms; }));
  EXPECT_TRUE(eventually([&] {
    for (std::uint16_t s = 0; s < shards; ++s)
      if (records_.read(shard_id{s})->record.leader.node == 1)
        return false;
    return true;
  })) << "shards that nobody writes to are led elsewhere too";
  nodes_[0].medium->hang(false);
  ASSERT_FALSE(HasFatalFailure());
  EXPECT_TRUE(eventually([&] { return whole(); })) << "it has caught up with every shard";
  expect_stored(confirmed);
}

struct slow_disk_test : cluster_nodes_test {
  slow_disk_test() { tick_ms_ = 25; }
};

TEST_F(slow_disk_test, a_disk_that_is_slow_leads_nothing_and_is_waited_for_by_nobody_until_it_is_fast) {
  import(1'000);
  std::map<unsigned, reference> confirmed;
  unsigned citizen = 0;
  const auto until = [&](const std::function<bool()>& good) {
    return eventually([&] {
      for (int i = 0; i < 2; ++i, ++citizen)
        if (const auto said = book(1 + citizen % 2, citizen, group_of(citizen)); said.what == outcome::confirmed)
          confirmed[citizen] = said.places.at(0).ref;
      return good();
    });
  };
  const auto is_slow = [&](std::uint16_t s) {
    const auto r = records_.read(shard_id{s})->record;
    return r.leader.node != 1 && r.in_sync.size() == 2 && r.learners.size() == 1 && r.learners[0].node == 1;
  };
  const auto all = [&](const auto& good) {
    for (std::uint16_t s = 0; s < shards; ++s)
      if (!good(s))
        return false;
    return true;
  };
  nodes_[0].medium->slow(300ms);
  EXPECT_TRUE(until([&] { return all(is_slow); })) << "its shards are led by others, and it learns";
  nodes_[0].medium->slow(0ms);
  EXPECT_TRUE(until([&] { return whole(); })) << "it is taken in again";
  expect_stored(confirmed);
}

TEST_F(cluster_nodes_test, a_node_that_dies_takes_no_booking_with_it_and_comes_back) {
  import();
  std::map<unsigned, reference> confirmed;
  unsigned citizen = 0;
  const auto some = [&](unsigned count, std::size_t first, std::size_t last) {
    for (unsigned i = 0; i < count; ++i, ++citizen) {
      const auto said = book(first + citizen % (last - first + 1), citizen, group_of(citizen));
      ASSERT_EQ(said.what, outcome::confirmed) << "citizen " << citizen;
      confirmed[citizen] = said.places.at(0).ref;
    }
  };
  some(40, 0, 2);
  end(2);
  some(40, 0, 1);
  ASSERT_FALSE(HasFatalFailure());
  start(2);
  ASSERT_TRUE(eventually([&] { return nodes_[2].runs->ready(); }));
  some(40, 0, 2);
  expect_stored(confirmed);
  ASSERT_TRUE(eventually([&] { return whole(); })) << "it has caught up with every shard";
  end(0);
  some(20, 1, 2);
}

// The fronts see the next leader before the one that goes knows, and what they ask again still comes to it.
TEST_F(cluster_nodes_test, what_a_leader_was_asked_last_is_not_lost_when_leadership_moves) {
  import(5'000);
  lag_ = 20ms;
  unsigned citizen = 0;
  for (const std::uint64_t leader : {2, 3, 1, 2}) {
    wanted_ = {leader, leader % 3 + 1, (leader + 1) % 3 + 1};
    tell_members();
    const auto moved = [&] {
      for (std::uint16_t s = 0; s < shards; ++s)
        if (records_.read(shard_id{s})->record.leader.node != leader)
          return false;
      return true;
    };
    std::vector<std::pair<unsigned, request_id>> asked;
    const auto before = tenures();
    const auto told_before = told();
    for (int turns = 0; !moved() && turns < 60'000; ++turns) {
      // Some at every moment, at every node, and no more than are answered.
      constexpr std::size_t open_max = 600;
      for (std::size_t at = 0; at < nodes_count && asked.size() < told() - told_before + open_max; ++at, ++citizen)
        asked.emplace_back(citizen, ask(at, citizen, group_of(citizen), 10'000));
      std::this_thread::sleep_for(2ms);
    }
    ASSERT_TRUE(moved());
    // On a machine with too much to do a lease lapses, or an heir is not heard in time: then *busy* is a true answer.
    const auto after = tenures();
    const auto in_order = [&](shard_id s) { return before[s.value] == after[s.value]; };
    for (const auto& [who, request] : asked) {
      auto answer = wait_for(request, 11'000ms);
      if (answer.what != outcome::confirmed && !(in_order(shard_of_group(group_of(who))) && in_order(shard_of(who))))
        answer = book(0, who, group_of(who));
      ASSERT_EQ(answer.what, outcome::confirmed) << "citizen " << who;
    }
  }
  lag_ = 0ms;
}

// Each front counted for itself, and began anew with each start: what was shown depended on whom one asked.
TEST_F(cluster_nodes_test, refusals_are_counted_over_all_nodes_that_are_heard) {
  for (std::size_t i = 0; i < nodes_count; ++i)
    nodes_[i].runs->count_refusal("full");
  nodes_[2].runs->count_refusal("paused");
  const auto shows = [&](std::size_t nodes, std::size_t unheard, std::uint64_t full) {
    const auto sum = nodes_[0].runs->refusals();
    return sum.nodes == nodes && sum.unheard == unheard && sum.by_code.contains("full") && sum.by_code.at("full") == full;
  };
  ASSERT_TRUE(eventually([&] { return shows(3, 0, 3); }));
  EXPECT_EQ(nodes_[0].runs->refusals().by_code.at("paused"), 1U);
  const auto since = nodes_[0].runs->refusals().since;
  end(1);
  ASSERT_TRUE(eventually([&] { return shows(2, 1, 2); })) << "what a node counted that is gone is not there any more, and that is said";
  start(1);
  ASSERT_TRUE(eventually([&] { return shows(3, 0, 2); }));
  EXPECT_GT(nodes_[0].runs->refusals().since, since);
}

// Whoever was asked dies: the next leader is asked the same, and what it cannot know is said, long before the patience of an operator ends.
TEST_F(cluster_nodes_test, an_operators_order_is_answered_by_the_next_leader) {
  import();
  std::mutex mutex;
  std::vector<std::string> said;
  const auto heard = [&](const auto& r) {
    const std::lock_guard lock(mutex);
    said.push_back(r ? *r : r.error());
  };
  end(1);
  for (std::uint32_t group = 1; group <= 12; ++group)
    nodes_[0].runs->change_capacity(group_id{group}, window_index{0}, 30, "more staff", {"op"}, heard);
  ASSERT_TRUE(eventually([&] {
    const std::lock_guard lock(mutex);
    return said.size() == 12;
  }));
  for (const auto& words : said)
    EXPECT_TRUE(words == "changed" || words.contains("another node leads it since")) << words;
}

// Whoever leads the group may have died, or lack the members that it needs to commit.
TEST_F(cluster_nodes_test, an_operators_order_is_answered_though_it_cannot_be_carried_out) {
  import();
  end(1);
  end(2);
  std::mutex mutex;
  std::vector<std::string> said;
  const auto heard = [&](const auto& r) {
    const std::lock_guard lock(mutex);
    said.push_back(r ? *r : r.error());
  };
  for (std::uint32_t group = 1; group <= 12; ++group)
    nodes_[0].runs->change_capacity(group_id{group}, window_index{0}, 30, "more staff", {"op"}, heard);
  citizen_hash who;
  nodes_[0].runs->release_claim(who, "seen the card", {"op"}, heard);
  EXPECT_TRUE(eventually([&] {
    const std::lock_guard lock(mutex);
    return said.size() == 13;
  }));
  for (const auto& why : said)
    EXPECT_TRUE(why.starts_with("unknown: ")) << why;
  EXPECT_TRUE(eventually([&] { return !nodes_[0].runs->knows_rounds(); })) << "it must not say that there is no round of a name";
}

}  // namespace
}  // namespace janji::actors
