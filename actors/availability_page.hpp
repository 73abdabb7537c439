// The free places of one state, ready to send, and which part of them is which day. Immutable once published; any thread.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "booking/types.hpp"

namespace janji::actors {

struct availability_page {
  // Of the body, in bytes.
  struct span {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
  };
  struct day_part {
    std::int32_t day = 0;  // since 1970-01-01
    span text;
  };
  struct centre_part {
    span head;                   // up to the first of its days
    std::uint32_t days_end = 0;  // of `days`: one past its last; they begin where those of the centre before end
  };

  std::string body;              // JSON
  std::string etag;              // quoted
  std::optional<unix_ms> as_of;  // when status and all numbers were last known to be these; none: some have never been heard
  unix_ms built_at;
  // By the clock as it is set: what it says of statuses holds until then, and then what `after` says, which is made when it is near.
  unix_ms until{std::numeric_limits<std::int64_t>::max()};
  std::shared_ptr<const availability_page> after;
  std::uint32_t status_begin = 0;  // what comes before says when and of what, and is not of the tag
  std::uint32_t centres_begin = 0;
  std::vector<centre_part> centres;
  std::vector<day_part> days;  // of a centre in their order

  // Of all its days; none where there are none.
  struct range {
    std::int32_t from = 0;
    std::int32_t to = 0;
    friend bool operator==(const range&, const range&) = default;
  };
  [[nodiscard]] std::optional<range> all_days() const { return days.empty() ? std::nullopt : std::optional(range_); }
  void add_day(std::int32_t day, span text) {
    range_ = days.empty() ? range{day, day} : range{std::min(range_.from, day), std::max(range_.to, day)};
    days.push_back({day, text});
  }
  // The same page with these days alone, both of them included. As long as it takes to copy them.
  [[nodiscard]] std::string only_days(const range& wanted) const;

  // The body compressed; empty while it is not. Asked for once, it is compressed when it is built the next time.
  [[nodiscard]] const std::string& gzip() const;
  [[nodiscard]] bool gzip_asked_for() const { return asked_.load(std::memory_order_relaxed); }
  void compress() const;

private:
  range range_;
  mutable std::once_flag once_;
  mutable std::string gzip_;
  mutable std::atomic<bool> asked_{false};
  mutable std::atomic<bool> compressed_{false};
};

}  // namespace janji::actors
