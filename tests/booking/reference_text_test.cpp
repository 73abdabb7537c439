#include "booking/reference_text.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

namespace janji {
namespace {

constexpr std::string_view readable = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr std::string_view checks = "0123456789ABCDEFGHJKMNPQRSTVWXYZ*~$=U";

class reference_text : public ::testing::Test {
protected:
  reference draw() { return reference{random_() >> 4}; }
  const std::uint64_t seed_ = std::random_device{}();
  std::mt19937_64 random_{seed_};
  ::testing::ScopedTrace trace_{__FILE__, __LINE__, "seed " + std::to_string(seed_)};
};

TEST_F(reference_text, stands_in_three_groups_of_four_and_a_check_character) {
  EXPECT_EQ(to_text(reference{0}), "0000-0000-0000-0");
  EXPECT_EQ(to_text(reference{(std::uint64_t{1} << 60) - 1}).substr(0, 15), "ZZZZ-ZZZZ-ZZZZ-");
  EXPECT_EQ(to_text(reference{32}), "0000-0000-0010-*");
}

TEST_F(reference_text, every_reference_reads_back) {
  for (int i = 0; i < 100'000; ++i) {
    const auto ref = draw();
    ASSERT_EQ(reference_from_text(to_text(ref)), ref) << to_text(ref);
  }
}

TEST_F(reference_text, reads_back_as_people_type_it) {
  for (int i = 0; i < 10'000; ++i) {
    const auto ref = draw();
    std::string typed;
    for (char c : to_text(ref)) {
      if (c == '-' && random_() % 2 == 0)
        continue;
      if (c == '1')
        c = "1IiLl"[random_() % 5];
      else if (c == '0')
        c = "0Oo"[random_() % 3];
      else if (c >= 'A' && c <= 'Z' && random_() % 2 == 0)
        c = static_cast<char>(c - 'A' + 'a');
      typed += c;
      if (random_() % 4 == 0)
        typed += ' ';
    }
    ASSERT_EQ(reference_from_text(typed), ref) << typed;
  }
}

// All of them at one reference: 12 places of 31 other characters and 36 other check characters.
TEST_F(reference_text, no_wrong_character_goes_unnoticed) {
  for (int i = 0; i < 500; ++i) {
    const auto text = to_text(draw());
    for (std::size_t at = 0; at < text.size(); ++at) {
      if (text[at] == '-')
        continue;
      for (const char c : at + 1 == text.size() ? checks : readable) {
        auto wrong = text;
        wrong[at] = c;
        ASSERT_EQ(reference_from_text(wrong).has_value(), c == text[at]) << text << " read as " << wrong;
      }
    }
  }
}

TEST_F(reference_text, no_swap_of_neighbours_goes_unnoticed) {
  for (int i = 0; i < 20'000; ++i) {
    auto text = to_text(draw());
    std::erase(text, '-');
    for (std::size_t at = 0; at + 1 < text.size(); ++at) {
      auto wrong = text;
      std::swap(wrong[at], wrong[at + 1]);
      ASSERT_EQ(reference_from_text(wrong).has_value(), wrong == text) << text << " read as " << wrong;
    }
  }
}

// What the two tests above draw at random, for every pair of characters at every place.
TEST_F(reference_text, no_pair_of_neighbours_can_be_swapped_unnoticed) {
  for (int place = 0; place < 11; ++place)
    for (std::uint64_t a = 0; a < 32; ++a)
      for (std::uint64_t b = 0; b < 32; ++b) {
        const auto high = 5 * (place + 1);
        auto text = to_text(reference{a << high | b << (5 * place)});
        std::erase(text, '-');
        const auto at = static_cast<std::size_t>(10 - place);
        std::swap(text[at], text[at + 1]);
        ASSERT_EQ(reference_from_text(text).has_value(), a == b) << text;
      }
}

TEST_F(reference_text, what_is_no_reference_is_refused) {
  for (const auto* text : {"", "-", "0000-0000-0000", "0000-0000-0000-00", "0000-0000-000U-0", "0000_0000_0000_0",
                           "0000-0000-0000-\xc3\xa9", "0000-0000-00*0-0"})
    EXPECT_FALSE(reference_from_text(text)) << text;
  EXPECT_FALSE(reference_from_text(std::string(100, ' ') + "0000-0000-0000-0"));
}

TEST_F(reference_text, any_bytes_are_read_without_harm) {
  for (int i = 0; i < 50'000; ++i) {
    std::string text(random_() % 20, '\0');
    std::ranges::generate(text, [&] { return static_cast<char>(random_()); });
    ASSERT_LT(reference_from_text(text).value_or(reference{}).value, std::uint64_t{1} << 60);
  }
}

}  // namespace
}  // namespace janji
