// The planted faults by name, and within how many seeds the walk must find each.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "booking/faults.hpp"

namespace janji::sim {

struct named_fault {
  std::string_view name;
  bool planted_faults::* flag;
  std::uint64_t seeds_max;
};

inline constexpr std::array named_faults{
    named_fault{"answer_before_sync", &planted_faults::answer_before_sync, 50},
    named_fault{"skip_claim", &planted_faults::skip_claim, 50},
    named_fault{"keep_place_on_cancel", &planted_faults::keep_place_on_cancel, 200},
    named_fault{"count_twice_on_replay", &planted_faults::count_twice_on_replay, 500},
    named_fault{"book_declined", &planted_faults::book_declined, 2000},
    named_fault{"decline_from_memory", &planted_faults::decline_from_memory, 500},
    named_fault{"release_unsettled", &planted_faults::release_unsettled, 500},
    named_fault{"full_before_key", &planted_faults::full_before_key, 500},
    named_fault{"half_party", &planted_faults::half_party, 500},
    named_fault{"forget_keys", &planted_faults::forget_keys, 500},
    named_fault{"cancel_told_early", &planted_faults::cancel_told_early, 500},
    named_fault{"release_before_booked", &planted_faults::release_before_booked, 500},
    named_fault{"no_generation", &planted_faults::no_generation, 2000},
    named_fault{"held_counts_as_full", &planted_faults::held_counts_as_full, 500},
    named_fault{"any_incarnation", &planted_faults::any_incarnation, 5000},
    named_fault{"ignore_deadline", &planted_faults::ignore_deadline, 500},
    named_fault{"forget_refusals", &planted_faults::forget_refusals, 500},
    named_fault{"any_tenure", &planted_faults::any_tenure, 500},
    named_fault{"deny_without_look", &planted_faults::deny_without_look, 500},
    named_fault{"count_while_handing_over", &planted_faults::count_while_handing_over, 500},
    named_fault{"waiters_unindexed", &planted_faults::waiters_unindexed, 500},
    named_fault{"forget_fallen_holds", &planted_faults::forget_fallen_holds, 500},
    named_fault{"admit_whatever", &planted_faults::admit_whatever, 500},
    named_fault{"admit_at_hold_only", &planted_faults::admit_at_hold_only, 500},
    named_fault{"book_the_past", &planted_faults::book_the_past, 50},
    named_fault{"append_unjudged", &planted_faults::append_unjudged, 1000},
    named_fault{"know_at_once", &planted_faults::know_at_once, 1000},
    named_fault{"take_older_orders", &planted_faults::take_older_orders, 1000},
    named_fault{"orders_told_early", &planted_faults::orders_told_early, 500},
};

inline std::optional<planted_faults> fault_named(std::string_view name) {
  planted_faults f;
  if (name.empty())
    return f;
  for (const auto& known : named_faults)
    if (known.name == name) {
      f.*(known.flag) = true;
      return f;
    }
  return std::nullopt;
}

}  // namespace janji::sim
