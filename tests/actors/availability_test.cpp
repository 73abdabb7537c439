// The read model of a cluster's node: whom it tells which numbers, between leaderships that move and links that fail.
#include "actors/availability.hpp"

#include "actors/catalogue.hpp"
#include "actors/context.hpp"
#include "booking/states.hpp"
#include "tests/actors/one_actor_test.hpp"

namespace janji::actors {
namespace {

struct listening_nodes final : silent_nodes {
  struct said {
    std::uint32_t group;
    std::optional<std::uint64_t> only;
    friend bool operator==(const said&, const said&) = default;
  };
  std::set<std::uint64_t> tell_figures(const schema::told_figures& told, std::optional<std::uint64_t> only) override {
    for (const auto& f : told.groups)
      heard.push_back({f.group.value, only});
    if (!told.groups.empty())
      parts.push_back(told.groups.size());
    else
      beats.emplace_back(only.value_or(0), told.shards);
    return out_of_reach;
  }
  std::set<std::uint64_t> linked_nodes() override { return {2, 3}; }

  std::vector<said> heard;
  std::vector<std::size_t> parts;
  std::vector<std::pair<std::uint64_t, std::vector<shard_id>>> beats;
  std::set<std::uint64_t> out_of_reach;
};

class availability_test : public one_actor_test {
protected:
  availability_test() : one_actor_test(nodes_, one_shard()) {
    shared_.now = [this] { return now_; };
    availability_ = system_->spawn<availability_actor>(std::ref(shared_), std::ref(model_));
    tell(publish{});
  }
  ~availability_test() override {
    caf::anon_send_exit(availability_, caf::exit_reason::kill);
    availability_ = nullptr;
    settle();
  }
  template <class Message>
  void tell(Message m) {
    one_actor_test::tell(availability_, std::move(m));
  }
  static group_figures numbers(std::uint32_t group, std::uint64_t applied) {
    return {group_id{group}, {{10, 1, 0, 0, 0}}, {}, sequence_t{applied}};
  }
  std::vector<listening_nodes::said> told() {
    nodes_.heard.clear();
    tell(publish{});
    return nodes_.heard;
  }
  static node_options one_shard() {
    node_options o;
    o.shard_count = 1;
    return o;
  }
  // A round of one centre with that many days, of which nobody has said anything yet.
  void know_a_round(unsigned days) {
    round_definition d;
    d.id = round_id{1};
    d.code = "R";
    d.centres = {{"A", "centre A", "Selangor", "Petaling", 3, 101}};
    for (unsigned day = 1; day <= days; ++day)
      d.groups.push_back({group_id{day}, 0, std::chrono::year{2027} / 1 / day, {{540, 600, 10}}});
    catalogue_builder builder(1);
    builder.apply(round_imported{std::move(d), "op", {}});
    shared_.catalogue.set(builder.build());
    tell(catalogue_changed{[](const auto&) {}, {}});
  }
  void serve(bool here) {
    shard_status s{};
    s.serving = here;
    shared_.shard_statuses[0].store(std::make_shared<const shard_status>(s));
  }
  std::string page() {
    tell(publish{});
    return model_.pages.get()->at({1, state_number("Selangor")})->body;
  }
  std::string as_of() {
    const auto body = page();
    return body.substr(body.find("as_of") + 8, 19);
  }
  using told_are = std::vector<listening_nodes::said>;

