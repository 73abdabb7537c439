#include "apps/stop_limit.hpp"

#include <signal.h>
#include <spdlog/spdlog.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <string>
#include <thread>

#include "apps/process.hpp"

namespace janji::apps {

namespace {

std::atomic<std::int64_t> begun_s{0};
static_assert(std::atomic<std::int64_t>::is_always_lock_free);

std::int64_t monotonic_s() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec;
}

// Only what a handler of signals may call.
void end_at_once(int /*signal*/) {
  constexpr std::int64_t same_stop_s = 1;
  if (monotonic_s() - begun_s <= same_stop_s)
    return;
  constexpr char text[] = "janjid: it was told to stop again before it had stopped: what was acknowledged is on disk\n";
  write_if_read(STDERR_FILENO, {text, sizeof text - 1});
  ::_exit(stop_limit::exit_code);
}

}  // namespace

void stop_limit::begin() {
  until_ = std::chrono::steady_clock::now() + limit_;
  begun_s = monotonic_s();
  struct sigaction again{};
  again.sa_handler = end_at_once;
  ::sigaction(SIGTERM, &again, nullptr);
  ::sigaction(SIGINT, &again, nullptr);
  ::sigaction(SIGQUIT, &again, nullptr);
  std::thread([limit = limit_] {
    std::this_thread::sleep_for(limit + grace);
    const auto* why = "the stop did not come to its end within stop.limit_ms: what was acknowledged is on disk";
    spdlog::critical("{}", why);
    say_last(std::string("janjid: ") + why);
    std::_Exit(exit_code);
  }).detach();
}

std::chrono::milliseconds stop_limit::left() const {
  using std::chrono::milliseconds;
  return std::max(milliseconds{}, std::chrono::duration_cast<milliseconds>(until_ - std::chrono::steady_clock::now()));
}

}  // namespace janji::apps
