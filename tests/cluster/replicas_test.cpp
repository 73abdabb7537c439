// Several replicas by hand: each counter-example and each shipped bug of replication.md that one short story can show. What
// needs many things at once is the simulator's (tests/sim/replication_sim).
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "booking/assert.hpp"
#include "cluster/replication/machine.hpp"

namespace janji::replication {
namespace {

struct asserted {};

// Nodes 0, 1, 2 ..., their disks, their links and the record. Disks sync and links deliver when the test says so.
struct cluster_test : testing::Test {
  struct node {
    std::unique_ptr<machine> m;
    epoch_t promised;
    position base;
    std::vector<entry> log;
    std::optional<persist> busy;
    std::vector<output> said;  // everything but writes, messages and swaps
    boot_t boot;
    std::uint64_t disk = 0;
    bool up = true;
  };
  std::vector<node> nodes = std::vector<node>(4);
  versioned_record record;
  planted_faults faults;
  std::vector<send> net;
  std::optional<std::pair<int, swap_record>> swapping;
  std::uint64_t batches = 0;

  void SetUp() override {
    set_assertion_handler([](const char*, std::source_location) { throw asserted{}; });
    record = {1, {epoch_t{1}, who(0), {who(0), who(1), who(2)}, {}, 2, 3}};
  }
  void TearDown() override { set_assertion_handler(nullptr); }

  [[nodiscard]] node& at(int n) { return nodes[static_cast<std::size_t>(n)]; }
  [[nodiscard]] member who(int n) { return {static_cast<std::uint64_t>(n), at(n).disk}; }
  [[nodiscard]] static position pos(std::uint64_t e, std::uint64_t s) { return {epoch_t{e}, sequence_t{s}}; }
  [[nodiscard]] position tail(int n) { return at(n).log.empty() ? at(n).base : at(n).log.back().at; }

  // ---- lives
  void start(int n, sequence_t commit = {}) {
    auto& x = at(n);
    x.up = true;
    x.busy.reset();
    x.boot = boot_t{x.boot.value + 1};
    x.m = std::make_unique<machine>(who(n), machine_options{.min_in_sync = 2, .boot = x.boot, .faults = faults});
    auto shape = log_shape::starting_at(x.base);
    for (const auto& e : x.log)
      shape.append(e.at);
    step(n, started{x.promised, tail(n), record, shape, std::max(commit, x.base.sequence), {}});
  }
  void crash(int n) {
    at(n).up = false;
    at(n).busy.reset();
  }
  void fill(int n, std::initializer_list<position> log, std::uint64_t promised) {
    for (const auto p : log)
      at(n).log.push_back({p, p.sequence.value == 1 ? "" : "e"});
    at(n).promised = epoch_t{promised};
  }

