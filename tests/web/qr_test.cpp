#include "web/qr.hpp"

#include <gtest/gtest.h>

namespace janji::web {
namespace {

TEST(qr, four_hundred_characters_fit_in_seventy_seven_modules) {
  EXPECT_GT(qr_modules(std::string(400, 'a')), 0);
  EXPECT_LE(qr_modules(std::string(400, 'a')), qr_modules_max);
  EXPECT_EQ(qr_modules(std::string(2000, 'a')), 0);
  EXPECT_EQ(qr_svg(std::string(2000, 'a')), "");
}

TEST(qr, is_dark_on_light_with_its_border) {
  const auto svg = qr_svg("janji2.x");
  EXPECT_NE(svg.find("fill=\"#fff\""), std::string::npos);
  EXPECT_NE(svg.find("fill=\"#000\""), std::string::npos);
  EXPECT_NE(svg.find("M4 4h7"), std::string::npos);  // the finder begins behind four modules
  EXPECT_EQ(svg.find("style"), std::string::npos);
}

}  // namespace
}  // namespace janji::web
