#include "store/round_secrets.hpp"

#include <gtest/gtest.h>
#include <sodium.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "store/key_ring.hpp"
#include "tests/temporary_directory.hpp"

namespace {
int writes_until_one_fails = -1;  // fewer than none: none does
}

// Instead of the C library's: a disk that fails between two writes.
extern "C" ssize_t pwrite(int fd, const void* data, size_t size, off_t at) {
  if (writes_until_one_fails >= 0 && writes_until_one_fails-- == 0) {
    errno = EIO;
    return -1;
  }
  return ::syscall(SYS_pwrite64, fd, data, size, at);
}

namespace janji::store {
namespace {

struct round_secrets_test : testing::Test {
  void SetUp() override { ASSERT_GE(sodium_init(), 0); }
  test::temporary_directory dir;
  std::string path = dir.path() + "/keys.rounds";
  static constexpr round_id one{1}, two{2}, three{3};

  std::unique_ptr<round_secrets> loaded() const {
    auto s = std::make_unique<round_secrets>(path);
    const auto r = s->load();
    EXPECT_TRUE(r.has_value()) << (r ? "" : r.error().text());
    return s;
  }
  key_bytes made(round_id round) const {
    round_secrets s(path);
    EXPECT_TRUE(s.load().has_value());
    EXPECT_TRUE(s.make(std::span(&round, 1)).has_value());
    return s.get(round).value();
  }
  std::string file() const {
    std::ostringstream out;
    out << std::ifstream(path, std::ios::binary).rdbuf();
    return out.str();
  }
  static std::string bytes_of(const key_bytes& k) { return {reinterpret_cast<const char*>(k.data()), k.size()}; }
  ino_t inode() const {
    struct stat st{};
    EXPECT_EQ(::stat(path.c_str(), &st), 0);
    return st.st_ino;
  }
};

TEST_F(round_secrets_test, one_is_the_same_after_a_restart_and_stays_where_it_is) {
  const auto first = made(two);
  const auto place = file().find(bytes_of(first));
  const auto where = inode();
  EXPECT_NE(place, std::string::npos);
  EXPECT_NE(made(one), first);
  EXPECT_EQ(made(two), first);
  EXPECT_EQ(file().find(bytes_of(first)), place);
  EXPECT_EQ(inode(), where) << "a file that is replaced leaves what it held on the disk";
}

// The node goes on while its directory is moved away; what it wrote into another would not be there once its own is back.
TEST_F(round_secrets_test, nothing_is_written_into_a_directory_that_came_in_the_place_of_its_own) {
  const auto data = dir.path() + "/data";
  const auto away = dir.path() + "/away";
  std::filesystem::create_directory(data);
  path = data + "/keys.rounds";
  const auto ring = key_ring::open(data + "/keys", key_bytes(), true);
  ASSERT_TRUE(ring.has_value()) << ring.error().text();
  const auto first = made(one);
  const auto s = loaded();
  std::filesystem::rename(data, away);
  for (const bool another : {false, true}) {
    if (another)
      std::filesystem::create_directory(data);
    EXPECT_FALSE(s->make(std::span(&two, 1)).has_value());
    EXPECT_FALSE(s->destroy(one).has_value());
    EXPECT_FALSE((*ring)->get_or_make("data/1").has_value());
  }
  EXPECT_TRUE(std::filesystem::is_empty(data));
  EXPECT_EQ(s->get(one), first) << "nothing was begun";
  std::filesystem::remove(data);
  std::filesystem::rename(away, data);
  EXPECT_TRUE(s->make(std::span(&two, 1)).has_value());
  EXPECT_TRUE((*ring)->get_or_make("data/1").has_value());
  EXPECT_EQ(made(two), s->get(two));
}

TEST_F(round_secrets_test, a_destroyed_one_is_overwritten_where_it_stood_and_never_made_again) {
  const auto kept = made(one);
  const auto gone = made(two);
  const auto where = inode();
  {
    auto s = loaded();
    ASSERT_TRUE(s->destroy(two).has_value());
    EXPECT_TRUE(s->destroy(two).has_value()) << "and again";
    EXPECT_FALSE(s->get(two).has_value());
    ASSERT_TRUE(s->make(std::span(&two, 1)).has_value());
    EXPECT_FALSE(s->get(two).has_value());
  }
  EXPECT_EQ(file().find(bytes_of(gone)), std::string::npos);
  EXPECT_EQ(inode(), where);
  auto s = loaded();
  EXPECT_EQ(s->state_of(two), round_secrets::state::destroyed);
  EXPECT_EQ(s->get(one), kept);
  EXPECT_EQ(s->there(), std::vector{one});
}

TEST_F(round_secrets_test, a_stop_in_the_midst_of_a_destruction_leaves_no_secret) {
  const auto gone = made(two);
  std::filesystem::resize_file(path, 2 * 4096);  // its block was given back
  std::filesystem::resize_file(path, 3 * 4096 + 4096);
  EXPECT_EQ(loaded()->state_of(two), round_secrets::state::none);
  auto s = loaded();
  ASSERT_TRUE(s->destroy(two).has_value());
  EXPECT_EQ(loaded()->state_of(two), round_secrets::state::destroyed);
}

TEST_F(round_secrets_test, a_damaged_one_is_neither_used_nor_made_anew_and_can_be_destroyed) {
  (void)made(one);
  (void)made(two);
  for (const std::streamoff at : {0, 10, 16, 20, 55, 60}) {
    auto text = file();
    const auto kept = text;
    text[static_cast<std::size_t>(3 * 4096 + at)] ^= 1;
    std::ofstream(path, std::ios::binary) << text;
    auto s = loaded();
    EXPECT_EQ(s->state_of(two), round_secrets::state::damaged) << at;
    EXPECT_FALSE(s->make(std::span(&two, 1)).has_value()) << at;
    EXPECT_FALSE(s->get(two).has_value()) << at;
    EXPECT_TRUE(s->get(one).has_value()) << at;
    EXPECT_TRUE(s->destroy(two).has_value()) << at;
    std::ofstream(path, std::ios::binary) << kept;
  }
}

TEST_F(round_secrets_test, what_is_no_such_file_is_refused_and_not_written_to) {
  for (const auto& text : {std::string("junk"), std::string(3 * 4096, 'x'), std::string(1, '\0'), std::string(70'000, '\0')}) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
    round_secrets s(path);
    EXPECT_FALSE(s.load().has_value());
    EXPECT_FALSE(s.make(std::span(&one, 1)).has_value());
    EXPECT_FALSE(s.destroy(one).has_value());
    EXPECT_EQ(file(), text);
  }
  std::filesystem::remove(path);
  for (const auto make : {+[](const char* p) { return ::mkdir(p, 0700); }, +[](const char* p) { return ::mkfifo(p, 0600); }}) {
    ASSERT_EQ(make(path.c_str()), 0);
    EXPECT_FALSE(round_secrets(path).load().has_value());
    std::filesystem::remove(path);
  }
  std::filesystem::create_symlink("elsewhere", path);
  EXPECT_FALSE(round_secrets(path).make(std::span(&one, 1)).has_value());
  EXPECT_FALSE(std::filesystem::exists(dir.path() + "/elsewhere"));
}

TEST_F(round_secrets_test, what_cannot_be_overwritten_is_told_and_tried_again) {
  const auto gone = made(one);
  auto s = loaded();
  const auto aside = path + ".aside";
  std::filesystem::rename(path, aside);
  std::filesystem::create_directory(path);
  EXPECT_FALSE(s->destroy(one).has_value());
  EXPECT_EQ(s->state_of(one), round_secrets::state::there) << "it is not destroyed, and nobody is told that it is";
  std::filesystem::remove(path);
  std::filesystem::rename(aside, path);
  EXPECT_TRUE(s->destroy(one).has_value());
  EXPECT_EQ(file().find(bytes_of(gone)), std::string::npos);
}

// The one that is gone may be put back, and a new one would lack what it has.
TEST_F(round_secrets_test, nothing_is_begun_anew_in_the_place_of_a_file_that_is_gone) {
  const auto gone = made(one);
  const auto kept = made(two);
  const auto s = loaded();
  const auto aside = path + ".aside";
  std::filesystem::rename(path, aside);
  EXPECT_FALSE(s->destroy(one).has_value());
  EXPECT_FALSE(s->make(std::span(&three, 1)).has_value());
  EXPECT_FALSE(std::filesystem::exists(path));
  std::ofstream(path).flush();
  EXPECT_FALSE(s->destroy(one).has_value());
  EXPECT_FALSE(s->make(std::span(&three, 1)).has_value());
  EXPECT_EQ(file(), "") << "one that is empty, as a disk leaves it that lost what it held";
  EXPECT_EQ(s->get(one), gone) << "nothing was begun";
  std::filesystem::rename(aside, path);
  EXPECT_TRUE(s->destroy(one).has_value());
  EXPECT_EQ(loaded()->get(two), kept);
  EXPECT_EQ(loaded()->state_of(one), round_secrets::state::destroyed);
}

// A backup that is put back while the node runs: the secret that is to go stands in the file that went, and what was made since is in it
// alone.
TEST_F(round_secrets_test, nothing_is_written_into_a_file_that_came_in_the_place_of_the_one_that_was_read) {
  (void)made(one);
  const auto backup = file();
  const auto kept = made(two);
  const auto s = loaded();
  const auto none = std::make_unique<round_secrets>(path);
  const auto aside = path + ".aside";
  std::filesystem::rename(path, aside);
  ASSERT_TRUE(none->load().has_value());
  std::ofstream(path, std::ios::binary) << backup;
  for (auto* which : {s.get(), none.get()}) {
    EXPECT_FALSE(which->destroy(one).has_value());
    EXPECT_FALSE(which->make(std::span(&three, 1)).has_value());
  }
  EXPECT_EQ(file(), backup);
  std::filesystem::rename(aside, path);
  EXPECT_TRUE(s->make(std::span(&three, 1)).has_value());
  EXPECT_EQ(loaded()->get(two), kept);
}

TEST_F(round_secrets_test, a_file_whose_first_page_could_not_be_written_is_begun_again) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  auto* const handled = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit little{10, before.rlim_max};
  const auto s = loaded();
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &little), 0);
  const bool done = s->make(std::span(&one, 1)).has_value();
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  (void)std::signal(SIGXFSZ, handled);
  EXPECT_FALSE(done);
  EXPECT_TRUE(loaded()->make(std::span(&one, 1)).has_value()) << "by the next start";
  std::filesystem::remove(path);
  EXPECT_TRUE(s->make(std::span(&one, 1)).has_value()) << "by this one";
}

TEST_F(round_secrets_test, what_is_wrapped_is_opened_by_the_secret_and_the_master_together_alone) {
  key_bytes key, master, other;
  key.fill(7);
  master.fill(1);
  other.fill(2);
  const auto secret = made(one);
  const auto stranger = made(two);
  const auto box = wrap_under(secret, "data/1", key, master);
  const auto sent = wrap_for(lock_of(secret), "data/1", key, master);
  const auto opens = [&](const key_bytes& s, const std::string& name, const key_bytes& m) {
    key_bytes a, b;
    const bool file = unwrap_under(s, name, box, m, a);
    EXPECT_EQ(file, unwrap_from(s, name, sent, m, b));
    return file && a == key && b == key;
  };
  EXPECT_TRUE(opens(secret, "data/1", master));
  EXPECT_FALSE(opens(stranger, "data/1", master));
  EXPECT_FALSE(opens(secret, "data/2", master));
  EXPECT_FALSE(opens(secret, "data/1", other));
  key_bytes nothing;
  EXPECT_FALSE(unwrap("data/1", box, master, nothing)) << "the master alone";
  EXPECT_NE(sent, wrap_for(lock_of(secret), "data/1", key, master));
  for (const auto& lock : {std::string(), std::string("00"), std::string(64, '0'), std::string(64, 'g')})
    EXPECT_EQ(wrap_for(lock, "data/1", key, master), "") << lock;
  for (std::size_t size = 0; size < sent.size(); size += 7)
    EXPECT_FALSE(unwrap_from(secret, "data/1", sent.substr(0, size), master, nothing)) << size;
}

// ------------------------------------------------------------------ a ring whose rounds can be erased

struct erasable_ring : round_secrets_test {
  std::string ring_path = dir.path() + "/keys";
  static key_bytes master(std::uint8_t b) {
    key_bytes k;
    k.fill(b);
    return k;
  }
  std::unique_ptr<key_ring> open(std::uint8_t m = 1) const {
    auto r = key_ring::open(ring_path, master(m), true);
    EXPECT_TRUE(r.has_value()) << (r ? "" : r.error().text());
    if (!r)
      return nullptr;
    EXPECT_TRUE((*r)->make_erasable().has_value());
    return std::move(*r);
  }
  std::string ring_file() const {
    std::ostringstream out;
    out << std::ifstream(ring_path).rdbuf();
    return out.str();
  }
  void put(const std::string& text) const { std::ofstream(ring_path, std::ios::trunc) << text; }
};

TEST_F(erasable_ring, of_all_files_that_there_ever_were_none_gives_an_erased_key_with_any_master) {
  std::vector<std::string> ever;
  auto ring = open();
  const auto keep = [&] { ever.push_back(ring_file()); };
  for (const auto* name : {"request", "citizen/1", "data/1", "citizen/2", "data/2"}) {
    ASSERT_TRUE(ring->get_or_make(name).has_value());
    keep();
  }
  const auto other = ring->get("data/2");
  ASSERT_TRUE(ring->rotate_master(master(2)).has_value());
  keep();
  ASSERT_EQ(ring->destroy_round(one), 2U);
  keep();
  ring.reset();
  const std::array masters{master(1), master(2)};
  for (const auto& text : ever) {
    put(text);
    const auto r = key_ring::open(ring_path, masters, false);
    ASSERT_TRUE(r.has_value()) << r.error().text();
    EXPECT_FALSE((*r)->get("citizen/1") || (*r)->get("data/1")) << text;
    if (text.contains("data/2")) {
      EXPECT_EQ((*r)->get("data/2"), other);
    }
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);)
      if (line.starts_with("data/1 "))
        for (const auto& m : masters)
          for (const auto at : {line.find(' ') + 1, line.rfind(' ') + 1}) {
            key_bytes key;
            EXPECT_FALSE(unwrap("data/1", line.substr(at), m, key)) << "the master alone opens it: " << line;
          }
  }
}

