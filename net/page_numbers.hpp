// What a node has heard of a round's numbers, as the pages need it: never zero for what is not known. Taken at one moment; any thread.
#pragma once

#include <algorithm>
#include <array>
#include <limits>
#include <memory>
#include <optional>
#include <string_view>

#include "actors/node.hpp"
#include "web/pages.hpp"

namespace janji::net {

// What is known of several together: what is over or closed adds nothing, and one that is not known makes it unknown.
class added_places {
public:
  void add(const web::availability& one);
  [[nodiscard]] const web::availability& sum() const { return sum_; }  // of none: over

private:
  web::availability sum_{.free = 0, .over = true, .closed = true};
};

struct page_numbers {
  page_numbers(const actors::node& node, std::shared_ptr<const actors::round_entry> of);

  struct centre_numbers {
    web::availability at;
    std::optional<civil_date> next;  // with enough room
  };
  // Places of windows that have room for so many together.
  [[nodiscard]] centre_numbers of_centre(std::uint16_t centre, std::uint8_t people) const;
  // It can no longer be booked.
  [[nodiscard]] bool is_over(const group_definition& g, std::size_t window) const { return g.windows[window].book_until <= past_; }
  [[nodiscard]] web::availability of_group(const group_definition& g, std::uint8_t people) const;
  [[nodiscard]] web::availability of_window(const group_definition& g, std::size_t window, std::uint8_t people) const;

  // A round's groups are sorted by centre.
  template <class Use>
  void each_of_centre(std::uint16_t centre, Use&& use) const {
    const auto& groups = round->definition.groups;
    for (auto it = std::ranges::lower_bound(groups, centre, {}, &group_definition::centre); it != groups.end() && it->centre == centre;
         ++it)
      use(*it);
  }

  struct all_sums {
    std::uint64_t places = 0, booked = 0, free = 0, cancelled = 0;
    bool whole = true;  // nothing of it is unknown
  };
  [[nodiscard]] all_sums sums() const;
  [[nodiscard]] all_sums sums_of_centre(std::uint16_t centre) const;
  [[nodiscard]] std::array<std::uint64_t, state_count> booked_by_state() const;

  std::shared_ptr<const actors::round_entry> round;  // none: there is none
  std::optional<unix_ms> as_of;                      // how old the oldest of it is; none: something was never heard

private:
  [[nodiscard]] const actors::group_figures* find(group_id group) const;
  [[nodiscard]] web::availability of_window(const group_definition& g, const actors::group_figures* known, std::size_t window,
                                            std::uint8_t people) const;
  std::shared_ptr<const std::vector<actors::group_figures>> figures_;
  unix_ms past_{std::numeric_limits<std::int64_t>::min()};  // what ends by then is over; where nodes do not judge so, nothing
};

// Up to three windows with room for so many: the same centre's nearest days first, then those of other centres of its state, of which a few
// are looked at: it is asked for on the citizens' thread. What is not known to be free is not
// among them, nor is the time `but` of that day, which somebody was just refused, though the numbers may be older than that.
[[nodiscard]] std::vector<web::near_place> nearest_free(const page_numbers& numbers, std::string_view centre, civil_date date,
                                                        std::uint8_t people, std::optional<std::uint16_t> but = std::nullopt);

// The days and windows of a centre, for choosing and for moving alike.
void fill_month(const page_numbers& numbers, std::string_view centre, web::month_model& m);
void fill_times(const page_numbers& numbers, std::string_view centre, web::times_model& m);

}  // namespace janji::net
