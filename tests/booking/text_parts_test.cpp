#include "booking/text_parts.hpp"

#include <gtest/gtest.h>

namespace janji {
namespace {

TEST(text_parts, a_list_is_taken_part_by_part) {
  std::string_view list = "a, b,,c";
  EXPECT_EQ(next_part(list, ','), "a");
  EXPECT_EQ(next_part(list, ','), " b");
  EXPECT_EQ(next_part(list, ','), "");
  EXPECT_EQ(list, "c");
  EXPECT_EQ(next_part(list, ','), "c");
  EXPECT_EQ(next_part(list, ','), "");
}

TEST(text_parts, only_spaces_and_tabs_are_trimmed) {
  EXPECT_EQ(trimmed(" \ta b\t "), "a b");
  EXPECT_EQ(trimmed("\r\n"), "\r\n");
  EXPECT_EQ(trimmed(" \t"), "");
}

TEST(text_parts, the_case_of_ascii_letters_alone_does_not_matter) {
  EXPECT_TRUE(same_word("GZip", "gziP"));
  EXPECT_FALSE(same_word("gzip", "gzi"));
  EXPECT_FALSE(same_word("@[`{", "`{@["));
  EXPECT_FALSE(same_word("\xc3\x84", "\xc3\xa4"));
}

TEST(text_parts, text_goes_into_addresses_encoded) {
  EXPECT_EQ(percent_encoded("W.P. Kuala/Lumpur?&é"), "W.P.%20Kuala%2FLumpur%3F%26%C3%A9");
  EXPECT_EQ(percent_encoded("a/b c", "/"), "a/b%20c");
  EXPECT_EQ(percent_encoded("-_.~09azAZ"), "-_.~09azAZ");
}

TEST(text_parts, a_text_is_cut_in_whole_characters) {
  EXPECT_EQ(cut("abc", 2), "ab");
  EXPECT_EQ(cut("abc", 9), "abc");
  EXPECT_EQ(cut("aé", 2), "a");
  EXPECT_EQ(cut("陈小明", 8), "陈小");
  EXPECT_EQ(cut("陈", 2), "");
}

TEST(text_parts, hexadecimal_digits_are_sixteen_and_their_capitals) {
  int known = 0;
  for (int c = -128; c < 128; ++c)
    known += hex_digit(static_cast<char>(c)) >= 0 ? 1 : 0;
  EXPECT_EQ(known, 22);
  EXPECT_EQ(hex_digit('a'), 10);
  EXPECT_EQ(hex_digit('F'), 15);
  EXPECT_EQ(hex_digit('0'), 0);
}

}  // namespace
}  // namespace janji
