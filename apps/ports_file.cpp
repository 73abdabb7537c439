#include "apps/ports_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <limits>
#include <string_view>
#include <utility>

#include "apps/listening.hpp"

namespace janji::apps {

namespace {
std::string path_in(const std::string& data) { return data + "/janjid.ports"; }
constexpr std::string_view locked_mark = R"("locked":true)";
constexpr std::string_view locked_name = R"("locked")";  // however it was written anew
}  // namespace

ports_file::ports_file(ports_file&& other) noexcept : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)) {}

ports_file& ports_file::operator=(ports_file&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(fd_, other.fd_);
  return *this;
}

ports_file::~ports_file() {
  if (fd_ < 0)
    return;
  struct stat mine{};
  struct stat there{};
  if (::fstat(fd_, &mine) == 0 && ::stat(path_.c_str(), &there) == 0 && mine.st_ino == there.st_ino && mine.st_dev == there.st_dev)
    ::unlink(path_.c_str());
  ::close(fd_);
}

std::expected<ports_file, std::string> ports_file::write(const std::string& data, const ports& p) {
  const auto text = fmt::format("{{\"port\":{},\"admin_port\":{},\"pid\":{},\"admin_address\":\"{}\",\"proof_key\":\"{}\",{}}}\n",
                                p.citizens, p.admin, ::getpid(), p.admin_address, p.proof_key, locked_mark);
  ports_file made;
  made.path_ = path_in(data);
  const auto beside = made.path_ + ".new";
  ::unlink(beside.c_str());
  made.fd_ = ::open(beside.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  const bool written = made.fd_ >= 0 && ::flock(made.fd_, LOCK_EX | LOCK_NB) == 0 &&
                       ::write(made.fd_, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                       std::rename(beside.c_str(), made.path_.c_str()) == 0;
  if (!written)
    return std::unexpected(fmt::format("{} cannot be written: {}", made.path_, std::strerror(errno)));
  return made;
}

std::expected<std::string, std::string> ports_file::read(const std::string& data) {
  const auto path = path_in(data);
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0 && errno == ENOENT)
    return std::unexpected(fmt::format("no node runs in {} (give --data or --node): there is no janjid.ports", data));
  if (fd < 0)
    return std::unexpected(fmt::format("{} cannot be read (give --node): {}", path, std::strerror(errno)));
  const bool taken = ::flock(fd, LOCK_SH | LOCK_NB) == 0;
  const auto why_not = errno;
  std::array<char, 512> bytes{};
  const auto n = ::read(fd, bytes.data(), bytes.size());
  ::close(fd);
  std::string text(bytes.data(), n > 0 ? static_cast<std::size_t>(n) : 0);
  if (!text.contains(locked_name))
    return text;  // of an earlier version, which locks nothing
  if (taken)
    return std::unexpected(fmt::format("no node runs in {} (give --data or --node): {} is of one that has ended", data, path));
  if (why_not != EWOULDBLOCK)
    return std::unexpected(fmt::format("whether the node of {} runs cannot be told (give --node): {}", path, std::strerror(why_not)));
  return text;
}

bool ports_file::is_of_a_node_that_runs(const std::string& data, std::int64_t process, unsigned port) {
  struct stat there{};
  return process > 0 && process <= std::numeric_limits<::pid_t>::max() && ::stat(path_in(data).c_str(), &there) == 0 &&
         is_node_listening(static_cast<::pid_t>(process), there.st_uid, port);
}

}  // namespace janji::apps