  // ---- plug-ins
  void step(int n, input&& in) {
    std::vector<output> out;
    at(n).m->step(std::move(in), out);
    for (auto& o : out) {
      if (auto* p = std::get_if<persist>(&o))
        at(n).busy = std::move(*p);
      else if (auto* m = std::get_if<send>(&o))
        net.push_back(std::move(*m));
      else if (auto* w = std::get_if<swap_record>(&o))
        swapping = {n, std::move(*w)};
      else if (auto* r = std::get_if<read_entries>(&o))
        read(n, *r);
      else if (auto* h = std::get_if<read_snapshot>(&o))
        step(n, snapshot_read{h->number, {at(n).m->log().position_at(at(n).m->commit()), "state"}});
      else
        at(n).said.push_back(std::move(o));
    }
  }
  void read(int n, const read_entries& r) {
    entries_read a{r.number, {}};
    for (const auto& e : at(n).log)
      if (e.at.sequence >= r.first && a.entries.size() < r.count_max)
        a.entries.push_back(e);
    step(n, std::move(a));
  }
  void sync(int n) {
    auto& x = at(n);
    if (!x.busy)
      return;
    const auto p = *std::exchange(x.busy, std::nullopt);
    if (p.promise)
      x.promised = *p.promise;
    if (p.install) {
      x.base = p.install->at;
      x.log.clear();
    }
    if (p.cut_after)
      std::erase_if(x.log, [&](const entry& e) { return e.at.sequence > *p.cut_after; });
    for (const auto& e : p.entries)
      x.log.push_back(e);
    step(n, persisted{p.number});
  }
  swap_result swap(swap_result told = swap_result::won, bool takes_effect = true) {
    auto [n, w] = *std::exchange(swapping, std::nullopt);
    if (takes_effect && record.revision == w.expected_revision)
      record = {record.revision + 1, w.record};
    else if (told == swap_result::won)
      told = swap_result::lost;
    step(n, swap_answered{told, told == swap_result::unknown ? versioned_record{} : record});
    return told;
  }
  // Delivers, syncs and swaps until nothing is left, to the nodes that are up.
  void run() {
    for (int i = 0; i < 1000; ++i) {
      bool idle = true;
      for (int n = 0; n < 4; ++n)
        if (at(n).up && at(n).busy) {
          sync(n);
          idle = false;
        }
      if (swapping) {
        swap();
        idle = false;
      }
      for (auto& m : std::exchange(net, {}))
        if (const int to = static_cast<int>(m.head.to.node); at(to).up && at(to).m) {
          step(to, received{m.head, m.what});
          idle = false;
        }
      if (idle)
        return;
    }
    FAIL() << "it never comes to rest";
  }
  void ticks(int n, int count) {
    for (int i = 0; i < count; ++i) {
      step(n, tick{0});
      run();
    }
  }
  // All ticks together, so that nobody seems silent.
  void ticks_all(int count) {
    for (int i = 0; i < count; ++i)
      for (int n = 0; n < 4; ++n)
        if (at(n).up && at(n).m)
          ticks(n, 1);
  }
  void see(int n) { step(n, record_seen{record}); }
  template <class T>
  [[nodiscard]] std::vector<T> heard(int n) {
    std::vector<T> all;
    for (const auto& o : at(n).said)
      if (const auto* x = std::get_if<T>(&o))
        all.push_back(*x);
    return all;
  }
  template <class T>
  [[nodiscard]] const T* to(int n) {
    for (const auto& m : net)
      if (static_cast<int>(m.head.to.node) == n)
        if (const auto* x = std::get_if<T>(&m.what))
          return x;
    return nullptr;
  }
  std::uint64_t book(int n) {
    step(n, append{++batches, "b" + std::to_string(batches)});
    return batches;
  }
  bool confirmed(int n, std::uint64_t batch) {
    return std::ranges::any_of(heard<committed>(n), [&](const committed& c) { return c.batch == batch; });
  }
  void serve() {
    for (int n = 0; n < 3; ++n)
      start(n);
    run();
    ASSERT_EQ(at(0).m->current_role(), machine::role::serving);
  }
  void send_again(int to_node, const send& m) { step(to_node, received{m.head, m.what}); }
};

// ------------------------------------------------------------------ the common way

TEST_F(cluster_test, three_fresh_replicas_serve_after_their_epoch_start_is_on_all_disks) {
  for (int n = 0; n < 3; ++n)
    start(n);
  run();
  EXPECT_EQ(at(0).m->current_role(), machine::role::serving);
  for (int n = 0; n < 3; ++n)
    EXPECT_EQ(tail(n), pos(2, 1));
  EXPECT_EQ(record.record.leader, who(0));
}

TEST_F(cluster_test, a_booking_is_confirmed_when_every_in_sync_disk_has_it_and_not_before) {
  serve();
  const auto b = book(0);
  sync(0);
  net.clear();  // nobody else has it
  EXPECT_FALSE(confirmed(0, b));
  at(0).said.clear();
  ticks_all(10);
  EXPECT_TRUE(confirmed(0, b)) << "it is sent again";
  EXPECT_EQ(tail(1), tail(0));
  EXPECT_EQ(tail(2), tail(0));
}

TEST_F(cluster_test, followers_learn_of_commits_and_apply_them_in_order) {
  serve();
  book(0);
  run();
  ticks_all(3);
  EXPECT_EQ(at(1).m->commit(), sequence_t{2});
  EXPECT_EQ(heard<apply_up_to>(1).back().at, pos(2, 2));
}

TEST_F(cluster_test, an_acknowledgement_is_given_only_after_the_sync) {
  serve();
  book(0);
  const auto m = *std::ranges::find_if(net, [](const send& x) { return x.head.to.node == 1; });
  net.clear();
  send_again(1, m);
  EXPECT_TRUE(net.empty());
  sync(1);
  ASSERT_EQ(net.size(), 1U);
  EXPECT_EQ(std::get<acknowledgement>(net[0].what).at, pos(2, 2));
}

TEST_F(cluster_test, messages_wait_while_a_write_is_on_its_way_to_disk) {
  serve();
  book(0);
  const auto m = *std::ranges::find_if(net, [](const send& x) { return x.head.to.node == 1; });
  net.clear();
  send_again(1, m);
  send_again(1, m);
  EXPECT_TRUE(net.empty());
  sync(1);
  EXPECT_EQ(net.size(), 2U) << "the repeated one is acknowledged again";
}

TEST_F(cluster_test, a_repeated_append_is_acknowledged_again) {
  serve();
  const auto b = book(0);
  const auto sent = net;
  sync(0);
  for (const auto& m : sent)
    send_again(static_cast<int>(m.head.to.node), m);
  sync(1);
  sync(2);
  net.clear();  // both acknowledgements are lost
  for (const auto& m : sent)
    send_again(static_cast<int>(m.head.to.node), m);
  run();
  EXPECT_TRUE(confirmed(0, b));
}

// ------------------------------------------------------------------ take-over and reconciliation

TEST_F(cluster_test, when_the_leader_is_silent_another_takes_over_and_the_booking_is_still_there) {
  serve();
  const auto b = book(0);
  run();
  ASSERT_TRUE(confirmed(0, b));
  crash(0);
  ticks(1, 100);
  EXPECT_EQ(record.record.leader, who(1));
  EXPECT_EQ(at(1).m->current_role(), machine::role::serving);
  EXPECT_EQ(record.record.in_sync, (std::vector{who(1), who(2)})) << "the dead one was dropped by a swap of its own";
  EXPECT_EQ(at(1).log[1].payload, "b1");
}

TEST_F(cluster_test, the_take_over_swap_names_the_leader_and_changes_nothing_else) {
  serve();
  crash(0);
  step(1, link_broken{0});
  for (int i = 0; i < 60 && !swapping; ++i)
    step(1, tick{0});
  ASSERT_TRUE(swapping);
  auto only_leader = record.record;
  only_leader.leader = who(1);
  only_leader.epoch = swapping->second.record.epoch;
  EXPECT_EQ(swapping->second.record, only_leader);
}

TEST_F(cluster_test, a_silent_member_is_dropped_during_reconciliation_too) {
  start(0);
  start(1);
  at(2).up = false;
  run();
  EXPECT_EQ(at(0).m->current_role(), machine::role::promising);
  for (int i = 0; i < 60; ++i) {
    ticks(0, 1);
    ticks(1, 1);
  }
  EXPECT_EQ(record.record.in_sync, (std::vector{who(0), who(1)}));
  EXPECT_EQ(at(0).m->current_role(), machine::role::serving);
}

TEST_F(cluster_test, a_leader_that_hears_nobody_changes_nothing) {
  serve();
  crash(1);
  crash(2);
  ticks(0, 100);
  EXPECT_EQ(record.record.in_sync.size(), 3U) << "fewer alive than the floor: no change of the record";
}

TEST_F(cluster_test, the_best_log_is_adopted_before_anybody_is_cut) {
  fill(0, {pos(1, 1)}, 2);
  fill(1, {pos(1, 1), pos(2, 2), pos(2, 3)}, 2);
  fill(2, {pos(1, 1), pos(1, 2), pos(1, 3), pos(1, 4)}, 2);
  for (int n = 0; n < 3; ++n)
    start(n);
  run();
  EXPECT_EQ(at(0).m->current_role(), machine::role::serving);
  for (int n = 0; n < 3; ++n) {
    ASSERT_EQ(at(n).log.size(), 4U) << n;
    EXPECT_EQ(at(n).log[1].at, pos(2, 2));
    EXPECT_EQ(at(n).log[2].at, pos(2, 3));
    EXPECT_EQ(at(n).log[3].at.epoch, at(0).m->epoch());
  }
}

TEST_F(cluster_test, a_follower_is_cut_by_position_and_never_to_its_own_commit_mark) {
  fill(0, {pos(1, 1), pos(1, 2), pos(1, 3)}, 1);
  fill(1, {pos(1, 1), pos(1, 2), pos(1, 3)}, 1);
  fill(2, {pos(1, 1), pos(1, 2), pos(1, 3)}, 1);
  for (int n = 0; n < 3; ++n)
    start(n, sequence_t{1});
  swap();
  sync(0);
  for (auto& m : std::exchange(net, {}))
    send_again(static_cast<int>(m.head.to.node), m);
  sync(1);
  ASSERT_NE(to<promise>(0), nullptr);
  EXPECT_EQ(to<promise>(0)->log.tail, pos(1, 3));
}

TEST_F(cluster_test, a_late_duplicate_of_the_reconcile_order_cuts_nothing) {
  for (int n = 0; n < 3; ++n)
    start(n);
  std::optional<send> order_sent;
  for (int i = 0; i < 100 && at(0).m->current_role() != machine::role::serving; ++i) {
    if (swapping)
      swap();
    for (int n = 0; n < 3; ++n)
      sync(n);
    for (auto& m : std::exchange(net, {})) {
      if (const auto* a = std::get_if<append_request>(&m.what); a != nullptr && a->may_cut && m.head.to.node == 1)
        order_sent = m;
      send_again(static_cast<int>(m.head.to.node), m);
    }
  }
  ASSERT_TRUE(order_sent);
  book(0);
  run();
  ASSERT_EQ(tail(1), pos(2, 2));
  send_again(1, *order_sent);
  run();
  EXPECT_EQ(tail(1), pos(2, 2));
}

TEST_F(cluster_test, a_restarted_leader_takes_a_new_epoch) {
  serve();
  book(0);  // sent, not synced
  const auto sent = net;
  crash(0);
  for (const auto& m : std::exchange(net, {}))
    send_again(static_cast<int>(m.head.to.node), m);
  sync(1);
  net.clear();
  start(0);
  ASSERT_TRUE(swapping) << "it does not go on in the epoch that it led";
  run();
  EXPECT_EQ(at(0).log[1].at, pos(2, 2)) << "what it had sent and forgotten was adopted from the other";
  EXPECT_EQ(at(0).log[2].at, pos(3, 3));
}

TEST_F(cluster_test, a_leader_whose_log_lacks_what_a_member_knows_to_be_committed_refuses_to_serve) {
  fill(0, {pos(1, 1)}, 1);
  fill(1, {pos(1, 1)}, 1);
  fill(2, {pos(1, 1)}, 1);
  start(0);
  start(1, sequence_t{1});
  start(2);
  swap();
  sync(0);
  for (auto& m : std::exchange(net, {}))
    send_again(static_cast<int>(m.head.to.node), m);
  sync(1);
  sync(2);
  for (auto& m : std::exchange(net, {})) {
    if (auto* p = std::get_if<promise>(&m.what))
      p->commit = sequence_t{9};
    send_again(0, m);
  }
  ASSERT_FALSE(heard<stepped_down>(0).empty());
  EXPECT_NE(heard<stepped_down>(0).back().why.find("forgot"), std::string::npos);
}

TEST_F(cluster_test, a_leader_whose_disk_forgot_what_the_others_have_compacted_adopts_their_snapshot) {
  fill(0, {pos(1, 1)}, 1);
  at(1).base = at(2).base = pos(1, 4);
  fill(1, {pos(1, 5)}, 1);
  fill(2, {pos(1, 5)}, 1);
  for (int n = 0; n < 3; ++n)
    start(n);
  run();
  EXPECT_EQ(at(0).m->current_role(), machine::role::serving);
  EXPECT_EQ(at(0).base, pos(1, 4));
  EXPECT_EQ(tail(0), pos(2, 6));
}

TEST_F(cluster_test, a_best_log_that_lacks_what_is_committed_here_is_not_adopted) {
  fill(0, {pos(1, 1), pos(1, 2)}, 2);
  fill(1, {pos(1, 1), pos(2, 2)}, 2);
  fill(2, {pos(1, 1), pos(2, 2)}, 2);
  start(0, sequence_t{2});
  start(1);
  start(2);
  run();
  EXPECT_EQ(heard<alarm>(0).size(), 1U);
  EXPECT_EQ(at(0).m->current_role(), machine::role::stopped);
}

TEST_F(cluster_test, a_member_that_no_longer_holds_the_log_that_it_reported_is_asked_again) {
  fill(0, {pos(1, 1)}, 1);
  fill(1, {pos(1, 1), pos(1, 2)}, 1);
  fill(2, {pos(1, 1)}, 1);
  for (int n = 0; n < 3; ++n)
    start(n);
  for (int i = 0; i < 50 && to<pull_request>(1) == nullptr; ++i) {
    if (swapping)
      swap();
    for (auto& m : std::exchange(net, {}))
      send_again(static_cast<int>(m.head.to.node), m);
    for (int n = 0; n < 3; ++n)
      sync(n);
  }
  ASSERT_NE(to<pull_request>(1), nullptr);
  const auto asked = *std::ranges::find_if(net, [](const send& m) { return std::holds_alternative<pull_request>(m.what); });
  net.clear();
  send_again(0, {{asked.head.epoch, who(1), boot_t{1}, who(0), boot_t{1}}, pulled{pos(1, 1), {}, std::nullopt}});
  EXPECT_EQ(at(0).m->current_role(), machine::role::promising);
  EXPECT_NE(to<promise_request>(1), nullptr);
  run();
  EXPECT_EQ(tail(0), pos(2, 3));
}

TEST_F(cluster_test, an_unfit_store_never_leads) {
  serve();
  crash(0);
  at(1).m = std::make_unique<machine>(who(1), machine_options{.min_in_sync = 2, .boot = boot_t{9}});
  step(1, started{at(1).promised, {}, record, {}, {}, "its counters disagree"});
  for (int i = 0; i < 200; ++i)
    step(1, tick{0});
  EXPECT_FALSE(swapping);
}

// ------------------------------------------------------------------ fences

TEST_F(cluster_test, an_older_leader_is_refused_for_ever_and_told_why) {
  serve();
  book(0);
  const auto old = net;
  sync(0);
  net.clear();
  at(0).up = false;  // cut off, and it goes on
  ticks(1, 100);
  ASSERT_EQ(record.record.leader, who(1));
  net.clear();
  const auto before = tail(2);
  for (const auto& m : old)
    if (m.head.to.node == 2)
      send_again(2, m);
  ASSERT_NE(to<refusal>(0), nullptr);
  EXPECT_EQ(to<refusal>(0)->promised, record.record.epoch);
  EXPECT_EQ(tail(2), before);
  at(0).up = true;
  run();
  EXPECT_EQ(heard<stepped_down>(0).back().unknown, std::vector<std::uint64_t>{1});
}

TEST_F(cluster_test, a_promise_is_on_disk_before_it_is_given) {
  start(1);
  step(1,
       received{{epoch_t{5}, who(0), boot_t{1}, who(1), boot_t{}}, promise_request{{2, {epoch_t{5}, who(0), {who(0), who(1)}, {}, 2, 3}}}});
  EXPECT_TRUE(net.empty());
  sync(1);
  EXPECT_EQ(at(1).promised, epoch_t{5});
  ASSERT_EQ(net.size(), 1U);
  step(1,
       received{{epoch_t{4}, who(0), boot_t{1}, who(1), boot_t{}}, promise_request{{1, {epoch_t{4}, who(0), {who(0), who(1)}, {}, 2, 3}}}});
  EXPECT_EQ(std::get<refusal>(net[1].what).promised, epoch_t{5});
}

TEST_F(cluster_test, who_is_not_listed_and_who_does_not_lead_are_not_followed) {
  start(3);
  step(3, received{{epoch_t{1}, who(0), boot_t{1}, who(3), boot_t{}}, promise_request{record}});
  EXPECT_FALSE(at(3).busy) << "node 3 is not in the record";
  start(1);
  step(1, received{{epoch_t{1}, who(2), boot_t{1}, who(1), boot_t{}}, promise_request{record}});
  EXPECT_FALSE(at(1).busy) << "node 2 does not lead";
}

TEST_F(cluster_test, messages_to_a_wiped_disk_and_of_a_former_life_are_dropped) {
  serve();
  const header to_old{epoch_t{2}, who(0), boot_t{1}, who(1), boot_t{1}};
  crash(1);
  start(1);
  net.clear();
  send_again(1, {to_old, heartbeat{}});
  ASSERT_NE(to<refusal>(0), nullptr) << "so that the leader hears of the new life";
  net.clear();
  send_again(1, {{epoch_t{2}, who(0), boot_t{1}, {1, 77}, boot_t{2}}, heartbeat{}});
  EXPECT_TRUE(net.empty());
  send_again(0, {{epoch_t{2}, who(1), boot_t{2}, who(0), boot_t{1}}, heartbeat_answer{}});
  const auto b = book(0);
  sync(0);
  net.clear();
  send_again(0, {{epoch_t{2}, who(1), boot_t{1}, who(0), boot_t{1}}, acknowledgement{pos(2, 2)}});
  send_again(0, {{epoch_t{2}, who(2), boot_t{1}, who(0), boot_t{1}}, acknowledgement{pos(2, 2)}});
  EXPECT_FALSE(confirmed(0, b)) << "node 1 acknowledged it in a life that is over";
}

TEST_F(cluster_test, a_heartbeat_is_not_an_acknowledgement_and_a_refusal_neither) {
  serve();
  const auto b = book(0);
  sync(0);
  net.clear();
  for (int n = 1; n < 3; ++n) {
    send_again(0, {{epoch_t{2}, who(n), boot_t{1}, who(0), boot_t{1}}, heartbeat_answer{1}});
    send_again(0, {{epoch_t{2}, who(n), boot_t{1}, who(0), boot_t{1}}, refusal{epoch_t{2}, at(0).m->log(), {}, false}});
  }
  EXPECT_FALSE(confirmed(0, b));
}

TEST_F(cluster_test, an_acknowledgement_is_of_what_was_checked_and_not_of_the_tail) {
  fill(1, {pos(1, 1), pos(2, 2), pos(2, 3), pos(2, 4)}, 3);
  record = {3, {epoch_t{3}, who(0), {who(0), who(1)}, {}, 2, 3}};
  start(1);
  net.clear();
  send_again(1, {{epoch_t{3}, who(0), boot_t{1}, who(1), boot_t{1}}, append_request{pos(1, 1), {{pos(2, 2), "e"}}, {}, true}});
  ASSERT_EQ(net.size(), 1U);
  EXPECT_EQ(std::get<acknowledgement>(net[0].what).at, pos(2, 2));
}

// The simulator does not see this one: an append that attaches also cuts what contradicts it, so the tail is checked by then.
TEST_F(cluster_test, a_follower_that_acknowledges_its_tail_says_too_much) {
  faults.acknowledge_my_tail = true;
  fill(1, {pos(1, 1), pos(2, 2), pos(2, 3)}, 3);
  record = {3, {epoch_t{3}, who(0), {who(0), who(1)}, {}, 2, 3}};
  start(1);
  send_again(1, {{epoch_t{3}, who(0), boot_t{1}, who(1), boot_t{1}}, append_request{pos(1, 1), {{pos(2, 2), "e"}}, {}, true}});
  EXPECT_EQ(std::get<acknowledgement>(net.at(0).what).at, pos(2, 3));
}

TEST_F(cluster_test, what_contradicts_the_leader_is_refused_unless_it_was_just_compared) {
  fill(1, {pos(1, 1), pos(2, 2)}, 3);
  record = {3, {epoch_t{3}, who(0), {who(0), who(1)}, {}, 2, 3}};
  start(1);
  const header h{epoch_t{3}, who(0), boot_t{1}, who(1), boot_t{1}};
  send_again(1, {h, append_request{pos(1, 1), {{pos(3, 2), "f"}}, {}, false}});
  EXPECT_FALSE(at(1).busy);
  send_again(1, {h, append_request{pos(1, 1), {{pos(3, 2), "f"}}, {}, true}});
  EXPECT_TRUE(at(1).busy);
  sync(1);
  EXPECT_EQ(tail(1), pos(3, 2));
}

TEST_F(cluster_test, what_is_known_to_be_committed_is_never_cut_and_raises_an_alarm) {
  fill(1, {pos(1, 1), pos(2, 2)}, 3);
  record = {3, {epoch_t{3}, who(0), {who(0), who(1)}, {}, 2, 3}};
  start(1, sequence_t{2});
  const header h{epoch_t{3}, who(0), boot_t{1}, who(1), boot_t{1}};
  send_again(1, {h, append_request{pos(1, 1), {{pos(3, 2), "f"}}, {}, true}});
  EXPECT_EQ(heard<alarm>(1).size(), 1U);
  EXPECT_TRUE(to<refusal>(0)->blocked);
  send_again(1, {h, install_request{{pos(3, 2), "state"}}});
  EXPECT_EQ(heard<alarm>(1).size(), 2U);
  EXPECT_EQ(tail(1), pos(2, 2));
}

TEST_F(cluster_test, entries_with_gaps_are_not_taken) {
  fill(1, {pos(1, 1)}, 3);
  record = {3, {epoch_t{3}, who(0), {who(0), who(1)}, {}, 2, 3}};
  start(1);
  const header h{epoch_t{3}, who(0), boot_t{1}, who(1), boot_t{1}};
  send_again(1, {h, append_request{pos(1, 1), {{pos(3, 3), "f"}}, {}, true}});
  send_again(1, {h, append_request{pos(1, 2), {{pos(3, 3), "f"}}, {}, true}});
  EXPECT_FALSE(at(1).busy);
}

// ------------------------------------------------------------------ swaps of unknown outcome

TEST_F(cluster_test, a_leader_whose_swap_has_an_unknown_outcome_stops_until_it_is_known) {
  serve();
  step(0, order{1, order::verb::add_learner, who(3), {}});
  const auto old = record;
  swap(swap_result::unknown, true);
  EXPECT_EQ(at(0).m->current_role(), machine::role::stopped);
  step(0, record_seen{old});
  EXPECT_EQ(at(0).m->current_role(), machine::role::stopped) << "a read of the old record settles nothing";
  see(0);
  run();
  EXPECT_EQ(at(0).m->current_role(), machine::role::serving) << "the higher epoch names it";
}

TEST_F(cluster_test, a_learner_counts_from_before_its_swap_is_sent) {
  start(3);
  serve();
  step(0, order{1, order::verb::add_learner, who(3), {}});
  run();
  for (int i = 0; i < 40 && !swapping; ++i) {
    step(0, tick{0});
    for (int k = 0; k < 20 && !swapping; ++k) {
      for (int n = 0; n < 4; ++n)
        sync(n);
      for (auto& m : std::exchange(net, {}))
        send_again(static_cast<int>(m.head.to.node), m);
    }
  }
  ASSERT_TRUE(swapping);
  EXPECT_EQ(swapping->second.registered, who(3)) << "only the disk that caught up gets in";
  EXPECT_EQ(swapping->second.record.in_sync.size(), 4U);
  const auto b = book(0);
  sync(0);
  for (auto& m : std::exchange(net, {}))
    if (m.head.to.node != 3)
      send_again(static_cast<int>(m.head.to.node), m);
  sync(1);
  sync(2);
  for (auto& m : std::exchange(net, {}))
    if (m.head.to.node == 0)
      send_again(0, m);
  EXPECT_FALSE(confirmed(0, b)) << "the learner has not acknowledged";
  run();
  ticks_all(20);
  EXPECT_TRUE(confirmed(0, b));
  EXPECT_EQ(record.record.in_sync.size(), 4U);
}

TEST_F(cluster_test, what_was_in_flight_when_an_own_swap_is_won_is_confirmed_in_the_new_epoch) {
  serve();
  step(0, order{1, order::verb::add_learner, who(3), {}});
  const auto b = book(0);
  sync(0);
  net.clear();
  swap();
  run();
  EXPECT_TRUE(confirmed(0, b));
  EXPECT_EQ(heard<committed>(0).back().epoch, at(0).m->epoch());
}

TEST_F(cluster_test, a_take_over_of_unknown_outcome_is_tried_again_later_and_a_lost_one_follows_the_winner) {
  serve();
  crash(0);
  for (int i = 0; i < 100 && !swapping; ++i)
    step(1, tick{0});
  swap(swap_result::unknown, false);
  EXPECT_EQ(at(1).m->current_role(), machine::role::stopped);
  for (int i = 0; i < 100 && !swapping; ++i)
    step(1, tick{0});
  ASSERT_TRUE(swapping);
  record.record.epoch = epoch_t{8};
  record.record.leader = who(2);
  ++record.revision;
  EXPECT_EQ(swap(), swap_result::lost);
  EXPECT_EQ(at(1).m->epoch(), epoch_t{8});
  EXPECT_EQ(at(1).m->current_role(), machine::role::stopped);
}

TEST_F(cluster_test, a_swap_won_under_a_promise_that_is_higher_by_now_does_not_lead) {
  serve();
  crash(0);
  for (int i = 0; i < 100 && !swapping; ++i)
    step(1, tick{0});
  auto later = record;
  later.record.epoch = epoch_t{9};
  later.record.leader = who(2);
  step(1, received{{epoch_t{9}, who(2), boot_t{1}, who(1), boot_t{1}}, promise_request{later}});
  sync(1);
  swap();
  EXPECT_EQ(at(1).m->current_role(), machine::role::stopped);
}

// ------------------------------------------------------------------ disks that forget

TEST_F(cluster_test, a_member_that_forgot_is_refilled_and_counts_for_nothing_until_then) {
  serve();
  const auto b = book(0);
  run();
  ASSERT_TRUE(confirmed(0, b));
  crash(1);
  at(1).log.pop_back();
  start(1, sequence_t{2});
  EXPECT_EQ(heard<alarm>(1).size(), 1U);
  ticks_all(12);
  EXPECT_EQ(tail(1), tail(0));
  EXPECT_EQ(heard<alarm>(0).size(), 1U);
}

TEST_F(cluster_test, a_wiped_disk_is_somebody_else_and_cannot_stand) {
  serve();
  crash(1);
  at(1).disk = 5;
  at(1).log.clear();
  at(1).promised = {};
  crash(0);
  start(1);
  for (int i = 0; i < 200; ++i)
    step(1, tick{0});
  EXPECT_FALSE(swapping);
}

// ------------------------------------------------------------------ membership

TEST_F(cluster_test, a_learner_that_lacks_compacted_entries_gets_a_snapshot) {
  start(3);
  serve();
  for (int i = 0; i < 5; ++i) {
    book(0);
    run();
  }
  step(0, compacted{sequence_t{4}});
  at(0).base = pos(2, 4);
  std::erase_if(at(0).log, [](const entry& e) { return e.at.sequence <= sequence_t{4}; });
  step(0, order{1, order::verb::add_learner, who(3), {}});
  run();
  ticks_all(30);
  EXPECT_EQ(record.record.in_sync.back(), who(3));
  EXPECT_GE(at(3).base.sequence, sequence_t{4});
  EXPECT_EQ(tail(3), tail(0));
}

TEST_F(cluster_test, leadership_is_handed_over_after_what_is_in_flight_is_committed) {
  serve();
  const auto b = book(0);
  sync(0);
  step(0, order{1, order::verb::hand_over, who(1), {}});
  EXPECT_FALSE(at(0).m->can_append());
  run();
  ticks(0, 2);
  EXPECT_TRUE(confirmed(0, b));
  EXPECT_EQ(record.record.leader, who(1));
  see(1);
  run();
  EXPECT_EQ(at(1).m->current_role(), machine::role::serving);
  EXPECT_EQ(at(0).m->current_role(), machine::role::stopped);
}

TEST_F(cluster_test, orders_that_cannot_succeed_are_refused_with_the_reason) {
  const auto why = [&](order::verb v, member m, member by = {}) {
    at(0).said.clear();
    step(0, order{7, v, m, by});
    return heard<order_answered>(0).at(0).why;
  };
  start(0);
  EXPECT_NE(why(order::verb::remove, who(1)), "") << "it does not lead yet";
  start(1);
  start(2);
  run();
  EXPECT_NE(why(order::verb::add_learner, who(1)), "");
  EXPECT_NE(why(order::verb::remove, who(0)), "");
  EXPECT_NE(why(order::verb::remove, who(3)), "");
  EXPECT_NE(why(order::verb::hand_over, who(3)), "");
  EXPECT_NE(why(order::verb::replace, who(3), who(2)), "");
  EXPECT_NE(why(order::verb::replace, who(1), who(3)), "") << "the set is above the floor";
  EXPECT_EQ(why(order::verb::remove, who(2)), "");
  EXPECT_NE(why(order::verb::add_learner, who(3)), "") << "a swap is under way";
  run();
  EXPECT_EQ(record.record.in_sync.size(), 2U);
  EXPECT_NE(why(order::verb::remove, who(1)), "") << "the floor";
  EXPECT_NE(why(order::verb::replace, who(1), who(3)), "") << "it is heard";
  book(0);
  EXPECT_NE(why(order::verb::add_learner, who(3)), "") << "a write is on its way";
}

TEST_F(cluster_test, a_member_that_is_dead_for_good_at_the_floor_is_replaced_on_an_order) {
  serve();
  step(0, order{1, order::verb::remove, who(2), {}});
  run();
  book(0);
  run();
  crash(1);
  start(3);
  step(0, order{2, order::verb::add_learner, who(3), {}});
  run();
  EXPECT_EQ(at(0).m->current_role(), machine::role::promising) << "nothing leads out of here without an order";
  for (int i = 0; i < 60; ++i) {
    ticks(0, 1);
    ticks(3, 1);
  }
  EXPECT_EQ(at(0).m->current_role(), machine::role::promising);
  step(0, order{3, order::verb::replace, who(1), who(3)});
  for (int i = 0; i < 30; ++i) {
    ticks(0, 1);
    ticks(3, 1);
  }
  EXPECT_EQ(record.record.in_sync, (std::vector{who(0), who(3)}));
  EXPECT_EQ(at(0).m->current_role(), machine::role::serving);
  EXPECT_EQ(tail(3), tail(0));
}

// ------------------------------------------------------------------ strict reads

TEST_F(cluster_test, a_strict_read_waits_for_a_round_that_began_after_it) {
  serve();
  net.clear();
  step(0, strict_read{1});
  step(0, strict_read{2});
  EXPECT_TRUE(heard<strict_read_done>(0).empty());
  run();
  const auto done = heard<strict_read_done>(0);
  ASSERT_EQ(done.size(), 2U);
  EXPECT_TRUE(done[0].confirmed && done[1].confirmed);
}

TEST_F(cluster_test, a_deposed_leader_denies_nothing) {
  serve();
  at(0).up = false;
  ticks(1, 100);
  ASSERT_EQ(at(1).m->current_role(), machine::role::serving);
  at(0).up = true;
  step(0, strict_read{1});
  run();
  ASSERT_EQ(heard<strict_read_done>(0).size(), 1U);
  EXPECT_FALSE(heard<strict_read_done>(0)[0].confirmed);
}

// ------------------------------------------------------------------ the shape of a log

TEST(log_shape_test, two_logs_part_where_their_positions_do) {
  const auto shape = [](std::initializer_list<std::uint64_t> epochs) {
    log_shape s;
    for (const auto e : epochs)
      s.append({epoch_t{e}, sequence_t{s.tail.sequence.value + 1}});
    return s;
  };
  EXPECT_EQ(agreement(shape({1, 1, 2}), shape({1, 1, 3, 3})), sequence_t{2});
  EXPECT_EQ(agreement(shape({1, 1, 2, 2}), shape({1, 1, 2})), sequence_t{3});
  EXPECT_EQ(agreement(shape({}), shape({1})), sequence_t{0});
  EXPECT_EQ(agreement(shape({2}), shape({1})), sequence_t{0});
  auto compacted_log = shape({1, 1, 2, 2, 3});
  compacted_log.compact(sequence_t{3});
  EXPECT_EQ(agreement(compacted_log, shape({1, 1})), std::nullopt) << "only a snapshot helps";
  EXPECT_EQ(agreement(compacted_log, shape({1, 1, 2, 2, 4})), sequence_t{4});
  EXPECT_EQ(agreement(compacted_log, shape({1, 1, 1, 1})), std::nullopt);
  EXPECT_TRUE(compacted_log.holds({epoch_t{1}, sequence_t{2}}));
  EXPECT_FALSE(compacted_log.holds({epoch_t{1}, sequence_t{3}}));
  EXPECT_EQ(compacted_log.epoch_at(sequence_t{2}), std::nullopt);
  compacted_log.cut(sequence_t{4});
  EXPECT_EQ(compacted_log.tail, (position{epoch_t{2}, sequence_t{4}}));
}

}  // namespace
}  // namespace janji::replication
