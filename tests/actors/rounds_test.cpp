// The rounds' actor of a cluster's node, between a shard that takes its orders or refuses them and nodes that listen.
#include "actors/rounds.hpp"

#include <vector>

#include "actors/context.hpp"
#include "tests/actors/one_actor_test.hpp"

namespace janji::actors {
namespace {

struct listening_nodes final : silent_nodes {
  void tell_rounds(sequence_t applied, const std::vector<round_event>&) override { heard.push_back(applied); }

  std::vector<sequence_t> heard;
};

class rounds_test : public one_actor_test {
protected:
  rounds_test() : one_actor_test(nodes_, one_shard()) {
    shard_ = spawn_stub({[this](append_mail& mail) { appended_.push_back(std::move(mail)); }, [](activate_groups&) {}});
    shared_.route.set_shard(shard_id{0}, shard_);
    shared_.availability = spawn_stub({[](catalogue_changed& c) { c.done(std::move(c.answer)); }});
    shared_.reports = spawn_stub({[this](pass_round_order& o) { passed_on_.push_back(std::move(o)); }});
    rounds_ = system_->spawn<rounds_actor>(std::ref(shared_), catalogue_builder(1), sequence_t{0});
    settle();
  }
  ~rounds_test() override {
    for (const auto& a : {rounds_, shard_, shared_.availability, shared_.reports})
      caf::anon_send_exit(a, caf::exit_reason::kill);
    shared_.route.clear();
    rounds_ = shard_ = shared_.availability = shared_.reports = nullptr;
    settle();
  }

  static node_options one_shard() {
    node_options o;
    o.shard_count = 1;
    return o;
  }
  template <class Message>
  void tell(Message m) {
    one_actor_test::tell(rounds_, std::move(m));
  }
  static round_definition a_round() {
    round_definition d;
    d.code = "R";
    d.time_zone = "Asia/Kuala_Lumpur";
    d.centres = {{"A", "centre A", "Selangor", "Petaling", 3, 101}};
    d.groups.push_back({group_id{}, 0, std::chrono::year{2027} / 1 / 1, {{540, 600, 10}}});
    return d;
  }
  static round_definition a_round_too_large() {
    auto d = a_round();
    const auto day = d.groups.front();
    d.groups.assign(limits::round_groups_max, day);
    for (auto& g : d.groups)
      for (int w = 0; w < 5; ++w)
        g.windows.push_back(day.windows.front());
    return d;
  }
  void order_import(bool passed_on = false) { order_import(a_round(), passed_on); }
  void order_import(round_definition d, bool passed_on) {
    tell(import_order{std::move(d), "op", [this](const auto& done) { done ? ++done_ : ++refused_; }, passed_on});
  }
  void node_two_leads() {
    shard_status s{};
    s.record.record.leader.node = 2;
    shared_.shard_statuses[0].store(std::make_shared<const shard_status>(s));
  }
  void lead(std::uint64_t incarnation) { tell(rounds_read{incarnation_t{incarnation}, {schema::owner::of_rounds(), {}, {}, {}}}); }
  std::uint64_t last_token() const { return appended_.back().items.at(0).token; }

  listening_nodes nodes_;
  caf::actor shard_;
  caf::actor rounds_;
  std::vector<append_mail> appended_;
  std::vector<pass_round_order> passed_on_;
  int done_ = 0;
  int refused_ = 0;
};

TEST_F(rounds_test, an_order_refused_for_an_earlier_leadership_does_not_silence_the_next) {
  order_import();  // nobody leads here yet
  lead(7);
  tell(round_committed{last_token(), {}, false});
  EXPECT_EQ(refused_, 1);
  nodes_.heard.clear();
  order_import();
  tell(round_committed{last_token(), sequence_t{5}, true});
  EXPECT_EQ(done_, 1);
  EXPECT_EQ(nodes_.heard, std::vector{sequence_t{5}}) << "the other nodes hear of the round";
}

TEST_F(rounds_test, a_node_that_has_lost_the_rounds_tells_nobody_of_them) {
  lead(7);
  order_import();
  tell(round_committed{last_token(), {}, false});
  EXPECT_EQ(refused_, 1);
  nodes_.heard.clear();
  tell(tell_rounds_now{});
  EXPECT_TRUE(nodes_.heard.empty());
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
  shared_.now = [] { return unix_ms{60'000}; };
  tell(tell_rounds{});
  EXPECT_EQ(done_, 1);
}

TEST_F(rounds_test, what_was_passed_on_is_not_passed_on_again) {
  node_two_leads();
  order_import(true);
  ASSERT_TRUE(passed_on_.empty());
  tell(round_committed{last_token(), {}, false});
  EXPECT_EQ(refused_, 1);
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

TEST_F(rounds_test, others_are_told_again_and_seldomer_while_nothing_changes) {
  lead(7);
  nodes_.heard.clear();
  for (int i = 0; i < 64; ++i)
    tell(tell_rounds{});
  EXPECT_EQ(nodes_.heard.size(), 6U) << "after 1, 2, 4, 8, 16 and 32 turns";
  nodes_.heard.clear();
  order_import();
  tell(round_committed{last_token(), sequence_t{5}, true});
  EXPECT_EQ(nodes_.heard.size(), 1U);
  tell(tell_rounds{});
  EXPECT_EQ(nodes_.heard.size(), 2U) << "soon again after a change";
}

}  // namespace
}  // namespace janji::actors
