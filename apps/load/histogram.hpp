// Latencies (or any whole numbers) with three significant digits from 0 to about 18 minutes in microseconds, in constant
// memory. The bucketing is HdrHistogram's (Gil Tene): powers of two, each cut into 1,024 equal parts; no C or C++ library
// of it is in Debian 12. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace janji::load {

class histogram {
public:
  static constexpr std::uint64_t highest = (std::uint64_t{1} << 30) - 1;  // greater values count as this one

  histogram();
  void record(std::uint64_t value, std::uint64_t times = 1);
  void merge(const histogram& other);
  void clear();

  // The greatest value that `percent` (0 to 100) of all are at or below, up to the bucket's width.
  [[nodiscard]] std::uint64_t percentile(double percent) const;
  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] std::uint64_t max() const { return max_; }
  [[nodiscard]] std::uint64_t min() const { return min_; }
  [[nodiscard]] double mean() const { return count_ == 0 ? 0 : sum_ / static_cast<double>(count_); }
  // The top of the bucket that a value falls into: what percentile() would say of it.
  [[nodiscard]] static std::uint64_t top_of(std::uint64_t value);

private:
  static constexpr unsigned sub_bits = 11;
  static constexpr std::uint64_t sub_count = std::uint64_t{1} << sub_bits;
  static std::size_t index_of(std::uint64_t value);
  static std::uint64_t top_at(std::size_t index);

  std::vector<std::uint64_t> counts_;
  std::uint64_t count_ = 0;
  std::uint64_t max_ = 0;
  std::uint64_t min_ = 0;
  double sum_ = 0;
};

}  // namespace janji::load
