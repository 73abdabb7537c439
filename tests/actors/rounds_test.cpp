#include "tests/actors/rounds_test.hpp"

#include "booking/booking_end.hpp"

namespace janji::actors {
namespace {

using end = round_committed::end;

TEST_F(rounds_test, an_order_about_a_round_is_answered_when_every_shard_has_it_in_its_log) {
  opened();
  ASSERT_EQ(driven_.size(), 1U) << "this node's shard";
  EXPECT_EQ(driven_[0].state->position, sequence_t{8});
  EXPECT_EQ(driven_[0].state->rounds.at(0).state, round_state::open);
  EXPECT_EQ(nodes_.admissions.size(), 1U) << "the other nodes' shards";
  EXPECT_TRUE(said_.empty()) << "no shard has it yet";
  tell(admission_held{shard_id{0}, sequence_t{7}});
  EXPECT_TRUE(said_.empty()) << "what it has is older";
  tell(admission_held{shard_id{0}, sequence_t{8}});
  EXPECT_EQ(said_, std::vector<std::string>{"open"});
}

TEST_F(rounds_test, after_five_seconds_the_shards_are_named_that_lack_an_order_and_it_is_driven_on) {
  opened();
  now_ = unix_ms{now_.value + 4'999};
  tell(drive_admission{});
  EXPECT_TRUE(said_.empty());
  now_ = unix_ms{now_.value + 1};
  tell(drive_admission{});
  ASSERT_EQ(said_.size(), 1U);
  EXPECT_TRUE(said_[0].starts_with("open; the order stands") && said_[0].contains("shard 0 does not have it yet")) << said_[0];
  const auto before = driven_.size();
  now_ = unix_ms{now_.value + drive_every_ms};
  tell(drive_admission{});
  EXPECT_GT(driven_.size(), before) << "until it has it";
  tell(admission_held{shard_id{0}, sequence_t{8}});
  const auto had = driven_.size();
  now_ = unix_ms{now_.value + drive_every_ms};
  tell(drive_admission{});
  EXPECT_EQ(driven_.size(), had);
}

TEST_F(rounds_test, whoever_leads_the_rounds_next_drives_what_it_finds) {
  opened();
  tell(admission_held{shard_id{0}, sequence_t{8}});
  const auto before = driven_.size();
  tell(rounds_read{incarnation_t{8}, {schema::owner::of_rounds(), {}, sequence_t{8}, {}}});
  EXPECT_EQ(driven_.size(), before + 1) << "nobody has told this leader yet what the shards have";
}

// A disk that hangs keeps no operator waiting for ever.
TEST_F(rounds_test, on_a_node_that_is_alone_an_order_has_an_end_too) {
  shared_.peers = nullptr;
  caf::anon_send_exit(rounds_, caf::exit_reason::kill);
  rounds_ = system_->spawn<rounds_actor>(std::ref(shared_), catalogue_builder(1), sequence_t{0});
  settle();
  lead(7);
  order_import();
  now_ = unix_ms{now_.value + 60'000};
  static_cast<caf::scheduler::test_coordinator&>(system_->scheduler()).trigger_timeouts();
  settle();
  EXPECT_EQ(refused_, 1);
}

TEST_F(rounds_test, the_rounds_are_led_here_when_they_are_read) {
  EXPECT_FALSE(shared_.rounds_led);
  lead(7);
  EXPECT_TRUE(shared_.rounds_led);
}

TEST_F(rounds_test, an_order_that_changes_nothing_is_answered_when_this_node_is_shown_to_lead) {
  opened();
  tell(admission_held{shard_id{0}, sequence_t{8}});
  order_state(round_state::open);
  ASSERT_EQ(said_.size(), 1U) << "another node may have paused it";
  ASSERT_EQ(asked_.size(), 1U);
  tell(admission_wanted{incarnation_t{6}, {asked_[0]}});
  EXPECT_EQ(said_.size(), 1U) << "that was another leadership";
  tell(admission_wanted{incarnation_t{7}, {asked_[0]}});
  EXPECT_EQ(said_, (std::vector<std::string>{"open", "open"}));
  EXPECT_EQ(appended_.size(), 2U) << "the import and one opening";
}

TEST_F(rounds_test, an_order_that_cannot_be_is_refused_by_what_is_committed_then) {
  opened();
  tell(admission_held{shard_id{0}, sequence_t{8}});
  order_state(round_state::imported);
  EXPECT_EQ(said_.size(), 1U);
  tell(admission_wanted{incarnation_t{7}, asked_});
  ASSERT_EQ(said_.size(), 2U);
  EXPECT_TRUE(said_[1].starts_with("wrong_state: ")) << said_[1];
}

TEST_F(rounds_test, a_pauses_reason_is_replaced_and_driven_to_every_shard) {
  opened();
  tell(admission_held{shard_id{0}, sequence_t{8}});
  for (const auto& [reason, at] : {std::pair{"rian", 9}, {"rain", 10}}) {
    order_state(round_state::paused, reason);
    tell(round_committed{last_token(), sequence_t{static_cast<std::uint64_t>(at)}});
    tell(admission_held{shard_id{0}, sequence_t{static_cast<std::uint64_t>(at)}});
  }
  EXPECT_EQ(said_, (std::vector<std::string>{"open", "paused", "paused"}));
  EXPECT_EQ(shared_.catalogue.get()->rounds.at(0)->status.reason, "rain");
  EXPECT_EQ(driven_.back().state->position, sequence_t{10});
}

TEST_F(rounds_test, a_round_that_was_never_opened_is_not_resumed) {
  lead(7);
  order_import();
  tell(round_committed{last_token(), sequence_t{5}});
  tell(state_order{round_id{1},
                   round_state::open,
                   {},
                   "op",
                   [this](const auto& done) { said_.push_back(done ? *done : done.error()); },
                   false,
                   {},
                   {},
                   round_order::resume});
  tell(admission_wanted{incarnation_t{7}, asked_});
  ASSERT_EQ(said_.size(), 1U);
  EXPECT_EQ(said_[0], "wrong_state: a round that is imported cannot be resumed: it was never opened, open it");
  EXPECT_EQ(appended_.size(), 1U) << "the import alone";
}

TEST_F(rounds_test, an_order_that_is_passed_on_says_which_it_is) {
  node_two_leads();
  tell(state_order{round_id{1}, round_state::open, {}, "op", [](const auto&) {}, false, {}, {}, round_order::resume});
  ASSERT_EQ(passed_on_.size(), 1U);
  EXPECT_EQ(std::get<round_state_changed>(passed_on_[0].event).order, round_order::resume);
}

// An earlier version's node that leads would forget them when it writes the rounds anew.
TEST_F(rounds_test, ends_other_than_the_openings_wait_until_no_node_is_of_an_earlier_version) {
  lead(7);
  auto endless = a_round();
  endless.groups[0].windows[0].book_until = never_over;
  shared_.feature_level = 1;
  order_import(endless, false);
  EXPECT_EQ(refused_, 1);
  auto usual = a_round();
  say_ends(usual);
  order_import(usual, false);
  EXPECT_EQ(appended_.size(), 1U);
  tell(round_committed{last_token(), sequence_t{5}});
  endless.code = "S";
  shared_.feature_level = cluster::feature_level_newest;
  order_import(endless, false);
  EXPECT_EQ(appended_.size(), 2U);
}

TEST_F(rounds_test, what_an_earlier_version_imported_ends_at_its_openings) {
  lead(7);
  order_import();
  tell(round_committed{last_token(), sequence_t{5}});
  const auto known = shared_.catalogue.get();
  const auto end = known->end_of(group_id{1}, window_index{0});
  ASSERT_TRUE(end);
  EXPECT_EQ(end->book_until, unix_ms{1'798'765'200'000}) << "2027-01-01T09:00 in Kuala Lumpur";
  EXPECT_EQ(end->change_until, end->book_until);
  EXPECT_FALSE(known->end_of(group_id{1}, window_index{1}));
  EXPECT_FALSE(known->end_of(group_id{2}, window_index{0}));
}

// Nothing is given to the log, and nothing to another node: an older one would carry it out.
TEST_F(rounds_test, an_order_that_is_only_asked_about_is_judged_and_goes_nowhere) {
  opened();
  const auto appended = appended_.size();
  const auto asked = said_.size();
  const auto ask = [this](round_id round, round_state to, std::string reason = "", sequence_t as_of = {}) {
    const auto said = said_.size();
    tell(state_order{round,
                     to,
                     std::move(reason),
                     "op",
                     [this](const auto& r) { said_.push_back(r ? *r : r.error()); },
                     false,
                     {},
                     as_of,
                     round_order::unsaid,
                     true});
    return said_.size() == said + 1 ? said_.back() : std::string("nothing");
  };
  EXPECT_EQ(ask(round_id{1}, round_state::paused, "rain"), "would be done: the round is open, and would be paused");
  EXPECT_EQ(ask(round_id{1}, round_state::open), "nothing would be done: the round is open already");
  EXPECT_TRUE(ask(round_id{1}, round_state::erased).starts_with("wrong_state: "));
  EXPECT_TRUE(ask(round_id{9}, round_state::open).starts_with("not_found: "));
  EXPECT_TRUE(ask(round_id{1}, round_state::paused, "rain", sequence_t{7}).starts_with("changed: ")) << "it was opened at 8";
  tell(import_order{a_round(), "op", [this](const auto& r) { said_.push_back(r ? *r : r.error()); }, false, {}, true});
  EXPECT_TRUE(said_.back().starts_with("wrong_state: ")) << "a round with that code is there";
  auto other = a_round();
  other.code = "S";
  tell(import_order{other, "op", [this](const auto& r) { said_.push_back(r ? *r : r.error()); }, false, {}, true});
  EXPECT_EQ(said_.back(), "would import S");
  node_two_leads();
  EXPECT_EQ(ask(round_id{1}, round_state::closed), "would be done: the round is open, and would be closed");
  EXPECT_EQ(appended_.size(), appended);
  EXPECT_TRUE(passed_on_.empty());
  EXPECT_EQ(said_.size(), asked + 8);
}

// What an operator's program is told of them, whichever node found the words.
TEST(admission_words_test, the_shards_that_lack_an_order_are_read_from_its_answer) {
  for (const auto& lacking :
       {std::vector<shard_id>{}, {shard_id{0}}, {shard_id{3}, shard_id{17}}, {shard_id{1}, shard_id{2}, shard_id{1023}}})
    EXPECT_EQ(lacking_in("paused" + words_of_lacking(lacking)), lacking);
  for (const auto* other : {"", "open", "the order stands", "the order stands, but shards 99999999 do not have it"})
    EXPECT_TRUE(lacking_in(other).empty()) << other;
}

TEST_F(rounds_test, an_order_that_waited_to_be_refused_is_not_carried_out_behind_a_newer_one) {
  opened();
  tell(admission_held{shard_id{0}, sequence_t{8}});
  order_state(round_state::open);
  order_state(round_state::paused, "rain");
  tell(round_committed{last_token(), sequence_t{9}});
  tell(admission_held{shard_id{0}, sequence_t{9}});
  tell(admission_wanted{incarnation_t{7}, {asked_.at(0)}});
  ASSERT_EQ(said_.size(), 3U);
  EXPECT_TRUE(said_[2].starts_with("busy: ")) << said_[2];
  EXPECT_EQ(appended_.size(), 3U) << "the import, the opening, the pause";
}

// A pause that came late was carried out after the resume.
TEST_F(rounds_test, an_order_given_before_a_newer_one_was_committed_does_not_undo_it) {
  opened();
  tell(admission_held{shard_id{0}, sequence_t{8}});
  const auto pause_as_of = [&](std::uint64_t known) {
    tell(state_order{round_id{1},
                     round_state::paused,
                     "rain",
                     "op",
                     [this](const auto& done) { said_.push_back(done ? *done : done.error()); },
                     true,
                     {},
                     sequence_t{known}});
  };
  pause_as_of(7);
  ASSERT_EQ(said_.size(), 2U);
  EXPECT_TRUE(said_[1].starts_with("changed: ")) << said_[1];
  EXPECT_EQ(appended_.size(), 2U);
  pause_as_of(8);
  EXPECT_EQ(appended_.size(), 3U);
}

TEST_F(rounds_test, an_order_that_looks_for_a_leader_is_judged_by_when_it_was_given) {
  opened();
  tell(admission_held{shard_id{0}, sequence_t{8}});
  tell(state_order{round_id{1},
                   round_state::paused,
                   "rain",
                   "op",
                   [this](const auto& done) { said_.push_back(done ? *done : done.error()); },
                   false,
                   {},
                   sequence_t{8}});
  tell(round_committed{last_token(), {}, end::not_led});
  node_two_leads();
  tell(try_orders_again{});
  ASSERT_EQ(passed_on_.size(), 1U);
  EXPECT_EQ(passed_on_[0].as_of, sequence_t{8});
}

TEST_F(rounds_test, a_shards_question_is_answered_for_the_leadership_that_was_shown_and_no_other) {
  opened();
  tell(admission_wanted{incarnation_t{6}, {{2, shard_id{3}, 77}}});
  EXPECT_TRUE(nodes_.answers.empty());
  tell(admission_wanted{incarnation_t{7}, {{2, shard_id{3}, 78}}});
  ASSERT_EQ(nodes_.answers.size(), 1U);
  EXPECT_EQ(nodes_.answers[0].first, 2U);
  EXPECT_EQ(nodes_.answers[0].second.number, 78U);
  EXPECT_EQ(nodes_.answers[0].second.state.position, sequence_t{8});
}

TEST_F(rounds_test, where_a_node_is_of_an_earlier_version_an_order_is_answered_when_it_is_committed) {
  shared_.feature_level = 0;
  opened();
  EXPECT_EQ(said_, std::vector<std::string>{"open"});
  EXPECT_TRUE(driven_.empty() && nodes_.admissions.empty());
}

TEST_F(rounds_test, an_order_refused_for_an_earlier_leadership_does_not_silence_the_next) {
  order_import();  // nobody leads here yet
  lead(7);
  tell(round_committed{last_token(), {}, end::unknown});
  EXPECT_EQ(refused_, 1);
  nodes_.heard.clear();
  order_import();
  tell(round_committed{last_token(), sequence_t{5}});
  EXPECT_EQ(done_, 1);
  EXPECT_EQ(nodes_.heard, std::vector{sequence_t{5}}) << "the other nodes hear of the round";
}

// Around each death and each hand-over nobody leads for a moment: an operator's order was refused then, though nothing was wrong.
TEST_F(rounds_test, an_order_for_which_nobody_leads_is_taken_by_who_leads_next) {
  order_import();
  tell(round_committed{last_token(), {}, end::not_led});
  EXPECT_EQ(done_ + refused_, 0);
  tell(try_orders_again{});
  ASSERT_EQ(appended_.size(), 2U) << "tried again here, for nobody else is known to lead";
  tell(round_committed{last_token(), {}, end::not_led});
  node_two_leads();
  tell(try_orders_again{});
  ASSERT_EQ(passed_on_.size(), 1U);
  tell(round_order_heard{passed_on_[0].ticket, std::unexpected(std::string(not_led_here)), {}});
  EXPECT_EQ(done_ + refused_, 0) << "node 2 does not lead either, and has done nothing";
  tell(try_orders_again{});
  ASSERT_EQ(passed_on_.size(), 2U);
  tell(rounds_told{sequence_t{5}, {round_imported{a_round(), "op", {}}}});
  tell(round_order_heard{passed_on_[1].ticket, "R", sequence_t{5}});
  EXPECT_EQ(done_, 1);
  EXPECT_EQ(refused_, 0);
}

TEST_F(rounds_test, an_order_that_no_leader_takes_is_refused_in_the_end_and_never_again_tried) {
  order_import();
  tell(round_committed{last_token(), {}, end::not_led});
  now_ = unix_ms{60'000};
  tell(try_orders_again{});
  tell(round_committed{last_token(), {}, end::not_led});
  EXPECT_EQ(refused_, 1);
  const auto tried = appended_.size();
  tell(try_orders_again{});
  EXPECT_EQ(appended_.size(), tried);
}

TEST_F(rounds_test, an_order_whose_outcome_is_unknown_is_not_tried_again) {
  lead(7);
  order_import();
  tell(round_committed{last_token(), {}, end::unknown});
  EXPECT_EQ(refused_, 1);
  tell(try_orders_again{});
  EXPECT_EQ(appended_.size(), 1U);
}

TEST_F(rounds_test, a_shard_that_takes_no_more_leads_all_the_same) {
  lead(7);
  order_import();
  tell(round_committed{last_token(), {}, end::refused});
  EXPECT_EQ(refused_, 1);
  order_import();
  tell(round_committed{last_token(), sequence_t{5}});
  tell(rounds_known{2, sequence_t{0}});
  EXPECT_EQ(nodes_.news.size(), 1U) << "it tells others what it leads";
}

// Whoever finds a round without keys may make none: of two imports at once one took the number that the other had made keys for.
TEST_F(rounds_test, a_round_is_imported_under_the_number_that_its_keys_were_made_for_or_not_at_all) {
  lead(7);
  const auto order = [this](std::uint16_t number) {
    auto round = a_round();
    round.id = round_id{number};
    tell(import_order{std::move(round), "op", [this](const auto& done) { said_.push_back(done ? *done : done.error()); }});
  };
  order(2);
  ASSERT_EQ(said_.size(), 1U);
  EXPECT_TRUE(said_[0].starts_with("busy: another round took the number")) << said_[0];
  EXPECT_TRUE(appended_.empty());
  order(1);
  tell(round_committed{last_token(), sequence_t{5}});
  EXPECT_EQ(said_.back(), "R");
}

TEST_F(rounds_test, an_order_is_passed_on_to_who_leads_and_answered_when_the_rounds_are_known_here) {
  node_two_leads();
  order_import();
  ASSERT_EQ(passed_on_.size(), 1U);
  EXPECT_EQ(std::get<round_imported>(passed_on_[0].event).definition.code, "R");
  EXPECT_TRUE(appended_.empty());
  tell(round_order_heard{passed_on_[0].ticket, "R", sequence_t{5}});
  EXPECT_EQ(done_, 0) << "the round is not known here yet";
  tell(rounds_told{sequence_t{5}, {round_imported{a_round(), "op", {}}}});
  EXPECT_EQ(done_, 1);
  EXPECT_EQ(refused_, 0);
}

TEST_F(rounds_test, what_the_leader_refuses_is_refused_at_once) {
  node_two_leads();
  tell(state_order{round_id{1}, round_state::open, {}, "op", [this](const auto& done) { done ? ++done_ : ++refused_; }});
  ASSERT_EQ(passed_on_.size(), 1U);
  tell(round_order_heard{passed_on_[0].ticket, std::unexpected("not_found: there is no such round"), {}});
  EXPECT_EQ(refused_, 1);
  tell(round_order_heard{passed_on_[0].ticket, "said twice", {}});
  EXPECT_EQ(done_, 0);
}

TEST_F(rounds_test, an_order_done_elsewhere_is_answered_in_the_end_though_the_rounds_do_not_come) {
  node_two_leads();
  order_import();
  tell(round_order_heard{passed_on_.at(0).ticket, "R", sequence_t{5}});
  now_ = unix_ms{60'000};
  tell(tell_rounds{});
  EXPECT_EQ(done_, 1);
}

TEST_F(rounds_test, what_was_passed_on_is_not_passed_on_again) {
  node_two_leads();
  order_import(true);
  ASSERT_TRUE(passed_on_.empty());
  tell(round_committed{last_token(), {}, end::not_led});
  EXPECT_EQ(refused_, 1) << "whoever passed it on looks for the leader";
}

TEST_F(rounds_test, a_round_that_no_message_to_another_node_holds_is_refused_wherever_it_is_imported) {
  lead(7);
  order_import(a_round_too_large(), false);
  EXPECT_EQ(refused_, 1);
  EXPECT_TRUE(appended_.empty());
  order_import(a_round_too_large(), true);
  EXPECT_EQ(refused_, 2);
  node_two_leads();
  tell(rounds_told{sequence_t{9}, {}});
  order_import(a_round_too_large(), false);
  EXPECT_EQ(refused_, 3);
  EXPECT_TRUE(passed_on_.empty());
}

TEST_F(rounds_test, an_order_that_is_not_committed_is_answered_all_the_same) {
  lead(7);
  order_import();
  now_ = unix_ms{60'000};
  tell(tell_rounds{});
  EXPECT_EQ(refused_, 1);
  tell(round_committed{last_token(), sequence_t{5}});
  EXPECT_EQ(done_ + refused_, 1) << "one answer";
  EXPECT_EQ(shared_.catalogue.get()->rounds.size(), 1U) << "and it came true";
}

// Everything that was ever ordered would some day be larger than what can be read.
TEST_F(rounds_test, what_is_kept_of_orders_does_not_grow_for_ever) {
  catalogue_builder builder(1);
  builder.apply(round_imported{a_round(), "op", {}}, sequence_t{1});
  builder.apply(round_state_changed{round_id{0}, round_state::open, {}, "op", {}}, sequence_t{2});
  for (std::uint64_t n = 3; n < 20'000; ++n)
    builder.apply(operator_noted{"note", std::to_string(n), "op", {}}, sequence_t{n});
  EXPECT_LT(builder.history().size(), 3 * trail_entries_shown);
  const auto built = builder.build();
  EXPECT_EQ(built->rounds.at(0)->status.state, round_state::open);
  EXPECT_EQ(built->trail.size(), trail_entries_shown);
  EXPECT_EQ(built->trail.back().detail, "19999");
  catalogue_builder again(1);
  again.apply_snapshot(builder.history(), sequence_t{19'999});
  EXPECT_EQ(again.build()->rounds.at(0)->status.state, round_state::open);
  EXPECT_FALSE(again.since(sequence_t{500})) << "where in the snapshot that is, nobody knows";
  EXPECT_TRUE(again.since(sequence_t{19'999}));
}

TEST_F(rounds_test, a_text_too_long_for_the_log_is_refused_whoever_brings_it) {
  lead(7);
  const std::string text(20U << 20U, 'x');
  std::vector<std::string> said;
  const auto done = [&](const auto& r) { said.push_back(r ? *r : r.error()); };
  tell(note_order{{"disk release", text, "op", {}}, done});
  tell(note_order{{"disk release", "", text, {}}, done});
  order_import();
  tell(round_committed{last_token(), sequence_t{5}});
  tell(state_order{round_id{1}, round_state::open, text, "op", done, true});
  ASSERT_EQ(said.size(), 3U);
  for (const auto& why : said)
    EXPECT_TRUE(why.starts_with("invalid: ") && why.contains("order_text_bytes_max")) << why.substr(0, 100);
  EXPECT_EQ(appended_.size(), 1U) << "the import alone";
}

TEST_F(rounds_test, a_round_that_goes_in_parts_waits_until_no_node_is_of_an_earlier_version) {
  lead(7);
  auto large = a_round_too_large();
  for (auto& g : large.groups)
    g.windows.resize(6);
  shared_.feature_level = 0;
  order_import(large, false);
  EXPECT_EQ(refused_, 1);
  shared_.feature_level = cluster::feature_level_newest;
  order_import(large, false);
  EXPECT_EQ(refused_, 1);
  EXPECT_EQ(appended_.size(), 1U);
}

}  // namespace
}  // namespace janji::actors
