#include "actors/journal.hpp"

#include <pthread.h>

#include <utility>

namespace janji::actors {

journal::journal(store::node_store& store, disk_watch& disk, std::function<void(std::string)> fatal)
    : store_(store), disk_(disk), fatal_(std::move(fatal)), thread_([this] { run(); }) {
  pthread_setname_np(thread_.native_handle(), "journal");
}

journal::~journal() { stop(); }

void journal::submit(store::shard_write&& write, std::uint64_t id, const caf::actor& reply_to) {
  bool first = false;
  {
    const std::lock_guard lock{mutex_};
    first = writes_.empty();
    writes_.push_back(std::move(write));
    waiting_.push_back({id, reply_to});
  }
  if (first)
    queued_.notify_one();
}

void journal::stop() {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  queued_.notify_one();
  if (thread_.joinable())
    thread_.join();
}

void journal::run() {
  std::vector<store::shard_write> writes;
  std::vector<waiting> waiting;
  for (;;) {
    {
      std::unique_lock lock{mutex_};
      queued_.wait(lock, [this] { return stopping_ || !writes_.empty(); });
      if (writes_.empty())
        return;
      writes.swap(writes_);
      waiting.swap(waiting_);
    }
    disk_.begins(disk_watch::user::journal);
    const auto written = store_.write(writes);
    disk_.ends(disk_watch::user::journal);
    if (!written) {
      fatal_("a write to the log failed, its outcome is unknown: " + written.error().text());
      return;
    }
    for (auto& w : waiting)
      caf::anon_send(w.reply_to, persisted{w.id});
    writes.clear();
    waiting.clear();
  }
}

}  // namespace janji::actors
