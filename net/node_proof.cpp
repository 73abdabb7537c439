#include "net/node_proof.hpp"

#include <sodium.h>

#include <algorithm>
#include <array>

#include "store/key_files.hpp"

namespace janji::net {

namespace {

constexpr std::size_t key_bytes = crypto_generichash_KEYBYTES;
constexpr std::size_t question_bytes = 16;

template <std::size_t SIZE>
std::string random_hex() {
  std::array<unsigned char, SIZE> bytes{};
  randombytes_buf(bytes.data(), bytes.size());
  return store::hex(bytes.data(), bytes.size());
}

}  // namespace

std::string new_proof_key() { return random_hex<key_bytes>(); }

std::string new_proof_question() { return random_hex<question_bytes>(); }

bool is_proof_question(std::string_view text) {
  return text.size() == 2 * question_bytes &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::string proof_of(std::string_view key, std::string_view question) {
  std::array<unsigned char, key_bytes> bytes{};
  if (!store::unhex(key, bytes.data(), bytes.size()))
    return {};
  std::array<unsigned char, crypto_generichash_BYTES> sum{};
  crypto_generichash(sum.data(), sum.size(), reinterpret_cast<const unsigned char*>(question.data()), question.size(), bytes.data(),
                     bytes.size());
  return store::hex(sum.data(), sum.size());
}

}  // namespace janji::net
