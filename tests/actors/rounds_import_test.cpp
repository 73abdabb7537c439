// Imports in parts: what is in the log between two parts, and what becomes of an import that is interrupted.
#include <algorithm>

#include "tests/actors/rounds_test.hpp"

namespace janji::actors {
namespace {

using end = round_committed::end;

class rounds_import_test : public rounds_test {
protected:
  static round_definition a_large_round() {
    auto d = a_round();
    const auto day = d.groups.front();
    d.groups.assign(40'000, day);
    for (std::size_t i = 0; i < d.groups.size(); ++i)
      d.groups[i].date = std::chrono::sys_days{day.date} + std::chrono::days(i);
    return d;
  }
  void order_large(bool passed_on = false) {
    tell(import_order{a_large_round(), "op", [this](const auto& done) { said_.push_back(done ? *done : done.error()); }, passed_on});
  }
  [[nodiscard]] const round_event& last_event() const { return std::get<round_event>(appended_.back().items.at(0).event); }
  [[nodiscard]] bool ends() const { return std::holds_alternative<round_imported>(last_event()); }
  // Until the event that ends it is given to the log. How many parts there were.
  int commit_parts() {
    int parts = 0;
    for (; !ends() && parts < 100; ++parts)
      tell(round_committed{last_token(), sequence_t{++position_}});
    return parts;
  }
  [[nodiscard]] std::size_t rounds_shown() const { return shared_.catalogue.get()->rounds.size(); }

  std::uint64_t position_ = 10;
};

TEST_F(rounds_import_test, a_large_round_goes_into_the_log_in_parts_and_exists_when_all_are_there) {
  lead(7);
  order_large();
  nodes_.heard.clear();
  EXPECT_EQ(appended_.size(), 1U) << "one part at a time";
  EXPECT_EQ(commit_parts(), 5) << "its centre, and 40,000 slot groups";
  EXPECT_EQ(rounds_shown(), 0U);
  EXPECT_TRUE(said_.empty() && nodes_.heard.empty());
  tell(round_committed{last_token(), sequence_t{20}});
  EXPECT_EQ(said_, std::vector<std::string>{"R"});
  EXPECT_EQ(nodes_.heard, std::vector{sequence_t{20}}) << "others hear of it as of a round that was imported at once";
  ASSERT_EQ(rounds_shown(), 1U);
  EXPECT_EQ(shared_.catalogue.get()->rounds[0]->definition.groups.size(), 40'000U);
  EXPECT_EQ(shared_.catalogue.get()->trail.size(), 1U);
  tell(rounds_known{2, sequence_t{0}});
  ASSERT_EQ(nodes_.news.size(), 1U);
  EXPECT_EQ(nodes_.news[0].second.events.size(), 1U);
}

TEST_F(rounds_import_test, nothing_else_changes_rounds_between_two_parts_and_notes_are_taken) {
  lead(7);
  order_large();
  tell(round_committed{last_token(), sequence_t{11}});
  order_import();
  EXPECT_EQ(refused_, 1);
  order_state(round_state::open);
  ASSERT_EQ(said_.size(), 1U);
  EXPECT_TRUE(said_[0].starts_with("busy: ")) << said_[0];
  const auto part = last_token();
  tell(note_order{{"disk release", "", "op", {}}, [this](const auto& done) { done ? ++done_ : ++refused_; }});
  tell(round_committed{part, sequence_t{12}, end::committed, false});
  tell(round_committed{part + 1, sequence_t{12}, end::committed, true});
  EXPECT_EQ(done_, 1);
  position_ = 12;
  commit_parts();
  tell(round_committed{last_token(), sequence_t{20}});
  EXPECT_EQ(rounds_shown(), 1U);
  EXPECT_EQ(said_.back(), "R");
}

TEST_F(rounds_import_test, a_snapshot_between_two_parts_holds_them) {
  snapshot_taken taken;
  const auto shard = spawn_stub({[](append_mail&) {}, [&](snapshot_taken& s) { taken = std::move(s); }});
  lead(7);
  order_large();
  tell(round_committed{last_token(), sequence_t{11}});
  tell(round_committed{last_token(), sequence_t{12}});
  shared_.route.set_shard(shard_id{0}, shard);
  tell(snapshot_request{sequence_t{12}});
  const auto history = schema::decode_batch(taken.bytes);
  ASSERT_TRUE(history);
  EXPECT_EQ(history->size(), 2U);
  EXPECT_EQ(taken.applied, sequence_t{12});
  catalogue_builder later(1);
  std::vector<round_event> events;
  for (const auto& e : *history)
    events.push_back(std::get<round_event>(e.event));
  later.apply_snapshot(events, sequence_t{12});
  EXPECT_EQ(later.pending().size(), 2U);
  caf::anon_send_exit(shard, caf::exit_reason::kill);
  shared_.route.set_shard(shard_id{0}, shard_);
}

// Nothing of it has an effect until it ends: it is begun anew, also where it is not known whether a part was written.
TEST_F(rounds_import_test, an_import_interrupted_between_parts_is_begun_anew_by_who_leads_next) {
  for (const auto how : {end::not_led, end::unknown}) {
    lead(7);
    order_large();
    tell(round_committed{last_token(), sequence_t{++position_}});
    tell(round_committed{last_token(), {}, how});
    EXPECT_TRUE(said_.empty());
    lead(8);
    tell(try_orders_again{});
    const auto& first = std::get<round_part>(last_event());
    EXPECT_EQ(first.index, 0U);
    commit_parts();
    tell(round_committed{last_token(), {}, end::not_led});  // and once more, at the very end
    EXPECT_TRUE(said_.empty());
    lead(9);
    tell(try_orders_again{});
    commit_parts();
    tell(round_committed{last_token(), {}, end::unknown});
    ASSERT_EQ(said_.size(), 1U);
    EXPECT_TRUE(said_[0].contains("look before you ask again")) << said_[0];
    said_.clear();
  }
}

TEST_F(rounds_import_test, whoever_passed_it_on_begins_anew) {
  lead(7);
  order_large(true);
  tell(round_committed{last_token(), sequence_t{11}});
  tell(round_committed{last_token(), {}, end::unknown});
  EXPECT_EQ(said_, std::vector<std::string>{std::string(not_led_here)});
}

TEST_F(rounds_import_test, a_shard_that_takes_no_more_parts_ends_the_import) {
  lead(7);
  order_large();
  tell(round_committed{last_token(), sequence_t{11}});
  tell(round_committed{last_token(), {}, end::refused});
  ASSERT_EQ(said_.size(), 1U);
  EXPECT_TRUE(said_[0].contains("nothing was changed")) << said_[0];
  order_large();
  commit_parts();
  tell(round_committed{last_token(), sequence_t{++position_}});
  EXPECT_EQ(said_.back(), "R");
}

TEST_F(rounds_import_test, an_import_that_takes_too_long_is_given_up_and_said_to_be) {
  lead(7);
  order_large();
  tell(round_committed{last_token(), sequence_t{11}});
  now_ = unix_ms{60'000};
  tell(tell_rounds{});
  ASSERT_EQ(said_.size(), 1U);
  EXPECT_TRUE(said_[0].contains("nothing was changed")) << said_[0];
  const auto given = appended_.size();
  tell(round_committed{last_token(), sequence_t{12}});
  EXPECT_EQ(appended_.size(), given) << "no more parts";
  order_large();
  commit_parts();
  now_ = unix_ms{120'000};
  tell(tell_rounds{});
  ASSERT_EQ(said_.size(), 2U);
  EXPECT_TRUE(said_[1].contains("not known")) << said_[1];
  tell(round_committed{last_token(), sequence_t{30}});
  EXPECT_EQ(said_.size(), 2U) << "one answer";
  EXPECT_EQ(rounds_shown(), 1U) << "and it came true";
}

TEST_F(rounds_import_test, where_a_node_is_of_an_earlier_version_a_round_is_one_event) {
  shared_.feature_level = 0;
  lead(7);
  order_large();
  EXPECT_TRUE(ends());
  EXPECT_EQ(std::get<round_imported>(last_event()).definition.groups.size(), 40'000U);
}

}  // namespace
}  // namespace janji::actors
