// A disk in memory for RocksDB that loses what was not synced when the power goes: the end of a file is kept in part, cut
// anywhere or with sectors missing in the middle, and names that were made, renamed or removed since their directory was
// last synced are as before from some moment on. It can also fail the n-th write or sync, or be full.
// Everything in it is decided by the seed. Threads: any, as RocksDB uses it.
#pragma once

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace janji::test {

struct simulated_file {
  std::string content;
  std::size_t synced = 0;  // bytes of `content` that are on the medium
};

class simulated_disk final : public rocksdb::FileSystem {
public:
  const char* Name() const override { return "simulated disk"; }

  // ---- what the test does to it
  // From now on nothing reaches the disk and every call fails; what restart() will find is fixed.
  void power_off();
  // Chooses what of the unsynced the medium kept, and works again.
  void restart(std::mt19937_64& random);
  // The n-th write or sync from now fails, and so does everything that writes after it. A failing write may leave a part.
  void fail_at(std::uint64_t operation);
  void lie_about_syncs(bool lie);  // a planted fault: syncs do nothing, and say yes
  [[nodiscard]] bool has_failed();
  [[nodiscard]] std::uint64_t operations();
  // The bytes of a file, to look at or to damage; null when it is not there.
  std::shared_ptr<simulated_file> file(const std::string& name);
  std::vector<std::string> names();

  // ---- rocksdb::FileSystem
  using status = rocksdb::IOStatus;
  using options = rocksdb::IOOptions;
  using debug = rocksdb::IODebugContext;
  status NewSequentialFile(const std::string&, const rocksdb::FileOptions&, std::unique_ptr<rocksdb::FSSequentialFile>*, debug*) override;
  status NewRandomAccessFile(const std::string&, const rocksdb::FileOptions&, std::unique_ptr<rocksdb::FSRandomAccessFile>*,
                             debug*) override;
  status NewWritableFile(const std::string&, const rocksdb::FileOptions&, std::unique_ptr<rocksdb::FSWritableFile>*, debug*) override;
  status ReopenWritableFile(const std::string&, const rocksdb::FileOptions&, std::unique_ptr<rocksdb::FSWritableFile>*, debug*) override;
  status NewDirectory(const std::string&, const options&, std::unique_ptr<rocksdb::FSDirectory>*, debug*) override;
  status FileExists(const std::string&, const options&, debug*) override;
  status GetChildren(const std::string&, const options&, std::vector<std::string>*, debug*) override;
  status DeleteFile(const std::string&, const options&, debug*) override;
  status Truncate(const std::string&, std::size_t, const options&, debug*) override;
  status CreateDir(const std::string&, const options&, debug*) override;
  status CreateDirIfMissing(const std::string&, const options&, debug*) override;
  status DeleteDir(const std::string&, const options&, debug*) override;
  status GetFileSize(const std::string&, const options&, std::uint64_t*, debug*) override;
  status GetFileModificationTime(const std::string&, const options&, std::uint64_t*, debug*) override;
  status RenameFile(const std::string&, const std::string&, const options&, debug*) override;
  status LockFile(const std::string&, const options&, rocksdb::FileLock**, debug*) override;
  status UnlockFile(rocksdb::FileLock*, const options&, debug*) override;
  status GetTestDirectory(const options&, std::string*, debug*) override;
  status NewLogger(const std::string&, const options&, std::shared_ptr<rocksdb::Logger>*, debug*) override;
  status GetAbsolutePath(const std::string&, const options&, std::string*, debug*) override;
  status IsDirectory(const std::string&, const options&, bool*, debug*) override;

  // Of the files it hands out.
  status append(simulated_file& file, std::string_view data);
  status sync(simulated_file& file);
  status truncate(simulated_file& file, std::size_t size);
  status sync_names();
  status read(const simulated_file& file, std::uint64_t offset, std::size_t n, rocksdb::Slice* result, char* scratch);
  std::uint64_t size_of(const simulated_file& file);

private:
  using names_map = std::map<std::string, std::shared_ptr<simulated_file>>;
  status may_write();  // counts; the mutex is held
  void note(names_map state) { pending_.push_back(std::move(state)); }

  std::mutex mutex_;
  names_map files_;
  names_map durable_;               // as of the last sync of names
  std::vector<names_map> pending_;  // after each change of a name since
  std::set<std::string> directories_, locks_;
  std::uint64_t operations_ = 0;
  std::uint64_t fail_at_ = ~std::uint64_t{0};
  bool off_ = false;
  bool failed_ = false;
  bool lies_ = false;
};

}  // namespace janji::test
