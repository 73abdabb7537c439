// What can go wrong with what is kept on disk, said in one sentence an operator can act on.
#pragma once

#include <cstdint>
#include <expected>
#include <string>

namespace janji::store {

enum class errc : std::uint8_t {
  io,  // a read, write or sync failed
  no_space,
  read_only,
  permission,
  corrupt,
  locked,  // another process has it open
  newer_format,
  wrong_key,
  missing,
  conflict,  // a compare-and-swap that lost
  applied,   // a write that would leave a snapshot ahead of its log
};

struct store_error {
  errc code = errc::io;
  std::string what;
  [[nodiscard]] const std::string& text() const { return what; }
};

template <class T>
using result = std::expected<T, store_error>;

}  // namespace janji::store
