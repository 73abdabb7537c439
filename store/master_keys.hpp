// Master keys, under which all other keys are wrapped: where they come from, and how they are told apart.
//
// Threads: any; nothing is kept.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "store/error.hpp"
#include "store/secret.hpp"

namespace janji::store {

// 16 hexadecimal digits that say which master it is, and nothing of what it is.
[[nodiscard]] std::string fingerprint_of(const key_bytes& master);

// XChaCha20-Poly1305 under the master, in hexadecimal; the name is authenticated.
[[nodiscard]] std::string wrap(const std::string& name, const key_bytes& key, const key_bytes& master);
[[nodiscard]] bool unwrap(const std::string& name, std::string_view text, const key_bytes& master, key_bytes& key);

// The first word of a file of at most 4096 bytes that is a regular one, and that its owner alone can read. `what`: "the master key".
result<secret_text> read_secret_file(const std::string& file, std::string_view what);

// Where the master key comes from: the environment, else the file; a missing file is made (mode 0600) when `create`.
struct master_source {
  std::string file;
  secret_text environment_value;  // 64 hexadecimal digits; empty: not given
  bool create = true;
};
result<key_bytes> load_master(const master_source& source);

// A node has one master, and during a rotation one more: that to come, from another file or variable.
struct master_sources {
  master_source now;
  std::string next_file;         // none there: no other
  secret_text next_environment;  // goes before the file
};
struct held_masters {
  std::vector<key_bytes> keys;  // that to come at the end; none twice
  std::string wrong;            // not empty: why one of them cannot be had
};
// What a start would have now. Never makes a file.
[[nodiscard]] held_masters read_masters(const master_sources& sources);

}  // namespace janji::store
