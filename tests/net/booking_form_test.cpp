#include "net/booking_form.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "booking/text_length.hpp"
#include "net/listener.hpp"
#include "tests/net/booking_bodies.hpp"

namespace janji::net {
namespace {

using namespace test;

std::string booking(std::string_view body) { return told(read_booking(body, today)); }
std::string move(std::string_view body) { return told(read_move(body)); }

// ---- what is read

TEST(booking_form, everything_a_citizen_can_say_is_read) {
  const auto form = read_booking(
      R"({"round":"r1","centre":"A","date":"2021-06-07","window":"09:30","people":[
          {"identity":{"type":"passport","number":"a 123-4567","country":"idn"},"name":"Siti","phone":"+60123456789",
           "email":"siti@example.org","birth_date":"1980-02-29","state":"KL","notes":"wheelchair\nramp"}]})",
      today);
  ASSERT_TRUE(form) << told(form);
  EXPECT_EQ(form->round, "r1");
  EXPECT_EQ(form->centre, "A");
  EXPECT_EQ(form->date, civil_date{2021y / 6 / 7});
  EXPECT_EQ(form->window_minute, 570);
  ASSERT_EQ(form->people.size(), 1U);
  const auto& p = form->people[0];
  EXPECT_EQ(p.who.canonical, "passport:IDN:A1234567");
  EXPECT_EQ(p.birth, civil_date{1980y / 2 / 29});
  EXPECT_EQ(p.record.name, "Siti");
  EXPECT_EQ(p.record.phone, "+60123456789");
  EXPECT_EQ(p.record.email, "siti@example.org");
  EXPECT_EQ(p.record.birth_date, "1980-02-29");
  EXPECT_EQ(p.record.notes, "wheelchair\nramp");
  EXPECT_EQ(p.state, 14);
}

TEST(booking_form, round_window_and_contact_may_be_left_out) {
  const auto form = read_booking(with_people(adult), today);
  ASSERT_TRUE(form) << told(form);
  EXPECT_EQ(form->round, "");
  EXPECT_FALSE(form->window_minute);
  EXPECT_EQ(form->people[0].birth, civil_date{1990y / 1 / 1}) << "told by the identity number";
  EXPECT_EQ(form->people[0].state, 0);
}

TEST(booking_form, null_counts_as_left_out) {
  EXPECT_EQ(booking(with_member(R"("phone":null,"email":null,"birth_date":null,"state":null,"notes":null)")), "good");
  EXPECT_EQ(booking(with_people(adult, R"("round":null,"window":null,)")), "good");
}

// ---- not JSON

TEST(booking_form, what_is_no_json_is_malformed) {
  for (const auto* body : {"", " ", "{", "{}}", "{} {}", "{\"centre\":}", "{'centre':'A'}", "[1", "{\"a\":01}", "{\"a\":1,}", "nul",
                           "{\"a\":\"\x01\"}", "// x\n{}", "{\"a\":NaN}"})
    EXPECT_EQ(booking(body), "malformed_json") << body;
}

TEST(booking_form, json_that_is_no_object_is_malformed) {
  for (const auto* body : {"[]", "null", "1", "\"x\"", "true"})
    EXPECT_EQ(booking(body), "malformed_json") << body;
}

