// One replica of one shard's log: who leads under which epoch, what is on disk, what is committed. A pure machine:
// step(input) -> outputs; no clock, no socket, no disk. Disks, links and the configuration store are plug-ins whose
// contracts are in README.md beside this file. Not thread-safe: it lives in one shard actor.
//
// Guarantees, as long as the plug-ins keep their contracts: what was committed is in the log of every later leader; one
// leader commits in an epoch; commit never goes back; a strict read that is confirmed was asked of a leader that knew
// everything acknowledged before it was asked.
//
// Source: PacificA / Vertical Paxos. Files: machine.cpp (lives, take-over, writes), follower.cpp, reconcile.cpp,
// leader.cpp, membership.cpp. A record whose in-sync set is this replica alone takes the same steps with nobody to ask.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cluster/replication/faults.hpp"
#include "cluster/replication/ports.hpp"
#include "cluster/replication/slow_disk.hpp"

namespace janji::replication {

struct machine_options {
  std::uint8_t min_in_sync = 1;
  // The record is this replica's own to make, and nobody else stands: it does not wait before it does.
  bool own_record = false;
  boot_t boot{1};
  std::uint32_t heartbeat_ticks = 4;
  std::uint32_t resend_ticks = 6;    // what was not answered is asked again
  std::uint32_t silent_ticks = 24;   // a member that was not heard for so long is dropped
  std::uint32_t suspect_ticks = 20;  // a leader that was not heard for so long is suspected, after
  std::uint32_t backoff_ticks = 8;   // a random wait of up to this, doubled for a log that is known to be behind
  std::uint32_t pass_ticks = 20;     // an heir that has not acknowledged the tenure's refusals by then begins a new one
  std::uint32_t relink_ticks = 4;    // a member whose link broke, or that was suspected as a leader, is waited for so long
  slow_disk_rule slow;
  std::uint32_t slow_leader_ticks = 20;  // for so long on end: then it hands over
  std::uint32_t slow_member_ticks = 40;  // or is made a learner
  // A follower does not know how fast the others' disks are: above this limit it is probably the slow one, and stands later.
  std::uint32_t hesitates_us = 50'000;
  planted_faults faults;
};

namespace limits {
inline constexpr std::size_t waiting_messages_max = 256;  // for a write to be synced; more are lost, as links may lose
inline constexpr std::size_t waiting_reads_max = 65'536;
inline constexpr std::size_t entries_per_message_max = 64;
inline constexpr std::size_t lives_max = 256;         // of disks outside the record; then they are forgotten
inline constexpr std::uint32_t slow_wait_ticks = 80;  // until a disk that was slow is taken in again; doubled each time, up to
inline constexpr std::uint32_t slow_wait_ticks_max = 2'400;
inline constexpr std::uint32_t silent_wait_ticks = 20;  // likewise for one that went silent, from the second time on
inline constexpr std::uint32_t silent_wait_ticks_max = 200;
// For so long, and so many times the next wait, nothing must happen for a drop to be forgotten.
inline constexpr std::uint32_t drop_remembered_ticks = 400;
inline constexpr std::uint32_t drop_remembered_waits = 4;
inline constexpr std::size_t drops_max = 32;                 // members that are remembered
inline constexpr std::uint32_t unregistered_rests_max = 32;  // a learner without a registration is tried once in so many silent_ticks
}  // namespace limits

class machine {
public:
  // stopped: leads nothing; a follower, a learner or an outsider.
  enum class role : std::uint8_t { stopped, taking_over, promising, adopting, reconciling, serving };

  machine(member self, std::uint8_t min_in_sync) : machine(self, machine_options{.min_in_sync = min_in_sync, .own_record = true}) {}
  machine(member self, machine_options options) : self_(self), options_(options), suspect_after_(options.suspect_ticks) {}

  void step(input&& in, std::vector<output>& out);

