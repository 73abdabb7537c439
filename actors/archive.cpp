#include "actors/archive.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include <chrono>
#include <memory>
#include <utility>

#include "actors/follower_checkpoint.hpp"
#include "actors/sealed_records.hpp"

namespace janji::actors {

std::expected<std::vector<std::pair<schema::owner, recovered_owner::tail_event>>, std::string> read_events(const store::node_store& store,
                                                                                                           shard_id shard, sequence_t after,
                                                                                                           sequence_t up_to,
                                                                                                           archive_operation* watched) {
  std::vector<std::pair<schema::owner, recovered_owner::tail_event>> events;
  std::string error;
  const auto read = store.read_log(shard, sequence_t{after.value + 1}, [&](store::log_entry&& entry) {
    if (watched != nullptr)
      watched->goes_on();
    if (entry.sequence > up_to)
      return false;
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
    : caf::event_based_actor(config), shared_(shared), store_(store), records_(records), directory_(shared.options.data_directory) {}

caf::behavior archive_actor::make_behavior() {
  return {
      [this](load_tail& l) { caf::anon_send(l.reply_to, read_tail(l)); },
      [this](load_entries& l) { caf::anon_send(l.reply_to, read_entries(l)); },
      [this](hash_log& h) { caf::anon_send(h.reply_to, hash_of(h)); },
      [this](load_owner& l) { caf::anon_send(l.reply_to, read_owner(l)); },
      [this](load_records& l) { l.done(sealed_records(shared_, store_, l)); },
      [this](write_snapshots& w) {
        if (w.checkpoint)
          w.rows.push_back({w.shard, schema::owner::of_checkpoint(), *w.checkpoint, {}});
        put(w.rows);
        if (w.checkpoint)
          caf::anon_send(w.reply_to, checkpoint_written{*w.checkpoint});
      },
      [this](make_checkpoint_here& m) { caf::anon_send(m.reply_to, make_checkpoint(m)); },
      [this](watch_disk) {
        const archive_operation watched(shared_.disk);
        const auto disk = store_.disk();
        shared_.storage_low = disk.low;
        shared_.disk_free_bytes = disk.free_bytes;
        shared_.disk_total_bytes = disk.total_bytes;
        auto wrong = directory_.look();
        if (wrong.empty())
          wrong = disk.unknown;
        if (wrong.empty() && looks_++ % files_every == 0)
          lost_file_ = store_.lost_file();
        if (wrong.empty() && !lost_file_.empty())
          wrong = fmt::format("{} cannot be found: the next start needs it", lost_file_);
        if (wrong != *shared_.directory_wrong.get())
          shared_.directory_wrong.set(std::make_shared<const std::string>(std::move(wrong)));
        delayed_send(this, std::chrono::seconds(1), watch_disk{});
      },
  };
}

caf::behavior record_keeper_actor::make_behavior() {
  return {[this](do_swap& s) {
            caf::anon_send(s.reply_to,
                           swap_done{s.registered ? records_.swap_if_registered(s.shard, s.expected_revision, s.record, *s.registered)
                                                  : records_.swap(s.shard, s.expected_revision, s.record)});
          },
          [this](read_outside& r) {
            asked_outside_.push_back(std::move(r));
            if (asked_outside_.size() == 1)
              send(this, read_outside_now{});
          },
          [this](read_outside_now) { tell_outside(); }};
}

// What is read is no older than any of the questions.
void record_keeper_actor::tell_outside() {
  const auto asked = std::exchange(asked_outside_, {});
  const auto all = records_.outside();
  if (!all)
    return;  // they ask again
  for (const auto& r : asked) {
    const auto at = all->find(r.shard);
    caf::anon_send(r.reply_to, outside_read{r.epoch, at == all->end() ? replication::position{} : at->second});
  }
}

void archive_actor::put(const std::vector<store::snapshot_row>& rows) {
  const archive_operation watched(shared_.disk);
  if (auto written = store_.put_snapshots(rows); !written)
    shared_.fatal("a snapshot cannot be written: " + written.error().text());
}

tail_loaded archive_actor::read_tail(const load_tail& l) {
  tail_loaded found;
  found.ticket = l.ticket;
  const auto failed = [&](std::string why) {
    found.error = std::move(why);
    return found;
  };
  archive_operation watched(shared_.disk);
  auto tail = store_.tail(l.shard);
  auto checkpoint = store_.get_snapshot(l.shard, schema::owner::of_checkpoint());
  if (!tail || !checkpoint)
    return failed(!tail ? tail.error().text() : checkpoint.error().text());
  found.tail = *tail;
  found.checkpoint = *checkpoint ? (*checkpoint)->applied : sequence_t{};
  if (l.ticket != 0) {
    auto events = read_events(store_, l.shard, found.checkpoint, everything, &watched);
    if (!events)
      return failed(events.error());
    found.events = std::move(*events);
    auto admission = store_.get_snapshot(l.shard, schema::owner::of_admission());
    if (!admission)
      return failed(admission.error().text());
    if (*admission && !(*admission)->bytes.empty()) {
      auto state = schema::decode_admission((*admission)->bytes);
      if (!state)
        return failed("the snapshot of admission of shard " + std::to_string(l.shard.value) + " cannot be read: " + state.error().text);
      found.admission = std::move(*state);
      found.admission_at = (*admission)->applied;
    }
    return found;
  }
  watched.ends();
  auto record = records_.read(l.shard);
  if (!record && shared_.peers != nullptr) {
    found.record_away = true;
    return found;
  }
  if (!record)
    return failed(record.error());
  found.record = std::move(*record);
  if (shared_.peers == nullptr)
    return found;  // nobody's log is ever compared with this one
  const auto runs = store_.log_runs(l.shard);
  if (!runs)
    return failed(runs.error().text());
  for (const auto& r : *runs)
    found.log.runs.push_back({r.epoch, r.first});
  found.log.tail = {tail->last_epoch, tail->last_sequence};
  return found;
}

entries_loaded archive_actor::read_entries(const load_entries& l) {
  constexpr std::size_t bytes_max = 2U << 20U;  // of one message to another node; a larger entry goes alone
  entries_loaded found;
  found.number = l.number;
  std::size_t bytes = 0;
  archive_operation watched(shared_.disk);
  const auto read = store_.read_log(l.shard, l.first, [&](store::log_entry&& e) {
    watched.goes_on();
    bytes += e.payload.size();
    if (!found.entries.empty() && bytes > bytes_max)
      return false;
    found.entries.push_back({{e.epoch, e.sequence}, std::move(e.payload)});
    return found.entries.size() < l.count_max;
  });
  if (!read)
    found.error = read.error().text();
  return found;
}

// Of position, length and content of every entry, from the first.
order_said archive_actor::hash_of(const hash_log& h) {
  struct deleter {
    void operator()(XXH3_state_t* s) const { XXH3_freeState(s); }
  };
  const std::unique_ptr<XXH3_state_t, deleter> state(XXH3_createState());
  XXH3_64bits_reset(state.get());
  std::uint64_t last = 0;
  archive_operation watched(shared_.disk);
  const auto read = store_.read_log(h.shard, sequence_t{1}, [&](store::log_entry&& e) {
    watched.goes_on();
    if (e.sequence > h.up_to)
      return false;
    last = e.sequence.value;
    const std::uint64_t where[] = {e.epoch.value, e.sequence.value, e.payload.size()};
    XXH3_64bits_update(state.get(), where, sizeof where);
    XXH3_64bits_update(state.get(), e.payload.data(), e.payload.size());
    return true;
  });
  if (!read)
    return {h.number, false, read.error().text()};
  if (last != h.up_to.value)
    return {h.number, false, "its log ends at " + std::to_string(last)};
  return {h.number, true, fmt::format("{:016x}", XXH3_64bits_digest(state.get()))};
}

// Nothing depends on it but the time that a take-over needs: what cannot be done now is tried again later.
checkpoint_written archive_actor::make_checkpoint(const make_checkpoint_here& m) {
  auto rows = follower_checkpoint(shared_, store_, m.shard, m.after, m.up_to);
  if (!rows) {
    if (!rows.error().for_now)
      shared_.warn(fmt::format("no checkpoint of shard {}, which is led elsewhere: {}", m.shard.value, rows.error().why));
    return {m.after};
  }
  put(*rows);
  return {m.up_to};
}

loaded archive_actor::read_owner(const load_owner& l) {
  loaded out;
  out.ticket = l.ticket;
  out.owner.who = l.who;
  archive_operation watched(shared_.disk);
  auto snapshot = store_.get_snapshot(l.shard, l.who);
  if (!snapshot) {
    out.error = snapshot.error().text();
    return out;
  }
  sequence_t applied;
  if (*snapshot) {
    applied = out.owner.snapshot_at = (*snapshot)->applied;
    out.owner.snapshot = std::move((*snapshot)->bytes);
  }
  if (l.with_tail) {
    auto events = read_events(store_, l.shard, applied, everything, &watched);
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
