// A node's real actors on CAF's test coordinator: nothing runs but the message that the caller chooses, on the caller's
// thread and under virtual time, so that a seed decides everything. The store is the real one on a disk in memory; only the
// journal's thread is replaced, by writes that reach the disk and are acknowledged when the caller says so.
// A power cut drops what was not synced and starts new actors from the store.
#pragma once

#include <caf/all.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "actors/availability.hpp"
#include "actors/catalogue.hpp"
#include "actors/context.hpp"
#include "cluster/config_store.hpp"
#include "store/node_store.hpp"

namespace rocksdb {
class Env;
}

namespace janji::sim {

// A node_store on a disk in memory. Opening one costs more than a whole walk, so that walks share it and wipe it.
class memory_store {
public:
  memory_store();
  ~memory_store();
  // An empty store, as far as these shards can see.
  store::node_store& wipe(std::uint16_t shard_count);

private:
  void open();
  std::unique_ptr<rocksdb::Env> env_;
  std::unique_ptr<store::node_store> store_;
  unsigned wipes_ = 0;
};

// A node's place in a cluster: who it is, and the records and links that it shares with others.
struct seat {
  std::uint64_t node = 1;
  std::uint64_t disk = 1;
  cluster::config_store* records = nullptr;  // none: its own
  actors::peer_port* peers = nullptr;
  std::function<std::uint64_t()> random;
  replication::planted_faults faults;
  cluster::placement_picture placement;
  std::int64_t clock_ahead_ms = 0;  // of the citizens'
};

class simulated_node {
public:
  simulated_node(store::node_store& store, const actors::node_options& options, const planted_faults& faults, seat s = {});
  ~simulated_node();
  simulated_node(const simulated_node&) = delete;
  simulated_node& operator=(const simulated_node&) = delete;

  // ---- what the test hears; set before start()
  std::function<void(std::vector<answer>&&)> on_answers = [](auto&&) {};
  std::function<void(std::string)> on_fatal = [](auto&&) {};
  std::function<void(const store::shard_write&)> on_synced = [](auto&&) {};  // as soon as it is on disk, before anybody is told

  // ---- life
  void start();
  // Drops every actor and what they have in memory. Of the unsynced writes the first `reached` get to the disk, and
  // snapshots, which are never synced, are as they were after the first `snapshots_kept` times that some were written.
  void power_cut(std::size_t reached, std::size_t snapshots_kept);
  void halt(std::size_t reached, std::size_t snapshots_kept);  // the same, and nobody starts it again
  [[nodiscard]] bool runs() const { return life_ != nullptr; }
  std::function<void(std::string)> on_warning = [](auto&&) {};
  [[nodiscard]] std::size_t snapshots_written() const { return images_.size(); }
  // The actor ends without a word, before or after what waits in its mailbox.
  void kill(const caf::actor& handle, bool at_once);

  // ---- what may happen next
  [[nodiscard]] std::size_t jobs() const;
  std::string_view run(std::size_t n);  // the n-th actor that has mail handles one message; gives its name
  bool run(const caf::actor& handle);   // this one; false when it has no mail
  void run_all();                       // until nobody has mail
  void advance(std::int64_t ms);
  [[nodiscard]] unix_ms now() const;
  [[nodiscard]] std::size_t unsynced() const { return unsynced_.size(); }
  [[nodiscard]] std::size_t unheard() const { return unheard_.size(); }
  void sync(std::size_t n);  // the first n writes, in the order in which they were submitted
  void acknowledge();        // the oldest write that is synced and not acknowledged
  [[nodiscard]] bool at_rest() const { return jobs() == 0 && unsynced_.empty() && unheard_.empty(); }
  void settle();  // runs, syncs and acknowledges until it is at rest; time stands still

  // ---- to the actors
  // As a front, which stamps what citizens ask with what it has heard; not when it is `stamped` already.
  void submit(std::vector<actors::citizen_command>&& turn, bool stamped = false);
  void order(group_id group, change_capacity&& c);  // as of now
  void order(actors::import_order&& o);
  void order(actors::state_order&& o);
  [[nodiscard]] actors::node_context& context() { return *life_->shared; }
  [[nodiscard]] const actors::read_model& model() const { return life_->model; }
  [[nodiscard]] store::node_store& disk() { return store_; }
  [[nodiscard]] std::vector<caf::actor> owners() const;  // slot groups and registries that run
  // What a restart would find differs from the log counted again from its beginning; empty when it does not.
  [[nodiscard]] std::string recovery_fault();

private:
  struct write_under_way {
    store::shard_write write;
    std::uint64_t id = 0;
    caf::actor reply_to;
  };
  class chosen_journal final : public actors::journal_port {
  public:
    explicit chosen_journal(simulated_node& node) : node_(node) {}
    void submit(store::shard_write&& write, std::uint64_t id, const caf::actor& reply_to) override;

  private:
    simulated_node& node_;
  };
  // The records of shards: changed by compare-and-swap, and durable at once.
  class records final : public cluster::config_store {
  public:
    std::expected<cluster::versioned_record, std::string> read(shard_id shard) override { return records_[shard]; }
    cluster::swap_outcome swap(shard_id shard, std::uint64_t expected_revision, const cluster::shard_record& record) override;

  private:
    std::map<shard_id, cluster::versioned_record> records_;
  };
  struct life {
    caf::actor_system_config config;
    std::unique_ptr<caf::actor_system> system;
    std::unique_ptr<actors::node_context> shared;
    actors::read_model model;
    caf::actor front;
    caf::actor ticker;  // of a cluster
  };
  using snapshot_image = std::vector<store::snapshot_row>;

  [[nodiscard]] caf::scheduler::test_coordinator& scheduler() const;
  actors::catalogue_builder recover_rounds(sequence_t& applied);
  void end_life();
  void stamp_all(std::vector<actors::citizen_command>& turn);
  [[nodiscard]] snapshot_image read_snapshots() const;
  void put_back(const snapshot_image& image);
  void note_snapshots();

  store::node_store& store_;
  actors::node_options options_;
  planted_faults faults_;
  seat seat_;
  records records_;
  chosen_journal journal_{*this};
  std::deque<write_under_way> unsynced_;
  std::deque<write_under_way> unheard_;
  std::vector<snapshot_image> images_;  // of the snapshots, after each change since the last start
  snapshot_image at_start_;
  std::uint64_t snapshot_bytes_ = 0;
  unix_ms clock_base_{1'800'000'000'000};  // of the present life
  std::uint64_t boots_ = 0;
  bool off_ = true;
  std::unique_ptr<life> life_;
};

}  // namespace janji::sim
