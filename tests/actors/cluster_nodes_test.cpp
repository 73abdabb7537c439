// Three real nodes in one process: real stores, real links over loopback, real threads; only the store of records is in
// memory. One dies without a word, and comes back.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "actors/node.hpp"
#include "actors/peers.hpp"
#include "booking/booking_end.hpp"
#include "cluster/placement.hpp"
#include "net/links/links.hpp"
#include "store/node_store.hpp"
#include "tests/actors/hanging_disk.hpp"
#include "tests/temporary_directory.hpp"

namespace janji::actors {
namespace {

using namespace std::chrono_literals;
constexpr std::size_t nodes_count = 3;
constexpr std::uint16_t shards = 8;

// Linearizable, and whoever follows is told at once.
class shared_records final : public cluster::config_store {
public:
  std::expected<cluster::versioned_record, std::string> read(shard_id shard) override {
    const std::lock_guard lock(mutex_);
    return records_[shard];
  }
  cluster::swap_outcome swap(shard_id shard, std::uint64_t expected_revision, const cluster::shard_record& record) override {
    cluster::versioned_record now;
    {
      const std::lock_guard lock(mutex_);
      auto& known = records_[shard];
      if (known.revision != expected_revision)
        return {cluster::swap_result::lost, known};
      now = known = {++revision_, record};
    }
    changed({shard, now});
    return {cluster::swap_result::won, now};
  }
  // Called before whoever swapped has its answer.
  std::function<void(const cluster::shard_change&)> changed = [](const auto&) {};

private:
  std::mutex mutex_;
  std::uint64_t revision_ = 0;
  std::map<shard_id, cluster::versioned_record> records_;
};

struct one_node {
  test::temporary_directory directory;
  std::shared_ptr<test::hanging_disk> medium = std::make_shared<test::hanging_disk>();
  std::unique_ptr<rocksdb::Env> env = rocksdb::NewCompositeEnv(std::make_shared<test::hanging_files>(medium));
  std::unique_ptr<store::node_store> disk;
  std::unique_ptr<node> runs;
  net::links* links = nullptr;
  std::uint16_t port = 0;
};

class cluster_nodes_test : public testing::Test {
protected:
  void SetUp() override {
    // Who is to lead may hear of it last, as over a slow watch: then what it is asked comes before.
    records_.changed = [this](const cluster::shard_change& c) {
      const auto leader = c.record.record.leader.node - 1;
      for (std::size_t i = 0; i < nodes_count; ++i)
        if (i != leader)
          tell(i, c);
      const auto lag = lag_.load();
      if (lag == 0ms)
        return tell(leader, c);
      const std::lock_guard lock(late_mutex_);
      late_.emplace_back([this, leader, lag, c] {
        std::this_thread::sleep_for(lag);
        tell(leader, c);
      });
    };
    for (std::size_t i = 0; i < nodes_count; ++i)
      start(i);
    for (std::uint16_t s = 0; s < shards; ++s) {
      cluster::shard_record r{epoch_t{1}, {}, {}, {}, 2, 3};
      for (std::size_t i = 0; i < nodes_count; ++i)
        r.in_sync.push_back({i + 1, nodes_[i].disk->disk_id()});
      r.leader = r.in_sync[s % nodes_count];
      ASSERT_EQ(records_.swap(shard_id{s}, 0, r).result, cluster::swap_result::won);
    }
  }
  void TearDown() override {
    leaving_ = true;
    {
      const std::lock_guard lock(late_mutex_);
      late_.clear();
    }
    for (std::size_t i = 0; i < nodes_count; ++i)
      end(i);
  }

