// Looks at RocksDB's write-ahead log as it lies on disk, before RocksDB reads it. RocksDB's own recovery modes fit badly: one
// refuses a torn tail whose parts reached the disk out of order, another passes over a hole in the middle.
//
// What makes the difference decidable: every write is one record and is synced before the next one begins, so only the
// last record of the newest log can be torn, and a torn one is cut short or has a sector that still reads as zeros.
// Whatever is wrong elsewhere, or in a last record that is all there, was once acknowledged: damage, and an error.
// Source of the format: RocksDB's log format (blocks of 32 kB, CRC-32C over type and data).
#pragma once

#include <cstdint>
#include <string>

#include "store/error.hpp"

namespace rocksdb {
class Env;
}

namespace janji::store {

struct wal_state {
  enum class kind : std::uint8_t { whole, torn, damaged };
  kind is = kind::whole;
  std::uint64_t at = 0;  // first byte of the record that is torn or damaged
  std::uint64_t bytes = 0;
  std::uint64_t last_sequence = 0;  // RocksDB's number of the last change in what is whole; 0: there is none
};

// One log file. Never writes.
result<wal_state> check_wal(rocksdb::Env& env, const std::string& file);

// Where the logs of a store end.
struct wal_end {
  std::uint64_t last_sequence = 0;
  std::string torn_file;  // empty: no record is torn
  std::uint64_t torn_at = 0;
  std::uint64_t torn_bytes = 0;
};

// All logs of the store in `path`. Never writes.
result<wal_end> check_wals(rocksdb::Env& env, const std::string& path);
// Cuts a torn record off, durably; the caller holds the store's lock.
result<void> cut_torn(rocksdb::Env& env, const wal_end& end);

}  // namespace janji::store
