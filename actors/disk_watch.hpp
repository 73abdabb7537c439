// How the disk of a node answers, as its users see it: for how long the oldest operation has not come back, and how long writes
// to the journal take lately. Owns a few numbers; any thread may ask, each user tells of its own operations from one thread.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>

namespace janji::actors {

class disk_watch {
public:
  using clock = std::chrono::steady_clock;
  enum class user : std::uint8_t { journal, archive };
  // What the archive does is large at times: it is given so many times as long before it counts as hanging.
  static constexpr int archive_patience = 4;
  static constexpr std::size_t writes_remembered = 9;
  static constexpr clock::duration lately = std::chrono::seconds(10);  // what a disk did before may not be so any more

  void begins(user who, clock::time_point now = clock::now()) { since(who) = now.time_since_epoch().count(); }
  void ends(user who, clock::time_point now = clock::now()) {
    const auto begun = since(who).exchange(0);
    if (who != user::journal || begun == 0)
      return;
    remember(now.time_since_epoch() - clock::duration(begun));
    last_end_ = now.time_since_epoch().count();
  }

  // Of the operations that are under way; 0: there is none.
  [[nodiscard]] std::chrono::milliseconds oldest(clock::time_point now = clock::now()) const {
    const auto age = [&](const std::atomic<clock::rep>& begun, int patience) {
      const auto b = begun.load();
      return b == 0 ? clock::duration{} : (now.time_since_epoch() - clock::duration(b)) / patience;
    };
    return std::chrono::duration_cast<std::chrono::milliseconds>(
        std::max({age(journal_since_, 1), age(archive_since_, archive_patience), clock::duration{}}));
  }
  // The median of the last few writes: one that is late says nothing of the disk. 0: there was none lately.
  [[nodiscard]] std::chrono::microseconds usual_write(clock::time_point now = clock::now()) const {
    const bool known = now.time_since_epoch() - clock::duration(last_end_.load()) < lately;
    return std::chrono::microseconds(known ? usual_us_.load() : 0);
  }

private:
  std::atomic<clock::rep>& since(user who) { return who == user::journal ? journal_since_ : archive_since_; }
  void remember(clock::duration took) {
    writes_[count_++ % writes_remembered] = std::chrono::duration_cast<std::chrono::microseconds>(took).count();
    auto sorted = writes_;
    const auto end = sorted.begin() + static_cast<std::ptrdiff_t>(std::min(count_, writes_remembered));
    const auto middle = sorted.begin() + (end - sorted.begin()) / 2;
    std::nth_element(sorted.begin(), middle, end);
    usual_us_ = *middle;
  }

  std::atomic<clock::rep> journal_since_{0};
  std::atomic<clock::rep> archive_since_{0};
  std::atomic<clock::rep> last_end_{0};
  std::atomic<std::int64_t> usual_us_{0};
  std::array<std::int64_t, writes_remembered> writes_{};  // the journal's, as count_
  std::size_t count_ = 0;
};

// An operation of the archive; a long one says now and then that it goes on.
class archive_operation {
public:
  explicit archive_operation(disk_watch& disk) : disk_(disk) { goes_on(); }
  ~archive_operation() { ends(); }
  archive_operation(const archive_operation&) = delete;
  archive_operation& operator=(const archive_operation&) = delete;
  void goes_on() { disk_.begins(disk_watch::user::archive); }
  void ends() { disk_.ends(disk_watch::user::archive); }

private:
  disk_watch& disk_;
};

}  // namespace janji::actors
