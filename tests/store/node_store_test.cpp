#include "store/node_store.hpp"

#include <gtest/gtest.h>
#include <rocksdb/db.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <set>

#include "tests/temporary_directory.hpp"

namespace janji::store {
namespace {

using test::temporary_directory;

std::unique_ptr<node_store> open_at(const std::string& path) {
  store_options options;
  options.path = path;
  options.ballast_bytes = 1 << 20;
  auto opened = node_store::open(options);
  EXPECT_TRUE(opened.has_value()) << (opened ? "" : opened.error().text());
  return opened ? std::move(*opened) : nullptr;
}

shard_write entries(std::uint16_t shard, std::uint64_t from, std::uint64_t count, const std::string& text = "payload") {
  shard_write w{shard_id{shard}, std::nullopt, std::nullopt, {}};
  for (std::uint64_t i = from; i < from + count; ++i)
    w.append.push_back({epoch_t{1}, sequence_t{i}, text + std::to_string(i)});
  return w;
}

TEST(node_store, what_was_written_is_there_after_a_restart) {
  const temporary_directory dir;
  {
    auto s = open_at(dir.path() + "/store");
    auto first = entries(3, 1, 5);
    first.promise = epoch_t{7};
    ASSERT_TRUE(s->write(std::vector{first, entries(4, 1, 2)}).has_value());
  }
  auto s = open_at(dir.path() + "/store");
  const auto tail = s->tail(shard_id{3});
  ASSERT_TRUE(tail.has_value());
  EXPECT_EQ(tail->promised, epoch_t{7});
  EXPECT_EQ(tail->last_sequence, sequence_t{5});
  EXPECT_EQ(s->tail(shard_id{4})->last_sequence, sequence_t{2});
  EXPECT_EQ(s->tail(shard_id{5})->last_sequence, sequence_t{0});
  EXPECT_EQ(s->read_entry(shard_id{3}, sequence_t{4})->payload, "payload4");
}

TEST(node_store, a_cut_removes_the_tail_of_its_own_shard_only) {
  const temporary_directory dir;
  auto s = open_at(dir.path() + "/store");
  ASSERT_TRUE(s->write(std::vector{entries(3, 1, 9), entries(4, 1, 9)}).has_value());
  shard_write cut{shard_id{3}, std::nullopt, sequence_t{6}, {}};
  cut.append.push_back({epoch_t{2}, sequence_t{7}, "new"});
  ASSERT_TRUE(s->write(std::vector{cut}).has_value());
  EXPECT_EQ(s->tail(shard_id{3})->last_sequence, sequence_t{7});
  EXPECT_EQ(s->tail(shard_id{3})->last_epoch, epoch_t{2});
  EXPECT_EQ(s->tail(shard_id{4})->last_sequence, sequence_t{9});
}

TEST(node_store, a_log_tells_of_which_epochs_it_is) {
  const temporary_directory dir;
  auto s = open_at(dir.path() + "/store");
  const auto told = [&] {
    std::string out;
    const auto runs = *s->log_runs(shard_id{3});
    for (const auto& r : runs)
      out += std::to_string(r.epoch.value) + "@" + std::to_string(r.first.value) + " ";
    return out;
  };
  EXPECT_EQ(told(), "");
  shard_write w{shard_id{3}, std::nullopt, std::nullopt, {}};
  std::uint64_t sequence = 0;
  for (const auto& [epoch, count] : {std::pair{1, 1}, {3, 7}, {4, 1}, {9, 100}, {10, 2}})
    for (int i = 0; i < count; ++i)
      w.append.push_back({epoch_t{static_cast<std::uint64_t>(epoch)}, sequence_t{++sequence}, "x"});
  ASSERT_TRUE(s->write(std::vector{w, entries(4, 1, 5)}).has_value());
  EXPECT_EQ(told(), "1@1 3@2 4@9 9@10 10@110 ");
  ASSERT_TRUE(s->write(std::vector{shard_write{shard_id{3}, std::nullopt, sequence_t{60}, {}}}).has_value());
  EXPECT_EQ(told(), "1@1 3@2 4@9 9@10 ");
}

TEST(node_store, a_hole_in_a_log_is_said_and_not_read_over) {
  const temporary_directory dir;
  auto s = open_at(dir.path() + "/store");
  ASSERT_TRUE(s->write(std::vector{entries(1, 1, 2), entries(1, 4, 2)}).has_value());
  const auto read = s->read_log(shard_id{1}, sequence_t{1}, [](log_entry&&) { return true; });
  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error().code, errc::corrupt);
  EXPECT_NE(read.error().text().find("hole"), std::string::npos);
}

TEST(node_store, a_swap_that_lost_changes_nothing) {
  const temporary_directory dir;
  auto s = open_at(dir.path() + "/store");
  EXPECT_EQ(*s->swap("record", 0, "one"), 1U);
  const auto lost = s->swap("record", 0, "two");
  ASSERT_FALSE(lost.has_value());
  EXPECT_EQ(lost.error().code, errc::conflict);
  EXPECT_EQ(s->get("record")->value, "one");
  EXPECT_EQ(*s->swap("record", 1, "three"), 2U);
}

TEST(node_store, identity_stays_and_boots_are_counted) {
  const temporary_directory dir;
  std::uint64_t node = 0;
  std::uint64_t disk = 0;
  std::uint64_t boot = 0;
  {
    auto s = open_at(dir.path() + "/store");
    node = s->node_id();
    disk = s->disk_id();
    boot = s->boot();
    EXPECT_GT(boot, 1'700'000'000U) << "above those of any disk that was lost";
  }
  auto s = open_at(dir.path() + "/store");
  EXPECT_EQ(s->node_id(), node);
  EXPECT_EQ(s->disk_id(), disk);
  EXPECT_EQ(s->boot(), boot + 1);
  EXPECT_NE(node, disk);
}

TEST(node_store, boots_that_are_given_out_elsewhere_are_written_with_the_disk_and_not_counted) {
  const temporary_directory dir;
  store_options o;
  o.path = dir.path() + "/store";
  o.counts_boots = false;
  {
    auto s = std::move(*node_store::open(o));
    EXPECT_EQ(s->boot(), 0U) << "nothing was ever begun";
    ASSERT_TRUE(s->begin_boot(42, s->disk_id()));
    EXPECT_EQ(s->boot(), 42U);
  }
  {
    auto s = std::move(*node_store::open(o));
    EXPECT_EQ(s->boot(), 42U) << "opening it begins nothing";
    ASSERT_TRUE(s->begin_boot(43, 77));
  }
  auto s = std::move(*node_store::open(o));
  EXPECT_EQ(s->boot(), 43U);
  EXPECT_EQ(s->disk_id(), 77U);
}

TEST(node_store, snapshots_come_back_with_their_position) {
  const temporary_directory dir;
  auto s = open_at(dir.path() + "/store");
  ASSERT_TRUE(s->write(std::vector{entries(2, 1, 45)}));
  ASSERT_TRUE(
      s->put_snapshots(std::vector<snapshot_row>{{shard_id{2}, schema::owner::of(group_id{9}), sequence_t{44}, std::string(5000, 'x')},
                                                 {shard_id{2}, schema::owner::of_registry(), sequence_t{45}, "r"}})
          .has_value());
  const auto row = s->get_snapshot(shard_id{2}, schema::owner::of(group_id{9}));
  ASSERT_TRUE(row.has_value() && row->has_value());
  EXPECT_EQ((*row)->applied, sequence_t{44});
  EXPECT_EQ((*row)->bytes.size(), 5000U);
  EXPECT_EQ(s->list_snapshots(shard_id{2})->size(), 2U);
  EXPECT_FALSE(s->get_snapshot(shard_id{3}, schema::owner::of_registry())->has_value());
}

// A cut that took back what was applied would leave owners that know more than their log.
TEST(node_store, a_log_is_never_cut_below_a_snapshot_of_it) {
  const temporary_directory dir;
  const auto cut = [](std::uint64_t after) { return std::vector{shard_write{shard_id{2}, std::nullopt, sequence_t{after}, {}}}; };
  const auto snapshot = [](std::uint32_t group, std::uint64_t applied) {
    return std::vector<snapshot_row>{{shard_id{2}, schema::owner::of(group_id{group}), sequence_t{applied}, "s"}};
  };
  {
    auto s = open_at(dir.path() + "/store");
    ASSERT_TRUE(s->write(std::vector{entries(2, 1, 9), entries(3, 1, 9)}));
    ASSERT_TRUE(s->put_snapshots(snapshot(7, 6)));
    ASSERT_TRUE(s->put_snapshots(snapshot(8, 4)));
    const auto refused = s->write(cut(5));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::applied);
    EXPECT_NE(refused.error().text().find("what was applied up to 6"), std::string::npos) << refused.error().text();
    EXPECT_EQ(s->tail(shard_id{2})->last_sequence, sequence_t{9});
    EXPECT_TRUE(s->write(std::vector{shard_write{shard_id{3}, std::nullopt, sequence_t{2}, {}}})) << "of another shard";
    ASSERT_TRUE(s->flush());
  }
  auto s = open_at(dir.path() + "/store");
  EXPECT_FALSE(s->write(cut(5))) << "after a restart";
  EXPECT_TRUE(s->write(cut(6)));
  EXPECT_EQ(s->tail(shard_id{2})->last_sequence, sequence_t{6});
}

TEST(node_store, no_snapshot_is_ahead_of_its_log) {
  const temporary_directory dir;
  auto s = open_at(dir.path() + "/store");
  ASSERT_TRUE(s->write(std::vector{entries(2, 1, 9)}));
  const auto put = [&](std::uint64_t applied) {
    return s->put_snapshots(std::vector<snapshot_row>{{shard_id{2}, schema::owner::of_registry(), sequence_t{applied}, "s"}});
  };
  ASSERT_TRUE(put(9));
  const auto refused = put(10);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::applied);
  EXPECT_EQ((*s->get_snapshot(shard_id{2}, schema::owner::of_registry()))->applied, sequence_t{9});
  EXPECT_TRUE(s->write(std::vector{entries(2, 10, 1)})) << "a refusal is no failure";
  EXPECT_TRUE(put(10));
}

