// Who listens at a TCP port of this machine, as /proc tells it: for files that name a port and a process and prove neither.
// Reads /proc; any thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string_view>
#include <vector>

namespace janji::apps {

struct listening_socket {
  std::uint64_t inode = 0;
  ::uid_t user = 0;
};
// Of a table as /proc/net/tcp has it, at any address.
[[nodiscard]] std::vector<listening_socket> listening_at(std::string_view table, unsigned port);

// Whether everything that listens at the port is `user`'s and of that process, and the process is a janjid. What cannot be told is not so.
[[nodiscard]] bool is_node_listening(::pid_t process, ::uid_t user, unsigned port);

}  // namespace janji::apps
