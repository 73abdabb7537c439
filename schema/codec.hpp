// Events as bytes and back. Encoding is on the path of every booking; decoding trusts nothing: limits, lengths and enums
// are checked, and a damaged or hostile entry is an error. Pure; any thread.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "booking/admission.hpp"
#include "booking/events.hpp"
#include "booking/round.hpp"

namespace janji::schema {

enum class owner_kind : std::uint8_t { group = 0, registry = 1, rounds = 2, checkpoint = 3, admission = 4 };

// Whose state an event or snapshot belongs to, within a shard.
struct owner {
  owner_kind kind = owner_kind::registry;
  group_id group;
  static owner of(group_id g) { return {owner_kind::group, g}; }
  static owner of_registry() { return {owner_kind::registry, {}}; }
  static owner of_rounds() { return {owner_kind::rounds, {}}; }
  static owner of_checkpoint() { return {owner_kind::checkpoint, {}}; }
  static owner of_admission() { return {owner_kind::admission, {}}; }
  friend auto operator<=>(const owner&, const owner&) = default;
};

using any_event = std::variant<group_event, registry_event, round_event, admission_event>;

struct owned_event {
  owner who;
  any_event event;
};

struct codec_error {
  std::string text;
};

// Bytes that one log entry may have; a batch is cut before it grows past half of it.
inline constexpr std::size_t entry_bytes_max = std::size_t{64} * 1024 * 1024;

[[nodiscard]] std::string encode_batch(std::span<const owned_event> events);
// No batch is larger than this for each of its events; what an event really takes is a little less. Cheap.
[[nodiscard]] std::size_t bytes_bound(const any_event& event);
[[nodiscard]] std::expected<std::vector<owned_event>, codec_error> decode_batch(std::string_view bytes);
// One event after the other until `visit` returns false; what was visited before an error was found stays visited.
std::expected<void, codec_error> for_each_event(std::string_view bytes, const std::function<bool(owned_event&&)>& visit);

// Sealed records that an event brings into its log entry: one for each person that has no locator of an older one. They
// are numbered through the entry, in the order of events and people, and record_locator::index is that number.
[[nodiscard]] std::uint16_t count_records(const any_event& event);
// The sealed record with that number; an error when the entry has no such.
[[nodiscard]] std::expected<std::string, codec_error> sealed_record(std::string_view entry, std::uint16_t index);

}  // namespace janji::schema
