#include "booking/receipt.hpp"

#include <sodium.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>
#include <utility>

#include "booking/assert.hpp"
#include "booking/types.hpp"

namespace janji {

namespace {

using digest = std::array<std::uint8_t, 32>;
constexpr std::string_view opening = "janji1.";
constexpr std::string_view opening_2 = "janji2.";
constexpr std::string_view context = "janji receipt batch 1";
constexpr std::string_view context_alone = "janji receipt 2";
constexpr std::string_view version = "1";
constexpr std::string_view version_2 = "2";
constexpr std::string_view test_mark = "TEST";
constexpr char separator = '\x1f';
constexpr std::size_t place_bytes = 4;  // index and count
constexpr std::size_t path_max = 12;
static_assert(limits::receipt_batch_max == std::size_t{1} << path_max);
static_assert(opening.size() + 9 + (limits::receipt_statement_bytes_max + place_bytes + path_max * 32 + crypto_sign_BYTES) * 4 / 3 + 8 <=
              limits::receipt_bytes_max);

enum class hash_of : std::uint8_t { leaf = 0, node = 1, key = 2 };

// libsodium picks its quick implementations only once it has been initialised.
void initialise() {
  static const bool done = sodium_init() >= 0;
  assert_always(done, "libsodium can be initialised");
}

// Of version 1: BLAKE2b; of version 2: SHA-256. The id of a key is always of the first.
enum class hash_kind : std::uint8_t { blake2b, sha256 };

digest hash(hash_of prefix, std::string_view first, std::string_view second = {}, hash_kind kind = hash_kind::blake2b) {
  std::array<unsigned char, 1 + limits::receipt_statement_bytes_max> in;  // NOLINT(*-member-init): what is read is written
  const auto size = 1 + first.size() + second.size();
  assert_always(size <= in.size(), "what is hashed for a receipt has a bounded size");
  in[0] = static_cast<unsigned char>(prefix);
  std::memcpy(in.data() + 1, first.data(), first.size());
  if (!second.empty())
    std::memcpy(in.data() + 1 + first.size(), second.data(), second.size());
  digest out;
  if (kind == hash_kind::sha256)
    crypto_hash_sha256(out.data(), in.data(), size);
  else
    crypto_generichash_blake2b(out.data(), out.size(), in.data(), size, nullptr, 0);
  return out;
}
std::string_view view(const digest& d) { return {reinterpret_cast<const char*>(d.data()), d.size()}; }
digest node_of(const digest& left, const digest& right) { return hash(hash_of::node, view(left), view(right)); }

// Base64url of its own, both ways: nothing here is secret, so tables serve; libsodium's encoder, made for secrets, would cost
// more than the tree, and its decoder lets some bytes above 7F pass, with which a changed receipt would still be a receipt.
constexpr std::string_view base64url_alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr auto pairs = [] {
  std::array<std::array<char, 2>, 64 * 64> table{};
  for (std::size_t i = 0; i < table.size(); ++i)
    table[i] = {base64url_alphabet[i >> 6], base64url_alphabet[i & 63]};
  return table;
}();
constexpr std::uint8_t no_value = 64;
constexpr auto values = [] {
  std::array<std::uint8_t, 256> table{};
  table.fill(no_value);
  for (std::size_t i = 0; i < base64url_alphabet.size(); ++i)
    table[static_cast<unsigned char>(base64url_alphabet[i])] = static_cast<std::uint8_t>(i);
  return table;
}();

void append_base64(std::string& out, std::string_view raw) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(raw[i])); };
  const auto from = out.size();
  out.resize(from + (raw.size() * 4 + 2) / 3);
  auto* to = out.data() + from;
  std::size_t i = 0;
  for (; i + 3 <= raw.size(); i += 3, to += 4) {
    const auto bits = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
    std::memcpy(to, pairs[bits >> 12].data(), 2);
    std::memcpy(to + 2, pairs[bits & 0xfffU].data(), 2);
  }
  if (i == raw.size())
    return;
  const bool two_left = i + 2 == raw.size();
  const auto bits = byte(i) << 16 | (two_left ? byte(i + 1) << 8 : 0U);
  std::memcpy(to, pairs[bits >> 12].data(), 2);
  if (two_left)
    to[2] = base64url_alphabet[bits >> 6 & 63U];
}

