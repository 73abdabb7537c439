#include "tests/actors/cluster_walk.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <variant>

#include "booking/assert.hpp"
#include "cluster/audit.hpp"
#include "cluster/placement.hpp"
#include "cluster/replica_codec.hpp"
#include "schema/mail.hpp"

namespace janji::sim {

namespace {

constexpr std::int64_t calm_deadline_ms = 20'000;
constexpr int calm_rounds_max = 400;
constexpr int calm_tries_max = 40;

struct assertion {};

class world;
world* walking = nullptr;
struct caught_assertions {
  ~caught_assertions() { set_assertion_handler(nullptr); }
};

// The records of all shards: linearizable; answers may be lost after the swap took effect.
class shared_records final : public cluster::config_store {
public:
  std::function<bool()> lose_answer = [] { return false; };
  std::function<void(shard_id, const cluster::versioned_record&)> changed = [](auto, const auto&) {};
  std::expected<cluster::versioned_record, std::string> read(shard_id shard) override { return records_[shard]; }
  cluster::swap_outcome swap(shard_id shard, std::uint64_t expected_revision, const cluster::shard_record& record) override {
    auto& known = records_[shard];
    if (known.revision != expected_revision)
      return lose_answer() ? cluster::swap_outcome{} : cluster::swap_outcome{cluster::swap_result::lost, known};
    known = {++revision_, record};
    ++swaps;
    changed(shard, known);
    return lose_answer() ? cluster::swap_outcome{} : cluster::swap_outcome{cluster::swap_result::won, known};
  }
  std::uint64_t swaps = 0;

private:
  std::uint64_t revision_ = 0;
  std::map<shard_id, cluster::versioned_record> records_;
};

// As on a real link, what replicas, owners and fronts say to each other goes as bytes.
struct replica_bytes {
  shard_id shard;
  std::string bytes;
};
struct mail_bytes {
  shard_id shard;
  std::string bytes;
};
struct answer_bytes {
  std::string bytes;
};
struct told_rounds {
  sequence_t applied;
  std::vector<round_event> history;
};
struct seen_record {
  shard_id shard;
  cluster::versioned_record record;
};
struct lost_link {
  std::uint64_t node;
};
struct leaves {
  std::uint64_t node;
};
struct deposed {
  shard_id shard;
};
struct new_link {
  std::uint64_t node;
};
using parcel_content =
    std::variant<replica_bytes, mail_bytes, answer_bytes, told_rounds, seen_record, lost_link, leaves, deposed, new_link>;
struct parcel {
  std::size_t from;  // a node, or cluster_nodes: the store of records, or the citizens
  std::size_t to;
  parcel_content what;
};

class world {
public:
  world(cluster_disks& disks, std::uint64_t seed, const cluster_faults& faults, bool trace);
  ~world() { trace_ = false; }
  cluster_walk_result run(int steps);

private:
  // One node's way to the others.
  class way final : public actors::peer_port {
  public:
    way(world& w, std::size_t self) : world_(w), self_(self) {}
    void replicate(shard_id shard, replication::header&& head, replication::message&& what) override {
      const auto to = static_cast<std::size_t>(head.to.node - 1);
      world_.post({self_, to, replica_bytes{shard, cluster::encode_replica_message(head, what)}});
    }
    void forward(std::uint64_t node, shard_id shard, actors::group_mail_for&& mail) override {
      world_.post({self_, node - 1, mail_bytes{shard, schema::encode_mail(mail.group, mail.mail.way, mail.mail.inputs)}});
    }
    void forward(std::uint64_t node, shard_id shard, actors::registry_mail&& mail) override {
      world_.post({self_, node - 1, mail_bytes{shard, schema::encode_mail(mail.way, mail.inputs)}});
    }
    void tell_rounds(sequence_t applied, const std::vector<round_event>& history) override {
      for (std::size_t n = 0; n < cluster_nodes; ++n)
        if (n != self_)
          world_.post({self_, n, told_rounds{applied, history}});
    }
    // No read model in this walk.
    std::set<std::uint64_t> tell_figures(const std::vector<actors::group_figures>&, std::optional<std::uint64_t>) override { return {}; }
    void tell_leaving() override {
      for (std::size_t n = 0; n < cluster_nodes; ++n)
        if (n != self_)
          world_.post({self_, n, leaves{self_ + 1}});
    }
    void tell_deposed(shard_id shard) override {
      for (std::size_t n = 0; n < cluster_nodes; ++n)
        if (n != self_)
          world_.post({self_, n, deposed{shard}});
    }
    void tell_report(const schema::node_report&) override {}  // nor operators
    void ask(std::uint64_t, shard_id, const schema::shard_ask&) override {}
    void say(std::uint64_t, const schema::shard_said&) override {}

