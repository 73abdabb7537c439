// A descriptor that is kept back: when no others are left, it is given up for a moment, so that whoever waits at a listener hears a word
// instead of nothing. Owns it. Threads: its listener's only.
#pragma once

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace janji::net {

class spare_descriptor {
public:
  spare_descriptor() { keep(); }
  ~spare_descriptor() { give_up(); }
  spare_descriptor(const spare_descriptor&) = delete;
  spare_descriptor& operator=(const spare_descriptor&) = delete;

  // Accepts one connection, which `use` may speak to and which is closed then. False: nobody waits, or another took the descriptor.
  template <class Use>
  bool turn_away(int listening, Use&& use) {
    give_up();
    const int fd = ::accept4(listening, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) {
      use(fd);
      ::close(fd);
    }
    keep();
    return fd >= 0;
  }

private:
  void keep() { fd_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC); }
  void give_up() {
    if (fd_ >= 0)
      ::close(fd_);
    fd_ = -1;
  }
  int fd_ = -1;
};

}  // namespace janji::net
