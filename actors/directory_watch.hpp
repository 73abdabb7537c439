// Looks whether a node's own directory is still there, is the one that was opened, and can be written to. Without a name it looks at
// nothing. Blocks on the disk; lives in the archive's actor.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace janji::actors {

class directory_watch {
public:
  explicit directory_watch(std::string path);
  // Empty, or what is wrong with it. Once in ten calls a small file is written and synced.
  [[nodiscard]] std::string look();

private:
  static constexpr unsigned write_every = 10;
  std::string path_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
  unsigned looks_ = 0;
  std::string cannot_write_;
};

}  // namespace janji::actors
