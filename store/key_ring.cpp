#include "store/key_ring.hpp"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "store/key_files.hpp"
#include "store/small_file.hpp"

namespace janji::store {

namespace {

constexpr std::string_view header = "janji-keys 1";
// Of a file that was wrapped in a cluster's rotation: its master's fingerprint, the rotation's number, "begun" or "finished".
constexpr std::string_view rotated_header = "janji-keys 2";
constexpr std::string_view destroyed = "destroyed";

// The master that the file is wrapped under, when it says so.
struct file_head {
  std::string fingerprint;
  rotation_mark mark;
};

std::optional<file_head> head_from(const std::string& line) {
  if (line == header)
    return file_head{};
  if (!line.starts_with(rotated_header))
    return std::nullopt;
  file_head h;
  std::string state;
  std::istringstream in(line.substr(rotated_header.size()));
  if (!(in >> h.fingerprint >> h.mark.number >> state) || h.mark.number == 0 || (state != "begun" && state != "finished"))
    return std::nullopt;
  h.mark.finished = state == "finished";
  return h;
}

struct key_line {
  std::string name;
  std::string box;
};

std::optional<key_bytes> opening(const std::string& box, std::span<const key_bytes> masters) {
  key_bytes nothing{};
  const auto found = std::ranges::find_if(masters, [&](const auto& m) { return unwrap("check", box, m, nothing); });
  return found == masters.end() ? std::nullopt : std::optional(*found);
}

std::string fingerprints_of(std::span<const key_bytes> masters) {
  std::string out;
  for (const auto& m : masters)
    out += (out.empty() ? "" : ", ") + fingerprint_of(m);
  return out;
}

}  // namespace

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
    auto loaded = ring->load(masters);
    if (loaded)
      return ring;
    const bool nothing_to_lose = create && loaded.error().code == errc::wrong_key && ring->keys_.empty();
    if (!nothing_to_lose)
      return std::unexpected(loaded.error());
  } else if (!create) {
    return std::unexpected(store_error{errc::missing, fmt::format("there are no keys in {}", path)});
  }
  ring->master_ = masters.front();
  ring->mark_ = {};
  if (auto r = replace_file(path, text(ring->keys_, ring->master_, ring->mark_)); !r)
    return std::unexpected(r.error());
  return ring;
}

result<void> key_ring::load(std::span<const key_bytes> masters) {
  std::ifstream in(path_);
  std::string line;
  const auto head = std::getline(in, line) ? head_from(line) : std::nullopt;
  if (!head)
    return std::unexpected(store_error{errc::corrupt, fmt::format("{} is not a key file that this program reads", path_)});
  mark_ = head->mark;
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
      keys_[l.name] = std::nullopt;  // there is something to lose
    const auto needed = head->fingerprint.empty() ? "" : fmt::format(": it needs the one with fingerprint {}", head->fingerprint);
    return std::unexpected(
        store_error{errc::wrong_key, fmt::format("the master key does not open {} (or it is damaged at check){}, given is {}", path_,
                                                 needed, fingerprints_of(masters))});
  }
  for (const auto& l : lines)
    if (auto r = load_line(l.name, l.box); !r)
      return r;
  return {};
}

result<void> key_ring::load_line(const std::string& name, std::string_view box) {
  keys_[name] = std::nullopt;
  if (box == destroyed)
    return {};
  key_bytes key{};
  if (!unwrap(name, box, master_, key))
    return std::unexpected(
        store_error{errc::wrong_key, fmt::format("the master key does not open {} (or it is damaged at {})", path_, name)});
  keys_[name] = key;
  return {};
}

std::string key_ring::text(const key_map& keys, const key_bytes& master, rotation_mark mark) {
  auto out = mark.number == 0
                 ? std::string(header)
                 : fmt::format("{} {} {} {}", rotated_header, fingerprint_of(master), mark.number, mark.finished ? "finished" : "begun");
  out += '\n';
  for (const auto& [name, key] : keys)
    out += name + " " + (key ? wrap(name, *key, master) : std::string(destroyed)) + "\n";
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
  return it == keys_.end() ? std::nullopt : it->second;
}

// The key as this ring has it; none: it has not been made yet.
std::optional<result<key_bytes>> key_ring::known(std::string_view name) const {
  const std::lock_guard lock{mutex_};
  const auto it = keys_.find(name);
  if (it == keys_.end())
    return std::nullopt;
  if (it->second)
    return *it->second;
  return std::unexpected(store_error{errc::missing, fmt::format("the key {} has been destroyed", name)});
}

result<key_bytes> key_ring::get_or_make(const std::string& name) {
  if (auto here = known(name))
    return *here;
  key_bytes key{};
  randombytes_buf(key.data(), key.size());
  const auto there = common_.put ? common_.put(name, key) : std::expected<key_bytes, std::string>(key);
  const std::lock_guard one_at_a_time{saving_};
  if (auto here = known(name))
    return *here;  // made, or destroyed, meanwhile
  if (!there)
    return std::unexpected(store_error{errc::io, fmt::format("the cluster does not agree on the key {}: {}", name, there.error())});
  auto next = keys_;
  next[name] = *there;
  if (auto r = replace_file(path_, text(next, master_, mark_)); !r)
    return std::unexpected(r.error());
  put(std::move(next));
  return *there;
}

result<std::size_t> key_ring::destroy_round(round_id round) {
  constexpr std::array kinds{"citizen/", "data/"};
  if (common_.take)  // may wait for a network: the others' keys are asked for meanwhile
    for (const auto* kind : kinds)
      if (const auto gone = common_.take(kind + std::to_string(round.value)); !gone)
        return std::unexpected(store_error{errc::io, "the cluster's copy of a key cannot be removed: " + gone.error()});
  const std::lock_guard one_at_a_time{saving_};
  auto next = keys_;
  std::size_t count = 0;
  for (const auto* kind : kinds) {
    auto& key = next[kind + std::to_string(round.value)];
    count += key.has_value() ? 1 : 0;
    key.reset();
  }
  if (auto r = replace_and_overwrite(path_, text(next, master_, mark_)); !r)
    return std::unexpected(r.error());
  put(std::move(next));
  return count;
}

result<void> key_ring::drop(std::span<const std::string> names) {
  const std::lock_guard one_at_a_time{saving_};
  auto next = keys_;
  for (const auto& name : names)
    next.erase(name);
  if (auto r = replace_and_overwrite(path_, text(next, master_, mark_)); !r)
    return r;
  put(std::move(next));
  return {};
}

bool key_ring::is_destroyed(round_id round) const { return is_destroyed("citizen/" + std::to_string(round.value)); }

bool key_ring::is_destroyed(std::string_view name) const {
  const std::lock_guard lock{mutex_};
  const auto it = keys_.find(name);
  return it != keys_.end() && !it->second;
}

std::vector<std::string> key_ring::names() const {
  const std::lock_guard lock{mutex_};
  std::vector<std::string> out;
  for (const auto& [name, key] : keys_)
    if (key)
      out.push_back(name);
  return out;
}

// What was wrapped under a master that somebody may have seen is overwritten.
result<void> key_ring::wrap_again(const key_bytes& master, rotation_mark mark) {
  const std::lock_guard one_at_a_time{saving_};
  if (auto r = replace_and_overwrite(path_, text(keys_, master, mark)); !r)
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
