// What actors of one node send each other. These stay in the process, so they are CAF "unsafe" message types: moved,
// never serialised. What crosses a machine boundary goes over net/'s links as Cap'n Proto.
#pragma once

#include <caf/all.hpp>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "actors/node.hpp"
#include "booking/admission.hpp"
#include "booking/messages.hpp"
#include "booking/round.hpp"
#include "cluster/config_store.hpp"
#include "cluster/replication/ports.hpp"
#include "schema/codec.hpp"
#include "schema/mail.hpp"
#include "schema/tenure.hpp"
#include "store/node_store.hpp"

namespace janji::actors {

// ---- to a slot group's or a registry's actor
struct group_mail {
  std::vector<group_input> inputs;
  schema::passage way;
};
struct registry_mail {
  std::vector<registry_input> inputs;
  schema::passage way;
};
// What an owner wants in its shard's log, in this order.
struct append_mail {
  schema::owner who;
  incarnation_t incarnation;
  struct item {
    std::uint64_t token = 0;
    schema::any_event event;
  };
  std::vector<item> items;
  std::uint64_t judged_at = 0;  // the gate's changes (booking/admission.hpp) before any of it was decided
};
struct strict_round_mail {
  schema::owner who;
  incarnation_t incarnation;
};
// How an append of the rounds' owner ended. Neither `not_led` nor `refused` was written, nor will be: it may be tried again.
struct round_committed {
  enum class end : std::uint8_t { committed, not_led, refused, unknown };
  std::uint64_t token = 0;
  sequence_t sequence;
  end what = end::committed;
  bool last = true;  // of this log entry
};

// ---- between a shard and the actors that it activates
// Here is an owner's committed state: the last snapshot and the events since.
struct recovered_owner {
  struct tail_event {
    sequence_t sequence;
    std::uint16_t first_record = 0;
    schema::any_event event;
  };
  schema::owner who;
  std::string snapshot;  // empty: none
  sequence_t snapshot_at;
  std::vector<tail_event> tail;
};
// Shard 0 is led here: the rounds as committed, and the incarnation under which orders are taken from now on.
struct rounds_read {
  incarnation_t incarnation;
  recovered_owner state;
};
// The rounds as the leader of shard 0, elsewhere, has them.
struct rounds_told {
  sequence_t applied;
  std::vector<round_event> history;
  sequence_t since = {};  // what came after that; 0: all
};
// Another node says up to where it knows them.
struct rounds_known {
  std::uint64_t node = 0;
  sequence_t applied;
};
// A shard has the state of admission in its log, committed, up to there.
struct admission_held {
  shard_id shard;
  sequence_t position;
};
struct drive_admission {};   // the rounds' timer
struct rounds_led_alone {};  // shard 0 serves on a node that is alone
struct tell_rounds {};       // its own timer
struct tell_rounds_now {     // a node has come, or come back
  std::uint64_t node = 0;
};
struct report_now {};  // to the others, one of which has just come
struct snapshot_request {
  sequence_t checkpoint;  // goes back in the answer
};
struct snapshot_taken {
  schema::owner who;
  incarnation_t incarnation;
  sequence_t checkpoint;
  sequence_t applied;
  std::string bytes;
};
// The passivation handshake: the group asks, the shard stops routing and says retire, the group drops or stays.
struct wants_to_retire {
  group_id group;
  incarnation_t incarnation;
};
struct retire {};
struct retired {
  group_id group;
  incarnation_t incarnation;
  bool stayed = false;
  sequence_t applied;
  std::string bytes;
};
struct wake {  // an owner's own timer
  unix_ms at;
};
struct sweep {};

// ---- to a shard
struct start_shard {};
struct group_mail_for {  // no route: activate it
  group_id group;
  group_mail mail;
};
struct activate_groups {  // warm, or to learn their counts
  std::vector<group_id> groups;
};
struct persisted {
  std::uint64_t id = 0;
};
struct swap_done {
  cluster::swap_outcome outcome;
};
struct loaded {
  std::uint64_t ticket = 0;
  std::string error;
  recovered_owner owner;
};
struct tail_loaded {  // what a shard finds on its disk
  std::uint64_t ticket = 0;
  std::string error;
  store::shard_tail tail;
  replication::log_shape log;
  cluster::versioned_record record;
  bool record_away = false;  // it could not be read now: to be asked for again
  sequence_t checkpoint;
  std::vector<std::pair<schema::owner, recovered_owner::tail_event>> events;
  admission_state admission;  // the last snapshot of it
  sequence_t admission_at;
};
struct entries_loaded {
  std::string error;
  std::uint64_t number = 0;
  std::vector<replication::entry> entries;
};
// What comes from other nodes and from the configuration store.
struct replica_said {
  replication::header head;
  replication::message what;
};
struct record_changed {
  cluster::versioned_record record;
};
struct link_lost {
  std::uint64_t node = 0;
};
struct link_back {  // what was on its way there may be lost
  std::uint64_t node = 0;
};
struct table_part_told {  // of refusals, from a leader that hands its tenure over
  std::uint64_t node = 0;
  schema::table_part part;
};
struct admission_told {  // what is committed in shard 0 of admission; number 0: driven, else the answer to that question
  std::uint64_t node = 0;
  std::uint64_t number = 0;
  std::shared_ptr<const admission_state> state;
};
struct admission_asked {  // to shard 0, by a leader of that shard
  std::uint64_t node = 0;
  shard_id shard;
  std::uint64_t number = 0;
};
// Shard 0's leader was shown to lead after these were asked.
struct admission_wanted {
  incarnation_t incarnation;  // of its leadership
  std::vector<admission_asked> by;
};
struct ask_admission_again {};  // a shard's own timer
struct table_heard {            // the heir has it all
  std::uint64_t number = 0;
};
struct leader_deposed {};  // elsewhere: what it was asked and had not decided is gone
struct hand_over_all {};   // stop: lead nothing any more, then count yourself in
struct node_leaves {       // it is about to stop
  std::uint64_t node = 0;
};
struct shard_order {  // an operator's, to where the shard is led; `reply_to` hears order_said
  replication::order what;
  caf::actor reply_to;
};
// The text of one that may come true yet.
inline constexpr std::string_view order_unknown = "it is not known whether it came true: look before you ask again";
struct order_said {
  std::uint64_t number = 0;
  bool good = false;
  std::string text;
};
// To where the shard is led, for what is sealed there; `done` is called on any thread.
struct read_records {
  schema::records_ask ask;
  std::function<void(schema::shard_said)> done;
};
struct read_committed {  // to where the shard is led; `reply_to` hears entries_loaded, or order_said when it is not led there
  std::uint64_t number = 0;
  sequence_t after;
  caf::actor reply_to;
};
struct machine_tick {};
struct checkpoint_written {
  sequence_t at;
};
struct flush_all {};  // stop: write a checkpoint when nothing is on its way, then count yourself in

// ---- to the archive (own thread: it reads and writes the store)
struct load_tail {
  shard_id shard;
  std::uint64_t ticket = 0;  // not 0: with the events since the last checkpoint, to lead with
  caf::actor reply_to;
};
struct load_entries {  // for another replica: from `first` on, at least one where there is one
  shard_id shard;
  std::uint64_t number = 0;
  sequence_t first;
  std::size_t count_max = 0;
  caf::actor reply_to;
};
struct load_owner {
  shard_id shard;
  std::uint64_t ticket = 0;
  schema::owner who;
  bool with_tail = false;  // after an actor failed: the events since its snapshot, from the log
  caf::actor reply_to;
};
struct write_snapshots {
  shard_id shard;
  std::vector<store::snapshot_row> rows;
  std::optional<sequence_t> checkpoint;
  caf::actor reply_to;
};
struct make_checkpoint_here {  // of a shard that is led elsewhere; `reply_to` hears checkpoint_written
  shard_id shard;
  sequence_t after;  // the last one
  sequence_t up_to;  // committed
  caf::actor reply_to;
};
struct do_swap {
  shard_id shard;
  std::uint64_t expected_revision = 0;
  cluster::shard_record record;
  std::optional<replication::member> registered;
  caf::actor reply_to;
};
struct read_outside {  // `reply_to` hears outside_read, or nothing while the store of records is away
  shard_id shard;
  epoch_t epoch;
  caf::actor reply_to;
};
struct read_outside_now {};  // the keeper of records to itself: once for all that asked until then
struct outside_read {
  epoch_t epoch;
  replication::position at;
};
struct load_records {  // as committed up to there, when the shard was shown to be led here
  shard_id shard;
  sequence_t up_to;
  schema::records_ask ask;
  std::function<void(schema::shard_said)> done;
};
struct hash_log {  // `reply_to` hears order_said
  shard_id shard;
  std::uint64_t number = 0;
  sequence_t up_to;
  caf::actor reply_to;
};
struct watch_disk {};

// ---- read model
struct group_numbers {
  group_figures figures;
};
struct numbers_elsewhere {  // of slot groups that other nodes lead
  schema::told_figures told;
};
struct tell_numbers {  // a node has come: tell it all that is led here
  std::uint64_t node = 0;
};
struct publish {};
struct try_orders_again {};  // that nobody leads the rounds for yet
// Rounds were imported or changed: whoever ordered it is told when the read model shows it.
struct catalogue_changed {
  operator_done done;
  std::string answer;
};

// ---- front and operators
struct front_turn {
  std::vector<citizen_command> commands;
};
struct import_order {
  round_definition definition;
  std::string by;
  operator_done done;
  bool passed_on = false;  // another node took it: if the rounds are not led here it is not passed on again
  unix_ms until{};         // it is not tried again after that; none: it comes for the first time
  bool dry_run = false;    // judged by what is known here
};
struct state_order {
  round_id round;
  round_state to = round_state::open;
  std::string reason;
  std::string by;
  operator_done done;
  bool passed_on = false;
  unix_ms until{};
  sequence_t as_of{};  // how far the rounds were known where and when it was given; 0: it is not said
  round_order order = round_order::unsaid;
  bool dry_run = false;  // judged by what is known here
};
struct pass_round_order {  // to the node that leads the rounds; whoever sends it hears round_order_heard
  std::uint64_t ticket = 0;
  round_event event;
  sequence_t as_of{};
};
// The answer of a node that does not lead the rounds, to whoever passed an order on to it: it has done nothing of it.
inline constexpr std::string_view not_led_here = "busy: who leads the rounds changes just now; nothing was changed";
struct round_order_heard {
  std::uint64_t ticket = 0;
  std::expected<std::string, std::string> answer;
  sequence_t applied;  // what was ordered is among the rounds up to here
};
struct verify_order {
  shard_id shard;
  operator_done done;
};
struct read_log_order {  // of the node that leads the shard, as much as one answer holds
  shard_id shard;
  sequence_t after;
  operator_done done;
};
struct records_order {  // of the node that leads the shard; what is told are sealed places, encoded
  shard_id shard;
  schema::records_ask ask;
  operator_done done;
};
struct records_said {
  std::uint64_t number = 0;
  schema::shard_said what;
};
struct replace_order {
  shard_id shard;
  std::uint64_t dead = 0;
  std::uint64_t by = 0;
  operator_done done;
  bool dry_run = false;  // judged by what is known here
};
struct report_told {
  std::uint64_t node = 0;
  schema::node_report report;
};
struct shard_asked {
  std::uint64_t node = 0;  // that asks
  shard_id shard;
  schema::shard_ask what;
};
struct shard_answered {
  std::uint64_t node = 0;  // that answers
  schema::shard_said what;
};
struct note_order {
  operator_noted note;
  operator_done done;
};

}  // namespace janji::actors

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::group_mail)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::registry_mail)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::append_mail)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::strict_round_mail)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::read_outside)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::read_outside_now)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::outside_read)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::round_committed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::try_orders_again)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::tell_rounds)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::tell_rounds_now)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::rounds_told)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::rounds_read)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::rounds_known)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::report_now)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::snapshot_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::snapshot_taken)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::wants_to_retire)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::retire)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::retired)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::wake)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::sweep)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::start_shard)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::group_mail_for)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::activate_groups)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::persisted)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::swap_done)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::loaded)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::tail_loaded)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::entries_loaded)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::replica_said)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::record_changed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::link_lost)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::link_back)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::hand_over_all)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::machine_tick)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::load_entries)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::checkpoint_written)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::flush_all)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::load_tail)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::load_owner)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::write_snapshots)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::make_checkpoint_here)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::do_swap)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::watch_disk)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::group_numbers)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::numbers_elsewhere)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::tell_numbers)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::publish)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::catalogue_changed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::front_turn)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::import_order)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::state_order)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::pass_round_order)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::round_order_heard)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::note_order)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::table_part_told)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::table_heard)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::leader_deposed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::node_leaves)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::shard_order)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::order_said)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::read_committed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::hash_log)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::read_records)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::load_records)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::records_order)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::records_said)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::verify_order)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::read_log_order)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::replace_order)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::report_told)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::shard_asked)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::shard_answered)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::admission_told)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::admission_asked)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::ask_admission_again)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::admission_wanted)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::admission_held)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::drive_admission)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(janji::actors::rounds_led_alone)
