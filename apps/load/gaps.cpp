#include "apps/load/gaps.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "cluster/placement.hpp"

namespace janji::load {

void gap_finder::answer(const record_entry& e) {
  const auto window = e.place.rfind('/');
  if (e.what != operation::book || window == std::string::npos)
    return;
  const auto shard = cluster::shard_of_key(round_ + "/" + e.place.substr(0, window), static_cast<std::uint16_t>(asked_.size()));
  asked_[shard.value].push_back(
      {e.sent_us, e.sent_us + e.latency_us, e.result == outcome::yes || (e.result == outcome::no && e.status != 429)});
}

namespace {

// What happens at one moment: an answer for good first, then what is asked.
struct moment {
  std::int64_t at_us = 0;
  int order = 0;
  std::int64_t sent_us = 0;
  friend auto operator<=>(const moment&, const moment&) = default;
};

}  // namespace

gap_findings gap_finder::find() {
  gap_findings out;
  for (std::uint16_t s = 0; s < asked_.size(); ++s) {
    std::vector<moment> moments;
    for (const auto& a : asked_[s]) {
      moments.push_back({a.sent_us, 1, a.sent_us});
      if (a.for_good)
        moments.push_back({a.told_us, 0, a.sent_us});
    }
    std::ranges::sort(moments);
    shard_gap gap{s, 0, 0, 0};
    std::optional<std::int64_t> waiting_since;  // since the last answer for good, or the first request after it
    std::uint64_t open = 0;                     // asked, and not answered for good yet
    for (const auto& m : moments) {
      if (m.order == 1) {
        ++open;
        waiting_since = waiting_since.value_or(m.at_us);
        continue;
      }
      ++gap.answers;
      if (waiting_since && m.at_us - *waiting_since > gap.longest_us) {
        gap.longest_us = m.at_us - *waiting_since;
        gap.ended_us = m.at_us;
      }
      open -= open > 0 ? 1 : 0;
      waiting_since = open > 0 ? std::optional(m.at_us) : std::nullopt;
    }
    out.answers += gap.answers;
    if (gap.answers != 0)
      out.shards.push_back(gap);
  }
  std::ranges::sort(out.shards, std::greater{}, &shard_gap::longest_us);
  return out;
}

std::expected<gap_findings, std::string> gaps_of(const std::string& record, std::uint16_t shard_count) {
  std::optional<gap_finder> finder;
  std::uint64_t torn = 0;
  std::vector<record_entry> all;
  const auto header = read_record(record, [&](record_entry&& e) { all.push_back(std::move(e)); }, torn);
  if (!header)
    return std::unexpected(header.error());
  finder.emplace(header->round, shard_count);
  for (const auto& e : all)
    finder->answer(e);
  return finder->find();
}

std::string as_json(const gap_findings& f) {
  std::string shards;
  for (const auto& s : f.shards)
    shards += fmt::format(R"({}{{"shard":{},"longest_ms":{:.1f},"ended_us":{},"answers":{}}})", shards.empty() ? "" : ",", s.shard,
                          static_cast<double>(s.longest_us) / 1000, s.ended_us, s.answers);
  return fmt::format(R"({{"answers":{},"longest_ms":{:.1f},"shards":[{}]}})", f.answers,
                     f.shards.empty() ? 0.0 : static_cast<double>(f.shards.front().longest_us) / 1000, shards);
}

std::string as_table(const gap_findings& f) {
  constexpr std::size_t shown = 10;
  auto out = fmt::format("{} answers for good; the longest that a shard which was asked gave none:\n", f.answers);
  for (std::size_t i = 0; i < std::min(shown, f.shards.size()); ++i)
    out += fmt::format("  shard {:>4}  {:>9.1f} ms  of {} answers\n", f.shards[i].shard, static_cast<double>(f.shards[i].longest_us) / 1000,
                       f.shards[i].answers);
  return out;
}

}  // namespace janji::load
