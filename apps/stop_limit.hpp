// Ends the process when an orderly stop does not come to its end: whoever waits for a disk that hangs waits for ever, and so does
// whoever joins it. What was acknowledged is on disk, so nothing is lost. One a process.
//
// Threads: any.
#pragma once

#include <chrono>

namespace janji::apps {

class stop_limit {
public:
  explicit stop_limit(std::chrono::milliseconds limit) : limit_(limit) {}
  // Once, when the process is told to stop. From here on it ends by itself with exit_code a little after the limit, and at once
  // when it is told to stop again: not in the first second, since whoever stops a group of processes tells some of them twice.
  void begin();
  // Of the limit, since begin().
  [[nodiscard]] std::chrono::milliseconds left() const;

  static constexpr int exit_code = 4;
  static constexpr std::chrono::seconds grace{2};

private:
  std::chrono::milliseconds limit_;
  std::chrono::steady_clock::time_point until_;
};

}  // namespace janji::apps
