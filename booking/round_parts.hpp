// A large round in the log: parts with its centres and slot groups, then the event from which on it exists (docs/decisions/0028).
// What is not ended by that event has no effect: the next import begins anew with a part numbered 0. One import is under way at a time.
// Plain values, pure.
#pragma once

#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "booking/round.hpp"

namespace janji {

namespace limits {
inline constexpr std::size_t part_centres_max = 1'000;  // at most about 700 kB
// A slot group counts as its windows and five more: about 500 kB, or 1 MB where windows have ends of their own.
inline constexpr std::size_t part_windows_max = 65'536;
}  // namespace limits

// Whether one event would be larger than a part.
[[nodiscard]] bool goes_in_parts(const round_definition& round);

// Gives out a numbered round's parts in their order, then the event that ends the import. Owns the round.
class round_cutter {
public:
  explicit round_cutter(round_imported whole) : whole_(std::move(whole)) {}
  // The next part; the event that ends the import when there is none left. Not called again after that.
  [[nodiscard]] round_event next();
  [[nodiscard]] bool ended() const { return ended_; }
  // To begin anew elsewhere, at any time.
  [[nodiscard]] round_imported whole() && { return std::move(whole_); }

private:
  round_imported whole_;
  std::size_t centres_ = 0, groups_ = 0;  // given out
  std::uint32_t parts_ = 0;
  bool ended_ = false;
};

// Makes one event of an import again.
class round_joiner {
public:
  // The event as those who know nothing of parts have it; none while it is a part of what is to come. An error: it does not go with
  // what came before, or has more in it than a round can have; then it is as if nothing had been taken.
  [[nodiscard]] std::expected<std::optional<round_event>, std::string> take(round_event event);
  // What was taken of an import that is not ended, as it came: a snapshot between two parts must hold it.
  [[nodiscard]] const std::vector<round_event>& pending() const { return pending_; }

private:
  [[nodiscard]] std::expected<void, std::string> follows(const round_part& part) const;
  std::vector<round_event> pending_;  // parts
  std::size_t centres_ = 0, groups_ = 0;
};

}  // namespace janji
