// A disk that is slow, hangs or fails, for a program that is started with this library in LD_PRELOAD: fdatasync, fsync and
// sync_file_range do what a control file says (JANJI_SLOW_DISK: its path), at every call, so that a disk falls ill and gets
// well under a running program; sync_file_range waits, and never fails. Without a control file, and while it says `healthy`,
// all is as without the library.
//
// Threads: any. Nothing is allocated, and nothing of the C++ library is used: it runs inside of whatever syncs.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <ctime>

namespace {

enum condition : std::uint32_t { healthy = 0, slow = 1, hung = 2, failing = 3 };

// As tests/acceptance/disk.py writes and reads it.
struct control {
  std::atomic<std::uint32_t> condition;
  std::atomic<std::uint32_t> delay_ms;      // of a slow one, before each sync
  std::atomic<std::uint32_t> error_number;  // of a failing one
  std::atomic<std::uint32_t> held;          // syncs that wait now
  std::atomic<std::uint32_t> asked;         // syncs so far
};
static_assert(std::atomic<std::uint32_t>::is_always_lock_free && sizeof(control) == 20);

control* open_control() {
  const char* path = std::getenv("JANJI_SLOW_DISK");
  if (path == nullptr)
    return nullptr;
  const int fd = ::open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0)
    return nullptr;
  void* there = ::mmap(nullptr, sizeof(control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  if (there == MAP_FAILED)
    return nullptr;
  auto* disk = static_cast<control*>(there);
  disk->held = 0;  // a process that was killed leaves its own
  return disk;
}

void wait_ms(std::uint32_t ms) {
  timespec left{static_cast<time_t>(ms / 1000), static_cast<long>(ms % 1000) * 1'000'000};
  while (::nanosleep(&left, &left) != 0 && errno == EINTR) {
  }
}

// 0, or the error with which this sync fails.
int suffer() {
  static control* const disk = open_control();
  if (disk == nullptr)
    return 0;
  ++disk->asked;
  if (disk->condition == healthy)
    return 0;
  constexpr std::uint32_t look_again_ms = 5;
  ++disk->held;
  if (disk->condition == slow)
    wait_ms(disk->delay_ms);
  while (disk->condition == hung)
    wait_ms(look_again_ms);
  --disk->held;
  return disk->condition == failing ? static_cast<int>(disk->error_number) : 0;
}

template <class FUNCTION>
FUNCTION* behind(const char* name) {
  return reinterpret_cast<FUNCTION*>(::dlsym(RTLD_NEXT, name));
}

template <class SYNC>
int after(SYNC&& sync) {
  if (const int error = suffer(); error != 0) {
    errno = error;
    return -1;
  }
  return sync();
}

}  // namespace

extern "C" {

int fsync(int fd) {
  static auto* const real = behind<int(int)>("fsync");
  return after([&] { return real(fd); });
}

int fdatasync(int fd) {
  static auto* const real = behind<int(int)>("fdatasync");
  return after([&] { return real(fd); });
}

int sync_file_range(int fd, off64_t from, off64_t bytes, unsigned flags) {
  static auto* const real = behind<int(int, off64_t, off64_t, unsigned)>("sync_file_range");
  // Never fails: RocksDB tries it at the start, and takes any error but ENOSYS for a mistake of its own.
  suffer();
  return real(fd, from, bytes, flags);
}
}
