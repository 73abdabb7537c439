#include "store/key_ring.hpp"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <sstream>

#include "booking/assert.hpp"
#include "store/key_files.hpp"
#include "store/regular_file.hpp"
#include "store/small_file.hpp"

namespace janji::store {

namespace {

constexpr std::string_view header = "janji-keys 1";
// Of a file that was wrapped in a cluster's rotation: its master's fingerprint, the rotation's number, "begun" or "finished".
constexpr std::string_view rotated_header = "janji-keys 2";
// Of one whose rounds' keys are wrapped under their secrets too: the same, and the number may be 0.
constexpr std::string_view erasable_header = "janji-keys 3";
constexpr std::string_view destroyed = "destroyed";
constexpr std::string_view under_secret = "secret ";

// The master that the file is wrapped under, when it says so.
struct file_head {
  std::string fingerprint;
  rotation_mark mark;
  bool erasable = false;
};

std::optional<file_head> head_from(const std::string& line) {
  if (line == header)
    return file_head{};
  file_head h;
  h.erasable = line.starts_with(erasable_header);
  if (!h.erasable && !line.starts_with(rotated_header))
    return std::nullopt;
  std::string state;
  std::istringstream in(line.substr(rotated_header.size()));
  if (!(in >> h.fingerprint >> h.mark.number >> state) || (h.mark.number == 0 && !h.erasable) || (state != "begun" && state != "finished"))
    return std::nullopt;
  h.mark.finished = state == "finished";
  return h;
}

struct key_line {
  std::string name;
  std::string box;
};

std::optional<key_bytes> opening(const std::string& box, std::span<const key_bytes> masters) {
  key_bytes nothing;
  const auto found = std::ranges::find_if(masters, [&](const auto& m) { return unwrap("check", box, m, nothing); });
  return found == masters.end() ? std::nullopt : std::optional(*found);
}

std::string fingerprints_of(std::span<const key_bytes> masters) {
  std::string out;
  for (const auto& m : masters)
    out += (out.empty() ? "" : ", ") + fingerprint_of(m);
  return out;
}

constexpr std::array kinds_of_a_round{"citizen/", "data/"};

}  // namespace

std::optional<round_id> round_of_key(std::string_view name) {
  for (const std::string_view kind : kinds_of_a_round) {
    std::uint16_t id = 0;
    const auto* const end = name.data() + name.size();
    if (name.starts_with(kind) && std::from_chars(name.data() + kind.size(), end, id).ptr == end && name.size() > kind.size())
      return round_id{id};
  }
  return std::nullopt;
}

result<std::unique_ptr<key_ring>> key_ring::open(const std::string& path, const key_bytes& master, bool create) {
  return open(path, std::span(&master, 1), create);
}

result<std::unique_ptr<key_ring>> key_ring::open(const std::string& path, std::span<const key_bytes> masters, bool create) {
  std::unique_ptr<key_ring> ring(new key_ring(path));
  std::error_code ec;
  const bool there = std::filesystem::exists(path, ec);
  if (ec)
    return std::unexpected(store_error{errc::io, fmt::format("{} cannot be looked at: {}", path, ec.message())});
  if (there) {
    overwrite_what_was_left(path);
    auto loaded = ring->secrets_.load();
    if (loaded)
      loaded = ring->load(masters);
    if (loaded)
      loaded = ring->finish_erasures();
    if (loaded)
      return ring;
    const bool nothing_to_lose = create && loaded.error().code == errc::wrong_key && ring->keys_.empty();
    if (!nothing_to_lose)
      return std::unexpected(loaded.error());
  } else if (!create) {
    return std::unexpected(store_error{errc::missing, fmt::format("there are no keys in {}", path)});
  } else if (std::filesystem::exists(ring->secrets_.path(), ec) || ec) {
    return std::unexpected(store_error{errc::missing, fmt::format("{} is there, and {} is not: put that back, or remove both to begin anew",
                                                                  ring->secrets_.path(), path)});
  }
  ring->master_ = masters.front();
  ring->mark_ = {};
  ring->erasable_ = false;
  if (auto r = replace_file(path, ring->text(ring->keys_, ring->master_, ring->mark_, false)); !r)
    return std::unexpected(r.error());
  return ring;
}

result<void> key_ring::load(std::span<const key_bytes> masters) {
  auto whole = read_own_file(path_, key_file_bytes_max);
  if (!whole)
    return std::unexpected(store_error{errc::corrupt, whole.error() + "; put the right one back"});
  std::istringstream in(std::move(*whole));
  std::string line;
  const auto head = std::getline(in, line) ? head_from(line) : std::nullopt;
  if (!head)
    return std::unexpected(store_error{errc::corrupt, fmt::format("{} is not a key file that this program reads", path_)});
  mark_ = head->mark;
  erasable_ = head->erasable;
  std::vector<key_line> lines;
  std::string check;
  while (std::getline(in, line)) {
    const auto space = std::min(line.find(' '), line.size());
    auto name = line.substr(0, space);
    auto box = line.substr(std::min(space + 1, line.size()));
    if (name == "check")
      check = std::move(box);
    else
      lines.push_back({std::move(name), std::move(box)});
  }
  if (check.empty())
    return std::unexpected(store_error{errc::corrupt, fmt::format("{} is cut short", path_)});
  if (const auto master = opening(check, masters)) {
    master_ = *master;
  } else {
    for (const auto& l : lines)
      keys_[l.name] = {};  // there is something to lose
    if (std::ranges::find(masters, head->fingerprint, fingerprint_of) != masters.end())
      return std::unexpected(
          store_error{errc::corrupt, fmt::format("{} is damaged: it was written under the master key {}, which is given, and "
                                                 "which does not open it",
                                                 path_, head->fingerprint)});
    const auto needed =
        head->fingerprint.empty() ? " (or it is damaged)" : fmt::format(": it needs the one with fingerprint {}", head->fingerprint);
    return std::unexpected(store_error{
        errc::wrong_key, fmt::format("the master key does not open {}{}, given is {}", path_, needed, fingerprints_of(masters))});
  }
  for (const auto& l : lines)
    if (auto r = load_line(l.name, l.box); !r)
      return r;
  return {};
}

result<void> key_ring::load_line(const std::string& name, std::string_view box) {
  auto& here = keys_[name];
  if (box == destroyed)
    return {};
  key_bytes key;
  const auto round = round_of_key(name);
  if (box.starts_with(under_secret) && round) {
    const auto secret = secret_of(name);
    if (secret && unwrap_under(*secret, name, box.substr(under_secret.size()), master_, key))
      here.key = std::move(key);
    else if (secrets_.state_of(*round) != round_secrets::state::destroyed)  // it is, by a stop before this file was written
      here.lost = box;
    return {};
  }
  if (!unwrap(name, box, master_, key))
    return std::unexpected(
        store_error{errc::corrupt, fmt::format("{} is damaged at {}: the master key opens what stands before it", path_, name)});
  if (round && secrets_.is_overwritten(*round))  // whatever the form of the file: an earlier one may have been put back
    return {};
  here.key = std::move(key);
  return {};
}

// A stop between the two files or in the midst of one, in either order, or one of them put back.
result<void> key_ring::finish_erasures() {
  for (const auto& [name, h] : keys_)
    if (const auto round = round_of_key(name); round && is_destroyed(*round))
      if (const auto is = secrets_.state_of(*round); is == round_secrets::state::there || is == round_secrets::state::damaged)
        if (auto r = secrets_.destroy(*round); !r)
          return r;
  return erasable_ ? make_secrets(keys_) : result<void>{};
}

std::optional<key_bytes> key_ring::secret_of(std::string_view name) const {
  const auto round = round_of_key(name);
  return round ? secrets_.get(*round) : std::nullopt;
}

std::string key_ring::box_of(const std::string& name, const held& h, const key_bytes& master, bool erasable) const {
  if (!h.key)
    return h.lost.empty() ? std::string(destroyed) : h.lost;
  if (!erasable || !round_of_key(name))
    return wrap(name, *h.key, master);
  const auto secret = secret_of(name);
  assert_always(secret.has_value(), "a round's key is never written under the master key alone where it can be erased");
  return std::string(under_secret) + wrap_under(*secret, name, *h.key, master);
}

std::string key_ring::text(const key_map& keys, const key_bytes& master, rotation_mark mark, bool erasable) const {
  const bool plain = !erasable && mark.number == 0;
  auto out = plain ? std::string(header)
                   : fmt::format("{} {} {} {}", erasable ? erasable_header : rotated_header, fingerprint_of(master), mark.number,
                                 mark.finished ? "finished" : "begun");
  out += '\n';
  for (const auto& [name, h] : keys)
    out += name + " " + box_of(name, h, master, erasable) + "\n";
  out += "check " + wrap("check", key_bytes{}, master) + "\n";  // last: shows that the file is whole
  return out;
}

void key_ring::put(key_map&& keys) {
  const std::lock_guard lock{mutex_};
  keys_ = std::move(keys);
}

std::optional<key_bytes> key_ring::get(std::string_view name) const {
  const std::lock_guard lock{mutex_};
  const auto it = keys_.find(name);
  return it == keys_.end() ? std::nullopt : it->second.key;
}

// The key as this ring has it; none: it has not been made yet. One that is lost is fetched again where others may have it.
std::optional<result<key_bytes>> key_ring::known(std::string_view name) const {
  const std::lock_guard lock{mutex_};
  const auto it = keys_.find(name);
  if (it == keys_.end() || (!it->second.lost.empty() && common_.put))
    return std::nullopt;
  if (it->second.key)
    return *it->second.key;
  if (!it->second.lost.empty())
    return std::unexpected(store_error{
        errc::missing, fmt::format("the key {} is there, but {} does not hold the secret that opens it", name, secrets_.path())});
  return std::unexpected(store_error{errc::missing, fmt::format("the key {} has been destroyed", name)});
}

result<void> key_ring::save(const key_map& keys, const key_bytes& master, rotation_mark mark, bool erasable) {
  if (erasable)
    if (auto r = make_secrets(keys); !r)
      return r;
  if (auto r = directory_.is_the_same(); !r)
    return r;
  before_writing_();
  return replace_and_overwrite(path_, text(keys, master, mark, erasable));
}

// Where they are to be wrapped under them.
result<void> key_ring::make_secrets(const key_map& keys) {
  std::vector<round_id> rounds;
  for (const auto& [name, h] : keys)
    if (const auto round = round_of_key(name); round && h.key)
      rounds.push_back(*round);
  return secrets_.make(rounds);
}

result<key_bytes> key_ring::get_or_make(const std::string& name) {
  if (auto here = known(name))
    return *here;
  key_bytes key;
  randombytes_buf(key.data(), key.size());
  const auto there = common_.put ? common_.put(name, key) : std::expected<key_bytes, std::string>(key);
  const std::lock_guard one_at_a_time{saving_};
  if (auto here = known(name))
    return *here;  // made, or destroyed, meanwhile
  if (!there)
    return std::unexpected(store_error{errc::io, fmt::format("the cluster does not agree on the key {}: {}", name, there.error())});
  auto next = keys_;
  next[name] = {*there, {}};
  if (const auto round = round_of_key(name); erasable_ && round && secrets_.state_of(*round) == round_secrets::state::destroyed)
    return std::unexpected(store_error{errc::missing, fmt::format("the secret of round {} has been destroyed", round->value)});
  if (auto r = save(next, master_, mark_, erasable_); !r)
    return std::unexpected(r.error());
  put(std::move(next));
  return *there;
}

// The secret first: with it everything that is wrapped under it is gone, whatever comes between this and the rest.
result<std::size_t> key_ring::destroy_round(round_id round) {
  std::size_t count = 0;
  {
    const std::lock_guard one_at_a_time{saving_};
    auto lost = keys_;  // what there is where the secret is gone, and its place does not say so yet
    auto next = keys_;
    for (const auto* kind : kinds_of_a_round) {
      const auto name = kind + std::to_string(round.value);
      auto& h = next[name];
      if (h.key) {
        ++count;
        lost[name] = {std::nullopt, box_of(name, h, master_, erasable_)};
      }
      h = {};
    }
    if (erasable_)
      if (auto r = secrets_.destroy(round); !r) {
        if (secrets_.is_overwritten(round))
          put(std::move(lost));
        return std::unexpected(r.error());
      }
    if (erasable_)
      put(key_map(next));
    if (auto r = save(next, master_, mark_, erasable_); !r)
      return std::unexpected(r.error());
    if (!erasable_)
      put(std::move(next));
  }
  if (common_.take)  // may wait for a network: the others' keys are asked for meanwhile
    for (const auto* kind : kinds_of_a_round)
      if (const auto gone = common_.take(kind + std::to_string(round.value)); !gone)
        return std::unexpected(store_error{errc::io, "the cluster's copy of a key cannot be removed: " + gone.error()});
  return count;
}

result<void> key_ring::drop(std::span<const std::string> names) {
  const std::lock_guard one_at_a_time{saving_};
  auto next = keys_;
  for (const auto& name : names)
    next.erase(name);
  if (auto r = save(next, master_, mark_, erasable_); !r)
    return r;
  put(std::move(next));
  return {};
}

bool key_ring::is_destroyed(round_id round) const { return is_destroyed("citizen/" + std::to_string(round.value)); }

bool key_ring::is_destroyed(std::string_view name) const {
  const std::lock_guard lock{mutex_};
  const auto it = keys_.find(name);
  return it != keys_.end() && it->second.is_destroyed();
}

bool key_ring::is_lost(std::string_view name) const {
  const std::lock_guard lock{mutex_};
  const auto it = keys_.find(name);
  return it != keys_.end() && !it->second.lost.empty();
}

std::vector<std::string> key_ring::names() const {
  const std::lock_guard lock{mutex_};
  std::vector<std::string> out;
  for (const auto& [name, h] : keys_)
    if (h.key)
      out.push_back(name);
  return out;
}

// ------------------------------------------------------------------ rounds' secrets

result<void> key_ring::make_erasable() {
  const std::lock_guard one_at_a_time{saving_};
  if (erasable_)
    return {};
  for (const auto& [name, h] : keys_)  // of an erasure before
    if (const auto round = round_of_key(name); round && h.is_destroyed())
      if (auto r = secrets_.destroy(*round); !r)
        return r;
  if (auto r = save(keys_, master_, mark_, true); !r)
    return r;
  const std::lock_guard lock{mutex_};
  erasable_ = true;
  return {};
}

bool key_ring::is_erasable() const {
  const std::lock_guard lock{mutex_};
  return erasable_;
}

result<std::string> key_ring::lock_of_round(round_id round) {
  if (auto made = secrets_.make(std::span(&round, 1)); !made)
    return std::unexpected(made.error());
  const auto secret = secrets_.get(round);
  if (!secret)
    return std::unexpected(store_error{errc::missing, fmt::format("the secret of round {} has been destroyed", round.value)});
  return lock_of(*secret);
}

result<std::map<round_id, std::string>> key_ring::locks(std::span<const round_id> also) {
  if (auto made = secrets_.make(also); !made)
    return std::unexpected(made.error());
  std::map<round_id, std::string> out;
  for (const auto round : secrets_.there())
    if (const auto secret = secrets_.get(round))
      out[round] = lock_of(*secret);
  return out;
}

std::optional<key_bytes> key_ring::open_copy(const std::string& name, std::string_view box, const key_bytes& master) const {
  const auto secret = secret_of(name);
  key_bytes key;
  if (!secret || !unwrap_from(*secret, name, box, master, key))
    return std::nullopt;
  return key;
}

// What was wrapped under a master that somebody may have seen is overwritten.
result<void> key_ring::wrap_again(const key_bytes& master, rotation_mark mark) {
  const std::lock_guard one_at_a_time{saving_};
  if (auto r = save(keys_, master, mark, erasable_); !r)
    return r;
  const std::lock_guard lock{mutex_};
  master_ = master;
  mark_ = mark;
  return {};
}

key_bytes key_ring::master() const {
  const std::lock_guard lock{mutex_};
  return master_;
}

rotation_mark key_ring::mark() const {
  const std::lock_guard lock{mutex_};
  return mark_;
}

std::size_t key_ring::size() const {
  const std::lock_guard lock{mutex_};
  return keys_.size();
}

}  // namespace janji::store
