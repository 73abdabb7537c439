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

result<void> is_owners_alone(int fd, const std::string& path, std::string_view what) {
  struct stat st{};
  if (::fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
    return std::unexpected(store_error{errc::wrong_key, fmt::format("{} in {} is not a file", what, path)});
  if ((st.st_mode & 077) != 0)
    return std::unexpected(store_error{errc::permission, fmt::format("{} in {} can be read by others: chmod 600 it", what, path)});
  return {};
}

result<std::string> read_password_file(const std::string& path, const std::string& what) {
  const auto wrong = [&](errc code, const std::string& why) {
    return std::unexpected(store_error{code, fmt::format("{} in {} {}", what, path, why)});
  };
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0)
    return wrong(errno == ENOENT ? errc::missing : errc::permission, fmt::format("cannot be read: {}", std::strerror(errno)));
  std::string text(secret_bytes_max + 2, '\0');
  const auto own = is_owners_alone(fd, path, what);
  const auto read = own ? ::read(fd, text.data(), text.size()) : 0;
  ::close(fd);
  if (!own)
    return std::unexpected(own.error());
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
