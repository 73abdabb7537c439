// How a store is opened: its logs checked before RocksDB reads them, its format, its disk's and its life's numbers.
#include <fmt/format.h>
#include <rocksdb/env.h>
#include <sodium.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "booking/assert.hpp"
#include "store/database_log.hpp"
#include "store/node_store_impl.hpp"
#include "store/wal_check.hpp"

namespace janji::store {

namespace {

rocksdb::ColumnFamilyOptions meta_options() {
  rocksdb::ColumnFamilyOptions o;
  o.compression = rocksdb::kNoCompression;
  o.write_buffer_size = 4ULL << 20;
  return o;
}

rocksdb::ColumnFamilyOptions log_options() {
  rocksdb::ColumnFamilyOptions o;
  o.compression = rocksdb::kNoCompression;
  o.write_buffer_size = 64ULL << 20;
  o.max_write_buffer_number = 3;
  o.min_write_buffer_number_to_merge = 1;
  // No memtable_insert_with_hint_prefix_extractor, though rows come in order: its hints do not tell the table of range
  // deletions from the other (RocksDB 7.8), and a cut ends in an assertion.
  o.enable_blob_files = true;  // entries with sealed records are written once and never compacted
  o.min_blob_size = 256;
  o.blob_file_size = 256ULL << 20;
  o.level0_file_num_compaction_trigger = 8;
  return o;
}

rocksdb::ColumnFamilyOptions snapshot_options() {
  rocksdb::ColumnFamilyOptions o;
  o.compression = rocksdb::kNoCompression;
  o.write_buffer_size = 32ULL << 20;
  o.enable_blob_files = true;
  o.min_blob_size = 1024;
  o.blob_file_size = 64ULL << 20;
  o.enable_blob_garbage_collection = true;
  o.blob_garbage_collection_age_cutoff = 0.5;
  o.blob_garbage_collection_force_threshold = 0.6;
  return o;
}

// Above those of a disk that was lost and had the same node's number.
std::uint64_t first_boot() {
  using namespace std::chrono;
  return static_cast<std::uint64_t>(duration_cast<seconds>(system_clock::now().time_since_epoch()).count());
}

}  // namespace

result<std::unique_ptr<node_store>> node_store::open(const store_options& options) {
  if (sodium_init() < 0)
    return std::unexpected(store_error{errc::io, "the cryptography library cannot be started"});
  std::unique_ptr<node_store> store(new node_store(options));
  if (auto r = store->check_room(); !r)
    return std::unexpected(r.error());
  if (auto r = store->check_logs(); !r)
    return std::unexpected(r.error());
  if (auto r = store->open_database(options.read_only); !r)
    return std::unexpected(r.error());
  if (auto r = store->check_format(); !r)
    return std::unexpected(r.error());
  if (auto r = store->identify(); !r)
    return std::unexpected(r.error());
  if (!options.read_only)
    store->make_ballast();
  return store;
}

// RocksDB writes what it finds in its logs to new files before it opens, and where there is no room for them Debian's build
// of it ends the process instead of saying so.
result<void> node_store::check_room() const {
  namespace fs = std::filesystem;
  constexpr std::uint64_t small_files_bytes = 4ULL << 20;
  if (options_.read_only || options_.env != nullptr)
    return {};
  std::error_code ec;
  std::uint64_t wanted = small_files_bytes;
  for (const auto& file : fs::directory_iterator(options_.path, ec))
    if (file.path().extension() == ".log")
      if (const auto size = file.file_size(ec); !ec)
        wanted += size;
  auto there = fs::absolute(options_.path, ec);
  while (!fs::exists(there, ec) && there.has_relative_path())
    there = there.parent_path();
  struct statvfs disk{};
  if (statvfs(there.c_str(), &disk) != 0 || (disk.f_flag & ST_RDONLY) != 0)
    return {};  // opening it says why
  const auto free = std::uint64_t{disk.f_bavail} * disk.f_frsize;
  if (free >= wanted)
    return {};
  return std::unexpected(
      store_error{errc::no_space, fmt::format("no disk space left for the store in {}: to open it takes {} MB, {} MB are free",
                                              options_.path, (wanted >> 20) + 1, free >> 20)});
}

// Before RocksDB reads its logs: under the store's lock, so that a second process that is started by mistake never cuts
// what the first one is writing.
result<void> node_store::check_logs() {
  auto* env = options_.env != nullptr ? options_.env : rocksdb::Env::Default();
  if (!env->FileExists(options_.path + "/CURRENT").ok())
    return {};
  const auto mark = options_.env == nullptr ? acknowledged_mark::read(options_.path) : result<std::uint64_t>(0);
  if (!mark)
    return std::unexpected(mark.error());
  const auto acknowledged = *mark;
  if (options_.read_only) {
    const auto end = check_wals(*env, options_.path);
    return end ? check_end(end->last_sequence < acknowledged ? acknowledged : 0) : std::unexpected(end.error());
  }
  // A store that was ever opened has a log, if an empty one. Opened without it, RocksDB would begin a new one, and the old one
  // could not be put back.
  std::vector<std::string> names;
  const bool listed = env->GetChildren(options_.path, &names).ok();
  if (!options_.create_if_missing && listed && std::ranges::none_of(names, [](const auto& n) { return n.ends_with(".log"); }))
    return std::unexpected(
        store_error{errc::corrupt, fmt::format("the store in {} is damaged: its write-ahead log is missing", options_.path)});
  rocksdb::FileLock* lock = nullptr;
  if (const auto s = env->LockFile(options_.path + "/LOCK", &lock); !s.ok())
    return std::unexpected(explain(s, options_.path));
  result<void> checked;
  const auto end = check_wals(*env, options_.path);
  if (!end)
    checked = std::unexpected(end.error());
  else if (end->last_sequence < acknowledged)
    checked = check_end(acknowledged);
  if (checked)
    checked = cut_torn(*env, *end);
  env->UnlockFile(lock);
  return checked;
}

// The logs end before what was acknowledged: what is missing is in the tables, or it is lost. Read without writing, since a
// store that was opened for writing on a part of its log does not take the whole one any more.
result<void> node_store::check_end(std::uint64_t acknowledged) {
  if (acknowledged == 0)
    return {};
  if (auto r = open_database(true); !r)
    return r;
  const auto there = db_->db->GetLatestSequenceNumber();
  db_ = std::make_unique<columns>();
  if (there >= acknowledged)
    return {};
  return std::unexpected(
      store_error{errc::corrupt,
                  fmt::format("the store in {} is damaged: its write-ahead log is shorter than it was, {} acknowledged changes are missing",
                              options_.path, acknowledged - there)});
}

result<void> node_store::open_database(bool read_only) {
  auto* env = options_.env != nullptr ? options_.env : rocksdb::Env::Default();
  if (!env->FileExists(options_.path + "/CURRENT").ok()) {
    // Other files without CURRENT are a store that lost it: making a new one there would forget every booking.
    std::vector<std::string> names;
    if (env->GetChildren(options_.path, &names).ok())
      for (const auto& name : names)
        if (name.ends_with(".sst") || name.ends_with(".blob"))
          return std::unexpected(store_error{
              errc::corrupt,
              fmt::format("the store in {} is damaged: CURRENT is missing, and {} shows that there was a store", options_.path, name)});
    std::error_code looked;
    if (options_.env == nullptr && !std::filesystem::exists(options_.path + "/CURRENT", looked) && looked == std::errc::permission_denied)
      return std::unexpected(store_error{errc::permission, fmt::format("no permission for the store in {}", options_.path)});
    if (read_only || !options_.create_if_missing)
      return std::unexpected(store_error{errc::missing, fmt::format("there is no store in {}", options_.path)});
  }
  std::error_code ec;
  if (!read_only && options_.env == nullptr) {
    std::filesystem::create_directories(options_.path, ec);
    if (ec)
      return std::unexpected(store_error{ec == std::errc::read_only_file_system ? errc::read_only
                                         : ec == std::errc::no_space_on_device  ? errc::no_space
                                                                                : errc::permission,
                                         fmt::format("the directory {} cannot be made: {}", options_.path, ec.message())});
  }
  rocksdb::DBOptions o;
  o.create_if_missing = true;
  o.create_missing_column_families = true;
  // The logs have been checked: what is wrong at their end is a write that was never acknowledged. Only beside a running
  // node, whose last write may be half there, does RocksDB itself stop before it.
  o.wal_recovery_mode =
      read_only ? rocksdb::WALRecoveryMode::kPointInTimeRecovery : rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  o.track_and_verify_wals_in_manifest = true;  // a log that is gone or shorter than it was is an error
  o.recycle_log_file_num = 0;                  // a recycled log ends at its first bad record: a hole would pass for the end
  o.max_background_jobs = 2;
  o.max_open_files = options_.files_max;
  o.avoid_flush_during_shutdown = true;       // flush() is for that; on a full disk closing must not write
  o.max_bgerror_resume_count = 0;             // after an error the process ends; nothing is tried again behind its back
  o.allow_concurrent_memtable_write = false;  // one thread writes
  o.enable_write_thread_adaptive_yield = false;
  o.max_total_wal_size = 512ULL << 20;
  o.bytes_per_sync = 1ULL << 20;
  o.info_log = std::make_shared<database_log>();
  o.stats_dump_period_sec = 0;
  o.stats_persist_period_sec = 0;
  o.paranoid_checks = true;
  o.env = env;
  std::vector<rocksdb::ColumnFamilyDescriptor> families{
      {rocksdb::kDefaultColumnFamilyName, meta_options()}, {"log", log_options()}, {"snapshots", snapshot_options()}};
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  const auto s = read_only ? rocksdb::DB::OpenForReadOnly(o, options_.path, families, &handles, &db)
                           : rocksdb::DB::Open(o, options_.path, families, &handles, &db);
  if (!s.ok())
    return std::unexpected(explain(s, options_.path));
  db_->db.reset(db);
  db_->meta.reset(handles[0]);
  db_->log.reset(handles[1]);
  db_->snapshots.reset(handles[2]);
  if (!read_only && options_.env == nullptr)
    mark_.open(options_.path);
  return {};
}

// A store without a version is of before versions were written (format 0): it has the same columns, so the way up is to
// write the version.
result<void> node_store::check_format() {
  const auto known = get("format");
  if (!known)
    return std::unexpected(known.error());
  std::uint32_t version = 0;
  if (known->revision != 0)
    version = static_cast<std::uint32_t>(from_big_endian(known->value));
  if (version > format_version)
    return std::unexpected(
        store_error{errc::newer_format, fmt::format("the store in {} has format {}, this program reads up to {}: use the newer program",
                                                    options_.path, version, format_version)});
  if (version == format_version || options_.read_only)
    return {};
  if (auto r = swap("format", known->revision, big_endian(format_version, 4)); !r)
    return std::unexpected(r.error());
  return {};
}

result<void> node_store::identify() {
  const auto number = [this](std::string_view key, bool next) -> result<std::uint64_t> {
    auto known = get(key);
    if (!known)
      return std::unexpected(known.error());
    std::uint64_t v = known->revision != 0 ? from_big_endian(known->value) : 0;
    if (options_.read_only || (known->revision != 0 && !next) || (next && !options_.counts_boots))
      return v;
    if (next)
      v = known->revision != 0 ? v + 1 : first_boot();
    else
      randombytes_buf(&v, sizeof v);
    if (auto r = swap(key, known->revision, big_endian(v, 8)); !r)
      return std::unexpected(r.error());
    return v;
  };
  for (const auto& [key, next, to] : {std::tuple{"node-id", false, &node_id_}, {"disk-id", false, &disk_id_}, {"boot", true, &boot_}}) {
    auto v = number(key, next);
    if (!v)
      return std::unexpected(v.error());
    *to = *v;
  }
  return {};
}

result<void> node_store::begin_boot(std::uint64_t boot, std::uint64_t disk) {
  assert_always(!options_.counts_boots && !options_.read_only, "boots are given out elsewhere, to a store that is written");
  rocksdb::WriteBatch both;
  for (const auto& [key, value] : {std::pair{"boot", boot}, {"disk-id", disk}}) {
    const auto known = get(key);
    if (!known)
      return std::unexpected(known.error());
    const auto revision = known->revision + 1;
    if (const auto s = both.Put(db_->meta.get(), std::string("record/") + key, big_endian(revision, 8) + big_endian(value, 8)); !s.ok())
      return std::unexpected(explain(s, options_.path));
  }
  rocksdb::WriteOptions options;
  options.sync = true;
  if (const auto s = db_->db->Write(options, &both); !s.ok())
    return fail(explain(s, options_.path));
  ++syncs_;
  boot_ = boot;
  disk_id_ = disk;
  return {};
}

}  // namespace janji::store
