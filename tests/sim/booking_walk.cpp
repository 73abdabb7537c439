#include "tests/sim/booking_walk.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <vector>

#include "booking/assert.hpp"
#include "booking/citizen_registry.hpp"
#include "booking/slot_group.hpp"
#include "tests/sim/booking_record.hpp"

namespace janji::sim {

namespace {

constexpr std::size_t net_max = 40;

// One owner's log, its incarnations (the last one leads, the others were deposed) and a snapshot taken on the way.
template <class Machine, class Event>
struct replica {
  struct instance {
    std::unique_ptr<Machine> machine;
    std::deque<std::pair<std::uint64_t, Event>> in_flight;
    bool wants_strict = false;
  };
  std::vector<Event> log;
  std::vector<instance> lives;
  std::string snapshot;
  std::size_t snapshot_at = 0;
  instance& leader() { return lives.back(); }
};

struct message {
  bool to_group = true;
  int to = 0;
  std::uint64_t incarnation = 0;  // 0: whoever leads, or one deposed
  std::variant<group_input, registry_input> what;
};

class world : booking_record {
public:
  world(std::uint64_t seed, const planted_faults& faults, bool trace) : booking_record(trace), random_(seed), faults_(faults) {
    if (seed % 3 == 0)
      changes_max_ = 3 + static_cast<std::uint32_t>(seed / 3 % 6);
    gate_->limit_changes([this](group_id) { return std::optional(changes_max_); });
    for (int g = 0; g < groups; ++g) {
      const int windows = 1 + below(2);
      for (int w = 0; w < windows; ++w)
        windows_[g].push_back(
            {static_cast<std::uint16_t>(540 + 60 * w), static_cast<std::uint16_t>(600 + 60 * w), 1U + static_cast<unsigned>(below(2))});
      set_ends(seed, g);
      capacity_[g] = {};
      for (const auto& w : windows_[g])
        capacity_[g].push_back(w.capacity);
      start_group(g);
    }
    for (int r = 0; r < registries; ++r) {
      registry_skew_ms_[r] = seed % 4 == 3 ? static_cast<std::int64_t>(seed / 4 % 7) * 5 : 0;
      start_registry(r);
    }
  }