TEST(node_store, a_second_process_is_told_that_the_store_is_in_use) {
  const temporary_directory dir;
  auto s = open_at(dir.path() + "/store");
  store_options options;
  options.path = dir.path() + "/store";
  const auto second = node_store::open(options);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, errc::locked);
  EXPECT_NE(second.error().text().find("in use"), std::string::npos);
}

TEST(node_store, a_newer_format_is_refused_and_an_older_one_comes_up) {
  const temporary_directory dir;
  const auto path = dir.path() + "/store";
  {
    auto s = open_at(path);
    ASSERT_TRUE(s->write(std::vector{entries(1, 1, 3)}).has_value());
    const auto known = s->get("format");
    ASSERT_TRUE(s->swap("format", known->revision, std::string("\0\0\0\x02", 4)).has_value());
  }
  store_options options;
  options.path = path;
  const auto newer = node_store::open(options);
  ASSERT_FALSE(newer.has_value());
  EXPECT_EQ(newer.error().code, errc::newer_format);
  {  // format 0: before versions were written
    rocksdb::DB* db = nullptr;
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    ASSERT_TRUE(rocksdb::DB::Open({}, path, {{"default", {}}, {"log", {}}, {"snapshots", {}}}, &handles, &db).ok());
    ASSERT_TRUE(db->Delete({}, handles[0], "record/format").ok());
    for (auto* h : handles)
      db->DestroyColumnFamilyHandle(h);
    delete db;
  }
  auto s = open_at(path);
  ASSERT_NE(s, nullptr);
  EXPECT_EQ(s->tail(shard_id{1})->last_sequence, sequence_t{3});
  EXPECT_EQ(s->get("format")->value, std::string("\0\0\0\x01", 4));
}

