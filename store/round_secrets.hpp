// A secret for each round, under which its keys are wrapped besides the master key, at a place of its own in a file of its own: erasing a
// round overwrites that place. The file is never replaced and never copied by this program, so that there is one copy of a secret, on this
// disk; the keys wrapped under it may lie anywhere, in files of before, in etcd's history, in backups. Where the file that was read is
// gone, or is another one, nothing is written and no new one is made: that would lack the other rounds' secrets.
//
// The file: a page that names it, then a page for each round's number. One that is a hole, or zeros: the round has none here.
//
// Threads: any; what reads never waits for a disk.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "booking/types.hpp"
#include "store/error.hpp"
#include "store/secret.hpp"
#include "store/small_file.hpp"

namespace janji::store {

class round_secrets {
public:
  enum class state : std::uint8_t {
    none,
    there,
    destroyed,
    damaged,  // neither: a stop in the midst of its destruction, or a disk that lies
  };
  explicit round_secrets(std::string path) : path_(std::move(path)), directory_(path_) {}
  // What the file holds; that there is none is no error. Once, before anything else.
  result<void> load();
  // For those that have none; on disk before it returns. A destroyed one stays destroyed, which is no error.
  result<void> make(std::span<const round_id> rounds);
  // Overwritten where it stands, and synced; then the block is given back to the file system and, as far as it can be asked to, discarded;
  // what remains says that it was destroyed. May be called again. From the first step on nobody gets it from here.
  result<void> destroy(round_id round);
  [[nodiscard]] state state_of(round_id round) const;
  // What was wrapped under it is gone; all that remains is to say so in its place.
  [[nodiscard]] bool is_overwritten(round_id round) const {
    return state_of(round) == state::damaged || state_of(round) == state::destroyed;
  }
  [[nodiscard]] std::optional<key_bytes> get(round_id round) const;
  [[nodiscard]] std::vector<round_id> there() const;
  [[nodiscard]] const std::string& path() const { return path_; }

private:
  struct place {
    state is = state::none;
    std::optional<key_bytes> secret;
  };
  [[nodiscard]] bool holds_nothing() const;

  std::string path_;
  directory_of directory_;
  std::mutex changing_;  // whoever changes the file; taken first
  std::optional<file_id> read_;
  mutable std::mutex mutex_;  // over what follows
  std::map<round_id, place> places_;
};

// ------------------------------------------------------------------ what is wrapped under a secret

// Under the master and the secret together: neither opens it alone.
[[nodiscard]] std::string wrap_under(const key_bytes& secret, const std::string& name, const key_bytes& key, const key_bytes& master);
[[nodiscard]] bool unwrap_under(const key_bytes& secret, const std::string& name, std::string_view box, const key_bytes& master,
                                key_bytes& key);

// What others wrap for whoever has the secret: its lock may be known to all (X25519). In hexadecimal.
[[nodiscard]] std::string lock_of(const key_bytes& secret);
// "": `lock` is none.
[[nodiscard]] std::string wrap_for(std::string_view lock, const std::string& name, const key_bytes& key, const key_bytes& master);
[[nodiscard]] bool unwrap_from(const key_bytes& secret, const std::string& name, std::string_view text, const key_bytes& master,
                               key_bytes& key);

}  // namespace janji::store
