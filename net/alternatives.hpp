// Where there is still room, for those who are told `full`: after the first minute nearly every answer is one, so what is
// near a slot group is worked out once and kept until the numbers are old. Not thread-safe.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actors/node.hpp"

namespace janji::net {

class alternatives {
public:
  static constexpr std::size_t shown = 3;
  static constexpr std::int64_t renew_after_ms = 1'000;

  using figures_ptr = std::shared_ptr<const std::vector<actors::group_figures>>;

  // Up to three as a JSON array, the same centre's nearest days first, then those of its state; "" when there are none.
  // `window`: the one that is full; none: the whole group. Not among the three, though the numbers may be older than that it
  // is full. None that is over by `moment`, of the clock as it is set. Valid until the next call.
  [[nodiscard]] std::string_view near(const std::shared_ptr<const actors::round_catalogue>& catalogue, const figures_ptr& figures,
                                      unix_ms now, group_id full, std::optional<window_index> window, std::size_t people,
                                      unix_ms moment = unix_ms{std::numeric_limits<std::int64_t>::min()});

private:
  struct place {
    std::uint16_t round = 0;
    std::uint16_t centre = 0;
    std::uint8_t state = 0;
    std::uint8_t window = 0;
    std::int32_t day = 0;
    std::uint32_t index = 0;  // into the round's groups
    std::uint32_t free = 0;
  };
  void rebuild(const figures_ptr& figures, unix_ms moment);
  [[nodiscard]] std::string search(group_id full, std::optional<window_index> window, std::size_t people) const;

  std::shared_ptr<const actors::round_catalogue> catalogue_;
  unix_ms built_at_{-renew_after_ms};
  unix_ms moment_, until_ = never_over;  // when it was built, and when the first of what is free is over
  std::vector<place> free_;              // sorted by round and state
  boost::unordered_flat_map<std::uint64_t, std::string> known_;
};

}  // namespace janji::net
