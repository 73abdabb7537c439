#include "web/postcodes.hpp"

#include <gtest/gtest.h>

#include <set>

#include "booking/states.hpp"

namespace janji::web {
namespace {

TEST(postcodes, five_digits_lead_to_a_state) {
  EXPECT_EQ(state_name(area_of_postcode("47500")->state), "Selangor");
  EXPECT_EQ(state_name(area_of_postcode(" 50480 ")->state), "W.P. Kuala Lumpur");
  EXPECT_EQ(state_name(area_of_postcode("11900")->state), "Pulau Pinang");
  EXPECT_EQ(area_of_postcode("49000")->digits, "49");
}

TEST(postcodes, what_is_none_is_none) {
  for (const auto* none : {"", "4750", "475000", "4750x", "99999", "00000", "-4750", "４７５００"})
    EXPECT_FALSE(area_of_postcode(none)) << none;
}

TEST(postcodes, every_state_has_one) {
  std::set<std::uint8_t> found;
  for (int i = 0; i < 100; ++i)
    if (const auto area = area_of_postcode((i < 10 ? "0" : "") + std::to_string(i) + "000"))
      found.insert(area->state);
  EXPECT_EQ(found.size(), 16U);
}

}  // namespace
}  // namespace janji::web
