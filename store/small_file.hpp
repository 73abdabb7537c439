// Small files beside RocksDB's own: replaced whole, or left as they were.
// Threads: any, one at a time for a path.
#pragma once

#include <string>
#include <string_view>

#include "store/error.hpp"

namespace janji::store {

// From errno. `what`: "cannot write".
store_error file_error(const std::string& what, const std::string& path);

// Written beside (mode 0600), synced, renamed, the directory synced: durable when it returns ok.
result<void> replace_file(const std::string& path, std::string_view text);

// Whether another process has the store in `path` open for writing. Changes nothing; a store that is not there is not in use. Never
// from a process that has it open itself: looking would end its lock.
[[nodiscard]] bool is_in_use(const std::string& path);

}  // namespace janji::store