  void tell(std::size_t i, const cluster::shard_change& c) {
    const std::lock_guard lock(nodes_mutex_);
    if (nodes_[i].runs)
      nodes_[i].runs->record_changed(c);
  }
  void start(std::size_t i) {
    auto& n = nodes_[i];
    store::store_options options;
    options.path = n.directory.path() + "/store";
    options.env = n.env.get();
    options.ballast_bytes = 0;
    options.disk_low_mark = 0;
    auto opened = store::node_store::open(options);
    ASSERT_TRUE(opened.has_value()) << opened.error().text();
    n.disk = std::move(*opened);
    node_options o;
    o.shard_count = shards;
    o.publish_every_ms = 20;
    o.cluster = cluster_options{tick_ms_};
    cluster_ports ports;
    ports.node = i + 1;
    ports.records = &records_;
    ports.link = [&, i](cluster::peer_events& events) -> std::expected<std::unique_ptr<cluster::peer_links>, std::string> {
      net::link_options l;
      l.cluster = "test";
      l.node = i + 1;
      l.boot = replication::boot_t{n.disk->boot()};
      l.port = n.port;
      l.silence_ms = 500;
      auto made = net::links::open(l, events);
      if (!made)
        return std::unexpected(made.error());
      n.links = made->get();
      n.port = n.links->port();
      return std::move(*made);
    };
    auto made = node::start(o, *n.disk, [this](const std::string& why) { ADD_FAILURE() << why; }, ports);
    ASSERT_TRUE(made.has_value()) << made.error();
    (*made)->set_answer_sink([this](std::vector<answer>&& answers) { heard(std::move(answers)); });
    EXPECT_NE((*made)->first_request() >> request_life_shift, next_request_[i] >> request_life_shift)
        << "an answer to a former life's request could be taken for another's";
    next_request_[i] = (*made)->first_request();
    {
      const std::lock_guard lock(nodes_mutex_);
      n.runs = std::move(*made);
    }
    for (std::uint16_t s = 0; s < shards; ++s)  // what the watch shows first
      if (const auto r = records_.read(shard_id{s}); r->revision != 0)
        n.runs->record_changed({shard_id{s}, *r});
    tell_members();
  }
  void tell_members() {
    std::map<std::uint64_t, std::string> peers;
    cluster::placement_picture placement;
    placement.wanted.assign(shards, wanted_);
    for (std::size_t k = 0; k < nodes_count; ++k)
      if (nodes_[k].runs) {
        peers[k + 1] = "127.0.0.1:" + std::to_string(nodes_[k].port);
        placement.members.push_back({k + 1, nodes_[k].disk->disk_id(), {}, peers[k + 1], {}, {}});
      }
    for (auto& n : nodes_)
      if (n.runs) {
        n.links->set_peers(peers);
        n.runs->placement_changed(placement);
      }
  }
  bool whole() {
    for (std::uint16_t s = 0; s < shards; ++s)
      if (records_.read(shard_id{s})->record.in_sync.size() != nodes_count)
        return false;
    return true;
  }
  // Without a word: nothing is flushed or handed over.
  void end(std::size_t i) {
    std::unique_ptr<node> gone;
    {
      const std::lock_guard lock(nodes_mutex_);
      gone = std::move(nodes_[i].runs);
    }
    gone.reset();
    nodes_[i].disk.reset();
    if (!leaving_)
      tell_members();
  }

  void heard(std::vector<answer>&& answers) {
    const std::lock_guard lock(told_mutex_);
    for (auto& a : answers)
      told_[a.request.value] = std::move(a);
    told_changed_.notify_all();
  }
  std::vector<tenure_id> tenures() {
    std::vector<tenure_id> out;
    for (std::uint16_t s = 0; s < shards; ++s)
      out.push_back(records_.read(shard_id{s})->record.tenure);
    return out;
  }
  std::size_t told() {
    const std::lock_guard lock(told_mutex_);
    return told_.size();
  }
  // The answer; unknown when there is none within the deadline and a little.
  answer wait_for(request_id request, std::chrono::milliseconds patience) {
    std::unique_lock lock(told_mutex_);
    if (!told_changed_.wait_for(lock, patience, [&] { return told_.contains(request.value); }))
      return {request, outcome::unknown};
    return told_.at(request.value);
  }
  static bool eventually(const std::function<bool()>& good) {
    const auto until = std::chrono::steady_clock::now() + 30s;
    while (!good()) {
      if (std::chrono::steady_clock::now() > until)
        return false;
      std::this_thread::sleep_for(5ms);  // of polling
    }
    return true;
  }

  void import(std::uint32_t capacity = 20) {
    round_definition d;
    d.rules.changes_max = limits::changes_max_most;  // its citizens never rest
    d.code = "R";
    d.name = "a round";
    d.time_zone = "Asia/Kuala_Lumpur";
    d.closes_at = unix_ms{4'000'000'000'000};
    d.centres = {{"A", "centre A", "Selangor", "Petaling", 3, 101}};
    for (unsigned g = 0; g < 12; ++g) {
      group_definition group;
      group.date = std::chrono::year{2027} / 1 / (1 + g);
      group.windows.push_back({540, 600, capacity});
      d.groups.push_back(std::move(group));
    }
    say_ends(d);  // as they must be where not all nodes know of others
    // Only where shard 0 is led: the others say so.
    ASSERT_TRUE(eventually([&] {
      for (auto& n : nodes_) {
        std::promise<bool> done;
        n.runs->import_round(d, "op", [&done](const auto& r) { done.set_value(r.has_value() || r.error().starts_with("wrong_state")); });
        if (done.get_future().get())
          return true;
      }
      return false;
    }));
    ASSERT_TRUE(eventually([&] {
      std::promise<bool> done;
      nodes_[0].runs->change_round(round_id{1}, round_order::open, {}, {"op"}, [&done](const auto& r) { done.set_value(r == "open"); });
      return done.get_future().get();
    })) << "the round is opened in every shard";
    const auto knows_all = [](const auto& n) { return n.runs->ready() && n.runs->figures()->size() == 12; };
    ASSERT_TRUE(eventually([&] { return std::ranges::all_of(nodes_, knows_all); }))
        << "the round and every slot group's numbers reach every front" << what_they_know();
  }
  std::string what_they_know() {
    std::string out;
    for (std::size_t i = 0; i < nodes_count; ++i) {
      out += "\nnode " + std::to_string(i + 1) + (nodes_[i].runs->ready() ? " is ready" : " is not ready") + ", knows the groups";
      const auto figures = nodes_[i].runs->figures();
      for (const auto& f : *figures)
        out += ' ' + std::to_string(f.group.value);
      out += "; leads";
      for (const auto& s : nodes_[i].runs->status().shards)
        if (s.serving)
          out += " shard " + std::to_string(s.shard.value) + " with " + std::to_string(s.groups_active) + " groups";
    }
    return out;
  }

