#include "store/key_ring.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <vector>

#include "store/small_file.hpp"

namespace janji::store {

namespace {

constexpr std::string_view header = "janji-keys 1";
constexpr std::string_view destroyed = "destroyed";
constexpr std::size_t nonce_bytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t tag_bytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;

std::string hex(const void* data, std::size_t size) {
  std::string out(size * 2 + 1, '\0');
  sodium_bin2hex(out.data(), out.size(), static_cast<const unsigned char*>(data), size);
  out.pop_back();
  return out;
}

bool unhex(std::string_view text, void* to, std::size_t size) {
  std::size_t got = 0;
  return text.size() == size * 2 &&
         sodium_hex2bin(static_cast<unsigned char*>(to), size, text.data(), text.size(), nullptr, &got, nullptr) == 0 && got == size;
}

// What a file held is overwritten before it goes, as far as the file system writes in place.
void overwrite(const std::string& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0)
    return;
  struct stat st{};
  if (::fstat(fd, &st) == 0) {
    const std::vector<char> zeros(static_cast<std::size_t>(st.st_size), 0);
    if (::write(fd, zeros.data(), zeros.size()) > 0)
      ::fsync(fd);
  }
  ::close(fd);
}

std::string wrap(const std::string& name, const key_bytes& key, const key_bytes& master) {
  std::array<unsigned char, nonce_bytes + sizeof(key_bytes) + tag_bytes> box{};
  randombytes_buf(box.data(), nonce_bytes);
  crypto_aead_xchacha20poly1305_ietf_encrypt(box.data() + nonce_bytes, nullptr, key.data(), key.size(),
                                             reinterpret_cast<const unsigned char*>(name.data()), name.size(), nullptr, box.data(),
                                             master.data());
  return hex(box.data(), box.size());
}

bool unwrap(const std::string& name, std::string_view text, const key_bytes& master, key_bytes& key) {
  std::array<unsigned char, nonce_bytes + sizeof(key_bytes) + tag_bytes> box{};
  return unhex(text, box.data(), box.size()) &&
         crypto_aead_xchacha20poly1305_ietf_decrypt(key.data(), nullptr, nullptr, box.data() + nonce_bytes, box.size() - nonce_bytes,
                                                    reinterpret_cast<const unsigned char*>(name.data()), name.size(), box.data(),
                                                    master.data()) == 0;
}

}  // namespace

result<key_bytes> load_master(const master_source& source) {
  key_bytes key{};
  if (!source.environment_value.empty()) {
    if (!unhex(source.environment_value, key.data(), key.size()))
      return std::unexpected(store_error{errc::wrong_key, "JANJI_MASTER_KEY must be 64 hexadecimal digits"});
    return key;
  }
  struct stat st{};
  if (::stat(source.file.c_str(), &st) != 0) {
    if (!source.create || errno != ENOENT)
      return std::unexpected(store_error{errc::missing, fmt::format("there is no master key in {}", source.file)});
    randombytes_buf(key.data(), key.size());
    if (auto r = replace_file(source.file, hex(key.data(), key.size()) + "\n"); !r)
      return std::unexpected(r.error());
    return key;
  }
  if ((st.st_mode & 077) != 0)
    return std::unexpected(
        store_error{errc::permission, fmt::format("the master key in {} can be read by others: chmod 600 it", source.file)});
  std::ifstream in(source.file);
  std::string text;
  if (!(in >> text) || !unhex(text, key.data(), key.size()))
    return std::unexpected(store_error{errc::wrong_key, fmt::format("the master key in {} is not 64 hexadecimal digits", source.file)});
  return key;
}

result<std::unique_ptr<key_ring>> key_ring::open(const std::string& path, const key_bytes& master, bool create) {
  std::unique_ptr<key_ring> ring(new key_ring(path, master));
  if (std::filesystem::exists(path)) {
    if (auto r = ring->load(); !r)
      return std::unexpected(r.error());
    return ring;
  }
  if (!create)
    return std::unexpected(store_error{errc::missing, fmt::format("there are no keys in {}", path)});
  if (auto r = ring->save(master); !r)
    return std::unexpected(r.error());
  return ring;
}