TEST(booking_form, invalid_utf8_is_malformed) {
  for (const auto* bytes : {"\xff", "\xc3", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82"})
    EXPECT_EQ(booking(with_member(fmt::format(R"("notes":"{}")", bytes))), "malformed_json");
}

TEST(booking_form, half_a_surrogate_pair_is_malformed) {
  EXPECT_EQ(booking(with_member(R"("notes":"\ud800")")), "malformed_json");
  EXPECT_EQ(booking(with_member(R"("notes":"\udc00x")")), "malformed_json");
  EXPECT_EQ(booking(with_member(R"("notes":"\ud83d\ude00")")), "good");
}

TEST(booking_form, deep_nesting_is_malformed_however_deep) {
  for (const std::size_t depth : {9U, 100U, 16'000U}) {
    std::string body = R"({"notes":)";
    body.append(depth, '[').append(depth, ']').append("}");
    EXPECT_EQ(booking(body), "malformed_json") << depth;
  }
}

// Boost.JSON keeps the last of two: then a proxy that reads the first would have seen another booking.
TEST(booking_form, a_member_that_stands_twice_is_malformed) {
  EXPECT_EQ(booking(with_people(adult, R"("centre":"B",)")), "malformed_json");
  EXPECT_EQ(booking(with_member(R"("name":"Siti")")), "malformed_json");
  EXPECT_EQ(booking(with_member(R"("n\u0061me":"Siti")")), "malformed_json");
  EXPECT_EQ(booking(with_identity(R"({"type":"mykad","number":"900101-14-5678","number":"900101-14-5679"})")), "malformed_json");
  EXPECT_EQ(move(R"({"centre":"A","date":"2021-06-07","date":"2021-06-08"})"), "malformed_json");
}

// ---- fields

TEST(booking_form, an_empty_object_misses_all_that_is_needed) {
  EXPECT_EQ(booking("{}"), "invalid\ncentre missing\ndate missing\npeople missing");
  EXPECT_EQ(booking(with_people("{}")), "invalid\npeople[0].identity missing\npeople[0].name missing");
}

TEST(booking_form, every_wrong_field_is_told_at_once) {
  EXPECT_EQ(booking(R"({"centre":1,"date":"2021-13-01","window":"25:00","people":[{"identity":{},"name":""}]})"),
            "invalid\ncentre not_text\ndate bad_date\nwindow bad_time\npeople[0].identity.type missing\n"
            "people[0].identity.number missing\npeople[0].name missing");
}

TEST(booking_form, unknown_fields_are_told_where_they_stand) {
  EXPECT_EQ(booking(with_people(adult, R"("hall":"1",)")), "invalid\nhall unknown_field");
  EXPECT_EQ(booking(with_member(R"("age":31)")), "invalid\npeople[0].age unknown_field");
  EXPECT_EQ(booking(with_identity(R"({"type":"mykad","number":"900101-14-5678","colour":"blue"})")),
            "invalid\npeople[0].identity.colour unknown_field");
  EXPECT_EQ(booking(with_people(adult, R"("Centre":"A",)")), "invalid\nCentre unknown_field");
}

// A body of 32 kB must not become an answer of half a megabyte.
TEST(booking_form, of_very_many_wrong_fields_only_some_are_told) {
  std::string more;
  for (int i = 0; i < 3000; ++i)
    more += fmt::format("\"f{}\":1,", i);
  const auto form = read_booking(with_people(adult, more), today);
  ASSERT_FALSE(form);
  EXPECT_EQ(form.error().code, problem_code::invalid);
  EXPECT_EQ(form.error().fields.size(), 32U);
  EXPECT_LT(to_response(form.error()).body.size(), 8'000U);
}

TEST(booking_form, a_long_name_of_an_unknown_field_is_cut) {
  const auto form = read_booking(with_people(adult, fmt::format("\"{}\":1,", std::string(30'000, 'x'))), today);
  ASSERT_FALSE(form);
  EXPECT_LT(to_response(form.error()).body.size(), 1'000U);
}

TEST(booking_form, fields_of_another_kind_than_text_are_told) {
  for (const auto* name : {"phone", "email", "birth_date", "state", "notes"})
    for (const auto* value : {"1", "true", "[]", "{}", "1.5"})
      EXPECT_EQ(booking(with_member(fmt::format("\"{}\":{}", name, value))), fmt::format("invalid\npeople[0].{} not_text", name));
  EXPECT_EQ(booking(with_people(adult, R"("round":7,)")), "invalid\nround not_text");
}

TEST(booking_form, a_text_may_be_as_long_as_its_limit_and_no_longer) {
  for (const std::string_view letter : {"x", "é", "க", "𠀀"}) {
    const auto letters = [&](std::size_t n) {
      std::string out;
      while (n-- != 0)
        out += letter;
      return out;
    };
    for (const auto& [name, most] : {std::pair{"phone", 32U}, {"email", 200U}, {"notes", 500U}}) {
      EXPECT_EQ(booking(with_member(fmt::format(R"("{}":"{}")", name, letters(most)))), "good") << name << letter;
      EXPECT_EQ(booking(with_member(fmt::format(R"("{}":"{}")", name, letters(most + 1)))),
                fmt::format("invalid\npeople[0].{} too_long", name))
          << letter;
    }
    const auto named = [&](std::size_t n) {
      return booking(with_people(fmt::format(R"({{"identity":{{"type":"mykad","number":"900101-14-5678"}},"name":"{}"}})", letters(n))));
    };
    EXPECT_EQ(named(200), "good") << letter;
    EXPECT_EQ(named(201), "invalid\npeople[0].name too_long") << letter;
  }
}

TEST(booking_form, who_writes_too_much_is_told_how_much_and_the_limit) {
  std::string notes;
  for (int i = 0; i < 501; ++i)
    notes += "க";
  const auto form = read_booking(with_member(fmt::format(R"("notes":"{}")", notes)), today);
  ASSERT_FALSE(form);
  ASSERT_EQ(form.error().fields.size(), 1U);
  EXPECT_EQ(form.error().fields[0].because.arguments, (std::vector<argument>{{"length", 501}, {"limit", 500}}));
  EXPECT_EQ(form.error().fields[0].detail(), "This field has 501 characters; at most 500 are allowed.");
  const auto number = read_booking(with_identity(fmt::format(R"({{"type":"mykad","number":"{}"}})", std::string(65, '1'))), today);
  ASSERT_FALSE(number);
  EXPECT_EQ(told(number), "invalid\npeople[0].identity.number too_long");
}

// As large as the limits of a person's text permit, in the widest characters, however they are typed.
std::string widest_person(int serial) {
  const auto letters = [](std::string_view letter, std::size_t n) {
    std::string out;
    while (n-- != 0)
      out += letter;
    return out;
  };
  const auto spaces = [&](std::string_view what, std::size_t characters) {
    return std::string(what) + letters("　", characters - text_length(what));
  };
  return fmt::format(
      R"({{"identity":{{"type":"{}","number":"{}","country":"{}","mykad":"{}"}},"name":"{}","phone":"{}","email":"{}","birth_date":"1990-01-01","state":"{}","notes":"{}"}})",
      spaces("ｐａｓｓｐｏｒｔ", 64), spaces(fmt::format("Ａ１２３４５６７{}", serial), 64), spaces("ＭＹＳ", 64),
      spaces(fmt::format("９００１０１１４５６７{}", serial), 64), letters("𠀀", 200), letters("𠀀", 32), letters("𠀀", 200),
      "Kuala Lumpur", letters("𠀀", 500));
}
std::string widest_party() {
  std::string people;
  for (int i = 0; i < 4; ++i)
    people += (i == 0 ? "" : ",") + widest_person(i);
  return people;
}

TEST(booking_form, the_largest_party_that_the_limits_permit_fits_into_a_body_and_each_record_into_its_place) {
  const auto body = with_people(widest_party());
  EXPECT_LE(body.size(), http_limits{}.body_bytes_max);
  EXPECT_GT(body.size(), 15'000U) << "or this tests little";
  const auto form = read_booking(body, today);
  ASSERT_TRUE(form) << told(form);
  ASSERT_EQ(form->people.size(), 4U);
  for (const auto& p : form->people) {
    EXPECT_EQ(text_length(p.record.name), 200U);
    EXPECT_EQ(text_length(p.record.notes), 500U);
    const auto bytes = schema::encode(p.record);
    EXPECT_LE(bytes.size(), janji::limits::person_bytes_max + janji::limits::person_framing_bytes_max - 128)
        << "padding and seal come on top";
    EXPECT_EQ(schema::decode_personal_record(bytes), p.record);
  }
}

// Preflight reckons with it.
TEST(booking_form, no_record_is_larger_than_the_largest) {
  const auto form = read_booking(with_people(widest_person(0)), today);
  ASSERT_TRUE(form) << told(form);
  const auto bytes = schema::encode(form->people[0].record).size();
  const auto most = schema::encode(largest_record()).size();
  EXPECT_LE(bytes, most);
  EXPECT_LT(most - bytes, 256U) << "a text may be longer than is reckoned with: its limit belongs into largest_record()";
}

// They would look like nothing where staff read the name, and could forge a line in a list.
TEST(booking_form, control_characters_are_refused) {
  for (const auto* name : {"phone", "email"})
    for (const auto* text : {R"(a\u0000b)", R"(a\u001fb)", R"(a\nb)", R"(a\u007fb)"})
      EXPECT_EQ(booking(with_member(fmt::format(R"("{}":"{}")", name, text))),
                fmt::format("invalid\npeople[0].{} control_character", name));
  EXPECT_EQ(booking(with_member(R"("notes":"one\r\n\ttwo")")), "good") << "notes have lines";
  EXPECT_EQ(booking(with_member(R"("notes":"a\u001fb")")), "invalid\npeople[0].notes control_character");
  const auto form = read_booking(with_member(R"("notes":"க\u007fb")"), today);
  ASSERT_FALSE(form);
  EXPECT_EQ(form.error().fields[0].because.arguments, (std::vector<argument>{{"position", 2}, {"character", "U+007F"}})) << "where to look";
}

TEST(booking_form, texts_that_nobody_could_read_are_refused_with_their_own_codes) {
  for (const auto* name : {"phone", "email", "state", "notes"})
    for (const auto& [text, code] : {std::pair{R"(a\u0085b)", "control_character"},
                                     {R"(a\u009fb)", "control_character"},
                                     {R"(a\u2028b)", "line_separator"},
                                     {R"(\u2029)", "line_separator"},
                                     {R"(a\u202eb)", "direction_control"},
                                     {R"(\u2066ab)", "direction_control"},
                                     {R"(a\uffffb)", "no_character"},
                                     {R"(a\ufdd0)", "no_character"},
                                     {R"(\udbff\udffe)", "no_character"},
                                     {R"(x\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301)", "too_many_marks"}})
      EXPECT_EQ(booking(with_member(fmt::format(R"("{}":"{}")", name, text))), fmt::format("invalid\npeople[0].{} {}", name, code)) << text;
  for (const auto* text : {R"(Siti\u0085)", R"(\u2028)", R"(\u202eSiti)"})
    EXPECT_NE(booking(with_people(fmt::format(R"({{"identity":{{"type":"mykad","number":"900101-14-5678"}},"name":"{}"}})", text))), "good")
        << text;
  EXPECT_EQ(booking(fmt::format(R"({{"centre":"A\u0085","date":"2021-06-07","people":[{}]}})", adult)),
            "invalid\ncentre control_character");
  EXPECT_EQ(booking(with_identity(R"({"type":"mykad","number":"900101-14-5678\u2028"})")),
            "invalid\npeople[0].identity.number line_separator");
}

TEST(booking_form, a_name_of_nothing_that_can_be_seen_is_missing) {
  for (const auto* text :
       {"", " ", R"(\t\n)", R"(\u00a0\u3000)", R"(\u200b\u200d\ufeff)", R"(\u3164)", R"(\u2800)", R"(\u0301)", R"(\u00ad \u115f)"})
    EXPECT_EQ(booking(with_people(fmt::format(R"({{"identity":{{"type":"mykad","number":"900101-14-5678"}},"name":"{}"}})", text))),
              "invalid\npeople[0].name missing")
        << text;
}

TEST(booking_form, names_are_kept_in_one_form_and_blanks_that_need_not_be_there_are_none) {
  const auto form = read_booking(
      with_people(
          R"({"identity":{"type":"mykad","number":"900101-14-5678"},"name":" Jose\u0301 a/l D\u2019Cruz\u00a0","phone":"\u200b ","notes":" one\r\ntwo \n"})"),
      today);
  ASSERT_TRUE(form) << told(form);
  EXPECT_EQ(form->people[0].record.name, "Jos\u00e9 a/l D\u2019Cruz");
  EXPECT_EQ(form->people[0].record.phone, "");
  EXPECT_EQ(form->people[0].record.notes, "one\ntwo");
  const auto again = read_booking(
      with_people(R"({"identity":{"type":"mykad","number":"900101-14-5678"},"name":"Jos\u00e9 a/l D\u2019Cruz","notes":"one\ntwo"})"),
      today);
  EXPECT_EQ(canonical(*form), canonical(*again)) << "asked again from another keyboard it is the same booking";
}

TEST(booking_form, a_text_that_grows_beyond_its_limit_in_its_usual_form_is_too_long) {
  std::string notes;
  for (int i = 0; i < 200; ++i)
    notes += R"(\ud834\udd60)";  // one character that is three in its usual form
  EXPECT_EQ(booking(with_member(fmt::format(R"("notes":"{}")", notes))), "invalid\npeople[0].notes too_long");
}

TEST(booking_form, dates_and_times_are_read_strictly) {
  for (const auto* date : {"2021-6-7", "2021-06-31", "07-06-2021", "2021-06-07T00:00", "2021 -06-07", "20210607", "2021/06/07"})
    EXPECT_EQ(booking(fmt::format(R"({{"centre":"A","date":"{}","people":[{}]}})", date, adult)), "invalid\ndate bad_date") << date;
  for (const auto* time : {"9:00", "09:60", "09.00", "0900", "09:00:00", "-1:00"})
    EXPECT_EQ(booking(with_people(adult, fmt::format(R"("window":"{}",)", time))), "invalid\nwindow bad_time") << time;
}

// Out of a table, a chat or another keyboard: what is meant is certain.
TEST(booking_form, blanks_around_a_code_a_date_and_a_time_do_not_count_and_their_signs_may_be_pasted) {
  const auto form = read_booking(
      R"({"round":" r1\u00a0","centre":"\tA ","date":" 2021\u201106\u201107\r\n","window":"\u3000\uff10\uff19\uff1a\uff13\uff10","people":[
          {"identity":{"type":"army","number":"\u201cT 12\u00b734\u2005567\u201d"},"name":"N","birth_date":"\t\uff11\uff19\uff18\uff10-01-31\n"}]})",
      today);
  const auto usual = read_booking(
      R"({"round":"r1","centre":"A","date":"2021-06-07","window":"09:30","people":[
          {"identity":{"type":"army","number":"T1234567"},"name":"N","birth_date":"1980-01-31"}]})",
      today);
  ASSERT_TRUE(form && usual) << told(form) << told(usual);
  EXPECT_EQ(form->round, usual->round);
  EXPECT_EQ(canonical(*form), canonical(*usual));
  EXPECT_EQ(booking(fmt::format(R"({{"centre":"\u3000","date":"\u2003","people":[{}]}})", adult)), "invalid\ncentre missing\ndate missing");
}

TEST(booking_form, a_state_that_does_not_exist_is_told) {
  EXPECT_EQ(booking(with_member(R"("state":"Atlantis")")), "invalid\npeople[0].state unknown_state");
  EXPECT_EQ(booking(with_member(R"("state":"penang")")), "good");
}

// ---- identity and birth

TEST(booking_form, an_impossible_identity_alone_has_a_code_of_its_own) {
  EXPECT_EQ(booking(with_identity(R"({"type":"mykad","number":"901301-14-5678"})")),
            "identity_impossible\npeople[0].identity.number identity_impossible");
  EXPECT_EQ(booking(with_identity(R"({"type":"mykad","number":"901301-14-5678"})", R"(,"phone":1)")),
            "invalid\npeople[0].identity.number identity_impossible\npeople[0].phone not_text");
}

TEST(booking_form, an_identity_that_is_no_object_is_told) {
  EXPECT_EQ(booking(with_identity("null")), "invalid\npeople[0].identity missing");
  for (const auto* identity : {"\"900101145678\"", "[]", "1"})
    EXPECT_EQ(booking(with_identity(identity)), "invalid\npeople[0].identity not_an_object") << identity;
}

// Each fault of an identity has its field, its reason and, where a page may want to say it, what was counted.
TEST(booking_form, a_wrong_identity_is_told_at_the_field_that_is_wrong_with_the_reason) {
  const auto why = [](std::string_view identity) {
    const auto form = read_booking(with_identity(identity, R"(,"birth_date":"1990-01-01")"), today);
    if (form || form.error().fields.size() != 1)
      return told(form);
    const auto& f = form.error().fields[0];
    std::string out = f.field + " " + std::string(name_of(f.because.why));
    for (const auto& a : f.because.arguments) {
      const auto* n = std::get_if<std::int64_t>(&a.value);
      out += fmt::format(" {}={}", a.name, n != nullptr ? std::to_string(*n) : std::get<std::string>(a.value));
    }
    return out + (name_of(form.error().code) == "identity_impossible" ? "" : " as " + std::string(name_of(form.error().code)));
  };
  const std::string at = "people[0].identity.";
  EXPECT_EQ(why(R"({"type":"visa","number":"900101-14-5678"})"), at + "type unknown_kind");
  EXPECT_EQ(why(R"({"type":"900101-14-5678","number":"mykad"})"), at + "type unknown_kind");
  EXPECT_EQ(why(R"({"type":7,"number":"900101-14-5678"})"), at + "type not_text as invalid");
  EXPECT_EQ(why(R"({"type":"","number":"900101-14-5678"})"), at + "type missing as invalid");
  EXPECT_EQ(why(R"({"number":"900101-14-5678"})"), at + "type missing as invalid");
  EXPECT_EQ(why(fmt::format(R"({{"type":"{}","number":"900101-14-5678"}})", std::string(65, 'm'))),
            at + "type too_long length=65 limit=64 as invalid");
  EXPECT_EQ(why(R"({"type":"passport","number":"A1234567"})"), at + "country unknown_country");
  EXPECT_EQ(why(R"({"type":"passport","number":"A1234567","country":3})"), at + "country not_text as invalid");
  EXPECT_EQ(why(R"({"type":"passport","number":"A123","country":"IDN"})"), at + "number passport_length length=4 least=5 most=9");
  EXPECT_EQ(why(R"({"type":"passport","number":"A123/4567","country":"IDN"})"), at + "number passport_character");
  EXPECT_EQ(why(R"({"type":"mykad","number":"900101-14-567"})"), at + "number wrong_length length=11 wanted=12");
  EXPECT_EQ(why(R"({"type":"mykad","number":"9O0101-14-5678"})"), at + "number not_digits");
  EXPECT_EQ(why(R"({"type":"mykad","number":"900230-14-5678"})"), at + "number impossible_birth_date");
  EXPECT_EQ(why(R"({"type":"mykad","number":"900101-73-5678"})"), at + "number unassigned_place place=73");
  EXPECT_EQ(why(R"({"type":"police","number":"RF/1"})"), at + "number service_length length=3 least=4 most=12");
  EXPECT_EQ(why(R"({"type":"army","number":"ABCD1234"})"), at + "number service_form");
  EXPECT_EQ(why(R"({"type":"passport","number":"A1234567","country":"IDN","mykad":"900101-14-5678"})"),
            at + "mykad not_a_citizens_passport");
  EXPECT_EQ(why(R"({"type":"army","number":"T1234567","mykad":"900101-14-56"})"), at + "mykad wrong_length length=10 wanted=12");
  EXPECT_EQ(why(R"({"type":"army","number":"T1234567","mykad":1})"), at + "mykad not_text as invalid");
  EXPECT_EQ(why(R"({"type":"mykad","number":"900101-14-5678","mykad":"900101-14-5679"})"), at + "mykad other_mykad as invalid");
}

// Such a form had no identity at all, and was taken.
TEST(booking_form, a_number_of_nothing_but_tabs_and_ends_of_lines_is_missing) {
  for (const auto* number : {R"(\t)", R"(\r\n)", R"(\t\n\t)"})
    EXPECT_EQ(booking(with_identity(fmt::format(R"({{"type":"mykad","number":"{}"}})", number))),
              "invalid\npeople[0].identity.number missing");
}

TEST(booking_form, a_mykad_number_beside_another_document_tells_who_it_is) {
  const auto form =
      read_booking(with_identity(R"({"type":"passport","number":"A12345678","country":"MYS","mykad":"900101-14-5678"})"), today);
  ASSERT_TRUE(form) << told(form);
  const auto& p = form->people[0];
  EXPECT_EQ(p.who.canonical, "mykad:900101145678");
  EXPECT_EQ(p.birth, civil_date{1990y / 1 / 1}) << "it need not be said";
  EXPECT_EQ(p.record.identity_kind, "passport");
  EXPECT_EQ(p.record.identity_number, "A12345678");
  EXPECT_EQ(p.record.mykad, "900101-14-5678") << "staff see both";
  EXPECT_EQ(booking(with_identity(R"({"type":"army","number":"T1234567","mykad":"900101-14-5678"})", R"(,"birth_date":"1990-01-02")")),
            "invalid\npeople[0].birth_date contradiction");
  EXPECT_EQ(booking(with_identity(R"({"type":"mykad","number":"900101-14-5678","mykad":null})")), "good");
}

TEST(booking_form, the_date_of_birth_is_needed_where_the_identity_does_not_tell_it) {
  const auto* passport = R"({"type":"passport","number":"A1234567","country":"IDN"})";
  EXPECT_EQ(booking(with_identity(passport)), "invalid\npeople[0].birth_date missing");
  EXPECT_EQ(booking(with_identity(passport, R"(,"birth_date":"1990-01-01")")), "good");
  EXPECT_EQ(booking(with_identity(R"({"type":"army","number":"T1234567"})")), "invalid\npeople[0].birth_date missing");
}

TEST(booking_form, the_date_of_birth_must_not_contradict_the_identity) {
  EXPECT_EQ(booking(with_member(R"("birth_date":"1990-01-01")")), "good");
  EXPECT_EQ(booking(with_member(R"("birth_date":"1990-01-02")")), "invalid\npeople[0].birth_date contradiction");
}

TEST(booking_form, nobody_is_born_in_the_future) {
  const auto* army = R"({"type":"army","number":"T1234567"})";
  EXPECT_EQ(booking(with_identity(army, R"(,"birth_date":"2021-05-26")")), "good");
  EXPECT_EQ(booking(with_identity(army, R"(,"birth_date":"2021-05-27")")), "invalid\npeople[0].birth_date bad_date");
}

// ---- parties

TEST(booking_form, a_party_is_of_one_to_four) {
  const auto party = [](std::size_t n) {
    std::string people;
    for (std::size_t i = 0; i < n; ++i)
      people += fmt::format(R"({}{{"identity":{{"type":"mykad","number":"900101-14-000{}"}},"name":"N"}})", i == 0 ? "" : ",", i);
    return booking(with_people(people));
  };
  EXPECT_EQ(party(0), "invalid\npeople missing");
  EXPECT_EQ(party(1), "good");
  EXPECT_EQ(party(4), "good");
  EXPECT_EQ(party(5), "party_too_large");
}

TEST(booking_form, people_must_be_a_list_of_objects) {
  EXPECT_EQ(booking(R"({"centre":"A","date":"2021-06-07","people":{}})"), "invalid\npeople not_a_list");
  EXPECT_EQ(booking(R"({"centre":"A","date":"2021-06-07","people":null})"), "invalid\npeople missing");
  EXPECT_EQ(booking(with_people(std::string(adult) + ",7")), "invalid\npeople[1] not_an_object");
}

TEST(booking_form, the_second_persons_faults_are_told_with_their_place) {
  EXPECT_EQ(booking(with_people(std::string(adult) + ",{}")), "invalid\npeople[1].identity missing\npeople[1].name missing");
}

// ---- move

TEST(move_form, names_a_centre_a_date_and_perhaps_a_window) {
  const auto form = read_move(R"({"centre":"B","date":"2021-06-08","window":"13:00"})");
  ASSERT_TRUE(form);
  EXPECT_EQ(form->centre, "B");
  EXPECT_EQ(form->date, civil_date{2021y / 6 / 8});
  EXPECT_EQ(form->window_minute, 780);
  EXPECT_EQ(move(R"({"centre":"B","date":"2021-06-08"})"), "good");
}

TEST(move_form, wrong_fields_are_told) {
  EXPECT_EQ(move("{}"), "invalid\ncentre missing\ndate missing");
  EXPECT_EQ(move(R"({"centre":"B","date":"2021-06-08","people":[]})"), "invalid\npeople unknown_field");
  EXPECT_EQ(move("[]"), "malformed_json");
}

// ---- the canonical form

std::string canonical_of(std::string_view body) {
  const auto form = read_booking(body, today);
  EXPECT_TRUE(form) << told(form) << " " << body;
  return form ? canonical(*form) : "";
}

// A page may write the same booking differently when it asks again: same key, so it must be the same body.
TEST(canonical, is_the_same_however_the_body_is_written) {
  const auto once = canonical_of(
      R"({"centre":"A","date":"2021-06-07","window":"09:00","people":[{"identity":{"type":"mykad","number":"900101-14-5678"},"name":"Aminah","state":"Kuala Lumpur"}]})");
  for (
      const auto* body : {
          R"({ "people" : [ {"state":"KL","name":"Aminah","identity":{"number":"900101145678","type":"mykad"}} ],
                "window":"09:00", "date":"2021-06-07", "centre":"A" })",
          R"({"round":"r1","centre":"\u0041","date":"2021-06-07","window":"09:00","people":[{"identity":{"type":"mykad","number":"900101 14 5678","country":""},"name":"Am\u0069nah","birth_date":"1990-01-01","phone":null,"state":"W.P. Kuala Lumpur"}]})",
      })
    EXPECT_EQ(canonical_of(body), once) << body;
}

TEST(canonical, differs_when_anything_that_counts_differs) {
  std::vector<std::string> all;
  for (const auto& body :
       {with_people(adult), with_people(adult, R"("window":"09:00",)"), with_member(R"("phone":"x")"), with_member(R"("email":"x")"),
        with_member(R"("notes":"x")"), with_member(R"("state":"Johor")"), with_identity(R"({"type":"mykad","number":"900101-14-5679"})"),
        fmt::format(R"({{"centre":"B","date":"2021-06-07","people":[{}]}})", adult),
        fmt::format(R"({{"centre":"A","date":"2021-06-08","people":[{}]}})", adult),
        with_people(R"({"identity":{"type":"mykad","number":"900101-14-5678"},"name":"Siti"})"),
        with_identity(R"({"type":"army","number":"T1234567"})", R"(,"birth_date":"1990-01-01")"),
        with_identity(R"({"type":"army","number":"T1234567"})", R"(,"birth_date":"1990-01-02")"),
        with_identity(R"({"type":"passport","number":"A12345678","country":"MYS","mykad":"900101-14-5678"})"),
        with_identity(R"({"type":"passport","number":"A12345679","country":"MYS","mykad":"900101-14-5678"})")})
    all.push_back(canonical_of(body));
  std::ranges::sort(all);
  EXPECT_TRUE(std::ranges::adjacent_find(all) == all.end());
}

TEST(canonical, the_order_of_a_party_counts) {
  EXPECT_NE(canonical(form_of({"900101-14-0001", "900101-14-0002"})), canonical(form_of({"900101-14-0002", "900101-14-0001"})));
}

TEST(age_band, begins_at_18_40_and_60) {
  EXPECT_EQ(age_band_of(0), 1);
  EXPECT_EQ(age_band_of(17), 1);
  EXPECT_EQ(age_band_of(18), 2);
  EXPECT_EQ(age_band_of(39), 2);
  EXPECT_EQ(age_band_of(40), 3);
  EXPECT_EQ(age_band_of(59), 3);
  EXPECT_EQ(age_band_of(60), 4);
}

}  // namespace
}  // namespace janji::net
