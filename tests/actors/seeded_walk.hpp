// What every walk over actors has: the choices of its seed, its result and its trace, and assertions that end it. A walk
// derives from it, so that it outlives the actors, which may run into an assertion while they are being ended.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <random>
#include <string>
#include <utility>

#include "booking/assert.hpp"

namespace janji::sim {

struct assertion {};

// One at a time. Result: violation, hash and steps.
template <class Result>
class seeded_walk {
public:
  seeded_walk(const seeded_walk&) = delete;
  seeded_walk& operator=(const seeded_walk&) = delete;

protected:
  seeded_walk(std::uint64_t seed, bool trace) : random_(seed), trace_(trace) {
    walking = this;
    set_assertion_handler([](const char* what, std::source_location) {
      walking->fail(std::string("assertion: ") + what);
      throw assertion{};
    });
  }
  virtual ~seeded_walk() { set_assertion_handler(nullptr); }
  [[nodiscard]] virtual std::int64_t clock_ms() const = 0;  // for the trace

  int below(std::size_t n) { return static_cast<int>(random_() % n); }
  bool chance(int percent) { return below(100) < percent; }
  void mix(std::uint64_t v) { result_.hash = (result_.hash ^ v) * 0x100000001b3ULL + (result_.hash >> 29); }
  void fail(std::string what) {
    say("VIOLATION: " + what);
    if (!result_.violation)
      result_.violation = std::move(what);
  }
  [[nodiscard]] bool failed() const { return result_.violation.has_value(); }
  void say(const std::string& text) const {
    if (trace_)
      fmt::print("{:6} {:8} {}\n", result_.steps, clock_ms(), text);
  }

  std::mt19937_64 random_;
  bool trace_;
  Result result_;

private:
  static inline seeded_walk* walking = nullptr;
};

}  // namespace janji::sim
