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
};

// One log file. Never writes.
result<wal_state> check_wal(rocksdb::Env& env, const std::string& file);

// All logs of the store in `path`. With `mend`, a torn record is cut off, durably; the caller holds the store's lock.
result<void> check_wals(rocksdb::Env& env, const std::string& path, bool mend);

}  // namespace janji::store