  // One batch in flight a shard (replication.md rule 18); none while leadership is handed over or a member replaced.
  [[nodiscard]] bool can_append() const { return role_ == role::serving && !write_ && !in_flight_ && !hand_over_to_ && !replacing_; }
  [[nodiscard]] std::size_t lives_known() const { return boots_.size(); }
  [[nodiscard]] bool leading() const { return role_ != role::stopped && role_ != role::taking_over; }  // if it serves or not
  // A learner that was not added because it was not registered: a registration_seen of it ends the wait.
  [[nodiscard]] bool waits_for_registration(const member& who) const;
  // Who should lead instead, because this replica's disk is slow and others' are not.
  [[nodiscard]] std::optional<member> faster_leader() const;
  // Of another replica, as this leader knows it.
  [[nodiscard]] bool has_slow_disk(const member& who) const;
  [[nodiscard]] bool handing_over() const { return hand_over_to_.has_value(); }
  // Of the present leadership, from `serving` on: one run of epochs that this start of this node leads without a break, or
  // that was handed over to it whole (`goes_on_with`: under that number).
  [[nodiscard]] const tenure_id& tenure() const { return tenure_; }
  [[nodiscard]] std::uint64_t goes_on_with() const { return goes_on_with_; }
  [[nodiscard]] role current_role() const { return role_; }
  [[nodiscard]] epoch_t epoch() const { return record_.record.epoch; }
  [[nodiscard]] const versioned_record& record() const { return record_; }
  [[nodiscard]] epoch_t promised() const { return promised_; }
  [[nodiscard]] position tail() const { return log_.tail; }
  [[nodiscard]] const log_shape& log() const { return log_; }
  [[nodiscard]] sequence_t commit() const { return commit_; }
  // Where it leads and cannot serve: what stands outside as committed and no disk holds that is heard. Some were put back; it waits
  // for one that was not, or for a person.
  [[nodiscard]] std::optional<position> missing() const;
  // Grows whenever, since it last grew, so many members have answered this leader in its epoch that the others are too few to
  // serve without it; with every tick where it needs nobody. Says how fresh what is known here is; decides nothing.
  [[nodiscard]] std::uint64_t followed() const { return followed_; }
  // No other replica could have been made leader: a strict round costs nothing.
  [[nodiscard]] bool alone() const { return record_.record.in_sync.size() == 1 && !pending_; }

private:
  struct flight {
    position at;
    std::uint64_t batch = 0;
    bool starts_epoch = false;
    std::string payload;  // for those who must have it; empty when there are none
  };
  // What this replica's disk is busy with, and what follows once it is synced.
  struct write_under_way {
    std::uint64_t number = 0;
    std::uint32_t age = 0;  // in ticks
    bool promise = false;
    std::optional<position> installed;
    std::optional<sequence_t> cut_after;
    std::vector<position> appended;
    std::optional<position> vouched;  // the leader vouches up to here once it is on disk
    sequence_t told_commit;
    std::vector<output> then;
  };
  // What the leader knows of another replica, in this epoch.
  struct peer {
    member who;
    bool learner = false;
    bool heard = false;  // in this epoch: until then nobody knows whether it is there
    bool promised = false;
    bool ordered = false;  // its log was compared and it was told
    log_shape log;
    sequence_t commit;
    sequence_t next{1};
    sequence_t acked;
    bool follows = false;       // has answered in this epoch since followed() grew
    bool awaiting = false;      // sent and not answered
    std::uint64_t reading = 0;  // read_entries or read_snapshot for it
    std::uint64_t round = 0;    // the last that it confirmed
    std::uint32_t unheard = 0;  // in ticks
    std::uint32_t since_sent = 0;
    std::uint32_t disk_us = 0;
    std::uint32_t slow_for = 0;      // in ticks
    std::uint32_t unregistered = 0;  // times in a row that its registration was missing when it was to be added
    std::uint32_t rests = 0;         // ticks until it is tried again
  };
  // How a member fared that was dropped: it is not taken in again before its wait is over.
  struct dropped {
    std::uint32_t wait = 0;  // in ticks
    std::uint32_t next = 0;  // the wait after the next drop
    std::uint32_t ago = 0;
  };
  enum class change : std::uint8_t { add_learner, remove, shrink, demote, grow, hand_over, replace };
  struct pending_swap {
    change what = change::shrink;
    member who;
    shard_record record;
    bool unknown = false;
  };
  struct waiting_read {
    std::uint64_t number = 0;
    std::uint64_t round = 0;
  };
  struct replacement {
    member dead;
    member by;
  };
  struct pull_answer {
    std::uint64_t number = 0;
    header head;
    position previous;
  };
  using outputs = std::vector<output>;

