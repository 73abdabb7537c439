#include "tests/sim/replication_checks.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace janji::sim {

namespace {
std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
  a ^= b + 0x9E37'79B9'7F4A'7C15ULL + (a << 6) + (a >> 2);
  a *= 0xff51'afd7'ed55'8ccdULL;
  return a ^ (a >> 32);
}
}  // namespace

std::string text(position p) { return fmt::format("{}.{}", p.epoch.value, p.sequence.value); }

std::uint64_t state_after(std::uint64_t state, const entry& e) {
  return mix(mix(mix(state, e.at.epoch.value), e.at.sequence.value), std::hash<std::string>{}(e.payload));
}

void truth::seen_on_disk(position before, const entry& e) {
  if (e.at.sequence.value != before.sequence.value + 1 || e.at.epoch < before.epoch)
    throw violation{fmt::format("gap: {} follows {} on a disk", text(e.at), text(before))};
  const auto content = mix(before.epoch.value, std::hash<std::string>{}(e.payload));
  const auto [known, is_new] = contents_.try_emplace(e.at, content);
  if (!is_new && known->second != content)
    throw violation{fmt::format("agreement: two contents at position {}", text(e.at))};
}

void truth::committed(std::uint64_t node, epoch_t epoch, const disk_log& log, position at, std::uint64_t& known) {
  const auto [by, is_first] = committers_.try_emplace(epoch, node);
  if (by->second != node)
    throw violation{fmt::format("one leader: nodes {} and {} both commit in epoch {}", by->second, node, epoch.value)};
  if (log.tail().sequence < at.sequence)
    throw violation{fmt::format("durable: {} is committed and not on its leader's disk", text(at))};
  // Who leads without knowing that it was deposed may still say what all its members had; later entries are not its own.
  const bool lacks = !holds_all(log, known) && (known < at.sequence.value || agreed_[known].by <= epoch);
  if (lacks)
    throw violation{fmt::format("lost: the leader commits {} without what was acknowledged at {}", text(at),
                                known < agreed_.size() ? text(agreed_[known].at) : "the end")};
  while (agreed_.size() < at.sequence.value) {
    const auto* e = log.find(sequence_t{agreed_.size() + 1});
    if (e == nullptr)
      throw violation{fmt::format("gap: {} is committed after {} entries", text(at), agreed_.size())};
    agreed_.push_back({e->at, state_after(agreed_.empty() ? 0 : agreed_.back().state, *e), epoch});
  }
}

void truth::applied(position at, std::uint64_t state) const {
  if (at.sequence.value > agreed_.size())
    throw violation{fmt::format("commit: {} is applied by a follower, {} entries are committed", text(at), agreed_.size())};
  if (at.sequence.value != 0 && agreed_[at.sequence.value - 1].at != at)
    throw violation{fmt::format("agreement: {} is applied where {} was committed", text(at), text(agreed_[at.sequence.value - 1].at))};
  if (state_at(at.sequence) != state)
    throw violation{fmt::format("state: two states at position {}", text(at))};
}

void truth::swapped(const versioned_record& before, const versioned_record& after) {
  if (after.record.epoch <= before.record.epoch)
    throw violation{"epochs: a swap did not raise the epoch"};
  if (after.record.in_sync.size() < after.record.min_in_sync)
    throw violation{"floor: the in-sync set fell below min_in_sync"};
  auto named = before.record;
  named.epoch = after.record.epoch;
  named.leader = after.record.leader;
  named.tenure = after.record.tenure;  // a leader's name is its node and its tenure
  named.hand_over = after.record.hand_over;
  if (after.record.tenure.epoch > after.record.epoch || after.record.tenure < before.record.tenure)
    throw violation{"tenure: it went back, or is of an epoch to come"};
  named.leader_boot = after.record.leader_boot;
  if (before.record.leader != after.record.leader && named != after.record)
    throw violation{"membership: a swap that names another leader changes more than that"};
  if (std::ranges::find(after.record.in_sync, after.record.leader) == after.record.in_sync.end())
    throw violation{"membership: the leader is not the disk that is in the set"};
}

bool truth::holds_all(const disk_log& log, std::uint64_t& known) const {
  known = std::max(known, std::min(log.base.sequence.value, agreed_.size()));
  if (known > log.tail().sequence.value)
    known = log.tail().sequence.value;
  while (known < agreed_.size()) {
    const auto* e = log.find(sequence_t{known + 1});
    if (e == nullptr || e->at != agreed_[known].at)
      return false;
    ++known;
  }
  return true;
}

}  // namespace janji::sim
