#include "web/sealed_box.hpp"

#include <gtest/gtest.h>

#include <set>

namespace janji::web {
namespace {

secret_key key(std::uint8_t fill) {
  secret_key k;
  k.fill(fill);
  return k;
}

TEST(sealed_box, opens_what_it_sealed_and_nothing_else) {
  const sealed_box box({key(1)});
  const std::string text = "a citizen's form";
  const auto sealed = box.seal("form", text);
  EXPECT_EQ(box.open("form", sealed), text);
  EXPECT_FALSE(box.open("bookings", sealed));
  EXPECT_FALSE(sealed_box({key(2)}).open("form", sealed));
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    auto changed = sealed;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_NE(box.open("form", changed), text) << i;
    EXPECT_FALSE(box.open("form", sealed.substr(0, i))) << i;
  }
  for (const auto* wrong : {"", "=", "abc", "janji", "%%%"})
    EXPECT_FALSE(box.open("form", wrong));
  EXPECT_FALSE(box.open("form", std::string(100'000, 'A')));
}

TEST(sealed_box, after_a_rotation_old_texts_still_open) {
  const auto sealed = sealed_box({key(1)}).seal("form", "x");
  EXPECT_EQ(sealed_box({key(2), key(1)}).open("form", sealed), "x");
  const auto token = sealed_box({key(1)}).form_token("browser");
  EXPECT_TRUE(sealed_box({key(2), key(1)}).is_form_token("browser", token));
}

TEST(sealed_box, four_people_with_tamil_names_fit_into_a_cookie) {
  std::string form;
  for (int i = 0; i < 4; ++i)
    form += "கலைச்செல்வி கந்தசாமி 900101-14-567" + std::to_string(i) + " 012-345 678" + std::to_string(i) + " Selangor kalai@example.org ";
  EXPECT_LE(sealed_box({key(1)}).seal("form", form).size(), limits::cookie_value_bytes_max);
}

TEST(sealed_box, a_small_text_does_not_become_a_huge_one) {
  const sealed_box box({key(1)});
  EXPECT_FALSE(box.open("form", box.seal("form", std::string(1'000'000, 'a'))));
}

TEST(sealed_box, a_form_token_is_of_one_browser_and_never_written_the_same) {
  const sealed_box box({key(1)});
  std::set<std::string> seen;
  for (int i = 0; i < 20; ++i) {
    const auto token = box.form_token("browser a");
    EXPECT_TRUE(box.is_form_token("browser a", token));
    EXPECT_FALSE(box.is_form_token("browser b", token));
    EXPECT_FALSE(box.is_form_token("", token));
    EXPECT_TRUE(seen.insert(token).second);
  }
  for (const auto* wrong : {"", "v1.", "v1.AAAA", "v2.AAAA", "janji"})
    EXPECT_FALSE(box.is_form_token("browser a", wrong));
}

TEST(sealed_box, a_key_is_the_same_for_the_same_choice_and_another_for_any_other) {
  const sealed_box box({key(1)});
  const auto one = box.key_for("book", {"draft", "WTCKL", "2021-06-07", "09:00"});
  EXPECT_EQ(one, box.key_for("book", {"draft", "WTCKL", "2021-06-07", "09:00"}));
  EXPECT_GE(one.size(), 22U);
  EXPECT_NE(one, box.key_for("book", {"draft", "WTCKL", "2021-06-07", "10:00"}));
  EXPECT_NE(one, box.key_for("book", {"draftW", "TCKL", "2021-06-07", "09:00"}));
  EXPECT_NE(one, box.key_for("move", {"draft", "WTCKL", "2021-06-07", "09:00"}));
}

}  // namespace
}  // namespace janji::web
