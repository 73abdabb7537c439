// Three real nodes in one process: real stores, real links over loopback, real threads; only the store of records is in
// memory. One dies without a word, and comes back.
#pragma once

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

using namespace std::chrono_literals;
inline constexpr std::size_t nodes_count = 3;
inline constexpr std::uint16_t shards = 8;

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

}  // namespace janji::actors
