#include "booking/round_parts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace janji {

namespace {

constexpr std::size_t group_weight = 5;  // its own fields, in windows

std::size_t weight_of(const group_definition& g) { return g.windows.size() + group_weight; }

}  // namespace

bool goes_in_parts(const round_definition& round) {
  std::size_t weight = 0;
  for (const auto& g : round.groups)
    weight += weight_of(g);
  return round.centres.size() > limits::part_centres_max || weight > limits::part_windows_max;
}

round_event round_cutter::next() {
  auto& d = whole_.definition;
  round_part part{whole_.at, parts_, {}, {}};
  while (centres_ < d.centres.size() && part.centres.size() < limits::part_centres_max)
    part.centres.push_back(d.centres[centres_++]);
  if (part.centres.empty())
    for (std::size_t weight = 0; groups_ < d.groups.size(); ++groups_) {
      weight += weight_of(d.groups[groups_]);
      if (weight > limits::part_windows_max && !part.groups.empty())
        break;
      part.groups.push_back(d.groups[groups_]);
    }
  if (!part.centres.empty() || !part.groups.empty()) {
    ++parts_;
    return part;
  }
  ended_ = true;
  auto centres = std::exchange(d.centres, {});
  auto groups = std::exchange(d.groups, {});
  auto end = whole_;
  end.parts = parts_;
  d.centres = std::move(centres);
  d.groups = std::move(groups);
  return end;
}

std::expected<void, std::string> round_joiner::follows(const round_part& part) const {
  if (part.index != pending_.size() || (!pending_.empty() && std::get<round_part>(pending_.front()).at != part.at))
    return std::unexpected(fmt::format("part {} of an import does not follow the one before", part.index));
  if (centres_ + part.centres.size() > limits::round_centres_max || groups_ + part.groups.size() > limits::round_groups_max)
    return std::unexpected(std::string("the parts of an import have more centres or slot groups than a round can have"));
  return {};
}

std::expected<std::optional<round_event>, std::string> round_joiner::take(round_event event) {
  if (const auto* part = std::get_if<round_part>(&event)) {
    if (part->index == 0)
      *this = {};
    if (auto good = follows(*part); !good)
      return std::unexpected(std::move(good.error()));
    centres_ += part->centres.size();
    groups_ += part->groups.size();
    pending_.push_back(std::move(event));
    return std::nullopt;
  }
  auto* imported = std::get_if<round_imported>(&event);
  if (imported == nullptr || imported->parts == 0)
    return std::optional(std::move(event));
  if (imported->parts != pending_.size() || std::get<round_part>(pending_.front()).at != imported->at)
    return std::unexpected(
        fmt::format("of the {} parts of the round {} not all stand before it", imported->parts, imported->definition.code));
  auto& d = imported->definition;
  for (auto& e : std::exchange(*this, {}).pending_) {
    auto& part = std::get<round_part>(e);
    std::ranges::move(part.centres, std::back_inserter(d.centres));
    std::ranges::move(part.groups, std::back_inserter(d.groups));
  }
  if (std::ranges::any_of(d.groups, [&](const auto& g) { return g.centre >= d.centres.size(); }))
    return std::unexpected(fmt::format("the round {} has a slot group of a centre that is not there", d.code));
  imported->parts = 0;
  return std::optional(std::move(event));
}

}  // namespace janji
