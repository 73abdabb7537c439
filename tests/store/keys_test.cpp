#include <fcntl.h>
#include <gtest/gtest.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>
#include <map>
#include <random>
#include <sstream>
#include <thread>
#include <vector>

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

TEST_F(ring_test, damage_is_not_told_as_a_wrong_master_key) {
  (void)open(1)->get_or_make("data/1");
  ASSERT_TRUE(open(1)->wrap_again(key_of(9), rotation_mark{3, true}).has_value());
  const auto whole = file();
  for (const std::string_view name : {"check ", "data/1 "}) {
    auto hurt = whole;
    const auto at = hurt.find(name) + name.size() + 10;
    hurt[at] = hurt[at] == '0' ? '1' : '0';
    std::ofstream(path, std::ios::trunc) << hurt;
    const auto damaged = key_ring::open(path, key_of(9), true);
    ASSERT_FALSE(damaged.has_value()) << name;
    EXPECT_EQ(damaged.error().code, errc::corrupt) << name;
    EXPECT_TRUE(damaged.error().text().contains("is damaged")) << damaged.error().text();
    EXPECT_EQ(file(), hurt) << "nothing is changed";
  }
}

TEST_F(ring_test, rotation_keeps_the_keys_and_shuts_the_old_master_out) {
  auto ring = open(1);
  const auto key = *ring->get_or_make("citizen/4");
  ASSERT_TRUE(ring->rotate_master(key_of(9)).has_value());
  EXPECT_FALSE(key_ring::open(path, key_of(1), false).has_value());
  EXPECT_EQ(*open(9)->get_or_make("citizen/4"), key);
}

TEST_F(ring_test, any_of_several_masters_opens_it_and_the_one_that_does_is_kept) {
  const auto key = *open(1)->get_or_make("citizen/4");
  const std::array both{key_of(7), key_of(1)};
  const auto ring = key_ring::open(path, both, false);
  ASSERT_TRUE(ring.has_value());
  EXPECT_EQ((*ring)->master(), key_of(1));
  EXPECT_EQ(*(*ring)->get("citizen/4"), key);
}

TEST_F(ring_test, a_file_says_which_rotation_it_was_wrapped_in_and_which_master_it_needs) {
  auto ring = open(1);
  (void)ring->get_or_make("citizen/4");
  EXPECT_TRUE(file().starts_with("janji-keys 1\n")) << "before the first rotation an earlier version reads it";
  for (const auto& mark : {rotation_mark{3, false}, rotation_mark{3, true}}) {
    ASSERT_TRUE(ring->wrap_again(key_of(9), mark).has_value());
    EXPECT_EQ(open(9)->mark(), mark);
  }
  const auto refused = key_ring::open(path, key_of(1), true);
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().text().find(fingerprint_of(key_of(9)) + ", given is " + fingerprint_of(key_of(1))), std::string::npos)
      << refused.error().text();
  EXPECT_FALSE(std::filesystem::exists(path + ".old"));
}

TEST_F(ring_test, a_ring_without_keys_is_made_anew_under_another_master_only_where_one_may_be_made) {
  (void)open(1);
  EXPECT_FALSE(key_ring::open(path, key_of(2), false).has_value());
  ASSERT_TRUE(key_ring::open(path, key_of(2), true).has_value());
  (void)open(2)->get_or_make("request");
  EXPECT_FALSE(key_ring::open(path, key_of(1), true).has_value());
}

TEST_F(ring_test, a_stop_while_the_file_was_replaced_leaves_the_keys_and_nothing_else) {
  const auto key = *open()->get_or_make("data/1");
  const auto old = path + ".old";
  std::filesystem::create_hard_link(path, old);  // before the new one had the name
  auto ring = open();
  ASSERT_TRUE(ring);
  EXPECT_EQ(ring->get("data/1"), key);
  EXPECT_FALSE(std::filesystem::exists(old));
  std::ofstream(old) << "what was there before";  // after it
  const auto kept = dir.path() + "/same-file";
  std::filesystem::create_hard_link(old, kept);
  ring = open();
  ASSERT_TRUE(ring);
  EXPECT_EQ(ring->get("data/1"), key);
  EXPECT_FALSE(std::filesystem::exists(old));
  std::ostringstream held;
  held << std::ifstream(kept).rdbuf();
  EXPECT_EQ(held.str(), std::string(21, '\0')) << "it is overwritten";
}