TEST(node_store, a_store_known_to_exist_is_never_made_anew) {
  const temporary_directory dir;
  store_options known;
  known.path = dir.path() + "/store";
  known.create_if_missing = false;
  const auto none = node_store::open(known);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, errc::missing);
  EXPECT_FALSE(std::filesystem::exists(known.path));
  ASSERT_TRUE(open_at(known.path)->write(std::vector{entries(1, 1, 3)}).has_value());
  const auto log = known.path + "/000004.log";
  ASSERT_TRUE(std::filesystem::exists(log));
  std::filesystem::rename(log, dir.path() + "/kept");
  const auto bare = node_store::open(known);
  ASSERT_FALSE(bare);
  EXPECT_EQ(bare.error().code, errc::corrupt);
  std::filesystem::rename(dir.path() + "/kept", log);  // refused without harm: put back, everything is there
  const auto whole = node_store::open(known);
  ASSERT_TRUE(whole);
  EXPECT_EQ((*whole)->tail(shard_id{1})->last_sequence, sequence_t{3});
}

std::string newest_log(const std::string& path) {
  std::string log;
  for (const auto& f : std::filesystem::directory_iterator(path))
    if (f.path().extension() == ".log")
      log = std::max(log, f.path().string());
  return log;
}

TEST(node_store, a_torn_tail_is_tolerated_and_loses_nothing_before_it) {
  const temporary_directory dir;
  const auto path = dir.path() + "/store";
  {
    auto s = open_at(path);
    for (std::uint64_t i = 1; i <= 20; ++i)
      ASSERT_TRUE(s->write(std::vector{entries(1, i, 1)}).has_value());
  }
  std::ofstream(newest_log(path), std::ios::app) << std::string("\1\2\3\4\x64\0\1abc", 10);  // a record of 100 bytes that ends early
  auto s = open_at(path);
  ASSERT_NE(s, nullptr);
  EXPECT_EQ(s->tail(shard_id{1})->last_sequence.value, 20U);
}