TEST_F(erasable_ring, a_file_of_before_that_is_put_back_gives_no_erased_key_and_is_converted_again) {
  auto before = *key_ring::open(ring_path, master(1), true);
  for (const auto* name : {"citizen/1", "data/1", "data/2"})
    (void)before->get_or_make(name);
  const auto other = before->get("data/2");
  const auto text = ring_file();
  ASSERT_TRUE(text.starts_with("janji-keys 1\n"));
  before.reset();
  auto ring = open();
  ASSERT_EQ(ring->destroy_round(one), 2U);
  ring.reset();
  put(text);
  ring = open();
  EXPECT_FALSE(ring->get("citizen/1") || ring->get("data/1"));
  EXPECT_EQ(ring->get("data/2"), other);
  EXPECT_TRUE(ring_file().starts_with("janji-keys 3 ")) << ring_file();
}

TEST_F(erasable_ring, a_file_of_before_is_converted_with_the_same_keys_and_what_was_destroyed_stays_so) {
  auto before = *key_ring::open(ring_path, master(1), true);
  const auto citizen = *before->get_or_make("citizen/1");
  (void)before->get_or_make("data/2");
  ASSERT_TRUE(before->destroy_round(two).has_value());
  ASSERT_TRUE(ring_file().starts_with("janji-keys 1\n"));
  before.reset();
  auto ring = open();
  EXPECT_TRUE(ring_file().starts_with("janji-keys 3 ")) << ring_file();
  ring.reset();
  ring = open();
  EXPECT_EQ(ring->get("citizen/1"), citizen);
  EXPECT_TRUE(ring->is_destroyed(two));
  EXPECT_EQ(loaded()->state_of(two), round_secrets::state::destroyed);
  ASSERT_TRUE(ring->rotate_master(master(9)).has_value());
  ring.reset();
  EXPECT_EQ(open(9)->get("citizen/1"), citizen);
}

