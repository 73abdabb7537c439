// Snapshots as bytes: fixed-width little-endian numbers and whole arrays of plain records, a version in front and an XXH3
// checksum behind. Reading checks every length and never trusts what it reads.
#pragma once

#include <xxhash.h>

#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace janji {

static_assert(std::endian::native == std::endian::little, "snapshots are written in the machine's own order");

// Whether a bool that was read from bytes is one.
inline bool is_bool(const bool& b) {
  unsigned char byte = 0;
  std::memcpy(&byte, &b, 1);
  return byte <= 1;
}

// Makes room for one more by a quarter: doubling would leave half a booking's memory unused.
template <class T>
void grow_by_quarter(std::vector<T>& v) {
  if (v.size() == v.capacity())
    v.reserve(v.size() + v.size() / 4 + 16);
}

class byte_writer {
public:
  explicit byte_writer(std::uint32_t version) { put(version); }
  template <class T>
    requires std::is_trivially_copyable_v<T>
  void put(const T& v) {
    bytes_.append(reinterpret_cast<const char*>(&v), sizeof v);
  }
  template <class T>
    requires std::is_trivially_copyable_v<T>
  void put(const std::vector<T>& v) {
    put(static_cast<std::uint64_t>(v.size()));
    put(static_cast<std::uint32_t>(sizeof(T)));
    bytes_.append(reinterpret_cast<const char*>(v.data()), v.size() * sizeof(T));
  }
  [[nodiscard]] std::string finish() && {
    put(XXH3_64bits(bytes_.data(), bytes_.size()));
    return std::move(bytes_);
  }

private:
  std::string bytes_;
};

class byte_reader {
public:
  // Checks the checksum and takes the version off the front; ok() tells.
  explicit byte_reader(std::string_view bytes) : rest_(bytes) {
    std::uint64_t sum = 0;
    if (bytes.size() < sizeof(std::uint32_t) + sizeof sum) {
      ok_ = false;
      return;
    }
    std::memcpy(&sum, bytes.data() + bytes.size() - sizeof sum, sizeof sum);
    rest_.remove_suffix(sizeof sum);
    ok_ = XXH3_64bits(rest_.data(), rest_.size()) == sum;
    get(version_);
  }
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool finished() const { return ok_ && rest_.empty(); }
  [[nodiscard]] std::uint32_t version() const { return version_; }

  template <class T>
    requires std::is_trivially_copyable_v<T>
  bool get(T& v) {
    if (!ok_ || rest_.size() < sizeof v)
      return ok_ = false;
    std::memcpy(static_cast<void*>(&v), rest_.data(), sizeof v);
    rest_.remove_prefix(sizeof v);
    return true;
  }
  template <class T>
    requires std::is_trivially_copyable_v<T>
  bool get(std::vector<T>& v) {
    std::uint64_t count = 0;
    std::uint32_t width = 0;
    if (!get(count) || !get(width) || width != sizeof(T) || count > rest_.size() / sizeof(T))
      return ok_ = false;
    v.resize(count);
    if (count != 0)
      std::memcpy(static_cast<void*>(v.data()), rest_.data(), count * sizeof(T));
    rest_.remove_prefix(count * sizeof(T));
    return true;
  }

private:
  std::string_view rest_;
  std::uint32_t version_ = 0;
  bool ok_ = true;
};

}  // namespace janji