  static citizen_hash hash_of(unsigned citizen) {
    citizen_hash who;
    who.bytes[0] = static_cast<std::uint8_t>(citizen);
    who.bytes[1] = static_cast<std::uint8_t>(citizen >> 8);
    return who;
  }
  static shard_id shard_of(unsigned citizen) { return cluster::shard_of_citizen(hash_of(citizen), shards); }
  shard_id shard_of_group(std::uint32_t group) { return nodes_[0].runs->catalogue()->groups.find(group)->second.shard; }
  request_id ask(std::size_t at, unsigned citizen, std::uint32_t group, std::int64_t patience_ms) {
    const request_id request{++next_request_[at]};
    const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
    book_command b{request, body_hash{group}, window_index{0}, unix_ms{now + patience_ms}, {}};
    b.people.push_back(
        {hash_of(citizen), reference::make(shard_of(citizen), ++next_reference_), key_hash{citizen + 1ULL}, {1, 2}, sealed_of(citizen)});
    std::vector<citizen_command> turn;
    turn.push_back(routed_booking{group_id{group}, std::move(b)});
    nodes_[at].runs->submit(std::move(turn));
    return request;
  }
  // Asks at a node, with the same key again while the answer is "later" or unknown, as citizens do.
  answer book(std::size_t at, unsigned citizen, std::uint32_t group) {
    answer said;
    for (int tries = 0; tries < 60; ++tries) {
      said = wait_for(ask(at, citizen, group, 1'000), 1'500ms);
      if (said.what == outcome::confirmed || said.what == outcome::full || said.what == outcome::already_booked ||
          said.what == outcome::key_reused)
        return said;
    }
    return said;
  }
  std::uint32_t group_of(unsigned citizen) { return 1 + citizen % 12; }
  static std::string sealed_of(unsigned citizen) { return "sealed " + std::to_string(citizen); }

  // On every disk, what all were told.
  void expect_stored(const std::map<unsigned, reference>& confirmed) {
    for (const auto& [citizen, ref] : confirmed)
      for (std::size_t at = 0; at < nodes_count; ++at) {
        const auto again = book(at, citizen, group_of(citizen));
        ASSERT_EQ(again.what, outcome::confirmed) << "citizen " << citizen << " at node " << at + 1;
        ASSERT_EQ(again.places.at(0).ref, ref) << "one key, one reference";
      }
  }

  std::uint32_t tick_ms_ = 10;
  bool leaving_ = false;
  std::atomic<std::chrono::milliseconds> lag_{0ms};
  std::mutex late_mutex_;
  std::vector<std::jthread> late_;              // ends before anything above goes
  std::vector<std::uint64_t> wanted_{1, 2, 3};  // of every shard, the leader first
  shared_records records_;
  std::mutex nodes_mutex_;
  std::array<one_node, nodes_count> nodes_;
  std::mutex told_mutex_;
  std::condition_variable told_changed_;
  std::map<std::uint64_t, answer> told_;
  std::array<std::uint64_t, nodes_count> next_request_{};
  std::uint64_t next_reference_ = 0;
};

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

// What operators open, as it is kept.
struct sealed_records_test : cluster_nodes_test {
  using records = std::map<std::uint64_t, std::string>;  // by reference
  std::expected<records, std::string> sealed_at(std::size_t at, std::uint32_t group) {
    records out;
    schema::records_ask ask{group_id{group}};
    for (;;) {
      std::promise<std::expected<schema::sealed_places, std::string>> told;
      nodes_[at].runs->sealed_records(ask, [&told](auto r) { told.set_value(std::move(r)); });
      const auto part = told.get_future().get();
      if (!part)
        return std::unexpected(part.error());
      for (const auto& p : part->places)
        out[p.ref.value] = p.sealed + p.fault;
      if (!part->more)
        return out;
      ask.after = part->places.back().ref;
    }
  }
  std::expected<booked_place, std::string> place_at(std::size_t at, reference ref) {
    std::promise<std::expected<booked_place, std::string>> told;
    nodes_[at].runs->find_place(ref, [&told](auto r) { told.set_value(std::move(r)); });
    return told.get_future().get();
  }
  void move(reference ref, unsigned citizen, std::uint32_t to) {
    ASSERT_TRUE(eventually([&] {
      const request_id request{++next_request_[0]};
      const unix_ms until{nodes_[0].runs->now().value + 1'000};
      std::vector<citizen_command> turn;
      turn.emplace_back(
          move_command{request, ref, 0, group_id{to}, window_index{0}, key_hash{5'000ULL + citizen * 16ULL + to}, body_hash{to}, until});
      nodes_[0].runs->submit(std::move(turn));
      return wait_for(request, 1'500ms).what == outcome::moved;
    }));
  }
  template <class T>
  static std::string why_not(const std::expected<T, std::string>& said) {
    return said ? std::string() : said.error();
  }
  void raise_level() {
    for (auto& n : nodes_)
      if (n.runs)
        n.runs->feature_level_changed(1);
  }
};

TEST_F(sealed_records_test, any_node_is_told_what_lies_anywhere_wherever_it_was_moved_to_and_whoever_dies) {
  import();
  std::map<std::uint32_t, records> expected;
  std::map<reference, std::uint32_t> where;
  for (unsigned citizen = 0; citizen < 48; ++citizen) {
    const auto said = book(citizen % nodes_count, citizen, group_of(citizen));
    ASSERT_EQ(said.what, outcome::confirmed) << "citizen " << citizen;
    const auto ref = said.places.at(0).ref;
    auto group = group_of(citizen);
    for (unsigned moves = citizen % 3; moves > 0; --moves) {
      group = 1 + group % 12;
      move(ref, citizen, group);
      ASSERT_FALSE(HasFatalFailure());
    }
    expected[group][ref.value] = sealed_of(citizen);
    where[ref] = group;
  }
  raise_level();
  const auto all_at = [&](std::size_t at) {
    for (std::uint32_t group = 1; group <= 12; ++group)
      EXPECT_TRUE(eventually([&] { return sealed_at(at, group) == expected[group]; })) << "node " << at + 1 << ", group " << group;
    for (const auto& [ref, group] : where)
      EXPECT_TRUE(eventually([&] { return place_at(at, ref).value_or(booked_place{}).group == group_id{group}; })) << "node " << at + 1;
    EXPECT_TRUE(why_not(place_at(at, reference::make(shard_id{3}, 1ULL << 40U))).starts_with("not_found: "));
  };
  for (std::size_t at = 0; at < nodes_count; ++at)
    all_at(at);
  end(2);
  for (std::size_t at = 0; at < 2; ++at)
    all_at(at);
}

// What it has on its disk may not be what is committed any more.
TEST_F(sealed_records_test, a_node_that_nobody_follows_any_more_tells_nothing) {
  import();
  for (unsigned citizen = 0; citizen < 12; ++citizen)
    ASSERT_EQ(book(0, citizen, group_of(citizen)).what, outcome::confirmed);
  raise_level();
  end(1);
  end(2);
  std::array<std::promise<std::string>, 12> told;
  for (std::uint32_t group = 1; group <= 12; ++group)
    nodes_[0].runs->sealed_records({group_id{group}}, [&told, group](const auto& r) { told[group - 1].set_value(why_not(r)); });
  for (auto& t : told)
    EXPECT_TRUE(t.get_future().get().starts_with("busy: "));
}

TEST_F(sealed_records_test, below_the_feature_level_a_node_tells_what_it_leads_and_asks_nobody) {
  import();
  std::size_t own = 0;
  for (std::uint32_t group = 1; group <= 12; ++group) {
    const auto leader = records_.read(shard_of_group(group))->record.leader.node;
    std::expected<records, std::string> said;
    EXPECT_TRUE(eventually([&] {  // it has not heard of every record yet
      said = sealed_at(0, group);
      return !why_not(said).starts_with("busy: ");
    }));
    own += leader == 1 ? 1 : 0;
    EXPECT_EQ(said.has_value(), leader == 1) << "group " << group;
    EXPECT_TRUE(said || said.error().starts_with("wrong_state: ")) << said.error();
  }
  EXPECT_GT(own, 0U);
}

}  // namespace
}  // namespace janji::actors
