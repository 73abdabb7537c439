#include <algorithm>

#include "booking/assert.hpp"
#include "cluster/replication/types.hpp"

namespace janji::replication {

namespace {
// The first sequence of the run that holds `sequence`, or the base's.
sequence_t run_start(const log_shape& log, sequence_t sequence) {
  for (auto r = log.runs.rbegin(); r != log.runs.rend(); ++r)
    if (r->first <= sequence)
      return r->first;
  return log.base.sequence;
}
}  // namespace

std::optional<epoch_t> log_shape::epoch_at(sequence_t sequence) const {
  if (sequence > tail.sequence || sequence < base.sequence)
    return std::nullopt;
  for (auto r = runs.rbegin(); r != runs.rend(); ++r)
    if (r->first <= sequence)
      return r->epoch;
  return base.epoch;
}

bool log_shape::holds(position p) const {
  if (p.sequence < base.sequence)
    return true;
  return epoch_at(p.sequence) == p.epoch;
}

position log_shape::position_at(sequence_t sequence) const {
  const auto epoch = epoch_at(sequence);
  assert_always(epoch.has_value(), "only a position that the log still tells apart");
  return {*epoch, sequence};
}

void log_shape::append(position p) {
  assert_always(p.sequence.value == tail.sequence.value + 1, "a log has no gaps");
  assert_always(p.epoch >= tail.epoch, "epochs grow along a log");
  if (p.epoch != tail.epoch)
    runs.push_back({p.epoch, p.sequence});
  tail = p;
}

void log_shape::cut(sequence_t keep) {
  assert_always(keep >= base.sequence, "what was compacted was committed and is never cut");
  if (keep >= tail.sequence)
    return;
  tail = position_at(keep);
  while (!runs.empty() && runs.back().first > keep)
    runs.pop_back();
}

void log_shape::compact(sequence_t up_to) {
  if (up_to <= base.sequence)
    return;
  base = position_at(up_to);
  std::erase_if(runs, [&](const run& r) { return r.first <= up_to; });
}

std::optional<sequence_t> agreement(const log_shape& a, const log_shape& b) {
  const auto floor = std::max(a.base.sequence, b.base.sequence);
  auto s = std::min(a.tail.sequence, b.tail.sequence);
  while (s >= floor) {
    if (a.epoch_at(s) == b.epoch_at(s))
      return s;
    const auto start = std::max(run_start(a, s), run_start(b, s));
    if (start <= floor && s == floor)
      break;
    s = sequence_t{std::max(start.value, floor.value + 1) - 1};
  }
  return std::nullopt;
}

}  // namespace janji::replication
