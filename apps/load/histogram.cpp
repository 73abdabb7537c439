#include "apps/load/histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace janji::load {

histogram::histogram() : counts_(index_of(highest) + 1, 0) {}

std::size_t histogram::index_of(std::uint64_t value) {
  if (value < sub_count)
    return static_cast<std::size_t>(value);
  const auto bucket = static_cast<unsigned>(std::bit_width(value)) - sub_bits;  // how many low bits are dropped
  const auto sub = value >> bucket;                                             // in [1024, 2048)
  return static_cast<std::size_t>(sub_count + (bucket - 1) * (sub_count / 2) + (sub - sub_count / 2));
}

std::uint64_t histogram::top_at(std::size_t index) {
  if (index < sub_count)
    return index;
  const auto past = index - sub_count;
  const auto bucket = past / (sub_count / 2) + 1;
  const auto sub = past % (sub_count / 2) + sub_count / 2;
  return ((sub + 1) << bucket) - 1;
}

std::uint64_t histogram::top_of(std::uint64_t value) { return top_at(index_of(std::min(value, highest))); }

void histogram::record(std::uint64_t value, std::uint64_t times) {
  if (times == 0)
    return;
  value = std::min(value, highest);
  counts_[index_of(value)] += times;
  min_ = count_ == 0 ? value : std::min(min_, value);
  max_ = std::max(max_, value);
  sum_ += static_cast<double>(value) * static_cast<double>(times);
  count_ += times;
}

void histogram::merge(const histogram& other) {
  if (other.count_ == 0)
    return;
  for (std::size_t i = 0; i < counts_.size(); ++i)
    counts_[i] += other.counts_[i];
  min_ = count_ == 0 ? other.min_ : std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
  sum_ += other.sum_;
  count_ += other.count_;
}

void histogram::clear() {
  std::ranges::fill(counts_, 0);
  count_ = max_ = min_ = 0;
  sum_ = 0;
}

std::uint64_t histogram::percentile(double percent) const {
  if (count_ == 0)
    return 0;
  // 99.9 is a little more than 99.9 in binary: without the last factor it would ask for one value too many.
  const auto exact = std::clamp(percent, 0.0, 100.0) * static_cast<double>(count_) / 100 * (1 - 1e-12);
  const auto wanted = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(exact)));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    seen += counts_[i];
    if (seen >= wanted)
      return std::min(top_at(i), max_);
  }
  return max_;
}

}  // namespace janji::load
