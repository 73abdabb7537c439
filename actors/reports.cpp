#include "actors/reports.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <set>
#include <utility>

#include "cluster/operations.hpp"
#include "cluster/replica_codec.hpp"

namespace janji::actors {

namespace {

constexpr std::chrono::seconds report_every{1};
constexpr std::int64_t patience_ms = 60'000;       // of an operator's question; a long log takes its time
constexpr std::int64_t short_patience_ms = 5'000;  // where it takes none: whoever asks tries again
constexpr std::int64_t order_patience_ms = 15'000;
constexpr std::size_t for_others_max = 256;
constexpr std::string_view silence = "does not answer";
constexpr std::uint32_t level_of_records = 1;  // below it a node may not know the question

replication::member member_of(const std::vector<replication::member>& list, std::uint64_t node) {
  const auto it = std::ranges::find(list, node, &replication::member::node);
  return it == list.end() ? replication::member{} : *it;
}

std::int64_t patience_of(schema::shard_ask::verb what) {
  using enum schema::shard_ask::verb;
  return what == note || what == read_log || what == read_records ? short_patience_ms
         : what == round_order                                    ? order_patience_ms
                                                                  : patience_ms;
}

}  // namespace

caf::behavior reports_actor::make_behavior() {
  delayed_send(this, report_every, sweep{});
  return {
      [this](sweep) {
        report();
        give_up_late_ones();
        note_again();
        delayed_send(this, report_every, sweep{});
      },
      [this](report_now) { report(); },
      [this](report_told& r) { heard(r.node, std::move(r.report)); },
      [this](verify_order& o) { verify(o); },
      [this](read_log_order& o) { read_log(o); },
      [this](records_order& o) { read_records(o); },
      [this](records_said& s) { say(s.number, std::move(s.what)); },
      [this](note_order& o) { note(o); },
      [this](replace_order& o) { replace(o); },
      [this](pass_round_order& o) { pass(o); },
      [this](shard_asked& a) { asked(a); },
      [this](shard_answered& a) {
        answered(a.node, a.what.number, {a.what.good, std::move(a.what.log.empty() ? a.what.text : a.what.log), a.what.rounds_applied});
      },
      [this](order_said& o) { say(o.number, {0, o.good, std::move(o.text), {}, sequence_t{shared_.rounds_applied}}); },
      [this](entries_loaded& e) { entries_read(e); },
  };
}

void reports_actor::report() {
  schema::node_report r;
  r.storage_low = shared_.storage_low;
  r.disk_free_bytes = shared_.disk_free_bytes;
  r.disk_total_bytes = shared_.disk_total_bytes;
  r.clock = shared_.wall_clock();
  r.clock_set_ms = shared_.clock_set_ms();
  r.directory_wrong = *shared_.directory_wrong.get();
  r.waits_for = *shared_.waits_for.get();
  r.rounds_applied = sequence_t{shared_.rounds_applied};
  r.disk_waits_ms = static_cast<std::uint32_t>(shared_.disk.oldest().count());
  r.refusals = shared_.refusals_told.copy();
  r.counted_since = shared_.counted_since;
  r.disk_write_us = static_cast<std::uint32_t>(shared_.disk.usual_write().count());
  for (const auto& shard : shared_.shard_statuses)
    if (const auto s = shard.load(); s != nullptr && s->tail.value != 0)
      r.shards.push_back({s->shard, s->epoch, s->committed, s->tail, s->serving,
                          s->missing ? std::optional(std::pair{s->missing->epoch, s->missing->sequence}) : std::nullopt});
  shared_.peers->tell_report(r);
  heard(shared_.node_id, std::move(r));
}

void reports_actor::heard(std::uint64_t node, schema::node_report&& report) {
  const auto ahead = report.clock == unix_ms{} ? 0 : report.clock.value - shared_.wall_clock().value;
  if (std::abs(ahead) <= cluster::clocks_apart_max_ms)
    clocks_apart_.erase(node);
  else if (clocks_apart_.insert(node).second)
    shared_.warn(fmt::format("the clock of node {} is {:.1f} s ahead of this node's: set both", node, static_cast<double>(ahead) / 1000));
  if (node != shared_.node_id && report.rounds_applied)
    caf::anon_send(shared_.rounds, rounds_known{node, *report.rounds_applied});
  auto all = *shared_.told_reports.get();
  all[node] = {std::move(report), shared_.now(), ahead};
  shared_.told_reports.set(std::make_shared<const std::map<std::uint64_t, told_report>>(std::move(all)));
}

// ------------------------------------------------------------------ operators' orders

// Up to what every replica has said to be committed: that part of the logs never changes.
void reports_actor::verify(verify_order& o) {
  const auto status = o.shard.value < shared_.shard_statuses.size() ? shared_.shard_statuses[o.shard.value].load() : nullptr;
  if (status == nullptr || status->record.revision == 0)
    return o.done(std::unexpected("not_found: there is no such shard, or it was never begun"));
  gathering g{{}, o.shard, {}, {}, std::move(o.done), {}};
  const auto reports = shared_.told_reports.get();
  auto up_to = std::numeric_limits<std::uint64_t>::max();
  for (const auto& m : status->record.record.in_sync) {
    g.asked.push_back(m.node);
    const auto told = reports->find(m.node);
    const auto known = told == reports->end() ? decltype(told->second.report.shards.begin()){}
                                              : std::ranges::find(told->second.report.shards, o.shard, &schema::shard_report::shard);
    const bool there = told != reports->end() && known != told->second.report.shards.end();
    up_to = std::min(up_to, there ? known->committed.value : 0);
  }
  if (up_to == 0)
    return g.done(std::unexpected("busy: not every replica has said yet how far it is; ask again"));
  g.ask.up_to = sequence_t{up_to};
  begin(std::move(g));
}

void reports_actor::read_log(read_log_order& o) {
  const auto status = o.shard.value < shared_.shard_statuses.size() ? shared_.shard_statuses[o.shard.value].load() : nullptr;
  if (status == nullptr || status->record.revision == 0)
    return o.done(std::unexpected("not_found: there is no such shard, or it was never begun"));
  gathering g{{}, o.shard, {status->record.record.leader.node}, {}, std::move(o.done), {}};
  g.ask.what = schema::shard_ask::verb::read_log;
  g.ask.up_to = o.after;
  begin(std::move(g));
}

void reports_actor::read_records(records_order& o) {
  const auto leader = shared_.leader_of(o.shard);
  if (leader == 0)
    return o.done(std::unexpected(fmt::format("busy: nobody is known here to lead shard {}; ask again", o.shard.value)));
  if (leader != shared_.node_id && shared_.feature_level < level_of_records)
    return o.done(std::unexpected(
        "wrong_state: sealed records are read over all nodes from feature level 1 on: raise it first (janjictl cluster raise)"));
  gathering g{{}, o.shard, {leader}, {}, std::move(o.done), {}};
  g.ask.what = schema::shard_ask::verb::read_records;
  g.ask.records = std::move(o.ask);
  begin(std::move(g));
}

// The rounds' log is the audit trail. Leadership may be on its way, above all when the order was about that: tried again, and
// then an order may stand there twice.
void reports_actor::note(note_order& o) {
  gathering g{{}, shard_id{0}, {}, {}, std::move(o.done), {}, unix_ms{shared_.now().value + patience_ms}};
  g.ask.what = schema::shard_ask::verb::note;
  g.ask.noted = std::move(o.note);
  unnoted_.push_back(std::move(g));
  note_again();
}

void reports_actor::note_again() {
  for (auto& g : std::exchange(unnoted_, {})) {
    const auto leader = shared_.leader_of(shard_id{0});
    g.asked = {leader == 0 ? shared_.node_id : leader};
    g.heard.clear();
    begin(std::move(g));
  }
}

// What the rounds' actor says of it is the answer to a question.
operator_done reports_actor::answer_to(std::uint64_t number) {
  return [self = caf::actor_cast<caf::actor>(this), number](const auto& r) {
    caf::anon_send(self, order_said{number, r.has_value(), r ? *r : r.error()});
  };
}

void reports_actor::replace(replace_order& o) {
  const auto status = o.shard.value < shared_.shard_statuses.size() ? shared_.shard_statuses[o.shard.value].load() : nullptr;
  if (status == nullptr || status->record.revision == 0)
    return o.done(std::unexpected("not_found: there is no such shard, or it was never begun"));
  const auto& record = status->record.record;
  const auto dead = member_of(record.in_sync, o.dead);
  const auto by = member_of(record.learners, o.by);
  if (dead == replication::member{})
    return o.done(std::unexpected(fmt::format("wrong_state: node {} is not in sync in shard {}", o.dead, o.shard.value)));
  if (by == replication::member{})
    return o.done(std::unexpected(
        fmt::format("wrong_state: node {} is no learner of shard {}: what takes its place must be one first", o.by, o.shard.value)));
  if (o.dry_run)
    return o.done(fmt::format("would be done, if node {}, which leads shard {}, does not hear node {}: node {} takes its place",
                              record.leader.node, o.shard.value, o.dead, o.by));
  gathering g{{}, o.shard, {record.leader.node}, {}, std::move(o.done), {}};
  g.ask.what = schema::shard_ask::verb::replace;
  g.ask.who_node = dead.node;
  g.ask.who_disk = dead.disk;
  g.ask.by_node = by.node;
  g.ask.by_disk = by.disk;
  begin(std::move(g));
}

void reports_actor::pass(pass_round_order& o) {
  const auto leader = shared_.leader_of(shard_id{0});
  if (leader == 0 || leader == shared_.node_id)
    return caf::anon_send(shared_.rounds, round_order_heard{o.ticket, std::unexpected(std::string(not_led_here)), {}});
  gathering g{{}, shard_id{0}, {leader}, {}, {}, {}, {}, o.ticket};
  g.ask.what = schema::shard_ask::verb::round_order;
  g.ask.order = schema::encode_rounds(o.as_of, std::span(&o.event, 1));
  begin(std::move(g));
}

// Another node's operator orders something about rounds, and this node leads them as far as that one knows.
void reports_actor::order_here(const shard_asked& a, std::uint64_t number) {
  auto told = schema::decode_rounds(a.what.order);
  if (!told || told->events.size() != 1)
    return say(number, {0, false, "wrong_state: what was passed on is no order about rounds", {}, {}});
  auto& event = told->events.front();
  if (auto* i = std::get_if<round_imported>(&event))
    caf::anon_send(shared_.rounds, import_order{std::move(i->definition), std::move(i->by), answer_to(number), true});
  else if (auto* s = std::get_if<round_state_changed>(&event))
    caf::anon_send(
        shared_.rounds,
        state_order{s->round, s->state, std::move(s->reason), std::move(s->by), answer_to(number), true, {}, told->applied, s->order});
  else
    say(number, {0, false, "wrong_state: what was passed on is no order about rounds", {}, {}});
}

void reports_actor::begin(gathering&& g) {
  const auto number = ++next_number_;
  g.ask.number = number;
  g.until = unix_ms{shared_.now().value + patience_of(g.ask.what)};
  const auto nodes = g.asked;
  const auto ask = g.ask;
  const auto shard = g.shard;
  gathering_.emplace(number, std::move(g));
  for (const auto node : nodes)
    node == shared_.node_id ? asked({node, shard, ask}) : shared_.peers->ask(node, shard, ask);
}

// By this node's own operator, or by another node.
void reports_actor::asked(const shard_asked& a) {
  auto number = a.what.number;
  if (a.node != shared_.node_id) {
    if (for_others_.size() >= for_others_max)
      return shared_.peers->say(a.node, {a.what.number, false, "busy: too many questions are under way", {}, {}});
    number = ++next_number_;
    for_others_.emplace(number, other_asker{a.node, a.what.number, unix_ms{shared_.now().value + patience_ms}});
  }
  const auto self = caf::actor_cast<caf::actor>(this);
  if (a.what.what == schema::shard_ask::verb::note)
    caf::anon_send(shared_.rounds, note_order{a.what.noted, answer_to(number)});
  else if (a.what.what == schema::shard_ask::verb::round_order)
    order_here(a, number);
  else if (a.what.what == schema::shard_ask::verb::read_records)
    caf::anon_send(shared_.route.shard(a.shard), actors::read_records{a.what.records, [self, number](schema::shard_said said) {
                                                                        caf::anon_send(self, records_said{number, std::move(said)});
                                                                      }});
  else if (a.what.what == schema::shard_ask::verb::read_log)
    caf::anon_send(shared_.route.shard(a.shard), read_committed{number, a.what.up_to, self});
  else if (a.what.what == schema::shard_ask::verb::hash_log)
    caf::anon_send(shared_.archive, hash_log{a.shard, number, a.what.up_to, self});
  else
    caf::anon_send(
        shared_.route.shard(a.shard),
        shard_order{{number, replication::order::verb::replace, {a.what.who_node, a.what.who_disk}, {a.what.by_node, a.what.by_disk}},
                    self});
}

void reports_actor::entries_read(entries_loaded& e) {
  if (!e.error.empty())
    return say(e.number, {0, false, std::move(e.error), {}, {}});
  say(e.number, {0, true, {}, cluster::encode_log_part(std::move(e.entries)), {}});
}

void reports_actor::say(std::uint64_t number, schema::shard_said&& what) {
  if (const auto other = for_others_.extract(number)) {
    what.number = other.mapped().number;
    return shared_.peers->say(other.mapped().node, what);
  }
  answered(shared_.node_id, number, {what.good, std::move(what.log.empty() ? what.text : what.log), what.rounds_applied});
}

void reports_actor::answered(std::uint64_t node, std::uint64_t number, said&& what) {
  const auto it = gathering_.find(number);
  if (it == gathering_.end() || std::ranges::find(it->second.asked, node) == it->second.asked.end())
    return;
  it->second.heard[node] = std::move(what);
  if (it->second.heard.size() < it->second.asked.size())
    return;
  auto g = std::move(gathering_.extract(it).mapped());
  finish(g);
}

void reports_actor::give_up_late_ones() {
  std::erase_if(for_others_, [this](const auto& one) { return one.second.until < shared_.now(); });  // whoever asked has given up too
  std::vector<std::uint64_t> late;
  for (const auto& [number, g] : gathering_)
    if (g.until < shared_.now())
      late.push_back(number);
  for (const auto number : late) {
    auto g = std::move(gathering_.extract(number).mapped());
    finish(g);
  }
}

// In the words of the node that leads the rounds, which was the only one asked.
void reports_actor::answer_order(gathering& g) {
  round_order_heard heard{g.ticket, {}, {}};
  if (g.heard.empty())
    heard.answer = std::unexpected(
        fmt::format("unknown: node {}, which leads the rounds, does not answer; look before you ask again", g.asked.front()));
  else if (auto& what = g.heard.begin()->second; what.good)
    heard = {g.ticket, std::move(what.text), what.rounds_applied};
  else
    heard.answer = std::unexpected(std::move(what.text));
  caf::anon_send(shared_.rounds, std::move(heard));
}

void reports_actor::finish(gathering& g) {
  if (g.ask.what == schema::shard_ask::verb::round_order)
    return answer_order(g);
  for (const auto node : g.asked)
    g.heard.try_emplace(node, said{false, std::string(silence), {}});
  const bool all = std::ranges::all_of(g.heard, [](const auto& h) { return h.second.good; });
  if (!all && g.again_until > shared_.now())
    return unnoted_.push_back(std::move(g));
  if (all && (g.ask.what == schema::shard_ask::verb::read_log || g.ask.what == schema::shard_ask::verb::note ||
              g.ask.what == schema::shard_ask::verb::read_records))
    return g.done(std::move(g.heard.begin()->second.text));
  std::string words;
  std::set<std::string> hashes;
  for (const auto& [node, what] : g.heard) {
    hashes.insert(what.text);
    words += fmt::format("{}node {}: {}", words.empty() ? "" : ", ", node, what.text);
  }
  if (g.ask.what == schema::shard_ask::verb::replace) {
    const bool unknown =
        std::ranges::any_of(g.heard, [](const auto& h) { return h.second.text == silence || h.second.text == order_unknown; });
    if (all)
      return g.done(std::move(words));
    return g.done(std::unexpected(unknown ? "unknown: it is not known whether it comes true, look before you order it again: " + words
                                          : "wrong_state: " + words));
  }
  if (!all)
    return g.done(std::unexpected("busy: " + words));
  if (hashes.size() != 1)
    return g.done(std::unexpected(fmt::format("wrong_state: the replicas differ up to position {}: {}", g.ask.up_to.value, words)));
  g.done(fmt::format("shard {}: {} replicas hold the same up to position {}: {}", g.shard.value, g.asked.size(), g.ask.up_to.value, words));
}

}  // namespace janji::actors
