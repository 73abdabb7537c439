// Rules of the actors that deserve a story each: what a citizen or an operator would have seen.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "actors/slot_group_actor.hpp"
#include "cluster/placement.hpp"
#include "tests/actors/simulated_node.hpp"

namespace janji::sim {
namespace {

constexpr std::int64_t minute_ms = 60'000;

citizen_hash citizen(std::uint8_t n) {
  citizen_hash c;
  c.bytes.fill(n);
  return c;
}

// A node of one shard with two slot groups of one window each, and what it said.
class story : public ::testing::Test {
protected:
  // `over_in_ms`: of the windows, whose days are past.
  void begin(const actors::node_options& options, std::uint32_t capacity, const planted_faults& faults = {},
             std::optional<std::int64_t> over_in_ms = std::nullopt) {
    options_ = options;
    node_ = std::make_unique<simulated_node>(disk().wipe(options.shard_count), options, faults);
    node_->on_answers = [this](std::vector<answer>&& a) { said_.insert(said_.end(), a.begin(), a.end()); };
    node_->on_fatal = [this](const std::string& why) { fatal_.push_back(why); };
    node_->on_synced = [this](const store::shard_write& w) { count(w); };
    node_->start();
    node_->settle();
    round_definition d;
    d.code = "R";
    d.name = "a round";
    d.time_zone = "Asia/Kuala_Lumpur";
    d.closes_at = unix_ms{4'000'000'000'000};
    d.centres = {{"A", "centre A", "Selangor", "Petaling", 3, 101}};
    const auto until = over_in_ms ? unix_ms{node_->now().value + *over_in_ms} : never_over;
    for (unsigned day = 1; day <= 2; ++day)
      d.groups.push_back({group_id{}, 0, std::chrono::year{over_in_ms ? 1971 : 2027} / 1 / day, {{540, 600, capacity, until}}});
    node_->order(actors::import_order{std::move(d), "op", [](const auto& done) { ASSERT_TRUE(done); }});
    node_->settle();
    node_->order(actors::state_order{round_id{1}, round_state::open, {}, "op", [](const auto& done) { ASSERT_EQ(done, "open"); }});
    node_->settle();
    const auto catalogue = node_->context().catalogue.get();
    auto it = catalogue->groups.begin();
    here_ = group_id{it->first};
    there_ = group_id{(++it)->first};
  }
  void TearDown() override { node_.reset(); }

  static actors::node_options one_shard() {
    actors::node_options o;
    o.shard_count = 1;
    o.passivate_after_ms = 0;
    o.publish_every_ms = 1'000;
    return o;
  }
  // The idempotency key is the citizen's number; every try brings a new reference, as a front does it.
  request_id book(std::uint8_t who, group_id group, std::int64_t deadline_ms = minute_ms) {
    node_->submit(one(booking(who, group, deadline_ms)));
    return request_id{requests_};
  }
  actors::routed_booking booking(std::uint8_t who, group_id group, std::int64_t deadline_ms = minute_ms) {
    book_command b{request_id{++requests_}, body_hash{1}, window_index{0}, unix_ms{node_->now().value + deadline_ms}, {}};
    b.people.push_back({citizen(who), next_reference(), key_hash{who * 8ULL}, {1, 2}, "sealed"});
    return {group, std::move(b)};
  }
  reference next_reference() { return reference::make(shard_id{0}, ++references_); }
  static std::vector<actors::citizen_command> one(actors::citizen_command&& c) {
    std::vector<actors::citizen_command> turn;
    turn.push_back(std::move(c));
    return turn;
  }
  std::vector<outcome> told(request_id request) const {
    std::vector<outcome> all;
    for (const auto& a : said_)
      if (a.request == request)
        all.push_back(a.what);
    return all;
  }
  // Those who run, slot groups in the order of their days.
  [[nodiscard]] std::vector<caf::actor> running(std::string_view name) const {
    std::vector<caf::actor> found;
    for (const auto& handle : node_->owners())
      if (name == dynamic_cast<caf::local_actor&>(*caf::actor_cast<caf::abstract_actor*>(handle)).name())
        found.push_back(handle);
    return found;
  }
  [[nodiscard]] std::size_t active_groups() const { return running("slot_group").size(); }
  static memory_store& disk() {
    static memory_store shared;
    return shared;
  }
  void count(const store::shard_write& w) {
    for (const auto& entry : w.append) {
      if (entry.payload.empty())
        continue;
      const auto events = schema::decode_batch(entry.payload).value();
      for (const auto& e : events)
        if (const auto* g = std::get_if<group_event>(&e.event))
          bookings_ += std::holds_alternative<booked>(*g) ? 1 : 0;
    }
  }

