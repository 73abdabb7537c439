// Looks whether a node's own directory and the store in it are still there, are those that were opened, and can be written to. A store
// that was removed or replaced takes writes as before, and the next start finds nothing of them. Without a name it looks at nothing.
// Blocks on the disk; lives in the archive's actor.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace janji::actors {

class directory_watch {
public:
  // What is there now is what was opened: the directory, its `store`, in that what RocksDB makes once for good, and the key file.
  explicit directory_watch(const std::string& path);
  // Empty, or what is wrong with it. Once in ten calls a small file is written beside the store's own, and synced.
  [[nodiscard]] std::string look();

private:
  static constexpr unsigned write_every = 10;
  struct opened {
    std::string path;
    const char* kind = "";
    bool replaceable = false;  // by another file of its name: a rotation of keys does so
    dev_t device = 0;
    ino_t inode = 0;
  };
  bool remember(std::string path, const char* kind, bool replaceable = false);  // if it is there

  std::vector<opened> opened_;
  std::string written_in_;  // the store's directory, where there is one
  unsigned looks_ = 0;
  std::string cannot_write_;
};

}  // namespace janji::actors
