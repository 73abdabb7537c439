#include "booking/identity.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <string>

namespace janji {
namespace {

using namespace std::chrono_literals;

constexpr civil_date today = 2021y / 5 / 26;

using reading = std::expected<identity, identity_fault>;
reading mykad(std::string_view number, civil_date on = today) { return read_identity({.kind = "mykad", .number = number}, on); }
reading passport(std::string_view country, std::string_view number, std::string_view mykad = "") {
  return read_identity({"passport", number, country, mykad}, today);
}
reading service(std::string_view kind, std::string_view number, std::string_view mykad = "") {
  return read_identity({kind, number, "", mykad}, today);
}
std::string canonical(const reading& r) { return r ? r->canonical : std::string(code_of(r.error().error)); }
// "code of part"
std::string fault(const reading& r) {
  return r ? "good: " + r->canonical : fmt::format("{} of {}", code_of(r.error().error), name_of(r.error().part));
}

TEST(identity, a_mykad_is_the_same_however_it_is_written) {
  for (const auto* text : {"900101-14-5678", "900101145678", " 900101 14 5678 ",
                           "900101\xe2\x80\x93"
                           "14\xe2\x80\x91"
                           "5678",
                           "900101\xc2\xa0"
                           "14-5678"})
    EXPECT_EQ(canonical(mykad(text)), "mykad:900101145678") << text;
}

TEST(identity, a_mykad_tells_the_date_of_birth) {
  const auto who = mykad("900101-14-5678");
  ASSERT_TRUE(who);
  EXPECT_EQ(who->birth, civil_date{1990y / 1 / 1});
  EXPECT_EQ(who->kind, identity_kind::mykad);
}

TEST(identity, nobody_is_born_after_today) {
  EXPECT_EQ(mykad("210526-14-0001")->birth, civil_date{2021y / 5 / 26});
  EXPECT_EQ(mykad("210527-14-0001")->birth, civil_date{1921y / 5 / 27});
}

TEST(identity, the_ninth_digit_tells_a_centenarian_from_a_child) {
  EXPECT_EQ(mykad("150301-14-5001")->birth, civil_date{1915y / 3 / 1});
  EXPECT_EQ(mykad("150301-14-0001")->birth, civil_date{2015y / 3 / 1});
}

TEST(identity, the_ninth_digit_never_makes_an_adult_a_centenarian) {
  for (int year = 2018; year < 2100; ++year)
    for (int born = year - 90; born <= year - 18; ++born)
      for (int digit = 0; digit <= 9; ++digit) {
        const auto who = mykad(fmt::format("{:02}030114{}001", born % 100, digit), std::chrono::year{year} / 5 / 26);
        ASSERT_TRUE(who);
        ASSERT_EQ(static_cast<int>(who->birth->year()), born) << "in " << year << " with ninth digit " << digit;
      }
}

TEST(identity, a_leap_day_decides_the_century_where_only_one_has_it) {
  EXPECT_EQ(mykad("000229-14-5001")->birth, civil_date{2000y / 2 / 29});  // 1900 was no leap year
  EXPECT_EQ(mykad("000229-14-5001", 2000y / 1 / 31).error().error, identity_error::impossible_birth_date);
}

TEST(identity, a_mykad_with_an_impossible_date_is_refused) {
  for (const auto* text : {"901301-14-5678", "900001-14-5678", "900132-14-5678", "900100-14-5678", "900230-14-5678", "910229-14-5678"})
    EXPECT_EQ(fault(mykad(text)), "impossible_birth_date of number") << text;
}

TEST(identity, a_mykad_of_a_place_never_given_out_is_refused_and_no_other) {
  const std::set<int> never{0, 17, 18, 19, 20, 69, 70, 73, 80, 81, 94, 95, 96, 97};
  for (int place = 0; place < 100; ++place)
    EXPECT_EQ(canonical(mykad(fmt::format("900101{:02}5678", place))),
              never.contains(place) ? "unassigned_place" : fmt::format("mykad:900101{:02}5678", place));
}

TEST(identity, a_mykad_has_twelve_digits) {
  for (const auto* text : {"", "90010114567", "9001011456789"})
    EXPECT_EQ(canonical(mykad(text)), "wrong_length") << text;
  EXPECT_EQ(mykad("900101-14-567").error().length, 11U) << "dashes do not count";
  for (const auto* text : {"90010114567A", "900101/145678", "A"})
    EXPECT_EQ(canonical(mykad(text)), "not_digits") << text;
  EXPECT_EQ(canonical(mykad(std::string(1000, '-') + "900101145678")), "wrong_length");
}

TEST(identity, every_well_formed_mykad_is_read_and_keeps_its_digits) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  constexpr std::array places{1, 10, 14, 16, 21, 59, 60, 71, 82, 98, 99};
  for (int i = 0; i < 20'000; ++i) {
    const civil_date born{std::chrono::sys_days{today} - std::chrono::days{random() % 36'000}};
    const auto digits = fmt::format("{:02}{:02}{:02}{:02}{:04}", static_cast<int>(born.year()) % 100, static_cast<unsigned>(born.month()),
                                    static_cast<unsigned>(born.day()), places[random() % places.size()], random() % 10'000);
    std::string typed;
    for (const char c : digits) {
      typed += c;
      if (random() % 5 == 0)
        typed += "- "[random() % 2];
    }
    const auto who = mykad(typed);
    ASSERT_EQ(canonical(who), "mykad:" + digits) << typed;
    ASSERT_EQ(static_cast<int>(who->birth->year()) % 100, static_cast<int>(born.year()) % 100);
    ASSERT_LE(*who->birth, today);
  }
}

TEST(identity, a_passport_is_its_issuer_and_its_number) {
  EXPECT_EQ(canonical(passport("idn", "a 1234567")), "passport:IDN:A1234567");
  EXPECT_EQ(canonical(passport("GBD", "12345")), "passport:GBD:12345");
  EXPECT_FALSE(passport("IDN", "A1234567")->birth);
}

TEST(identity, a_german_passport_is_the_same_as_printed_and_as_listed) {
  EXPECT_EQ(canonical(passport("D<<", "C01X00T47")), canonical(passport("DEU", "c01x00t47")));
}

TEST(identity, a_passport_of_no_known_issuer_is_refused) {
  for (const auto* country : {"", "ID", "XYZ", "INDO", "I N", "123", "UTO", "   ", "ZW ", "W A"})
    EXPECT_EQ(canonical(passport(country, "A1234567")), "unknown_country") << country;
  EXPECT_EQ(canonical(passport(std::string(1000, ' ') + "IDN", "A1234567")), "unknown_country");
}

TEST(identity, a_passport_number_has_five_to_nine_letters_and_digits) {
  for (const auto* number : {"", "A123", "A123456789", "A12/4567",
                             "\xc3\x84"
                             "123456"})
    EXPECT_EQ(fault(passport("IDN", number)), std::string_view(number).find_first_not_of("A0123456789") == std::string_view::npos
                                                  ? "passport_length of number"
                                                  : "passport_character of number")
        << number;
}

TEST(identity, the_same_number_of_two_issuers_is_two_people) {
  EXPECT_NE(canonical(passport("IDN", "A1234567")), canonical(passport("PHL", "A1234567")));
}

TEST(identity, service_numbers_are_read_in_their_usual_spellings) {
  EXPECT_EQ(canonical(service("army", "t1234567")), "army:T1234567");
  EXPECT_EQ(canonical(service("army", "N/501234")), "army:N501234");
  EXPECT_EQ(canonical(service("police", "RF/123456")), "police:RF123456");
  EXPECT_EQ(canonical(service("police", "g 12345")), "police:G12345");
}

TEST(identity, a_service_number_that_cannot_be_one_is_refused) {
  for (const auto* number : {"", "ABCD1234", "12A45", "ABC", "T12-34*5"})
    EXPECT_EQ(fault(service("police", number)), "service_form of number") << number;
  for (const auto* number : {"123", "1234567890123"})
    EXPECT_EQ(fault(service("police", number)), "service_length of number") << number;
  EXPECT_EQ(canonical(service("army", std::string(1000, '1'))), "service_form");
}

TEST(identity, a_number_is_the_same_however_it_was_pasted) {
  for (const auto* number : {"900101145678", "900101.14.5678", "\t900101-14-5678\r\n", "９００１０１－１４－５６７８",
                             "９００１０１．１４．５６７８", "900101　145678", "900101 \t145678"})
    EXPECT_EQ(canonical(mykad(number)), "mykad:900101145678") << number;
  for (const auto* kind : {"MyKad", "MYKAD", "mykad ", "My-Kad", "ｍｙｋａｄ"})
    EXPECT_EQ(canonical(read_identity({.kind = kind, .number = "900101145678"}, today)), "mykad:900101145678") << kind;
  EXPECT_EQ(canonical(read_identity({"Passport", "Ａ 1234.567", "IDN", ""}, today)), "passport:IDN:A1234567");
  EXPECT_EQ(canonical(mykad("90010114567８９")), "wrong_length");
  for (const auto* number : {"900101,145678", "9OO1O1145678", "٩٠٠١٠١١٤٥٦٧٨"})
    EXPECT_EQ(canonical(mykad(number)), "not_digits") << number;
}

TEST(identity, a_kind_that_is_none_is_refused) {
  for (const auto* kind : {"", "visa", "mykad2", "my kad card"})
    EXPECT_EQ(canonical(read_identity({.kind = kind, .number = "900101145678"}, today)), "unknown_kind") << kind;
}

TEST(identity, every_error_has_a_code_of_its_own) {
  std::set<std::string_view> codes;
  for (std::uint8_t e = 0; e < identity_error_count; ++e)
    codes.insert(code_of(static_cast<identity_error>(e)));
  EXPECT_EQ(codes.size(), identity_error_count);
  EXPECT_EQ(code_of(static_cast<identity_error>(identity_error_count)), "");
}

// ---- one person, several documents

TEST(identity, a_citizen_is_the_same_by_mykad_passport_army_and_police_number) {
  for (const auto& who : {passport("MYS", "A12345678", "900101-14-5678"), passport("mys", "K1234567", " 900101 145678"),
                          service("army", "T1234567", "900101145678"), service("police", "RF/123456", "９００１０１－１４－５６７８")}) {
    ASSERT_TRUE(who) << fault(who);
    EXPECT_EQ(who->canonical, "mykad:900101145678");
    EXPECT_EQ(who->birth, civil_date{1990y / 1 / 1});
    EXPECT_NE(who->kind, identity_kind::mykad) << "the document is another";
  }
  EXPECT_EQ(passport("MYS", "A12345678", "900101-14-5678")->document, "passport:MYS:A12345678");
}

TEST(identity, without_the_mykad_number_a_document_is_a_person_of_its_own) {
  EXPECT_EQ(canonical(passport("MYS", "A12345678")), "passport:MYS:A12345678");
  EXPECT_EQ(passport("MYS", "A12345678")->document, "");
}

TEST(identity, a_passport_of_another_country_goes_with_no_mykad) {
  for (const auto* country : {"IDN", "SGP", "D", "GBO"})
    EXPECT_EQ(fault(passport(country, "A1234567", "900101-14-5678")), "not_a_citizens_passport of mykad") << country;
}

TEST(identity, a_mykad_number_beside_a_document_is_read_as_strictly_as_one_alone) {
  for (const auto& [number, wanted] : {std::pair{"90010114567", "wrong_length"},
                                       {"9O0101145678", "not_digits"},
                                       {"901301145678", "impossible_birth_date"},
                                       {"900101005678", "unassigned_place"},
                                       {" ", "wrong_length"}})
    EXPECT_EQ(fault(passport("MYS", "A12345678", number)), fmt::format("{} of mykad", wanted)) << number;
  const auto far = "900101145678" + std::string(300, ' ') + "9";
  EXPECT_EQ(fault(passport("MYS", "A12345678", far)), "wrong_length of mykad") << "its beginning is somebody's number";
  EXPECT_EQ(fault(mykad(far)), "wrong_length of number");
}

TEST(identity, the_document_is_looked_at_too_where_a_mykad_number_is_beside_it) {
  EXPECT_EQ(fault(passport("MYS", "A1", "900101-14-5678")), "passport_length of number");
  EXPECT_EQ(fault(passport("", "A12345678", "900101-14-5678")), "unknown_country of country");
  EXPECT_EQ(fault(service("army", "ABC", "900101-14-5678")), "service_form of number");
  EXPECT_EQ(fault(service("visa", "A12345678", "900101-14-5678")), "unknown_kind of type");
}

TEST(identity, beside_a_mykad_stands_the_same_number_or_none) {
  EXPECT_EQ(canonical(service("mykad", "900101-14-5678", "900101 145678")), "mykad:900101145678");
  EXPECT_EQ(fault(service("mykad", "900101-14-5678", "900101-14-5679")), "other_mykad of mykad");
}

TEST(identity, any_bytes_are_read_without_harm_and_what_is_read_is_plain) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  constexpr std::array kinds{"mykad", "passport", "army", "police"};
  for (int i = 0; i < 100'000; ++i) {
    std::string number(random() % 16, '\0');
    const bool wild = random() % 2 == 0;
    std::ranges::generate(number, [&] { return wild ? static_cast<char>(random()) : "0123456789AZ-/ \xe2\x80\x93"[random() % 18]; });
    const auto who = read_identity({kinds[random() % kinds.size()], number, "MYS", ""}, today);
    if (who) {
      ASSERT_TRUE(std::ranges::all_of(who->canonical, [](char c) { return c > ' ' && c < 0x7f && c != '-'; })) << number;
      const auto plain = who->canonical.substr(who->canonical.rfind(':') + 1);
      const auto again = read_identity({std::string_view(who->canonical).substr(0, who->canonical.find(':')), plain, "MYS", ""}, today);
      ASSERT_EQ(canonical(again), who->canonical);
    }
  }
}

}  // namespace
}  // namespace janji
