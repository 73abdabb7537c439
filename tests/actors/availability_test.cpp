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
    rounds = told.rounds;
    return out_of_reach;
  }
  std::set<std::uint64_t> linked_nodes() override { return {2, 3}; }

  std::vector<said> heard;
  std::vector<std::size_t> parts;
  std::vector<std::pair<std::uint64_t, std::vector<shard_id>>> beats;
  std::optional<sequence_t> rounds;  // as the last of these said
  std::set<std::uint64_t> out_of_reach;
};

class availability_test : public one_actor_test {
protected:
  explicit availability_test(std::uint16_t shards = 1) : one_actor_test(nodes_, with(shards)) {
    shared_.now = [this] { return now_; };
    shared_.wall_clock = shared_.now;
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
  static group_figures numbers(std::uint32_t group, std::uint64_t applied, std::uint64_t tenure = 0, std::uint32_t booked = 1) {
    return {group_id{group}, {{10, booked, 0, 0, 0}}, {}, sequence_t{applied}, epoch_t{tenure}};
  }
  std::vector<listening_nodes::said> told() {
    nodes_.heard.clear();
    tell(publish{});
    return nodes_.heard;
  }
  static node_options with(std::uint16_t shards) {
    node_options o;
    o.shard_count = shards;
    return o;
  }
  // A round of one centre with that many days, of which nobody has said anything yet.
  void know_a_round(unsigned days, unsigned first = 1) {
    round_definition d;
    d.id = round_id{1};
    d.code = "R";
    d.centres = {{"A", "centre A", "Selangor", "Petaling", 3, 101}};
    for (unsigned day = 1; day <= days; ++day)
      d.groups.push_back({group_id{day}, 0, std::chrono::year{2027} / 1 / (first + day - 1), {{540, 600, 10}}});
    catalogue_builder builder(shared_.options.shard_count);
    builder.apply(round_imported{std::move(d), "op", {}});
    shared_.catalogue.set(builder.build());
    tell(catalogue_changed{[](const auto&) {}, {}});
  }
  // One that is open from `opens` on, of one day with two windows.
  void know_an_open_round(unix_ms opens, unix_ms first_end, unix_ms second_end) {
    round_definition d;
    d.id = round_id{1};
    d.code = "R";
    d.opens_at = opens;
    d.closes_at = unix_ms{900'000};
    d.centres = {{"A", "centre A", "Selangor", "Petaling", 3, 101}};
    d.groups.push_back({group_id{1}, 0, std::chrono::year{2027} / 1 / 1, {{540, 600, 10, first_end}, {600, 660, 10, second_end}}});
    catalogue_builder builder(shared_.options.shard_count);
    builder.apply(round_imported{std::move(d), "op", {}});
    builder.apply(round_state_changed{round_id{1}, round_state::open, {}, "op", {}});
    shared_.catalogue.set(builder.build());
    tell(catalogue_changed{[](const auto&) {}, {}});
    group_figures f{group_id{1}, {{10, 1, 0, 0, 0}, {10, 2, 0, 0, 0}}, {}, sequence_t{5}, epoch_t{1}};
    tell(group_numbers{std::move(f)});
    tell(publish{});
  }
  std::shared_ptr<const availability_page> page_of(std::string_view state) { return model_.pages.get()->at({1, state_number(state)}); }
  void serve(bool here) {
    shared_.followed_until_ms[0] = now_.value;
    shared_.rounds_led = here;
    shard_status s{};
    s.serving = here;
    shared_.shard_statuses[0].store(std::make_shared<const shard_status>(s));
  }
  std::string page(std::string_view state = "Selangor") {
    tell(publish{});
    return model_.pages.get()->at({1, state_number(state)})->body;
  }
  std::string as_of(std::string_view state = "Selangor") {
    const auto body = page(state);
    return body.substr(body.find("as_of") + 8, 19);
  }
  using told_are = std::vector<listening_nodes::said>;

  unix_ms now_{1'000};
  listening_nodes nodes_;
  read_model model_;
  caf::actor availability_;
};

TEST_F(availability_test, a_page_says_what_a_booking_would_get_and_until_when) {
  know_an_open_round(unix_ms{1'000}, unix_ms{60'000}, unix_ms{120'000});
  const auto open = page_of("Selangor");
  EXPECT_TRUE(open->body.contains(R"("status":"open","changes_at":"1970-01-01T00:02:00.000Z","centres")")) << open->body;
  EXPECT_TRUE(open->body.contains(R"("date":"2027-01-01","status":"open","changes_at":"1970-01-01T00:02:00.000Z")")) << open->body;
  EXPECT_TRUE(open->body.contains(R"("free":9,"status":"open","changes_at":"1970-01-01T00:01:00.000Z")")) << open->body;
  EXPECT_EQ(open->until, unix_ms{60'000});
  EXPECT_EQ(open->after, nullptr) << "it is far";
}

TEST_F(availability_test, what_is_over_has_no_free_places_from_that_moment_on) {
  know_an_open_round(unix_ms{1'000}, unix_ms{60'000}, unix_ms{120'000});
  now_ = unix_ms{59'000};
  tell(publish{});
  const auto before = page_of("Selangor");
  ASSERT_NE(before->after, nullptr) << "made before it is due: no reader gets what was so until then";
  EXPECT_NE(before->after->etag, before->etag);
  EXPECT_TRUE(before->body.contains(R"("free":9)"));
  EXPECT_TRUE(before->after->body.contains(R"("free":0,"status":"over","changes_at":"1970-01-01T00:15:00.000Z")")) << before->after->body;
  EXPECT_TRUE(before->after->body.contains(R"("free":8})")) << "as its day: " << before->after->body;
  now_ = unix_ms{60'000};
  tell(publish{});
  EXPECT_EQ(page_of("Selangor")->etag, before->after->etag);
  now_ = unix_ms{120'000};
  tell(publish{});
  EXPECT_TRUE(page_of("Selangor")->body.contains(R"("status":"over","changes_at":"1970-01-01T00:15:00.000Z","centres")"))
      << page_of("Selangor")->body;
  now_ = unix_ms{900'000};
  tell(publish{});
  EXPECT_TRUE(page_of("Selangor")->body.contains(R"("status":"closed","changes_at":null,"centres")")) << page_of("Selangor")->body;
}

TEST_F(availability_test, before_its_opening_a_round_is_not_open) {
  know_an_open_round(unix_ms{30'000}, unix_ms{60'000}, unix_ms{120'000});
  EXPECT_TRUE(page_of("Selangor")->body.contains(R"("status":"not_open","changes_at":"1970-01-01T00:00:30.000Z","centres")"))
      << page_of("Selangor")->body;
  EXPECT_TRUE(page_of("Johor")->body.contains(R"("status":"not_open")")) << "where it has no centre too";
  now_ = unix_ms{30'000};
  tell(publish{});
  EXPECT_TRUE(page_of("Selangor")->body.contains(R"("status":"open")")) << page_of("Selangor")->body;
}

TEST_F(availability_test, nothing_is_over_while_leaders_do_not_judge_by_it) {
  shared_.feature_level = 1;
  know_an_open_round(unix_ms{1'000}, unix_ms{60'000}, unix_ms{120'000});
  now_ = unix_ms{70'000};
  tell(publish{});
  EXPECT_TRUE(
      page_of("Selangor")
          ->body.contains(
              R"("status":"open","changes_at":"1970-01-01T00:15:00.000Z","windows":[{"opens":"09:00","closes":"10:00","capacity":10,"free":9})"))
      << page_of("Selangor")->body;
  shared_.feature_level = cluster::feature_level_newest;
  now_ = unix_ms{72'000};
  tell(publish{});
  EXPECT_TRUE(page_of("Selangor")->body.contains(R"("free":0,"status":"over")")) << page_of("Selangor")->body;
}

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

// An operator made a leader of a disk that lacks what others had acknowledged: its lower positions are what is true.
TEST_F(availability_test, numbers_of_a_later_tenure_replace_those_of_an_earlier_one_at_higher_positions) {
  know_a_round(1);
  tell(numbers_elsewhere{{{numbers(1, 100, 4, 7)}, {shard_id{0}}}});
  EXPECT_TRUE(page().contains(R"("free":3)")) << page();
  tell(numbers_elsewhere{{{numbers(1, 60, 5, 2)}, {shard_id{0}}}});
  EXPECT_TRUE(page().contains(R"("free":8)")) << "elsewhere: " << page();
  tell(numbers_elsewhere{{{numbers(1, 101, 4, 8)}, {}}});
  EXPECT_TRUE(page().contains(R"("free":8)")) << "a late word of the earlier one: " << page();
  tell(group_numbers{numbers(1, 50, 6, 1)});
  EXPECT_TRUE(page().contains(R"("free":9)")) << "here: " << page();
}

TEST_F(availability_test, numbers_of_an_earlier_version_which_names_no_tenure_go_by_their_positions) {
  know_a_round(1);
  tell(numbers_elsewhere{{{numbers(1, 100, 4, 7)}, {}}});
  tell(numbers_elsewhere{{{numbers(1, 99, 0, 2)}, {}}});
  EXPECT_TRUE(page().contains(R"("free":3)")) << page();
  tell(numbers_elsewhere{{{numbers(1, 101, 0, 8)}, {}}});
  EXPECT_TRUE(page().contains(R"("free":2)")) << page();
}

TEST_F(availability_test, what_nobody_has_said_is_null_and_not_free) {
  know_a_round(2);
  EXPECT_TRUE(page().contains(R"("as_of":null)")) << page();
  EXPECT_TRUE(page().contains(R"("free":null)"));
  tell(numbers_elsewhere{{{numbers(1, 5)}, {shard_id{0}}}});
  EXPECT_TRUE(page().contains(R"("as_of":null)")) << "of the second day nobody has said anything";
  EXPECT_EQ(model_.fresh.get()->rounds.at(1).groups_unheard, 1U);
  tell(numbers_elsewhere{{{numbers(2, 5)}, {shard_id{0}}}});
  EXPECT_FALSE(page().contains(R"("free":null)") || page().contains(R"("as_of":null)")) << page();
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

// A front that is cut off said *open, as of now* of every state without a centre.
TEST_F(availability_test, a_page_without_a_centre_is_as_old_as_what_is_known_of_the_rounds) {
  know_a_round(1);
  EXPECT_TRUE(page("Kedah").contains(R"("as_of":null)")) << page("Kedah");
  now_ = unix_ms{5'000};
  tell(numbers_elsewhere{{{}, {shard_id{0}}}});
  now_ = unix_ms{60'000};
  EXPECT_EQ(as_of("Kedah"), "1970-01-01T00:00:05");
}

struct availability_of_two_shards : availability_test {
  availability_of_two_shards() : availability_test(2) {}
  void know_a_round_in_shard_1() {
    unsigned day = 0;
    do
      know_a_round(1, ++day);
    while (shared_.catalogue.get()->groups.at(1).shard != shard_id{1});
  }
};

// ------------------------------------------------------------------ when a node is ready

TEST_F(availability_test, a_front_of_a_cluster_without_rounds_is_complete_when_who_leads_them_has_said_so) {
  const auto complete = [&] {
    tell(publish{});
    return shared_.read_model_complete.load();
  };
  EXPECT_FALSE(complete());
  tell(numbers_elsewhere{{{}, {shard_id{0}}}});
  EXPECT_FALSE(complete()) << "an earlier version, which does not say whether there are any";
  tell(numbers_elsewhere{{{}, {shard_id{0}}, sequence_t{7}}});
  EXPECT_FALSE(complete()) << "there are some, and they are on their way";
  tell(numbers_elsewhere{{{}, {shard_id{0}}, sequence_t{0}}});
  EXPECT_TRUE(complete());
}

TEST_F(availability_test, the_rounds_are_as_old_as_the_last_word_that_there_are_no_others) {
  know_a_round(1);
  shared_.rounds_applied = 7;
  now_ = unix_ms{5'000};
  tell(numbers_elsewhere{{{numbers(1, 5)}, {shard_id{0}}, sequence_t{7}}});
  EXPECT_EQ(as_of(), "1970-01-01T00:00:05");
  now_ = unix_ms{60'000};
  tell(numbers_elsewhere{{{}, {shard_id{0}}, sequence_t{9}}});
  EXPECT_EQ(as_of(), "1970-01-01T00:00:05") << "a pause, perhaps, which was not heard of";
  shared_.rounds_applied = 9;
  tell(numbers_elsewhere{{{}, {shard_id{0}}, sequence_t{9}}});
  now_ = unix_ms{61'000};
  EXPECT_EQ(as_of(), "1970-01-01T00:01:00");
}

TEST_F(availability_test, who_leads_the_rounds_says_so_when_it_has_read_them) {
  serve(true);
  shared_.rounds_led = false;
  shared_.rounds_applied = 7;
  (void)told();
  EXPECT_TRUE(nodes_.beats.empty());
  EXPECT_FALSE(shared_.read_model_complete);
  shared_.rounds_led = true;
  (void)told();
  EXPECT_EQ(nodes_.rounds, sequence_t{7});
  EXPECT_TRUE(shared_.read_model_complete);
}

struct completeness_test : availability_of_two_shards {
  completeness_test() { know_a_round_in_shard_1(); }
  bool complete_at(std::int64_t ms) {
    now_ = unix_ms{ms};
    tell(publish{});
    return shared_.read_model_complete;
  }
  // By a report of node 2 of that moment.
  void serves(std::uint16_t shard, bool serving, std::int64_t ms) {
    schema::node_report r;
    r.shards.push_back({shard_id{shard}, epoch_t{3}, sequence_t{9}, sequence_t{9}, serving, std::nullopt});
    shared_.told_reports.set(std::make_shared<const std::map<std::uint64_t, told_report>>(
        std::map<std::uint64_t, told_report>{{2, {std::move(r), unix_ms{ms}, 0}}}));
  }
};

// One shard without enough disks kept every front out that started again, for as long as it lacked them.
TEST_F(completeness_test, a_shard_that_nobody_serves_keeps_a_front_waiting_for_ten_seconds) {
  serves(1, false, 10'000);
  EXPECT_FALSE(complete_at(10'999)) << "it may be about to serve";
  EXPECT_TRUE(complete_at(11'000));
  EXPECT_TRUE(page().contains(R"("free":null)")) << page();
}

TEST_F(completeness_test, a_shard_whose_leader_was_not_heard_at_all_keeps_a_front_waiting_no_longer) {
  EXPECT_FALSE(complete_at(10'999));
  EXPECT_TRUE(complete_at(11'000));
}

TEST_F(completeness_test, a_shard_that_serves_is_waited_for) {
  serves(1, true, 60'000);
  EXPECT_FALSE(complete_at(60'100));
  tell(numbers_elsewhere{{{numbers(1, 5)}, {}}});
  EXPECT_TRUE(complete_at(60'200));
}

TEST_F(completeness_test, a_node_that_served_and_is_not_heard_any_more_is_not_waited_for) {
  serves(1, true, 60'000);
  EXPECT_FALSE(complete_at(64'999));
  EXPECT_TRUE(complete_at(65'000));
}

TEST_F(availability_of_two_shards, what_shows_a_round_is_no_newer_than_the_last_word_of_who_leads_the_rounds) {
  know_a_round_in_shard_1();
  now_ = unix_ms{5'000};
  tell(numbers_elsewhere{{{numbers(1, 5)}, {shard_id{1}}}});
  EXPECT_TRUE(page().contains(R"("as_of":null)")) << "nobody has said what state the round is in: " << page();
  EXPECT_FALSE(model_.fresh.get()->rounds.at(1).as_of);
  tell(numbers_elsewhere{{{}, {shard_id{0}}}});
  now_ = unix_ms{60'000};
  tell(numbers_elsewhere{{{}, {shard_id{1}}}});
  EXPECT_EQ(as_of(), "1970-01-01T00:00:05");
  EXPECT_EQ(model_.fresh.get()->rounds.at(1).as_of, unix_ms{5'000});
  tell(numbers_elsewhere{{{}, {shard_id{0}}}});
  now_ = unix_ms{61'000};
  EXPECT_EQ(as_of(), "1970-01-01T00:01:00");
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

// It may have been replaced long ago, and cannot know: it and the fronts on its side said *now* for ever.
TEST_F(availability_test, a_leader_that_nobody_follows_any_more_does_not_call_its_numbers_new) {
  know_a_round(1);
  now_ = unix_ms{5'000};
  serve(true);
  tell(group_numbers{numbers(1, 5)});
  EXPECT_EQ(as_of(), "1970-01-01T00:00:05");
  nodes_.beats.clear();
  now_ = unix_ms{60'000};
  EXPECT_EQ(as_of(), "1970-01-01T00:00:05");
  EXPECT_EQ(as_of("Kedah"), "1970-01-01T00:00:05");
  EXPECT_EQ(model_.fresh.get()->of_rounds, unix_ms{5'000});
  EXPECT_TRUE(nodes_.beats.empty()) << "nor do others";
  serve(true);
  now_ = unix_ms{61'000};
  EXPECT_EQ(as_of(), "1970-01-01T00:01:00");
  (void)told();
  EXPECT_TRUE(nodes_.beats.empty()) << "a second ago is not lately";
  serve(true);
  (void)told();
  EXPECT_FALSE(nodes_.beats.empty());
}

}  // namespace
}  // namespace janji::actors
