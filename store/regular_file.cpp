#include "store/regular_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace janji::store {

namespace {

std::unexpected<std::string> cannot_be_read(const std::string& path, int why) {
  return std::unexpected(fmt::format("{} cannot be read: {}", path.empty() ? "a file without a name" : path, std::strerror(why)));
}

}  // namespace

const char* kind_of_file(mode_t mode) {
  return S_ISDIR(mode)    ? "a directory"
         : S_ISFIFO(mode) ? "a pipe"
         : S_ISSOCK(mode) ? "a socket"
         : S_ISLNK(mode)  ? "a symbolic link"
                          : "a device";
}

std::expected<std::string, std::string> read_to_the_end(int fd, const std::string& path, std::size_t bytes_max) {
  std::string text;
  std::array<char, 64U << 10U> part{};
  for (;;) {
    const auto n = ::read(fd, part.data(), part.size());
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return cannot_be_read(path, errno);
    if (n == 0)
      return text;
    text.append(part.data(), static_cast<std::size_t>(n));
    if (text.size() > bytes_max)
      return std::unexpected(
          fmt::format("{} has more than {} kB, the most that is read of such a file: is it the right one?", path, bytes_max >> 10U));
  }
}

namespace {

std::expected<std::string, std::string> read_file(const std::string& path, std::size_t bytes_max, std::string_view advice) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0)
    return cannot_be_read(path, errno);
  struct stat is{};
  std::expected<std::string, std::string> text;
  if (::fstat(fd, &is) != 0)
    text = cannot_be_read(path, errno);
  else if (!S_ISREG(is.st_mode))
    text = std::unexpected(fmt::format("{} is {}{}", path, kind_of_file(is.st_mode), advice));
  else
    text = read_to_the_end(fd, path, bytes_max);
  ::close(fd);
  return text;
}

store_error cannot_be_opened(const std::string& path, int why) {
  struct stat is{};
  if (::lstat(path.c_str(), &is) == 0 && !S_ISREG(is.st_mode))
    return {errc::corrupt, fmt::format("{} is {}, and no file: put the right one back", path, kind_of_file(is.st_mode))};
  const auto code = why == ENOENT ? errc::missing : why == EACCES ? errc::permission : why == ENOSPC ? errc::no_space : errc::io;
  return {code, fmt::format("cannot open {}: {}", path, std::strerror(why))};
}

}  // namespace

std::expected<std::string, std::string> read_regular_file(const std::string& path, std::size_t bytes_max, std::string_view otherwise) {
  return read_file(path, bytes_max, fmt::format(": name a file{}", otherwise));
}

std::expected<std::string, std::string> read_own_file(const std::string& path, std::size_t bytes_max) {
  return read_file(path, bytes_max, ", and no file");
}

result<int> open_own_file(const std::string& path, int flags) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY, 0600);
  if (fd < 0)
    return std::unexpected(cannot_be_opened(path, errno));
  struct stat is{};
  if (::fstat(fd, &is) == 0 && S_ISREG(is.st_mode))
    return fd;
  ::close(fd);
  return std::unexpected(cannot_be_opened(path, EINVAL));
}

}  // namespace janji::store
