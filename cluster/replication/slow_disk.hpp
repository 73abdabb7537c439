// When a disk is slow: the one rule, for the machine that acts by it and for whoever shows it to people. Pure; any thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace janji::replication {

// A disk is slow whose writes take so long, and so many times as long as those of enough others to go on without it. The limit only
// keeps disks apart that are all fast: nodes that share a busy disk are at times tens of milliseconds apart.
struct slow_disk_rule {
  std::uint32_t least_us = 50'000;
  std::uint32_t factor = 5;

  // `usual_us` as below; 0: nobody is slow.
  [[nodiscard]] constexpr bool is_slow(std::uint32_t us, std::uint32_t usual_us) const {
    return usual_us != 0 && us >= least_us && us / factor >= usual_us;
  }
};

// How long a write takes at the slowest of those disks that are enough to go on with: held against it, one slow disk beside two good
// ones is slow, and where all are alike none is. 0: fewer than `enough` are known.
[[nodiscard]] inline std::uint32_t usual_write_us(std::vector<std::uint32_t> known, std::size_t enough) {
  enough = std::max<std::size_t>(enough, 1);
  if (known.size() < enough)
    return 0;
  std::ranges::nth_element(known, known.begin() + static_cast<std::ptrdiff_t>(enough - 1));
  return known[enough - 1];
}

}  // namespace janji::replication
