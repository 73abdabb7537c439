#include "web/map.hpp"

#include <gtest/gtest.h>

#include "web/pages.hpp"

namespace janji::web {
namespace {

TEST(map, three_centres_are_numbered_as_in_the_list_and_two_are_no_map) {
  std::vector<centre_item> centres(2);
  centres[0].latitude = 3.1;
  centres[0].longitude = 101.6;
  centres[1].latitude = 2.9;
  centres[1].longitude = 101.7;
  EXPECT_EQ(map_svg(centres), "");
  centres.push_back({});
  EXPECT_EQ(map_svg(centres), "");  // where it is is not known
  centres.push_back({.latitude = 5.4, .longitude = 100.3});
  const auto svg = map_svg(centres);
  EXPECT_NE(svg.find(">4</text>"), std::string::npos);
  EXPECT_EQ(svg.find(">3</text>"), std::string::npos);
  EXPECT_NE(svg.find("km</text>"), std::string::npos);
  EXPECT_EQ(svg.find("nan"), std::string::npos);
}

TEST(map, centres_at_one_point_are_drawn_all_the_same) {
  const std::vector<centre_item> centres(3, {.latitude = 3.1, .longitude = 101.6});
  const auto svg = map_svg(centres);
  EXPECT_NE(svg.find(">3</text>"), std::string::npos);
  EXPECT_EQ(svg.find("nan"), std::string::npos);
  EXPECT_EQ(svg.find("inf"), std::string::npos);
}

}  // namespace
}  // namespace janji::web
