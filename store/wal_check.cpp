#include "store/wal_check.hpp"

#include <fmt/format.h>
#include <rocksdb/env.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace janji::store {

namespace {

constexpr std::size_t block_bytes = 32 * 1024;
constexpr std::size_t header_bytes = 7;  // checksum 4, length 2, type 1
constexpr std::size_t sector_bytes = 512;
constexpr std::size_t batch_header_bytes = 12;  // the least that a record holds
enum record_type : unsigned char { zero = 0, full = 1, first = 2, middle = 3, last = 4 };

constexpr auto crc_table = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    auto v = i;
    for (int bit = 0; bit < 8; ++bit)
      v = (v >> 1) ^ ((v & 1) != 0 ? 0x82f63b78U : 0U);
    table[i] = v;
  }
  return table;
}();

std::uint32_t crc32c_plain(const unsigned char* data, std::size_t size) {
  std::uint32_t c = ~0U;
  for (; size > 0; --size)
    c = (c >> 8) ^ crc_table[(c ^ *data++) & 0xff];
  return ~c;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t crc32c_sse42(const unsigned char* data, std::size_t size) {
  std::uint64_t c = ~0U;
  for (; size >= 8; size -= 8, data += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, data, sizeof word);
    c = _mm_crc32_u64(c, word);
  }
  auto low = static_cast<std::uint32_t>(c);
  for (; size > 0; --size)
    low = _mm_crc32_u8(low, *data++);
  return ~low;
}
#endif

std::uint32_t crc32c(const unsigned char* data, std::size_t size) {
#if defined(__x86_64__)
  static const bool fast = __builtin_cpu_supports("sse4.2") != 0;
  if (fast)
    return crc32c_sse42(data, size);
#endif
  return crc32c_plain(data, size);
}

// As stored: rotated and shifted, so that a checksum of data with checksums in it stays good.
std::uint32_t masked(std::uint32_t c) { return ((c >> 15) | (c << 17)) + 0xa282ead8U; }

struct record_header {
  std::uint32_t checksum = 0;
  std::size_t length = 0;
  unsigned char type = 0;
};
record_header header_at(std::string_view block, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(block[at + i])); };
  return {byte(0) | byte(1) << 8 | byte(2) << 16 | byte(3) << 24, byte(4) | byte(5) << 8, static_cast<unsigned char>(block[at + 6])};
}
bool checks(std::string_view block, std::size_t at, const record_header& h) {
  return masked(crc32c(reinterpret_cast<const unsigned char*>(block.data()) + at + 6, h.length + 1)) == h.checksum;
}

// Walks one log, block by block, and stops being sure at the first thing that is wrong.
class walk {
public:
  void block(std::string_view b, std::uint64_t base) {
    std::size_t at = 0;
    while (!wrong_at_ && at + header_bytes <= b.size()) {
      const auto h = header_at(b, at);
      const auto end = at + header_bytes + h.length;
      if (end > b.size()) {
        cut_short_ = b.size() < block_bytes && at + header_bytes + h.length <= block_bytes;
        return wrong(b, at, base);
      }
      const bool fits = within_ ? h.type == middle || h.type == last : h.type == full || h.type == first;
      if (!fits || !checks(b, at, h))
        return wrong(b, at, base);
      if (!within_) {
        start_ = base + at;
        head_.clear();
      }
      head_ += b.substr(at + header_bytes, std::min(h.length, batch_header_bytes - head_.size()));
      within_ = h.type == first || h.type == middle;
      if (!within_)
        take_sequence();
      at = end;
    }
    if (wrong_at_)
      later_start_ = later_start_ || has_start(b, 0);
    else if (b.size() < block_bytes && at < b.size()) {  // less than a header at the end of the file
      cut_short_ = true;
      wrong_at_ = within_ ? start_ : base + at;
    }
  }
  void end() {
    if (!wrong_at_ && within_) {
      cut_short_ = true;
      wrong_at_ = start_;
    }
  }
  [[nodiscard]] std::uint64_t last_sequence() const { return last_sequence_; }
  [[nodiscard]] std::optional<std::uint64_t> wrong_at() const { return wrong_at_; }
  [[nodiscard]] bool cut_short() const { return cut_short_; }
  // A record begins, with a good checksum, after the one that is wrong.
  [[nodiscard]] bool later_start() const { return later_start_; }

private:
  // A record is a batch: the number of its first change, and how many it has.
  void take_sequence() {
    if (head_.size() < batch_header_bytes)
      return;
    std::uint64_t number = 0;
    std::uint32_t count = 0;
    std::memcpy(&number, head_.data(), sizeof number);
    std::memcpy(&count, head_.data() + sizeof number, sizeof count);
    if (count != 0)
      last_sequence_ = number + count - 1;
  }
  void wrong(std::string_view b, std::size_t at, std::uint64_t base) {
    wrong_at_ = within_ ? start_ : base + at;
    later_start_ = has_start(b, at + 1) || (within_ && has_start(b, at));
  }
  static bool has_start(std::string_view b, std::size_t from) {
    for (auto at = from; at + header_bytes + batch_header_bytes <= b.size(); ++at) {
      const auto h = header_at(b, at);
      if ((h.type == full || h.type == first) && h.length >= batch_header_bytes && at + header_bytes + h.length <= b.size() &&
          checks(b, at, h))
        return true;
    }
    return false;
  }

  std::optional<std::uint64_t> wrong_at_;
  std::string head_;  // of the record that is being read
  std::uint64_t last_sequence_ = 0;
  std::uint64_t start_ = 0;
  bool within_ = false;
  bool cut_short_ = false;
  bool later_start_ = false;
};

