// The actor that owns the rounds and the operators' trail: events in shard 0's log, published to everybody as one
// immutable catalogue. An order is answered when its event is committed, and not before. In a cluster the leader of shard 0 owns
// them: the others pass orders on to it, and answer when they know the rounds as they are then.
#pragma once

#include <caf/all.hpp>
#include <deque>
#include <map>
#include <optional>
#include <variant>

#include "actors/admission.hpp"
#include "actors/catalogue.hpp"
#include "actors/context.hpp"
#include "booking/round_parts.hpp"

namespace janji::actors {

class rounds_actor : public caf::event_based_actor {
public:
  // `builder` holds what is committed already.
  rounds_actor(caf::actor_config& config, node_context& shared, catalogue_builder builder, sequence_t applied);
  caf::behavior make_behavior() override;
  const char* name() const override { return "rounds"; }

private:
  static constexpr std::size_t orders_max = 64;               // operators' orders under way
  static constexpr std::int64_t commit_patience_ms = 15'000;  // of who waits for an order to be committed
  struct waiting {
    std::uint64_t token = 0;
    incarnation_t incarnation;  // to which it was given
    round_event event;
    operator_done done;
    std::string answer;
    unix_ms until;      // then whoever asked is told that it is not known; the event stays on its way
    unix_ms try_until;  // of an order that nobody has taken
    bool passed_on = false;
    sequence_t as_of{};
    bool of_import = false;  // that goes in parts, and is answered by what becomes of all of it
  };
  // One part is committed before the next one is given to the log.
  struct import_in_parts {
    round_cutter rest;
    operator_done done;
    std::string answer;
    unix_ms until;  // as of `waiting`
    unix_ms try_until;
    bool passed_on = false;
  };
  struct passed {
    operator_done done;
    round_event event;
    unix_ms until;  // then it is not tried again
    sequence_t as_of;
    std::optional<round_order_heard> heard;
    unix_ms heard_at;
  };
  [[nodiscard]] bool led_elsewhere() const;
  void pass_on(round_event event, operator_done done, unix_ms until, sequence_t as_of);
  void heard(round_order_heard& h);
  void answer_passed_on();
  void take(import_order& o);
  void take(state_order& o, bool strict = false);
  void decide_strictly(state_order&& o);
  void judge(const import_order& o) const;
  void judge(const state_order& o) const;
  [[nodiscard]] std::string too_large(const import_order& o) const;
  [[nodiscard]] std::string ends_unknown(const import_order& o) const;
  static std::string text_fault(const round_event& event);
  void append(round_event event, operator_done done, std::string answer, unix_ms until, bool passed_on, sequence_t as_of = {});
  void give_to_log(waiting&& w);
  void begin_parts(round_imported whole, operator_done done, unix_ms until, bool passed_on);
  void append_part();
  void part_committed(waiting& w);
  void part_not_appended(const waiting& w, round_committed::end how);
  void give_up_late_import();
  [[nodiscard]] bool in_one_message() const;
  [[nodiscard]] bool changes_rounds() const { return !waiting_.empty() || importing_; }
  void committed(const round_committed& c);
  void not_appended(waiting& w, round_committed::end how);
  void try_again(round_event event, operator_done done, unix_ms until, sequence_t as_of);
  void try_again();
  [[nodiscard]] unix_ms until_of(unix_ms given) const;
  void take(const rounds_known& k);
  void take_over(rounds_read& r);
  void build_from(rounds_read& r);
  void take(rounds_told& t);
  void publish();
  void say_done(waiting& w);
  // ---- what is to be in every shard's log (admission.hpp)
  void lead_admission(bool anew);
  void say_held(operator_done done, std::string answer);
  void answer_questions(admission_wanted& w);
  void drive_on();
  void tell_others();
  void tell_one(std::uint64_t node);
  void give_up_late_ones();

  node_context& shared_;
  catalogue_builder builder_;
  sequence_t applied_;
  admission_driver admission_;
  std::vector<admission_wanted> wanted_early_;                          // by shards that know of a leadership which has not begun here yet
  bool drives_ = false;                                                 // a timer is on its way
  std::map<std::uint64_t, std::pair<state_order, unix_ms>> to_decide_;  // when this node is shown to lead, by number; until when
  incarnation_t incarnation_;                                           // of shard 0's leadership here; none where it is led elsewhere
  bool leading_ = false;                                                // of a cluster
  std::deque<waiting> waiting_;
  std::optional<import_in_parts> importing_;
  std::vector<waiting> of_entry_;                                 // committed, and more of the same log entry to come
  std::map<std::uint64_t, passed> passed_on_;                     // by ticket
  std::vector<std::variant<import_order, state_order>> untaken_;  // that no leader has taken: tried again
  std::uint64_t next_token_ = 0;
  unsigned untold_ = 0, tell_after_ = 1;  // in turns of the timer
  // Of another node, by what it says of itself once a second.
  struct listener {
    sequence_t knows;
    sequence_t told;  // and may not have said yet
    unix_ms told_at;
  };
  std::map<std::uint64_t, listener> listeners_;
};

}  // namespace janji::actors
