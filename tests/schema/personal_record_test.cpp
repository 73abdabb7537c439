#include "schema/personal_record.hpp"

#include <gtest/gtest.h>

#include <random>

namespace janji::schema {

namespace {
personal_record someone() {
  return {"passport", "X1234567", "IDN", "Siti", "+62", "s@example.org", "1980-12-31", "Johor", std::string(4000, 'n'), "900101-14-5678"};
}
}  // namespace

TEST(personal_record, a_citizen_s_details_come_back_as_given) {
  const auto back = decode_personal_record(encode(someone()));
  ASSERT_TRUE(back) << back.error();
  EXPECT_EQ(*back, someone());
}

TEST(personal_record, an_empty_record_is_a_record) {
  const auto back = decode_personal_record(encode(personal_record{}));
  ASSERT_TRUE(back) << back.error();
  EXPECT_EQ(*back, personal_record{});
}

TEST(personal_record, damaged_bytes_are_refused_or_read_but_never_trusted) {
  const auto good = encode(someone());
  std::mt19937_64 random(7);
  for (int n = 0; n < 20'000; ++n) {
    auto bad = good;
    bad[random() % bad.size()] = static_cast<char>(random());
    bad.resize(bad.size() - random() % 3 * 8);
    (void)decode_personal_record(bad);  // under the sanitizers: touches nothing outside
  }
  EXPECT_FALSE(decode_personal_record({}));
  EXPECT_FALSE(decode_personal_record(std::string(64 * 1024, 'x')));
}

}  // namespace janji::schema
