// Which of many sockets have changed: each is named once when something comes to be read, when there is room again to write after there was
// none, and when its other side has ended. A look that does not name a socket shows that nothing has come over it since the last that did:
// so that what comes over one that was idle is known to have come lately (docs/architecture.md, copies of a request).
//
// Owns an epoll instance, edge-triggered (epoll(7)). Threads: its listener's only.
#pragma once

#include <sys/epoll.h>
#include <unistd.h>

#include <cstddef>
#include <vector>

namespace janji::net {

struct socket_change {
  void* whose = nullptr;
  bool readable = false;
  bool writable = false;
  bool ended = false;   // its other side sends no more, or has gone: a read tells which
  bool urgent = false;  // something was sent as urgent (RFC 9293, 3.8.5): a read stops before it, with more behind it
};

class socket_watch {
public:
  socket_watch() : fd_(::epoll_create1(EPOLL_CLOEXEC)) {}
  ~socket_watch() {
    if (fd_ >= 0)
      ::close(fd_);
  }
  socket_watch(const socket_watch&) = delete;
  socket_watch& operator=(const socket_watch&) = delete;

  // Readable while there is a change that was not named; -1: there was no descriptor left for it.
  [[nodiscard]] int descriptor() const { return fd_; }
  // Until the descriptor is closed. What is there already is named by the next look.
  bool add(int descriptor, void* whose) {
    epoll_event e{};
    e.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET;
    e.data.ptr = whose;
    if (fd_ < 0 || ::epoll_ctl(fd_, EPOLL_CTL_ADD, descriptor, &e) != 0)
      return false;
    ++added_;
    return true;
  }
  void closed() { --added_; }
  // Calls changed(socket_change) for each that did; nothing that was added may go meanwhile. False: nothing can be said of the others.
  template <class Changed>
  bool look(Changed&& changed) {
    if (events_.size() < added_ + 1)
      events_.resize(added_ + 1);
    const auto n = fd_ < 0 ? -1 : ::epoll_wait(fd_, events_.data(), static_cast<int>(events_.size()), 0);
    for (int i = 0; i < n; ++i) {
      const auto& e = events_[static_cast<std::size_t>(i)];
      const bool ended = (e.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
      changed(socket_change{.whose = e.data.ptr,
                            .readable = ended || (e.events & EPOLLIN) != 0,
                            .writable = (e.events & EPOLLOUT) != 0,
                            .ended = ended,
                            .urgent = (e.events & EPOLLPRI) != 0});
    }
    return n >= 0 && static_cast<std::size_t>(n) < events_.size();
  }

private:
  int fd_;
  std::size_t added_ = 0;
  std::vector<epoll_event> events_;
};

}  // namespace janji::net
