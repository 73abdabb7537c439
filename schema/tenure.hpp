// What leaders of shards tell fronts and each other of their tenures, as bytes and back. What comes from a peer is checked as
// what comes from a stranger. Pure; any thread.
#pragma once

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "booking/refusal_table.hpp"
#include "schema/codec.hpp"

namespace janji::schema {

struct heard_shard {
  shard_id shard;
  stamp heard;
  friend bool operator==(const heard_shard&, const heard_shard&) = default;
};
[[nodiscard]] std::string encode_heard(std::span<const heard_shard> shards);
[[nodiscard]] std::expected<std::vector<heard_shard>, codec_error> decode_heard(std::string_view bytes);

// A table goes in parts of so many buckets; one that has counted nothing goes as one part without any.
inline constexpr std::size_t table_part_buckets_max = 2'048;
inline constexpr std::uint16_t table_parts_max = refusal_table::bucket_count / table_part_buckets_max;
static_assert(std::size_t{table_parts_max} * table_part_buckets_max == refusal_table::bucket_count);

struct table_part {
  std::uint64_t number = 0;  // of the hand-over; never used twice
  std::uint16_t part = 0;    // from 0
  std::uint16_t parts = 1;   // all
  tenure_id tenure;
  std::uint64_t count = 0;
  std::uint64_t salt = 0;
  std::vector<std::uint64_t> buckets;
  bool admission_known = false;
  friend bool operator==(const table_part&, const table_part&) = default;
};
[[nodiscard]] std::vector<table_part> parts_of(const refusal_table::image& table, std::uint64_t number, bool admission_known = false);
[[nodiscard]] std::string encode_table_part(const table_part& part);
[[nodiscard]] std::expected<table_part, codec_error> decode_table_part(std::string_view bytes);

// The heir has all parts.
[[nodiscard]] std::string encode_table_acknowledged(std::uint64_t number);
[[nodiscard]] std::expected<std::uint64_t, codec_error> decode_table_acknowledged(std::string_view bytes);

// What is committed in shard 0 of admission, driven (number 0) or asked for; a shard's question; what a shard has.
struct told_admission {
  std::uint64_t number = 0;
  admission_state state;
  friend bool operator==(const told_admission&, const told_admission&) = default;
};
[[nodiscard]] std::string encode_told_admission(const told_admission& told);
[[nodiscard]] std::expected<told_admission, codec_error> decode_told_admission(std::string_view bytes);
[[nodiscard]] std::string encode_admission_asked(std::uint64_t number);
[[nodiscard]] std::expected<std::uint64_t, codec_error> decode_admission_asked(std::string_view bytes);
[[nodiscard]] std::string encode_admission_held(sequence_t position);
[[nodiscard]] std::expected<sequence_t, codec_error> decode_admission_held(std::string_view bytes);

// The state of admission as a snapshot keeps it, and back.
[[nodiscard]] std::string encode_admission(const admission_state& state);
[[nodiscard]] std::expected<admission_state, codec_error> decode_admission(std::string_view bytes);

// Puts a table together from parts in any order, also doubled ones.
class table_parts {
public:
  struct whole {
    std::uint64_t number = 0;  // 0: none
    refusal_table::image table;
    bool admission_known = false;
  };
  // True when all of its number's parts are there now. A part of a later number begins anew; what was whole stays until another is.
  bool take(table_part&& part);
  [[nodiscard]] const whole& last() const { return last_; }

private:
  whole made_;
  std::vector<bool> have_;
  std::size_t missing_ = 0;
  whole last_;
};

}  // namespace janji::schema
