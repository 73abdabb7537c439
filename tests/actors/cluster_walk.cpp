#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "tests/actors/cluster_world.hpp"

namespace janji::sim {

namespace {
citizen_hash citizen_of(unsigned n) {
  citizen_hash h;
  h.bytes[0] = static_cast<std::uint8_t>(n);
  h.bytes[15] = 9;
  return h;
}
constexpr int citizen_count = 8;
bool by_state(outcome what) { return what == outcome::paused || what == outcome::closed || what == outcome::not_open; }
}  // namespace

cluster_world::cluster_world(cluster_disks& disks, std::uint64_t seed, const cluster_faults& faults, bool trace)
    : seeded_walk(seed, trace),
      shard_count_(static_cast<std::uint16_t>(1 + below(3))),
      loss_percent_(below(4) * 4),
      deaths_permille_(below(4)),
      cuts_permille_(below(4)),
      deadline_ms_(400 + 400 * below(5)) {
  hands_over_ = chance(50);
  hands_over_often_ = seed % 4 == 3;
  orders_ = chance(50);
  records_.lose_answer = [this] { return faults_on_ && chance(8); };
  records_.lapsed = [this] { return faults_on_ && chance(3); };
  records_.changed = [this](shard_id shard, const cluster::versioned_record& r) {
    ++result_.epochs;
    if (const auto& before = last_records_[shard.value]; before.leader != r.record.leader && r.record.hand_over == 0)
      take_over_seen(shard);
    last_records_[shard.value] = r.record;
    say(fmt::format("shard {}: epoch {}, node {} leads, {} in sync", shard.value, r.record.epoch.value, r.record.leader.node,
                    r.record.in_sync.size()));
    for (std::size_t n = 0; n < cluster_nodes; ++n)
      post({cluster_nodes, n, seen_record{shard, r}});
  };
  actors::node_options o;
  o.shard_count = shard_count_;
  o.passivate_after_ms = chance(50) ? 300 : 0;
  o.sweep_every_ms = 300;
  o.publish_every_ms = 3'000;
  o.order_patience_ms = 100;
  o.snapshot_every_events = 4 + static_cast<std::uint32_t>(below(20));
  o.cluster = actors::cluster_options{.hand_overs_max = 1U + static_cast<unsigned>(below(2))};
  cluster::placement_picture placement;
  for (std::size_t n = 0; n < cluster_nodes; ++n)
    placement.members.push_back({n + 1, n + 101, {}, {}, {}, {}});
  for (std::uint16_t s = 0; s < shard_count_; ++s)  // leadership goes back to where it belongs, again and again
    placement.wanted.push_back({s % 3U + 1, (s + 1U) % 3U + 1, (s + 2U) % 3U + 1});
  for (std::size_t n = 0; n < cluster_nodes; ++n) {
    ways_[n] = std::make_unique<way>(*this, n);
    nodes_[n] = std::make_unique<simulated_node>(disks[n].wipe(shard_count_), o, faults.booking,
                                                 seat{n + 1, n + 101, &records_, ways_[n].get(), [this] { return random_(); },
                                                      faults.replication, placement, chance(50) ? 0 : 1000 * (below(1200) - 600)});
    nodes_[n]->on_fatal = [this, n](const std::string& why) { fail(fmt::format("node {} is fatal: {}", n + 1, why)); };
    nodes_[n]->on_warning = [this, n](const std::string& why) { fail(fmt::format("node {} warns: {}", n + 1, why)); };
    nodes_[n]->on_answers = [this, n](std::vector<answer>&& a) {
      decided(n, a);
      post({n, cluster_nodes, answer_bytes{schema::encode_answers(a)}});
    };
  }
}

void cluster_world::begin() {
  for (auto& n : nodes_)
    n->start();
  std::vector<replication::member> all;
  for (std::size_t n = 0; n < cluster_nodes; ++n)
    all.push_back({n + 1, n + 101});
  faults_on_ = false;
  for (std::uint16_t s = 0; s < shard_count_; ++s)
    (void)records_.swap(shard_id{s}, 0, {epoch_t{1}, all[s % cluster_nodes], all, {}, 2, 3});
  if (!everybody_serves())
    return fail("a new cluster never serves");
  import();
  faults_on_ = true;
}

void cluster_world::import() {
  round_definition d;
  d.rules.changes_max = limits::changes_max_most;  // its citizens never rest
  d.code = "R";
  d.name = "a round";
  d.time_zone = "Asia/Kuala_Lumpur";
  d.closes_at = unix_ms{4'000'000'000'000};
  d.centres = {{"A", "centre A", "Selangor", "Petaling", 3, 101}};
  for (unsigned g = 0; g < 3; ++g) {
    group_definition group;
    group.date = std::chrono::year{2027} / 1 / (1 + g);
    for (int w = 0; w < 2; ++w)
      group.windows.push_back({static_cast<std::uint16_t>(540 + 60 * w), static_cast<std::uint16_t>(600 + 60 * w),
                               1U + static_cast<unsigned>(below(3)), never_over});
    d.groups.push_back(std::move(group));
  }
  const auto leader = records_.known(shard_id{0}).record.leader.node - 1;
  nodes_[leader]->order(actors::import_order{std::move(d), "op", [this](const auto& done) {
                                               imported_ = done.has_value();
                                               if (!done)
                                                 fail("the round cannot be imported: " + done.error());
                                             }});
  for (int i = 0; i < calm_rounds_max && !failed(); ++i) {
    calm(25);
    if (imported_ && std::ranges::all_of(nodes_, [](const auto& n) { return !n->context().catalogue.get()->groups.empty(); }))
      break;
  }
  if (!imported_ || nodes_[0]->context().catalogue.get()->groups.empty())
    return fail("the round never reaches every node");
  const auto catalogue = nodes_[0]->context().catalogue.get();
  for (const auto& [group, place] : catalogue->groups) {
    groups_.push_back(group_id{group});
    std::vector<std::uint32_t> capacities;
    for (const auto& w : *catalogue->windows_of(group_id{group}))
      capacities.push_back(w.capacity);
    denials_.has(group_id{group}, std::move(capacities));
  }
  bool opened = false;
  nodes_[leader]->order(
      actors::state_order{round_id{1}, round_state::open, {}, "op", [&opened](const auto& done) { opened = done == "open"; }});
  for (int i = 0; i < calm_rounds_max && !failed() && !opened; ++i)
    calm(25);
  if (!opened)
    fail("the round is never opened in every shard");
}

// ------------------------------------------------------------------ links

void cluster_world::post(parcel&& p) {
  const bool link = p.from < cluster_nodes && p.to < cluster_nodes;
  if (link && faults_on_ && (cuts_.contains({p.from, p.to}) || chance(loss_percent_))) {
    ++result_.lost_messages;
    return;
  }
  under_way_.push_back(std::move(p));
}

void cluster_world::deliver(std::size_t n) {
  auto p = std::move(under_way_[n]);
  under_way_.erase(under_way_.begin() + static_cast<std::ptrdiff_t>(n));
  if (p.to == cluster_nodes) {
    if (faults_on_ && chance(loss_percent_))
      return;
    const auto answers = schema::decode_answers(std::get<answer_bytes>(p.what).bytes).value();
    for (const auto& a : answers)  // each through the front where it was asked
      if (const auto front = fronts_.find(a.request.value); front != fronts_.end() && nodes_[front->second]->runs())
        nodes_[front->second]->context().pending.answered({a}), nodes_[front->second]->context().hear({a});
    heard(answers);
    return;
  }
  if (!nodes_[p.to]->runs())
    return;
  if (p.from < cluster_nodes && p.to < cluster_nodes && faults_on_ && cuts_.contains({p.from, p.to}))
    return;
  hand_over(p.from, p.to, std::move(p.what));
}

void cluster_world::hand_over(std::size_t from, std::size_t to, parcel_content&& what) {
  auto& shared = nodes_[to]->context();
  if (const auto* r = std::get_if<replica_bytes>(&what)) {
    auto said = cluster::decode_replica_message(r->bytes).value();
    if (trace_ && !faults_on_)
      say(fmt::format("shard {}: node {} to {}: {} of epoch {}", r->shard.value, said.head.from.node, to + 1, said.what.index(),
                      said.head.epoch.value));
    caf::anon_send(shared.route.shard(r->shard), actors::replica_said{said.head, std::move(said.what)});
  } else if (const auto* m = std::get_if<mail_bytes>(&what)) {
    auto mail = schema::decode_mail(m->bytes, nodes_[to]->now()).value();
    if (auto* g = std::get_if<schema::mail_to_group>(&mail))
      shared.route.send(g->group, actors::group_mail{std::move(g->inputs), g->way});
    else if (auto* registry = std::get_if<schema::mail_to_registry>(&mail))
      shared.route.send(m->shard, actors::registry_mail{std::move(registry->inputs), registry->way});
  } else if (auto* t = std::get_if<told_rounds>(&what)) {
    caf::anon_send(shared.rounds, actors::rounds_told{t->applied, std::move(t->history)});
  } else if (auto* s = std::get_if<seen_record>(&what)) {
    caf::anon_send(shared.route.shard(s->shard), actors::record_changed{s->record});
  } else if (const auto* h = std::get_if<heard_bytes>(&what)) {
    shared.heard.hear(schema::decode_heard(h->bytes).value());
  } else if (const auto* p = std::get_if<table_bytes>(&what)) {
    caf::anon_send(shared.route.shard(p->shard), actors::table_part_told{from + 1, schema::decode_table_part(p->bytes).value()});
  } else if (const auto* a = std::get_if<table_there>(&what)) {
    caf::anon_send(shared.route.shard(a->shard), actors::table_heard{a->number});
  } else if (const auto* o = std::get_if<admission_bytes>(&what)) {
    const auto told = schema::decode_told_admission(o->bytes).value();
    const auto state = std::make_shared<const admission_state>(told.state);
    if (told.number != 0)
      caf::anon_send(shared.route.shard(o->shard), actors::admission_told{from + 1, told.number, state});
    else
      for (std::uint16_t i = 0; i < shard_count_; ++i)
        caf::anon_send(shared.route.shard(shard_id{i}), actors::admission_told{from + 1, 0, state});
  } else if (const auto* q = std::get_if<admission_question>(&what)) {
    caf::anon_send(shared.route.shard(shard_id{0}), actors::admission_asked{from + 1, q->shard, q->number});
  } else if (const auto* has = std::get_if<admission_there>(&what)) {
    caf::anon_send(shared.rounds, actors::admission_held{has->shard, has->position});
  } else if (const auto* g = std::get_if<leaves>(&what)) {
    for (std::uint16_t i = 0; i < shard_count_; ++i)
      caf::anon_send(shared.route.shard(shard_id{i}), actors::node_leaves{g->node});
  } else if (const auto* d = std::get_if<deposed>(&what)) {
    caf::anon_send(shared.route.shard(d->shard), actors::leader_deposed{});
  } else if (const auto* b = std::get_if<new_link>(&what)) {
    for (std::uint16_t i = 0; i < shard_count_; ++i)
      caf::anon_send(shared.route.shard(shard_id{i}), actors::link_back{b->node});
  } else if (const auto* l = std::get_if<lost_link>(&what)) {
    for (std::uint16_t i = 0; i < shard_count_; ++i)
      caf::anon_send(shared.route.shard(shard_id{i}), actors::link_lost{l->node});
  }
}

// ------------------------------------------------------------------ citizens

actors::citizen_command cluster_world::make(const citizen_request& r, std::size_t front, std::int64_t deadline_ms) {
  const request_id id{++next_request_};
  requests_[id.value] = r;
  say(fmt::format("request {}: {} citizens {} key {} group {} window {} ref {:x}", id.value, static_cast<int>(r.what),
                  fmt::join(r.party, " "), r.key.value, r.group.value, r.window ? r.window->value : -1, r.ref.value));
  ++result_.asked;
  const unix_ms deadline{nodes_[front]->now().value + deadline_ms};
  last_asked_[r.key.value] = id.value;
  came_at_[id.value] = result_.steps;
  gone_.erase(r.key.value);
  if (nodes_[front]->runs() && chance(50))  // a front looks at what is led beside it every few milliseconds
    (void)nodes_[front]->context().hear_own();
  const auto heard = nodes_[front]->runs() ? nodes_[front]->context().heard.copy() : nullptr;
  const auto stamp_of = [&](shard_id s) { return heard ? heard->at(s.value) : stamp{}; };
  if (r.what == citizen_request::kind::cancel)
    return cancel_command{id, r.ref, std::nullopt, 0, r.key, "", "", deadline, stamp_of(r.ref.shard())};
  if (r.what == citizen_request::kind::move) {
    denials_.asked(r.ref, r.group, *r.window, result_.steps);
    return move_command{id, r.ref, 0, r.group, *r.window, r.key, body_hash{1}, deadline, false, stamp_of(r.ref.shard())};
  }
  denials_.asked(r.key, result_.steps);
  book_command b{id, body_of(r), r.window, deadline, {}};
  if (nodes_[front]->runs() && nodes_[front]->context().catalogue.get()->groups.contains(r.group.value))
    b.stamp = stamp_of(shard_of(r.group, front));
  for (std::size_t i = 0; i < r.party.size(); ++i) {
    const auto who = citizen_of(r.party[i]);
    const auto ref = reference::make(cluster::shard_of_citizen(who, shard_count_), ++next_reference_);
    b.people.push_back({who, ref, key_hash{r.key.value + i}, {1, 2}, "sealed"});
  }
  return actors::routed_booking{r.group, std::move(b)};
}

cluster_world::citizen_request cluster_world::new_booking(unsigned citizen) {
  citizen_request r;
  r.party = {citizen};
  if (chance(25))
    for (int more = 1 + below(3); more > 0; --more)
      if (const auto other = 1U + static_cast<unsigned>(below(citizen_count)); std::ranges::find(r.party, other) == r.party.end())
        r.party.push_back(other);
  return r;
}

void cluster_world::ask() {
  const auto who = 1U + static_cast<unsigned>(below(citizen_count));
  auto r = new_booking(who);
  const auto held = held_.find(who);
  if (held != held_.end() && chance(60)) {
    r.what = chance(50) ? citizen_request::kind::cancel : citizen_request::kind::move;
    r.party = {who};
    r.ref = held->second;
  } else if (!not_taken_up_.empty() && chance(40)) {  // who hears nothing asks elsewhere
    const auto& waits = not_taken_up_[static_cast<std::size_t>(below(not_taken_up_.size()))].asked;
    if (waits.what == citizen_request::kind::book)
      r = waits;
  } else if (!bookings_.empty() && chance(50)) {
    r = bookings_[static_cast<std::size_t>(below(bookings_.size()))];
    if (chance(5)) {  // the key for something else
      reused_.insert(r.key.value);
      r.group = groups_[static_cast<std::size_t>(below(groups_.size()))];
      r.window.reset();
    }
  }
  if (r.key == key_hash{}) {
    r.key = key_hash{++next_key_ * 8};
    r.group = groups_[static_cast<std::size_t>(below(groups_.size()))];
    if (r.what == citizen_request::kind::move || chance(70))
      r.window = window_index{static_cast<std::uint8_t>(below(2))};
    if (r.what == citizen_request::kind::book)
      bookings_.push_back(r);
  }
  const auto n = static_cast<std::size_t>(below(cluster_nodes));
  auto command = make(r, n, deadline_ms_);
  fronts_[next_request_] = n;
  if (!nodes_[n]->runs())
    return;
  not_taken_up_.push_back({std::move(command), n, r});
  if (result_.steps >= frozen_until_[n])
    take_up(not_taken_up_.size() - 1);
}

// A front that is frozen takes up nothing; what came meanwhile it finds when it goes on, in any order.
void cluster_world::freeze_or_thaw() {
  for (std::size_t i = not_taken_up_.size(); i-- > 0;)
    if (result_.steps >= frozen_until_[not_taken_up_[i].front] && chance(50))
      take_up(i);
  if (chance(6)) {
    const auto n = static_cast<std::size_t>(below(cluster_nodes));
    frozen_until_[n] = result_.steps + static_cast<std::uint64_t>(below(900));
    say(fmt::format("the front of node {} is frozen", n + 1));
  }
}

shard_id cluster_world::shard_of(group_id group, std::size_t node) {
  const auto known = nodes_[node]->context().catalogue.get();
  const auto it = known->groups.find(group.value);
  return it == known->groups.end() ? shard_id{} : it->second.shard;
}

void cluster_world::take_up(std::size_t n) {
  auto w = std::move(not_taken_up_[n]);
  not_taken_up_.erase(not_taken_up_.begin() + static_cast<std::ptrdiff_t>(n));
  if (!nodes_[w.front]->runs())
    return;
  std::vector<actors::citizen_command> turn;
  turn.push_back(std::move(w.command));
  nodes_[w.front]->submit(std::move(turn), true);
}

// A booking just made is owed to those of its copies that came after the last refusal, not to one that came before.
void cluster_world::check_came(const answer& a, const std::vector<answer>& with) {
  const auto& r = requests_.at(a.request.value);
  std::uint64_t came = 0;
  for (const auto& other : with)
    if (const auto it = requests_.find(other.request.value);
        it != requests_.end() && it->second.key == r.key && other.what == outcome::confirmed)
      came = std::max(came, came_at_.at(other.request.value));
  for (auto [it, end] = refusals_.equal_range(r.key.value); it != end; ++it)
    if (it->second.group == r.group && it->second.body == body_of(r) && it->second.decided_at > came)
      fail(fmt::format("I5: key {} was refused ({}), and is booked by what came before", r.key.value, static_cast<int>(it->second.what)));
}

void cluster_world::order_hand_over() {
  const shard_id shard{static_cast<std::uint16_t>(below(shard_count_))};
  const auto& record = records_.known(shard).record;
  const auto heir = record.in_sync.empty() ? replication::member{} : record.in_sync[static_cast<std::size_t>(below(record.in_sync.size()))];
  if (record.leader.node == 0 || heir == record.leader || !nodes_[record.leader.node - 1]->runs())
    return;
  caf::anon_send(nodes_[record.leader.node - 1]->context().route.shard(shard),
                 actors::shard_order{{1, replication::order::verb::hand_over, heir, {}}, {}});
}

// What leaders decide, whoever hears it: no booking of a request that came before is to follow.
void cluster_world::decided(std::size_t node, const std::vector<answer>& answers) {
  for (const auto& a : answers) {
    const auto it = requests_.find(a.request.value);
    if (it != requests_.end())
      note_denial(a, it->second);
    if (it == requests_.end() || it->second.what != citizen_request::kind::book || (a.stamp == stamp{} && a.what != outcome::interrupted))
      continue;
    check_standing(a, it->second);
    if (a.what == outcome::full || a.what == outcome::not_enough_together || a.what == outcome::already_booked ||
        a.what == outcome::key_reused || a.what == outcome::window_closed || a.what == outcome::window_over || by_state(a.what))
      refusals_.emplace(it->second.key.value, refusal{it->second.group, body_of(it->second), a.stamp, a.what, result_.steps});
    if (a.what == outcome::confirmed && !a.repeated)
      check_came(a, answers);
    if (a.what == outcome::interrupted && trace_) {
      const auto& shared = nodes_[node]->context();
      const auto table = shared.refusals[a.shard.value].load();
      const auto front = fronts_.contains(a.request.value) ? fronts_.at(a.request.value) : node;
      const auto heard = nodes_[front]->runs() ? nodes_[front]->context().heard.copy()->at(a.shard.value) : stamp{};
      say(fmt::format("shard {}: node {} leads in tenure {}.{} with {} refusals; the front of node {} has heard {}.{} with {}",
                      a.shard.value, node + 1, table ? table->now().tenure.epoch.value : 0, table ? table->now().tenure.boot : 0,
                      table ? table->now().count : 0, front + 1, heard.tenure.epoch.value, heard.tenure.boot, heard.count));
    }
    if (a.what != outcome::confirmed && a.what != outcome::busy)
      say(fmt::format("node {} decides request {}: {} as number {}", node + 1, a.request.value, static_cast<int>(a.what), a.stamp.count));
  }
}

void cluster_world::note_denial(const answer& a, const citizen_request& r) {
  if (a.what == outcome::cancelled)
    denials_.freed(r.ref, generation_t{std::numeric_limits<std::uint16_t>::max()}, result_.steps);
  if (a.what == outcome::moved)
    denials_.freed(r.ref, a.places.at(0).generation, result_.steps);
  if (r.what != citizen_request::kind::book)
    return;
  told_denials::denial d{a.what, r.key, {}, r.group, r.window, a.position, a.free, came_at_.at(a.request.value), result_.steps};
  for (const auto n : r.party)
    d.party.push_back(citizen_of(n));
  denials_.denied(std::move(d));
}

void cluster_world::heard(const std::vector<answer>& answers) {
  for (const auto& a : answers) {
    mix(a.request.value * 32 + static_cast<std::uint64_t>(a.what));
    const auto it = requests_.find(a.request.value);
    if (it == requests_.end() && capacity_orders_.contains(a.request.value))
      continue;
    if (it == requests_.end())
      return fail("an answer to a request that nobody made");
    const auto& r = it->second;
    const bool first = told_.try_emplace(a.request.value, a.what).second;  // as a front, which forgets who has been told
    const bool refused =
        a.what == outcome::full || a.what == outcome::not_enough_together || a.what == outcome::already_booked || by_state(a.what);
    if (first && refused && r.what == citizen_request::kind::book && last_asked_[r.key.value] == a.request.value)
      gone_[r.key.value] = {r.group, body_of(r), a.stamp, a.what};
    say(fmt::format("answer to {}: {}", a.request.value, static_cast<int>(a.what)));
    switch (a.what) {
      case outcome::confirmed: {
        ++result_.confirmed;
        if (a.places.size() != r.party.size())
          return fail("a party was confirmed in part");
        for (std::size_t i = 0; i < r.party.size(); ++i) {
          const auto& place = a.places[i];
          if (confirmed_.emplace(r.key.value + i, place.ref).first->second != place.ref)
            fail("I4: one key, two references");
          if (place.status != place_status::cancelled)
            held_[r.party[i]] = place.ref;
        }
        break;
      }
      case outcome::cancelled:
        cancelled_.insert(r.ref.value);
        std::erase_if(held_, [&](const auto& h) { return h.second == r.ref; });
        break;
      case outcome::unknown: ++result_.unknown; break;
      case outcome::contended:
      case outcome::in_progress:
      case outcome::interrupted:
      case outcome::busy: ++result_.later; break;
      case outcome::key_reused:
        ++result_.refused;
        if (!reused_.contains(r.key.value))
          fail("I4: a key that was used for one thing is called reused");
        break;
      case outcome::full:
      case outcome::not_enough_together:
      case outcome::already_booked:
      case outcome::paused:
      case outcome::closed:
      case outcome::not_open:
        ++result_.refused;
        if (confirmed_.contains(r.key.value) && !reused_.contains(r.key.value))
          fail("I4: a key that was confirmed is refused");
        break;
      default: ++result_.refused; break;
    }
  }
}

// ------------------------------------------------------------------ what may happen

void cluster_world::advance(std::int64_t ms) {
  now_ms_ += ms;
  for (auto& n : nodes_)
    n->advance(ms);
}

void cluster_world::stop_node() {
  const auto n = static_cast<std::size_t>(below(cluster_nodes));
  auto& node = *nodes_[n];
  if (!node.runs()) {
    say(fmt::format("node {} starts again", n + 1));
    return start(n);
  }
  if (chance(40))
    return leave(n);
  const auto down = std::ranges::count_if(nodes_, [](const auto& x) { return !x->runs(); });
  const auto reached = static_cast<std::size_t>(below(node.unsynced() + 1));
  const auto kept = chance(50) ? node.snapshots_written() : static_cast<std::size_t>(below(node.snapshots_written() + 1));
  say(fmt::format("node {} dies: {} of {} writes reached the disk", n + 1, reached, node.unsynced()));
  ++result_.power_cuts;
  node.halt(reached, kept);
  order_.answered = order_.answered || order_.node == n;  // it is gone with its node, or committed
  std::erase_if(under_way_, [&](const parcel& p) { return p.from == n && chance(50); });
  for (std::size_t other = 0; other < cluster_nodes; ++other)
    if (other != n && chance(70))
      post({cluster_nodes, other, lost_link{n + 1}});
  if (down != 0 || chance(40))
    start(n);
}

// The others link with it anew, sooner or later.
void cluster_world::start(std::size_t n) {
  nodes_[n]->start();
  for (std::size_t other = 0; other < cluster_nodes; ++other)
    if (other != n)
      post({cluster_nodes, other, new_link{n + 1}});
}

// The beginning of an orderly stop; the end of it is a death like any other, sooner or later.
void cluster_world::leave(std::size_t n) {
  say(fmt::format("node {} is about to stop", n + 1));
  left_.insert(n);
  ways_[n]->tell_leaving();
  for (std::uint16_t s = 0; s < shard_count_; ++s)
    caf::anon_send(nodes_[n]->context().route.shard(shard_id{s}), actors::hand_over_all{});
}

void cluster_world::cut() {
  if (!cuts_.empty() && chance(70)) {
    say("links heal");
    return cuts_.clear();
  }
  const auto n = static_cast<std::size_t>(below(cluster_nodes));
  const bool both = chance(60);
  for (std::size_t other = 0; other < cluster_nodes; ++other)
    if (other != n && (both || chance(50))) {
      cuts_.emplace(n, other);
      if (both || chance(50))
        cuts_.emplace(other, n);
    }
  say(fmt::format("node {} is cut off, {}", n + 1, both ? "both ways" : "in part"));
}

// A shard that hands over admits nothing: few do so at once.
void cluster_world::check_turns() {
  for (const auto& n : nodes_)
    if (n->runs() && n->context().hand_overs_under_way > n->context().options.cluster->hand_overs_max)
      fail("a node hands more shards over at once than it may");
}

void cluster_world::step() {
  ++result_.steps;
  const int w = below(1000);
  mix(static_cast<std::uint64_t>(w));
  const auto n = static_cast<std::size_t>(below(cluster_nodes));
  auto& node = *nodes_[n];
  if (w < 520) {
    if (node.runs() && node.jobs() != 0)
      node.run(static_cast<std::size_t>(below(node.jobs())));
  } else if (w < 700) {
    if (!under_way_.empty())
      deliver(static_cast<std::size_t>(below(chance(80) ? std::min<std::size_t>(under_way_.size(), 4) : under_way_.size())));
  } else if (w < 790) {
    if (node.runs() && node.unsynced() != 0)
      node.sync(1 + static_cast<std::size_t>(below(node.unsynced())));
  } else if (w < 870) {
    if (node.runs() && node.unheard() != 0)
      node.acknowledge();
  } else if (w < 873) {
    if (hands_over_)
      order_hand_over();
  } else if (hands_over_often_ && w < 885) {
    order_hand_over();
  } else if (w < 930) {
    advance(below(12));
    check_turns();
  } else if (w < 943) {
    freeze_or_thaw();
  } else if (w < 945) {
    if (orders_)
      chance(60) ? order_some_state() : order_capacity();
  } else if (w < 992) {
    ask();
  } else if (w < 992 + deaths_permille_) {
    stop_node();
  } else if (w >= 1000 - cuts_permille_) {
    cut();
  }
}

cluster_walk_result cluster_world::run(int steps) {
  try {
    begin();
    for (int i = 0; i < steps && !failed(); ++i)
      step();
    if (!failed())
      finish();
  } catch (const assertion&) {
    fail("an assertion outside of an actor");
  } catch (const std::exception& e) {
    fail(e.what());
  }
  return result_;
}

cluster_walk_result& cluster_walk_result::operator+=(const cluster_walk_result& o) {
  steps += o.steps;
  asked += o.asked;
  confirmed += o.confirmed;
  refused += o.refused;
  unknown += o.unknown;
  later += o.later;
  power_cuts += o.power_cuts;
  epochs += o.epochs;
  lost_messages += o.lost_messages;
  return *this;
}

cluster_walk_result walk_cluster(cluster_disks& disks, std::uint64_t seed, int steps, const cluster_faults& faults, bool trace) {
  const auto w = std::make_unique<cluster_world>(disks, seed, faults, trace);
  return w->run(steps);
}

}  // namespace janji::sim
