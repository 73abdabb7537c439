// The node's keys, independent of each other and outside RocksDB, so that erasing is erasing. Each is wrapped by a master
// key (XChaCha20-Poly1305, its name authenticated) in one file that is replaced atomically. A round's keys are wrapped under a secret of
// the round besides (round_secrets.hpp), once make_erasable() was called: what destroys the secret destroys them, in every copy of the file
// that there ever was, and in the cluster's copies, which are wrapped for the nodes' secrets.
//
//   citizen/<round>   citizen hash; never rotated, destroyed with its round (rotating it would let everyone book again)
//   data/<round>      sealed records; the key of one day is derived from it
//   token/<id>        manage tokens
//   receipt           Ed25519 seed of this node's receipts
//   request           hashes of idempotency keys and bodies
//
// Threads: safe from any; get() hands out a copy. What reads never waits for a disk, however long another thread's change takes to
// get there; it shows what is on disk.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "booking/types.hpp"
#include "store/error.hpp"
#include "store/master_keys.hpp"
#include "store/node_store.hpp"
#include "store/round_secrets.hpp"
#include "store/small_file.hpp"

namespace janji::store {

// How far the rotations of a cluster had come when something was wrapped. A node that is alone counts none.
struct rotation_mark {
  std::uint64_t number = 0;  // 0: there has been none
  bool finished = true;
  friend auto operator<=>(const rotation_mark&, const rotation_mark&) = default;
};

// Of a key that goes with a round.
[[nodiscard]] std::optional<round_id> round_of_key(std::string_view name);

class key_ring {
public:
  // Opens the ring in `path` with whichever of the master keys it is wrapped under, or makes it when `create`, under the first. None
  // that opens it is errc::wrong_key, and nothing is changed; but a ring without keys is made anew when `create`.
  static result<std::unique_ptr<key_ring>> open(const std::string& path, std::span<const key_bytes> masters, bool create);
  static result<std::unique_ptr<key_ring>> open(const std::string& path, const key_bytes& master, bool create);

  // Where the nodes of a cluster agree on keys. put: keeps the key under its name unless there is one, and says which is there; take:
  // removes it. Set before the first key is made; the calls may block.
  struct common_store {
    std::function<std::expected<key_bytes, std::string>(const std::string& name, const key_bytes& key)> put;
    std::function<std::expected<void, std::string>(const std::string& name)> take;
  };
  void share(common_store common) { common_ = std::move(common); }
  // Before each write of the file, where a disk may hang: for tests, before anybody else has the ring.
  void before_writing(std::function<void()> look) { before_writing_ = std::move(look); }

  [[nodiscard]] std::optional<key_bytes> get(std::string_view name) const;
  // Makes the key if it is missing, and is durable before it returns. A destroyed one stays destroyed: errc::missing.
  result<key_bytes> get_or_make(const std::string& name);
  // As if they had never been here, and nothing was done with them; on disk before it returns.
  result<void> drop(std::span<const std::string> names);
  // Destroys every key of a round; on disk before it returns. The names stay, so that none is made again. An error: something is left, here
  // or in the cluster's copies, and it is to be called again.
  result<std::size_t> destroy_round(round_id round);
  [[nodiscard]] bool is_destroyed(round_id round) const;
  [[nodiscard]] bool is_destroyed(std::string_view name) const;
  // The file has it, and the round's secret that opens it is not here, or is another.
  [[nodiscard]] bool is_lost(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> names() const;  // of the keys that are there
  // From now on, and for good: earlier versions do not read what is written then. On disk before it returns.
  result<void> make_erasable();
  [[nodiscard]] bool is_erasable() const;
  // Its secret is made if there is none. A destroyed one stays destroyed: errc::missing.
  result<std::string> lock_of_round(round_id round);
  // Of all rounds that have secrets here; those of these numbers are made if they have none and were not destroyed.
  result<std::map<round_id, std::string>> locks(std::span<const round_id> also);
  // A cluster's copy that was wrapped for this node's secret of its round.
  [[nodiscard]] std::optional<key_bytes> open_copy(const std::string& name, std::string_view box, const key_bytes& master) const;
  // Wraps everything again under `master`, and is durable before it returns.
  result<void> wrap_again(const key_bytes& master, rotation_mark mark);
  // Of a node that is alone.
  result<void> rotate_master(const key_bytes& master) { return wrap_again(master, mark()); }
  [[nodiscard]] key_bytes master() const;  // the one that the file is wrapped under
  [[nodiscard]] rotation_mark mark() const;
  [[nodiscard]] std::size_t size() const;

private:
  struct held {
    std::optional<key_bytes> key;
    std::string lost;  // as the file has it: what cannot be opened. Neither: destroyed
    [[nodiscard]] bool is_destroyed() const { return !key && lost.empty(); }
  };
  using key_map = std::map<std::string, held, std::less<>>;

  explicit key_ring(const std::string& path) : path_(path), directory_(path), secrets_(path + ".rounds") {}
  result<void> load(std::span<const key_bytes> masters);
  result<void> load_line(const std::string& name, std::string_view box);
  [[nodiscard]] std::optional<result<key_bytes>> known(std::string_view name) const;
  result<void> finish_erasures();
  result<void> make_secrets(const key_map& keys);
  [[nodiscard]] std::string text(const key_map& keys, const key_bytes& master, rotation_mark mark, bool erasable) const;
  [[nodiscard]] std::string box_of(const std::string& name, const held& h, const key_bytes& master, bool erasable) const;
  [[nodiscard]] std::optional<key_bytes> secret_of(std::string_view name) const;
  // Never in a directory that came in its directory's place.
  result<void> save(const key_map& keys, const key_bytes& master, rotation_mark mark, bool erasable);
  void put(key_map&& keys);

  std::string path_;
  directory_of directory_;
  round_secrets secrets_;
  std::mutex saving_;         // whoever changes the file; taken first
  mutable std::mutex mutex_;  // over what follows; who saves may read it without
  key_bytes master_;
  bool erasable_ = false;
  rotation_mark mark_;
  key_map keys_;
  std::function<void()> before_writing_ = [] {};
  common_store common_;  // none: the node is alone
};

}  // namespace janji::store
