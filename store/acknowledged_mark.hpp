// How far the log was acknowledged: the number of the last change that a sync covered, kept in a small file of the store.
//
// A log that is cut short looks like one whose last write was never finished, so the log alone cannot say whether something
// acknowledged is missing; the mark can. It is written in place after each sync and is never synced itself: whatever a crash
// or a power cut leaves of it is a number that was synced in the log before, so it may lag and never lies.
//
// Threads: open() and set() from one at a time.
#pragma once

#include <cstdint>
#include <string>

#include "store/error.hpp"

namespace janji::store {

class acknowledged_mark {
public:
  acknowledged_mark() = default;
  ~acknowledged_mark();
  acknowledged_mark(const acknowledged_mark&) = delete;
  acknowledged_mark& operator=(const acknowledged_mark&) = delete;

  // What the file in the store's directory says; 0 when there is none that can be read. An error: what stands there is no file.
  [[nodiscard]] static result<std::uint64_t> read(const std::string& store_path);
  // Without the file there is no mark: a store that cannot have one is as safe as its log.
  void open(const std::string& store_path);
  void set(std::uint64_t sequence) noexcept;

private:
  int fd_ = -1;
};

}  // namespace janji::store
