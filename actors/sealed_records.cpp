#include "actors/sealed_records.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "actors/archive.hpp"
#include "actors/recovery.hpp"
#include "cluster/peer_links.hpp"

namespace janji::actors {

namespace {

// Of log entries for one answer; the last of them may go beyond it. Where bookings came fast an entry holds thousands.
constexpr std::size_t entry_bytes_read_max = 32U << 20U;
constexpr incarnation_t reads_only{0};
static_assert(schema::sealed_places_max * (limits::sealed_record_bytes_max + schema::mail_text_bytes_max + 256) <
                  cluster::peer_payload_bytes_max,
              "an answer is one message");

// Entries of one shard's log that records are taken from, each read once.
class entries_read_once {
public:
  entries_read_once(const store::node_store& store, const load_records& what, archive_operation& watched)
      : store_(store), what_(what), watched_(watched) {}
  // The record, or why there is none.
  std::expected<std::string, std::string> record(sequence_t at, std::uint16_t index) {
    if (at > what_.up_to || at == sequence_t{})
      return std::unexpected("it is said to lie where nothing is committed");
    auto it = known_.find(at);
    if (it == known_.end()) {
      watched_.goes_on();
      auto entry = store_.read_entry(what_.shard, at);
      if (!entry)
        return std::unexpected("the log entry that holds it cannot be read: " + entry.error().text());
      bytes_ += entry->payload.size();
      it = known_.emplace(at, std::move(entry->payload)).first;
    }
    auto sealed = schema::sealed_record(it->second, index);
    if (!sealed)
      return std::unexpected("the log entry that should hold it: " + sealed.error().text);
    return std::move(*sealed);
  }
  [[nodiscard]] bool enough() const { return bytes_ >= entry_bytes_read_max; }

private:
  const store::node_store& store_;
  const load_records& what_;
  archive_operation& watched_;
  std::map<sequence_t, std::string> known_;
  std::size_t bytes_ = 0;
};

// The group as committed, out of its last snapshot and the events since.
std::expected<slot_group, std::string> committed_group(const node_context& shared, const store::node_store& store, const load_records& what,
                                                       archive_operation& watched) {
  const auto who = schema::owner::of(what.ask.group);
  auto snapshot = store.get_snapshot(what.shard, who);
  auto checkpoint = store.get_snapshot(what.shard, schema::owner::of_checkpoint());
  if (!snapshot || !checkpoint)
    return std::unexpected(!snapshot ? snapshot.error().text() : checkpoint.error().text());
  const auto catalogue = shared.catalogue.get();
  const auto* windows = catalogue->windows_of(what.ask.group);
  if (windows == nullptr)
    return std::unexpected("the slot group is not known here yet");
  recovered_owner from{who, {}, {}, {}};
  if (*snapshot) {
    from.snapshot_at = (*snapshot)->applied;
    from.snapshot = std::move((*snapshot)->bytes);
  }
  // What came before a checkpoint is in the snapshot, if anything did.
  const auto after = std::max(from.snapshot_at, *checkpoint ? (*checkpoint)->applied : sequence_t{});
  auto events = read_events(store, what.shard, after, what.up_to, &watched);
  if (!events)
    return std::unexpected(events.error());
  for (auto& [owner, event] : *events)
    if (owner == who)
      from.tail.push_back(std::move(event));
  return recovered_group(shared, what.shard, what.ask.group, *windows, reads_only, from);
}

// Of a booking that was cancelled while it was moved the registry knows the old place; its entry says that it was left.
bool is_given_up(const group_entry& e, const schema::records_ask& ask) { return ask.only && e.status == place_status::moved; }

std::vector<const group_entry*> asked_for(const slot_group& group, const schema::records_ask& ask) {
  std::vector<const group_entry*> out;
  for (const auto& e : group.entries())
    if ((e.live() || (ask.cancelled && (e.status == place_status::cancelled || is_given_up(e, ask)))) &&
        (!ask.only || e.ref == *ask.only) && (!ask.after || e.ref > *ask.after) && (!ask.window || e.window == *ask.window))
      out.push_back(&e);
  std::ranges::sort(out, {}, [](const group_entry* e) { return e->ref; });
  return out;
}

schema::sealed_places of_group(const slot_group& group, const load_records& what, entries_read_once& entries) {
  schema::sealed_places out;
  for (const auto* e : asked_for(group, what.ask)) {
    if (out.places.size() == schema::sealed_places_max || entries.enough()) {
      out.more = true;
      break;
    }
    schema::sealed_place p{e->ref, e->generation, e->window, e->status, unix_ms{std::int64_t{e->at_s} * 1000}};
    if (is_given_up(*e, what.ask))
      p.status = place_status::cancelled;
    p.record = group.record_of(*e);
    if (p.record.shard == what.shard) {
      auto sealed = entries.record(p.record.sequence, p.record.index);
      (sealed ? p.sealed : p.fault) = sealed ? std::move(*sealed) : std::move(sealed.error());
    }
    out.places.push_back(std::move(p));
  }
  return out;
}

// As many as can be read at once, from the first.
schema::sealed_places at_positions(const load_records& what, entries_read_once& entries) {
  schema::sealed_places out;
  for (const auto& at : what.ask.at) {
    if (entries.enough()) {
      out.more = true;
      break;
    }
    schema::sealed_place p;
    p.record = {what.shard, at.sequence, at.index};
    auto sealed = entries.record(at.sequence, at.index);
    (sealed ? p.sealed : p.fault) = sealed ? std::move(*sealed) : std::move(sealed.error());
    out.places.push_back(std::move(p));
  }
  return out;
}

void ask_shard(node_context& shared, shard_id shard, schema::records_ask ask, operator_done done) {
  if (shard.value >= shared.options.shard_count)
    return done(std::unexpected("not_found: there is no such shard"));
  if (shared.peers != nullptr)
    return caf::anon_send(shared.reports, records_order{shard, std::move(ask), std::move(done)});
  caf::anon_send(shared.route.shard(shard), read_records{std::move(ask), [done = std::move(done)](schema::shard_said said) {
                                                           if (said.good)
                                                             return done(std::move(said.log));
                                                           done(std::unexpected("busy: " + said.text));
                                                         }});
}

// The places of a group, while the records that lie in other shards are asked for, shard by shard.
class gathering_records : public std::enable_shared_from_this<gathering_records> {
public:
  gathering_records(node_context& shared, sealed_records_done done) : shared_(shared), done_(std::move(done)) {}

