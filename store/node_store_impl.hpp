// What the parts of node_store share: its columns, its keys' numbers, and RocksDB's errors in words of ours.
#pragma once

#include <rocksdb/db.h>

#include <memory>
#include <string>
#include <string_view>

#include "store/node_store.hpp"

namespace janji::store {

struct node_store::columns {
  std::unique_ptr<rocksdb::DB> db;
  std::unique_ptr<rocksdb::ColumnFamilyHandle> meta, log, snapshots;
};

std::string big_endian(std::uint64_t v, int bytes);
std::uint64_t from_big_endian(std::string_view s);

// One sentence, with the cause that an operator can remove in front of RocksDB's own words.
store_error explain(const rocksdb::Status& s, const std::string& path);

}  // namespace janji::store
