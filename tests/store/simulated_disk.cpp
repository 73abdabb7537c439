#include "tests/store/simulated_disk.hpp"

#include <algorithm>
#include <cstring>

namespace janji::test {

namespace {

using status = rocksdb::IOStatus;
using io = rocksdb::IOOptions;
using debug = rocksdb::IODebugContext;
constexpr std::size_t sector_bytes = 512;

class sequential final : public rocksdb::FSSequentialFile {
public:
  sequential(simulated_disk& disk, std::shared_ptr<simulated_file> file) : disk_(disk), file_(std::move(file)) {}
  status Read(std::size_t n, const io&, rocksdb::Slice* result, char* scratch, debug*) override {
    const auto s = disk_.read(*file_, at_, n, result, scratch);
    at_ += result->size();
    return s;
  }
  status Skip(std::uint64_t n) override {
    at_ += n;
    return status::OK();
  }

private:
  simulated_disk& disk_;
  std::shared_ptr<simulated_file> file_;
  std::uint64_t at_ = 0;
};

class random_access final : public rocksdb::FSRandomAccessFile {
public:
  random_access(simulated_disk& disk, std::shared_ptr<simulated_file> file) : disk_(disk), file_(std::move(file)) {}
  status Read(std::uint64_t offset, std::size_t n, const io&, rocksdb::Slice* result, char* scratch, debug*) const override {
    return disk_.read(*file_, offset, n, result, scratch);
  }

private:
  simulated_disk& disk_;
  std::shared_ptr<simulated_file> file_;
};

class writable final : public rocksdb::FSWritableFile {
public:
  writable(simulated_disk& disk, std::shared_ptr<simulated_file> file) : disk_(disk), file_(std::move(file)) {}
  using rocksdb::FSWritableFile::Append;
  status Append(const rocksdb::Slice& data, const io&, debug*) override { return disk_.append(*file_, data.ToStringView()); }
  status Append(const rocksdb::Slice& data, const io&, const rocksdb::DataVerificationInfo&, debug*) override {
    return disk_.append(*file_, data.ToStringView());
  }
  status Truncate(std::uint64_t size, const io&, debug*) override { return disk_.truncate(*file_, size); }
  status Close(const io&, debug*) override { return status::OK(); }
  status Flush(const io&, debug*) override { return status::OK(); }
  status Sync(const io&, debug*) override { return disk_.sync(*file_); }
  status Fsync(const io&, debug*) override { return disk_.sync(*file_); }
  bool IsSyncThreadSafe() const override { return true; }
  std::uint64_t GetFileSize(const io&, debug*) override { return disk_.size_of(*file_); }

private:
  simulated_disk& disk_;
  std::shared_ptr<simulated_file> file_;
};

class directory final : public rocksdb::FSDirectory {
public:
  explicit directory(simulated_disk& disk) : disk_(disk) {}
  status Fsync(const io&, debug*) override { return disk_.sync_names(); }

private:
  simulated_disk& disk_;
};

struct held_lock final : rocksdb::FileLock {
  explicit held_lock(std::string n) : name(std::move(n)) {}
  std::string name;
};

class silent final : public rocksdb::Logger {
public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
  std::size_t GetLogFileSize() const override { return 0; }
};

}  // namespace

// ---- what the test does

void simulated_disk::power_off() {
  const std::lock_guard lock{mutex_};
  off_ = true;
}

void simulated_disk::restart(std::mt19937_64& random) {
  const std::lock_guard lock{mutex_};
  // Names: the journal of the file system kept some of the changes, in order.
  if (!pending_.empty()) {
    const auto kept = random() % (pending_.size() + 1);
    files_ = kept == 0 ? durable_ : pending_[kept - 1];
  }
  pending_.clear();
  names_map survived;
  std::map<simulated_file*, std::shared_ptr<simulated_file>> copies;  // two names of one file stay so
  for (const auto& [name, old] : files_) {
    auto& copy = copies[old.get()];
    if (!copy) {
      copy = std::make_shared<simulated_file>(*old);
      auto& c = copy->content;
      const auto unsynced = c.size() - copy->synced;
      switch (random() % 4) {
        case 0: c.resize(copy->synced); break;
        case 1: c.resize(copy->synced + random() % (unsynced + 1)); break;
        case 2: break;
        case 3:  // some sectors of the end never arrived
          for (auto s = copy->synced; s < c.size(); s = (s / sector_bytes + 1) * sector_bytes)
            if (random() % 2 == 0)
              std::fill(c.begin() + static_cast<std::ptrdiff_t>(s),
                        c.begin() + static_cast<std::ptrdiff_t>(std::min(c.size(), (s / sector_bytes + 1) * sector_bytes)), '\0');
          break;
      }
      copy->synced = c.size();
    }
    survived[name] = copy;
  }
  files_ = survived;
  durable_ = files_;
  locks_.clear();
  off_ = failed_ = lies_ = false;
  fail_at_ = ~std::uint64_t{0};
}

void simulated_disk::fail_at(std::uint64_t operation) {
  const std::lock_guard lock{mutex_};
  fail_at_ = operations_ + operation;
}
void simulated_disk::lie_about_syncs(bool lie) {
  const std::lock_guard lock{mutex_};
  lies_ = lie;
}
bool simulated_disk::has_failed() {
  const std::lock_guard lock{mutex_};
  return failed_;
}
std::uint64_t simulated_disk::operations() {
  const std::lock_guard lock{mutex_};
  return operations_;
}
std::shared_ptr<simulated_file> simulated_disk::file(const std::string& name) {
  const std::lock_guard lock{mutex_};
  const auto it = files_.find(name);
  return it == files_.end() ? nullptr : it->second;
}
std::vector<std::string> simulated_disk::names() {
  const std::lock_guard lock{mutex_};
  std::vector<std::string> all;
  for (const auto& [name, f] : files_)
    all.push_back(name);
  return all;
}

// ---- files

simulated_disk::status simulated_disk::may_write() {
  if (off_)
    return status::IOError("the power is off");
  if (++operations_ >= fail_at_)
    failed_ = true;
  return failed_ ? status::IOError("the disk fails") : status::OK();
}

simulated_disk::status simulated_disk::append(simulated_file& file, std::string_view data) {
  const std::lock_guard lock{mutex_};
  const auto before = failed_;
  auto s = may_write();
  if (!s.ok() && failed_ && !before && !off_)
    file.content.append(data.substr(0, data.size() / 2));
  if (s.ok())
    file.content.append(data);
  return s;
}
simulated_disk::status simulated_disk::sync(simulated_file& file) {
  const std::lock_guard lock{mutex_};
  auto s = may_write();
  if (s.ok() && !lies_)
    file.synced = file.content.size();
  return s;
}
simulated_disk::status simulated_disk::truncate(simulated_file& file, std::size_t size) {
  const std::lock_guard lock{mutex_};
  auto s = may_write();
  if (s.ok()) {
    file.content.resize(size);
    file.synced = std::min(file.synced, size);
  }
  return s;
}
simulated_disk::status simulated_disk::sync_names() {
  const std::lock_guard lock{mutex_};
  auto s = may_write();
  if (s.ok() && !lies_) {
    durable_ = files_;
    pending_.clear();
  }
  return s;
}
simulated_disk::status simulated_disk::read(const simulated_file& file, std::uint64_t offset, std::size_t n, rocksdb::Slice* result,
                                            char* scratch) {
  const std::lock_guard lock{mutex_};
  *result = {};
  if (off_)
    return status::IOError("the power is off");
  if (offset < file.content.size()) {
    n = std::min<std::size_t>(n, file.content.size() - offset);
    std::memcpy(scratch, file.content.data() + offset, n);
    *result = rocksdb::Slice(scratch, n);
  }
  return status::OK();
}
std::uint64_t simulated_disk::size_of(const simulated_file& file) {
  const std::lock_guard lock{mutex_};
  return file.content.size();
}

simulated_disk::status simulated_disk::NewSequentialFile(const std::string& name, const rocksdb::FileOptions&,
                                                         std::unique_ptr<rocksdb::FSSequentialFile>* out, debug*) {
  auto f = file(name);
  if (!f)
    return status::PathNotFound(name);
  *out = std::make_unique<sequential>(*this, std::move(f));
  return status::OK();
}
simulated_disk::status simulated_disk::NewRandomAccessFile(const std::string& name, const rocksdb::FileOptions&,
                                                           std::unique_ptr<rocksdb::FSRandomAccessFile>* out, debug*) {
  auto f = file(name);
  if (!f)
    return status::PathNotFound(name);
  *out = std::make_unique<random_access>(*this, std::move(f));
  return status::OK();
}
simulated_disk::status simulated_disk::NewWritableFile(const std::string& name, const rocksdb::FileOptions&,
                                                       std::unique_ptr<rocksdb::FSWritableFile>* out, debug*) {
  const std::lock_guard lock{mutex_};
  auto s = may_write();
  if (!s.ok())
    return s;
  auto made = std::make_shared<simulated_file>();
  files_[name] = made;
  note(files_);
  *out = std::make_unique<writable>(*this, std::move(made));
  return s;
}
simulated_disk::status simulated_disk::ReopenWritableFile(const std::string& name, const rocksdb::FileOptions& o,
                                                          std::unique_ptr<rocksdb::FSWritableFile>* out, debug* d) {
  auto f = file(name);
  if (!f)
    return NewWritableFile(name, o, out, d);
  *out = std::make_unique<writable>(*this, std::move(f));
  return status::OK();
}
simulated_disk::status simulated_disk::NewDirectory(const std::string&, const options&, std::unique_ptr<rocksdb::FSDirectory>* out,
                                                    debug*) {
  *out = std::make_unique<directory>(*this);
  return status::OK();
}

// ---- names

simulated_disk::status simulated_disk::FileExists(const std::string& name, const options&, debug*) {
  const std::lock_guard lock{mutex_};
  return files_.contains(name) || directories_.contains(name) ? status::OK() : status::NotFound();
}
simulated_disk::status simulated_disk::GetChildren(const std::string& dir, const options&, std::vector<std::string>* out, debug*) {
  const std::lock_guard lock{mutex_};
  out->clear();
  const auto prefix = dir.ends_with('/') ? dir : dir + "/";
  for (const auto& [name, f] : files_)
    if (name.starts_with(prefix) && name.find('/', prefix.size()) == std::string::npos)
      out->push_back(name.substr(prefix.size()));
  return out->empty() && !directories_.contains(dir) ? status::NotFound() : status::OK();
}
simulated_disk::status simulated_disk::DeleteFile(const std::string& name, const options&, debug*) {
  const std::lock_guard lock{mutex_};
  auto s = may_write();
  if (s.ok() && files_.erase(name) == 0)
    return status::NotFound(name);
  if (s.ok())
    note(files_);
  return s;
}
simulated_disk::status simulated_disk::Truncate(const std::string& name, std::size_t size, const options&, debug*) {
  auto f = file(name);
  return f ? truncate(*f, size) : status::NotFound(name);
}
simulated_disk::status simulated_disk::CreateDir(const std::string& name, const options&, debug*) {
  const std::lock_guard lock{mutex_};
  directories_.insert(name);
  return status::OK();
}
simulated_disk::status simulated_disk::CreateDirIfMissing(const std::string& name, const options& o, debug* d) {
  return CreateDir(name, o, d);
}
simulated_disk::status simulated_disk::DeleteDir(const std::string& name, const options&, debug*) {
  const std::lock_guard lock{mutex_};
  directories_.erase(name);
  return status::OK();
}
simulated_disk::status simulated_disk::GetFileSize(const std::string& name, const options&, std::uint64_t* size, debug*) {
  auto f = file(name);
  if (!f)
    return status::NotFound(name);
  *size = size_of(*f);
  return status::OK();
}
simulated_disk::status simulated_disk::GetFileModificationTime(const std::string&, const options&, std::uint64_t* time, debug*) {
  *time = 1;
  return status::OK();
}
simulated_disk::status simulated_disk::RenameFile(const std::string& from, const std::string& to, const options&, debug*) {
  const std::lock_guard lock{mutex_};
  auto s = may_write();
  if (!s.ok())
    return s;
  const auto it = files_.find(from);
  if (it == files_.end())
    return status::NotFound(from);
  files_[to] = it->second;
  files_.erase(from);
  note(files_);
  return s;
}
simulated_disk::status simulated_disk::LockFile(const std::string& name, const options&, rocksdb::FileLock** out, debug*) {
  const std::lock_guard lock{mutex_};
  if (!locks_.insert(name).second)
    return status::IOError("lock hold by current process");
  *out = new held_lock(name);
  return status::OK();
}
simulated_disk::status simulated_disk::UnlockFile(rocksdb::FileLock* held, const options&, debug*) {
  const std::lock_guard lock{mutex_};
  locks_.erase(static_cast<held_lock*>(held)->name);
  delete held;
  return status::OK();
}
simulated_disk::status simulated_disk::GetTestDirectory(const options&, std::string* out, debug*) {
  *out = "/test";
  return status::OK();
}
simulated_disk::status simulated_disk::NewLogger(const std::string&, const options&, std::shared_ptr<rocksdb::Logger>* out, debug*) {
  *out = std::make_shared<silent>();
  return status::OK();
}
simulated_disk::status simulated_disk::GetAbsolutePath(const std::string& path, const options&, std::string* out, debug*) {
  *out = path;
  return status::OK();
}
simulated_disk::status simulated_disk::IsDirectory(const std::string& name, const options&, bool* is, debug*) {
  const std::lock_guard lock{mutex_};
  *is = directories_.contains(name);
  return status::OK();
}

}  // namespace janji::test
