#include "actors/archive.hpp"

#include <chrono>
#include <utility>

namespace janji::actors {

std::expected<std::vector<std::pair<schema::owner, recovered_owner::tail_event>>, std::string> read_events(const store::node_store& store,
                                                                                                           shard_id shard,
                                                                                                           sequence_t after) {
  std::vector<std::pair<schema::owner, recovered_owner::tail_event>> events;
  std::string error;
  const auto read = store.read_log(shard, sequence_t{after.value + 1}, [&](store::log_entry&& entry) {
    if (entry.payload.empty())
      return true;
    auto batch = schema::decode_batch(entry.payload);
    if (!batch) {
      error = "entry " + std::to_string(entry.sequence.value) + " of shard " + std::to_string(shard.value) + ": " + batch.error().text;
      return false;
    }
    std::uint16_t record = 0;
    for (auto& e : *batch) {
      const auto records = schema::count_records(e.event);
      events.emplace_back(e.who, recovered_owner::tail_event{entry.sequence, record, std::move(e.event)});
      record = static_cast<std::uint16_t>(record + records);
    }
    return true;
  });
  if (!read)
    return std::unexpected(read.error().text());
  if (!error.empty())
    return std::unexpected(error);
  return events;
}

archive_actor::archive_actor(caf::actor_config& config, node_context& shared, store::node_store& store, cluster::config_store& records)
    : caf::event_based_actor(config), shared_(shared), store_(store), records_(records) {}

caf::behavior archive_actor::make_behavior() {
  return {
      [this](load_tail& l) { caf::anon_send(l.reply_to, read_tail(l.shard)); },
      [this](load_owner& l) { caf::anon_send(l.reply_to, read_owner(l)); },
      [this](write_snapshots& w) {
        if (w.checkpoint)
          w.rows.push_back({w.shard, schema::owner::of_checkpoint(), *w.checkpoint, {}});
        if (auto written = store_.put_snapshots(w.rows); !written)
          return shared_.fatal("a snapshot cannot be written: " + written.error().text());
        if (w.checkpoint)
          caf::anon_send(w.reply_to, checkpoint_written{*w.checkpoint});
      },
      [this](do_swap& s) { caf::anon_send(s.reply_to, swap_done{records_.swap(s.shard, s.expected_revision, s.record)}); },
      [this](watch_disk) {
        shared_.storage_low = store_.disk().low;
        delayed_send(this, std::chrono::seconds(1), watch_disk{});
      },
  };
}

tail_loaded archive_actor::read_tail(shard_id shard) {
  tail_loaded found;
  auto tail = store_.tail(shard);
  auto record = records_.read(shard);
  auto checkpoint = store_.get_snapshot(shard, schema::owner::of_checkpoint());
  if (!tail || !record || !checkpoint) {
    found.error = !tail ? tail.error().text() : !record ? record.error() : checkpoint.error().text();
    return found;
  }
  found.tail = *tail;
  found.record = std::move(*record);
  found.checkpoint = *checkpoint ? (*checkpoint)->applied : sequence_t{};
  auto events = read_events(store_, shard, found.checkpoint);
  if (!events)
    found.error = events.error();
  else
    found.events = std::move(*events);
  return found;
}

loaded archive_actor::read_owner(const load_owner& l) {
  loaded out;
  out.owner.who = l.who;
  auto snapshot = store_.get_snapshot(l.shard, l.who);
  if (!snapshot) {
    out.error = snapshot.error().text();
    return out;
  }
  sequence_t applied;
  if (*snapshot) {
    applied = (*snapshot)->applied;
    out.owner.snapshot = std::move((*snapshot)->bytes);
  }
  if (l.with_tail) {
    auto events = read_events(store_, l.shard, applied);
    if (!events)
      out.error = events.error();
    else
      for (auto& [who, event] : *events)
        if (who == l.who)
          out.owner.tail.push_back(std::move(event));
  }
  return out;
}

}  // namespace janji::actors