result<void> key_ring::load() {
  std::ifstream in(path_);
  std::string line;
  if (!std::getline(in, line) || line != header)
    return std::unexpected(store_error{errc::corrupt, fmt::format("{} is not a key file that this program reads", path_)});
  while (std::getline(in, line)) {
    const auto space = line.find(' ');
    const auto name = line.substr(0, space);
    const auto box = space == std::string::npos ? std::string_view{} : std::string_view(line).substr(space + 1);
    if (box == destroyed) {
      keys_[name] = std::nullopt;
      continue;
    }
    key_bytes key{};
    if (!unwrap(name, box, master_, key))
      return std::unexpected(
          store_error{errc::wrong_key, fmt::format("the master key does not open {} (or it is damaged at {})", path_, name)});
    keys_[name] = key;
  }
  if (!keys_.contains("check"))
    return std::unexpected(store_error{errc::corrupt, fmt::format("{} is cut short", path_)});
  return {};
}

result<void> key_ring::save(const key_bytes& master) {
  if (!keys_.contains("check"))
    keys_["check"] = key_bytes{};
  std::string text{header};
  text += '\n';
  for (const auto& [name, key] : keys_)
    if (name != "check")
      text += name + " " + (key ? wrap(name, *key, master) : std::string(destroyed)) + "\n";
  text += "check " + wrap("check", key_bytes{}, master) + "\n";  // last: shows that the file is whole
  return replace_file(path_, text);
}

std::optional<key_bytes> key_ring::get(std::string_view name) const {
  const std::lock_guard lock{mutex_};
  const auto it = keys_.find(name);
  return it == keys_.end() ? std::nullopt : it->second;
}

// The key as this ring has it; none: it has not been made yet.
std::optional<result<key_bytes>> key_ring::known(std::string_view name) const {
  const auto it = keys_.find(name);
  if (it == keys_.end())
    return std::nullopt;
  if (it->second)
    return *it->second;
  return std::unexpected(store_error{errc::missing, fmt::format("the key {} has been destroyed", name)});
}

// What the nodes of the cluster agree on: the one that another made first, or this.
result<key_bytes> key_ring::agreed(const std::string& name, key_bytes key, const key_bytes& master) {
  const auto there = common_.put(name, wrap(name, key, master));
  if (!there)
    return std::unexpected(store_error{errc::io, fmt::format("the cluster does not agree on the key {}: {}", name, there.error())});
  if (!unwrap(name, *there, master, key))
    return std::unexpected(store_error{errc::wrong_key, fmt::format("this node's master key does not open the cluster's key {}", name)});
  return key;
}

result<key_bytes> key_ring::get_or_make(const std::string& name) {
  std::unique_lock lock{mutex_};
  if (auto here = known(name))
    return *here;
  key_bytes key{};
  randombytes_buf(key.data(), key.size());
  if (common_.put) {
    const auto master = master_;
    lock.unlock();  // the others' keys are asked for meanwhile
    const auto there = agreed(name, key, master);
    lock.lock();
    if (auto here = known(name))
      return *here;  // made, or destroyed, meanwhile
    if (!there)
      return there;
    key = *there;
  }
  keys_[name] = key;
  if (auto r = save(master_); !r) {
    keys_.erase(name);
    return std::unexpected(r.error());
  }
  return key;
}

result<std::size_t> key_ring::destroy_round(round_id round) {
  constexpr std::array kinds{"citizen/", "data/"};
  if (common_.take)  // may wait for a network: the others' keys are asked for meanwhile
    for (const auto* kind : kinds)
      if (const auto gone = common_.take(kind + std::to_string(round.value)); !gone)
        return std::unexpected(store_error{errc::io, "the cluster's copy of a key cannot be removed: " + gone.error()});
  const std::lock_guard lock{mutex_};
  auto before = keys_;
  std::size_t count = 0;
  for (const auto* kind : kinds) {
    auto& key = keys_[kind + std::to_string(round.value)];
    count += key.has_value() ? 1 : 0;
    key.reset();
  }
  const auto old = path_ + ".old";
  std::error_code ec;
  std::filesystem::create_hard_link(path_, old, ec);
  if (auto r = save(master_); !r) {
    keys_ = std::move(before);
    std::filesystem::remove(old, ec);
    return std::unexpected(r.error());
  }
  overwrite(old);
  std::filesystem::remove(old, ec);
  return count;
}

bool key_ring::is_destroyed(round_id round) const {
  const std::lock_guard lock{mutex_};
  const auto it = keys_.find("citizen/" + std::to_string(round.value));
  return it != keys_.end() && !it->second;
}

result<void> key_ring::rotate_master(const key_bytes& master) {
  const std::lock_guard lock{mutex_};
  if (auto r = save(master); !r)
    return r;
  master_ = master;
  return {};
}

std::size_t key_ring::size() const {
  const std::lock_guard lock{mutex_};
  return keys_.size() - (keys_.contains("check") ? 1 : 0);
}

}  // namespace janji::store