  actors::node_options options_;
  std::unique_ptr<simulated_node> node_;
  std::vector<answer> said_;
  std::vector<std::string> fatal_;
  group_id here_, there_;
  int bookings_ = 0;
  std::uint64_t requests_ = 0;
  std::uint64_t references_ = 0;
};

using only = std::vector<outcome>;

// ------------------------------------------------------------------ orders about a round

std::shared_ptr<const admission_state> as_of(std::uint64_t position, round_state state) {
  admission_state s{sequence_t{position}, {}};
  s.rounds.push_back({round_id{1}, state, {}, unix_ms{4'000'000'000'000}});
  return std::make_shared<const admission_state>(std::move(s));
}

TEST_F(story, a_driven_order_of_a_lower_position_undoes_nothing) {
  for (const bool planted : {false, true}) {
    planted_faults faults;
    faults.take_older_orders = planted;
    begin(one_shard(), 2, faults);
    const auto shard = node_->context().route.shard(shard_id{0});
    caf::anon_send(shard, actors::admission_told{1, 0, as_of(900, round_state::paused)});
    node_->settle();
    const auto first = book(1, here_);
    node_->settle();
    EXPECT_EQ(told(first), only{outcome::paused});
    caf::anon_send(shard, actors::admission_told{1, 0, as_of(899, round_state::open)});
    node_->settle();
    const auto late = book(2, here_);
    node_->settle();
    EXPECT_EQ(told(late), only{planted ? outcome::confirmed : outcome::paused}) << "what came late is older";
  }
}

TEST_F(story, numbers_name_the_tenure_in_which_they_are_told) {
  begin(one_shard(), 2);
  const auto told_in = [&] {
    node_->advance(2'000);
    node_->settle();
    std::set<epoch_t> tenures;
    const auto figures = node_->model().figures.get();
    for (const auto& f : *figures)
      tenures.insert(f.tenure);
    return tenures;
  };
  const auto tenure = [&] { return node_->context().refusals[0].load()->now().tenure.epoch; };
  const auto before = tenure();
  EXPECT_EQ(told_in(), std::set{before});
  node_->power_cut(0, 0);
  node_->settle();
  EXPECT_GT(tenure(), before);
  EXPECT_EQ(told_in(), std::set{tenure()});
}

TEST_F(story, an_answer_to_no_question_of_this_leader_is_not_heard) {
  begin(one_shard(), 2);
  caf::anon_send(node_->context().route.shard(shard_id{0}), actors::admission_told{1, 77, as_of(900, round_state::paused)});
  node_->settle();
  const auto request = book(1, here_);
  node_->settle();
  EXPECT_EQ(told(request), only{outcome::confirmed});
}

// In the order of the log: judged before the order comes, the booking reaches the shard behind it.
TEST_F(story, no_booking_stands_in_the_log_behind_an_order_that_forbids_it) {
  for (const bool planted : {false, true}) {
    planted_faults faults;
    faults.append_unjudged = planted;
    begin(one_shard(), 2, faults);
    bookings_ = 0;
    const auto shard = node_->context().route.shard(shard_id{0});
    const auto request = book(1, here_);
    const auto claim = [&] {  // all but the shard: what the slot group appends waits in its mailbox
      const auto owners = node_->owners();
      while (std::ranges::any_of(owners, [&](const auto& handle) { return node_->run(handle); })) {
      }
    };
    node_->run(0);  // the front
    claim();        // the group holds, the registry appends
    node_->run(shard);
    ASSERT_EQ(node_->unsynced(), 1U);
    node_->sync(1);
    node_->acknowledge();
    node_->run(shard);  // the claim is committed
    caf::anon_send(shard, actors::admission_told{1, 0, as_of(900, round_state::closed)});
    claim();  // the group knows of no order, and appends the booking behind it
    node_->settle();
    EXPECT_EQ(bookings_, planted ? 1 : 0);
    EXPECT_EQ(told(request), only{planted ? outcome::confirmed : outcome::closed});
  }
}

TEST_F(story, what_a_shard_admits_is_known_after_a_restart_from_log_or_snapshot) {
  for (const bool checkpoint : {false, true}) {
    begin(one_shard(), 2);
    node_->order(actors::state_order{round_id{1}, round_state::paused, "rain", "op", [](const auto& done) { ASSERT_EQ(done, "paused"); }});
    node_->settle();
    if (checkpoint) {
      caf::anon_send(node_->context().route.shard(shard_id{0}), actors::flush_all{});
      node_->settle();
    }
    node_->power_cut(node_->unsynced(), node_->snapshots_written());
    node_->settle();
    const auto request = book(1, here_);
    node_->settle();
    EXPECT_EQ(told(request), only{outcome::paused}) << (checkpoint ? "from a snapshot" : "from the log");
  }
}

// ------------------------------------------------------------------ what is over

TEST_F(story, what_is_over_is_neither_booked_nor_moved_nor_cancelled_and_stays_so_after_a_restart) {
  begin(one_shard(), 2, {}, 10 * minute_ms);
  const auto request = book(1, here_);
  node_->settle();
  ASSERT_EQ(told(request), only{outcome::confirmed});
  const auto ref = std::ranges::find(said_, request, &answer::request)->places.at(0).ref;
  const auto cancel = [&] {
    const request_id id{++requests_};
    node_->submit(
        one(cancel_command{id, ref, std::nullopt, 0, key_hash{900 + requests_}, {}, {}, unix_ms{node_->now().value + minute_ms}}));
    node_->settle();
    return told(id);
  };
  const auto move = [&] {
    const request_id id{++requests_};
    node_->submit(one(move_command{id, ref, 0, there_, window_index{0}, key_hash{900 + requests_}, body_hash{1},
                                   unix_ms{node_->now().value + minute_ms}}));
    node_->settle();
    return told(id);
  };
  node_->advance(10 * minute_ms);
  node_->settle();
  for (const bool restarted : {false, true}) {
    if (restarted) {
      node_->power_cut(node_->unsynced(), node_->snapshots_written());
      node_->settle();
    }
    const auto late = book(static_cast<std::uint8_t>(2 + requests_), here_);
    node_->settle();
    EXPECT_EQ(told(late), only{outcome::window_over});
    EXPECT_EQ(cancel(), only{outcome::window_over});
    EXPECT_EQ(move(), only{outcome::window_over});
    const auto again = book(1, here_);
    node_->settle();
    EXPECT_EQ(told(again), only{outcome::confirmed}) << "the first answer, again";
  }
  node_->order(here_, change_capacity{request_id{++requests_}, window_index{0}, 0, "op", ""});
  node_->settle();
  EXPECT_EQ(told(request_id{requests_}), only{outcome::found});
}

// ------------------------------------------------------------------ passivation

// Whatever the step of the handshake in which a booking comes, it is taken, once.
TEST_F(story, passivation_loses_no_command) {
  auto options = one_shard();
  options.passivate_after_ms = 100;
  std::size_t left = 0;
  for (std::size_t steps = 0; steps < 12; ++steps) {
    begin(options, 2);
    ASSERT_EQ(active_groups(), 2U);
    node_->advance(250);  // both are idle: they ask to retire
    for (std::size_t i = 0; i < steps && node_->jobs() != 0; ++i)
      node_->run(0);
    left += active_groups() == 0 ? 1 : 0;
    const auto request = book(1, here_);
    node_->settle();
    EXPECT_EQ(told(request), only{outcome::confirmed}) << "after " << steps << " steps";
    node_->advance(2'000);
    node_->settle();
    EXPECT_EQ(active_groups(), 0U);
    const auto again = book(1, here_);
    node_->settle();
    EXPECT_EQ(told(again), only{outcome::confirmed}) << "after " << steps << " steps";
    EXPECT_EQ(bookings_, 1);
    EXPECT_EQ(node_->recovery_fault(), "");
    bookings_ = 0;
    said_.clear();
    node_.reset();
  }
  EXPECT_GT(left, 0U) << "the handshake never got to its end";
}

// ------------------------------------------------------------------ restarts

// Somebody who has a place asks for another, and is granted it by a word that was meant for an earlier life of the group.
// Below the level nobody writes what earlier versions cannot read; what stands from then counts.
TEST_F(story, changes_are_limited_when_all_nodes_know_of_it) {
  begin(one_shard(), 2);
  std::uint64_t key = 800;
  const auto book_and_cancel = [&] {
    auto b = booking(1, here_);
    b.command.people.front().key = key_hash{++key};
    const auto ref = b.command.people.front().proposed;
    const auto asked = b.command.request;
    node_->submit(one(std::move(b)));
    node_->settle();
    const auto said = told(asked);
    const unix_ms deadline{node_->now().value + minute_ms};
    node_->submit(one(cancel_command{request_id{++requests_}, ref, std::nullopt, 0, key_hash{++key}, {}, {}, deadline, {}}));
    node_->settle();
    return said;
  };
  node_->context().feature_level = 1;
  for (int n = 0; n < limits::changes_max + 2; ++n)
    ASSERT_EQ(book_and_cancel(), only{outcome::confirmed}) << n;
  node_->context().feature_level = 2;
  EXPECT_EQ(book_and_cancel(), only{outcome::changes_spent});
  node_->kill(running("citizen_registry").front(), true);
  node_->settle();
  EXPECT_EQ(book_and_cancel(), only{outcome::changes_spent}) << "also after the registry started again";
}

TEST_F(story, a_restarted_actor_ignores_answers_for_its_predecessor) {
  for (const bool planted : {false, true}) {
    planted_faults faults;
    faults.any_incarnation = planted;
    begin(one_shard(), 2, faults);
    book(1, there_);
    node_->settle();
    auto command = booking(1, here_);
    command.command.people.front().key = key_hash{800};
    const auto ref = command.command.people.front().proposed;
    command.command.stamp = node_->context().heard.copy()->front();
    node_->context().route.send(here_, group_input{std::move(command.command)});
    const auto group = running("slot_group").front();
    node_->run(group);  // held; the registry has not been asked yet
    node_->context().route.send(here_, group_input{claim_result{incarnation_t{1}, ref, claim_verdict::granted}});
    node_->run(group);
    node_->settle();
    EXPECT_EQ(bookings_, planted ? 2 : 1);
    EXPECT_EQ(told(request_id{requests_}), only{planted ? outcome::confirmed : outcome::already_booked});
    bookings_ = 0;
  }
}

TEST_F(story, a_grant_that_comes_after_a_restart_books_nothing_and_the_next_try_does) {
  begin(one_shard(), 1);
  const auto lost = book(1, here_);
  node_->run_all();
  node_->kill(running("slot_group").front(), true);
  node_->settle();  // the claim is committed, and its grant finds a new incarnation
  EXPECT_EQ(bookings_, 0);
  EXPECT_EQ(told(lost), only{});
  const auto again = book(1, here_);
  node_->settle();
  EXPECT_EQ(told(again), only{outcome::confirmed});
  EXPECT_EQ(bookings_, 1);
}

TEST_F(story, an_actor_starts_again_only_when_nothing_of_it_is_on_its_way_to_disk) {
  begin(one_shard(), 1);
  book(1, here_);
  node_->run_all();
  node_->sync(1);
  node_->acknowledge();
  node_->run_all();  // the claim is granted, and the booking waits for the disk
  ASSERT_EQ(node_->unsynced(), 1U);
  ASSERT_EQ(active_groups(), 2U);
  node_->kill(running("slot_group").front(), true);
  node_->run_all();
  EXPECT_EQ(active_groups(), 1U) << "it would sell the last place again";
  const auto other = book(2, here_);
  node_->run_all();
  EXPECT_EQ(told(other), only{});
  node_->settle();  // nothing else has to come for it to start
  EXPECT_EQ(active_groups(), 2U);
  EXPECT_EQ(told(other), only{outcome::full});
  EXPECT_EQ(bookings_, 1);
}

TEST_F(story, a_registry_that_dies_with_an_append_on_its_way_starts_again_by_itself) {
  begin(one_shard(), 1);
  book(1, here_);
  node_->run_all();
  ASSERT_EQ(node_->unsynced(), 1U);
  node_->kill(running("citizen_registry").front(), true);
  node_->run_all();
  EXPECT_EQ(node_->context().shards_serving, 0U);
  node_->settle();
  EXPECT_EQ(node_->context().shards_serving, 1U) << "its claims would never be settled";
}

// Whichever actors die, and when: a checkpoint that one takes with it must not pass for one that was written, nor a snapshot
// that was asked for before for one of now.
TEST_F(story, a_restart_finds_everything_whatever_moment_an_actor_died_in) {
  auto options = one_shard();
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    std::mt19937_64 random(seed);
    options.snapshot_every_events = 2 + static_cast<std::uint32_t>(random() % 6);
    begin(options, 30);
    for (std::uint8_t who = 1; who <= 12; ++who) {
      book(who, random() % 2 == 0 ? here_ : there_);
      while (!node_->at_rest()) {
        const auto what = random() % 20;
        if (const auto owners = node_->owners(); what == 0 && !owners.empty())
          node_->kill(owners[random() % owners.size()], true);
        else if (node_->unsynced() != 0 && (what < 4 || node_->jobs() == 0))
          node_->sync(1);
        else if (node_->unheard() != 0 && (what < 7 || node_->jobs() == 0))
          node_->acknowledge();
        else if (node_->jobs() != 0)
          node_->run(random() % node_->jobs());
      }
      ASSERT_EQ(node_->recovery_fault(), "") << "seed " << seed << ", after citizen " << int{who};
    }
  }
}

// A checkpoint is given up while one slot group loads; what another one answers to it is too old for the next.
TEST_F(story, a_snapshot_for_a_checkpoint_that_was_given_up_does_not_pass_for_one_of_the_next) {
  begin(one_shard(), 5);
  auto& shared = node_->context();
  const auto shard = shared.route.shard(shard_id{0});
  const auto drain = [&](const caf::actor& who) {
    while (node_->run(who)) {
    }
  };
  const auto commit = [&] {
    node_->sync(1);
    node_->acknowledge();
    drain(shard);
  };
  book(1, there_);
  node_->settle();
  const auto give = [&](auto&& order) {
    order();
    drain(running("slot_group").front());
    drain(shard);
  };
  // Two entries of one group: one in flight, one that waits.
  give([&] { node_->order(here_, change_capacity{request_id{1'006}, window_index{0}, 6, "op", ""}); });
  give([&] { shared.route.send(here_, group_input{settle_ask{shard_id{0}, reference::make(shard_id{0}, 999), generation_t{1}}}); });
  node_->kill(running("slot_group").back(), true);
  drain(running("slot_group").back());
  drain(shard);  // it is to be loaded
  shared.options.snapshot_every_events = 1;
  commit();  // a checkpoint begins, and is given up
  drain(shared.archive);
  drain(shard);  // loaded
  ASSERT_EQ(active_groups(), 2U);
  commit();  // the next checkpoint, before the answer to the first
  node_->settle();
  EXPECT_EQ(node_->recovery_fault(), "") << "what it had declined would be forgotten";
}

// An orderly stop waits for every shard, and must not wait in vain for one whose actor has just died.
TEST_F(story, a_stop_ends_although_an_actor_died_before_or_during_its_checkpoint) {
  for (const bool during : {false, true}) {
    begin(one_shard(), 5);
    book(1, there_);
    node_->settle();
    const auto shard = node_->context().route.shard(shard_id{0});
    const auto group = running("slot_group").back();
    if (during) {
      caf::anon_send(shard, actors::flush_all{});
      node_->run(shard);
    }
    node_->kill(group, true);
    node_->run(group);
    while (node_->run(shard)) {
    }
    if (!during)
      caf::anon_send(shard, actors::flush_all{});
    node_->settle();
    EXPECT_EQ(node_->context().shards_flushed, 1U);
    EXPECT_EQ(active_groups(), 2U);
    EXPECT_EQ(node_->recovery_fault(), "");
    const auto written = node_->disk().get_snapshot(shard_id{0}, schema::owner::of_checkpoint());
    EXPECT_TRUE(written && *written && (*written)->applied > sequence_t{0}) << "the next start would read the whole log";
  }
}

// The shards of a node start side by side: a question that came to shard 0 before that had read its log was lost, and for 200 ms
// nothing was admitted.
TEST_F(story, a_shard_that_starts_before_shard_0_does_not_ask_in_vain_what_is_admitted) {
  auto options = one_shard();
  options.shard_count = 8;
  begin(options, 5);
  const auto first = node_->context().catalogue.get()->groups.begin();
  const auto [group, shard] = std::pair{group_id{first->first}, first->second.shard};
  ASSERT_NE(shard, shard_id{0});
  node_->power_cut(0, node_->snapshots_written());
  auto& shared = node_->context();
  bool more = true;
  while (more) {  // without shard 0
    more = node_->run(shared.archive) || node_->run(shared.record_keeper);
    for (std::uint16_t s = 1; s < options.shard_count; ++s)
      more = node_->run(shared.route.shard(shard_id{s})) || more;
    while (node_->unsynced() != 0)
      node_->sync(1);
    for (; node_->unheard() != 0; more = true)
      node_->acknowledge();
  }
  node_->settle();
  auto b = booking(1, group);
  b.command.people.front().proposed = reference::make(cluster::shard_of_citizen(citizen(1), options.shard_count), 1);
  node_->submit(one(std::move(b)));
  node_->settle();
  EXPECT_EQ(told(request_id{requests_}), only{outcome::confirmed}) << "without any time gone by";
}

// ------------------------------------------------------------------ one answer

TEST_F(story, a_command_for_what_is_not_there_gets_one_answer) {
  begin(one_shard(), 1);
  const unix_ms deadline{node_->now().value + minute_ms};
  const group_id nowhere{999};
  const auto ref = reference::make(shard_id{700}, 1);
  const auto mine = book(1, here_);
  node_->settle();
  const auto my_ref = said_.back().places.at(0).ref;
  const auto lost = book(2, nowhere);
  std::vector<actors::citizen_command> turn;
  turn.push_back(cancel_command{request_id{101}, ref, std::nullopt, 0, key_hash{101}, "", "", deadline});
  turn.push_back(move_command{request_id{102}, ref, 0, here_, window_index{0}, key_hash{102}, body_hash{1}, deadline});
  turn.push_back(lookup_command{request_id{103}, ref, 0, deadline});
  turn.push_back(move_command{request_id{104}, my_ref, 0, nowhere, window_index{0}, key_hash{104}, body_hash{1}, deadline});
  turn.push_back(cancel_command{request_id{105}, my_ref, std::nullopt, 0, key_hash{105}, "", "", deadline});
  node_->submit(std::move(turn));
  node_->settle();
  node_->advance(2 * minute_ms);
  node_->settle();
  EXPECT_EQ(told(mine), only{outcome::confirmed});
  EXPECT_EQ(told(lost), only{outcome::window_unknown});
  EXPECT_EQ(told(request_id{101}), only{outcome::not_found});
  EXPECT_EQ(told(request_id{102}), only{outcome::not_found});
  EXPECT_EQ(told(request_id{103}), only{outcome::not_found});
  EXPECT_EQ(told(request_id{104}), only{outcome::window_unknown});
  EXPECT_EQ(told(request_id{105}), only{outcome::cancelled}) << "a move to nowhere would be in the way for ever";
}

TEST_F(story, unknown_is_said_once_at_each_ones_own_deadline) {
  begin(one_shard(), 2);
  const auto patient = book(1, here_, 10'000);
  const auto hasty = book(2, here_, 200);
  node_->run_all();
  node_->advance(150);
  node_->run_all();
  EXPECT_EQ(told(hasty), only{});
  node_->advance(100);
  node_->run_all();
  EXPECT_EQ(told(hasty), only{outcome::unknown});
  EXPECT_EQ(told(patient), only{});
  node_->advance(10'000);
  node_->run_all();
  EXPECT_EQ(told(patient), only{outcome::unknown});
  node_->settle();
  node_->advance(minute_ms);
  node_->settle();
  EXPECT_EQ(told(hasty).size() + told(patient).size(), 2U);
  EXPECT_EQ(bookings_, 0) << "their claims are released, nothing comes true later";
}

// ------------------------------------------------------------------ bounds

TEST_F(story, past_the_bound_of_an_actor_that_is_being_started_a_command_is_refused_as_busy) {
  auto options = one_shard();
  options.passivate_after_ms = 100;
  begin(options, 1);
  node_->advance(250);
  node_->settle();
  ASSERT_EQ(active_groups(), 0U);
  constexpr std::uint64_t queue_max = 20'000;
  for (std::uint64_t n = 0; n <= queue_max; ++n) {
    auto b = booking(static_cast<std::uint8_t>(1 + n % 200), here_);
    b.command.people.front().key = key_hash{n * 8};
    node_->context().route.send(here_, group_input{std::move(b.command)});
  }
  while (node_->run(node_->context().route.shard(shard_id{0}))) {  // before anybody reads the snapshot
  }
  ASSERT_EQ(said_.size(), 1U);
  EXPECT_EQ(said_.front().what, outcome::busy);
  EXPECT_EQ(said_.front().request, request_id{requests_});
}

// Whichever disk of the shard it is, and whatever the front that took the request knows of it.
TEST_F(story, while_a_disk_of_its_shard_is_low_only_what_was_confirmed_before_is_told) {
  begin(one_shard(), 3);
  book(1, here_);
  node_->settle();
  node_->context().disks_low[0] = true;
  const auto refused = book(2, here_);
  const auto again = book(1, here_);
  node_->settle();
  EXPECT_EQ(told(refused), only{outcome::busy});
  EXPECT_EQ(told(again), only{outcome::confirmed});
  EXPECT_EQ(bookings_, 1);
  node_->context().disks_low[0] = false;
  const auto then = book(2, here_);
  node_->settle();
  EXPECT_EQ(told(then), only{outcome::confirmed});
}

// Past every door: what no entry holds is not written, whoever asked for it begins anew, and a restart reads the log.
TEST_F(story, an_event_that_no_log_entry_holds_is_not_written_and_stops_nobody) {
  begin(one_shard(), 1);
  std::vector<std::string> warnings;
  node_->context().warn = [&](const std::string& what) { warnings.push_back(what); };
  book(1, here_);
  node_->settle();
  const std::string reason(70U << 20U, 'x');
  node_->order(here_, change_capacity{request_id{900}, window_index{0}, 2, "op", reason});
  node_->settle();
  (void)node_->context().hear_own();
  node_->context().route.send(shard_id{0}, registry_input{cancel_command{request_id{901},
                                                                         {},
                                                                         citizen(1),
                                                                         0,
                                                                         key_hash{901},
                                                                         "op",
                                                                         reason,
                                                                         unix_ms{node_->now().value + minute_ms},
                                                                         node_->context().heard.copy()->front()}});
  node_->settle();
  EXPECT_EQ(warnings.size(), 2U);
  const auto second = book(2, here_);
  node_->settle();
  EXPECT_EQ(told(second), only{outcome::full}) << "the capacity is what it was";
  EXPECT_EQ(node_->recovery_fault(), "");
  node_->power_cut(0, 0);
  node_->settle();
  const auto again = book(1, here_);
  node_->settle();
  EXPECT_EQ(told(again), only{outcome::confirmed});
  EXPECT_TRUE(fatal_.empty());
}

}  // namespace
}  // namespace janji::sim