// No padding, no bits left over, nothing that is not of the base64url_alphabet: one text for one content.
std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 == 1)
    return std::nullopt;
  std::string out;
  out.reserve(text.size() * 3 / 4);
  std::uint32_t bits = 0;
  int held = 0;
  for (const char c : text) {
    const auto value = values[static_cast<unsigned char>(c)];
    if (value == no_value)
      return std::nullopt;
    bits = bits << 6 | value;
    held += 6;
    if (held >= 8) {
      held -= 8;
      out += static_cast<char>(bits >> held & 0xffU);
      bits &= (1U << held) - 1;
    }
  }
  return bits == 0 ? std::optional{std::move(out)} : std::nullopt;
}

std::string key_id(const receipt_public_key& key) {
  std::string id;
  append_base64(id, view(hash(hash_of::key, view(key))).substr(0, 6));
  return id;
}

std::string text_of(const receipt_statement& s, std::string_view of_version = version) {
  std::string out{of_version};
  const auto put = [&out](std::string_view part) {
    assert_always(std::ranges::none_of(part, [](unsigned char c) { return c < 0x20; }), "a receipt's fields hold no control characters");
    out += separator;
    out += part;
  };
  put(s.rehearsal ? test_mark : std::string_view{});
  put(s.round);
  put(s.reference);
  put(std::to_string(s.position));
  for (const auto* part : {&s.centre, &s.date, &s.window, &s.confirmed_at})
    put(*part);
  assert_always(out.size() <= limits::receipt_statement_bytes_max, "a receipt's statement has at most 512 bytes");
  return out;
}

std::optional<receipt_statement> statement_from(std::string_view text, std::string_view of_version) {
  std::array<std::string_view, 9> parts;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto to = text.find(separator);
    if ((to == std::string_view::npos) != (i + 1 == parts.size()))
      return std::nullopt;
    parts[i] = text.substr(0, to);
    text.remove_prefix(i + 1 == parts.size() ? text.size() : to + 1);
  }
  receipt_statement s{std::string(parts[2]), std::string(parts[3]), std::string(parts[5]),
                      std::string(parts[6]), std::string(parts[7]), std::string(parts[8])};
  s.rehearsal = parts[1] == test_mark;
  const auto [end, error] = std::from_chars(parts[4].data(), parts[4].data() + parts[4].size(), s.position);
  if (parts[0] != of_version || (!s.rehearsal && !parts[1].empty()) || error != std::errc{} || end != parts[4].data() + parts[4].size() ||
      s.position == 0 || s.position > limits::party_people_max)
    return std::nullopt;
  return s;
}

// Levels of the tree, leaves first; an odd one out goes up unchanged.
std::vector<std::vector<digest>> tree_of(std::vector<digest> leaves) {
  std::vector<std::vector<digest>> levels;
  levels.reserve(path_max + 1);
  levels.push_back(std::move(leaves));
  while (levels.back().size() > 1) {
    const auto& below = levels.back();
    std::vector<digest> level;
    level.reserve((below.size() + 1) / 2);
    for (std::size_t i = 0; i + 1 < below.size(); i += 2)
      level.push_back(node_of(below[i], below[i + 1]));
    if (below.size() % 2 != 0)
      level.push_back(below.back());
    levels.push_back(std::move(level));
  }
  return levels;
}

void put16(std::string& out, std::size_t v) {
  out += static_cast<char>(v & 0xff);
  out += static_cast<char>(v >> 8);
}
std::size_t get16(std::string_view in) {
  return static_cast<unsigned char>(in[0]) | static_cast<std::size_t>(static_cast<unsigned char>(in[1])) << 8;
}

