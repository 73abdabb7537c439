// The node's keys, independent of each other and outside RocksDB, so that erasing is erasing. Each is wrapped by a master
// key (XChaCha20-Poly1305, its name authenticated) in one file that is replaced atomically.
//
//   citizen/<round>   citizen hash; never rotated, destroyed with its round (rotating it would let everyone book again)
//   data/<round>      sealed records; the key of one day is derived from it
//   token/<id>        manage tokens
//   receipt           Ed25519 seed of this node's receipts
//   request           hashes of idempotency keys and bodies
//
// Threads: safe from any; get() hands out a copy.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "booking/types.hpp"
#include "store/error.hpp"
#include "store/node_store.hpp"

namespace janji::store {

using key_bytes = std::array<std::uint8_t, 32>;

// Where the master key comes from: the environment, else the file; a missing file is made (mode 0600) when `create`.
struct master_source {
  std::string file;
  std::string environment_value;  // 64 hexadecimal digits; empty: not given
  bool create = true;
};
result<key_bytes> load_master(const master_source& source);

class key_ring {
public:
  // Opens or makes the ring in `path`. A master key that does not open it is errc::wrong_key, and nothing is changed.
  static result<std::unique_ptr<key_ring>> open(const std::string& path, const key_bytes& master, bool create);

  // Where the nodes of a cluster agree on keys. put: keeps the wrapped key under its name unless there is one, and says
  // what is there; take: removes it. Set before the first key is made; the calls may block.
  struct common_store {
    std::function<std::expected<std::string, std::string>(const std::string& name, const std::string& wrapped)> put;
    std::function<std::expected<void, std::string>(const std::string& name)> take;
  };
  void share(common_store common) { common_ = std::move(common); }

  [[nodiscard]] std::optional<key_bytes> get(std::string_view name) const;
  // Makes the key if it is missing, and is durable before it returns. A destroyed one stays destroyed: errc::missing.
  result<key_bytes> get_or_make(const std::string& name);
  // Destroys every key of a round; on disk before it returns. The names stay, so that none is made again.
  result<std::size_t> destroy_round(round_id round);
  [[nodiscard]] bool is_destroyed(round_id round) const;
  // Wraps everything again under `master`.
  result<void> rotate_master(const key_bytes& master);
  [[nodiscard]] std::size_t size() const;

private:
  key_ring(std::string path, const key_bytes& master) : path_(std::move(path)), master_(master) {}
  result<void> load();
  [[nodiscard]] std::optional<result<key_bytes>> known(std::string_view name) const;
  result<key_bytes> agreed(const std::string& name, key_bytes key, const key_bytes& master);
  result<void> save(const key_bytes& master);

  std::string path_;
  key_bytes master_;
  mutable std::mutex mutex_;
  std::map<std::string, std::optional<key_bytes>, std::less<>> keys_;  // none: destroyed
  common_store common_;                                                // none: the node is alone
};

}  // namespace janji::store
