#include "actors/rounds.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "actors/peers.hpp"
#include "booking/assert.hpp"
#include "booking/booking_end.hpp"
#include "booking/round_orders.hpp"

namespace janji::actors {

namespace {
constexpr std::chrono::seconds tell_again{2};  // to nodes that missed it; then seldomer
constexpr unsigned tell_seldomest = 32;        // of these
// Of all rounds, at an import; orders and notes come on top. They are one snapshot, and to a node that knows nothing one message.
constexpr std::size_t rounds_bytes_max = 21U << 20U;
static_assert(rounds_bytes_max + orders_kept_max * (3 * limits::order_text_bytes_max + 1'024) < told_bytes_max &&
              told_bytes_max < schema::entry_bytes_max);
constexpr std::uint32_t level_of_parts = 1;          // from this feature level on messages may go in parts
constexpr std::int64_t told_lost_after_ms = 3'000;   // what a node has not taken by then is told again
constexpr std::uint64_t of_the_rounds = 0;           // no node: a question of their own
constexpr std::int64_t known_here_ms = 10'000;       // what was ordered elsewhere is told after that, known here or not
constexpr std::int64_t leader_patience_ms = 10'000;  // of an order for which nobody leads the rounds
constexpr std::chrono::milliseconds look_for_leader{100};
}  // namespace

rounds_actor::rounds_actor(caf::actor_config& config, node_context& shared, catalogue_builder builder, sequence_t applied)
    : caf::event_based_actor(config), shared_(shared), builder_(std::move(builder)), applied_(applied), admission_(shared) {}

caf::behavior rounds_actor::make_behavior() {
  delayed_send(this, tell_again, tell_rounds{});  // of a node that is alone too: orders have an end
  return {
      [this](import_order& o) { take(o); },
      [this](state_order& o) { take(o); },
      [this](note_order& o) { append(std::move(o.note), std::move(o.done), "noted", until_of({}), true); },
      [this](try_orders_again) { try_again(); },
      [this](round_committed& c) { committed(c); },
      [this](round_order_heard& h) { heard(h); },
      [this](rounds_read& r) { take_over(r); },
      [this](rounds_told& t) { take(t); },
      [this](const tell_rounds_now& t) { listeners_.erase(t.node); },  // it says what it knows, or it is an earlier version
      [this](const rounds_known& k) { take(k); },
      [this](tell_rounds) {
        if (++untold_ >= tell_after_) {
          tell_others();
          tell_after_ = std::min(2 * tell_after_, tell_seldomest);
        }
        answer_passed_on();
        give_up_late_ones();
        drive_on();
        delayed_send(this, tell_again, tell_rounds{});
      },
      [this](admission_wanted& w) { answer_questions(w); },
      [this](const admission_held& h) { admission_.held(h.shard, h.position); },
      [this](rounds_led_alone) { lead_admission(false); },
      [this](drive_admission) {
        drives_ = false;
        admission_.pass_time();
        drive_on();
      },
      [this](snapshot_request r) {
        std::vector<schema::owned_event> history;
        for (const auto& e : builder_.history())
          history.push_back({schema::owner::of_rounds(), e});
        for (const auto& e : builder_.pending())
          history.push_back({schema::owner::of_rounds(), e});
        caf::anon_send(shared_.route.shard(shard_id{0}),
                       snapshot_taken{schema::owner::of_rounds(), {}, r.checkpoint, applied_, schema::encode_batch(history)});
      },
  };
}

// One order at a time changes rounds: each is checked against what is committed.
void rounds_actor::take(import_order& o) {
  if (changes_rounds())
    return o.done(std::unexpected("busy: another operator's order is under way, try again"));
  if (auto wrong = too_large(o); !wrong.empty())
    return o.done(std::unexpected(std::move(wrong)));
  if (o.dry_run)
    return judge(o);
  if (!o.passed_on && led_elsewhere())
    return pass_on(round_imported{std::move(o.definition), std::move(o.by), {}}, std::move(o.done), until_of(o.until), {});
  if (builder_.find(o.definition.code) != nullptr)
    return o.done(std::unexpected("wrong_state: a round with the code " + o.definition.code + " is there already"));
  if (auto wrong = ends_unknown(o); !wrong.empty())
    return o.done(std::unexpected(std::move(wrong)));
  const auto keys_are_for = o.definition.id;
  builder_.number(o.definition);
  if (keys_are_for != round_id{} && keys_are_for != o.definition.id)
    return o.done(std::unexpected("busy: another round took the number that its keys were made for; nothing was changed, try again"));
  round_imported event{std::move(o.definition), std::move(o.by), shared_.now()};
  if (!in_one_message() && goes_in_parts(event.definition))
    return begin_parts(std::move(event), std::move(o.done), until_of(o.until), o.passed_on);
  auto answer = event.definition.code;
  append(std::move(event), std::move(o.done), std::move(answer), until_of(o.until), o.passed_on);
}

// A node of an earlier version takes no message in parts, and knows no parts of rounds.
bool rounds_actor::in_one_message() const { return shared_.peers != nullptr && shared_.feature_level < level_of_parts; }

std::string rounds_actor::ends_unknown(const import_order& o) const {
  if (shared_.judges_past() || says_ends_as_usual(o.definition))
    return {};
  return fmt::format(
      "wrong_state: not all nodes know of book_until, and it must be the opening of each window until the feature level is {}: janjictl "
      "cluster raise",
      level_of_ends);
}

// What one node cannot tell another in a message must not be committed: the others would never serve it.
std::string rounds_actor::too_large(const import_order& o) const {
  std::size_t bytes = schema::bytes_bound(round_event{round_imported{o.definition, o.by, {}}});
  for (const auto& e : builder_.history())
    bytes += std::holds_alternative<round_imported>(e) ? schema::bytes_bound(e) : 0;
  const auto bytes_max = in_one_message() ? cluster::peer_payload_bytes_max / 4 * 3 : rounds_bytes_max;
  if (bytes <= bytes_max)
    return {};
  constexpr double mb = 1e6;
  return fmt::format(
      "invalid: with this round all rounds would be {:.1f} MB, and {:.1f} are the most that a node keeps and tells others "
      "(rounds_bytes_max): leave days out of it",
      static_cast<double>(bytes) / mb, static_cast<double>(bytes_max) / mb);
}

// What is answered without an event is a statement about what is committed: it is made when this node is shown to lead the rounds.
void rounds_actor::take(state_order& o, bool strict) {
  if (changes_rounds())
    return o.done(std::unexpected("busy: another operator's order is under way, try again"));
  if (o.dry_run)
    return judge(o);
  if (!o.passed_on && led_elsewhere())
    return pass_on(round_state_changed{o.round, o.to, std::move(o.reason), std::move(o.by), {}, o.order}, std::move(o.done),
                   until_of(o.until), o.as_of);
  const auto* round = builder_.find(o.round);
  const auto status = round != nullptr ? round->status : round_status{};
  const auto order = o.order == round_order::unsaid ? order_to(o.to, status.state) : o.order;
  const auto effect = effect_of(status.state, order, status.reason, o.reason);
  const bool done_before = round != nullptr && effect && effect->already;
  const bool allowed = effect && !effect->already;
  if (round != nullptr && allowed && strict)  // an order that came meanwhile is newer than this one may be
    return o.done(std::unexpected("busy: the rounds changed while it was asked, and nothing was done: look before you ask again"));
  if (round != nullptr && !done_before && o.as_of != sequence_t{} && builder_.changed_at(o.round) > o.as_of)
    return o.done(std::unexpected("changed: the round was changed after this order was given; look before you order it again"));
  if (round != nullptr && allowed)
    return append(round_state_changed{o.round, effect->to, std::move(o.reason), std::move(o.by), shared_.now(), order}, std::move(o.done),
                  std::string(name_of(effect->to)), until_of(o.until), o.passed_on, o.as_of);
  if (!strict && shared_.peers != nullptr)
    return decide_strictly(std::move(o));
  if (round == nullptr)
    return o.done(std::unexpected("not_found: there is no such round"));
  if (!done_before)
    return o.done(std::unexpected("wrong_state: " + effect.error()));
  say_held(std::move(o.done), std::string(name_of(effect->to)));  // said twice is done once
}

// ------------------------------------------------------------------ orders that are only asked about

// By what is known here: a node of an earlier version that leads the rounds would carry out what is passed on to it.
void rounds_actor::judge(const import_order& o) const {
  if (builder_.find(o.definition.code) != nullptr)
    return o.done(std::unexpected("wrong_state: a round with the code " + o.definition.code + " is there already"));
  if (auto wrong = ends_unknown(o); !wrong.empty())
    return o.done(std::unexpected(std::move(wrong)));
  o.done("would import " + o.definition.code);
}

void rounds_actor::judge(const state_order& o) const {
  const auto* round = builder_.find(o.round);
  if (round == nullptr)
    return o.done(std::unexpected("not_found: there is no such round"));
  if (auto wrong = order_text_fault({o.reason, o.by}); !wrong.empty())
    return o.done(std::unexpected(std::move(wrong)));
  const auto& now = round->status;
  const auto order = o.order == round_order::unsaid ? order_to(o.to, now.state) : o.order;
  const auto effect = effect_of(now.state, order, now.reason, o.reason);
  if (effect && effect->already)
    return o.done(fmt::format("nothing would be done: the round is {} already", name_of(effect->to)));
  if (o.as_of != sequence_t{} && builder_.changed_at(o.round) > o.as_of)
    return o.done(std::unexpected("changed: the round was changed after this was asked; look again"));
  if (!effect)
    return o.done(std::unexpected("wrong_state: " + effect.error()));
  o.done(fmt::format("would be done: the round is {}, and would be {}", name_of(now.state), name_of(effect->to)));
}

void rounds_actor::decide_strictly(state_order&& o) {
  if (to_decide_.size() >= orders_max)
    return o.done(std::unexpected("busy: too many orders are under way"));
  const auto number = ++next_token_;
  to_decide_.emplace(number, std::pair{std::move(o), unix_ms{shared_.now().value + commit_patience_ms}});
  caf::anon_send(shared_.route.shard(shard_id{0}), admission_asked{of_the_rounds, {}, number});
}

// ------------------------------------------------------------------ orders about rounds that are led elsewhere

bool rounds_actor::led_elsewhere() const {
  if (shared_.peers == nullptr || leading_)
    return false;
  const auto leader = shared_.leader_of(shard_id{0});
  return leader != 0 && leader != shared_.node_id;
}

void rounds_actor::pass_on(round_event event, operator_done done, unix_ms until, sequence_t as_of) {
  if (passed_on_.size() >= orders_max)
    return done(std::unexpected("busy: too many orders are under way"));
  passed_on_.emplace(++next_token_, passed{std::move(done), event, until, as_of, std::nullopt, {}});
  caf::anon_send(shared_.reports, pass_round_order{next_token_, std::move(event), as_of});
}

// An order that comes for the first time has all its time before it.
unix_ms rounds_actor::until_of(unix_ms given) const {
  return given == unix_ms{} ? unix_ms{shared_.now().value + leader_patience_ms} : given;
}

// Leadership is on its way, as it is for a moment after each death and each hand-over: the order comes in once more, as if it were
// new. Nothing of it was written anywhere.
void rounds_actor::try_again(round_event event, operator_done done, unix_ms until, sequence_t as_of) {
  if (until < shared_.now() || untaken_.size() >= orders_max)
    return done(std::unexpected(std::string(not_led_here)));
  if (auto* i = std::get_if<round_imported>(&event))
    untaken_.emplace_back(import_order{std::move(i->definition), std::move(i->by), std::move(done), false, until});
  else if (auto* s = std::get_if<round_state_changed>(&event))
    untaken_.emplace_back(
        state_order{s->round, s->state, std::move(s->reason), std::move(s->by), std::move(done), false, until, as_of, s->order});
  if (untaken_.size() == 1)
    delayed_send(this, look_for_leader, try_orders_again{});
}

void rounds_actor::try_again() {
  for (auto& order : std::exchange(untaken_, {}))
    std::visit([this](auto& o) { take(o); }, order);
}

void rounds_actor::heard(round_order_heard& h) {
  const auto it = passed_on_.find(h.ticket);
  if (it == passed_on_.end())
    return;
  if (!h.answer && h.answer.error() == not_led_here) {
    auto p = std::move(passed_on_.extract(it).mapped());
    return try_again(std::move(p.event), std::move(p.done), p.until, p.as_of);
  }
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

std::string rounds_actor::text_fault(const round_event& event) {
  if (const auto* i = std::get_if<round_imported>(&event))
    return order_text_fault({i->by});
  if (const auto* s = std::get_if<round_state_changed>(&event))
    return order_text_fault({s->reason, s->by});
  const auto& n = std::get<operator_noted>(event);
  return order_text_fault({n.what, n.detail, n.by});
}

void rounds_actor::append(round_event event, operator_done done, std::string answer, unix_ms until, bool passed_on, sequence_t as_of) {
  if (auto wrong = text_fault(event); !wrong.empty())
    return done(std::unexpected(std::move(wrong)));
  if (waiting_.size() >= orders_max)
    return done(std::unexpected("busy: too many orders are under way"));
  give_to_log({++next_token_, incarnation_, std::move(event), std::move(done), std::move(answer),
               unix_ms{shared_.now().value + commit_patience_ms}, until, passed_on, as_of});
}

void rounds_actor::give_to_log(waiting&& w) {
  append_mail mail{schema::owner::of_rounds(), w.incarnation, {}};
  mail.items.push_back({w.token, w.event});
  waiting_.push_back(std::move(w));
  caf::anon_send(shared_.route.shard(shard_id{0}), std::move(mail));
}

void rounds_actor::committed(const round_committed& c) {
  // What the shard does not take is said before what is on its way.
  const bool known = c.what == round_committed::end::committed;
  const auto it = std::ranges::find(waiting_, c.token, &waiting::token);
  assert_always(it != waiting_.end() && (!known || it == waiting_.begin()), "orders are committed in the order in which they were given");
  auto w = std::move(*it);
  waiting_.erase(it);
  if (!known)
    return not_appended(w, c.what);
  of_entry_.push_back(std::move(w));
  if (!c.last)
    return;  // whoever knows a position knows all that was committed there
  for (auto& o : of_entry_)
    builder_.apply(std::move(o.event), c.sequence);  // of which kind it was can still be asked
  applied_ = c.sequence;
  const bool shown = std::ranges::any_of(of_entry_, [](const auto& o) { return !std::holds_alternative<round_part>(o.event); });
  if (shown) {
    publish();
    tell_after_ = 1;
    tell_others();
  }
  const bool changes = std::ranges::any_of(of_entry_, [](const auto& o) { return std::holds_alternative<round_state_changed>(o.event); });
  if (changes)
    lead_admission(false);
  for (auto& o : std::exchange(of_entry_, {}))
    o.of_import                                            ? part_committed(o)
    : std::holds_alternative<round_state_changed>(o.event) ? say_held(std::move(o.done), std::move(o.answer))
                                                           : say_done(o);
}

void rounds_actor::not_appended(waiting& w, round_committed::end how) {
  using end = round_committed::end;
  // It may have been given to an earlier leadership, and a shard that takes no more goes on leading.
  leading_ = leading_ && (how == end::refused || w.incarnation != incarnation_);
  if (w.of_import)
    return part_not_appended(w, how);
  if (!w.done)
    return;
  if (how == end::unknown)
    return w.done(std::unexpected("unknown: this node ceased to lead the rounds while it was asked; look before you ask again"));
  if (how == end::refused)
    return w.done(std::unexpected("busy: too much waits for the log of the rounds; nothing was changed"));
  if (w.passed_on)
    return w.done(std::unexpected(std::string(not_led_here)));
  try_again(std::move(w.event), std::move(w.done), w.try_until, w.as_of);
}

// When the read model shows it.
void rounds_actor::say_done(waiting& w) {
  caf::anon_send(shared_.availability,
                 catalogue_changed{w.done ? std::move(w.done) : operator_done([](const auto&) {}), std::move(w.answer)});
}

// What every shard is to have. A node that leads no more stops when it has heard of the next leader; until then it drives what is
// committed, and no shard goes back for it.
void rounds_actor::lead_admission(bool anew) {
  admission_.lead(builder_.admission(), anew);
  drive_on();
}

// When every shard has it, or which lack it.
void rounds_actor::say_held(operator_done done, std::string answer) {
  admission_.wait([this, done = std::move(done), answer = std::move(answer)](const std::vector<shard_id>& lacking) {
    caf::anon_send(shared_.availability,
                   catalogue_changed{done ? done : operator_done([](const auto&) {}), answer + words_of_lacking(lacking)});
  });
  drive_on();
}

void rounds_actor::answer_questions(admission_wanted& w) {
  constexpr std::size_t early_max = limits::shards_max;
  if (w.incarnation != incarnation_) {
    if (wanted_early_.size() < early_max)
      wanted_early_.push_back(std::move(w));
    return;
  }
  const auto state = std::make_shared<const admission_state>(builder_.admission());
  for (const auto& a : w.by) {
    if (auto order = a.node == of_the_rounds ? to_decide_.extract(a.number) : decltype(to_decide_)::node_type{})
      take(order.mapped().first, true);
    else if (a.node == of_the_rounds)
      continue;
    else if (a.node == shared_.node_id)
      caf::anon_send(shared_.route.shard(a.shard), admission_told{a.node, a.number, state});
    else
      shared_.peers->answer_admission(a.node, a.shard, {a.number, *state});
  }
}

void rounds_actor::drive_on() {
  if (!std::exchange(drives_, drives_ || admission_.busy()) && drives_)
    delayed_send(this, std::chrono::milliseconds(std::min<std::int64_t>(drive_every_ms, shared_.options.order_patience_ms) / 2),
                 drive_admission{});
}

// A shard that cannot commit, for want of members, may be like that for hours.
void rounds_actor::give_up_late_ones() {
  for (auto& w : waiting_)
    if (w.done && w.until < shared_.now())
      std::exchange(w.done, {})(std::unexpected("unknown: it is not known whether it comes true: look before you ask again"));
  give_up_late_import();
  std::erase_if(to_decide_, [this](auto& o) {
    if (o.second.second >= shared_.now())
      return false;
    o.second.first.done(std::unexpected("busy: who leads the rounds changes just now, and nothing was done"));
    return true;
  });
  for (const auto& [number, o] : to_decide_)
    caf::anon_send(shared_.route.shard(shard_id{0}), admission_asked{of_the_rounds, {}, number});
}

// Whoever has lost an earlier leadership here has been told so before. What is known already up to there is not made again.
void rounds_actor::take_over(rounds_read& r) {
  const auto last = r.state.tail.empty() ? r.state.snapshot_at : std::max(r.state.snapshot_at, r.state.tail.back().sequence);
  if (last != applied_ || builder_.history().empty())
    build_from(r);
  incarnation_ = r.incarnation;
  leading_ = true;
  publish();
  shared_.rounds_led = true;
  lead_admission(true);
  for (auto& w : std::exchange(wanted_early_, {}))
    if (w.incarnation == incarnation_)
      answer_questions(w);
  tell_after_ = 1;
  tell_others();
  caf::anon_send(shared_.availability, catalogue_changed{[](const auto&) {}, {}});
}

void rounds_actor::build_from(rounds_read& r) {
  auto builder = builder_.emptied();
  if (!r.state.snapshot.empty()) {
    const auto history = schema::decode_batch(r.state.snapshot);
    if (!history)
      return shared_.fatal("the rounds cannot be read: " + history.error().text);
    std::vector<round_event> events;
    for (const auto& e : *history)
      events.push_back(std::get<round_event>(e.event));
    builder.apply_snapshot(events, r.state.snapshot_at);
  }
  applied_ = std::max(applied_, r.state.snapshot_at);
  for (const auto& e : r.state.tail) {
    builder.apply(std::get<round_event>(e.event), e.sequence);
    applied_ = std::max(applied_, e.sequence);
  }
  builder_ = std::move(builder);
}

void rounds_actor::take(rounds_told& t) {
  if (t.applied <= applied_ || (t.since != sequence_t{} && t.since != applied_))
    return;  // known already, or with a gap: this node's next report says what it knows
  leading_ = false;
  admission_.stop();
  applied_ = t.applied;
  if (t.since == sequence_t{})
    builder_ = builder_.emptied();
  builder_.apply_snapshot(t.history, t.applied);  // where between these two positions each of them is, nobody says
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
  if (before->groups.size() == catalogue->groups.size())
    return;  // they are never taken away
  std::map<std::uint16_t, activate_groups> by_shard;
  for (const auto& [group, place] : catalogue->groups)
    if (!before->groups.contains(group))
      by_shard[place.shard.value].groups.push_back(group_id{group});
  for (auto& [shard, groups] : by_shard)
    caf::anon_send(shared_.route.shard(shard_id{shard}), std::move(groups));
}

void rounds_actor::tell_others() {
  untold_ = 0;
  if (!leading_ || shared_.peers == nullptr)
    return;
  std::set<std::uint64_t> listening;
  for (const auto& [node, l] : listeners_) {
    listening.insert(node);
    tell_one(node);
  }
  shared_.peers->tell_rounds(applied_, builder_.history(), listening);
}

// Only what it does not know: the whole is megabytes where there are many slot groups.
void rounds_actor::tell_one(std::uint64_t node) {
  auto& l = listeners_.at(node);
  const auto known = std::max(l.knows, l.told);
  if (!leading_ || shared_.peers == nullptr || known >= applied_)
    return;
  const auto news = known == sequence_t{} ? std::nullopt : builder_.since(known);
  if (!shared_.peers->tell_rounds_since(node, {applied_, news ? *news : builder_.history(), news ? known : sequence_t{}}))
    return;
  if (l.told <= l.knows)
    l.told_at = shared_.now();  // the oldest that it has not said it knows
  l.told = applied_;
}

// What it was told a moment ago may not be in what it says yet; after that it is lost and told again.
void rounds_actor::take(const rounds_known& k) {
  auto& l = listeners_[k.node];
  if (k.applied > l.knows)
    l.told_at = shared_.now();
  l.knows = k.applied;
  if (l.told <= l.knows || shared_.now().value - l.told_at.value >= told_lost_after_ms)
    l.told = l.knows;
  tell_one(k.node);
}

}  // namespace janji::actors