  private:
    world& world_;
    std::size_t self_;
  };

  struct citizen_request {
    enum class kind : std::uint8_t { book, cancel, move } what = kind::book;
    unsigned citizen = 0;
    key_hash key;
    group_id group;
    window_index window;
    reference ref;
  };

  int below(std::size_t n) { return static_cast<int>(random_() % n); }
  bool chance(int percent) { return below(100) < percent; }
  void mix(std::uint64_t v) { result_.hash = (result_.hash ^ v) * 0x100000001b3ULL + (result_.hash >> 29); }
  void fail(std::string what) {
    say("VIOLATION: " + what);
    if (!result_.violation)
      result_.violation = std::move(what);
  }
  [[nodiscard]] bool failed() const { return result_.violation.has_value(); }
  void say(const std::string& text) const {
    if (trace_)
      fmt::print("{:6} {:8} {}\n", result_.steps, now_ms_, text);
  }

  void begin();
  void import();
  void post(parcel&& p);
  void deliver(std::size_t n);
  void hand_over(std::size_t to, parcel_content&& what);
  void heard(const std::vector<answer>& answers);

  // ---- what may happen
  void step();
  void advance(std::int64_t ms);
  void ask();
  actors::citizen_command make(const citizen_request& r, std::int64_t deadline_ms);
  void stop_node();
  void start(std::size_t n);
  void leave(std::size_t n);
  void cut();

  // ---- afterwards
  [[nodiscard]] bool at_rest() const;
  bool quieten();
  void calm(std::int64_t ms);
  bool everybody_serves();
  void finish();
  std::optional<outcome> answer_to(const citizen_request& r);
  void ask_again();
  void check_stores();

  caught_assertions caught_;
  std::mt19937_64 random_;
  bool trace_;
  cluster_walk_result result_;
  std::uint16_t shard_count_;
  shared_records records_;
  std::array<std::unique_ptr<way>, cluster_nodes> ways_;
  std::array<std::unique_ptr<simulated_node>, cluster_nodes> nodes_;
  std::vector<parcel> under_way_;
  std::set<std::pair<std::size_t, std::size_t>> cuts_;  // from, to
  bool faults_on_ = true;
  int loss_percent_;
  int deaths_permille_;
  int cuts_permille_;
  std::int64_t deadline_ms_;
  std::int64_t now_ms_ = 0;
  std::vector<group_id> groups_;
  bool imported_ = false;

