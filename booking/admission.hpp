// Who may book now: the states of rounds as a shard has them, and the one place where they are judged. Orders of operators are
// committed in shard 0; what they come to is an event in every shard's log, so that a leader judges by its own log.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "booking/types.hpp"

namespace janji {

// imported -> open <-> paused -> closed; erased from closed (booking/round_orders.hpp). Closing is for good, and possible from each of the
// three before it, so that a round that never opened can be erased too. Opening is an operator's committed event; opens_at may still be
// ahead of it, then bookings are refused as not_open until the moment comes.
enum class round_state : std::uint8_t { imported, open, paused, closed, erased };

// What an operator orders. unsaid: of an earlier version, which says the state to come alone.
enum class round_order : std::uint8_t { unsaid, open, resume, pause, close, erase };

// unknown: not until this leader knows the present state (admission_gate).
enum class admission_verdict : std::uint8_t { admitted, not_open, paused, closed, unknown };

struct round_admission {
  round_id round;
  round_state state = round_state::imported;
  unix_ms opens_at;
  unix_ms closes_at;
  friend bool operator==(const round_admission&, const round_admission&) = default;
};
[[nodiscard]] admission_verdict admission(const round_admission& round, unix_ms now);

// Until when a window can be booked, moved into and offered, and until when a citizen can move or cancel what is booked there: later, where
// booking ends before the visit begins.
struct window_end {
  unix_ms book_until;
  unix_ms change_until;
  friend bool operator==(const window_end&, const window_end&) = default;
};
inline constexpr unix_ms never_over{std::numeric_limits<std::int64_t>::max()};  // book_until = "none"

// Of all rounds, as committed in shard 0 up to a position. A round that is not in it has not been opened.
struct admission_state {
  sequence_t position;                  // 0: of no order yet
  std::vector<round_admission> rounds;  // by number, each once
  friend bool operator==(const admission_state&, const admission_state&) = default;
};

// ---- events of a shard, in its own log
// The state of admission from here on. One of a higher position takes the place of all before it.
struct admission_set {
  admission_state state;
  friend bool operator==(const admission_set&, const admission_set&) = default;
};
using admission_event = std::variant<admission_set>;

// What the leader of a shard admits, in one tenure. Belongs to the shard; its slot groups and its registry judge by it.
//
// Guarantees: set() is called in the order of the log, before anything is appended behind the event; whoever judged when changes()
// was the same has judged by what stands before them in the log. Until know() nothing is admitted, and nobody is told no.
// Clocks: judges by the leader's clock, as it is set now.
// Threads: any.
class admission_gate {
public:
  using clock = std::function<unix_ms()>;
  using round_of = std::function<std::optional<round_id>(group_id)>;
  using end_of = std::function<std::optional<window_end>(group_id, window_index)>;
  using changes_of = std::function<std::optional<std::uint32_t>(group_id)>;

  // Of a machine without a shard: admits whatever comes.
  admission_gate() : enforced_(false) {}
  admission_gate(clock now, round_of round, end_of end = {}) : now_(std::move(now)), round_of_(std::move(round)), end_of_(std::move(end)) {}

  // `asked`: the front has left it to the leader, also where this one has not heard yet that leaders judge.
  [[nodiscard]] admission_verdict judge(round_id round, bool asked = false) const;
  [[nodiscard]] admission_verdict judge(group_id group, bool asked = false) const;
  // The moment by which ends of windows are judged: before all of them where not all nodes know of ends.
  [[nodiscard]] unix_ms moment() const;
  [[nodiscard]] bool is_over(group_id group, window_index window) const;      // it can no longer be booked or moved into
  [[nodiscard]] bool is_attended(group_id group, window_index window) const;  // what is booked there is no longer moved or cancelled
  // False while its round has not been heard of here: neither of the two is to be believed then.
  [[nodiscard]] bool knows_end(group_id group, window_index window) const;
  // How many changes a citizen may make in the group's round; none: it is not known here. uncounted: nobody counts them.
  static constexpr std::uint32_t uncounted = std::numeric_limits<std::uint32_t>::max();
  [[nodiscard]] std::optional<std::uint32_t> changes_max(group_id group) const { return changes_of_ ? changes_of_(group) : uncounted; }
  [[nodiscard]] bool counts_changes() const { return changes_max(group_id{}) != uncounted; }
  [[nodiscard]] std::uint64_t changes() const { return changes_.load(std::memory_order_acquire); }

  void limit_changes(changes_of limit) { changes_of_ = std::move(limit); }  // before anybody judges
  void set(std::shared_ptr<const admission_state> state);
  void know();  // what was set is the present state, or was since this leader fenced its predecessor
  [[nodiscard]] bool known() const;
  void enforce(bool on);                           // off while there are nodes of an earlier version: fronts judge
  void judge_past(bool on) { judges_past_ = on; }  // off while there are nodes that do not know of window_over

private:
  [[nodiscard]] admission_verdict judge_known(std::optional<round_id> round, bool asked) const;

  clock now_;
  round_of round_of_;
  end_of end_of_;
  changes_of changes_of_;
  mutable std::mutex mutex_;
  std::shared_ptr<const admission_state> state_ = std::make_shared<const admission_state>();
  bool enforced_ = true;
  bool known_ = false;
  std::atomic<bool> judges_past_{true};
  std::atomic<std::uint64_t> changes_{0};
};

}  // namespace janji
