#include "apps/process.hpp"

#include <fmt/format.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <chrono>
#include <csignal>
#include <memory>
#include <mutex>
#include <unordered_map>

namespace janji::apps {

namespace {

// Lets the first few lines of a kind through, and counts the rest.
class few_of_a_kind final : public spdlog::sinks::base_sink<std::mutex> {
public:
  explicit few_of_a_kind(spdlog::sink_ptr to) : to_(std::move(to)) {}

protected:
  void sink_it_(const spdlog::details::log_msg& line) override {
    const std::string_view text(line.payload.data(), line.payload.size());
    if (line.level <= spdlog::level::debug || text.starts_with("request="))  // those are as many as an operator has asked for
      return to_->log(line);
    const auto now = std::chrono::steady_clock::now();
    if (kinds_.size() >= kinds_max)
      kinds_.clear();
    auto& k = kinds_[kind_of(text)];
    if (k.said == 0 || now - k.since >= within) {
      if (k.left_out != 0)
        say(line, fmt::format("{} ({} like it before)", text, k.left_out));
      else
        to_->log(line);
      k = {now, 1, 0};
    } else if (k.said < at_once) {
      ++k.said;
      to_->log(line);
    } else {
      ++k.left_out;
    }
  }
  void flush_() override { to_->flush(); }
  void set_formatter_(std::unique_ptr<spdlog::formatter> f) override { to_->set_formatter(std::move(f)); }
  void set_pattern_(const std::string& pattern) override { to_->set_pattern(pattern); }

private:
  static constexpr std::chrono::seconds within{10};
  static constexpr std::size_t at_once = 100;
  static constexpr std::size_t kinds_max = 512;
  struct kind {
    std::chrono::steady_clock::time_point since;
    std::size_t said = 0;
    std::size_t left_out = 0;
  };
  // The line without its numbers.
  static std::string kind_of(std::string_view text) {
    std::string out;
    for (const char c : text)
      if (c < '0' || c > '9')
        out.push_back(c);
    return out;
  }
  void say(spdlog::details::log_msg line, const std::string& text) {
    line.payload = text;
    to_->log(line);
  }

  spdlog::sink_ptr to_;
  std::unordered_map<std::string, kind> kinds_;
};

}  // namespace

void begin_process() {
  for (const int nobodys : {SIGPIPE, SIGHUP, SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGXFSZ})
    std::signal(nobodys, SIG_IGN);  // SIGHUP has a meaning once there are certificates to be read anew
  ::umask(077);
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  ::prctl(PR_SET_DUMPABLE, 0);
}

void begin_log(const std::string& level) {
  auto log = std::make_shared<spdlog::logger>("janjid", std::make_shared<few_of_a_kind>(std::make_shared<spdlog::sinks::stderr_sink_mt>()));
  log->set_pattern("[%Y-%m-%dT%H:%M:%S.%eZ] [%n] [%l] %v", spdlog::pattern_time_type::utc);
  spdlog::set_default_logger(std::move(log));
  spdlog::set_level(spdlog::level::from_str(level));
}

}  // namespace janji::apps
