// Everything a node keeps in RocksDB: the logs of its shards, snapshots of their actors, and small records.
//
// Guarantees. write() returns ok only when all of it is synced; after a failed write of any kind (write(), swap(),
// put_snapshots()) every later one fails the same way, because its outcome is unknown. Snapshots are not synced: the log is
// the truth and is kept for the whole campaign, and whatever a crash takes of them is made again from it; what it takes is
// always the newest. Recovery tolerates a torn tail only (wal_check.hpp): all that was acknowledged is there, or the store
// does not open and says which file is damaged. A cut goes to the position, entries of the same write come after it.
// No snapshot is ever ahead of its log: a cut below the position of one, and a snapshot beyond the end of the log, are
// refused (errc::applied) and change nothing. What was applied was committed, and nothing of that is ever taken back.
//
// Threads: write() from one thread at a time (the journal's); everything else from any.
#pragma once

#include <atomic>
#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "booking/types.hpp"
#include "schema/codec.hpp"
#include "store/acknowledged_mark.hpp"
#include "store/error.hpp"

namespace rocksdb {
class Env;
}

namespace janji::store {

struct log_entry {
  epoch_t epoch;
  sequence_t sequence;
  std::string payload;  // empty: the record that starts an epoch
};

// What one shard wants on disk, together with what the others want: one sync for all.
struct shard_write {
  shard_id shard;
  std::optional<epoch_t> promise;
  std::optional<sequence_t> cut_after;  // entries beyond are removed first
  std::vector<log_entry> append;
};

struct shard_tail {
  epoch_t promised;
  epoch_t last_epoch;
  sequence_t last_sequence;
};

struct log_run {
  epoch_t epoch;
  sequence_t first;
};

struct snapshot_row {
  shard_id shard;
  schema::owner who;
  sequence_t applied;
  std::string bytes;
};

struct store_options {
  std::string path;
  bool create_if_missing = true;              // false: it is known that there was one, so a missing one is damage
  bool counts_boots = true;                   // false: the caller says which boot this is, by begin_boot()
  bool read_only = false;                     // beside a running node too
  int files_max = -1;                         // that are open at once; -1: all that there are
  double disk_low_mark = 0.10;                // of the file system, free
  std::uint64_t ballast_bytes = 64ULL << 20;  // given back by release_ballast()
  rocksdb::Env* env = nullptr;                // tests: a disk that forgets
};

struct disk_state {
  std::uint64_t free_bytes = 0;
  std::uint64_t total_bytes = 0;
  std::uint64_t ballast_bytes = 0;
  bool low = false;
  std::string unknown;  // not empty: why the free bytes cannot be told; they are 0 then, and it is not low
};

struct store_statistics {
  std::uint64_t syncs = 0;
  std::uint64_t log_entries = 0;
  std::uint64_t log_bytes = 0;
  std::uint64_t snapshot_bytes = 0;
};

struct versioned_value {
  std::uint64_t revision = 0;  // 0: not there
  std::string value;
};

inline constexpr std::uint32_t format_version = 1;

class node_store {
public:
  static result<std::unique_ptr<node_store>> open(const store_options& options);
  ~node_store();
  node_store(const node_store&) = delete;
  node_store& operator=(const node_store&) = delete;

  // ---- logs
  result<void> write(std::span<const shard_write> writes);
  [[nodiscard]] result<shard_tail> tail(shard_id shard) const;
  // Which epochs the log's entries are of. Asks for a few entries of each, not for all.
  [[nodiscard]] result<std::vector<log_run>> log_runs(shard_id shard) const;
  // From `from` on, in order, until `visit` returns false. A hole in the sequence is an error.
  result<void> read_log(shard_id shard, sequence_t from, const std::function<bool(log_entry&&)>& visit) const;
  // The logs of shards 0 to shard_count - 1, one after the other, all as of one moment: what one entry caused in another
  // shard is seen only together with it.
  result<void> read_all_logs(std::uint16_t shard_count, const std::function<bool(shard_id, log_entry&&)>& visit) const;
  [[nodiscard]] result<log_entry> read_entry(shard_id shard, sequence_t sequence) const;

  // ---- snapshots
  result<void> put_snapshots(std::span<const snapshot_row> rows);
  [[nodiscard]] result<std::optional<snapshot_row>> get_snapshot(shard_id shard, schema::owner who) const;
  // Whose snapshots there are, without their bytes.
  [[nodiscard]] result<std::vector<snapshot_row>> list_snapshots(shard_id shard) const;

  // ---- small records, synced; compare-and-swap on the revision last read
  [[nodiscard]] result<versioned_value> get(std::string_view key) const;
  result<std::uint64_t> swap(std::string_view key, std::uint64_t expected_revision, std::string_view value);

  [[nodiscard]] std::uint64_t node_id() const { return node_id_; }
  [[nodiscard]] std::uint64_t disk_id() const { return disk_id_; }
  // Of this start; of the last one until begin_boot() is called where boots are not counted here; 0: there was none.
  [[nodiscard]] std::uint64_t boot() const { return boot_; }
  // Writes both in one, synced. `disk`: that of before, or another: then this disk is somebody else from now on.
  result<void> begin_boot(std::uint64_t boot, std::uint64_t disk);
  [[nodiscard]] const std::string& path() const { return options_.path; }
  [[nodiscard]] store_statistics statistics() const;

  // ---- disk
  [[nodiscard]] disk_state disk() const;
  // Empty, or which of the files is gone that the next start needs: one that was removed is read and written as before, until then.
  // Of several write-ahead logs the newest is looked for.
  [[nodiscard]] std::string lost_file() const;
  // Gives the ballast file back to an operator who needs room to act.
  result<std::uint64_t> release_ballast();

  // Writes what is in memory to files, so that the next start reads no log. For a stop that is not in a hurry.
  result<void> flush();

private:
  struct columns;
  result<void> read_log_at(const void* snapshot, shard_id shard, sequence_t from, const std::function<bool(log_entry&&)>& visit) const;
  explicit node_store(const store_options& options);
  result<void> open_database(bool read_only);
  result<void> check_end(std::uint64_t acknowledged);
  result<void> check_format();
  result<void> identify();
  result<void> check_logs();
  [[nodiscard]] result<void> check_room() const;
  void make_ballast();
  [[nodiscard]] std::string ballast_file() const;

  store_options options_;
  acknowledged_mark mark_;
  std::unique_ptr<columns> db_;
  std::uint64_t node_id_ = 0;
  std::uint64_t disk_id_ = 0;
  std::uint64_t boot_ = 0;
  // Under applied_mutex_.
  result<sequence_t> applied_max(shard_id shard);
  result<void> check_cuts(std::span<const shard_write> writes);
  result<std::map<std::uint16_t, sequence_t>> newest_of(std::span<const snapshot_row> rows);
  // Says what failed first; later failures are its consequences.
  result<void> fail(store_error error);
  [[nodiscard]] std::optional<store_error> failure() const;

  mutable std::mutex failure_mutex_;
  std::optional<store_error> failed_;
  std::atomic<bool> has_failed_{false};
  std::mutex swap_mutex_;
  std::mutex applied_mutex_;
  std::map<std::uint16_t, sequence_t> applied_;  // by shard, as far as it was asked for
  std::atomic<std::uint64_t> syncs_{0}, log_entries_{0}, log_bytes_{0}, snapshot_bytes_{0};
};

}  // namespace janji::store