  unix_ms now_{1'000};
  listening_nodes nodes_;
  read_model model_;
  caf::actor availability_;
};

TEST_F(availability_test, all_are_told_once_what_changes_where_it_is_led) {
  tell(group_numbers{numbers(7, 5)});
  tell(numbers_elsewhere{{{numbers(8, 5)}, {}}});
  EXPECT_EQ(told(), (told_are{{7, {}}}));
  EXPECT_TRUE(told().empty());
}

TEST_F(availability_test, a_node_that_comes_is_told_of_every_group_that_is_led_here) {
  tell(group_numbers{numbers(7, 5)});
  tell(group_numbers{numbers(9, 6)});
  (void)told();
  tell(tell_numbers{3});
  EXPECT_EQ(told(), (told_are{{7, 3}, {9, 3}}));
  EXPECT_TRUE(told().empty());
}

TEST_F(availability_test, a_late_word_of_who_led_before_does_not_silence_who_leads) {
  tell(group_numbers{numbers(7, 5)});
  tell(numbers_elsewhere{{{numbers(7, 5)}, {}}});  // as committed before leadership moved here
  (void)told();
  tell(tell_numbers{3});
  EXPECT_EQ(told(), (told_are{{7, 3}})) << "else nobody tells node 3, and it is never ready";
}

TEST_F(availability_test, what_another_node_has_changed_is_told_by_that_node) {
  tell(group_numbers{numbers(7, 5)});
  (void)told();
  tell(numbers_elsewhere{{{numbers(7, 6)}, {}}});
  tell(tell_numbers{3});
  EXPECT_TRUE(told().empty());
}

TEST_F(availability_test, a_node_that_was_not_reached_is_told_all_until_it_is) {
  tell(group_numbers{numbers(7, 5)});
  (void)told();
  nodes_.out_of_reach = {2};
  tell(group_numbers{numbers(9, 6)});
  EXPECT_EQ(told(), (told_are{{9, {}}}));
  EXPECT_EQ(told(), (told_are{{7, 2}, {9, 2}}));
  nodes_.out_of_reach.clear();
  EXPECT_EQ(told(), (told_are{{7, 2}, {9, 2}}));
  EXPECT_TRUE(told().empty());
}

// Above 41,000 slot groups one message with all of them was too large for a link, and the node never became ready.
TEST_F(availability_test, a_node_that_comes_is_told_in_parts_and_a_few_of_them_a_turn) {
  constexpr std::uint32_t groups = 20'000;
  for (std::uint32_t g = 1; g <= groups; ++g)
    caf::anon_send(availability_, group_numbers{numbers(g, 5)});
  (void)told();
  nodes_.parts.clear();
  tell(tell_numbers{3});
  std::size_t heard = 0, turns = 0;
  while (heard < groups && ++turns < 10) {
    nodes_.parts.clear();
    if (turns == 2)
      nodes_.out_of_reach = {3};  // its window is full
    const auto now = told();
    EXPECT_LE(nodes_.parts.size(), 4U);
    for (const auto n : nodes_.parts)
      EXPECT_LE(n, 2'048U);
    heard += nodes_.out_of_reach.empty() ? now.size() : 0;
    nodes_.out_of_reach.clear();
  }
  EXPECT_EQ(heard, groups);
  EXPECT_TRUE(told().empty());
}

TEST_F(availability_test, what_nobody_has_said_is_null_and_not_free) {
  know_a_round(2);
  EXPECT_TRUE(page().contains(R"("as_of":null)")) << page();
  EXPECT_TRUE(page().contains(R"("free":null)"));
  tell(numbers_elsewhere{{{numbers(1, 5)}, {shard_id{0}}}});
  EXPECT_TRUE(page().contains(R"("as_of":null)")) << "of the second day nobody has said anything";
  EXPECT_EQ(model_.fresh.get()->rounds.at(1).groups_unheard, 1U);
  tell(numbers_elsewhere{{{numbers(2, 5)}, {shard_id{0}}}});
  EXPECT_FALSE(page().contains("null")) << page();
}

TEST_F(availability_test, a_page_is_as_old_as_the_last_word_of_who_leads) {
  know_a_round(1);
  now_ = unix_ms{5'000};
  tell(numbers_elsewhere{{{numbers(1, 5)}, {shard_id{0}}}});
  EXPECT_EQ(as_of(), "1970-01-01T00:00:05");
  now_ = unix_ms{60'000};
  EXPECT_EQ(as_of(), "1970-01-01T00:00:05") << "nobody was heard since";
  EXPECT_EQ(model_.fresh.get()->of_rounds, unix_ms{5'000});
  tell(numbers_elsewhere{{{}, {shard_id{0}}}});
  now_ = unix_ms{61'000};
  EXPECT_EQ(as_of(), "1970-01-01T00:01:00") << "nothing had changed, and that was said";
}

TEST_F(availability_test, who_leads_says_that_nothing_changed_when_it_has_told_all) {
  know_a_round(2);
  serve(true);
  tell(group_numbers{numbers(1, 5)});
  (void)told();
  EXPECT_TRUE(nodes_.beats.empty()) << "it does not know its second day yet";
  tell(group_numbers{numbers(2, 5)});
  (void)told();
  EXPECT_EQ(nodes_.beats, (std::vector{std::pair{std::uint64_t{2}, std::vector{shard_id{0}}}, {3, {shard_id{0}}}}));
  nodes_.beats.clear();
  nodes_.out_of_reach = {3};
  tell(tell_numbers{3});
  (void)told();
  EXPECT_EQ(nodes_.beats.size(), 1U) << "node 3 has not been told all";
  EXPECT_EQ(nodes_.beats.at(0).first, 2U);
  serve(false);
  nodes_.beats.clear();
  (void)told();
  EXPECT_TRUE(nodes_.beats.empty());
}

}  // namespace
}  // namespace janji::actors
