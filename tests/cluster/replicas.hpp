// Several replicas by hand, for the tests of this folder: each counter-example and each shipped bug of replication.md that
// one short story can show. What needs many things at once is the simulator's (tests/sim/replication_sim).
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "booking/assert.hpp"
#include "cluster/replication/machine.hpp"

namespace janji::replication::testing_by_hand {

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
  position outside;  // that stands outside as committed
  bool answers_outside = true;
  std::set<int> hung;  // nodes whose disks give nothing back

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
      else if (const auto* asked = std::get_if<ask_outside>(&o))
        look_outside(n, *asked);
      else
        at(n).said.push_back(std::move(o));
    }
  }
  void look_outside(int n, const ask_outside& asked) {
    if (answers_outside)
      step(n, outside_told{asked.epoch, outside});
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
        if (at(n).up && at(n).busy && !hung.contains(n)) {
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

}  // namespace janji::replication::testing_by_hand
