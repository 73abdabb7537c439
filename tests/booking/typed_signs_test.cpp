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
