#include "store/small_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace janji::store {

store_error file_error(const std::string& what, const std::string& path) {
  const auto code = errno == ENOSPC ? errc::no_space : errno == EACCES ? errc::permission : errno == EROFS ? errc::read_only : errc::io;
  return {code, fmt::format("{} {}: {}", what, path, std::strerror(errno))};
}

namespace {

std::string parent_of(const std::string& path) {
  auto parent = std::filesystem::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

}  // namespace

directory_of::directory_of(const std::string& path) : path_(parent_of(path)) {
  struct stat now{};
  if (::stat(path_.c_str(), &now) == 0)
    known_ = {now.st_dev, now.st_ino};
}

result<void> directory_of::is_the_same() const {
  struct stat now{};
  if (!known_)
    return {};
  if (::stat(path_.c_str(), &now) != 0)
    return std::unexpected(file_error("cannot find", path_));
  if (known_ != file_id{now.st_dev, now.st_ino})
    return std::unexpected(store_error{errc::io, fmt::format("{} is another directory than the one that was opened", path_)});
  return {};
}

int open_anew(const std::string& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT)
    return -1;
  return ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
}

result<void> replace_file(const std::string& path, std::string_view text) {
  const auto beside = path + ".new";
  const int fd = open_anew(beside);
  if (fd < 0)
    return std::unexpected(file_error("cannot write", beside));
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(fd) == 0;
  const auto saved = errno;
  ::close(fd);
  errno = saved;
  if (!written || ::rename(beside.c_str(), path.c_str()) != 0)
    return std::unexpected(file_error("cannot replace", path));
  return sync_directory_of(path);
}

result<void> sync_directory_of(const std::string& path) {
  const int dir = ::open(parent_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = dir >= 0 && ::fsync(dir) == 0;
  const auto saved = errno;
  if (dir >= 0)
    ::close(dir);
  errno = saved;
  return synced ? result<void>{} : std::unexpected(file_error("cannot sync", parent_of(path)));
}

// RocksDB locks its file LOCK by fcntl.
bool is_in_use(const std::string& path) {
  const int fd = ::open((path + "/LOCK").c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0)
    return false;
  struct flock whole{};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  const bool held = ::fcntl(fd, F_GETLK, &whole) == 0 && whole.l_type != F_UNLCK;
  ::close(fd);
  return held;
}

}  // namespace janji::store
