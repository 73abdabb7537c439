#include "web/pages.hpp"

#include <gtest/gtest.h>
#include <zlib.h>

#include <set>

#include "tests/web/sample_pages.hpp"

namespace janji::web {
namespace {

const pages& all() {
  static const auto loaded = pages::load();
  EXPECT_TRUE(loaded) << (loaded ? "" : loaded.error());
  return **loaded;
}

std::size_t packed(std::string_view text) {
  auto size = ::compressBound(text.size());
  std::string out(size, '\0');
  ::compress2(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<const Bytef*>(text.data()), text.size(), 1);
  return size;
}

bool is_inside(std::string_view html, std::string_view what) { return html.find(what) != std::string_view::npos; }

TEST(pages, a_strangers_text_is_text_on_every_page_and_seen_as_typed) {
  for (const auto l : languages)
    for (const auto& s : sample_pages(all(), l)) {
      EXPECT_FALSE(is_inside(s.html, "<script>alert")) << s.name;
      EXPECT_FALSE(is_inside(s.html, "</textarea><b>")) << s.name;
      EXPECT_FALSE(is_inside(s.html, "<i>UKM")) << s.name;
      EXPECT_FALSE(is_inside(s.html, "<b>\"")) << s.name;
    }
  const auto mine = all().my_booking(sample_frame(language::en, "my-booking", "/my-booking"), {.bookings = {sample_booking(0)}});
  EXPECT_TRUE(is_inside(mine, escaped(awkward_name)));
}

TEST(pages, no_message_or_value_is_left_unfilled) {
  for (const auto l : languages)
    for (auto s : sample_pages(all(), l)) {
      for (std::size_t at = 0; (at = s.html.find(escaped(awkward_name))) != std::string::npos;)
        s.html.erase(at, escaped(awkward_name).size());
      const auto body = s.html.substr(s.html.find("<body"));
      for (const auto* left : {"[[", "]]", "{{", "}}", "{n}", "{time}", "{when}"})
        EXPECT_FALSE(is_inside(body, left)) << tag_of(l) << " " << s.name << ": " << left;
    }
}

TEST(pages, the_button_that_books_is_there_while_booking_is_open) {
  const check_model m{.place = sample_place(), .draft = "draft", .people = sample_people(1)};
  auto f = sample_frame(language::en, "check", "/book/at/WTCKL/2021-06-07/09:00/check");
  for (const auto kind : {round_kind::open, round_kind::not_open, round_kind::paused, round_kind::closed, round_kind::over}) {
    f.state = round_line{.kind = kind};
    const auto html = all().check(f, m);
    EXPECT_EQ(is_inside(html, "value=\"book\""), kind == round_kind::open);
    EXPECT_EQ(is_inside(html, "value=\"look\""), kind != round_kind::open);
  }
}

TEST(pages, a_page_that_answers_a_post_posts_its_language) {
  for (const auto l : languages) {
    auto f = sample_frame(l, "refused", "/book/at/WTCKL/2021-06-07/09:00/check");
    f.again = again_form{"/again", {{"code", "sealed"}, {"p1-name", awkward_name}}};
    for (const auto& html : {all().refused(f, {.heading = "no_booking_heading"}), all().pending(f, {.cause = "cause_busy"}),
                             all().changed(f, {}), all().my_booking(f, {}), all().text(f, "forgotten")}) {
      const auto form = html.find("action=\"/again\"");
      ASSERT_NE(form, std::string::npos);
      EXPECT_TRUE(is_inside(html.substr(form), "name=\"code\" value=\"sealed\""));
      EXPECT_TRUE(is_inside(html.substr(form), "value=\"" + escaped(awkward_name) + "\""));
      EXPECT_FALSE(is_inside(html, "hreflang")) << "a link would ask for the page by an address that it does not have";
      for (const auto other : languages)
        EXPECT_EQ(is_inside(html.substr(form), "name=\"lang\" value=\"" + std::string(tag_of(other)) + "\""), other != l);
    }
  }
}

TEST(pages, what_only_a_cookie_opens_is_offered_to_who_takes_them) {
  const auto f = sample_frame(language::en, "my-booking", "/my-booking");
  auto one = sample_booking(0);
  one.district = "Petaling";
  one.state = 10;
  EXPECT_TRUE(is_inside(all().my_booking(f, {.bookings = {one}}), "appointment.ics"));
  EXPECT_TRUE(is_inside(all().my_booking(f, {.bookings = {one}}), "Petaling, Selangor"));
  EXPECT_FALSE(is_inside(all().my_booking(f, {.bookings = {one}, .changeable = false}), "appointment.ics"));
}

TEST(pages, a_date_is_typed_with_digits) {
  const auto html = all().details(sample_frame(language::en, "details", "/"), {.place = sample_place(), .people = sample_people(1)});
  const auto birth = html.substr(html.find("id=\"p1-birth\""), 200);
  EXPECT_TRUE(is_inside(birth, "inputmode=\"numeric\""));
}

TEST(pages, nothing_stands_in_a_page_that_its_policy_forbids) {
  for (const auto& s : sample_pages(all(), language::ta)) {
    EXPECT_FALSE(is_inside(s.html, " style=")) << s.name;
    EXPECT_FALSE(is_inside(s.html, " onclick")) << s.name;
    EXPECT_FALSE(is_inside(s.html, "javascript:")) << s.name;
    EXPECT_FALSE(is_inside(s.html, "http://")) << s.name;
    EXPECT_FALSE(is_inside(s.html, "maxlength")) << s.name;
    EXPECT_FALSE(is_inside(s.html, "type=\"number\"")) << s.name;
  }
  EXPECT_FALSE(is_inside(all().policy(), "unsafe"));
  EXPECT_TRUE(is_inside(all().policy(), "style-src 'sha256-"));
}

TEST(pages, a_document_is_small_enough_for_a_slow_network) {
  for (const auto l : languages)
    for (const auto& s : sample_pages(all(), l)) {
      const bool has_code = s.name.starts_with("my-booking");  // a QR code for each person
      const bool plain = !has_code && (s.name.ends_with("-1") || s.name == "find" || s.name == "figures");
      EXPECT_LE(packed(s.html), plain ? 7'000U : 14'000U) << tag_of(l) << " " << s.name;
      EXPECT_LE(packed(s.html), 14'000U) << tag_of(l) << " " << s.name;  // one round trip
    }
}

TEST(pages, unknown_numbers_are_never_zero_and_never_full) {
  home_model home{.states = {{10, {}}}};
  const auto html = all().home(sample_frame(language::en, "home", "/"), home);
  EXPECT_TRUE(is_inside(html, "not known now"));
  EXPECT_TRUE(is_inside(html, "This is our fault, not a full centre."));
  EXPECT_FALSE(is_inside(html, ">full<"));
  EXPECT_FALSE(is_inside(html, ">0 free"));
}

TEST(pages, old_numbers_are_grey_without_scripts_too) {
  for (const std::int64_t age_ms : {0, 60'000}) {
    const numbers_age numbers{.as_of = unix_ms{sample_now.value - age_ms}, .poll = {}};
    const auto f = sample_frame(language::en, "x", "/");
    for (const auto& html :
         {all().home(f, {.numbers = numbers}), all().centres(f, {.numbers = numbers}), all().month(f, {.numbers = numbers}),
          all().times(f, {.numbers = numbers}), all().figures(f, {.numbers = numbers}), all().status(f, {.numbers = numbers})}) {
      EXPECT_EQ(is_inside(html, "<body data-page=\"x\" class=\"stale-numbers\">"), age_ms > 0);
      EXPECT_EQ(is_inside(html, ">These numbers are old"), age_ms > 0);
    }
  }
}

TEST(pages, a_day_without_appointments_says_so_to_who_cannot_see_that_it_is_empty) {
  const month_model month{.centre_name = "C", .centre = "C", .days = {{sample_day(7), {.free = 5}, 5}}, .base = "/b/"};
  for (const auto l : languages) {
    const auto html = all().month(sample_frame(l, "month", "/"), month);
    const auto said = "<span class=\"spoken\">" + all().all().say(l, "none_word") + "</span>";
    std::size_t days = 0;
    for (std::size_t at = 0; (at = html.find(said, at)) != std::string::npos; ++at)
      ++days;
    EXPECT_EQ(days, 29U) << tag_of(l) << ": of June, but the seventh";
  }
}

TEST(pages, a_full_or_past_day_is_no_link_and_an_unknown_one_is) {
  month_model month{.centre_name = "C",
                    .centre = "C",
                    .days = {{sample_day(7), {.free = 0}, 5},
                             {sample_day(8), {}, 5},
                             {sample_day(9), {.free = 3, .over = true}, 5},
                             {sample_day(10), {.free = 3}, 5},
                             {sample_day(11), {.free = 0, .closed = true}, 5},
                             {sample_day(12), {.free = 0, .singles = true}, 5}},
                    .base = "/b/"};
  const auto html = all().month(sample_frame(language::en, "month", "/"), month);
  for (const int chosen : {8, 10})
    EXPECT_TRUE(is_inside(html, "<a href=\"/b/" + format_date(sample_day(chosen)) + "\"")) << chosen;
  for (const int comes_free : {7, 11, 12})  // by the script
    EXPECT_TRUE(is_inside(html, "<span class=\"day\" data-href=\"/b/" + format_date(sample_day(comes_free)) + "\"")) << comes_free;
  EXPECT_FALSE(is_inside(html, "/b/2021-06-09")) << "what is over stays over";
  EXPECT_TRUE(is_inside(html, "<td class=\"closed\">"));
  EXPECT_TRUE(is_inside(html, "<td class=\"apart\">")) << "single places are not enough together, and that is not full";
}

TEST(pages, only_what_is_full_is_said_to_be_full) {
  const centre_item full{.code = "F", .name = "F", .state = 10, .at = {.free = 0}};
  for (const auto& [at, words] : {std::pair{availability{.free = 0}, ">full<"},
                                  {availability{.free = 3, .over = true}, ">over<"},
                                  {availability{.free = 0, .closed = true}, ">closed<"},
                                  {availability{.free = 0, .singles = true}, ">no 4 places together<"},
                                  {availability{}, ">not known now<"}}) {
    const centres_model m{.people = 4, .centres = {full, {.code = "X", .name = "X", .state = 10, .at = at}}, .query = "people=4"};
    const auto html = all().centres(sample_frame(language::en, "centres", "/book/in"), m);
    EXPECT_TRUE(is_inside(html, words)) << words;
    EXPECT_EQ(is_inside(html, "Every centre here is full"), std::string_view(words) == ">full<") << words;
  }
}

TEST(pages, of_centres_that_are_not_all_listed_it_is_said_and_searched) {
  const centres_model m{.centres = {{.code = "A", .name = "A", .state = 10}}, .centres_all = 130, .hidden = {{"people", "4"}}};
  const auto html = all().centres(sample_frame(language::en, "centres", "/book/in"), m);
  EXPECT_TRUE(is_inside(html, "These are the first 1 of 130 centres."));
  EXPECT_TRUE(is_inside(html, "<form method=\"get\" action=\"/book/in\""));
  EXPECT_TRUE(is_inside(html, "<input type=\"hidden\" name=\"people\" value=\"4\">"));
  const auto whole = all().centres(sample_frame(language::en, "centres", "/book/in"), {.centres = m.centres, .centres_all = 1});
  EXPECT_FALSE(is_inside(whole, "These are the first"));
  EXPECT_FALSE(is_inside(whole, "name=\"place\""));
}

TEST(pages, a_visit_whose_time_has_come_is_neither_moved_nor_cancelled) {
  auto attended = sample_booking(0);
  attended.attended = true;
  const auto html = all().my_booking(sample_frame(language::en, "my-booking", "/my-booking"), {.bookings = {attended}});
  EXPECT_TRUE(is_inside(html, "Its time has come: it can no longer be moved or cancelled here."));
  EXPECT_FALSE(is_inside(html, "before the day"));
  EXPECT_FALSE(is_inside(html, "/my-booking/cancel"));
  const auto both = all().my_booking(sample_frame(language::en, "my-booking", "/my-booking"), {.bookings = {attended, sample_booking(1)}});
  EXPECT_TRUE(is_inside(both, "/my-booking/cancel")) << "the other can be";
  EXPECT_TRUE(is_inside(both, "before the day"));
}

TEST(pages, an_error_begins_the_title_leads_the_page_and_is_named_by_its_field) {
  details_model details{.place = sample_place(), .draft = "d", .people = sample_people(1), .faults = {{"p1-name", "Please fill this in."}}};
  const auto html = all().details(sample_frame(language::en, "details", "/x"), details);
  EXPECT_TRUE(is_inside(html, "<title>Error: "));
  EXPECT_TRUE(is_inside(html, "<a href=\"#p1-name\">Name: Please fill this in.</a>"));
  details.people = sample_people(2);
  details.faults = {{"p2-name", "Please fill this in."}};
  EXPECT_TRUE(is_inside(all().details(sample_frame(language::en, "details", "/x"), details), ">Person 2, Name: Please fill this in.</a>"));
  EXPECT_TRUE(is_inside(html, "id=\"p1-name-error\""));
  EXPECT_TRUE(is_inside(html, "aria-describedby=\"p1-name-hint p1-name-error\" aria-invalid=\"true\""));
  EXPECT_LT(html.find("id=\"errors\""), html.find("<h1>"));
}

TEST(pages, enter_presses_the_main_button_and_keeping_stands_before_cancelling) {
  const auto details =
      all().details(sample_frame(language::en, "details", "/x"), {.place = sample_place(), .draft = "d", .people = sample_people(1)});
  EXPECT_LT(details.find("name=\"go\""), details.find("name=\"lang\""));
  const auto cancel =
      all().change(sample_frame(language::en, "change", "/my-booking/cancel"),
                   {.cancel = true, .people = {sample_booking(0)}, .chosen = {0}, .action = "/my-booking/cancel", .posts = true});
  EXPECT_LT(cancel.find("Keep the appointment"), cancel.find("Cancel this appointment"));
}

TEST(pages, the_language_links_keep_the_question_and_name_languages_in_themselves) {
  const auto html = all().centres(sample_frame(language::en, "centres", "/book/in/Selangor?people=4"), {});
  EXPECT_TRUE(is_inside(html, "href=\"/book/in/Selangor?people=4&amp;lang=ta\" lang=\"ta\""));
  EXPECT_TRUE(is_inside(html, "தமிழ்"));
  EXPECT_TRUE(is_inside(html, "<html lang=\"en\">"));
}

TEST(pages, what_to_bring_is_said_once_for_all_of_them) {
  const my_booking_model four{.bookings = {sample_booking(0), sample_booking(1), sample_booking(2), sample_booking(3)}};
  const auto html = all().my_booking(sample_frame(language::en, "my-booking", "/"), four);
  const auto& bring = all().all().say(language::en, "bring_text");
  EXPECT_TRUE(is_inside(html, bring));
  EXPECT_EQ(html.find(bring), html.rfind(bring));
}

TEST(pages, a_reference_is_spelt_with_words_for_its_odd_signs) {
  const auto html = all().my_booking(sample_frame(language::en, "my-booking", "/"), {.bookings = {sample_booking(0)}});
  EXPECT_TRUE(is_inside(html, "7 K 3 M 9 2 Q X 4 T 8 B star"));
}

TEST(pages, a_rehearsal_is_said_on_the_page_and_no_engine_shows_it) {
  auto f = sample_frame(language::en, "home", "/");
  f.indexed = f.rehearsal = true;
  const auto html = all().home(f, {});
  EXPECT_TRUE(is_inside(html, "Rehearsal. Nothing"));
  EXPECT_TRUE(is_inside(html, "noindex"));
}

TEST(pages, assets_are_named_by_their_content) {
  std::set<std::string> seen;
  for (const auto& a : assets()) {
    EXPECT_FALSE(a.content.empty()) << a.path;
    EXPECT_TRUE(seen.insert(a.path).second);
    EXPECT_LE(packed(a.content), 12'000U) << a.path;
  }
  EXPECT_GE(seen.size(), 2U) << "the script and the icon";
}

}  // namespace
}  // namespace janji::web
