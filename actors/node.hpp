// One node: owns the actor system, the journal thread, the shards and their actors, and the read model. What net/ and
// apps/ see of the actors is this class.
//
// Threads: every public function may be called from any thread. Answers and completions are called on an actor's or the
// journal's thread: they must only hand over (post) and return.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "actors/availability_page.hpp"
#include "booking/booking_status.hpp"
#include "booking/messages.hpp"
#include "booking/round.hpp"
#include "cluster/config_store.hpp"
#include "cluster/membership.hpp"
#include "cluster/peer_links.hpp"
#include "schema/mail.hpp"

namespace janji::store {
class node_store;
}

namespace janji::actors {

// A citizen's command on its way to its slot group or registry.
struct routed_booking {
  group_id group;
  book_command command;
};
using citizen_command = std::variant<routed_booking, cancel_command, move_command, lookup_command>;

// Where a slot group is and what it is, for routing and for words.
struct group_place {
  round_id round;
  std::uint16_t centre = 0;  // index into the round's centres
  shard_id shard;
  std::uint32_t index = 0;  // into the round's groups
};

// A slot group's day and hours as text, made once: every answer needs them.
struct group_words {
  struct hours {
    std::string opens;
    std::string closes;
  };
  std::string date;
  std::vector<hours> windows;
};

// What of a round never changes.
struct round_body {
  round_definition definition;  // every window says until when it can be booked
  std::chrono::minutes offset{0};
  std::vector<unix_ms> ends;        // of its windows, and its opening and closing: each once, in their order
  unix_ms book_until = never_over;  // the latest of its windows
  std::vector<unix_ms> group_ends;  // as definition.groups: the latest of its windows
  std::vector<group_words> words;   // as definition.groups
  std::map<std::string, std::uint16_t, std::less<>> centre_by_code;
  // (centre, date) -> index into definition.groups
  std::map<std::pair<std::uint16_t, std::chrono::sys_days>, std::uint32_t> group_by_day;
};

// A copy costs nothing: a round of 200,000 slot groups is paused and opened too, and whoever does it must go on beating.
struct round_entry {
  round_entry() : round_entry(std::make_shared<const round_body>(), {}) {}
  round_entry(std::shared_ptr<const round_body> made, round_status now) : body(std::move(made)), status(std::move(now)) {}
  [[nodiscard]] const group_definition* find_group(std::string_view centre_code, std::chrono::year_month_day date) const;
  // What a booking would get now; `ends`: whether leaders judge by the ends of windows.
  [[nodiscard]] status_at status_now(unix_ms now, bool ends) const;
  // The first moment after `now` at which the status of the round, or of a day or a window of it, can be another.
  [[nodiscard]] unix_ms next_end(unix_ms now) const;
  [[nodiscard]] round_admission admitted_as() const { return {definition.id, status.state, definition.opens_at, definition.closes_at}; }

