#include "web/words.hpp"

#include <gtest/gtest.h>
#include <unicode/locid.h>
#include <unicode/messagepattern.h>
#include <unicode/plurrule.h>
#include <unicode/strenum.h>

#include <array>
#include <regex>
#include <set>

namespace janji::web {
namespace {

using namespace std::chrono;

const words& texts() {
  static const auto loaded = words::load();
  EXPECT_TRUE(loaded) << (loaded ? "" : loaded.error());
  EXPECT_GT((*loaded)->keys().size(), 200U) << "the tests below go through them";
  return **loaded;
}

icu::MessagePattern parsed(const std::string& text) {
  UErrorCode status = U_ZERO_ERROR;
  UParseError where{};
  icu::MessagePattern p(icu::UnicodeString::fromUTF8(text), &where, status);
  EXPECT_TRUE(U_SUCCESS(status)) << text;
  return p;
}

std::set<std::string> arguments_of(const std::string& text) {
  const auto p = parsed(text);
  std::set<std::string> out;
  for (int i = 0; i < p.countParts(); ++i)
    if (p.getPart(i).getType() == UMSGPAT_PART_TYPE_ARG_NAME) {
      std::string name;
      p.getSubstring(p.getPart(i)).toUTF8String(name);
      out.insert(name);
    }
  return out;
}

std::set<std::string> categories_in(const std::string& text) {
  const auto p = parsed(text);
  std::set<std::string> out;
  for (int i = 0; i < p.countParts(); ++i)
    if (p.getPart(i).getType() == UMSGPAT_PART_TYPE_ARG_SELECTOR) {
      std::string name;
      p.getSubstring(p.getPart(i)).toUTF8String(name);
      if (!name.starts_with('='))
        out.insert(name);
    }
  return out;
}

std::set<std::string> categories_of(language l) {
  UErrorCode status = U_ZERO_ERROR;
  const std::unique_ptr<icu::PluralRules> rules(icu::PluralRules::forLocale(icu::Locale(locale_of(l)), status));
  const std::unique_ptr<icu::StringEnumeration> names(rules->getKeywords(status));
  std::set<std::string> out;
  for (const char* one = names->next(nullptr, status); one != nullptr; one = names->next(nullptr, status))
    out.insert(one);
  return out;
}

TEST(words, every_message_has_the_same_values_in_every_language) {
  for (const auto& key : texts().keys())
    for (const auto l : languages)
      EXPECT_EQ(arguments_of(texts().pattern(l, key)), arguments_of(texts().pattern(language::en, key))) << tag_of(l) << " " << key;
}

TEST(words, no_message_has_a_plural_that_its_language_never_chooses) {
  for (const auto& key : texts().keys())
    for (const auto l : languages) {
      const auto known = categories_of(l);
      for (const auto& category : categories_in(texts().pattern(l, key)))
        EXPECT_TRUE(known.contains(category)) << tag_of(l) << " " << key << ": " << category;
    }
}

TEST(words, no_apostrophe_quotes_a_value_away_and_no_number_is_said_twice) {
  for (const auto& key : texts().keys())
    for (const auto l : languages) {
      const auto& text = texts().pattern(l, key);
      EXPECT_EQ(text.find('\''), std::string::npos) << tag_of(l) << " " << key;
      EXPECT_EQ(text.find("#{"), std::string::npos) << tag_of(l) << " " << key;
      EXPECT_EQ(text.find("  "), std::string::npos) << tag_of(l) << " " << key;
      EXPECT_FALSE(text.empty()) << tag_of(l) << " " << key;
    }
}

TEST(words, a_value_that_is_written_from_right_to_left_is_isolated) {
  const auto said = [](std::string_view name) { return texts().say(language::en, "person_of", {{"n", std::int64_t{1}}, {"name", name}}); };
  EXPECT_EQ(said("محمد"), "Person 1: \u2068محمد\u2069");
  EXPECT_EQ(said("Siti (ستي)"), "Person 1: \u2068Siti (ستي)\u2069");
  EXPECT_EQ(said("٣"), "Person 1: \u2068٣\u2069") << "an Arabic digit takes the number behind it along";
  EXPECT_EQ(said("கலைச்செல்வி"), "Person 1: கலைச்செல்வி");
}

// Formatted, and not only parsed: what is missing is printed as "{name}" without an error.
TEST(words, every_message_shows_its_values_and_no_brace) {
  const std::array<std::string, 3> awkward{"{x}'s <b> #", "{y}'s <b> #", "{z}'s <b> #"};
  for (const auto& key : texts().keys()) {
    const auto names = arguments_of(texts().pattern(language::en, key));
    const bool counts = texts().pattern(language::en, key).find("plural") != std::string::npos;
    for (const auto l : languages)
      for (const std::int64_t n : {0, 1, 2, 5, 1000}) {
        std::vector<std::string> kept(names.begin(), names.end());
        std::string said;
        const auto value = [&](std::size_t i) {
          const bool number = kept[i] == "n" || kept[i] == "m" || kept[i] == "min" || kept[i] == "max";
          return number ? argument{kept[i], n} : argument{kept[i], std::string_view(awkward[i])};
        };
        if (kept.size() == 1)
          said = texts().say(l, key, {value(0)});
        else if (kept.size() == 2)
          said = texts().say(l, key, {value(0), value(1)});
        else if (kept.size() == 3)
          said = texts().say(l, key, {value(0), value(1), value(2)});
        else if (kept.empty())
          said = texts().say(l, key);
        else
          FAIL() << key << " has more values than this test gives";
        std::size_t at = 0;
        std::string without = said;
        for (const auto& one : awkward)
          while ((at = without.find(one)) != std::string::npos)
            without.erase(at, one.size());
        EXPECT_EQ(without.find_first_of("{}"), std::string::npos) << tag_of(l) << " " << key << ": " << said;
        for (std::size_t i = 0; i < kept.size(); ++i) {
          const bool number = kept[i] == "n" || kept[i] == "m" || kept[i] == "min" || kept[i] == "max";
          EXPECT_TRUE(number || said.find(awkward[i]) != std::string::npos) << tag_of(l) << " " << key << ": " << said;
        }
        if (!counts)
          break;
      }
  }
}

TEST(words, malay_has_no_word_of_indonesian) {
  const std::regex forbidden(R"(\b(nomor|coba|karena|silakan|bisa|telepon|gratis|unduh|surel|kantor|kata sandi|tempat-tempat)\b)",
                             std::regex::icase);
  for (const auto& key : texts().keys())
    EXPECT_FALSE(std::regex_search(texts().pattern(language::ms, key), forbidden)) << key << ": " << texts().pattern(language::ms, key);
}

TEST(words, chinese_has_the_place_names_of_malaysia) {
  for (const auto& key : texts().keys()) {
    const auto& text = texts().pattern(language::zh, key);
    for (const auto* wrong : {"沙捞越", "丁加奴", "万"})
      EXPECT_EQ(text.find(wrong), std::string::npos) << key;
  }
}

TEST(words, dates_and_numbers_are_as_people_here_write_them) {
  const civil_date day{year{2021}, month{6}, std::chrono::day{7}};
  EXPECT_EQ(texts().date(language::en, day), "Monday, 7 June 2021");
  EXPECT_EQ(texts().date(language::ms, day), "Isnin, 7 Jun 2021");
  EXPECT_EQ(texts().number(language::ta, 956'609), "956,609");
  EXPECT_EQ(texts().number(language::zh, 956'609), "956,609");
  EXPECT_EQ(texts().weekdays(language::en).front().full, "Monday");
  EXPECT_EQ(texts().weekdays(language::ms).back().full, "Ahad");
  EXPECT_EQ(texts().hour(language::en, 20 * 60 + 30), "20:30");
  EXPECT_EQ(texts().month(language::en, day), "June 2021");
}

TEST(words, an_opening_at_noon_is_called_noon_and_midnight_is_not_called_morning) {
  const minutes kl{8 * 60};
  const auto at = [&](int hour) {
    return unix_ms{start_of_day({year{2021}, month{5}, std::chrono::day{26}}, kl).value + hour * 3'600'000};
  };
  EXPECT_EQ(texts().when(language::en, at(12), at(9), kl), "today, 12:00 noon");
  EXPECT_EQ(texts().when(language::ms, at(12), at(9), kl), "hari ini, 12:00 tengah hari");
  EXPECT_EQ(texts().when(language::en, at(24), at(9), kl), "tomorrow, 00:00");
  EXPECT_EQ(texts().when(language::en, at(72), at(9), kl), "on Saturday, 29 May 2021, 00:00");
  EXPECT_EQ(texts().clock(language::en, at(15), kl), "15:00:00");
}

TEST(words, every_state_has_a_name_in_every_language) {
  for (int i = 1; i <= 16; ++i)
    EXPECT_TRUE(texts().has("state_" + std::to_string(i)));
}

}  // namespace
}  // namespace janji::web
