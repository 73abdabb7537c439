// Where a shard's replicas are to be: one step at a time towards it, each a change of the record that whoever leads next can
// go on from. At an orderly stop leadership goes first.
#include <algorithm>
#include <functional>
#include <utility>

#include "actors/shard.hpp"
#include "cluster/moves.hpp"
#include "cluster/replica_codec.hpp"

namespace janji::actors {

namespace {
constexpr std::int64_t move_patience_ms = 30'000;  // of an operator's order that the machine has taken
}

// A shard that hands over admits nothing until the next leader serves; where many did so at once all would wait for the last.
bool shard_actor::take_turn() {
  if (has_turn_)
    return true;
  if (shared_.hand_overs_under_way.fetch_add(1) < shared_.options.cluster->hand_overs_max)
    return has_turn_ = true;
  --shared_.hand_overs_under_way;
  wants_turn_ = true;
  return false;
}

void shard_actor::end_turn() {
  if (has_turn_ && !machine_.handing_over()) {
    has_turn_ = false;
    --shared_.hand_overs_under_way;
  }
}

// Once a second. What is missing is made good at once; a move waits until few are under way.
void shard_actor::seek_place() {
  if (!serving_ || shared_.peers == nullptr || leaving_ != leaving::no) {
    count_moves();
    return seek_members();
  }
  waits_for_members_ = false;
  const auto picture = shared_.placement.get();
  for (const auto& m : picture->members)
    if (const replication::member who{m.node, m.disk}; machine_.waits_for_registration(who))
      step(replication::registration_seen{who});
  count_moves();
  if (picture->store_away)
    return;
  const bool may_move = !picture->moves_paused && (moving_ || shared_.moves_under_way < shared_.options.cluster->moves_max);
  if (auto next = cluster::next_order(shard_, machine_.record().record, *picture, may_move, slow_disks())) {
    if (next->what == replication::order::verb::hand_over && !take_turn())
      return;
    next->number = ++next_ticket_;
    step(std::move(*next));
    end_turn();  // it may have been refused
    count_moves();
  }
}

cluster::slow_disk shard_actor::slow_disks() const {
  return [this](const replication::member& m) { return machine_.has_slow_disk(m); };
}

// A leader whose disk is slow hands over, one shard of its node after the other.
void shard_actor::leave_to_faster() {
  const auto to = serving_ && leaving_ == leaving::no ? machine_.faster_leader() : std::nullopt;
  if (!to || machine_.handing_over() || !take_turn())
    return;
  step(replication::order{++next_ticket_, replication::order::verb::hand_over, *to, {}});
  end_turn();
}

// One that leads and cannot serve, since too few are in sync, takes learners in: for an operator who has one take a dead
// member's place. A take-over is over before this is called twice.
void shard_actor::seek_members() {
  const bool waits = machine_.leading() && !serving_ && shared_.peers != nullptr && leaving_ == leaving::no;
  if (!std::exchange(waits_for_members_, waits) || !waits)
    return;
  auto next = cluster::order_to_serve(shard_, machine_.record().record, *shared_.placement.get());
  if (!next)
    return;
  next->number = ++next_ticket_;
  step(std::move(*next));
}

void shard_actor::count_moves() {
  const bool moves = serving_ && !std::ranges::all_of(machine_.record().record.learners, slow_disks());
  if (moves == moving_)
    return;
  moving_ = moves;
  moves ? ++shared_.moves_under_way : --shared_.moves_under_way;
}

// Tried with every tick: the machine takes no order while a change of the record is under way. First leadership goes; then
// the new leader lets this replica go, so that nobody waits for it when it has stopped.
void shard_actor::leave() {
  if (leaving_ != leaving::wanted)
    return;
  const auto done = [this] {
    leaving_ = leaving::done;
    ++shared_.shards_handed_over;
  };
  if (shared_.peers == nullptr)
    return done();
  const auto& record = machine_.record().record;
  if (machine_.current_role() != replication::machine::role::stopped) {
    const auto to = cluster::heir_of(shard_, record, *shared_.placement.get(), slow_disks());
    if (!to)
      return done();  // there is nobody
    if (!take_turn())
      return;
    step(replication::order{++next_ticket_, replication::order::verb::hand_over, *to, {}});
    return end_turn();
  }
  const auto stays = [this](const auto& m) { return m.node != shared_.node_id && !leaving_nodes_.contains(m.node); };
  const bool needed = std::ranges::count_if(record.in_sync, stays) < record.min_in_sync;
  if (needed || std::ranges::find(record.in_sync, shared_.node_id, &replication::member::node) == record.in_sync.end())
    done();
}

// Whoever is about to stop is let go before it does, as long as enough are left that stay.
void shard_actor::let_go() {
  if (!serving_ || leaving_nodes_.empty() || leaving_ != leaving::no || shared_.placement.get()->store_away)
    return;
  const auto& record = machine_.record().record;
  const auto leaves = [this](const auto& m) { return leaving_nodes_.contains(m.node); };
  const auto goes = std::ranges::find_if(record.in_sync, leaves);
  if (goes != record.in_sync.end() && std::ranges::count_if(record.in_sync, std::not_fn(leaves)) >= record.min_in_sync)
    step(replication::order{++next_ticket_, replication::order::verb::remove, *goes, {}});
}

void shard_actor::obey(shard_order& o) {
  if (!machine_.leading())  // it may lead and not serve: then a member is to be replaced
    return caf::anon_send(o.reply_to, order_said{o.what.number, false, "this node does not lead the shard"});
  const auto number = ++next_ticket_;
  operators_.emplace(number, asker{std::exchange(o.what.number, number), o.reply_to, unix_ms{shared_.now().value + move_patience_ms}});
  step(o.what);
}

// Of an order that the machine takes and never speaks of again, and of one whose leadership is over.
void shard_actor::give_up_orders(bool all) {
  for (auto it = operators_.begin(); it != operators_.end();) {
    if (!all && shared_.now() < it->second.until) {
      ++it;
      continue;
    }
    caf::anon_send(it->second.who, order_said{it->second.number, false, std::string(order_unknown)});
    it = operators_.erase(it);
  }
}

void shard_actor::answer_order(const replication::order_answered& said) {
  if (const auto asker = operators_.extract(said.number))
    caf::anon_send(asker.mapped().who, order_said{asker.mapped().number, said.accepted, said.accepted ? "under way" : said.why});
}

// What is committed, and only where the shard is served: all that was committed anywhere before it was asked is in it.
void shard_actor::read_for_operator(const read_committed& r) {
  if (!serving_) {
    caf::anon_send(r.reply_to, order_said{r.number, false, "does not serve this shard now"});
    return;
  }
  const auto committed = machine_.commit().value;
  if (r.after.value >= committed) {
    caf::anon_send(r.reply_to, entries_loaded{{}, r.number, {}});
    return;
  }
  const auto count = std::min<std::uint64_t>(cluster::limits::entries_max, committed - r.after.value);
  caf::anon_send(shared_.archive, load_entries{shard_, r.number, sequence_t{r.after.value + 1}, count, r.reply_to});
}

// What a leader that was deposed without knowing it has on its disk may be another citizen's by now: it is shown to lead first.
void shard_actor::read_sealed(read_records& r) {
  constexpr std::size_t reads_max = 64;
  if (!serving_)
    return r.done({0, false, "does not serve this shard now"});
  if (sealed_reads_.size() >= reads_max)
    return r.done({0, false, "is asked for too many records at once"});
  sealed_reads_.emplace(++next_read_, std::move(r));
  step(replication::strict_read{next_read_});
}

bool shard_actor::sealed_read(const replication::strict_read_done& d) {
  auto read = sealed_reads_.extract(d.number);
  if (!read)
    return false;
  auto& r = read.mapped();
  if (d.confirmed)
    caf::anon_send(shared_.archive, load_records{shard_, machine_.commit(), std::move(r.ask), std::move(r.done)});
  else
    r.done({0, false, "is not shown to lead this shard just now"});
  return true;
}

void shard_actor::give_up_sealed_reads() {
  for (auto& [number, r] : std::exchange(sealed_reads_, {}))
    r.done({0, false, "leads this shard no more"});
}

}  // namespace janji::actors
