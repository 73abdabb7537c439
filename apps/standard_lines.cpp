#include "apps/standard_lines.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <spdlog/async.h>
#include <spdlog/details/null_mutex.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

namespace janji::apps {

namespace {

// The bytes that could be written.
std::size_t write_whole(int fd, std::string_view text) {
  std::size_t done = 0;
  while (done < text.size()) {
    const auto n = ::write(fd, text.data() + done, text.size() - done);
    if (n > 0) {
      done += static_cast<std::size_t>(n);
    } else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {  // somebody else has made it so
      pollfd until{fd, POLLOUT, 0};
      if (::poll(&until, 1, -1) < 0 && errno != EINTR)
        return done;
    } else if (n == 0 || errno != EINTR) {
      return done;
    }
  }
  return done;
}

class descriptor_sink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
public:
  explicit descriptor_sink(int fd) : fd_(fd) {}

protected:
  void sink_it_(const spdlog::details::log_msg& line) override {
    spdlog::memory_buf_t text;
    formatter_->format(line, text);
    if (lost_ != 0) {
      const auto told = fmt::format("{}janjid: {} lines could not be written here\n", cut_ ? "\n" : "", lost_);
      if (write_whole(fd_, told) != told.size()) {
        ++lost_;
        return;
      }
      lost_ = 0;
      cut_ = false;
    }
    const auto n = write_whole(fd_, {text.data(), text.size()});
    lost_ += n == text.size() ? 0 : 1;
    cut_ = n != 0 && n != text.size();
  }
  void flush_() override {}

private:
  int fd_;
  std::uint64_t lost_ = 0;
  bool cut_ = false;  // a line ends in its midst
};

// Says before the next line how many were dropped because nobody read them.
class told_of_dropped final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
public:
  told_of_dropped(spdlog::sink_ptr to, std::weak_ptr<spdlog::details::thread_pool> thread)
      : to_(std::move(to)), thread_(std::move(thread)) {}

protected:
  void sink_it_(const spdlog::details::log_msg& line) override {
    const auto thread = thread_.lock();
    const auto dropped = thread ? thread->overrun_counter() : told_;
    if (dropped != told_) {
      const auto words =
          fmt::format("{} lines were dropped before this one: they were not read in time", dropped - std::exchange(told_, dropped));
      auto more = line;
      more.level = spdlog::level::warn;
      more.payload = words;
      to_->log(more);
    }
    to_->log(line);
  }
  void flush_() override { to_->flush(); }
  void set_formatter_(std::unique_ptr<spdlog::formatter> f) override { to_->set_formatter(std::move(f)); }
  void set_pattern_(const std::string& pattern) override { to_->set_pattern(pattern); }

private:
  spdlog::sink_ptr to_;
  std::weak_ptr<spdlog::details::thread_pool> thread_;
  std::size_t told_ = 0;
};

std::shared_ptr<spdlog::logger> made(const std::string& name, spdlog::sink_ptr sink,
                                     const std::shared_ptr<spdlog::details::thread_pool>& t) {
  auto out = std::make_shared<spdlog::async_logger>(name, std::move(sink), t, spdlog::async_overflow_policy::overrun_oldest);
  out->set_level(spdlog::level::trace);
  return out;
}

}  // namespace

std::shared_ptr<spdlog::sinks::sink> make_descriptor_sink(int fd) { return std::make_shared<descriptor_sink>(fd); }

// A sink that writes nothing: when it is called, all before it is written.
struct standard_lines::mark final : spdlog::sinks::base_sink<spdlog::details::null_mutex> {
  void sink_it_(const spdlog::details::log_msg&) override {
    const std::lock_guard lock(mutex);
    ++passed;
    changed.notify_all();
  }
  void flush_() override {}
  std::mutex mutex;
  std::condition_variable changed;
  std::uint64_t asked = 0;
  std::uint64_t passed = 0;
};

namespace {

// For as long as the process lives: its thread may be waiting for a reader for ever.
std::shared_ptr<spdlog::details::thread_pool> thread_for_ever() {
  static auto* const all = new std::vector<std::shared_ptr<spdlog::details::thread_pool>>();
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  return all->emplace_back(std::make_shared<spdlog::details::thread_pool>(log_lines_waiting_max, 1));
}

}  // namespace

standard_lines::standard_lines() : thread_(thread_for_ever()), mark_(std::make_shared<mark>()) {
  marks_ = made("marks", mark_, thread_);
  for (const int which : {0, 1}) {
    auto sink = make_descriptor_sink(which + 1);
    sink->set_pattern("%v");
    plain_[which] = made("plain", std::move(sink), thread_);
  }
}

std::shared_ptr<spdlog::logger> standard_lines::logger(const std::string& name, std::shared_ptr<spdlog::sinks::sink> sink) {
  return made(name, std::make_shared<told_of_dropped>(std::move(sink), thread_), thread_);
}

void standard_lines::say(int fd, const std::string& line) { plain_[fd == STDOUT_FILENO ? 0 : 1]->critical("{}", line); }

bool standard_lines::written_within(std::chrono::milliseconds limit) {
  std::uint64_t mine = 0;
  {
    const std::lock_guard lock(mark_->mutex);
    mine = ++mark_->asked;
  }
  marks_->critical("");
  std::unique_lock lock(mark_->mutex);
  return mark_->changed.wait_for(lock, limit, [&] { return mark_->passed >= mine; });
}

}  // namespace janji::apps
