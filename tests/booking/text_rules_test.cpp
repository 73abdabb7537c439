#include "booking/text_rules.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace janji {
namespace {

// What is kept of a person's text, or "code position" of why it is refused.
std::string of_people(std::string_view typed, text_lines lines = text_lines::one) {
  const auto text = people_text(typed, lines);
  return text ? "[" + *text + "]" : std::string(text.error().code) + " " + std::to_string(text.error().position);
}
std::string of_operators(std::string_view typed) {
  const auto text = operator_text(typed);
  return text ? "[" + *text + "]" : std::string(text.error().code) + " " + std::to_string(text.error().position);
}
std::string utf8(char32_t c) {
  std::string out;
  if (c < 0x80)
    return {static_cast<char>(c)};
  if (c < 0x800)
    return {static_cast<char>(0xc0 | c >> 6), static_cast<char>(0x80 | (c & 0x3f))};
  if (c < 0x10000)
    return {static_cast<char>(0xe0 | c >> 12), static_cast<char>(0x80 | (c >> 6 & 0x3f)), static_cast<char>(0x80 | (c & 0x3f))};
  return {static_cast<char>(0xf0 | c >> 18), static_cast<char>(0x80 | (c >> 12 & 0x3f)), static_cast<char>(0x80 | (c >> 6 & 0x3f)),
          static_cast<char>(0x80 | (c & 0x3f))};
}

TEST(people_text, names_as_people_of_malaysia_have_them_stay_as_they_are) {
  for (const std::string name : {"Siti Nurhaliza binti Tarudin",
                                 "Muthu a/l Raman",
                                 "Devi A/P Krishnan",
                                 "Dato' Sri Haji Mohd. Najib",
                                 "Dato\u2019 Sri",
                                 "Nur\u02bcAin",
                                 "D\u2018Cruz",
                                 "O`Brien",
                                 "Lim @ Rahman Abdullah",
                                 "A. Samad Said",
                                 "Wong Mei-Ling",
                                 "Tan Kah Kee (Kee)",
                                 "Xi",
                                 "U",
                                 "Ng",
                                 "\u00d8",
                                 "Jos\u00e9 Mu\u00f1oz",
                                 "Nguy\u1ec5n Th\u1ecb H\u1eb1ng",
                                 "\u0b9a\u0bbf\u0bb5\u0b95\u0bbe\u0bb0\u0bcd\u0ba4\u0bcd\u0ba4\u0bbf\u0b95\u0bc7\u0baf\u0ba9\u0bcd",
                                 "\u0bb2\u0b9f\u0bcd\u0b9a\u0bc1\u0bae\u0bbf",
                                 "\u9673\u5927\u6587",
                                 "\U00020bb7\u91ce\u5bb6",
                                 "\U0002a6a5\U0002b740",
                                 "\u908a\U000e0101",
                                 "\u0633\u064a\u062a\u064a \u0646\u0648\u0631\u062d\u0627\u0644\u064a\u0632\u0627",
                                 "\u0645\u064f\u062d\u064e\u0645\u064e\u0651\u062f",
                                 "\u0646\u06cc\u200c\u06a9\u06cc",
                                 "\u0d05\u0d35\u0d28\u0d4d\u200d",
                                 "\u0dc1\u0dca\u200d\u0dbb\u0dd3",
                                 "\u1000\u103c\u103d\u102d\u102f\u1037",
                                 "\u0e2a\u0e38\u0e0a\u0e32\u0e15\u0e34",
                                 "\u304b\u306a",
                                 "\uae40",
                                 "\U0001f600",
                                 "Anak Ling \u00b7 Jau",
                                 "R2-D2",
                                 "X \u00c6 A-12"})
    EXPECT_EQ(of_people(name), "[" + name + "]");
}

TEST(people_text, blanks_around_a_name_do_not_count) {
  EXPECT_EQ(of_people("  Siti \t\r\n"), "[Siti]");
  EXPECT_EQ(of_people("\u00a0\u3000Siti\u2003\u200b\ufeff"), "[Siti]");
  EXPECT_EQ(of_people("\u200f\u0639\u0644\u064a\u200e"), "[\u0639\u0644\u064a]");
  EXPECT_EQ(of_people("Siti  Nur"), "[Siti  Nur]") << "what is inside is theirs";
}

TEST(people_text, nothing_but_what_nobody_sees_is_nothing) {
  for (const char32_t c :
       {U' ',      U'\u00a0', U'\u1680', U'\u2000', U'\u2007', U'\u202f', U'\u205f', U'\u3000', U'\u200b', U'\u200c',
        U'\u200d', U'\u200e', U'\u2060', U'\u2064', U'\ufeff', U'\u00ad', U'\u061c', U'\u180e', U'\u3164', U'\u115f',
        U'\u1160', U'\uffa0', U'\u2800', U'\ufe0f', U'\u034f', U'\u0301', U'\t',     U'\n',     U'\r',     U'\U000e0100'})
    for (const auto& text : {utf8(c), utf8(c) + utf8(c), " " + utf8(c) + "\u3164 ", "\u200d" + utf8(c)})
      EXPECT_EQ(of_people(text), "[]") << std::hex << static_cast<unsigned>(c);
  EXPECT_EQ(of_people(""), "[]");
}

// What no font draws, or draws as anything: alone it is nobody's name, beside letters it may be a letter that is newer than this library.
TEST(people_text, what_says_nothing_is_nothing_alone_and_stays_beside_letters) {
  for (const char32_t c : {U'\U0001d159', U'\ufffc', U'\ufffd', U'\ue000', U'\U000f0000', U'\U0010fffd', U'\U000e2000', U'\U00050000'}) {
    for (const auto& text : {utf8(c), utf8(c) + " " + utf8(c), "\u200b" + utf8(c) + "\u0301"})
      EXPECT_EQ(of_people(text), "[]") << std::hex << static_cast<unsigned>(c);
    if (c < 0xe0000 || c > 0xe0fff) {
      EXPECT_EQ(of_people("Ali" + utf8(c)), "[Ali" + utf8(c) + "]") << std::hex << static_cast<unsigned>(c);
    }
  }
}

TEST(people_text, a_name_in_letters_that_are_newer_than_this_library_is_a_name) {
  for (const auto* name : {"\U00016d43\U00016d44", "\U00011380", "\U0003347a"})  // Kirat Rai, Tulu-Tigalari, a later CJK extension
    EXPECT_EQ(of_people(name), "[" + std::string(name) + "]");
}

TEST(people_text, what_is_of_formulas_and_not_seen_goes) {
  for (const char32_t c : {U'\u2060', U'\u2061', U'\u2062', U'\u2063', U'\u2064'})
    EXPECT_EQ(of_people("Si" + utf8(c) + "ti"), "[Siti]") << std::hex << static_cast<unsigned>(c);
}

TEST(people_text, control_characters_are_refused_wherever_they_stand) {
  for (char32_t c = 0; c < 0xa0; ++c) {
    if (c >= 0x20 && c < 0x7f)
      continue;
    EXPECT_EQ(of_people("a" + utf8(c) + "b"), "control_character 2") << static_cast<unsigned>(c);
    const bool trimmed = c == '\t' || c == '\n' || c == '\r';
    EXPECT_EQ(of_people(utf8(c) + "ab"), trimmed ? "[ab]" : "control_character 1") << static_cast<unsigned>(c);
    EXPECT_EQ(of_people("ab" + utf8(c)), trimmed ? "[ab]" : "control_character 3") << static_cast<unsigned>(c);
    EXPECT_EQ(of_people(utf8(c)), trimmed ? "[]" : "control_character 1") << static_cast<unsigned>(c);
  }
}

TEST(people_text, what_turns_lines_or_directions_or_is_no_character_is_refused_wherever_it_stands) {
  const auto refused = [](char32_t first, char32_t last, const std::string& code) {
    for (char32_t c = first; c <= last; ++c) {
      EXPECT_EQ(of_people("a" + utf8(c) + "b"), code + " 2") << std::hex << static_cast<unsigned>(c);
      EXPECT_EQ(of_people(utf8(c)), code + " 1") << std::hex << static_cast<unsigned>(c);
      EXPECT_EQ(of_people("a " + utf8(c), text_lines::many), code + " 3") << std::hex << static_cast<unsigned>(c);
      EXPECT_EQ(of_operators("a" + utf8(c)), code + " 2") << std::hex << static_cast<unsigned>(c);
    }
  };
  refused(0x2028, 0x2029, "line_separator");
  refused(0x202a, 0x202e, "direction_control");
  refused(0x2066, 0x2069, "direction_control");
  refused(0xfdd0, 0xfdef, "no_character");
  refused(0xfffe, 0xffff, "no_character");
  refused(0x1fffe, 0x1ffff, "no_character");
  refused(0x10fffe, 0x10ffff, "no_character");
  refused(0x206a, 0x206f, "hidden_character");
  refused(0xfff9, 0xfffb, "hidden_character");
  refused(0xe0020, 0xe007f, "hidden_character");
}

TEST(people_text, what_is_no_utf8_is_refused_with_its_place) {
  for (const std::string bad : {"\x80", "\xc3", "\xc0\xaf", "\xe0\x80\x80", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x80\x80\x80",
                                "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff"}) {
    EXPECT_EQ(of_people("\u00e9a" + bad), "not_utf8 3");
    EXPECT_EQ(of_people(bad + " "), "not_utf8 1");
  }
}

TEST(people_text, one_name_typed_on_two_keyboards_is_the_same) {
  EXPECT_EQ(of_people("Jose\u0301"), "[Jos\u00e9]");
  EXPECT_EQ(of_people("\u1112\u1161\u11ab"), "[\ud55c]");
  EXPECT_EQ(of_people("\u0b95\u0bc6\u0bbe"), "[\u0b95\u0bca]");
  EXPECT_EQ(of_people("\ufb01"), "[\ufb01]") << "only what is the same character";
  EXPECT_EQ(of_people("Nu\u200br\u00adul\ufeff A\u2060in"), "[Nurul Ain]") << "nobody sees what came along from a page";
}

TEST(people_text, marks_on_a_letter_are_bounded) {
  std::string marks;
  for (int i = 0; i < 8; ++i)
    marks += "\u0332";
  EXPECT_EQ(of_people("x" + marks + "y" + marks), "[x" + marks + "y" + marks + "]");
  EXPECT_EQ(of_people("x" + marks + "\u0333"), "too_many_marks 10");
  EXPECT_EQ(of_people("x" + marks + "\u200d\u0333"), "too_many_marks 10") << "a joiner does not begin another letter";
  EXPECT_EQ(of_people("x" + marks + "\u0333", text_lines::many), "too_many_marks 10");
  std::string flood = "x";
  for (int i = 0; i < 20'000; ++i)
    flood += i % 2 == 0 ? "\u0316" : "\u0301";
  EXPECT_EQ(of_people(flood), "too_many_marks 10") << "and is refused at once";
}

TEST(people_text, notes_have_lines_and_tabs) {
  EXPECT_EQ(of_people("one\r\ntwo\rthree\n\tfour\n", text_lines::many), "[one\ntwo\nthree\n\tfour]");
  EXPECT_EQ(of_people("a\x1f", text_lines::many), "control_character 2");
  EXPECT_EQ(of_people("\n \t\r\n", text_lines::many), "[]");
}

TEST(operator_text, is_one_line) {
  EXPECT_EQ(of_operators(" Hall\nA\r\nbig\tone "), "[Hall A big one]");
  EXPECT_EQ(of_operators("\u3164"), "[]");
  EXPECT_EQ(of_operators("a\x85"), "not_utf8 2");
  EXPECT_EQ(of_operators("a\u0085"), "control_character 2");
  EXPECT_EQ(of_operators("Jos\ufffd"), "lost_character 4");
  EXPECT_EQ(of_people("Jos\ufffd"), "[Jos\ufffd]");
}

TEST(text_rules, a_refusal_says_where_and_what) {
  EXPECT_EQ(words_of(operator_text("ab\u0085c").error()),
            "This text has a character that cannot be shown; delete it. (character 3, U+0085)");
  EXPECT_EQ(words_of(operator_text("a\xe9").error()), "This text is not UTF-8. (character 2, byte E9)");
}

TEST(text_rules, lengths_are_characters) {
  EXPECT_EQ(text_length(""), 0U);
  EXPECT_EQ(text_length("a\u00e9\u9673\U00020bb7"), 4U);
}

TEST(text_rules, what_a_message_repeats_harms_nobody) {
  EXPECT_EQ(shown_text("Siti\x1b[2J\n\xe9\u202e"), "Siti\\u001B[2J\\u000A\\xE9\\u202E");
  EXPECT_EQ(shown_text(std::string(61, 'x')), std::string(60, 'x') + "...");
  EXPECT_EQ(shown_text(std::string(60, 'x')), std::string(60, 'x'));
}

// Whatever bytes: what is kept is kept when it is read again, and begins and ends with something to see.
TEST(text_rules, what_was_kept_is_kept_again) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  constexpr char32_t pool[] = {U'a',      U' ',      U'\t',     U'\n',     U'\u0301', U'\u200d', U'\u200b', U'\u3164',    U'\u00ad',
                               U'\u0bc6', U'\u0bbe', U'\u1100', U'\u1161', U'\u0344', U'\ufeff', U'\u202e', U'\U0001f600'};
  for (int i = 0; i < 50'000; ++i) {
    std::string text;
    for (auto n = random() % 12; n > 0; --n)
      text += random() % 20 == 0 ? std::string(1, static_cast<char>(random())) : utf8(pool[random() % std::size(pool)]);
    for (const auto& once : {people_text(text), people_text(text, text_lines::many), operator_text(text)}) {
      if (!once)
        continue;
      ASSERT_TRUE(is_utf8(*once));
      ASSERT_EQ(people_text(*once, text_lines::many), *once) << shown_text(text);
      ASSERT_EQ(without_blanks_around(*once), *once) << shown_text(text);
    }
  }
}

TEST(text_rules, utf8_is_judged_as_rfc_3629_has_it) {
  for (const auto* good : {"", "abc", "陈小明", "கலைச்செல்வி", "Nguyễn", "\xf4\x8f\xbf\xbf"})
    EXPECT_TRUE(is_utf8(good)) << good;
  for (const auto* wrong : {"\x80", "\xc0\xaf", "\xe0\x80\xaf", "\xf0\x80\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\xff"})
    EXPECT_FALSE(is_utf8(wrong));
}

}  // namespace
}  // namespace janji
