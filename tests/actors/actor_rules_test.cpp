// Rules of the actors that deserve a story each: what a citizen or an operator would have seen.
#include <algorithm>
#include <random>

#include "actors/slot_group_actor.hpp"
#include "cluster/placement.hpp"
#include "tests/actors/story.hpp"

namespace janji::sim {
namespace {

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

// Somebody who has a place asks for another, and is granted it by a word that was meant for an earlier life of the group.
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
