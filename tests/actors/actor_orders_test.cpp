// What operators order about a round, and what a shard admits by it.
#include <algorithm>
#include <set>

#include "tests/actors/story.hpp"

namespace janji::sim {
namespace {

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

}  // namespace
}  // namespace janji::sim