TEST_F(erasable_ring, a_stop_between_the_secrets_end_and_the_files_leaves_the_round_destroyed) {
  auto ring = open();
  (void)ring->get_or_make("citizen/1");
  (void)ring->get_or_make("data/1");
  const auto text = ring_file();
  ASSERT_TRUE(ring->destroy_round(one).has_value());
  ring.reset();
  put(text);
  ring = open();
  EXPECT_TRUE(ring->is_destroyed(one));
  EXPECT_FALSE(ring->get_or_make("data/1").has_value());
}

TEST_F(erasable_ring, secrets_that_are_put_back_beside_a_file_that_knows_of_the_erasure_are_destroyed_again) {
  auto ring = open();
  (void)ring->get_or_make("citizen/1");
  const auto backup = file();
  ASSERT_TRUE(ring->destroy_round(one).has_value());
  ring.reset();
  std::ofstream(path, std::ios::binary | std::ios::trunc) << backup;
  ring = open();
  EXPECT_TRUE(ring->is_destroyed(one));
  EXPECT_EQ(loaded()->state_of(one), round_secrets::state::destroyed);
}

TEST_F(erasable_ring, without_its_secret_a_key_is_lost_and_not_made_anew) {
  auto ring = open();
  const auto key = *ring->get_or_make("citizen/1");
  const auto kept = file();
  ring.reset();
  for (const bool another : {false, true}) {
    std::filesystem::remove(path);
    if (another)
      (void)made(one);
    ring = open();
    EXPECT_TRUE(ring->is_lost("citizen/1"));
    EXPECT_FALSE(ring->is_destroyed(one));
    const auto again = ring->get_or_make("citizen/1");
    ASSERT_FALSE(again.has_value());
    EXPECT_NE(again.error().text().find("keys.rounds does not hold the secret"), std::string::npos) << again.error().text();
    EXPECT_TRUE(ring->get_or_make(another ? "citizen/3" : "citizen/2").has_value()) << "others are";
    ring.reset();
  }
  std::ofstream(path, std::ios::binary | std::ios::trunc) << kept;
  EXPECT_EQ(open()->get("citizen/1"), key) << "put back, it opens it";
}

