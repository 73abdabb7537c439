#include "actors/directory_watch.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace janji::actors {

namespace {

// Empty, or why a few bytes cannot be brought to the disk.
std::string write_probe(const std::string& file) {
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0)
    return std::strerror(errno);
  constexpr std::string_view text = "written to see whether it can be\n";
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fdatasync(fd) == 0;
  std::string why = written ? "" : std::strerror(errno);
  ::close(fd);
  ::unlink(file.c_str());
  return why;
}

}  // namespace

directory_watch::directory_watch(std::string path) : path_(std::move(path)) {
  struct stat now{};
  if (!path_.empty() && ::stat(path_.c_str(), &now) == 0) {
    device_ = now.st_dev;
    inode_ = now.st_ino;
  }
}

std::string directory_watch::look() {
  if (path_.empty())
    return {};
  struct stat now{};
  if (::stat(path_.c_str(), &now) != 0)
    return fmt::format("{} cannot be found: {}", path_, std::strerror(errno));
  if (now.st_dev != device_ || now.st_ino != inode_)
    return fmt::format("{} is another directory than the one that was opened", path_);
  if (looks_++ % write_every == 0)
    cannot_write_ = write_probe(path_ + "/.probe");
  return cannot_write_.empty() ? "" : fmt::format("{} cannot be written to: {}", path_, cannot_write_);
}

}  // namespace janji::actors