  walk_result run(int steps) {
    try {
      for (int i = 0; i < steps; ++i)
        step(true);
      settle();
    } catch (const violation& v) {
      result_.violation = v.what;
    }
    return result_;
  }

private:
  int below(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
  bool chance(int percent) { return below(100) < percent; }
  static citizen_hash citizen(int c) {
    citizen_hash h;
    h.bytes[0] = static_cast<std::uint8_t>(c + 1);
    h.bytes[15] = 7;
    return h;
  }
  static shard_id shard_of(int c) { return shard_id{static_cast<std::uint16_t>(c % registries)}; }

  // In every fourth walk windows come to their ends, by clocks that differ. Drawn apart, so that the others are as they were.
  void set_ends(std::uint64_t seed, int g) {
    if (seed % 4 != 3)
      return;
    std::mt19937_64 draw(seed * 31 + static_cast<unsigned>(g));
    group_skew_ms_[g] = static_cast<std::int64_t>(draw() % 40) - 20;
    for (std::size_t w = 0; w < windows_[g].size(); ++w)
      ends_[g].emplace_back(now_.value + static_cast<std::int64_t>(draw() % 1'500));
  }
  // Of a leader whose clock is ahead by so much; every round is open.
  std::shared_ptr<const admission_gate> gate_of(const std::int64_t& skew_ms) const {
    auto gate =
        std::make_shared<admission_gate>([this, &skew_ms] { return unix_ms{now_.value + skew_ms}; }, [](group_id) { return round_id{1}; },
                                         [this](group_id g, window_index w) -> std::optional<window_end> {
                                           if (g.value >= groups || w.value >= ends_[g.value].size())
                                             return std::nullopt;
                                           return window_end{ends_[g.value][w.value], ends_[g.value][w.value]};
                                         });
    gate->enforce(false);
    gate->limit_changes([this](group_id) { return std::optional(changes_max_); });
    return gate;
  }

  // ---- machines
  void start_group(int g) {
    auto& r = group_[g];
    const incarnation_t life{++lives_};
    auto m = std::make_unique<slot_group>(group_id{static_cast<std::uint32_t>(g)}, shard_id{9}, std::uint16_t{registries}, windows_[g],
                                          life, faults_);
    if (!r.snapshot.empty()) {
      auto restored = slot_group::restore(r.snapshot, group_id{static_cast<std::uint32_t>(g)}, shard_id{9}, registries, life, faults_);
      if (!restored)
        throw violation{"a snapshot cannot be restored: " + restored.error()};
      *m = std::move(*restored);
    }
    // The log goes back further than the snapshot: what is in it already must not count again.
    for (auto i = std::max<std::size_t>(r.snapshot_at, 1) - 1; i < r.log.size(); ++i)
      m->apply(r.log[i], sequence_t{i + 1}, 0);
    if (!ends_[g].empty())
      m->judge_by(gate_of(group_skew_ms_[g]), round_id{1}, ends_[g]);
    r.lives.push_back({std::move(m), {}, false});
    if (r.lives.size() > 3)
      r.lives.erase(r.lives.begin());
  }
  void start_registry(int n) {
    auto& r = registry_[n];
    const incarnation_t life{++lives_};
    auto m = std::make_unique<citizen_registry>(shard_id{static_cast<std::uint16_t>(n)}, life, faults_);
    if (!r.snapshot.empty()) {
      auto restored = citizen_registry::restore(r.snapshot, shard_id{static_cast<std::uint16_t>(n)}, life, faults_);
      if (!restored)
        throw violation{"a snapshot cannot be restored: " + restored.error()};
      *m = std::move(*restored);
    }
    for (auto i = std::max<std::size_t>(r.snapshot_at, 1) - 1; i < r.log.size(); ++i)
      m->apply(r.log[i], sequence_t{i + 1});
    m->judge_by(ends_[0].empty() ? std::shared_ptr<const admission_gate>(gate_) : gate_of(registry_skew_ms_[n]));
    r.lives.push_back({std::move(m), {}, false});
    if (r.lives.size() > 3)
      r.lives.erase(r.lives.begin());
  }

  void send(message&& m) {
    if (net_.size() < net_max)
      net_.push_back(std::move(m));
  }

  using group_instance = replica<slot_group, group_event>::instance;
  using registry_instance = replica<citizen_registry, registry_event>::instance;

  void feed(int g, group_instance& i, group_input&& in) {
    std::vector<group_output> out;
    i.machine->step(now_, std::move(in), out);
    for (auto& o : out)
      carry_out(g, i, std::move(o));
  }
  void carry_out(int g, group_instance& i, group_output&& o) {
    if (auto* a = std::get_if<append_group>(&o)) {
      const auto* b = std::get_if<booked>(&a->event);
      const auto* w = std::get_if<moved_within>(&a->event);
      if (b != nullptr && !b->moved_in)
        check_wanted(*b);
      if ((b != nullptr && is_over(g, b->window)) || (w != nullptr && is_over(g, w->to)))
        throw violation{"a place is given in a window that is over"};
      i.in_flight.emplace_back(a->token, std::move(a->event));
    } else if (auto* m = std::get_if<to_registry>(&o)) {
      if (const auto* s = std::get_if<settle_answer>(&m->message); s != nullptr && s->status == settle_status::declined)
        if (!is_declined(g, {s->ref, s->generation}))
          throw violation{"declined was said before it was committed"};
      send({false, m->shard.value, 0, std::move(m->message)});
    } else if (auto* t = std::get_if<to_group>(&o)) {
      send({true, static_cast<int>(t->group.value), 0, std::move(t->message)});
    } else if (auto* said = std::get_if<answer>(&o)) {
      heard(*said);
    } else if (std::holds_alternative<need_strict_round>(o)) {
      i.wants_strict = true;
    }
  }
  void feed(int n, registry_instance& i, registry_input&& in) {
    std::vector<registry_output> out;
    i.machine->step(now_, std::move(in), out);
    for (auto& o : out) {
      if (auto* a = std::get_if<append_registry>(&o)) {
        check_change(n, *i.machine, a->event);
        i.in_flight.emplace_back(a->token, std::move(a->event));
      } else if (auto* t = std::get_if<to_group>(&o)) {
        std::uint64_t life = 0;
        if (const auto* c = std::get_if<claim_result>(&t->message))
          life = c->incarnation.value;
        send({true, static_cast<int>(t->group.value), life, std::move(t->message)});
      } else if (auto* said = std::get_if<answer>(&o)) {
        heard(*said);
      } else {
        i.wants_strict = true;
      }
    }
  }
  // What a citizen holds is changed until it is over, by the clock of the leader of the claim.
  void check_change(int n, const citizen_registry& r, const registry_event& event) const {
    const auto* cancel = std::get_if<cancel_intended>(&event);
    const auto* move = std::get_if<move_intended>(&event);
    if ((cancel == nullptr && move == nullptr) || ends_[0].empty() || faults_.book_the_past)
      return;
    const auto* c = r.find(cancel != nullptr ? cancel->ref : move->ref);
    const auto over = [&](group_id g, window_index w) { return ends_[g.value].at(w.value) <= unix_ms{now_.value + registry_skew_ms_[n]}; };
    if (over(c->group, c->window) || (move != nullptr && over(move->to, move->window)))
      throw violation{"a visit that has begun is changed, or moved to one that has"};
  }

  // ---- commits
  void commit_group(int g, bool acknowledge) {
    auto& r = group_[g];
    auto& i = r.leader();
    auto [token, event] = std::move(i.in_flight.front());
    i.in_flight.pop_front();
    r.log.push_back(event);
    record(g, event);
    if (acknowledge) {
      feed(g, i, appended{token, sequence_t{r.log.size()}, 0});
      check_counts(g);
    }
    check_citizens();
  }
  void commit_registry(int n, bool acknowledge) {
    auto& r = registry_[n];
    auto& i = r.leader();
    auto [token, event] = std::move(i.in_flight.front());
    i.in_flight.pop_front();
    r.log.push_back(event);
    record(n, event);
    if (acknowledge)
      feed(n, i, appended{token, sequence_t{r.log.size()}, 0});
  }

  // ---- checks
  void check_counts(int g) {
    for (std::uint8_t w = 0; w < windows_[g].size(); ++w) {
      const auto counted = group_[g].leader().machine->counts(window_index{w});
      if (counted.booked != live(g, window_index{w}))
        throw violation{
            fmt::format("group {} counts {} bookings in window {}, there are {}", g, counted.booked, w, live(g, window_index{w}))};
    }
  }
  // ---- clients
  void heard(const answer& a) {
    const auto it = requests_.find(a.request.value);
    if (it == requests_.end())
      return;
    const auto r = it->second;
    say("answer to request {}: {}", a.request.value, static_cast<int>(a.what));
    check_answer(r, a);
    requests_.erase(it);
    if (chance(10))
      return;  // lost on its way to the citizen
    learn(r, a);
  }
  void learn(const client_request& r, const answer& a) {
    auto& mine = held_[r.citizen];
    if (a.what == outcome::confirmed && r.party.size() == a.places.size())
      for (std::size_t i = 0; i < r.party.size(); ++i)
        held_[r.party[i]] = a.places[i].ref;
    if (a.what == outcome::cancelled || a.what == outcome::not_found)
      mine.reset();
  }

  void act() {
    const int c = below(citizens);
    client_request r;
    r.citizen = c;
    r.deadline = unix_ms{now_.value + deadline_ms};
    const request_id id{++next_request_};
    const int what = below(10);
    if (held_[c] && what < 3) {
      r.what = client_request::kind::cancel;
      r.ref = *held_[c];
      r.key = key_hash{(++next_key_) * key_step};
      send({false, r.ref.shard().value, 0, cancel_command{id, r.ref, std::nullopt, 0, r.key, {}, {}, r.deadline}});
    } else if (held_[c] && what < 6) {
      r.what = client_request::kind::move;
      r.ref = *held_[c];
      r.key = key_hash{(++next_key_) * key_step};
      r.group = below(groups);
      r.window = window_index{static_cast<std::uint8_t>(below(static_cast<int>(windows_[r.group].size())))};
      send({false, r.ref.shard().value, 0,
            move_command{id, r.ref, 0, group_id{static_cast<std::uint32_t>(r.group)}, *r.window, r.key, body_hash{1}, r.deadline}});
    } else {
      book(c, r, id);
    }
    requests_[id.value] = r;
  }
  void book(int c, client_request& r, request_id id) {
    const bool retry = !made_.empty() && chance(40);
    if (retry) {
      r = made_[static_cast<std::size_t>(below(static_cast<int>(made_.size())))];
      r.deadline = unix_ms{now_.value + deadline_ms};
      if (chance(5)) {  // the key for something else
        reused_.insert(number_of(r.key));
        r.group = below(groups);
        r.window.reset();
      }
    } else {
      r.party = {c};
      if (chance(25))
        r.party.push_back((c + 1) % citizens);
      r.key = key_hash{(++next_key_) * key_step};
      r.group = below(groups);
      if (chance(70))
        r.window = window_index{static_cast<std::uint8_t>(below(static_cast<int>(windows_[r.group].size())))};
      parties_[number_of(r.key)] = r.party.size();
      made_.push_back(r);
    }
    const auto body = static_cast<std::uint32_t>(r.group * 100 + (r.window ? r.window->value + 1 : 0));
    book_command b{id, body_hash{body}, r.window, r.deadline, {}};
    for (std::size_t i = 0; i < r.party.size(); ++i)
      b.people.push_back(
          {citizen(r.party[i]), reference::make(shard_of(r.party[i]), ++next_reference_), key_hash{r.key.value + i}, {}, "sealed"});
    auto& last = last_deadline_[number_of(r.key)];
    last = std::max(last, r.deadline);
    say("request {}: citizen {} books key {} group {}", id.value, r.party[0], r.key.value, r.group);
    send({true, r.group, 0, std::move(b)});
  }

  // ---- the walk
  template <class Replica>
  auto& some_life(Replica& r, bool faults, std::uint64_t incarnation = 0) {
    if (incarnation != 0)
      for (auto& i : r.lives)
        if constexpr (requires { i.machine->incarnation(); })
          if (i.machine->incarnation().value == incarnation)
            return i;
    return faults && chance(20) ? r.lives[static_cast<std::size_t>(below(static_cast<int>(r.lives.size())))] : r.lives.back();
  }
  void deliver(bool faults) {
    const auto n = static_cast<std::size_t>(below(static_cast<int>(net_.size())));
    message m = net_[n];
    const bool doubled = faults && chance(8);
    if (!doubled)
      net_.erase(net_.begin() + static_cast<std::ptrdiff_t>(n));
    if (faults && !doubled && chance(7))
      return;
    if (m.to_group)
      feed(m.to, some_life(group_[m.to], faults, m.incarnation), std::get<group_input>(std::move(m.what)));
    else
      feed(m.to, some_life(registry_[m.to], faults), std::get<registry_input>(std::move(m.what)));
  }
  template <class Replica>
  void lose_some(Replica& r, auto&& commit) {
    auto n = below(static_cast<int>(r.leader().in_flight.size()) + 1);
    while (n-- > 0)
      commit();
    r.leader().in_flight.clear();
  }
  void restart() {
    ++result_.restarts;
    if (const int g = below(groups + registries); g < groups) {
      lose_some(group_[g], [&] { commit_group(g, false); });
      say("group {} starts again", g);
      start_group(g);
      check_counts(g);
    } else {
      const int n = g - groups;
      lose_some(registry_[n], [&] { commit_registry(n, false); });
      say("registry {} starts again", n);
      start_registry(n);
    }
  }
  void take_snapshot() {
    const int g = below(groups);
    group_[g].snapshot = group_[g].leader().machine->snapshot();
    group_[g].snapshot_at = group_[g].log.size();
    const int n = below(registries);
    registry_[n].snapshot = registry_[n].leader().machine->snapshot();
    registry_[n].snapshot_at = registry_[n].log.size();
  }
  void strict(bool faults) {
    (void)faults;
    for (int g = 0; g < groups; ++g)
      if (auto& i = group_[g].leader(); i.wants_strict) {
        i.wants_strict = false;
        feed(g, i, strict_round_done{});
      }
    for (int n = 0; n < registries; ++n)
      if (auto& i = registry_[n].leader(); i.wants_strict) {
        i.wants_strict = false;
        feed(n, i, strict_round_done{});
      }
  }
  void ticks(bool faults) {
    for (int g = 0; g < groups; ++g)
      feed(g, some_life(group_[g], faults), tick{});
    for (int n = 0; n < registries; ++n)
      feed(n, some_life(registry_[n], faults), tick{});
    std::erase_if(requests_, [&](const auto& r) { return r.second.deadline.value + 200 < now_.value; });
  }
  void order() {
    const int g = below(groups);
    const auto w = static_cast<std::uint8_t>(below(static_cast<int>(windows_[g].size())));
    feed(g, group_[g].leader(),
         change_capacity{request_id{std::uint64_t{1} << 62}, window_index{w}, static_cast<std::uint32_t>(below(3)), "op", ""});
  }
  void step(bool faults) {
    now_.value += below(6);
    const int w = below(100);
    if (w < 42 && !net_.empty()) {
      deliver(faults);
    } else if (w < 58) {
      if (const int g = below(groups); !group_[g].leader().in_flight.empty())
        commit_group(g, true);
    } else if (w < 70) {
      if (const int n = below(registries); !registry_[n].leader().in_flight.empty())
        commit_registry(n, true);
    } else if (w < 78) {
      strict(faults);
    } else if (w < 88) {
      if (faults)
        act();
    } else if (w < 94) {
      ticks(faults);
    } else if (faults && w < 96) {
      restart();
    } else if (faults && w < 98) {
      take_snapshot();
    } else if (faults && chance(30)) {
      order();
    }
  }

  // Without further faults everything settles: no claim hangs, no place is held, claims and bookings agree.
  void settle() {
    for (int i = 0; i < 4000 && !settled(); ++i) {
      now_.value += 5;
      step(false);
    }
    for (int g = 0; g < groups; ++g)
      if (!group_[g].leader().machine->idle())
        throw violation{fmt::format("group {} never comes to rest", g)};
    for (int n = 0; n < registries; ++n)
      if (registry_[n].leader().machine->unsettled() != 0)
        throw violation{fmt::format("registry {} has claims that never settle", n)};
    for (int c = 0; c < citizens; ++c) {
      const auto* k = registry_[c % registries].leader().machine->find_citizen(citizen(c));
      const auto held = std::ranges::count_if(
          bookings_, [&](const auto& b) { return b.second.citizen == c && b.second.status == place_status::confirmed; });
      const bool claimed = k != nullptr && k->state == claim_state::confirmed;
      if (held != (claimed ? 1 : 0))
        throw violation{fmt::format("citizen {} holds {} bookings, and the claim says {}", c, held, claimed)};
      if (claimed) {
        const auto it = bookings_.find({k->ref, k->generation});
        if (it == bookings_.end() || it->second.group != static_cast<int>(k->group.value) || it->second.window != k->window)
          throw violation{fmt::format("the claim of citizen {} names another booking than the one there is", c)};
      }
    }
  }
  [[nodiscard]] bool settled() {
    if (!net_.empty())
      return false;
    for (auto& r : group_)
      if (!r.leader().in_flight.empty() || !r.leader().machine->idle())
        return false;
    return std::ranges::all_of(registry_, [](auto& r) { return r.leader().in_flight.empty() && r.leader().machine->idle(); });
  }

  std::mt19937_64 random_;
  planted_faults faults_;
  std::shared_ptr<admission_gate> gate_ = std::make_shared<admission_gate>();
  std::uint64_t lives_ = 0, next_request_ = 0, next_key_ = 0, next_reference_ = 0;
  replica<slot_group, group_event> group_[groups];
  replica<citizen_registry, registry_event> registry_[registries];
  std::vector<message> net_;
  std::map<std::uint64_t, client_request> requests_;
  std::vector<client_request> made_;
  std::optional<reference> held_[citizens];
};

}  // namespace

walk_result walk(std::uint64_t seed, int steps, const planted_faults& faults, bool trace) {
  set_assertion_handler([](const char* what, std::source_location) { throw violation{std::string("assertion: ") + what}; });
  auto w = std::make_unique<world>(seed, faults, trace);
  auto result = w->run(steps);
  set_assertion_handler(nullptr);
  return result;
}

}  // namespace janji::sim