std::string signed_text(const digest& root, std::size_t count) {
  std::string text{context};
  put16(text, count);
  text += view(root);
  return text;
}

// The root that a path leads to; none when the path has not the length that the place in the batch asks for.
std::optional<digest> root_of(digest node, std::size_t index, std::size_t count, std::string_view path) {
  std::size_t at = index;
  for (std::size_t width = count; width > 1; width = (width + 1) / 2, at /= 2) {
    const auto beside = at ^ 1;
    if (beside >= width)
      continue;
    digest other;
    if (path.size() < other.size())
      return std::nullopt;
    std::memcpy(other.data(), path.data(), other.size());
    path.remove_prefix(other.size());
    node = beside < at ? node_of(other, node) : node_of(node, other);
  }
  return path.empty() ? std::optional{node} : std::nullopt;
}

struct parts_of_receipt {
  hash_kind kind = hash_kind::blake2b;
  std::string_view key_id;
  std::string_view statement;
  std::string_view proof;
};

std::expected<parts_of_receipt, receipt_error> split(std::string_view receipt) {
  const bool second_version = receipt.starts_with(opening_2);
  if (receipt.size() > limits::receipt_bytes_max || (!second_version && !receipt.starts_with(opening)))
    return std::unexpected(receipt_error::not_a_receipt);
  receipt.remove_prefix(opening.size());
  const auto first = receipt.find('.');
  const auto second = first == std::string_view::npos ? first : receipt.find('.', first + 1);
  if (second == std::string_view::npos)
    return std::unexpected(receipt_error::malformed);
  return parts_of_receipt{second_version ? hash_kind::sha256 : hash_kind::blake2b, receipt.substr(0, first),
                          receipt.substr(first + 1, second - first - 1), receipt.substr(second + 1)};
}

// What was signed for this statement; `place`: index, count and path, nothing of one that was signed alone.
std::optional<std::string> text_under(const parts_of_receipt& parts, std::string_view statement, std::string_view place) {
  const auto leaf = hash(hash_of::leaf, statement, {}, parts.kind);
  if (parts.kind == hash_kind::sha256)
    return place.empty() ? std::optional(std::string{context_alone}.append(view(leaf))) : std::nullopt;
  if (place.size() < place_bytes)
    return std::nullopt;
  const auto index = get16(place);
  const auto count = get16(place.substr(2));
  if (count > limits::receipt_batch_max || index >= count)
    return std::nullopt;
  const auto root = root_of(leaf, index, count, place.substr(place_bytes));
  return root ? std::optional(signed_text(*root, count)) : std::nullopt;
}

}  // namespace

receipt_signer::receipt_signer(std::span<const std::uint8_t, 32> seed) {
  initialise();
  secret_key_ = static_cast<std::uint8_t*>(sodium_malloc(crypto_sign_SECRETKEYBYTES));
  assert_always(secret_key_ != nullptr, "there is memory for a key");
  crypto_sign_seed_keypair(public_key_.data(), secret_key_, seed.data());
  key_id_ = janji::key_id(public_key_);
}

receipt_signer::~receipt_signer() { sodium_free(secret_key_); }

std::vector<std::string> receipt_signer::sign(std::span<const receipt_statement> statements) const {
  std::vector<std::string> receipts;
  receipts.reserve(statements.size());
  for (std::size_t from = 0; from < statements.size(); from += limits::receipt_batch_max)
    sign_batch(statements.subspan(from, std::min(limits::receipt_batch_max, statements.size() - from)), receipts);
  assert_always(receipts.size() == statements.size(), "every statement has its receipt");
  return receipts;
}

