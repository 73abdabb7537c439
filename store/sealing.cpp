#include "store/sealing.hpp"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <mutex>

#include "store/aead.hpp"

namespace janji::store {

namespace {

constexpr std::uint8_t sealed_version = 1;
constexpr std::size_t padding = 64;
constexpr std::size_t head_bytes = 1 + sizeof(day_number);  // version, day
constexpr std::size_t mac_bytes = 16;

template <std::size_t Size>
std::array<std::uint8_t, Size> mac(const key_bytes& key, std::initializer_list<std::string_view> parts) {
  std::array<std::uint8_t, Size> out{};
  crypto_generichash_state state;
  crypto_generichash_init(&state, key.data(), key.size(), Size);
  for (const auto part : parts)
    crypto_generichash_update(&state, reinterpret_cast<const unsigned char*>(part.data()), part.size());
  crypto_generichash_final(&state, out.data(), Size);
  sodium_memzero(&state, sizeof state);  // the key stands in it
  return out;
}

template <class T>
std::string_view bytes_of(const T& v) {
  return {reinterpret_cast<const char*>(&v), sizeof v};
}

// Authenticated with the record: version, day and the reference it belongs to.
std::array<char, head_bytes + sizeof(std::uint64_t)> associated(const char* head, reference ref) {
  std::array<char, head_bytes + sizeof(std::uint64_t)> out{};
  std::memcpy(out.data(), head, head_bytes);
  std::memcpy(out.data() + head_bytes, &ref.value, sizeof ref.value);
  return out;
}

}  // namespace

result<std::unique_ptr<sealing>> sealing::open(key_ring& keys) {
  std::unique_ptr<sealing> s(new sealing(keys));
  for (const auto& [name, to] : {std::pair{"request", &s->request_key_}, {"token/1", &s->token_key_}, {"receipt", &s->receipt_seed_}}) {
    auto key = keys.get_or_make(name);
    if (!key)
      return std::unexpected(key.error());
    *to = *key;
  }
  return s;
}

result<void> sealing::prepare_round(round_id round) {
  if (keys_.is_destroyed(round))
    return {};
  const auto id = std::to_string(round.value);
  auto citizen = keys_.get_or_make("citizen/" + id);
  if (!citizen)
    return std::unexpected(citizen.error());
  auto data = keys_.get_or_make("data/" + id);
  if (!data)
    return std::unexpected(data.error());
  const std::unique_lock lock{mutex_};
  if (!keys_.is_destroyed(round))
    rounds_[round.value] = std::make_shared<const round_keys>(*citizen, *data);
  return {};
}

void sealing::forget_round(round_id round) {
  const std::unique_lock lock{mutex_};
  rounds_.erase(round.value);
}

std::shared_ptr<const sealing::round_keys> sealing::keys_of(round_id round) const {
  {
    const std::shared_lock lock{mutex_};
    if (const auto it = rounds_.find(round.value); it != rounds_.end())
      return it->second;
  }
  const auto id = std::to_string(round.value);
  const auto citizen = keys_.get("citizen/" + id);
  const auto data = keys_.get("data/" + id);
  if (!citizen || !data || !is_used_(round))
    return nullptr;
  const std::unique_lock lock{mutex_};
  if (keys_.is_destroyed(round))  // meanwhile: nobody forgets it again
    return nullptr;
  return rounds_[round.value] = std::make_shared<const round_keys>(*citizen, *data);
}

std::optional<citizen_hash> sealing::hash_citizen(round_id round, std::string_view canonical_identity) const {
  const auto keys = keys_of(round);
  if (!keys)
    return std::nullopt;
  return citizen_hash{mac<16>(keys->citizen, {"citizen", bytes_of(round.value), canonical_identity})};
}

key_hash sealing::hash_key(std::string_view idempotency_key, std::uint8_t position) const {
  const auto m = mac<16>(request_key_, {"key", bytes_of(position), idempotency_key});
  key_hash h;
  std::memcpy(&h.value, m.data(), sizeof h.value);
  return h;
}

body_hash sealing::hash_body(std::string_view canonical_body) const {
  const auto m = mac<16>(request_key_, {"body", canonical_body});
  body_hash h;
  std::memcpy(&h.value, m.data(), sizeof h.value);
  return h;
}

void sealing::take_day_key(const round_keys& keys, day_number day, passing_key& to) {
  constexpr std::size_t days_max = 512;  // what is opened may name any day
  const std::lock_guard lock{keys.mutex};
  auto it = keys.by_day.find(day);
  if (it == keys.by_day.end()) {
    auto derived = mac<key_bytes::bytes>(keys.data, {"day", bytes_of(day)});
    if (keys.by_day.size() >= days_max)
      keys.by_day.clear();
    it = keys.by_day.try_emplace(day).first;
    std::memcpy(it->second.data(), derived.data(), derived.size());
    sodium_memzero(derived.data(), derived.size());
  }
  std::memcpy(to.data(), it->second.data(), to.size());
}

std::size_t sealing::sealed_bytes(std::size_t plain_bytes) {
  return head_bytes + nonce_bytes + (plain_bytes + 1 + padding - 1) / padding * padding + tag_bytes;
}

std::optional<std::string> sealing::seal(round_id round, day_number day, reference ref, std::string_view plain) const {
  const auto keys = keys_of(round);
  if (!keys)
    return std::nullopt;
  passing_key key;  // first, for it may throw
  take_day_key(*keys, day, key);
  const auto padded = (plain.size() + 1 + padding - 1) / padding * padding;
  std::string out(sealed_bytes(plain.size()), '\0');
  auto* const text = out.data() + head_bytes + nonce_bytes;  // sealed where it stands
  std::ranges::copy(plain, text);
  text[plain.size()] = '\x80';  // ISO/IEC 7816-4
  out[0] = static_cast<char>(sealed_version);
  std::memcpy(out.data() + 1, &day, sizeof day);
  randombytes_buf(out.data() + head_bytes, nonce_bytes);
  const auto with = associated(out.data(), ref);
  crypto_aead_xchacha20poly1305_ietf_encrypt(reinterpret_cast<unsigned char*>(text), nullptr, reinterpret_cast<const unsigned char*>(text),
                                             padded, reinterpret_cast<const unsigned char*>(with.data()), with.size(), nullptr,
                                             reinterpret_cast<const unsigned char*>(out.data() + head_bytes), key.data());
  return out;
}

std::optional<secret_text> sealing::unseal(round_id round, reference ref, std::string_view sealed) const {
  const auto keys = keys_of(round);
  if (!keys || sealed.size() < head_bytes + nonce_bytes + tag_bytes || sealed[0] != static_cast<char>(sealed_version))
    return std::nullopt;
  day_number day = 0;
  std::memcpy(&day, sealed.data() + 1, sizeof day);
  const auto with = associated(sealed.data(), ref);
  passing_key key;
  take_day_key(*keys, day, key);
  secret_text plain;
  plain.resize(sealed.size() - head_bytes - nonce_bytes - tag_bytes);
  const auto* box = reinterpret_cast<const unsigned char*>(sealed.data() + head_bytes);
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(reinterpret_cast<unsigned char*>(plain.data()), nullptr, nullptr, box + nonce_bytes,
                                                 sealed.size() - head_bytes - nonce_bytes,
                                                 reinterpret_cast<const unsigned char*>(with.data()), with.size(), box, key.data()) != 0)
    return std::nullopt;
  const auto end = plain.view().find_last_not_of('\0');
  if (end == std::string_view::npos || plain.view()[end] != '\x80')
    return std::nullopt;
  plain.resize(end);
  return plain;
}

