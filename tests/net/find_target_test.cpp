// Which slot group and window a booking means.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "net/booking_form.hpp"
#include "net/problem.hpp"
#include "tests/net/catalogue_samples.hpp"

namespace janji::net {
namespace {

using namespace std::chrono_literals;

std::string found(std::string_view centre, civil_date date, std::optional<std::uint16_t> minute) {
  const auto round = test::sample_entry();
  const auto t = find_target(round, centre, date, minute);
  if (!t)
    return std::string(name_of(t.error().code));
  return fmt::format("group {} window {}", t->group->id.value, t->window ? std::to_string(t->window->value) : "any");
}

TEST(find_target, a_window_is_found_by_when_it_opens) {
  EXPECT_EQ(found("A", 2021y / 6 / 7, 540), "group 1 window 0");
  EXPECT_EQ(found("A", 2021y / 6 / 7, 780), "group 1 window 1");
  EXPECT_EQ(found("A", 2021y / 6 / 7, 541), "unknown_window");
}

TEST(find_target, without_a_window_the_only_one_is_meant_or_any) {
  EXPECT_EQ(found("A", 2021y / 6 / 7, std::nullopt), "group 1 window any");
  EXPECT_EQ(found("B", 2021y / 6 / 7, std::nullopt), "group 3 window 0");
}

TEST(find_target, an_unknown_centre_and_a_day_without_appointments_are_told_apart) {
  EXPECT_EQ(found("Z", 2021y / 6 / 7, std::nullopt), "unknown_centre");
  EXPECT_EQ(found("a", 2021y / 6 / 7, std::nullopt), "unknown_centre");
  EXPECT_EQ(found("A", 2021y / 7 / 7, std::nullopt), "date_outside_round");
}

}  // namespace
}  // namespace janji::net
