// How long a shard gave no answer while it was asked: from a record, for every shard of slot groups. What a rider of a
// fail-over feels. A wait begins with the first request that is not answered for good, and ends with the next answer for good
// (yes, or a denial) of the same shard.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <vector>

#include "apps/load/record.hpp"

namespace janji::load {

struct shard_gap {
  std::uint16_t shard = 0;
  std::int64_t longest_us = 0;
  std::int64_t ended_us = 0;  // since 1970
  std::uint64_t answers = 0;  // for good
};

struct gap_findings {
  std::vector<shard_gap> shards;  // the longest wait first; only those that were asked
  std::uint64_t answers = 0;
};

// Collects answers in any order. Pure; not thread-safe.
class gap_finder {
public:
  gap_finder(std::string round, std::uint16_t shard_count) : round_(std::move(round)), asked_(shard_count) {}
  void answer(const record_entry& e);
  [[nodiscard]] gap_findings find();

private:
  struct one {
    std::int64_t sent_us = 0;
    std::int64_t told_us = 0;
    bool for_good = false;
  };
  std::string round_;
  std::vector<std::vector<one>> asked_;
};

std::expected<gap_findings, std::string> gaps_of(const std::string& record, std::uint16_t shard_count);
[[nodiscard]] std::string as_json(const gap_findings& f);
[[nodiscard]] std::string as_table(const gap_findings& f);

}  // namespace janji::load
