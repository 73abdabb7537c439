#include "store/round_secrets.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <memory>
#include <utility>

#include "store/aead.hpp"
#include "store/discard.hpp"
#include "store/key_files.hpp"
#include "store/master_keys.hpp"
#include "store/small_file.hpp"

namespace janji::store {

namespace {

// A block of the file system's: what is given back is given back whole. What counts stands in the first sector, which a disk writes or does
// not.
constexpr std::size_t page_bytes = 4096;
constexpr std::string_view file_mark = "janji-round-secrets 1\n";
constexpr std::string_view secret_mark = "janji-secret\n\n\n\n";
constexpr std::string_view destroyed_mark = "janji-destroyed\n";
constexpr std::size_t mark_bytes = 16;
constexpr std::size_t sum_bytes = 16;
constexpr std::size_t secret_at = mark_bytes + sizeof(std::uint16_t);
constexpr std::size_t sum_at = secret_at + key_bytes::bytes;
static_assert(secret_mark.size() == mark_bytes && destroyed_mark.size() == mark_bytes && sum_at + sum_bytes <= 512);

using page = std::vector<unsigned char, vault_allocator<unsigned char>>;
using sum = std::array<unsigned char, sum_bytes>;

off_t offset_of(round_id round) { return static_cast<off_t>((std::size_t{round.value} + 1) * page_bytes); }

sum sum_of(const page& p) {
  sum out{};
  crypto_generichash(out.data(), out.size(), p.data(), sum_at, nullptr, 0);
  return out;
}

page page_of(std::string_view mark, round_id round, const key_bytes& secret) {
  page p(page_bytes);
  std::memcpy(p.data(), mark.data(), mark.size());
  std::memcpy(p.data() + mark_bytes, &round.value, sizeof round.value);
  std::memcpy(p.data() + secret_at, secret.data(), secret.size());
  const auto s = sum_of(p);
  std::memcpy(p.data() + sum_at, s.data(), s.size());
  return p;
}

class open_file {
public:
  open_file(const std::string& path, int flags) : fd_(::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, 0600)) {}
  ~open_file() {
    if (fd_ >= 0)
      ::close(fd_);
  }
  open_file(open_file&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  open_file(const open_file&) = delete;
  open_file& operator=(const open_file&) = delete;
  open_file& operator=(open_file&&) = delete;
  [[nodiscard]] int fd() const { return fd_; }

private:
  int fd_;
};

bool write_page(int fd, off_t at, const page& p) {
  errno = EIO;  // of a write that came to an end too early
  return ::pwrite(fd, p.data(), p.size(), at) == static_cast<ssize_t>(p.size());
}

// Of a file that is there: whose it is.
bool is_marked(int fd) {
  std::array<char, file_mark.size()> head{};
  return ::pread(fd, head.data(), head.size(), 0) == static_cast<ssize_t>(head.size()) &&
         std::string_view(head.data(), head.size()) == file_mark;
}

store_error not_ours(const std::string& path) {
  return {errc::corrupt, fmt::format("{} is not a file of rounds' secrets that this program reads: put the right one back", path)};
}

// What is left of a first page that could not be written is no page: the next try begins anew.
result<void> begin_file(int fd, const std::string& path) {
  page head(page_bytes);
  std::memcpy(head.data(), file_mark.data(), file_mark.size());
  auto begun =
      write_page(fd, 0, head) && ::fdatasync(fd) == 0 ? sync_directory_of(path) : std::unexpected(file_error("cannot write", path));
  if (!begun)
    (void)::ftruncate(fd, 0);
  return begun;
}

// A new file is made only where none was read and nothing is held: it would lack what the one that is gone has, which could then not be put
// back without losing what was made since. One that came since the other was read is not written to: what it has was never looked at.
result<open_file> opened_for_writing(const std::string& path, std::optional<file_id>& read, bool holds_nothing) {
  open_file file(path, O_RDWR | (holds_nothing ? O_CREAT : 0));
  struct stat st{};
  if (file.fd() < 0 || ::fstat(file.fd(), &st) != 0)
    return std::unexpected(file_error("cannot write", path));
  const file_id now{st.st_dev, st.st_ino};
  const bool is_empty = st.st_size == 0;
  if (is_empty && !holds_nothing)
    return std::unexpected(store_error{errc::corrupt, fmt::format("{} has lost the secrets that it held: put the right one back", path)});
  if (!is_empty && !is_marked(file.fd()))
    return std::unexpected(not_ours(path));
  if (!is_empty && read != now)
    return std::unexpected(
        store_error{errc::io, fmt::format("{} is another file than the one that was read: put that back, or start again", path)});
  if (is_empty)
    if (auto begun = begin_file(file.fd(), path); !begun)
      return std::unexpected(begun.error());
  read = now;
  return file;
}

}  // namespace

// ------------------------------------------------------------------ the file

result<void> round_secrets::load() {
  const open_file file(path_, O_RDONLY | O_NONBLOCK);
  if (file.fd() < 0)
    return errno == ENOENT ? result<void>{} : std::unexpected(file_error("cannot read", path_));
  struct stat st{};
  if (::fstat(file.fd(), &st) != 0)
    return std::unexpected(file_error("cannot read", path_));
  if (!S_ISREG(st.st_mode))
    return std::unexpected(not_ours(path_));
  if (st.st_size == 0)
    return {};  // a stop when it was made
  if (!is_marked(file.fd()))
    return std::unexpected(not_ours(path_));
  page p(page_bytes);
  std::map<round_id, place> found;
  for (off_t at = page_bytes; at < st.st_size; at += page_bytes) {
    const auto data = ::lseek(file.fd(), at, SEEK_DATA);  // most of it are holes
    if (data < 0 && errno == ENXIO)
      break;
    if (data > at)
      at = data / static_cast<off_t>(page_bytes) * static_cast<off_t>(page_bytes);
    const auto number = static_cast<std::size_t>(at) / page_bytes - 1;
    if (number > std::numeric_limits<std::uint16_t>::max())
      return std::unexpected(not_ours(path_));
    std::ranges::fill(p, 0);
    if (::pread(file.fd(), p.data(), p.size(), at) < 0)
      return std::unexpected(file_error("cannot read", path_));
    if (sodium_is_zero(p.data(), p.size()) != 0)
      continue;
    const round_id round{static_cast<std::uint16_t>(number)};
    const auto s = sum_of(p);
    const bool whole = std::memcmp(p.data() + sum_at, s.data(), s.size()) == 0 &&
                       std::memcmp(p.data() + mark_bytes, &round.value, sizeof round.value) == 0;
    const std::string_view mark(reinterpret_cast<const char*>(p.data()), mark_bytes);
    place& here = found[round];
    here.is = whole && mark == secret_mark ? state::there : whole && mark == destroyed_mark ? state::destroyed : state::damaged;
    if (here.is == state::there)
      std::memcpy(here.secret.emplace().data(), p.data() + secret_at, key_bytes::bytes);
  }
  read_ = file_id{st.st_dev, st.st_ino};
  const std::lock_guard lock(mutex_);
  places_ = std::move(found);
  return {};
}

result<void> round_secrets::make(std::span<const round_id> rounds) {
  const std::lock_guard one_at_a_time(changing_);
  std::map<round_id, place> made;
  for (const auto round : rounds)
    if (state_of(round) == state::none)
      made[round] = {state::there, key_bytes()};
    else if (state_of(round) == state::damaged)
      return std::unexpected(store_error{errc::corrupt, fmt::format("the secret of round {} in {} is damaged", round.value, path_)});
  if (made.empty())
    return {};
  if (auto r = directory_.is_the_same(); !r)
    return r;
  const auto file = opened_for_writing(path_, read_, holds_nothing());
  if (!file)
    return std::unexpected(file.error());
  for (auto& [round, p] : made) {
    randombytes_buf(p.secret->data(), key_bytes::bytes);
    if (!write_page(file->fd(), offset_of(round), page_of(secret_mark, round, *p.secret)))
      return std::unexpected(file_error("cannot write", path_));
  }
  if (::fdatasync(file->fd()) != 0)
    return std::unexpected(file_error("cannot write", path_));
  const std::lock_guard lock(mutex_);
  for (auto& [round, p] : made)
    places_[round] = std::move(p);
  return {};
}

// A stop between any two steps leaves what was overwritten, a hole, or what says that it was destroyed; never the secret.
result<void> round_secrets::destroy(round_id round) {
  const std::lock_guard one_at_a_time(changing_);
  if (state_of(round) == state::destroyed)
    return {};
  if (auto r = directory_.is_the_same(); !r)
    return r;
  const auto file = opened_for_writing(path_, read_, holds_nothing());
  if (!file)
    return std::unexpected(file.error());
  key_bytes noise;
  randombytes_buf(noise.data(), noise.size());
  auto over = page_of(destroyed_mark, round, noise);
  randombytes_buf(over.data() + sum_at + sum_bytes, over.size() - sum_at - sum_bytes);
  const auto at = offset_of(round);
  if (!write_page(file->fd(), at, over) || ::fdatasync(file->fd()) != 0)
    return std::unexpected(file_error("cannot overwrite", path_));
  {
    const std::lock_guard lock(mutex_);
    places_[round] = {state::damaged, std::nullopt};  // until what remains says why
  }
  discard_blocks(file->fd(), static_cast<std::uint64_t>(at), page_bytes);
  if (!write_page(file->fd(), at, page_of(destroyed_mark, round, key_bytes())) || ::fdatasync(file->fd()) != 0)
    return std::unexpected(file_error("cannot overwrite", path_));
  const std::lock_guard lock(mutex_);
  places_[round] = {state::destroyed, std::nullopt};
  return {};
}

bool round_secrets::holds_nothing() const {
  const std::lock_guard lock(mutex_);
  return places_.empty();
}

round_secrets::state round_secrets::state_of(round_id round) const {
  const std::lock_guard lock(mutex_);
  const auto it = places_.find(round);
  return it == places_.end() ? state::none : it->second.is;
}

std::optional<key_bytes> round_secrets::get(round_id round) const {
  const std::lock_guard lock(mutex_);
  const auto it = places_.find(round);
  return it == places_.end() ? std::nullopt : it->second.secret;
}

std::vector<round_id> round_secrets::there() const {
  const std::lock_guard lock(mutex_);
  std::vector<round_id> out;
  for (const auto& [round, p] : places_)
    if (p.is == state::there)
      out.push_back(round);
  return out;
}

// ------------------------------------------------------------------ what is wrapped under a secret

namespace {

key_bytes derived(const key_bytes& from, std::string_view context, std::initializer_list<std::span<const std::uint8_t>> parts) {
  key_bytes out;
  crypto_generichash_state state;
  crypto_generichash_init(&state, from.data(), from.size(), out.size());
  crypto_generichash_update(&state, reinterpret_cast<const unsigned char*>(context.data()), context.size());
  for (const auto part : parts)
    crypto_generichash_update(&state, part.data(), part.size());
  crypto_generichash_final(&state, out.data(), out.size());
  sodium_memzero(&state, sizeof state);
  return out;
}

key_bytes file_key(const key_bytes& secret, const key_bytes& master) {
  return derived(master, "janji key of a round", {std::span<const std::uint8_t, key_bytes::bytes>(secret)});
}

using point = std::array<unsigned char, crypto_scalarmult_BYTES>;
static_assert(crypto_scalarmult_SCALARBYTES == key_bytes::bytes && crypto_scalarmult_BYTES == key_bytes::bytes);

key_bytes scalar_of(const key_bytes& secret) { return derived(secret, "janji lock of a round", {}); }

// None: what came from the other side is no point of the curve that hides anything.
std::optional<key_bytes> copy_key(const key_bytes& scalar, const point& other, const point& made, const point& lock,
                                  const key_bytes& master) {
  key_bytes shared;
  if (crypto_scalarmult(shared.data(), scalar.data(), other.data()) != 0)
    return std::nullopt;
  return derived(master, "janji copy of a key", {std::span<const std::uint8_t, key_bytes::bytes>(shared), made, lock});
}

point point_of(const key_bytes& scalar) {
  point out{};
  crypto_scalarmult_base(out.data(), scalar.data());
  return out;
}

}  // namespace

std::string wrap_under(const key_bytes& secret, const std::string& name, const key_bytes& key, const key_bytes& master) {
  return wrap(name, key, file_key(secret, master));
}
bool unwrap_under(const key_bytes& secret, const std::string& name, std::string_view box, const key_bytes& master, key_bytes& key) {
  return unwrap(name, box, file_key(secret, master), key);
}

std::string lock_of(const key_bytes& secret) {
  const auto lock = point_of(scalar_of(secret));
  return hex(lock.data(), lock.size());
}

std::string wrap_for(std::string_view lock, const std::string& name, const key_bytes& key, const key_bytes& master) {
  point to{};
  if (!unhex(lock, to.data(), to.size()))
    return {};
  key_bytes scalar;
  randombytes_buf(scalar.data(), scalar.size());
  const auto made = point_of(scalar);
  const auto under = copy_key(scalar, to, made, to, master);
  return under ? hex(made.data(), made.size()) + wrap(name, key, *under) : std::string();
}

bool unwrap_from(const key_bytes& secret, const std::string& name, std::string_view text, const key_bytes& master, key_bytes& key) {
  point made{};
  constexpr auto digits = 2 * std::tuple_size_v<point>;
  if (text.size() <= digits || !unhex(text.substr(0, digits), made.data(), made.size()))
    return false;
  const auto scalar = scalar_of(secret);
  const auto under = copy_key(scalar, made, made, point_of(scalar), master);
  return under && unwrap(name, text.substr(digits), *under, key);
}

}  // namespace janji::store