key_bytes sealing::page_key() const {
  auto derived = mac<key_bytes::bytes>(token_key_, {"pages"});
  key_bytes key;
  std::memcpy(key.data(), derived.data(), derived.size());
  sodium_memzero(derived.data(), derived.size());
  return key;
}

std::string sealing::make_token(reference ref, std::uint8_t token_generation) const {
  std::array<std::uint8_t, 2 + mac_bytes> raw{token_key_id_, token_generation};
  const auto m = mac<mac_bytes>(token_key_, {"manage", bytes_of(ref.value), bytes_of(token_generation)});
  std::memcpy(raw.data() + 2, m.data(), m.size());
  std::string out(sodium_base64_ENCODED_LEN(raw.size(), sodium_base64_VARIANT_URLSAFE_NO_PADDING), '\0');
  sodium_bin2base64(out.data(), out.size(), raw.data(), raw.size(), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  out.pop_back();
  return out;
}

std::optional<std::uint8_t> sealing::check_token(reference ref, std::string_view token) const {
  std::array<std::uint8_t, 2 + mac_bytes> raw{};
  std::size_t size = 0;
  if (sodium_base642bin(raw.data(), raw.size(), token.data(), token.size(), nullptr, &size, nullptr,
                        sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
      size != raw.size() || raw[0] != token_key_id_)
    return std::nullopt;
  const auto m = mac<mac_bytes>(token_key_, {"manage", bytes_of(ref.value), bytes_of(raw[1])});
  if (sodium_memcmp(m.data(), raw.data() + 2, m.size()) != 0)
    return std::nullopt;
  return raw[1];
}

}  // namespace janji::store
