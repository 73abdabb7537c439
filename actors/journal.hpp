// The node's journal: one thread that takes whatever appends have queued while the last sync ran and writes them as one
// synced batch, for all shards together. No timer, no batch-size knob: the batch grows with the load by itself.
// submit() may be called from any thread and never blocks on the disk. Bounded by its callers: one append in flight a shard.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "actors/context.hpp"

namespace janji::actors {

class journal final : public journal_port {
public:
  // `fatal` is called once, on the journal's thread, when a write or sync failed; nothing is acknowledged afterwards. `disk` is
  // told of every write, and outlives the journal.
  journal(store::node_store& store, disk_watch& disk, std::function<void(std::string)> fatal);
  ~journal() override;
  journal(const journal&) = delete;
  journal& operator=(const journal&) = delete;

  void submit(store::shard_write&& write, std::uint64_t id, const caf::actor& reply_to) override;
  // Writes what is queued, then ends the thread.
  void stop();

private:
  struct waiting {
    std::uint64_t id = 0;
    caf::actor reply_to;
  };
  void run();

  store::node_store& store_;
  disk_watch& disk_;
  std::function<void(std::string)> fatal_;
  std::mutex mutex_;
  std::condition_variable queued_;
  std::vector<store::shard_write> writes_;
  std::vector<waiting> waiting_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace janji::actors
