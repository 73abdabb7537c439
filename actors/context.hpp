// What every actor of a node is given: options, the router, the clock, where answers go, and the plug-ins below.
// One object a node, immutable once the actors run; outlives them.
#pragma once

#include <atomic>
#include <caf/all.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <vector>

#include "actors/disk_watch.hpp"
#include "actors/heard.hpp"
#include "actors/messages.hpp"
#include "actors/node.hpp"
#include "actors/operator_orders.hpp"
#include "actors/pending_commands.hpp"
#include "actors/refusal_counts.hpp"
#include "actors/router.hpp"
#include "booking/faults.hpp"
#include "cluster/feature_level.hpp"

namespace janji::actors {

// Appends of a node's shards on their way to disk. submit() never blocks; when the write is synced, `persisted{id}` is
// sent to `reply_to`. A failed write or sync is fatal to the process and is never reported as an outcome
// (docs/guarantees.md). Source of the grouping: everything that queued while the last sync ran goes in the next.
class journal_port {
public:
  virtual ~journal_port() = default;
  virtual void submit(store::shard_write&& write, std::uint64_t id, const caf::actor& reply_to) = 0;
};

// How a node's actors reach those of other nodes. Never blocks; what it is given may be lost, late or doubled. Any thread.
class peer_port {
public:
  virtual ~peer_port() = default;
  virtual void replicate(shard_id shard, replication::header&& head, replication::message&& what) = 0;
  // To where the shard is led, as far as is known here.
  virtual void forward(std::uint64_t node, shard_id shard, group_mail_for&& mail) = 0;
  virtual void forward(std::uint64_t node, shard_id shard, registry_mail&& mail) = 0;
  // To every node but these: the rounds as committed up to here.
  virtual void tell_rounds(sequence_t applied, const std::vector<round_event>& history, const std::set<std::uint64_t>& but) = 0;
  // To one that knows the rounds as committed up to `since`: what came after it. False if it is not linked or takes no more.
  virtual bool tell_rounds_since(std::uint64_t node, const schema::rounds_history& what) = 0;
  // To every node that is linked, or to one of them: numbers of slot groups that are led here. Returns those nodes that were
  // not reached: they have to be told all again.
  virtual std::set<std::uint64_t> tell_figures(const schema::told_figures& figures, std::optional<std::uint64_t> only) = 0;
  [[nodiscard]] virtual std::set<std::uint64_t> linked_nodes() { return {}; }
  // To every node: this one is about to stop; who leads should go on without it before it does.
  virtual void tell_leaving() = 0;
  // To every node: this one has ceased to lead the shard, and what waited at its owners is gone.
  virtual void tell_deposed(shard_id shard) = 0;
  // To every node: what leaders here have counted.
  virtual void tell_heard(const std::vector<schema::heard_shard>& shards) = 0;
  // To the heir of a tenure: its refusals. And back, once it has them all.
  virtual void pass_table(std::uint64_t node, shard_id shard, const schema::table_part& part) = 0;
  // To every node: what is committed of admission in shard 0, to be in the log of each shard that is led there.
  virtual void tell_admission(const schema::told_admission& told) = 0;
  virtual void tell_admission_held(std::uint64_t node, shard_id shard, sequence_t position) = 0;
  // A question of the leader of `shard` to the node that leads shard 0, and its answer.
  virtual void ask_admission(std::uint64_t node, shard_id shard, std::uint64_t number) = 0;
  virtual void answer_admission(std::uint64_t node, shard_id shard, const schema::told_admission& told) = 0;
  virtual void acknowledge_table(std::uint64_t node, shard_id shard, std::uint64_t number) = 0;
  // To every node: how this one's replicas stand.
  virtual void tell_report(const schema::node_report& report) = 0;
  // An operator's question or order about a shard, to one node, and its answer.
  virtual void ask(std::uint64_t node, shard_id shard, const schema::shard_ask& what) = 0;
  virtual void say(std::uint64_t node, const schema::shard_said& what) = 0;
};

// A pointer to an immutable value that one thread replaces and all may read.
template <class T>
class published {
public:
  [[nodiscard]] std::shared_ptr<const T> get() const { return value_.load(std::memory_order_acquire); }
  void set(std::shared_ptr<const T> v) { value_.store(std::move(v), std::memory_order_release); }

private:
  std::atomic<std::shared_ptr<const T>> value_{std::make_shared<const T>()};
};

// The machine's clock, as it is set now.
unix_ms system_clock_now();

inline constexpr std::uint32_t level_of_refusals = 1;  // feature level from which on leaders number what they refuse
inline constexpr std::uint32_t level_of_ends = 2;      // from which on windows have ends
inline constexpr std::uint32_t level_of_changes = 2;   // from which on changes of citizens are counted

struct node_context {
  explicit node_context(const node_options& o) : options(o), route(o.shard_count), strict_free_(o.shard_count) {}

  node_options options;
  router route;
  journal_port* journal = nullptr;
  peer_port* peers = nullptr;  // none: the node is alone
  caf::actor archive;          // loads and writes snapshots
  caf::actor record_keeper;    // swaps shards' records: a store that is away holds up nothing else
  caf::actor availability;
  caf::actor rounds;
  caf::actor reports;  // of a cluster only
  std::function<unix_ms()> now;
  std::function<void(std::vector<answer>&&)> answers;
  std::function<void(std::string)> fatal;
  std::function<void(std::string)> warn = [](const std::string&) {};  // a person must know
  std::function<std::uint64_t()> random = [] { return std::uint64_t{0}; };
  planted_faults faults;  // tests only, both
  replication::planted_faults replica_faults;

