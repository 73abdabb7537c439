// The citizens of a walk: what they ask, with retries under the same key, and whether what they are told is true (I2 to I5).
// A request is answered once at most; once exactly, unless an actor died or the power went meanwhile.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "actors/node.hpp"
#include "tests/actors/ledger.hpp"

namespace janji::sim {

struct citizens_figures {
  std::uint64_t asked = 0;
  std::uint64_t confirmed = 0;
  std::uint64_t refused = 0;
  std::uint64_t unknown = 0;
  std::uint64_t later = 0;  // contended, in progress, busy
};

class citizens {
public:
  citizens(std::mt19937_64& random, const ledger& truth, std::uint16_t shard_count, int count);

  std::function<void(std::string)> breach = [](auto&&) {};
  std::function<void(reference)> told_free = [](auto) {};
  std::function<void(const std::string&)> say;  // a trace; empty: none

  void know(std::vector<group_id> groups) { groups_ = std::move(groups); }
  void at(moment step, unix_ms now) {
    step_ = step;
    now_ = now;
  }

  // Every append that was sent is on disk by now.
  void all_at_rest() { rest_at_ = now_; }

  // ---- what they ask
  actors::citizen_command act(std::int64_t deadline_ms);  // anything
  actors::citizen_command try_again(std::size_t booking, std::int64_t deadline_ms, bool may_differ = false);
  // Somebody who was not here before.
  actors::citizen_command newcomer(group_id group, window_index window, std::int64_t deadline_ms);
  actors::citizen_command look_up(reference ref, std::int64_t deadline_ms);
  [[nodiscard]] std::size_t bookings() const { return made_.size(); }
  [[nodiscard]] bool was_confirmed(std::size_t booking) const { return confirmed_.contains(made_[booking].key.value); }
  [[nodiscard]] bool was_reused(std::size_t booking) const { return reused_.contains(made_[booking].key.value); }
  [[nodiscard]] request_id last_request() const { return request_id{next_request_}; }

  // ---- what they are told
  void heard(const answer& a);
  [[nodiscard]] std::optional<outcome> told(request_id request) const;
  // An actor died or the power went: who has no answer yet may never get one.
  void some_may_be_lost();
  void check_all_answered();
  [[nodiscard]] bool wanted(const booked& event) const;
  [[nodiscard]] const citizens_figures& figures() const { return figures_; }

private:
  enum class kind : std::uint8_t { book, cancel, staff_cancel, move, look_up };
  struct request {
    kind what = kind::book;
    std::vector<citizen_hash> party;
    key_hash key;
    group_id group;
    std::optional<window_index> window;
    reference ref;
    unix_ms deadline;
    moment asked_at = 0;
    moment rest_before = 0;
    bool may_be_lost = false;
    std::optional<outcome> told;
  };
  int below(std::size_t n) { return static_cast<int>(random_() % n); }
  bool chance(int percent) { return below(100) < percent; }
  [[nodiscard]] static citizen_hash citizen(unsigned n);
  key_hash new_key() { return key_hash{++next_key_ * 8}; }
  actors::citizen_command book(request r, std::int64_t deadline_ms);
  actors::citizen_command cancel(const citizen_hash& who, reference ref, std::int64_t deadline_ms);
  actors::citizen_command move(reference ref, std::int64_t deadline_ms);
  std::uint64_t note(request&& r, std::int64_t deadline_ms);
  void check_confirmed(const request& r, const answer& a);
  void check_refused(const request& r, const answer& a);
  void check_told_place(const request& r, const answer& a);
  void learn(const request& r, const answer& a);

  std::mt19937_64& random_;
  const ledger& truth_;
  std::uint16_t shard_count_;
  int count_;
  std::vector<group_id> groups_;
  moment step_ = 0;
  unix_ms now_;
  unix_ms rest_at_;
  std::uint64_t next_request_ = 0, next_key_ = 0, next_reference_ = 0, newcomers_ = 0;
  std::map<std::uint64_t, request> requests_;
  std::vector<request> made_;   // bookings
  std::vector<request> moves_;  // to be asked again with the same key
  std::map<std::uint64_t, unix_ms> last_deadline_;
  std::map<std::uint64_t, std::vector<reference>> confirmed_;
  std::set<std::uint64_t> reused_;  // keys that were used for two things
  std::map<citizen_hash, reference> held_;
  citizens_figures figures_;
};

}  // namespace janji::sim