TEST_F(erasable_ring, secrets_without_their_key_file_are_not_begun_anew_upon) {
  auto ring = open();
  const auto key = *ring->get_or_make("citizen/1");
  const auto text = ring_file();
  ring.reset();
  std::filesystem::remove(ring_path);
  const auto refused = key_ring::open(ring_path, master(1), true);
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().text().find("is there, and"), std::string::npos) << refused.error().text();
  EXPECT_FALSE(std::filesystem::exists(ring_path));
  put(text);
  EXPECT_EQ(open()->get("citizen/1"), key);
}

// The secret is overwritten, and the disk fails before its place says so.
TEST_F(erasable_ring, a_half_erased_rounds_key_is_not_written_under_the_master_alone_and_keeps_no_other_away) {
  auto ring = open();
  ASSERT_TRUE(ring->get_or_make("data/1").has_value());
  const auto other = *ring->get_or_make("data/2");
  writes_until_one_fails = 1;
  EXPECT_FALSE(ring->destroy_round(one).has_value());
  writes_until_one_fails = -1;
  EXPECT_FALSE(ring->get("data/1").has_value()) << "it is gone";
  EXPECT_FALSE(ring->is_destroyed(one)) << "and that it is remains to be done";
  EXPECT_TRUE(ring->get_or_make("token/1").has_value());
  ASSERT_TRUE(ring->rotate_master(master(2)).has_value());
  std::istringstream lines(ring_file());
  for (std::string line; std::getline(lines, line);) {
    key_bytes found;
    EXPECT_FALSE(line.starts_with("data/1 ") && unwrap("data/1", line.substr(7), master(2), found)) << line;
  }
  ring.reset();
  ring = open(2);
  EXPECT_TRUE(ring->is_lost("data/1"));
  EXPECT_TRUE(ring->destroy_round(one).has_value());
  EXPECT_TRUE(ring->is_destroyed(one));
  EXPECT_EQ(ring->get("data/2"), other);
  EXPECT_EQ(loaded()->state_of(one), round_secrets::state::destroyed);
}

