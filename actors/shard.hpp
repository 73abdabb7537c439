// One shard's replica on this node: its replication machine, the queue of events that wait for the log, and the life of
// the actors whose state that log is (the registry, its slot groups, on shard 0 the rounds).
//
// Guarantees. Owners live only where the shard is led. An actor is activated only from committed state and only when no
// append of it is pending; appends become one log entry a turn; owners hear of commits in the order of the log. When
// leadership is lost they end with all that they had not committed, and what comes for them goes to the new leader.
// Passivation is a handshake: stop routing, then `retire`, which is the last message in the group's mailbox.
//
// Files: shard.cpp (the log and its leader's side), shard_replica.cpp (other replicas, losing and gaining leadership),
// shard_moves.cpp (where the replicas are to be), shard_tenure.cpp, shard_admission.cpp, shard_owners.cpp, shard_snapshots.cpp.
#pragma once

#include <caf/all.hpp>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <variant>
#include <vector>

#include "actors/context.hpp"
#include "actors/mail_queue.hpp"
#include "cluster/moves.hpp"
#include "cluster/replication/machine.hpp"

namespace janji::actors {

class shard_actor : public caf::event_based_actor {
public:
  shard_actor(caf::actor_config& config, node_context& shared, shard_id shard);
  caf::behavior make_behavior() override;
  // Its owners end with it, those too that began while the node was being ended.
  void on_exit() override;
  const char* name() const override { return "shard"; }

private:
  enum class life : std::uint8_t { absent, loading, active, retiring };
  struct owner_state {
    life state = life::absent;
    caf::actor handle;
    incarnation_t incarnation;
    mail_queue<group_mail> group_queue;  // until it is active
    mail_queue<registry_mail> registry_queue;
    std::vector<recovered_owner::tail_event> tail;  // found at start, for its first activation
    std::size_t pending = 0;                        // its events that are queued or in flight
    sequence_t last_event;
    sequence_t snapshot_at;
    bool failed = false;       // its next activation reads its events from the log
    std::uint64_t ticket = 0;  // of its present loading; an answer to an earlier one is not it
  };
  struct queued {
    schema::owner who;
    incarnation_t incarnation;
    std::uint64_t token = 0;
    schema::any_event event;
    held_bytes held;
    bool admitted = true;  // else it is not written, and its owner is told so in its turn
  };
  struct in_flight {
    schema::owner who;
    incarnation_t incarnation;
    std::uint64_t token = 0;
    std::uint16_t records = 0;
    bool admitted = true;
  };

  // Mail whose sender knows a later record than this node has seen.
  struct early_mail {
    schema::owner who;
    std::variant<group_mail, registry_mail> mail;
    unix_ms since;
    held_bytes held;
  };

  // ---- the log
  void step(replication::input&& in);
  void carry_out(replication::output&& o);
  void take_in(append_mail& mail);
  void refuse_event(const schema::owner& who, std::uint64_t token, std::string_view why);
  void write(replication::persist&& p);
  void pump();
  void commit(const replication::committed& c);
  void tell_owners(std::vector<in_flight>&& items, sequence_t at);
  [[nodiscard]] bool a_disk_is_low() const;
  void tell_status();

  // ---- other replicas, and who leads
  void start(tail_loaded& found);
  void served();
  void recover(tail_loaded& found);
  void deposed(const replication::stepped_down& d);
  void pass_time();
  void note_followers();
  [[nodiscard]] bool stands_by() const;
  void see_record(cluster::versioned_record&& record);
  void ask_again();
  void activate_known_groups();
  void load_rounds();
  [[nodiscard]] bool may_lead() const;
  template <class Mail>
  bool pass_on(Mail& mail, std::uint64_t& leader);
  void forward(const schema::owner& who, group_mail&& mail);
  void forward(const schema::owner& who, registry_mail&& mail);

  // ---- the tenure: what the leader has refused in it (shard_tenure.cpp)
  void begin_tenure();
  void end_tenure();
  void heed_hand_over();
  void pass_table(const replication::pass_table& p);
  void take_table(table_part_told& t);

  // ---- what is admitted (shard_admission.cpp)
  void begin_admission(bool handed_on);
  void end_admission();
  void recover_admission(tail_loaded& found);
  [[nodiscard]] const admission_state& admission_given() const;
  void ask_admission();
  void take_question(const admission_asked& a);
  void answer_questions();
  bool questions_read(const replication::strict_read_done& d);
  void take_admission(admission_told& t);
  bool append_admission(const std::shared_ptr<const admission_state>& state);
  void admission_committed(sequence_t at);
  void tell_held();
  [[nodiscard]] bool admits(const append_mail& mail, const schema::any_event& event) const;
  void wake_owners();

