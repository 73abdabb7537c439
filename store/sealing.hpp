// What the front does with keys: hashes of citizens and requests, sealed records, manage tokens. libsodium throughout.
// Threads: every function is const and safe from any thread; the keys of a round are looked up once and kept.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "booking/types.hpp"
#include "store/key_ring.hpp"
#include "store/secret.hpp"

namespace janji::store {

// Days since 1970-01-01: which day's data key seals a record.
using day_number = std::int32_t;

class sealing {
public:
  static result<std::unique_ptr<sealing>> open(key_ring& keys);

  // Once, before anything is sealed: of a round that was not prepared yet, whether its keys may be used as they stand in the ring.
  void use_only(std::function<bool(round_id)> is_used) { is_used_ = std::move(is_used); }
  // Makes the keys of a round if they are missing, so that nothing is written on a citizen's way.
  result<void> prepare_round(round_id round);
  // After its keys were destroyed: they are gone from memory too.
  void forget_round(round_id round);
  // False while a node of a cluster has not fetched the keys of a new round yet.
  [[nodiscard]] bool is_destroyed(round_id round) const { return keys_.is_destroyed(round); }
  [[nodiscard]] bool has_keys(round_id round) const { return keys_of(round) != nullptr; }

  // Keyed BLAKE2b-128 of (round, canonical identity). None when the round's keys are destroyed.
  [[nodiscard]] std::optional<citizen_hash> hash_citizen(round_id round, std::string_view canonical_identity) const;
  [[nodiscard]] key_hash hash_key(std::string_view idempotency_key, std::uint8_t position) const;
  [[nodiscard]] body_hash hash_body(std::string_view canonical_body) const;

  // XChaCha20-Poly1305 under the round's key of that day; bound to the reference; padded to a multiple of 64 bytes.
  [[nodiscard]] std::optional<std::string> seal(round_id round, day_number day, reference ref, std::string_view plain) const;
  [[nodiscard]] static std::size_t sealed_bytes(std::size_t plain_bytes);
  [[nodiscard]] std::optional<secret_text> unseal(round_id round, reference ref, std::string_view sealed) const;

  // A manage token is a MAC of (reference, token generation): derived, never stored. Text for an Authorization header.
  [[nodiscard]] std::string make_token(reference ref, std::uint8_t token_generation) const;
  // The generation that the token was made for; constant time; none when it is not ours.
  [[nodiscard]] std::optional<std::uint8_t> check_token(reference ref, std::string_view token) const;

  // For what the pages seal into a reader's browser, and for booking codes: derived from the tokens' key, the same on every node.
  [[nodiscard]] key_bytes page_key() const;

  [[nodiscard]] const key_bytes& receipt_seed() const { return receipt_seed_; }

private:
  struct round_keys {
    round_keys(const key_bytes& of_citizens, const key_bytes& of_data) : citizen(of_citizens), data(of_data) {}
    key_bytes citizen;
    key_bytes data;
    mutable std::mutex mutex;
    mutable std::unordered_map<day_number, key_bytes> by_day;  // derived from `data`
  };
  // A copy for one use, on the stack.
  struct passing_key : std::array<std::uint8_t, key_bytes::bytes> {
    passing_key() = default;
    passing_key(const passing_key&) = delete;
    passing_key& operator=(const passing_key&) = delete;
    ~passing_key() { wipe(data(), size()); }
  };
  explicit sealing(key_ring& keys) : keys_(keys) {}
  [[nodiscard]] std::shared_ptr<const round_keys> keys_of(round_id round) const;  // none: destroyed, or not here yet
  static void take_day_key(const round_keys& keys, day_number day, passing_key& to);

  key_ring& keys_;
  std::function<bool(round_id)> is_used_ = [](round_id) { return true; };
  key_bytes request_key_;
  key_bytes token_key_;
  key_bytes receipt_seed_;
  std::uint8_t token_key_id_ = 1;
  mutable std::shared_mutex mutex_;
  mutable std::unordered_map<std::uint16_t, std::shared_ptr<const round_keys>> rounds_;
};

}  // namespace janji::store
