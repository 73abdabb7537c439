// Power cuts, failing disks and damaged files under the journal: whatever was acknowledged is there afterwards, whole
// writes or none, or the store says which file is damaged.
#include <gtest/gtest.h>
#include <rocksdb/db.h>

#include <algorithm>
#include <cstdlib>
#include <expected>
#include <map>
#include <random>

#include "store/node_store.hpp"
#include "tests/store/simulated_disk.hpp"

namespace janji::store {
namespace {

using test::simulated_disk;

struct entry {
  std::uint64_t epoch = 0;
  std::string payload;
  friend bool operator==(const entry&, const entry&) = default;
};
struct shard_state {
  std::uint64_t promised = 0;
  std::vector<entry> log;
  friend bool operator==(const shard_state&, const shard_state&) = default;
};
using state = std::map<std::uint16_t, shard_state>;

struct machine {
  std::shared_ptr<simulated_disk> disk = std::make_shared<simulated_disk>();
  std::unique_ptr<rocksdb::Env> env = rocksdb::NewCompositeEnv(disk);

  result<std::unique_ptr<node_store>> open(bool read_only = false) {
    store_options options;
    options.path = "/data/store";
    options.env = env.get();
    options.read_only = read_only;
    return node_store::open(options);
  }
};

constexpr std::uint16_t shards = 3;

std::string text(std::mt19937_64& random) {
  std::string s(random() % 8 == 0 ? random() % 70'000 : random() % 600, '\0');
  for (auto& c : s)
    c = static_cast<char>(1 + random() % 255);  // like what is sealed: no sector of zeros in it
  return s;
}

// One write of the journal: some shards at once, each with appends, a promise or a cut before them. Shard 0 has a snapshot:
// what was applied is not cut.
std::vector<shard_write> choose(std::mt19937_64& random, const state& before, state& after, std::size_t applied = 0) {
  after = before;
  std::vector<shard_write> writes;
  for (std::uint16_t s = 0; s < shards; ++s) {
    if (random() % 2 == 0 && !(s + 1 == shards && writes.empty()))
      continue;
    auto& mine = after[s];
    shard_write w{shard_id{s}, std::nullopt, std::nullopt, {}};
    if (random() % 6 == 0)
      w.promise = epoch_t{++mine.promised};
    if (random() % 6 == 0 && !mine.log.empty()) {
      const auto most = mine.log.size() - (s == 0 ? applied : 0);
      mine.log.resize(mine.log.size() - random() % std::min<std::size_t>(most + 1, 4));
      w.cut_after = sequence_t{mine.log.size()};
    }
    for (auto n = random() % 4; n > 0; --n) {
      mine.log.push_back({mine.promised, text(random)});
      w.append.push_back({epoch_t{mine.promised}, sequence_t{mine.log.size()}, mine.log.back().payload});
    }
    writes.push_back(std::move(w));
  }
  return writes;
}

std::expected<state, std::string> read_all(const node_store& store) {
  state found;
  for (std::uint16_t s = 0; s < shards; ++s) {
    const auto tail = store.tail(shard_id{s});
    if (!tail)
      return std::unexpected(tail.error().text());
    shard_state mine;
    mine.promised = tail->promised.value;
    const auto read = store.read_log(shard_id{s}, sequence_t{1}, [&](log_entry&& e) {
      mine.log.push_back({e.epoch.value, std::move(e.payload)});
      return true;
    });
    if (!read)
      return std::unexpected(read.error().text());
    if (tail->last_sequence.value != mine.log.size())
      return std::unexpected("the tail of shard " + std::to_string(s) + " is not its log's");
    if (!mine.log.empty() || mine.promised != 0)
      found[s] = std::move(mine);
  }
  return found;
}

state tidy(state s) {
  std::erase_if(s, [](const auto& kv) { return kv.second == shard_state{}; });
  return s;
}

std::uint64_t wanted(const char* variable, std::uint64_t otherwise) {
  const auto* value = std::getenv(variable);
  return value == nullptr ? otherwise : std::strtoull(value, nullptr, 10);
}

// One life after the other on one disk. Empty, or what went wrong.
std::string live(std::uint64_t seed, bool lying = false) {
  std::mt19937_64 random(seed);
  machine m;
  state known;
  const auto where = [&](const std::string& what) { return "seed " + std::to_string(seed) + ": " + what; };
  std::uint64_t boots = 0;
  std::vector<snapshot_row> put;  // of shard 0's registry: what the disk was last seen to hold, and each that was put since
  bool on_disk = false;
  for (int life = 0; life < 5; ++life) {
    if (life > 0 && random() % 4 == 0)
      m.disk->fail_at(1 + random() % 12);  // while it starts: it must come up, or fail and come up later
    auto opened = m.open();
    state maybe = known;
    if (opened) {
      auto& store = *opened;
      if (store->boot() <= boots)
        return where("a boot number was used twice");
      boots = store->boot();
      if (life == 0 && random() % 4 == 0)
        m.disk->fail_at(1 + random() % 200);
      std::optional<store_error> failed;
      for (auto n = 1 + random() % 25; n > 0; --n) {
        const auto writes = choose(random, known, maybe, put.empty() ? 0 : put.back().applied.value);
        if (lying && life == 1)
          m.disk->lie_about_syncs(true);
        const auto written = store->write(writes);
        if (!written) {
          if (store->write(writes) || store->swap("x", 0, "y"))
            return where("a write went through after one had failed");
          failed = written.error();
          break;
        }
        known = maybe;
        if (random() % 8 == 0) {
          put.push_back({shard_id{0}, schema::owner::of_registry(), sequence_t{known[0].log.size()}, text(random)});
          if (!store->put_snapshots({&put.back(), 1}))
            break;
        }
        if (random() % 16 == 0 && !store->flush())
          break;
      }
      if (!failed && random() % 2 == 0)
        (void)choose(random, known, maybe, put.empty() ? 0 : put.back().applied.value);  // not even begun when the power goes
    }
    // While a background thread may be at work, and in half of the lives in the middle of a write.
    if (opened && random() % 2 == 0 && !m.disk->has_failed()) {
      const auto writes = choose(random, known, maybe, put.empty() ? 0 : put.back().applied.value);
      m.disk->fail_at(1 + random() % 2);
      if ((*opened)->write(writes))
        known = maybe;
    } else if (!m.disk->has_failed()) {
      maybe = known;
    }
    m.disk->power_off();
    if (opened)
      opened->reset();
    m.disk->restart(random);

    auto again = m.open();
    if (!again)
      return where("the store does not open after a power cut: " + again.error().text());
    if ((*again)->boot() <= boots)
      return where("a boot number was used twice");
    boots = (*again)->boot();
    const auto all = read_all(**again);
    if (!all)
      return where(all.error());
    const auto& found = *all;
    if (found == tidy(maybe))
      known = maybe;
    else if (found != tidy(known))
      return where("what was acknowledged is not there, or half a write is");
    const auto snapshot = (*again)->get_snapshot(shard_id{0}, schema::owner::of_registry());
    if (!snapshot)
      return where(snapshot.error().text());
    if (*snapshot && (*snapshot)->applied.value > (found.contains(0) ? found.at(0).log.size() : 0))
      return where("a snapshot is ahead of its log");
    const auto same = [&](const auto& row) { return row.applied == (*snapshot)->applied && row.bytes == (*snapshot)->bytes; };
    if (*snapshot ? std::ranges::none_of(put, same) : on_disk)
      return where("a snapshot is none of those that were written, or is gone");
    put.clear();
    on_disk = snapshot->has_value();
    if (on_disk)
      put.push_back(**snapshot);
    again->reset();
    m.disk->restart(random);
  }
  return {};
}

TEST(power_cut, what_was_acknowledged_is_there_and_no_write_is_half_there) {
  const auto first = wanted("JANJI_POWER_CUT_FROM", 1);
  for (std::uint64_t seed = first; seed < first + wanted("JANJI_POWER_CUT_SEEDS", 300); ++seed)
    ASSERT_EQ(live(seed), "");
}

// The test must notice a disk that says yes and does nothing; else it would not notice a store that forgets to sync.
TEST(power_cut, a_lost_write_would_be_noticed) {
  std::uint64_t noticed = 0;
  for (std::uint64_t seed = 1; seed <= 50; ++seed)
    noticed += live(seed, true).empty() ? 0 : 1;
  EXPECT_GT(noticed, 25U);
}

// ---- damage: bytes that change where they lie

struct damaged : testing::Test {
  machine m;
  state known;
  std::mt19937_64 random{5};

  void fill(int writes) {
    auto store = std::move(*m.open());
    for (int i = 0; i < writes; ++i) {
      state after;
      ASSERT_TRUE(store->write(choose(random, known, after)));
      known = after;
    }
    m.disk->power_off();
    store.reset();
    m.disk->restart(random);
  }
  std::string newest(std::string_view ending) {
    std::string best;
    for (const auto& name : m.disk->names())
      if (name.ends_with(ending) && m.disk->file(name)->content.size() > 100 && name > best)
        best = name;
    return best;
  }
};

TEST_F(damaged, a_flipped_bit_in_the_write_ahead_log_is_never_passed_over) {
  fill(30);
  const auto wal = newest(".log");
  ASSERT_FALSE(wal.empty());
  const auto good = m.disk->file(wal)->content;
  int refused = 0;
  for (int n = 0; n < 300; ++n) {
    auto copy = good;
    copy[random() % copy.size()] ^= static_cast<char>(1U << random() % 8);
    m.disk->file(wal)->content = copy;
    m.disk->file(wal)->synced = copy.size();
    const auto opened = m.open(true);
    if (!opened) {
      ++refused;
      EXPECT_EQ(opened.error().code, errc::corrupt) << opened.error().text();
      EXPECT_NE(opened.error().text().find("/data/store"), std::string::npos);
      continue;
    }
    // The length of the very last record, made longer, reads like a write that was cut short.
    EXPECT_GE(n, 0);
  }
  EXPECT_GE(refused, 299);
}

TEST_F(damaged, a_write_ahead_log_with_a_hole_is_refused_and_left_as_it_is) {
  fill(30);
  const auto wal = newest(".log");
  ASSERT_FALSE(wal.empty());
  auto& content = m.disk->file(wal)->content;
  ASSERT_GT(content.size(), 5'000U);
  std::fill(content.begin() + 1024, content.begin() + 1536, '\0');
  const auto as_found = content;
  const auto opened = m.open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, errc::corrupt);
  EXPECT_NE(opened.error().text().find(".log"), std::string::npos) << opened.error().text();
  EXPECT_EQ(m.disk->file(wal)->content, as_found);
}

TEST_F(damaged, a_log_cut_short_where_another_follows_is_refused) {
  fill(10);
  const auto wal = newest(".log");
  const auto whole = m.disk->file(wal)->content;
  auto later = wal;
  const auto digits = later.rfind('.');
  later.replace(digits - 3, 3, "999");
  *m.disk->file(wal) = {whole.substr(0, whole.size() - 5), whole.size() - 5};
  std::unique_ptr<rocksdb::WritableFile> out;
  ASSERT_TRUE(m.env->NewWritableFile(later, &out, {}).ok());
  ASSERT_TRUE(out->Append(whole).ok() && out->Close().ok());
  const auto opened = m.open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, errc::corrupt);
}

TEST_F(damaged, flipped_bits_in_flushed_files_are_said_and_never_read) {
  fill(30);
  {
    auto store = std::move(*m.open());
    ASSERT_TRUE(store->flush());
    state after;
    ASSERT_TRUE(store->write(choose(random, known, after)));
    known = after;
  }
  std::vector<std::string> files;
  for (const auto& name : m.disk->names())
    if (name.ends_with(".sst") || name.ends_with(".blob") || name.find("MANIFEST") != std::string::npos || name.ends_with("CURRENT"))
      files.push_back(name);
  ASSERT_GE(files.size(), 4U);
  int said = 0;
  for (int n = 0; n < 300; ++n) {
    const auto& name = files[random() % files.size()];
    const auto good = *m.disk->file(name);
    if (good.content.empty())
      continue;
    m.disk->file(name)->content[random() % good.content.size()] ^= static_cast<char>(1U << random() % 8);
    const auto opened = m.open(true);
    if (!opened) {
      ++said;
      EXPECT_NE(opened.error().text().find("/data/store"), std::string::npos) << opened.error().text();
    } else {
      state found;
      bool error = false;
      for (std::uint16_t s = 0; s < shards; ++s) {
        auto& mine = found[s];
        const auto tail = (*opened)->tail(shard_id{s});
        const auto read = (*opened)->read_log(shard_id{s}, sequence_t{1}, [&](log_entry&& e) {
          mine.log.push_back({e.epoch.value, std::move(e.payload)});
          return true;
        });
        error = error || !tail || !read;
        if (tail)
          mine.promised = tail->promised.value;
      }
      said += error ? 1 : 0;
      if (!error) {
        EXPECT_EQ(tidy(found), tidy(known)) << name;  // the bit was where nobody reads
      }
    }
    *m.disk->file(name) = good;
  }
  EXPECT_GT(said, 100);
}

TEST_F(damaged, a_store_that_lost_CURRENT_is_not_made_anew) {
  fill(5);
  {
    auto store = std::move(*m.open());
    ASSERT_TRUE(store->flush());
  }
  ASSERT_TRUE(m.env->DeleteFile("/data/store/CURRENT").ok());
  const auto opened = m.open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, errc::corrupt);
}

TEST_F(damaged, a_missing_flushed_file_is_said) {
  fill(5);
  {
    auto store = std::move(*m.open());
    ASSERT_TRUE(store->flush());
  }
  const auto sst = newest(".sst");
  ASSERT_FALSE(sst.empty());
  ASSERT_TRUE(m.env->DeleteFile(sst).ok());
  const auto opened = m.open();
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().text().find("/data/store"), std::string::npos);
}

