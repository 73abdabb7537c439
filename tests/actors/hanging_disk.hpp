// Files of a real disk whose syncs take as long as the test says, for RocksDB. Threads: any.
#pragma once

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>

namespace janji::test {

class hanging_disk {
public:
  // Nothing that is synced comes back until this is taken back.
  void hang(bool hangs) {
    const std::lock_guard lock(mutex_);
    hangs_ = hangs;
    changed_.notify_all();
  }
  // Every sync takes so much longer.
  void slow(std::chrono::milliseconds by) {
    const std::lock_guard lock(mutex_);
    slower_by_ = by;
  }
  void sync() {
    std::unique_lock lock(mutex_);
    if (slower_by_.count() != 0) {
      changed_.wait_for(lock, slower_by_, [this] { return hangs_; });
    }
    changed_.wait(lock, [this] { return !hangs_; });
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool hangs_ = false;
  std::chrono::milliseconds slower_by_{0};
};

class hanging_files final : public rocksdb::FileSystemWrapper {
public:
  explicit hanging_files(std::shared_ptr<hanging_disk> disk)
      : rocksdb::FileSystemWrapper(rocksdb::FileSystem::Default()), disk_(std::move(disk)) {}
  const char* Name() const override { return "hanging files"; }
  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file, rocksdb::IODebugContext* debug) override {
    std::unique_ptr<rocksdb::FSWritableFile> made;
    auto done = target()->NewWritableFile(name, options, &made, debug);
    if (done.ok())
      *file = std::make_unique<hanging_file>(std::move(made), disk_);
    return done;
  }

private:
  class hanging_file final : public rocksdb::FSWritableFileOwnerWrapper {
  public:
    hanging_file(std::unique_ptr<rocksdb::FSWritableFile> file, std::shared_ptr<hanging_disk> disk)
        : rocksdb::FSWritableFileOwnerWrapper(std::move(file)), disk_(std::move(disk)) {}
    rocksdb::IOStatus Sync(const rocksdb::IOOptions& options, rocksdb::IODebugContext* debug) override {
      disk_->sync();
      return rocksdb::FSWritableFileOwnerWrapper::Sync(options, debug);
    }
    rocksdb::IOStatus Fsync(const rocksdb::IOOptions& options, rocksdb::IODebugContext* debug) override {
      disk_->sync();
      return rocksdb::FSWritableFileOwnerWrapper::Fsync(options, debug);
    }

  private:
    std::shared_ptr<hanging_disk> disk_;
  };

  std::shared_ptr<hanging_disk> disk_;
};

}  // namespace janji::test
