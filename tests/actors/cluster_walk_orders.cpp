// Operators of a walk who pause, open and close its round, and what must hold of that.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <memory>

#include "tests/actors/cluster_world.hpp"

namespace janji::sim {

namespace {

// Shards that an answer names as lacking the order.
std::set<std::uint16_t> named_in(const std::string& answer) {
  std::set<std::uint16_t> out;
  for (std::size_t i = 0; i < answer.size();) {
    if (std::isdigit(static_cast<unsigned char>(answer[i])) == 0) {
      ++i;
      continue;
    }
    std::uint16_t n = 0;
    for (; i < answer.size() && std::isdigit(static_cast<unsigned char>(answer[i])) != 0; ++i)
      n = static_cast<std::uint16_t>(n * 10 + (answer[i] - '0'));
    out.insert(n);
  }
  return out;
}

// The state of the round behind each entry of a shard's log, and whether a booking stands where it is not open.
struct log_reading {
  round_state last = round_state::imported;
  bool booked_while_not_open = false;
  void take(const store::log_entry& entry) {
    if (entry.payload.empty())
      return;
    const auto batch = schema::decode_batch(entry.payload).value();
    for (const auto& e : batch) {
      if (const auto* a = std::get_if<admission_event>(&e.event)) {
        const auto& rounds = std::get<admission_set>(*a).state.rounds;
        last = rounds.empty() ? round_state::imported : rounds.front().state;
      } else if (const auto* g = std::get_if<group_event>(&e.event)) {
        const auto* b = std::get_if<booked>(g);
        booked_while_not_open = booked_while_not_open || (b != nullptr && !b->moved_in && last != round_state::open);
      }
    }
  }
};

log_reading read_log(const store::node_store& store, shard_id shard) {
  log_reading out;
  (void)store.read_log(shard, sequence_t{1}, [&](store::log_entry&& e) {
    out.take(e);
    return true;
  });
  return out;
}

}  // namespace

// To the node that leads shard 0, as far as anybody knows; one at a time, so that what was told last is what was meant last.
void cluster_world::order_state(round_state to) {
  const auto leader = records_.known(shard_id{0}).record.leader.node;
  if (!order_.answered || leader == 0 || !nodes_[leader - 1]->runs())
    return;
  order_ = {order_.number + 1, to, leader - 1, false, false, {}};
  say(fmt::format("order {}: the round is to be {}", order_.number, name_of(to)));
  actors::state_order o{round_id{1}, to, to == round_state::paused ? "rain" : "", "op", {}};
  o.done = [this, number = order_.number](const auto& said) { state_told(number, said); };
  o.passed_on = true;  // else it would go on to an actor that this walk has not
  nodes_[leader - 1]->order(std::move(o));
}

void cluster_world::order_some_state() {
  constexpr int in_a_hundred_closes = 2;
  order_state(chance(in_a_hundred_closes) ? round_state::closed : chance(40) ? round_state::paused : round_state::open);
}

// At any node, however many are under way: each is given for what its front has heard, so that none undoes what was ordered after it.
void cluster_world::order_capacity() {
  const auto n = static_cast<std::size_t>(below(cluster_nodes));
  const auto group = groups_[static_cast<std::size_t>(below(groups_.size()))];
  change_capacity c;
  c.request = request_id{++next_request_};
  c.window = window_index{static_cast<std::uint8_t>(below(2))};
  c.capacity = 1U + static_cast<std::uint32_t>(below(3));
  c.by = "op";
  c.reason = std::to_string(c.request.value);
  if (!nodes_[n]->runs())
    return;
  c.deadline = unix_ms{nodes_[n]->now().value + deadline_ms_};
  say(fmt::format("order {} at node {}: window {} of group {} is to have {}", c.reason, n + 1, c.window.value, group.value, c.capacity));
  capacity_orders_.insert(c.request.value);
  denials_.ordered(group, c.window, c.capacity);
  nodes_[n]->order(group, std::move(c));
}

// In the order in which they were given, and none twice.
void cluster_world::check_capacities() {
  std::map<std::pair<group_id, window_index>, std::uint64_t> last;
  (void)nodes_[0]->disk().read_all_logs(shard_count_, [&](shard_id, store::log_entry&& e) {
    if (e.payload.empty())
      return true;
    const auto batch = schema::decode_batch(e.payload).value();
    for (const auto& owned : batch) {
      const auto* g = std::get_if<group_event>(&owned.event);
      const auto* c = g == nullptr ? nullptr : std::get_if<capacity_changed>(g);
      if (c == nullptr || c->by != "op")
        continue;
      auto& before = last[{owned.who.group, c->window}];
      const auto number = std::stoull(c->reason);
      if (number <= before)
        fail(fmt::format("order {} about a capacity undoes order {}, which was given after it", number, before));
      before = number;
    }
    return true;
  });
}

void cluster_world::state_told(std::uint64_t number, const std::expected<std::string, std::string>& said) {
  say(fmt::format("order {}: {}", number, said ? *said : said.error()));
  if (number != order_.number)
    return;
  order_.answered = true;
  closed_ = closed_ || (said ? order_.to == round_state::closed : said.error().contains("that is closed cannot be"));
  if (!said)
    return;
  order_.told = true;
  const auto name = name_of(order_.to);
  if (!said->starts_with(name))
    return fail("an order is answered with another state");
  const auto lacking = named_in(said->substr(name.size()));
  for (std::uint16_t s = 0; s < shard_count_; ++s)
    if (!lacking.contains(s))
      order_.from.emplace(s, result_.steps);
  check_order_in_logs(number, lacking);
}

// It fences its predecessor, and asks shard 0 before it admits anything.
void cluster_world::take_over_seen(shard_id shard) {
  if (order_.told)
    order_.from.emplace(shard.value, result_.steps);
}

// What has come since is judged by the last order that was told done, as long as no other is given.
void cluster_world::check_standing(const answer& a, const citizen_request& r) {
  const auto from = order_.from.find(a.shard.value);
  if (!order_.told || from == order_.from.end() || came_at_.at(a.request.value) <= from->second)
    return;
  const bool stale_no = a.what == outcome::paused || a.what == outcome::not_open;
  if (order_.to == round_state::open && stale_no)
    fail(fmt::format("I5: key {} is refused as {} after the round was told open", r.key.value, static_cast<int>(a.what)));
  if (order_.to != round_state::open && a.what == outcome::confirmed && !a.repeated && came_after(r, from->second))
    fail(fmt::format("key {} is booked after the round was told {}", r.key.value, name_of(order_.to)));
}

// No copy of it came before that, which may have had its place by then.
bool cluster_world::came_after(const citizen_request& r, std::uint64_t since) const {
  return std::ranges::none_of(requests_, [&](const auto& known) {
    return known.second.key == r.key && known.second.what == citizen_request::kind::book && came_at_.at(known.first) <= since;
  });
}

void cluster_world::check_order_in_logs(std::uint64_t number, const std::set<std::uint16_t>& lacking) {
  for (std::uint16_t s = 0; s < shard_count_; ++s) {
    if (lacking.contains(s))
      continue;
    const auto& record = records_.known(shard_id{s}).record;
    const auto have = std::ranges::count_if(
        record.in_sync, [&](const replication::member& m) { return read_log(nodes_[m.node - 1]->disk(), shard_id{s}).last == order_.to; });
    if (have < record.min_in_sync)
      fail(fmt::format("order {} was told done, and shard {} has it on {} disks", number, s, have));
  }
}

// In every log: no booking stands where the round was not open.
void cluster_world::check_log_order() {
  for (std::size_t n = 0; n < cluster_nodes && !failed(); ++n)
    for (std::uint16_t s = 0; s < shard_count_; ++s)
      if (read_log(nodes_[n]->disk(), shard_id{s}).booked_while_not_open)
        return fail(fmt::format("shard {}: a booking stands in the log behind an order that forbids it", s));
}

bool cluster_world::open_again() {
  order_.answered = true;  // of one that is not, whoever was asked is gone
  for (int i = 0; i < calm_rounds_max && !failed(); ++i) {
    if (closed_ || (order_.to == round_state::open && order_.told && order_.from.size() == shard_count_))
      return true;
    if (order_.answered)
      order_state(round_state::open);
    calm(100);
  }
  return false;
}

}  // namespace janji::sim
