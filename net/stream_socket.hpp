// One connection of the system's, which never waits. Owns its descriptor. Threads: one.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <expected>
#include <string_view>
#include <utility>

namespace janji::net {

class stream_socket {
public:
  explicit stream_socket(int fd) : fd_(fd) {}
  stream_socket(stream_socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  stream_socket& operator=(stream_socket&&) = delete;
  ~stream_socket() { close(); }

  [[nodiscard]] int descriptor() const { return fd_; }
  // How many bytes, or the system's error; would_wait(error) when there is nothing now. 0: there will be no more.
  [[nodiscard]] std::expected<std::size_t, int> receive(char* to, std::size_t space) const {
    return done([&] { return ::recv(fd_, to, space, MSG_DONTWAIT); });
  }
  // How many bytes of both were taken, in this order.
  [[nodiscard]] std::expected<std::size_t, int> send(std::string_view first, std::string_view second) const {
    if (second.empty())
      return done([&] { return ::send(fd_, first.data(), first.size(), MSG_DONTWAIT | MSG_NOSIGNAL); });
    std::array<iovec, 2> parts{iovec{const_cast<char*>(first.data()), first.size()},     // NOLINT: sendmsg reads only
                               iovec{const_cast<char*>(second.data()), second.size()}};  // NOLINT
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = parts.size();
    return done([&] { return ::sendmsg(fd_, &message, MSG_DONTWAIT | MSG_NOSIGNAL); });
  }
  static bool would_wait(int error) { return error == EAGAIN || error == EWOULDBLOCK; }
  void end_sending() const { ::shutdown(fd_, SHUT_WR); }
  void close() {
    if (fd_ >= 0)
      ::close(std::exchange(fd_, -1));
  }

private:
  template <class Call>
  static std::expected<std::size_t, int> done(Call&& call) {
    for (;;) {
      if (const auto n = call(); n >= 0)
        return static_cast<std::size_t>(n);
      if (errno != EINTR)
        return std::unexpected(errno);
    }
  }
  int fd_;
};

}  // namespace janji::net
