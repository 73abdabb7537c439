#include "web/form.hpp"

#include <gtest/gtest.h>

namespace janji::web {
namespace {

TEST(form, reads_what_browsers_send) {
  const auto f = form::read("p1-name=Siti+Nur%27Ain&p1-number=900101-14-5678&empty=&who=1&who=3");
  ASSERT_TRUE(f);
  EXPECT_EQ(f->get("p1-name"), "Siti Nur'Ain");
  EXPECT_EQ(f->get("p1-number"), "900101-14-5678");
  EXPECT_TRUE(f->has("empty"));
  EXPECT_EQ(f->get("absent"), "");
  EXPECT_EQ(f->all("who"), (std::vector<std::string_view>{"1", "3"}));
  EXPECT_TRUE(form::read(""));
  EXPECT_TRUE(form::read("&&a=b&"));
}

TEST(form, a_field_that_stands_twice_is_named) {
  const auto f = form::read("p1-name=a&p1-phone=1&p1-name=b");
  ASSERT_FALSE(f);
  EXPECT_EQ(f.error().what, form_fault::twice);
  EXPECT_EQ(f.error().field, "p1-name");
}

TEST(form, what_is_no_form_is_refused_and_what_can_be_named_is) {
  EXPECT_EQ(form::read("a=%G1").error().what, form_fault::bad_escape);
  EXPECT_EQ(form::read("a=%4").error().field, "a");
  EXPECT_EQ(form::read("p1-name=%ff%fe").error().what, form_fault::not_utf8);
  EXPECT_EQ(form::read("p1-name=%ed%a0%80").error().field, "p1-name");  // half of a surrogate pair
  EXPECT_EQ(form::read("%ff=1").error().field, "");
  std::string many;
  for (int i = 0; i < 200; ++i)
    many += "f" + std::to_string(i) + "=1&";
  EXPECT_EQ(form::read(many).error().what, form_fault::too_many_fields);
  EXPECT_EQ(form::read(std::string(limits::form_bytes_max + 1, 'a')).error().what, form_fault::not_a_form);
  EXPECT_LE(form::read(std::string(1000, 'x') + "=1&" + std::string(1000, 'x') + "=2").error().field.size(), 64U);
}

TEST(form, is_told_by_its_type) {
  EXPECT_TRUE(is_form("application/x-www-form-urlencoded"));
  EXPECT_TRUE(is_form("Application/X-WWW-Form-Urlencoded; charset=UTF-8"));
  EXPECT_TRUE(is_form(""));
  EXPECT_FALSE(is_form("multipart/form-data; boundary=x"));
  EXPECT_FALSE(is_form("application/json"));
}

TEST(form, cookies_are_found_by_their_whole_name) {
  constexpr std::string_view header = "janji_lang=ta; xjanji_form=no;janji_form=abc==; a";
  EXPECT_EQ(cookie(header, "janji_lang"), "ta");
  EXPECT_EQ(cookie(header, "janji_form"), "abc==");
  EXPECT_FALSE(cookie(header, "a"));
  EXPECT_FALSE(cookie("", "janji_form"));
  std::string many;
  for (int i = 0; i < 200; ++i)
    many += "c=1; ";
  EXPECT_FALSE(cookie(many + "janji_form=x", "janji_form"));
}

TEST(form, a_cookie_is_written_lax_and_out_of_reach_of_scripts) {
  EXPECT_EQ(to_text({.name = "a", .value = "b", .max_age_s = 5}), "a=b; Path=/; SameSite=Lax; Max-Age=5; HttpOnly");
  EXPECT_EQ(to_text({.name = "a", .value = "", .path = "/x", .max_age_s = -1, .http_only = false, .secure = true}),
            "a=; Path=/x; SameSite=Lax; Secure");
}

}  // namespace
}  // namespace janji::web