TEST(node_store, a_log_cut_below_what_was_acknowledged_is_refused_until_it_is_whole_again) {
  const temporary_directory dir;
  const auto path = dir.path() + "/store";
  const auto kept = dir.path() + "/kept";
  std::uintmax_t before_the_last = 0;
  {
    auto s = open_at(path);
    for (std::uint64_t i = 1; i <= 20; ++i) {
      before_the_last = std::filesystem::file_size(newest_log(path));
      ASSERT_TRUE(s->write(std::vector{entries(1, i, 1)}).has_value());
    }
  }
  const auto log = newest_log(path);
  std::filesystem::copy_file(log, kept);
  const auto size = std::filesystem::file_size(log);
  ASSERT_LT(before_the_last, size);
  for (const auto cut : {std::uintmax_t{0}, size / 2, before_the_last, size - 3})
    for (const bool read_only : {false, true}) {
      std::filesystem::resize_file(log, cut);
      store_options options;
      options.path = path;
      options.read_only = read_only;
      const auto opened = node_store::open(options);
      ASSERT_FALSE(opened.has_value()) << "a citizen's booking was lost without a word at " << cut;
      EXPECT_EQ(opened.error().code, errc::corrupt);
      EXPECT_EQ(std::filesystem::file_size(log), cut) << "nothing is written";
      std::filesystem::copy_file(kept, log, std::filesystem::copy_options::overwrite_existing);
    }
  auto s = open_at(path);
  ASSERT_NE(s, nullptr);
  EXPECT_EQ(s->tail(shard_id{1})->last_sequence.value, 20U);
}

TEST(node_store, what_was_flushed_is_not_missed_in_the_log) {
  const temporary_directory dir;
  const auto path = dir.path() + "/store";
  for (std::uint64_t i = 1; i <= 3; ++i) {
    auto s = open_at(path);
    ASSERT_NE(s, nullptr);
    ASSERT_TRUE(s->write(std::vector{entries(1, i, 1)}).has_value());
    ASSERT_TRUE(s->flush().has_value());
  }
  EXPECT_EQ(open_at(path)->tail(shard_id{1})->last_sequence.value, 3U);
}

TEST(node_store, a_damaged_manifest_is_said_in_one_sentence_and_changes_nothing) {
  const temporary_directory dir;
  const auto path = dir.path() + "/store";
  {
    auto s = open_at(path);
    ASSERT_TRUE(s->write(std::vector{entries(1, 1, 3)}).has_value());
  }
  std::ofstream(path + "/CURRENT", std::ios::trunc) << "MANIFEST-999999\n";
  store_options options;
  options.path = path;
  const auto damaged = node_store::open(options);
  ASSERT_FALSE(damaged.has_value());
  EXPECT_NE(damaged.error().text().find(path), std::string::npos);
}

TEST(node_store, a_file_that_was_removed_under_a_running_store_is_named) {
  const temporary_directory dir;
  const auto path = dir.path() + "/store";
  auto s = open_at(path);
  ASSERT_TRUE(s->write(std::vector{entries(3, 1, 5, std::string(300, 'x'))}).has_value());
  ASSERT_TRUE(s->flush().has_value());
  ASSERT_TRUE(s->write(std::vector{entries(3, 6, 5)}).has_value());
  EXPECT_EQ(s->lost_file(), "");
  std::set<std::string> kinds;
  std::vector<std::filesystem::path> files;
  for (const auto& f : std::filesystem::directory_iterator(path))
    files.push_back(f.path());
  for (const auto& f : files) {
    const auto kind = f.has_extension() ? f.extension().string() : f.filename().string().substr(0, 8);
    if (kind != ".sst" && kind != ".blob" && kind != ".log" && kind != "MANIFEST" && kind != "CURRENT")
      continue;
    kinds.insert(kind);
    const auto aside = dir.path() + "/aside";
    std::filesystem::rename(f, aside);
    EXPECT_TRUE(s->lost_file().starts_with(kind == ".log" ? path + ", its write-ahead log" : f.string())) << f << ": " << s->lost_file();
    std::filesystem::rename(aside, f);
    EXPECT_EQ(s->lost_file(), "") << f;
  }
  EXPECT_EQ(kinds.size(), 5U);
}

