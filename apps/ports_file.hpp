// Where a node listens, for programs beside it: DATA/janjid.ports, replaced whole, mode 0600, and locked by the node for as long as it
// lives. A node that died without a word leaves the file and not the lock, so that nobody sends a token to whoever has its port since. With
// the key in it a reader makes sure that it is this node that has the port.
#pragma once

#include <cstdint>
#include <expected>
#include <string>

namespace janji::apps {

class ports_file {
public:
  ports_file() = default;
  // Removes the file, if it is still this one.
  ~ports_file();
  ports_file(ports_file&& other) noexcept;
  ports_file& operator=(ports_file&& other) noexcept;
  ports_file(const ports_file&) = delete;
  ports_file& operator=(const ports_file&) = delete;

  struct ports {
    unsigned citizens = 0;
    unsigned admin = 0;
    std::string admin_address;  // an address, as it was asked for
    std::string proof_key;      // net/node_proof.hpp
  };
  static std::expected<ports_file, std::string> write(const std::string& data, const ports& p);
  // What a node that runs says. An error: there is none, in words. One of an earlier version may have died:
  // is_of_a_node_that_runs().
  static std::expected<std::string, std::string> read(const std::string& data);
  // Of a file without a key to prove itself with: whether its process runs, is a node of the user whose file it is, and has the port.
  static bool is_of_a_node_that_runs(const std::string& data, std::int64_t process, unsigned port);

private:
  std::string path_;
  int fd_ = -1;
};

}  // namespace janji::apps
