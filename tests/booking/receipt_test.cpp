#include "booking/receipt.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sodium.h>

#include <algorithm>
#include <random>
#include <set>
#include <string>

#include "booking/assert.hpp"

namespace janji {
namespace {

std::array<std::uint8_t, 32> seed_of(std::uint8_t n) {
  std::array<std::uint8_t, 32> seed{};
  seed.fill(n);
  return seed;
}

receipt_statement statement(std::size_t n) {
  return {"2021-3",      fmt::format("7K3M-92QX-{:04}-E", n), "WTCKL",    "2021-06-07",
          "09:00-20:30", "2021-05-26T04:15:00.123Z",          n % 7 == 0, static_cast<std::uint8_t>(n % 4 + 1)};
}
std::vector<receipt_statement> statements(std::size_t count) {
  std::vector<receipt_statement> out;
  for (std::size_t i = 0; i < count; ++i)
    out.push_back(statement(i));
  return out;
}

std::vector<std::string> split(const std::string& receipt) {
  std::vector<std::string> parts(1);
  for (const char c : receipt)
    if (c == '.')
      parts.emplace_back();
    else
      parts.back() += c;
  return parts;
}
std::string join(const std::vector<std::string>& parts) { return fmt::format("{}", fmt::join(parts, ".")); }
std::string decoded(const std::string& text) {
  std::string out(text.size(), '\0');
  std::size_t size = 0;
  EXPECT_EQ(sodium_base642bin(reinterpret_cast<unsigned char*>(out.data()), out.size(), text.data(), text.size(), nullptr, &size, nullptr,
                              sodium_base64_VARIANT_URLSAFE_NO_PADDING),
            0);
  out.resize(size);
  return out;
}
std::string encoded(const std::string& raw) {
  std::string out(sodium_base64_ENCODED_LEN(raw.size(), sodium_base64_VARIANT_URLSAFE_NO_PADDING), '\0');
  sodium_bin2base64(out.data(), out.size(), reinterpret_cast<const unsigned char*>(raw.data()), raw.size(),
                    sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  out.pop_back();
  return out;
}
// A receipt of one statement for any bytes, signed as the real ones are.
std::string forged_by_the_key_itself(const std::string& text, std::uint8_t n) {
  std::array<unsigned char, 32> public_key{};
  std::array<unsigned char, 64> secret{};
  crypto_sign_seed_keypair(public_key.data(), secret.data(), seed_of(n).data());
  const auto leaf_input = std::string(1, '\0') + text;
  std::string to_sign = "janji receipt batch 1";
  to_sign += std::string("\x01\x00", 2);
  std::string root(32, '\0');
  crypto_generichash(reinterpret_cast<unsigned char*>(root.data()), root.size(), reinterpret_cast<const unsigned char*>(leaf_input.data()),
                     leaf_input.size(), nullptr, 0);
  to_sign += root;
  std::string signature(crypto_sign_BYTES, '\0');
  crypto_sign_detached(reinterpret_cast<unsigned char*>(signature.data()), nullptr, reinterpret_cast<const unsigned char*>(to_sign.data()),
                       to_sign.size(), secret.data());
  return "janji1." + receipt_signer(seed_of(n)).key_id() + "." + encoded(text) + "." +
         encoded(std::string("\x00\x00\x01\x00", 4) + signature);
}

TEST(receipt, every_receipt_of_a_batch_of_any_size_says_what_was_promised) {
  const receipt_signer signer(seed_of(1));
  for (std::size_t count = 1; count <= 130; ++count) {
    const auto all = statements(count);
    const auto receipts = signer.sign(all);
    ASSERT_EQ(receipts.size(), count);
    for (std::size_t i = 0; i < count; ++i) {
      const auto said = verify_receipt(receipts[i], signer.public_key());
      ASSERT_TRUE(said) << words_of(said.error()) << ", " << i << " of " << count;
      ASSERT_EQ(*said, all[i]);
    }
  }
}

TEST(receipt, the_largest_batch_and_one_more_are_signed) {
  const receipt_signer signer(seed_of(1));
  const auto all = statements(limits::receipt_batch_max + 1);
  const auto receipts = signer.sign(all);
  ASSERT_EQ(receipts.size(), all.size());
  for (const std::size_t i : {std::size_t{0}, std::size_t{2047}, limits::receipt_batch_max - 1, limits::receipt_batch_max}) {
    EXPECT_EQ(verify_receipt(receipts[i], signer.public_key()), all[i]);
    EXPECT_LE(receipts[i].size(), limits::receipt_bytes_max);
  }
}

TEST(receipt, nothing_to_sign_gives_no_receipt) { EXPECT_TRUE(receipt_signer(seed_of(1)).sign({}).empty()); }

TEST(receipt, the_statement_is_the_same_in_whatever_batch_it_stands) {
  const receipt_signer signer(seed_of(1));
  const auto alone = signer.sign(statements(1)).front();
  const auto among = signer.sign(statements(9)).front();
  EXPECT_EQ(split(alone)[2], split(among)[2]);
  EXPECT_NE(split(alone)[3], split(among)[3]);
}

TEST(receipt, is_written_as_documented) {
  const receipt_signer signer(seed_of(1));
  const auto parts = split(signer.sign(statements(1)).front());
  ASSERT_EQ(parts.size(), 4U);
  EXPECT_EQ(parts[0], "janji1");
  EXPECT_EQ(parts[1], signer.key_id());
  EXPECT_EQ(decoded(parts[2]),
            "1\x1fTEST\x1f"
            "2021-3\x1f"
            "7K3M-92QX-0000-E\x1f"
            "1\x1fWTCKL\x1f"
            "2021-06-07\x1f"
            "09:00-20:30\x1f"
            "2021-05-26T04:15:00.123Z");
  EXPECT_EQ(decoded(parts[3]).size(), 4U + crypto_sign_BYTES);
}

// The tree by RFC 6962's own recursion: split at the largest power of two below n.
std::string root_by_recursion(const std::vector<std::string>& leaves) {
  const auto hash = [](const std::string& in) {
    std::string out(32, '\0');
    crypto_generichash(reinterpret_cast<unsigned char*>(out.data()), out.size(), reinterpret_cast<const unsigned char*>(in.data()),
                       in.size(), nullptr, 0);
    return out;
  };
  if (leaves.size() == 1)
    return hash(std::string(1, '\0') + leaves[0]);
  std::size_t left = 1;
  while (left * 2 < leaves.size())
    left *= 2;
  const auto middle = leaves.begin() + static_cast<std::ptrdiff_t>(left);
  return hash("\x01" + root_by_recursion({leaves.begin(), middle}) + root_by_recursion({middle, leaves.end()}));
}

TEST(receipt, the_signature_is_over_the_root_that_rfc_6962_defines) {
  const receipt_signer signer(seed_of(1));
  for (const std::size_t count : {1U, 2U, 3U, 5U, 7U, 64U, 100U}) {
    std::vector<std::string> leaves;
    const auto receipts = signer.sign(statements(count));
    for (const auto& r : receipts)
      leaves.push_back(decoded(split(r)[2]));
    const auto proof = decoded(split(receipts.back())[3]);
    const auto text = std::string("janji receipt batch 1") + static_cast<char>(count) + '\0' + root_by_recursion(leaves);
    EXPECT_EQ(crypto_sign_verify_detached(reinterpret_cast<const unsigned char*>(proof.data() + proof.size() - crypto_sign_BYTES),
                                          reinterpret_cast<const unsigned char*>(text.data()), text.size(), signer.public_key().data()),
              0)
        << count;
  }
}

TEST(receipt, of_another_key_is_refused) {
  const receipt_signer mine(seed_of(1));
  const receipt_signer other(seed_of(2));
  EXPECT_EQ(verify_receipt(mine.sign(statements(1)).front(), other.public_key()).error(), receipt_error::other_key);
  EXPECT_NE(mine.key_id(), other.key_id());
}

TEST(receipt, of_another_key_is_refused_even_when_it_claims_to_be_of_this_one) {
  const receipt_signer mine(seed_of(1));
  auto parts = split(receipt_signer(seed_of(2)).sign(statements(1)).front());
  parts[1] = mine.key_id();
  EXPECT_EQ(verify_receipt(join(parts), mine.public_key()).error(), receipt_error::bad_signature);
}

TEST(receipt, names_its_key) {
  const receipt_signer signer(seed_of(1));
  EXPECT_EQ(key_id_of(signer.sign(statements(3))[1]), signer.key_id());
  EXPECT_EQ(key_id_of("hello").error(), receipt_error::not_a_receipt);
}

TEST(receipt, another_statement_under_the_same_proof_is_refused) {
  const receipt_signer signer(seed_of(1));
  const auto receipts = signer.sign(statements(8));
  auto parts = split(receipts[3]);
  parts[2] = split(receipts[4])[2];
  EXPECT_EQ(verify_receipt(join(parts), signer.public_key()).error(), receipt_error::bad_signature);
}

TEST(receipt, a_node_of_the_tree_does_not_pass_for_a_statement) {
  const receipt_signer signer(seed_of(1));
  const auto receipts = signer.sign(statements(4));
  const auto path = decoded(split(receipts[2])[3]).substr(4);
  auto parts = split(receipts[0]);
  parts[2] = encoded(path.substr(0, 64));  // the two hashes that a node is made of, or would be
  EXPECT_FALSE(verify_receipt(join(parts), signer.public_key()));
}

// Every place of the receipt, every character of base64url and some others.
TEST(receipt, no_single_change_of_a_character_goes_unnoticed) {
  const receipt_signer signer(seed_of(1));
  const auto good = signer.sign(statements(3))[2];
  for (std::size_t at = 0; at < good.size(); ++at)
    for (const char c : std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ \0\xff", 72)) {
      auto bad = good;
      bad[at] = c;
      if (bad != good) {
        ASSERT_FALSE(verify_receipt(bad, signer.public_key())) << "character " << at << " changed to " << c;
      }
    }
}

TEST(receipt, nothing_cut_off_or_put_in_goes_unnoticed) {
  const receipt_signer signer(seed_of(1));
  const auto good = signer.sign(statements(5))[4];
  for (std::size_t at = 0; at < good.size(); ++at) {
    ASSERT_FALSE(verify_receipt(good.substr(0, at), signer.public_key())) << at;
    ASSERT_FALSE(verify_receipt(good.substr(0, at) + good.substr(at + 1), signer.public_key())) << at;
    ASSERT_FALSE(verify_receipt(good.substr(0, at) + "A" + good.substr(at), signer.public_key())) << at;
  }
  for (const auto* more : {"A", ".", "=", " ", "\n", "AAAA"})
    ASSERT_FALSE(verify_receipt(good + more, signer.public_key())) << more;
}

TEST(receipt, no_place_in_the_batch_but_its_own_is_accepted) {
  const receipt_signer signer(seed_of(1));
  const auto receipts = signer.sign(statements(11));
  for (std::size_t i = 0; i < receipts.size(); ++i) {
    auto parts = split(receipts[i]);
    auto proof = decoded(parts[3]);
    for (int index = 0; index < 20; ++index)
      for (int count = 0; count < 20; ++count) {
        proof[0] = static_cast<char>(index);
        proof[2] = static_cast<char>(count);
        parts[3] = encoded(proof);
        ASSERT_EQ(verify_receipt(join(parts), signer.public_key()).has_value(), index == static_cast<int>(i) && count == 11)
            << i << " as " << index << " of " << count;
      }
  }
}

TEST(receipt, random_damage_is_refused) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  const receipt_signer signer(seed_of(1));
  const auto receipts = signer.sign(statements(64));
  for (int i = 0; i < 5'000; ++i) {
    const auto& good = receipts[random() % receipts.size()];
    auto parts = split(good);
    auto raw = decoded(parts[2 + random() % 2]);
    auto& hurt = parts[2 + random() % 2];
    raw = decoded(hurt);
    for (auto n = 1 + random() % 4; n > 0; --n) {
      const auto at = random() % (raw.size() + 1);
      switch (random() % 3) {
        case 0: raw.insert(at, 1, static_cast<char>(random())); break;
        case 1: raw.erase(at, random() % 40); break;
        default:
          if (at < raw.size())
            raw[at] = static_cast<char>(raw[at] ^ (1 << random() % 8));
      }
    }
    hurt = encoded(raw);
    ASSERT_TRUE(join(parts) == good || !verify_receipt(join(parts), signer.public_key())) << join(parts);
  }
}

TEST(receipt, any_bytes_are_refused_without_harm) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  const receipt_signer signer(seed_of(1));
  for (int i = 0; i < 20'000; ++i) {
    std::string text(random() % 300, '\0');
    std::ranges::generate(text, [&] { return random() % 4 == 0 ? '.' : static_cast<char>(random()); });
    ASSERT_FALSE(verify_receipt(text, signer.public_key()));
    ASSERT_FALSE(verify_receipt("janji1." + text, signer.public_key()));
    ASSERT_FALSE(verify_receipt("janji1." + signer.key_id() + "." + text, signer.public_key()));
  }
}

TEST(receipt, one_too_long_is_not_even_read) {
  const receipt_signer signer(seed_of(1));
  const auto good = signer.sign(statements(1)).front();
  EXPECT_EQ(verify_receipt(good + std::string(limits::receipt_bytes_max, 'A'), signer.public_key()).error(), receipt_error::not_a_receipt);
}

TEST(receipt, a_statement_of_a_form_that_is_not_known_is_refused_though_signed) {
  const auto key = receipt_signer(seed_of(1)).public_key();
  const std::string rest =
      "\x1fr\x1fx\x1f"
      "1\x1f"
      "c\x1f"
      "d\x1fw\x1f"
      "a";
  ASSERT_TRUE(verify_receipt(forged_by_the_key_itself("1\x1f" + rest, 1), key));
  for (const auto& text : {std::string(), std::string("1"), "2\x1f" + rest, "1\x1fREAL" + rest, "1\x1f" + rest + "\x1f",
                           std::string("1\x1f\x1fr\x1fx\x1f"
                                       "1\x1f"
                                       "c\x1f"
                                       "d\x1fw"),
                           std::string("1\x1f\x1fr\x1fx\x1f"
                                       "0\x1f"
                                       "c\x1f"
                                       "d\x1fw\x1f"
                                       "a"),
                           std::string("1\x1f\x1fr\x1fx\x1f"
                                       "5\x1f"
                                       "c\x1f"
                                       "d\x1fw\x1f"
                                       "a"),
                           std::string("1\x1f\x1fr\x1fx\x1f"
                                       "1x\x1f"
                                       "c\x1f"
                                       "d\x1fw\x1f"
                                       "a"),
                           std::string("1\x1f\x1fr\x1fx\x1f\x1f"
                                       "c\x1f"
                                       "d\x1fw\x1f"
                                       "a")})
    EXPECT_EQ(verify_receipt(forged_by_the_key_itself(text, 1), key).error(), receipt_error::malformed) << text;
}

TEST(receipt, a_statement_too_long_is_refused_though_signed) {
  const auto key = receipt_signer(seed_of(1)).public_key();
  EXPECT_EQ(verify_receipt(forged_by_the_key_itself(std::string(600, 'x'), 1), key).error(), receipt_error::malformed);
}

struct broken_promise {};

TEST(receipt, a_field_that_would_read_as_two_is_never_signed) {
  set_assertion_handler([](const char*, std::source_location) { throw broken_promise{}; });
  auto s = statement(1);
  s.centre = "WTCKL\x1fUM";
  EXPECT_THROW((void)receipt_signer(seed_of(1)).sign({&s, 1}), broken_promise);
  set_assertion_handler(nullptr);
}

TEST(receipt, every_error_has_words_of_its_own) {
  std::set<std::string_view> words;
  for (int e = 0; e < 5; ++e)
    words.insert(words_of(static_cast<receipt_error>(e)));
  EXPECT_EQ(words.size(), 5U);
}

TEST(receipt, one_signed_alone_is_short_enough_for_a_code_and_says_what_was_promised) {
  const receipt_signer signer(seed_of(1));
  auto longest = statement(3);
  longest.round = std::string(32, 'r');
  longest.centre = std::string(16, 'c');
  for (const auto& s : {statement(0), statement(3), longest}) {
    const auto text = signer.sign_alone(s);
    EXPECT_TRUE(text.starts_with("janji2."));
    EXPECT_LE(text.size(), 400U);
    EXPECT_EQ(verify_receipt(text, signer.public_key()), s);
    EXPECT_EQ(key_id_of(text), signer.key_id());
  }
}

TEST(receipt, one_signed_alone_is_written_as_documented) {
  const receipt_signer signer(seed_of(1));
  const auto parts = split(signer.sign_alone(statement(3)));
  ASSERT_EQ(parts.size(), 4U);
  const auto said = decoded(parts[2]);
  EXPECT_TRUE(said.starts_with("2\x1f"));
  std::array<unsigned char, 32> leaf{};
  const auto hashed = std::string(1, '\0') + said;
  crypto_hash_sha256(leaf.data(), reinterpret_cast<const unsigned char*>(hashed.data()), hashed.size());
  const auto to_sign = "janji receipt 2" + std::string(leaf.begin(), leaf.end());
  const auto signature = decoded(parts[3]);
  EXPECT_EQ(crypto_sign_verify_detached(reinterpret_cast<const unsigned char*>(signature.data()),
                                        reinterpret_cast<const unsigned char*>(to_sign.data()), to_sign.size(), signer.public_key().data()),
            0);
}

TEST(receipt, no_change_of_one_signed_alone_goes_unnoticed_and_versions_do_not_mix) {
  const receipt_signer signer(seed_of(1));
  const auto text = signer.sign_alone(statement(3));
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto changed = text;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(verify_receipt(changed, signer.public_key())) << i;
    EXPECT_FALSE(verify_receipt(text.substr(0, i), signer.public_key())) << i;
  }
  EXPECT_FALSE(verify_receipt(text + "A", signer.public_key()));
  auto of_the_first = text;
  of_the_first[5] = '1';
  EXPECT_FALSE(verify_receipt(of_the_first, signer.public_key()));
  const std::vector<receipt_statement> one{statement(3)};
  auto of_the_second = signer.sign(one).front();
  of_the_second[5] = '2';
  EXPECT_FALSE(verify_receipt(of_the_second, signer.public_key()));
  EXPECT_FALSE(verify_receipt(text, receipt_signer(seed_of(2)).public_key()));
}

}  // namespace
}  // namespace janji
