// Receipts: what was promised, signed so that anyone can check it offline. All receipts of one batch stand in a Merkle tree
// (RFC 6962: 00 before a leaf, 01 before a node; BLAKE2b-256), whose root is signed once (Ed25519), and a receipt carries its
// statement, its path and the signature. The statement of a booking is always the same; its proof may differ from one
// telling to the next.
//
//   janji1.<key id>.<statement, base64url>.<proof, base64url>
//   key id     first six bytes of BLAKE2b-256(02, public key), base64url
//   statement  1, "TEST" or nothing, round, reference, position, centre, date, window, confirmed at; 1F between two
//   proof      index and count (16 bits, little-endian), path from the leaf up (32 bytes each), signature (64 bytes)
//   signed     "janji receipt batch 1", count (16 bits, little-endian), root
//
//
// Version 2 is signed alone, for a QR code: as short as it can be whatever was confirmed with it, and of SHA-256, so that a browser can
// check it with WebCrypto. Version 1 stays valid.
//
//   janji2.<key id>.<statement, base64url>.<signature, base64url>
//   statement  as of version 1, but that it begins with 2
//   signed     "janji receipt 2", SHA-256(00, statement)
//
// Pure; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace janji {

struct receipt_statement {
  std::string round;
  std::string reference;
  std::string centre;
  std::string date;
  std::string window;         // 09:00-20:30
  std::string confirmed_at;   // UTC
  bool rehearsal = false;     // marked TEST
  std::uint8_t position = 1;  // in the party
  friend bool operator==(const receipt_statement&, const receipt_statement&) = default;
};

using receipt_public_key = std::array<std::uint8_t, 32>;

namespace limits {
inline constexpr std::size_t receipt_batch_max = 4096;  // statements under one signature
inline constexpr std::size_t receipt_statement_bytes_max = 512;
inline constexpr std::size_t receipt_bytes_max = 2048;
}  // namespace limits

class receipt_signer {
public:
  explicit receipt_signer(std::span<const std::uint8_t, 32> seed);
  ~receipt_signer();
  receipt_signer(const receipt_signer&) = delete;
  receipt_signer& operator=(const receipt_signer&) = delete;

  // One receipt for each statement, in their order; one signature for each 4,096 of them. A field must hold no control
  // character, a statement at most 512 bytes.
  [[nodiscard]] std::vector<std::string> sign(std::span<const receipt_statement> statements) const;
  // One by itself, of version 2: as short as it can be, whatever else was confirmed with it.
  [[nodiscard]] std::string sign_alone(const receipt_statement& statement) const;
  [[nodiscard]] const receipt_public_key& public_key() const { return public_key_; }
  [[nodiscard]] const std::string& key_id() const { return key_id_; }

private:
  void sign_batch(std::span<const receipt_statement> statements, std::vector<std::string>& receipts) const;

  receipt_public_key public_key_{};
  std::uint8_t* secret_key_;  // 64 bytes of locked memory (libsodium's), out of core files
  std::string key_id_;
};

enum class receipt_error : std::uint8_t {
  not_a_receipt,
  malformed,      // cut short, damaged, or of a form that is not known
  other_key,      // names another key than the one given
  bad_signature,  // not what this key has signed
};
[[nodiscard]] std::string_view words_of(receipt_error e);

[[nodiscard]] std::expected<receipt_statement, receipt_error> verify_receipt(std::string_view receipt, const receipt_public_key& key);
// To find the key with; none when it is no receipt.
[[nodiscard]] std::expected<std::string_view, receipt_error> key_id_of(std::string_view receipt);

}  // namespace janji
