// Files that operators name, read whole and with a bound, or not at all. Nothing that could keep who reads waiting is opened: no pipe,
// socket or device. Errors are one sentence that begins with the path. Any thread.
#pragma once

#include <sys/types.h>

#include <expected>
#include <string>
#include <string_view>

namespace janji::store {

[[nodiscard]] const char* kind_of_file(mode_t mode);  // that is no regular one: "a pipe"
// `otherwise`: what else may be named, at the end of the sentence.
[[nodiscard]] std::expected<std::string, std::string> read_regular_file(const std::string& path, std::size_t bytes_max,
                                                                        std::string_view otherwise = {});
// What is left of a descriptor that is open; `path` is for the sentence.
[[nodiscard]] std::expected<std::string, std::string> read_to_the_end(int fd, const std::string& path, std::size_t bytes_max);

}  // namespace janji::store
