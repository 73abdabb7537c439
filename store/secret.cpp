#include "store/secret.hpp"

#include <fmt/format.h>
#include <sodium.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <algorithm>
#include <bitset>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <utility>

#include "booking/assert.hpp"

namespace janji::store {

namespace vault {

namespace {

constexpr std::size_t cell_bytes = 32;
constexpr std::size_t block_bytes = 32 * 1024;
constexpr std::size_t cells = block_bytes / cell_bytes;
constexpr std::size_t shared_max = block_bytes / 4;  // what is larger has pages of its own
static_assert(cell_bytes == key_bytes::bytes);

struct block {
  unsigned char* begin = nullptr;
  std::bitset<cells> taken;
  std::size_t next = 0;  // where to look first
};

struct all_blocks {
  std::mutex mutex;
  std::vector<block> blocks;
  std::string not_locked;
};

// Lives as long as the process: what others hold of it goes when they go.
all_blocks& all() {
  static auto* const them = new all_blocks;
  return *them;
}

// Pages of libsodium's, locked and left out of cores by it, which does not say whether it could.
unsigned char* new_pages(all_blocks& a, std::size_t bytes) {
  assert_always(sodium_init() >= 0, "libsodium can be initialised");
  auto* at = static_cast<unsigned char*>(sodium_malloc(bytes));
  assert_always(at != nullptr, "there is memory for keys");
  if (::mlock(at, bytes) != 0 && a.not_locked.empty()) {
    const int why = errno;
    rlimit limit{};
    ::getrlimit(RLIMIT_MEMLOCK, &limit);
    a.not_locked =
        fmt::format("keys cannot be locked in memory and may be swapped out: {}; {} bytes may be locked (ulimit -l, LimitMEMLOCK)",
                    std::strerror(why), limit.rlim_cur);
  }
  return at;
}

unsigned char* room_in(block& b, std::size_t count) {
  for (std::size_t tried = 0, at = b.next, run = 0; tried < cells + count; ++tried, ++at) {
    if (at >= cells) {
      at = 0;
      run = 0;
    }
    run = b.taken[at] ? 0 : run + 1;
    if (run < count)
      continue;
    const auto first = at + 1 - count;
    for (auto i = first; i <= at; ++i)
      b.taken[i] = true;
    b.next = at + 1;
    return b.begin + first * cell_bytes;
  }
  return nullptr;
}

std::size_t cells_of(std::size_t bytes) { return std::max<std::size_t>(1, (bytes + cell_bytes - 1) / cell_bytes); }

}  // namespace

void* take(std::size_t bytes) {
  auto& a = all();
  const std::lock_guard lock(a.mutex);
  if (bytes > shared_max)
    return new_pages(a, bytes);
  const auto count = cells_of(bytes);
  for (auto& b : a.blocks)
    if (auto* at = room_in(b, count); at != nullptr)
      return at;
  a.blocks.push_back({new_pages(a, block_bytes), {}, 0});
  return room_in(a.blocks.back(), count);
}

void give_back(void* at, std::size_t bytes) noexcept {
  if (at == nullptr)
    return;
  if (bytes > shared_max)
    return sodium_free(at);  // wipes it
  sodium_memzero(at, bytes);
  auto& a = all();
  const std::lock_guard lock(a.mutex);
  const auto* const place = static_cast<const unsigned char*>(at);
  const auto b = std::ranges::find_if(a.blocks, [&](const block& x) { return place >= x.begin && place < x.begin + block_bytes; });
  assert_always(b != a.blocks.end(), "what is given back was taken");
  const auto first = static_cast<std::size_t>(place - b->begin) / cell_bytes;
  for (auto i = first; i < first + cells_of(bytes); ++i)
    b->taken[i] = false;
}

std::string why_not_locked() {
  give_back(take(1), 1);
  auto& a = all();
  const std::lock_guard lock(a.mutex);
  return a.not_locked;
}

}  // namespace vault

key_bytes::key_bytes() : at_(static_cast<std::uint8_t*>(vault::take(bytes))) { fill(0); }
key_bytes::key_bytes(const key_bytes& other) : at_(static_cast<std::uint8_t*>(vault::take(bytes))) { std::memcpy(at_, other.at_, bytes); }
key_bytes& key_bytes::operator=(const key_bytes& other) {
  if (this == &other)
    return *this;
  if (at_ == nullptr)
    at_ = static_cast<std::uint8_t*>(vault::take(bytes));
  std::memcpy(at_, other.at_, bytes);
  return *this;
}
void key_bytes::fill(std::uint8_t with) { std::memset(at_, with, bytes); }
bool key_bytes::equals(const key_bytes& other) const { return sodium_memcmp(at_, other.at_, bytes) == 0; }

secret_text::secret_text(std::string&& from) : secret_text(std::string_view(from)) {
  wipe(from);  // NOLINT(bugprone-use-after-move): it was not moved
}

void wipe(void* at, std::size_t bytes) { sodium_memzero(at, bytes); }

}  // namespace janji::store
