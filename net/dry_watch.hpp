// Which of many sockets have nothing to be read: those that a poll with room to name all of them does not name. So that what
// comes over a connection that was idle for long is known to have come lately (docs/architecture.md, copies of a request).
//
// Owns an epoll instance of its own, beside the event loop's. Threads: its listener's only.
#pragma once

#include <sys/epoll.h>
#include <unistd.h>

#include <cstddef>
#include <vector>

namespace janji::net {

class dry_watch {
public:
  dry_watch() : fd_(::epoll_create1(EPOLL_CLOEXEC)) {}
  ~dry_watch() {
    if (fd_ >= 0)
      ::close(fd_);
  }
  dry_watch(const dry_watch&) = delete;
  dry_watch& operator=(const dry_watch&) = delete;

  // Until the descriptor is closed. False: it is never said to be dry.
  bool add(int descriptor, void* whose) {
    epoll_event e{};
    e.events = EPOLLIN | EPOLLRDHUP;
    e.data.ptr = whose;
    if (fd_ < 0 || ::epoll_ctl(fd_, EPOLL_CTL_ADD, descriptor, &e) != 0)
      return false;
    ++added_;
    return true;
  }
  void closed() { --added_; }
  // Calls named(whose) for each that is not dry. False when nothing can be said of the others.
  template <class Named>
  bool look(Named&& named) {
    events_.resize(added_ + 1);
    const auto n = fd_ < 0 ? -1 : ::epoll_wait(fd_, events_.data(), static_cast<int>(events_.size()), 0);
    for (int i = 0; i < n; ++i)
      named(events_[static_cast<std::size_t>(i)].data.ptr);
    return n >= 0 && static_cast<std::size_t>(n) < events_.size();
  }

private:
  int fd_;
  std::size_t added_ = 0;
  std::vector<epoll_event> events_;
};

}  // namespace janji::net
