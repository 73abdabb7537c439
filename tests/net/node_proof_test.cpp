#include "net/node_proof.hpp"

#include <gtest/gtest.h>

namespace janji::net {
namespace {

constexpr std::string_view key = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

// From Python's hashlib.blake2b(b"0123456789abcdef0123456789abcdef", key=bytes(range(32)), digest_size=32).
TEST(node_proof, is_a_keyed_sum_of_the_question) {
  EXPECT_EQ(proof_of(key, "0123456789abcdef0123456789abcdef"), "23b91853f7261956069566d283a3af304bcb4edbe417b90b5091384cffbb9f16");
  EXPECT_NE(proof_of(key, "0123456789abcdef0123456789abcdef"), proof_of(new_proof_key(), "0123456789abcdef0123456789abcdef"));
}

TEST(node_proof, of_no_key_there_is_none) {
  for (const std::string_view wrong : {"", "00", "zz0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
                                       "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f00"})
    EXPECT_EQ(proof_of(wrong, new_proof_question()), "") << wrong;
}

TEST(node_proof, keys_and_questions_are_never_alike) {
  EXPECT_NE(new_proof_key(), new_proof_key());
  EXPECT_NE(new_proof_question(), new_proof_question());
  EXPECT_TRUE(is_proof_question(new_proof_question()));
  for (const std::string_view wrong : {"", "0123456789abcdef0123456789abcde", "0123456789abcdef0123456789abcdeF",
                                       "0123456789abcdef0123456789abcdef0", "../../../../../../../../../../..x"})
    EXPECT_FALSE(is_proof_question(wrong)) << wrong;
}

}  // namespace
}  // namespace janji::net
