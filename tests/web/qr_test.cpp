#include "web/qr.hpp"

#include <gtest/gtest.h>

namespace janji::web {
namespace {

// What ISO/IEC 18004 says of versions 13 and 15 with the least correction: 425 and 520 bytes.
TEST(qr, is_at_most_seventy_seven_modules_wide_and_four_hundred_characters_need_fewer) {
  EXPECT_EQ(qr_modules(std::string(400, 'a')), 69);
  EXPECT_EQ(qr_modules(std::string(520, 'a')), 77);
  EXPECT_EQ(qr_modules(std::string(521, 'a')), 0);
  EXPECT_EQ(qr_svg(std::string(521, 'a')), "");
}

TEST(qr, is_dark_on_light_with_its_border) {
  const auto svg = qr_svg("janji2.x");
  EXPECT_NE(svg.find("viewBox=\"0 0 29 29\""), std::string::npos) << "21 modules, and four on each side";
  EXPECT_NE(svg.find("fill=\"#fff\""), std::string::npos);
  EXPECT_NE(svg.find("stroke=\"#000\""), std::string::npos);
  EXPECT_NE(svg.find("M4 4.5h7m"), std::string::npos);  // the finder begins behind four modules
  EXPECT_EQ(svg.find("style"), std::string::npos);
}

}  // namespace
}  // namespace janji::web
