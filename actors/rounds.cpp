#include "actors/rounds.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "booking/assert.hpp"
#include "cluster/peer_links.hpp"

namespace janji::actors {

namespace {
constexpr std::size_t orders_max = 64;                                             // operators' orders under way
constexpr std::chrono::seconds tell_again{2};                                      // to nodes that missed it; then seldomer
constexpr unsigned tell_seldomest = 32;                                            // of these
constexpr std::size_t rounds_bytes_max = cluster::peer_payload_bytes_max / 4 * 3;  // at an import; orders and notes come on top
constexpr std::int64_t known_here_ms = 10'000;  // what was ordered elsewhere is told after that, known here or not
}  // namespace

rounds_actor::rounds_actor(caf::actor_config& config, node_context& shared, catalogue_builder builder, sequence_t applied)
    : caf::event_based_actor(config), shared_(shared), builder_(std::move(builder)), applied_(applied) {}

caf::behavior rounds_actor::make_behavior() {
  if (shared_.peers != nullptr)
    delayed_send(this, tell_again, tell_rounds{});
  return {
      [this](import_order& o) { take(o); },
      [this](state_order& o) { take(o); },
      [this](note_order& o) { append(std::move(o.note), std::move(o.done), "noted"); },
      [this](round_committed& c) { committed(c); },
      [this](round_order_heard& h) { heard(h); },
      [this](rounds_read& r) { take_over(r); },
      [this](rounds_told& t) { take(t); },
      [this](tell_rounds_now) { tell_others(); },
      [this](tell_rounds) {
        if (++untold_ >= tell_after_) {
          tell_others();
          tell_after_ = std::min(2 * tell_after_, tell_seldomest);
        }
        answer_passed_on();
        delayed_send(this, tell_again, tell_rounds{});
      },
      [this](snapshot_request r) {
        std::vector<schema::owned_event> history;
        for (const auto& e : builder_.history())
          history.push_back({schema::owner::of_rounds(), e});
        caf::anon_send(shared_.route.shard(shard_id{0}),
                       snapshot_taken{schema::owner::of_rounds(), {}, r.checkpoint, applied_, schema::encode_batch(history)});
      },
  };
}

// One order at a time changes rounds: each is checked against what is committed.
void rounds_actor::take(import_order& o) {
  if (!waiting_.empty())
    return o.done(std::unexpected("busy: another operator's order is under way, try again"));
  if (auto wrong = too_large(o); !wrong.empty())
    return o.done(std::unexpected(std::move(wrong)));
  if (!o.passed_on && led_elsewhere())
    return pass_on(round_imported{std::move(o.definition), std::move(o.by), {}}, std::move(o.done));
  if (builder_.find(o.definition.code) != nullptr)
    return o.done(std::unexpected("wrong_state: a round with the code " + o.definition.code + " is there already"));
  builder_.number(o.definition);
  auto answer = o.definition.code;
  append(round_imported{std::move(o.definition), std::move(o.by), shared_.now()}, std::move(o.done), std::move(answer));
}

// What one node cannot tell another in a message must not be committed: the others would never serve it.
std::string rounds_actor::too_large(const import_order& o) const {
  if (shared_.peers == nullptr)
    return {};
  auto all = builder_.history();
  all.push_back(round_imported{o.definition, o.by, {}});
  const auto bytes = schema::encode_rounds({}, all).size();
  if (bytes <= rounds_bytes_max)
    return {};
  constexpr double mb = 1e6;
  return fmt::format(
      "wrong_state: with this round all rounds of the cluster would be {:.1f} MB, and {:.1f} are the most that its nodes tell each other: "
      "leave days out of it",
      static_cast<double>(bytes) / mb, static_cast<double>(rounds_bytes_max) / mb);
}

void rounds_actor::take(state_order& o) {
  if (!waiting_.empty())
    return o.done(std::unexpected("busy: another operator's order is under way, try again"));
  if (!o.passed_on && led_elsewhere())
    return pass_on(round_state_changed{o.round, o.to, std::move(o.reason), std::move(o.by), {}}, std::move(o.done));
  const auto* round = builder_.find(o.round);
  if (round == nullptr)
    return o.done(std::unexpected("not_found: there is no such round"));
  if (round->status.state == o.to && round->status.reason == o.reason)
    return o.done(std::string(name_of(o.to)));  // said twice is done once
  if (auto allowed = may_change(round->status.state, o.to); !allowed)
    return o.done(std::unexpected("wrong_state: " + allowed.error()));
  append(round_state_changed{o.round, o.to, std::move(o.reason), std::move(o.by), shared_.now()}, std::move(o.done),
         std::string(name_of(o.to)));
}

// ------------------------------------------------------------------ orders about rounds that are led elsewhere

bool rounds_actor::led_elsewhere() const {
  if (shared_.peers == nullptr || leading_)
    return false;
  const auto leader = shared_.leader_of(shard_id{0});
  return leader != 0 && leader != shared_.node_id;
}

void rounds_actor::pass_on(round_event event, operator_done done) {
  if (passed_on_.size() >= orders_max)
    return done(std::unexpected("busy: too many orders are under way"));
  passed_on_.emplace(++next_token_, passed{std::move(done), std::nullopt, {}});
  caf::anon_send(shared_.reports, pass_round_order{next_token_, std::move(event)});
}

void rounds_actor::heard(round_order_heard& h) {
  const auto it = passed_on_.find(h.ticket);
  if (it == passed_on_.end())
    return;
  it->second.heard = std::move(h);
  it->second.heard_at = shared_.now();
  answer_passed_on();
}

// Whoever ordered it looks here next: first the rounds are to be known here.
void rounds_actor::answer_passed_on() {
  for (auto it = passed_on_.begin(); it != passed_on_.end();) {
    auto& p = it->second;
    if (!p.heard || (p.heard->answer && p.heard->applied > applied_ && shared_.now().value - p.heard_at.value < known_here_ms)) {
      ++it;
      continue;
    }
    if (p.heard->answer)
      caf::anon_send(shared_.availability, catalogue_changed{std::move(p.done), std::move(*p.heard->answer)});
    else
      p.done(std::unexpected(std::move(p.heard->answer.error())));
    it = passed_on_.erase(it);
  }
}

// ------------------------------------------------------------------ what is committed

void rounds_actor::append(round_event event, operator_done done, std::string answer) {
  if (waiting_.size() >= orders_max)
    return done(std::unexpected("busy: too many orders are under way"));
  append_mail mail{schema::owner::of_rounds(), incarnation_, {}};
  mail.items.push_back({++next_token_, event});
  waiting_.push_back({next_token_, incarnation_, std::move(event), std::move(done), std::move(answer)});
  caf::anon_send(shared_.route.shard(shard_id{0}), std::move(mail));
}

void rounds_actor::committed(const round_committed& c) {
  assert_always(!waiting_.empty() && waiting_.front().token == c.token, "orders are committed in the order in which they were given");
  auto w = std::move(waiting_.front());
  waiting_.pop_front();
  if (!c.known) {
    leading_ = leading_ && w.incarnation != incarnation_;  // what was refused may have been given to an earlier leadership
    if (w.done)
      w.done(std::unexpected("busy: this node does not lead the rounds, or ceased to while it was asked; look before you ask again"));
    return;
  }
  builder_.apply(w.event);
  applied_ = c.sequence;
  publish();
  tell_after_ = 1;
  tell_others();
  caf::anon_send(shared_.availability, catalogue_changed{std::move(w.done), std::move(w.answer)});
}

// Whoever has lost an earlier leadership here has been told so before.
void rounds_actor::take_over(rounds_read& r) {
  auto builder = builder_.emptied();
  if (!r.state.snapshot.empty()) {
    const auto history = schema::decode_batch(r.state.snapshot);
    if (!history)
      return shared_.fatal("the rounds cannot be read: " + history.error().text);
    for (const auto& e : *history)
      builder.apply(std::get<round_event>(e.event));
  }
  applied_ = std::max(applied_, r.state.snapshot_at);
  for (const auto& e : r.state.tail) {
    builder.apply(std::get<round_event>(e.event));
    applied_ = std::max(applied_, e.sequence);
  }
  builder_ = std::move(builder);
  incarnation_ = r.incarnation;
  leading_ = true;
  publish();
  tell_after_ = 1;
  tell_others();
  caf::anon_send(shared_.availability, catalogue_changed{[](const auto&) {}, {}});
}

void rounds_actor::take(rounds_told& t) {
  if (t.applied <= applied_)
    return;
  leading_ = false;
  applied_ = t.applied;
  auto builder = builder_.emptied();
  for (const auto& e : t.history)
    builder.apply(e);
  builder_ = std::move(builder);
  publish();
  caf::anon_send(shared_.availability, catalogue_changed{[](const auto&) {}, {}});
  answer_passed_on();
}

// Shards begin to serve the slot groups that they had not heard of.
void rounds_actor::publish() {
  const auto before = shared_.catalogue.get();
  const auto catalogue = builder_.build();
  shared_.catalogue.set(catalogue);
  shared_.rounds_applied = applied_.value;
  for (const auto& [group, place] : catalogue->groups)
    if (!before->groups.contains(group))
      caf::anon_send(shared_.route.shard(place.shard), activate_groups{{group_id{group}}});
}

void rounds_actor::tell_others() {
  untold_ = 0;
  if (leading_ && shared_.peers != nullptr)
    shared_.peers->tell_rounds(applied_, builder_.history());
}

}  // namespace janji::actors
