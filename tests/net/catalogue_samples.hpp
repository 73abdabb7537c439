// A small round for tests: centres A and B in Johor, C in Kedah, three days in June 2021.
#pragma once

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "actors/node.hpp"

namespace janji::net::test {

// A has two windows (09:00 and 13:00) on 7 and 8 June; B and C one (09:00) on 7, 8 and 9 June. Groups are numbered from 1.
inline round_definition sample_round() {
  using namespace std::chrono_literals;
  round_definition d;
  d.id = round_id{1};
  d.code = "r1";
  d.name = "A round";
  d.time_zone = "Asia/Kuala_Lumpur";
  d.opens_at = unix_ms{1};
  d.closes_at = unix_ms{4'000'000'000'000};
  d.centres = {{"A", "Hall A", "Johor", "Kluang", 1.5, 103.7},
               {"B", "Hall B", "Johor", "Muar", 2, 102.5},
               {"C", "Hall C", "Kedah", "Baling", 5.6, 100.9}};
  std::uint32_t next = 0;
  for (std::uint16_t c = 0; c < 3; ++c)
    for (unsigned day = 7; day <= (c == 0 ? 8U : 9U); ++day) {
      group_definition g{group_id{++next}, c, 2021y / std::chrono::June / day, {{540, 720, 10}}};
      if (c == 0)
        g.windows.push_back({780, 960, 10});
      d.groups.push_back(std::move(g));
    }
  return d;
}

inline actors::round_entry entry_of(round_definition definition) {
  auto made = std::make_shared<actors::round_body>();
  auto& e = *made;
  e.definition = std::move(definition);
  const auto& d = e.definition;
  for (std::uint16_t c = 0; c < d.centres.size(); ++c)
    e.centre_by_code.emplace(d.centres[c].code, c);
  for (std::uint32_t i = 0; i < d.groups.size(); ++i)
    e.group_by_day.emplace(std::pair{d.groups[i].centre, std::chrono::sys_days{d.groups[i].date}}, i);
  return {std::move(made), {round_state::open, {}, {}}};
}
inline actors::round_entry sample_entry() { return entry_of(sample_round()); }

inline std::shared_ptr<const actors::round_catalogue> catalogue_of(round_definition definition) {
  auto catalogue = std::make_shared<actors::round_catalogue>();
  const auto entry = std::make_shared<const actors::round_entry>(entry_of(std::move(definition)));
  const auto& groups = entry->definition.groups;
  for (std::uint32_t i = 0; i < groups.size(); ++i)
    catalogue->groups.add({{groups[i].id.value, {entry->definition.id, groups[i].centre, shard_id{0}, i}}});
  catalogue->rounds.push_back(entry);
  return catalogue;
}
inline std::shared_ptr<const actors::round_catalogue> sample_catalogue() { return catalogue_of(sample_round()); }

}  // namespace janji::net::test
