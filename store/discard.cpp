#include "store/discard.hpp"

#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <optional>

namespace janji::store {

namespace {

// Where they lie on the disk, if they lie there in one piece.
std::optional<std::uint64_t> on_the_disk(int fd, std::uint64_t from, std::uint64_t bytes) {
  alignas(fiemap) std::array<char, sizeof(fiemap) + sizeof(fiemap_extent)> memory{};
  auto* const map = reinterpret_cast<fiemap*>(memory.data());
  map->fm_start = from;
  map->fm_length = bytes;
  map->fm_flags = FIEMAP_FLAG_SYNC;
  map->fm_extent_count = 1;
  if (::ioctl(fd, FS_IOC_FIEMAP, map) != 0 || map->fm_mapped_extents != 1)
    return std::nullopt;
  fiemap_extent found{};
  std::memcpy(&found, memory.data() + sizeof(fiemap), sizeof found);
  constexpr std::uint32_t elsewhere = FIEMAP_EXTENT_UNKNOWN | FIEMAP_EXTENT_DELALLOC | FIEMAP_EXTENT_ENCODED | FIEMAP_EXTENT_DATA_INLINE;
  if ((found.fe_flags & elsewhere) != 0 || found.fe_logical > from || found.fe_logical + found.fe_length < from + bytes)
    return std::nullopt;
  return found.fe_physical + (from - found.fe_logical);
}

}  // namespace

void discard_blocks(int fd, std::uint64_t from, std::uint64_t bytes) {
  const auto at = on_the_disk(fd, from, bytes);
  if (::fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(from), static_cast<off_t>(bytes)) != 0 ||
      ::fsync(fd) != 0)
    return;
  if (!at)
    return;
  fstrim_range range{*at, bytes, 0};
  (void)::ioctl(fd, FITRIM, &range);
}

}  // namespace janji::store