TEST(node_store, free_bytes_that_cannot_be_told_are_said_to_be_so) {
  const temporary_directory dir;
  auto s = open_at(dir.path() + "/store");
  EXPECT_EQ(s->disk().unknown, "");
  EXPECT_GT(s->disk().total_bytes, 0U);
  std::filesystem::rename(dir.path() + "/store", dir.path() + "/away");
  EXPECT_NE(s->disk().unknown.find("/store cannot be told: No such file"), std::string::npos) << s->disk().unknown;
  std::filesystem::rename(dir.path() + "/away", dir.path() + "/store");
  EXPECT_EQ(s->disk().unknown, "");
}

TEST(node_store, no_space_is_said_and_every_acknowledged_entry_is_there_afterwards) {
  if (geteuid() != 0)
    GTEST_SKIP() << "mounting a small disk needs root";
  const temporary_directory dir;
  const auto disk = dir.path() + "/disk";
  std::filesystem::create_directory(disk);
  if (::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=12m") != 0)
    GTEST_SKIP() << "a small disk cannot be mounted here";
  std::uint64_t acknowledged = 0;
  {
    store_options options;
    options.path = disk + "/store";
    options.ballast_bytes = 0;
    auto s = std::move(*node_store::open(options));
    std::optional<store_error> error;
    for (std::uint64_t i = 1; i < 100'000 && !error; ++i) {
      if (auto r = s->write(std::vector{entries(1, i, 1, std::string(4000, 'x'))}); !r)
        error = r.error();
      else
        acknowledged = i;
    }
    ASSERT_TRUE(error.has_value());
    EXPECT_EQ(error->code, errc::no_space) << error->text();
    EXPECT_FALSE(s->write(std::vector{entries(2, 1, 1)}).has_value()) << "after a failed write nothing is written";
  }
  ASSERT_EQ(::mount("tmpfs", disk.c_str(), "tmpfs", MS_REMOUNT, "size=64m"), 0);
  auto s = open_at(disk + "/store");
  ASSERT_NE(s, nullptr);
  EXPECT_GE(s->tail(shard_id{1})->last_sequence.value, acknowledged);
  std::uint64_t read = 0;
  EXPECT_TRUE(s->read_log(shard_id{1}, sequence_t{1}, [&](log_entry&&) { return ++read != 0; }).has_value());
  EXPECT_GE(read, acknowledged);
  s.reset();
  ::umount(disk.c_str());
}

TEST(node_store, the_database_keeps_no_log_of_its_own_on_the_disk) {
  const temporary_directory dir;
  auto s = open_at(dir.path() + "/store");
  ASSERT_TRUE(s->write(std::vector{entries(0, 1, 2)}).has_value());
  EXPECT_FALSE(std::filesystem::exists(dir.path() + "/store/LOG")) << "it would write there when the disk is full, and end the process";
}

TEST(node_store, all_logs_are_read_as_of_one_moment) {
  const temporary_directory dir;
  auto s = open_at(dir.path() + "/store");
  ASSERT_TRUE(s->write(std::vector{entries(0, 1, 2), entries(1, 1, 2)}).has_value());
  std::map<std::uint16_t, int> seen;
  ASSERT_TRUE(s->read_all_logs(2, [&](shard_id shard, log_entry&&) {
                 if (shard.value == 0 && ++seen[0] == 1) {
                   EXPECT_TRUE(s->write(std::vector{entries(1, 3, 4)}).has_value());
                 }
                 if (shard.value == 1)
                   ++seen[1];
                 return true;
               }).has_value());
  EXPECT_EQ(seen[0], 2);
  EXPECT_EQ(seen[1], 2) << "what was written meanwhile is not of that moment";
}

}  // namespace
}  // namespace janji::store
