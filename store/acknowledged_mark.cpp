#include "store/acknowledged_mark.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>

#include "store/regular_file.hpp"

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

result<std::uint64_t> acknowledged_mark::read(const std::string& store_path) {
  const auto fd = open_own_file(file_in(store_path), O_RDONLY);
  if (!fd && fd.error().code == errc::corrupt)
    return std::unexpected(fd.error());
  if (!fd)
    return 0;
  pair kept{};
  const bool whole = ::pread(*fd, kept.data(), sizeof kept, 0) == static_cast<ssize_t>(sizeof kept);
  ::close(*fd);
  return whole && kept[1] == ~kept[0] ? kept[0] : 0;
}

void acknowledged_mark::open(const std::string& store_path) { fd_ = open_own_file(file_in(store_path), O_WRONLY | O_CREAT).value_or(-1); }

void acknowledged_mark::set(std::uint64_t sequence) noexcept {
  const pair kept{sequence, ~sequence};
  if (fd_ >= 0)
    (void)!::pwrite(fd_, kept.data(), sizeof kept, 0);
}

}  // namespace janji::store
