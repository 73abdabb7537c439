#include "web/language.hpp"

#include <gtest/gtest.h>

#include <string>

namespace janji::web {
namespace {

TEST(language, is_known_by_its_first_subtag_whatever_follows) {
  EXPECT_EQ(language_of("ms"), language::ms);
  EXPECT_EQ(language_of("EN"), language::en);
  EXPECT_EQ(language_of("en-GB"), language::en);
  EXPECT_EQ(language_of("zh-TW"), language::zh);
  EXPECT_EQ(language_of("zh-HK"), language::zh);
  EXPECT_EQ(language_of("zh_Hans_MY"), language::zh);
  EXPECT_EQ(language_of("ta-IN"), language::ta);
  for (const auto* none : {"", "-", "id", "zhx", "e", "english", "*"})
    EXPECT_FALSE(language_of(none)) << none;
}

TEST(language, a_reader_gets_what_they_prefer_of_ours) {
  EXPECT_EQ(preferred_language("fr, de;q=0.9, ta;q=0.3, en;q=0.2"), language::ta);
  EXPECT_EQ(preferred_language("en;q=0.2,zh-TW"), language::zh);
  EXPECT_EQ(preferred_language("  ms ; q=0.5 ,\ten-US;q=0.9"), language::en);
  EXPECT_EQ(preferred_language("ta;q=0, en;q=0.001"), language::en);
  EXPECT_EQ(preferred_language("en, ms"), language::en);  // of two alike the first
  EXPECT_FALSE(preferred_language("ta;q=0"));
  EXPECT_FALSE(preferred_language("fr, de"));
  EXPECT_FALSE(preferred_language(""));
}

TEST(language, a_header_of_ten_kilobytes_or_of_nonsense_is_read_within_bounds) {
  std::string many;
  while (many.size() < 10'000)
    many += "xx-YY;q=0.7,";
  EXPECT_FALSE(preferred_language(many + "en"));
  EXPECT_EQ(preferred_language("en," + many), language::en);
  for (const auto* wrong : {";;;,,,", "q=1", ";q=", "en;q=abc", "en;q=2", "en;;q=0.1;q=x", "\xff\xfe"})
    (void)preferred_language(wrong);
}

TEST(language, every_one_has_a_tag_that_leads_back_to_it) {
  for (const auto l : languages) {
    EXPECT_EQ(language_of(tag_of(l)), l);
    EXPECT_FALSE(name_of(l).empty());
  }
}

}  // namespace
}  // namespace janji::web
