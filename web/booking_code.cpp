#include "web/booking_code.hpp"

#include <sodium.h>

#include <cstring>

#include "booking/reference_text.hpp"
#include "booking/typed_signs.hpp"

namespace janji::web {

namespace {

constexpr std::string_view signs = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr std::size_t code_signs = 13;
constexpr std::size_t reference_signs = 12;

std::uint64_t mac_of(const secret_key& key, reference ref, std::uint8_t generation) {
  std::array<unsigned char, 9> in{};
  std::memcpy(in.data(), &ref.value, sizeof ref.value);
  in[8] = generation;
  std::array<unsigned char, crypto_generichash_BYTES> out{};
  crypto_generichash_state state;
  crypto_generichash_init(&state, key.data(), key.size(), out.size());
  constexpr std::string_view purpose = "booking code";
  crypto_generichash_update(&state, reinterpret_cast<const unsigned char*>(purpose.data()), purpose.size());
  crypto_generichash_update(&state, in.data(), in.size());
  crypto_generichash_final(&state, out.data(), out.size());
  sodium_memzero(&state, sizeof state);  // the key stands in it
  std::uint64_t v = 0;
  std::memcpy(&v, out.data(), sizeof v);
  return v & ((std::uint64_t{1} << 60) - 1);
}

// Without blanks and dashes, in capitals, 0 for O and 1 for I and L.
std::string plain(std::string_view text) {
  auto out = typed_signs(text);
  for (char& c : out)
    c = c == 'O' ? '0' : c == 'I' || c == 'L' ? '1' : c;
  return out;
}

std::string raw_code(const secret_key& key, reference ref, std::uint8_t generation) {
  std::string out(1, signs[generation % code_generations]);
  auto bits = mac_of(key, ref, generation);
  for (std::size_t i = 1; i < code_signs; ++i, bits >>= 5)
    out += signs[bits & 31];
  return out;
}

}  // namespace

std::string booking_code(const secret_key& key, reference ref, std::uint8_t token_generation) {
  if (token_generation >= code_generations)
    return {};
  auto out = raw_code(key, ref, token_generation);
  for (const std::size_t at : {12U, 8U, 4U})
    out.insert(at, "-");
  return out;
}

std::optional<std::uint8_t> check_booking_code(const secret_key& key, reference ref, std::string_view code) {
  auto said = plain(code.substr(0, 64));
  const auto generation = said.empty() ? std::string_view::npos : signs.find(said.front());
  const auto tried = static_cast<std::uint8_t>(generation == std::string_view::npos ? 0 : generation);
  const auto right = raw_code(key, ref, tried);
  const bool fits = said.size() == right.size();
  said.resize(right.size(), '\0');
  const bool same = sodium_memcmp(said.data(), right.data(), right.size()) == 0;
  return same && fits && generation != std::string_view::npos ? std::optional(tried) : std::nullopt;
}

std::optional<reference> typed_reference(std::string_view text) {
  if (text.size() > 64)
    return std::nullopt;
  if (const auto whole = reference_from_text(text))
    return whole;
  const auto said = plain(text);
  if (said.size() != reference_signs)
    return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : said) {
    const auto sign = signs.find(c);
    if (sign == std::string_view::npos)
      return std::nullopt;
    value = value << 5 | sign;
  }
  return reference{value};
}

}  // namespace janji::web
