#include <fmt/format.h>

#include <algorithm>

#include "cluster/audit.hpp"
#include "tests/actors/cluster_world.hpp"

namespace janji::sim {

namespace {
constexpr std::int64_t calm_deadline_of_nodes_ms = 20'000;
constexpr int calm_tries_max = 40;
}  // namespace

bool cluster_world::at_rest() const {
  return not_taken_up_.empty() && under_way_.empty() &&
         std::ranges::all_of(nodes_, [](const auto& n) { return !n->runs() || n->at_rest(); });
}

// Everything that waits happens, and time stands still.
bool cluster_world::quieten() {
  for (int i = 0; !at_rest() && !failed(); ++i) {
    if (i > 200'000) {
      fail("the cluster never comes to rest");
      return false;
    }
    while (!under_way_.empty())
      deliver(0);
    while (!not_taken_up_.empty())
      take_up(0);
    for (auto& n : nodes_)
      if (n->runs())
        n->settle();
  }
  return !failed();
}

void cluster_world::calm(std::int64_t ms) {
  advance(ms);
  (void)quieten();
}

bool cluster_world::everybody_serves() {
  for (int i = 0; i < calm_rounds_max && !failed(); ++i) {
    calm(25);
    bool all = true;
    for (std::uint16_t s = 0; s < shard_count_; ++s) {
      const auto leader = records_.known(shard_id{s}).record.leader.node;
      const auto known = leader == 0 ? nullptr : nodes_[leader - 1]->context().shard_statuses[s].load();
      all = all && known != nullptr && known->serving;
    }
    for (const auto& n : nodes_)
      all = all && (!imported_ || !n->context().catalogue.get()->groups.empty());
    if (all)
      return true;
  }
  return false;
}

// Asks, and again while the answer is "later", as citizens do: what faults left under way settles within seconds.
std::optional<outcome> cluster_world::answer_to(const citizen_request& r) {
  for (int tries = 0; tries < calm_tries_max && !failed(); ++tries) {
    const auto front = static_cast<std::size_t>(below(cluster_nodes));
    std::vector<actors::citizen_command> turn;
    turn.push_back(make(r, front, calm_deadline_of_nodes_ms));
    const auto request = next_request_;
    fronts_[request] = front;
    nodes_[front]->submit(std::move(turn), true);
    for (int i = 0; i < calm_rounds_max && !failed() && !told_.contains(request); ++i)
      calm(50);
    const auto it = told_.find(request);
    if (it == told_.end())
      return std::nullopt;
    if (it->second != outcome::in_progress && it->second != outcome::busy && it->second != outcome::interrupted)
      return it->second;
    calm(500);
  }
  return outcome::in_progress;
}

// A key that was confirmed has the same reference for ever, and nobody is told "full" who has a place.
void cluster_world::ask_again() {
  for (const auto& b : bookings_) {
    const auto said = answer_to(b);
    if (failed())
      return;
    if (!said)
      return fail("I9: a request gets no answer when all is quiet");
    const bool definite = said == outcome::confirmed || said == outcome::full || said == outcome::not_enough_together ||
                          said == outcome::already_booked || (closed_ && said == outcome::closed) ||
                          (said == outcome::key_reused && reused_.contains(b.key.value));
    if (!definite)
      return fail(fmt::format("I9: when all is quiet the outcome is {}", static_cast<int>(*said)));
    if (confirmed_.contains(b.key.value) && said != outcome::confirmed && !reused_.contains(b.key.value))
      return fail("I2: a confirmed booking is gone");
  }
}

// Before anybody asks again.
void cluster_world::check_told() {
  std::size_t whole = 0;  // whose log is the longest
  for (std::size_t n = 0; n < cluster_nodes && !failed(); ++n) {
    cluster::audit audit(shard_count_);
    if (audit.run(nodes_[n]->disk()))
      audit.for_each([&](const cluster::audited_booking& b) {
        ++whole;
        check_refusals(b);
      });
  }
  mix(whole);
}

// No booking of a request that reached its front before a refusal of it was decided; and none of a key whose last request was
// told refused.
void cluster_world::check_refusals(const cluster::audited_booking& b) {
  const auto key = key_of_request(b.key).value;
  if (b.stamp != stamp{})
    for (auto [it, end] = refusals_.equal_range(key); it != end; ++it)
      if (it->second.group == b.group && it->second.body == b.body && b.stamp < it->second.number)
        fail(fmt::format("I5: key {} was refused ({}) as number {}, and booked by a request from before that", key,
                         static_cast<int>(it->second.what), it->second.number.count));
  const auto told = gone_.find(key);
  if (told != gone_.end() && told->second.group == b.group && told->second.body == b.body && b.live)
    fail(fmt::format("I5: key {} was told refused ({}), and its booking lives", key, static_cast<int>(told->second.what)));
}

void cluster_world::check_stores() {
  std::array<std::map<std::uint16_t, std::vector<std::pair<std::uint64_t, std::string>>>, cluster_nodes> logs;
  for (std::size_t n = 0; n < cluster_nodes; ++n) {
    (void)nodes_[n]->disk().read_all_logs(shard_count_, [&](shard_id s, store::log_entry&& e) {
      logs[n][s.value].emplace_back(e.epoch.value, std::move(e.payload));
      return true;
    });
    cluster::audit audit(shard_count_);
    const auto report = audit.run(nodes_[n]->disk());
    if (!report)
      return fail(fmt::format("audit of node {}: {}", n + 1, report.error()));
    if (!report->clean())
      return fail(fmt::format("audit of node {}: {}", n + 1, report->breaches.front()));
    std::set<std::uint64_t> stored;
    std::set<std::uint64_t> live;
    audit.for_each([&](const cluster::audited_booking& b) {
      stored.insert(b.ref.value);
      if (n == 0)
        check_refusals(b);
      if (b.live)
        live.insert(b.ref.value);
    });
    for (const auto& [key, ref] : confirmed_)
      if (!stored.contains(ref.value))
        return fail(fmt::format("I2: a confirmed booking is not on the disk of node {}", n + 1));
    for (const auto ref : cancelled_)
      if (live.contains(ref))
        return fail("I6: a booking that was told to be cancelled lives");
  }
  for (std::uint16_t s = 0; s < shard_count_; ++s)
    if (logs[0][s] != logs[1][s] || logs[0][s] != logs[2][s])
      return fail(fmt::format("the replicas of shard {} differ: {}, {} and {} entries", s, logs[0][s].size(), logs[1][s].size(),
                              logs[2][s].size()));
  check_log_order();
  if (!failed())
    check_denials();
  if (!failed())
    check_capacities();
}

// All replicas hold the same.
void cluster_world::check_denials() {
  (void)nodes_[0]->disk().read_all_logs(shard_count_, [&](shard_id, store::log_entry&& e) {
    if (e.payload.empty())
      return true;
    const auto batch = schema::decode_batch(e.payload).value();
    for (const auto& owned : batch)
      if (const auto* g = std::get_if<group_event>(&owned.event))
        denials_.take(owned.who.group, *g);
    return true;
  });
  if (const auto wrong = denials_.judge())
    fail(*wrong);
}

void cluster_world::finish() {
  faults_on_ = false;
  cuts_.clear();
  say("faults end");
  for (std::size_t n = 0; n < cluster_nodes; ++n) {
    if (nodes_[n]->runs() && left_.contains(n))
      nodes_[n]->halt(nodes_[n]->unsynced(), nodes_[n]->snapshots_written());
    if (!nodes_[n]->runs())
      start(n);
  }
  const auto whole = [&] {
    for (std::uint16_t s = 0; s < shard_count_; ++s)
      if (records_.known(shard_id{s}).record.in_sync.size() != cluster_nodes)
        return false;
    return true;
  };
  if (!everybody_serves())
    return failed() ? void() : fail("I9: a shard does not serve again");
  for (std::int64_t ms = 0; ms < 3'000 && !failed(); ms += 500)  // what citizens were told so far stands against what is there
    calm(500);
  check_told();
  if (!failed() && !open_again())
    fail("I9: the round is not opened again in every shard");
  ask_again();
  for (int i = 0; i < calm_rounds_max && !failed() && !whole(); ++i)
    calm(100);
  if (!failed() && !whole())
    fail("I9: a replica that fell behind never comes back");
  for (std::int64_t ms = 0; ms < 20'000 && !failed(); ms += 500)
    calm(500);
  for (const auto& n : nodes_)
    if (!failed() && n->context().hand_overs_under_way != 0)
      fail("a turn to hand over is never given back");
  if (!failed())
    check_stores();
}

}  // namespace janji::sim