  std::shared_ptr<const round_body> body;
  round_status status;
  const round_definition& definition = body->definition;
  const std::vector<group_words>& words = body->words;
};

// Slot groups by number, sorted. A copy costs nothing: rounds are imported seldom, and catalogues are made at every order.
class group_index {
public:
  using entry = std::pair<std::uint32_t, group_place>;
  [[nodiscard]] auto begin() const { return entries_->begin(); }
  [[nodiscard]] auto end() const { return entries_->end(); }
  [[nodiscard]] std::size_t size() const { return entries_->size(); }
  [[nodiscard]] bool empty() const { return entries_->empty(); }
  [[nodiscard]] std::vector<entry>::const_iterator find(std::uint32_t group) const;
  [[nodiscard]] bool contains(std::uint32_t group) const { return find(group) != end(); }
  [[nodiscard]] const group_place& at(std::uint32_t group) const { return find(group)->second; }  // of one that is there
  void add(const std::vector<entry>& more);

private:
  std::shared_ptr<const std::vector<entry>> entries_ = std::make_shared<const std::vector<entry>>();
};

// An operator's order as the audit trail has it.
struct trail_entry {
  unix_ms at;
  std::string by;
  std::string what;
  std::string detail;
};
inline constexpr std::size_t trail_entries_shown = 1'000;

// All rounds as committed, immutable; a new one is published at each change.
struct round_catalogue {
  std::vector<std::shared_ptr<const round_entry>> rounds;  // in the order of import
  group_index groups;
  [[nodiscard]] const round_entry* find(std::string_view code) const;
  [[nodiscard]] const round_entry* find(round_id id) const;
  // nullptr: no round that is known here has it.
  [[nodiscard]] const std::vector<window_definition>* windows_of(group_id group) const;
  // None: no round that is known here has it.
  [[nodiscard]] std::optional<window_end> end_of(group_id group, window_index window) const;
  std::uint64_t version = 0;
  std::vector<trail_entry> trail;  // the last orders, the oldest first
};

using schema::group_figures;

// How old what is known here of a round is.
struct round_freshness {
  std::optional<unix_ms>
      as_of;  // the oldest moment at which the leader of the rounds or one of its slot groups was heard; none: one never was
  std::size_t groups_unheard = 0;  // slot groups of which nothing is known
};
struct freshness {
  std::map<std::uint16_t, round_freshness> rounds;  // by round id
  std::optional<unix_ms> of_rounds;                 // when the leader of the rounds was last heard
};

struct shard_status {
  shard_id shard;
  epoch_t epoch;
  sequence_t committed;
  sequence_t tail;
  replication::position committed_at;            // none where the log no longer tells epochs apart, as that of a node that is alone
  std::optional<replication::position> missing;  // it is led here, and waits for a disk that holds this (replication::machine)
  cluster::versioned_record record;
  bool serving = false;
  std::size_t claims = 0;
  std::size_t unsettled = 0;
  std::size_t groups_active = 0;
};

inline constexpr std::int64_t report_stale_ms = 5'000;  // a report that is older says nothing any more
// What a node of the cluster said of itself, and when.
struct told_report {
  schema::node_report report;
  unix_ms at;                       // by node::now()
  std::int64_t clock_ahead_ms = 0;  // of this node's, both as set when it came
};

// What was refused to citizens, by code: the sum over the starts of those nodes that were heard lately.
struct told_refusals {
  std::map<std::string, std::uint64_t> by_code;
  std::size_t nodes = 1;    // in the sum, this one among them
  std::size_t unheard = 0;  // others of the cluster that were not heard lately
  unix_ms since;            // of the latest of these starts: from then on all of them count
};

struct node_status {
  std::vector<shard_status> shards;
  bool storage_low = false;     // its own disk
  std::string directory_wrong;  // not empty: what is wrong with the node's own directory, or the store in it
  std::uint64_t disk_free_bytes = 0;
  std::uint64_t disk_total_bytes = 0;
  std::int64_t clock_set_ms = 0;            // how far the machine's clock has been set since the start; moments shown have not gone with it
  std::chrono::milliseconds disk_waits{0};  // of the oldest operation that has not come back
  std::chrono::microseconds disk_write{0};  // how long a write takes lately
  std::string failed;                       // not empty: the node is going down, and why
  bool clustered = false;                   // shards are led elsewhere too
  // Of a node that has just started: slot groups whose numbers have not been heard, and their shards.
  std::size_t groups_unheard = 0;
  std::set<std::uint16_t> shards_unheard;
  bool rounds_unheard = false;  // it knows of none, and who leads them has not said that there are none
};

// How a node takes part in a cluster.
struct cluster_options {
  std::uint32_t tick_ms = 25;   // the replication machine's unit of time
  std::uint32_t moves_max = 4;  // of the shards that a node leads, at once
  // Of a node, at once: every one waits for etcd, and etcd for its disk.
  std::uint32_t hand_overs_max = 1;
};

struct node_options {
  std::uint16_t shard_count = 64;
  unsigned actor_threads = 1;
  std::uint64_t throughput_max = 64;  // messages one actor handles before another has its turn
  std::uint32_t passivate_after_ms = 60'000;
  std::uint32_t sweep_every_ms = 1'000;
  std::uint32_t publish_every_ms = 200;         // availability pages
  std::uint32_t snapshot_every_events = 8'192;  // of a shard's log
  std::uint32_t order_patience_ms = 5'000;      // of an operator until every shard has an order about a round
  std::string data_directory = {};              // watched where it is named
  double disk_low_mark = 0.10;                  // of the disk free: below it new bookings are refused
  std::optional<cluster_options> cluster;       // none: the node is alone, and its store holds the shards' records
};

using operator_done = std::function<void(std::expected<std::string, std::string>)>;
using place_done = std::function<void(std::expected<booked_place, std::string>)>;
using sealed_records_done = std::function<void(std::expected<schema::sealed_places, std::string>)>;
// The shards that an order about a round has not reached, by the words with which it was answered, whichever node found them.
[[nodiscard]] std::vector<shard_id> lacking_in(std::string_view answer);

// What a node of a cluster is given besides its options. All outlive the node.
struct cluster_ports {
  std::uint64_t node = 0;           // 1 to 4095: it stands in request numbers
  std::uint32_t feature_level = 0;  // as the configuration store had it before the start
  cluster::config_store* records = nullptr;
  // Makes the node's links, or says why it cannot; they call the events until they are destroyed.
  std::function<std::expected<std::unique_ptr<cluster::peer_links>, std::string>(cluster::peer_events&)> link;
  std::function<void(std::string)> warn;  // what a person must know
};

// Who orders something, and what this node had heard when the order came: the stamps of the shards' leaders, and how far the rounds
// were known. None: what is heard at the call.
struct orderer {
  std::string by;
  std::shared_ptr<const std::vector<stamp>> heard = nullptr;
  sequence_t rounds{};
  bool dry_run = false;  // judged as it would be, by whoever would carry it out where that can be asked; nothing is changed
};

class node {
public:
  // Recovers every shard from the store and serves. `store` outlives the node. `fatal` is called once, from any thread,
  // when a write failed: the process must end.
  static std::expected<std::unique_ptr<node>, std::string> start(const node_options& options, store::node_store& store,
                                                                 std::function<void(std::string)> fatal, const cluster_ports& ports = {});
  ~node();