store_error unreadable(const std::string& file, const rocksdb::Status& s) {
  return {errc::io, fmt::format("the write-ahead log {} cannot be read: {}", file, s.ToString())};
}

// Calls `visit(bytes, offset)` with the file's blocks, up to the size it has now: of a store that is in use, what is
// appended meanwhile is left out.
template <class Visit>
result<std::uint64_t> each_block(rocksdb::Env& env, const std::string& file, std::uint64_t from, Visit&& visit) {
  std::uint64_t size = 0;
  if (const auto s = env.GetFileSize(file, &size); !s.ok())
    return std::unexpected(unreadable(file, s));
  std::unique_ptr<rocksdb::SequentialFile> in;
  if (const auto s = env.NewSequentialFile(file, &in, rocksdb::EnvOptions{}); !s.ok())
    return std::unexpected(unreadable(file, s));
  from -= from % block_bytes;
  if (const auto s = in->Skip(from); !s.ok())
    return std::unexpected(unreadable(file, s));
  std::vector<char> room(block_bytes * 32);
  for (auto at = from; at < size;) {
    rocksdb::Slice got;
    if (const auto s = in->Read(std::min<std::uint64_t>(room.size(), size - at), &got, room.data()); !s.ok())
      return std::unexpected(unreadable(file, s));
    if (got.empty())
      break;
    const std::string_view bytes = got.ToStringView();
    for (std::size_t b = 0; b < bytes.size(); b += block_bytes)
      visit(bytes.substr(b, block_bytes), at + b);
    at += bytes.size();
  }
  return size;
}

// Whether some sector, as far as it belongs to what follows `from`, reads as zeros: it was never written.
result<bool> has_unwritten_sector(rocksdb::Env& env, const std::string& file, std::uint64_t from) {
  bool found = false;
  auto read = each_block(env, file, from, [&](std::string_view block, std::uint64_t base) {
    for (std::size_t s = 0; s < block.size(); s += sector_bytes) {
      const auto begin = std::max<std::uint64_t>(base + s, from);
      const auto end = base + std::min(s + sector_bytes, block.size());
      if (begin < end) {
        const auto part = block.substr(begin - base, end - begin);
        found = found || part.find_first_not_of('\0') == std::string_view::npos;
      }
    }
  });
  if (!read)
    return std::unexpected(std::move(read.error()));
  return found;
}

result<void> cut(rocksdb::Env& env, const std::string& file, std::uint64_t size) {
  std::unique_ptr<rocksdb::WritableFile> out;
  auto s = env.ReopenWritableFile(file, &out, rocksdb::EnvOptions{});
  if (s.ok())
    s = out->Truncate(size);
  if (s.ok())
    s = out->Sync();
  if (s.ok())
    s = out->Close();
  if (!s.ok())
    return std::unexpected(store_error{errc::io, fmt::format("the torn end of {} cannot be cut off: {}", file, s.ToString())});
  return {};
}

}  // namespace

result<wal_state> check_wal(rocksdb::Env& env, const std::string& file) {
  walk w;
  const auto size = each_block(env, file, 0, [&w](std::string_view block, std::uint64_t base) { w.block(block, base); });
  if (!size)
    return std::unexpected(size.error());
  w.end();
  wal_state found{wal_state::kind::whole, *size, *size, w.last_sequence()};
  if (!w.wrong_at())
    return found;
  found.at = *w.wrong_at();
  found.is = wal_state::kind::damaged;
  if (w.later_start())
    return found;
  if (!w.cut_short()) {
    const auto unwritten = has_unwritten_sector(env, file, found.at);
    if (!unwritten)
      return std::unexpected(unwritten.error());
    if (!*unwritten)
      return found;
  }
  found.is = wal_state::kind::torn;
  return found;
}

result<wal_end> check_wals(rocksdb::Env& env, const std::string& path) {
  std::vector<std::string> names;
  if (const auto s = env.GetChildren(path, &names); !s.ok())
    return wal_end{};  // no store yet: opening it says why
  std::map<std::uint64_t, std::string> logs;
  for (const auto& name : names) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error == std::errc{} && std::string_view(end, name.data() + name.size()) == ".log")
      logs[number].append(path).append("/").append(name);
  }
  std::optional<std::pair<std::string, wal_state>> torn;
  wal_end end;
  for (const auto& [number, file] : logs) {
    const auto state = check_wal(env, file);
    if (!state)
      return std::unexpected(state.error());
    if (state->bytes == 0)
      continue;
    // Every log before the newest was synced to its end.
    const auto& bad = torn ? torn->second : *state;
    if (torn || state->is == wal_state::kind::damaged)
      return std::unexpected(
          store_error{errc::corrupt, fmt::format("the store in {} is damaged: {} is not what was written at byte {} of {}", path,
                                                 torn ? torn->first : file, bad.at, bad.bytes)});
    end.last_sequence = std::max(end.last_sequence, state->last_sequence);
    if (state->is == wal_state::kind::torn)
      torn = {file, *state};
  }
  if (torn) {
    end.torn_file = torn->first;
    end.torn_at = torn->second.at;
    end.torn_bytes = torn->second.bytes - torn->second.at;
  }
  return end;
}

result<void> cut_torn(rocksdb::Env& env, const wal_end& end) {
  if (end.torn_file.empty())
    return {};
  spdlog::info("{} ends in a write that was never finished: its {} bytes are cut off", end.torn_file, end.torn_bytes);
  return cut(env, end.torn_file, end.torn_at);
}

}  // namespace janji::store
