// How much was booked in each of the last minutes, of sums that are looked at now and then: what was not looked at, or not known, is a gap
// and no zero. Not thread-safe.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "booking/types.hpp"

namespace janji::net {

class minute_ring {
public:
  static constexpr std::size_t minutes_max = 1'440;
  static constexpr std::int64_t minute_ms = 60'000;

  struct minute {
    unix_ms at;                           // when it begins, or the span of which it is the first
    std::optional<std::uint64_t> booked;  // in it; none: not known
  };

  // All that was ever booked, as far as is known at that moment; none: something is not. A sum that is smaller than one before belongs to
  // another round, or to a part that is not heard any more: nothing is made of the two.
  void look(unix_ms now, std::optional<std::uint64_t> sum) {
    const auto begins = now.value / minute_ms * minute_ms;
    if (!seen_.empty() && seen_.back().begins == begins) {
      seen_.back().first = seen_.back().first ? seen_.back().first : sum;
      return;
    }
    seen_.push_back({begins, sum});
    while (seen_.size() > minutes_max)
      seen_.pop_front();
  }

  // The last spans of so many minutes that are over, the oldest first; empty while none is. They begin at multiples of their length.
  [[nodiscard]] std::vector<minute> last(unix_ms now, std::size_t count, std::int64_t minutes = 1) const {
    std::vector<minute> out;
    if (seen_.size() < 2)
      return out;
    const auto step = minutes * minute_ms;
    const auto present = now.value / step * step;
    const auto first = (seen_.front().begins + step - 1) / step * step;
    for (auto at = std::max(first, present - static_cast<std::int64_t>(count) * step); at < present; at += step) {
      const auto* here = find(at);
      const auto* next = find(at + step);
      const bool known = here != nullptr && next != nullptr && here->first && next->first && *next->first >= *here->first;
      out.push_back({unix_ms{at}, known ? std::optional(*next->first - *here->first) : std::nullopt});
    }
    return out;
  }

private:
  struct seen {
    std::int64_t begins = 0;
    std::optional<std::uint64_t> first;  // that was known in it
  };
  [[nodiscard]] const seen* find(std::int64_t begins) const {
    for (auto it = seen_.rbegin(); it != seen_.rend() && it->begins >= begins; ++it)
      if (it->begins == begins)
        return &*it;
    return nullptr;
  }
  std::deque<seen> seen_;
};

}  // namespace janji::net
