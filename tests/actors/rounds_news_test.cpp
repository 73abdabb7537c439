#include "tests/actors/rounds_test.hpp"

#include <algorithm>

namespace janji::actors {
namespace {

using end = round_committed::end;

TEST_F(rounds_test, a_node_that_has_lost_the_rounds_tells_nobody_of_them) {
  lead(7);
  order_import();
  tell(round_committed{last_token(), {}, end::unknown});
  EXPECT_EQ(refused_, 1);
  nodes_.heard.clear();
  tell(tell_rounds{});
  tell(rounds_known{2, sequence_t{}});
  EXPECT_TRUE(nodes_.news.empty());
  EXPECT_TRUE(nodes_.heard.empty());
}

// The whole history at every change and to every link that came up was megabytes for each.
TEST_F(rounds_test, a_node_that_says_what_it_knows_is_told_what_is_new) {
  lead(7);
  order_import();
  tell(round_committed{last_token(), sequence_t{5}});
  tell(rounds_known{2, sequence_t{0}});
  ASSERT_EQ(nodes_.news.size(), 1U);
  EXPECT_EQ(nodes_.news[0].second.since, sequence_t{}) << "it knows nothing: all";
  tell(rounds_known{2, sequence_t{0}});
  EXPECT_EQ(nodes_.news.size(), 1U) << "that was on its way";
  tell(rounds_known{2, sequence_t{5}});
  EXPECT_EQ(nodes_.news.size(), 1U);
  const auto change = [&](round_state to, std::uint64_t at) {
    tell(state_order{round_id{1}, to, "why", "op", [](const auto&) {}});
    tell(round_committed{last_token(), sequence_t{at}});
  };
  change(round_state::open, 8);
  ASSERT_EQ(nodes_.news.size(), 2U);
  EXPECT_EQ(nodes_.news[1].first, 2U);
  EXPECT_EQ(nodes_.news[1].second.since, sequence_t{5});
  EXPECT_EQ(nodes_.news[1].second.applied, sequence_t{8});
  EXPECT_EQ(nodes_.news[1].second.events.size(), 1U);
  EXPECT_EQ(nodes_.skipped, std::set<std::uint64_t>{2}) << "the others may be of an earlier version, and are told all";
  change(round_state::paused, 9);
  EXPECT_EQ(nodes_.news[2].second.since, sequence_t{8});
  now_ = unix_ms{60'000};
  tell(rounds_known{2, sequence_t{5}});  // both were lost
  EXPECT_EQ(nodes_.news[3].second.since, sequence_t{5});
  EXPECT_EQ(nodes_.news[3].second.events.size(), 2U);
  tell(tell_rounds_now{2});  // a new link, perhaps a new life
  change(round_state::open, 10);
  EXPECT_EQ(nodes_.news.size(), 4U);
  tell(rounds_known{2, sequence_t{0}});
  EXPECT_EQ(nodes_.news[4].second.since, sequence_t{});
}

TEST_F(rounds_test, news_that_do_not_begin_where_this_node_is_are_not_taken) {
  tell(rounds_told{sequence_t{5}, {round_imported{a_round(), "op", {}}}});
  const auto opened = round_state_changed{round_id{0}, round_state::open, {}, "op", {}};
  tell(rounds_told{sequence_t{8}, {opened}, sequence_t{7}});
  EXPECT_EQ(shared_.rounds_applied, 5U);
  EXPECT_EQ(shared_.catalogue.get()->rounds.at(0)->status.state, round_state::imported);
  tell(rounds_told{sequence_t{8}, {opened}, sequence_t{5}});
  EXPECT_EQ(shared_.rounds_applied, 8U);
  EXPECT_EQ(shared_.catalogue.get()->rounds.at(0)->status.state, round_state::open);
  EXPECT_EQ(shared_.catalogue.get()->rounds.size(), 1U);
}

// It took them as if all had come at the last position, and told a third node of a round that this one had already.
TEST_F(rounds_test, whoever_leads_next_tells_nobody_twice_what_it_had_been_told_itself) {
  tell(rounds_told{sequence_t{5}, {operator_noted{"keys rotate", "", "op", {}}}});
  tell(rounds_told{sequence_t{8}, {round_imported{a_round(), "op", {}}, operator_noted{"disk release", "", "op", {}}}, sequence_t{5}});
  tell(rounds_read{incarnation_t{7}, {schema::owner::of_rounds(), {}, sequence_t{8}, {}}});
  tell(rounds_known{3, sequence_t{6}});  // the round, and not the note
  ASSERT_EQ(nodes_.news.size(), 1U);
  EXPECT_EQ(nodes_.news[0].second.since, sequence_t{});
  EXPECT_EQ(nodes_.news[0].second.events.size(), 3U);
}

TEST_F(rounds_test, what_could_not_be_sent_was_not_told) {
  lead(7);
  order_import();
  tell(round_committed{last_token(), sequence_t{5}});
  nodes_.linked = false;
  tell(rounds_known{2, sequence_t{0}});
  nodes_.linked = true;
  tell(rounds_known{2, sequence_t{0}});
  EXPECT_EQ(nodes_.news.size(), 1U);
}

TEST_F(rounds_test, a_loss_is_seen_though_there_is_always_something_new) {
  lead(7);
  order_import();
  tell(round_committed{last_token(), sequence_t{5}});
  tell(rounds_known{2, sequence_t{0}});
  for (std::uint64_t at = 6; at < 12; ++at) {
    now_ = unix_ms{now_.value + 1'000};
    tell(note_order{{"disk release", "", "op", {}}, [](const auto&) {}});
    tell(round_committed{last_token(), sequence_t{at}});
    tell(rounds_known{2, sequence_t{0}});
  }
  const auto whole = std::ranges::count_if(nodes_.news, [](const auto& n) { return n.second.since == sequence_t{}; });
  EXPECT_GE(whole, 2) << "the first was lost";
}

// Two orders in one entry have one position: who was told of the first was never told of the second.
TEST_F(rounds_test, others_hear_of_an_entry_when_all_of_it_is_known) {
  lead(7);
  tell(note_order{{"disk release", "", "op", {}}, [](const auto&) {}});
  const auto first = last_token();
  tell(note_order{{"keys rotate", "", "op", {}}, [this](const auto& done) { done ? ++done_ : ++refused_; }});
  nodes_.heard.clear();
  tell(round_committed{first, sequence_t{5}, end::committed, false});
  EXPECT_TRUE(nodes_.heard.empty());
  tell(round_committed{last_token(), sequence_t{5}, end::committed, true});
  EXPECT_EQ(nodes_.heard, std::vector{sequence_t{5}});
  EXPECT_EQ(shared_.catalogue.get()->trail.size(), 2U);
  EXPECT_EQ(done_, 1);
}

TEST_F(rounds_test, others_are_told_again_and_seldomer_while_nothing_changes) {
  lead(7);
  nodes_.heard.clear();
  for (int i = 0; i < 64; ++i)
    tell(tell_rounds{});
  EXPECT_EQ(nodes_.heard.size(), 6U) << "after 1, 2, 4, 8, 16 and 32 turns";
  nodes_.heard.clear();
  order_import();
  tell(round_committed{last_token(), sequence_t{5}});
  EXPECT_EQ(nodes_.heard.size(), 1U);
  tell(tell_rounds{});
  EXPECT_EQ(nodes_.heard.size(), 2U) << "soon again after a change";
}

}  // namespace
}  // namespace janji::actors
