// Lines for a standard stream of the node's, written by a thread of their own: whoever logs never waits for whoever reads. A reader that
// stops reading, a terminal that is held, a log on a disk that hangs or is full cost lines and nothing else: the oldest that wait are
// dropped, and how many is said as soon as something can be written again.
//
// Threads: any. The thread and what it needs live as long as the process, since it may be waiting for its reader for ever.
#pragma once

#include <spdlog/async_logger.h>
#include <spdlog/sinks/sink.h>

#include <chrono>
#include <memory>
#include <string>

namespace janji::apps {

inline constexpr std::size_t log_lines_waiting_max = 4'096;

// Writes what it is given to a file descriptor, as it is; only for the thread of standard_lines. What cannot be written is counted.
std::shared_ptr<spdlog::sinks::sink> make_descriptor_sink(int fd);

class standard_lines {
public:
  standard_lines();
  // The logger whose lines go to `sink`, in the order in which they come, also between loggers.
  std::shared_ptr<spdlog::logger> logger(const std::string& name, std::shared_ptr<spdlog::sinks::sink> sink);
  // A line without a stamp, to a descriptor.
  void say(int fd, const std::string& line);
  // Waits until all that was said before is written, at most so long.
  bool written_within(std::chrono::milliseconds limit);

private:
  std::shared_ptr<spdlog::details::thread_pool> thread_;
  std::shared_ptr<spdlog::logger> plain_[2];  // stdout, stderr
  struct mark;
  std::shared_ptr<mark> mark_;
  std::shared_ptr<spdlog::logger> marks_;
};

}  // namespace janji::apps
