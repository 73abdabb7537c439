// Small files beside RocksDB's own: replaced whole, or left as they were.
// Threads: any, one at a time for a path.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "store/error.hpp"

namespace janji::store {

// From errno. `what`: "cannot write".
store_error file_error(const std::string& what, const std::string& path);

// A file of one's own to be written (0600), in place of whatever stood there: a pipe would keep the writer waiting, a link lead elsewhere.
// A descriptor, or -1 and errno; of a directory EISDIR.
int open_anew(const std::string& path);

// Written beside (mode 0600), synced, renamed, the directory synced: durable when it returns ok.
result<void> replace_file(const std::string& path, std::string_view text);

// So that the name of a file that was just made or renamed is on disk.
result<void> sync_directory_of(const std::string& path);

// Which file it is, whatever its name.
struct file_id {
  dev_t device = 0;
  ino_t inode = 0;
  friend bool operator==(const file_id&, const file_id&) = default;
};

// The directory of `path` as it was when this was made. One that is moved away takes its files along; another in its place is somebody
// else's, and what is written there is not here once the first is put back.
class directory_of {
public:
  explicit directory_of(const std::string& path);
  // An error where its name leads to another directory now, or to none. A directory that was not there yet may come.
  [[nodiscard]] result<void> is_the_same() const;

private:
  std::string path_;
  std::optional<file_id> known_;
};

// Whether another process has the store in `path` open for writing. Changes nothing; a store that is not there is not in use. Never
// from a process that has it open itself: looking would end its lock.
[[nodiscard]] bool is_in_use(const std::string& path);

}  // namespace janji::store
