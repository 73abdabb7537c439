// Blocks of a file that nobody is to read again.
// Threads: any.
#pragma once

#include <cstdint>

namespace janji::store {

// Gives the blocks of that part of the file back to its file system, and asks it to discard them on the disk (FITRIM, for which a process
// needs CAP_SYS_ADMIN; a file system that is mounted with `discard` does so by itself). What cannot be done is left: they were overwritten
// before.
void discard_blocks(int fd, std::uint64_t from, std::uint64_t bytes);

}  // namespace janji::store
