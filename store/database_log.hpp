// Takes what RocksDB has to say to the node's own log, at level debug; errors reach the caller as values anyway. Without it
// RocksDB writes a file of its own beside the data, and on a full disk Debian's build of it ends the process when it
// writes there for the second time. Any thread.
#pragma once

#include <rocksdb/env.h>

#include <cstdarg>
#include <memory>

namespace janji::store {

class database_log final : public rocksdb::Logger {
public:
  database_log() : rocksdb::Logger(rocksdb::InfoLogLevel::WARN_LEVEL) {}
  using rocksdb::Logger::Logv;
  void Logv(const char* format, va_list arguments) override;
};

}  // namespace janji::store
