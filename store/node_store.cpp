#include "store/node_store.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <rocksdb/snapshot.h>
#include <rocksdb/write_batch.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <set>

#include "booking/assert.hpp"
#include "store/node_store_impl.hpp"
#include "store/regular_file.hpp"

namespace janji::store {

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

store_error explain(const rocksdb::Status& s, const std::string& path) {
  const auto text = s.ToString();
  const auto has = [&](std::string_view part) { return text.find(part) != std::string::npos; };
  if (s.IsNoSpace() || has("No space left"))
    return {errc::no_space, fmt::format("no disk space left for the store in {}: {}", path, text)};
  if (s.IsCorruption())
    return {errc::corrupt, fmt::format("the store in {} is damaged: {}", path, text)};
  if (has("While lock file") || has("lock hold by current process"))
    return {errc::locked, fmt::format("the store in {} is in use by another process", path)};
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

namespace {

constexpr const char* ballast_name = "ballast";

std::string log_key(shard_id shard, sequence_t sequence) { return big_endian(shard.value, 2) + big_endian(sequence.value, 8); }
std::string snapshot_key(shard_id shard, schema::owner who) {
  return big_endian(shard.value, 2) + big_endian(static_cast<std::uint64_t>(who.kind), 1) + big_endian(who.group.value, 4);
}
// After those of all owners.
std::string applied_key(shard_id shard) { return big_endian(shard.value, 2) + "\xff"; }
std::string promise_key(shard_id shard) { return "promise/" + big_endian(shard.value, 2); }

}  // namespace

node_store::node_store(const store_options& options) : options_(options), db_(std::make_unique<columns>()) {}

node_store::~node_store() {
  db_->meta.reset();
  db_->log.reset();
  db_->snapshots.reset();
  if (db_->db)
    db_->db->Close();
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

// ------------------------------------------------------------------ logs

result<void> node_store::write(std::span<const shard_write> writes) {
  if (auto known = failure())
    return std::unexpected(std::move(*known));
  std::unique_lock<std::mutex> no_snapshot;  // is put between the look at them and the cut
  if (std::ranges::any_of(writes, [](const auto& w) { return w.cut_after.has_value(); })) {
    no_snapshot = std::unique_lock{applied_mutex_};
    if (auto allowed = check_cuts(writes); !allowed)
      return allowed;
  }
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

result<void> node_store::check_cuts(std::span<const shard_write> writes) {
  for (const auto& w : writes) {
    if (!w.cut_after)
      continue;
    const auto applied = applied_max(w.shard);
    if (!applied)
      return std::unexpected(applied.error());
    if (*w.cut_after < *applied)
      return std::unexpected(store_error{
          errc::applied, fmt::format("the log of shard {} in {} is not cut to entry {}: a snapshot holds what was applied up to {}",
                                     w.shard.value, options_.path, w.cut_after->value, applied->value)});
  }
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

// Up to where a shard's snapshots hold what was applied: a row beside them, written with them.
result<sequence_t> node_store::applied_max(shard_id shard) {
  if (const auto known = applied_.find(shard.value); known != applied_.end())
    return known->second;
  std::string value;
  auto s = db_->db->Get({}, db_->snapshots.get(), applied_key(shard), &value);
  if (s.IsNotFound())  // written by a version that had no such row
    s = db_->db->Get({}, db_->snapshots.get(), snapshot_key(shard, schema::owner::of_checkpoint()), &value);
  if (!s.ok() && !s.IsNotFound())
    return std::unexpected(explain(s, options_.path));
  return applied_[shard.value] = sequence_t{s.ok() && value.size() >= 8 ? from_big_endian(std::string_view(value).substr(0, 8)) : 0};
}

// No snapshot beyond the end of its log: what is applied was written before.
result<std::map<std::uint16_t, sequence_t>> node_store::newest_of(std::span<const snapshot_row> rows) {
  std::map<std::uint16_t, sequence_t> newest;
  for (const auto& row : rows)
    newest[row.shard.value] = std::max(newest[row.shard.value], row.applied);
  for (auto& [shard, applied] : newest) {
    const auto log = tail(shard_id{shard});
    if (!log)
      return std::unexpected(log.error());
    if (applied > log->last_sequence)
      return std::unexpected(store_error{errc::applied, fmt::format("a snapshot of shard {} in {} is of entry {}, and its log ends at {}",
                                                                    shard, options_.path, applied.value, log->last_sequence.value)});
    const auto before = applied_max(shard_id{shard});
    if (!before)
      return std::unexpected(before.error());
    if (applied.value != 0)  // nothing but rows of position 0: its snapshots are taken away
      applied = std::max(applied, *before);
  }
  return newest;
}

result<void> node_store::put_snapshots(std::span<const snapshot_row> rows) {
  if (auto known = failure())
    return std::unexpected(std::move(*known));
  const std::lock_guard lock{applied_mutex_};
  const auto newest = newest_of(rows);
  if (!newest)
    return std::unexpected(newest.error());
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
  for (const auto& [shard, applied] : *newest) {
    batch.Put(db_->snapshots.get(), applied_key(shard_id{shard}), big_endian(applied.value, 8));
    applied_[shard] = applied;
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
    if (key == applied_key(shard))
      continue;
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
  } else {
    d.unknown = fmt::format("how much is free at {} cannot be told: {}", options_.path, std::strerror(errno));
  }
  std::error_code ec;
  if (const auto size = std::filesystem::file_size(ballast_file(), ec); !ec)
    d.ballast_bytes = size;
  return d;
}

namespace {
std::set<std::string> files_not_there(rocksdb::DB& db, const std::string& path) {
  std::set<std::string> missing;
  std::vector<std::string> live;
  std::uint64_t manifest_bytes = 0;
  if (db.GetLiveFiles(live, &manifest_bytes, false).ok())
    for (const auto& name : live)
      if (!name.starts_with("/OPTIONS-") && db.GetEnv()->FileExists(path + name).IsNotFound())
        missing.insert(path + name);
  std::unique_ptr<rocksdb::LogFile> log;
  if (db.GetCurrentWalFile(&log).IsPathNotFound())
    missing.insert(path + ", its write-ahead log");
  return missing;
}
}  // namespace

// A file may be replaced, and no longer be wanted, between the list and the look: then it is not missing the next time.
std::string node_store::lost_file() const {
  const auto first = files_not_there(*db_->db, options_.path);
  if (first.empty())
    return {};
  const auto second = files_not_there(*db_->db, options_.path);
  const auto gone = std::ranges::find_if(second, [&](const auto& name) { return first.contains(name); });
  return gone == second.end() ? std::string{} : *gone;
}

// Beside the store, not in it: what is in there is RocksDB's.
std::string node_store::ballast_file() const { return options_.path + "/../" + ballast_name; }

void node_store::make_ballast() {
  const auto d = disk();
  const auto wanted = std::min(options_.ballast_bytes, d.total_bytes / 100);
  if (options_.env != nullptr || d.low || wanted == 0 || d.ballast_bytes >= wanted || d.free_bytes < wanted * 4)
    return;
  const auto path = ballast_file();
  const auto fd = open_own_file(path, O_WRONLY | O_CREAT);
  if (!fd)
    return;  // room to act is a comfort, not a promise
  if (posix_fallocate(*fd, 0, static_cast<off_t>(wanted)) != 0)
    ::unlink(path.c_str());
  ::close(*fd);
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
