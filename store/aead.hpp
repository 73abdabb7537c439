// How keys and records are sealed: XChaCha20-Poly1305 as libsodium has it, a random nonce before each box.
#pragma once

#include <sodium.h>

#include <cstddef>

namespace janji::store {

inline constexpr std::size_t nonce_bytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
inline constexpr std::size_t tag_bytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;

}  // namespace janji::store