  void begin(shard_id shard, const schema::records_ask& ask) {
    ask_shard(shared_, shard, ask, [self = shared_from_this(), shard](auto said) { self->places_told(shard, std::move(said)); });
  }

private:
  using told = std::expected<std::string, std::string>;

  void places_told(shard_id shard, told&& said) {
    if (!said)
      return done_(std::unexpected(std::move(said.error())));
    auto places = schema::decode_sealed_places(*said);
    if (!places)
      return done_(std::unexpected("wrong_state: sealed records came that cannot be read: " + places.error().text));
    places_ = std::move(*places);
    for (std::size_t i = 0; i < places_.places.size(); ++i)
      if (const auto& p = places_.places[i]; p.record.shard != shard && p.sealed.empty() && p.fault.empty())
        elsewhere_[p.record.shard].push_back(i);
    ask_next();
  }

  void ask_next() {
    if (elsewhere_.empty())
      return done_(std::move(places_));
    const auto& [shard, numbers] = *elsewhere_.begin();
    schema::records_ask ask;
    for (const auto n : numbers)
      ask.at.push_back(places_.places[n].record);
    ask_shard(shared_, shard, std::move(ask), [self = shared_from_this()](auto said) { self->records_told(std::move(said)); });
  }

  void records_told(told&& said) {
    if (!said)
      return done_(std::unexpected(std::move(said.error())));
    auto records = schema::decode_sealed_places(*said);
    auto& numbers = elsewhere_.begin()->second;
    if (!records || records->places.empty() || records->places.size() > numbers.size())
      return done_(std::unexpected("wrong_state: sealed records came that are not those that were asked for"));
    for (std::size_t i = 0; i < records->places.size(); ++i) {
      auto& to = places_.places[numbers[i]];
      to.sealed = std::move(records->places[i].sealed);
      to.fault = std::move(records->places[i].fault);
    }
    numbers.erase(numbers.begin(), numbers.begin() + static_cast<std::ptrdiff_t>(records->places.size()));
    if (numbers.empty())
      elsewhere_.erase(elsewhere_.begin());
    ask_next();
  }

  node_context& shared_;
  sealed_records_done done_;
  schema::sealed_places places_;
  std::map<shard_id, std::vector<std::size_t>> elsewhere_;  // numbers of places whose records lie there
};

}  // namespace

schema::shard_said sealed_records(node_context& shared, const store::node_store& store, const load_records& what) {
  archive_operation watched(shared.disk);
  entries_read_once entries(store, what, watched);
  if (what.ask.group == group_id{})
    return {0, true, {}, schema::encode_sealed_places(at_positions(what, entries)), {}};
  const auto group = committed_group(shared, store, what, watched);
  if (!group)
    return {0, false, group.error(), {}, {}};
  return {0, true, {}, schema::encode_sealed_places(of_group(*group, what, entries)), {}};
}

void gather_sealed_records(node_context& shared, shard_id shard, const schema::records_ask& ask, sealed_records_done done) {
  std::make_shared<gathering_records>(shared, std::move(done))->begin(shard, ask);
}

}  // namespace janji::actors