  // ---- machine.cpp
  void start(started&& s, outputs& out);
  void take_over(outputs& out);
  void swap(std::uint64_t revision, shard_record next, std::optional<member> registered, outputs& out);
  void swap_came_back(swap_answered&& a, outputs& out);
  void stood(const swap_answered& a, outputs& out);
  void see(versioned_record&& r, outputs& out);
  void lead(outputs& out, bool without_a_break = false);
  void lead_if_named(outputs& out);
  persist& begin_write(outputs& out);
  void synced(std::uint64_t number, outputs& out);
  void step_down(std::string why, outputs& out);
  void receive(received&& m, outputs& out);
  void handle(received&& m, outputs& out);
  void pass_time(const tick& t, outputs& out);
  [[nodiscard]] bool same(const member& a, const member& b) const;
  void learn_floor(const versioned_record& shown);
  [[nodiscard]] epoch_t promised_at_least() const { return std::max(promised_, floor_.value_or(epoch_t{})); }
  [[nodiscard]] bool contains(const std::vector<member>& list, const member& m) const;
  [[nodiscard]] bool may_stand() const;
  void say(const member& to, message what, outputs& out);
  void answer(const header& asked, message what, outputs& out);
  [[nodiscard]] header reply_to(const header& asked) const;

  // ---- follower.cpp
  void asked_to_promise(const header& h, promise_request&& m, outputs& out);
  void asked_to_append(const header& h, append_request&& m, outputs& out);
  void asked_to_install(const header& h, install_request&& m, outputs& out);
  void heard_heartbeat(const header& h, const heartbeat& m, outputs& out);
  void asked_to_send(const header& h, const pull_request& m, outputs& out);
  void answer_pull(std::vector<entry>&& entries, std::optional<snapshot>&& state, outputs& out);
  void append_new(const header& h, append_request&& m, std::size_t held, outputs& out);
  void refuse(const header& h, bool blocked, outputs& out);
  [[nodiscard]] bool follows(const header& h, outputs& out);
  void vouch(position up_to, sequence_t told_commit, outputs& out);
  void acknowledge(const header& h, position at, outputs& out);
  void heard_leader(sequence_t leaders_tail);
  void suspect(outputs& out);

  // ---- reconcile.cpp
  void ask_promises(outputs& out);
  void ask_promise(peer& p, outputs& out);
  void promised_by(const header& h, promise&& m, outputs& out);
  void compare(peer& p);
  void check_promises(outputs& out);
  void look_outside(outputs& out);
  void heard_of_outside(const outside_told& t, outputs& out);
  void wait_for_outside(outputs& out);
  [[nodiscard]] bool behind_outside() const;
  void adopt(outputs& out);
  void pull(outputs& out);
  void got_pulled(const header& h, pulled&& m, outputs& out);
  [[nodiscard]] bool frozen() const { return pending_ && pending_->what == change::replace; }

  // ---- leader.cpp
  void write(std::uint64_t batch, std::string&& payload, bool starts_epoch, outputs& out);
  void replicate(peer& p, outputs& out);
  void send_entries(peer& p, std::vector<entry>&& entries, outputs& out);
  void got_entries(entries_read&& r, outputs& out);
  void got_snapshot(snapshot_read&& r, outputs& out);
  void acknowledged(const header& h, const acknowledgement& m, outputs& out);
  void refused(const header& h, refusal&& m, outputs& out);
  void try_commit(outputs& out);
  void read_strictly(std::uint64_t number, outputs& out);
  void begin_round(outputs& out);
  void confirmed_round(const header& h, const heartbeat_answer& m, outputs& out);
  void check_round(outputs& out);
  void beat(peer& p, outputs& out);
  void lead_through_tick(outputs& out);
  [[nodiscard]] bool leave_to_others(outputs& out);
  void count_follower(peer& p);
  [[nodiscard]] std::size_t followers_needed() const;
  void doubt(std::uint64_t node);
  void new_life(const member& who);
  void forget_strangers(const member& but);
  // The own promise is not on disk yet: nothing is said in this epoch.
  [[nodiscard]] bool write_in_promise() const { return write_ && write_->promise; }
  [[nodiscard]] bool counts(const peer& p) const;
  [[nodiscard]] peer* peer_of(const member& m);
  void make_peers();

