// The words of the domain as types. Pure: no CAF, no sockets, no disk, no clock.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <string>
#include <string_view>

namespace janji {

// A number that does not mix with numbers of another kind.
template <class Tag, class Rep>
struct strong {
  using rep = Rep;
  Rep value{};
  constexpr strong() = default;
  constexpr explicit strong(Rep v) : value(v) {}
  friend constexpr auto operator<=>(const strong&, const strong&) = default;
};

using shard_id = strong<struct shard_tag, std::uint16_t>;
// A slot group (one centre, one day). Given at import by shard 0, unique over all rounds, never used again.
using group_id = strong<struct group_tag, std::uint32_t>;
using round_id = strong<struct round_tag, std::uint16_t>;
using window_index = strong<struct window_tag, std::uint8_t>;
using epoch_t = strong<struct epoch_tag, std::uint64_t>;
using sequence_t = strong<struct sequence_tag, std::uint64_t>;
// Counts the moves of a booking; a group books, declines and releases (reference, generation).
using generation_t = strong<struct generation_tag, std::uint16_t>;
// Tells the lives of an actor apart; unique within a node's process and over its restarts.
using incarnation_t = strong<struct incarnation_tag, std::uint64_t>;
// A request of a front; unique within that front's process.
using request_id = strong<struct request_tag, std::uint64_t>;
// Milliseconds since 1970-01-01 UTC.
using unix_ms = strong<struct unix_ms_tag, std::int64_t>;
// Keyed hash of an idempotency key; for a party the person's position is mixed in.
using key_hash = strong<struct key_tag, std::uint64_t>;
// Keyed hash of a request's body as the citizen meant it; only ever compared under an equal key.
using body_hash = strong<struct body_tag, std::uint32_t>;

// Claim's shard in the top 10 of 60 bits, 50 random bits below: routable from any front, silent about how many there are.
struct reference {
  std::uint64_t value{};
  static constexpr unsigned random_bits = 50;
  static constexpr unsigned shard_bits = 10;
  constexpr reference() = default;
  constexpr explicit reference(std::uint64_t v) : value(v) {}
  static constexpr reference make(shard_id shard, std::uint64_t random) {
    return reference{(std::uint64_t{shard.value} << random_bits) | (random & ((std::uint64_t{1} << random_bits) - 1))};
  }
  [[nodiscard]] constexpr shard_id shard() const { return shard_id{static_cast<std::uint16_t>(value >> random_bits)}; }
  friend constexpr auto operator<=>(const reference&, const reference&) = default;
};

// Keyed hash of (round, kind of identity, number): the same person in two rounds is two citizens.
struct citizen_hash {
  std::array<std::uint8_t, 16> bytes{};
  [[nodiscard]] std::uint64_t low() const {
    std::uint64_t v = 0;
    std::memcpy(&v, bytes.data(), sizeof v);
    return v;
  }
  friend constexpr auto operator<=>(const citizen_hash&, const citizen_hash&) = default;
};

// What figures may know of a citizen, outside the sealed record: state (0 = unknown, 1..16 as in the population table)
// and age band (0 = unknown, 1: under 18, 2: 18-39, 3: 40-59, 4: 60 and over).
struct citizen_facts {
  std::uint8_t state = 0;
  std::uint8_t age_band = 0;
  friend constexpr auto operator<=>(const citizen_facts&, const citizen_facts&) = default;
};

inline constexpr std::uint8_t state_count = 17;
inline constexpr std::uint8_t age_band_count = 5;

// Where a sealed record lies: the log entry that brought it in and its place among that entry's records.
struct record_locator {
  shard_id shard;
  sequence_t sequence;
  std::uint16_t index = 0;
  friend constexpr auto operator<=>(const record_locator&, const record_locator&) = default;
};

// Limits of the domain, in one place.
namespace limits {
inline constexpr std::size_t party_people_max = 4;
inline constexpr std::size_t windows_per_group_max = 64;
inline constexpr std::uint32_t capacity_max = 1'000'000;
inline constexpr std::size_t sealed_record_bytes_max = 8 * 1024;
inline constexpr std::size_t group_waiters_max = 1024;          // commands waiting for held places of one group
inline constexpr std::size_t group_holds_max = 4096;            // places held in memory by one group
inline constexpr std::size_t group_fallen_max = 512 * 1024;     // references of one group whose holds fell before their claims were made
inline constexpr std::size_t claim_waiters_max = 16;            // commands waiting for one citizen's claim
inline constexpr std::size_t group_appends_max = 16 * 1024;     // appends of one group on their way
inline constexpr std::size_t registry_appends_max = 64 * 1024;  // appends of one registry on their way
inline constexpr std::size_t registry_waiters_max = 16 * 1024;  // commands waiting in one registry, over all citizens
inline constexpr std::size_t registry_sweep_max = 256;          // unsettled claims driven on by one tick
// Bookings and moves that a citizen may begin in a round, those that came to nothing too; what a round says, and the most that it can.
inline constexpr std::uint16_t changes_max = 10;
inline constexpr std::uint16_t changes_max_most = 1'000;
inline constexpr std::size_t shards_max = 1U << reference::shard_bits;
// What an operator writes stands in a log for ever and goes to every node: an order's reason, and everything else in words.
inline constexpr std::size_t reason_characters_max = 500;
inline constexpr std::size_t order_text_bytes_max = 4 * reason_characters_max;  // of UTF-8
static_assert(party_people_max < 16 && windows_per_group_max <= std::numeric_limits<std::uint8_t>::max());
}  // namespace limits

}  // namespace janji

template <class Tag, class Rep>
struct std::hash<janji::strong<Tag, Rep>> {
  std::size_t operator()(const janji::strong<Tag, Rep>& v) const noexcept { return std::hash<Rep>{}(v.value); }
};
template <>
struct std::hash<janji::reference> {
  std::size_t operator()(const janji::reference& v) const noexcept { return std::hash<std::uint64_t>{}(v.value); }
};
template <>
struct std::hash<janji::citizen_hash> {
  std::size_t operator()(const janji::citizen_hash& v) const noexcept { return static_cast<std::size_t>(v.low()); }
};
