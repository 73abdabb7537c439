#include "store/acknowledged_mark.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>

namespace janji::store {

namespace {

// The number and its complement: a file that was only half written, or is something else, says nothing.
using pair = std::array<std::uint64_t, 2>;

std::string file_in(const std::string& store_path) { return store_path + "/acknowledged"; }

}  // namespace

acknowledged_mark::~acknowledged_mark() {
  if (fd_ >= 0)
    ::close(fd_);
}

std::uint64_t acknowledged_mark::read(const std::string& store_path) {
  const int fd = ::open(file_in(store_path).c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return 0;
  pair kept{};
  const bool whole = ::pread(fd, kept.data(), sizeof kept, 0) == static_cast<ssize_t>(sizeof kept);
  ::close(fd);
  return whole && kept[1] == ~kept[0] ? kept[0] : 0;
}

void acknowledged_mark::open(const std::string& store_path) {
  fd_ = ::open(file_in(store_path).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
}

void acknowledged_mark::set(std::uint64_t sequence) noexcept {
  const pair kept{sequence, ~sequence};
  if (fd_ >= 0)
    (void)!::pwrite(fd_, kept.data(), sizeof kept, 0);
}

}  // namespace janji::store
