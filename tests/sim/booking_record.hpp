// What the booking walk knows to be true: every booking, refusal and claim that was committed, and what each citizen was told. It
// checks each event against the invariants of design.md section 1 when it commits, and each answer when it is given.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "booking/citizen_registry.hpp"
#include "booking/slot_group.hpp"
#include "tests/sim/booking_walk.hpp"

namespace janji::sim {

// A promise broken; ends the walk.
struct violation {
  std::string what;
};

inline constexpr int groups = 3;
inline constexpr int registries = 2;
inline constexpr int citizens = 3;
inline constexpr std::int64_t deadline_ms = 400;

using place = std::pair<reference, generation_t>;

struct booking_truth {
  int citizen = 0;
  key_hash key;
  int group = 0;
  window_index window;
  place_status status = place_status::confirmed;
};

struct client_request {
  enum class kind { book, cancel, move } what = kind::book;
  int citizen = 0;
  std::vector<int> party;
  key_hash key;
  int group = 0;
  std::optional<window_index> window;
  reference ref;
  unix_ms deadline;
};

// A key's number is a multiple of this; the people of a party have the numbers that follow.
inline constexpr std::uint64_t key_step = 8;
inline std::uint64_t number_of(key_hash key) { return key.value / key_step; }

class booking_record {
protected:
  explicit booking_record(bool trace) : trace_(trace) {}

  template <class... Args>
  void say(fmt::format_string<Args...> f, Args&&... args) const {
    if (trace_)
      fmt::print("{:6} {}\n", now_.value, fmt::format(f, std::forward<Args>(args)...));
  }
  static int citizen_of(const citizen_hash& h) { return h.bytes[0] - 1; }

  // An event is committed in the log of a group, of a registry. Throw a violation, as all that follows.
  void record(int g, const group_event& event);
  void record(int n, const registry_event& event);
  // Nobody holds two bookings, but one and the same on its way to another place.
  void check_citizens() const;
  // What is appended must still be wanted by somebody.
  void check_wanted(const booked& b) const;
  void check_answer(const client_request& r, const answer& a);

  // By the clock of the group's leader; in walks whose windows have ends.
  [[nodiscard]] bool is_over(int g, window_index w) const {
    return !ends_[g].empty() && ends_[g][w.value] <= unix_ms{now_.value + group_skew_ms_[g]};
  }
  [[nodiscard]] std::uint32_t live(int g, window_index w) const;
  [[nodiscard]] bool is_declined(int g, const place& p) const { return declined_.contains({g, p}); }

  bool trace_;
  walk_result result_;
  unix_ms now_{1'000'000};
  std::vector<window_definition> windows_[groups];
  std::vector<std::uint32_t> capacity_[groups];
  std::vector<unix_ms> ends_[groups];  // by window: until when it can be booked; none: for ever
  std::int64_t group_skew_ms_[groups] = {}, registry_skew_ms_[registries] = {};
  std::map<place, booking_truth> bookings_;
  std::map<std::uint64_t, std::size_t> parties_;    // by key: how many people
  std::map<std::uint64_t, unix_ms> last_deadline_;  // by key
  std::set<std::uint64_t> reused_;                  // keys that were used for two things
  std::uint32_t changes_max_ = admission_gate::uncounted;

private:
  void record_booked(int g, const booked& b);
  void record_declined(int g, const declined& d);
  void record_cancelled(int g, const place_cancelled& c);
  void record_released(int g, const place_released& l);
  void record_moved_within(int g, const moved_within& m);
  void check_room(int g, window_index w) const;
  void check_confirmed(const client_request& r, const answer& a);
  void check_full(const client_request& r) const;
  void check_over(const client_request& r) const;
  void check_already_booked(const client_request& r, const answer& a) const;
  void check_changes_spent(const client_request& r) const;
  void count_change(int citizen);
  [[nodiscard]] bool lives(reference ref) const;

  std::set<std::pair<int, place>> declined_;
  std::map<reference, int> claims_;
  std::map<std::uint64_t, std::vector<reference>> confirmed_;  // by key
  std::int64_t last_live_[citizens] = {};
  std::map<reference, int> claimed_by_;
  std::uint32_t changes_[citizens] = {};
};

}  // namespace janji::sim