  // ---- where the replicas are to be
  void seek_place();
  void seek_members();
  void leave_to_faster();
  [[nodiscard]] cluster::slow_disk slow_disks() const;
  [[nodiscard]] bool take_turn();
  void end_turn();
  void leave();
  void let_go();
  void obey(shard_order& o);
  void read_for_operator(const read_committed& r);
  void read_sealed(read_records& r);
  bool sealed_read(const replication::strict_read_done& d);
  void give_up_sealed_reads();
  void answer_order(const replication::order_answered& said);
  void give_up_orders(bool all);
  void count_moves();

  // ---- owners
  owner_state& owner_of(const schema::owner& who) { return owners_[who]; }
  static mail_queue<group_mail>& queue_of(owner_state& o, const group_mail&) { return o.group_queue; }
  static mail_queue<registry_mail>& queue_of(owner_state& o, const registry_mail&) { return o.registry_queue; }
  template <class Mail>
  void deliver(const schema::owner& who, Mail&& mail);
  void deliver_early();
  void expire_mail();
  void activate(const schema::owner& who);
  void activate_some();
  void owner_loaded(loaded& l);
  void spawn_owner(owner_state& o, recovered_owner&& recovered);
  void owner_down(const caf::down_msg& down);
  void begin_retire(const wants_to_retire& w);
  void end_retire(retired& r);
  void end_owners();
  void strict_round(const strict_round_mail& m);
  void strict_round_done_for(const replication::strict_read_done& d);

  // ---- snapshots
  void checkpoint_when_due();
  void begin_checkpoint();
  void take_snapshot(snapshot_taken& s);
  void finish_checkpoint();
  void checkpoint_from_log();
  void flushed();

  node_context& shared_;
  shard_id shard_;
  replication::machine machine_;
  std::vector<replication::output> out_;

  std::map<schema::owner, owner_state> owners_;
  std::deque<queued> queue_;
  std::vector<in_flight> in_flight_;
  std::uint64_t next_batch_ = 0;
  bool started_ = false;
  std::optional<cluster::versioned_record> early_record_;  // that came before the shard had started
  bool serving_ = false;                                   // leads, and its owners' state is loaded
  std::uint64_t recovery_ = 0;                             // of the load that is under way; an answer to an earlier one is not it
  std::uint64_t next_ticket_ = 0;
  std::uint64_t next_read_ = 0;
  std::map<std::uint64_t, std::pair<schema::owner, incarnation_t>> strict_reads_;
  std::vector<strict_round_mail> unconfirmed_reads_;
  std::map<std::uint64_t, read_records> sealed_reads_;  // by strict read
  std::deque<early_mail> early_;
  unix_ms expired_at_;                // when mail was last looked through
  std::deque<group_id> to_activate_;  // so that their numbers are known; nobody waits for them
  std::size_t loading_ = 0;           // slot groups
  enum class leaving : std::uint8_t { no, wanted, done } leaving_ = leaving::no;
  std::set<std::uint64_t> leaving_nodes_;  // other nodes that are about to stop
  struct asker {
    std::uint64_t number = 0;  // its own of the order
    caf::actor who;
    unix_ms until;
  };
  std::map<std::uint64_t, asker> operators_;  // by order
  bool has_turn_ = false;                     // to hand leadership over
  bool strict_rounds_free_ = false;           // as the owners were told
  bool wants_turn_ = false;                   // and looks again with the next tick
  bool waits_for_members_ = false;            // when it last looked
  bool moving_ = false;                       // a learner of it counts among this node's moves

  std::shared_ptr<refusal_table> refusals_;  // while it leads; shared with its owners
  schema::table_parts passed_on_;            // from a leader that hands over to this node

  // Of admission: what is committed in this shard's log, what is on its way there, who is to be told, and of shard 0 who asks.
  std::shared_ptr<admission_gate> gate_;  // as long as refusals_; shared with its owners
  std::shared_ptr<const admission_state> admission_ = std::make_shared<const admission_state>();
  std::deque<std::shared_ptr<const admission_state>> admission_sent_;
  sequence_t admission_at_;  // where it stands in the log
  sequence_t admission_snapshot_at_;
  std::set<std::uint64_t> admission_tellers_;
  std::uint64_t admission_question_ = 0;
  bool admission_asks_ = false;  // a timer is on its way
  std::map<std::tuple<std::uint64_t, shard_id, std::uint64_t>, admission_asked> admission_asked_;
  std::map<std::uint64_t, std::vector<admission_asked>> admission_reads_;  // by strict read

  std::uint64_t followed_ = 0;  // machine::followed(), when it was last looked at
  unix_ms followed_at_;         // when it had become that
  std::size_t events_since_checkpoint_ = 0;
  std::optional<sequence_t> checkpoint_at_;
  sequence_t last_checkpoint_;
  bool makes_checkpoint_ = false;  // from the log, while it is led elsewhere
  sequence_t tried_checkpoint_;
  std::set<schema::owner> awaited_;
  std::vector<store::snapshot_row> rows_;
  bool flushing_ = false;
};

}  // namespace janji::actors
