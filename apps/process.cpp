#include "apps/process.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <memory>

#include "apps/descriptors.hpp"
#include "apps/few_of_a_kind.hpp"
#include "apps/standard_lines.hpp"

namespace janji::apps {

namespace {

std::atomic<standard_lines*> lines{nullptr};  // once the log has begun, for as long as the process lives

// Signals that mean nothing to a node. What tells of a fault of the program's own (SIGSEGV, SIGABRT, SIGTRAP, SIGSYS and the like) ends it;
// SIGTERM, SIGINT, SIGQUIT, SIGPWR and SIGXCPU stop it in an orderly way, and SIGHUP reads certificates anew, once it serves.
void ignore_signals() {
  for (const int nobodys :
       {SIGPIPE, SIGHUP, SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGXFSZ, SIGTTIN, SIGTTOU, SIGTSTP, SIGIO, SIGSTKFLT})
    std::signal(nobodys, SIG_IGN);
  for (int real_time = SIGRTMIN; real_time <= SIGRTMAX; ++real_time)
    std::signal(real_time, SIG_IGN);
  std::signal(SIGCHLD, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);  // whoever started it may have held SIGTERM back
}

}  // namespace

void begin_process() {
  hold_standard_streams(false);
  ignore_signals();
  ::umask(077);
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  ::prctl(PR_SET_DUMPABLE, 0);
}

void begin_log(const std::string& level) {
  auto* l = new standard_lines;
  auto log = l->logger("janjid", std::make_shared<few_of_a_kind>(make_descriptor_sink(STDERR_FILENO)));
  log->set_pattern("[%Y-%m-%dT%H:%M:%S.%eZ] [%n] [%l] %v", spdlog::pattern_time_type::utc);
  spdlog::set_default_logger(std::move(log));
  spdlog::set_level(spdlog::level::from_str(level));
  lines = l;
}

void say(const std::string& line) {
  if (auto* l = lines.load())
    return l->say(STDOUT_FILENO, line);
  write_if_read(STDOUT_FILENO, line + "\n");
}

void say_last(const std::string& line) {
  auto* l = lines.load();
  if (l == nullptr)
    return write_if_read(STDERR_FILENO, line + "\n");
  l->say(STDERR_FILENO, line);
  end_log();
}

void end_log() {
  constexpr std::chrono::seconds patience{1};
  if (auto* l = lines.load())
    l->written_within(patience);
}

// Less than a pipe takes at once; only what a handler of signals may call.
void write_if_read(int fd, std::string_view text) noexcept {
  constexpr int patience_ms = 1'000;
  pollfd until{fd, POLLOUT, 0};
  if (::poll(&until, 1, patience_ms) > 0) {
    [[maybe_unused]] const auto written = ::write(fd, text.data(), text.size());
  }
}

}  // namespace janji::apps
