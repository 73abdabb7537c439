#include "tests/sim/replication_schedule.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <random>

namespace janji::sim {

namespace {

struct kind {
  mishap what;
  const char* name;
  int weight;
  micros lasts_max;
};
constexpr std::array<kind, mishap_count> kinds{{
    {mishap::crash, "crash", 10, 500'000},
    {mishap::wipe, "wipe", 3, 100'000},
    {mishap::forget, "forget", 3, 200'000},
    {mishap::pause, "pause", 6, 900'000},
    {mishap::cut, "cut", 8, 900'000},
    {mishap::isolate, "isolate", 6, 1'200'000},
    {mishap::clog, "clog", 5, 600'000},
    {mishap::slow_disk, "slow_disk", 3, 600'000},
    {mishap::full_disk, "full_disk", 1, 400'000},
    {mishap::etcd_away, "etcd_away", 2, 500'000},
    {mishap::etcd_forgetful, "etcd_forgetful", 6, 1'000'000},
    {mishap::watch_lag, "watch_lag", 4, 1'000'000},
    {mishap::stale_reads, "stale_reads", 3, 1'000'000},
    {mishap::lease_lapse, "lease_lapse", 3, 900'000},
    {mishap::compact, "compact", 4, 0},
    {mishap::hand_over, "hand_over", 5, 0},
    {mishap::remove, "remove", 4, 0},
    {mishap::add_learner, "add_learner", 5, 0},
    {mishap::hung_disk, "hung_disk", 0, 2'500'000},
}};

}  // namespace

schedule draw_schedule(std::uint64_t seed) {
  std::mt19937_64 random(seed * 0x9E37'79B9'7F4A'7C15ULL + 1);
  const auto below = [&](std::int64_t n) {
    return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(std::max<std::int64_t>(n, 1)));
  };
  schedule s;
  auto& w = s.sky;
  w.nodes = static_cast<int>(3 + (below(3) == 0 ? 1 + below(2) : 0));
  w.shards = static_cast<int>(below(4) == 0 ? 2 : 1);
  w.loss_per_mille = static_cast<int>(below(2) * below(80));
  w.duplicate_per_mille = static_cast<int>(below(2) * below(150));
  w.late_per_mille = static_cast<int>(below(2) * below(120));
  w.delay_max = 500 + below(6000);
  w.drift_percent = static_cast<int>(below(40));
  w.heartbeat_ticks = static_cast<int>(1 + below(4));
  w.silent_ticks = static_cast<int>(8 + below(25));
  w.suspect_ticks = static_cast<int>(6 + below(25));
  w.client_every = 1000 + below(20'000);
  w.etcd_delay_max = below(3) != 0 ? 4000 : below(120'000);
  w.reread_every = 10'000 + below(2) * below(200'000);
  w.placement_every = 20'000 + below(2) * below(300'000);
  w.dead_at_end = below(2) == 0 ? -1 : static_cast<int>(below(w.nodes));
  // A seed has some kinds of mishaps and not others: rare meetings of two become frequent in some seeds.
  std::array<int, mishap_count> weights{};
  int sum = 0;
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    if (kinds[i].weight != 0)
      weights[i] = below(100) < 55 ? kinds[i].weight : 0;
    sum += weights[i];
  }
  if (sum == 0)
    sum = weights[0] = 1;
  s.until = 600'000 + below(2'500'000);
  const auto count = 2 + below(28);
  for (std::int64_t n = 0; n < count; ++n) {
    auto pick = below(sum);
    std::size_t k = 0;
    while (pick >= weights[k])
      pick -= weights[k++];
    schedule_item item{50'000 + below(s.until - 50'000), kinds[k].what, static_cast<int>(below(w.nodes)), static_cast<int>(below(w.nodes)),
                       0};
    item.lasts = 1000 + below(kinds[k].lasts_max);
    s.items.push_back(item);
  }
  // Drawn last, so that the rest of a seed stays as it was.
  for (auto hung = std::max<std::int64_t>(below(6) - 2, 0); hung > 0; --hung)
    s.items.push_back({50'000 + below(s.until - 50'000), mishap::hung_disk, static_cast<int>(below(w.nodes)), 0, 1000 + below(2'500'000)});
  if (below(8) == 0) {  // two disks are lost at once
    const auto at = 50'000 + below(s.until - 50'000);
    const auto first = below(w.nodes);
    const auto second = (first + 1 + below(w.nodes - 1)) % w.nodes;
    for (const auto n : {first, second})
      s.items.push_back({at, mishap::wipe, static_cast<int>(n), 1, 1000 + below(100'000)});
  }
  std::ranges::stable_sort(s.items, {}, &schedule_item::at);
  return s;
}

std::string describe(const schedule_item& item) {
  return fmt::format("{} a={} b={} for {} ms", kinds[static_cast<std::size_t>(item.what)].name, item.a, item.b, item.lasts / 1000);
}

}  // namespace janji::sim
