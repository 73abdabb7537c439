// Waiting for what takes time, with a progress bar.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "apps/janjictl.hpp"

namespace janji::apps {

void add_wait(CLI::App* sub, waiting* w) {
  sub->add_flag("--wait", w->wanted, "until it is done, with a progress bar");
  sub->add_option("--wait-seconds", w->seconds, "at most")->capture_default_str();
}

int wait_until_none(const std::string& what, const std::function<result<std::uint64_t>()>& left, std::uint32_t seconds) {
  using clock = std::chrono::steady_clock;
  const bool watched = isatty(STDERR_FILENO) != 0;
  const auto begun = clock::now();
  std::uint64_t most = 0;
  std::uint64_t last = ~std::uint64_t{0};
  int quiet = 0;
  for (;;) {
    const auto now = left();
    if (!now)
      return fail(now.error());
    most = std::max(most, *now);
    const auto share = most == 0 ? 1.0 : 1.0 - static_cast<double>(*now) / static_cast<double>(most);
    constexpr int width = 30;
    const auto full = static_cast<int>(share * width);
    if (watched || *now != last)
      tell("{}{} [{:#<{}}{:.<{}}] {} left{}", watched ? "\r" : "", what, "", full, "", width - full, *now, watched ? "  " : "\n");
    last = *now;
    quiet = *now == 0 ? quiet + 1 : 0;
    const auto spent = std::chrono::duration_cast<std::chrono::seconds>(clock::now() - begun).count();
    constexpr int quiet_enough = 3;  // the plan may have been about to change
    if (quiet == quiet_enough) {
      tell("{}{}: done after {} s\n", watched ? "\n" : "", what, spent);
      return 0;
    }
    if (spent > seconds)
      return fail({fmt::format("{}: {} left after {} s (--wait-seconds); it goes on", what, *now, spent), exit_partly});
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
  }
}

}  // namespace janji::apps
