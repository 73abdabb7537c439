// Files that operators name, and those of the data directory, read whole and with a bound, or not at all. Nothing that could keep who reads
// waiting is opened: no pipe, socket or device. Errors are one sentence that begins with the path. Any thread.
#pragma once

#include <sys/types.h>

#include <expected>
#include <string>
#include <string_view>

#include "store/error.hpp"

namespace janji::store {

[[nodiscard]] const char* kind_of_file(mode_t mode);  // that is no regular one: "a pipe"
// `otherwise`: what else may be named, at the end of the sentence.
[[nodiscard]] std::expected<std::string, std::string> read_regular_file(const std::string& path, std::size_t bytes_max,
                                                                        std::string_view otherwise = {});
// The same of a file that belongs to the data: nobody named it.
[[nodiscard]] std::expected<std::string, std::string> read_own_file(const std::string& path, std::size_t bytes_max);
// One of those, to be read or written in place; `flags` of open(2), which waits for nothing and follows no link. `missing`: there is none;
// `corrupt`: something else stands there.
[[nodiscard]] result<int> open_own_file(const std::string& path, int flags);
// What is left of a descriptor that is open; `path` is for the sentence.
[[nodiscard]] std::expected<std::string, std::string> read_to_the_end(int fd, const std::string& path, std::size_t bytes_max);

}  // namespace janji::store