void receipt_signer::sign_batch(std::span<const receipt_statement> statements, std::vector<std::string>& receipts) const {
  std::vector<std::string> texts;
  std::vector<digest> leaves;
  texts.reserve(statements.size());
  leaves.reserve(statements.size());
  for (const auto& s : statements) {
    texts.push_back(text_of(s));
    leaves.push_back(hash(hash_of::leaf, texts.back()));
  }
  const auto levels = tree_of(std::move(leaves));
  const auto to_sign = signed_text(levels.back().front(), texts.size());
  std::array<unsigned char, crypto_sign_BYTES> signature{};
  crypto_sign_detached(signature.data(), nullptr, reinterpret_cast<const unsigned char*>(to_sign.data()), to_sign.size(), secret_key_);
  std::string proof;
  proof.reserve(place_bytes + path_max * sizeof(digest) + signature.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    proof.clear();
    put16(proof, i);
    put16(proof, texts.size());
    std::size_t at = i;
    for (std::size_t level = 0; level + 1 < levels.size(); ++level, at /= 2)
      if (const auto beside = at ^ 1; beside < levels[level].size())
        proof += view(levels[level][beside]);
    proof.append(reinterpret_cast<const char*>(signature.data()), signature.size());
    auto& receipt = receipts.emplace_back();
    receipt.reserve(opening.size() + key_id_.size() + 2 + (texts[i].size() + proof.size()) * 4 / 3 + 4);
    receipt += opening;
    receipt += key_id_;
    receipt += '.';
    append_base64(receipt, texts[i]);
    receipt += '.';
    append_base64(receipt, proof);
  }
}

std::string receipt_signer::sign_alone(const receipt_statement& statement) const {
  const auto text = text_of(statement, version_2);
  std::string to_sign{context_alone};
  to_sign += view(hash(hash_of::leaf, text, {}, hash_kind::sha256));
  std::string signature(crypto_sign_BYTES, '\0');
  crypto_sign_detached(reinterpret_cast<unsigned char*>(signature.data()), nullptr, reinterpret_cast<const unsigned char*>(to_sign.data()),
                       to_sign.size(), secret_key_);
  std::string receipt{opening_2};
  receipt += key_id_;
  receipt += '.';
  append_base64(receipt, text);
  receipt += '.';
  append_base64(receipt, signature);
  return receipt;
}

std::string_view words_of(receipt_error e) {
  switch (e) {
    case receipt_error::not_a_receipt: return "This is not a receipt.";
    case receipt_error::malformed: return "The receipt is cut short or damaged.";
    case receipt_error::other_key: return "The receipt is of another key.";
    case receipt_error::bad_signature: return "The receipt was not signed like this: it has been changed.";
  }
  return "";
}

std::expected<std::string_view, receipt_error> key_id_of(std::string_view receipt) {
  const auto parts = split(receipt);
  if (!parts)
    return std::unexpected(parts.error());
  return parts->key_id;
}

std::expected<receipt_statement, receipt_error> verify_receipt(std::string_view receipt, const receipt_public_key& key) {
  initialise();
  const auto parts = split(receipt);
  if (!parts)
    return std::unexpected(parts.error());
  if (parts->key_id != key_id(key))
    return std::unexpected(receipt_error::other_key);
  const auto statement = from_base64(parts->statement);
  const auto proof = from_base64(parts->proof);
  if (!statement || !proof || statement->size() > limits::receipt_statement_bytes_max || proof->size() < crypto_sign_BYTES)
    return std::unexpected(receipt_error::malformed);
  const auto text = text_under(*parts, *statement, std::string_view(*proof).substr(0, proof->size() - crypto_sign_BYTES));
  if (!text)
    return std::unexpected(receipt_error::malformed);
  const auto* signature = reinterpret_cast<const unsigned char*>(proof->data() + proof->size() - crypto_sign_BYTES);
  if (crypto_sign_verify_detached(signature, reinterpret_cast<const unsigned char*>(text->data()), text->size(), key.data()) != 0)
    return std::unexpected(receipt_error::bad_signature);
  auto said = statement_from(*statement, parts->kind == hash_kind::sha256 ? version_2 : version);
  if (!said)
    return std::unexpected(receipt_error::malformed);
  return *std::move(said);
}

}  // namespace janji
