// A password that an operator keeps in a file of its own: one line, its owner's alone.
// Threads: any.
#pragma once

#include <string>
#include <string_view>

#include "store/error.hpp"

namespace janji::store {

inline constexpr std::size_t secret_bytes_max = 1024;

// Without the end of its line. `what` begins the sentence of an error: "the password of etcd". What others can read, what is no regular
// file (a pipe would wait for ever) and what holds more than a line is refused; no error shows what the file holds.
result<std::string> read_password_file(const std::string& path, const std::string& what);

// Of a file that is open: a regular one, which its owner alone can read. `what` as above.
result<void> is_owners_alone(int fd, const std::string& path, std::string_view what);

}  // namespace janji::store