  // ---- membership.cpp
  void obey(const order& o, outputs& out);
  [[nodiscard]] std::string why_not(const order& o);
  void give_up_change(outputs& out);
  void find_unregistered(outputs& out);
  void see_registration(const member& who);
  void advance_membership(outputs& out);
  [[nodiscard]] bool advance_replacement(outputs& out);
  [[nodiscard]] bool advance_hand_over(outputs& out);
  [[nodiscard]] bool pass_on(const member& to, outputs& out);
  void end_hand_over();
  [[nodiscard]] bool heard_lately(const peer& p) const;
  [[nodiscard]] std::size_t in_sync_heard() const;
  [[nodiscard]] std::size_t in_sync_not_silent() const;
  [[nodiscard]] bool shrink(outputs& out);
  [[nodiscard]] bool demote(outputs& out);
  void judge_disks();
  void remember_drop(const member& who, std::uint32_t first, std::uint32_t shortest, std::uint32_t longest);
  [[nodiscard]] std::uint32_t usual_disk_us() const;
  [[nodiscard]] bool is_slow(std::uint32_t us) const;
  [[nodiscard]] bool waits(const peer& p) const;
  [[nodiscard]] bool grow(outputs& out);
  void change_record(change what, const member& who, shard_record next, std::optional<member> registered, outputs& out);
  // A write that does not come back is a failure too (rule 20).
  [[nodiscard]] bool disk_hangs() const {
    return !options_.faults.beats_while_writing && std::max(disk_busy_, write_ ? write_->age : 0) >= options_.suspect_ticks;
  }
  [[nodiscard]] bool silent(const peer& p) const { return p.unheard >= options_.silent_ticks; }

  member self_;
  machine_options options_;
  role role_ = role::stopped;
  bool started_ = false;
  bool restarted_ = false;
  std::optional<sequence_t> forgot_;  // at its start the disk held less than this, which it knew to be committed; not refilled since
  // Of the first record that the store of records showed to this start: what is below it may have been promised away, though a disk
  // that was put back has forgotten it. None: nobody is followed yet.
  std::optional<epoch_t> floor_;
  std::string unfit_;
  versioned_record record_;
  epoch_t promised_;
  log_shape log_;       // on disk
  sequence_t commit_;   // known to be committed
  sequence_t vouched_;  // up to here this epoch's leader has vouched for what is on disk
  std::optional<write_under_way> write_;
  std::deque<input> waiting_;  // messages and swap answers, while a write is on its way (rule 18)
  std::uint64_t next_number_ = 0;
  std::map<member, boot_t> boots_;  // by disk: a wiped one may count from the beginning again
  // Nodes whose link broke, or that were suspected, and that were not heard since, with the ticks since then. Followers hear their
  // leader only: where it goes on with a node, that one is there.
  std::map<std::uint64_t, std::uint32_t> doubted_;

  std::optional<shard_record> swap_out_;  // sent and not answered
  versioned_record newest_;               // that was ever seen
  std::optional<pending_swap> pending_;
  std::uint32_t rest_ = 0;  // ticks until the record may be changed again, after a swap that could not be made
  std::optional<member> hand_over_to_;
  struct passing {
    std::uint64_t number = 0;
    std::uint32_t ticks = 0;
    bool acknowledged = false;
  };
  std::optional<passing> passing_;          // of the hand-over under way, once everything is committed
  std::uint64_t hand_overs_ = 0;            // that were tried in this epoch
  std::optional<table_received> received_;  // from a leader that handed over, or tried to
  tenure_id tenure_;
  std::uint64_t goes_on_with_ = 0;
  std::optional<replacement> replacing_;
  struct outside {
    epoch_t asked;               // in which it was asked first
    std::optional<position> at;  // none: not told yet
    std::uint32_t since_asked = 0;
    bool said = false;  // that nobody holds it
  };
  outside outside_;  // of the present run of epochs

  std::vector<peer> peers_;
  std::optional<flight> in_flight_;
  std::optional<flight> carried_;            // in flight when an own swap began a new epoch; committed with it
  std::map<member, sequence_t> remembered_;  // what each member is known to have acknowledged
  std::optional<member> adopting_from_;
  position adopt_to_;
  std::uint32_t since_pulled_ = 0;
  std::optional<pull_answer> pull_answer_;

  std::uint64_t followed_ = 0;
  std::uint64_t round_ = 0;
  bool round_open_ = false;
  std::vector<waiting_read> reads_;

  bool records_away_ = false;
  std::uint64_t random_ = 0;
  std::uint32_t ticks_ = 0;
  std::uint32_t disk_busy_ = 0;
  std::uint32_t disk_us_ = 0;
  std::uint32_t slow_for_ = 0;
  std::map<member, dropped> dropped_;  // over epochs
  std::uint32_t leader_unheard_ = 0;
  std::uint32_t suspect_after_;
};

}  // namespace janji::replication
