// What is true: every event in the order in which it reached the disk, counted with none of the code under test. Each event
// is checked as it comes (I1, I3, I6 and the rules of design.md 5); a breach is kept, the first one counts.
//
// What is on disk is seen by others a little later, when its actor has heard of it. So a place that was given up still
// counts as taken, for those who say no, until somebody was told or all was at rest.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "booking/events.hpp"
#include "booking/round.hpp"
#include "booking/round_parts.hpp"
#include "store/node_store.hpp"

namespace janji::sim {

using moment = std::uint64_t;  // steps of the walk
using place_key = std::pair<reference, generation_t>;

class ledger {
public:
  struct place {
    citizen_hash citizen;
    key_hash key;
    group_id group;
    window_index window;
    place_status status = place_status::confirmed;
    moment booked_at = 0;
    std::optional<moment> seen_free_at;
    [[nodiscard]] bool live() const { return status == place_status::confirmed; }
  };
  enum class claim_phase : std::uint8_t { pending, confirmed, cancelling, moving, releasing, cancelled, released, joined };
  struct claim {
    citizen_hash citizen;
    group_id group;
    generation_t generation;
    group_id to;
    generation_t tried;
    claim_phase phase = claim_phase::pending;
    int ended = 0;
  };
  struct counts {
    std::uint64_t booked = 0;
    std::uint64_t declined = 0;
    std::uint64_t cancelled = 0;
    std::uint64_t moved = 0;
    std::uint64_t claims_released = 0;
  };

  // ---- told by the walk
  std::function<void(std::string)> breach = [](auto&&) {};
  std::function<void(std::uint64_t)> mix = [](auto) {};  // into the trace hash
  std::function<bool(const booked&)> wanted = [](const auto&) { return true; };
  std::function<void(const std::string&)> say;  // a trace; empty: none
  void at(moment now) { now_ = now; }
  void on_disk(const store::shard_write& write);
  void told_free(reference ref);  // a citizen was told that it is cancelled or moved
  void all_seen();                // everything is at rest
  [[nodiscard]] moment last_rest() const { return last_rest_; }

  // ---- asked by the walk
  [[nodiscard]] const std::map<place_key, place>& places() const { return places_; }
  [[nodiscard]] const std::map<reference, claim>& claims() const { return claims_; }
  [[nodiscard]] const place* find(reference ref, generation_t generation) const;
  [[nodiscard]] bool has_live(reference ref) const;
  [[nodiscard]] bool ever_booked(reference ref, const citizen_hash& citizen) const;
  [[nodiscard]] std::uint32_t live(group_id group, window_index window) const;
  [[nodiscard]] std::uint32_t capacity(group_id group, window_index window) const;
  [[nodiscard]] std::size_t windows(group_id group) const;
  // Could somebody have said with good reason, at a moment since `since`, that n more do not fit?
  [[nodiscard]] bool may_be_full(group_id group, window_index window, std::size_t n, moment since, moment rest_before) const;
  [[nodiscard]] bool may_hold_place(const citizen_hash& citizen, moment since) const;
  [[nodiscard]] std::size_t unsettled() const;
  void check_at_rest();  // claims and bookings say the same, nobody has two places
  [[nodiscard]] const counts& figures() const { return figures_; }

private:
  using window_key = std::pair<group_id, window_index>;
  void take(group_id group, const group_event& event);
  void take(const registry_event& event);
  void take(const round_event& event);
  void book(group_id group, const booked& event);
  void give_up(group_id group, reference ref, generation_t generation, place_status why);
  void move(group_id group, const moved_within& event);
  void check_room(group_id group, window_index window);
  void check_citizen(const citizen_hash& citizen);
  void add_claim(const claimed& event);
  void end_move(claim& c, reference ref);
  claim* must_find(reference ref);
  template <class... Args>
  void note(const char* format, const Args&... args);

  std::map<place_key, place> places_;
  round_joiner round_parts_;
  std::set<std::pair<group_id, place_key>> declined_;
  std::map<reference, claim> claims_;
  std::map<window_key, std::vector<std::pair<moment, std::uint32_t>>> capacities_;  // each with the moment from which it holds
  counts figures_;
  moment now_ = 0;
  moment last_rest_ = 0;
};

}  // namespace janji::sim