  std::uint64_t next_request_ = 0, next_key_ = 0, next_reference_ = 0;
  std::map<std::uint64_t, citizen_request> requests_;
  std::set<std::size_t> left_;                   // nodes that are about to stop, or have been at some time
  std::map<std::uint64_t, std::size_t> fronts_;  // where each was asked
  std::map<std::uint64_t, outcome> told_;
  std::vector<citizen_request> bookings_;
  std::map<std::uint64_t, reference> confirmed_;                       // by key
  std::map<std::uint64_t, std::pair<reference, unsigned>> cancelled_;  // by reference
  std::map<unsigned, reference> held_;
};

world::world(cluster_disks& disks, std::uint64_t seed, const cluster_faults& faults, bool trace)
    : random_(seed),
      trace_(trace),
      shard_count_(static_cast<std::uint16_t>(1 + below(3))),
      loss_percent_(below(4) * 4),
      deaths_permille_(below(4)),
      cuts_permille_(below(4)),
      deadline_ms_(400 + 400 * below(5)) {
  walking = this;
  set_assertion_handler([](const char* what, std::source_location) {
    walking->fail(std::string("assertion: ") + what);
    throw assertion{};
  });
  records_.lose_answer = [this] { return faults_on_ && chance(8); };
  records_.changed = [this](shard_id shard, const cluster::versioned_record& r) {
    ++result_.epochs;
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
  o.snapshot_every_events = 4 + static_cast<std::uint32_t>(below(20));
  o.cluster = actors::cluster_options{};
  cluster::placement_picture placement;
  for (std::size_t n = 0; n < cluster_nodes; ++n)
    placement.members.push_back({n + 1, n + 101, {}, {}, {}, {}});
  for (std::uint16_t s = 0; s < shard_count_; ++s)  // leadership goes back to where it belongs, again and again
    placement.wanted.push_back({s % 3U + 1, (s + 1U) % 3U + 1, (s + 2U) % 3U + 1});
  for (std::size_t n = 0; n < cluster_nodes; ++n) {
    ways_[n] = std::make_unique<way>(*this, n);
    nodes_[n] = std::make_unique<simulated_node>(
        disks[n].wipe(shard_count_), o, faults.booking,
        seat{n + 1, n + 101, &records_, ways_[n].get(), [this] { return random_(); }, faults.replication, placement});
    nodes_[n]->on_fatal = [this, n](const std::string& why) { fail(fmt::format("node {} is fatal: {}", n + 1, why)); };
    nodes_[n]->on_warning = [this, n](const std::string& why) { fail(fmt::format("node {} warns: {}", n + 1, why)); };
    nodes_[n]->on_answers = [this, n](std::vector<answer>&& a) { post({n, cluster_nodes, answer_bytes{schema::encode_answers(a)}}); };
  }
}

void world::begin() {
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

void world::import() {
  round_definition d;
  d.code = "R";
  d.name = "a round";
  d.time_zone = "Asia/Kuala_Lumpur";
  d.closes_at = unix_ms{4'000'000'000'000};
  d.centres = {{"A", "centre A", "Selangor", "Petaling", 3, 101}};
  for (unsigned g = 0; g < 3; ++g) {
    group_definition group;
    group.date = std::chrono::year{2027} / 1 / (1 + g);
    for (int w = 0; w < 2; ++w)
      group.windows.push_back(
          {static_cast<std::uint16_t>(540 + 60 * w), static_cast<std::uint16_t>(600 + 60 * w), 1U + static_cast<unsigned>(below(3))});
    d.groups.push_back(std::move(group));
  }
  const auto leader = records_.read(shard_id{0})->record.leader.node - 1;
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
  for (const auto& [group, place] : nodes_[0]->context().catalogue.get()->groups)
    groups_.push_back(group_id{group});
}

// ------------------------------------------------------------------ links

void world::post(parcel&& p) {
  const bool link = p.from < cluster_nodes && p.to < cluster_nodes;
  if (link && faults_on_ && (cuts_.contains({p.from, p.to}) || chance(loss_percent_))) {
    ++result_.lost_messages;
    return;
  }
  under_way_.push_back(std::move(p));
}

void world::deliver(std::size_t n) {
  auto p = std::move(under_way_[n]);
  under_way_.erase(under_way_.begin() + static_cast<std::ptrdiff_t>(n));
  if (p.to == cluster_nodes) {
    if (faults_on_ && chance(loss_percent_))
      return;
    const auto answers = schema::decode_answers(std::get<answer_bytes>(p.what).bytes).value();
    for (const auto& a : answers)  // each through the front where it was asked
      if (const auto front = fronts_.find(a.request.value); front != fronts_.end() && nodes_[front->second]->runs())
        nodes_[front->second]->context().pending.answered({a});
    heard(answers);
    return;
  }
  if (!nodes_[p.to]->runs())
    return;
  if (p.from < cluster_nodes && p.to < cluster_nodes && faults_on_ && cuts_.contains({p.from, p.to}))
    return;
  hand_over(p.to, std::move(p.what));
}

void world::hand_over(std::size_t to, parcel_content&& what) {
  auto& shared = nodes_[to]->context();
  if (const auto* r = std::get_if<replica_bytes>(&what)) {
    auto said = cluster::decode_replica_message(r->bytes).value();
    if (trace_ && !faults_on_)
      say(fmt::format("shard {}: node {} to {}: {} of epoch {}", r->shard.value, said.head.from.node, to + 1, said.what.index(),
                      said.head.epoch.value));
    caf::anon_send(shared.route.shard(r->shard), actors::replica_said{said.head, std::move(said.what)});
  } else if (const auto* m = std::get_if<mail_bytes>(&what)) {
    auto mail = schema::decode_mail(m->bytes).value();
    if (auto* g = std::get_if<schema::mail_to_group>(&mail))
      shared.route.send(g->group, actors::group_mail{std::move(g->inputs), g->way});
    else if (auto* registry = std::get_if<schema::mail_to_registry>(&mail))
      shared.route.send(m->shard, actors::registry_mail{std::move(registry->inputs), registry->way});
  } else if (auto* t = std::get_if<told_rounds>(&what)) {
    caf::anon_send(shared.rounds, actors::rounds_told{t->applied, std::move(t->history)});
  } else if (auto* s = std::get_if<seen_record>(&what)) {
    caf::anon_send(shared.route.shard(s->shard), actors::record_changed{s->record});
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

citizen_hash citizen_of(unsigned n) {
  citizen_hash h;
  h.bytes[0] = static_cast<std::uint8_t>(n);
  h.bytes[15] = 9;
  return h;
}

actors::citizen_command world::make(const citizen_request& r, std::int64_t deadline_ms) {
  const request_id id{++next_request_};
  requests_[id.value] = r;
  say(fmt::format("request {}: {} citizen {} key {} group {} window {} ref {:x}", id.value, static_cast<int>(r.what), r.citizen,
                  r.key.value, r.group.value, r.window.value, r.ref.value));
  ++result_.asked;
  const unix_ms deadline{nodes_[0]->now().value + deadline_ms};
  if (r.what == citizen_request::kind::cancel)
    return cancel_command{id, r.ref, std::nullopt, 0, r.key, "", "", deadline};
  if (r.what == citizen_request::kind::move)
    return move_command{id, r.ref, 0, r.group, r.window, r.key, body_hash{1}, deadline};
  book_command b{id, body_hash{r.group.value * 10 + r.window.value}, r.window, deadline, {}};
  const auto who = citizen_of(r.citizen);
  b.people.push_back({who, reference::make(cluster::shard_of_citizen(who, shard_count_), ++next_reference_), r.key, {1, 2}, "sealed"});
  return actors::routed_booking{r.group, std::move(b)};
}

void world::ask() {
  citizen_request r;
  r.citizen = 1U + static_cast<unsigned>(below(8));
  const auto held = held_.find(r.citizen);
  if (held != held_.end() && chance(60)) {
    r.what = chance(50) ? citizen_request::kind::cancel : citizen_request::kind::move;
    r.ref = held->second;
  } else if (!bookings_.empty() && chance(50)) {
    r = bookings_[static_cast<std::size_t>(below(bookings_.size()))];
  }
  if (r.key == key_hash{}) {
    r.key = key_hash{++next_key_ * 8};
    r.group = groups_[static_cast<std::size_t>(below(groups_.size()))];
    r.window = window_index{static_cast<std::uint8_t>(below(2))};
    if (r.what == citizen_request::kind::book)
      bookings_.push_back(r);
  }
  std::vector<actors::citizen_command> turn;
  turn.push_back(make(r, deadline_ms_));
  const auto n = static_cast<std::size_t>(below(cluster_nodes));
  fronts_[next_request_] = n;
  if (nodes_[n]->runs())
    nodes_[n]->submit(std::move(turn));
}

void world::heard(const std::vector<answer>& answers) {
  for (const auto& a : answers) {
    mix(a.request.value * 32 + static_cast<std::uint64_t>(a.what));
    const auto it = requests_.find(a.request.value);
    if (it == requests_.end())
      return fail("an answer to a request that nobody made");
    const auto& r = it->second;
    told_.try_emplace(a.request.value, a.what);  // as a front, which forgets who has been told
    say(fmt::format("answer to {}: {}", a.request.value, static_cast<int>(a.what)));
    switch (a.what) {
      case outcome::confirmed: {
        ++result_.confirmed;
        const auto ref = a.places.at(0).ref;
        const auto [known, fresh] = confirmed_.emplace(r.key.value, ref);
        if (known->second != ref)
          fail("I4: one key, two references");
        if (a.places.at(0).status != place_status::cancelled)
          held_[r.citizen] = ref;
        break;
      }
      case outcome::cancelled:
        cancelled_[r.ref.value] = {r.ref, r.citizen};
        std::erase_if(held_, [&](const auto& h) { return h.second == r.ref; });
        break;
      case outcome::unknown: ++result_.unknown; break;
      case outcome::contended:
      case outcome::in_progress:
      case outcome::busy: ++result_.later; break;
      case outcome::full:
      case outcome::already_booked:
        ++result_.refused;
        if (confirmed_.contains(r.key.value))
          fail("I4: a key that was confirmed is refused");
        break;
      default: ++result_.refused; break;
    }
  }
}

// ------------------------------------------------------------------ what may happen

void world::advance(std::int64_t ms) {
  now_ms_ += ms;
  for (auto& n : nodes_)
    n->advance(ms);
}

void world::stop_node() {
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
  std::erase_if(under_way_, [&](const parcel& p) { return p.from == n && chance(50); });
  for (std::size_t other = 0; other < cluster_nodes; ++other)
    if (other != n && chance(70))
      post({cluster_nodes, other, lost_link{n + 1}});
  if (down != 0 || chance(40))
    start(n);
}

// The others link with it anew, sooner or later.
void world::start(std::size_t n) {
  nodes_[n]->start();
  for (std::size_t other = 0; other < cluster_nodes; ++other)
    if (other != n)
      post({cluster_nodes, other, new_link{n + 1}});
}

// The beginning of an orderly stop; the end of it is a death like any other, sooner or later.
void world::leave(std::size_t n) {
  say(fmt::format("node {} is about to stop", n + 1));
  left_.insert(n);
  ways_[n]->tell_leaving();
  for (std::uint16_t s = 0; s < shard_count_; ++s)
    caf::anon_send(nodes_[n]->context().route.shard(shard_id{s}), actors::hand_over_all{});
}

void world::cut() {
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

void world::step() {
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
  } else if (w < 930) {
    advance(below(12));
  } else if (w < 992) {
    ask();
  } else if (w < 992 + deaths_permille_) {
    stop_node();
  } else if (w >= 1000 - cuts_permille_) {
    cut();
  }
}

// ------------------------------------------------------------------ afterwards

bool world::at_rest() const {
  return under_way_.empty() && std::ranges::all_of(nodes_, [](const auto& n) { return !n->runs() || n->at_rest(); });
}

// Everything that waits happens, and time stands still.
bool world::quieten() {
  for (int i = 0; !at_rest() && !failed(); ++i) {
    if (i > 200'000) {
      fail("the cluster never comes to rest");
      return false;
    }
    while (!under_way_.empty())
      deliver(0);
    for (auto& n : nodes_)
      if (n->runs())
        n->settle();
  }
  return !failed();
}

void world::calm(std::int64_t ms) {
  advance(ms);
  (void)quieten();
}

bool world::everybody_serves() {
  for (int i = 0; i < calm_rounds_max && !failed(); ++i) {
    calm(25);
    bool all = true;
    for (std::uint16_t s = 0; s < shard_count_; ++s) {
      const auto leader = records_.read(shard_id{s})->record.leader.node;
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
std::optional<outcome> world::answer_to(const citizen_request& r) {
  for (int tries = 0; tries < calm_tries_max && !failed(); ++tries) {
    std::vector<actors::citizen_command> turn;
    turn.push_back(make(r, calm_deadline_ms));
    const auto request = next_request_;
    fronts_[request] = static_cast<std::size_t>(below(cluster_nodes));
    nodes_[fronts_[request]]->submit(std::move(turn));
    for (int i = 0; i < calm_rounds_max && !failed() && !told_.contains(request); ++i)
      calm(50);
    const auto it = told_.find(request);
    if (it == told_.end())
      return std::nullopt;
    if (it->second != outcome::in_progress && it->second != outcome::busy)
      return it->second;
    calm(500);
  }
  return outcome::in_progress;
}

// A key that was confirmed has the same reference for ever, and nobody is told "full" who has a place.
void world::ask_again() {
  for (const auto& b : bookings_) {
    const auto said = answer_to(b);
    if (failed())
      return;
    if (!said)
      return fail("I9: a request gets no answer when all is quiet");
    const bool definite = said == outcome::confirmed || said == outcome::full || said == outcome::already_booked;
    if (!definite)
      return fail(fmt::format("I9: when all is quiet the outcome is {}", static_cast<int>(*said)));
    if (confirmed_.contains(b.key.value) && said != outcome::confirmed)
      return fail("I2: a confirmed booking is gone");
  }
}

void world::check_stores() {
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
      if (b.live)
        live.insert(b.ref.value);
    });
    for (const auto& [key, ref] : confirmed_)
      if (!stored.contains(ref.value))
        return fail(fmt::format("I2: a confirmed booking is not on the disk of node {}", n + 1));
    for (const auto& [ref, what] : cancelled_)
      if (live.contains(ref))
        return fail("I6: a booking that was told to be cancelled lives");
  }
  for (std::uint16_t s = 0; s < shard_count_; ++s)
    if (logs[0][s] != logs[1][s] || logs[0][s] != logs[2][s])
      return fail(fmt::format("the replicas of shard {} differ: {}, {} and {} entries", s, logs[0][s].size(), logs[1][s].size(),
                              logs[2][s].size()));
}

void world::finish() {
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
      if (records_.read(shard_id{s})->record.in_sync.size() != cluster_nodes)
        return false;
    return true;
  };
  if (!everybody_serves())
    return failed() ? void() : fail("I9: a shard does not serve again");
  ask_again();
  for (int i = 0; i < calm_rounds_max && !failed() && !whole(); ++i)
    calm(100);
  if (!failed() && !whole())
    fail("I9: a replica that fell behind never comes back");
  for (std::int64_t ms = 0; ms < 20'000 && !failed(); ms += 500)
    calm(500);
  if (!failed())
    check_stores();
}

cluster_walk_result world::run(int steps) {
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

}  // namespace

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
  const auto w = std::make_unique<world>(disks, seed, faults, trace);
  return w->run(steps);
}

}  // namespace janji::sim
