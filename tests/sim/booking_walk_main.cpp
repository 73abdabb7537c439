// booking_walk [--seeds N] [--from S] [--seed S] [--steps N] [--fault NAME]: runs seeds and ends at the first violation.
// With --seed the run is printed line by line: the virtual time in ms, who, what.
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "tests/sim/booking_faults.hpp"
#include "tests/sim/booking_walk.hpp"

int main(int argc, char** argv) {
  CLI::App app{"a seeded random walk over the booking machines"};
  std::uint64_t seeds = 1000;
  std::uint64_t from = 1;
  std::uint64_t one = 0;
  int steps = 400;
  std::string fault;
  app.add_option("--seeds", seeds, "how many");
  app.add_option("--from", from, "the first");
  app.add_option("--seed", one, "only this one, with a trace");
  app.add_option("--steps", steps, "of each walk, before it settles");
  app.add_option("--fault", fault, "plants this fault");
  CLI11_PARSE(app, argc, argv);
  const auto faults = janji::sim::fault_named(fault);
  if (!faults) {
    fmt::print(stderr, "there is no fault {}\n", fault);
    return 2;
  }
  if (one != 0) {
    const auto r = janji::sim::walk(one, steps, *faults, true);
    fmt::print("seed {}: {}\n", one, r.violation.value_or("clean"));
    return r.violation ? 1 : 0;
  }
  janji::sim::walk_result sum;
  for (auto s = from; s < from + seeds; ++s) {
    const auto r = janji::sim::walk(s, steps, *faults, false);
    if (r.violation) {
      fmt::print("seed {} after {} seeds: {}\n", s, s - from + 1, *r.violation);
      return 1;
    }
    sum.booked += r.booked;
    sum.cancelled += r.cancelled;
    sum.moved += r.moved;
    sum.refused += r.refused;
    sum.unknown += r.unknown;
    sum.restarts += r.restarts;
  }
  fmt::print("{} seeds clean: {} booked, {} cancelled, {} moved, {} refused, {} unknown, {} restarts\n", seeds, sum.booked, sum.cancelled,
             sum.moved, sum.refused, sum.unknown, sum.restarts);
}
