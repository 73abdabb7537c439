// What slot groups, registries and fronts of different nodes send each other, as bytes and back. What comes from a peer is
// checked as what comes from a stranger: limits, numbers and enums. Pure; any thread.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "booking/messages.hpp"
#include "booking/slot_group.hpp"
#include "schema/codec.hpp"

namespace janji::schema {

inline constexpr std::size_t mail_items_max = 65'536;
inline constexpr std::size_t mail_text_bytes_max = 4'096;  // of who and why
static_assert(limits::order_text_bytes_max <= mail_text_bytes_max, "an order goes to another node whole");

// How mail has come so far, between nodes that look for the shard's leader.
struct passage {
  std::uint8_t hops = 0;
  epoch_t epoch;  // of the latest record that whoever sent it on knew
  unix_ms sent;   // by the sender's clock; 0: not told
  friend bool operator==(const passage&, const passage&) = default;
};
struct mail_to_group {
  group_id group;
  passage way;
  std::vector<group_input> inputs;
};
struct mail_to_registry {
  passage way;
  std::vector<registry_input> inputs;
};
using any_mail = std::variant<mail_to_group, mail_to_registry>;

// What never leaves a node (appended, strict_round_done, tick) must not be in it.
[[nodiscard]] std::string encode_mail(group_id group, const passage& way, std::span<const group_input> inputs);
[[nodiscard]] std::string encode_mail(const passage& way, std::span<const registry_input> inputs);
// Deadlines are by the sender's clock on the way, and here by the reader's, which says `now`: clocks may be apart.
[[nodiscard]] std::expected<any_mail, codec_error> decode_mail(std::string_view bytes, unix_ms now);

[[nodiscard]] std::string encode_answers(std::span<const answer> answers);
[[nodiscard]] std::expected<std::vector<answer>, codec_error> decode_answers(std::string_view bytes);

// Committed numbers of one slot group: what figures and availability are made of.
struct group_figures {
  group_id group;
  std::vector<window_counts> windows;
  std::vector<std::uint32_t> booked_by_facts;  // state_count x age_band_count
  sequence_t applied;                          // position of the shard's log up to which they are true
  epoch_t tenure = {};                         // in which the tenure of the shard's leader began; 0: an earlier version
};
struct told_figures {
  std::vector<group_figures> groups;
  std::vector<shard_id> shards;           // led by the sender, and told whole up to here
  std::optional<sequence_t> rounds = {};  // the sender leads them, and these are all; none: it does not, or is an earlier version
};
[[nodiscard]] std::string encode_figures(const told_figures& figures);
[[nodiscard]] std::expected<told_figures, codec_error> decode_figures(std::string_view bytes);

struct rounds_history {
  sequence_t applied;
  std::vector<round_event> events;
  sequence_t since = {};  // 0: all events
};
[[nodiscard]] std::string encode_rounds(sequence_t applied, std::span<const round_event> history, sequence_t since = {});
[[nodiscard]] std::expected<rounds_history, codec_error> decode_rounds(std::string_view bytes);

struct shard_report {
  shard_id shard;
  epoch_t epoch;
  sequence_t committed;
  sequence_t tail;
  bool serving = false;
  std::optional<std::pair<epoch_t, sequence_t>> missing;  // that it waits for at its leader: no disk that is heard holds it
  friend bool operator==(const shard_report&, const shard_report&) = default;
};
inline constexpr std::size_t refusal_codes_max = 96;
inline constexpr std::size_t refusal_code_bytes_max = 40;
using refusal_counts = std::vector<std::pair<std::string, std::uint64_t>>;  // by code
struct node_report {
  std::vector<shard_report> shards;
  bool storage_low = false;
  std::uint64_t disk_free_bytes = 0;
  std::uint64_t disk_total_bytes = 0;
  unix_ms clock;                                  // the node's own, when it said so
  std::optional<sequence_t> rounds_applied = {};  // up to where it knows the rounds; none: an earlier version
  std::string directory_wrong = {};               // what is wrong with its own directory
  std::uint32_t disk_waits_ms = 0;                // how long the oldest operation of its disk has not come back
  std::uint32_t disk_write_us = 0;                // how long a write takes lately
  refusal_counts refusals = {};                   // told to citizens by this start of the node
  unix_ms counted_since = {};                     // by the node's clock; 0: an earlier version, which counts for itself
  std::int64_t clock_set_ms = 0;                  // how far its clock has been set since its start
  std::string waits_for = {};                     // why it takes no bookings, though it has started
  friend bool operator==(const node_report&, const node_report&) = default;
};
[[nodiscard]] std::string encode_report(const node_report& report);
[[nodiscard]] std::expected<node_report, codec_error> decode_report(std::string_view bytes);

// Which sealed records are asked for: of the places of a slot group, in the order of their references; or those that lie at these
// positions of the shard's log.
struct records_ask {
  group_id group;
  std::optional<reference> only = {};
  std::optional<reference> after = {};
  std::optional<window_index> window = {};
  bool cancelled = false;  // cancelled places too
  std::vector<record_locator> at = {};
  friend bool operator==(const records_ask&, const records_ask&) = default;
};
// A place with its sealed record, as it is kept. Of what was asked by position, the record alone.
struct sealed_place {
  reference ref;
  generation_t generation;
  window_index window;
  place_status status = place_status::confirmed;
  unix_ms at;
  std::string sealed = {};  // empty: a fault, or it lies in another shard
  std::string fault = {};   // why it cannot be read
  record_locator record = {};
  friend bool operator==(const sealed_place&, const sealed_place&) = default;
};
struct sealed_places {
  std::vector<sealed_place> places;
  bool more = false;  // behind the last of these
  friend bool operator==(const sealed_places&, const sealed_places&) = default;
};
// Of one answer: so it is one message, and no longer on its way than others can wait.
inline constexpr std::size_t sealed_places_max = 200;
[[nodiscard]] std::string encode_sealed_places(const sealed_places& places);
[[nodiscard]] std::expected<sealed_places, codec_error> decode_sealed_places(std::string_view bytes);

// An operator's question or order about one shard, to a node that has it or leads it.
struct shard_ask {
  enum class verb : std::uint8_t { hash_log, replace, read_log, note, round_order, read_records };
  std::uint64_t number = 0;
  verb what = verb::hash_log;
  sequence_t up_to;                          // read_log: what comes after it
  std::uint64_t who_node = 0, who_disk = 0;  // replace: the dead one
  std::uint64_t by_node = 0, by_disk = 0;
  operator_noted noted;  // note
  std::string order;     // round_order: encode_rounds of one event
  records_ask records;   // read_records
  friend bool operator==(const shard_ask&, const shard_ask&) = default;
};
struct shard_said {
  std::uint64_t number = 0;
  bool good = false;
  std::string text;           // the hash; what was done; or why not
  std::string log;            // read_log: the part, encoded; read_records: encode_sealed_places
  sequence_t rounds_applied;  // up to where whoever says it knows the rounds
  friend bool operator==(const shard_said&, const shard_said&) = default;
};
[[nodiscard]] std::string encode_ask(const shard_ask& ask);
[[nodiscard]] std::expected<shard_ask, codec_error> decode_ask(std::string_view bytes);
[[nodiscard]] std::string encode_said(const shard_said& said);
[[nodiscard]] std::expected<shard_said, codec_error> decode_said(std::string_view bytes);

}  // namespace janji::schema
