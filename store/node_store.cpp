#include "store/node_store.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/snapshot.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>
#include <sodium.h>
#include <sys/statvfs.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "booking/assert.hpp"
#include "store/database_log.hpp"
#include "store/wal_check.hpp"

namespace janji::store {

namespace {

constexpr const char* ballast_name = "ballast";

std::string big_endian(std::uint64_t v, int bytes) {
  std::string out;
  for (int i = bytes - 1; i >= 0; --i)
    out.push_back(static_cast<char>(v >> (8 * i)));
  return out;
}
std::uint64_t from_big_endian(std::string_view s) {
  std::uint64_t v = 0;
  for (const char c : s)
    v = v << 8 | static_cast<unsigned char>(c);
  return v;
}
std::string log_key(shard_id shard, sequence_t sequence) { return big_endian(shard.value, 2) + big_endian(sequence.value, 8); }
std::string snapshot_key(shard_id shard, schema::owner who) {
  return big_endian(shard.value, 2) + big_endian(static_cast<std::uint64_t>(who.kind), 1) + big_endian(who.group.value, 4);
}
std::string promise_key(shard_id shard) { return "promise/" + big_endian(shard.value, 2); }

// One sentence, with the cause that an operator can remove in front of RocksDB's own words.
store_error explain(const rocksdb::Status& s, const std::string& path) {
  const auto text = s.ToString();
  const auto has = [&](std::string_view part) { return text.find(part) != std::string::npos; };
  if (s.IsNoSpace() || has("No space left"))
    return {errc::no_space, fmt::format("no disk space left for the store in {}: {}", path, text)};
  if (s.IsCorruption())
    return {errc::corrupt, fmt::format("the store in {} is damaged: {}", path, text)};
  if (has("While lock file") || has("lock hold by current process"))
    return {errc::locked, fmt::format("the store in {} is in use by another process: {}", path, text)};
  if (has("Read-only file system"))
    return {errc::read_only, fmt::format("the disk of the store in {} is read-only: {}", path, text)};
  if (has("Permission denied"))
    return {errc::permission, fmt::format("no permission for the store in {}: {}", path, text)};
  if (has("orruption"))
    return {errc::corrupt, fmt::format("the store in {} is damaged: {}", path, text)};
  if (has("does not exist") || s.IsPathNotFound())
    return {errc::missing, fmt::format("there is no store in {}: {}", path, text)};
  return {errc::io, fmt::format("the store in {} cannot be used: {}", path, text)};
}

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

}  // namespace

struct node_store::columns {
  std::unique_ptr<rocksdb::DB> db;
  std::unique_ptr<rocksdb::ColumnFamilyHandle> meta, log, snapshots;
};

node_store::node_store(const store_options& options) : options_(options), db_(std::make_unique<columns>()) {}

node_store::~node_store() {
  db_->meta.reset();
  db_->log.reset();
  db_->snapshots.reset();
  if (db_->db)
    db_->db->Close();
}

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
  const auto acknowledged = options_.env == nullptr ? acknowledged_mark::read(options_.path) : 0;
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

result<void> node_store::fail(store_error error) {
  const std::lock_guard lock{failure_mutex_};
  if (!failed_)
    failed_ = std::move(error);
  has_failed_.store(true, std::memory_order_release);
  return std::unexpected(*failed_);
}

std::optional<store_error> node_store::failure() const {
  if (!has_failed_.load(std::memory_order_acquire))
    return std::nullopt;
  const std::lock_guard lock{failure_mutex_};
  return failed_;
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

// Above those of a disk that was lost and had the same node's number.
static std::uint64_t first_boot() {
  using namespace std::chrono;
  return static_cast<std::uint64_t>(duration_cast<seconds>(system_clock::now().time_since_epoch()).count());
}

result<void> node_store::identify() {
  const auto number = [this](std::string_view key, bool next) -> result<std::uint64_t> {
    auto known = get(key);
    if (!known)
      return std::unexpected(known.error());
    std::uint64_t v = known->revision != 0 ? from_big_endian(known->value) : 0;
    if (options_.read_only || (known->revision != 0 && !next))
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

// ------------------------------------------------------------------ logs

result<void> node_store::write(std::span<const shard_write> writes) {
  if (auto known = failure())
    return std::unexpected(std::move(*known));
  rocksdb::WriteBatch batch;
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;
  for (const auto& w : writes) {
    if (w.promise)
      batch.Put(db_->meta.get(), promise_key(w.shard), big_endian(w.promise->value, 8));
    assert_always(w.shard.value < limits::shards_max, "a shard within the limit");
    if (w.cut_after)
      batch.DeleteRange(db_->log.get(), log_key(w.shard, sequence_t{w.cut_after->value + 1}),
                        log_key(shard_id{static_cast<std::uint16_t>(w.shard.value + 1)}, sequence_t{0}));
    for (const auto& e : w.append) {
      const auto key = log_key(w.shard, e.sequence);
      const auto epoch = big_endian(e.epoch.value, 8);
      const rocksdb::Slice key_parts[] = {key};
      const rocksdb::Slice value_parts[] = {epoch, e.payload};
      batch.Put(db_->log.get(), {key_parts, 1}, {value_parts, 2});
      ++entries;
      bytes += e.payload.size();
    }
  }
  rocksdb::WriteOptions options;
  options.sync = true;
  const auto before = db_->db->GetLatestSequenceNumber();
  if (const auto s = db_->db->Write(options, &batch); !s.ok())
    return fail(explain(s, options_.path));
  mark_.set(before + batch.Count());  // at least: other threads' changes may stand between
  ++syncs_;
  log_entries_ += entries;
  log_bytes_ += bytes;
  return {};
}

result<shard_tail> node_store::tail(shard_id shard) const {
  shard_tail t;
  std::string promised;
  auto s = db_->db->Get({}, db_->meta.get(), promise_key(shard), &promised);
  if (!s.ok() && !s.IsNotFound())
    return std::unexpected(explain(s, options_.path));
  t.promised = epoch_t{s.ok() ? from_big_endian(promised) : 0};
  const std::unique_ptr<rocksdb::Iterator> it(db_->db->NewIterator({}, db_->log.get()));
  it->SeekForPrev(log_key(shard, sequence_t{~std::uint64_t{0}}));
  if (it->Valid() && it->key().starts_with(big_endian(shard.value, 2))) {
    t.last_sequence = sequence_t{from_big_endian(it->key().ToStringView().substr(2))};
    t.last_epoch = epoch_t{from_big_endian(it->value().ToStringView().substr(0, 8))};
  }
  if (!it->status().ok())
    return std::unexpected(explain(it->status(), options_.path));
  return t;
}

// Epochs grow along a log, so each run's end is found by halving.
result<std::vector<log_run>> node_store::log_runs(shard_id shard) const {
  const auto end = tail(shard);
  if (!end)
    return std::unexpected(end.error());
  std::vector<log_run> runs;
  const auto last = end->last_sequence.value;
  for (std::uint64_t at = 1; at <= last;) {
    const auto first = read_entry(shard, sequence_t{at});
    if (!first)
      return std::unexpected(first.error());
    runs.push_back({first->epoch, sequence_t{at}});
    if (first->epoch == end->last_epoch)
      break;
    auto inside = at;
    auto beyond = last + 1;
    while (beyond - inside > 1) {
      const auto middle = inside + (beyond - inside) / 2;
      const auto entry = read_entry(shard, sequence_t{middle});
      if (!entry)
        return std::unexpected(entry.error());
      (entry->epoch == first->epoch ? inside : beyond) = middle;
    }
    at = beyond;
  }
  return runs;
}

result<void> node_store::read_log(shard_id shard, sequence_t from, const std::function<bool(log_entry&&)>& visit) const {
  return read_log_at(nullptr, shard, from, visit);
}

result<void> node_store::read_all_logs(std::uint16_t shard_count, const std::function<bool(shard_id, log_entry&&)>& visit) const {
  rocksdb::ManagedSnapshot moment(db_->db.get());
  for (std::uint16_t s = 0; s < shard_count; ++s) {
    bool go_on = true;
    auto read =
        read_log_at(moment.snapshot(), shard_id{s}, sequence_t{1}, [&](log_entry&& e) { return go_on = visit(shard_id{s}, std::move(e)); });
    if (!read || !go_on)
      return read;
  }
  return {};
}

result<void> node_store::read_log_at(const void* snapshot, shard_id shard, sequence_t from,
                                     const std::function<bool(log_entry&&)>& visit) const {
  const auto prefix = big_endian(shard.value, 2);
  rocksdb::ReadOptions options;
  options.snapshot = static_cast<const rocksdb::Snapshot*>(snapshot);
  const std::unique_ptr<rocksdb::Iterator> it(db_->db->NewIterator(options, db_->log.get()));
  std::optional<std::uint64_t> before;
  for (it->Seek(log_key(shard, from)); it->Valid() && it->key().starts_with(prefix); it->Next()) {
    const auto sequence = from_big_endian(it->key().ToStringView().substr(2));
    if (before ? sequence != *before + 1 : sequence != std::max<std::uint64_t>(from.value, 1))
      return std::unexpected(store_error{
          errc::corrupt, fmt::format("the log of shard {} in {} has a hole before entry {}", shard.value, options_.path, sequence)});
    before = sequence;
    const auto value = it->value().ToStringView();
    if (value.size() < 8)
      return std::unexpected(store_error{
          errc::corrupt, fmt::format("entry {} of the log of shard {} in {} is cut short", sequence, shard.value, options_.path)});
    if (!visit({epoch_t{from_big_endian(value.substr(0, 8))}, sequence_t{sequence}, std::string(value.substr(8))}))
      break;
  }
  if (!it->status().ok())
    return std::unexpected(explain(it->status(), options_.path));
  return {};
}

result<log_entry> node_store::read_entry(shard_id shard, sequence_t sequence) const {
  std::string value;
  const auto s = db_->db->Get({}, db_->log.get(), log_key(shard, sequence), &value);
  if (s.IsNotFound() || (s.ok() && value.size() < 8))
    return std::unexpected(store_error{errc::missing, fmt::format("shard {} has no log entry {}", shard.value, sequence.value)});
  if (!s.ok())
    return std::unexpected(explain(s, options_.path));
  return log_entry{epoch_t{from_big_endian(std::string_view(value).substr(0, 8))}, sequence, value.substr(8)};
}

// ------------------------------------------------------------------ snapshots

result<void> node_store::put_snapshots(std::span<const snapshot_row> rows) {
  if (auto known = failure())
    return std::unexpected(std::move(*known));
  rocksdb::WriteBatch batch;
  std::uint64_t bytes = 0;
  for (const auto& row : rows) {
    const auto key = snapshot_key(row.shard, row.who);
    const auto applied = big_endian(row.applied.value, 8);
    const rocksdb::Slice key_parts[] = {key};
    const rocksdb::Slice value_parts[] = {applied, row.bytes};
    batch.Put(db_->snapshots.get(), {key_parts, 1}, {value_parts, 2});
    bytes += row.bytes.size();
  }
  rocksdb::WriteOptions options;
  options.disableWAL = true;
  if (const auto s = db_->db->Write(options, &batch); !s.ok())
    return fail(explain(s, options_.path));
  snapshot_bytes_ += bytes;
  return {};
}

result<std::optional<snapshot_row>> node_store::get_snapshot(shard_id shard, schema::owner who) const {
  std::string value;
  const auto s = db_->db->Get({}, db_->snapshots.get(), snapshot_key(shard, who), &value);
  if (s.IsNotFound())
    return std::nullopt;
  if (!s.ok())
    return std::unexpected(explain(s, options_.path));
  if (value.size() < 8)
    return std::unexpected(store_error{errc::corrupt, "a snapshot in " + options_.path + " is cut short"});
  return snapshot_row{shard, who, sequence_t{from_big_endian(std::string_view(value).substr(0, 8))}, value.substr(8)};
}

result<std::vector<snapshot_row>> node_store::list_snapshots(shard_id shard) const {
  std::vector<snapshot_row> rows;
  const auto prefix = big_endian(shard.value, 2);
  const std::unique_ptr<rocksdb::Iterator> it(db_->db->NewIterator({}, db_->snapshots.get()));
  for (it->Seek(prefix); it->Valid() && it->key().starts_with(prefix); it->Next()) {
    const auto key = it->key().ToStringView();
    if (key.size() != 7 || it->value().size() < 8)
      return std::unexpected(store_error{errc::corrupt, "a snapshot in " + options_.path + " has a key or value that makes no sense"});
    const schema::owner who{static_cast<schema::owner_kind>(key[2]), group_id{static_cast<std::uint32_t>(from_big_endian(key.substr(3)))}};
    rows.push_back({shard, who, sequence_t{from_big_endian(it->value().ToStringView().substr(0, 8))}, {}});
  }
  if (!it->status().ok())
    return std::unexpected(explain(it->status(), options_.path));
  return rows;
}

// ------------------------------------------------------------------ small records

result<versioned_value> node_store::get(std::string_view key) const {
  std::string value;
  const auto s = db_->db->Get({}, db_->meta.get(), "record/" + std::string(key), &value);
  if (s.IsNotFound())
    return versioned_value{};
  if (!s.ok())
    return std::unexpected(explain(s, options_.path));
  if (value.size() < 8)
    return std::unexpected(store_error{errc::corrupt, fmt::format("the record {} in {} is cut short", key, options_.path)});
  return versioned_value{from_big_endian(std::string_view(value).substr(0, 8)), value.substr(8)};
}

result<std::uint64_t> node_store::swap(std::string_view key, std::uint64_t expected_revision, std::string_view value) {
  const std::lock_guard lock{swap_mutex_};
  if (auto failed = failure())
    return std::unexpected(std::move(*failed));
  const auto known = get(key);
  if (!known)
    return std::unexpected(known.error());
  if (known->revision != expected_revision)
    return std::unexpected(store_error{errc::conflict, fmt::format("the record {} has been changed by somebody else", key)});
  rocksdb::WriteOptions options;
  options.sync = true;
  const auto revision = expected_revision + 1;
  if (const auto s = db_->db->Put(options, db_->meta.get(), "record/" + std::string(key), big_endian(revision, 8) + std::string(value));
      !s.ok()) {
    auto failed = fail(explain(s, options_.path));
    return std::unexpected(std::move(failed.error()));
  }
  ++syncs_;
  return revision;
}

// ------------------------------------------------------------------ disk

store_statistics node_store::statistics() const { return {syncs_, log_entries_, log_bytes_, snapshot_bytes_}; }

disk_state node_store::disk() const {
  disk_state d;
  struct statvfs fs{};
  if (statvfs(options_.path.c_str(), &fs) == 0) {
    d.free_bytes = std::uint64_t{fs.f_bavail} * fs.f_frsize;
    d.total_bytes = std::uint64_t{fs.f_blocks} * fs.f_frsize;
    d.low = static_cast<double>(d.free_bytes) < options_.disk_low_mark * static_cast<double>(d.total_bytes);
  }
  std::error_code ec;
  if (const auto size = std::filesystem::file_size(ballast_file(), ec); !ec)
    d.ballast_bytes = size;
  return d;
}

// Beside the store, not in it: what is in there is RocksDB's.
std::string node_store::ballast_file() const { return options_.path + "/../" + ballast_name; }

void node_store::make_ballast() {
  const auto d = disk();
  const auto wanted = std::min(options_.ballast_bytes, d.total_bytes / 100);
  if (options_.env != nullptr || d.low || wanted == 0 || d.ballast_bytes >= wanted || d.free_bytes < wanted * 4)
    return;
  const auto path = ballast_file();
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0)
    return;  // room to act is a comfort, not a promise
  if (posix_fallocate(fd, 0, static_cast<off_t>(wanted)) != 0)
    ::unlink(path.c_str());
  ::close(fd);
}

result<std::uint64_t> node_store::release_ballast() {
  const auto bytes = disk().ballast_bytes;
  const auto path = ballast_file();
  if (::unlink(path.c_str()) != 0)
    return std::unexpected(store_error{errno == ENOENT ? errc::missing : errc::io,
                                       errno == ENOENT ? fmt::format("there is no ballast to release in {}", path)
                                                       : fmt::format("the ballast {} cannot be removed: {}", path, std::strerror(errno))});
  return bytes;
}

result<void> node_store::flush() {
  if (auto r = check_room(); !r)
    return r;
  rocksdb::FlushOptions options;
  if (const auto s = db_->db->Flush(options, {db_->meta.get(), db_->log.get(), db_->snapshots.get()}); !s.ok())
    return std::unexpected(explain(s, options_.path));
  return {};
}

}  // namespace janji::store
