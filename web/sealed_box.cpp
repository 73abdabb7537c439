#include "web/sealed_box.hpp"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "booking/assert.hpp"
#include "store/packing.hpp"

namespace janji::web {

namespace {

constexpr std::size_t nonce_bytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t tag_bytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;
constexpr std::size_t token_bytes = 16;
constexpr int variant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
constexpr std::string_view token_opening = "v1.";
static_assert(crypto_aead_xchacha20poly1305_ietf_KEYBYTES == secret_key::bytes);

const unsigned char* bytes(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

std::string to_base64(std::string_view raw) {
  std::string out(sodium_base64_ENCODED_LEN(raw.size(), variant), '\0');
  sodium_bin2base64(out.data(), out.size(), bytes(raw), raw.size(), variant);
  out.pop_back();
  return out;
}

std::optional<std::string> from_base64(std::string_view text) {
  std::string out(text.size() * 3 / 4 + 3, '\0');
  std::size_t size = 0;
  const char* end = nullptr;
  if (sodium_base642bin(bytes(out), out.size(), text.data(), text.size(), nullptr, &size, &end, variant) != 0 ||
      end != text.data() + text.size())
    return std::nullopt;
  out.resize(size);
  return out;
}

template <std::size_t Size>
std::array<unsigned char, Size> mac(const secret_key& key, std::initializer_list<std::string_view> parts) {
  std::array<unsigned char, Size> out{};
  crypto_generichash_state state;
  crypto_generichash_init(&state, key.data(), key.size(), Size);
  for (const auto part : parts) {
    const auto size = static_cast<std::uint32_t>(part.size());  // so that no two lists of parts are one text
    crypto_generichash_update(&state, reinterpret_cast<const unsigned char*>(&size), sizeof size);
    crypto_generichash_update(&state, bytes(part), part.size());
  }
  crypto_generichash_final(&state, out.data(), Size);
  sodium_memzero(&state, sizeof state);  // the key stands in it
  return out;
}

}  // namespace

sealed_box::sealed_box(std::vector<secret_key> keys) : keys_(std::move(keys)) {
  assert_always(!keys_.empty() && sodium_init() >= 0, "there is a key to seal with");
}

std::string sealed_box::seal(std::string_view purpose, std::string_view plain) const {
  auto packed = store::packed(plain, store::packing::zlib);
  std::string out(nonce_bytes + packed.size() + tag_bytes, '\0');
  randombytes_buf(out.data(), nonce_bytes);
  auto key = mac<secret_key::bytes>(keys_.front(), {"seal", purpose});
  crypto_aead_xchacha20poly1305_ietf_encrypt(bytes(out) + nonce_bytes, nullptr, bytes(packed), packed.size(), bytes(purpose),
                                             purpose.size(), nullptr, bytes(out), key.data());
  sodium_memzero(packed.data(), packed.size());
  sodium_memzero(key.data(), key.size());
  return to_base64(out);
}

std::optional<std::string> sealed_box::open(std::string_view purpose, std::string_view sealed) const {
  if (sealed.size() > limits::opened_bytes_max)
    return std::nullopt;
  const auto raw = from_base64(sealed);
  if (!raw || raw->size() < nonce_bytes + tag_bytes)
    return std::nullopt;
  std::string packed(raw->size() - nonce_bytes - tag_bytes, '\0');
  for (const auto& k : keys_) {
    auto key = mac<secret_key::bytes>(k, {"seal", purpose});
    const bool opened =
        crypto_aead_xchacha20poly1305_ietf_decrypt(bytes(packed), nullptr, nullptr, bytes(*raw) + nonce_bytes, raw->size() - nonce_bytes,
                                                   bytes(purpose), purpose.size(), bytes(*raw), key.data()) == 0;
    sodium_memzero(key.data(), key.size());
    if (opened)
      return store::unpacked(packed, limits::opened_bytes_max);
  }
  return std::nullopt;
}

// The MAC and a mask of the same length, the mask first.
std::string sealed_box::form_token(std::string_view browser) const {
  const auto of = mac<token_bytes>(keys_.front(), {"form", browser});
  std::string out(2 * token_bytes, '\0');
  randombytes_buf(out.data(), token_bytes);
  for (std::size_t i = 0; i < token_bytes; ++i)
    out[token_bytes + i] = static_cast<char>(static_cast<unsigned char>(out[i]) ^ of[i]);
  return std::string(token_opening) + to_base64(out);
}

bool sealed_box::is_form_token(std::string_view browser, std::string_view token) const {
  if (browser.empty() || token.size() > 128 || !token.starts_with(token_opening))
    return false;
  const auto raw = from_base64(token.substr(token_opening.size()));
  if (!raw || raw->size() != 2 * token_bytes)
    return false;
  std::array<unsigned char, token_bytes> said{};
  for (std::size_t i = 0; i < token_bytes; ++i)
    said[i] = static_cast<unsigned char>((*raw)[i]) ^ static_cast<unsigned char>((*raw)[token_bytes + i]);
  return std::ranges::any_of(keys_, [&](const auto& k) {
    const auto of = mac<token_bytes>(k, {"form", browser});
    return sodium_memcmp(of.data(), said.data(), said.size()) == 0;
  });
}

std::string sealed_box::key_for(std::string_view purpose, std::initializer_list<std::string_view> parts) const {
  std::string all;
  for (const auto part : parts) {
    all += std::to_string(part.size());
    all += ':';
    all += part;
  }
  const auto of = mac<token_bytes>(keys_.front(), {"key", purpose, all});
  return to_base64({reinterpret_cast<const char*>(of.data()), of.size()});
}

std::string random_text(std::size_t size) {
  std::string raw(size, '\0');
  randombytes_buf(raw.data(), raw.size());
  return to_base64(raw);
}

}  // namespace janji::web
