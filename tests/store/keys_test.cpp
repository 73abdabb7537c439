#include <gtest/gtest.h>
#include <sodium.h>
#include <sys/stat.h>

#include <fstream>
#include <random>
#include <sstream>

#include "store/key_ring.hpp"
#include "store/sealing.hpp"
#include "tests/temporary_directory.hpp"

namespace janji::store {
namespace {

using test::temporary_directory;

key_bytes key_of(std::uint8_t b) {
  key_bytes k{};
  k.fill(b);
  return k;
}

struct ring_test : testing::Test {
  void SetUp() override { ASSERT_GE(sodium_init(), 0); }
  temporary_directory dir;
  std::string path = dir.path() + "/keys";
  std::unique_ptr<key_ring> open(std::uint8_t master = 1) {
    auto r = key_ring::open(path, key_of(master), true);
    EXPECT_TRUE(r.has_value()) << (r ? "" : r.error().text());
    return r ? std::move(*r) : nullptr;
  }
  std::string file() const {
    std::ostringstream out;
    out << std::ifstream(path).rdbuf();
    return out.str();
  }
};

TEST_F(ring_test, a_key_is_the_same_after_a_restart_and_never_stands_in_the_file) {
  const auto key = *open()->get_or_make("data/1");
  EXPECT_EQ(*open()->get_or_make("data/1"), key);
  std::string hex(65, '\0');
  sodium_bin2hex(hex.data(), hex.size(), key.data(), key.size());
  EXPECT_EQ(file().find(hex.substr(0, 32)), std::string::npos);
}

TEST_F(ring_test, a_wrong_master_key_is_refused_and_changes_nothing) {
  (void)open()->get_or_make("data/1");
  const auto before = file();
  const auto wrong = key_ring::open(path, key_of(2), true);
  ASSERT_FALSE(wrong.has_value());
  EXPECT_EQ(wrong.error().code, errc::wrong_key);
  EXPECT_EQ(file(), before);
}

TEST_F(ring_test, a_file_cut_short_is_refused) {
  (void)open()->get_or_make("data/1");
  const auto whole = file();
  std::ofstream(path, std::ios::trunc) << whole.substr(0, whole.find("check"));
  const auto cut = key_ring::open(path, key_of(1), false);
  ASSERT_FALSE(cut.has_value());
}

TEST_F(ring_test, rotation_keeps_the_keys_and_shuts_the_old_master_out) {
  auto ring = open(1);
  const auto key = *ring->get_or_make("citizen/4");
  ASSERT_TRUE(ring->rotate_master(key_of(9)).has_value());
  EXPECT_FALSE(key_ring::open(path, key_of(1), false).has_value());
  EXPECT_EQ(*open(9)->get_or_make("citizen/4"), key);
}

TEST_F(ring_test, a_destroyed_key_stays_destroyed) {
  auto ring = open();
  (void)ring->get_or_make("citizen/4");
  (void)ring->get_or_make("data/4");
  const auto other = *ring->get_or_make("data/5");
  EXPECT_EQ(*ring->destroy_round(round_id{4}), 2U);
  auto again = open();
  EXPECT_TRUE(again->is_destroyed(round_id{4}));
  EXPECT_FALSE(again->get("data/4").has_value());
  EXPECT_FALSE(again->get_or_make("data/4").has_value());
  EXPECT_EQ(*again->get("data/5"), other);
  EXPECT_FALSE(std::filesystem::exists(path + ".old"));
}

TEST_F(ring_test, a_master_key_that_others_can_read_is_refused) {
  const auto master = dir.path() + "/master.key";
  ASSERT_TRUE(load_master({master, {}, true}).has_value());
  struct stat st{};
  ASSERT_EQ(::stat(master.c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777, 0600U);
  ASSERT_EQ(::chmod(master.c_str(), 0644), 0);
  const auto open_to_all = load_master({master, {}, false});
  ASSERT_FALSE(open_to_all.has_value());
  EXPECT_EQ(open_to_all.error().code, errc::permission);
  EXPECT_FALSE(load_master({dir.path() + "/none", {}, false}).has_value());
  EXPECT_FALSE(load_master({"", "abc", false}).has_value());
  EXPECT_TRUE(load_master({"", std::string(64, 'a'), false}).has_value());
}

struct sealing_test : ring_test {
  void SetUp() override {
    ring_test::SetUp();
    ring = open();
    seals = std::move(*sealing::open(*ring));
    ASSERT_TRUE(seals->prepare_round(round_id{1}).has_value());
  }
  std::unique_ptr<key_ring> ring;
  std::unique_ptr<sealing> seals;
};

TEST_F(sealing_test, a_sealed_record_opens_for_its_own_reference_only) {
  const auto sealed = *seals->seal(round_id{1}, 18785, reference{77}, "a citizen's record");
  EXPECT_EQ(sealed.find("citizen"), std::string::npos);
  EXPECT_EQ(*seals->unseal(round_id{1}, reference{77}, sealed), "a citizen's record");
  EXPECT_FALSE(seals->unseal(round_id{1}, reference{78}, sealed).has_value());
  EXPECT_FALSE(seals->unseal(round_id{2}, reference{77}, sealed).has_value());
}

TEST_F(sealing_test, any_changed_bit_is_noticed) {
  const auto sealed = *seals->seal(round_id{1}, 1, reference{5}, "x");
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    auto changed = sealed;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_FALSE(seals->unseal(round_id{1}, reference{5}, changed).has_value()) << "byte " << i;
    EXPECT_FALSE(seals->unseal(round_id{1}, reference{5}, sealed.substr(0, i)).has_value()) << "cut at " << i;
  }
}

TEST_F(sealing_test, lengths_are_hidden_in_steps) {
  EXPECT_EQ(seals->seal(round_id{1}, 1, reference{5}, std::string(3, 'a'))->size(),
            seals->seal(round_id{1}, 1, reference{5}, std::string(60, 'a'))->size());
}

TEST_F(sealing_test, an_erased_round_cannot_be_opened_any_more) {
  const auto sealed = *seals->seal(round_id{1}, 1, reference{5}, "x");
  ASSERT_TRUE(ring->destroy_round(round_id{1}).has_value());
  seals->forget_round(round_id{1});
  EXPECT_FALSE(seals->unseal(round_id{1}, reference{5}, sealed).has_value());
  EXPECT_FALSE(seals->hash_citizen(round_id{1}, "mykad:900101145678").has_value());
  EXPECT_FALSE(seals->seal(round_id{1}, 1, reference{5}, "x").has_value());
}

TEST_F(sealing_test, the_same_person_in_two_rounds_is_two_citizens) {
  ASSERT_TRUE(seals->prepare_round(round_id{2}).has_value());
  EXPECT_EQ(*seals->hash_citizen(round_id{1}, "mykad:1"), *seals->hash_citizen(round_id{1}, "mykad:1"));
  EXPECT_NE(*seals->hash_citizen(round_id{1}, "mykad:1"), *seals->hash_citizen(round_id{2}, "mykad:1"));
}

TEST_F(sealing_test, a_token_fits_its_reference_and_generation_alone) {
  const auto token = seals->make_token(reference{9}, 3);
  EXPECT_EQ(seals->check_token(reference{9}, token), std::uint8_t{3});
  EXPECT_FALSE(seals->check_token(reference{10}, token).has_value());
  for (std::size_t i = 0; i < token.size(); ++i) {
    auto changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(seals->check_token(reference{9}, changed).has_value());
  }
  EXPECT_FALSE(seals->check_token(reference{9}, "").has_value());
  EXPECT_FALSE(seals->check_token(reference{9}, std::string(500, 'A')).has_value());
}

TEST_F(sealing_test, keys_of_a_party_differ_by_position) {
  EXPECT_NE(seals->hash_key("k", 0), seals->hash_key("k", 1));
  EXPECT_EQ(seals->hash_key("k", 0), seals->hash_key("k", 0));
}

}  // namespace
}  // namespace janji::store
