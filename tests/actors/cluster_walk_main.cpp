// cluster_walk [--seeds N] [--from S] [--seed S] [--steps N] [--fault NAME] [--trace]: runs seeds and ends at the first violation.
// With --seed, or --trace, every step is printed: its number, the virtual time in ms, who, what.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>

#include "tests/actors/cluster_walk.hpp"
#include "tests/sim/booking_faults.hpp"
#include "tests/sim/replication_faults.hpp"

int main(int argc, char** argv) {
  CLI::App app{"a seeded random walk over the actors of three nodes"};
  std::uint64_t seeds = 1000;
  std::uint64_t from = 1;
  std::uint64_t one = 0;
  int steps = 6000;
  bool trace = false;
  bool quiet = false;
  std::string fault;
  app.add_option("--seeds", seeds, "how many");
  app.add_option("--from", from, "the first");
  app.add_option("--seed", one, "only this one, with a trace");
  app.add_option("--steps", steps, "of each walk, before it settles");
  app.add_option("--fault", fault, "plants this fault");
  app.add_flag("--trace", trace, "prints every step");
  app.add_flag("--quiet", quiet, "no progress");
  CLI11_PARSE(app, argc, argv);
  janji::sim::cluster_faults faults;
  if (const auto of_booking = janji::sim::fault_named(fault)) {
    faults.booking = *of_booking;
  } else if (const auto of_replication = janji::sim::replication_fault_named(fault)) {
    faults.replication = *of_replication;
  } else {
    fmt::print(stderr, "there is no fault {}\n", fault);
    return 2;
  }
  if (one != 0) {
    from = one;
    seeds = 1;
    trace = true;
  }
  janji::sim::cluster_disks disks;
  janji::sim::cluster_walk_result sum;
  constexpr std::uint64_t progress_every = 100;
  const auto began = std::chrono::steady_clock::now();
  for (auto s = from; s < from + seeds; ++s) {
    const auto r = janji::sim::walk_cluster(disks, s, steps, faults, trace);
    if (r.violation) {
      fmt::print("seed {} after {} seeds: {}\n", s, s - from + 1, *r.violation);
      return 1;
    }
    sum += r;
    if (const auto done = s - from + 1; !quiet && done % progress_every == 0) {
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
      fmt::print("{} seeds clean, {:.1f} s\n", done, took.count());
      std::fflush(stdout);
    }
  }
  fmt::print(
      "{} seeds clean: {} steps, {} requests, {} confirmed, {} refused, {} unknown, {} later, {} epochs, {} nodes died, {} messages lost\n",
      seeds, sum.steps, sum.asked, sum.confirmed, sum.refused, sum.unknown, sum.later, sum.epochs, sum.power_cuts, sum.lost_messages);
}
