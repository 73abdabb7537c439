#include "booking/reference_text.hpp"

#include "booking/typed_signs.hpp"

namespace janji {

namespace {
constexpr std::string_view reference_alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ*~$=U";  // the last five only as check characters
constexpr int characters = 12;
constexpr std::uint64_t modulus = 37;
constexpr std::size_t text_bytes_max = 64;
static_assert(reference_alphabet.size() == modulus && characters * 5 == reference::shard_bits + reference::random_bits);

std::optional<std::uint64_t> value_of(char c, bool check) {
  if (c >= 'a' && c <= 'z')
    c = static_cast<char>(c - 'a' + 'A');
  if (c == 'O')
    c = '0';
  if (c == 'I' || c == 'L')
    c = '1';
  const auto at = reference_alphabet.substr(0, check ? modulus : 32).find(c);
  return at == std::string_view::npos ? std::nullopt : std::optional<std::uint64_t>{at};
}
}  // namespace

std::string to_text(reference ref) {
  std::string out;
  for (int i = characters - 1; i >= 0; --i) {
    out.push_back(reference_alphabet[ref.value >> (5 * i) & 31]);
    if (i % 4 == 0)
      out.push_back('-');
  }
  out.push_back(reference_alphabet[ref.value % modulus]);
  return out;
}

std::optional<reference> reference_from_text(std::string_view text) {
  if (text.size() > text_bytes_max)
    return std::nullopt;
  const auto plain = typed_signs(text);
  if (plain.size() != characters + 1)
    return std::nullopt;
  std::uint64_t v = 0;
  for (int i = 0; i < characters; ++i) {
    const auto digit = value_of(plain[static_cast<std::size_t>(i)], false);
    if (!digit)
      return std::nullopt;
    v = v << 5 | *digit;
  }
  if (value_of(plain.back(), true) != v % modulus)
    return std::nullopt;
  return reference{v};
}

}  // namespace janji
