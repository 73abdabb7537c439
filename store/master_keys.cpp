#include "store/master_keys.hpp"

#include <fmt/format.h>
#include <sodium.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <string_view>

#include "store/aead.hpp"
#include "store/key_files.hpp"
#include "store/small_file.hpp"

namespace janji::store {

namespace {

constexpr std::size_t fingerprint_bytes = 8;
constexpr std::string_view fingerprint_context = "janji master key";

result<key_bytes> from_variable(const std::string& value, std::string_view name) {
  key_bytes key{};
  if (!unhex(value, key.data(), key.size()))
    return std::unexpected(store_error{errc::wrong_key, fmt::format("{} must be 64 hexadecimal digits", name)});
  return key;
}

// Its first word; what is longer than a key can be is not read.
std::string first_word(const std::string& file) {
  constexpr std::size_t read_max = 256;
  std::ifstream in(file, std::ios::binary);
  std::string text(read_max, '\0');
  in.read(text.data(), read_max);
  text.resize(static_cast<std::size_t>(in.gcount()));
  constexpr std::string_view blank = " \t\r\n";
  const auto begin = std::min(text.find_first_not_of(blank), text.size());
  const auto end = std::min(text.find_first_of(blank, begin), text.size());
  return text.substr(begin, end - begin);
}

}  // namespace

std::string fingerprint_of(const key_bytes& master) {
  static_assert(crypto_generichash_KEYBYTES_MAX >= sizeof(key_bytes));
  std::array<unsigned char, crypto_generichash_BYTES> whole{};
  crypto_generichash(whole.data(), whole.size(), reinterpret_cast<const unsigned char*>(fingerprint_context.data()),
                     fingerprint_context.size(), master.data(), master.size());
  return hex(whole.data(), fingerprint_bytes);
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

result<key_bytes> load_master(const master_source& source) {
  if (!source.environment_value.empty())
    return from_variable(source.environment_value, "JANJI_MASTER_KEY");
  key_bytes key{};
  struct stat st{};
  if (::stat(source.file.c_str(), &st) != 0) {
    if (!source.create || errno != ENOENT)
      return std::unexpected(store_error{errc::missing, fmt::format("there is no master key in {}", source.file)});
    randombytes_buf(key.data(), key.size());
    if (auto r = replace_file(source.file, hex(key.data(), key.size()) + "\n"); !r)
      return std::unexpected(r.error());
    return key;
  }
  if (!S_ISREG(st.st_mode))
    return std::unexpected(store_error{errc::wrong_key, fmt::format("the master key in {} is not a file", source.file)});
  if ((st.st_mode & 077) != 0)
    return std::unexpected(
        store_error{errc::permission, fmt::format("the master key in {} can be read by others: chmod 600 it", source.file)});
  if (!unhex(first_word(source.file), key.data(), key.size()))
    return std::unexpected(store_error{errc::wrong_key, fmt::format("the master key in {} is not 64 hexadecimal digits", source.file)});
  return key;
}

// That to come is read first: whoever puts it in the place of the other meanwhile is seen to hold it.
held_masters read_masters(const master_sources& sources) {
  held_masters out;
  const auto take = [&](const result<key_bytes>& key) {
    if (!key)
      out.wrong += (out.wrong.empty() ? "" : "; ") + key.error().text();
    else if (std::ranges::find(out.keys, *key) == out.keys.end())
      out.keys.insert(out.keys.begin(), *key);
  };
  struct stat st{};
  if (!sources.next_environment.empty())
    take(from_variable(sources.next_environment, "JANJI_MASTER_KEY_NEXT"));
  else if (!sources.next_file.empty() && (::stat(sources.next_file.c_str(), &st) == 0 || errno != ENOENT))
    take(load_master({sources.next_file, {}, false}));
  auto now = sources.now;
  now.create = false;
  take(load_master(now));
  return out;
}

}  // namespace janji::store