// ---- a second process

TEST(second_process, is_refused_and_touches_nothing_of_the_first) {
  machine m;
  auto store = std::move(*m.open());
  std::mt19937_64 random(3);
  state known;
  state after;
  ASSERT_TRUE(store->write(choose(random, known, after)));
  std::map<std::string, std::string> before;
  for (const auto& name : m.disk->names())
    before[name] = m.disk->file(name)->content;
  const auto second = m.open();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, errc::locked);
  for (const auto& [name, bytes] : before) {
    ASSERT_NE(m.disk->file(name), nullptr) << name;
    EXPECT_EQ(m.disk->file(name)->content, bytes) << name;
  }
}

TEST(read_only, shows_a_running_node_s_log_and_writes_nothing) {
  machine m;
  auto store = std::move(*m.open());
  std::mt19937_64 random(4);
  state known;
  for (int i = 0; i < 20; ++i) {
    state after;
    ASSERT_TRUE(store->write(choose(random, known, after)));
    known = after;
  }
  const auto operations = m.disk->operations();
  auto beside = m.open(true);
  ASSERT_TRUE(beside) << beside.error().text();
  const auto found = read_all(**beside);
  ASSERT_TRUE(found) << found.error();
  EXPECT_EQ(*found, tidy(known));
  EXPECT_EQ((*beside)->boot(), store->boot());
  EXPECT_FALSE((*beside)->write(std::vector<shard_write>{{shard_id{0}, epoch_t{99}, std::nullopt, {}}}));
  EXPECT_EQ(m.disk->operations(), operations);
}

}  // namespace
}  // namespace janji::store