TEST_F(erasable_ring, a_half_destroyed_secret_of_a_round_that_the_key_file_says_is_erased_is_destroyed_by_the_next_start) {
  auto ring = open();
  (void)ring->get_or_make("data/1");
  ASSERT_TRUE(ring->destroy_round(one).has_value());
  ring.reset();
  std::fstream(path, std::ios::binary | std::ios::in | std::ios::out).seekp(2 * 4096 + 20).put('x');
  ASSERT_EQ(loaded()->state_of(one), round_secrets::state::damaged);
  ring = open();
  EXPECT_TRUE(ring->is_destroyed(one));
  EXPECT_EQ(loaded()->state_of(one), round_secrets::state::destroyed);
}

TEST_F(erasable_ring, an_erasure_that_fails_leaves_the_round_as_it_was_and_can_be_ordered_again) {
  auto ring = open();
  const auto key = *ring->get_or_make("citizen/1");
  std::filesystem::rename(path, path + ".aside");
  std::filesystem::create_directory(path);
  EXPECT_FALSE(ring->destroy_round(one).has_value());
  EXPECT_EQ(ring->get("citizen/1"), key);
  std::filesystem::remove(path);
  std::filesystem::rename(path + ".aside", path);
  EXPECT_TRUE(ring->destroy_round(one).has_value());
  EXPECT_FALSE(ring->get("citizen/1").has_value());
}

}  // namespace
}  // namespace janji::store
