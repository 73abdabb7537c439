// replication_sim [--seeds N] [--from S] [--threads N] [--fault NAME] [--seed S] [--trace] [--shrink]: runs seeds and ends at
// the first violation. With --seed only that one. --shrink then leaves out what the failure does not need and prints the
// rest. --trace prints one line an event: the virtual time in ms, then
//   nA sB <- nC eE message     node A's replica of shard B takes a message that C sent in epoch E
//   nA sB -> nC lost message   a message that the link lost
//   nA sB role R ...           0 stopped, 1 taking over, 2 promising, 3 adopting, 4 reconciling, 5 serving
//   nA sB commits P batch N    position P (epoch.sequence); batch 0 starts an epoch
//   nA sB swaps to {...}       sent to the configuration store; answered by swap won, lost, unknown
//   etcd sB {...}              the record has changed
//   mishap ...                 an item of the schedule begins
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

#include "tests/sim/replication_faults.hpp"
#include "tests/sim/replication_sim.hpp"

namespace {

using janji::sim::sim_options;
using janji::sim::sim_result;

int run_one(sim_options o, bool trace, bool shrinks) {
  const auto whole = o;
  if (shrinks)
    o = janji::sim::shrink(o);
  o.trace = trace;
  const auto got = janji::sim::simulate(o);
  if (shrinks) {
    const auto plan = janji::sim::draw_schedule(o.seed);
    fmt::print("what it needs ({} nodes, {} shards, {}):\n", plan.sky.nodes, plan.sky.shards, o.calm ? "calm links" : "noisy links");
    for (std::size_t i = 0; i < plan.items.size(); ++i)
      if (i >= o.left_out.size() || !o.left_out[i])
        fmt::print("{:9.3f} {}\n", static_cast<double>(plan.items[i].at) / 1000.0, describe(plan.items[i]));
  }
  fmt::print("seed {}: {}\n", whole.seed, got.violation.value_or("clean"));
  return got.violation ? 1 : 0;
}

void add(sim_result& sum, const sim_result& r) {
  sum.acknowledged += r.acknowledged;
  sum.unknown += r.unknown;
  sum.strict_reads += r.strict_reads;
  sum.epochs += r.epochs;
  sum.restarts += r.restarts;
  sum.snapshots += r.snapshots;
  sum.alarms += r.alarms;
  sum.hung += r.hung;
  sum.slow += r.slow;
  sum.unregistered += r.unregistered;
  sum.served += r.served;
  sum.unservable += r.unservable;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"seeded runs of the replication machines under faults"};
  std::uint64_t seeds = 200;
  std::uint64_t from = 1;
  std::uint64_t one = 0;
  unsigned threads = 1;
  bool trace = false;
  bool shrinks = false;
  std::string fault;
  app.add_option("--seeds", seeds, "how many");
  app.add_option("--from", from, "the first");
  app.add_option("--seed", one, "only this one");
  app.add_option("--threads", threads, "that run seeds side by side")->check(CLI::Range(1U, 64U));
  app.add_option("--fault", fault, "plants this fault");
  app.add_flag("--trace", trace, "prints every event of --seed");
  app.add_flag("--shrink", shrinks, "cuts the schedule of --seed down to what its failure needs");
  CLI11_PARSE(app, argc, argv);
  const auto faults = janji::sim::replication_fault_named(fault);
  if (!faults) {
    fmt::print(stderr, "there is no fault {}\n", fault);
    return 2;
  }
  janji::sim::throw_assertions();
  if (one != 0)
    return run_one({.seed = one, .faults = *faults}, trace, shrinks);
  std::atomic<std::uint64_t> next = from;
  std::atomic<std::uint64_t> failed = UINT64_MAX;  // the lowest
  std::mutex guard;
  sim_result sum;
  std::string what;
  const auto begun = std::chrono::steady_clock::now();
  const auto work = [&] {
    for (auto s = next++; s < from + seeds && s < failed; s = next++) {
      const auto r = janji::sim::simulate({.seed = s, .faults = *faults});
      const std::scoped_lock lock(guard);
      add(sum, r);
      if (r.violation && s < failed) {
        failed = s;
        what = *r.violation;
      }
      if ((s - from + 1) % 1000 == 0)
        fmt::print(stderr, "{} of {} seeds, {:.0f} s\n", s - from + 1, seeds,
                   std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count());
    }
  };
  {
    std::vector<std::jthread> workers;
    for (unsigned i = 1; i < threads; ++i)
      workers.emplace_back(work);
    work();
  }
  if (failed != UINT64_MAX) {
    fmt::print("seed {} after {} seeds: {}\n", failed.load(), failed - from + 1, what);
    return 1;
  }
  fmt::print("{} seeds clean: {} acknowledged, {} unknown, {} strict reads, {} epochs, {} starts, {} snapshots, {} alarms, ", seeds,
             sum.acknowledged, sum.unknown, sum.strict_reads, sum.epochs, sum.restarts, sum.snapshots, sum.alarms);
  fmt::print("{} learners not registered, {} shards served again, {} could not, {} went on beside a hung disk, {} beside slow ones\n",
             sum.unregistered, sum.served, sum.unservable, sum.hung, sum.slow);
}
