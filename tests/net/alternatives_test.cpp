#include "net/alternatives.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "booking/booking_end.hpp"
#include "tests/net/catalogue_samples.hpp"

namespace janji::net {
namespace {

constexpr unix_ms now{1'000'000};
constexpr group_id a7{1}, a8{2}, b7{3}, b8{4}, b9{5}, c7{6}, c8{7}, c9{8};

// Free places of the sample round's groups, by window; what is not named is full.
alternatives::figures_ptr figures(std::initializer_list<std::pair<group_id, std::vector<std::uint32_t>>> free) {
  auto out = std::make_shared<std::vector<actors::group_figures>>();
  for (const auto& g : test::sample_round().groups) {
    actors::group_figures f{.group = g.id};
    for (const auto& w : g.windows)
      f.windows.push_back({.capacity = w.capacity, .booked = w.capacity});
    for (const auto& [id, places] : free)
      if (id == g.id)
        for (std::size_t w = 0; w < places.size(); ++w)
          f.windows[w].booked -= places[w];
    out->push_back(std::move(f));
  }
  return out;
}

// "A 2021-06-08 13:00 2", one a line.
std::string words(std::string_view json_text) {
  if (json_text.empty())
    return "none";
  std::string out;
  const auto list = boost::json::parse(boost::json::string_view(json_text.data(), json_text.size()));
  for (const auto& v : list.as_array()) {
    const auto& o = v.as_object();
    out += std::string(o.at("centre").as_string()) + " " + std::string(o.at("date").as_string()) + " " +
           std::string(o.at("window").as_string()) + " " + std::to_string(o.at("free").to_number<int>()) + "\n";
  }
  return out;
}

std::string near(const alternatives::figures_ptr& f, group_id full, std::size_t people = 1,
                 std::optional<window_index> window = window_index{0}) {
  alternatives a;
  return words(a.near(test::sample_catalogue(), f, now, full, window, people));
}

TEST(alternatives, what_is_over_is_not_offered_from_that_moment_on) {
  auto round = test::sample_round();
  say_ends(round);
  const auto end = round.groups[b7.value - 1].windows[0].book_until;
  const auto catalogue = test::catalogue_of(std::move(round));
  const auto free = figures({{b7, {1}}, {b9, {1}}});
  alternatives a;
  const auto told = [&](unix_ms moment) { return words(a.near(catalogue, free, now, a7, std::nullopt, 1, moment)); };
  EXPECT_EQ(told(unix_ms{end.value - 1}), "B 2021-06-07 09:00 1\nB 2021-06-09 09:00 1\n");
  EXPECT_EQ(told(end), "B 2021-06-09 09:00 1\n") << "at once, not when the numbers are old";
  EXPECT_EQ(told(unix_ms{end.value + 7 * 86'400'000}), "none");
}

TEST(alternatives, the_same_centre_comes_first_then_the_state_by_nearness_of_the_day) {
  EXPECT_EQ(near(figures({{a8, {0, 2}}, {b7, {1}}, {b9, {3}}}), a7), "A 2021-06-08 13:00 2\nB 2021-06-07 09:00 1\nB 2021-06-09 09:00 3\n");
}

TEST(alternatives, another_window_of_the_same_day_is_nearest) {
  EXPECT_EQ(near(figures({{a7, {0, 4}}, {a8, {1, 1}}}), a7), "A 2021-06-07 13:00 4\nA 2021-06-08 09:00 1\nA 2021-06-08 13:00 1\n");
}

TEST(alternatives, at_most_three_are_told) {
  EXPECT_EQ(near(figures({{a7, {1, 1}}, {a8, {1, 1}}, {b7, {1}}}), a8),
            "A 2021-06-08 13:00 1\nA 2021-06-07 09:00 1\nA 2021-06-07 13:00 1\n");
}

TEST(alternatives, another_state_is_no_alternative) {
  EXPECT_EQ(near(figures({{c7, {5}}, {c8, {5}}, {c9, {5}}}), b7), "none");
  EXPECT_EQ(near(figures({{c9, {5}}, {b8, {5}}}), c7), "C 2021-06-09 09:00 5\n");
}

TEST(alternatives, there_must_be_room_for_the_whole_party) {
  EXPECT_EQ(near(figures({{b7, {3}}, {b8, {4}}}), b9, 4), "B 2021-06-08 09:00 4\n");
  EXPECT_EQ(near(figures({{b7, {3}}}), b9, 4), "none");
}

// The numbers are up to a second old: they may still say that there is room where the citizen has just been told `full`.
TEST(alternatives, what_is_full_is_not_offered_whatever_the_numbers_say) {
  EXPECT_EQ(near(figures({{b7, {1}}, {b8, {1}}}), b8), "B 2021-06-07 09:00 1\n");
  EXPECT_EQ(near(figures({{a7, {1, 2}}}), a7, 1, window_index{0}), "A 2021-06-07 13:00 2\n");
  EXPECT_EQ(near(figures({{a7, {1, 2}}}), a7, 1, window_index{1}), "A 2021-06-07 09:00 1\n");
  EXPECT_EQ(near(figures({{a7, {1, 2}}}), a7, 1, std::nullopt), "none");
}

TEST(alternatives, a_group_that_no_round_has_gets_none) { EXPECT_EQ(near(figures({{b7, {3}}}), group_id{99}), "none"); }

TEST(alternatives, figures_of_groups_that_are_not_in_the_catalogue_yet_are_passed_over) {
  auto known = *figures({{b7, {3}}});
  known.push_back({.group = group_id{99}, .windows = {{.capacity = 5}}});
  EXPECT_EQ(near(std::make_shared<const std::vector<actors::group_figures>>(std::move(known)), b8), "B 2021-06-07 09:00 3\n");
}

TEST(alternatives, are_kept_for_a_second_and_then_made_anew) {
  alternatives a;
  const auto catalogue = test::sample_catalogue();
  EXPECT_EQ(words(a.near(catalogue, figures({{b7, {3}}}), now, b8, {}, 1)), "B 2021-06-07 09:00 3\n");
  const auto later = figures({{b9, {1}}});
  EXPECT_EQ(words(a.near(catalogue, later, unix_ms{now.value + 999}, b8, {}, 1)), "B 2021-06-07 09:00 3\n");
  EXPECT_EQ(words(a.near(catalogue, later, unix_ms{now.value + 1000}, b8, {}, 1)), "B 2021-06-09 09:00 1\n");
}

TEST(alternatives, of_another_catalogue_are_made_at_once) {
  alternatives a;
  EXPECT_EQ(words(a.near(test::sample_catalogue(), figures({{b7, {3}}}), now, b8, {}, 1)), "B 2021-06-07 09:00 3\n");
  EXPECT_EQ(words(a.near(test::sample_catalogue(), figures({{b9, {1}}}), now, b8, {}, 1)), "B 2021-06-09 09:00 1\n");
}

TEST(alternatives, parties_of_other_sizes_are_told_apart) {
  alternatives a;
  const auto catalogue = test::sample_catalogue();
  const auto f = figures({{b7, {1}}, {b9, {4}}});
  EXPECT_EQ(words(a.near(catalogue, f, now, b8, {}, 4)), "B 2021-06-09 09:00 4\n");
  EXPECT_EQ(words(a.near(catalogue, f, now, b8, {}, 1)), "B 2021-06-07 09:00 1\nB 2021-06-09 09:00 4\n");
}

}  // namespace
}  // namespace janji::net
