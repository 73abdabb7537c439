// The actor that asks other nodes, and answers them: here about orders that are passed on to whoever leads the rounds.
#include "actors/reports.hpp"

#include <vector>

#include "actors/context.hpp"
#include "tests/actors/one_actor_test.hpp"

namespace janji::actors {
namespace {

struct asked_nodes final : silent_nodes {
  void ask(std::uint64_t node, shard_id, const schema::shard_ask& what) override { asks.emplace_back(node, what); }
  void say(std::uint64_t node, const schema::shard_said& what) override { said.emplace_back(node, what); }

  std::vector<std::pair<std::uint64_t, schema::shard_ask>> asks;
  std::vector<std::pair<std::uint64_t, schema::shard_said>> said;
};

class reports_test : public one_actor_test {
protected:
  reports_test() : one_actor_test(nodes_, one_shard()) {
    shared_.now = [this] { return now_; };
    shared_.node_id = 1;
    shared_.told_reports.set(std::make_shared<const std::map<std::uint64_t, told_report>>());
    shared_.rounds = spawn_stub({[this](round_order_heard& h) { heard_.push_back(std::move(h)); },
                                 [this](import_order& o) { imports_.push_back(std::move(o)); },
                                 [this](state_order& o) { states_.push_back(std::move(o)); }});
    reports_ = system_->spawn<reports_actor>(std::ref(shared_));
    settle();
  }
  ~reports_test() override {
    for (const auto& a : {reports_, shared_.rounds})
      caf::anon_send_exit(a, caf::exit_reason::kill);
    reports_ = shared_.rounds = nullptr;
    settle();
  }
  static node_options one_shard() {
    node_options o;
    o.shard_count = 1;
    return o;
  }
  void leads(std::uint64_t node) {
    shard_status s{};
    s.record.record.leader.node = node;
    shared_.shard_statuses[0].store(std::make_shared<const shard_status>(s));
  }
  static round_event opening() { return round_state_changed{round_id{1}, round_state::open, {}, "op", {}}; }
  void is_asked(std::string order) {
    schema::shard_ask ask;
    ask.number = 77;
    ask.what = schema::shard_ask::verb::round_order;
    ask.order = std::move(order);
    tell(reports_, shard_asked{2, shard_id{0}, std::move(ask)});
  }