TEST_F(ring_test, while_a_new_key_waits_for_a_disk_that_hangs_the_others_are_read) {
  auto ring = open();
  const auto key = *ring->get_or_make("data/1");
  std::promise<void> hangs;
  std::promise<void> goes_on;
  ring->before_writing([&] {
    hangs.set_value();
    goes_on.get_future().wait();
  });
  auto made = std::async(std::launch::async, [&] { return ring->get_or_make("data/2").has_value(); });
  hangs.get_future().wait();
  auto read = std::async(std::launch::async, [&] {
    return ring->get("data/1") == key && ring->names().size() == 1 && !ring->is_destroyed(round_id{1}) && ring->master() == key_of(1);
  });
  const bool at_once = read.wait_for(std::chrono::seconds(10)) == std::future_status::ready;
  std::filesystem::create_directory(path + ".new");
  goes_on.set_value();
  EXPECT_TRUE(at_once) << "citizens' and operators' threads would wait for the disk";
  EXPECT_TRUE(read.get()) << "as it is on disk";
  EXPECT_FALSE(made.get()) << "it cannot be written";
  EXPECT_FALSE(ring->get("data/2").has_value());
}

// Rounds are imported while others are erased, each on a thread of its own: who writes the file last must have read it last.
TEST_F(ring_test, keys_that_are_made_and_destroyed_at_one_moment_are_all_as_they_were_told_in_the_file) {
  constexpr int makers = 6;
  constexpr int each = 8;
  auto ring = open();
  for (int n = 0; n < each; ++n)
    ASSERT_TRUE(ring->get_or_make("data/" + std::to_string(1'000 + n)).has_value());
  std::vector<std::future<std::map<std::string, key_bytes>>> made;
  for (int m = 0; m < makers; ++m)
    made.push_back(std::async(std::launch::async, [&, m] {
      std::map<std::string, key_bytes> mine;
      for (int n = 0; n < each; ++n) {
        const auto name = "data/" + std::to_string(m * each + n);
        mine[name] = ring->get_or_make(name).value_or(key_bytes{});
      }
      return mine;
    }));
  for (int n = 0; n < each; ++n)
    EXPECT_TRUE(ring->destroy_round(round_id{static_cast<std::uint16_t>(1'000 + n)}).has_value());
  std::map<std::string, key_bytes> all;
  for (auto& m : made)
    all.merge(m.get());
  ring = open();
  for (const auto& [name, key] : all)
    EXPECT_EQ(ring->get(name), key) << name << " is gone with the next start, and with it all that was sealed under it";
  for (int n = 0; n < each; ++n)
    EXPECT_TRUE(ring->is_destroyed(round_id{static_cast<std::uint16_t>(1'000 + n)})) << "it would come back with the next start";
}

TEST_F(ring_test, a_damaged_first_line_is_refused) {
  (void)open()->get_or_make("data/1");
  const auto rest = file().substr(file().find('\n'));
  for (const std::string head : {"", "janji-keys 3", "janji-keys 2", "janji-keys 2 ab", "janji-keys 2 ab x begun",
                                 "janji-keys 2 ab 0 begun", "janji-keys 2 ab 1 neither", "janji-keys 1 ab"}) {
    std::ofstream(path, std::ios::trunc) << head << rest;
    EXPECT_FALSE(key_ring::open(path, key_of(1), true).has_value()) << head;
  }
}

TEST_F(ring_test, masters_come_from_two_files_or_variables_and_what_is_wrong_with_one_is_said) {
  const auto text = [](std::uint8_t b) { return std::string(64, "0123456789abcdef"[b & 15U]); };
  const auto put = [](const std::string& file, const std::string& what) {
    std::ofstream(file, std::ios::trunc) << what;
    ::chmod(file.c_str(), 0600);
  };
  const master_sources files{{dir.path() + "/now", {}, true}, dir.path() + "/next", {}};
  EXPECT_NE(read_masters(files).wrong.find("there is no master key in"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(files.now.file)) << "reading makes none";
  put(files.now.file, text(1) + "\n");
  EXPECT_EQ(read_masters(files).keys, std::vector{key_of(0x11)});
  put(files.next_file, text(2));
  EXPECT_EQ(read_masters(files).keys, (std::vector{key_of(0x11), key_of(0x22)}));
  put(files.next_file, text(1));
  EXPECT_EQ(read_masters(files).keys, std::vector{key_of(0x11)}) << "the same one twice";
  for (const auto& junk :
       {std::string(), std::string("hello"), text(2) + "0", text(2).substr(1), std::string(1 << 20, 'a'), std::string(64, 'g')}) {
    put(files.next_file, junk);
    EXPECT_EQ(read_masters(files).keys, std::vector{key_of(0x11)}) << junk.substr(0, 80);
    EXPECT_NE(read_masters(files).wrong.find("next is not 64 hexadecimal digits"), std::string::npos) << junk.substr(0, 80);
  }
  std::filesystem::remove(files.next_file);
  std::filesystem::create_directory(files.next_file);
  EXPECT_NE(read_masters(files).wrong.find("is not a file"), std::string::npos);
  const master_sources variables{{"", text(3), true}, files.next_file, text(4)};
  EXPECT_EQ(read_masters(variables).keys, (std::vector{key_of(0x33), key_of(0x44)}));
  EXPECT_NE(read_masters({{"", text(3), true}, {}, "junk"}).wrong.find("JANJI_MASTER_KEY_NEXT"), std::string::npos);
}

TEST_F(ring_test, a_fingerprint_says_which_master_it_is) {
  EXPECT_EQ(fingerprint_of(key_of(1)).size(), 16U);
  EXPECT_EQ(fingerprint_of(key_of(1)), fingerprint_of(key_of(1)));
  EXPECT_NE(fingerprint_of(key_of(1)), fingerprint_of(key_of(2)));
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

// What was in memory came back by whoever asked meanwhile, and was used until the next start.
TEST_F(sealing_test, keys_that_are_destroyed_are_not_kept_by_who_asks_for_them_meanwhile) {
  seals->forget_round(round_id{1});
  seals->use_only([&](round_id round) {  // the keys are in the asker's hands
    EXPECT_TRUE(ring->destroy_round(round).has_value());
    seals->forget_round(round);
    return true;
  });
  EXPECT_FALSE(seals->hash_citizen(round_id{1}, "mykad:1").has_value());
  seals->use_only([](round_id) { return true; });
  EXPECT_FALSE(seals->hash_citizen(round_id{1}, "mykad:1").has_value());
}

// They may be left of an import that came to nothing, and are compared with the cluster's first.
TEST_F(sealing_test, keys_of_a_round_that_was_not_prepared_are_used_where_they_were_before) {
  seals->forget_round(round_id{1});
  bool used = false;
  seals->use_only([&](round_id) { return used; });
  EXPECT_FALSE(seals->hash_citizen(round_id{1}, "mykad:1").has_value());
  used = true;
  EXPECT_TRUE(seals->hash_citizen(round_id{1}, "mykad:1").has_value());
  used = false;
  seals->forget_round(round_id{1});
  ASSERT_TRUE(seals->prepare_round(round_id{1}).has_value());
  EXPECT_TRUE(seals->hash_citizen(round_id{1}, "mykad:1").has_value());
}

TEST_F(sealing_test, keys_that_are_dropped_are_made_or_fetched_again) {
  const auto before = *seals->hash_citizen(round_id{1}, "mykad:1");
  ASSERT_TRUE(ring->drop(std::array{std::string("citizen/1")}).has_value());
  seals->forget_round(round_id{1});
  EXPECT_FALSE(seals->hash_citizen(round_id{1}, "mykad:1").has_value());
  ASSERT_TRUE(seals->prepare_round(round_id{1}).has_value());
  EXPECT_NE(*seals->hash_citizen(round_id{1}, "mykad:1"), before);
  EXPECT_EQ(open()->get("citizen/1"), ring->get("citizen/1")) << "on the disk too";
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
