// The read model of a cluster's node: whom it tells which numbers, between leaderships that move and links that fail.
#include "actors/availability.hpp"

#include "actors/context.hpp"
#include "tests/actors/one_actor_test.hpp"

namespace janji::actors {
namespace {

struct listening_nodes final : silent_nodes {
  struct said {
    std::uint32_t group;
    std::optional<std::uint64_t> only;
    friend bool operator==(const said&, const said&) = default;
  };
  std::set<std::uint64_t> tell_figures(const std::vector<group_figures>& figures, std::optional<std::uint64_t> only) override {
    for (const auto& f : figures)
      heard.push_back({f.group.value, only});
    return out_of_reach;
  }

  std::vector<said> heard;
  std::set<std::uint64_t> out_of_reach;
};

class availability_test : public one_actor_test {
protected:
  availability_test() : one_actor_test(nodes_) {
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
  using told_are = std::vector<listening_nodes::said>;

  listening_nodes nodes_;
  read_model model_;
  caf::actor availability_;
};

TEST_F(availability_test, all_are_told_once_what_changes_where_it_is_led) {
  tell(group_numbers{numbers(7, 5)});
  tell(numbers_elsewhere{{numbers(8, 5)}});
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
  tell(numbers_elsewhere{{numbers(7, 5)}});  // as committed before leadership moved here
  (void)told();
  tell(tell_numbers{3});
  EXPECT_EQ(told(), (told_are{{7, 3}})) << "else nobody tells node 3, and it is never ready";
}

TEST_F(availability_test, what_another_node_has_changed_is_told_by_that_node) {
  tell(group_numbers{numbers(7, 5)});
  (void)told();
  tell(numbers_elsewhere{{numbers(7, 6)}});
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

}  // namespace
}  // namespace janji::actors