  unix_ms now_{1'000};
  asked_nodes nodes_;
  caf::actor reports_;
  std::vector<round_order_heard> heard_;
  std::vector<import_order> imports_;
  std::vector<state_order> states_;
};

TEST_F(reports_test, an_order_goes_to_who_leads_the_rounds_and_its_answer_comes_back) {
  leads(2);
  tell(reports_, pass_round_order{5, opening()});
  ASSERT_EQ(nodes_.asks.size(), 1U);
  EXPECT_EQ(nodes_.asks[0].first, 2U);
  EXPECT_EQ(schema::decode_rounds(nodes_.asks[0].second.order)->events.size(), 1U);
  tell(reports_, shard_answered{2, {nodes_.asks[0].second.number, true, "open", {}, sequence_t{9}}});
  ASSERT_EQ(heard_.size(), 1U);
  EXPECT_EQ(heard_[0].ticket, 5U);
  EXPECT_EQ(heard_[0].answer, "open");
  EXPECT_EQ(heard_[0].applied, sequence_t{9});
}

TEST_F(reports_test, a_leader_that_does_not_answer_is_named_and_nothing_is_promised) {
  leads(2);
  tell(reports_, pass_round_order{5, opening()});
  now_ = unix_ms{61'000};
  tell(reports_, sweep{});
  ASSERT_EQ(heard_.size(), 1U);
  ASSERT_FALSE(heard_[0].answer);
  EXPECT_EQ(heard_[0].answer.error(), "unknown: node 2, which leads the rounds, does not answer; look before you ask again");
}

TEST_F(reports_test, nobody_is_asked_while_nobody_leads) {
  leads(0);
  tell(reports_, pass_round_order{5, opening()});
  EXPECT_TRUE(nodes_.asks.empty());
  ASSERT_EQ(heard_.size(), 1U);
  EXPECT_FALSE(heard_[0].answer);
}

TEST_F(reports_test, an_order_of_another_node_is_carried_out_here_and_answered) {
  is_asked(schema::encode_rounds({}, std::vector{opening()}));
  ASSERT_EQ(states_.size(), 1U);
  EXPECT_TRUE(states_[0].passed_on);
  EXPECT_EQ(states_[0].to, round_state::open);
  shared_.rounds_applied = 12;
  states_[0].done("open");
  settle();
  ASSERT_EQ(nodes_.said.size(), 1U);
  EXPECT_EQ(nodes_.said[0].first, 2U);
  EXPECT_EQ(nodes_.said[0].second, (schema::shard_said{77, true, "open", {}, sequence_t{12}}));
}

TEST_F(reports_test, what_is_no_order_is_refused) {
  is_asked("junk");
  is_asked(schema::encode_rounds({}, std::vector{opening(), opening()}));
  is_asked(schema::encode_rounds({}, std::vector<round_event>{operator_noted{"disk release", "", "op", {}}}));
  EXPECT_TRUE(imports_.empty() && states_.empty());
  ASSERT_EQ(nodes_.said.size(), 3U);
  for (const auto& [node, said] : nodes_.said)
    EXPECT_FALSE(said.good);
}

// The line of `check` about clocks stood still from the start on: the steady clock of a node does not see its own clock being set.
TEST_F(reports_test, how_far_clocks_are_apart_is_told_as_they_are_now) {
  const auto ahead = [this] { return shared_.told_reports.get()->at(2).clock_ahead_ms; };
  schema::node_report r;
  unix_ms here{1'000'000};
  shared_.wall_clock = [&here] { return here; };
  r.clock = unix_ms{1'000'000};
  tell(reports_, report_told{2, r});
  EXPECT_EQ(ahead(), 0);
  r.clock = unix_ms{1'009'000};  // set forward there
  tell(reports_, report_told{2, r});
  EXPECT_EQ(ahead(), 9'000);
  here = unix_ms{1'009'500};  // and here
  tell(reports_, report_told{2, r});
  EXPECT_EQ(ahead(), -500);
}

// Moments that a node shows are counted from its start on, by a steady clock.
TEST_F(reports_test, how_far_a_clock_was_set_after_the_start_is_told) {
  now_ = unix_ms{1'000'000};
  unix_ms here = now_;
  shared_.wall_clock = [&here] { return here; };
  tell(reports_, report_now{});
  EXPECT_EQ(shared_.told_reports.get()->at(1).report.clock_set_ms, 0);
  here = unix_ms{1'600'000};
  tell(reports_, report_now{});
  const auto mine = shared_.told_reports.get()->at(1);
  EXPECT_EQ(mine.report.clock_set_ms, 600'000);
  EXPECT_EQ(schema::decode_report(schema::encode_report(mine.report))->clock_set_ms, 600'000) << "as others are told it";
}

// A node without the keys of a round was healthy for all the others.
TEST_F(reports_test, why_a_node_takes_no_bookings_is_told) {
  shared_.waits_for.set(std::make_shared<const std::string>("the keys of the round main are not here"));
  tell(reports_, report_now{});
  const auto mine = shared_.told_reports.get()->at(1).report;
  EXPECT_EQ(mine.waits_for, "the keys of the round main are not here");
  EXPECT_EQ(schema::decode_report(schema::encode_report(mine))->waits_for, mine.waits_for) << "as others are told it";
}

// Whoever was to answer has died with the question.
TEST_F(reports_test, questions_of_others_that_nobody_answers_are_forgotten) {
  for (int i = 0; i < 300; ++i)
    is_asked(schema::encode_rounds({}, std::vector{opening()}));
  EXPECT_EQ(states_.size(), 256U);
  EXPECT_EQ(nodes_.said.size(), 44U) << "busy";
  now_ = unix_ms{120'000};
  tell(reports_, sweep{});
  is_asked(schema::encode_rounds({}, std::vector{opening()}));
  EXPECT_EQ(states_.size(), 257U);
}

// What is sealed lies where its shard is led.
TEST_F(reports_test, sealed_records_are_asked_of_who_leads_and_come_back_as_they_are) {
  std::vector<std::expected<std::string, std::string>> told;
  const auto ask = [&] { tell(reports_, records_order{shard_id{0}, {group_id{5}}, [&](auto said) { told.push_back(std::move(said)); }}); };
  leads(0);
  ask();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_TRUE(!told[0] && told[0].error().starts_with("busy: "));
  leads(2);
  shared_.feature_level = 0;
  ask();
  ASSERT_EQ(told.size(), 2U);
  EXPECT_TRUE(!told[1] && told[1].error().starts_with("wrong_state: ")) << "nothing is sent that a node may not know";
  EXPECT_TRUE(nodes_.asks.empty());
  shared_.feature_level = 1;
  ask();
  ASSERT_EQ(nodes_.asks.size(), 1U);
  EXPECT_EQ(nodes_.asks[0].second.what, schema::shard_ask::verb::read_records);
  EXPECT_EQ(nodes_.asks[0].second.records, schema::records_ask{group_id{5}});
  tell(reports_, shard_answered{2, {nodes_.asks[0].second.number, true, {}, std::string("\0sealed", 7), {}}});
  ASSERT_EQ(told.size(), 3U);
  EXPECT_EQ(told[2], std::string("\0sealed", 7));
  ask();
  now_ = unix_ms{7'000};
  tell(reports_, sweep{});
  ASSERT_EQ(told.size(), 4U);
  EXPECT_EQ(told[3].error(), "busy: node 2: does not answer");
}

}  // namespace
}  // namespace janji::actors