  // ---- of a cluster
  // The configuration store shows a record. Any thread.
  void record_changed(const cluster::shard_change& change);
  // Who is there now, and where the shards are to be. Any thread.
  void placement_changed(cluster::placement_picture picture);
  // An operator has raised the level. Any thread.
  void feature_level_changed(std::uint32_t to);
  // Where this life's own requests begin to be numbered: their answers find the way back, and those to a former life's find nobody.
  [[nodiscard]] std::uint64_t first_request() const;

  // ---- citizens. Every command gets exactly one answer (at its deadline at the latest: `unknown`), through the sink.
  void submit(std::vector<citizen_command>&& turn);
  void set_answer_sink(std::function<void(std::vector<answer>&&)> sink);
  // What has been heard of the leaders of all shards: requests that come from now on are stamped with it.
  // `exact`: of the leaders on this node as they are now, for the few who give orders, and not as they were up to 5 ms ago.
  [[nodiscard]] std::shared_ptr<const std::vector<stamp>> heard(bool exact = false) const;
  // The leaders of shards judge whether a round admits what is asked; else, where not all nodes know of that, the front does.
  [[nodiscard]] bool leaders_judge() const;
  // They refuse windows that are over.
  [[nodiscard]] bool judges_past() const;
  // Whether all nodes know that a round limits its citizens' changes.
  [[nodiscard]] bool counts_changes() const;
  // A booking of that slot group would be written to a disk that is low, here or elsewhere.
  [[nodiscard]] bool storage_low(group_id group) const;
  // In how many of all shards that is so.
  struct low_shards {
    std::size_t low = 0, all = 0;
  };
  [[nodiscard]] low_shards shards_low() const;
  [[nodiscard]] unix_ms now() const;                // the clock by which reports are dated
  [[nodiscard]] sequence_t rounds_applied() const;  // the position of shard 0 up to which the rounds are known here

  // ---- read model; never touches the booking path
  [[nodiscard]] std::shared_ptr<const round_catalogue> catalogue() const;
  [[nodiscard]] std::shared_ptr<const availability_page> availability(round_id round, std::uint8_t state) const;
  [[nodiscard]] std::shared_ptr<const std::vector<group_figures>> figures() const;
  [[nodiscard]] std::shared_ptr<const freshness> how_fresh() const;
  // Lately enough to say that there is no round of a name: a node that does not hear who leads the rounds may lack a new one.
  [[nodiscard]] bool knows_rounds() const;
  // A citizen was told a refusal. Any thread.
  void count_refusal(std::string_view code);
  [[nodiscard]] told_refusals refusals() const;

  // ---- operators
  void import_round(round_definition definition, std::string by, operator_done done, bool dry_run = false);
  // What changed since the orderer looked is not undone: `changed`.
  void change_round(round_id round, round_order order, std::string reason, orderer who, operator_done done);
  void change_capacity(group_id group, window_index window, std::uint32_t capacity, std::string reason, orderer who, operator_done done);
  // Into the log, for a person.
  void warn(std::string what) const;
  // While it is not empty the node takes no bookings, and the other nodes hear why. Any thread.
  void wait_for(std::string what);
  [[nodiscard]] std::string waits_for() const;
  // Into the audit trail, wherever that is led.
  void note(operator_noted what, operator_done done);
  // Staff release a disputed claim: a cancellation, found by the citizen instead of a token.
  void release_claim(const citizen_hash& citizen, std::string reason, orderer who, operator_done done);
  // Where a booking is now, whoever asks; a cancelled one too. An error: "code: words", as of orders.
  void find_place(reference ref, const place_done& done);
  // The places of a slot group with their sealed records, as committed by whoever leads it when it is asked, a part at a time.
  void sealed_records(const schema::records_ask& ask, sealed_records_done done);
  // Activates every slot group of the round.
  void warm(round_id round, const operator_done& done, bool dry_run = false);
  [[nodiscard]] node_status status() const;
  // By node: what each said last.
  [[nodiscard]] std::shared_ptr<const std::map<std::uint64_t, told_report>> reports() const;
  // Asks every shard for a strict read, by the way that a citizen's request takes; says which did not answer within seconds.
  void probe_shards(std::function<void(std::vector<std::uint16_t>)> done);
  // Compares the logs of the shard's replicas up to what all have committed, without holding up bookings.
  void verify_shard(shard_id shard, operator_done done);
  // A part of what is committed in the shard's log after a position, encoded, from the node that leads it; empty: no more.
  void read_log(shard_id shard, sequence_t after, operator_done done);
  // An operator's word that the dead member never comes back: the other takes its place, from a copy of the leader's log.
  void replace_member(shard_id shard, std::uint64_t dead, std::uint64_t by, operator_done done, bool dry_run = false);
  [[nodiscard]] bool ready() const;  // every shard serves and the read model is complete

  // Stops admitting, answers what is in flight, hands over what it leads to other nodes, flushes. Returns when all is on disk or the limit
  // has passed.
  void stop(std::uint32_t limit_ms);

private:
  struct impl;
  explicit node(std::unique_ptr<impl> impl);
  std::unique_ptr<impl> impl_;
};

}  // namespace janji::actors
