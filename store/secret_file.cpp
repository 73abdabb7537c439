#include "store/secret_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace janji::store {

result<std::string> read_password_file(const std::string& path, const std::string& what) {
  const auto wrong = [&](errc code, const std::string& why) {
    return std::unexpected(store_error{code, fmt::format("{} in {} {}", what, path, why)});
  };
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0)
    return wrong(errno == ENOENT ? errc::missing : errc::permission, fmt::format("cannot be read: {}", std::strerror(errno)));
  struct stat st{};
  std::string text(secret_bytes_max + 2, '\0');
  const bool looked = ::fstat(fd, &st) == 0;
  const bool regular = looked && S_ISREG(st.st_mode);
  const auto read = regular ? ::read(fd, text.data(), text.size()) : 0;
  ::close(fd);
  if (!regular)
    return wrong(errc::wrong_key, "is not a file");
  if ((st.st_mode & 077) != 0)
    return wrong(errc::permission, "can be read by others: chmod 600 it");
  if (read < 0)
    return wrong(errc::io, "cannot be read");
  text.resize(static_cast<std::size_t>(read));
  while (text.ends_with('\n') || text.ends_with('\r'))
    text.pop_back();
  const auto in_a_line = [](unsigned char c) { return c >= 0x20 && c != 0x7F; };
  if (text.empty() || text.size() > secret_bytes_max || !std::ranges::all_of(text, in_a_line)) {
    sodium_memzero(text.data(), text.size());
    return wrong(errc::wrong_key, fmt::format("is not one line of 1 to {} bytes", secret_bytes_max));
  }
  return text;
}

}  // namespace janji::store
