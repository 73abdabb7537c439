#include "store/master_keys.hpp"

#include <fmt/format.h>
#include <sodium.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <utility>

#include "store/aead.hpp"
#include "store/key_files.hpp"
#include "store/secret_file.hpp"
#include "store/small_file.hpp"

namespace janji::store {

namespace {

constexpr std::size_t fingerprint_bytes = 8;
constexpr std::size_t stack_of_a_hash = 2048;  // libsodium keeps the key there
constexpr std::string_view fingerprint_context = "janji master key";

result<key_bytes> from_variable(std::string_view value, std::string_view name) {
  key_bytes key;
  if (!unhex(value, key.data(), key.size()))
    return std::unexpected(store_error{errc::wrong_key, fmt::format("{} must be 64 hexadecimal digits", name)});
  return key;
}

// What is longer than that is cut, and so no key or token that anybody meant.
secret_text first_word_in(int fd) {
  constexpr std::size_t read_max = 4096;
  secret_text text;
  text.resize(read_max);
  std::size_t size = 0;
  for (ssize_t n = 1; n > 0 && size < read_max; size += n > 0 ? static_cast<std::size_t>(n) : 0)
    n = ::read(fd, text.data() + size, read_max - size);
  const auto all = text.view().substr(0, size);
  constexpr std::string_view blank = " \t\r\n";
  const auto begin = std::min(all.find_first_not_of(blank), all.size());
  const auto end = std::min(all.find_first_of(blank, begin), all.size());
  return secret_text(all.substr(begin, end - begin));
}

}  // namespace

result<secret_text> read_secret_file(const std::string& file, std::string_view what) {
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // a pipe is not waited for
  if (fd < 0 && errno == ENOENT)
    return std::unexpected(store_error{errc::missing, fmt::format("there is no {}", file)});
  if (fd < 0)
    return std::unexpected(file_error(fmt::format("cannot read {} in", what), file));
  const auto own = is_owners_alone(fd, file, what);
  auto text = own ? first_word_in(fd) : secret_text();
  ::close(fd);
  return own ? result<secret_text>(std::move(text)) : std::unexpected(own.error());
}

std::string fingerprint_of(const key_bytes& master) {
  static_assert(crypto_generichash_KEYBYTES_MAX >= key_bytes::bytes);
  std::array<unsigned char, crypto_generichash_BYTES> whole{};
  crypto_generichash(whole.data(), whole.size(), reinterpret_cast<const unsigned char*>(fingerprint_context.data()),
                     fingerprint_context.size(), master.data(), master.size());
  sodium_stackzero(stack_of_a_hash);
  return hex(whole.data(), fingerprint_bytes);
}

std::string wrap(const std::string& name, const key_bytes& key, const key_bytes& master) {
  std::array<unsigned char, nonce_bytes + key_bytes::bytes + tag_bytes> box{};
  randombytes_buf(box.data(), nonce_bytes);
  crypto_aead_xchacha20poly1305_ietf_encrypt(box.data() + nonce_bytes, nullptr, key.data(), key.size(),
                                             reinterpret_cast<const unsigned char*>(name.data()), name.size(), nullptr, box.data(),
                                             master.data());
  return hex(box.data(), box.size());
}

bool unwrap(const std::string& name, std::string_view text, const key_bytes& master, key_bytes& key) {
  std::array<unsigned char, nonce_bytes + key_bytes::bytes + tag_bytes> box{};
  return unhex(text, box.data(), box.size()) &&
         crypto_aead_xchacha20poly1305_ietf_decrypt(key.data(), nullptr, nullptr, box.data() + nonce_bytes, box.size() - nonce_bytes,
                                                    reinterpret_cast<const unsigned char*>(name.data()), name.size(), box.data(),
                                                    master.data()) == 0;
}

result<key_bytes> load_master(const master_source& source) {
  if (!source.environment_value.empty())
    return from_variable(source.environment_value, "JANJI_MASTER_KEY");
  if (const auto there = read_secret_file(source.file, "the master key"); there) {
    key_bytes key;
    if (!unhex(*there, key.data(), key.size()))
      return std::unexpected(store_error{errc::wrong_key, fmt::format("the master key in {} is not 64 hexadecimal digits", source.file)});
    return key;
  } else if (there.error().code != errc::missing) {
    return std::unexpected(there.error());
  }
  if (!source.create)
    return std::unexpected(store_error{errc::missing, fmt::format("there is no master key in {}", source.file)});
  key_bytes key;
  randombytes_buf(key.data(), key.size());
  secret_text text;
  text.resize(2 * key.size() + 1);
  sodium_bin2hex(text.data(), text.size(), key.data(), key.size());
  text.data()[2 * key.size()] = '\n';
  if (auto r = replace_file(source.file, text); !r)
    return std::unexpected(r.error());
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
  take(load_master({sources.now.file, sources.now.environment_value.copy(), false}));
  return out;
}

}  // namespace janji::store
