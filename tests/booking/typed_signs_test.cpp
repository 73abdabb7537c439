#include "booking/typed_signs.hpp"

#include <gtest/gtest.h>

namespace janji {
namespace {

TEST(typed_signs, blanks_dashes_and_marks_that_nobody_sees_are_nothing) {
  for (const auto* typed : {"9001 01-14 5678",
                            "900101\xe2\x80\x93"
                            "145678",
                            "\xe2\x80\x8e"
                            "900101145678\xe2\x80\x8f",
                            "\xd8\x9c"
                            "900101145678",
                            "900101\xe2\x81\xa0"
                            "145678",
                            "\xe2\x80\xaa"
                            "900101145678\xe2\x80\xac",
                            "\xe2\x81\xa6"
                            "900101145678\xe2\x81\xa9",
                            "900101\xe2\x80\x8c\xe2\x80\x8d"
                            "145678",
                            "\xef\xbb\xbf"
                            "900101145678\t",
                            "900101\xef\xbc\x8d"
                            "145678"})
    EXPECT_EQ(typed_signs(typed), "900101145678") << typed;
}

std::string as_utf8(char32_t c) {
  if (c < 0x80)
    return {static_cast<char>(c)};
  if (c < 0x800)
    return {static_cast<char>(0xC0 | c >> 6), static_cast<char>(0x80 | (c & 0x3F))};
  return {static_cast<char>(0xE0 | c >> 12), static_cast<char>(0x80 | (c >> 6 & 0x3F)), static_cast<char>(0x80 | (c & 0x3F))};
}

// Each of those that people paste between the parts of a number, or around it.
TEST(typed_signs, no_separator_that_is_pasted_counts) {
  std::u32string pasted =
      U"\t\n\r -\"'\u00a0\u00ab\u00ad\u00b7\u00bb\u061c\u1680\u180e\u2027\u202f\u2039\u203a\u2043\u205f\u2212\u2219\u22c5\u2e3a"
      U"\u2e3b\u3000\u30fb\ufe58\ufe63\ufeff\uff02\uff07\uff0d\uff0e";
  for (const auto& [first, last] :
       {std::pair{char32_t{0x2000}, char32_t{0x2015}}, {0x2018, 0x201f}, {0x202a, 0x202d}, {0x2060, 0x2064}, {0x2066, 0x2069}})
    for (auto c = first; c <= last; ++c)
      pasted.push_back(c);
  for (const auto c : pasted)
    EXPECT_EQ(typed_signs(as_utf8(c) + "900101" + as_utf8(c) + "14" + as_utf8(c) + as_utf8(c) + "5678" + as_utf8(c)), "900101145678")
        << std::hex << static_cast<unsigned>(c);
}

TEST(typed_signs, a_word_keeps_its_capitals_and_what_stands_within) {
  EXPECT_EQ(typed_word(""), "");
  EXPECT_EQ(typed_word(" \t\u3000\u200b"), "");
  EXPECT_EQ(typed_word("Pusat-1"), "Pusat-1");
  EXPECT_EQ(typed_word("\u00a0Pusat 1\t\n"), "Pusat 1");
  EXPECT_EQ(typed_word("\uff12\uff10\uff12\uff11\uff0d\uff10\uff16\u201107\r\n"), "2021-06-07");
  EXPECT_EQ(typed_word("\u200e0\u20609\uff1a00 "), "09:00");
  EXPECT_EQ(typed_word("\"09:00\""), "\"09:00\"");
  EXPECT_EQ(typed_word("caf\u00e9 \xff"), "caf\u00e9 \xff");
}

TEST(typed_signs, full_width_signs_are_the_usual_ones) {
  EXPECT_EQ(typed_signs("\xef\xbc\x99\xef\xbc\x90 \xef\xbd\x81\xef\xbc\xba"), "90AZ");
  EXPECT_EQ(typed_signs("\xef\xbc\x9d\xef\xbc\x84\xef\xbc\x8a\xef\xbd\x9e"), "=$*~");
}

TEST(typed_signs, what_is_no_sign_of_theirs_stays) {
  EXPECT_EQ(typed_signs("a\xc3\xa9\xe4\xb8\xad"
                        "b"),
            "A\xc3\xa9\xe4\xb8\xad"
            "B");
  EXPECT_EQ(typed_signs("\xef\xbc"), "\xef\xbc");
  EXPECT_EQ(typed_signs("\xef\xbc\x80"), "\xef\xbc\x80");
  EXPECT_EQ(typed_signs(""), "");
  EXPECT_EQ(typed_signs("1.2/3<", "./<"), "123");
}

}  // namespace
}  // namespace janji