  // Incarnations are unique over nodes and restarts: 12 bits of the node's number, 20 of its boot's, a counter.
  incarnation_t next_incarnation() {
    const auto number = replication::number_of(replication::boot_t{boot});
    return incarnation_t{(node_id & 0xFFFU) << 52 | (number & 0xF'FFFFU) << 32 | (++incarnations_ & 0xFFFF'FFFFU)};
  }
  std::uint64_t boot = 0;
  std::uint64_t node_id = 0;
  std::uint64_t disk_id = 0;

  // A strict round on this shard asks nobody: set by the shard while it serves alone.
  [[nodiscard]] bool strict_rounds_free(shard_id s) const { return strict_free_[s.value].load(std::memory_order_acquire); }
  void set_strict_rounds_free(shard_id s, bool free) { strict_free_[s.value].store(free, std::memory_order_release); }

  // Fronts stamp requests, and leaders judge by it.
  [[nodiscard]] bool counts_refusals() const { return feature_level >= level_of_refusals; }
  // Leaders refuse windows that are over, and all nodes know the word.
  [[nodiscard]] bool judges_past() const { return feature_level >= level_of_ends; }
  // Registries count what their citizens book and move, and refuse more than a round permits.
  [[nodiscard]] bool counts_changes() const { return feature_level >= level_of_changes; }
  heard_stamps heard{options.shard_count};
  void hear(const std::vector<answer>& answers) {
    for (const auto& a : answers)
      if (a.what != outcome::confirmed)  // that says what its request bore
        heard.hear(a.shard, a.stamp);
  }
  // Of the shards that are led here. Set and taken back by the shard.
  std::vector<std::atomic<std::shared_ptr<const refusal_table>>> refusals{options.shard_count};
  // What the leaders here have counted, whether or not an answer says so.
  std::vector<schema::heard_shard> hear_own() {
    std::vector<schema::heard_shard> all;
    for (std::uint16_t s = 0; s < options.shard_count; ++s)
      if (const auto table = refusals[s].load())
        all.push_back({shard_id{s}, table->now()});
    heard.hear(all);
    return all;
  }

  published<round_catalogue> catalogue;
  // Of the cluster (cluster/feature_level.hpp): below a level nobody writes its events or sends its messages. Grows only.
  std::atomic<std::uint32_t> feature_level{cluster::feature_level_newest};
  published<cluster::placement_picture> placement;  // of a cluster: who is there, and where every shard is to be
  operator_orders orders;
  pending_commands pending;                                      // of a cluster only
  published<std::map<std::uint64_t, told_report>> told_reports;  // of all nodes that were heard, this one too
  std::atomic<std::uint32_t> shards_serving{0};
  std::atomic<bool> read_model_complete{false};
  std::atomic<std::uint64_t> rounds_applied{0};  // position of shard 0's log up to which the rounds are known here
  std::atomic<bool> rounds_led{false};           // of a cluster: by this node while it serves shard 0, and it has read them
  std::atomic<bool> stopping{false};
  std::atomic<std::uint32_t> shards_flushed{0};
  std::atomic<std::uint32_t> shards_handed_over{0};
  std::atomic<std::uint32_t> moves_under_way{0};       // of shards that are led here
  std::atomic<std::uint32_t> hand_overs_under_way{0};  // a shard admits nothing meanwhile: few at once, and each is short
  std::atomic<std::size_t> mail_bytes{0};              // that waits at shards for owners that are not there
  std::atomic<std::size_t> queued_event_bytes{0};      // on their way to the log
  std::function<void()> each_second = [] {};           // called by the front's actor
  refusal_counts refusals_told;                        // to citizens by this start
  unix_ms counted_since = system_clock_now();
  std::atomic<bool> storage_low{false};  // of this node's own disk
  // By shard: the disk of one of those that a booking there is written to is low, as far as they have said. On a node that is alone, its
  // own.
  std::vector<std::atomic<bool>> disks_low = std::vector<std::atomic<bool>>(options.shard_count);
  std::function<unix_ms()> wall_clock = system_clock_now;  // as set now; `now` goes on steadily from what it was at the start
  // How far the machine's clock has been set since the start, or has stood still for this program; `now` has not gone with it.
  [[nodiscard]] std::int64_t clock_set_ms() const { return wall_clock().value - now().value; }
  published<std::string> directory_wrong;  // not empty: what is wrong with the node's own directory
  published<std::string> waits_for;        // not empty: why it takes no bookings, though it has started
  std::atomic<std::uint64_t> disk_free_bytes{0};
  std::atomic<std::uint64_t> disk_total_bytes{0};
  disk_watch disk;
  std::vector<std::atomic<std::shared_ptr<const shard_status>>> shard_statuses{options.shard_count};
  // By shard that is led here: until when nobody else can have served it, as far as its members have answered (machine::followed);
  // 0: not known. Set by the shard.
  std::vector<std::atomic<std::int64_t>> followed_until_ms = std::vector<std::atomic<std::int64_t>>(options.shard_count);
  // 0: nobody, as far as is known here.
  [[nodiscard]] std::uint64_t leader_of(shard_id s) const {
    const auto status = shard_statuses[s.value].load();
    return status == nullptr ? 0 : status->record.record.leader.node;
  }
  struct ticked {
    std::atomic<bool> stands_by{false};  // set by the shard: it has nothing to do with this node but for mail on its way
    std::atomic<bool> told{false};       // set by the ticker, taken back by the shard: a tick is in its mailbox
  };
  std::vector<ticked> ticking{options.shard_count};  // of a cluster

private:
  std::vector<std::atomic<bool>> strict_free_;
  std::atomic<std::uint64_t> incarnations_{0};
};

// The clock of a node: wall time at start, then steady, so that deadlines do not jump.
std::function<unix_ms()> steady_wall_clock();

}  // namespace janji::actors
